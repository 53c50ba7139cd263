//! The work itself: every stage between an upload and a publication, and `lectern encode` which is the same without a
//! queue.
//!
//! - `track`: one range, one sound track, the stills: from the engine to the store; `segmenter` cuts them.
//! - `assemble`: stored parts to whole tracks, and to all files derived from them.
//! - `quality`: how good what was made looks, and whether that will do.
//! - `examine`: what was made, read back through the linter.
//! - `local`: a file in, a folder out.
//! - `parts`: the parts of a recording, read as one file; `in_memory`: a source that is held there.
//! - `sealed`: an asset's media in the store, sealed when it is to be protected.
//! - `stage`: the queue's handlers, one file per stage.
//! - `run`: the worker loop, the reaper beside it; `costs`: what its jobs are taken to use.
//! - `error`: failures, sorted by what to do about them.
//!
//! Layer 7.

mod assemble;
mod costs;
mod error;
mod examine;
mod in_memory;
mod local;
mod parts;
mod quality;
mod run;
mod sealed;
mod segmenter;
mod stage;
mod track;
mod work_key;

pub use error::WorkError;
pub use local::{LocalEvent, LocalResult, LocalSound, Staging, decide_local, encode_local};
pub use parts::open_recording;
pub use run::{WorkerConfig, run_workers};
pub use stage::{LadderSource, Protecting, Wishes, Workshop};
pub use track::SoundLevel;

/// Processors this process may use.
pub fn cores() -> u32 {
    std::thread::available_parallelism().map_or(1, |count| u32::try_from(count.get()).unwrap_or(1))
}

/// Memory that this process and its engines may use together: what the machine has, or what its control group leaves of that.
pub fn memory_bytes() -> u64 {
    costs::memory_bytes()
}

/// Ranges that are usually encoded at once by one local encode: one for every two processors, which the renditions of one range
/// keep busy. Each holds a set of encoders, so this bounds memory too.
pub fn ranges_at_once() -> u32 {
    (cores() / 2).max(1)
}

pub(crate) fn blake3(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}
