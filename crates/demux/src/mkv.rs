//! Matroska and WebM (RFC 9559, RFC 8794).
//!
//! - `input`: the window on the file. `ebml`, `ids`: elements. `walk`, `mend`: through the file, element by
//!   element, and over damage.
//! - `entry`, `codec`, `learn`, `aspect`, `language`, `chapters`: what the file says about its tracks.
//! - `block`, `frames`: blocks to frames. `obus`, `byte_stream`: AV1 and H.264 frames as samples hold them.
//! - `lane`, `deliver`: a track being read. `rate`, `pictures`, `sound`, `text`: exact times of its samples.
//!   `cue`, `ass`: text of all forms as that of WebVTT.
//! - `outbox`: packets in the order of the file.
//!
//! The file is read forward in small windows; payload is only read where its codec makes it necessary. Time 0 of all
//! tracks is the Segment's; codec delay lies before it.

mod aspect;
mod ass;
mod block;
mod byte_stream;
mod chapters;
mod codec;
mod cue;
mod deliver;
mod ebml;
mod entry;
mod frames;
mod ids;
mod input;
mod lane;
mod language;
mod learn;
mod mend;
mod obus;
mod outbox;
mod pictures;
mod rate;
mod sound;
mod text;
mod walk;

use std::collections::VecDeque;

use bytes::Bytes;

use self::frames::{Frame, Held};
use self::input::{Input, Stop};
use self::lane::Lane;
use self::outbox::Outbox;
use self::walk::{Cluster, Group, Phase};
use crate::{Chapter, Demux, DemuxError, Step, Track, Warning};

/// Reads Matroska and WebM.
///
/// Decode times are reconstructed, as the container has none: see `pictures`. Pictures of a constant rate have exact
/// times; sound is counted in samples and anchored anew only where timestamps leave the count by more than 5 ms and one
/// timestamp unit. Text becomes contiguous samples from time 0 on.
#[derive(Debug)]
pub struct MkvDemuxer {
    input: Input,
    /// Where the next element begins.
    at: u64,
    phase: Phase,
    failed: Option<DemuxError>,
    warnings: Warnings,
    /// Nanoseconds of a timestamp unit.
    unit_ns: u64,
    segment_end: Option<u64>,
    cluster: Option<Cluster>,
    group: Option<Group>,
    /// Frames of the last block, whose group or last byte was not seen yet.
    held: Held,
    has_tracks: bool,
    lanes: Vec<Lane>,
    /// Frames that came before all tracks were known.
    early: VecDeque<Frame>,
    early_bytes: usize,
    out: Outbox,
    tracks: Vec<Track>,
    chapters: Vec<Chapter>,
    progress: Progress,
}

/// How far the caller was told.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    /// All tracks are known.
    ready: bool,
    /// [`Step::Ready`] was given.
    told: bool,
    /// The last element was read.
    ended: bool,
    /// All frames have their times.
    flushed: bool,
}

impl MkvDemuxer {
    /// A demuxer of a file of `file_length` bytes, when that is known.
    pub fn new(file_length: Option<u64>) -> Self {
        Self {
            input: Input::new(file_length),
            at: 0,
            phase: Phase::Start,
            failed: None,
            warnings: Warnings::default(),
            unit_ns: 1_000_000,
            segment_end: None,
            cluster: None,
            group: None,
            held: Held::default(),
            has_tracks: false,
            lanes: Vec::new(),
            early: VecDeque::new(),
            early_bytes: 0,
            out: Outbox::default(),
            tracks: Vec::new(),
            chapters: Vec::new(),
            progress: Progress::default(),
        }
    }

    /// The chapters met so far, at most [`Chapter::MOST`]. Most writers put them before the media.
    pub fn chapters(&self) -> &[Chapter] {
        &self.chapters
    }

    fn advance(&mut self) -> Result<Option<Step>, Stop> {
        if self.progress.ready {
            if !self.progress.told {
                self.progress.told = true;
                return Ok(Some(Step::Ready));
            }
            if let Some(packet) = self.out.pop() {
                return Ok(Some(Step::Packet(packet)));
            }
            if let Some(frame) = self.early.pop_front() {
                self.deliver(frame);
                return Ok(None);
            }
        }
        if !self.progress.ended {
            return self.step().map(|()| None);
        }
        if !self.progress.ready {
            return self.make_ready().map(|()| None);
        }
        if !self.progress.flushed {
            self.progress.flushed = true;
            self.flush();
            return Ok(None);
        }
        Ok(Some(Step::End))
    }
}

impl Demux for MkvDemuxer {
    fn poll(&mut self) -> Result<Step, DemuxError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        loop {
            match self.advance() {
                Ok(Some(step)) => return Ok(step),
                Ok(None) => {}
                Err(Stop::Read(range)) => return Ok(Step::Read(range)),
                Err(Stop::Fail(error)) => {
                    self.failed = Some(error.clone());
                    return Err(error);
                }
            }
        }
    }

    fn give(&mut self, bytes: Bytes) {
        self.input.give(bytes);
    }

    fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    fn take_warnings(&mut self) -> Vec<Warning> {
        std::mem::take(&mut self.warnings.new)
    }
}

/// What was passed over or mended, up to a limit.
#[derive(Debug, Default)]
struct Warnings {
    new: Vec<Warning>,
    count: usize,
}

impl Warnings {
    const MOST: usize = 100;

    fn push(&mut self, offset: u64, what: String) {
        self.count += 1;
        if self.count < Self::MOST {
            self.new.push(Warning { offset, what });
        } else if self.count == Self::MOST {
            self.new.push(Warning { offset, what: format!("{what}; warnings after this one are left out") });
        }
    }
}
