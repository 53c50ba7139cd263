#![allow(clippy::unwrap_used)]

use packager::repack::{PacketTimes, Survey};

use super::*;

const MOVIE: Timescale = Timescale::new(25).expect("not zero");
const SOUND: Timescale = Timescale::new(1000).expect("not zero");

/// So many packets of one tick each (pictures, the first of every 50 a keyframe) or of 100 ticks (sound).
fn shape(video: bool, packets: i64) -> TrackShape {
    let mut survey = Survey::new(video);
    let length = if video { 1 } else { 100 };
    for index in 0..packets {
        let at = index * i64::from(length);
        survey.add(PacketTimes { dts: at, pts: at, duration: Some(length), keyframe: index % 50 == 0 }).unwrap();
    }
    survey.finish(if video { MOVIE } else { SOUND }, None, 0).unwrap().unwrap()
}

#[test]
fn sound_behind_the_pictures_is_cut_on() {
    let (video, other) = (shape(true, 150), shape(true, 100));
    for (sound, expected) in [
        // 6 s of pictures; a second behind them is no segment of its own.
        (60, &[][..]),
        (70, &[]),
        (71, &[6_000_000]),
        (120, &[6_000_000, 8_000_000, 10_000_000]),
    ] {
        let sound = shape(false, sound);
        let found = tail(&[(MOVIE, &other), (SOUND, &sound), (MOVIE, &video)], 2000);
        assert_eq!(found.iter().map(|at| at.ticks).collect::<Vec<_>>(), expected);
        assert!(found.iter().all(|at| at.scale == MICROSECONDS));
    }
    let sound = shape(false, 1000);
    assert_eq!(tail(&[(SOUND, &sound)], 2000), [], "the grid cuts sound alone");
    assert_eq!(tail(&[(MOVIE, &video)], 2000), []);
    assert_eq!(tail(&[(MOVIE, &video), (SOUND, &sound)], 1).len(), 94_000);
}

#[test]
fn the_longest_segment_is_one_of_the_pictures() {
    let (video, sound) = (shape(true, 150), shape(false, 1000));
    let grid = SegmentGrid::new(&[(MOVIE, &video), (SOUND, &sound)], 2000, &[]);
    assert_eq!((grid.longest_ms(), longest_before(&grid, MediaTime::new(6_000_000, MICROSECONDS))), (96_000, 2000));
}
