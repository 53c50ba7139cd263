//! H.264 and HEVC: from the byte stream to samples with 4-byte lengths (ISO/IEC 14496-15 §5.3.4), copied once.
//!
//! Start codes are replaced by lengths while payload is appended, so that a finished access unit is split off as it is.
//! Delimiters, filler and the configuration's parameter sets are left out.

use std::collections::VecDeque;

use bitstream::annex_b::start_code;
use bytes::BytesMut;
use media_types::CodecConfig;

use super::clock::{Clock, Stamp};
use super::nal::{Codec, Role, Set};
use super::picture::{Order, Pictures, describe};
use super::rhythm::Rhythm;
use super::sets::{Known, Sets};
use super::shared::{Shared, Time, Unit};
use crate::{DemuxError, MediaKind};

/// The most bytes of one access unit.
const LONGEST: usize = 32 << 20;

/// Room made at once.
const ROOM: usize = 256 << 10;

/// One video stream.
#[derive(Debug)]
pub(super) struct Video {
    codec: Codec,
    /// Position among the program's streams.
    stream: usize,
    name: String,
    pub(super) clock: Clock,
    pictures: Pictures,
    rhythm: Rhythm,
    sets: Sets,
    config: Option<(MediaKind, CodecConfig)>,
    /// The access unit so far, and the NAL unit that is being read, whose length field lies at `open`.
    buffer: BytesMut,
    open: Option<Open>,
    unit: Option<Current>,
    /// Zeros at the end of what was fed.
    zeros: usize,
    /// Bytes of the elementary stream that were fed.
    fed: u64,
    /// Stamps, each with the position from which it holds for the first access unit that begins.
    stamps: VecDeque<(u64, Stamp)>,
    /// Something is missing before what comes: it has to begin with the beginning of a picture.
    ragged: bool,
    /// Pictures are left out until the configuration's parameter sets come again.
    held: bool,
    /// Units left out before the configuration was known.
    early: u64,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    at: usize,
    /// Position in the elementary stream.
    position: u64,
}

/// The access unit that is being read.
#[derive(Clone, Copy, Debug, Default)]
struct Current {
    stamp: Option<Stamp>,
    offset: u64,
    has_picture: bool,
    key: bool,
    has_sets: bool,
    suspect: bool,
    order: Option<Order>,
}

impl Video {
    pub(super) fn new(codec: Codec, stream: usize, name: String) -> Self {
        Self {
            codec,
            stream,
            name,
            clock: Clock::new(stream),
            pictures: Pictures::new(codec),
            rhythm: Rhythm::new(codec),
            sets: Sets::default(),
            config: None,
            buffer: BytesMut::new(),
            open: None,
            unit: None,
            zeros: 0,
            fed: 0,
            stamps: VecDeque::new(),
            ragged: true,
            held: false,
            early: 0,
        }
    }

    /// What a decoder needs, once known.
    pub(super) fn config(&self) -> Option<&(MediaKind, CodecConfig)> {
        self.config.as_ref()
    }

    /// A PES packet begins.
    pub(super) fn start(&mut self, stamp: Option<Stamp>) {
        if let Some(stamp) = stamp {
            // A stamp that no access unit took is outdated by the next one.
            while self.stamps.len() >= 16 {
                self.stamps.pop_front();
            }
            self.stamps.push_back((self.fed, stamp));
        }
    }

    /// Bytes are missing: the unit they belong to is left out.
    pub(super) fn lost(&mut self, shared: &mut Shared) {
        if self.unit.take().is_some() && self.config.is_some() {
            shared.warn(|| format!("a picture of {} is left out: a part of it is missing", self.name));
        }
        self.buffer.clear();
        self.open = None;
        self.zeros = 0;
        self.ragged = true;
        self.stamps.clear();
        self.pictures.restart();
    }

    /// The next bytes of the elementary stream.
    pub(super) fn feed(&mut self, bytes: &[u8], shared: &mut Shared) -> Result<(), DemuxError> {
        let mut rest = self.straddling(bytes, shared)?;
        while let Some(at) = start_code(rest) {
            self.append(&rest[..at]);
            let zeros = if at == 0 { self.zeros } else { usize::from(rest[at - 1] == 0) };
            let position = self.fed + at as u64 - u64::from(zeros > 0);
            self.fed += at as u64 + 3;
            self.next_nal(position, shared)?;
            self.zeros = 0;
            rest = &rest[at + 3..];
        }
        self.append(rest);
        self.fed += rest.len() as u64;
        match rest.iter().rposition(|byte| *byte != 0) {
            Some(last) => self.zeros = rest.len() - 1 - last,
            None => self.zeros += rest.len(),
        }
        if self.buffer.len() > LONGEST {
            shared.warn(|| format!("a picture of {} is left out: it is longer than {LONGEST} bytes", self.name));
            self.unit = None;
            self.lost(shared);
        }
        Ok(())
    }

    /// A start code whose zeros end what was fed before.
    fn straddling<'a>(&mut self, bytes: &'a [u8], shared: &mut Shared) -> Result<&'a [u8], DemuxError> {
        let before = self.zeros;
        let length = match bytes {
            [1, ..] if before >= 2 => 1,
            [0, 1, ..] if before >= 1 => 2,
            _ => return Ok(bytes),
        };
        let code = (before + length).min(4) as u64;
        let position = (self.fed + length as u64).saturating_sub(code);
        self.fed += length as u64;
        self.next_nal(position, shared)?;
        self.zeros = 0;
        Ok(&bytes[length..])
    }

    fn append(&mut self, bytes: &[u8]) {
        if self.open.is_none() {
            return;
        }
        if self.buffer.capacity() - self.buffer.len() < bytes.len() {
            self.buffer.reserve(bytes.len().max(ROOM));
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// Ends the open NAL unit; the next one begins at `position`.
    fn next_nal(&mut self, position: u64, shared: &mut Shared) -> Result<(), DemuxError> {
        self.close(shared)?;
        self.open = Some(Open { at: self.buffer.len(), position });
        self.append(&[0; 4]);
        Ok(())
    }

    /// Gives the open NAL unit its length and its place, or leaves it out.
    fn close(&mut self, shared: &mut Shared) -> Result<(), DemuxError> {
        let Some(open) = self.open.take() else { return Ok(()) };
        let mut at = open.at;
        let length = self.buffer[at + 4..].iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        self.buffer.truncate(at + 4 + length);
        let nal = &self.buffer[at + 4..];
        let role = self.codec.role(nal);
        if length == 0 || (self.ragged && !self.codec.may_begin(nal, role)) {
            self.buffer.truncate(at);
            return Ok(());
        }
        let begins = self.pictures.begins(nal) || self.unit.is_none();
        if begins {
            self.finish_unit(at, shared)?;
            at = 0;
            self.ragged = false;
            self.unit =
                Some(Current { stamp: self.take_stamp(open.position), offset: shared.offset, ..Current::default() });
        }
        self.sort(role, at, shared)
    }

    /// Keeps the NAL unit at `at` of the buffer, the last one there, or takes it out.
    fn sort(&mut self, role: Role, at: usize, shared: &mut Shared) -> Result<(), DemuxError> {
        let Some(unit) = &mut self.unit else {
            self.buffer.truncate(at);
            return Ok(());
        };
        match role {
            Role::Dropped => self.buffer.truncate(at),
            Role::Set(set) => {
                unit.has_sets = true;
                match self.sets.learn(set, &self.buffer[at + 4..], shared.offset) {
                    Known::Yes => {}
                    Known::Suspect => unit.suspect = true,
                    Known::Changed { offset } => return Err(self.changed(offset)),
                }
                self.buffer.truncate(at);
            }
            Role::Slice { key, .. } => {
                unit.key = if unit.has_picture { unit.key && key } else { key };
                if !unit.has_picture {
                    unit.order = self.pictures.order(&self.buffer[at + 4..]);
                }
                unit.has_picture = true;
                self.measure(at);
            }
            Role::Leading | Role::Other => self.measure(at),
        }
        Ok(())
    }

    /// Writes the length of the NAL unit at `at`, the last one of the buffer.
    fn measure(&mut self, at: usize) {
        let length = (self.buffer.len() - at - 4) as u32;
        self.buffer[at..at + 4].copy_from_slice(&length.to_be_bytes());
    }

    /// The stamp of an access unit that begins at `position`.
    fn take_stamp(&mut self, position: u64) -> Option<Stamp> {
        let mut stamp = None;
        while let Some((_, next)) = self.stamps.pop_front_if(|(from, _)| *from <= position) {
            stamp = Some(next);
        }
        stamp
    }

    /// The first `end` bytes of the buffer are a whole access unit.
    fn finish_unit(&mut self, end: usize, shared: &mut Shared) -> Result<(), DemuxError> {
        let data = self.buffer.split_to(end).freeze();
        let Some(unit) = self.unit.take().filter(|unit| unit.has_picture) else { return Ok(()) };
        self.judge(unit, shared);
        if self.config.is_none() {
            self.early += 1;
            return Ok(());
        }
        let Some((pts, dts)) = self.time(unit, shared) else {
            shared.warn_at(unit.offset, || format!("a picture of {} is left out: it has no time stamp", self.name));
            return Ok(());
        };
        if self.held {
            return Ok(());
        }
        let time = Time::Ticks { pts, dts };
        shared.units.push_back(Unit { stream: self.stream, time, duration: None, keyframe: unit.key, data });
        Ok(())
    }

    /// Makes the configuration from the parameter sets, or tells damaged ones from changed ones.
    fn judge(&mut self, unit: Current, shared: &mut Shared) {
        if self.config.is_some() {
            if unit.suspect && !self.held {
                self.held = true;
                shared.warn_at(unit.offset, || {
                    format!("a parameter set of {} differs: pictures are left out until it is as before", self.name)
                });
            } else if unit.has_sets && !unit.suspect {
                self.held = false;
                self.sets.acquit();
            }
            return;
        }
        if !self.sets.are_complete(self.codec) {
            return;
        }
        let [vps, sps, pps] = [Set::Video, Set::Sequence, Set::Picture].map(|set| self.sets.of(set));
        self.config = describe(self.codec, &vps, &sps, &pps);
        if self.config.is_none() {
            shared.warn_at(unit.offset, || {
                format!("the parameter sets of {} are damaged: waiting for the next ones", self.name)
            });
            self.sets.forget();
            return;
        }
        if let Some((MediaKind::Video { frame_rate: Some(rate), .. }, _)) = &self.config {
            self.rhythm.expect(*rate);
        }
        self.sets.fix();
        if self.early > 0 {
            shared.warn_at(unit.offset, || {
                format!("{} pictures of {} before its first parameter sets are left out", self.early, self.name)
            });
        }
    }

    /// Presentation and decoding time of a unit; its clock goes on.
    fn time(&mut self, unit: Current, shared: &mut Shared) -> Option<(i64, i64)> {
        let stated = unit.stamp.map(|stamp| {
            let placed = self.clock.place(stamp, &mut shared.timeline);
            shared.tell_jump(&self.name, placed);
            (placed.pts, placed.dts)
        });
        let timed = self.rhythm.next(stated, unit.order)?;
        if timed.moved {
            let name = &self.name;
            shared.warn_at(unit.offset, || {
                format!("a picture of {name} is decoded before the one in front of it: moved behind it")
            });
        }
        self.clock.advance(timed.dts, timed.step);
        Some((timed.pts, timed.dts))
    }

    /// The file ends.
    pub(super) fn finish(&mut self, shared: &mut Shared) -> Result<(), DemuxError> {
        self.close(shared)?;
        self.finish_unit(self.buffer.len(), shared)?;
        match self.sets.suspect() {
            Some(offset) if self.held => Err(self.changed(offset)),
            _ => Ok(()),
        }
    }

    fn changed(&self, offset: u64) -> DemuxError {
        let (codec, name) = (self.codec.name(), &self.name);
        let reason = format!(
            "the {codec} parameter sets of {name} change here: cut the file at this place and take the parts one by one"
        );
        DemuxError { offset, reason }
    }
}
