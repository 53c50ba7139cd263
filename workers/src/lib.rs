//! The work itself: every stage between an upload and a publication, and `lectern encode` which is the same without a
//! queue.
//!
//! - `track`: one range, one sound track, the stills: from the engine to the store; `segmenter` cuts them.
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
mod segmenter;
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

/// Encoder threads per rendition for range `index` of `ranges`. Ranges side by side are the better way to use
/// processors; only the last ones, when they are too few to go round, make up for it with threads.
pub(crate) fn encoder_threads(ranges: usize, index: usize) -> u32 {
    spread(cores(), u32::try_from(ranges).unwrap_or(u32::MAX), u32::try_from(index).unwrap_or(u32::MAX))
}

fn spread(cores: u32, ranges: u32, index: u32) -> u32 {
    let tail = ranges % cores.max(1);
    if tail == 0 || index < ranges - tail { 1 } else { (cores / tail).max(1) }
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex::encode(sha2::Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ranges_that_would_leave_processors_idle_get_more_threads() {
        let all = |cores, ranges| (0..ranges).map(|index| spread(cores, ranges, index)).collect::<Vec<_>>();
        assert_eq!(all(2, 4), [1, 1, 1, 1]);
        assert_eq!(all(2, 3), [1, 1, 2]);
        assert_eq!(all(2, 1), [2]);
        assert_eq!(all(8, 3), [2, 2, 2]);
        assert_eq!(all(8, 9), [1, 1, 1, 1, 1, 1, 1, 1, 8]);
    }
}
