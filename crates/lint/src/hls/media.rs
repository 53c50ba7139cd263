//! Media playlists (RFC 8216bis §4.4.2 to §4.4.5).

use std::collections::BTreeMap;

use super::attributes::Attributes;
use super::text::{self, What};
use super::{instant, schema};
use crate::report::{Findings, Place};
use crate::rules::{hls_media as rules, input};
use crate::uri;

mod check;
mod interstitial;
mod key;

/// A media playlist.
#[derive(Clone, Debug, Default)]
pub(crate) struct Media {
    pub(crate) version: u32,
    pub(crate) target: Option<f64>,
    pub(crate) kind: Option<String>,
    pub(crate) ended: bool,
    pub(crate) independent: bool,
    pub(crate) iframes_only: bool,
    pub(crate) sequence: u64,
    pub(crate) segments: Vec<Segment>,
    pub(crate) keys: Vec<Attributes>,
    pub(crate) maps: Vec<Map>,
    pub(super) part_target: Option<f64>,
    pub(super) control: Option<Attributes>,
    pub(super) hints: Vec<Attributes>,
    pub(super) skipped: Option<u32>,
    pub(super) parts: bool,
}

/// One segment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Segment {
    pub(crate) line: u32,
    pub(crate) uri: String,
    /// First byte and length.
    pub(crate) range: Option<(u64, u64)>,
    pub(crate) duration: Option<f64>,
    pub(crate) discontinuity: bool,
    pub(crate) gap: bool,
    /// Position in the playlist's maps.
    pub(crate) map: Option<usize>,
    /// Positions in the playlist's keys; those of METHOD=NONE are left out.
    pub(crate) keys: Vec<usize>,
    /// Microseconds since 1970.
    pub(crate) date: Option<i64>,
    pub(super) parts_seconds: f64,
    pub(super) has_parts: bool,
}

/// An initialisation section.
#[derive(Clone, Debug)]
pub(crate) struct Map {
    pub(crate) uri: String,
    pub(crate) range: Option<(u64, u64)>,
}

struct Reader<'a, 'f> {
    resource: &'a str,
    findings: &'f mut Findings,
    out: Media,
    next: Segment,
    keys: Vec<usize>,
    keys_line_open: bool,
    map: Option<usize>,
    last_range: Option<(String, u64)>,
    seen: BTreeMap<String, u32>,
}

/// Reads a media playlist and checks it alone.
pub(crate) fn read(
    bytes: &[u8],
    resource: &str,
    imported: &BTreeMap<String, String>,
    findings: &mut Findings,
) -> Media {
    let (lines, _) = text::lines(bytes, resource, imported, findings);
    let mut reader = Reader {
        resource,
        findings,
        out: Media { version: 1, ..Media::default() },
        next: Segment::default(),
        keys: Vec::new(),
        keys_line_open: false,
        map: None,
        last_range: None,
        seen: BTreeMap::new(),
    };
    let mut last = 1;
    for line in lines {
        last = line.number;
        match line.what {
            What::Uri(target) => reader.segment(target, line.number),
            What::Tag(name, value) => reader.tag(&name, &value, line.number),
        }
    }
    let Reader { out, findings, .. } = reader;
    check::check(&out, resource, last, findings);
    out
}

/// `n[@o]`.
fn range(text: &str) -> Option<(u64, Option<u64>)> {
    match text.split_once('@') {
        Some((length, offset)) => Some((length.trim().parse().ok()?, Some(offset.trim().parse().ok()?))),
        None => Some((text.trim().parse().ok()?, None)),
    }
}

impl Reader<'_, '_> {
    fn tag(&mut self, name: &str, value: &str, line: u32) {
        let place = Place::line(self.resource, line);
        const ONCE: [&str; 9] = [
            "EXT-X-TARGETDURATION",
            "EXT-X-MEDIA-SEQUENCE",
            "EXT-X-DISCONTINUITY-SEQUENCE",
            "EXT-X-ENDLIST",
            "EXT-X-PLAYLIST-TYPE",
            "EXT-X-I-FRAMES-ONLY",
            "EXT-X-PART-INF",
            "EXT-X-SERVER-CONTROL",
            "EXT-X-SKIP",
        ];
        if ONCE.contains(&name) {
            let count = self.seen.entry(name.to_owned()).or_default();
            *count += 1;
            if *count > 1 {
                self.findings.add(rules::TAG_DUPLICATE, place, format!("{name} appears twice"));
            }
        }
        if name.starts_with("EXT-X-") && name != "EXT-X-KEY" {
            self.keys_line_open = false;
        }
        match name {
            "EXT-X-VERSION" => self.out.version = value.trim().parse().unwrap_or(1),
            "EXT-X-TARGETDURATION" => match value.trim().parse::<u32>() {
                Ok(seconds) => self.out.target = Some(f64::from(seconds)),
                Err(_) => {
                    self.out.target = value.trim().parse().ok();
                    self.findings.add(
                        rules::TARGET_DURATION,
                        place,
                        format!("the target duration is {value:?}, not an integer"),
                    );
                }
            },
            "EXT-X-MEDIA-SEQUENCE" | "EXT-X-DISCONTINUITY-SEQUENCE" => {
                if !self.out.segments.is_empty() {
                    self.findings.add(rules::TAG_ORDER, place, format!("{name} follows the first segment"));
                }
                if name == "EXT-X-MEDIA-SEQUENCE" {
                    self.out.sequence = value.trim().parse().unwrap_or(0);
                }
            }
            "EXT-X-ENDLIST" => self.out.ended = true,
            "EXT-X-PLAYLIST-TYPE" => {
                if !matches!(value.trim(), "VOD" | "EVENT") {
                    self.findings.add(rules::PLAYLIST_TYPE, place, format!("the playlist type is {value:?}"));
                }
                self.out.kind = Some(value.trim().to_owned());
            }
            "EXT-X-I-FRAMES-ONLY" => self.out.iframes_only = true,
            "EXT-X-INDEPENDENT-SEGMENTS" => self.out.independent = true,
            "EXTINF" => self.extinf(value, place),
            "EXT-X-BYTERANGE" => self.next.range = self.byte_range(value, place),
            "EXT-X-DISCONTINUITY" => self.next.discontinuity = true,
            "EXT-X-GAP" => self.next.gap = true,
            "EXT-X-PROGRAM-DATE-TIME" => {
                self.next.date = instant(value.trim());
                if self.next.date.is_none() {
                    self.findings.add(rules::PDT, place, format!("the program date is {value:?}"));
                }
            }
            "EXT-X-KEY" => self.key(value, place),
            "EXT-X-MAP" => self.map(value, place),
            "EXT-X-STREAM-INF" | "EXT-X-MEDIA" | "EXT-X-I-FRAME-STREAM-INF" => {
                self.findings.add(rules::MIXED, place, format!("{name} in a media playlist"));
            }
            _ => self.low_latency(name, value, place),
        }
    }

    fn low_latency(&mut self, name: &str, value: &str, place: Place<'_>) {
        let attributes = schema::read(
            name,
            if name.starts_with("EXT-X-") { value } else { "" },
            place,
            self.findings_if_known(name),
        );
        match name {
            "EXT-X-PART-INF" => self.out.part_target = attributes.number("PART-TARGET"),
            "EXT-X-SERVER-CONTROL" => self.out.control = Some(attributes),
            "EXT-X-PART" => {
                self.out.parts = true;
                self.next.has_parts = true;
                let seconds = attributes.number("DURATION").unwrap_or(0.0);
                self.next.parts_seconds += seconds;
                match self.out.part_target {
                    None => self.findings.add(rules::PART, place, "a part comes before EXT-X-PART-INF"),
                    Some(target) if seconds > target + 0.0005 => {
                        self.findings.add(
                            rules::PART,
                            place,
                            format!("the part lasts {seconds} s, the part target is {target} s"),
                        );
                    }
                    Some(_) => {}
                }
            }
            "EXT-X-PRELOAD-HINT" => self.out.hints.push(attributes),
            "EXT-X-SKIP" => self.out.skipped = Some(attributes.line),
            "EXT-X-DATERANGE" => {
                key::check_date_range(&attributes, place, self.findings);
                interstitial::check(&attributes, place, self.findings);
            }
            _ => {}
        }
    }

    /// Tags of others have contents of their own.
    fn findings_if_known(&mut self, name: &str) -> &mut Findings {
        const KNOWN: [&str; 7] = [
            "EXT-X-PART-INF",
            "EXT-X-SERVER-CONTROL",
            "EXT-X-PART",
            "EXT-X-PRELOAD-HINT",
            "EXT-X-SKIP",
            "EXT-X-DATERANGE",
            "EXT-X-RENDITION-REPORT",
        ];
        if KNOWN.contains(&name) || name == "EXT-X-START" { self.findings } else { self.findings.nowhere() }
    }

    fn extinf(&mut self, value: &str, place: Place<'_>) {
        let number = value.split(',').next().unwrap_or_default().trim();
        let duration = number.parse::<f64>().ok().filter(|seconds| seconds.is_finite() && *seconds >= 0.0);
        if duration.is_none() || !number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
            self.findings.add(rules::EXTINF, place, format!("the duration is {number:?}"));
        } else if !value.contains(',') {
            self.findings.add(rules::EXTINF, place, "a comma must follow the duration");
        }
        self.next.duration = duration;
    }

    fn byte_range(&mut self, value: &str, place: Place<'_>) -> Option<(u64, u64)> {
        let parsed = range(value);
        if parsed.is_none() {
            self.findings.add(rules::BYTERANGE, place, format!("the byte range is {value:?}"));
        }
        // Without a start it is known once the URI is; u64::MAX marks it.
        parsed.map(|(length, start)| (start.unwrap_or(u64::MAX), length))
    }

    fn key(&mut self, value: &str, place: Place<'_>) {
        let attributes = schema::read("EXT-X-KEY", value, place, self.findings);
        key::check_key(&attributes, self.out.version, place, self.findings);
        if !self.keys_line_open {
            self.keys.clear();
        }
        self.keys_line_open = true;
        if attributes.get("METHOD") != Some("NONE") {
            self.keys.push(self.out.keys.len());
        }
        self.out.keys.push(attributes);
    }

    fn map(&mut self, value: &str, place: Place<'_>) {
        let attributes = schema::read("EXT-X-MAP", value, place, self.findings);
        let Some(uri) = attributes.get("URI") else { return };
        let range = attributes.get("BYTERANGE").and_then(|text| {
            let parsed = range(text).map(|(length, start)| (start.unwrap_or(0), length));
            if parsed.is_none() {
                self.findings.add(rules::BYTERANGE, place, format!("the byte range is {text:?}"));
            }
            parsed
        });
        self.map = Some(self.out.maps.len());
        self.out.maps.push(Map { uri: uri.to_owned(), range });
    }

    fn segment(&mut self, target: String, line: u32) {
        let place = Place::line(self.resource, line);
        if let Some(bad) = uri::bad_character(&target) {
            self.findings.add(input::URI, place, format!("URI {target:?} holds {bad:?}"));
        }
        let mut segment = std::mem::take(&mut self.next);
        self.keys_line_open = false;
        if segment.duration.is_none() {
            self.findings.add(rules::EXTINF, place, "the segment has no EXTINF");
        }
        if let Some((start, length)) = &mut segment.range
            && *start == u64::MAX
        {
            match &self.last_range {
                Some((other, end)) if *other == target => *start = *end,
                _ => {
                    self.findings.add(
                        rules::BYTERANGE,
                        place,
                        "the byte range has no start, and the segment before is of another resource",
                    );
                    (*start, *length) = (0, *length);
                }
            }
        }
        self.last_range = segment.range.map(|(start, length)| (target.clone(), start.saturating_add(length)));
        segment.line = line;
        segment.uri = target;
        segment.map = self.map;
        segment.keys = self.keys.clone();
        self.out.segments.push(segment);
    }
}
