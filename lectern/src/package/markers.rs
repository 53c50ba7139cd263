//! Breaks and cues: those of a list, and those that came with the first transport stream that has any.

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use media_types::time::rescale;
use media_types::{FrameRate, MediaTime, Timescale, TrackKind};
use packager::Presentation;
use packager::markers::{EventMessages, Marker, Messages as Said, from_messages, parse_cue_list, unite};
use packager::repack::SegmentGrid;

use super::plan::Planned;
use super::run::Request;
use super::survey::Surveyed;
use crate::exit::Failure;

/// Ten thousand cues with long names fit in; a longer one is something else.
const MAX_CUE_FILE: u64 = 4 << 20;

/// How long a picture lasts where nothing says it.
const USUAL_PICTURE_US: i64 = 50_000;

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
            "write one cue a line: START [DURATION] [ID] [KEY=VALUE ...], such as `00:10:00 30 break-1`; `#` begins a comment",
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
    /// Keeps what a reader has found, on the line of its file, whose times all move by `origin`. Streams say most things
    /// several times.
    pub(super) fn keep(&mut self, input: usize, found: Vec<(Option<i64>, Vec<u8>)>, origin: MediaTime) {
        let offset = rescale(origin.ticks, Timescale::NINETY_KHZ.get().into(), origin.scale.get().into());
        let moved = found.into_iter().map(|(at, section)| (at.map(|at| at.saturating_add(offset)), section.into()));
        let mut messages: Messages = moved.collect();
        messages.dedup();
        if !messages.is_empty() {
            self.0.insert(input, messages);
        }
    }

    /// All markers of the presentation. Renditions of one programme say the same, so one input is enough.
    pub(super) fn markers(self, cues: &[Marker], tracks: &[Surveyed], warnings: &mut Vec<String>) -> Vec<Marker> {
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
        let end = tracks.iter().map(|track| MediaTime::new(track.shape.end_pts, track.about.timescale)).max();
        let before = all.len();
        all.retain(|marker| end.is_some_and(|end| marker.start <= end));
        if all.len() < before {
            let late = before - all.len();
            warnings.push(format!("{late} marker(s) start behind the end of the presentation; left out"));
        }
        all
    }
}

/// Where segments begin for markers, each place once; what is not at its keyframe is told.
pub(super) fn cut_places(
    grid: &SegmentGrid,
    markers: &[Marker],
    rate: Option<FrameRate>,
    warnings: &mut Vec<String>,
) -> Vec<MediaTime> {
    let picture_us = rate.map_or(USUAL_PICTURE_US, |rate| (1e6 / rate.as_f64()) as i64);
    let (mut places, mut borders, mut off) = (Vec::new(), 0, Vec::new());
    for marker in markers {
        for at in marker.borders().filter(|at| *at < grid.end()) {
            borders += 1;
            let place = grid.near(at);
            let away_us = (micros(place) - micros(at)).abs();
            if away_us > picture_us {
                off.push((
                    away_us,
                    format!("{} at {:.3} s, at {:.3} s", marker.id, at.as_secs_f64(), place.as_secs_f64()),
                ));
            }
            places.extend(Some(place).filter(|place| place.ticks > 0 && *place < grid.end()));
        }
    }
    places.sort_unstable();
    places.dedup();
    if let Some((away_us, first)) = off.iter().max_by_key(|(away_us, _)| away_us) {
        warnings.push(format!(
            "{} of {borders} places to cut at have no keyframe within a picture; the nearest one is taken, at most {:.3} s \
             away ({first}); encode with keyframes at markers",
            off.len(),
            *away_us as f64 / 1e6
        ));
    }
    places
}

fn micros(time: MediaTime) -> i64 {
    rescale(time.ticks, 1_000_000, time.scale.get().into())
}

/// What a track's segments say of markers, if they are asked to: those of all pictures, or of sound without any.
pub(super) fn event_messages(frame: &Presentation<'_>, planned: &[Planned], track: &Planned) -> EventMessages {
    let is_video = |track: &Planned| matches!(track.record.kind, TrackKind::Video { .. });
    if frame.inband_events && (is_video(track) || !planned.iter().any(is_video)) {
        EventMessages::new(frame.markers, track.record.timescale)
    } else {
        EventMessages::default()
    }
}

/// What was asked for and has nothing to work on.
pub(super) fn unused_options(request: &Request, markers: &[Marker], places: &[MediaTime]) -> Vec<String> {
    let is_silent = markers.iter().all(|marker| marker.messages == Said::default());
    let unused = [
        (request.emsg && is_silent, "--emsg: no input has SCTE 35 messages that segments could carry"),
        (request.periods && places.is_empty(), "--periods: no marker cuts the presentation; there is one period"),
    ];
    unused.into_iter().filter(|(is_unused, _)| *is_unused).map(|(_, told)| told.to_owned()).collect()
}

#[cfg(test)]
mod tests;
