//! WebVTT in MP4 (ISO/IEC 14496-30, `wvtt`): samples that follow one another without a gap, each with the cues that are
//! shown during all of it.

mod read;
mod write;

pub use read::document;
pub use write::{config, samples};

/// The sample of a time in which nothing is shown.
pub const EMPTY_SAMPLE: [u8; 8] = *b"\0\0\0\x08vtte";

#[cfg(test)]
mod tests;
