//! ISO BMFF, QuickTime and CMAF files (ISO/IEC 14496-12).
//!
//! Whole files (the movie box in front or behind), fragmented ones, and those that are both, are read in one pass over
//! their top-level boxes; what is neither a movie box nor a fragment is passed over unread. Sample tables stay as they
//! lie in the file and are walked by cursors, so memory depends on the movie box's size alone.
//!
//! - [`boxes`], [`reader`]: boxes and fields; which bytes are wanted. [`scan`]: the top-level boxes.
//! - [`movie`]: tracks. [`chapters`]: names of places. [`entry`]: what their samples are; [`tx3g`]: text. [`language`]: names. [`edit`]: edit lists.
//! - [`dolby`]: what is left of Dolby Vision.
//! - [`table`]: sample tables. [`fragment`]: fragments. [`crypt`]: common encryption.
//! - [`stream`], [`give`]: samples on the movie's timeline. [`beginning`]: which bytes the first of them need.
//! - [`join`]: one index over several files.

mod beginning;
mod boxes;
mod chapters;
mod crypt;
mod dolby;
mod edit;
mod entry;
mod fragment;
mod give;
pub(crate) mod join;
mod language;
mod movie;
mod reader;
mod sample;
mod scan;
mod stream;
mod table;
mod tx3g;

use std::sync::Arc;

use bytes::Bytes;
use drm::TrackProtection;

pub use self::beginning::{Beginning, Need};
use self::chapters::Chapters;
use self::fragment::Fragment;
use self::give::Held;
use self::reader::Reader;
use self::stream::Stream;
use crate::{Chapter, Demux, DemuxError, Step, Track, Warning};

/// Warnings given in all.
const MOST_WARNINGS: usize = 100;

/// A demuxer of MP4, QuickTime and CMAF files.
///
/// - Presentation time 0 is the movie's start; edit lists are applied exactly: empty edits delay, what lies before the
///   first media time is negative, and [`Track::end`] is where the last edit ends, unless that is within one tick of the
///   movie's clock from the media's own end. Edit lengths are rounded to the nearest tick of the track. A fragmented
///   movie's edit lengths count only where `mehd` states a greater length. `tfdt` is kept as it is.
/// - Packets come chunk by chunk, or run by run, in the order in which these lie in the file.
/// - Presentation may precede decoding where a file has negative composition offsets.
/// - Samples that share a decode time are moved behind one another by one tick each, with a warning; more than a
///   second of that is an error. Empty samples are left out.
/// - In a file that is cut short each track ends at the cut, with a warning. When the length was not told and no read
///   came back short, the cut shows only to the caller who reads samples.
/// - NAL units with short lengths are widened to 4 bytes, and come as [`Data::Here`](crate::Data::Here). So does 3GPP
///   timed text (`tx3g`), each sample as one of WebVTT.
#[derive(Debug)]
pub struct Mp4Demuxer {
    reader: Reader,
    /// Where the next top-level box starts.
    at: u64,
    phase: Phase,
    quicktime: bool,
    has_movie: bool,
    has_second_movie: bool,
    fragmented: bool,
    tracks: Vec<Track>,
    streams: Vec<Stream>,
    passed_over: Vec<u32>,
    chapters: Chapters,
    fragment: Fragment,
    /// The stream whose chunk or run is being given.
    current: Option<usize>,
    held: Option<Held>,
    protection: Option<Arc<TrackProtection>>,
    /// Whether a warning said that the file is cut short.
    cut: bool,
    warnings: Warnings,
    failed: Option<DemuxError>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Looking for the next box.
    Scan,
    /// Reading the titles of chapters.
    Chapters,
    /// Giving the movie box's own samples.
    Whole,
    /// Giving a fragment's samples.
    Fragment,
    /// Nothing is left.
    End,
}

#[derive(Debug, Default)]
struct Warnings {
    list: Vec<Warning>,
    given: usize,
}

impl Warnings {
    fn push(&mut self, warning: Warning) {
        if self.given < MOST_WARNINGS {
            self.given += 1;
            self.list.push(warning);
        }
    }
}

impl Mp4Demuxer {
    /// Of a file of this length. Without it, where the file ends shows only by reads that come back short.
    pub fn new(file_length: Option<u64>) -> Self {
        Self {
            reader: Reader::new(file_length),
            at: 0,
            phase: Phase::Scan,
            quicktime: true,
            has_movie: false,
            has_second_movie: false,
            fragmented: false,
            tracks: Vec::new(),
            streams: Vec::new(),
            passed_over: Vec::new(),
            chapters: Chapters::default(),
            fragment: Fragment::default(),
            current: None,
            held: None,
            protection: None,
            cut: false,
            warnings: Warnings::default(),
            failed: None,
        }
    }

    /// Under which key and pattern the packet that was given last is encrypted: its key group's (`seig`), or its
    /// track's; `None` when that packet is clear. With one key per track it equals [`Track::protection`] wherever
    /// [`Packet::encryption`](crate::Packet::encryption) is given.
    pub fn packet_protection(&self) -> Option<&TrackProtection> {
        self.protection.as_deref()
    }

    /// The chapters, once [`Step::Ready`] was given; at most [`Chapter::MOST`].
    pub fn chapters(&self) -> &[Chapter] {
        &self.chapters.found
    }

    fn warn(&mut self, offset: u64, what: String) {
        self.warnings.push(Warning { offset, what });
    }

    fn step(&mut self) -> Result<Option<Step>, DemuxError> {
        if let Some(held) = self.held.take() {
            return self.release(held);
        }
        match self.phase {
            Phase::Scan => self.scan(),
            Phase::Chapters => Ok(Some(self.chapters.read(&mut self.reader).unwrap_or_else(|| {
                self.phase = Phase::Whole;
                Step::Ready
            }))),
            Phase::Whole => self.whole(),
            Phase::Fragment => self.fragment(),
            Phase::End => Ok(Some(Step::End)),
        }
    }
}

impl Demux for Mp4Demuxer {
    fn poll(&mut self) -> Result<Step, DemuxError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        loop {
            match self.step() {
                Ok(Some(step)) => return Ok(step),
                Ok(None) => {}
                Err(error) => {
                    self.failed = Some(error.clone());
                    return Err(error);
                }
            }
        }
    }

    fn give(&mut self, bytes: Bytes) {
        self.reader.give(bytes);
    }

    fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    fn take_warnings(&mut self) -> Vec<Warning> {
        std::mem::take(&mut self.warnings.list)
    }
}
