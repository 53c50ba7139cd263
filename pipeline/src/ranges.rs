//! The segment grid and the units of parallel encoding.

use media_types::{FrameRate, GopRange};

/// Segments of every range but the last: 24 s of 4 s each.
pub(crate) const SEGMENTS_PER_RANGE: u64 = 6;
/// A tail of fewer segments joins the range before it.
const SMALLEST_TAIL: u64 = 2;

/// Frames of a segment: nominally 4 s.
pub(crate) fn segment_frames(rate: FrameRate) -> u32 {
    rate.nominal() * 4
}

/// Frames from one IDR picture to the next: half a segment.
pub(crate) fn gop_frames(rate: FrameRate) -> u32 {
    rate.nominal() * 2
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

    proptest! {
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
