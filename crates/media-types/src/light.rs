//! How bright and how colourful pictures are: standard and high dynamic range.

use serde::{Deserialize, Serialize};

/// What a rendition shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DynamicRange {
    /// What every screen shows.
    #[default]
    Sdr,
    /// ITU-R BT.2100 as the source has it: its own transfer in the colours of BT.2020, 10 bits of 4:2:0.
    Hdr,
}

impl DynamicRange {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Sdr, Self::Hdr];

    /// What a ladder file calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sdr => "sdr",
            Self::Hdr => "hdr",
        }
    }
}

/// How numbers become light in pictures of high dynamic range (ITU-R BT.2100).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HdrTransfer {
    /// Perceptual quantization (SMPTE ST 2084).
    Pq,
    /// Hybrid log-gamma (ARIB STD-B67).
    Hlg,
}

/// The screen that pictures were made on (SMPTE ST 2086), in the units of ITU-T H.265 §D.3.28.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MasteringDisplay {
    /// Chromaticities x and y of green, blue and red, in steps of 0.00002.
    pub primaries: [(u16, u16); 3],
    /// Chromaticity of white, in the same steps.
    pub white: (u16, u16),
    /// Brightest light, in 0.0001 cd/m².
    pub max_luminance: u32,
    /// Darkest light, in 0.0001 cd/m².
    pub min_luminance: u32,
}

/// How bright the brightest pictures are (CTA-861.3), in cd/m².
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentLight {
    /// The brightest pixel of all.
    pub max_content: u16,
    /// The picture that is brightest on average.
    pub max_average: u16,
}

/// A source of high dynamic range that renditions can have as it is: PQ or HLG in the colours of BT.2020, of 10 bits or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HdrVideo {
    /// Its transfer.
    pub transfer: HdrTransfer,
    /// What it was made on, if it says so.
    pub mastering: Option<MasteringDisplay>,
    /// How bright it is, if it says so.
    pub content_light: Option<ContentLight>,
}
