//! Quantizer, segmentation and their deltas (§5.9.12 to §5.9.18).

use super::Reader;
use crate::av1::sequence::SequenceHeader;
use crate::bits::Bits;

/// `SEG_LVL_MAX` features: bits of each value, and whether it has a sign.
const FEATURES: [(u32, bool); 8] =
    [(8, true), (6, true), (6, true), (6, true), (6, true), (3, false), (0, false), (0, false)];

/// Change of the quantizer index in each segment, where one is stated (`SEG_LVL_ALT_Q`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::av1) struct Segmentation {
    quantizer: [Option<i16>; 8],
}

impl Segmentation {
    /// `previous` is of the primary reference frame.
    pub(super) fn read(bits: &mut Bits<'_>, previous: Option<Self>) -> Option<Self> {
        let mut out = Self::default();
        if !bits.flag()? {
            return Some(out);
        }
        if let Some(previous) = previous {
            // segmentation_update_map, segmentation_temporal_update
            if bits.flag()? {
                bits.skip(1)?;
            }
            // segmentation_update_data
            if !bits.flag()? {
                return Some(previous);
            }
        }
        for segment in &mut out.quantizer {
            for (at, (width, signed)) in FEATURES.into_iter().enumerate() {
                if !bits.flag()? {
                    continue;
                }
                if at == 0 {
                    *segment = Some(signed_value(bits, width + 1)?.clamp(-255, 255));
                } else {
                    bits.take(width + u32::from(signed))?;
                }
            }
        }
        Some(out)
    }
}

/// What `quantization_params` says, as far as it decides about losslessness.
pub(super) struct Quantizer {
    base: u8,
    has_deltas: bool,
}

impl Quantizer {
    pub(super) fn read(bits: &mut Bits<'_>, sequence: &SequenceHeader) -> Option<Self> {
        let base = bits.take(8)? as u8;
        let mut has_deltas = delta(bits)?;
        if !sequence.mono_chrome {
            let different = sequence.separate_uv_delta_q && bits.flag()?;
            for _ in 0..if different { 4 } else { 2 } {
                has_deltas |= delta(bits)?;
            }
        }
        // using_qmatrix, qm_y, qm_u, qm_v
        if bits.flag()? {
            bits.skip(if sequence.separate_uv_delta_q { 12 } else { 8 })?;
        }
        Some(Self { base, has_deltas })
    }

    /// `CodedLossless`.
    pub(super) fn is_lossless(&self, segmentation: &Segmentation) -> bool {
        !self.has_deltas && segmentation.quantizer.iter().all(|change| i16::from(self.base) + change.unwrap_or(0) <= 0)
    }
}

impl Reader<'_, '_> {
    /// `delta_q_params` and `delta_lf_params`.
    pub(super) fn delta_q_and_lf(&mut self, quantizer: &Quantizer) -> Option<()> {
        if quantizer.base == 0 || !self.bits.flag()? {
            return Some(());
        }
        // delta_q_res
        self.bits.skip(2)?;
        if !self.allow_intrabc && self.bits.flag()? {
            // delta_lf_res, delta_lf_multi
            self.bits.skip(3)?;
        }
        Some(())
    }
}

/// `read_delta_q`: whether it is not zero.
fn delta(bits: &mut Bits<'_>) -> Option<bool> {
    Some(bits.flag()? && bits.take(7)? != 0)
}

/// `su(n)` (§4.10.6), at most 16 bits.
fn signed_value(bits: &mut Bits<'_>, width: u32) -> Option<i16> {
    let value = bits.take(width)? as i32;
    let sign = 1 << (width - 1);
    i16::try_from((value & (sign - 1)) - (value & sign)).ok()
}
