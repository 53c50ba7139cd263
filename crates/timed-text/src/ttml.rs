//! TTML documents and their IMSC profiles (W3C TTML1, TTML2; IMSC 1.0.1, 1.1, 1.2).
//!
//! A document is parsed once into a tree that knows its source bytes. From it come the times of each element
//! ([`Ttml::paragraphs`]), cues ([`Ttml::to_cues`]) and, in [`crate::stpp`], the parts that a segment needs.

mod clock;
mod cues;
mod inline;
mod names;
mod place;
mod profile;
mod style;
mod timing;
mod tree;

use std::ops::Range;

use names::Attr;
use tree::Tree;

use crate::error::Warnings;
use crate::{Parsed, TextError, Warning, decode};

pub use cues::OPEN_END_US;
pub use profile::{Forced, Profile};

/// A parsed document.
#[derive(Clone, Debug)]
pub struct Ttml {
    text: String,
    tree: Tree,
    intervals: Vec<Interval>,
    warnings: Vec<Warning>,
    profile: Profile,
    forced: Forced,
}

/// A `p`, or a `div` of the image profile: what is shown or not as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paragraph<'a> {
    /// `xml:id`.
    pub id: Option<&'a str>,
    /// First instant it is shown at, in microseconds.
    pub begin_us: i64,
    /// First instant it is no longer shown at; `None` when nothing ends it.
    pub end_us: Option<i64>,
    /// Its bytes in [`Ttml::text`].
    pub span: Range<usize>,
}

/// Reads a TTML document in UTF-8 or UTF-16.
///
/// A document type declaration is refused, since it is of no use here and may hold entities that grow without end; so are
/// more than 64 levels of elements, 500,000 elements and [`crate::BYTE_LIMIT`] bytes.
pub fn parse(bytes: &[u8]) -> Result<Ttml, TextError> {
    let text = decode::strict(bytes)?.into_owned();
    let mut warnings = Warnings::default();
    let tree = Tree::parse(&text, &mut warnings)?;
    let intervals = timing::resolve(&tree, &mut warnings);
    let (profile, forced) = (profile::detect(&tree), profile::forced(&tree));
    Ok(Ttml { text, tree, intervals, warnings: warnings.into_vec(), profile, forced })
}

impl Ttml {
    /// The source, without a byte order mark.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What was passed over while reading.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// What the document says it conforms to, or what its content shows.
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// Which of its paragraphs are to be shown even when subtitles are off (IMSC 1 `itts:forcedDisplay`).
    pub fn forced(&self) -> Forced {
        self.forced
    }

    /// `xml:lang` of the root, a BCP 47 language; `None` when empty.
    pub fn language(&self) -> Option<&str> {
        self.tree.root().get(Attr::Lang).map(str::trim).filter(|language| !language.is_empty())
    }

    /// Namespace of the root element.
    pub fn namespace(&self) -> &str {
        &self.tree.namespace
    }

    /// All paragraphs in document order, also those that are never shown.
    pub fn paragraphs(&self) -> impl Iterator<Item = Paragraph<'_>> {
        self.leaves().map(|index| {
            let (node, interval) = (&self.tree.nodes[index], self.intervals[index]);
            Paragraph {
                id: node.get(Attr::Id),
                begin_us: interval.begin,
                end_us: interval.end,
                span: node.span.clone(),
            }
        })
    }

    /// The latest end of a paragraph in microseconds; `None` when one has no end.
    pub fn end_us(&self) -> Option<i64> {
        self.paragraphs().filter(|p| p.end_us != Some(p.begin_us)).try_fold(0, |last, p| Some(p.end_us?.max(last)))
    }

    /// The document in terms of WebVTT: bold, italic, underline, colours, ruby, line breaks and the
    /// place of regions are kept as far as WebVTT has them. Fails for the image profile.
    pub fn to_cues(&self) -> Result<Parsed, TextError> {
        cues::convert(self)
    }

    fn leaves(&self) -> impl Iterator<Item = usize> {
        (0..self.tree.nodes.len()).filter(|&index| self.tree.is_leaf(index))
    }

    pub(crate) fn tree(&self) -> &Tree {
        &self.tree
    }

    pub(crate) fn interval(&self, index: usize) -> Interval {
        self.intervals[index]
    }
}

pub(crate) use names::Tag as ElementTag;
pub(crate) use timing::{Interval, is_sequence};
pub(crate) use tree::Child;

#[cfg(test)]
mod tests;
