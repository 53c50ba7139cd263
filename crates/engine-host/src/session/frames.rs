//! Frames from the child, read as they come.

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, BufReader};

use super::link::Failure;
use crate::protocol::{self, FromChild, Limits, Prefix};

/// Room is made for at most this much at a time, so that a claimed length alone costs nothing.
const GROWTH_BYTES: usize = 1 << 20;

pub(super) struct FrameReader<R> {
    stream: BufReader<R>,
    prefix: Option<Prefix>,
    /// Of the prefix, or when there is one of the body.
    bytes: BytesMut,
}

impl<R: AsyncRead + Unpin> FrameReader<R> {
    pub(super) fn new(stream: R) -> Self {
        Self { stream: BufReader::with_capacity(16 << 10, stream), prefix: None, bytes: BytesMut::new() }
    }

    /// The next message and its payload. Cancel-safe: what was read stays.
    pub(super) async fn next(&mut self, limits: Limits) -> Result<(FromChild, Bytes), Failure> {
        loop {
            let wanted = self.prefix.map_or(Prefix::SIZE, Prefix::body_bytes);
            if self.bytes.len() < wanted {
                self.read_towards(wanted).await?;
                continue;
            }
            let mut frame = std::mem::take(&mut self.bytes);
            match self.prefix.take() {
                None => {
                    let mut prefix = [0; Prefix::SIZE];
                    prefix.copy_from_slice(&frame);
                    self.prefix = Some(Prefix::decode(prefix, limits)?);
                }
                Some(prefix) => {
                    let header = frame.split_to(prefix.header_bytes as usize);
                    return Ok((protocol::decode(&header, frame.len())?, frame.freeze()));
                }
            }
        }
    }

    async fn read_towards(&mut self, wanted: usize) -> Result<(), Failure> {
        let missing = (wanted - self.bytes.len()).min(GROWTH_BYTES);
        self.bytes.reserve(missing);
        match (&mut self.stream).take(missing as u64).read_buf(&mut self.bytes).await {
            Ok(0) => Err(Failure::HungUp),
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Err(Failure::HungUp),
            Err(error) => Err(Failure::socket(&error)),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use futures::FutureExt;
    use proptest::prelude::*;

    use super::*;

    fn read_all(bytes: &[u8]) -> (Vec<(FromChild, Bytes)>, Failure) {
        let mut reader = FrameReader::new(bytes);
        let mut messages = Vec::new();
        loop {
            // A slice is always ready.
            match reader.next(Limits::FROM_CHILD).now_or_never().unwrap() {
                Ok(message) => messages.push(message),
                Err(failure) => return (messages, failure),
            }
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_end_in_an_error_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = read_all(&bytes);
        }

        #[test]
        fn arbitrary_headers_in_right_frames_never_panic(header in prop::collection::vec(any::<u8>(), 0..300), payload in 0u32..64) {
            let mut frame = Vec::new();
            frame.extend_from_slice(&u32::try_from(header.len()).unwrap().to_le_bytes());
            frame.extend_from_slice(&payload.to_le_bytes());
            frame.extend_from_slice(&header);
            frame.resize(frame.len() + payload as usize, 0);
            let _ = read_all(&frame);
        }

        #[test]
        fn samples_arrive_as_they_were_sent(payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..5000), 0..8)) {
            let mut wire = Vec::new();
            let mut sent = Vec::new();
            for (track, payload) in (0u32..).zip(payloads) {
                let message = FromChild::Sample { track, dts: -1, pts: 7, duration: 1, keyframe: track == 0 };
                wire.extend(protocol::encode(&message, payload.len(), Limits::FROM_CHILD).unwrap());
                wire.extend_from_slice(&payload);
                sent.push((message, Bytes::from(payload)));
            }
            let (received, failure) = read_all(&wire);
            prop_assert_eq!(received, sent);
            prop_assert!(matches!(failure, Failure::HungUp));
        }
    }

    #[test]
    fn a_large_claim_with_few_bytes_behind_it_allocates_little() {
        let mut wire = (64u32 << 10).to_le_bytes().to_vec();
        wire.extend((16u32 << 20).to_le_bytes());
        wire.extend([0; 100]);
        let mut reader = FrameReader::new(wire.as_slice());
        assert!(matches!(reader.next(Limits::FROM_CHILD).now_or_never().unwrap(), Err(Failure::HungUp)));
        assert!(reader.bytes.capacity() <= 2 * GROWTH_BYTES, "{}", reader.bytes.capacity());
    }
}
