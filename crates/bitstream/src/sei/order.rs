//! Captions follow presentation order, pictures decode order.

use std::collections::BTreeMap;

use super::CaptionPair;

/// More pictures than any stream may hold back to put them into order (16; ITU-T H.264 §A.3.1, H.265 §A.4.2).
const REORDERED: usize = 32;

/// Pairs held back at most; a picture has 31, or 62 as two fields.
const PAIRS: usize = 64 * REORDERED;

/// Holds the captions of a few pictures back until none can come before them.
#[derive(Clone, Debug, Default)]
pub struct CaptionOrder {
    waiting: BTreeMap<i64, Vec<CaptionPair>>,
    /// Pairs in `waiting`.
    held: usize,
}

impl CaptionOrder {
    /// Takes the captions of the next picture in decode order, and when it is shown, in any unit.
    pub fn picture(&mut self, pts: i64, pairs: Vec<CaptionPair>) {
        if !pairs.is_empty() {
            self.held += pairs.len();
            self.waiting.entry(pts).or_default().extend(pairs);
        }
    }

    /// The captions of the picture that is shown next, once that is certain.
    pub fn next_shown(&mut self) -> Option<(i64, Vec<CaptionPair>)> {
        if self.waiting.len() > REORDERED || self.held > PAIRS { self.next_left() } else { None }
    }

    /// The same when no more pictures come.
    pub fn next_left(&mut self) -> Option<(i64, Vec<CaptionPair>)> {
        let first = self.waiting.pop_first()?;
        self.held -= first.1.len();
        Some(first)
    }
}
