//! The work itself: every stage between an upload and a publication, and `lectern encode` which is the same without a
//! queue.
//!
//! - `track`: engine samples to stored segments; one range, one sound track, the stills.
//! - `assemble`: stored parts to whole tracks, and to all files derived from them.
//! - `local`: a file in, a folder out.
//! - `stage`: the queue's handlers, one file per stage.
//! - `run`: the worker loop, the reaper beside it.
//! - `error`: failures, sorted by what to do about them.
//!
//! Layer 7.

mod assemble;
mod error;
mod local;
mod run;
mod stage;
mod track;

pub use assemble::{Storyboard, audio_record, derived_files, video_record};
pub use error::WorkError;
pub use local::{LocalEvent, LocalResult, encode_local};
pub use run::{WorkerConfig, run_workers};
pub use stage::{LadderSource, Workshop};
pub use track::{ObjectSink, OnProgress, RangeParts, StillFile, Stills, TrackPart};

use sha2::Digest;

/// Processors this process may use.
pub fn cores() -> u32 {
    std::thread::available_parallelism().map_or(1, |count| u32::try_from(count.get()).unwrap_or(1))
}

/// Encoder threads per rendition: ranges are the better way to use processors, so threads only fill what ranges leave.
pub(crate) fn encoder_threads(video: &media_types::VideoPlan) -> u32 {
    (cores() / u32::try_from(video.ranges.len()).unwrap_or(u32::MAX).max(1)).max(1)
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex::encode(sha2::Sha256::digest(bytes))
}
