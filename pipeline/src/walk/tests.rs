#![allow(clippy::unwrap_used)]
use media_types::{FrameMap, FrameRate, Rational, Rotation, Timescale};

use super::*;

/// A picture of one grey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Grey(u8);

impl Picture for Grey {
    fn glance(&self) -> Option<Glance> {
        None
    }

    fn looks_like(&self, before: &Self) -> bool {
        self == before
    }
}

struct Decoded(std::vec::IntoIter<(i64, Grey)>);

impl DecodedPictures for Decoded {
    type Picture = Grey;

    fn pixels(&self) -> usize {
        64
    }

    fn next(&mut self) -> Result<Option<(i64, Grey)>, EngineError> {
        Ok(self.0.next())
    }
}

fn order(pictures: &[(i64, u32)]) -> RangeOrder {
    let pictures = pictures.iter().map(|&(source_pts, frames)| Shown { source_pts, frames }).collect();
    let video = VideoSetup {
        hdr: None,
        stream_index: 0,
        source_time_base: Rational { num: 1, den: 100 },
        clock: Default::default(),
        rotation: Rotation::None,
        deinterlace: false,
        film: None,
        frame_rate: FrameRate::new(4, 1).unwrap(),
        timescale: Timescale::NINETY_KHZ,
        frame_ticks: 22_500,
        gop_frames: 6,
    };
    RangeOrder {
        video,
        first_frame: 12,
        pictures: FrameMap(pictures),
        renditions: Vec::new(),
        judge: None,
        careful: false,
    }
}

type Shows = (u8, u64, Coding);

fn walked(order: &RangeOrder, decoded: &[(i64, u8)]) -> Result<(Vec<Shows>, Walked), EngineError> {
    walked_by(order, decoded, true)
}

fn walked_by(order: &RangeOrder, decoded: &[(i64, u8)], may_hold: bool) -> Result<(Vec<Shows>, Walked), EngineError> {
    let mut shown = Vec::new();
    let decoded: Vec<_> = decoded.iter().map(|&(time, grey)| (time, Grey(grey))).collect();
    let walked = walk(order, Decoded(decoded.into_iter()), may_hold, &mut |placed| {
        shown.push((placed.picture.0, placed.first, placed.coding));
        Ok(())
    })?;
    Ok((shown, walked))
}

use Coding::{Free, InOrder, Keyframe};

#[test]
fn planned_pictures_are_taken_by_time_and_those_between_and_before_are_left() {
    let order = order(&[(100, 1), (125, 1), (175, 1)]);
    let (shown, walked) = walked(&order, &[(75, 1), (100, 2), (126, 3), (150, 4), (174, 5), (200, 6)]).unwrap();
    assert_eq!(shown, [(2, 0, Keyframe), (3, 1, Free), (5, 2, Free)]);
    assert_eq!(walked.missing, 0);
}

#[test]
fn a_picture_is_held_for_a_second_at_most_and_not_beyond_a_key_frame() {
    let order = order(&[(0, 1), (25, 9), (250, 1)]);
    let (shown, _) = walked(&order, &[(0, 1), (25, 2), (250, 3)]).unwrap();
    assert_eq!(shown, [(1, 0, Keyframe), (2, 1, InOrder), (2, 5, InOrder), (2, 6, Keyframe), (3, 10, Free)]);
}

#[test]
fn a_picture_that_shows_nothing_new_is_none() {
    let order = order(&[(0, 1), (25, 1), (50, 1), (75, 1)]);
    let (shown, _) = walked(&order, &[(0, 1), (25, 1), (50, 1), (75, 2)]).unwrap();
    assert_eq!(shown, [(1, 0, Keyframe), (2, 3, Free)]);
}

#[test]
fn an_encoder_that_may_not_hold_gets_a_picture_for_every_frame() {
    let order = order(&[(0, 1), (25, 2), (75, 5)]);
    let (shown, _) = walked_by(&order, &[(0, 1), (25, 1), (75, 2)], false).unwrap();
    let coding = |frame: u64| if frame.is_multiple_of(6) { Keyframe } else { Free };
    let due: Vec<Shows> = (0..8).map(|frame| (if frame < 3 { 1 } else { 2 }, frame, coding(frame))).collect();
    assert_eq!(shown, due);
}

#[test]
fn what_is_missing_is_counted_and_shown_as_the_picture_before_it_or_after_it() {
    let order = order(&[(0, 1), (25, 1), (50, 1), (75, 1)]);
    let (shown, found) = walked(&order, &[(25, 1), (75, 2)]).unwrap();
    assert_eq!(shown, [(1, 0, Keyframe), (2, 3, Free)], "the first is owed, the third is held");
    assert_eq!((found.missing, found.first_missing_pts), (2, Some(0)));
    let (shown, found) = walked(&order, &[(500, 9)]).unwrap();
    assert_eq!((shown.as_slice(), found.missing), (&[(9, 0, Keyframe)][..], 4));
    assert!(matches!(walked(&order, &[]), Err(EngineError::Input { .. })));
}

#[test]
fn whoever_takes_pictures_ends_the_walk() {
    let order = order(&[(0, 1), (25, 1)]);
    let decoded = Decoded(vec![(0, Grey(1)), (25, Grey(2))].into_iter());
    assert_eq!(walk(&order, decoded, true, &mut |_| Err(EngineError::Stopped)), Err(EngineError::Stopped));
}
