#![allow(clippy::unwrap_used)]
use media_types::{PacketTime, Rational, Rotation, Timescale};
use proptest::prelude::*;

use super::*;
use crate::{Glance, Picture};

/// A picture of the film, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Numbered(u64);

impl Picture for Numbered {
    fn glance(&self) -> Option<Glance> {
        None
    }

    fn looks_like(&self, before: &Self) -> bool {
        self == before
    }
}

struct Decoded(std::vec::IntoIter<(i64, Numbered)>);

impl DecodedPictures for Decoded {
    type Picture = Numbered;

    fn pixels(&self) -> usize {
        64
    }

    fn next(&mut self) -> Result<Option<(i64, Numbered)>, EngineError> {
        Ok(self.0.next())
    }
}

/// Noise makes equal pictures differ by a little.
fn apart(before: &Numbered, picture: &Numbered) -> u64 {
    if before == picture { picture.0 % 3 } else { 1000 }
}

const BASE: Rational = Rational { num: 1, den: 90_000 };
/// Ticks of a picture of the source.
const TICKS: i64 = 3003;

/// What the source's pictures show once their fields are matched: its first one is picture `phase` of the pattern.
fn pulled_down(count: usize, phase: usize) -> Vec<u64> {
    (phase..phase + count).map(|at| (at / 5 * 4 + [0, 1, 1, 2, 3][at % 5]) as u64).collect()
}

fn probe(shown: &[u64], absent: &[usize]) -> VideoProbe {
    let repeated = (1..shown.len()).find(|at| shown[*at] == shown[at - 1]).unwrap_or(0);
    let packets = (0..shown.len()).filter(|at| !absent.contains(at));
    let packet = |at: usize| PacketTime { pts: 700 + at as i64 * TICKS, keyframe: at.is_multiple_of(15) };
    VideoProbe {
        sample_aspect: Rational { num: 8, den: 9 },
        interlaced: true,
        fields: Fields::Film { repeated_pts: 700 + repeated as i64 * TICKS },
        ..VideoProbe::plain("mpeg2video", (720, 480), BASE, packets.map(packet).collect())
    }
}

fn planned(probe: &VideoProbe) -> (Timeline, FilmGrid) {
    let pts: Vec<i64> = probe.packets.iter().map(|packet| packet.pts).collect();
    let (timeline, grid) = timeline(probe, &pts, TimeBase::new(BASE).unwrap(), 60).unwrap();
    (timeline, grid.unwrap())
}

fn setup(grid: FilmGrid) -> VideoSetup {
    VideoSetup {
        stream_index: 0,
        source_time_base: BASE,
        clock: Default::default(),
        rotation: Rotation::None,
        deinterlace: false,
        film: Some(grid),
        hdr: None,
        frame_rate: grid.rate,
        timescale: Timescale::NINETY_KHZ,
        frame_ticks: 3753,
        gop_frames: 47,
    }
}

/// The film that comes of these pictures.
fn made(grid: FilmGrid, pictures: &[(i64, u64)]) -> Vec<(i64, u64)> {
    let decoded: Vec<_> = pictures.iter().map(|&(pts, number)| (pts, Numbered(number))).collect();
    let mut film = FilmPictures::new(&setup(grid), &grid, Decoded(decoded.into_iter()), apart).unwrap();
    std::iter::from_fn(|| film.next().unwrap()).map(|(pts, picture)| (pts, picture.0)).collect()
}

/// The pictures of `shown` that are not absent.
fn pictures(shown: &[u64], absent: &[usize]) -> Vec<(i64, u64)> {
    let all = shown.iter().enumerate().filter(|(at, _)| !absent.contains(at));
    all.map(|(at, number)| (700 + at as i64 * TICKS, *number)).collect()
}

/// The number that each frame of the plan shows, of those that came.
fn frames(timeline: &Timeline, made: &[(i64, u64)]) -> Vec<Option<u64>> {
    let find = |pts: i64| made.iter().find(|(time, _)| *time == pts).map(|(_, number)| *number);
    let shown = timeline.frame_map.0.iter();
    shown.flat_map(|shown| std::iter::repeat_n(find(shown.source_pts), shown.frames as usize)).collect()
}

#[test]
fn every_picture_of_the_film_is_there_once_in_whichever_phase_a_recording_begins() {
    for phase in 0..5 {
        let shown = pulled_down(1000, phase);
        let (timeline, grid) = planned(&probe(&shown, &[]));
        assert_eq!(timeline.frame_rate.to_string(), "24000/1001");
        let frames = frames(&timeline, &made(grid, &pictures(&shown, &[])));
        let mut once: Vec<_> = shown.iter().map(|number| Some(*number)).collect();
        once.dedup();
        // The last five may be cut, and then the last picture stays.
        assert_eq!(&frames[..once.len()], once, "phase {phase}");
        assert!(frames.len() - once.len() <= 1 && frames.last() == once.last());
    }
}

#[test]
fn rates_that_are_no_pulldown_and_a_slower_ladder_are_planned_as_ever() {
    let mut slow = probe(&pulled_down(100, 0), &[]);
    slow.packets.iter_mut().for_each(|packet| packet.pts = packet.pts / 3003 * 3600);
    let pts: Vec<i64> = slow.packets.iter().map(|packet| packet.pts).collect();
    let (made, grid) = timeline(&slow, &pts, TimeBase::new(BASE).unwrap(), 60).unwrap();
    assert_eq!((made.frame_rate.to_string().as_str(), grid), ("25", None));
    let fast = probe(&pulled_down(100, 0), &[]);
    let pts: Vec<i64> = fast.packets.iter().map(|packet| packet.pts).collect();
    let (made, grid) = timeline(&fast, &pts, TimeBase::new(BASE).unwrap(), 12).unwrap();
    assert_eq!((made.frame_rate.to_string().as_str(), made.frame_map.frame_count()), ("12000/1001", 40));
    assert!(grid.is_some());
}

#[test]
fn times_beyond_reason_are_of_no_picture_and_do_no_harm() {
    let (_, grid) = planned(&probe(&pulled_down(50, 0), &[]));
    let odd = [i64::MIN, -1, 700, 701, 700, 699, i64::MAX, i64::MAX, 0];
    let made = made(grid, &odd.map(|pts| (pts, 7)));
    assert!(made.len() <= odd.len() && made.iter().any(|(pts, _)| *pts == 700));
}

proptest! {
    #[test]
    fn a_range_shows_what_the_whole_shows_at_its_frames(
        phase in 0usize..5, edits in prop::collection::vec(0usize..300, 0..4), absent in prop::collection::vec(0usize..300, 0..4),
        cut in 1u64..230,
    ) {
        // Every edit shifts the pattern by a picture or more.
        let mut shown = pulled_down(300, phase);
        for edit in edits {
            let later = pulled_down(300, phase + 1);
            shown.truncate(edit);
            shown.extend(later.iter().skip(edit).map(|number| number + 1000));
        }
        let (timeline, grid) = planned(&probe(&shown, &absent));
        let whole = pictures(&shown, &absent);
        let all = made(grid, &whole);
        prop_assert!(all.is_sorted_by(|left, right| left.0 < right.0));
        let expected = frames(&timeline, &all);
        // Frames in, frames out: everything that was planned is there.
        prop_assert!(expected.iter().all(Option::is_some));
        let frame_count = timeline.frame_map.frame_count();
        let cut = cut.min(frame_count - 1);
        let first = timeline.frame_map.slice(cut, 1).0[0].source_pts;
        let from = decoded_from(&setup(grid), &grid, first);
        let late: Vec<_> = whole.iter().copied().filter(|(pts, _)| *pts >= from).collect();
        let rest = frames(&timeline, &made(grid, &late));
        prop_assert_eq!(&rest[cut as usize..], &expected[cut as usize..]);
    }
}
