//! TTML in MP4 (ISO/IEC 14496-30, `stpp`): each sample is a whole document, which is shown during the sample only.

use std::collections::HashMap;
use std::num::NonZeroU32;

use bytes::Bytes;

use filter::Filter;

use crate::document::check_borders;
use crate::error::Warnings;
use crate::time::ticks_to_us;
use crate::ttml::Ttml;
use crate::{CUE_LIMIT, Cue, Document, OUTPUT_LIMIT, Parsed, TextError, TextSample};

/// Media types of pictures inside of samples are not carried, so that the list is empty.
const AUXILIARY_TYPES: &str = "";

/// Namespace, schema location and auxiliary types of the `stpp` sample entry, each ended by a zero byte.
pub fn config(ttml: &Ttml) -> Bytes {
    let namespace = match ttml.namespace() {
        "" => "http://www.w3.org/ns/ttml",
        namespace => namespace,
    };
    // A zero cannot stand in XML, and so not in a namespace.
    Bytes::from(format!("{namespace}\0\0{AUXILIARY_TYPES}\0"))
}

/// One sample for each pair of neighbouring `borders` (ascending, in ticks of `timescale`): the document with those of
/// its paragraphs that are shown at some instant of the segment. Times stay as they are, counted from the start of the
/// presentation. What sets the time of others (the children of a `seq`) is kept in every segment.
///
/// Fails when borders do not ascend or a segment is longer than `u32::MAX` ticks, or when paragraphs without end make more
/// than [`OUTPUT_LIMIT`] bytes.
pub fn samples(ttml: &Ttml, timescale: NonZeroU32, borders: &[i64]) -> Result<Vec<TextSample>, TextError> {
    check_borders(borders)?;
    let mut filter = Filter::of(ttml, timescale, borders);
    let mut written = 0;
    let mut samples = Vec::with_capacity(borders.len().saturating_sub(1));
    for (segment, pair) in borders.windows(2).enumerate() {
        let text = filter.document(segment);
        written += text.len();
        if written > OUTPUT_LIMIT {
            return Err(TextError::TooLarge { what: "bytes of samples", found: written, limit: OUTPUT_LIMIT });
        }
        let duration = u32::try_from(pair[1] - pair[0]).expect("borders were checked");
        samples.push(TextSample { start: pair[0], duration, data: Bytes::from(text) });
    }
    Ok(samples)
}

/// The cues of a track: `samples` are starts and durations in ticks of `timescale` and documents, in order of time. What a
/// sample shows is cut to the sample's time, and cues that touch and are equal become one again.
///
/// With `relative`, times in a document count from its sample's start, as some packagers write against the standard.
pub fn document<'a>(
    timescale: NonZeroU32,
    samples: impl IntoIterator<Item = (i64, u32, &'a [u8])>,
    relative: bool,
) -> Result<Parsed, TextError> {
    let mut whole = Document::default();
    let mut warnings = Warnings::default();
    // Index of the latest cue of each look, so that a part finds what it continues.
    let mut latest: HashMap<(String, String, i64), usize> = HashMap::new();
    for (start, duration, data) in samples {
        if data.is_empty() {
            continue;
        }
        let from = ticks_to_us(start, timescale);
        let until = ticks_to_us(start.saturating_add(i64::from(duration)), timescale);
        let mut parsed = crate::ttml::parse(data)?.to_cues()?;
        parsed.warnings.iter().for_each(|warning| warnings.push_once(warning.line, &warning.what));
        if relative {
            parsed.document.shift(from);
        }
        whole.language = whole.language.or(parsed.document.language);
        for style in parsed.document.styles {
            if whole.styles.len() < 100 && !whole.styles.contains(&style) {
                whole.styles.push(style);
            }
        }
        for cue in parsed.document.cues {
            let (start_us, end_us) = (cue.start_us.max(from), cue.end_us.min(until));
            if start_us >= end_us {
                continue;
            }
            let known = latest.remove(&(cue.settings.clone(), cue.payload.clone(), start_us));
            let key = (cue.settings.clone(), cue.payload.clone(), end_us);
            let place = match known {
                Some(place) => {
                    whole.cues[place].end_us = end_us;
                    place
                }
                None => {
                    whole.cues.push(Cue { start_us, end_us, ..cue });
                    whole.cues.len() - 1
                }
            };
            latest.insert(key, place);
        }
        // Only what ends where this sample ends can go on.
        latest.retain(|(_, _, end), _| *end == until);
        if whole.cues.len() > CUE_LIMIT {
            return Err(TextError::TooLarge { what: "cues", found: whole.cues.len(), limit: CUE_LIMIT });
        }
    }
    whole.cues.sort_by_key(|cue| cue.start_us);
    Ok(Parsed { document: whole, warnings: warnings.into_vec() })
}

mod filter;

#[cfg(test)]
mod tests;
