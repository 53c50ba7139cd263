//! Recordings that a camera cut into several files, read as one: what is to be put in front of these files, one behind the
//! other, so that the whole is one file.

use bytes::Bytes;

use crate::detect::{Demuxer, Family, family};
use crate::mp4::join::Movies;
use crate::{ByteRange, DemuxError};

/// The parts of one recording, in their order. Call [`poll`](Self::poll) and answer every [`JoinStep::Read`] with
/// [`give`](Self::give), until it is done.
///
/// MP4 and QuickTime files get one index over all of their pictures and sounds: the pictures of a part follow those of the
/// part before it without a gap, and sound stays with its pictures within half of one of its frames. What tracks hold besides
/// (text, time codes, telemetry) and chapters are left out. Transport and program streams need nothing in front: they may
/// stand one behind the other.
#[derive(Debug)]
pub struct Join {
    sizes: Vec<u64>,
    families: Vec<Family>,
    movies: Movies,
    given: Option<Bytes>,
}

/// What a [`Join`] wants or gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JoinStep {
    /// It needs these bytes of a part, which lie inside of it: at most [`Step::MAX_READ`](crate::Step::MAX_READ).
    Read {
        /// Position of the part, from 0.
        part: usize,
        /// Bytes of it.
        range: ByteRange,
    },
    /// These bytes, and behind them all parts as they are, are one file. Empty where nothing has to stand in front.
    Done(Bytes),
}

/// Why parts are no recording together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("part {} {reason}", part + 1)]
pub struct JoinError {
    /// Position of the part that is at fault, from 0.
    pub part: usize,
    /// What is wrong with it, behind "part 2".
    pub reason: String,
    /// Whether it is unlike the first part; otherwise it cannot be joined to any.
    pub differs: bool,
}

impl JoinError {
    pub(crate) fn differs(part: usize, reason: impl Into<String>) -> Self {
        Self { part, reason: reason.into(), differs: true }
    }

    pub(crate) fn unfit(part: usize, reason: impl Into<String>) -> Self {
        Self { part, reason: reason.into(), differs: false }
    }

    pub(crate) fn damaged(part: usize, error: &DemuxError) -> Self {
        Self::unfit(part, format!("cannot be read: {error}"))
    }
}

impl Join {
    /// The most parts of one recording.
    pub const MOST_PARTS: usize = 32;

    /// Of parts with these sizes in bytes, from the first to the last. Of more than [`Self::MOST_PARTS`] the first one too many
    /// is refused.
    pub fn new(sizes: Vec<u64>) -> Self {
        let movies = Movies::new(&sizes);
        Self { sizes, families: Vec::new(), movies, given: None }
    }

    /// What it wants next, or what it came to.
    ///
    /// # Errors
    /// The parts cannot be one recording.
    pub fn poll(&mut self) -> Result<JoinStep, JoinError> {
        if self.sizes.len() > Self::MOST_PARTS {
            return Err(JoinError::unfit(Self::MOST_PARTS, format!("is one too many: at most {}", Self::MOST_PARTS)));
        }
        while let Some(&size) = self.sizes.get(self.families.len()) {
            let part = self.families.len();
            let Some(head) = self.given.take() else {
                let range = ByteRange { offset: 0, length: size.min(Demuxer::HEAD as u64) };
                match range.length {
                    0 => return Err(JoinError::unfit(part, "is empty: copy it from the camera again")),
                    _ => return Ok(JoinStep::Read { part, range }),
                }
            };
            let found = family(&head);
            self.families.push(self.fitting(part, found)?);
        }
        match self.families.first() {
            Some(Family::Mp4) => self.movies.poll(),
            _ => Ok(JoinStep::Done(Bytes::new())),
        }
    }

    /// What a part is, when it can be joined to those before it.
    fn fitting(&self, part: usize, found: Family) -> Result<Family, JoinError> {
        let first = self.families.first().copied().unwrap_or(found);
        match found {
            Family::Other => {
                let what = "is neither MP4, QuickTime, an MPEG transport stream nor a program stream";
                Err(JoinError::unfit(part, what))
            }
            found if found != first => {
                Err(JoinError::differs(part, format!("is {}, the first one is {}", found.name(), first.name())))
            }
            found => Ok(found),
        }
    }

    /// The bytes that the last [`JoinStep::Read`] asked for, all of them.
    pub fn give(&mut self, bytes: Bytes) {
        if self.families.len() < self.sizes.len() {
            self.given = Some(bytes);
        } else {
            self.movies.give(bytes);
        }
    }
}
