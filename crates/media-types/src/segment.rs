//! Packaged media as it is stored and listed.

use std::fmt;

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
    /// When its first sample is shown or heard, in ticks of the presentation. What the edit list hides, as priming is,
    /// does not count.
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

/// What a track is for, beside being shown or heard: what players and people choose by (DASH roles, HLS characteristics).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Roles {
    /// Played unless another is chosen.
    pub default: bool,
    /// Shown although subtitles are off.
    pub forced: bool,
    /// Subtitles that also describe sounds.
    pub hearing_impaired: bool,
    /// Sound that also describes pictures.
    pub visual_impaired: bool,
    /// A commentary on the main work.
    pub commentary: bool,
}

/// A channel of closed captions inside of a track's pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaptionChannel {
    /// Line 21 of analogue television (ANSI/CTA-608-E): 1 for CC1 to 4 for CC4.
    Line21(u8),
    /// A service of digital television (ANSI/CTA-708-E): 1 to 63.
    Service(u8),
}

impl CaptionChannel {
    /// Whether it is the first of its kind, which is in the language that is spoken (CTA-608-E, CTA-708-E).
    pub fn is_primary(self) -> bool {
        matches!(self, Self::Line21(1) | Self::Service(1))
    }
}

/// What people call it.
impl fmt::Display for CaptionChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line21(number) => write!(f, "CC{number}"),
            Self::Service(number) => write!(f, "Service {number}"),
        }
    }
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
    /// A name for people, when it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What it is for.
    #[serde(default)]
    pub roles: Roles,
    /// Channels of closed captions in its pictures, ascending; `None` when nobody looked for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captions: Option<Vec<CaptionChannel>>,
    /// For a text track: the sizes in bytes of its segments as WebVTT files, one for each of `segments`, which HLS lists
    /// in their place. Empty when there are none; then HLS does not list the track.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub webvtt_sizes: Vec<u64>,
}
