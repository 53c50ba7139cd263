//! Exact picture times out of rounded ones.
//!
//! Matroska stores presentation times in units of usually 1 ms. Where the track states how long a picture lasts, and the
//! first pictures agree, their true times are multiples of the frame's length, and every time is put on that grid. Where
//! not, times are what is written, in 90,000ths of a second.

use media_types::{FrameRate, Timescale};

/// Converts timestamps of the file to ticks of a track.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    /// Nanoseconds of one timestamp unit.
    pub(super) unit_ns: u64,
    pub(super) timescale: Timescale,
}

const SECOND_NS: i128 = 1_000_000_000;

impl Scale {
    /// `raw` timestamp units in ticks, rounded to nearest.
    pub(super) fn ticks(self, raw: i64) -> i64 {
        div_round(i128::from(raw) * self.per_unit(), SECOND_NS)
    }

    /// `ns` nanoseconds in ticks, rounded to nearest.
    pub(super) fn ticks_of_ns(self, ns: i64) -> i64 {
        div_round(i128::from(ns) * i128::from(self.timescale.get()), SECOND_NS)
    }

    /// Ticks of one timestamp unit, times 10⁹.
    fn per_unit(self) -> i128 {
        i128::from(self.unit_ns) * i128::from(self.timescale.get())
    }
}

fn div_round(value: i128, divisor: i128) -> i64 {
    let rounded = (value + divisor / 2).div_euclid(divisor);
    i64::try_from(rounded).unwrap_or(if rounded < 0 { i64::MIN / 4 } else { i64::MAX / 4 })
}

/// Times of one constant rate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    pub(super) rate: FrameRate,
    pub(super) scale: Scale,
    /// Ticks of a frame.
    pub(super) frame: u32,
    /// Ticks at which some frame lies.
    phase: i64,
}

impl Grid {
    /// A grid of `rate` that holds all `raw` timestamps within one unit; `None` when there is none.
    pub(super) fn fit(rate: FrameRate, unit_ns: u64, raw: &[i64]) -> Option<Grid> {
        let timescale = rate.video_timescale()?;
        let frame = rate.frame_ticks(timescale)?;
        // On a grid finer than the timestamps every time would fit, and none would be known better than written.
        if u128::from(frame) * SECOND_NS as u128 <= 2 * u128::from(unit_ns) * u128::from(timescale.get()) {
            return None;
        }
        let scale = Scale { unit_ns, timescale };
        let grid = Grid { rate, scale, frame, phase: 0 };
        if raw.iter().all(|&raw| grid.snap(raw).is_some()) {
            return Some(grid);
        }
        // Offsets from the first time's own frame bound the phase from both sides.
        let (mut low, mut high) = (i64::MIN, i64::MAX);
        let first = scale.ticks(*raw.first()?);
        let unit = scale.ticks(1).max(1);
        for &raw in raw {
            let offset = scale.ticks(raw) - first;
            let nearest = div_round(offset.into(), frame.into()).checked_mul(frame.into())?;
            low = low.max(offset - nearest - unit);
            high = high.min(offset - nearest + unit);
        }
        let middle = (low <= high).then(|| low + (high - low) / 2)?;
        let grid = Grid { phase: first + middle, ..grid };
        raw.iter().all(|&raw| grid.snap(raw).is_some()).then_some(grid)
    }

    /// The time on the grid that is at most one timestamp unit from `raw`.
    pub(super) fn snap(&self, raw: i64) -> Option<i64> {
        let exact = i128::from(raw) * self.scale.per_unit();
        let phase = i128::from(self.phase) * SECOND_NS;
        let frame = i128::from(self.frame) * SECOND_NS;
        let count = (exact - phase + frame / 2).div_euclid(frame);
        let on_grid = phase + count * frame;
        let near = (exact - on_grid).abs() <= self.scale.per_unit();
        near.then(|| i64::try_from(on_grid / SECOND_NS).ok()).flatten()
    }

    /// Whether the `sorted` timestamps, all on the grid, leave no frame of it out.
    pub(super) fn is_filled_by(&self, sorted: &[i64]) -> bool {
        let frame = i64::from(self.frame);
        let mut times = sorted.iter().filter_map(|&raw| self.snap(raw));
        let Some(mut last) = times.next() else { return true };
        times.all(|time| time - std::mem::replace(&mut last, time) <= frame)
    }

    /// The least number of whole frames that is not shorter than `ticks`.
    pub(super) fn round_up(&self, ticks: i64) -> i64 {
        let frame = i64::from(self.frame);
        // What is rounded is off by up to a timestamp unit.
        (ticks - self.scale.ticks(1) + frame - 1).div_euclid(frame).max(0).saturating_mul(frame)
    }

    /// The grid moved so that `raw` lies on it, rounded to a tick.
    pub(super) fn moved(self, raw: i64) -> Grid {
        Grid { phase: self.scale.ticks(raw), ..self }
    }
}

/// The rate whose frame lasts `ns` nanoseconds, when it is one that pictures are made at: whole, whole × 1000/1001, or a
/// small fraction. Rounding to a microsecond is allowed for.
pub(super) fn recognise(ns: u64) -> Option<FrameRate> {
    if !(1_000_000..=100_000_000_000).contains(&ns) {
        return None;
    }
    for den in [1u64, 1001, 2, 3, 4, 5, 10, 100] {
        let step = if den == 1001 { 1000 } else { 1 };
        let num = (den * 1_000_000_000 + ns * step / 2) / (ns * step) * step;
        if num == 0 {
            continue;
        }
        // Off by at most 30 millionths: 30 and 30000/1001 are a thousandth apart.
        let off = (i128::from(ns) * i128::from(num) - i128::from(den) * SECOND_NS).abs();
        if off * 1_000_000 <= 30 * i128::from(den) * SECOND_NS {
            return FrameRate::new(u32::try_from(num).ok()?, u32::try_from(den).ok()?);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn frame_lengths_tell_their_rates() {
        for (ns, num, den) in [
            (33_366_667, 30_000, 1001),
            (33_366_666, 30_000, 1001),
            (33_333_333, 30, 1),
            (41_708_333, 24_000, 1001),
            (41_666_666, 24, 1),
            (40_000_000, 25, 1),
            (16_683_333, 60_000, 1001),
            (20_000_000, 50, 1),
            (80_000_000, 25, 2),
            (133_333_333, 15, 2),
            (5_000_000_000, 1, 5),
            (33_366_000, 30_000, 1001),
        ] {
            assert_eq!(recognise(ns), FrameRate::new(num, den), "{ns}");
        }
        assert_eq!(recognise(33_350_000), None);
        assert_eq!(recognise(0), None);
    }

    #[test]
    fn a_grid_that_times_leave_is_none() {
        let rate = FrameRate::new(25, 1).unwrap();
        assert!(Grid::fit(rate, 1_000_000, &[0, 40, 80, 121]).is_some());
        assert!(Grid::fit(rate, 1_000_000, &[0, 40, 80, 130]).is_none());
        assert_eq!(Grid::fit(rate, 1_000_000, &[7, 47, 87]).unwrap().snap(127).unwrap(), 127 * 12);
        assert!(Grid::fit(FrameRate::new(1000, 1).unwrap(), 1_000_000, &[0, 1, 2]).is_none());
    }

    proptest! {
        #[test]
        fn rounded_times_of_a_constant_rate_come_back_exactly(
            which in 0usize..7, start in 0i64..100_000, count in 2i64..200, floor in any::<bool>(), later in 0i64..1_000_000,
        ) {
            let (num, den) = [(24_000, 1001), (30_000, 1001), (60_000, 1001), (25, 1), (24, 1), (60, 1), (25, 2)][which];
            let rate = FrameRate::new(num, den).unwrap();
            let raw_of = |frame: i64| {
                let exact = i128::from(frame) * i128::from(den) * 1000;
                i64::try_from(if floor { exact / i128::from(num) } else { (exact + i128::from(num) / 2) / i128::from(num) }).unwrap()
            };
            let raw: Vec<_> = (start..start + count).map(raw_of).collect();
            let grid = Grid::fit(rate, 1_000_000, &raw).unwrap();
            for frame in [start, start + later] {
                prop_assert_eq!(grid.snap(raw_of(frame)).unwrap(), frame * i64::from(grid.frame));
            }
        }
    }
}
