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
    /// There is also a border at each of `cuts`, or at the keyframe nearest to it, the later of two equally near; unless
    /// the start or the end of everything is nearer still. From there on distances count anew.
    ///
    /// `tracks` are all tracks of the presentation; those without keyframe times do not decide anything but its end.
    pub fn new(tracks: &[(Timescale, &TrackShape)], target_ms: u32, cuts: &[MediaTime]) -> Self {
        let video: Vec<_> = tracks.iter().filter(|(_, shape)| !shape.key_times.is_empty()).copied().collect();
        let ends = tracks.iter().map(|(scale, shape)| MediaTime::new(shape.end_pts, *scale));
        let end = ends.max().unwrap_or(MediaTime::new(0, Timescale::NINETY_KHZ));
        let candidates = video.split_first().map(|(&(scale, first), others)| (scale, common(scale, first, others)));
        let scale = candidates.as_ref().map_or(Timescale::NINETY_KHZ, |(scale, _)| *scale);
        let target = (i64::from(target_ms.max(1)) * i64::from(scale.get()) / 1000).max(1);
        let end = rescale(end.ticks, scale.get().into(), end.scale.get().into());
        let candidates = candidates.map(|(_, candidates)| candidates);
        let wanted = cuts.iter().map(|cut| rescale(cut.ticks, scale.get().into(), cut.scale.get().into()));
        let mut forced: Vec<i64> = match &candidates {
            Some(candidates) => wanted.filter_map(|at| snapped(candidates, at, end)).collect(),
            None => wanted.filter(|&at| at > 0 && at < end).collect(),
        };
        forced.sort_unstable();
        forced.dedup();
        let mut borders = Vec::new();
        let mut from = 0;
        for &to in forced.iter().chain([&end]) {
            match &candidates {
                Some(candidates) => spaced(candidates, from, to, target, &mut borders),
                None => even(from, to, to == end, target, &mut borders),
            }
            borders.extend(Some(to).filter(|&to| to < end));
            from = to;
        }
        Self { scale, borders, end }
    }

    /// The border nearest to a time: also the start and the end of everything are some.
    pub fn near(&self, time: MediaTime) -> MediaTime {
        let at = rescale(time.ticks, self.scale.get().into(), time.scale.get().into());
        let ends = [0, self.end];
        let near = nearest(&self.borders, at).into_iter().chain(ends).min_by_key(|border| (border - at).abs());
        MediaTime::new(near.unwrap_or(0), self.scale)
    }

    /// Where everything ends.
    pub fn end(&self) -> MediaTime {
        MediaTime::new(self.end, self.scale)
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

/// The candidate nearest to `at`, the later of two; `None` when the start or the end is as near.
fn snapped(candidates: &[i64], at: i64, end: i64) -> Option<i64> {
    let after = candidates.partition_point(|&candidate| candidate < at);
    let around = candidates.get(after.saturating_sub(1)..(after + 1).min(candidates.len()))?;
    let near = around.iter().copied().rev().min_by_key(|candidate| (candidate - at).abs())?;
    let off = (near - at).abs();
    (near > 0 && near < end && off < at.abs() && off < (end - at).abs()).then_some(near)
}

/// Adds those of `candidates` between `from` and `to` that are, one after another, nearest to `target` behind the last,
/// the later of two equally near; until `to` is nearer than any.
fn spaced(candidates: &[i64], from: i64, to: i64, target: i64, borders: &mut Vec<i64>) {
    let first = candidates.partition_point(|&at| at <= from);
    let mut rest = &candidates[first..candidates.partition_point(|&at| at < to).max(first)];
    let mut last = from;
    loop {
        let wanted = last + target;
        let after = rest.partition_point(|&at| at < wanted);
        let next = rest.get(after).copied().unwrap_or(to);
        let pick = match after.checked_sub(1) {
            Some(before) if wanted - rest[before] < (next - wanted).abs() => before,
            _ => after,
        };
        let Some(&at) = rest.get(pick) else { return };
        last = at;
        borders.push(at);
        rest = &rest[pick + 1..];
    }
}

/// Adds borders `target` apart between `from` and `to`; in front of a forced border none that would leave less than half
/// of it.
fn even(from: i64, to: i64, is_end: bool, target: i64, borders: &mut Vec<i64>) {
    let room = MOST_BORDERS.saturating_sub(borders.len() as i64);
    let until = if is_end { to } else { to.saturating_sub(target / 2) };
    borders.extend((1..=room).map(|k| from.saturating_add(k.saturating_mul(target))).take_while(|&at| at < until));
}
