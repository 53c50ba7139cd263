//! ISO BMFF, QuickTime and CMAF files (ISO/IEC 14496-12).
//!
//! Whole files (the movie box in front or behind), fragmented ones, and those that are both, are read in one pass over
//! their top-level boxes; what is neither a movie box nor a fragment is passed over unread. Sample tables stay as they
//! lie in the file and are walked by cursors, so memory depends on the movie box's size alone.
//!
//! - [`boxes`], [`reader`]: boxes and fields; which bytes are wanted.
//! - [`movie`]: tracks. [`chapters`]: names of places. [`entry`]: what their samples are; [`tx3g`]: text. [`language`]: names. [`edit`]: edit lists.
//! - [`dolby`]: what is left of Dolby Vision.
//! - [`table`]: sample tables. [`fragment`]: fragments. [`crypt`]: common encryption.
//! - [`stream`], [`give`]: samples on the movie's timeline.

mod boxes;
mod chapters;
mod crypt;
mod dolby;
mod edit;
mod entry;
mod fragment;
mod give;
mod language;
mod movie;
mod reader;
mod sample;
mod stream;
mod table;
mod tx3g;

use std::sync::Arc;

use bytes::Bytes;
use drm::TrackProtection;

use self::boxes::{Header, fail, name};
use self::chapters::Chapters;
use self::fragment::Fragment;
use self::give::Held;
use self::reader::Reader;
use self::stream::Stream;
use crate::{Chapter, Demux, DemuxError, Step, Track, Warning};

/// Bytes read where a box may start; small fragments' headers fit.
const WINDOW: u64 = 16 << 10;

/// The largest movie box: a week of 60 pictures a second with sound.
const MOST_MOVIE: u64 = 256 << 20;

/// The largest fragment box.
const MOST_FRAGMENT: u64 = 32 << 20;

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

    /// Looks at the box at `self.at`.
    fn scan(&mut self) -> Result<Option<Step>, DemuxError> {
        let head = match self.reader.peek(self.at, 16, WINDOW) {
            Ok(head) => head,
            Err(step) => return Ok(Some(step)),
        };
        if head.is_empty() {
            return self.file_end();
        }
        let header = Header::parse(&head)
            .filter(|header| header.kind.iter().all(|byte| (b' '..0x7f).contains(byte) || *byte == 0xa9));
        let Some(header) = header else { return self.no_box(&head) };
        let left = self.reader.length().map(|length| length.saturating_sub(self.at));
        if header.size.is_some_and(|size| size < header.length) {
            let what = format!("the {} box claims to be smaller than its header", name(header.kind));
            return self.broken(what);
        }
        match &header.kind {
            b"moov" if !self.has_movie => return self.movie(header.size.or(left)),
            b"moov" if !self.has_second_movie => {
                self.has_second_movie = true;
                self.warn(
                    self.at,
                    "a second movie box is passed over; what follows is read as the first one says".to_owned(),
                );
            }
            b"moof" if !self.has_movie => {
                let what = "a fragment comes before any movie box: this is a media segment; put its initialisation segment in front";
                return Err(fail(self.at, what));
            }
            b"moof" => return self.moof(header.size.or(left)),
            b"ftyp" => {
                self.quicktime = header.size.is_some_and(|size| size >= 12)
                    && movie::major_brand(&head).is_some_and(|brand| &brand == b"qt  ");
            }
            _ => {}
        }
        let next = header.size.and_then(|size| self.at.checked_add(size));
        if let (Some(next), Some(left), false) = (next, left, self.cut)
            && next - self.at > left
            && self.has_movie
        {
            self.cut = true;
            let missing = next - self.at - left;
            self.warn(
                self.at,
                format!("the file is cut short: its last box, {}, lacks {missing} bytes", name(header.kind)),
            );
        }
        match next {
            Some(next) => self.at = next,
            None => return self.file_end(),
        }
        Ok(None)
    }

    fn movie(&mut self, size: Option<u64>) -> Result<Option<Step>, DemuxError> {
        let size = size.unwrap_or(MOST_MOVIE);
        if size > MOST_MOVIE {
            let what = format!("the movie box of {size} bytes is larger than {} MiB", MOST_MOVIE >> 20);
            return Err(fail(self.at, what));
        }
        let root = match self.reader.get(self.at, size) {
            Ok(root) => root,
            Err(step) => return Ok(Some(step)),
        };
        if (root.len() as u64) < size && size < MOST_MOVIE {
            let what = format!(
                "the file ends inside its movie box, {} bytes short: its index is lost",
                size - root.len() as u64
            );
            return Err(fail(self.at, what));
        }
        let movie = movie::parse(&root, self.at, self.quicktime)?;
        movie.warnings.into_iter().for_each(|warning| self.warnings.push(warning));
        self.tracks = movie.tracks;
        self.streams = movie.streams;
        self.passed_over = movie.passed_over;
        self.chapters = movie.chapters;
        self.fragmented = movie.fragmented;
        self.has_movie = true;
        self.at = self.at.saturating_add(root.len() as u64);
        self.phase = Phase::Chapters;
        Ok(None)
    }

    fn moof(&mut self, size: Option<u64>) -> Result<Option<Step>, DemuxError> {
        let size = size.unwrap_or(MOST_FRAGMENT);
        if size > MOST_FRAGMENT {
            let what = format!("the fragment box of {size} bytes is larger than {} MiB", MOST_FRAGMENT >> 20);
            return Err(fail(self.at, what));
        }
        let root = match self.reader.get(self.at, size) {
            Ok(root) => root,
            Err(step) => return Ok(Some(step)),
        };
        if (root.len() as u64) < size {
            self.cut = true;
            self.warn(self.at, "the file is cut short inside a fragment's header; it ends there".to_owned());
            return self.file_end();
        }
        self.fragment = fragment::parse(&root, self.at, &self.streams, &self.passed_over)?;
        for (id, place) in std::mem::take(&mut self.fragment.strangers) {
            self.passed_over.push(id);
            self.warn(place, format!("fragments of track {id}, which the movie box does not have, are passed over"));
        }
        self.at = self.at.saturating_add(size);
        self.current = None;
        self.phase = Phase::Fragment;
        Ok(None)
    }

    fn file_end(&mut self) -> Result<Option<Step>, DemuxError> {
        if self.has_movie {
            self.phase = Phase::End;
            return Ok(None);
        }
        let what = match self.at {
            0 => "the file is empty",
            _ => {
                "there is no movie box (moov): the recording was cut off before its index was written, or the file is not complete; record or copy it again"
            }
        };
        Err(fail(self.at, what))
    }

    /// What lies at `self.at` is not a box.
    fn no_box(&mut self, head: &[u8]) -> Result<Option<Step>, DemuxError> {
        if self.at == 0 {
            return Err(fail(0, "this is not an MP4, QuickTime or CMAF file: it does not start with a box"));
        }
        // Zero bytes behind the last box are how some writers round files up.
        if self.has_movie && head.len() >= 8 && head.iter().all(|&byte| byte == 0) {
            return self.file_end();
        }
        self.broken(format!(
            "the {} bytes from here on are no box",
            self.reader.length().map_or(0, |end| end - self.at)
        ))
    }

    fn broken(&mut self, what: String) -> Result<Option<Step>, DemuxError> {
        if !self.has_movie {
            let why =
                "and no movie box (moov) came before: the file is damaged, or was cut off before its index was written";
            return Err(fail(self.at, format!("{what}, {why}")));
        }
        self.warn(self.at, format!("{what}; the file is read up to there"));
        self.file_end()
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
