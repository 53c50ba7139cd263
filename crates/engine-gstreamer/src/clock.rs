//! Times in the library's nanoseconds, and back without loss.

use media_types::{FrameRate, Rational};

/// Nanoseconds in a second.
const SECOND: i128 = 1_000_000_000;
/// Where the first wanted picture lies: what is decoded before it has times above 0, too.
const WANTED_AT: i128 = 24 * 3600 * SECOND;
/// Ticks this short, in nanoseconds, could not be told apart any more.
const SHORTEST_TICK: i128 = 4;

/// Source ticks as the library has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SourceClock {
    num: i128,
    den: i128,
    wanted: i128,
}

impl SourceClock {
    /// Of a stream whose first wanted picture is at `wanted`; `None` when its ticks are too short, or none.
    pub(crate) fn new(time_base: Rational, wanted: i64) -> Option<Self> {
        let (num, den) = (i128::from(time_base.num), i128::from(time_base.den));
        let fits = num > 0 && den > 0 && num * SECOND / den >= SHORTEST_TICK;
        fits.then_some(Self { num, den, wanted: wanted.into() })
    }

    /// `None` for what lies more than a day before the first wanted picture.
    pub(crate) fn nanoseconds(self, ticks: i64) -> Option<u64> {
        let from_wanted = (i128::from(ticks) - self.wanted) * self.num * SECOND;
        u64::try_from(WANTED_AT + from_wanted.div_euclid(self.den)).ok()
    }

    /// The tick whose [`nanoseconds`](Self::nanoseconds) these are.
    pub(crate) fn ticks(self, nanoseconds: u64) -> Option<i64> {
        let from_wanted = (i128::from(nanoseconds) - WANTED_AT) * self.den;
        let unit = self.num * SECOND;
        i64::try_from((from_wanted + unit / 2).div_euclid(unit) + self.wanted).ok()
    }
}

/// Where a range's first frame lies for an encoder. Some move times below 1000 hours up to there, for the sake of decode times
/// below 0, and then no longer know the times at which they were told to make key frames.
const FIRST_FRAME_AT: i128 = 2_000 * 3600 * SECOND;

/// When frame `index` of a range is shown, in nanoseconds on the encoders' clock.
pub(crate) fn frame_time(rate: FrameRate, index: u64) -> u64 {
    u64::try_from(FIRST_FRAME_AT + span(rate, index)).unwrap_or(u64::MAX)
}

/// The frame whose [`frame_time`] it is, give or take a microsecond.
pub(crate) fn frame_at(rate: FrameRate, nanoseconds: u64) -> Option<u64> {
    let unit = SECOND * i128::from(rate.den());
    let frame = ((i128::from(nanoseconds) - FIRST_FRAME_AT) * i128::from(rate.num()) + unit / 2).div_euclid(unit);
    let frame = u64::try_from(frame).ok()?;
    (frame_time(rate, frame).abs_diff(nanoseconds) <= 1_000).then_some(frame)
}

/// How long a frame is shown, in nanoseconds.
pub(crate) fn frame_length(rate: FrameRate) -> u64 {
    u64::try_from(span(rate, 1)).unwrap_or(u64::MAX)
}

fn span(rate: FrameRate, frames: u64) -> i128 {
    i128::from(frames) * SECOND * i128::from(rate.den()) / i128::from(rate.num())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_tick_comes_back() {
        for (num, den) in [(1, 90_000), (1, 12_800), (1001, 30_000), (1, 1_000_000), (1, 25), (1, 1_000)] {
            for wanted in [0, 1 << 33, -5_000] {
                let clock = SourceClock::new(Rational { num, den }, wanted).unwrap();
                for ticks in (wanted - 50..wanted + 50).chain([wanted + 123_456_789]) {
                    assert_eq!(clock.ticks(clock.nanoseconds(ticks).unwrap()), Some(ticks), "{num}/{den}");
                }
            }
        }
    }

    #[test]
    fn every_frame_comes_back_and_nothing_between() {
        for (num, den) in [(25, 1), (30_000, 1001), (24_000, 1001), (60, 1), (1, 1)] {
            let rate = FrameRate::new(num, den).unwrap();
            for frame in (0..100).chain([1_000_000]) {
                let time = frame_time(rate, frame);
                assert_eq!([time - 900, time, time + 900].map(|time| frame_at(rate, time)), [Some(frame); 3]);
                assert_eq!(frame_at(rate, time + frame_length(rate) / 2), None);
            }
            assert_eq!(frame_at(rate, 0), None);
        }
    }

    #[test]
    fn clocks_that_cannot_be_kept_are_none() {
        for (num, den) in [(1, i32::MAX), (0, 1), (1, 0), (-1, 25)] {
            assert_eq!(SourceClock::new(Rational { num, den }, 0), None);
        }
        let clock = SourceClock::new(Rational { num: 1, den: 1 }, 0).unwrap();
        assert_eq!(clock.nanoseconds(-100_000), None);
    }
}
