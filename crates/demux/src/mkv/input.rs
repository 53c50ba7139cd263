//! The part of the file that is at hand.

use bytes::Bytes;
use media_types::ByteRange;

use crate::{DemuxError, Step};

/// Why a step was not finished.
#[derive(Debug)]
pub(super) enum Stop {
    /// These bytes are needed first.
    Read(ByteRange),
    /// The file cannot be read.
    Fail(DemuxError),
}

/// A window on the file. It moves forward; its size follows how densely the file is read, since the payload of large
/// frames is never looked at.
#[derive(Debug)]
pub(super) struct Input {
    /// The file's length, as given or as met.
    length: Option<u64>,
    /// Where `data` begins.
    start: u64,
    data: Bytes,
    /// What was asked for; `data` is then what comes right before it, or is replaced.
    asked: Option<ByteRange>,
    /// Bytes to ask for at least.
    window: u64,
}

impl Input {
    const SMALLEST: u64 = 4 << 10;
    const LARGEST: u64 = 256 << 10;

    pub(super) fn new(length: Option<u64>) -> Self {
        Self { length, start: 0, data: Bytes::new(), asked: None, window: 64 << 10 }
    }

    /// Where the file ends, once that is known.
    pub(super) fn length(&self) -> Option<u64> {
        self.length
    }

    /// `count` bytes from `at` on; fewer only where the file ends.
    pub(super) fn peek(&mut self, at: u64, count: usize) -> Result<&[u8], Stop> {
        let range = self.cover(at, count)?;
        Ok(&self.data[range])
    }

    /// As [`peek`](Self::peek), sharing the window's memory.
    pub(super) fn bytes(&mut self, at: u64, count: usize) -> Result<Bytes, Stop> {
        let range = self.cover(at, count)?;
        Ok(self.data.slice(range))
    }

    fn cover(&mut self, at: u64, count: usize) -> Result<std::ops::Range<usize>, Stop> {
        let end = self.start + self.data.len() as u64;
        let left = self.length.map_or(u64::MAX, |length| length.saturating_sub(at));
        let count = left.min(count as u64);
        if count == 0 {
            return Ok(0..0);
        }
        let wanted_end = at.saturating_add(count);
        if at >= self.start && wanted_end <= end {
            let from = (at - self.start) as usize;
            return Ok(from..from + count as usize);
        }
        Err(self.ask(at, wanted_end, end))
    }

    fn ask(&mut self, at: u64, wanted_end: u64, end: u64) -> Stop {
        if (self.start..=end).contains(&at) {
            self.data = self.data.slice((at - self.start) as usize..);
            self.window = (self.window * 2).min(Self::LARGEST);
        } else {
            self.data = Bytes::new();
            self.window = (self.window / 2).max(Self::SMALLEST);
        }
        self.start = at;
        let offset = at + self.data.len() as u64;
        let left = self.length.map_or(u64::MAX, |length| length.saturating_sub(offset));
        let length = (wanted_end - offset).max(self.window).min(Step::MAX_READ).min(left);
        let range = ByteRange { offset, length };
        self.asked = Some(range);
        Stop::Read(range)
    }

    /// Takes what was asked for.
    pub(super) fn give(&mut self, bytes: Bytes) {
        let Some(asked) = self.asked.take() else { return };
        if (bytes.len() as u64) < asked.length {
            self.length = Some(asked.offset + bytes.len() as u64);
        }
        if self.data.is_empty() {
            self.data = bytes;
            return;
        }
        let mut joined = Vec::with_capacity(self.data.len() + bytes.len());
        joined.extend_from_slice(&self.data);
        joined.extend_from_slice(&bytes);
        self.data = joined.into();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(input: &mut Input, file: &[u8], at: u64, count: usize) -> (Vec<u8>, usize) {
        let mut reads = 0;
        loop {
            match input.peek(at, count) {
                Ok(bytes) => return (bytes.to_vec(), reads),
                Err(Stop::Read(range)) => {
                    reads += 1;
                    assert!(range.length > 0 && range.length <= Step::MAX_READ);
                    let from = (range.offset as usize).min(file.len());
                    let to = ((range.offset + range.length) as usize).min(file.len());
                    input.give(Bytes::copy_from_slice(&file[from..to]));
                }
                Err(Stop::Fail(error)) => panic!("{error}"),
            }
        }
    }

    #[test]
    fn what_is_at_hand_is_not_read_again_and_the_end_is_found() {
        let file: Vec<u8> = (0..10_000_000u32).map(|at| (at % 251) as u8).collect();
        for length in [None, Some(file.len() as u64)] {
            let mut input = Input::new(length);
            assert_eq!(read(&mut input, &file, 10, 20), (file[10..30].to_vec(), 1));
            assert_eq!(read(&mut input, &file, 100, 20), (file[100..120].to_vec(), 0));
            assert_eq!(read(&mut input, &file, 1000, 9_000_000).0, file[1000..9_001_000]);
            assert_eq!(read(&mut input, &file, 9_999_990, 20).0, file[9_999_990..]);
            assert_eq!(read(&mut input, &file, 10_000_000, 1).0, []);
            assert_eq!(input.length(), Some(file.len() as u64));
        }
    }
}
