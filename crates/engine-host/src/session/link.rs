//! The socket as the parent uses it, the source behind it and the process at its other end.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::FuturesOrdered;
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

use super::frames::FrameReader;
use crate::process::Process;
use crate::protocol::{self, Limits, MAX_READ_BYTES, MAX_READS_IN_FLIGHT, ProtocolError, ToChild};
use crate::{EngineHostError, ReadAt};

/// Why a conversation ended early; the link is of no more use.
pub(super) enum Failure {
    /// The other end is gone; how is for an autopsy to find out.
    HungUp,
    /// Anything else.
    Other(EngineHostError),
}

impl Failure {
    pub(super) fn socket(error: &io::Error) -> Self {
        Self::Other(EngineHostError::Engine { detail: format!("its socket failed: {error}") })
    }
}

impl From<EngineHostError> for Failure {
    fn from(error: EngineHostError) -> Self {
        Self::Other(error)
    }
}

impl From<ProtocolError> for Failure {
    fn from(error: ProtocolError) -> Self {
        Self::Other(error.into())
    }
}

/// One read from the source that the child waits for.
pub(super) struct Fetched {
    pub(super) offset: u64,
    /// Not needed yet; a failure does no harm.
    pub(super) ahead: bool,
    pub(super) bytes: io::Result<Bytes>,
}

pub(super) struct Link {
    pub(super) frames: FrameReader<OwnedReadHalf>,
    pub(super) stall: Duration,
    /// In the order they were asked for, which is the order they are answered in.
    pub(super) reads: FuturesOrdered<BoxFuture<'static, Fetched>>,
    writer: OwnedWriteHalf,
    source: Arc<dyn ReadAt>,
    process: Option<Process>,
}

impl Link {
    pub(super) fn new(stream: UnixStream, source: Arc<dyn ReadAt>, stall: Duration, process: Option<Process>) -> Self {
        let (read_half, writer) = stream.into_split();
        let frames = FrameReader::new(read_half);
        Self { frames, stall, reads: FuturesOrdered::new(), writer, source, process }
    }

    /// Sends one message; to a child that is gone, nothing.
    pub(super) async fn send(&mut self, message: &ToChild, payload: &[u8]) -> Result<(), Failure> {
        let head = protocol::encode(message, payload.len(), Limits::TO_CHILD)?;
        let writing = async {
            self.writer.write_all(&head).await?;
            self.writer.write_all(payload).await
        };
        match timeout(self.stall, writing).await {
            Ok(Ok(())) => Ok(()),
            // What the child said before it left is still to be read, and after that its end.
            Ok(Err(error)) if matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset) => {
                Ok(())
            }
            Ok(Err(error)) => Err(Failure::socket(&error)),
            Err(_) => Err(EngineHostError::Stalled { after: self.stall }.into()),
        }
    }

    /// Lets the child use so much more processor time than what it was allowed before.
    pub(super) fn allow(&mut self, cpu_seconds: u64) {
        if let Some(process) = &mut self.process {
            process.allow(cpu_seconds);
        }
    }

    pub(super) fn source_size(&self) -> u64 {
        self.source.size()
    }

    /// Starts a read that the child asked for.
    pub(super) fn fetch(&mut self, offset: u64, length: u32, ahead: bool) -> Result<(), ProtocolError> {
        let size = self.source_size();
        let inside = offset.checked_add(length.into()).is_some_and(|end| end <= size);
        if !inside || !(1..=MAX_READ_BYTES).contains(&length) {
            return Err(ProtocolError::OutOfRange { offset, length: length.into(), size });
        }
        if self.reads.len() >= MAX_READS_IN_FLIGHT {
            return Err(ProtocolError::Unexpected("too many reads at once"));
        }
        let source = Arc::clone(&self.source);
        self.reads.push_back(Box::pin(async move {
            let wanted = length as usize;
            let bytes = match source.read_at(offset, wanted).await {
                Ok(bytes) if bytes.len() != wanted => Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    format!("{} bytes came instead of {wanted} at {offset}", bytes.len()),
                )),
                outcome => outcome,
            };
            Fetched { offset, ahead, bytes }
        }));
        Ok(())
    }

    /// Says how the other end ended.
    pub(super) async fn autopsy(self) -> EngineHostError {
        let (how, stderr_tail) = match self.process {
            Some(process) => process.autopsy().await,
            None => ("it closed its socket".to_owned(), String::new()),
        };
        EngineHostError::Died { how, stderr_tail }
    }

    pub(super) async fn close(self) {
        let Self { frames, writer, mut process, .. } = self;
        // While the child has its memory still.
        process.iter_mut().for_each(Process::settle);
        drop((frames, writer));
        if let Some(process) = process {
            process.finish().await;
        }
    }
}
