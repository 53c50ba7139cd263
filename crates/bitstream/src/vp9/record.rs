//! `VPCodecConfigurationRecord` and the codecs string (VP Codec ISO Media File Format Binding).

use super::header::Format;

/// What the `vpcC` box says after version and flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// 0 to 3.
    pub profile: u8,
    /// Ten times the level, as [`level`] gives it.
    pub level: u8,
    /// 8, 10 or 12.
    pub bit_depth: u8,
    /// 0 is 4:2:0 vertical, 1 4:2:0 colocated, 2 4:2:2, 3 4:4:4.
    pub chroma_subsampling: u8,
    /// Whether samples use the full range.
    pub full_range: bool,
    /// Code point of ISO/IEC 23091-2.
    pub primaries: u8,
    /// Code point of ISO/IEC 23091-2.
    pub transfer: u8,
    /// Code point of ISO/IEC 23091-2.
    pub matrix: u8,
}

impl Record {
    /// For pictures of this format and size at this rate, a fraction in pictures per second, when it is known.
    pub fn new(format: &Format, width: u32, height: u32, frame_rate: Option<(u32, u32)>) -> Self {
        // color_space (§7.2.2) says less than three code points do; BT.601 is what it was made for, 525 lines.
        let (primaries, transfer, matrix) = match format.color_space {
            1 | 3 => (6, 6, 6),
            2 => (1, 1, 1),
            4 => (7, 7, 7),
            // Its transfer function may as well be that of HDR: only the container could say.
            5 => (9, if format.bit_depth == 8 { 1 } else { 14 }, 9),
            7 => (1, 13, 0),
            _ => (2, 2, 2),
        };
        Self {
            profile: format.profile,
            level: level(width, height, frame_rate),
            bit_depth: format.bit_depth,
            chroma_subsampling: match (format.subsampling_x, format.subsampling_y) {
                (true, true) => 1,
                (true, false) => 2,
                // 4:4:0 has no code; the highest resolution of chroma is what a decoder must be ready for.
                _ => 3,
            },
            full_range: format.full_range,
            primaries,
            transfer,
            matrix,
        }
    }

    /// From a `vpcC` payload without version and flags; `None` when it is short or states values that cannot be.
    pub fn parse(config: &[u8]) -> Option<Self> {
        let &[profile, level, packed, primaries, transfer, matrix, ..] = config else { return None };
        let record = Self {
            profile,
            level,
            bit_depth: packed >> 4,
            chroma_subsampling: packed >> 1 & 7,
            full_range: packed & 1 == 1,
            primaries,
            transfer,
            matrix,
        };
        let sound = profile <= 3 && matches!(record.bit_depth, 8 | 10 | 12) && record.chroma_subsampling <= 3;
        sound.then_some(record)
    }

    /// As [`parse`](Self::parse) reads it.
    pub fn to_bytes(&self) -> Vec<u8> {
        let packed = self.bit_depth << 4 | self.chroma_subsampling << 1 | u8::from(self.full_range);
        vec![self.profile, self.level, packed, self.primaries, self.transfer, self.matrix, 0, 0]
    }
}

/// The codecs string of RFC 6381 for a `VPCodecConfigurationRecord`, such as `vp09.00.31.08`; the optional fields are
/// there when one of them differs from its default, and an unspecified colour counts as none.
pub fn codec_string(config: &[u8]) -> Option<String> {
    let record = Record::parse(config)?;
    let head = format!("vp09.{:02}.{:02}.{:02}", record.profile, record.level, record.bit_depth);
    let [primaries, transfer, matrix] =
        [record.primaries, record.transfer, record.matrix].map(|code| if code == 2 { 1 } else { code });
    if (record.chroma_subsampling, primaries, transfer, matrix, record.full_range) == (1, 1, 1, 1, false) {
        return Some(head);
    }
    let (chroma, range) = (record.chroma_subsampling, u8::from(record.full_range));
    Some(format!("{head}.{chroma:02}.{primaries:02}.{transfer:02}.{matrix:02}.{range:02}"))
}

/// Level times ten; its most luma samples per second, per picture, and pixels per side (VP9 Levels).
const LEVELS: [(u8, u64, u64, u32); 14] = [
    (10, 829_440, 36_864, 512),
    (11, 2_764_800, 73_728, 768),
    (20, 4_608_000, 122_880, 960),
    (21, 9_216_000, 245_760, 1344),
    (30, 20_736_000, 552_960, 2048),
    (31, 36_864_000, 983_040, 2752),
    (40, 83_558_400, 2_228_224, 4160),
    (41, 160_432_128, 2_228_224, 4160),
    (50, 311_951_360, 8_912_896, 8384),
    (51, 588_251_136, 8_912_896, 8384),
    (52, 1_176_502_272, 8_912_896, 8384),
    (60, 1_176_502_272, 35_651_584, 16_832),
    (61, 2_353_004_544, 35_651_584, 16_832),
    (62, 4_706_009_088, 35_651_584, 16_832),
];

/// The lowest level, times ten, whose limits hold pictures of this size at this rate, a fraction in pictures per second;
/// by size alone when the rate is unknown, and 62 beyond all limits.
pub fn level(width: u32, height: u32, frame_rate: Option<(u32, u32)>) -> u8 {
    let picture = u64::from(width) * u64::from(height);
    let fits = |rate: u64| match frame_rate {
        Some((num, den)) => u128::from(picture) * u128::from(num) <= u128::from(rate) * u128::from(den),
        None => true,
    };
    LEVELS
        .iter()
        .find(|(_, rate, size, side)| fits(*rate) && picture <= *size && width.max(height) <= *side)
        .map_or(62, |(level, ..)| *level)
}
