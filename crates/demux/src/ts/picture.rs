//! What parameter sets say about pictures, and in which order pictures are shown.

use bitstream::{avc, hevc};
use media_types::{CodecConfig, FrameRate};

use super::nal::Codec;
use crate::MediaKind;

/// The configuration record made of parameter sets, and the pictures that they describe.
pub(super) fn describe(codec: Codec, vps: &[&[u8]], sps: &[&[u8]], pps: &[&[u8]]) -> Option<(MediaKind, CodecConfig)> {
    let (width, height, aspect, rate, config) = match codec {
        Codec::Avc => {
            let first = avc::Sps::parse(sps.first()?)?;
            let config = CodecConfig::Avc(avc::record(sps, pps)?.into());
            (first.width, first.height, first.sample_aspect, first.frame_rate, config)
        }
        Codec::Hevc => {
            let first = hevc::Sps::parse(sps.first()?)?;
            let config = CodecConfig::Hevc(hevc::record(vps, sps, pps, &[])?.into());
            (first.width, first.height, first.sample_aspect, first.frame_rate, config)
        }
    };
    let sample_aspect = aspect.map_or((1, 1), |(wide, high)| reduced(wide.into(), high.into()));
    let frame_rate = rate.and_then(|(num, den)| FrameRate::new(num, den));
    Some((MediaKind::Video { width, height, sample_aspect, frame_rate }, config))
}

fn reduced(wide: u32, high: u32) -> (u32, u32) {
    let (mut a, mut b) = (wide, high);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    if wide == 0 || high == 0 { (1, 1) } else { (wide / a, high / a) }
}

/// Finds where access units begin, and where their pictures come in output order.
#[derive(Debug)]
pub(super) enum Pictures {
    Avc(Box<avc::AccessUnits>),
    Hevc {
        units: Box<hevc::AccessUnits>,
        sets: Box<hevc::ParameterSets>,
        /// The highest low bits seen: a count that wraps was above half its range before, and so tells its width.
        highest: u16,
    },
}

/// The low bits of a picture order count, and how many there are (H.264 §8.2.1.1, H.265 §8.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) low: u16,
    pub(super) bits: u8,
    /// The count begins anew with this picture.
    pub(super) is_reset: bool,
    /// The picture is one field.
    pub(super) is_field: bool,
    /// The low bits of the pictures behind it are relative to this one.
    pub(super) is_reference: bool,
}

impl Order {
    /// By how much this picture comes after `other` in output order.
    pub(super) fn after(self, other: Self) -> i64 {
        let modulus = 1_i64 << self.bits.min(16);
        let ahead = (i64::from(self.low) - i64::from(other.low)).rem_euclid(modulus);
        if ahead >= modulus / 2 { ahead - modulus } else { ahead }
    }
}

impl Pictures {
    pub(super) fn new(codec: Codec) -> Self {
        match codec {
            Codec::Avc => Self::Avc(Box::default()),
            Codec::Hevc => Self::Hevc { units: Box::default(), sets: Box::default(), highest: 0 },
        }
    }

    /// What comes does not continue what was.
    pub(super) fn restart(&mut self) {
        match self {
            Self::Avc(units) => **units = avc::AccessUnits::with_sets(units.sets().clone()),
            Self::Hevc { units, .. } => **units = hevc::AccessUnits::new(),
        }
    }

    /// Takes the next NAL unit. Whether an access unit begins with it.
    pub(super) fn begins(&mut self, nal: &[u8]) -> bool {
        match self {
            Self::Avc(units) => units.begins(nal),
            Self::Hevc { units, sets, .. } => {
                sets.learn(nal);
                units.begins(nal)
            }
        }
    }

    /// The order of the picture whose first slice `nal` was taken last; `None` when the stream does not count pictures.
    pub(super) fn order(&mut self, nal: &[u8]) -> Option<Order> {
        match self {
            Self::Avc(units) => {
                let slice = units.slice()?;
                let avc::PicOrder::Counted { lsb_bits } = units.sets().sps(slice.sps_id)?.pic_order else {
                    return None;
                };
                Some(Order {
                    low: slice.pic_order_lsb,
                    bits: lsb_bits,
                    is_reset: slice.idr,
                    is_field: slice.field,
                    is_reference: slice.ref_idc != 0,
                })
            }
            Self::Hevc { sets, highest, .. } => {
                let low = sets.slice_header(nal)?.pic_order_lsb;
                *highest = low.max(*highest);
                let bits = (u16::BITS - highest.leading_zeros()).max(4) as u8;
                let [head, layer, ..] = *nal else { return None };
                let kind = head >> 1 & 63;
                // `prevTid0Pic`: of the lowest temporal layer, and no leading or unreferenced picture.
                let is_reference = layer & 7 == 1 && matches!(kind, 1 | 16..=21);
                Some(Order { low, bits, is_reset: (16..=20).contains(&kind), is_field: false, is_reference })
            }
        }
    }
}
