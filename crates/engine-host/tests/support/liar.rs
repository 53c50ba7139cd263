//! Peers that say whatever they like.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::thread::JoinHandle;

use bytes::Bytes;
use engine_host::protocol::{Confinement, FromChild, Limits, Message, PROTOCOL_VERSION, encode};
use media_types::CodecConfig;
use tokio::net::UnixStream;

pub(crate) fn framed<M: Message>(message: &M, payload: &[u8]) -> Vec<u8> {
    let mut frame = encode(message, payload.len(), Limits::FROM_CHILD).unwrap();
    frame.extend_from_slice(payload);
    frame
}

pub(crate) fn ready() -> Vec<u8> {
    let (identity, confinement) = ("liar\n".into(), Confinement::None);
    framed(&FromChild::Ready { protocol_version: PROTOCOL_VERSION, identity, confinement }, &[])
}

/// A peer that says `words` and then only listens.
pub(crate) fn liar(words: Vec<u8>) -> (UnixStream, JoinHandle<()>) {
    let (ours, mut theirs) = StdUnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    let thread = std::thread::spawn(move || {
        let _ = theirs.write_all(&words);
        let _ = theirs.shutdown(Shutdown::Write);
        let _ = theirs.read_to_end(&mut Vec::new());
    });
    (UnixStream::from_std(ours).unwrap(), thread)
}

/// A peer that says `words` again and again, as fast as it can.
pub(crate) fn flood(words: Vec<u8>) -> (UnixStream, JoinHandle<()>) {
    let (ours, mut theirs) = StdUnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    let thread = std::thread::spawn(move || {
        theirs.write_all(&ready()).unwrap();
        let words = words.repeat(10_000);
        while theirs.write_all(&words).is_ok() {}
    });
    (UnixStream::from_std(ours).unwrap(), thread)
}

pub(crate) fn sample(track: u32) -> FromChild {
    FromChild::Sample { track, dts: 0, pts: 0, duration: 1, keyframe: true }
}

pub(crate) fn config(track: u32) -> FromChild {
    FromChild::Config { track, config: CodecConfig::Avc(Bytes::new()), priming_samples: 0 }
}

pub(crate) fn read(offset: u64, length: u32) -> FromChild {
    FromChild::Read { offset, length, ahead: false }
}

pub(crate) fn aac() -> CodecConfig {
    CodecConfig::Aac(Bytes::new())
}
