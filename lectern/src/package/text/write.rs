//! Cues to segments: WebVTT files that HLS lists, and the CMAF track or the whole WebVTT file that DASH lists.

use std::num::NonZeroU32;

use media_types::segment::SegmentRecord;
use media_types::{CodecConfig, Sample, TrackKind, TrackRecord};
use packager::{
    DashText, FileLayout, Presentation, TextGrid, index_length, media_path, media_segment, segment_path,
    subtitles_path, webvtt_segment_path,
};
use timed_text::ttml::Ttml;
use timed_text::{TextSample, TimestampMap, stpp, webvtt, wvtt};

use super::Subtitles;
use crate::exit::Failure;
use crate::package::files::{Folder, Growing};
use crate::package::names::text_names;

/// Text tracks as they were written, each with its file if it has one of its own.
pub(in crate::package) type Written = Vec<(TrackRecord, Option<Growing>)>;

/// Writes every segment of all text tracks. Subtitles stay clear, whatever else is encrypted.
pub(in crate::package) fn write(
    all: &[Subtitles],
    grid: &TextGrid,
    frame: &Presentation<'_>,
    folder: &Folder,
    warnings: &mut Vec<String>,
) -> Result<Written, Failure> {
    // By what they came as, so that HLS is the same whatever DASH gets.
    let codec = |track: &Subtitles| if track.ttml.is_some() { "stpp" } else { "wvtt" };
    let named: Vec<_> = all.iter().map(|track| (track.language.as_str(), track.roles, codec(track))).collect();
    let borders_us = grid.borders_us();
    let end_us = borders_us.last().copied().unwrap_or(0);
    let mut written = Vec::with_capacity(all.len());
    for (track, name) in all.iter().zip(text_names(&named)) {
        let late = track.cues.cues.iter().filter(|cue| cue.start_us >= end_us).count();
        if late > 0 {
            let seconds = end_us as f64 / 1e6;
            warnings.push(format!("{}: {late} cues start after the end at {seconds:.3} s; left out", track.origin));
        }
        folder.make(&name)?;
        let mut record = record(track, grid, frame, name);
        let segments = webvtt_files(track, grid, &borders_us, &record.name, folder)?;
        record.webvtt_sizes = segments.iter().map(|segment| segment.size_bytes).collect();
        let growing = match frame.dash_text {
            DashText::Cmaf => cmaf(track, grid, &mut record, frame, folder)?,
            DashText::WebVtt => {
                record.segments = segments;
                whole(track, end_us, &record.name, folder)?;
                None
            }
        };
        written.push((record, growing));
    }
    Ok(written)
}

/// The document that a track is carried as, if not as cues.
fn carried<'a>(track: &'a Subtitles, frame: &Presentation<'_>) -> Option<&'a Ttml> {
    track.ttml.as_ref().filter(|_| frame.dash_text == DashText::Cmaf)
}

fn record(track: &Subtitles, grid: &TextGrid, frame: &Presentation<'_>, name: String) -> TrackRecord {
    TrackRecord {
        name,
        kind: TrackKind::Text,
        language: track.language.clone(),
        timescale: grid.scale,
        config: match carried(track, frame) {
            Some(ttml) => CodecConfig::Stpp(stpp::config(ttml)),
            None => CodecConfig::Wvtt(wvtt::config(&track.cues).into()),
        },
        max_bitrate_bps: 0,
        hidden_ticks: 0,
        shown_ticks: grid.end(),
        segments: Vec::new(),
        label: track.label.clone(),
        roles: track.roles,
        captions: None,
        webvtt_sizes: Vec::new(),
    }
}

fn refused(track: &Subtitles, error: &dyn std::fmt::Display) -> Failure {
    Failure::bad_input("input.unfit", format!("{}: {error}", track.origin), "")
}

/// The segments for HLS, whose media starts at MPEG-2 time 0.
fn webvtt_files(
    track: &Subtitles,
    grid: &TextGrid,
    borders_us: &[i64],
    name: &str,
    folder: &Folder,
) -> Result<Vec<SegmentRecord>, Failure> {
    let map = Some(TimestampMap::default());
    let files = webvtt::segments(&track.cues, borders_us, map).map_err(|error| refused(track, &error))?;
    let mut segments = Vec::with_capacity(files.len());
    for ((index, text), span) in (0..).zip(&files).zip(grid.borders.windows(2)) {
        folder.write(&webvtt_segment_path(name, index), &[text.as_bytes()])?;
        segments.push(SegmentRecord {
            index,
            start_ticks: span[0].unsigned_abs(),
            duration_ticks: span[0].abs_diff(span[1]),
            sample_count: 1,
            size_bytes: text.len() as u64,
            blake3: blake3::hash(text.as_bytes()).to_hex().to_string(),
            sync_points: Vec::new(),
        });
    }
    Ok(segments)
}

/// The one file for DASH, whose times are those of the presentation.
fn whole(track: &Subtitles, end_us: i64, name: &str, folder: &Folder) -> Result<(), Failure> {
    let mut cues = track.cues.clone();
    cues.cues.retain(|cue| cue.start_us < end_us);
    // W3C WebVTT §4.1 asks for the order of starts, and dash.js passes over a cue that starts before the one in front of it.
    cues.cues.sort_by_key(|cue| cue.start_us);
    let text = webvtt::write(&cues).map_err(|error| refused(track, &error))?;
    folder.write(&subtitles_path(name), &[text.as_bytes()])
}

/// The CMAF segments for DASH.
fn cmaf(
    track: &Subtitles,
    grid: &TextGrid,
    record: &mut TrackRecord,
    frame: &Presentation<'_>,
    folder: &Folder,
) -> Result<Option<Growing>, Failure> {
    let scale = NonZeroU32::new(grid.scale.get()).expect("a timescale is never zero");
    let samples = match carried(track, frame) {
        Some(ttml) => {
            stpp::samples(ttml, scale, &grid.borders).map(|all| all.into_iter().map(|sample| vec![sample]).collect())
        }
        None => wvtt::samples(&track.cues, scale, &grid.borders),
    };
    let segments: Vec<Vec<TextSample>> = samples.map_err(|error| refused(track, &error))?;
    let mut growing = match frame.layout {
        FileLayout::Segments => None,
        FileLayout::SingleFile => {
            let init = frame.init_segment(record).map_err(|error| refused(track, &error))?;
            let reserved = init.len() as u64 + index_length(segments.len());
            Some(folder.grow(&media_path(&record.name), reserved)?)
        }
    };
    for (index, samples) in (0..).zip(segments) {
        let samples: Vec<Sample> = samples.into_iter().map(coded).collect();
        let packed = media_segment(&record.kind, index, &samples, record.hidden_ticks)
            .map_err(|error| refused(track, &error))?;
        match &mut growing {
            None => folder.write(&segment_path(&record.name, index), &[&packed.bytes])?,
            Some(file) => file.append(&[&packed.bytes])?,
        }
        record.segments.push(packed.record);
    }
    Ok(growing)
}

fn coded(sample: TextSample) -> Sample {
    let TextSample { start, duration, data } = sample;
    Sample { dts: start, pts: start, duration, keyframe: true, data }
}
