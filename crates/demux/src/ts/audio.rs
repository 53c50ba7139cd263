//! AAC, AC-3 and E-AC-3: from the byte stream to frames, timed by counting samples.
//!
//! PES stamps are rounded to 90 kHz, and often to milliseconds before that. So a frame lies where the samples before it
//! end, and a stamp moves it only when it is off by more than [`TOLERANCE`].

use std::collections::VecDeque;

use bytes::{Buf, BytesMut};
use media_types::CodecConfig;
use media_types::time::rescale;

use super::clock::{Clock, HERTZ, Stamp};
use super::frame::{Codec, Found, Head, Setup};
use super::shared::{Shared, Time, Unit};
use crate::{DemuxError, MediaKind};

/// 2 ms: twice what stamps of whole milliseconds can be off.
const TOLERANCE: i64 = 180;

/// Room made at once.
const ROOM: usize = 32 << 10;

/// Frames of another kind in a row that are a change of the stream and no damage.
const CHANGE: u32 = 8;

/// One stream of sound.
#[derive(Debug)]
pub(super) struct Audio {
    codec: Codec,
    /// Position among the program's streams.
    stream: usize,
    name: String,
    pub(super) clock: Clock,
    config: Option<(Setup, MediaKind, CodecConfig)>,
    buffer: BytesMut,
    /// Position of the buffer's first byte in the elementary stream.
    position: u64,
    /// Stamps, each with the position from which it holds for the first frame that begins.
    stamps: VecDeque<(u64, Stamp)>,
    /// Frames follow one another: the next one begins where the last one ended.
    locked: bool,
    /// In 90 kHz, and the samples since then.
    anchor: Option<(i64, i64)>,
    /// Units follow without a gap: the next one begins at `anchor`. Otherwise it needs a stamp.
    gapless: bool,
    /// Frames of another kind in a row, their kind and where the first lies.
    foreign: Option<(Setup, u64, u32)>,
}

impl Audio {
    pub(super) fn new(codec: Codec, stream: usize, name: String) -> Self {
        Self {
            codec,
            stream,
            name,
            clock: Clock::new(stream),
            config: None,
            buffer: BytesMut::new(),
            position: 0,
            stamps: VecDeque::new(),
            locked: false,
            anchor: None,
            gapless: false,
            foreign: None,
        }
    }

    /// What a decoder needs, once known.
    pub(super) fn config(&self) -> Option<(&MediaKind, &CodecConfig)> {
        self.config.as_ref().map(|(_, kind, config)| (kind, config))
    }

    /// Samples per second of its time stamps.
    pub(super) fn rate(&self) -> u32 {
        self.config.as_ref().map_or(48_000, |(setup, ..)| setup.rate)
    }

    /// A PES packet begins.
    pub(super) fn start(&mut self, stamp: Option<Stamp>) {
        if let Some(stamp) = stamp {
            while self.stamps.len() >= 16 {
                self.stamps.pop_front();
            }
            self.stamps.push_back((self.position + self.buffer.len() as u64, stamp));
        }
    }

    /// Bytes are missing: the frame they belong to is left out, and the next one is timed anew.
    pub(super) fn lost(&mut self, shared: &mut Shared) {
        if !self.buffer.is_empty() && self.config.is_some() {
            shared.warn(|| format!("a frame of {} is left out: a part of it is missing", self.name));
        }
        self.drop_front(self.buffer.len());
        self.locked = false;
        self.stamps.clear();
    }

    /// Leaves `count` bytes out: the next unit needs a stamp.
    fn drop_front(&mut self, count: usize) {
        self.buffer.advance(count);
        self.position += count as u64;
        self.gapless = false;
    }

    /// The next bytes of the elementary stream.
    pub(super) fn feed(&mut self, bytes: &[u8], shared: &mut Shared) -> Result<(), DemuxError> {
        if self.buffer.capacity() - self.buffer.len() < bytes.len() {
            self.buffer.reserve(bytes.len().max(ROOM));
        }
        self.buffer.extend_from_slice(bytes);
        self.drain(false, shared)
    }

    /// The file ends.
    pub(super) fn finish(&mut self, shared: &mut Shared) -> Result<(), DemuxError> {
        self.drain(true, shared)?;
        if !self.buffer.is_empty() && self.config.is_some() {
            shared.warn(|| format!("the last frame of {} is left out: it is cut short", self.name));
        }
        match self.foreign {
            Some((_, offset, count)) if count > 1 => Err(self.changed(offset)),
            _ => Ok(()),
        }
    }

    /// Takes all whole frames from the buffer.
    fn drain(&mut self, last: bool, shared: &mut Shared) -> Result<(), DemuxError> {
        loop {
            let head = match self.codec.head(&self.buffer, last) {
                Head::Frame(head) if head.length <= self.buffer.len() => head,
                Head::Frame(_) | Head::Short => return Ok(()),
                Head::Not => {
                    self.resync(shared);
                    continue;
                }
            };
            if !self.locked {
                match self.codec.head(&self.buffer[head.length..], last) {
                    Head::Frame(next) if next.setup == head.setup => {}
                    Head::Short if last => {}
                    Head::Short => return Ok(()),
                    _ => {
                        self.drop_front(1);
                        continue;
                    }
                }
                self.locked = true;
            }
            if self.is_foreign(head.setup, shared)? {
                self.drop_front(head.length);
            } else {
                self.finish_unit(head, shared);
            }
        }
    }

    /// No frame begins where one should: goes on to where one may.
    fn resync(&mut self, shared: &mut Shared) {
        let garbage = (1..self.buffer.len())
            .find(|at| self.codec.head(&self.buffer[*at..], false) != Head::Not)
            .unwrap_or(self.buffer.len());
        if self.locked && self.config.is_some() {
            shared.warn(|| format!("{} bytes of {} are passed over: they are no frame", garbage, self.name));
        }
        self.drop_front(garbage);
        self.locked = false;
    }

    /// Whether a frame is of another kind than the configuration. A few such frames are damage; more of them in a row
    /// are a change.
    fn is_foreign(&mut self, setup: Setup, shared: &mut Shared) -> Result<bool, DemuxError> {
        let Some((known, ..)) = &self.config else { return Ok(false) };
        if *known == setup {
            self.foreign = None;
            return Ok(false);
        }
        let (offset, count) = match self.foreign {
            Some((other, offset, count)) if other == setup => (offset, count + 1),
            _ => {
                shared.warn(|| format!("a frame of {} is left out: it is of another kind than the first", self.name));
                (shared.offset, 1)
            }
        };
        self.foreign = Some((setup, offset, count));
        if count >= CHANGE { Err(self.changed(offset)) } else { Ok(true) }
    }

    fn changed(&self, offset: u64) -> DemuxError {
        let name = &self.name;
        let reason = format!(
            "the sampling rate or the channels of {name} change here: cut the file at this place and take the parts one by one"
        );
        DemuxError { offset, reason }
    }

    /// The stamp of the frame at the front of the buffer.
    fn take_stamp(&mut self) -> Option<Stamp> {
        let mut stamp = None;
        while let Some((_, next)) = self.stamps.pop_front_if(|(from, _)| *from <= self.position) {
            stamp = Some(next);
        }
        stamp
    }

    /// Splits the unit at the front off the buffer and gives it its time. The first one makes the configuration.
    fn finish_unit(&mut self, unit: Found, shared: &mut Shared) {
        let stamp = self.take_stamp();
        let mut data = self.buffer.split_to(unit.length);
        self.position += unit.length as u64;
        if self.config.is_none() {
            self.config = self.codec.configure(&data).map(|(kind, config)| (unit.setup, kind, config));
        }
        if self.config.is_none() {
            shared.warn(|| format!("a frame of {} is left out: its header makes no sense", self.name));
            return;
        }
        data.advance(unit.skip);
        let rate = self.rate();
        if let Some(stamp) = stamp {
            self.follow(stamp, unit.samples, rate, shared);
            self.gapless = true;
        }
        let Some((anchor, count)) = self.anchor.filter(|_| self.gapless) else { return };
        let time = Time::Samples { anchor, count, rate };
        self.anchor = Some((anchor, count.saturating_add(unit.samples.into())));
        if self.clock.last().is_some_and(|last| time.pts() <= last) {
            shared.warn(|| format!("a frame of {} is left out: it lies before the one in front of it", self.name));
            return;
        }
        self.clock.advance(time.pts(), rescale(unit.samples.into(), HERTZ, rate.into()));
        let duration = Some(unit.samples);
        shared.units.push_back(Unit { stream: self.stream, time, duration, keyframe: true, data: data.freeze() });
    }

    /// Sets the anchor for a unit with this stamp: where the one before it ends, if that is close enough, or a whole number
    /// of units later.
    fn follow(&mut self, stamp: Stamp, samples: u32, rate: u32, shared: &mut Shared) {
        let placed = self.clock.place(stamp, &mut shared.timeline);
        shared.tell_jump(&self.name, placed);
        if let Some((anchor, count)) = self.anchor {
            let off = placed.pts.saturating_sub(Time::Samples { anchor, count, rate }.pts());
            let missing = rescale(off, rate.into(), HERTZ * u64::from(samples.max(1))).max(0);
            let count = count.saturating_add(missing.saturating_mul(samples.into()));
            let rest = placed.pts.saturating_sub(Time::Samples { anchor, count, rate }.pts());
            if off.abs() > TOLERANCE && self.gapless && placed.jumped.is_none() {
                shared.warn(|| {
                    format!("the time stamps of {} are off by {:.1} ms: followed", self.name, off as f64 / 90.0)
                });
            }
            if rest.abs() <= TOLERANCE {
                self.anchor = Some((anchor, count));
                return;
            }
        }
        self.anchor = Some((placed.pts, 0));
    }
}
