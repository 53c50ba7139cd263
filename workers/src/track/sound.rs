//! The sound track: measured in places, encoded, and encoded again when the places were not like the whole.

use std::ops::Range;
use std::sync::Arc;

use engine_host::EngineSession;
use media_types::{AudioCodec, AudioPlan, Loss, Timescale};
use pipeline::{AudioOrder, AudioSummary, Loudness};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::{EVENTS_IN_FLIGHT, ObjectSink, OnProgress, TrackPart, audio_track, first_cause, store};
use crate::error::WorkError;
use crate::segmenter::{Builder, Cuts, SoundPart};

/// Coded frames in which encoder and limiter find their way, and those behind that let the last one look ahead.
const WARM_UP: u64 = 16;
const RUN_OUT: u64 = 4;

/// How loud a sound track was and became.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SoundLevel {
    /// The source's sound, at the planned rate and channels.
    pub source: Loudness,
    /// What it was amplified by, in decibels.
    pub gain_db: f64,
    /// What was encoded.
    pub coded: Loudness,
}

/// A sound track as stored, once for each of its codings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SoundParts {
    /// In AAC-LC.
    #[serde(flatten)]
    first: TrackPart,
    /// In other codecs.
    #[serde(default)]
    also: Vec<TrackPart>,
    /// Where there is silence for sound.
    #[serde(default)]
    losses: Vec<Loss>,
}

impl SoundParts {
    /// `None` when there is nothing.
    fn of(parts: Vec<TrackPart>, losses: Vec<Loss>) -> Option<Self> {
        let mut parts = parts.into_iter();
        Some(Self { first: parts.next()?, also: parts.collect(), losses })
    }

    /// What it lost, under the name of its plan.
    pub(crate) fn losses(&self, plan: &AudioPlan) -> impl Iterator<Item = Loss> {
        self.losses.iter().map(|loss| Loss { track: Some(plan.name.clone()), ..loss.clone() })
    }

    /// AAC-LC first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &TrackPart> {
        std::iter::once(&self.first).chain(&self.also)
    }
}

/// A sound track, encoded and stored.
pub(crate) struct EncodedSound {
    pub(crate) parts: SoundParts,
    pub(crate) level: SoundLevel,
    /// Whether it is the second encode, which lies in the second sink.
    pub(crate) again: bool,
}

/// Encodes the sound track with the gain that its windows ask for, in all its codecs at once, and stores its segments in
/// `first` as they are finished; when the gain proves wrong for the whole, encodes it once more and stores that in `again`.
///
/// The gain of an equal plan and source is always the same.
///
/// # Errors
/// When the engine, the packager or a sink fails.
pub(crate) async fn encode_audio(
    session: &mut EngineSession,
    plan: &AudioPlan,
    first: &dyn ObjectSink,
    again: &dyn ObjectSink,
    on_progress: OnProgress,
) -> Result<EncodedSound, WorkError> {
    let gain_db = first_gain(session, plan).await?;
    let (parts, summary) = encode_once(session, plan, gain_db, first, on_progress.clone()).await?;
    let exact_db = plan.loudness.as_ref().map_or(gain_db, |target| summary.source.gain_db(target));
    if !pipeline::is_gain_off(gain_db, exact_db) {
        return Ok(encoded(parts, &summary, gain_db, false));
    }
    // The share is never seen to go back; each call still says that work moves.
    let (parts, summary) = encode_once(session, plan, exact_db, again, Arc::new(move |_| on_progress(1.0))).await?;
    Ok(encoded(parts, &summary, exact_db, true))
}

/// What encoding came to; nothing of a further track that cannot be decoded, which a recording does without.
///
/// # Errors
/// As [`encode_audio`], when the source is at fault for the first track alone.
pub(crate) fn unless_dispensable<T>(track: usize, made: Result<T, WorkError>) -> Result<Option<T>, WorkError> {
    match made {
        Err(error @ WorkError::Input { .. }) if track > 0 => {
            tracing::warn!(track, %error, "a further sound track is left out");
            Ok(None)
        }
        made => made.map(Some),
    }
}

/// The gain that the windows of a sound track ask for, in decibels; 0 where it stays as loud as it is.
///
/// # Errors
/// When the engine fails.
pub(crate) async fn first_gain(session: &mut EngineSession, plan: &AudioPlan) -> Result<f64, WorkError> {
    match &plan.loudness {
        Some(target) => Ok(session.measure_audio(plan).await?.gain_db(target)),
        None => Ok(0.0),
    }
}

fn encoded(parts: SoundParts, summary: &AudioSummary, gain_db: f64, again: bool) -> EncodedSound {
    let level = SoundLevel { source: summary.source, gain_db, coded: summary.coded };
    EncodedSound { parts, level, again }
}

async fn encode_once(
    session: &mut EngineSession,
    plan: &AudioPlan,
    gain_db: f64,
    sink: &dyn ObjectSink,
    on_progress: OnProgress,
) -> Result<(SoundParts, AudioSummary), WorkError> {
    let order = AudioOrder { plan: plan.clone(), gain_db };
    run(session, order, (plan, SoundPart::default()), sink, on_progress).await
}

/// Carries an order out and stores the part of the whole plan's segments that it makes.
async fn run(
    session: &mut EngineSession,
    order: AudioOrder,
    (plan, part): (&AudioPlan, SoundPart),
    sink: &dyn ObjectSink,
    on_progress: OnProgress,
) -> Result<(SoundParts, AudioSummary), WorkError> {
    let timescale =
        Timescale::new(plan.sample_rate).ok_or_else(|| WorkError::Engine("a sound track without a rate".into()))?;
    let builder = |codec| {
        let cuts = Cuts::Audio { plan, grid: None, gain_db: order.gain_db, part: part.clone() };
        Builder::new(audio_track(plan, codec), timescale, cuts)
    };
    let mut builders: Vec<Builder> = order.plan.codings().map(|coding| builder(coding.codec)).collect();
    let (events_in, events) = mpsc::channel(EVENTS_IN_FLIGHT);
    let (summary, stored) =
        tokio::join!(session.encode_audio(order, events_in), store(events, &mut builders, sink, on_progress, None));
    let summary = first_cause(summary, stored)?;
    let parts = builders.into_iter().map(Builder::finish).collect::<Result<Vec<_>, _>>()?;
    let parts = SoundParts::of(parts, summary.losses.clone())
        .ok_or_else(|| WorkError::Engine("a sound track without a coding".into()))?;
    Ok((parts, summary))
}

/// Encodes some segments of a sound track in AAC-LC by themselves, as like as can be to those of the whole: with its gain, on its grid
/// of coded frames, and after a run-up. A frame decodes together with the one before it, so that at either end the overlap is
/// of two encodes of the same samples.
///
/// # Errors
/// As [`encode_audio`].
pub(crate) async fn encode_audio_part(
    session: &mut EngineSession,
    plan: &AudioPlan,
    (segments, priming_samples, gain_db): (Range<u32>, u32, f64),
    sink: &dyn ObjectSink,
    on_progress: OnProgress,
) -> Result<(), WorkError> {
    let grid = packager::audio_segments(plan, AudioCodec::Aac, priming_samples);
    let (first, end) = (grid.first_frame(segments.start), grid.first_frame(segments.end));
    let warm_up = first.min(WARM_UP);
    let offset = (first - warm_up) * grid.frame_samples();
    let wanted = (end - first + warm_up + RUN_OUT) * grid.frame_samples();
    let part = plan.part(offset, wanted.min(plan.sample_count.saturating_sub(offset)));
    let part = AudioPlan { opus_bitrate_bps: None, ..part };
    let segment_count = Some(segments.end - segments.start);
    let cut = SoundPart { first_segment: segments.start, segment_count, offset, warm_up };
    run(session, AudioOrder { plan: part, gain_db }, (plan, cut), sink, on_progress).await.map(drop)
}

#[cfg(test)]
mod tests;
