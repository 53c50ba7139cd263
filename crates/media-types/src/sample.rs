//! Coded media as the engine hands it over.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// One access unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// Decode time in ticks of the track's timescale. Samples arrive in decode order; the first is at the range's start.
    pub dts: i64,
    /// Presentation time in ticks.
    pub pts: i64,
    /// Length in ticks.
    pub duration: u32,
    /// Whether decoding can start here (IDR; always for AAC).
    pub keyframe: bool,
    /// H.264: NAL units, each behind its 4-byte big-endian length. AAC: one raw frame.
    pub data: Bytes,
}

/// What a decoder needs before the first sample of a track.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodecConfig {
    /// ISO/IEC 14496-15 §5.3.3.1 `AVCDecoderConfigurationRecord`, without its box header.
    Avc(Bytes),
    /// ISO/IEC 14496-3 §1.6.2.1 `AudioSpecificConfig`.
    Aac(Bytes),
}
