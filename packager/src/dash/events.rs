//! Markers as events of a period, and what says that segments carry some (ISO/IEC 23009-1 §5.10.2, §5.10.3; ANSI/SCTE
//! 214-1 §6.7).

use bytes::Bytes;
use dash_mpd_core::scte35::{Binary, Signal};
use dash_mpd_core::{AdaptationSet, Event, EventStream, InbandEventStream};
use media_types::{MediaTime, Timescale};

use crate::Presentation;
use crate::markers::{EMSG_SCHEME, Marker, ninety_khz, said};

/// Messages of SCTE 35, binary within XML.
const SCTE35: &str = "urn:scte:scte35:2014:xml+bin";
/// Cues without such a message: an event's text is the cue's id.
const CUES: &str = "urn:lectern:cue:2026";
const SCALE: Timescale = Timescale::NINETY_KHZ;

/// A stream of SCTE 35 messages and a stream of other cues, where there are any.
pub(super) fn streams(markers: &[Marker]) -> Vec<EventStream> {
    let messages = said(markers).into_iter().map(|said| message(said.at, said.length, said.section)).collect();
    let mut cues = Vec::new();
    for marker in markers.iter().filter(|marker| marker.messages == Default::default()) {
        let length = marker.duration.or(marker.planned).map(ninety_khz);
        cues.push(Event { content: Some(marker.id.clone()), ..event(ninety_khz(marker.start), length) });
    }
    let streams = [stream(SCTE35, messages), stream(CUES, cues)];
    streams.into_iter().flatten().collect()
}

/// The same for the period from `start` to `end` alone: its events keep their ids and their times, which count from the
/// presentation's start.
pub(super) fn within(all: &[EventStream], start: MediaTime, end: Option<MediaTime>) -> Vec<EventStream> {
    let (from, to) = (ninety_khz(start), end.map(ninety_khz));
    let inside = |event: &&Event| {
        let at = event.presentationTime.unwrap_or(0);
        at >= from && to.is_none_or(|to| at < to)
    };
    let part = |stream: &EventStream| EventStream {
        presentationTimeOffset: Some(from).filter(|&from| from > 0),
        event: stream.event.iter().filter(inside).cloned().collect(),
        ..stream.clone()
    };
    all.iter().map(part).filter(|stream| !stream.event.is_empty()).collect()
}

/// Tells of the messages in segments: all tracks of pictures carry them, or of sound where there are no pictures.
pub(super) fn announce_inband(presentation: &Presentation<'_>, sets: &mut [AdaptationSet]) {
    if !presentation.inband_events || said(presentation.markers).is_empty() {
        return;
    }
    let carrier = if presentation.video().is_empty() { "audio" } else { "video" };
    // Sets with an essential property are for other purposes than playback.
    let carry =
        |set: &&mut AdaptationSet| set.contentType.as_deref() == Some(carrier) && set.essential_property.is_empty();
    for set in sets.iter_mut().filter(carry) {
        set.InbandEventStream
            .push(InbandEventStream { schemeIdUri: EMSG_SCHEME.to_owned(), ..InbandEventStream::default() });
    }
}

fn stream(scheme: &str, mut events: Vec<Event>) -> Option<EventStream> {
    // §5.10.2.2: in the order of their times; ids are numbers.
    events.sort_by_key(|event| event.presentationTime);
    for (position, event) in events.iter_mut().enumerate() {
        event.id = Some((position + 1).to_string());
    }
    (!events.is_empty()).then(|| EventStream {
        schemeIdUri: scheme.to_owned(),
        timescale: Some(SCALE.get().into()),
        event: events,
        ..EventStream::default()
    })
}

fn event(start: u64, length: Option<u64>) -> Event {
    Event { presentationTime: Some(start), duration: length.filter(|length| *length > 0), ..Event::default() }
}

fn message(start: u64, length: Option<u64>, section: &Bytes) -> Event {
    let binary = Binary { content: base64(section), ..Binary::default() };
    Event { signal: vec![Signal { content: Some(binary), ..Signal::default() }], ..event(start, length) }
}

/// RFC 4648 §4.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, index| bits << 8 | u32::from(group.get(index).copied().unwrap_or(0)));
        for index in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * index) & 63) as usize];
            out.push(if index <= group.len() { char::from(letter) } else { '=' });
        }
    }
    out
}
