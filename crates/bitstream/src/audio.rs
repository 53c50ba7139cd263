//! Sound: configuration records, frame headers, names. Every module has a `codec_string` that takes what
//! `media_types::CodecConfig` carries for its codec.
//!
//! - [`aac`]: AudioSpecificConfig and ADTS (ISO/IEC 14496-3).
//! - [`ac3`]: AC-3 and E-AC-3 (ETSI TS 102 366).
//! - [`opus`]: packets, `OpusHead`, `dOps` (RFC 6716, RFC 7845).
//! - [`flac`]: metadata blocks and frame headers (RFC 9639).
//! - [`mp3`]: frame headers (ISO/IEC 11172-3).

pub mod aac;
pub mod ac3;
pub mod flac;
pub mod mp3;
pub mod opus;
