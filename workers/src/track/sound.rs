//! The sound track: measured in places, encoded, and encoded again when the places were not like the whole.

use std::sync::Arc;

use engine_host::EngineSession;
use media_types::{AudioPlan, Timescale};
use pipeline::{AudioOrder, AudioSummary, Loudness};
use serde::Serialize;
use tokio::sync::mpsc;

use super::{EVENTS_IN_FLIGHT, ObjectSink, OnProgress, TrackPart, audio_track, first_cause, store};
use crate::error::WorkError;
use crate::segmenter::{Builder, Cuts};

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

/// A sound track, encoded and stored.
pub(crate) struct EncodedSound {
    pub(crate) part: TrackPart,
    pub(crate) level: SoundLevel,
    /// Whether it is the second encode, which lies in the second sink.
    pub(crate) again: bool,
}

/// Encodes the sound track with the gain that its windows ask for and stores its segments in `first` as they are
/// finished; when the gain proves wrong for the whole, encodes it once more and stores that in `again`.
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
    let Some(target) = &plan.loudness else {
        let (part, summary) = encode_once(session, plan, 0.0, first, on_progress).await?;
        return Ok(encoded(part, &summary, 0.0, false));
    };
    let gain_db = session.measure_audio(plan).await?.gain_db(target);
    let (part, summary) = encode_once(session, plan, gain_db, first, on_progress.clone()).await?;
    let exact_db = summary.source.gain_db(target);
    if !pipeline::is_gain_off(gain_db, exact_db) {
        return Ok(encoded(part, &summary, gain_db, false));
    }
    // The share is never seen to go back; each call still says that work moves.
    let (part, summary) = encode_once(session, plan, exact_db, again, Arc::new(move |_| on_progress(1.0))).await?;
    Ok(encoded(part, &summary, exact_db, true))
}

fn encoded(part: TrackPart, summary: &AudioSummary, gain_db: f64, again: bool) -> EncodedSound {
    let level = SoundLevel { source: summary.source, gain_db, coded: summary.coded };
    EncodedSound { part, level, again }
}

async fn encode_once(
    session: &mut EngineSession,
    plan: &AudioPlan,
    gain_db: f64,
    sink: &dyn ObjectSink,
    on_progress: OnProgress,
) -> Result<(TrackPart, AudioSummary), WorkError> {
    let timescale =
        Timescale::new(plan.sample_rate).ok_or_else(|| WorkError::Engine("a sound track without a rate".into()))?;
    let mut builders = [Builder::new(audio_track(plan), timescale, Cuts::Audio { plan, grid: None })];
    let (events_in, events) = mpsc::channel(EVENTS_IN_FLIGHT);
    let (summary, stored) = tokio::join!(
        session.encode_audio(AudioOrder { plan: plan.clone(), gain_db }, events_in),
        store(events, &mut builders, sink, on_progress, None)
    );
    let summary = first_cause(summary, stored)?;
    let [builder] = builders;
    Ok((builder.finish()?, summary))
}

#[cfg(test)]
mod tests;
