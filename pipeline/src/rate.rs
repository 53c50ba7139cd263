//! The constant rate behind a stream's timestamps, if there is one.
//!
//! Timestamps are rounded (Matroska to milliseconds), jitter, miss pictures and repeat in pulldown patterns. A rate
//! *fits* when each picture falls into a slot of its own of that rate's grid, and either nearly every slot has a picture
//! or every picture lies close to its slot.

use media_types::FrameRate;

use crate::exact::{FrameScale, TimeBase, round_div};

/// Rates that recordings have, in the order in which ties are decided.
pub(crate) const STANDARD: [FrameRate; 17] = {
    const fn rate(num: u32, den: u32) -> FrameRate {
        FrameRate::new(num, den).expect("both parts are positive")
    }
    [
        rate(24_000, 1001),
        rate(24, 1),
        rate(25, 1),
        rate(30_000, 1001),
        rate(30, 1),
        rate(48, 1),
        rate(50, 1),
        rate(60_000, 1001),
        rate(60, 1),
        rate(15, 1),
        rate(10, 1),
        rate(12, 1),
        rate(25, 2),
        rate(20, 1),
        rate(100, 1),
        rate(120, 1),
        rate(120_000, 1001),
    ]
};

/// Whole rates of the grid that sources without a constant rate are shown on, ascending; all divide 90,000.
pub(crate) const GRID: [u32; 10] = [10, 12, 15, 20, 24, 25, 30, 48, 50, 60];

/// The rate of a source whose pictures say nothing, such as a single one.
const UNKNOWN: FrameRate = STANDARD[2];

/// The slowest rate that counts as motion; below it pictures are held on the slowest grid.
const SLOWEST: u32 = 10;
/// The fastest rate a camera states; a faster one is a time base taken for a rate.
const FASTEST: u32 = 960;

/// The constant rate of pictures at these times (ascending, at least one), or `None`.
pub(crate) fn constant_rate(pts: &[i64], base: TimeBase, stated: Option<FrameRate>) -> Option<FrameRate> {
    let stated = stated.map(snap).filter(|&rate| plausible(rate));
    let Some(gap) = median_gap(pts) else { return Some(stated.unwrap_or(UNKNOWN)) };
    let near = |rate: FrameRate| {
        let scale = FrameScale::new(base, 0, rate.num(), rate.den());
        let doubled = i128::from(gap) * 2 * scale.step;
        (scale.whole..=3 * scale.whole).contains(&doubled)
    };
    let stated = stated.filter(|&rate| near(rate)).and_then(|rate| fit(pts, base, rate).map(|fit| (rate, fit)));
    if let Some((rate, Fit { close: true, .. })) = stated {
        return Some(rate);
    }
    let standard = STANDARD.into_iter().filter(|&rate| near(rate));
    let fits = standard.filter_map(|rate| fit(pts, base, rate).map(|fit| (rate, fit)));
    let best = fits.min_by(|left, right| left.1.worst.total_cmp(&right.1.worst));
    // Between rates that fit loosely, the file's own word is better than the smaller jitter.
    let best = best.filter(|(_, fit)| fit.close || stated.is_none());
    best.or(stated).map(|(rate, _)| rate)
}

/// The whole rate of the grid for pictures that lie this many ticks apart typically: the first that is not slower.
pub(crate) fn grid_rate(gap: i64, base: TimeBase, max_rate: u32) -> u32 {
    let scale = FrameScale::new(base, 0, 1, 1);
    // 3 % of grace: at 30 pictures per second, millisecond timestamps make the typical gap 33.
    let fast_enough = |rate: u32| i128::from(rate) * i128::from(gap) * scale.step * 100 >= scale.whole * 97;
    let allowed = || GRID.into_iter().filter(|&rate| rate <= max_rate.max(SLOWEST));
    allowed().find(|&rate| fast_enough(rate)).or_else(|| allowed().next_back()).unwrap_or(SLOWEST)
}

/// The median of the gaps between neighbours, in ticks; `None` for a single picture.
pub(crate) fn median_gap(pts: &[i64]) -> Option<i64> {
    let mut gaps: Vec<i64> = pts.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect();
    let middle = gaps.len() / 2;
    (!gaps.is_empty()).then(|| *gaps.select_nth_unstable(middle).1)
}

/// Slot of each picture in the grid of `scale`: the nearest one.
pub(crate) fn slot(scale: &FrameScale, pts: i64) -> i128 {
    round_div(scale.at(pts), scale.whole)
}

#[derive(Clone, Copy)]
struct Fit {
    /// The largest distance of a picture from its slot, in frames.
    worst: f64,
    /// Whether that is no more than rounding explains.
    close: bool,
}

fn fit(pts: &[i64], base: TimeBase, rate: FrameRate) -> Option<Fit> {
    rate.video_timescale().and_then(|scale| rate.frame_ticks(scale))?;
    let scale = FrameScale::new(base, *pts.first()?, rate.num(), rate.den());
    let (mut last, mut neighbours, mut worst) = (0, 0_u64, 0);
    for &pts in pts.get(1..)? {
        let slot = slot(&scale, pts);
        if slot <= last {
            return None;
        }
        neighbours += u64::from(slot == last + 1);
        worst = worst.max((scale.at(pts) - slot * scale.whole).abs());
        last = slot;
    }
    let gaps = i128::try_from(pts.len() - 1).ok()?;
    let dense = (last - gaps) * 50 <= gaps;
    // A tick of rounding, but never so much that any sequence would pass.
    let tolerance = (scale.whole / 10).max(scale.step + scale.step / 20).min(scale.whole / 4);
    let close = worst <= tolerance;
    let regular = i128::from(neighbours) * 2 >= gaps;
    (dense || close && regular).then_some(Fit { worst: worst as f64 / scale.whole as f64, close })
}

/// The standard rate that a rounded one such as 29.97 stands for.
fn snap(rate: FrameRate) -> FrameRate {
    let off = |standard: FrameRate| (standard.as_f64() / rate.as_f64() - 1.0).abs();
    STANDARD
        .into_iter()
        .filter(|&standard| off(standard) < 0.000_2)
        .min_by(|a, b| off(*a).total_cmp(&off(*b)))
        .unwrap_or(rate)
}

fn plausible(rate: FrameRate) -> bool {
    let num = u64::from(rate.num());
    (u64::from(rate.den()) * u64::from(SLOWEST)..=u64::from(rate.den()) * u64::from(FASTEST)).contains(&num)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use media_types::Rational;
    use proptest::prelude::*;

    use super::*;

    fn base(den: i32) -> TimeBase {
        TimeBase::new(Rational { num: 1, den }).unwrap()
    }

    fn rate(num: u32, den: u32) -> FrameRate {
        FrameRate::new(num, den).unwrap()
    }

    /// Times of `count` pictures of a rate in ticks of 1/`per_second`, rounded to nearest.
    fn times(rate: FrameRate, count: i64, per_second: u64) -> Vec<i64> {
        let at = |i: i64| media_types::time::rescale(i * i64::from(rate.den()), per_second, rate.num().into());
        (0..count).map(at).collect()
    }

    #[test]
    fn millisecond_timestamps_give_back_every_standard_rate() {
        for rate in STANDARD {
            let pts = times(rate, 3000, 1000);
            assert_eq!(constant_rate(&pts, base(1000), None), Some(rate), "{rate}");
        }
    }

    #[test]
    fn a_stated_rate_decides_what_a_short_clip_leaves_open() {
        let ntsc = rate(24_000, 1001);
        let pts = times(ntsc, 12, 1000);
        assert_eq!(constant_rate(&pts, base(1000), Some(ntsc)), Some(ntsc));
        assert_eq!(constant_rate(&pts, base(1000), Some(rate(24, 1))), Some(rate(24, 1)));
        assert_eq!(
            constant_rate(&times(rate(30_000, 1001), 90, 1000), base(1000), Some(rate(2997, 100))),
            Some(rate(30_000, 1001))
        );
    }

    #[test]
    fn a_wrong_stated_rate_is_not_believed() {
        let pts = times(rate(25, 1), 200, 90_000);
        for wrong in [rate(50, 1), rate(90_000, 1), rate(1, 1), rate(24, 1), rate(1000, 1)] {
            assert_eq!(constant_rate(&pts, base(90_000), Some(wrong)), Some(rate(25, 1)), "{wrong}");
        }
    }

    #[test]
    fn an_unusual_but_true_stated_rate_is_kept() {
        let odd = rate(1171, 100);
        assert_eq!(constant_rate(&times(odd, 500, 90_000), base(90_000), Some(odd)), Some(odd));
    }

    #[test]
    fn pulldown_and_held_pictures_keep_their_rate() {
        // 3:2 pulldown of film: gaps of two and three fields of 60000/1001.
        let fields: Vec<i64> = (0..400).map(|i| (i / 2) * 5 + (i % 2) * 2).collect();
        let pts: Vec<i64> = fields.iter().map(|field| field * 1001).collect();
        assert_eq!(constant_rate(&pts, base(60_000), None), Some(rate(24_000, 1001)));
        // A screen recording at 30 pictures per second that leaves out those that did not change.
        let sparse: Vec<i64> = (0..900).filter(|i| i % 100 < 60).map(|i| i * 3000).collect();
        assert_eq!(constant_rate(&sparse, base(90_000), None), Some(rate(30, 1)));
    }

    #[test]
    fn a_varying_rate_is_not_taken_for_a_constant_one() {
        // 24 and 30 pictures per second in turns of a second.
        let mut pts = Vec::new();
        for second in 0..20_i64 {
            let count = if second % 2 == 0 { 24 } else { 30 };
            pts.extend((0..count).map(|i| second * 90_000 + i * 90_000 / count));
        }
        assert_eq!(constant_rate(&pts, base(90_000), Some(rate(27, 1))), None);
        assert_eq!(constant_rate(&[0, 10, 2000, 9000], base(1000), None), None);
    }

    #[test]
    fn the_grid_is_the_first_whole_rate_that_is_not_slower() {
        for (gap_ms, expected) in [
            (33, 30),
            (34, 30),
            (40, 25),
            (42, 24),
            (41, 24),
            (16, 60),
            (17, 60),
            (8, 60),
            (200, 10),
            (100, 10),
            (70, 15),
        ] {
            assert_eq!(grid_rate(gap_ms, base(1000), 60), expected, "{gap_ms} ms");
        }
        assert_eq!(grid_rate(16, base(1000), 30), 30);
    }

    proptest! {
        #[test]
        fn jitter_of_a_third_of_a_frame_keeps_the_rate(which in 0usize..9, jitter in prop::collection::vec(-30i64..=30, 300)) {
            let rate = STANDARD[which];
            let frame = 90_000 * i64::from(rate.den()) / i64::from(rate.num());
            let exact = times(rate, 300, 90_000);
            let pts: Vec<i64> = exact.iter().zip(&jitter).map(|(pts, jitter)| pts + jitter * frame / 200).collect();
            prop_assert_eq!(constant_rate(&pts, base(90_000), Some(rate)), Some(rate));
        }
    }
}
