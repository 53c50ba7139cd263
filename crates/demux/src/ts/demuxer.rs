//! The demuxer: windows of the file in, samples out.

mod output;
mod program;

use bytes::Bytes;

use self::output::{Output, SILENT, Stage};
use super::directory::Directory;
use super::markers::{Marker, Markers};
use super::packet::{Located, PACKET, Packet, SYNC, locate};
use super::psi::Program;
use super::shared::Shared;
use super::stream::Stream;
use crate::{ByteRange, Demux, DemuxError, Step, Track, Warning};

/// Bytes asked for at once.
const WINDOW: u64 = 1 << 20;

/// A demuxer of MPEG transport streams: packets of 188, 192 or 204 bytes.
///
/// It takes the first program that has audio or video. Presentation begins at the earliest presentation time of the samples
/// that were read when all tracks were known; what comes later and lies before it is negative. Damage is passed over with
/// a [`Warning`]; streams that really change are refused with the place, so that the file can be cut there.
#[derive(Debug)]
pub struct TsDemuxer {
    length: Option<u64>,
    window: Bytes,
    /// Where the window lies in the file, how much of it is done, whether the file ends with it.
    window_at: u64,
    done: usize,
    is_last: bool,
    asked: u64,
    stride: Option<usize>,
    /// Since where no packet was found.
    lost_at: Option<u64>,
    /// One for each PID.
    slots: Vec<Slot>,
    directory: Directory,
    program: Option<Program>,
    streams: Vec<Stream>,
    markers: Vec<Markers>,
    found: Vec<Marker>,
    shared: Shared,
    output: Output,
    failed: Option<DemuxError>,
    /// All streams gave what they had.
    is_drained: bool,
}

/// What is done with packets of a PID.
#[derive(Clone, Copy, Debug)]
enum Slot {
    None,
    Association,
    Map,
    /// Carries the program's clock and nothing else.
    Clock,
    Stream(u16),
    Markers(u16),
}

impl TsDemuxer {
    /// For a file of `file_length` bytes, when that is known.
    pub fn new(file_length: Option<u64>) -> Self {
        let mut slots = vec![Slot::None; 8192];
        slots[0] = Slot::Association;
        Self {
            length: file_length,
            window: Bytes::new(),
            window_at: 0,
            done: 0,
            is_last: file_length == Some(0),
            asked: 0,
            stride: None,
            lost_at: None,
            slots,
            directory: Directory::default(),
            program: None,
            streams: Vec::new(),
            markers: Vec::new(),
            found: Vec::new(),
            shared: Shared::default(),
            output: Output::default(),
            failed: None,
            is_drained: false,
        }
    }

    /// The SCTE 35 `splice_info_section`s since the last call, whole and checked by their CRC, each with the presentation
    /// time (90 kHz, from the presentation's start) at which it takes effect: the splice time that it states, or when it
    /// came if it is immediate; `None` for commands without a time. Empty before [`Step::Ready`].
    pub fn take_markers(&mut self) -> Vec<(Option<i64>, Vec<u8>)> {
        if self.output.stage == Stage::Opening {
            return Vec::new();
        }
        let zero = self.output.zero;
        let found = std::mem::take(&mut self.found).into_iter();
        found.map(|(time, section)| (time.map(|time| time.saturating_sub(zero)), section)).collect()
    }

    /// Where the next packet lies.
    fn position(&self) -> u64 {
        self.window_at + self.done as u64
    }

    /// Reads packets until there is something to give. `None` when the file ended.
    fn pump(&mut self) -> Result<Option<Step>, DemuxError> {
        let mut window = self.window.clone();
        while self.output.stage == Stage::Opening || self.shared.units.is_empty() {
            let rest = &window[self.done..];
            match (self.stride, rest.first_chunk::<PACKET>()) {
                (Some(stride), Some(bytes)) if bytes[0] == SYNC => {
                    self.shared.offset = self.position();
                    self.done += stride.min(rest.len());
                    self.packet(bytes)?;
                    if self.output.stage == Stage::Opening {
                        self.open()?;
                        window = self.window.clone();
                    }
                }
                _ => {
                    if self.seek(rest)? {
                        continue;
                    }
                    if self.is_last {
                        return Ok(None);
                    }
                    return Ok(Some(self.read()));
                }
            }
            if self.output.stage == Stage::Settled {
                break;
            }
        }
        Ok(Some(Step::Ready))
    }

    fn read(&mut self) -> Step {
        let stride = self.stride.unwrap_or(PACKET) as u64;
        let offset = self.position();
        let left = self.length.map_or(u64::MAX, |length| length.saturating_sub(offset));
        self.asked = (WINDOW / stride * stride).min(left).max(1);
        Step::Read(ByteRange { offset, length: self.asked })
    }

    /// Searches the next packet. `false` when more bytes are needed for that, or the file ends.
    fn seek(&mut self, rest: &[u8]) -> Result<bool, DemuxError> {
        let from = self.position();
        if rest.is_empty() || (self.stride.is_some() && rest[0] == SYNC && !self.is_last) {
            return Ok(false);
        }
        let (passed, found) = match locate(rest, self.stride, self.is_last) {
            Located::At { at, stride } => {
                self.stride = Some(stride);
                (at, true)
            }
            Located::NotBefore(at) => (at, false),
        };
        self.done += passed;
        if passed > 0 {
            self.lost_at.get_or_insert(from);
        }
        if found && let Some(lost_at) = self.lost_at.take() {
            let passed = self.position() - lost_at;
            // A recording may begin within a packet, or with a time stamp in front of the first one.
            if lost_at > 0 || passed >= 204 {
                self.shared.warn_at(lost_at, || format!("{passed} bytes are passed over: no packet begins there"));
            }
        }
        if !found && self.stride.is_none() && self.position() > SILENT.0 {
            return Err(DemuxError { offset: 0, reason: "no transport packets in the first 8 MiB".to_owned() });
        }
        Ok(found)
    }

    fn packet(&mut self, bytes: &[u8; PACKET]) -> Result<(), DemuxError> {
        let Some(packet) = Packet::parse(bytes) else { return Ok(()) };
        match self.slots[usize::from(packet.pid)] {
            Slot::None => {}
            Slot::Association => {
                for pid in self.directory.associate(&packet) {
                    if let slot @ Slot::None = &mut self.slots[usize::from(pid)] {
                        *slot = Slot::Map;
                    }
                }
            }
            Slot::Map => {
                self.directory.map(&packet);
                self.compare()?;
            }
            Slot::Clock if packet.discontinuity => self.streams.iter_mut().for_each(Stream::announce),
            Slot::Clock => {}
            Slot::Stream(index) => {
                let index = usize::from(index);
                if packet.discontinuity && self.program.as_ref().is_some_and(|program| program.clock_pid == packet.pid)
                {
                    self.streams.iter_mut().for_each(Stream::announce);
                }
                self.streams[index].feed(&packet, &mut self.shared)?;
            }
            Slot::Markers(index) => {
                self.markers[usize::from(index)].feed(&packet, &mut self.shared, &mut self.found);
            }
        }
        Ok(())
    }

    /// The file ended: gives what is whole.
    fn end(&mut self) -> Result<(), DemuxError> {
        if std::mem::take(&mut self.is_drained) {
            self.output.stage = Stage::Ended;
            return Ok(());
        }
        self.shared.offset = self.position();
        if self.program.is_none() {
            match self.directory.choose(true).cloned() {
                None if self.stride.is_none() => {
                    return Err(DemuxError { offset: 0, reason: "no transport packets in the file".to_owned() });
                }
                None => return Err(self.no_program()),
                Some(program) => {
                    self.adopt(program);
                    self.rewind();
                    return Ok(());
                }
            }
        }
        if let Some(lost_at) = self.lost_at.take() {
            let passed = self.position() - lost_at;
            self.shared
                .warn_at(lost_at, || format!("the last {passed} bytes are passed over: no whole packet is left"));
        }
        let result = self.streams.iter_mut().try_for_each(|stream| stream.finish(&mut self.shared));
        if self.output.stage == Stage::Opening {
            self.is_drained = true;
            self.settle();
            if self.output.tracks.is_empty() {
                result?;
                let reason = "no stream of the program holds audio or video that can be decoded".to_owned();
                return Err(DemuxError { offset: self.shared.offset, reason });
            }
        } else {
            self.output.stage = Stage::Ended;
        }
        result
    }
}

impl Demux for TsDemuxer {
    fn poll(&mut self) -> Result<Step, DemuxError> {
        loop {
            match self.output.stage {
                Stage::Settled => {
                    self.output.stage = Stage::Running;
                    return Ok(Step::Ready);
                }
                Stage::Running | Stage::Ended => {
                    while let Some(unit) = self.shared.units.pop_front() {
                        if let Some(packet) = self.sample(unit) {
                            return Ok(Step::Packet(packet));
                        }
                    }
                }
                Stage::Opening => {}
            }
            if let Some(error) = &self.failed {
                return Err(error.clone());
            }
            if self.output.stage == Stage::Ended {
                return Ok(Step::End);
            }
            let result = match self.pump() {
                Ok(Some(read @ Step::Read(_))) => return Ok(read),
                Ok(Some(_)) => Ok(()),
                Ok(None) => self.end(),
                Err(error) => Err(error),
            };
            if let Err(error) = result {
                self.failed = Some(error);
            }
        }
    }

    fn give(&mut self, bytes: Bytes) {
        self.window_at = self.position();
        self.done = 0;
        let end = self.window_at.saturating_add(bytes.len() as u64);
        self.is_last = (bytes.len() as u64) < self.asked || self.length.is_some_and(|length| end >= length);
        self.window = bytes;
    }

    fn tracks(&self) -> &[Track] {
        &self.output.tracks
    }

    fn take_warnings(&mut self) -> Vec<Warning> {
        self.shared.take_warnings()
    }
}
