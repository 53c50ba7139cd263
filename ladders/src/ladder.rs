//! The values a ladder file stands for.

use media_types::{LadderPin, LoudnessTarget, PerTitle, VideoEncoding};

/// Ordered rungs, and what holds for all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Ladder {
    /// Unique among an operator's ladders, such as `lecture`.
    pub name: String,
    /// One sentence for a person.
    pub description: String,
    /// Pictures per second that no rendition exceeds; faster sources are halved until they fit.
    pub max_frame_rate: u32,
    /// H.264 first, then the other codecs, and behind these what is of high dynamic range; of each group lowest first, ascending
    /// in height and in cap. A parsed ladder has at least one of H.264.
    pub rungs: Vec<Rung>,
    /// The sound all renditions share.
    pub audio: AudioRung,
    /// What a recording's best rendition has to reach to be published: XPSNR of the luma in decibels.
    pub floor_db: Option<f64>,
    /// The same by VMAF, from 0 to 100, where that is measured.
    pub least_vmaf: Option<f64>,
    /// How a recording's own rungs are decided; `None` when it gets these as they are.
    pub per_title: Option<PerTitle>,
    /// Whether the library is encoded again by itself when the file has changed.
    pub renew_library: bool,
    /// Lower-case hex SHA-256 of the file's bytes.
    pub sha256: String,
}

impl Ladder {
    /// What a plan remembers of the ladder it was made with.
    pub fn pin(&self) -> LadderPin {
        LadderPin { name: self.name.clone(), sha256: self.sha256.clone() }
    }
}

/// One thing that might be encoded.
#[derive(Clone, Debug, PartialEq)]
pub struct Rung {
    /// Unique in its ladder and safe in a URL, such as `1080p`.
    pub name: String,
    /// Pixels of the shorter side at most: the height of a landscape picture, the width of a portrait one. Even.
    pub height: u32,
    /// How it is encoded.
    pub encoding: VideoEncoding,
}

/// The sound of a ladder.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AudioRung {
    /// Target bitrate of AAC-LC in bits per second.
    pub bitrate_bps: u32,
    /// That of Opus; `None` when the sound is in AAC-LC alone.
    pub opus_bitrate_bps: Option<u32>,
    /// Channels at most, 1 or 2.
    pub channels: u32,
    /// `None` when the sound stays as loud as it is.
    pub loudness: Option<LoudnessTarget>,
}
