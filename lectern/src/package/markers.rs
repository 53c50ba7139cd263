//! Breaks and cues: those of a list, and those that came with the first transport stream that has any.

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use media_types::time::rescale;
use media_types::{MediaTime, Timescale, TrackRecord};
use packager::markers::{Marker, from_messages, parse_cue_list, unite};

use super::source::Reader;
use super::survey::Surveyed;
use crate::exit::Failure;

/// Ten thousand cues with long names fit in; a longer one is something else.
const MAX_CUE_FILE: u64 = 4 << 20;

/// SCTE 35 messages in the order in which they came, each with its time in 90 kHz from the presentation's start.
type Messages = Vec<(Option<i64>, Bytes)>;

/// The messages of all inputs, by their position on the command line.
#[derive(Debug, Default)]
pub(super) struct Heard(BTreeMap<usize, Messages>);

/// Reads a list of cues.
pub(crate) fn read(path: &Path) -> Result<Vec<Marker>, Failure> {
    let fault = |detail: String| {
        Failure::config(
            "cues.unfit",
            format!("{}: {detail}", path.display()),
            "write one cue a line: START [DURATION] [ID], such as `00:10:00 30 break-1`; `#` begins a comment",
        )
    };
    let length = std::fs::metadata(path).map_err(|error| fault(error.to_string()))?.len();
    if length > MAX_CUE_FILE {
        return Err(fault(format!("{length} bytes are no list of cues")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| fault(error.to_string()))?;
    parse_cue_list(&text).map_err(|error| fault(error.to_string()))
}

impl Heard {
    /// Takes what a reader has found since the last call; `track` is one of its file's, which all move alike.
    pub(super) fn listen(reader: &mut Reader<'_>, track: Option<&Surveyed>, messages: &mut Messages) {
        let offset = track.map_or(0, |track| {
            rescale(track.offset, Timescale::NINETY_KHZ.get().into(), track.about.timescale.get().into())
        });
        let new = reader.markers().into_iter();
        messages.extend(new.map(|(at, section)| (at.map(|at| at.saturating_add(offset)), section.into())));
    }

    pub(super) fn keep(&mut self, input: usize, messages: Messages) {
        if !messages.is_empty() {
            self.0.insert(input, messages);
        }
    }

    /// All markers of the presentation. Renditions of one programme say the same, so one input is enough.
    pub(super) fn markers(self, cues: &[Marker], tracks: &[TrackRecord], warnings: &mut Vec<String>) -> Vec<Marker> {
        let heard = self.0.into_values().map(from_messages);
        let mut found = Vec::new();
        for said in heard {
            for (count, why) in [
                (said.unread, "encrypted or contradict themselves"),
                (said.passed_over, "speak of a time before the presentation, or are too many"),
            ] {
                if count > 0 {
                    warnings.push(format!("{count} SCTE 35 message(s) are passed over: they {why}"));
                }
            }
            if !said.markers.is_empty() {
                found = said.markers;
                break;
            }
        }
        let mut all = unite(cues.to_vec(), found);
        let end = tracks.iter().map(length).max();
        let before = all.len();
        all.retain(|marker| end.is_some_and(|end| marker.start <= end));
        if all.len() < before {
            let late = before - all.len();
            warnings.push(format!("{late} marker(s) start behind the end of the presentation; left out"));
        }
        all
    }
}

fn length(track: &TrackRecord) -> MediaTime {
    MediaTime::new(i64::try_from(track.shown_ticks).unwrap_or(i64::MAX), track.timescale)
}

#[cfg(test)]
mod tests;
