//! SCTE 35 messages within segments (ISO/IEC 23009-1 §5.10.3.3, ISO/IEC 23000-19 §7.4.5, ANSI/SCTE 214-3 §7.3.2).

use std::collections::VecDeque;

use media_types::Timescale;
use media_types::time::rescale;

use super::{Marker, said};
use crate::SegmentHeader;
use crate::isobmff::Boxes;

/// `scheme_id_uri` of these messages: an event's data is one `splice_info_section`.
pub const EMSG_SCHEME: &str = "urn:scte:scte35:2013:bin";

/// `event_duration` of what ends nobody knows when.
const UNKNOWN: u32 = u32::MAX;

/// The event messages of one track, each for the segment in which its event begins.
///
/// All tracks of a switching set get the same ones (ISO/IEC 23000-19 §7.4.5). A message has the same id wherever it is
/// said; times are the track's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventMessages {
    /// Times in ticks of the track, and whole boxes, ascending.
    waiting: VecDeque<(u64, Vec<u8>)>,
}

impl EventMessages {
    /// Of a track that counts in `timescale`; other cues than messages are not among them.
    pub fn new(markers: &[Marker], timescale: Timescale) -> Self {
        let ticks = |at: u64| {
            let at = i64::try_from(at).unwrap_or(i64::MAX);
            rescale(at, timescale.get().into(), Timescale::NINETY_KHZ.get().into()).unsigned_abs()
        };
        let boxed = |(id, said): (u32, super::Said<'_>)| {
            let (at, length) = (ticks(said.at), said.length.map(ticks));
            let length = length.and_then(|length| u32::try_from(length).ok()).unwrap_or(UNKNOWN);
            let mut w = Boxes::with_capacity(64 + said.section.len());
            w.put_full(b"emsg", 1, 0, |w| {
                w.u32(timescale.get());
                w.u64(at);
                w.u32(length);
                w.u32(id);
                w.raw(EMSG_SCHEME.as_bytes());
                w.u8(0);
                // No value: all messages are of one programme.
                w.u8(0);
                w.raw(said.section);
            });
            (at, w.into_bytes().to_vec())
        };
        Self { waiting: (1..).zip(said(markers)).map(boxed).collect() }
    }

    /// Puts the messages of events that begin before `end`, in ticks of the presentation, in front of the segment's
    /// `moof`; those of earlier segments have been taken already.
    pub fn announce(&mut self, header: &mut SegmentHeader, end: u64) {
        let mut boxes = Vec::new();
        while let Some((_, message)) = self.waiting.pop_front_if(|(at, _)| *at < end) {
            boxes.extend(message);
        }
        if boxes.is_empty() {
            return;
        }
        // The first box is styp; offsets within the moof count from the moof.
        let size = header.bytes.first_chunk().map_or(0, |size| u32::from_be_bytes(*size) as usize);
        let (styp, rest) = header.bytes.split_at(size.min(header.bytes.len()));
        let added = boxes.len() as u64;
        header.bytes = [styp, &boxes, rest].concat().into();
        for point in &mut header.sync_points {
            if point.bytes.offset == 0 { point.bytes.length += added } else { point.bytes.offset += added }
        }
    }
}
