//! What the codecs' own standards say about their bytes: parameter sets, headers, configuration records, names.
//!
//! - [`bits`]: reading bits, Exp-Golomb codes and NAL units without their emulation prevention.
//! - [`annex_b`]: NAL units between start codes.
//! - [`avc`], [`hevc`]: parameter sets, slice headers, access units (ITU-T H.264, H.265; ISO/IEC 14496-15).
//! - [`light`]: what high dynamic range says of itself (SMPTE ST 2086, CTA-861.3).
//! - [`sei`]: closed captions in the pictures' side data (ANSI/CTA-608-E, 708-E by way of ATSC A/53 Part 4).
//! - [`av1`], [`vp9`]: headers, tiles and frames.
//! - [`audio`]: AAC, AC-3, E-AC-3, Opus, FLAC.
//!
//! Layer 0: pure functions over byte slices. Nothing here allocates by a number read from the bytes.

pub mod annex_b;
pub mod audio;
pub mod av1;
pub mod avc;
pub mod bits;
pub mod hevc;
pub mod light;
pub mod sei;
pub mod vp9;
