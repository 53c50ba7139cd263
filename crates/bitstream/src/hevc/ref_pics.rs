//! `st_ref_pic_set` (ITU-T H.265 §7.3.7, §7.4.8).

use crate::bits::NalBits;

/// `sps_max_dec_pic_buffering_minus1` is at most 15 (§A.4.2), and a picture never refers to more.
const MOST: usize = 16;

/// A short-term reference picture set: `NumNegativePics` entries before the picture in output order, nearest first,
/// then `NumPositivePics` behind it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct RefPicSet {
    negative: u8,
    count: u8,
    /// Differences of picture order count.
    deltas: [i32; MOST],
    /// `UsedByCurrPic`, one bit an entry, the lowest for the first.
    used: u16,
}

impl RefPicSet {
    /// `st_ref_pic_set( known.len() )` of a sequence parameter set, or of a slice header when `in_slice`; `known` are the
    /// sets of the sequence before it.
    pub(super) fn read(bits: &mut NalBits<'_>, known: &[RefPicSet], in_slice: bool) -> Option<Self> {
        if !known.is_empty() && bits.flag()? {
            return Self::predicted(bits, known, in_slice);
        }
        let (negative, positive) = (bits.ue_up_to(MOST as u32)?, bits.ue_up_to(MOST as u32)?);
        let mut set = Self::default();
        for (count, sign) in [(negative, -1), (positive, 1)] {
            let mut delta = 0i32;
            for _ in 0..count {
                delta += sign * (bits.ue_up_to(0x7fff)? as i32 + 1);
                let used = bits.flag()?;
                set.push(delta, used)?;
            }
        }
        set.negative = negative as u8;
        Some(set)
    }

    /// How many of its pictures the current one may refer to.
    pub(super) fn used(&self) -> u32 {
        self.used.count_ones()
    }

    fn push(&mut self, delta: i32, used: bool) -> Option<()> {
        *self.deltas.get_mut(usize::from(self.count))? = delta;
        self.used |= u16::from(used) << self.count;
        self.count += 1;
        Some(())
    }

    /// With `inter_ref_pic_set_prediction_flag` (§7.4.8, equations 7-61 and 7-62).
    fn predicted(bits: &mut NalBits<'_>, known: &[RefPicSet], in_slice: bool) -> Option<Self> {
        let back = if in_slice { bits.ue()? as usize + 1 } else { 1 };
        let base = known.get(known.len().checked_sub(back)?)?;
        let negative = bits.flag()?;
        let shift = bits.ue_up_to(0x7fff)? as i32 + 1;
        let shift = if negative { -shift } else { shift };
        let count = usize::from(base.count);
        // Bit `j` is of entry `j` of the base set, and the last of the base's own picture.
        let (mut used, mut kept) = (0u32, 0u32);
        for entry in 0..=count {
            let is_used = bits.flag()?;
            let is_kept = is_used || bits.flag()?; // use_delta_flag
            used |= u32::from(is_used) << entry;
            kept |= u32::from(is_kept) << entry;
        }
        let mut set = Self::default();
        let take = |set: &mut Self, entry: usize, wanted_sign: i32| {
            let delta = if entry == count { shift } else { base.deltas[entry].checked_add(shift)? };
            if delta.signum() == wanted_sign && kept >> entry & 1 == 1 {
                set.push(delta, used >> entry & 1 == 1)?;
            }
            Some(())
        };
        let split = usize::from(base.negative);
        for entry in (split..count).rev().chain([count]).chain(0..split) {
            take(&mut set, entry, -1)?;
        }
        set.negative = set.count;
        for entry in (0..split).rev().chain([count]).chain(split..count) {
            take(&mut set, entry, 1)?;
        }
        Some(set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(entries: &[(i32, bool)]) -> RefPicSet {
        let mut set = RefPicSet::default();
        for &(delta, used) in entries {
            set.push(delta, used).expect("at most 16");
            set.negative += u8::from(delta < 0);
        }
        set
    }

    #[test]
    fn a_predicted_set_is_its_base_seen_from_another_picture() {
        let base = set(&[(-1, true), (-3, false), (2, true)]);
        // inter 1, sign 1 (negative), abs_delta_rps_minus1 0 (-1); used: 1, 1, (0, kept 1), 1.
        let nal = [0b1111_1011, 0];
        let read = RefPicSet::read(&mut NalBits::new(&nal), &[base], false).expect("valid");
        assert_eq!(read, set(&[(-1, true), (-2, true), (-4, true), (1, false)]));
        assert_eq!(read.used(), 3);
    }
}
