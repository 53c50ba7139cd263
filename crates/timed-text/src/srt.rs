//! SubRip files, which have no standard: read as the common players do.

use crate::decode;
use crate::error::{Warnings, excerpt};
use crate::time::digits;
use crate::{CUE_LIMIT, Cue, Document, Parsed, TextError};

mod tags;

/// Reads a SubRip file in UTF-8, or in UTF-16 behind its byte order mark; another encoding is an error with its place.
///
/// Counters are dropped. `<i>`, `<b>` and `<u>` are kept, `<font>` is dropped, other angle brackets and ampersands are
/// text. `{\an1}` to `{\an9}` become cue settings. Empty lines inside a cue are dropped.
pub fn parse(bytes: &[u8]) -> Result<Parsed, TextError> {
    let text = decode::normal_lines(decode::strict(bytes)?);
    let mut warnings = Warnings::default();
    let mut document = Document::default();
    let mut current: Option<Cue> = None;
    let mut body: Vec<&str> = Vec::new();
    let mut count = 0;
    for (index, line) in text.split('\n').enumerate() {
        count = index + 1;
        let Some(times) = cue_times(line) else {
            if line.contains("-->") {
                warnings.push(count, format!("{:?} is not the times of a cue and is taken for text", excerpt(line)));
            }
            body.push(line);
            continue;
        };
        // The counter belongs to the cue that starts here.
        if body.last().is_some_and(|last| is_counter(last)) {
            body.pop();
        }
        finish(&mut document, current.take(), &body, count, &mut warnings)?;
        body.clear();
        current = start(times, count, line, &mut warnings);
    }
    let text_before = current.is_none() && document.cues.is_empty() && warnings.is_empty();
    finish(&mut document, current, &body, count, &mut warnings)?;
    if text_before && body.iter().any(|line| !line.trim().is_empty()) {
        return Err(TextError::NotSrt { lines: count });
    }
    Ok(Parsed { document, warnings: warnings.into_vec() })
}

/// Milliseconds of both times and what follows them.
type Times<'a> = (i64, i64, &'a str);

fn start((start, end, rest): Times<'_>, line: usize, text: &str, warnings: &mut Warnings) -> Option<Cue> {
    if end <= start {
        warnings.push(line, format!("the cue {:?} ends no later than it starts and is left out", excerpt(text)));
        return None;
    }
    if !rest.trim().is_empty() {
        warnings.push_once(line, "what follows the times of a cue is left out");
    }
    Some(Cue { start_us: start * 1000, end_us: end * 1000, ..Cue::default() })
}

fn finish(
    document: &mut Document,
    cue: Option<Cue>,
    body: &[&str],
    line: usize,
    warnings: &mut Warnings,
) -> Result<(), TextError> {
    let Some(mut cue) = cue else { return Ok(()) };
    if document.cues.len() == CUE_LIMIT {
        return Err(TextError::TooLarge { what: "cues", found: CUE_LIMIT + 1, limit: CUE_LIMIT });
    }
    for text in body.iter().map(|line| line.trim()).filter(|line| !line.is_empty()) {
        let before = cue.payload.len();
        if before > 0 {
            cue.payload.push('\n');
        }
        let from = cue.payload.len();
        tags::push(&mut cue, text, line, warnings);
        cue.payload.truncate(cue.payload.trim_end_matches('\n').len().max(from));
        if cue.payload.len() == from {
            cue.payload.truncate(before);
        }
    }
    document.cues.push(cue);
    Ok(())
}

fn is_counter(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_digit())
}

fn cue_times(line: &str) -> Option<Times<'_>> {
    // Most lines are text and hold no arrow.
    let (before, after) = line.split_once("-->")?;
    let (start, rest) = time(before.trim())?;
    let (end, after) = time(after.trim_start())?;
    rest.is_empty().then_some((start, end, after))
}

/// `h:mm:ss,mmm`; fields of fewer digits and a point are read too, and milliseconds may be missing.
fn time(text: &str) -> Option<(i64, &str)> {
    let (hours, _, rest) = digits(text)?;
    let (minutes, _, rest) = digits(rest.strip_prefix(':')?)?;
    let (seconds, _, rest) = digits(rest.strip_prefix(':')?)?;
    if minutes > 59 || seconds > 59 {
        return None;
    }
    let (ms, rest) = match rest.strip_prefix([',', '.']) {
        Some(rest) => digits(rest).filter(|(value, _, _)| *value <= 999).map(|(ms, _, rest)| (ms, rest))?,
        None => (0, rest),
    };
    let total = i64::from(hours) * 3_600_000 + i64::from(minutes) * 60_000 + i64::from(seconds) * 1000 + i64::from(ms);
    Some((total, rest))
}

#[cfg(test)]
mod tests;
