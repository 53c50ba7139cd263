//! What pictures of high dynamic range say of their light, once for a whole track.

use crate::bits::NalBits;

/// The screen that pictures were made on (SMPTE ST 2086), in the units of ITU-T H.265 §D.3.28.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentLight {
    /// The brightest pixel of all.
    pub max_content: u16,
    /// The picture that is brightest on average.
    pub max_average: u16,
}

/// Both, as far as a configuration states them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StaticLight {
    /// Mastering display colour volume.
    pub mastering: Option<MasteringDisplay>,
    /// Content light level.
    pub content: Option<ContentLight>,
}

impl MasteringDisplay {
    /// The 24 bytes of `mastering_display_colour_volume` (H.265 §D.2.28), which are also those of the `mdcv` box (ISO/IEC
    /// 14496-12 §12.1.7). `None` when there are fewer.
    pub(crate) fn read(mut bits: NalBits<'_>) -> Option<Self> {
        let mut pair = || Some((bits.take(16)? as u16, bits.take(16)? as u16));
        let (primaries, white) = ([pair()?, pair()?, pair()?], pair()?);
        Some(Self { primaries, white, max_luminance: bits.take(32)?, min_luminance: bits.take(32)? })
    }
}

impl ContentLight {
    /// The 4 bytes of `content_light_level_info` (H.265 §D.2.35), which are also those of the `clli` box (ISO/IEC 14496-12
    /// §12.1.6) and of `metadata_hdr_cll` (AV1 §5.8.3).
    pub(crate) fn read(mut bits: NalBits<'_>) -> Option<Self> {
        Some(Self { max_content: bits.take(16)? as u16, max_average: bits.take(16)? as u16 })
    }
}
