//! The sound tracks of a plan.

use ladders::AudioRung;
use media_types::time::rescale;
use media_types::{AudioPlan, AudioProbe, FrameRate, language};

use crate::PlanError;
use crate::exact::TimeBase;
use crate::ranges::SEGMENT_S;

/// What one AAC-LC channel can use at 44.1 kHz; ISO/IEC 14496-3 §4.5.3.1 allows 6144 bits per channel and frame. Opus has no
/// use for more.
const MAX_CHANNEL_BPS: u32 = 256_000;

/// A track that has sound: a time base, a rate, channels and packets.
pub(crate) struct Track<'r> {
    probe: &'r AudioProbe,
    /// What warnings call it.
    pub(crate) name: String,
    pub(crate) base: TimeBase,
    pub(crate) start: i64,
    pub(crate) end: i64,
}

impl<'r> Track<'r> {
    /// Gives the name back for a track that cannot be heard.
    pub(crate) fn new(probe: &'r AudioProbe, name: String) -> Result<Self, String> {
        let usable = probe.sample_rate > 0 && probe.channels > 0;
        match (TimeBase::new(probe.time_base), probe.span) {
            (Ok(base), Some((start, end))) if usable && end > start => Ok(Self { probe, name, base, start, end }),
            _ => Err(name),
        }
    }

    /// The plan of sound under pictures: it starts with the first picture, lasts as long as they do and is cut where
    /// they are cut.
    pub(crate) fn under_pictures(&self, rung: &AudioRung, pictures: &PictureGrid) -> AudioPlan {
        let sample_rate = self.output_rate(rung);
        let at_frame = |frame: u64| frame_to_sample(frame, pictures.frame_rate, sample_rate);
        let inner = (1..).map(|index| index * u64::from(pictures.segment_frames));
        let borders = inner.take_while(|&frame| frame < pictures.frame_count).map(at_frame).collect();
        let origin_pts = self.base.nearest_pts(pictures.origin_pts, pictures.base);
        self.plan(rung, origin_pts, at_frame(pictures.frame_count), borders)
    }

    /// The plan of sound alone: from its first sample to its last.
    pub(crate) fn alone(&self, rung: &AudioRung) -> Result<AudioPlan, PlanError> {
        let sample_rate = self.output_rate(rung);
        let length = self.base.since(self.end, self.start, self.base);
        if length.exceeds(crate::MAX_DURATION_S) {
            return Err(PlanError::too_long(length.whole()));
        }
        let samples = length.units(sample_rate, 1).and_then(|count| u64::try_from(count).ok()).unwrap_or(0);
        if samples == 0 {
            return Err(PlanError::no_media());
        }
        let step = u64::from(sample_rate) * SEGMENT_S;
        let borders = (1..).map(|index| index * step).take_while(|&border| border < samples).collect();
        Ok(self.plan(rung, self.start, samples, borders))
    }

    /// The plan of further sound beside the first, where there are no pictures: it starts and ends with it and is cut where
    /// it is cut.
    pub(crate) fn beside(&self, rung: &AudioRung, first: &Track<'_>, main: &AudioPlan) -> AudioPlan {
        let sample_rate = self.output_rate(rung);
        let at = |sample: u64| {
            let sample = i64::try_from(sample).unwrap_or(i64::MAX);
            u64::try_from(rescale(sample, sample_rate.into(), main.sample_rate.into())).unwrap_or(0)
        };
        let borders = main.borders.iter().map(|&border| at(border)).collect();
        self.plan(rung, self.base.nearest_pts(main.origin_pts, first.base), at(main.sample_count), borders)
    }

    /// CD material keeps its rate, everything else becomes 48 kHz: the only rate of Opus, which shares its samples with AAC.
    fn output_rate(&self, rung: &AudioRung) -> u32 {
        let keeps = self.probe.sample_rate == 44_100 && rung.opus_bitrate_bps.is_none();
        if keeps { 44_100 } else { 48_000 }
    }

    fn plan(&self, rung: &AudioRung, origin_pts: i64, sample_count: u64, borders: Vec<u64>) -> AudioPlan {
        let channels = self.probe.channels.min(rung.channels).clamp(1, 2);
        let language = self.probe.language.as_deref().and_then(language::canonical);
        AudioPlan {
            name: String::new(),
            label: self.probe.title.clone(),
            roles: self.probe.roles,
            stream_index: self.probe.stream_index,
            source_time_base: self.probe.time_base,
            clock: self.probe.clock.clone(),
            origin_pts,
            sample_rate: self.output_rate(rung),
            channels,
            bitrate_bps: rung.bitrate_bps.min(MAX_CHANNEL_BPS * channels),
            opus_bitrate_bps: rung.opus_bitrate_bps.map(|bps| bps.min(MAX_CHANNEL_BPS * channels)),
            sample_count,
            borders,
            language: language.unwrap_or_else(|| language::UNKNOWN.to_owned()),
            loudness: rung.loudness,
        }
    }
}

/// The video grid that sound follows.
pub(crate) struct PictureGrid {
    pub(crate) origin_pts: i64,
    pub(crate) base: TimeBase,
    pub(crate) frame_rate: FrameRate,
    pub(crate) frame_count: u64,
    pub(crate) segment_frames: u32,
}

/// The sample nearest to a frame's start.
pub(crate) fn frame_to_sample(frame: u64, rate: FrameRate, sample_rate: u32) -> u64 {
    let frame = i64::try_from(frame).unwrap_or(i64::MAX);
    let sample = rescale(frame, u64::from(rate.den()) * u64::from(sample_rate), rate.num().into());
    u64::try_from(sample).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::ranges::segment_frames;

    #[test]
    fn four_hours_of_film_and_cd_sound_end_at_the_same_instant() {
        let rate = FrameRate::new(24_000, 1001).unwrap();
        let frames = 4 * 3600 * 24_000 / 1001;
        let samples = frame_to_sample(frames, rate, 44_100);
        let exact = u128::from(frames) * 1001 * 44_100;
        assert!((u128::from(samples) * 24_000).abs_diff(exact) * 2 <= 24_000);
        let per_segment = u64::from(segment_frames(rate));
        let mut sum = 0;
        for segment in 0..frames.div_ceil(per_segment) {
            let (from, to) = (segment * per_segment, ((segment + 1) * per_segment).min(frames));
            sum += frame_to_sample(to, rate, 44_100) - frame_to_sample(from, rate, 44_100);
        }
        assert_eq!(sum, samples);
    }
}
