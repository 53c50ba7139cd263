//! From stored parts to whole tracks, and from tracks to everything that is derived from them.

mod chapters;
mod storyboard;

use bytes::Bytes;
use media_types::segment::{CaptionChannel, Roles};
use media_types::{
    AudioCodec, AudioPlan, EncodePlan, FrameRate, SegmentRecord, Timescale, TrackKind, TrackRecord, VideoPlan,
};
use packager::{FinishedTrick, OutputFile, Presentation, Protection, TrickFile, segment_path};
use pipeline::RecordingScenes;

use crate::error::WorkError;
use crate::track::{
    RangeParts, TextPart, TrackHead, TrackPart, audio_kind, text_grid, text_track, video_kind, video_track,
};

pub(crate) use storyboard::Storyboard;

/// Pictures have none.
const NO_LANGUAGE: &str = "und";

/// Joins the ranges' parts of one rendition. `ranges` are in range order; each holds a part for the rendition.
///
/// # Errors
/// When a part is absent, or the parts are not one gapless track with one configuration.
pub(crate) fn video_record<'a>(
    plan: &VideoPlan,
    rendition: usize,
    ranges: impl Iterator<Item = &'a RangeParts>,
) -> Result<TrackRecord, WorkError> {
    let rendition = plan.renditions.get(rendition).ok_or_else(|| broken("a rendition that was not planned"))?;
    let name = video_track(&rendition.name);
    let mut segments: Vec<SegmentRecord> = Vec::new();
    let mut config = None;
    for range in ranges {
        let part = range
            .parts
            .iter()
            .find(|part| part.track == name)
            .ok_or_else(|| broken(&format!("no {name} in a range")))?;
        if config.get_or_insert_with(|| part.config.clone()) != &part.config {
            return Err(broken(&format!("the ranges of {name} have different decoder configurations")));
        }
        segments.extend(part.segments.iter().cloned());
    }
    check_gapless(&name, &segments)?;
    let ticks: u64 = segments.iter().map(|segment| segment.duration_ticks).sum();
    let frames = ticks / u64::from(plan.frame_ticks.max(1));
    if frames != plan.frame_count() {
        return Err(broken(&format!("{name} has {frames} frames of {} planned", plan.frame_count())));
    }
    let (kind, config) = (video_kind(plan, rendition), config.ok_or_else(|| broken(&format!("{name} has no range")))?);
    Ok(TrackRecord {
        kind,
        language: NO_LANGUAGE.to_owned(),
        timescale: plan.timescale,
        hidden_ticks: packager::composition_delay(&kind, plan.timescale, &config)?.unwrap_or(0),
        shown_ticks: segments.iter().map(|segment| segment.duration_ticks).sum(),
        config,
        max_bitrate_bps: rendition.encoding.max_bitrate_bps,
        name,
        segments,
        label: None,
        roles: Roles::default(),
        captions: no_captions(kind),
        webvtt_sizes: Vec::new(),
    })
}

/// One coding of a sound track as a whole.
///
/// # Errors
/// When it was not planned, or is not gapless.
pub(crate) fn audio_record(plan: &AudioPlan, part: &TrackPart) -> Result<TrackRecord, WorkError> {
    check_gapless(&part.track, &part.segments)?;
    let coding = plan.codings().find(|coding| AudioCodec::of(&part.config) == Some(coding.codec));
    let coding = coding.ok_or_else(|| broken("a coding of sound that was not planned"))?;
    Ok(TrackRecord {
        name: part.track.clone(),
        kind: audio_kind(plan),
        language: plan.language.clone(),
        hidden_ticks: part.priming_samples,
        shown_ticks: plan.sample_count,
        timescale: Timescale::new(plan.sample_rate).ok_or_else(|| broken("a sound track without a rate"))?,
        config: part.config.clone(),
        max_bitrate_bps: coding.bitrate_bps.into(),
        segments: part.segments.clone(),
        label: plan.label.clone(),
        roles: plan.roles,
        captions: None,
        webvtt_sizes: Vec::new(),
    })
}

/// A text track as a whole.
///
/// # Errors
/// When it was not planned, or is not gapless.
pub(crate) fn text_record(plan: &EncodePlan, part: &TextPart) -> Result<TrackRecord, WorkError> {
    let planned = plan.text.iter().find(|text| text_track(text) == part.track);
    let text = planned.ok_or_else(|| broken("a text track that was not planned"))?;
    let grid = text_grid(plan)?;
    check_gapless(&part.track, &part.segments)?;
    Ok(TrackRecord {
        name: part.track.clone(),
        kind: TrackKind::Text,
        language: text.language.clone(),
        timescale: grid.scale,
        config: part.config.clone(),
        max_bitrate_bps: 0,
        hidden_ticks: 0,
        shown_ticks: grid.end(),
        segments: part.segments.clone(),
        label: text.label.clone(),
        roles: text.roles,
        captions: None,
        webvtt_sizes: part.webvtt.iter().map(|file| file.size_bytes).collect(),
    })
}

/// The lowest rendition as it will be, of which only `head` is known: every segment counts as large as
/// its cap and its buffer allow.
///
/// # Errors
/// When the packager refuses.
pub(crate) fn planned_video(plan: &VideoPlan, head: &TrackHead) -> Result<TrackRecord, WorkError> {
    let rendition = plan.renditions.first().ok_or_else(|| broken("a plan without renditions"))?;
    let (ticks, cap) = (u64::from(plan.frame_ticks), &rendition.encoding);
    let counts = (0..plan.segment_count()).map(|index| u64::from(plan.frames_in_segment(index)));
    let hidden = packager::composition_delay(&head.kind, plan.timescale, &head.config)?.unwrap_or(0);
    let lengths = counts.map(|frames| (frames * ticks, frames));
    Ok(planned_record(
        head,
        NO_LANGUAGE,
        (plan.timescale, hidden),
        (cap.max_bitrate_bps, cap.buffer_bits),
        None,
        lengths,
    ))
}

/// A sound track in AAC-LC as it will be, of which only `head` is known.
///
/// # Errors
/// When it has no rate.
pub(crate) fn planned_audio(plan: &AudioPlan, head: &TrackHead) -> Result<TrackRecord, WorkError> {
    let timescale = Timescale::new(plan.sample_rate).ok_or_else(|| broken("a sound track without a rate"))?;
    let (grid, hidden) = (packager::audio_segments(plan, AudioCodec::Aac, head.priming_samples), head.priming_samples);
    // What is hidden in front does not count, and neither does what fills the last frame up.
    let border = |index: u32| {
        (grid.first_frame(index) * grid.frame_samples()).saturating_sub(hidden.into()).min(plan.sample_count)
    };
    let lengths =
        (0..grid.segment_count()).map(|index| (border(index + 1) - border(index), grid.frames_in_segment(index)));
    let bps = plan.bitrate_bps.into();
    let record = planned_record(head, &plan.language, (timescale, hidden), (bps, 0), Some(plan.sample_count), lengths);
    Ok(TrackRecord { label: plan.label.clone(), roles: plan.roles, ..record })
}

fn planned_record(
    head: &TrackHead,
    language: &str,
    (timescale, hidden_ticks): (Timescale, u32),
    (max_bitrate_bps, buffer_bits): (u64, u64),
    shown_ticks: Option<u64>,
    lengths: impl Iterator<Item = (u64, u64)>,
) -> TrackRecord {
    let mut segments: Vec<SegmentRecord> = Vec::new();
    let mut start_ticks = 0;
    for (index, (duration_ticks, samples)) in (0..).zip(lengths) {
        let bits = u128::from(max_bitrate_bps) * u128::from(duration_ticks) / u128::from(timescale.get());
        let bits = bits + u128::from(buffer_bits);
        segments.push(SegmentRecord {
            index,
            start_ticks,
            duration_ticks,
            sample_count: u32::try_from(samples).unwrap_or(u32::MAX),
            size_bytes: u64::try_from(bits / 8).unwrap_or(u64::MAX),
            blake3: String::new(),
            sync_points: Vec::new(),
        });
        start_ticks += duration_ticks;
    }
    TrackRecord {
        name: head.track.clone(),
        kind: head.kind,
        language: language.to_owned(),
        timescale,
        config: head.config.clone(),
        max_bitrate_bps,
        hidden_ticks,
        shown_ticks: shown_ticks.unwrap_or(start_ticks),
        segments,
        label: None,
        roles: Roles::default(),
        captions: no_captions(head.kind),
        webvtt_sizes: Vec::new(),
    }
}

/// Those of a source are tracks of their own: the encoded pictures carry none.
fn no_captions(kind: TrackKind) -> Option<Vec<CaptionChannel>> {
    matches!(kind, TrackKind::Video { .. }).then(Vec::new)
}

fn check_gapless(name: &str, segments: &[SegmentRecord]) -> Result<(), WorkError> {
    let mut expected = 0;
    for (index, segment) in segments.iter().enumerate() {
        if segment.index as usize != index || segment.start_ticks != expected {
            return Err(broken(&format!("{name} has a gap before segment {index}")));
        }
        expected += segment.duration_ticks;
    }
    Ok(())
}

fn broken(detail: &str) -> WorkError {
    WorkError::Engine(detail.to_owned())
}

/// The keyframes, for fast playback, of tracks that stay clear. `read` gives a segment by its path.
///
/// # Errors
/// What `read` fails with, and when the packager refuses.
pub(crate) async fn clear_keyframes<F, Reading>(
    tracks: &[TrackRecord],
    mut read: F,
) -> Result<Vec<FinishedTrick>, WorkError>
where
    F: FnMut(String) -> Reading,
    Reading: Future<Output = Result<Bytes, WorkError>>,
{
    let mut made = Vec::new();
    for track in packager::trick_sources(tracks).into_iter().map(|position| &tracks[position]) {
        let Some(mut keyframes) = TrickFile::new(track, None)? else { continue };
        for segment in &track.segments {
            keyframes.take(segment, &read(segment_path(&track.name, segment.index)).await?)?;
        }
        made.push(keyframes.finish()?);
    }
    Ok(made)
}

/// What everything derived is written from.
pub(crate) struct Derived<'a> {
    /// What was to be made.
    pub(crate) plan: &'a EncodePlan,
    /// What its pictures show, as far as that is known.
    pub(crate) scenes: &'a RecordingScenes,
    /// The finished tracks.
    pub(crate) tracks: &'a [TrackRecord],
    /// Their keyframes.
    pub(crate) keyframes: Vec<FinishedTrick>,
    /// What the storyboard's index is written from, if there is one.
    pub(crate) storyboard: Option<&'a Storyboard>,
    /// Stands before the URIs in the two entry points: empty, or such as `g2/`.
    pub(crate) uri_prefix: &'a str,
    /// Which tracks are encrypted.
    pub(crate) protection: Option<&'a Protection>,
}

impl Derived<'_> {
    /// Initialization segments, playlists, the MPD, the storyboard's index, chapters and the keyframes.
    ///
    /// # Errors
    /// When the packager refuses.
    pub(crate) fn files(self) -> Result<Vec<OutputFile>, WorkError> {
        let Self { plan, scenes, tracks, keyframes, storyboard, uri_prefix, protection } = self;
        let (tricks, mut files): (Vec<_>, Vec<_>) = keyframes.into_iter().map(|made| (made.track, made.file)).unzip();
        let (storyboard, chapters) = (storyboard.map(Storyboard::reference), chapters::told(plan, scenes));
        let presentation = Presentation {
            tracks,
            uri_prefix,
            storyboard,
            protection,
            chapters: &chapters,
            tricks: &tricks,
            ..Presentation::default()
        };
        files.extend(packager::text_files(&presentation)?);
        for track in tracks {
            let bytes = presentation.init_segment(track)?;
            let path = packager::init_path(&track.name);
            files.push(OutputFile { media_type: packager::media_type(&path), path, bytes });
        }
        Ok(files)
    }
}

/// The first whole millisecond in which a frame is shown: files of cues and of chapters have no finer times.
fn millisecond(rate: FrameRate, frame: u64) -> u64 {
    let ms = (u128::from(frame) * u128::from(rate.den()) * 1000).div_ceil(u128::from(rate.num()));
    u64::try_from(ms).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
