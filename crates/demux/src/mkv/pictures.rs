//! Presentation and decode times of pictures.
//!
//! Matroska states presentation times alone, in decode order. A decoder that reorders by at most `depth` pictures has seen
//! the i-th picture to be shown once `depth + i` were read, so the i-th decode time is the i-th smallest presentation time
//! less a constant delay, which keeps every decode time at or before its presentation time. Where a file breaks the
//! depth that its parameter sets state, the window is made deeper; the delay stays, so that such pictures have a decode
//! time after their presentation time (a negative composition offset).

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use media_types::{FrameRate, Timescale};

use super::rate::{Grid, Scale, recognise};

/// The most pictures that are reordered (ITU-T H.264 §A.3.1: a decoded picture buffer holds 16).
const DEEPEST: usize = 16;

/// What is known about a track's reordering before its first picture.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reorder {
    /// The most pictures that come before one and are shown after it.
    pub(super) depth: usize,
    /// Whether the codec states this depth, rather than a limit that follows from its level.
    pub(super) stated: bool,
}

/// What is odd about a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Oddity {
    /// Its time is not on the grid; the grid was moved to it.
    OffGrid,
    /// It comes later than the reorder depth allows.
    Late,
}

/// Where a waiting packet is, and its decode time.
pub(super) type Resolved = (u64, i64);

/// The times of one video track.
#[derive(Debug)]
pub(super) struct Pictures {
    times: Times,
    scale: Scale,
    depth: usize,
    delay: i64,
    /// Presentation times without a decode time yet.
    shown: BinaryHeap<Reverse<i64>>,
    /// Numbers of their packets, in decode order.
    waiting: VecDeque<u64>,
    /// The last presentation time that became a decode time.
    passed: Option<i64>,
    last_dts: Option<i64>,
}

#[derive(Clone, Copy, Debug)]
enum Times {
    /// Every picture lies on the grid, and lasts a frame of it.
    Constant(Grid),
    /// Pictures lie on the grid, with holes between them.
    Sparse(Grid),
    Variable,
}

impl Pictures {
    /// From the timestamps of the track's first pictures. `rates` are those that the file or its codec states, the best
    /// first.
    pub(super) fn new(
        raw: &[i64],
        unit_ns: u64,
        default_duration: Option<u64>,
        coded_rate: Option<FrameRate>,
        reorder: Reorder,
    ) -> Pictures {
        let rates = [default_duration.and_then(recognise), coded_rate];
        let grid = rates.into_iter().flatten().find_map(|rate| Grid::fit(rate, unit_ns, raw));
        let scale = grid.map_or(Scale { unit_ns, timescale: Timescale::NINETY_KHZ }, |grid| grid.scale);
        let mut sorted = raw.to_vec();
        sorted.sort_unstable();
        let met = deepest_reorder(raw, &sorted);
        let depth = reorder.depth.max(met).min(DEEPEST);
        let frames = if reorder.stated { depth } else { met } as i64;
        let times = match grid {
            // The last ones may still be overtaken.
            Some(grid) if grid.is_filled_by(&sorted[..sorted.len().saturating_sub(depth)]) => Times::Constant(grid),
            Some(grid) => Times::Sparse(grid),
            None => Times::Variable,
        };
        let delay = match times {
            Times::Constant(grid) => frames * i64::from(grid.frame),
            Times::Sparse(grid) => grid.round_up(variable_delay(raw, &sorted, depth, frames, scale)),
            Times::Variable => variable_delay(raw, &sorted, depth, frames, scale),
        };
        let (shown, waiting) = (BinaryHeap::new(), VecDeque::new());
        Pictures { times, scale, depth, delay, shown, waiting, passed: None, last_dts: None }
    }

    pub(super) fn timescale(&self) -> Timescale {
        self.scale.timescale
    }

    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// The constant rate that all pictures keep so far.
    pub(super) fn rate(&self) -> Option<FrameRate> {
        match self.times {
            Times::Constant(grid) => Some(grid.rate),
            Times::Sparse(_) | Times::Variable => None,
        }
    }

    /// The presentation time of a timestamp.
    pub(super) fn present(&mut self, raw: i64) -> (i64, Option<Oddity>) {
        let (Times::Constant(grid) | Times::Sparse(grid)) = &mut self.times else {
            return (self.scale.ticks(raw), None);
        };
        if let Some(pts) = grid.snap(raw) {
            return (pts, None);
        }
        *grid = grid.moved(raw);
        (self.scale.ticks(raw), Some(Oddity::OffGrid))
    }

    /// How long a picture lasts whose block says `raw` timestamp units.
    pub(super) fn duration(&self, raw: Option<u64>) -> Option<u32> {
        let ticks = raw.map(|raw| self.scale.ticks(i64::try_from(raw).unwrap_or(i64::MAX)));
        let ticks = match (&self.times, ticks) {
            (Times::Constant(grid) | Times::Sparse(grid), Some(ticks)) => {
                let frame = i64::from(grid.frame);
                ((ticks.saturating_add(frame / 2)) / frame).max(1).saturating_mul(frame)
            }
            (Times::Constant(grid), None) => grid.frame.into(),
            (Times::Variable, Some(ticks)) => ticks,
            (Times::Sparse(_) | Times::Variable, None) => return None,
        };
        u32::try_from(ticks).ok().filter(|&ticks| ticks > 0)
    }

    /// Takes the next picture in decode order, and gives the one whose decode time is known by it.
    pub(super) fn push(&mut self, number: u64, pts: i64) -> (Option<Resolved>, Option<Oddity>) {
        let late = self.passed.is_some_and(|passed| pts < passed);
        if late {
            self.depth = (self.depth + 1).min(DEEPEST);
        }
        self.shown.push(Reverse(pts));
        self.waiting.push_back(number);
        let resolved = if self.shown.len() > self.depth { self.resolve() } else { None };
        (resolved, late.then_some(Oddity::Late))
    }

    /// Gives the next picture its decode time although more might come: at the end, or when too much waits for it.
    pub(super) fn resolve(&mut self) -> Option<Resolved> {
        let number = self.waiting.pop_front()?;
        let Reverse(shown) = self.shown.pop()?;
        self.passed = Some(self.passed.map_or(shown, |passed| passed.max(shown)));
        let dts = shown.saturating_sub(self.delay);
        let dts = self.last_dts.map_or(dts, |last| dts.max(last.saturating_add(1)));
        self.last_dts = Some(dts);
        Some((number, dts))
    }
}

/// How many pictures at most come before one of `raw` and are shown after it.
fn deepest_reorder(raw: &[i64], sorted: &[i64]) -> usize {
    let depth =
        raw.iter().enumerate().map(|(at, time)| at.saturating_sub(sorted.partition_point(|other| other < time)));
    depth.max().unwrap_or(0)
}

/// The least delay that keeps every decode time of `raw` before its presentation, and that of `frames` usual frames.
fn variable_delay(raw: &[i64], sorted: &[i64], depth: usize, frames: i64, scale: Scale) -> i64 {
    if frames == 0 {
        return 0;
    }
    // The last ones may still be overtaken.
    let known = raw.len().saturating_sub(depth);
    let worst = raw.iter().zip(sorted).take(known).map(|(time, shown)| shown - time).max().unwrap_or(0);
    let span = sorted.last().zip(sorted.first()).map_or(0, |(last, first)| last - first);
    let usual = span / (raw.len() as i64 - 1).max(1);
    scale.ticks(worst.max(usual * frames))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn run(pictures: &mut Pictures, raw: &[i64]) -> Vec<(i64, i64)> {
        let mut out = vec![(0, i64::MIN); raw.len()];
        for (number, &raw) in raw.iter().enumerate() {
            let (pts, _) = pictures.present(raw);
            out[number].0 = pts;
            if let (Some((number, dts)), _) = pictures.push(number as u64, pts) {
                out[number as usize].1 = dts;
            }
        }
        while let Some((number, dts)) = pictures.resolve() {
            out[number as usize].1 = dts;
        }
        out
    }

    #[test]
    fn decode_times_are_a_steady_grid_before_reordered_pictures() {
        // I P B b b P ... at 25 pictures a second.
        let raw: Vec<i64> = [0, 4, 2, 1, 3, 8, 6, 5, 7].iter().map(|frame| frame * 40).collect();
        let mut pictures = Pictures::new(&raw, 1_000_000, Some(40_000_000), None, Reorder { depth: 2, stated: true });
        let times = run(&mut pictures, &raw);
        let dts: Vec<_> = times.iter().map(|time| time.1).collect();
        assert_eq!(dts, (0..9).map(|at| (at - 2) * 480).collect::<Vec<_>>());
        assert!(times.iter().all(|(pts, dts)| dts <= pts));
        assert_eq!(pictures.duration(None), Some(480));
        // 0 to 4 and 8: those between are yet to come.
        let begun = Pictures::new(&raw[..6], 1_000_000, Some(40_000_000), None, Reorder { depth: 2, stated: true });
        assert_eq!(begun.rate(), FrameRate::new(25, 1));
        assert_eq!(pictures.duration(Some(81)), Some(960));
    }

    #[test]
    fn a_file_that_breaks_its_depth_gets_a_deeper_window() {
        let start = [0, 40, 80];
        let mut pictures = Pictures::new(&start, 1_000_000, Some(40_000_000), None, Reorder { depth: 0, stated: true });
        assert_eq!(run(&mut pictures, &start), [(0, 0), (480, 480), (960, 960)]);
        let (_, oddity) = pictures.push(3, 1920);
        assert_eq!(oddity, None);
        let (resolved, oddity) = pictures.push(4, 1440);
        assert_eq!((resolved, oddity), (None, Some(Oddity::Late)));
        assert_eq!(pictures.depth(), 1);
        assert_eq!(pictures.push(5, 2880).0, Some((4, 1921)));
        assert_eq!(pictures.push(6, 2400).0, Some((5, 2400)));
    }

    proptest! {
        #[test]
        fn decode_times_grow_and_never_pass_the_presentation(
            gaps in prop::collection::vec(1i64..500, 2..120), depth in 0usize..5, seed in prop::collection::vec(0usize..100, 120), constant in any::<bool>(),
        ) {
            let mut time = 0;
            let mut raw: Vec<i64> = gaps.iter().map(|gap| { time += if constant { 40 } else { *gap }; time }).collect();
            // Takes a picture out and puts it back at most `depth` places further on: that is what reordering does.
            let mut at = 0;
            while at + depth < raw.len() && depth > 0 {
                let span = seed[at] % (depth + 1);
                let picture = raw.remove(at + span);
                raw.insert(at, picture);
                at += span + 1;
            }
            let mut pictures = Pictures::new(&raw, 1_000_000, constant.then_some(40_000_000), None, Reorder { depth, stated: true });
            let times = run(&mut pictures, &raw);
            prop_assert!(times.windows(2).all(|pair| pair[0].1 < pair[1].1));
            let unit = if constant { 0 } else { 90 * 500 };
            prop_assert!(times.iter().all(|(pts, dts)| *dts <= pts + unit));
            let mut sorted: Vec<_> = times.iter().map(|time| time.0).collect();
            sorted.sort_unstable();
            let delay = sorted[0] - times[0].1;
            prop_assert!(sorted.iter().zip(&times).all(|(shown, time)| shown - delay == time.1));
        }
    }
}
