//! A rung made real for one recording, and how it is encoded.

use serde::{Deserialize, Serialize};

use crate::DynamicRange;

/// What pictures are coded as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VideoCodec {
    /// ITU-T H.264, which every player plays.
    #[default]
    H264,
    /// ITU-T H.265.
    Hevc,
    /// AV1.
    Av1,
    /// VP9.
    Vp9,
}

impl VideoCodec {
    /// All of them, in the order in which a plan has their renditions.
    pub const ALL: [Self; 4] = [Self::H264, Self::Hevc, Self::Av1, Self::Vp9];

    /// What a ladder file calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::H264 => "h264",
            Self::Hevc => "hevc",
            Self::Av1 => "av1",
            Self::Vp9 => "vp9",
        }
    }
}

/// How one video rung is encoded: quality-targeted (CRF) under a cap.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VideoEncoding {
    /// What it is coded as. Plans of before there was a choice are of H.264.
    #[serde(default)]
    pub codec: VideoCodec,
    /// The encoder's preset: a word of x264's and x265's such as `veryfast`, a number of SVT-AV1's and libvpx's such as `8`.
    pub preset: String,
    /// Constant rate factor: 0 to 51 of H.264 and HEVC, 0 to 63 of AV1 and VP9.
    pub crf: f32,
    /// Cap of the bitrate in bits per second: the VBV rate, and the planned BANDWIDTH.
    pub max_bitrate_bps: u64,
    /// VBV buffer in bits.
    pub buffer_bits: u64,
    /// The encoder's tune, such as `stillimage`.
    pub tune: Option<String>,
    /// Whether its pictures are those of a source of high dynamic range, or brought to the standard one.
    #[serde(default)]
    pub dynamic_range: DynamicRange,
}

impl VideoEncoding {
    /// What players switch within: renditions of one range and codec. Plans and ladders are ordered by it.
    pub fn group(&self) -> (DynamicRange, VideoCodec) {
        (self.dynamic_range, self.codec)
    }
}

/// A rung made real for one asset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rendition {
    /// Unique within the plan and safe in a URL, such as `1080p`.
    pub name: String,
    /// Width in pixels, even.
    pub width: u32,
    /// Height in pixels, even.
    pub height: u32,
    /// How it is encoded.
    pub encoding: VideoEncoding,
    /// It shows a new picture at every so many frames at most, beside those that begin runs of pictures and slides; 1 at least.
    #[serde(default = "every_frame")]
    pub frame_step: u32,
}

fn every_frame() -> u32 {
    1
}

/// A rung of the ladder that this asset does not get.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedRung {
    /// The rung's name.
    pub name: String,
    /// One clause for a person, such as `the source is 720p`.
    pub reason: String,
}
