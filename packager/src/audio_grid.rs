//! Which coded frames of sound belong to which segment.

use media_types::{AudioCodec, AudioPlan};

/// The segments of a coded sound track: every frame belongs to exactly one, and none is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AudioGrid {
    /// First frame of each segment, strictly ascending, the first one 0. Empty when there is no frame.
    starts: Vec<u64>,
    frame_count: u64,
    frame_samples: u64,
}

impl AudioGrid {
    /// Coded frames in the track, priming included.
    pub fn frame_count(&self) -> u64 {
        self.frame_count
    }

    /// Samples of one coded frame.
    pub fn frame_samples(&self) -> u64 {
        self.frame_samples
    }

    /// Number of segments.
    pub fn segment_count(&self) -> u32 {
        u32::try_from(self.starts.len()).unwrap_or(u32::MAX)
    }

    /// First coded frame of a 0-based segment; [`frame_count`](Self::frame_count) for those past the end.
    pub fn first_frame(&self, segment: u32) -> u64 {
        self.starts.get(segment as usize).copied().unwrap_or(self.frame_count)
    }

    /// Coded frames in a 0-based segment; 0 past the end.
    pub fn frames_in_segment(&self, segment: u32) -> u64 {
        self.first_frame(segment.saturating_add(1)) - self.first_frame(segment)
    }
}

/// Lays the plan's borders on a codec's grid of coded frames.
///
/// Coded frame `k` starts at presentation sample `k * frame_samples - priming_samples`; each border moves to the nearest
/// such start (by at most half a frame, and by its own error only: nothing accumulates). A border that would leave an empty
/// segment, as one within half a frame of the end does, is dropped.
pub fn audio_segments(plan: &AudioPlan, codec: AudioCodec, priming_samples: u32) -> AudioGrid {
    let (priming, frame_samples) = (u64::from(priming_samples), u64::from(codec.frame_samples()));
    let frame_count = plan.sample_count.saturating_add(priming).div_ceil(frame_samples);
    let mut starts = Vec::with_capacity(plan.borders.len() + 1);
    if frame_count > 0 {
        starts.push(0);
    }
    for &border in &plan.borders {
        let frame = border.saturating_add(priming).saturating_add(frame_samples / 2) / frame_samples;
        if frame < frame_count && starts.last().is_some_and(|&last| frame > last) {
            starts.push(frame);
        }
    }
    AudioGrid { starts, frame_count, frame_samples }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use media_types::{Rational, time::rescale};
    use proptest::prelude::*;

    use super::*;

    fn plan(sample_rate: u32, sample_count: u64, borders: Vec<u64>) -> AudioPlan {
        AudioPlan {
            name: "und".to_owned(),
            label: None,
            roles: Default::default(),
            clock: Default::default(),
            stream_index: 1,
            source_time_base: Rational { num: 1, den: 44_100 },
            origin_pts: 0,
            sample_rate,
            channels: 2,
            bitrate_bps: 128_000,
            opus_bitrate_bps: None,
            sample_count,
            borders,
            language: "und".into(),
            loudness: None,
        }
    }

    #[test]
    fn four_hours_of_ntsc_film_and_cd_audio_never_drift() {
        // Segments of 96 frames at 24000/1001, borders rounded from the exact video times.
        let segments = 4 * 3600 / 4;
        let exact = |k: u64| rescale((k * 96 * 1001) as i64, 44_100, 24_000) as u64;
        let grid =
            audio_segments(&plan(44_100, exact(segments), (1..segments).map(exact).collect()), AudioCodec::Aac, 1024);
        assert_eq!(u64::from(grid.segment_count()), segments);
        for k in 1..segments {
            let at = i128::from(grid.first_frame(k as u32)) * 1024 - 1024;
            // In units of 1/24000 of a sample, so that the border's own rounding is seen too.
            let off = (at * 24_000 - i128::from(k) * 96 * 1001 * 44_100).abs();
            assert!(off <= (512 * 24_000) + 12_000, "border {k} is off by {} samples", off / 24_000);
        }
    }

    #[test]
    fn a_tail_shorter_than_half_a_frame_joins_the_segment_before() {
        let grid = audio_segments(&plan(48_000, 192_100, vec![192_000]), AudioCodec::Aac, 0);
        assert_eq!((grid.segment_count(), grid.frame_count()), (1, 188));
        let grid = audio_segments(&plan(48_000, 194_000, vec![192_000]), AudioCodec::Aac, 0);
        assert_eq!((grid.segment_count(), grid.first_frame(1), grid.frames_in_segment(1)), (2, 188, 2));
    }

    proptest! {
        #[test]
        fn every_frame_is_in_one_segment_and_borders_move_half_a_frame(
            codec in prop::sample::select(vec![AudioCodec::Aac, AudioCodec::Opus]),
            priming in 0u32..5000,
            steps in prop::collection::vec(1500u64..400_000, 0..60),
            tail in 1u64..400_000,
        ) {
            let borders: Vec<u64> = steps.iter().scan(0, |at, step| { *at += step; Some(*at) }).collect();
            let count = borders.last().unwrap_or(&0) + tail;
            let grid = audio_segments(&plan(48_000, count, borders.clone()), codec, priming);
            let frame = u64::from(codec.frame_samples());
            prop_assert_eq!(grid.frame_count(), (count + u64::from(priming)).div_ceil(frame));
            let per_segment: Vec<u64> = (0..grid.segment_count()).map(|k| grid.frames_in_segment(k)).collect();
            prop_assert!(per_segment.iter().all(|&frames| frames > 0));
            prop_assert_eq!(per_segment.iter().sum::<u64>(), grid.frame_count());
            if tail > 1024 {
                prop_assert_eq!(grid.segment_count() as usize, borders.len() + 1);
                for (k, border) in borders.iter().enumerate() {
                    let at = (grid.first_frame(k as u32 + 1) * frame) as i64 - i64::from(priming);
                    prop_assert!((at - *border as i64).unsigned_abs() <= frame / 2);
                }
            }
        }
    }
}
