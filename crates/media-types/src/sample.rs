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
    /// In the format that [`CodecConfig`] names.
    pub data: Bytes,
}

/// What a decoder needs before the first sample of a track, in the form that ISO BMFF sample entries carry it; the
/// variant also says how the track's samples are formed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodecConfig {
    /// ISO/IEC 14496-15 §5.3.3.1 `AVCDecoderConfigurationRecord`, without its box header. Samples are NAL units, each
    /// behind its 4-byte big-endian length.
    Avc(Bytes),
    /// ISO/IEC 14496-15 §8.3.3.1 `HEVCDecoderConfigurationRecord`. Samples as of AVC.
    Hevc(Bytes),
    /// AV1 Codec ISO Media File Format Binding §2.3 `AV1CodecConfigurationRecord`. Samples are temporal units without
    /// temporal delimiters, every OBU with its size field (§2.4).
    Av1(Bytes),
    /// VP Codec ISO Media File Format Binding `VPCodecConfigurationRecord`, without version and flags of its full box.
    /// Samples are frames or superframes.
    Vp9(Bytes),
    /// ISO/IEC 14496-3 §1.6.2.1 `AudioSpecificConfig`. Samples are raw frames.
    Aac(Bytes),
    /// ETSI TS 102 366 §F.4 `AC3SpecificBox` payload (`dac3`). Samples are sync frames.
    Ac3(Bytes),
    /// ETSI TS 102 366 §F.6 `EC3SpecificBox` payload (`dec3`). Samples are the sync frames of all substreams of one
    /// access unit.
    Eac3(Bytes),
    /// Encapsulation of Opus in ISO BMFF §4.3.2 `OpusSpecificBox` payload (`dOps`). Samples are packets.
    Opus(Bytes),
    /// Encapsulation of FLAC in ISO BMFF §3.3.2 `FLACSpecificBox` metadata blocks (`dfLa` without version and flags).
    /// Samples are frames.
    Flac(Bytes),
    /// ISO/IEC 14496-30 §7.5: the text of `vttC`. Samples are `vttc`, `vtte` and `vtta` boxes.
    Wvtt(Bytes),
    /// ISO/IEC 14496-30 §5: namespace, schema location and auxiliary types of `stpp`, each ended by a zero byte.
    /// Samples are whole TTML documents.
    Stpp(Bytes),
}
