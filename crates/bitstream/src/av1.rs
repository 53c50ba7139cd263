//! AV1 (AV1 Bitstream & Decoding Process Specification; AV1 Codec ISO Media File Format Binding v1.3).
//!
//! - [`obus`]: what a temporal unit consists of. [`kept`]: what of it a sample keeps. [`is_keyframe`].
//! - [`SequenceHeader`]: profile, level, size, colour, frame rate.
//! - [`record`], [`Record`], [`codec_string`]: the `av1C` box and the codecs string.
//! - [`Frames`], [`protected`]: where tiles lie, and what of them common encryption covers.

#[cfg(test)]
pub(crate) mod ffmpeg;
mod frames;
mod header;
pub mod obu;
mod record;
mod sequence;
#[cfg(test)]
mod tests;

pub use frames::{Frames, protected};
pub use obu::{Obu, is_keyframe, kept, leb128, obus};
pub use record::{Record, codec_string, record};
pub use sequence::{Colour, OperatingPoint, SequenceHeader};
