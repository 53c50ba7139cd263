//! When each element is active (TTML2 §12.1, after SMIL).

use super::clock::Clock;
use super::names::{Attr, Tag};
use super::tree::{Child, Node, Tree};
use crate::error::{Warnings, excerpt};

/// From `begin` up to `end`, in microseconds; `None` while nothing ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interval {
    pub(crate) begin: i64,
    pub(crate) end: Option<i64>,
}

impl Interval {
    const NEVER: Interval = Interval { begin: i64::MAX, end: Some(i64::MAX) };

    pub(crate) fn is_empty(self) -> bool {
        self.end.is_some_and(|end| end <= self.begin)
    }
}

/// Whether its children follow one another rather than run together.
pub(crate) fn is_sequence(node: &Node) -> bool {
    node.get(Attr::TimeContainer) == Some("seq")
}

/// The interval of every element; of no meaning for those outside of the body.
pub(super) fn resolve(tree: &Tree, warnings: &mut Warnings) -> Vec<Interval> {
    let clock = Clock::of(tree.root(), warnings);
    let mut resolver = Resolver { tree, clock, out: vec![Interval::NEVER; tree.nodes.len()], warnings };
    if let Some(body) = tree.body() {
        resolver.element(body, 0, None);
    }
    resolver.out
}

struct Resolver<'a> {
    tree: &'a Tree,
    clock: Clock,
    out: Vec<Interval>,
    warnings: &'a mut Warnings,
}

fn earlier(left: Option<i64>, right: Option<i64>) -> Option<i64> {
    match (left, right) {
        (Some(left), Some(right)) => Some(left.min(right)),
        (one, other) => one.or(other),
    }
}

impl Resolver<'_> {
    fn time(&mut self, node: &Node, name: Attr) -> Option<i64> {
        let text = node.get(name)?;
        let time = self.clock.time(text);
        if time.is_none() {
            self.warnings.push(0, format!("the time {:?} is not valid and is left out", excerpt(text)));
        }
        time
    }

    /// Its times are relative to `from`; it ends at `limit` at the latest, and by itself when all that it shows has ended.
    /// Gives its end. Recursion is bounded by the tree's depth.
    fn element(&mut self, index: usize, from: i64, limit: Option<i64>) -> Option<i64> {
        let tree = self.tree;
        let node = &tree.nodes[index];
        let begin = from.saturating_add(self.time(node, Attr::Begin).unwrap_or(0));
        let by_duration = self.time(node, Attr::Dur).map(|length| begin.saturating_add(length));
        let by_end = self.time(node, Attr::End).map(|end| from.saturating_add(end));
        let bound = earlier(earlier(by_duration, by_end), limit);
        let end = match self.children(node, begin, bound) {
            Last::Never => bound,
            Last::At(last) => earlier(bound, Some(last)),
        };
        let end = end.map(|end| end.max(begin));
        self.out[index] = Interval { begin, end };
        end
    }

    fn children(&mut self, node: &Node, begin: i64, bound: Option<i64>) -> Last {
        let tree = self.tree;
        let sequence = is_sequence(node);
        let mut last = Last::At(begin);
        // Text runs for as long as what holds it; so do pictures.
        let shows = node.children.iter().any(|child| match child {
            Child::Text(text) => !text.trim().is_empty(),
            Child::Element(child) => matches!(tree.nodes[*child].tag, Tag::Image | Tag::Br),
        });
        if shows || node.get(Attr::BackgroundImage).is_some() {
            last = Last::Never;
        }
        let mut cursor = Some(begin);
        for child in node.elements().filter(|&child| matches!(tree.nodes[child].tag, Tag::Div | Tag::P | Tag::Span)) {
            // Behind something without an end nothing of a sequence ever starts.
            let Some(from) = cursor else { break };
            let end = self.element(child, from, bound);
            if sequence {
                cursor = end;
            }
            last = match (last, end) {
                (Last::At(last), Some(end)) => Last::At(last.max(end)),
                _ => Last::Never,
            };
        }
        last
    }
}

/// When the last of an element's children ends.
#[derive(Clone, Copy)]
enum Last {
    At(i64),
    Never,
}
