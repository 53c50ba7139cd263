//! Packaged media as it is stored and listed.

use serde::{Deserialize, Serialize};

use crate::{CodecConfig, Timescale};

/// Bytes `offset .. offset + length` of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByteRange {
    /// First byte.
    pub offset: u64,
    /// Number of bytes.
    pub length: u64,
}

/// A place in a segment where decoding can start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncPoint {
    /// Presentation time in ticks of the track.
    pub pts: i64,
    /// From the segment's start up to and including this sample when it is the segment's first; otherwise the sample
    /// alone.
    pub bytes: ByteRange,
}

/// One stored media segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentRecord {
    /// 0-based position in the track.
    pub index: u32,
    /// Where it starts, in ticks: for video the presentation time of its first picture, for all else the decode time
    /// of its first sample (`tfdt`), priming included.
    pub start_ticks: u64,
    /// Ticks until the next segment starts or the coded track ends.
    pub duration_ticks: u64,
    /// Number of samples.
    pub sample_count: u32,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Lower-case hex BLAKE3 of its bytes.
    pub blake3: String,
    /// Where decoding can start, ascending; empty for audio.
    pub sync_points: Vec<SyncPoint>,
}

/// What a track shows or sounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum TrackKind {
    /// Pictures of one rendition.
    Video {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Numerator of the frame rate; of the average one when frames last differently.
        rate_num: u32,
        /// Denominator of the frame rate.
        rate_den: u32,
        /// Width over height of a pixel.
        sample_aspect: (u32, u32),
    },
    /// Sound.
    Audio {
        /// Samples per second.
        sample_rate: u32,
        /// Channels.
        channels: u32,
    },
    /// Subtitles or captions.
    Text,
}

/// A whole packaged track: all that playlists and manifests are written from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackRecord {
    /// Folder name of the track, unique in its presentation, such as `video-1080p` or `audio-und`.
    pub name: String,
    /// What it holds.
    pub kind: TrackKind,
    /// BCP 47 language, `und` when unknown or when there is none.
    pub language: String,
    /// Ticks per second.
    pub timescale: Timescale,
    /// What a decoder needs first.
    pub config: CodecConfig,
    /// The cap it was encoded under in bits per second.
    pub max_bitrate_bps: u64,
    /// Ticks of media that the edit list hides before presentation starts: an encoder's priming, or what composition
    /// offsets were raised by.
    pub hidden_ticks: u32,
    /// Length of the presentation in ticks; what is coded behind it is padding.
    pub shown_ticks: u64,
    /// Its segments, in order and without a gap.
    pub segments: Vec<SegmentRecord>,
}
