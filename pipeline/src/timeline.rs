//! The output grid of a video, and which picture each of its frames shows.

use media_types::{FrameMap, FrameRate, Shown, Timescale};

use crate::PlanError;
use crate::exact::{FrameScale, TimeBase, ceil_div, round_div};
use crate::rate::{constant_rate, grid_rate, median_gap, slot};

/// A constant grid and what it shows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Timeline {
    pub(crate) frame_rate: FrameRate,
    pub(crate) timescale: Timescale,
    pub(crate) frame_ticks: u32,
    pub(crate) frame_map: FrameMap,
    /// Whether the source has a constant rate of its own.
    pub(crate) constant: bool,
    /// How often the source's rate was halved.
    pub(crate) halvings: u32,
}

impl Timeline {
    /// The timeline of pictures at `pts`: ascending, at least one, within the longest duration.
    pub(crate) fn new(
        pts: &[i64],
        base: TimeBase,
        stated: Option<FrameRate>,
        max_rate: u32,
    ) -> Result<Self, PlanError> {
        match constant_rate(pts, base, stated) {
            Some(rate) => Self::constant(pts, base, rate, max_rate),
            None => Self::varying(pts, base, max_rate),
        }
    }

    fn constant(pts: &[i64], base: TimeBase, source_rate: FrameRate, max_rate: u32) -> Result<Self, PlanError> {
        let scale = FrameScale::new(base, first(pts), source_rate.num(), source_rate.den());
        let slots: Vec<i128> = pts.iter().map(|&pts| slot(&scale, pts)).collect();
        Self::in_slots(pts, &slots, source_rate, max_rate)
    }

    /// The timeline of pictures in these slots of a constant rate: ascending, the first of them 0.
    pub(crate) fn in_slots(
        pts: &[i64],
        slots: &[i128],
        source_rate: FrameRate,
        max_rate: u32,
    ) -> Result<Self, PlanError> {
        let (frame_rate, halvings) = halve(source_rate, max_rate);
        let every = 1_i128 << halvings;
        let starts: Vec<i128> = slots.iter().map(|&slot| ceil_div(slot, every)).collect();
        let end = ceil_div(slots.last().copied().unwrap_or_default() + 1, every);
        let grid = frame_rate.video_timescale().and_then(|scale| Some((scale, frame_rate.frame_ticks(scale)?)));
        let (timescale, frame_ticks) =
            grid.ok_or_else(|| PlanError::timestamps(format!("the rate {frame_rate} has no exact time scale")))?;
        Ok(Self { frame_rate, timescale, frame_ticks, frame_map: runs(pts, &starts, end), constant: true, halvings })
    }

    fn varying(pts: &[i64], base: TimeBase, max_rate: u32) -> Result<Self, PlanError> {
        let gap = median_gap(pts).unwrap_or(1);
        let rate = grid_rate(gap, base, max_rate);
        let frame_rate = FrameRate::new(rate, 1).expect("the grid has no rate of zero");
        let scale = FrameScale::new(base, first(pts), rate, 1);
        // Timestamps are rounded to ticks, so a picture may be up to a tick late and still be in time.
        let grace = if scale.step * 4 <= scale.whole { scale.step } else { 0 };
        let start = |pts: i64| ceil_div((scale.at(pts) - grace).max(0), scale.whole);
        let starts: Vec<i128> = pts.iter().map(|&pts| start(pts)).collect();
        let shown_until = scale.at(last(pts)) + i128::from(gap) * scale.step;
        let end = round_div(shown_until, scale.whole).max(start(last(pts)) + 1);
        let timescale = Timescale::NINETY_KHZ;
        let frame_ticks = frame_rate.frame_ticks(timescale).expect("every rate of the grid divides 90,000");
        let frame_map = runs(pts, &starts, end);
        Ok(Self { frame_rate, timescale, frame_ticks, frame_map, constant: false, halvings: 0 })
    }

    /// Shows the first picture for so many frames more, before it is due.
    pub(crate) fn hold_before(&mut self, frames: u32) {
        if let Some(first) = self.frame_map.0.first_mut() {
            first.frames = first.frames.saturating_add(frames);
        }
    }

    /// Shows the last picture until there are at least `frames` frames.
    pub(crate) fn hold_until(&mut self, frames: u64) {
        let missing = frames.saturating_sub(self.frame_map.frame_count());
        if let Some(last) = self.frame_map.0.last_mut() {
            last.frames = last.frames.saturating_add(u32::try_from(missing).unwrap_or(u32::MAX));
        }
    }
}

fn first(pts: &[i64]) -> i64 {
    pts.first().copied().unwrap_or_default()
}

fn last(pts: &[i64]) -> i64 {
    pts.last().copied().unwrap_or_default()
}

/// Halves a rate until it is at most `max_rate`.
fn halve(rate: FrameRate, max_rate: u32) -> (FrameRate, u32) {
    let (mut slower, mut halvings) = (rate, 0);
    while u64::from(slower.num()) > u64::from(max_rate.max(1)) * u64::from(slower.den()) {
        let Some(half) = slower.den().checked_mul(2).and_then(|den| FrameRate::new(slower.num(), den)) else { break };
        (slower, halvings) = (half, halvings + 1);
    }
    (slower, halvings)
}

/// Runs of frames: picture `i` is shown from `starts[i]` to the start of the next; the last one to `end`.
fn runs(pts: &[i64], starts: &[i128], end: i128) -> FrameMap {
    let ends = starts.iter().skip(1).copied().chain([end]);
    let run = |((&source_pts, &start), end): ((&i64, &i128), i128)| {
        let frames = u32::try_from(end - start).unwrap_or(0);
        (frames > 0).then_some(Shown { source_pts, frames })
    };
    FrameMap(pts.iter().zip(starts).zip(ends).filter_map(run).collect())
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

    fn shown(timeline: &Timeline) -> Vec<(i64, u32)> {
        timeline.frame_map.0.iter().map(|shown| (shown.source_pts, shown.frames)).collect()
    }

    #[test]
    fn each_picture_of_a_constant_source_is_shown_once() {
        let pts: Vec<i64> = (0..50).map(|i| 7 + i * 40).collect();
        let timeline = Timeline::new(&pts, base(1000), None, 60).unwrap();
        assert_eq!(
            (timeline.frame_rate.to_string().as_str(), timeline.timescale.get(), timeline.frame_ticks),
            ("25", 12_000, 480)
        );
        assert_eq!(shown(&timeline), pts.iter().map(|&pts| (pts, 1)).collect::<Vec<_>>());
    }

    #[test]
    fn a_missing_picture_is_bridged_by_the_one_before() {
        let pts: Vec<i64> = (0..200).filter(|&i| i != 5).map(|i| i * 40).collect();
        let timeline = Timeline::new(&pts, base(1000), None, 60).unwrap();
        assert_eq!(shown(&timeline)[4], (160, 2));
        assert_eq!(timeline.frame_map.frame_count(), 200);
    }

    #[test]
    fn fast_sources_are_halved_by_leaving_out_every_other_picture() {
        let pts: Vec<i64> = (0..121).map(|i| i * 750).collect();
        let timeline = Timeline::new(&pts, base(90_000), None, 60).unwrap();
        assert_eq!((timeline.frame_rate.to_string().as_str(), timeline.halvings), ("60", 1));
        assert_eq!(shown(&timeline)[..3], [(0, 1), (1500, 1), (3000, 1)]);
        assert_eq!(timeline.frame_map.frame_count(), 61);
        let slow = Timeline::new(&pts, base(90_000), None, 30).unwrap();
        assert_eq!((slow.frame_rate.to_string().as_str(), slow.frame_map.frame_count()), ("30", 31));
    }

    #[test]
    fn a_varying_source_lies_on_a_whole_grid_at_ninety_kilohertz() {
        let pts = [0, 33, 66, 99, 1010, 1043, 1517];
        let timeline = Timeline::new(&pts, base(1000), None, 60).unwrap();
        assert!(!timeline.constant);
        assert_eq!(
            (timeline.frame_rate.to_string().as_str(), timeline.timescale.get(), timeline.frame_ticks),
            ("30", 90_000, 3000)
        );
        assert_eq!(shown(&timeline), [(0, 1), (33, 1), (66, 1), (99, 28), (1010, 1), (1043, 14), (1517, 1)]);
    }

    #[test]
    fn holding_lengthens_the_last_picture_and_never_shortens() {
        let mut timeline = Timeline::new(&[5], base(1000), None, 60).unwrap();
        assert_eq!(shown(&timeline), [(5, 1)]);
        timeline.hold_until(100);
        assert_eq!(shown(&timeline), [(5, 100)]);
        timeline.hold_until(3);
        assert_eq!(timeline.frame_map.frame_count(), 100);
    }

    proptest! {
        #[test]
        fn a_varying_map_shows_the_newest_picture_that_is_due(gaps in prop::collection::vec(1i64..400, 1..300), origin in -1000i64..1000) {
            let pts: Vec<i64> = gaps.iter().scan(origin, |at, gap| { *at += gap; Some(*at) }).collect();
            let timeline = Timeline::varying(&pts, base(1000), 60).unwrap();
            let rate = i64::from(timeline.frame_rate.num());
            let map: Vec<i64> = timeline.frame_map.0.iter().flat_map(|s| std::iter::repeat_n(s.source_pts, s.frames as usize)).collect();
            // A second picture within the rounding of the first takes its place.
            prop_assert!((pts[0]..=pts[0] + 1).contains(&map[0]));
            prop_assert!(timeline.frame_map.0.is_sorted_by(|a, b| a.source_pts < b.source_pts));
            for (frame, &shown) in map.iter().enumerate() {
                // In thousandths of a tick of 1/rate, from the first picture.
                let now = frame as i64 * 1000;
                prop_assert!((shown - pts[0] - 1) * rate <= now, "frame {} is more than a tick early", frame);
                if let Some(next) = pts.iter().find(|&&next| next > shown) {
                    prop_assert!((next - pts[0] - 1) * rate > now, "frame {} is stale", frame);
                }
            }
            let length = (pts[pts.len() - 1] - pts[0]) * rate / 1000;
            prop_assert!(map.len() as i64 > length);
        }

        #[test]
        fn every_grid_starts_at_zero_and_has_whole_ticks(gaps in prop::collection::vec(1i64..9000, 0..200), tick in 1i32..200_000, max_rate in 24u32..=60) {
            let pts: Vec<i64> = std::iter::once(0).chain(gaps.iter().scan(0, |at, gap| { *at += gap; Some(*at) })).collect();
            let timeline = Timeline::new(&pts, base(tick), FrameRate::new(30, 1), max_rate).unwrap();
            prop_assert_eq!(timeline.frame_rate.frame_ticks(timeline.timescale), Some(timeline.frame_ticks));
            prop_assert!(timeline.frame_rate.as_f64() <= f64::from(max_rate));
            // A picture a tick later takes the first one's place where ticks round.
            prop_assert!((0..=1).contains(&timeline.frame_map.0[0].source_pts));
            prop_assert!(timeline.frame_map.0.iter().all(|shown| shown.frames > 0));
        }
    }
}
