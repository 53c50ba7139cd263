//! Markers as events of the period (ISO/IEC 23009-1 §5.10.2; ANSI/SCTE 214-1 §6.7).

use bytes::Bytes;
use dash_mpd_core::scte35::{Binary, Signal};
use dash_mpd_core::{Event, EventStream};
use media_types::time::rescale;
use media_types::{MediaTime, Timescale};

use crate::markers::Marker;

/// Messages of SCTE 35, binary within XML.
const SCTE35: &str = "urn:scte:scte35:2014:xml+bin";
/// Cues without such a message: an event's text is the cue's id.
const CUES: &str = "urn:lectern:cue:2026";
const SCALE: Timescale = Timescale::NINETY_KHZ;

/// A stream of SCTE 35 messages and a stream of other cues, where there are any. The end of a break is an event of its
/// own.
pub(super) fn streams(markers: &[Marker]) -> Vec<EventStream> {
    let (mut messages, mut cues) = (Vec::new(), Vec::new());
    for marker in markers {
        let (start, said) = (ticks(marker.start), &marker.messages);
        let length = marker.duration.or(marker.planned).map(ticks);
        let opening = said.out.iter().chain(&said.command);
        messages.extend(opening.map(|section| message(start, length, section)));
        // A lone end stands where its marker starts.
        let end = if said.out.is_some() { start + marker.duration.map_or(0, ticks) } else { start };
        messages.extend(said.back.iter().map(|section| message(end, None, section)));
        if *said == Default::default() {
            let length = length.filter(|length| *length > 0);
            cues.push(Event { content: Some(marker.id.clone()), ..event(start, length) });
        }
    }
    let streams = [stream(SCTE35, messages), stream(CUES, cues)];
    streams.into_iter().flatten().collect()
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
    Event { presentationTime: Some(start), duration: length, ..Event::default() }
}

fn message(start: u64, length: Option<u64>, section: &Bytes) -> Event {
    let binary = Binary { content: base64(section), ..Binary::default() };
    Event { signal: vec![Signal { content: Some(binary), ..Signal::default() }], ..event(start, length) }
}

fn ticks(time: MediaTime) -> u64 {
    u64::try_from(rescale(time.ticks, SCALE.get().into(), time.scale.get().into())).unwrap_or(0)
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
