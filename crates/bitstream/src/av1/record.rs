//! `AV1CodecConfigurationRecord` (AV1 Codec ISO Media File Format Binding §2.3) and the codecs string (§5).

use super::obu::{self, METADATA, SEQUENCE_HEADER};
use super::sequence::{Colour, SequenceHeader};
use crate::bits::Bits;
use crate::light::{ContentLight, MasteringDisplay, StaticLight};

/// The fixed part of an `AV1CodecConfigurationRecord` and where its OBUs begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// `seq_profile`.
    pub profile: u8,
    /// `seq_level_idx_0`.
    pub level: u8,
    /// `seq_tier_0`.
    pub high_tier: bool,
    /// 8, 10 or 12.
    pub bit_depth: u8,
    /// Whether there is no chroma.
    pub mono_chrome: bool,
    /// Whether chroma has half the width.
    pub subsampling_x: bool,
    /// Whether chroma has half the height.
    pub subsampling_y: bool,
    /// 0 unknown, 1 vertical, 2 colocated.
    pub chroma_sample_position: u8,
    /// `initial_presentation_delay_minus_one`.
    pub initial_presentation_delay_minus_one: Option<u8>,
    /// `configOBUs`.
    pub config_obus: &'a [u8],
}

impl<'a> Record<'a> {
    /// From the payload of an `av1C` box; `None` when it is short or of an unknown version.
    pub fn parse(config: &'a [u8]) -> Option<Self> {
        let (fixed, config_obus) = config.split_at_checked(4)?;
        // marker and version
        if fixed[0] != 0x81 {
            return None;
        }
        let mut bits = Bits::new(&fixed[1..]);
        let profile = bits.take(3)? as u8;
        let level = bits.take(5)? as u8;
        let high_tier = bits.flag()?;
        let bit_depth = match (bits.flag()?, bits.flag()?) {
            (false, _) => 8,
            (true, false) => 10,
            (true, true) => 12,
        };
        let [mono_chrome, subsampling_x, subsampling_y] = [bits.flag()?, bits.flag()?, bits.flag()?];
        let chroma_sample_position = bits.take(2)? as u8;
        bits.skip(3)?;
        let initial_presentation_delay_minus_one = match (bits.flag()?, bits.take(4)? as u8) {
            (true, delay) => Some(delay),
            (false, _) => None,
        };
        Some(Self {
            profile,
            level,
            high_tier,
            bit_depth,
            mono_chrome,
            subsampling_x,
            subsampling_y,
            chroma_sample_position,
            initial_presentation_delay_minus_one,
            config_obus,
        })
    }

    /// The sequence header among its OBUs; muxers may leave it out.
    pub fn sequence_header(&self) -> Option<SequenceHeader> {
        SequenceHeader::find(self.config_obus)
    }

    /// What the metadata among its OBUs say of light.
    pub fn light(&self) -> StaticLight {
        let mut light = StaticLight::default();
        for obu in obu::obus(self.config_obus).map_while(|obu| obu) {
            let payload = &self.config_obus[obu.payload.clone()];
            match light_kind(obu.kind, payload) {
                Some((HDR_CLL, fields)) => light.content = light.content.or(content(fields)),
                Some((HDR_MDCV, fields)) => light.mastering = light.mastering.or(mastering(fields)),
                _ => {}
            }
        }
        light
    }
}

/// `METADATA_TYPE_HDR_CLL` and `METADATA_TYPE_HDR_MDCV` (AV1 §6.7.1).
const HDR_CLL: u32 = 1;
const HDR_MDCV: u32 = 2;

/// The type and the fields of an OBU that says something of light.
fn light_kind(kind: u8, payload: &[u8]) -> Option<(u32, &[u8])> {
    if kind != METADATA {
        return None;
    }
    let (metadata, taken) = obu::leb128(payload)?;
    matches!(metadata, HDR_CLL | HDR_MDCV).then(|| (metadata, &payload[taken..]))
}

/// `metadata_hdr_cll` (§5.8.3).
fn content(fields: &[u8]) -> Option<ContentLight> {
    let mut bits = Bits::new(fields);
    Some(ContentLight { max_content: bits.take(16)? as u16, max_average: bits.take(16)? as u16 })
}

/// `metadata_hdr_mdcv` (§5.8.4, §6.7.4): red, green and blue in 0.16 fixed point, the brightest light in 24.8, the darkest
/// in 18.14.
fn mastering(fields: &[u8]) -> Option<MasteringDisplay> {
    let mut bits = Bits::new(fields);
    let rounded = |value: u32, unit: u64, one: u64| (u64::from(value) * unit + one / 2) / one;
    let mut pair = || {
        let mut side = || Some(rounded(bits.take(16)?, 50_000, 1 << 16) as u16);
        Some((side()?, side()?))
    };
    let [red, green, blue, white] = [pair()?, pair()?, pair()?, pair()?];
    let mut light = |one| Some(u32::try_from(rounded(bits.take(32)?, 10_000, one)).unwrap_or(u32::MAX));
    let (max_luminance, min_luminance) = (light(1 << 8)?, light(1 << 14)?);
    Some(MasteringDisplay { primaries: [green, blue, red], white, max_luminance, min_luminance })
}

/// The `AV1CodecConfigurationRecord` for the first sequence header in a temporal unit (or a lone sequence header OBU),
/// with that OBU as its `configOBUs`, and behind it what the unit says of light; `None` when there is no sequence header.
pub fn record(unit: &[u8]) -> Option<Vec<u8>> {
    let found = obu::obus(unit).map_while(|obu| obu).find(|obu| obu.kind == SEQUENCE_HEADER)?;
    let payload = &unit[found.payload];
    let header = SequenceHeader::parse(payload)?;
    let point = header.operating_points_list().first()?;
    let flag = |value: bool, shift: u32| u8::from(value) << shift;
    let mut out = Vec::with_capacity(payload.len() + 8);
    out.push(0x81);
    out.push(header.profile << 5 | point.level);
    out.push(
        flag(point.high_tier, 7)
            | flag(header.bit_depth > 8, 6)
            | flag(header.bit_depth == 12, 5)
            | flag(header.mono_chrome, 4)
            | flag(header.subsampling_x, 3)
            | flag(header.subsampling_y, 2)
            | header.chroma_sample_position,
    );
    // What the sequence header calls display delay counts decoded frames, what this field means counts samples: not the
    // same, so it is left unstated.
    out.push(0);
    // The OBU is written anew because it may lack its size field, and its layers mean nothing here.
    out.push(SEQUENCE_HEADER << 3 | 2);
    obu::write_leb128(payload.len(), &mut out);
    out.extend_from_slice(payload);
    for obu in obu::obus(unit).map_while(|obu| obu) {
        let payload = &unit[obu.payload];
        if light_kind(obu.kind, payload).is_some() {
            out.push(METADATA << 3 | 2);
            obu::write_leb128(payload.len(), &mut out);
            out.extend_from_slice(payload);
        }
    }
    Some(out)
}

/// The codecs string of RFC 6381 for an `AV1CodecConfigurationRecord`, such as `av01.0.04M.08`; the optional fields are
/// there when one of them differs from its default (§5), for which a colour stated to be unspecified does not count.
pub fn codec_string(config: &[u8]) -> Option<String> {
    let record = Record::parse(config)?;
    let tier = if record.high_tier { 'H' } else { 'M' };
    let head = format!("av01.{}.{:02}{tier}.{:02}", record.profile, record.level, record.bit_depth);
    let sequence = record.sequence_header();
    let full_range = sequence.as_ref().is_some_and(|header| header.full_range);
    const DEFAULT: Colour = Colour { primaries: 1, transfer: 1, matrix: 1 };
    let colour = sequence.and_then(|header| header.colour).unwrap_or(DEFAULT);
    let position = if record.subsampling_x && record.subsampling_y { record.chroma_sample_position } else { 0 };
    let chroma = (record.subsampling_x, record.subsampling_y, position);
    let ordinary = colour == DEFAULT || colour == Colour { primaries: 2, transfer: 2, matrix: 2 };
    if !record.mono_chrome && chroma == (true, true, 0) && ordinary && !full_range {
        return Some(head);
    }
    Some(format!(
        "{head}.{}.{}{}{position}.{:02}.{:02}.{:02}.{}",
        u8::from(record.mono_chrome),
        u8::from(chroma.0),
        u8::from(chroma.1),
        colour.primaries,
        colour.transfer,
        colour.matrix,
        u8::from(full_range),
    ))
}
