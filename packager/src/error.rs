//! Why something cannot be packaged.

use thiserror::Error;

/// Why something cannot be packaged. Every case is a fault of what was handed in; nothing is worth a retry.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum PackageError {
    /// A segment without a sample.
    #[error("segment {index} has no sample")]
    EmptySegment {
        /// 0-based segment.
        index: u32,
    },
    /// A segment that does not open with a sync sample.
    #[error("segment {index} does not start with a keyframe")]
    NotSync {
        /// 0-based segment.
        index: u32,
    },
    /// A sample that does not start where the one before it ends.
    #[error("segment {index}: sample {sample} starts at {actual} ticks and not at {expected}")]
    Gap {
        /// 0-based segment.
        index: u32,
        /// 0-based sample in the segment.
        sample: usize,
        /// Where the sample before it ends.
        expected: i64,
        /// Its decode time.
        actual: i64,
    },
    /// A sample that is shown before the keyframe its segment opens with.
    #[error("segment {index}: sample {sample} is shown before the segment's first one")]
    LeadingSample {
        /// 0-based segment.
        index: u32,
        /// 0-based sample in the segment.
        sample: usize,
    },
    /// A number that its field cannot hold.
    #[error("segment {index}: {what} does not fit its field")]
    OutOfRange {
        /// 0-based segment.
        index: u32,
        /// Which number.
        what: &'static str,
    },
    /// A stored segment that is not as this crate writes them.
    #[error("segment {index} cannot be read back: {what}")]
    Unreadable {
        /// 0-based segment.
        index: u32,
        /// What was found.
        what: &'static str,
    },
    /// Samples that cannot be encrypted.
    #[error("segment {index}: {error}")]
    Encrypt {
        /// 0-based segment.
        index: u32,
        /// Why.
        error: drm::EncryptError,
    },
    /// A packet of existing media whose times cannot be carried.
    #[error("packet {packet}: {what}")]
    Times {
        /// 0-based packet of its track.
        packet: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A codec configuration that cannot be read, or that is not the track's.
    #[error("codec configuration: {0}")]
    Config(&'static str),
    /// A track whose figures contradict one another.
    #[error("track: {0}")]
    Track(&'static str),
    /// A presentation without a track, or with a track that has no segment.
    #[error("a presentation needs at least one track, and each track a segment")]
    Empty,
    /// Two tracks of one name, or a name, language or prefix that is unsafe in a URI or an attribute.
    #[error("{what} {text:?} is taken or has characters that a playlist cannot carry")]
    Name {
        /// What it names.
        what: &'static str,
        /// The offending text.
        text: String,
    },
    /// Renditions whose segments do not start at the same times, so that no player could switch between them.
    #[error("the segments of {track} are not aligned with those of {other}")]
    Unaligned {
        /// The track that differs.
        track: String,
        /// The track it was compared with.
        other: String,
    },
    /// The manifest could not be serialised.
    #[error("manifest: {0}")]
    Manifest(String),
}
