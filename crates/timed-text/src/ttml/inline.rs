//! The content of a paragraph as cue text.

use std::collections::BTreeSet;

use super::names::{Attr, Tag};
use super::style::{Computed, Look, Rgb, Styles, class};
use super::timing::Interval;
use super::tree::{Child, Tree};
use crate::markup::push_escaped;

/// Writes cue text and remembers the colours that WebVTT has no class for.
pub(super) struct Renderer<'a> {
    pub(super) tree: &'a Tree,
    pub(super) intervals: &'a [Interval],
    pub(super) styles: &'a Styles<'a>,
    pub(super) colors: BTreeSet<Rgb>,
    pub(super) backgrounds: BTreeSet<Rgb>,
    out: String,
    look: Look,
    space: bool,
    line_empty: bool,
    visible: bool,
}

impl<'a> Renderer<'a> {
    pub(super) fn new(tree: &'a Tree, intervals: &'a [Interval], styles: &'a Styles<'a>) -> Self {
        Self {
            tree,
            intervals,
            styles,
            colors: BTreeSet::new(),
            backgrounds: BTreeSet::new(),
            out: String::new(),
            look: Look::default(),
            space: false,
            line_empty: true,
            visible: false,
        }
    }

    /// What the paragraph shows at `time`; `None` when that is nothing.
    pub(super) fn paragraph(&mut self, index: usize, computed: Computed, time: i64) -> Option<String> {
        self.out.clear();
        (self.look, self.space, self.line_empty, self.visible) = (Look::default(), false, true, false);
        let preserve = self.preserves(index);
        self.content(index, computed, preserve, time);
        self.set_look(Look::default());
        let text = crate::webvtt::clean_payload(self.out.trim_end_matches('\n')).into_owned();
        self.visible.then_some(text)
    }

    /// `xml:space` of the element or of what it lies in.
    fn preserves(&self, index: usize) -> bool {
        let chain = std::iter::successors(Some(index), |&index| self.tree.nodes[index].parent);
        chain.filter_map(|index| self.tree.nodes[index].get(Attr::Space)).next() == Some("preserve")
    }

    fn content(&mut self, index: usize, computed: Computed, preserve: bool, time: i64) {
        let tree = self.tree;
        for child in &tree.nodes[index].children {
            match child {
                Child::Text(text) if computed.visible && computed.displayed => self.text(text, computed.look, preserve),
                Child::Text(_) => {}
                Child::Element(child) => match tree.nodes[*child].tag {
                    Tag::Br if computed.displayed => self.line_break(),
                    Tag::Span => self.span(*child, computed, preserve, time),
                    _ => {}
                },
            }
        }
    }

    fn span(&mut self, index: usize, computed: Computed, preserve: bool, time: i64) {
        let interval = self.intervals[index];
        if time < interval.begin || interval.end.is_some_and(|end| time >= end) {
            return;
        }
        let node = &self.tree.nodes[index];
        let computed = computed.with(self.styles.specified(index));
        let preserve = node.get(Attr::Space).map_or(preserve, |value| value == "preserve");
        let tags = match node.get(Attr::Ruby) {
            Some("container") => Some(("<ruby>", "</ruby>")),
            Some("text") => Some(("<rt>", "</rt>")),
            // What stands around the ruby where it cannot be shown above.
            Some("delimiter") => return,
            _ => None,
        };
        if let Some((open, _)) = tags {
            self.tag(open);
        }
        self.content(index, computed, preserve, time);
        if let Some((_, close)) = tags {
            self.tag(close);
        }
    }

    fn tag(&mut self, tag: &str) {
        self.put_space(self.look);
        self.set_look(Look::default());
        self.out.push_str(tag);
    }

    fn line_break(&mut self) {
        self.space = false;
        self.line_empty = true;
        self.out.push('\n');
    }

    fn text(&mut self, text: &str, look: Look, preserve: bool) {
        let blank = [' ', '\t', '\n', '\r'];
        if preserve {
            for (count, line) in text.split('\n').enumerate() {
                if count > 0 {
                    self.line_break();
                }
                self.word(line.trim_end_matches('\r'), look);
            }
            return;
        }
        self.space |= text.starts_with(blank);
        for word in text.split(blank).filter(|word| !word.is_empty()) {
            self.word(word, look);
            self.space = true;
        }
        self.space &= text.ends_with(blank) || text.is_empty();
    }

    fn word(&mut self, word: &str, look: Look) {
        if word.is_empty() {
            return;
        }
        self.put_space(look);
        self.set_look(look);
        push_escaped(&mut self.out, word);
        self.line_empty = false;
        self.visible = true;
    }

    /// The space that waits to be followed by something.
    fn put_space(&mut self, look: Look) {
        if std::mem::take(&mut self.space) && !self.line_empty {
            // Where the look changes the space is outside of both.
            if look != self.look {
                self.set_look(Look::default());
            }
            self.out.push(' ');
        }
    }

    fn set_look(&mut self, look: Look) {
        if look == self.look {
            return;
        }
        let (before, after) = (std::mem::replace(&mut self.look, look), look);
        for (on, tag) in
            [(before.underline, "</u>"), (before.italic, "</i>"), (before.bold, "</b>"), (has_class(before), "</c>")]
        {
            if on {
                self.out.push_str(tag);
            }
        }
        if has_class(after) {
            self.out.push_str("<c");
            if let Some(rgb) = text_color(after) {
                self.push_class("", rgb);
            }
            if let Some(rgb) = background(after) {
                self.push_class("bg_", rgb);
            }
            self.out.push('>');
        }
        for (on, tag) in [(after.bold, "<b>"), (after.italic, "<i>"), (after.underline, "<u>")] {
            if on {
                self.out.push_str(tag);
            }
        }
    }

    fn push_class(&mut self, prefix: &str, rgb: Rgb) {
        self.out.push('.');
        self.out.push_str(prefix);
        match class(rgb) {
            Some(name) => self.out.push_str(name),
            None => {
                let used = if prefix.is_empty() { &mut self.colors } else { &mut self.backgrounds };
                used.insert(rgb);
                self.out.push_str(&own_class(rgb));
            }
        }
    }

    /// `STYLE` blocks for the colours that have no class in the standard.
    pub(super) fn style_blocks(&self) -> Vec<String> {
        let rule = |prefix: &str, property: &str, rgb: &Rgb| {
            let name = own_class(*rgb);
            format!("::cue(.{prefix}{name}) {{ {property}: #{} }}", &name[5..])
        };
        let colors = self.colors.iter().map(|rgb| rule("", "color", rgb));
        let backgrounds = self.backgrounds.iter().map(|rgb| rule("bg_", "background-color", rgb));
        let rules: Vec<String> = colors.chain(backgrounds).collect();
        if rules.is_empty() { Vec::new() } else { vec![rules.join("\n")] }
    }
}

fn own_class([red, green, blue]: Rgb) -> String {
    format!("color{red:02x}{green:02x}{blue:02x}")
}

/// White is what cues are anyhow.
fn text_color(look: Look) -> Option<Rgb> {
    look.color.filter(|rgb| *rgb != [255; 3])
}

/// Cues stand on black anyhow.
fn background(look: Look) -> Option<Rgb> {
    look.background.filter(|rgb| *rgb != [0; 3])
}

fn has_class(look: Look) -> bool {
    text_color(look).is_some() || background(look).is_some()
}
