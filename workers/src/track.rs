//! From the engine's samples to stored segments: what a range (`range`), a sound track (`sound`), the stills (`stills`)
//! and text (`text`) have in common. `samples` stores nothing: it decides the renditions.

mod range;
mod samples;
mod sound;
mod stills;
mod text;

use std::sync::Arc;

use bytes::Bytes;
use engine_host::{EngineEvent, EngineHostError};
use futures::future::BoxFuture;
pub(crate) use media_types::publication::video_track;
use media_types::{AudioCodec, AudioPlan, CodecConfig, Rendition, SegmentRecord, TrackKind, VideoPlan};
use pipeline::{RangeCheck, RangeFault};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::error::WorkError;
use crate::segmenter::Builder;

pub(crate) use range::{Manner, RangeParts, encode_range, whole_order};
pub(crate) use samples::decide;
pub use sound::SoundLevel;
pub(crate) use sound::{SoundParts, encode_audio, encode_audio_part, first_gain, unless_dispensable};
pub(crate) use stills::{Stills, make_sheet, make_stills};
pub(crate) use text::{TextPart, read_text, text_grid, text_track};

/// Events waiting between the engine and the packager; a full queue stops the engine.
const EVENTS_IN_FLIGHT: usize = 64;

/// Where finished files go: a folder, or the store under a prefix of the job's own.
pub(crate) trait ObjectSink: Send + Sync {
    /// Stores `bytes` under `path`, whole or not at all.
    ///
    /// # Errors
    /// When the bytes are not safely stored.
    fn put(&self, path: String, bytes: Bytes) -> BoxFuture<'_, Result<(), WorkError>>;

    /// Learns what a track's decoder needs first, before the track's first segment.
    ///
    /// # Errors
    /// When it cannot be kept.
    fn configured<'a>(&'a self, _track: &'a TrackHead) -> BoxFuture<'a, Result<(), WorkError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Stores a media segment, whole or not at all.
    ///
    /// # Errors
    /// As [`put`](Self::put).
    fn put_segment<'a>(&'a self, segment: FinishedSegment<'a>) -> BoxFuture<'a, Result<(), WorkError>> {
        self.put(packager::segment_path(segment.track, segment.record.index), segment.bytes)
    }
}

/// What is known of a track before its first sample is encoded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TrackHead {
    /// Folder name of the track.
    pub(crate) track: String,
    /// What it holds.
    pub(crate) kind: TrackKind,
    /// What a decoder needs first.
    pub(crate) config: CodecConfig,
    /// The encoder's delay in samples, 0 for video.
    pub(crate) priming_samples: u32,
    /// What sound is amplified by, in decibels, 0 for video.
    pub(crate) gain_db: f64,
}

/// A media segment that is made.
pub(crate) struct FinishedSegment<'a> {
    /// Folder name of the track.
    pub(crate) track: &'a str,
    /// What it is.
    pub(crate) record: &'a SegmentRecord,
    /// What the track's edit list hides.
    pub(crate) hidden_ticks: u32,
    /// Its bytes.
    pub(crate) bytes: Bytes,
}

/// Called with the done share of one piece of work, 0 to 1.
pub(crate) type OnProgress = Arc<dyn Fn(f64) + Send + Sync>;

/// One rendition's share of a range, or one encode of a whole sound track, as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TrackPart {
    /// Folder name of the track, such as `video-1080p`.
    pub(crate) track: String,
    /// What a decoder needs first; equal in all parts of a track.
    pub(crate) config: CodecConfig,
    /// The encoder's delay in samples, 0 for video.
    pub(crate) priming_samples: u32,
    /// The segments, in order.
    pub(crate) segments: Vec<SegmentRecord>,
}

/// What a rendition's track holds.
pub(crate) fn video_kind(plan: &VideoPlan, rendition: &Rendition) -> TrackKind {
    TrackKind::Video {
        width: rendition.width,
        height: rendition.height,
        rate_num: plan.frame_rate.num(),
        rate_den: plan.frame_rate.den(),
        sample_aspect: (1, 1),
    }
}

/// What a sound track holds.
pub(crate) fn audio_kind(plan: &AudioPlan) -> TrackKind {
    TrackKind::Audio { sample_rate: plan.sample_rate, channels: plan.channels }
}

/// Folder name of a sound track in a codec. No plan calls a track `opus-...`: no language begins with four letters.
pub(crate) fn audio_track(plan: &AudioPlan, codec: AudioCodec) -> String {
    match codec {
        AudioCodec::Aac => format!("audio-{}", plan.name),
        AudioCodec::Opus => format!("audio-opus-{}", plan.name),
    }
}

/// A file beside the segments, as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredFile {
    /// Its path, such as `poster.jpg`.
    pub(crate) name: String,
    /// Size in bytes.
    pub(crate) size_bytes: u64,
    /// Lower-case hex BLAKE3.
    pub blake3: String,
}

fn share(done: u64, total: u64) -> f64 {
    done as f64 / total.max(1) as f64
}

fn fault(fault: RangeFault) -> WorkError {
    WorkError::Engine(fault.to_string())
}

/// When storing failed the engine merely noticed that nobody listens: the first cause is the storing.
fn first_cause<T>(summary: Result<T, EngineHostError>, stored: Result<(), WorkError>) -> Result<T, WorkError> {
    stored?;
    Ok(summary?)
}

async fn store(
    mut events: mpsc::Receiver<EngineEvent>,
    builders: &mut [Builder<'_>],
    sink: &dyn ObjectSink,
    on_progress: OnProgress,
    mut check: Option<&mut RangeCheck>,
) -> Result<(), WorkError> {
    let unknown =
        |track: u32| WorkError::Engine(format!("the engine speaks of track {track}, which was not asked for"));
    while let Some(event) = events.recv().await {
        match event {
            EngineEvent::Config { track, config, priming_samples } => {
                let builder = builders.get_mut(track as usize).ok_or_else(|| unknown(track))?;
                builder.configure(config, priming_samples, sink).await?;
            }
            EngineEvent::Sample { track, sample } => {
                if let Some(check) = &mut check {
                    check.sample(track, &sample).map_err(fault)?;
                }
                builders.get_mut(track as usize).ok_or_else(|| unknown(track))?.push(sample, sink).await?;
            }
            EngineEvent::Progress { done, total } => on_progress(share(done, total)),
            EngineEvent::Image { .. } | EngineEvent::Cue { .. } => {}
        }
    }
    for builder in builders {
        builder.flush(sink).await?;
    }
    Ok(())
}
