//! Samples to segments: where the plan cuts, and nowhere else.

use media_types::{
    AudioCodec, AudioPlan, CodecConfig, GopRange, Sample, SegmentRecord, Timescale, TrackKind, VideoPlan,
};

use crate::error::WorkError;
use crate::track::{FinishedSegment, ObjectSink, TrackHead, TrackPart, audio_kind};

/// Where one segment ends and the next begins.
pub(crate) enum Cuts<'a> {
    Video { plan: &'a VideoPlan, range: GopRange, kind: TrackKind },
    Audio { plan: &'a AudioPlan, grid: Option<packager::AudioGrid>, gain_db: f64, part: SoundPart },
}

/// Which segments of a sound track are made, and what of the encode comes before them. By default all, and nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct SoundPart {
    pub(crate) first_segment: u32,
    /// Segments after which nothing is wanted; `None` for all there are.
    pub(crate) segment_count: Option<u32>,
    /// Samples of the presentation before the encode's first.
    pub(crate) offset: u64,
    /// Coded frames that only let the encoder find its way.
    pub(crate) warm_up: u64,
}

impl Cuts<'_> {
    fn first_segment(&self) -> u32 {
        match self {
            Cuts::Video { range, .. } => range.first_segment,
            Cuts::Audio { part, .. } => part.first_segment,
        }
    }

    fn kind(&self) -> TrackKind {
        match self {
            Cuts::Video { kind, .. } => *kind,
            Cuts::Audio { plan, .. } => audio_kind(plan),
        }
    }

    /// Whether `samples` are all of segment `index`: pictures may be held, and then last several frames.
    fn is_whole(&self, index: u32, samples: &[Sample]) -> bool {
        match self {
            Cuts::Video { plan, .. } => {
                let ticks: u64 = samples.iter().map(|sample| u64::from(sample.duration)).sum();
                ticks >= u64::from(plan.frames_in_segment(index)) * u64::from(plan.frame_ticks)
            }
            Cuts::Audio { grid, .. } => {
                grid.as_ref().is_some_and(|grid| samples.len() as u64 == grid.frames_in_segment(index))
            }
        }
    }
}

/// Collects the samples of one track and stores each segment when it is whole.
pub(crate) struct Builder<'a> {
    track: String,
    timescale: Timescale,
    cuts: Cuts<'a>,
    config: Option<(CodecConfig, u32)>,
    /// What the track's edit list hides.
    hidden_ticks: u32,
    open: Vec<Sample>,
    segments: Vec<SegmentRecord>,
}

impl<'a> Builder<'a> {
    pub(crate) fn new(track: String, timescale: Timescale, cuts: Cuts<'a>) -> Self {
        Self { track, timescale, cuts, config: None, hidden_ticks: 0, open: Vec::new(), segments: Vec::new() }
    }

    pub(crate) async fn configure(
        &mut self,
        config: CodecConfig,
        priming_samples: u32,
        sink: &dyn ObjectSink,
    ) -> Result<(), WorkError> {
        match &mut self.cuts {
            Cuts::Audio { plan, grid, .. } => {
                let codec = AudioCodec::of(&config);
                let codec = codec.ok_or_else(|| WorkError::Engine(format!("{} is no sound", self.track)))?;
                *grid = Some(packager::audio_segments(plan, codec, priming_samples));
                self.hidden_ticks = priming_samples;
            }
            Cuts::Video { kind, .. } => {
                self.hidden_ticks = packager::composition_delay(kind, self.timescale, &config)?.unwrap_or(0);
            }
        }
        let gain_db = if let Cuts::Audio { gain_db, .. } = self.cuts { gain_db } else { 0.0 };
        let head = TrackHead { track: self.track.clone(), kind: self.cuts.kind(), config, priming_samples, gain_db };
        sink.configured(&head).await?;
        self.config = Some((head.config, priming_samples));
        Ok(())
    }

    fn index(&self) -> u32 {
        self.cuts.first_segment() + self.segments.len() as u32
    }

    /// Takes the next sample. The engine counts sound from its first coded sample on, and fills the last packet up.
    pub(crate) async fn push(&mut self, mut sample: Sample, sink: &dyn ObjectSink) -> Result<(), WorkError> {
        if let Cuts::Audio { plan, part, .. } = &mut self.cuts {
            if part.warm_up > 0 {
                part.warm_up -= 1;
                return Ok(());
            }
            if part.segment_count.is_some_and(|count| self.segments.len() >= count as usize) {
                return Ok(());
            }
            let offset = i64::try_from(part.offset).unwrap_or(i64::MAX);
            (sample.dts, sample.pts) = (sample.dts + offset, sample.pts + offset - i64::from(self.hidden_ticks));
            // Players take the end of the last packet for the recording's, which says when the sound ends.
            let left = i64::try_from(plan.sample_count).unwrap_or(i64::MAX) - sample.pts;
            sample.duration = u32::try_from(left).map_or(sample.duration, |left| sample.duration.min(left.max(1)));
        }
        self.open.push(sample);
        if self.cuts.is_whole(self.index(), &self.open) {
            self.flush(sink).await?;
        }
        Ok(())
    }

    pub(crate) async fn flush(&mut self, sink: &dyn ObjectSink) -> Result<(), WorkError> {
        if self.open.is_empty() {
            return Ok(());
        }
        let index = self.index();
        let segment = packager::media_segment(&self.cuts.kind(), index, &self.open, self.hidden_ticks)?;
        self.open.clear();
        let (track, hidden_ticks) = (self.track.as_str(), self.hidden_ticks);
        let finished = FinishedSegment { track, record: &segment.record, hidden_ticks, bytes: segment.bytes };
        sink.put_segment(finished).await?;
        self.segments.push(segment.record);
        Ok(())
    }

    pub(crate) fn finish(self) -> Result<TrackPart, WorkError> {
        let (config, priming_samples) =
            self.config.ok_or_else(|| WorkError::Engine(format!("the engine made nothing for {}", self.track)))?;
        Ok(TrackPart { track: self.track, config, priming_samples, segments: self.segments })
    }
}
