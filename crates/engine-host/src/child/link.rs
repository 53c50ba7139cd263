//! The socket as the child uses it: one reader, any number of writers.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use thiserror::Error;

use super::ServeError;
use crate::protocol::{self, FromChild, Limits, Prefix, ProtocolError, ToChild};

/// Grown by at most this much at a time, so that a claimed length alone costs nothing.
const GROWTH_BYTES: usize = 1 << 20;

/// Why a message could not be sent.
#[derive(Debug, Error)]
pub(super) enum SendError {
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    #[error(transparent)]
    Socket(#[from] io::Error),
}

impl From<SendError> for ServeError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Protocol(error) => error.into(),
            SendError::Socket(error) => error.into(),
        }
    }
}

impl From<SendError> for io::Error {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Protocol(error) => io::Error::other(error),
            SendError::Socket(error) => error,
        }
    }
}

pub(super) struct Link {
    stream: UnixStream,
    writing: Mutex<()>,
    stopped: AtomicBool,
}

impl Link {
    pub(super) fn new(stream: UnixStream) -> Self {
        Self { stream, writing: Mutex::new(()), stopped: AtomicBool::new(false) }
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
    }

    pub(super) fn resume(&self) {
        self.stopped.store(false, Ordering::Release);
    }

    /// Ends both directions for both ends; blocked readers and writers return.
    pub(super) fn hang_up(&self) {
        // It fails only when the other end was first.
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    /// Sends one message; blocks while the parent does not read.
    pub(super) fn send(&self, message: &FromChild, payload: &[u8]) -> Result<(), SendError> {
        let limits = if matches!(message, FromChild::Probed(_)) { Limits::PROBE } else { Limits::FROM_CHILD };
        let head = protocol::encode(message, payload.len(), limits)?;
        let _turn = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut parts = [IoSlice::new(&head), IoSlice::new(payload)];
        let mut left = parts.as_mut_slice();
        while left.iter().any(|part| !part.is_empty()) {
            match (&self.stream).write_vectored(left) {
                Ok(0) => return Err(io::Error::from(ErrorKind::WriteZero).into()),
                Ok(sent) => IoSlice::advance_slices(&mut left, sent),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// The next message and its payload; `None` when the parent hung up. Only one thread may call it.
    pub(super) fn receive(&self) -> Result<Option<(ToChild, Vec<u8>)>, ServeError> {
        receive(&mut &self.stream)
    }
}

fn receive(stream: &mut impl Read) -> Result<Option<(ToChild, Vec<u8>)>, ServeError> {
    let mut prefix = [0; Prefix::SIZE];
    if !fill(stream, &mut prefix)? {
        return Ok(None);
    }
    let prefix = Prefix::decode(prefix, Limits::TO_CHILD)?;
    let (Some(header), Some(payload)) =
        (read_growing(stream, prefix.header_bytes as usize)?, read_growing(stream, prefix.payload_bytes as usize)?)
    else {
        return Ok(None);
    };
    Ok(Some((protocol::decode(&header, payload.len())?, payload)))
}

fn read_growing(stream: &mut impl Read, length: usize) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    while bytes.len() < length {
        let from = bytes.len();
        bytes.resize(length.min(from + GROWTH_BYTES), 0);
        if !fill(stream, &mut bytes[from..])? {
            return Ok(None);
        }
    }
    Ok(Some(bytes))
}

/// Whether the other end was there long enough to fill `buf`.
fn fill(stream: &mut impl Read, buf: &mut [u8]) -> io::Result<bool> {
    match stream.read_exact(buf) {
        Ok(()) => Ok(true),
        Err(error) if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn arbitrary_bytes_give_messages_an_end_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let mut stream = bytes.as_slice();
            while let Ok(Some(_)) = receive(&mut stream) {}
        }

        #[test]
        fn arbitrary_headers_in_right_frames_never_panic(header in prop::collection::vec(any::<u8>(), 0..300), payload in 0u32..64) {
            let mut frame = Vec::new();
            frame.extend_from_slice(&u32::try_from(header.len()).unwrap().to_le_bytes());
            frame.extend_from_slice(&payload.to_le_bytes());
            frame.extend_from_slice(&header);
            frame.resize(frame.len() + payload as usize, 0);
            let _ = receive(&mut frame.as_slice());
        }
    }

    #[test]
    fn a_claimed_length_over_the_limit_is_refused_before_it_is_allocated() {
        let mut stream = [0xff; 8].as_slice();
        assert!(matches!(receive(&mut stream), Err(ServeError::Protocol(ProtocolError::Oversized { .. }))));
    }
}
