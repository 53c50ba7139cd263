//! Samples to cues.

use std::collections::HashMap;
use std::num::NonZeroU32;

use crate::error::Warnings;
use crate::markup::shift_timestamps;
use crate::time::{take_timestamp, ticks_to_us};
use crate::webvtt::parse_config;
use crate::{CUE_LIMIT, Cue, Parsed, TextError};

/// The document whose samples these are: `config` is the text of `vttC`, each sample its start and duration in ticks of
/// `timescale` and its boxes, in order of time.
///
/// Parts of a cue in samples that touch are put together: by their `vsid`, or, where a packager wrote none, when they
/// are equal. Fails at a box that runs past its sample and above [`CUE_LIMIT`] cues.
pub fn document<'a>(
    config: &str,
    timescale: NonZeroU32,
    samples: impl IntoIterator<Item = (i64, u32, &'a [u8])>,
) -> Result<Parsed, TextError> {
    let mut document = parse_config(config);
    let mut warnings = Warnings::default();
    let mut before: HashMap<Part<'a>, Vec<usize>> = HashMap::new();
    let mut before_end = i64::MIN;
    for (index, (start, duration, data)) in samples.into_iter().enumerate() {
        let end = start.saturating_add(i64::from(duration));
        let mut now: HashMap<Part<'a>, Vec<usize>> = HashMap::new();
        if start != before_end {
            before.clear();
        }
        for (offset, name, body) in Boxes::new(data, 0) {
            match name.ok_or_else(|| broken(index, offset))? {
                b"vttc" if duration > 0 => {
                    let (part, inner_time) = part(body, index, offset + 8, &mut warnings)?;
                    let end_us = ticks_to_us(end, timescale);
                    let known = before.get_mut(&part).and_then(Vec::pop);
                    let place = match known {
                        Some(place) => {
                            document.cues[place].end_us = end_us;
                            place
                        }
                        None => {
                            let start_us = ticks_to_us(start, timescale);
                            document.cues.push(part.cue(start_us, end_us, inner_time));
                            document.cues.len() - 1
                        }
                    };
                    now.entry(part).or_default().push(place);
                }
                b"vttc" | b"vtte" | b"vtta" => {}
                name => warnings.push_once(0, &format!("boxes named {} are passed over", name.escape_ascii())),
            }
        }
        if document.cues.len() > CUE_LIMIT {
            return Err(TextError::TooLarge { what: "cues", found: document.cues.len(), limit: CUE_LIMIT });
        }
        // The last of several equal cues is at the end, and is taken first.
        now.values_mut().for_each(|places| places.reverse());
        (before, before_end) = (now, end);
    }
    // Those of one sample stand in its order; one that an earlier sample began comes before them.
    document.cues.sort_by_key(|cue| cue.start_us);
    Ok(Parsed { document, warnings: warnings.into_vec() })
}

fn broken(sample: usize, offset: usize) -> TextError {
    TextError::Sample { sample, offset, reason: "the size of a box does not fit".to_owned() }
}

/// What a `vttc` box says, in words of the sample.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Part<'a> {
    source: Option<i32>,
    id: &'a str,
    settings: &'a str,
    payload: &'a str,
}

impl Part<'_> {
    fn cue(&self, start_us: i64, end_us: i64, inner_time_us: Option<i64>) -> Cue {
        // The times inside the text count from the clock that `ctim` reads at the sample's start.
        let shifted = inner_time_us
            .map(|time| start_us.saturating_sub(time))
            .filter(|offset| offset.unsigned_abs() >= 1000)
            .and_then(|offset| shift_timestamps(self.payload, offset));
        Cue {
            id: Some(self.id.to_owned()).filter(|id| !id.is_empty()),
            start_us,
            end_us,
            settings: self.settings.to_owned(),
            payload: shifted.unwrap_or_else(|| self.payload.to_owned()),
        }
    }
}

fn part<'a>(
    body: &'a [u8],
    sample: usize,
    offset: usize,
    warnings: &mut Warnings,
) -> Result<(Part<'a>, Option<i64>), TextError> {
    let mut part = Part { source: None, id: "", settings: "", payload: "" };
    let mut time = None;
    for (offset, name, body) in Boxes::new(body, offset) {
        let name = name.ok_or_else(|| broken(sample, offset))?;
        if name == b"vsid" {
            // -1 is no id (ISO/IEC 14496-30).
            part.source = body.first_chunk().map(|bytes| i32::from_be_bytes(*bytes)).filter(|&source| source != -1);
            continue;
        }
        let Ok(text) = std::str::from_utf8(body) else {
            warnings.push_once(0, "text that is not UTF-8 is left out");
            continue;
        };
        // Some packagers end the text with a zero byte.
        let text = text.trim_end_matches('\0');
        match name {
            b"iden" => part.id = text,
            b"sttg" => part.settings = text.trim(),
            b"payl" => part.payload = text.trim_matches(['\n', '\r']),
            b"ctim" => time = take_timestamp(text.trim()).map(|(ms, _, _)| ms * 1000),
            _ => {}
        }
    }
    Ok((part, time))
}

/// Boxes side by side: the place, the name (`None` when the size does not fit, which ends it) and the body of each.
struct Boxes<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Boxes<'a> {
    fn new(bytes: &'a [u8], offset: usize) -> Self {
        Self { rest: bytes, offset }
    }
}

impl<'a> Iterator for Boxes<'a> {
    type Item = (usize, Option<&'a [u8; 4]>, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let offset = self.offset;
        let read = || {
            let (size, rest) = self.rest.split_first_chunk::<4>()?;
            let (name, _) = rest.split_first_chunk::<4>()?;
            let size = usize::try_from(u32::from_be_bytes(*size)).ok()?;
            let (whole, rest) = self.rest.split_at_checked(size)?;
            Some((name, whole.get(8..)?, rest))
        };
        match read() {
            Some((name, body, rest)) => {
                self.offset += self.rest.len() - rest.len();
                self.rest = rest;
                Some((offset, Some(name), body))
            }
            None => {
                self.rest = &[];
                Some((offset, None, &[]))
            }
        }
    }
}
