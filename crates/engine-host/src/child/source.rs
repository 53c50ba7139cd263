//! The source as the engine reads it: blocks fetched from the parent, a few of them kept, one fetched ahead.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use pipeline::SourceRead;

use super::link::Link;
use crate::protocol::{FromChild, MAX_READ_BYTES};

/// Bytes fetched at once.
const BLOCK_BYTES: u64 = MAX_READ_BYTES as u64;
/// Blocks kept.
const KEPT_BLOCKS: usize = 8;

/// The parent's answer to one read.
pub(super) struct Reply {
    pub(super) offset: u64,
    pub(super) bytes: Result<Vec<u8>, String>,
}

pub(super) struct RemoteSource {
    link: Arc<Link>,
    size: u64,
    replies: Receiver<Reply>,
    /// Block number and bytes, the last used one at the end.
    kept: Vec<(u64, Vec<u8>)>,
    /// The block asked for ahead whose reply is not yet taken.
    ahead: Option<u64>,
    /// The block last read from.
    last: Option<u64>,
}

impl RemoteSource {
    pub(super) fn new(link: Arc<Link>, size: u64, replies: Receiver<Reply>) -> Self {
        Self { link, size, replies, kept: Vec::with_capacity(KEPT_BLOCKS), ahead: None, last: None }
    }

    fn block_length(&self, block: u64) -> u64 {
        self.size.saturating_sub(block.saturating_mul(BLOCK_BYTES)).min(BLOCK_BYTES)
    }

    fn ask(&self, block: u64, ahead: bool) -> io::Result<()> {
        // At most BLOCK_BYTES, which came from a u32.
        let length = self.block_length(block) as u32;
        self.link.send(&FromChild::Read { offset: block * BLOCK_BYTES, length, ahead }, &[]).map_err(Into::into)
    }

    /// Takes the reply to the oldest question, which was for `block`.
    fn take_reply(&mut self, block: u64) -> io::Result<()> {
        let reply = self.replies.recv().map_err(|_| io::Error::other("lectern is gone"))?;
        let bytes = reply.bytes.map_err(io::Error::other)?;
        if reply.offset != block * BLOCK_BYTES || bytes.len() as u64 != self.block_length(block) {
            return Err(io::Error::other("lectern answered another read"));
        }
        if self.kept.len() == KEPT_BLOCKS {
            self.kept.remove(0);
        }
        self.kept.push((block, bytes));
        Ok(())
    }

    fn take_ahead(&mut self) {
        if let Some(block) = self.ahead.take() {
            // What failed ahead of its need is asked for again when it is needed.
            let _ = self.take_reply(block);
        }
    }

    fn position(&self, block: u64) -> Option<usize> {
        self.kept.iter().position(|(kept, _)| *kept == block)
    }

    /// Brings `block` to the end of the kept ones.
    fn fetch(&mut self, block: u64) -> io::Result<()> {
        if self.position(block).is_none() {
            self.take_ahead();
        }
        if self.position(block).is_none() {
            self.ask(block, false)?;
            self.take_reply(block)?;
        }
        if let Some(at) = self.position(block) {
            self.kept[at..].rotate_left(1);
        }
        Ok(())
    }

    /// Asks for the next block when reading runs forward into `block`.
    fn read_ahead(&mut self, block: u64) -> io::Result<()> {
        let (next, forward) = (block + 1, self.last.is_some_and(|last| last + 1 == block));
        if forward && self.ahead.is_none() && self.block_length(next) > 0 && self.position(next).is_none() {
            self.ask(next, true)?;
            self.ahead = Some(next);
        }
        Ok(())
    }
}

impl SourceRead for RemoteSource {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        if self.link.is_stopped() {
            return Err(io::Error::other("stopped by the caller"));
        }
        if offset >= self.size || buf.is_empty() {
            return Ok(0);
        }
        let (block, within) = (offset / BLOCK_BYTES, (offset % BLOCK_BYTES) as usize);
        self.fetch(block)?;
        if self.last != Some(block) {
            self.read_ahead(block)?;
            self.last = Some(block);
        }
        let Some((_, bytes)) = self.kept.last() else { return Ok(0) };
        let from = &bytes[within.min(bytes.len())..];
        let count = from.len().min(buf.len());
        buf[..count].copy_from_slice(&from[..count]);
        Ok(count)
    }
}
