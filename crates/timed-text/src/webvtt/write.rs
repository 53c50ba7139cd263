//! Writing WebVTT.

use std::borrow::Cow;

use crate::time::{push_timestamp, us_to_ms, written_ms};
use crate::{Cue, Document, OUTPUT_LIMIT, TextError, TimestampMap};

/// The whole file: signature, header, regions, styles and all cues, each time rounded to the nearest millisecond. What
/// cannot stand in a file (empty lines and arrows inside a cue's text) is replaced by what shows the same.
pub fn write(document: &Document) -> Result<String, TextError> {
    let mut out = header(document, document.timestamp_map);
    for cue in &document.cues {
        push_cue(&mut out, cue)?;
    }
    Ok(out)
}

/// Everything before the first cue, with `X-TIMESTAMP-MAP` when `map` is given (RFC 8216bis §3.1.4). Ends with a line
/// feed.
pub fn header(document: &Document, map: Option<TimestampMap>) -> String {
    let mut out = String::from("WEBVTT");
    let mut lines = document.header.split('\n');
    if let Some(comment) = lines.next().map(|line| clean_line(line.trim())).filter(|line| !line.is_empty()) {
        out.push(' ');
        out.push_str(&comment);
    }
    out.push('\n');
    if let Some(map) = map {
        out.push_str(&format!("X-TIMESTAMP-MAP=MPEGTS:{},LOCAL:", map.mpegts));
        push_timestamp(&mut out, us_to_ms(map.local_us));
        out.push('\n');
    }
    for line in lines.map(clean_line).filter(|line| !line.is_empty()) {
        out.push_str(&line);
        out.push('\n');
    }
    for (name, blocks) in [("REGION", &document.regions), ("STYLE", &document.styles)] {
        // A style or region with an arrow or an empty line would end its own block.
        for block in blocks.iter().filter(|block| !block.is_empty() && !block.contains("-->") && !block.contains('\r'))
        {
            out.push('\n');
            out.push_str(name);
            out.push('\n');
            for line in block.split('\n').filter(|line| !line.is_empty()) {
                out.push_str(line);
                out.push('\n');
            }
        }
    }
    out
}

pub(super) fn push_cue(out: &mut String, cue: &Cue) -> Result<(), TextError> {
    let length = out.len() + cue.payload.len() + cue.settings.len() + 64;
    if length > OUTPUT_LIMIT {
        return Err(TextError::TooLarge { what: "bytes of WebVTT", found: length, limit: OUTPUT_LIMIT });
    }
    out.push('\n');
    if let Some(id) = cue.id.as_deref().map(clean_line).filter(|id| !id.is_empty()) {
        out.push_str(&id);
        out.push('\n');
    }
    let (start, end) = written_ms(cue.start_us, cue.end_us);
    push_timestamp(out, start);
    out.push_str(" --> ");
    push_timestamp(out, end);
    let settings = clean_line(&cue.settings);
    if !settings.is_empty() {
        out.push(' ');
        out.push_str(&settings);
    }
    out.push('\n');
    let payload = clean_payload(&cue.payload);
    if !payload.is_empty() {
        out.push_str(&payload);
        out.push('\n');
    }
    Ok(())
}

/// Text that fits one line of a header, an identifier or settings.
pub(crate) fn clean_line(text: &str) -> Cow<'_, str> {
    if !text.contains(['\n', '\r', '\0']) && !text.contains("-->") {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace(['\n', '\r'], " ").replace('\0', "\u{fffd}").replace("-->", "--"))
}

/// Cue text in which no line is empty and none holds an arrow.
pub(crate) fn clean_payload(text: &str) -> Cow<'_, str> {
    let broken = text.starts_with('\n') || text.ends_with('\n') || text.contains("\n\n");
    if !broken && !text.contains(['\r', '\0']) && !text.contains("-->") {
        return Cow::Borrowed(text);
    }
    let text = text.replace("\r\n", "\n").replace('\r', "\n").replace('\0', "\u{fffd}").replace("-->", "--&gt;");
    let mut out = String::with_capacity(text.len() + 16);
    for line in text.trim_matches('\n').split('\n') {
        if !out.is_empty() {
            out.push('\n');
        }
        // An empty line would end the cue; a line of one space that does not break looks the same.
        out.push_str(if line.is_empty() && !text.is_empty() { "&nbsp;" } else { line });
    }
    Cow::Owned(if out == "&nbsp;" { String::new() } else { out })
}
