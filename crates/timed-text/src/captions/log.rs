//! Since when something is shown, and what was.

use super::cells::Block;

/// A writer who stops for so long leaves a caption of its own.
const PAUSE_US: i64 = 1_000_000;

/// Text that was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) start_us: i64,
    pub(super) end_us: Option<i64>,
    pub(super) block: Block,
}

/// What is told of one area of the picture.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Log {
    since_us: i64,
    touched_us: i64,
}

impl Log {
    /// What is shown changes as a whole: `blocks` were there until now.
    pub(super) fn changes(&mut self, at_us: i64, blocks: Vec<Block>, out: &mut Vec<Said>) {
        if at_us > self.since_us {
            let shown = |block| Said { start_us: self.since_us, end_us: Some(at_us), block };
            out.extend(blocks.into_iter().map(shown));
        }
        (self.since_us, self.touched_us) = (at_us, at_us);
    }

    /// Characters are added to what is shown, which is `blocks`.
    pub(super) fn grows(&mut self, at_us: i64, blocks: impl FnOnce() -> Vec<Block>, out: &mut Vec<Said>) {
        if at_us.saturating_sub(self.touched_us) >= PAUSE_US {
            self.changes(at_us, blocks(), out);
        } else {
            self.touched_us = at_us;
        }
    }

    /// Nothing was shown until now.
    pub(super) fn begins(&mut self, at_us: i64) {
        (self.since_us, self.touched_us) = (at_us, at_us);
    }

    /// Nothing follows.
    pub(super) fn finish(self, blocks: Vec<Block>, out: &mut Vec<Said>) {
        out.extend(blocks.into_iter().map(|block| Said { start_us: self.since_us, end_us: None, block }));
    }
}
