//! The engine on FFmpeg's libraries: the only crate that names them.
//!
//! - `open`: a source's bytes behind libavformat, with an allow-list of containers and no protocol at all.
//! - `probe`: what a source contains, from its packets alone.
//! - `pictures`: exact access to decoded pictures by presentation time.
//! - `convert`: a picture upright, progressive, scaled and in 4:2:0.
//! - `video`, `range`: one range decoded once and encoded for all its renditions.
//! - `audio`: one continuous AAC encode on an exact sample count.
//! - `stills`: poster and storyboard.
//! - `h264`: the decoder configuration record.
//!
//! Layer 3. Runs inside the confined child; nothing here is trusted with anything but the source's bytes.

mod audio;
mod convert;
mod engine;
mod error;
mod h264;
mod jpeg;
mod open;
mod pictures;
mod probe;
mod range;
mod stills;
mod video;

pub use engine::{LibavEngine, identity};
