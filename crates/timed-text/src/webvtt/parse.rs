//! Reading WebVTT as its standard's parser does, with a warning wherever that parser would stay silent.

use crate::error::{Warnings, excerpt};
use crate::time::{digits, take_timestamp};
use crate::{CUE_LIMIT, Cue, Document, Parsed, TextError, TimestampMap, decode};

use super::{clean_line, clean_payload, settings};

/// Reads a WebVTT file (W3C WebVTT §6.1). What that parser drops is dropped here, with a warning; a comma in a time is
/// taken for a point. Only a missing signature is an error, and more than [`crate::BYTE_LIMIT`] bytes or
/// [`crate::CUE_LIMIT`] cues.
pub fn parse(bytes: &[u8]) -> Result<Parsed, TextError> {
    let (text, mended) = decode::lenient(bytes)?;
    let mut parsed = parse_text(&decode::normal_lines(text))?;
    if mended {
        parsed
            .warnings
            .insert(0, crate::Warning { line: 0, what: "bytes that are not UTF-8 became U+FFFD".to_owned() });
    }
    Ok(parsed)
}

/// Reads the text of a `vttC` box; without a signature it holds nothing that is of use.
pub(crate) fn parse_config(config: &str) -> Document {
    parse(config.as_bytes()).map(|parsed| parsed.document).unwrap_or_default()
}

/// Settings and text of one cue as a file would have them: those that are valid, and no empty line.
pub(crate) fn one_cue(settings: &str, text: &str) -> (String, String) {
    let file = format!("WEBVTT\n\n00:00.000 --> 00:01.000 {}\n{}\n", clean_line(settings), clean_payload(text));
    let cue = parse(file.as_bytes()).ok().and_then(|parsed| parsed.document.cues.into_iter().next());
    cue.map_or_else(Default::default, |cue| (cue.settings, cue.payload))
}

fn parse_text(text: &str) -> Result<Parsed, TextError> {
    let mut lines = Lines { rest: Some(text), number: 0 };
    let first = lines.next().unwrap_or_default();
    let comment = first.strip_prefix("WEBVTT").filter(|rest| rest.is_empty() || rest.starts_with([' ', '\t']));
    let Some(comment) = comment else {
        return Err(TextError::NotWebVtt { found: excerpt(first) });
    };
    let mut reader = Reader { document: Document::default(), warnings: Warnings::default(), region_ids: Vec::new() };
    reader.header(comment, &mut lines);
    while let Some(line) = lines.next() {
        if !line.is_empty() {
            reader.block(line, &mut lines)?;
        }
    }
    Ok(Parsed { document: reader.document, warnings: reader.warnings.into_vec() })
}

/// Lines with one line of looking ahead.
struct Lines<'a> {
    rest: Option<&'a str>,
    number: usize,
}

impl<'a> Lines<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.rest.map(|rest| rest.split_once('\n').map_or(rest, |(line, _)| line))
    }

    fn next(&mut self) -> Option<&'a str> {
        let rest = self.rest?;
        self.number += 1;
        let (line, rest) = rest.split_once('\n').map_or((rest, None), |(line, rest)| (line, Some(rest)));
        self.rest = rest;
        Some(line)
    }
}

struct Reader {
    document: Document,
    warnings: Warnings,
    region_ids: Vec<String>,
}

/// What a block turned out to be.
enum Block {
    Unknown,
    Cue(Option<Cue>),
    Style,
    Region,
}

impl Reader {
    fn header(&mut self, comment: &str, lines: &mut Lines<'_>) {
        self.document.header.push_str(comment.trim_matches([' ', '\t']));
        while let Some(line) = lines.peek().filter(|line| !line.is_empty()) {
            // A cue directly after the header ends it.
            if line.contains("-->") {
                self.warnings.push(lines.number + 1, "no empty line between the header and the first cue");
                return;
            }
            lines.next();
            if let Some(map) = line.strip_prefix("X-TIMESTAMP-MAP") {
                self.timestamp_map(map, lines.number);
                continue;
            }
            if let Some(language) = line.strip_prefix("Language:") {
                self.document.language = Some(language.trim().to_owned()).filter(|language| !language.is_empty());
            }
            self.document.header.push('\n');
            self.document.header.push_str(line);
        }
    }

    fn timestamp_map(&mut self, text: &str, line: usize) {
        let read = || {
            let (mut mpegts, mut local_us) = (None, None);
            for part in text.trim_start_matches([' ', '=', ':']).split(',') {
                let (name, value) = part.trim().split_once(':')?;
                match name {
                    "MPEGTS" => mpegts = value.parse::<u64>().ok(),
                    "LOCAL" => {
                        let (ms, _, rest) = take_timestamp(value)?;
                        local_us = rest.is_empty().then_some(ms * 1000);
                    }
                    _ => {}
                }
            }
            Some(TimestampMap { mpegts: mpegts?, local_us: local_us? })
        };
        match read() {
            Some(map) => self.document.timestamp_map = Some(map),
            None => self.warnings.push(line, format!("X-TIMESTAMP-MAP{} is not understood", excerpt(text))),
        }
    }

    /// Collects one block, whose first line is `first` (W3C WebVTT §6.1 "collect a WebVTT block").
    fn block(&mut self, first: &str, lines: &mut Lines<'_>) -> Result<(), TextError> {
        let at = lines.number;
        let mut block = Block::Unknown;
        let mut buffer = String::new();
        let mut line = first;
        let mut count = 0;
        let mut seen_arrow = false;
        loop {
            count += 1;
            if line.contains("-->") {
                seen_arrow = true;
                block = Block::Cue(self.timings(line, &buffer, lines.number));
                buffer.clear();
            } else {
                if count == 2 && !seen_arrow {
                    block = self.special(&mut buffer, at);
                }
                if !buffer.is_empty() {
                    buffer.push('\n');
                }
                buffer.push_str(line);
            }
            match lines.peek() {
                None | Some("") => break,
                // A second arrow starts the next block.
                Some(next) if next.contains("-->") && (seen_arrow || count > 1) => break,
                Some(next) => line = next,
            }
            lines.next();
        }
        self.finish(block, buffer, at)
    }

    fn special(&mut self, buffer: &mut String, line: usize) -> Block {
        let block = match buffer.trim_end_matches([' ', '\t']) {
            "STYLE" => Block::Style,
            "REGION" => Block::Region,
            _ => return Block::Unknown,
        };
        if !self.document.cues.is_empty() {
            self.warnings
                .push(line, format!("a {} block after the first cue has no effect and is left out", buffer.trim_end()));
            return Block::Unknown;
        }
        buffer.clear();
        block
    }

    fn finish(&mut self, block: Block, buffer: String, line: usize) -> Result<(), TextError> {
        match block {
            Block::Cue(Some(cue)) => {
                if self.document.cues.len() == CUE_LIMIT {
                    return Err(TextError::TooLarge { what: "cues", found: CUE_LIMIT + 1, limit: CUE_LIMIT });
                }
                self.document.cues.push(Cue { payload: buffer, ..cue });
            }
            Block::Cue(None) => {}
            Block::Style => self.document.styles.push(buffer),
            Block::Region => {
                let id = buffer.split_ascii_whitespace().filter_map(|setting| setting.strip_prefix("id:")).next_back();
                match id.filter(|id| !id.is_empty()) {
                    Some(id) if self.region_ids.len() < 1000 => self.region_ids.push(id.to_owned()),
                    Some(_) => self.warnings.push_once(line, "more than 1000 regions are not checked"),
                    None => self.warnings.push(line, "a region without an id cannot be named by a cue"),
                }
                self.document.regions.push(buffer);
            }
            Block::Unknown => {
                let comment = buffer
                    .strip_prefix("NOTE")
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\n']));
                if !comment && !matches!(buffer.split('\n').next(), Some("STYLE" | "REGION")) {
                    let what = format!("the block {:?} is no cue and no comment and is left out", excerpt(&buffer));
                    self.warnings.push(line, what);
                }
            }
        }
        Ok(())
    }

    /// A cue without its text, from its line of times; `None` and a warning when they are not valid.
    fn timings(&mut self, line: &str, id: &str, number: usize) -> Option<Cue> {
        let Some((start, end, comma, rest)) = cue_times(line) else {
            self.warnings.push(number, format!("the times {:?} are not valid and the cue is left out", excerpt(line)));
            return None;
        };
        if comma {
            self.warnings.push_once(number, "a comma in a time is taken for a point");
        }
        if end <= start {
            self.warnings
                .push(number, format!("the cue {:?} ends no later than it starts and is left out", excerpt(line)));
            return None;
        }
        let ids = &self.region_ids;
        let settings = settings::valid(rest, number, |id| ids.iter().any(|known| known == id), &mut self.warnings);
        let id = Some(id.to_owned()).filter(|id| !id.is_empty());
        Some(Cue { id, start_us: start * 1000, end_us: end * 1000, settings, payload: String::new() })
    }
}

/// Start and end in milliseconds, whether a comma was met, and the settings.
fn cue_times(line: &str) -> Option<(i64, i64, bool, &str)> {
    let space = [' ', '\t', '\u{c}'];
    let (start, first_comma, rest) = take_timestamp(line.trim_start_matches(space))?;
    let rest = rest.trim_start_matches(space).strip_prefix("-->")?.trim_start_matches(space);
    let (end, second_comma, rest) = take_timestamp(rest)?;
    // Settings directly after the time are read all the same, but not a time that goes on.
    if digits(rest).is_some() {
        return None;
    }
    Some((start, end, first_comma || second_comma, rest))
}
