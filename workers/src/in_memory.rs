//! A source that is held in memory.

use std::io;

use bytes::Bytes;
use engine_host::ReadAt;
use futures::FutureExt;
use futures::future::BoxFuture;

pub(crate) struct InMemory(pub(crate) Bytes);

impl ReadAt for InMemory {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&self, offset: u64, length: usize) -> BoxFuture<'_, io::Result<Bytes>> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let range = start..start.saturating_add(length);
        let read = match self.0.get(range.clone()) {
            Some(_) => Ok(self.0.slice(range)),
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        };
        std::future::ready(read).boxed()
    }
}
