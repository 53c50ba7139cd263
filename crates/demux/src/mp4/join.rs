//! One index over several files (ISO/IEC 14496-12): a movie box whose tracks have the samples of all parts, which lie behind
//! it as they are.
//!
//! - [`part`]: what the movie box of a part says. [`line`]: when each part begins.
//! - [`place`]: which samples are shown when. [`lane`]: the sample table of a track. [`write`]: boxes.

mod lane;
mod line;
mod part;
mod place;
mod write;

use bytes::Bytes;

use self::lane::Lane;
use self::part::Part;
use super::boxes::{Header, name};
use super::reader::Reader;
use crate::{JoinError, JoinStep, Step};

/// Top-level boxes of a part before its index.
const MOST_BOXES: usize = 1024;
/// Bytes of all indexes together: two days of 60 pictures a second with sound.
const MOST_INDEX: u64 = 128 << 20;
/// Samples of all tracks together, but for those of uncompressed sound, which are not walked.
const MOST_SAMPLES: u64 = 16_000_000;
/// Bytes of the first part's brands.
const MOST_BRANDS: u64 = 4096;

/// MP4 and QuickTime files that are parts of one recording.
#[derive(Debug)]
pub(crate) struct Movies {
    sizes: Vec<u64>,
    /// Where the next top-level box of the part starts that is being looked at, and how many came before.
    at: u64,
    seen: usize,
    reader: Reader,
    brands: Bytes,
    /// The movie boxes found so far, and where they lie in their parts.
    roots: Vec<(Bytes, u64)>,
}

impl Movies {
    pub(crate) fn new(sizes: &[u64]) -> Self {
        let reader = Reader::new(sizes.first().copied());
        Self { sizes: sizes.to_vec(), at: 0, seen: 0, reader, brands: Bytes::new(), roots: Vec::new() }
    }

    pub(crate) fn poll(&mut self) -> Result<JoinStep, JoinError> {
        while self.roots.len() < self.sizes.len() {
            if let Err(range) = self.scan()? {
                return Ok(JoinStep::Read { part: self.roots.len(), range });
            }
        }
        self.joined().map(JoinStep::Done)
    }

    pub(crate) fn give(&mut self, bytes: Bytes) {
        self.reader.give(bytes);
    }

    /// Looks at the next box of a part. `Ok(Err)` holds what to read first.
    fn scan(&mut self) -> Result<Result<(), crate::ByteRange>, JoinError> {
        let part = self.roots.len();
        let wanted = |step: Step| match step {
            Step::Read(range) => Ok(Err(range)),
            _ => Err(JoinError::unfit(part, "cannot be read")),
        };
        let head = match self.reader.peek(self.at, 16, 16) {
            Ok(head) => head,
            Err(step) => return wanted(step),
        };
        self.seen += 1;
        let header = Header::parse(&head).filter(|_| self.seen <= MOST_BOXES);
        let Some(header) = header else {
            let what = "has no index (moov): it was cut off before that was written; copy it from the camera again";
            return Err(JoinError::unfit(part, what));
        };
        let left = self.sizes[part].saturating_sub(self.at);
        let size = header.size.unwrap_or(left);
        if size < header.length || size > left {
            let what = format!("is cut short inside its {} box: copy it from the camera again", name(header.kind));
            return Err(JoinError::unfit(part, what));
        }
        let brands = &header.kind == b"ftyp" && part == 0 && self.at == 0 && size <= MOST_BRANDS;
        let index = &header.kind == b"moov";
        if brands || index {
            let spent: u64 = self.roots.iter().map(|(root, _)| root.len() as u64).sum();
            if spent.saturating_add(size) > MOST_INDEX {
                return Err(JoinError::unfit(part, format!("has an index that is too large to join: {size} bytes")));
            }
            let bytes = match self.reader.get(self.at, size) {
                Ok(bytes) => bytes,
                Err(step) => {
                    self.seen -= 1;
                    return wanted(step);
                }
            };
            if index {
                self.roots.push((bytes, self.at));
                self.reader = Reader::new(self.sizes.get(part + 1).copied());
                (self.at, self.seen) = (0, 0);
                return Ok(Ok(()));
            }
            self.brands = bytes;
        }
        self.at += size;
        Ok(Ok(()))
    }

    fn joined(&self) -> Result<Bytes, JoinError> {
        let quicktime = self.brands.is_empty() || self.brands.get(8..12) == Some(b"qt  ");
        let mut parts = Vec::new();
        for (index, (root, at)) in self.roots.iter().enumerate() {
            let part = Part::parse(index, (root, *at), quicktime)?;
            if let Some(first) = parts.first() {
                part.fits(index, first)?;
            }
            parts.push(part);
        }
        few_enough(&parts, &self.sizes)?;
        let Some((first, _)) = self.roots.first() else { return Ok(Bytes::new()) };
        let starts = line::starts(&parts)?;
        let files = self.sizes.iter().scan(0u64, |end, &size| {
            let begins = *end;
            *end = end.saturating_add(size);
            Some(begins..*end)
        });
        let files: Vec<_> = files.collect();
        let lanes = (0..parts[0].tracks.len()).map(|track| place::lane(&parts, track, &starts, &files));
        let lanes: Vec<Lane> = lanes.collect::<Result<_, _>>()?;
        write::file((&self.brands, first), &parts[0], &lanes, files.last().map_or(0, |file| file.end))
    }
}

/// That there are no more samples than are walked, and in no part more than it has bytes.
fn few_enough(parts: &[Part], sizes: &[u64]) -> Result<(), JoinError> {
    let mut samples = 0;
    for (index, (part, &size)) in parts.iter().zip(sizes).enumerate() {
        let walked = part.tracks.iter().filter(|track| track.uncompressed().is_none());
        let claimed = walked.map(|track| u64::from(track.boxes.count)).sum::<u64>();
        samples += claimed;
        if claimed > size {
            let what = format!("is damaged: {claimed} samples are claimed in {size} bytes");
            return Err(JoinError::unfit(index, what));
        }
        if samples > MOST_SAMPLES {
            return Err(JoinError::unfit(index, format!("is too much: at most {MOST_SAMPLES} samples are joined")));
        }
    }
    Ok(())
}
