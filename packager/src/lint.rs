//! Reads back what was written and compares it with the records. Boxes and HLS are read by parsers that share no code with
//! the writers; the MPD by the library that also writes it, and its figures are computed again.
//!
//! Each [`Finding`] carries a rule that never changes its meaning. Rules start with what they judge: `record.`,
//! `cmaf.`, `avc.`, `hls.`, `dash.`, `vtt.` or `files.`.

mod dash;
mod hls;
mod init;
mod segment;

use std::collections::BTreeMap;

use media_types::publication::{MPD, MULTIVARIANT_PLAYLIST};
use media_types::{SegmentRecord, TrackKind, TrackRecord};

use crate::{OutputFile, Presentation, STORYBOARD_VTT, iframe_playlist_path, init_path, playlist_path, storyboard_vtt};

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Stable name of the broken rule, such as `cmaf.tfdt`.
    pub rule: &'static str,
    /// One clause for a person: what was found and what was expected.
    pub detail: String,
}

/// At most this many findings are kept: a broken track breaks the same rule in every segment.
pub const MAX_FINDINGS: usize = 256;

/// Collects findings up to [`MAX_FINDINGS`].
#[derive(Default)]
pub(crate) struct Findings(Vec<Finding>);

impl Findings {
    pub(crate) fn add(&mut self, rule: &'static str, detail: impl Into<String>) {
        if self.0.len() < MAX_FINDINGS {
            self.0.push(Finding { rule, detail: detail.into() });
        }
    }

    /// Adds a finding unless `found` is `expected`.
    pub(crate) fn same<T: PartialEq + std::fmt::Debug>(
        &mut self,
        rule: &'static str,
        what: &str,
        found: T,
        expected: T,
    ) {
        if found != expected {
            self.add(rule, format!("{what} is {found:?} and not {expected:?}"));
        }
    }
}

/// Checks one track: its records, its init segment and, when given, one media segment with its 0-based index, hash
/// included. Empty when nothing is wrong.
///
/// Walks every record; [`verify_segment`] is what to call for each segment of a track.
pub fn verify(track: &TrackRecord, init: &[u8], segment: Option<(u32, &[u8])>) -> Vec<Finding> {
    let mut findings = Findings::default();
    record(track, &mut findings);
    init::check(track, init, &mut findings);
    if let Some((index, bytes)) = segment {
        match track.segments.iter().find(|record| record.index == index) {
            Some(record) => {
                segment::check_hash(track, record, bytes, &mut findings);
                segment::check(track, record, bytes, &mut findings);
            }
            None => findings.add("record.index", format!("there is no record of segment {index}")),
        }
    }
    findings.0
}

/// Checks one media segment, as read back from a store, against its record: size, boxes, brand, sequence number, decode
/// time, and of every sample its place, duration, presentation time, sync flag and (H.264) NAL units. Everything that
/// the record says but the hash, which is the caller's to compare. Empty when nothing is wrong.
///
/// Takes time in proportion to the samples and NAL units, not to the bytes or to the length of the track.
pub fn verify_segment(track: &TrackRecord, record: &SegmentRecord, bytes: &[u8]) -> Vec<Finding> {
    let mut findings = Findings::default();
    segment::check(track, record, bytes, &mut findings);
    findings.0
}

/// Checks a presentation's files against its records. Empty when nothing is wrong.
///
/// `files` holds all its text files, as [`text_files`](crate::text_files) makes them; init segments among them are
/// checked too, other files are left alone.
pub fn verify_presentation(presentation: &Presentation<'_>, files: &[OutputFile]) -> Vec<Finding> {
    let mut findings = Findings::default();
    let mut texts = texts(files, &mut findings);
    let mut text = |path: &str, findings: &mut Findings| {
        let found = texts.remove(path);
        if found.is_none() {
            findings.add("files.missing", format!("{path} is missing"));
        }
        found
    };
    if let Some(text) = text(MULTIVARIANT_PLAYLIST, &mut findings) {
        hls::check_multivariant(presentation, text, &mut findings);
    }
    if let Some(text) = text(MPD, &mut findings) {
        dash::check(presentation, text, &mut findings);
    }
    for track in presentation.tracks {
        record(track, &mut findings);
        let path = init_path(&track.name);
        if let Some(file) = files.iter().find(|file| file.path == path) {
            init::check(track, &file.bytes, &mut findings);
        }
        if crate::presentation::in_hls(track)
            && let Some(text) = text(&playlist_path(&track.name), &mut findings)
        {
            hls::check_media(track, text, &mut findings);
        }
        if let TrackKind::Video { .. } = track.kind
            && let Some(text) = text(&iframe_playlist_path(&track.name), &mut findings)
        {
            hls::check_iframes(track, text, &mut findings);
        }
    }
    if let Some(board) = &presentation.storyboard
        && let Some(text) = text(STORYBOARD_VTT, &mut findings)
    {
        findings.same("vtt.cues", "the storyboard", text.to_owned(), storyboard_vtt(board));
    }
    for path in texts.keys() {
        findings.add("files.extra", format!("{path} belongs to no track"));
    }
    findings.0
}

/// Playlists, manifests and WebVTT files by path.
fn texts<'f>(files: &'f [OutputFile], findings: &mut Findings) -> BTreeMap<&'f str, &'f str> {
    let mut texts = BTreeMap::new();
    for file in files.iter().filter(|file| [".m3u8", ".mpd", ".vtt"].iter().any(|end| file.path.ends_with(end))) {
        match std::str::from_utf8(&file.bytes) {
            Ok(text) => {
                texts.insert(file.path.as_str(), text);
            }
            Err(_) => findings.add("files.text", format!("{} is not UTF-8", file.path)),
        }
    }
    texts
}

/// Rules that records alone can break.
fn record(track: &TrackRecord, findings: &mut Findings) {
    let mut at = track.segments.first().map_or(0, |segment| segment.start_ticks);
    if track.segments.is_empty() {
        findings.add("record.empty", format!("{} has no segment", track.name));
    }
    for (position, segment) in track.segments.iter().enumerate() {
        if segment.index as usize != position {
            findings.add("record.index", format!("{}: segment {position} is numbered {}", track.name, segment.index));
        }
        if segment.start_ticks != at {
            let start = segment.start_ticks;
            findings
                .add("record.contiguous", format!("{}: segment {position} starts at {start}, not {at}", track.name));
        }
        at = segment.start_ticks.saturating_add(segment.duration_ticks);
        if segment.sample_count == 0 || segment.duration_ticks == 0 || segment.size_bytes == 0 {
            findings.add("record.empty", format!("{}: segment {position} is empty", track.name));
        }
        sync_points(track, position, segment, findings);
    }
    if let TrackKind::Audio { .. } = track.kind {
        let coded = crate::presentation::coded_ticks(track);
        let wanted = track.shown_ticks.saturating_add(track.hidden_ticks.into());
        if coded < wanted || coded - wanted >= crate::audio_grid::FRAME_SAMPLES {
            findings.add("record.audio-length", format!("{} has {coded} coded samples for {wanted}", track.name));
        }
    }
}

fn sync_points(track: &TrackRecord, position: usize, segment: &SegmentRecord, findings: &mut Findings) {
    let ordered = segment.sync_points.windows(2).all(|pair| pair[0].pts < pair[1].pts);
    let first = segment.sync_points.first();
    match track.kind {
        TrackKind::Video { .. } if !ordered || first.is_none_or(|point| point.bytes.offset != 0) => {
            findings.add("record.sync", format!("{}: sync points of segment {position}", track.name));
        }
        TrackKind::Audio { .. } if first.is_some() => {
            findings.add("record.sync", format!("{}: audio segment {position} lists sync points", track.name));
        }
        _ => {}
    }
    // With equal starts, DASH players need no offset and HLS players no guess.
    if let (TrackKind::Video { .. }, Some(point)) = (&track.kind, first)
        && u64::try_from(point.pts) != Ok(segment.start_ticks)
    {
        let (name, start) = (&track.name, segment.start_ticks);
        findings.add(
            "record.origin",
            format!("{name}: segment {position} starts at {start}, its picture at {}", point.pts),
        );
    }
}
