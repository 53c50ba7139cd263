//! Text tracks: read by the engine, cut into segments for HLS and DASH.

use std::num::NonZeroU32;

use bytes::Bytes;
use engine_host::{EngineEvent, EngineSession};
use media_types::time::rescale;
use media_types::{
    AudioPlan, CodecConfig, EncodePlan, Sample, SegmentRecord, TextPlan, Timescale, TrackKind, VideoPlan,
};
use packager::{TextGrid, media_segment, segment_path, webvtt_segment_path};
use pipeline::{TextCue, TextOrder};
use serde::{Deserialize, Serialize};
use timed_text::ass::{self, Event};
use timed_text::{Document, TextError, TextSample, TimestampMap, webvtt, wvtt};
use tokio::sync::mpsc;

use super::{EVENTS_IN_FLIGHT, ObjectSink, OnProgress, StoredFile, first_cause, share};
use crate::error::WorkError;

/// A text track, read and stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TextPart {
    /// Folder name of the track, such as `text-en`.
    pub(crate) track: String,
    /// What a reader of its samples needs first.
    pub(crate) config: CodecConfig,
    /// The segments for DASH, in order.
    pub(crate) segments: Vec<SegmentRecord>,
    /// The same for HLS, as WebVTT files.
    pub(crate) webvtt: Vec<StoredFile>,
}

/// Folder name of a text track.
pub(crate) fn text_track(plan: &TextPlan) -> String {
    format!("text-{}", plan.name)
}

/// Where the text of a plan is cut: with the pictures, or with the sound where there are none.
///
/// # Errors
/// When the plan has nothing that lasts.
pub(crate) fn text_grid(plan: &EncodePlan) -> Result<TextGrid, WorkError> {
    let beside = match (&plan.video, plan.audio.first()) {
        (Some(video), _) => Some((video.timescale, of_pictures(video))),
        (None, Some(audio)) => Timescale::new(audio.sample_rate).map(|scale| (scale, of_sound(audio))),
        (None, None) => None,
    };
    let (scale, borders) = beside.ok_or_else(|| WorkError::Engine("text without anything it belongs to".into()))?;
    let fine = TextGrid::scale_beside(Some(scale));
    let moved = |at: u64| rescale(at.cast_signed(), fine.get().into(), scale.get().into());
    Ok(TextGrid { scale: fine, borders: borders.into_iter().map(moved).collect() })
}

fn of_pictures(plan: &VideoPlan) -> Vec<u64> {
    let ticks = u64::from(plan.frame_ticks);
    let starts = (0..u64::from(plan.segment_count())).map(|index| index * u64::from(plan.segment_frames) * ticks);
    starts.chain([plan.frame_count() * ticks]).collect()
}

fn of_sound(plan: &AudioPlan) -> Vec<u64> {
    [0].into_iter().chain(plan.borders.iter().copied()).chain([plan.sample_count]).collect()
}

/// Reads all text tracks of a plan and stores their segments. Tracks that say nothing, or more than can be carried, are left
/// out.
///
/// # Errors
/// When the engine or the sink fails.
pub(crate) async fn read_text(
    session: &mut EngineSession,
    plan: &EncodePlan,
    sink: &dyn ObjectSink,
    on_progress: OnProgress,
) -> Result<Vec<TextPart>, WorkError> {
    let grid = text_grid(plan)?;
    let mut tracks = vec![Vec::new(); plan.text.len()];
    let (events_in, events) = mpsc::channel(EVENTS_IN_FLIGHT);
    let order = TextOrder { tracks: plan.text.clone() };
    let (summary, heard) = tokio::join!(session.read_text(order, events_in), hear(events, &mut tracks, on_progress));
    let summary = first_cause(summary, heard)?;
    if summary.lost_packets > 0 {
        tracing::warn!(lost_packets = summary.lost_packets, "some of the subtitles could not be read");
    }
    let mut parts = Vec::new();
    for (text, events) in plan.text.iter().zip(tracks) {
        parts.extend(store(text_track(text), events, &grid, sink).await?);
    }
    Ok(parts)
}

/// The session sees to it that there are not too many.
async fn hear(
    mut events: mpsc::Receiver<EngineEvent>,
    tracks: &mut [Vec<Event>],
    on_progress: OnProgress,
) -> Result<(), WorkError> {
    while let Some(event) = events.recv().await {
        match event {
            EngineEvent::Cue { track, cue } => {
                if let Some(events) = tracks.get_mut(track as usize) {
                    let TextCue { start_us, end_us, event, form } = cue;
                    events.push(Event { start_us, end_us, text: event, form });
                }
            }
            EngineEvent::Progress { done, total } => on_progress(share(done, total)),
            EngineEvent::Config { .. } | EngineEvent::Sample { .. } | EngineEvent::Image { .. } => {}
        }
    }
    Ok(())
}

async fn store(
    track: String,
    events: Vec<Event>,
    grid: &TextGrid,
    sink: &dyn ObjectSink,
) -> Result<Option<TextPart>, WorkError> {
    let borders_us = grid.borders_us();
    let document = ass::document(events, borders_us.last().copied().unwrap_or(0));
    if document.cues.is_empty() {
        return Ok(None);
    }
    let (files, samples) = match cut(&document, grid, &borders_us) {
        Ok(made) => made,
        Err(error) => {
            tracing::warn!(track, %error, "subtitles are left out");
            return Ok(None);
        }
    };
    let mut stored = Vec::with_capacity(files.len());
    for (index, text) in (0..).zip(files) {
        let path = webvtt_segment_path(&track, index);
        stored.push(StoredFile {
            name: path.clone(),
            size_bytes: text.len() as u64,
            blake3: crate::blake3(text.as_bytes()),
        });
        sink.put(path, Bytes::from(text)).await?;
    }
    let mut segments = Vec::with_capacity(stored.len());
    for (index, samples) in (0..).zip(samples) {
        let samples: Vec<Sample> = samples.into_iter().map(coded).collect();
        let made = media_segment(&TrackKind::Text, index, &samples, 0)?;
        sink.put(segment_path(&track, index), made.bytes).await?;
        segments.push(made.record);
    }
    Ok(Some(TextPart { track, config: CodecConfig::Wvtt(wvtt::config(&document).into()), segments, webvtt: stored }))
}

fn coded(sample: TextSample) -> Sample {
    let TextSample { start, duration, data } = sample;
    Sample { dts: start, pts: start, duration, keyframe: true, data }
}

/// Samples of each segment.
type Samples = Vec<Vec<TextSample>>;

/// WebVTT files for HLS, and samples for DASH.
fn cut(document: &Document, grid: &TextGrid, borders_us: &[i64]) -> Result<(Vec<String>, Samples), TextError> {
    // Players take the media of HLS to start at MPEG-2 time 0.
    let files = webvtt::segments(document, borders_us, Some(TimestampMap::default()))?;
    let scale = NonZeroU32::new(grid.scale.get()).unwrap_or(NonZeroU32::MIN);
    Ok((files, wvtt::samples(document, scale, &grid.borders)?))
}
