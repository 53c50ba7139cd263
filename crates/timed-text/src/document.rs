//! Cues and documents.

use std::collections::HashSet;

use bytes::Bytes;

use crate::Warning;
use crate::markup::shift_timestamps;

/// One cue: some text from `start_us` until `end_us`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Cue {
    /// W3C WebVTT §3.1 cue identifier.
    pub id: Option<String>,
    /// First instant it is shown at, in microseconds of the presentation.
    pub start_us: i64,
    /// First instant it is no longer shown at, in microseconds; later than `start_us`.
    pub end_us: i64,
    /// W3C WebVTT §3.4 cue settings, separated by single spaces; empty for the defaults.
    pub settings: String,
    /// W3C WebVTT §3.3 cue text with its markup; lines are separated by line feeds, none is empty.
    pub payload: String,
}

/// Where an HLS segment's cue times lie on the MPEG-2 timeline (RFC 8216bis §3.1.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimestampMap {
    /// MPEG-2 timestamp in ticks of 90 kHz, below 2^33.
    pub mpegts: u64,
    /// The cue time in microseconds that it stands for.
    pub local_us: i64,
}

/// MPEG-2 timestamps count modulo this.
const TURN: u64 = 1 << 33;

/// As microseconds, rounded to nearest.
const TURN_US: i64 = ((1_i64 << 33) * 100 + 4) / 9;

impl TimestampMap {
    /// What is added to a cue's time for its time on the MPEG-2 timeline, in microseconds, rounded to nearest.
    pub fn offset_us(&self) -> i64 {
        let ticks = i64::try_from(self.mpegts % TURN).unwrap_or(0);
        ((ticks * 100 + 4) / 9).saturating_sub(self.local_us)
    }

    /// What is added to a cue's time for its time since the MPEG-2 time `base`, in microseconds. Timestamps wrap every
    /// 26.5 hours, so that the nearer way round is meant.
    pub fn since(&self, base: u64) -> i64 {
        let turned = (self.mpegts % TURN + TURN - base % TURN) % TURN;
        let offset = TimestampMap { mpegts: turned, local_us: self.local_us }.offset_us();
        if turned >= TURN / 2 { offset.saturating_sub(TURN_US) } else { offset }
    }
}

/// A whole subtitle file in the terms of WebVTT.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// What follows `WEBVTT` on the first line, then the further lines of the header, separated by line feeds; without
    /// `X-TIMESTAMP-MAP`.
    pub header: String,
    /// `X-TIMESTAMP-MAP` of an HLS segment.
    pub timestamp_map: Option<TimestampMap>,
    /// Contents of `REGION` blocks (W3C WebVTT §3.5).
    pub regions: Vec<String>,
    /// Contents of `STYLE` blocks.
    pub styles: Vec<String>,
    /// In the order of the file.
    pub cues: Vec<Cue>,
    /// BCP 47 language, when the file names one.
    pub language: Option<String>,
}

impl Document {
    /// The latest end of a cue in microseconds; 0 without cues. What lies beyond the last segment border is in no segment,
    /// so the borders of a text track must reach here.
    pub fn end_us(&self) -> i64 {
        self.cues.iter().map(|cue| cue.end_us).max().unwrap_or(0)
    }

    /// Moves all cues, and the times inside their text, by `offset_us`. Cues that then end at or before 0 are removed;
    /// the others start at 0 at the earliest.
    pub fn shift(&mut self, offset_us: i64) {
        if offset_us == 0 {
            return;
        }
        for cue in &mut self.cues {
            cue.start_us = cue.start_us.saturating_add(offset_us).max(0);
            cue.end_us = cue.end_us.saturating_add(offset_us);
            if let Some(payload) = shift_timestamps(&cue.payload, offset_us) {
                cue.payload = payload;
            }
        }
        self.cues.retain(|cue| cue.end_us > cue.start_us);
    }

    /// One document of the parts of a segmented track, in order: a cue that several segments repeat is kept once, as are
    /// headers, regions and styles. A part's own timestamp map is applied when `base` names the MPEG-2 time of the
    /// presentation's start, in ticks of 90 kHz.
    pub fn join(parts: impl IntoIterator<Item = Document>, base: Option<u64>) -> Document {
        let mut whole = Document::default();
        let mut seen = HashSet::new();
        for mut part in parts {
            if let (Some(map), Some(base)) = (part.timestamp_map, base) {
                part.shift(map.since(base));
            }
            if whole.header.is_empty() {
                whole.header = part.header;
            }
            whole.language = whole.language.or(part.language);
            extend_new(&mut whole.regions, part.regions);
            extend_new(&mut whole.styles, part.styles);
            whole.cues.extend(part.cues.into_iter().filter(|cue| seen.insert(cue.clone())));
        }
        whole
    }
}

/// Regions and styles are few in any real file; a hostile one must not make this quadratic.
fn extend_new(list: &mut Vec<String>, more: Vec<String>) {
    const LIMIT: usize = 256;
    for item in more {
        if list.len() < LIMIT && !list.contains(&item) {
            list.push(item);
        }
    }
}

/// What reading a file gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    /// What was read.
    pub document: Document,
    /// What was passed over or mended; at most some hundred.
    pub warnings: Vec<Warning>,
}

/// One MP4 sample of a text track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextSample {
    /// Decode and presentation time in ticks of the track.
    pub start: i64,
    /// Length in ticks.
    pub duration: u32,
    /// Boxes (`wvtt`) or a document (`stpp`).
    pub data: Bytes,
}

/// Fails unless borders ascend strictly by at most what a sample's duration can say.
pub(crate) fn check_borders(borders: &[i64]) -> Result<(), crate::TextError> {
    for (index, pair) in borders.windows(2).enumerate() {
        let length = i128::from(pair[1]) - i128::from(pair[0]);
        if length <= 0 || length > i128::from(u32::MAX) {
            return Err(crate::TextError::Borders { index: index + 1, value: pair[1], before: pair[0] });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cue(start_us: i64, end_us: i64, payload: &str) -> Cue {
        Cue { start_us, end_us, payload: payload.to_owned(), ..Cue::default() }
    }

    #[test]
    fn joined_segments_hold_a_repeated_cue_once() {
        let part = |cues: &[Cue], mpegts| Document {
            cues: cues.to_vec(),
            timestamp_map: Some(TimestampMap { mpegts, local_us: 0 }),
            ..Document::default()
        };
        let long = cue(1_000_000, 9_000_000, "long");
        let whole = Document::join(
            [
                part(std::slice::from_ref(&long), 900_000),
                part(&[long.clone(), cue(5_000_000, 6_000_000, "b")], 900_000),
            ],
            Some(900_000 - 90_000),
        );
        assert_eq!(whole.cues, [cue(2_000_000, 10_000_000, "long"), cue(6_000_000, 7_000_000, "b")]);
    }

    #[test]
    fn a_timestamp_that_wrapped_is_still_after_the_base() {
        let part = Document {
            cues: vec![cue(0, 1_000_000, "a")],
            timestamp_map: Some(TimestampMap { mpegts: 45_000, local_us: 0 }),
            ..Document::default()
        };
        let whole = Document::join([part], Some((1 << 33) - 45_000));
        assert_eq!(whole.cues, [cue(1_000_000, 2_000_000, "a")]);
    }

    #[test]
    fn shifting_takes_the_inner_times_along_and_removes_what_lies_before_zero() {
        let mut document = Document {
            cues: vec![cue(0, 1_000_000, "gone"), cue(1_000_000, 3_000_000, "a <00:00:02.000>b")],
            ..Document::default()
        };
        document.shift(-1_500_000);
        assert_eq!(document.cues, [cue(0, 1_500_000, "a <00:00:00.500>b")]);
        assert_eq!(document.end_us(), 1_500_000);
    }
}
