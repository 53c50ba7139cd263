//! Cues to samples.

use std::borrow::Cow;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::num::NonZeroU32;

use bytes::Bytes;

use crate::document::check_borders;
use crate::markup::timestamp_tags;
use crate::time::{push_timestamp, us_to_ms, us_to_ticks};
use crate::webvtt::{clean_line, clean_payload};
use crate::{Document, OUTPUT_LIMIT, TextError, TextSample};

use super::EMPTY_SAMPLE;

/// The text of `vttC`: all that stands before the first cue of a file, without `X-TIMESTAMP-MAP` and without line feeds
/// at its end.
pub fn config(document: &Document) -> String {
    let mut text = crate::webvtt::header(document, None);
    text.truncate(text.trim_end_matches('\n').len());
    text
}

/// The samples of each segment, one list for each pair of neighbouring `borders` (ascending, in ticks of `timescale`).
///
/// A segment's samples cover it without a gap. One ends wherever a cue starts or ends and at every border; a time without
/// cues is one `vtte` sample. A cue that lies in several samples carries the same `vsid` in each, so that it can be put
/// together again; inner times carry `ctim`. Cue times are rounded to the nearest tick, and none is shorter than one.
///
/// Fails when borders do not ascend or a segment is longer than `u32::MAX` ticks, or when cues that overlap without end
/// make more than [`OUTPUT_LIMIT`] bytes.
pub fn samples(document: &Document, timescale: NonZeroU32, borders: &[i64]) -> Result<Vec<Vec<TextSample>>, TextError> {
    check_borders(borders)?;
    let [first, .., last] = *borders else { return Ok(Vec::new()) };
    let mut spans = spans(document, timescale, first, last);
    let edges = edges(&spans, borders);
    drop_needless_sources(&mut spans, &edges);
    check_size(&spans, &edges)?;
    let mut segments = Vec::with_capacity(borders.len() - 1);
    let mut samples = Vec::new();
    let (mut upcoming, mut active) = (spans.as_slice(), Vec::<&Span<'_>>::new());
    let mut next_border = 1;
    let mut buffer = Vec::new();
    for edge in edges.windows(2) {
        active.retain(|span| span.end > edge[0]);
        while let Some((span, rest)) = upcoming.split_first().filter(|(span, _)| span.start <= edge[0]) {
            active.push(span);
            upcoming = rest;
        }
        let data = match active.is_empty() {
            true => Bytes::from_static(&EMPTY_SAMPLE),
            false => {
                buffer.clear();
                active.iter().for_each(|span| push_cue(&mut buffer, span, edge[0], timescale));
                Bytes::copy_from_slice(&buffer)
            }
        };
        let duration = u32::try_from(edge[1] - edge[0]).expect("no longer than its segment, which was checked");
        samples.push(TextSample { start: edge[0], duration, data });
        if edge[1] == borders[next_border] {
            segments.push(std::mem::take(&mut samples));
            next_border += 1;
        }
    }
    Ok(segments)
}

/// A cue in ticks.
struct Span<'a> {
    id: Cow<'a, str>,
    settings: Cow<'a, str>,
    payload: Cow<'a, str>,
    start: i64,
    end: i64,
    /// Its place in the document, when its parts have to be told from those of others.
    source: Option<i32>,
    timed: bool,
}

/// The cues between `first` and `last`, by start and then by place.
fn spans(document: &Document, timescale: NonZeroU32, first: i64, last: i64) -> Vec<Span<'_>> {
    let mut spans: Vec<Span<'_>> = document
        .cues
        .iter()
        .enumerate()
        .filter(|(_, cue)| cue.end_us > cue.start_us)
        .map(|(index, cue)| {
            let start = us_to_ticks(cue.start_us, timescale);
            let end = us_to_ticks(cue.end_us, timescale).max(start.saturating_add(1));
            let timed = timestamp_tags(&cue.payload).next().is_some();
            let id = clean_line(cue.id.as_deref().unwrap_or_default());
            let (settings, payload) = (clean_line(&cue.settings), clean_payload(&cue.payload));
            Span { id, settings, payload, start, end, source: i32::try_from(index).ok(), timed }
        })
        .filter(|span| span.start < last && span.end > first)
        .collect();
    spans.sort_by_key(|span| span.start);
    spans
}

/// All times at which a sample starts or ends, ascending.
fn edges(spans: &[Span<'_>], borders: &[i64]) -> Vec<i64> {
    let (first, last) = (borders[0], borders[borders.len() - 1]);
    let mut edges: Vec<i64> = borders.to_vec();
    edges.extend(spans.iter().flat_map(|span| [span.start, span.end]).filter(|time| (first..=last).contains(time)));
    edges.sort_unstable();
    edges.dedup();
    edges
}

/// Takes the source id from cues that lie whole in one sample, unless an equal cue touches them: without ids the two
/// would read back as one.
fn drop_needless_sources(spans: &mut [Span<'_>], edges: &[i64]) {
    let key = |span: &Span<'_>, time| (time, hash(span));
    let starts: HashSet<(i64, u64)> = spans.iter().map(|span| key(span, span.start)).collect();
    let ends: HashSet<(i64, u64)> = spans.iter().map(|span| key(span, span.end)).collect();
    for span in spans {
        let first = edges.partition_point(|&edge| edge < span.start);
        let whole = edges.get(first) == Some(&span.start) && edges.get(first + 1) == Some(&span.end);
        if whole && !starts.contains(&key(span, span.end)) && !ends.contains(&key(span, span.start)) {
            span.source = None;
        }
    }
}

/// Of what is equal in equal cues. Two that share it by chance carry an id too many, which is harmless.
fn hash(span: &Span<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&span.id, &span.settings, &span.payload).hash(&mut hasher);
    hasher.finish()
}

/// Fails when the samples would be larger than [`OUTPUT_LIMIT`].
fn check_size(spans: &[Span<'_>], edges: &[i64]) -> Result<(), TextError> {
    let mut found = edges.len().saturating_mul(EMPTY_SAMPLE.len());
    for span in spans {
        let parts =
            edges.partition_point(|&edge| edge < span.end) - edges.partition_point(|&edge| edge <= span.start) + 1;
        let length = 80 + span.payload.len() + span.settings.len() + span.id.len();
        found = found.saturating_add(length.saturating_mul(parts));
    }
    match found > OUTPUT_LIMIT {
        true => Err(TextError::TooLarge { what: "bytes of samples", found, limit: OUTPUT_LIMIT }),
        false => Ok(()),
    }
}

fn push_cue(out: &mut Vec<u8>, span: &Span<'_>, at: i64, timescale: NonZeroU32) {
    let from = out.len();
    out.extend_from_slice(b"\0\0\0\0vttc");
    if let Some(source) = span.source {
        push_box(out, b"vsid", &source.to_be_bytes());
    }
    if !span.id.is_empty() {
        push_box(out, b"iden", span.id.as_bytes());
    }
    if span.timed {
        let mut time = String::new();
        push_timestamp(&mut time, us_to_ms(crate::time::ticks_to_us(at, timescale)));
        push_box(out, b"ctim", time.as_bytes());
    }
    if !span.settings.is_empty() {
        push_box(out, b"sttg", span.settings.as_bytes());
    }
    push_box(out, b"payl", span.payload.as_bytes());
    let size = u32::try_from(out.len() - from).expect("below the limit of all output");
    out[from..from + 4].copy_from_slice(&size.to_be_bytes());
}

fn push_box(out: &mut Vec<u8>, name: &[u8; 4], body: &[u8]) {
    let size = u32::try_from(body.len() + 8).expect("below the limit of all output");
    out.extend_from_slice(&size.to_be_bytes());
    out.extend_from_slice(name);
    out.extend_from_slice(body);
}
