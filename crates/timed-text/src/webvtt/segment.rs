//! HLS segments of WebVTT (RFC 8216bis §3.1.4).

use crate::document::check_borders;
use crate::{Document, OUTPUT_LIMIT, TextError, TimestampMap};

use super::write::{header, push_cue};

/// One WebVTT file for each pair of neighbouring `borders_us` (ascending, in microseconds): the header with its regions
/// and styles, `X-TIMESTAMP-MAP` when `map` is given, and every cue that is shown at some instant of the segment, with
/// its whole, unclipped times, in the order of the document. Without cues a segment is its header alone.
///
/// Fails when borders do not ascend, or when cues that overlap many segments make more than
/// [`OUTPUT_LIMIT`] bytes.
pub fn segments(document: &Document, borders_us: &[i64], map: Option<TimestampMap>) -> Result<Vec<String>, TextError> {
    check_borders(borders_us)?;
    let header = header(document, map);
    let count = borders_us.len().saturating_sub(1);
    let mut written = header.len().saturating_mul(count);
    let limit = |written: usize| match written > OUTPUT_LIMIT {
        true => Err(TextError::TooLarge { what: "bytes of WebVTT segments", found: written, limit: OUTPUT_LIMIT }),
        false => Ok(()),
    };
    limit(written)?;
    let mut files = vec![header; count];
    let mut text = String::new();
    for cue in document.cues.iter().filter(|cue| cue.end_us > cue.start_us) {
        let first = borders_us.partition_point(|&border| border <= cue.start_us).saturating_sub(1);
        let end = borders_us.partition_point(|&border| border < cue.end_us).min(count);
        if first >= end || borders_us[first + 1] <= cue.start_us {
            continue;
        }
        text.clear();
        push_cue(&mut text, cue)?;
        written = written.saturating_add(text.len().saturating_mul(end - first));
        limit(written)?;
        for file in &mut files[first..end] {
            file.push_str(&text);
        }
    }
    Ok(files)
}
