//! VP9 (VP9 Bitstream & Decoding Process Specification v0.6; VP Codec ISO Media File Format Binding v1.0).
//!
//! - [`frames`]: the frames of a sample, which may be a superframe.
//! - [`Frames`], [`Frame`]: uncompressed headers: what stays clear under common encryption, key frames, sizes.
//! - [`Record`], [`codec_string`], [`level`]: the `vpcC` box and the codecs string.

mod header;
mod record;
mod superframe;
#[cfg(test)]
mod tests;

pub use header::{Format, Frame, Frames, is_keyframe};
pub use record::{Record, codec_string, level};
pub use superframe::frames;
