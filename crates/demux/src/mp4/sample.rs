//! One sample as its container states it.

/// A sample before edit lists and encryption are applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Raw {
    /// Where it lies in the file.
    pub(super) at: u64,
    /// Its bytes.
    pub(super) size: u32,
    /// Decode time in media ticks.
    pub(super) dts: i64,
    /// Composition offset in ticks. Unsigned in version 0 of the boxes, but half of that range is of no use, and there
    /// are writers that put negative ones there.
    pub(super) offset: i32,
    /// Length in ticks.
    pub(super) duration: u32,
    /// Whether decoding can start here.
    pub(super) sync: bool,
}

impl Raw {
    /// By how much the decode clock moves. Steps of 2^31 ticks and more are negative ones of careless writers: time
    /// stands still there.
    pub(super) fn step(&self) -> i64 {
        i32::try_from(self.duration).map_or(0, i64::from)
    }
}
