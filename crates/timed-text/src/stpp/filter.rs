//! The parts of a document that a segment needs.

use std::num::NonZeroU32;
use std::ops::Range;

use crate::ttml::{Child, ElementTag, Interval, Ttml, is_sequence};

/// Samples are UTF-8 whatever the source was in.
const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";

/// An element that is shown or not as a whole.
struct Leaf {
    /// The container it lies in.
    parent: usize,
    /// Where in that container's own text.
    place: usize,
    /// Its bytes in the source, with the blanks before it.
    bytes: Range<usize>,
}

/// The whole document, or a `div` that is left out when nothing of it is shown.
struct Container {
    /// The container around it and the place in its text; `None` for the document.
    parent: Option<(usize, usize)>,
    /// All of its text but for leaves and containers inside of it.
    own: String,
}

/// A document in pieces, and the leaves of each segment. Segments are asked for in order.
pub(super) struct Filter<'a> {
    text: &'a str,
    containers: Vec<Container>,
    leaves: Vec<Leaf>,
    /// Leaves that start with each segment, and the segment each ends before.
    starting: Vec<Vec<usize>>,
    until: Vec<usize>,
    /// Leaves of the segment, in the order of the document.
    shown: Vec<usize>,
}

impl<'a> Filter<'a> {
    pub(super) fn of(ttml: &'a Ttml, timescale: NonZeroU32, borders: &[i64]) -> Self {
        let text = ttml.text();
        let declared = text.trim_start().starts_with("<?xml ").then(|| text.find("?>")).flatten();
        let start = declared.map_or(0, |at| at + 2);
        let mut builder = Builder {
            ttml,
            // Borders times a million, and microseconds times the timescale, compare exactly.
            borders: borders.iter().map(|&border| i128::from(border) * 1_000_000).collect(),
            timescale: i128::from(timescale.get()),
            filter: Filter {
                text,
                containers: Vec::new(),
                leaves: Vec::new(),
                starting: vec![Vec::new(); borders.len()],
                until: Vec::new(),
                shown: Vec::new(),
            },
        };
        builder.container(ttml.tree().body(), start..text.len(), None);
        builder.filter
    }

    /// The document of a segment.
    pub(super) fn document(&mut self, segment: usize) -> String {
        self.shown.retain(|&leaf| self.until[leaf] > segment);
        self.shown.append(&mut self.starting[segment]);
        self.shown.sort_unstable();
        let length: usize = self.shown.iter().map(|&leaf| self.leaves[leaf].bytes.len()).sum();
        let mut out = String::with_capacity(DECLARATION.len() + self.containers[0].own.len() + length);
        out.push_str(DECLARATION);
        // Open containers, outermost first, each with how much of its own text is written.
        let mut open: Vec<(usize, usize)> = vec![(0, 0)];
        for &index in &self.shown {
            let leaf = &self.leaves[index];
            self.enter(&mut out, &mut open, leaf.parent);
            self.copy(&mut out, &mut open, leaf.place);
            out.push_str(&self.text[leaf.bytes.clone()]);
        }
        while !open.is_empty() {
            self.copy(&mut out, &mut open, usize::MAX);
            open.pop();
        }
        out
    }

    /// Ends what does not hold `container` and begins what does, down to itself.
    fn enter(&self, out: &mut String, open: &mut Vec<(usize, usize)>, container: usize) {
        // From the container outwards, as far as they are not open yet; all lie in the document, which always is.
        let mut missing = Vec::new();
        let mut at = container;
        while !open.iter().any(|(known, _)| *known == at) {
            let Some((parent, place)) = self.containers[at].parent else { break };
            missing.push((at, place));
            at = parent;
        }
        while open.last().is_some_and(|(last, _)| *last != at) {
            self.copy(out, open, usize::MAX);
            open.pop();
        }
        for (index, place) in missing.into_iter().rev() {
            self.copy(out, open, place);
            open.push((index, 0));
        }
    }

    /// Writes the innermost container's own text up to `place`.
    fn copy(&self, out: &mut String, open: &mut [(usize, usize)], place: usize) {
        let Some((index, copied)) = open.last_mut() else { return };
        let own = &self.containers[*index].own;
        let place = place.min(own.len());
        out.push_str(&own[*copied..place]);
        *copied = place;
    }
}

struct Builder<'a> {
    ttml: &'a Ttml,
    borders: Vec<i128>,
    timescale: i128,
    filter: Filter<'a>,
}

impl Builder<'_> {
    /// Adds a container whose children are those of `element` and whose bytes are `bytes`. Recursion is bounded by the
    /// depth of the tree.
    fn container(&mut self, element: Option<usize>, bytes: Range<usize>, parent: Option<(usize, usize)>) {
        let (ttml, tree, text) = (self.ttml, self.ttml.tree(), self.filter.text);
        let index = self.filter.containers.len();
        self.filter.containers.push(Container { parent, own: String::new() });
        let mut own = String::new();
        let mut copied = bytes.start;
        // The times of a sequence depend on all of it.
        let node = element.map(|element| &tree.nodes[element]).filter(|node| !is_sequence(node));
        for child in node.into_iter().flat_map(|node| &node.children) {
            let Child::Element(child) = *child else { continue };
            let node = &tree.nodes[child];
            let leaf = tree.is_leaf(child) || node.tag == ElementTag::Div && self.is_indivisible(child);
            if !leaf && node.tag != ElementTag::Div {
                continue;
            }
            let from = text[..node.span.start].trim_end_matches([' ', '\t', '\r', '\n']).len().max(copied);
            own.push_str(&text[copied..from]);
            copied = node.span.end;
            let bytes = from..node.span.end;
            if leaf {
                self.leaf(Leaf { parent: index, place: own.len(), bytes }, ttml.interval(child));
            } else {
                self.container(Some(child), bytes, Some((index, own.len())));
            }
        }
        own.push_str(&text[copied..bytes.end]);
        self.filter.containers[index].own = own;
    }

    /// A `div` whose children cannot be left out one by one.
    fn is_indivisible(&self, element: usize) -> bool {
        is_sequence(&self.ttml.tree().nodes[element])
    }

    fn leaf(&mut self, leaf: Leaf, interval: Interval) {
        let segments = self.segments(interval);
        if !segments.is_empty() {
            let index = self.filter.leaves.len();
            self.filter.leaves.push(leaf);
            self.filter.until.push(segments.end);
            self.filter.starting[segments.start].push(index);
        }
    }

    /// The segments that overlap an interval.
    fn segments(&self, interval: Interval) -> Range<usize> {
        let last = self.borders.len().saturating_sub(1);
        if interval.is_empty() {
            return 0..0;
        }
        let begin = i128::from(interval.begin) * self.timescale;
        let first = self.borders.partition_point(|&border| border <= begin).saturating_sub(1);
        let end = interval.end.map_or(last, |end| {
            let end = i128::from(end) * self.timescale;
            self.borders.partition_point(|&border| border < end).min(last)
        });
        first..end.max(first)
    }
}
