//! Where segments begin, for all tracks of a presentation.

use media_types::time::rescale;
use media_types::{MediaTime, Timescale};

use super::TrackShape;

/// Segments of sound alone: a century at a fair length, and a bound for files that claim more.
const MOST_BORDERS: i64 = 1 << 20;

/// Keyframes of two renditions this close are meant to be the same: containers that count milliseconds round.
const SAME_MS: i64 = 1;

/// The presentation times at which segments after the first begin, strictly ascending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentGrid {
    scale: Timescale,
    borders: Vec<i64>,
    end: i64,
}

impl SegmentGrid {
    /// Borders where every video track has a keyframe, each the one nearest to `target_ms` after the border before it;
    /// so that recordings of a constant GOP get segments of a constant number of pictures. Without a video track borders
    /// are `target_ms` apart.
    ///
    /// `tracks` are all tracks of the presentation; those without keyframe times do not decide anything but its end.
    pub fn new(tracks: &[(Timescale, &TrackShape)], target_ms: u32) -> Self {
        let video: Vec<_> = tracks.iter().filter(|(_, shape)| !shape.key_times.is_empty()).copied().collect();
        let ends = tracks.iter().map(|(scale, shape)| MediaTime::new(shape.end_pts, *scale));
        let end = ends.max().unwrap_or(MediaTime::new(0, Timescale::NINETY_KHZ));
        let (scale, candidates) = match video.split_first() {
            Some((&(scale, first), others)) => (scale, common(scale, first, others)),
            None => (Timescale::NINETY_KHZ, Vec::new()),
        };
        let target = i64::from(target_ms.max(1)) * i64::from(scale.get()) / 1000;
        let end = rescale(end.ticks, scale.get().into(), end.scale.get().into());
        let borders = if video.is_empty() {
            (1..=MOST_BORDERS).map(|k| k * target.max(1)).take_while(|&at| at < end).collect()
        } else {
            spaced(&candidates, end, target.max(1))
        };
        Self { scale, borders, end }
    }

    /// The borders in `scale`, rounded to its nearest ticks.
    pub fn borders(&self, scale: Timescale) -> impl Iterator<Item = i64> + '_ {
        self.borders.iter().map(move |&at| rescale(at, scale.get().into(), self.scale.get().into()))
    }

    /// The keyframe times of a video track at which its segments after the first begin.
    pub fn keyframes(&self, scale: Timescale, shape: &TrackShape) -> Vec<i64> {
        let near = |at: i64| nearest(&shape.key_times, at);
        self.borders(scale).filter_map(near).collect()
    }

    /// The longest segment in milliseconds.
    pub fn longest_ms(&self) -> i64 {
        let starts = std::iter::once(0).chain(self.borders.iter().copied());
        let ends = self.borders.iter().copied().chain([self.end]);
        let longest = starts.zip(ends).map(|(from, to)| to - from).max().unwrap_or(0).max(0);
        rescale(longest, 1000, self.scale.get().into())
    }
}

/// Keyframe times of the first video track, after its start, at which all others have one too.
fn common(scale: Timescale, first: &TrackShape, others: &[(Timescale, &TrackShape)]) -> Vec<i64> {
    let agrees = |at: i64| {
        others.iter().all(|(other_scale, other)| {
            let there = rescale(at, other_scale.get().into(), scale.get().into());
            let off = nearest(&other.key_times, there).map(|key| (key - there).abs());
            let allowed = SAME_MS * i64::from(other_scale.get()) / 1000 + 1;
            off.is_some_and(|off| off <= allowed)
        })
    };
    let start = first.key_times.first().copied().unwrap_or(0).max(0);
    first.key_times.iter().copied().filter(|&at| at > start && agrees(at)).collect()
}

fn nearest(times: &[i64], at: i64) -> Option<i64> {
    let after = times.partition_point(|&time| time < at);
    let around = times.get(after.saturating_sub(1)..(after + 1).min(times.len()))?;
    around.iter().copied().min_by_key(|time| (time - at).abs())
}

/// From `candidates`, one after another the one nearest to `target` behind the last, the later of two equally near; until
/// the `end` is nearer than any.
fn spaced(candidates: &[i64], end: i64, target: i64) -> Vec<i64> {
    let (mut last, mut borders, mut rest) = (0, Vec::new(), candidates);
    loop {
        let wanted = last + target;
        let after = rest.partition_point(|&at| at < wanted);
        let next = rest.get(after).copied().unwrap_or(end);
        let pick = match after.checked_sub(1) {
            Some(before) if wanted - rest[before] < (next - wanted).abs() => before,
            _ => after,
        };
        let Some(&at) = rest.get(pick) else { return borders };
        last = at;
        borders.push(at);
        rest = &rest[pick + 1..];
    }
}
