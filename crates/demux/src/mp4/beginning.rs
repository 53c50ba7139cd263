//! A file that is still arriving: which of its bytes its first seconds need.

use bytes::Bytes;

use super::Mp4Demuxer;
use super::boxes::Header;
use crate::{ByteRange, Data, Demux, MediaKind, Packet, Step};

/// Bytes that tell a box and its length.
const HEADER: u64 = 16;
/// Top-level boxes before the media; a file with its index in front has a handful.
const MOST_BOXES: usize = 64;
/// The largest index: half a day of 60 pictures a second with sound.
const MOST_INDEX: u64 = 32 << 20;
/// Samples looked at. Where one track lies behind the other, all of the first are.
const MOST_SAMPLES: usize = 4_000_000;

/// Which bytes of an MP4 file must be there so that its index can be read and the first seconds of its pictures and sound be
/// decoded. Call [`poll`](Self::poll) and, once those bytes are there, [`give`](Self::give), until it says something else
/// than [`Need::Bytes`].
#[derive(Debug)]
pub struct Beginning {
    length: u64,
    seconds: u32,
    place: Place,
    demuxer: Mp4Demuxer,
    given: Option<Bytes>,
    /// Whether each track has gone beyond those seconds; text may come as late as it likes.
    beyond: Vec<bool>,
    samples: usize,
    /// Where what is needed ends, as far as is known.
    end: u64,
    last: Option<Need>,
}

/// What a [`Beginning`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// These bytes, before more can be said.
    Bytes(ByteRange),
    /// Every byte before this offset; there are more.
    UpTo(u64),
    /// The whole file: it is shorter than that, its index lies behind or in pieces, something lies behind its media, or it
    /// is no MP4 file.
    Whole,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    /// Looking for the media, behind so many boxes.
    Boxes { at: u64, seen: usize, has_index: bool },
    /// Walking through the samples of the media, whose box starts there.
    Samples { media: u64 },
}

impl Beginning {
    /// Of the first so many seconds of a file of this length.
    pub fn new(file_length: u64, seconds: u32) -> Self {
        Self {
            length: file_length,
            seconds,
            place: Place::Boxes { at: 0, seen: 0, has_index: false },
            demuxer: Mp4Demuxer::new(Some(file_length)),
            given: None,
            beyond: Vec::new(),
            samples: 0,
            end: 0,
            last: None,
        }
    }

    /// What is needed. Says the same until bytes are given.
    pub fn poll(&mut self) -> Need {
        if let Some(last) = self.last {
            return last;
        }
        let need = self.step();
        self.last = Some(need);
        need
    }

    /// The bytes that the last [`Need::Bytes`] asked for, all of them.
    pub fn give(&mut self, bytes: Bytes) {
        if !matches!(self.last.take(), Some(Need::Bytes(_))) {
            return;
        }
        match self.place {
            Place::Boxes { .. } => self.given = Some(bytes),
            Place::Samples { .. } => self.demuxer.give(bytes),
        }
    }

    fn step(&mut self) -> Need {
        loop {
            let (at, seen, has_index) = match self.place {
                Place::Boxes { at, seen, has_index } => (at, seen, has_index),
                Place::Samples { media } => return self.walk(media),
            };
            let Some(head) = self.given.take() else {
                return Need::Bytes(ByteRange {
                    offset: at,
                    length: HEADER.min(self.length.saturating_sub(at)).max(1),
                });
            };
            let next = (seen < MOST_BOXES).then(|| self.top_level(&head, at, has_index)).flatten();
            match next {
                Some((end, false)) => {
                    let has_index = has_index || head.get(4..8) == Some(b"moov");
                    self.place = Place::Boxes { at: end, seen: seen + 1, has_index };
                }
                Some((_, true)) => {
                    self.end = at + HEADER;
                    self.place = Place::Samples { media: at };
                }
                None => return Need::Whole,
            }
        }
    }

    /// Where the box at `at` ends, and whether it is the media; `None` for a file that has to be whole.
    fn top_level(&self, head: &[u8], at: u64, has_index: bool) -> Option<(u64, bool)> {
        let header = Header::parse(head)?;
        let size = header.size.unwrap_or(self.length - at);
        let end = at.checked_add(size).filter(|&end| size >= header.length && end <= self.length)?;
        match &header.kind {
            b"ftyp" => (at == 0 && end < self.length).then_some((end, false)),
            _ if at == 0 => None,
            b"moov" => (!has_index && size <= MOST_INDEX && end < self.length).then_some((end, false)),
            b"moof" => None,
            b"mdat" => (has_index && end == self.length).then_some((end, true)),
            _ => (end < self.length).then_some((end, false)),
        }
    }

    fn walk(&mut self, media: u64) -> Need {
        loop {
            match self.demuxer.poll() {
                Ok(Step::Read(range)) => {
                    // Before them it reads on further than it needs to.
                    if range.offset >= media {
                        self.end = self.end.max(range.offset.saturating_add(range.length));
                    }
                    return Need::Bytes(range);
                }
                Ok(Step::Ready) => {
                    let text = |kind: &MediaKind| matches!(kind, MediaKind::Text);
                    self.beyond = self.demuxer.tracks().iter().map(|track| text(&track.kind)).collect();
                    if self.demuxer.fragmented || self.beyond.iter().all(|&beyond| beyond) {
                        return Need::Whole;
                    }
                }
                Ok(Step::Packet(packet)) => {
                    self.samples += 1;
                    if self.samples > MOST_SAMPLES {
                        return Need::Whole;
                    }
                    self.see(&packet);
                    if self.beyond.iter().all(|&beyond| beyond) {
                        return if self.end < self.length { Need::UpTo(self.end) } else { Need::Whole };
                    }
                }
                Ok(Step::End) | Err(_) => return Need::Whole,
            }
        }
    }

    fn see(&mut self, packet: &Packet) {
        let Some(track) = self.demuxer.tracks().get(packet.track) else { return };
        if packet.dts >= i64::from(self.seconds) * i64::from(track.timescale.get()) {
            self.beyond[packet.track] = true;
        } else if let Data::At(range) = packet.data {
            self.end = self.end.max(range.offset.saturating_add(range.length));
        }
    }
}
