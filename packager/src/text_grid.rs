//! The segments that all text tracks of a presentation share: those of what they are shown beside.

use std::ops::RangeInclusive;

use media_types::Timescale;
use media_types::time::rescale;

/// Timescales in which times of subtitles come out to the millisecond, and back.
const FINE: RangeInclusive<u32> = 1000..=500_000;

/// Borders of text segments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextGrid {
    /// Ticks per second; [`TextGrid::scale_beside`] chooses it.
    pub scale: Timescale,
    /// From 0 to the end of the presentation, strictly ascending; at least two.
    pub borders: Vec<i64>,
}

impl TextGrid {
    /// The timescale of text beside a track: that of the track where it is fine enough, so that borders are exact.
    pub fn scale_beside(track: Option<Timescale>) -> Timescale {
        track.filter(|scale| FINE.contains(&scale.get())).unwrap_or(Timescale::NINETY_KHZ)
    }

    /// The borders in microseconds, rounded to nearest.
    pub fn borders_us(&self) -> Vec<i64> {
        self.borders.iter().map(|&at| rescale(at, 1_000_000, self.scale.get().into())).collect()
    }

    /// Length of the presentation in ticks.
    pub fn end(&self) -> u64 {
        self.borders.last().map_or(0, |end| end.unsigned_abs())
    }
}
