//! `HEVCDecoderConfigurationRecord` (ISO/IEC 14496-15 §8.3.3.1).

use super::{NalType, Pps, ProfileTierLevel, Sps};
use crate::light::StaticLight;
use crate::sei::messages;

/// A configuration record, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Profile, tier and level of the whole track.
    pub profile_tier_level: ProfileTierLevel,
    /// `chroma_format_idc`, 0 to 3.
    pub chroma_format: u8,
    /// Bits of a luma sample.
    pub bit_depth_luma: u8,
    /// Bits of a chroma sample.
    pub bit_depth_chroma: u8,
    /// `numTemporalLayers`, 0 when unknown.
    pub temporal_layers: u8,
    /// Bytes of the length before each NAL unit: 1, 2 or 4.
    pub length_size: u8,
    /// Video parameter sets, NAL units.
    pub vps: Vec<&'a [u8]>,
    /// Sequence parameter sets, NAL units. Empty when they lie in the samples only.
    pub sps: Vec<&'a [u8]>,
    /// Picture parameter sets, NAL units.
    pub pps: Vec<&'a [u8]>,
    /// Supplemental enhancement information of the whole track, NAL units.
    pub sei: Vec<&'a [u8]>,
}

/// Bytes before the arrays.
const FIXED: usize = 23;

impl<'a> Record<'a> {
    /// Reads a record without its box header. `None` when it is cut short, of another version, or states lengths of
    /// three bytes. Arrays of other NAL units are passed over.
    pub fn parse(record: &'a [u8]) -> Option<Self> {
        let (fixed, mut rest) = record.split_first_chunk::<FIXED>()?;
        let length_size = (fixed[21] & 3) + 1;
        if fixed[0] != 1 || length_size == 3 {
            return None;
        }
        let mut out = Self {
            profile_tier_level: ProfileTierLevel {
                profile_space: fixed[1] >> 6,
                high_tier: fixed[1] & 0x20 != 0,
                profile: fixed[1] & 0x1f,
                compatibility: u32::from_be_bytes([fixed[2], fixed[3], fixed[4], fixed[5]]),
                constraints: [fixed[6], fixed[7], fixed[8], fixed[9], fixed[10], fixed[11]],
                level: fixed[12],
            },
            chroma_format: fixed[16] & 3,
            bit_depth_luma: (fixed[17] & 7) + 8,
            bit_depth_chroma: (fixed[18] & 7) + 8,
            temporal_layers: fixed[21] >> 3 & 7,
            length_size,
            vps: Vec::new(),
            sps: Vec::new(),
            pps: Vec::new(),
            sei: Vec::new(),
        };
        for _ in 0..fixed[22] {
            let ([kind, high, low], tail) = rest.split_first_chunk::<3>()?;
            rest = tail;
            for _ in 0..u16::from_be_bytes([*high, *low]) {
                let (length, tail) = rest.split_first_chunk::<2>()?;
                let (unit, tail) = tail.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
                rest = tail;
                match kind & 0x3f {
                    32 => out.vps.push(unit),
                    33 => out.sps.push(unit),
                    34 => out.pps.push(unit),
                    39 | 40 => out.sei.push(unit),
                    _ => {}
                }
            }
        }
        Some(out)
    }

    /// The first sequence parameter set, read.
    pub fn first_sps(&self) -> Option<Sps> {
        self.sps.first().and_then(|nal| Sps::parse(nal))
    }

    /// What its supplemental enhancement information says of light.
    pub fn light(&self) -> StaticLight {
        let said = || self.sei.iter().flat_map(|nal| messages(nal, true));
        StaticLight {
            mastering: said().find_map(|message| message.mastering_display()),
            content: said().find_map(|message| message.content_light()),
        }
    }
}

/// The record of a track (`hvc1`) whose samples hold each NAL unit behind its 4-byte length, and no parameter sets. The
/// arguments are NAL units with their headers; `sei`, before slices, is what holds for the whole track. Profile and formats are those of the first sequence parameter set; tier
/// and level are the highest; only compatibilities and constraints that all sets state are stated (§8.3.3.1.3).
/// `None` when there is no sequence parameter set, a set cannot be read, or one is longer than a record can hold.
pub fn record(vps: &[&[u8]], sps: &[&[u8]], pps: &[&[u8]], sei: &[&[u8]]) -> Option<Vec<u8>> {
    let parsed: Vec<Sps> = sps.iter().map(|nal| Sps::parse(nal)).collect::<Option<_>>()?;
    let pictures: Vec<Pps> = pps.iter().map(|nal| Pps::parse(nal)).collect::<Option<_>>()?;
    let first = parsed.first()?;
    let general = parsed.iter().fold(first.profile_tier_level, |all, set| strictest(all, &set.profile_tier_level));
    let segmentation = parsed.iter().map(|set| set.min_spatial_segmentation).min()?;
    let mut out = Vec::with_capacity(FIXED + 64);
    out.extend_from_slice(&[1, general.profile_space << 6 | u8::from(general.high_tier) << 5 | general.profile]);
    out.extend_from_slice(&general.compatibility.to_be_bytes());
    out.extend_from_slice(&general.constraints);
    out.push(general.level);
    out.extend_from_slice(&(0xf000 | segmentation).to_be_bytes());
    out.push(0xfc | parallelism(segmentation, &pictures));
    out.push(0xfc | first.chroma_format);
    out.push(0xf8 | record_depth(first.bit_depth_luma)?);
    out.push(0xf8 | record_depth(first.bit_depth_chroma)?);
    out.extend_from_slice(&[0, 0]); // avgFrameRate: unspecified
    let nested = parsed.iter().all(|set| set.temporal_nesting);
    let sublayers = parsed.iter().map(|set| set.sublayers).max()?;
    out.push(sublayers << 3 | u8::from(nested) << 2 | 3);
    let arrays = [(NalType::VPS, vps), (NalType::SPS, sps), (NalType::PPS, pps), (NalType::PREFIX_SEI, sei)];
    out.push(arrays.iter().filter(|(_, units)| !units.is_empty()).count() as u8);
    for (kind, units) in arrays.into_iter().filter(|(_, units)| !units.is_empty()) {
        // array_completeness: samples may have information of their own besides.
        out.push(if kind.is_sei() { kind.number() } else { 0x80 | kind.number() });
        out.extend_from_slice(&u16::try_from(units.len()).ok()?.to_be_bytes());
        for unit in units {
            out.extend_from_slice(&u16::try_from(unit.len()).ok()?.to_be_bytes());
            out.extend_from_slice(unit);
        }
    }
    Some(out)
}

fn strictest(mut all: ProfileTierLevel, set: &ProfileTierLevel) -> ProfileTierLevel {
    all.high_tier |= set.high_tier;
    all.level = all.level.max(set.level);
    all.compatibility &= set.compatibility;
    for (mine, its) in all.constraints.iter_mut().zip(set.constraints) {
        *mine &= its;
    }
    all
}

/// A record holds depths up to 15.
fn record_depth(depth: u8) -> Option<u8> {
    depth.checked_sub(8).filter(|&above| above < 8)
}

/// `parallelismType`: 0 unknown or mixed, 1 slices, 2 tiles, 3 wavefronts. It is of use only where the parameter sets
/// promise a segmentation.
fn parallelism(segmentation: u16, pictures: &[Pps]) -> u8 {
    let kind = |pps: &Pps| match (pps.tiles, pps.wavefronts) {
        (true, true) => 0,
        (true, false) => 2,
        (false, true) => 3,
        (false, false) => 1,
    };
    match pictures.first().map(kind) {
        Some(first) if segmentation > 0 && pictures.iter().all(|pps| kind(pps) == first) => first,
        _ => 0,
    }
}

/// The name of the codec in manifests, such as `hvc1.1.6.L93.B0` (ISO/IEC 14496-15 §E.3), of a configuration record. A
/// track with parameter sets in its samples replaces `hvc1` by `hev1`.
pub fn codec_string(record: &[u8]) -> Option<String> {
    let general = Record::parse(record)?.profile_tier_level;
    let space = ["", "A", "B", "C"][usize::from(general.profile_space & 3)];
    let tier = if general.high_tier { 'H' } else { 'L' };
    let mut out =
        format!("hvc1.{space}{}.{:X}.{tier}{}", general.profile, general.compatibility.reverse_bits(), general.level);
    let stated = general.constraints.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    for byte in &general.constraints[..stated] {
        out.push_str(&format!(".{byte:X}"));
    }
    Some(out)
}
