//! What ladders need to know of a source.

use ladders::{KeyframeCost, SourceShape};
use media_types::time::rescale;
use media_types::{FrameRate, PacketTime, VideoProbe};

use crate::exact::TimeBase;
use crate::plan::MAX_SIDE;
use crate::ranges::gop_frames;

const MICRO: u128 = 1_000_000;

/// The shape of a source whose pictures lie at `packets` (ascending), in ticks of `base`, and are encoded at
/// `frame_rate`.
pub(crate) fn shape(
    video: &VideoProbe,
    packets: &[PacketTime],
    base: TimeBase,
    frame_rate: FrameRate,
    warnings: &mut Vec<String>,
) -> SourceShape {
    let (width, height) = upright(video, warnings);
    let keyframes = keyframe_cost(video, packets, base, frame_rate).unwrap_or_default();
    let video_bitrate_bps = video.bitrate_bps.filter(|&bps| bps > 0);
    SourceShape { width, height, frame_rate, video_bitrate_bps, keyframes, is_hdr: video.hdr.is_some() }
}

/// What the source's key frames cost, and the ones that renditions have beyond them. `None` when it cannot be known.
fn keyframe_cost(
    video: &VideoProbe,
    packets: &[PacketTime],
    base: TimeBase,
    frame_rate: FrameRate,
) -> Option<KeyframeCost> {
    let bits = u128::from(video.keyframe_bytes?) * 8;
    let (first, last) = (packets.first()?, packets.last()?);
    let gaps = i128::try_from(packets.len()).ok()? - 1;
    // The last picture's own length is about one average interval.
    let micros = base.since(last.pts, first.pts, base).units(1_000_000, 1)?.checked_mul(gaps + 1)?.checked_div(gaps)?;
    let keyframes = packets.iter().filter(|packet| packet.keyframe).count() as u128;
    // Both in millionths of a key frame per second.
    let theirs = (keyframes * MICRO * MICRO).checked_div(u128::try_from(micros).ok()?)?;
    let ours =
        u128::from(frame_rate.num()) * MICRO / (u128::from(frame_rate.den()) * u128::from(gop_frames(frame_rate)));
    let saturated = |value: u128| u64::try_from(value).unwrap_or(u64::MAX);
    Some(KeyframeCost { bits: saturated(bits), added_bps: saturated(bits * ours.saturating_sub(theirs) / MICRO) })
}

/// Width and height of the picture as people see it: square pixels, turned upright.
fn upright(video: &VideoProbe, warnings: &mut Vec<String>) -> (u32, u32) {
    let (mut width, mut height) = (video.width, video.height);
    let aspect = video.sample_aspect;
    if let (Ok(num), Ok(den)) = (u64::try_from(aspect.num), u64::try_from(aspect.den))
        && num > 0
        && den > 0
    {
        if num > den * 8 || den > num * 8 {
            warnings.push(format!("the pixel shape {num}:{den} is not believable and was taken as square"));
        } else if num > den {
            (width, height) = stretched(width, height, num, den);
        } else {
            (height, width) = stretched(height, width, den, num);
        }
    }
    if video.rotation.swaps_sides() { (height, width) } else { (width, height) }
}

/// Two sides, the first `num / den` times as long, so that no line or column of the source is lost; but where that is
/// longer than a side may be the second is shortened instead.
fn stretched(long: u32, short: u32, num: u64, den: u64) -> (u32, u32) {
    let exact = rescale(long.into(), num, den).max(1);
    let limit = i64::from(MAX_SIDE);
    let short = match u64::try_from(exact) {
        Ok(divisor) if exact > limit => rescale(short.into(), u64::from(MAX_SIDE), divisor).max(1),
        _ => short.into(),
    };
    (u32::try_from(exact.min(limit)).unwrap_or(MAX_SIDE), u32::try_from(short).unwrap_or(MAX_SIDE))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use media_types::{Rational, Rotation};
    use proptest::prelude::*;

    use super::*;

    /// `count` pictures `gap_ms` apart, every `every`th a key frame of `bytes`.
    fn source(count: i64, gap_ms: i64, every: usize, bytes: Option<u64>) -> VideoProbe {
        let packet = |i: i64| PacketTime { pts: i * gap_ms, keyframe: (i as usize).is_multiple_of(every) };
        let packets = (0..count).map(packet).collect();
        VideoProbe {
            bitrate_bps: Some(27_000),
            keyframe_bytes: bytes,
            ..VideoProbe::plain("h264", (1280, 720), Rational { num: 1, den: 1000 }, packets)
        }
    }

    fn cost(video: &VideoProbe, rate: u32) -> KeyframeCost {
        let base = TimeBase::new(video.time_base).unwrap();
        shape(video, &video.packets, base, FrameRate::new(rate, 1).unwrap(), &mut Vec::new()).keyframes
    }

    fn size(width: u32, height: u32, (num, den): (i32, i32), rotation: Rotation) -> (u32, u32) {
        let mut video = source(2, 40, 1, None);
        (video.width, video.height, video.rotation) = (width, height, rotation);
        video.sample_aspect = Rational { num, den };
        upright(&video, &mut Vec::new())
    }

    #[test]
    fn key_frames_that_a_source_lacks_are_counted_at_the_size_of_its_own() {
        // A picture a second and a key frame every 20 s; renditions have 0.5 a second.
        let slides = source(120, 1000, 20, Some(50_000));
        assert_eq!(cost(&slides, 10), KeyframeCost { bits: 400_000, added_bps: 180_000 });
        // 47 pictures of 24000/1001 lie less than 2 s apart.
        let base = TimeBase::new(slides.time_base).unwrap();
        let film = FrameRate::new(24_000, 1001).unwrap();
        assert_eq!(keyframe_cost(&slides, &slides.packets, base, film).unwrap().added_bps, 184_051);
    }

    #[test]
    fn a_source_with_key_frames_enough_lacks_none() {
        for every in [1, 25, 50] {
            let cost = cost(&source(500, 40, every, Some(50_000)), 25);
            assert_eq!(cost, KeyframeCost { bits: 400_000, added_bps: 0 }, "every {every}");
        }
    }

    #[test]
    fn nothing_is_added_for_what_is_not_known() {
        assert_eq!(cost(&source(120, 1000, 20, None), 10), KeyframeCost::default());
        for one_instant in [source(1, 1000, 1, Some(50_000)), source(9, 0, 3, Some(50_000))] {
            assert_eq!(cost(&one_instant, 25), KeyframeCost::default());
        }
    }

    #[test]
    fn no_pixel_shape_costs_a_line_or_a_column() {
        for (stored, aspect, rotation, expected) in [
            ((720, 576), (64, 45), Rotation::None, (1024, 576)),
            ((720, 480), (8, 9), Rotation::None, (720, 540)),
            ((704, 480), (10, 11), Rotation::None, (704, 528)),
            ((1080, 1440), (3, 4), Rotation::Right, (1920, 1080)),
            ((1440, 1080), (4, 3), Rotation::Left, (1080, 1920)),
            ((640, 480), (1, 1), Rotation::None, (640, 480)),
            ((640, 480), (0, 1), Rotation::Right, (480, 640)),
            ((640, 480), (9, 1), Rotation::None, (640, 480)),
            ((16_000, 1000), (2, 1), Rotation::None, (16_384, 512)),
            ((1000, 16_000), (1, 2), Rotation::None, (512, 16_384)),
        ] {
            assert_eq!(size(stored.0, stored.1, aspect, rotation), expected, "{stored:?} of {aspect:?}, {rotation:?}");
        }
    }

    proptest! {
        #[test]
        fn any_pixel_shape_gives_a_size_of_that_shape(
            width in 1u32..=MAX_SIDE, height in 1u32..=MAX_SIDE, num in 1i32..1000, den in 1i32..1000,
        ) {
            prop_assume!(num <= den * 8 && den <= num * 8);
            let (w, h) = size(width, height, (num, den), Rotation::None);
            prop_assert!((1..=MAX_SIDE).contains(&w) && (1..=MAX_SIDE).contains(&h));
            let exact = f64::from(width) * f64::from(num) / (f64::from(height) * f64::from(den));
            let (low, high) = ((f64::from(w) - 1.0) / (f64::from(h) + 1.0), (f64::from(w) + 1.0) / (f64::from(h) - 1.0).max(0.0));
            prop_assert!((low..=high).contains(&exact) || h == 1 || w == 1, "{w}x{h} is not {exact}");
            if w < MAX_SIDE && h < MAX_SIDE {
                prop_assert!(w >= width && h >= height);
            }
        }

        #[test]
        fn no_report_overflows(
            pts in prop::collection::vec(any::<i64>(), 0..9), bytes: u64, num in 1..i32::MAX, den in 1..i32::MAX,
            rate_num in 1u32.., rate_den in 1u32.., aspect: (i32, i32), width: u32, height: u32,
        ) {
            let mut video = source(0, 0, 1, Some(bytes));
            video.packets = pts.into_iter().map(|pts| PacketTime { pts, keyframe: pts % 2 == 0 }).collect();
            video.packets.sort_by_key(|packet| packet.pts);
            (video.width, video.height, video.sample_aspect) = (width, height, Rational { num: aspect.0, den: aspect.1 });
            let base = TimeBase::new(Rational { num, den }).unwrap();
            let rate = FrameRate::new(rate_num, rate_den).unwrap();
            let _ = shape(&video, &video.packets, base, rate, &mut Vec::new());
        }
    }
}
