//! The segment grid and the units of parallel encoding.

use media_types::{FrameRate, GopRange};

/// Length of a segment, as nearly as whole runs of [`gop_frames`] allow.
pub(crate) const SEGMENT_S: u64 = 4;
/// Longest time from one IDR picture to the next.
const MAX_GOP_S: u64 = 2;
/// Segments of every range but the last: about 24 s.
const SEGMENTS_PER_RANGE: u64 = 6;
/// A tail of fewer segments joins the range before it.
const SMALLEST_TAIL: u64 = 2;

/// Frames from one IDR picture to the next: as many as fit into 2 s, at least 1.
pub(crate) fn gop_frames(rate: FrameRate) -> u32 {
    to_u32(MAX_GOP_S * u64::from(rate.num()) / u64::from(rate.den())).max(1)
}

/// Frames of a segment: the multiple of [`gop_frames`] that lasts nearest to 4 s. From 2 frames a second on that is two
/// of them, so that 25 frames a second give exactly 4 s, and 24000/1001 give 94 frames, two short of 4 s.
pub(crate) fn segment_frames(rate: FrameRate) -> u32 {
    let gop_frames = gop_frames(rate);
    let (frames, gop) = (SEGMENT_S * u64::from(rate.num()), u64::from(gop_frames) * u64::from(rate.den()));
    let gops = (frames + gop / 2) / gop;
    gop_frames.saturating_mul(to_u32(gops).max(1))
}

/// The ranges of `frames` frames, in order, each whole segments.
pub(crate) fn ranges(frames: u64, segment_frames: u32) -> Vec<GopRange> {
    let per_segment = u64::from(segment_frames.max(1));
    let segments = frames.div_ceil(per_segment);
    let mut ranges = Vec::new();
    let mut first = 0;
    while first < segments {
        let left = segments - first;
        let count = if left < SEGMENTS_PER_RANGE + SMALLEST_TAIL { left } else { SEGMENTS_PER_RANGE };
        let first_frame = first * per_segment;
        ranges.push(GopRange {
            index: to_u32(ranges.len() as u64),
            first_frame,
            frame_count: (frames - first_frame).min(count * per_segment),
            first_segment: to_u32(first),
            segment_count: to_u32(count),
        });
        first += count;
    }
    ranges
}

fn to_u32(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_short_tail_joins_the_range_before_it() {
        let segments = |frames| ranges(frames, 100).iter().map(|range| range.segment_count).collect::<Vec<_>>();
        for (frames, expected) in [
            (1, vec![1]),
            (600, vec![6]),
            (601, vec![7]),
            (700, vec![7]),
            (701, vec![6, 2]),
            (1200, vec![6, 6]),
            (1300, vec![6, 7]),
            (1400, vec![6, 6, 2]),
        ] {
            assert_eq!(segments(frames), expected, "{frames}");
        }
        assert!(ranges(0, 100).is_empty());
    }

    #[test]
    fn known_rates_have_known_segments() {
        for (num, den, gop, segment) in [
            (25, 1, 50, 100),
            (60, 1, 120, 240),
            (25, 2, 25, 50),
            (24_000, 1001, 47, 94),
            (30_000, 1001, 59, 118),
            (60_000, 1001, 119, 238),
            (1171, 100, 23, 46),
            (1, 1, 2, 4),
            (1, 2, 1, 2),
            (1, 60, 1, 1),
        ] {
            let rate = FrameRate::new(num, den).expect("valid rate");
            assert_eq!((gop_frames(rate), segment_frames(rate)), (gop, segment), "{rate}");
        }
    }

    proptest! {
        #[test]
        fn idr_pictures_are_two_seconds_apart_at_most_and_segments_last_nearly_four(den in 1u32..100_000, rate in 1.0f64..=120.0) {
            let num = ((f64::from(den) * rate) as u32).max(den);
            let rate = FrameRate::new(num, den).expect("valid rate");
            let (gop, segment) = (u64::from(gop_frames(rate)), u64::from(segment_frames(rate)));
            let (num, den) = (u64::from(rate.num()), u64::from(rate.den()));
            prop_assert!(gop * den <= 2 * num, "{} frames at {} last longer than 2 s", gop, rate);
            prop_assert!((gop + 1) * den > 2 * num, "one more frame than {} at {} would do", gop, rate);
            prop_assert!(segment.is_multiple_of(gop));
            prop_assert!((segment * den).abs_diff(4 * num) * 2 <= gop * den, "another multiple is nearer to 4 s");
            if num >= 2 * den {
                prop_assert!(segment == 2 * gop && (segment + 2) * den > 4 * num, "{} frames at {}", segment, rate);
            }
        }

        #[test]
        fn rates_under_one_have_one_picture_a_run(num in 1u32..1000, more in 1u32..1_000_000) {
            let rate = FrameRate::new(num, num + more).expect("valid rate");
            prop_assert_eq!(gop_frames(rate), 1);
            prop_assert!(segment_frames(rate) >= 1 && segment_frames(rate) <= 4);
        }

        #[test]
        fn ranges_cover_every_frame_exactly_once(frames in 1u64..3_000_000, segment_frames in 1u32..500) {
            let ranges = ranges(frames, segment_frames);
            let (mut frame, mut segment) = (0, 0);
            for (index, range) in ranges.iter().enumerate() {
                prop_assert_eq!(range.index as usize, index);
                prop_assert_eq!((range.first_frame, range.first_segment), (frame, segment));
                prop_assert_eq!(range.first_frame, u64::from(range.first_segment) * u64::from(segment_frames));
                prop_assert!(range.frame_count > 0 && (1..=7).contains(&range.segment_count));
                prop_assert!(ranges.len() == 1 || range.segment_count >= 2);
                frame += range.frame_count;
                segment += range.segment_count;
            }
            prop_assert_eq!(frame, frames);
            prop_assert_eq!(u64::from(segment), frames.div_ceil(u64::from(segment_frames)));
        }
    }
}
