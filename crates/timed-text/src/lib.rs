//! Subtitles and captions as text: WebVTT, SubRip and TTML/IMSC in, and what HLS and DASH carry out.
//!
//! - [`document`]: cues and documents, the model that everything is read into and written from.
//! - [`webvtt`]: WebVTT files, read and written whole, and cut into HLS segments (RFC 8216bis §3.1.4).
//! - [`srt`]: SubRip files.
//! - [`ass`]: events of Advanced SubStation Alpha, as decoders of subtitles hand them out.
//! - [`captions`]: closed captions inside of pictures, read from the entries of `cc_data`.
//! - [`wvtt`]: WebVTT in MP4 samples and back (ISO/IEC 14496-30).
//! - [`ttml`]: TTML and IMSC documents: times, profile, and their text as cues.
//! - [`stpp`]: TTML in MP4 samples and back (ISO/IEC 14496-30).
//! - [`imsc`]: WebVTT cues written as an IMSC 1 text document.
//! - [`codec`]: codec strings, and telling the formats apart.
//!
//! Layer 1: pure functions over bytes. Times are microseconds as `i64`, so that a millisecond is exact and a tick of any
//! timescale up to 500,000 comes back as the same tick.

pub mod ass;
pub mod captions;
pub mod codec;
pub mod document;
pub mod imsc;
pub mod srt;
pub mod stpp;
pub mod ttml;
pub mod webvtt;
pub mod wvtt;

mod decode;
mod error;
mod markup;
mod time;

pub use document::{Cue, Document, Parsed, TextSample, TimestampMap};
pub use error::{TextError, Warning};

/// The largest file or document that is read, in bytes.
pub const BYTE_LIMIT: usize = 32 << 20;

/// The most cues that are read from one file.
pub const CUE_LIMIT: usize = 200_000;

/// The most bytes that one call writes: cues that overlap without end are repeated in every segment or sample.
pub const OUTPUT_LIMIT: usize = 256 << 20;
