//! A text document as cues.
//!
//! Kept: bold, italic and underlined text, colours of text and of its background, line breaks, ruby, and the place and
//! alignment of regions as far as cue settings go. Left out: fonts and their sizes, animation, sound.

use std::collections::HashMap;

use super::Ttml;
use super::inline::Renderer;
use super::names::{Attr, Tag};
use super::place::settings;
use super::style::{Computed, Specified, Styles};
use crate::error::Warnings;
use crate::{CUE_LIMIT, Cue, Document, OUTPUT_LIMIT, Parsed, TextError};

/// Where a cue ends whose paragraph has no end: 99:59:59.999.
pub const OPEN_END_US: i64 = 359_999_999_000;

/// The most elements looked at for one document: each change inside a paragraph looks at all of its spans.
const STEP_LIMIT: usize = 20_000_000;

pub(super) fn convert(ttml: &Ttml) -> Result<Parsed, TextError> {
    if ttml.profile.is_image() {
        return Err(TextError::ImageProfile);
    }
    let tree = &ttml.tree;
    let styles = Styles::of(tree);
    let mut converter = Converter {
        ttml,
        styles: &styles,
        renderer: Renderer::new(tree, &ttml.intervals, &styles),
        inherited: HashMap::new(),
        cues: Vec::new(),
        warnings: Warnings::default(),
        steps: 0,
        bytes: 0,
    };
    let animated = tree.body().is_some_and(|body| tree.nodes[body..].iter().any(|node| node.tag == Tag::Animation));
    if animated {
        converter.warnings.push(0, "animations are left out");
    }
    for index in ttml.leaves().filter(|&index| tree.nodes[index].tag == Tag::P) {
        converter.paragraph(index)?;
    }
    let Converter { mut cues, renderer, warnings, .. } = converter;
    cues.sort_by_key(|cue| (cue.start_us, cue.end_us));
    let document = Document {
        styles: renderer.style_blocks(),
        cues,
        language: ttml.language().map(str::to_owned),
        ..Document::default()
    };
    let mut all = ttml.warnings.clone();
    all.extend(warnings.into_vec());
    Ok(Parsed { document, warnings: all })
}

struct Converter<'a> {
    ttml: &'a Ttml,
    styles: &'a Styles<'a>,
    renderer: Renderer<'a>,
    /// What a parent hands down to its paragraphs, by parent and region.
    inherited: HashMap<(usize, Option<usize>), Computed>,
    cues: Vec<Cue>,
    warnings: Warnings,
    steps: usize,
    bytes: usize,
}

impl Converter<'_> {
    fn paragraph(&mut self, index: usize) -> Result<(), TextError> {
        let interval = self.ttml.intervals[index];
        if interval.is_empty() || interval.begin >= OPEN_END_US {
            return Ok(());
        }
        let end = interval.end.unwrap_or_else(|| {
            self.warnings.push_once(0, "a paragraph without an end is shown until 99:59:59.999");
            OPEN_END_US
        });
        let region = self.region(index);
        let computed = self.inherited(index, region).with(self.styles.specified(index));
        let place = region.map_or(Specified::default(), |region| self.styles.specified(region));
        let settings = settings(place, computed.align);
        let (times, elements) = self.changes(index, interval.begin, end);
        self.steps = self.steps.saturating_add(times.len().saturating_mul(elements + 1));
        if self.steps > STEP_LIMIT {
            return Err(TextError::TooLarge {
                what: "changes inside of paragraphs",
                found: self.steps,
                limit: STEP_LIMIT,
            });
        }
        let from = self.cues.len();
        for pair in times.windows(2) {
            if let Some(payload) = self.renderer.paragraph(index, computed, pair[0]) {
                self.push(from, pair[0], pair[1], &settings, payload)?;
            }
        }
        if let [cue] = &mut self.cues[from..] {
            cue.id = self.ttml.tree.nodes[index].get(Attr::Id).map(str::to_owned);
        }
        Ok(())
    }

    fn push(&mut self, from: usize, start: i64, end: i64, settings: &str, payload: String) -> Result<(), TextError> {
        if let Some(last) = self.cues[from..].last_mut().filter(|last| last.end_us == start && last.payload == payload)
        {
            last.end_us = end;
            return Ok(());
        }
        self.bytes += payload.len() + settings.len();
        if self.cues.len() == CUE_LIMIT {
            return Err(TextError::TooLarge { what: "cues", found: CUE_LIMIT + 1, limit: CUE_LIMIT });
        }
        if self.bytes > OUTPUT_LIMIT {
            return Err(TextError::TooLarge { what: "bytes of cue text", found: self.bytes, limit: OUTPUT_LIMIT });
        }
        self.cues.push(Cue { id: None, start_us: start, end_us: end, settings: settings.to_owned(), payload });
        Ok(())
    }

    /// The times from `begin` to `end` at which something inside of the paragraph comes or goes, with both; also how many
    /// elements it holds.
    fn changes(&self, index: usize, begin: i64, end: i64) -> (Vec<i64>, usize) {
        let tree = &self.ttml.tree;
        let mut times = vec![begin, end];
        // Elements are in document order, so that what a paragraph holds follows it.
        let inside = tree.nodes[index + 1..].iter().take_while(|node| node.span.start < tree.nodes[index].span.end);
        let mut count = 0;
        for (offset, node) in inside.enumerate() {
            count += 1;
            if node.tag == Tag::Span {
                let interval = self.ttml.intervals[index + 1 + offset];
                times.extend(
                    [Some(interval.begin), interval.end]
                        .into_iter()
                        .flatten()
                        .filter(|time| (begin..end).contains(time)),
                );
            }
        }
        times.sort_unstable();
        times.dedup();
        (times, count)
    }

    /// The region the paragraph is shown in.
    fn region(&self, index: usize) -> Option<usize> {
        let nodes = &self.ttml.tree.nodes;
        let chain = std::iter::successors(Some(index), |&index| nodes[index].parent);
        let id = chain.filter_map(|index| nodes[index].get(Attr::Region)).next()?;
        self.styles.region(id)
    }

    /// What the paragraph inherits: from its region, then from the body down.
    fn inherited(&mut self, index: usize, region: Option<usize>) -> Computed {
        let nodes = &self.ttml.tree.nodes;
        let Some(parent) = nodes[index].parent else { return Computed::INITIAL };
        if let Some(known) = self.inherited.get(&(parent, region)) {
            return *known;
        }
        let mut computed =
            region.map_or(Computed::INITIAL, |region| Computed::INITIAL.with(self.styles.specified(region)));
        let chain: Vec<usize> = std::iter::successors(Some(parent), |&index| nodes[index].parent).collect();
        for &ancestor in chain.iter().rev() {
            computed = computed.with(self.styles.specified(ancestor));
        }
        // The background of a block lies behind its area, not behind its text.
        computed.look.background = None;
        self.inherited.insert((parent, region), computed);
        computed
    }
}
