//! The messages between a worker and its engine, their frames and their limits.
//!
//! A frame is a [`Prefix`] (two little-endian `u32`: header length, payload length), the message as postcard, and the
//! payload as it is. Only [`FromChild::Sample`], [`FromChild::Image`] and [`ToChild::ReadReply`] carry a payload, so
//! coded media is never copied through a serializer.
//!
//! Both executables come from one install, so the layout may change with every [`PROTOCOL_VERSION`]; only the first
//! variant of each direction and its leading version stay where they are, so that a mismatch can always be said.

use std::fmt;

use media_types::{AudioPlan, CodecConfig, ProbeReport};
use pipeline::{
    AudioOrder, AudioSummary, EngineError, Loudness, RangeOrder, RangeSummary, StillsOrder, StillsSummary, TextCue,
    TextOrder, TextSummary,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What both ends must agree on; raised by every change of a message.
pub const PROTOCOL_VERSION: u32 = 9;

/// Bytes one read may ask for.
pub const MAX_READ_BYTES: u32 = 1 << 20;

/// Reads the child may have asked for without having got the answer.
pub const MAX_READS_IN_FLIGHT: usize = 4;

/// Largest frame parts that one end accepts, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Of the header.
    pub header_bytes: u32,
    /// Of the payload.
    pub payload_bytes: u32,
}

impl Limits {
    /// What the child accepts: an order holds the frame map of one range, or the borders of one sound track.
    pub const TO_CHILD: Limits = Limits { header_bytes: 4 << 20, payload_bytes: MAX_READ_BYTES };

    /// What the parent accepts while it awaits anything but a probe report.
    pub const FROM_CHILD: Limits = Limits { header_bytes: 64 << 10, payload_bytes: 16 << 20 };

    /// What the parent accepts while it awaits a probe report, which lists every picture of the source: about 5 bytes
    /// each, so 12 hours at 120 pictures a second fit.
    pub const PROBE: Limits = Limits { header_bytes: 32 << 20, payload_bytes: 0 };
}

/// What the kernel keeps an engine from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Confinement {
    /// Nothing: it is no process of its own.
    None,
    /// System calls that it has no reason to make; the kernel has no Landlock, which would keep it from files as well.
    SystemCalls,
    /// Such calls, and files besides.
    Full,
    /// Such calls and files, but for those of a device.
    Device,
}

impl fmt::Display for Confinement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "not confined",
            Self::SystemCalls => "confined by seccomp alone: this kernel has no Landlock",
            Self::Full => "confined by seccomp and Landlock",
            Self::Device => "confined by seccomp and Landlock, but for its device",
        })
    }
}

/// From the worker to its engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ToChild {
    /// The first message; answered by [`FromChild::Ready`] or [`FromChild::Failed`].
    Open {
        /// [`PROTOCOL_VERSION`] of the sender.
        protocol_version: u32,
        /// Size of the source in bytes.
        size: u64,
    },
    /// Answered by [`FromChild::Probed`].
    Probe,
    /// Answered by [`FromChild::RangeDone`].
    EncodeRange(Box<RangeOrder>),
    /// Answered by [`FromChild::AudioMeasured`].
    MeasureAudio(Box<AudioPlan>),
    /// Answered by [`FromChild::AudioDone`].
    EncodeAudio(Box<AudioOrder>),
    /// Answered by [`FromChild::StillsDone`].
    Stills(Box<StillsOrder>),
    /// Answered by [`FromChild::TextDone`].
    ReadText(Box<TextOrder>),
    /// Answers the oldest open [`FromChild::Read`]; the payload is the bytes, and all of them.
    ReadReply {
        /// Where the bytes are from.
        offset: u64,
        /// Why there are none.
        error: Option<String>,
    },
    /// The running command's result is no longer wanted; it is answered by [`FromChild::Failed`].
    Stop,
}

/// From the engine to its worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FromChild {
    /// The source is open.
    Ready {
        /// [`PROTOCOL_VERSION`] of the sender.
        protocol_version: u32,
        /// [`pipeline::Engine::identity`]; empty when the versions differ.
        identity: String,
        /// What the child gave up before it read this session's first message.
        confinement: Confinement,
    },
    /// Asks for `length` bytes from `offset` on, which must lie inside the source.
    Read {
        /// First byte.
        offset: u64,
        /// 1 to [`MAX_READ_BYTES`].
        length: u32,
        /// Asked for before it is needed; if it fails it may be asked for again.
        ahead: bool,
    },
    /// See [`pipeline::EngineSink::config`].
    Config {
        /// Position in the order.
        track: u32,
        /// What a decoder needs first.
        config: CodecConfig,
        /// The encoder's delay.
        priming_samples: u32,
    },
    /// See [`pipeline::EngineSink::sample`]; the payload is the sample's data.
    Sample {
        /// Position in the order.
        track: u32,
        /// Decode time in ticks.
        dts: i64,
        /// Presentation time in ticks.
        pts: i64,
        /// Length in ticks.
        duration: u32,
        /// Whether decoding can start here.
        keyframe: bool,
    },
    /// See [`pipeline::EngineSink::image`]; the payload is the JPEG.
    Image {
        /// [`pipeline::POSTER`] or [`pipeline::STORYBOARD`].
        name: String,
    },
    /// See [`pipeline::EngineSink::cue`].
    Cue {
        /// Position in the order.
        track: u32,
        /// What it says.
        cue: TextCue,
    },
    /// See [`pipeline::EngineSink::progress`].
    Progress {
        /// Done so far.
        done: u64,
        /// Of how many.
        total: u64,
    },
    /// The probe is done.
    Probed(Box<ProbeReport>),
    /// The range is done.
    RangeDone(RangeSummary),
    /// How loud the sound is.
    AudioMeasured(Loudness),
    /// The sound track is done.
    AudioDone(AudioSummary),
    /// The stills are done.
    StillsDone(StillsSummary),
    /// The text is read.
    TextDone(TextSummary),
    /// The source could not be opened, or the command gave no result.
    Failed(EngineError),
}

/// What one end said that the other cannot accept.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProtocolError {
    /// A frame part is larger than the limit; nothing was allocated for it.
    #[error("a message of {length} bytes where at most {limit} are accepted")]
    Oversized {
        /// What the prefix says, or what would be sent.
        length: u64,
        /// The limit.
        limit: u64,
    },
    /// The header is no message.
    #[error("a message that cannot be read: {0}")]
    Malformed(&'static str),
    /// The first message of another release, whose further layout is unknown.
    #[error("a message of protocol {theirs}")]
    Version {
        /// [`PROTOCOL_VERSION`] of the sender.
        theirs: u32,
    },
    /// A message at a moment it has no place in.
    #[error("a message out of place: {0}")]
    Unexpected(&'static str),
    /// A read outside the source, or a longer one than allowed.
    #[error("a read of {length} bytes at {offset} of a source of {size} bytes")]
    OutOfRange {
        /// First byte.
        offset: u64,
        /// Number of bytes.
        length: u64,
        /// Size of the source.
        size: u64,
    },
}

/// What stands before every message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// Bytes of the header.
    pub header_bytes: u32,
    /// Bytes of the payload.
    pub payload_bytes: u32,
}

impl Prefix {
    /// Its own size in bytes.
    pub const SIZE: usize = 8;

    /// Reads a prefix.
    ///
    /// # Errors
    /// [`ProtocolError::Oversized`] when a part is larger than `limits` allow.
    pub fn decode(bytes: [u8; Self::SIZE], limits: Limits) -> Result<Self, ProtocolError> {
        let [h0, h1, h2, h3, p0, p1, p2, p3] = bytes;
        let prefix = Self {
            header_bytes: u32::from_le_bytes([h0, h1, h2, h3]),
            payload_bytes: u32::from_le_bytes([p0, p1, p2, p3]),
        };
        within(prefix.header_bytes.into(), limits.header_bytes)?;
        within(prefix.payload_bytes.into(), limits.payload_bytes)?;
        Ok(prefix)
    }

    /// Bytes that follow the prefix.
    pub fn body_bytes(self) -> usize {
        self.header_bytes as usize + self.payload_bytes as usize
    }
}

fn within(length: u64, limit: u32) -> Result<u32, ProtocolError> {
    let limit = u64::from(limit);
    match u32::try_from(length) {
        Ok(fits) if length <= limit => Ok(fits),
        _ => Err(ProtocolError::Oversized { length, limit }),
    }
}

/// A message of one direction.
pub trait Message: Serialize + DeserializeOwned {
    /// Whether payload bytes may follow.
    fn carries_payload(&self) -> bool;
}

impl Message for ToChild {
    fn carries_payload(&self) -> bool {
        matches!(self, Self::ReadReply { error: None, .. })
    }
}

impl Message for FromChild {
    fn carries_payload(&self) -> bool {
        matches!(self, Self::Sample { .. } | Self::Image { .. })
    }
}

/// Prefix and header of `message`; `payload_bytes` of payload are to follow.
///
/// # Errors
/// [`ProtocolError::Oversized`] when the other end would refuse it.
pub fn encode<M: Message>(message: &M, payload_bytes: usize, limits: Limits) -> Result<Vec<u8>, ProtocolError> {
    let payload = within(payload_bytes as u64, limits.payload_bytes)?;
    let mut frame = postcard::to_extend(message, vec![0; Prefix::SIZE])
        .map_err(|_| ProtocolError::Malformed("it has no wire form"))?;
    let header = within((frame.len() - Prefix::SIZE) as u64, limits.header_bytes)?;
    frame[..4].copy_from_slice(&header.to_le_bytes());
    frame[4..Prefix::SIZE].copy_from_slice(&payload.to_le_bytes());
    Ok(frame)
}

/// The message in `header`, before `payload_bytes` of payload.
///
/// # Errors
/// [`ProtocolError::Version`] when it is the first message of another release, [`ProtocolError::Malformed`] when the header is no message, has bytes to spare, or should have no payload.
pub fn decode<M: Message>(header: &[u8], payload_bytes: usize) -> Result<M, ProtocolError> {
    // Both directions open with variant 0 and the version, whatever follows.
    if let Ok(((0, theirs), _)) = postcard::take_from_bytes::<(u32, u32)>(header)
        && theirs != PROTOCOL_VERSION
    {
        return Err(ProtocolError::Version { theirs });
    }
    let (message, rest): (M, _) =
        postcard::take_from_bytes(header).map_err(|_| ProtocolError::Malformed("the header is no message"))?;
    if !rest.is_empty() {
        return Err(ProtocolError::Malformed("bytes follow the message"));
    }
    if payload_bytes > 0 && !message.carries_payload() {
        return Err(ProtocolError::Malformed("it carries a payload"));
    }
    Ok(message)
}

#[cfg(test)]
mod tests;
