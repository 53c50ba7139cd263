//! Times of audio frames: counted in samples, so that nothing drifts or jitters.

use media_types::Timescale;

use super::rate::Scale;

/// A frame of a track's beginning: its timestamp and its samples.
pub(super) type Timing = (i64, u32);

/// The times of one audio track.
#[derive(Debug)]
pub(super) struct Sound {
    scale: Scale,
    /// Ticks that decoding takes in before anything is heard; they lie before the first timestamp.
    priming: i64,
    /// Where the next frame begins, without the priming.
    next: Option<i64>,
    /// Where the last frame began.
    last: Option<i64>,
    /// Ticks that timestamps may be off the count.
    tolerance: i64,
}

/// How far a timestamp was off the count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Jump {
    /// Milliseconds, negative when frames overlap.
    pub(super) ms: i64,
}

impl Sound {
    /// Timestamps may differ from the count by this and one timestamp unit: recorders write the time of capture, which
    /// jitters, while a lost frame of any codec is longer.
    const TOLERANCE_NS: i64 = 5_000_000;

    /// `priming` is in ticks of `timescale`, the sample rate.
    pub(super) fn new(timescale: Timescale, unit_ns: u64, priming: i64, first: &[Timing]) -> Sound {
        let scale = Scale { unit_ns, timescale };
        let tolerance = scale.ticks_of_ns(Self::TOLERANCE_NS).saturating_add(scale.ticks(1));
        Sound { scale, priming, next: origin(scale, first), last: None, tolerance }
    }

    pub(super) fn timescale(&self) -> Timescale {
        self.scale.timescale
    }

    /// The time of a frame of `samples` with this timestamp, and by how much that one was off, when it was off by so
    /// much that counting begins anew. A frame inside a lace has no timestamp.
    pub(super) fn next(&mut self, raw: Option<i64>, samples: u32) -> (i64, Option<Jump>) {
        let written = raw.map(|raw| self.scale.ticks(raw));
        let (at, jump) = match (self.next, written) {
            (Some(next), Some(written)) if (written - next).abs() > self.tolerance => {
                let ms = (written - next).saturating_mul(1000) / i64::from(self.scale.timescale.get());
                (written, Some(Jump { ms }))
            }
            (Some(next), _) => (next, None),
            (None, written) => (written.unwrap_or(0), None),
        };
        // However much frames overlap, each begins after the one before.
        let at = self.last.map_or(at, |last| at.max(last.saturating_add(1)));
        self.last = Some(at);
        self.next = Some(at.saturating_add(samples.into()));
        (at - self.priming, jump)
    }

    /// `ns` nanoseconds in samples.
    pub(super) fn samples(&self, ns: i64) -> i64 {
        self.scale.ticks_of_ns(ns)
    }
}

/// Where the first frame begins: every rounded timestamp bounds it, and among what is left a multiple of the frame's
/// length is likeliest, as encoders count from zero. Some writers round the codec delay that they add, so that this is
/// half a unit off.
fn origin(scale: Scale, first: &[Timing]) -> Option<i64> {
    let &(raw, samples) = first.first()?;
    let written = scale.ticks(raw);
    let half = (scale.ticks(1) + 1) / 2;
    let (mut low, mut high, mut count) = (i64::MIN, i64::MAX, 0i64);
    for &(raw, samples) in first {
        let at = scale.ticks(raw) - count;
        let (next_low, next_high) = (low.max(at - half), high.min(at + half));
        if next_low > next_high {
            break;
        }
        (low, high) = (next_low, next_high);
        count += i64::from(samples);
    }
    let frame = i64::from(samples.max(1));
    let multiple = (written + frame / 2).div_euclid(frame) * frame;
    Some(if (low - half..=high + half).contains(&multiple) { multiple } else { written.clamp(low, high) })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_gap_begins_the_count_anew() {
        let rate = Timescale::new(48_000).unwrap();
        let mut sound = Sound::new(rate, 1_000_000, 312, &[(0, 960), (20, 960)]);
        assert_eq!(sound.next(Some(0), 960), (-312, None));
        assert_eq!(sound.next(None, 960), (648, None));
        assert_eq!(sound.next(Some(45), 960), (1608, None));
        assert_eq!(sound.next(Some(100), 960), (4800 - 312, Some(Jump { ms: 40 })));
        assert_eq!(sound.next(Some(120), 960), (5760 - 312, None));
    }

    proptest! {
        #[test]
        fn rounded_times_become_the_exact_count(start in 0i64..200, which in 0usize..3, frame in 0usize..3, count in 40usize..2000) {
            let rate = [48_000u32, 44_100, 22_050][which];
            let frame = [1024u32, 1152, 960][frame];
            let raw_of = |at: i64| (at * 1000 + i64::from(rate) / 2) / i64::from(rate);
            let exact: Vec<i64> = (0..count as i64).map(|at| (start + at) * i64::from(frame)).collect();
            let timings: Vec<_> = exact.iter().take(40).map(|&at| (raw_of(at), frame)).collect();
            let mut sound = Sound::new(Timescale::new(rate).unwrap(), 1_000_000, 0, &timings);
            for at in exact {
                prop_assert_eq!(sound.next(Some(raw_of(at)), frame), (at, None));
            }
        }
    }
}
