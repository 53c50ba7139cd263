//! What the streams of a program share: the timeline, the queue of finished units, what is told about the file.

use std::collections::VecDeque;

use bytes::Bytes;
use media_types::time::rescale;

use super::clock::{HERTZ, Placed, Timeline};
use crate::{DemuxError, Warning};

/// Warnings that are told in all.
const MOST_WARNINGS: usize = 100;

/// When a unit is decoded and presented, before the presentation's start is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Time {
    /// Of the 90 kHz clock.
    Ticks { pts: i64, dts: i64 },
    /// `count` samples of `rate` a second after `anchor`, which is in 90 kHz.
    Samples { anchor: i64, count: i64, rate: u32 },
}

impl Time {
    /// Presentation time in 90 kHz, rounded to nearest.
    pub(super) fn pts(self) -> i64 {
        match self {
            Self::Ticks { pts, .. } => pts,
            Self::Samples { anchor, count, rate } => anchor.saturating_add(rescale(count, HERTZ, rate.into())),
        }
    }

    /// Presentation and decoding time in ticks of the track, counted from `zero` (90 kHz).
    pub(super) fn since(self, zero: i64) -> (i64, i64) {
        match self {
            Self::Ticks { pts, dts } => (pts.saturating_sub(zero), dts.saturating_sub(zero)),
            Self::Samples { anchor, count, rate } => {
                let at = rescale(anchor.saturating_sub(zero), rate.into(), HERTZ).saturating_add(count);
                (at, at)
            }
        }
    }
}

/// A finished access unit.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    /// Position of its stream in the program.
    pub(super) stream: usize,
    pub(super) time: Time,
    /// In samples, for sound.
    pub(super) duration: Option<u32>,
    pub(super) keyframe: bool,
    pub(super) data: Bytes,
}

/// What all streams of the program write to.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) timeline: Timeline,
    pub(super) units: VecDeque<Unit>,
    /// Where the packet lies that is being read.
    pub(super) offset: u64,
    warnings: Vec<Warning>,
    told: usize,
}

impl Shared {
    /// Something was passed over or mended at the packet that is being read.
    pub(super) fn warn(&mut self, what: impl FnOnce() -> String) {
        self.warn_at(self.offset, what);
    }

    /// The same, at another place.
    pub(super) fn warn_at(&mut self, offset: u64, what: impl FnOnce() -> String) {
        self.told += 1;
        match self.told {
            ..MOST_WARNINGS => self.warnings.push(Warning { offset, what: what() }),
            MOST_WARNINGS => self
                .warnings
                .push(Warning { offset, what: "more damage follows, which is not told one by one".to_owned() }),
            _ => {}
        }
    }

    /// A stamp moved the time base of `name`.
    pub(super) fn tell_jump(&mut self, name: &str, placed: Placed) {
        if let Some(ticks) = placed.jumped {
            self.warn(|| {
                format!(
                    "the time stamps of {name} jump by {:.3} s: they go on without a gap",
                    -(ticks as f64) / HERTZ as f64
                )
            });
        }
    }

    /// That the file cannot be read beyond the packet that is being read.
    pub(super) fn refuse(&self, reason: String) -> DemuxError {
        DemuxError { offset: self.offset, reason }
    }

    /// What was told since the last call.
    pub(super) fn take_warnings(&mut self) -> Vec<Warning> {
        std::mem::take(&mut self.warnings)
    }
}
