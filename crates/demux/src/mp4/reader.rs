//! Which bytes are wanted, and what was given.

use bytes::{Bytes, BytesMut};

use crate::{ByteRange, Step};

/// Gathers ranges of the file from the pieces that it asks for.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// Length of the file, once it is known.
    length: Option<u64>,
    window: Bytes,
    window_at: u64,
    pending: Option<Pending>,
}

#[derive(Debug)]
struct Pending {
    want: ByteRange,
    got: BytesMut,
    asked: ByteRange,
}

impl Reader {
    /// Of a file of this length, or of one whose length will show.
    pub(super) fn new(length: Option<u64>) -> Self {
        Self { length, ..Self::default() }
    }

    /// Length of the file, once it is known.
    pub(super) fn length(&self) -> Option<u64> {
        self.length
    }

    /// The bytes of a range, fewer only at the end of the file. `Err` holds what to read first; ask again then.
    pub(super) fn get(&mut self, at: u64, length: u64) -> Result<Bytes, Step> {
        let end = at.saturating_add(length).min(self.length.unwrap_or(u64::MAX));
        let length = end.saturating_sub(at);
        if length == 0 {
            return Ok(Bytes::new());
        }
        let window_end = self.window_at + self.window.len() as u64;
        if at >= self.window_at && end <= window_end {
            // Both lie within the window, whose length is a `usize`.
            let from = (at - self.window_at) as usize;
            return Ok(self.window.slice(from..from + length as usize));
        }
        let want = ByteRange { offset: at, length };
        if self.pending.as_ref().is_none_or(|pending| pending.want.offset != at || pending.want.length < length) {
            self.pending = Some(Pending { want, got: BytesMut::new(), asked: Self::piece(want, 0) });
        }
        Err(Step::Read(self.pending.as_ref().map_or(want, |pending| pending.asked)))
    }

    /// At least `least` bytes, fewer only at the end of the file, and up to `ideal` where they must be read anyway.
    pub(super) fn peek(&mut self, at: u64, least: u64, ideal: u64) -> Result<Bytes, Step> {
        let end = at.saturating_add(least).min(self.length.unwrap_or(u64::MAX));
        let window_end = self.window_at + self.window.len() as u64;
        if at >= self.window_at && at < end && end <= window_end {
            // Within the window, whose length is a `usize`.
            return Ok(self.window.slice((at - self.window_at) as usize..));
        }
        self.get(at, ideal)
    }

    fn piece(want: ByteRange, done: u64) -> ByteRange {
        ByteRange { offset: want.offset + done, length: (want.length - done).min(Step::MAX_READ) }
    }

    /// Takes what the last asked range held.
    pub(super) fn give(&mut self, bytes: Bytes) {
        let Some(mut pending) = self.pending.take() else { return };
        let asked = pending.asked;
        let bytes = match usize::try_from(asked.length) {
            Ok(limit) if bytes.len() > limit => bytes.slice(..limit),
            _ => bytes,
        };
        let end = asked.offset + bytes.len() as u64;
        let cut = (bytes.len() as u64) < asked.length;
        if cut {
            self.length = Some(end.min(self.length.unwrap_or(u64::MAX)));
        }
        if pending.got.is_empty() && (cut || asked == pending.want) {
            (self.window, self.window_at) = (bytes, asked.offset);
            return;
        }
        pending.got.extend_from_slice(&bytes);
        let done = pending.got.len() as u64;
        if cut || done == pending.want.length {
            (self.window, self.window_at) = (pending.got.freeze(), pending.want.offset);
        } else {
            pending.asked = Self::piece(pending.want, done);
            self.pending = Some(pending);
        }
    }
}
