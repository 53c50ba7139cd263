//! Places in a presentation that somebody acts on: breaks, programme borders, cues of an editor.
//!
//! - [`Marker`]: one of them. [`Presentation::markers`](crate::Presentation::markers) carries them into playlists, as
//!   `EXT-X-DATERANGE` (RFC 8216bis §4.4.5.1), and into the manifest, as events (ISO/IEC 23009-1 §5.10.2).
//!   [`Marker::borders`] says where segments should be cut for it.
//! - [`from_messages`]: what SCTE 35 messages of a stream say, breaks joined with their ends.
//! - [`parse_cue_list`]: what a person wrote down.
//! - [`unite`]: both together, by their times.
//! - [`Interstitial`]: what players of HLS show at a marker.
//! - [`EventMessages`]: SCTE 35 messages for the segments themselves, as `emsg` boxes.

mod dates;
mod emsg;
mod interstitial;
mod list;
mod messages;
mod splice;

use std::collections::BTreeSet;

use bytes::Bytes;
use media_types::time::rescale;
use media_types::{MediaTime, Timescale};

use crate::PackageError;
use crate::presentation::plain_text;

pub(crate) use dates::{date_ranges, program_date};
pub use emsg::{EMSG_SCHEME, EventMessages};
pub use interstitial::{Asset, CUES, Interstitial, RESTRICTIONS, SNAPS};
pub use list::{CueListError, CueProblem, parse_cue_list};
pub use messages::{Found, from_messages};

/// Markers that a presentation may have.
pub const MOST_MARKERS: usize = 10_000;

/// The longest section there can be (SCTE 35 §9.6: 12 bits of length behind 3 bytes).
const MOST_SECTION_BYTES: usize = 3 + 4095;
/// Nothing starts or lasts longer than a presentation may.
const MOST_SECONDS: i64 = 100 * 366 * 86_400;

/// A place in a presentation, or a span of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    /// Distinct among the markers of a presentation: 1 to 100 characters without quotes and control characters.
    pub id: String,
    /// What markers of one meaning have in common, for clients; written like an id.
    pub class: Option<String>,
    /// From the presentation's start, not negative.
    pub start: MediaTime,
    /// How long it really lasts: 0 for a mere place, `None` when nothing says it.
    pub duration: Option<MediaTime>,
    /// How long it was announced to last.
    pub planned: Option<MediaTime>,
    /// The SCTE 35 messages it was made from.
    pub messages: Messages,
    /// Whether segments should begin where it starts and where it ends.
    pub cuts: bool,
    /// What players of HLS show there.
    pub interstitial: Option<Interstitial>,
}

impl Marker {
    /// When it ends; `None` for a mere place, and when nothing says it. A break that is announced ends as announced.
    pub fn end(&self) -> Option<MediaTime> {
        let announced = self.planned.filter(|_| self.messages.out.is_some());
        let length = self.duration.or(announced).filter(|length| length.ticks > 0)?;
        let ticks = rescale(length.ticks, self.start.scale.get().into(), length.scale.get().into());
        Some(MediaTime::new(self.start.ticks.saturating_add(ticks), self.start.scale))
    }

    /// Where segments should begin for it.
    pub fn borders(&self) -> impl Iterator<Item = MediaTime> {
        let (start, end) = (Some(self.start), self.end());
        [start, end].into_iter().flatten().filter(|_| self.cuts)
    }
}

/// SCTE 35 messages (`splice_info_section`), whole, by their part in a marker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Messages {
    /// What begins a break.
    pub out: Option<Bytes>,
    /// What ends it.
    pub back: Option<Bytes>,
    /// What does neither.
    pub command: Option<Bytes>,
}

impl Messages {
    fn all(&self) -> impl Iterator<Item = &Bytes> {
        [&self.out, &self.back, &self.command].into_iter().flatten()
    }
}

/// Refuses markers that no playlist could carry.
pub(crate) fn check(markers: &[Marker]) -> Result<(), PackageError> {
    if markers.len() > MOST_MARKERS {
        return Err(PackageError::Manifest(format!("{} markers; {MOST_MARKERS} are the most", markers.len())));
    }
    let mut ids = BTreeSet::new();
    for marker in markers {
        let id = &marker.id;
        if !is_plain(id) || !ids.insert(id) {
            return Err(PackageError::Name { what: "marker", text: id.clone() });
        }
        if let Some(class) = marker.class.as_ref().filter(|class| !is_plain(class)) {
            return Err(PackageError::Name { what: "marker class", text: class.clone() });
        }
        let shown = marker.interstitial.as_ref();
        let times = [Some(marker.start), marker.duration, marker.planned, shown.map(|shown| shown.resume)];
        let fits = |time: &MediaTime| time.ticks >= 0 && time.ticks / i64::from(time.scale.get()) <= MOST_SECONDS;
        if !times.iter().flatten().chain(shown.and_then(|shown| shown.limit.as_ref())).all(fits) {
            return Err(PackageError::Manifest(format!("marker {id:?}: its times are negative or endless")));
        }
        if let Some(section) = marker.messages.all().find(|section| section.len() > MOST_SECTION_BYTES) {
            let detail = format!("marker {id:?}: a message of {} bytes is none of SCTE 35", section.len());
            return Err(PackageError::Manifest(detail));
        }
        if let Some(what) = shown.and_then(Interstitial::problem) {
            return Err(PackageError::Manifest(format!("marker {id:?}: {what}")));
        }
    }
    Ok(())
}

/// One message as an event, in ticks of 90 kHz.
pub(crate) struct Said<'a> {
    pub(crate) at: u64,
    /// How long what begins here lasts, if that is known; 0 for an end.
    pub(crate) length: Option<u64>,
    pub(crate) section: &'a Bytes,
}

/// All messages in the order of their times (ISO/IEC 23009-1 §5.10.2.2). The end of a break is an event of its own.
pub(crate) fn said(markers: &[Marker]) -> Vec<Said<'_>> {
    let mut all = Vec::new();
    for marker in markers {
        let (at, said) = (ninety_khz(marker.start), &marker.messages);
        let length = marker.duration.or(marker.planned).map(ninety_khz);
        let opening = said.out.iter().chain(&said.command);
        all.extend(opening.map(|section| Said { at, length, section }));
        // A lone end stands where its marker starts.
        let end = if said.out.is_some() { at + marker.duration.map_or(0, ninety_khz) } else { at };
        all.extend(said.back.iter().map(|section| Said { at: end, length: Some(0), section }));
    }
    all.sort_by_key(|said| said.at);
    all
}

pub(crate) fn ninety_khz(time: MediaTime) -> u64 {
    u64::try_from(rescale(time.ticks, Timescale::NINETY_KHZ.get().into(), time.scale.get().into())).unwrap_or(0)
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && plain_text(text) == text
}

/// Markers that were written down with those that were found, by their time. An id that both have stays with the
/// written one.
pub fn unite(written: Vec<Marker>, found: Vec<Marker>) -> Vec<Marker> {
    let taken: BTreeSet<String> = written.iter().map(|marker| marker.id.clone()).collect();
    let mut all = written;
    all.extend(found.into_iter().map(|mut marker| {
        while taken.contains(&marker.id) {
            marker.id.push_str("-scte35");
        }
        marker
    }));
    all.sort_by_key(|marker| marker.start);
    all
}
