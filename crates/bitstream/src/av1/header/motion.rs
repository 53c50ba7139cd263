//! Global motion (§5.9.24 to §5.9.29): its codes are relative to the values of the primary reference frame.

use super::tiles::non_symmetric;
use super::{REFERENCES, Reader};
use crate::bits::Bits;

/// `WARPEDMODEL_PREC_BITS`.
const PRECISION: u32 = 16;

/// `gm_params` of each reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::av1) struct Motion([[i32; 6]; REFERENCES]);

impl Default for Motion {
    fn default() -> Self {
        Self([[0, 0, 1 << PRECISION, 0, 0, 1 << PRECISION]; REFERENCES])
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Translation,
    RotZoom,
    Affine,
}

impl Reader<'_, '_> {
    /// `global_motion_params`.
    pub(super) fn global_motion(&mut self) -> Option<Motion> {
        let mut out = Motion::default();
        if self.is_intra() {
            return Some(out);
        }
        let previous = self.primary.map(|slot| self.slots[slot].motion).unwrap_or_default();
        for (new, old) in out.0.iter_mut().zip(&previous.0) {
            // is_global, is_rot_zoom, is_translation
            if !self.bits.flag()? {
                continue;
            }
            let kind = if self.bits.flag()? {
                Kind::RotZoom
            } else if self.bits.flag()? {
                Kind::Translation
            } else {
                Kind::Affine
            };
            let coarse = u32::from(!self.high_precision_mv);
            let mut read = |at: usize| parameter(&mut self.bits, kind, at, old[at], coarse);
            if kind != Kind::Translation {
                (new[2], new[3]) = (read(2)?, read(3)?);
                (new[4], new[5]) = if kind == Kind::Affine { (read(4)?, read(5)?) } else { (-new[3], new[2]) };
            }
            (new[0], new[1]) = (read(0)?, read(1)?);
        }
        Some(out)
    }
}

/// `read_global_param`.
fn parameter(bits: &mut Bits<'_>, kind: Kind, at: usize, old: i32, coarse: u32) -> Option<i32> {
    let (range_bits, precision) = match (at < 2, kind) {
        (true, Kind::Translation) => (9 - coarse, 3 - coarse),
        (true, _) => (12, 6),
        (false, _) => (12, 15),
    };
    let shift = PRECISION - precision;
    let (round, base) = if at % 3 == 2 { (1 << PRECISION, 1 << precision) } else { (0, 0) };
    let max = 1 << range_bits;
    let value = signed_subexp(bits, -max, max + 1, (old >> shift) - base)?;
    Some((value << shift) + round)
}

/// `decode_signed_subexp_with_ref`.
fn signed_subexp(bits: &mut Bits<'_>, low: i32, high: i32, reference: i32) -> Option<i32> {
    let (max, reference) = (high - low, reference - low);
    let value = subexp(bits, max)?;
    let unsigned = match reference << 1 <= max {
        true => recenter(reference, value),
        false => max - 1 - recenter(max - 1 - reference, value),
    };
    Some(unsigned + low)
}

/// `decode_subexp`.
fn subexp(bits: &mut Bits<'_>, count: i32) -> Option<i32> {
    let (mut from, mut width) = (0, 3);
    let mut first = true;
    loop {
        let span = 1 << width;
        if count <= from + 3 * span {
            let left = u32::try_from(count - from).ok().filter(|left| *left > 0)?;
            return Some(non_symmetric(bits, left)? as i32 + from);
        }
        // subexp_more_bits
        if !bits.flag()? {
            return Some(bits.take(width)? as i32 + from);
        }
        from += span;
        // The first two spans are of one size.
        width += u32::from(!first);
        first = false;
    }
}

/// `inverse_recenter`.
fn recenter(reference: i32, value: i32) -> i32 {
    if value > 2 * reference {
        value
    } else if value & 1 == 1 {
        reference - ((value + 1) >> 1)
    } else {
        reference + (value >> 1)
    }
}
