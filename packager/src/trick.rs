//! Trick play: the keyframes of a video track as a track of their own, for fast playback and for scrubbing.
//!
//! Each keyframe becomes a fragment of one sample that lasts until the next one, behind one index in one file: an I-frame
//! playlist of HLS (RFC 8216bis §4.4.3.6) and a trick-mode set of DASH (DASH-IF Interoperability Points §3.2.9) name the
//! same bytes. Nothing is encoded again.

mod file;

use media_types::{Timescale, TrackRecord};

use crate::codec::{Family, VideoRange};
use crate::presentation::picture;
use crate::{SampleMeta, index_length};

pub use file::{FinishedTrick, TrickFile};

/// Pictures closer together than this are of no use at any speed.
const LEAST_MS: u64 = 1000;

/// Pictures of the longest track: what its segment index can count (ISO/IEC 14496-12 §8.16.3), with room to spare.
const MOST_PICTURES: u64 = 32_768;

/// No player goes faster.
const MOST_SPEED: u64 = 1000;

/// A track of another one's keyframes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrickTrack {
    /// The name of the track whose keyframes these are.
    pub of: String,
    /// The keyframes: a segment each. Its name is its own, which makes initialisation vectors its own.
    pub record: TrackRecord,
}

impl TrickTrack {
    /// Without its segments, of a track.
    pub fn new(main: &TrackRecord) -> Self {
        let record = TrackRecord {
            name: format!("{}-trick", main.name),
            hidden_ticks: 0,
            segments: Vec::new(),
            captions: None,
            ..main.clone()
        };
        Self { of: main.name.clone(), record }
    }

    /// How much faster than life it can be played without more pictures in a second than the track itself has
    /// (`@maxPlayoutRate`, ISO/IEC 23009-1 §5.3.7.2).
    pub(crate) fn most_speed(&self) -> u64 {
        let Some(picture) = picture(&self.record) else { return 1 };
        let segments = &self.record.segments;
        // The last one ends with the track.
        let all_but_last = &segments[..segments.len().saturating_sub(1)];
        let shortest = all_but_last.iter().map(|segment| segment.duration_ticks).min().unwrap_or(1);
        let pictures = u128::from(shortest) * u128::from(picture.rate_num);
        let seconds = u128::from(self.record.timescale.get()) * u128::from(picture.rate_den);
        u64::try_from(pictures / seconds.max(1)).unwrap_or(u64::MAX).clamp(1, MOST_SPEED)
    }
}

/// The positions of the tracks whose keyframes are written once more: the smallest pictures of each codec and
/// range, since a player decodes one and shows one.
pub fn trick_sources<'a>(tracks: impl IntoIterator<Item = &'a TrackRecord>) -> Vec<usize> {
    let mut smallest: Vec<((VideoRange, Family), u64, usize)> = Vec::new();
    for (position, track) in tracks.into_iter().enumerate() {
        let Some(picture) = picture(track) else { continue };
        let group = (VideoRange::of(&track.config), Family::of(&track.config));
        let pixels = u64::from(picture.width) * u64::from(picture.height);
        match smallest.iter_mut().find(|(other, ..)| *other == group) {
            Some(found) if found.1 <= pixels => {}
            Some(found) => *found = (group, pixels, position),
            None => smallest.push((group, pixels, position)),
        }
    }
    smallest.into_iter().map(|(_, _, position)| position).collect()
}

/// Which keyframes of a track are shown in fast playback, and how long each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrickPlan {
    pictures: Vec<(i64, u32)>,
    next: usize,
}

impl TrickPlan {
    /// Of a track's keyframes, ascending, that ends at `end_pts`: those at least a second apart; farther in recordings of more
    /// than nine hours. `None` of a track that has less than two of them, or none for longer than an index can say.
    pub fn new(key_times: &[i64], end_pts: i64, timescale: Timescale) -> Option<Self> {
        Self::spaced(key_times, end_pts, least_distance(end_pts, timescale)?)
    }

    fn spaced(key_times: &[i64], end_pts: i64, distance: i64) -> Option<Self> {
        let mut chosen: Vec<i64> = Vec::new();
        for &at in key_times.iter().filter(|at| (0..end_pts).contains(*at)) {
            if chosen.last().is_none_or(|last| at - last >= distance) {
                chosen.push(at);
            }
        }
        Self::of(&chosen, end_pts).filter(|plan| plan.pictures.len() > 1)
    }

    /// Of these keyframes, each of which lasts until the next one, or to `end_pts`. `None` unless they ascend, and none lasts
    /// for longer than an index can say.
    fn of(chosen: &[i64], end_pts: i64) -> Option<Self> {
        let ends = chosen.iter().skip(1).copied().chain([end_pts]);
        let length = |(&at, end): (&i64, i64)| u32::try_from(end.checked_sub(at)?).ok().filter(|ticks| *ticks > 0);
        let pictures = chosen.iter().zip(ends).map(|pair| Some((*pair.0, length(pair)?)));
        Some(Self { pictures: pictures.collect::<Option<_>>()?, next: 0 })
    }

    /// Whether the keyframe of this time is among them.
    fn shows(&self, pts: i64) -> bool {
        self.pictures.binary_search_by_key(&pts, |&(at, _)| at).is_ok()
    }

    /// Bytes of the index in front of the pictures.
    pub fn index_bytes(&self) -> u64 {
        index_length(self.pictures.len())
    }

    /// Takes the track's samples in decode order; gives the position of one that is shown, and what its fragment says.
    pub fn pick(&mut self, sample: &SampleMeta) -> Option<(u32, SampleMeta)> {
        let &(at, duration) = self.pictures.get(self.next)?;
        if !sample.keyframe || sample.pts != at {
            return None;
        }
        let index = u32::try_from(self.next).ok()?;
        self.next += 1;
        // Without the pictures between them nothing is reordered.
        Some((index, SampleMeta { dts: at, duration, ..*sample }))
    }
}

/// How far apart pictures of a track of this length are at least, in ticks.
fn least_distance(end_pts: i64, timescale: Timescale) -> Option<i64> {
    let length = end_pts.max(0).unsigned_abs();
    i64::try_from((LEAST_MS * u64::from(timescale.get()) / 1000).max(length.div_ceil(MOST_PICTURES))).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn scale() -> Timescale {
        Timescale::new(1000).unwrap()
    }

    fn pictures(key_times: &[i64], end: i64) -> Option<Vec<(i64, u32)>> {
        TrickPlan::new(key_times, end, scale()).map(|plan| plan.pictures)
    }

    #[test]
    fn keyframes_are_a_second_apart_and_last_until_the_next() {
        assert_eq!(pictures(&[0, 2000, 4000], 5000).unwrap(), [(0, 2000), (2000, 2000), (4000, 1000)]);
        assert_eq!(pictures(&[0, 40, 999, 1000, 1500, 2100], 2140).unwrap(), [(0, 1000), (1000, 1100), (2100, 40)]);
        assert_eq!(pictures(&[-40, 20, 3000, 5000], 5000).unwrap(), [(20, 2980), (3000, 2000)]);
        assert_eq!(pictures(&[0], 5000), None);
        assert_eq!(pictures(&[], 5000), None);
        assert_eq!(pictures(&[0, 5_000_000_000], 5_000_000_001), None, "an index cannot say so long a time");
    }

    #[test]
    fn an_index_always_has_room_for_them() {
        // A week in which every picture is a keyframe.
        let key_times: Vec<i64> = (0..604_800).map(|second| second * 1000).collect();
        let plan = TrickPlan::new(&key_times, 604_800_000, scale()).unwrap();
        assert!(plan.pictures.len() <= 32_768 && plan.pictures.len() > 30_000, "{}", plan.pictures.len());
        assert_eq!(plan.index_bytes(), 40 + 12 * plan.pictures.len() as u64);
    }

    proptest! {
        #[test]
        fn every_picture_that_was_chosen_is_picked(
            gaps in prop::collection::vec(1..3000i64, 1..80), keys in prop::collection::vec(any::<bool>(), 80),
        ) {
            let times: Vec<i64> = gaps.iter().scan(0, |at, gap| { let now = *at; *at += gap; Some(now) }).collect();
            let end = times.last().unwrap() + 40;
            let key_times: Vec<i64> = times.iter().zip(&keys).filter(|(_, key)| **key).map(|(at, _)| *at).collect();
            let Some(mut plan) = TrickPlan::new(&key_times, end, scale()) else { return Ok(()) };
            let (wanted, mut at) = (plan.pictures.clone(), 0);
            for (&pts, &keyframe) in times.iter().zip(&keys) {
                let sample = SampleMeta { dts: pts - 7, pts, duration: 40, size: 9, keyframe };
                if let Some((index, picked)) = plan.pick(&sample) {
                    prop_assert_eq!((picked.dts, picked.duration, picked.size), (wanted[at].0, wanted[at].1, 9));
                    prop_assert_eq!((index as usize, picked.pts), (at, picked.dts));
                    at += 1;
                }
            }
            prop_assert_eq!(at, wanted.len());
            prop_assert_eq!(wanted.last().map(|&(at, length)| at + i64::from(length)), Some(end));
        }
    }
}
