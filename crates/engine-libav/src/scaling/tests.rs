#![allow(clippy::unwrap_used)]

use media_types::Rotation;
use proptest::prelude::*;

use super::*;
use crate::convert::{Converter, Kind, Target};

fn picture(width: u32, height: u32) -> frame::Video {
    let mut picture = frame::Video::new(Pixel::YUV420P, width, height);
    paint(&mut picture, 0..height, 1);
    picture
}

/// Noise in some rows: what a cubic filter is worst at.
fn paint(picture: &mut frame::Video, rows: Range<u32>, seed: u32) {
    for plane in 0..picture.planes() {
        let shift = u32::from(plane > 0);
        let stride = picture.stride(plane);
        let end = rows.end.div_ceil(1 << shift).min(picture.plane_height(plane));
        let bytes = (rows.start >> shift) as usize * stride..end as usize * stride;
        let mut state = seed;
        for byte in &mut picture.data_mut(plane)[bytes] {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *byte = (state >> 24) as u8;
        }
    }
}

fn copy(picture: &frame::Video) -> frame::Video {
    let mut copy = frame::Video::new(Pixel::YUV420P, picture.width(), picture.height());
    (0..picture.planes()).for_each(|plane| copy.data_mut(plane).copy_from_slice(picture.data(plane)));
    copy
}

/// What can be seen of a picture.
fn shown(picture: &frame::Video) -> Vec<&[u8]> {
    let rows = |plane: usize| {
        let (stride, width) = (picture.stride(plane), picture.plane_width(plane) as usize);
        picture.data(plane).chunks(stride).take(picture.plane_height(plane) as usize).map(move |row| &row[..width])
    };
    (0..picture.planes()).flat_map(rows).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn rows_that_changed_are_all_that_has_to_be_scaled(
        (width, height) in (8u32..200, 8u32..500),
        (to_width, to_height) in ((4u32..100).prop_map(|half| 2 * half), (4u32..200).prop_map(|half| 2 * half)),
        changes in prop::collection::vec((0u32..500, 1u32..60, any::<u32>()), 1..4),
        kept in any::<bool>(),
    ) {
        let mut before = picture(width, height);
        let mut scaler = Scaler::new(&before, to_width, to_height).unwrap();
        let first = scaler.scale(&before, &Changed::Anywhere).unwrap();
        let first_rows: Vec<Vec<u8>> = shown(&first).into_iter().map(<[u8]>::to_vec).collect();
        let kept = kept.then_some(first);
        for (start, rows, seed) in changes {
            let mut next = copy(&before);
            let start = start % height;
            paint(&mut next, start..(start + rows).min(height), seed);
            let scaled = scaler.scale(&next, &Changed::between(&before, &next)).unwrap();
            let whole = Scaler::new(&next, to_width, to_height).unwrap().scale(&next, &Changed::Anywhere).unwrap();
            prop_assert_eq!(shown(&scaled), shown(&whole));
            before = next;
        }
        if let Some(kept) = kept {
            prop_assert_eq!(shown(&kept), first_rows, "whoever has a picture keeps it");
        }
    }
}

#[test]
fn a_picture_that_did_not_change_is_not_scaled_again() {
    let source = picture(1920, 1080);
    let mut scaler = Scaler::new(&source, 1280, 720).unwrap();
    let _first = scaler.scale(&source, &Changed::Anywhere).unwrap();
    let mut other = copy(&source);
    assert!(scaler.rows(&Changed::between(&source, &other)).is_empty());
    paint(&mut other, 540..556, 7);
    let rows = scaler.rows(&Changed::between(&source, &other));
    let (count, covered) = (rows.len(), rows[0].clone());
    assert!(count == 1 && covered.contains(&360) && covered.contains(&370) && covered.len() < 64, "{rows:?}");
}

#[test]
fn sizes_come_out_as_of_the_filter_that_other_pictures_go_through() {
    for (width, height) in [(1280, 720), (854, 480), (640, 360), (320, 180)] {
        let source = picture(1920, 1080);
        let target = Target { width, height, rotation: Rotation::None, deinterlace: false, kind: Kind::Standard };
        let mut converter = Converter::new(target);
        converter.push(&source, &Changed::Anywhere, 0).unwrap();
        let scaled = converter.pull().unwrap().unwrap();
        // Not of this scaler's kind, with the same numbers.
        let mut turned = Converter::new(Target { rotation: Rotation::Half, ..target });
        let mut back = Converter::new(Target { width: 1920, height: 1080, rotation: Rotation::Half, ..target });
        back.push(&source, &Changed::Anywhere, 0).unwrap();
        turned.push(&back.pull().unwrap().unwrap(), &Changed::Anywhere, 0).unwrap();
        assert_eq!(shown(&scaled), shown(&turned.pull().unwrap().unwrap()), "{width}x{height}");
    }
}
