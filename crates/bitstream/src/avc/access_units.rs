//! Where access units begin (ITU-T H.264 §7.4.1.2.3, §7.4.1.2.4).

use super::slice::SliceHeader;
use super::{NalType, ParameterSets, PicOrder};
use crate::bits::NalBits;

/// Tells access units of a stream of NAL units apart. The two fields of a frame are two access units.
#[derive(Clone, Debug, Default)]
pub struct AccessUnits {
    sets: ParameterSets,
    /// The last slice of the current access unit; its inner `None`: it could not be read.
    slice: Option<Option<SliceHeader>>,
    begun: bool,
}

impl AccessUnits {
    /// Before the first NAL unit, knowing no parameter sets.
    pub fn new() -> Self {
        Self::default()
    }

    /// Before the first NAL unit of a stream whose parameter sets are known from elsewhere.
    pub fn with_sets(sets: ParameterSets) -> Self {
        Self { sets, slice: None, begun: false }
    }

    /// The parameter sets in force after the last NAL unit.
    pub fn sets(&self) -> &ParameterSets {
        &self.sets
    }

    /// The last slice of the current access unit, when there is one and it can be read.
    pub fn slice(&self) -> Option<&SliceHeader> {
        self.slice.as_ref()?.as_ref()
    }

    /// Takes the next NAL unit, and its parameter set if it is one. `true` when an access unit begins with it, as one
    /// does with the first unit. A slice whose parameter sets are missing begins one when its first macroblock is 0.
    pub fn begins(&mut self, nal: &[u8]) -> bool {
        let Some(kind) = NalType::of(nal) else { return false };
        let begins = if kind.is_vcl() {
            let slice = self.picture(nal, kind);
            let begins = match (&self.slice, &slice) {
                (Some(Some(before)), Some(now)) => now.redundant_pic_cnt == 0 && self.differ(before, now),
                (Some(_), _) => kind.starts_slice() && first_macroblock(nal) == Some(0),
                (None, _) => false,
            };
            if slice.is_none_or(|slice| slice.redundant_pic_cnt == 0) || self.slice.is_none() {
                self.slice = Some(slice);
            }
            begins
        } else {
            let begins = kind.opens_access_unit() && self.slice.is_some();
            if begins {
                self.slice = None;
            }
            begins
        };
        self.sets.learn(nal);
        let first = !std::mem::replace(&mut self.begun, true);
        begins || first
    }

    /// Of whole slices and of partition A, which starts as they do (§7.3.2.9.1); the others belong to the last slice.
    fn picture(&self, nal: &[u8], kind: NalType) -> Option<SliceHeader> {
        if kind.starts_slice() {
            return Some(SliceHeader::picture(&mut NalBits::new(nal), &self.sets)?.0);
        }
        self.slice?
    }

    /// §7.4.1.2.4: whether two slices are of different primary coded pictures. Encoders do change the picture parameter
    /// set within a picture, so another one of the same sequence tells pictures apart at their first macroblock only.
    fn differ(&self, before: &SliceHeader, now: &SliceHeader) -> bool {
        let counted = self.sets.sps(now.sps_id).is_none_or(|sps| sps.pic_order != PicOrder::AsDecoded);
        before.frame_num != now.frame_num
            || before.pps_id != now.pps_id && (before.sps_id != now.sps_id || now.first_mb == 0)
            || before.field != now.field
            || before.bottom != now.bottom
            || (before.ref_idc == 0) != (now.ref_idc == 0)
            || before.idr != now.idr
            || before.idr_pic_id != now.idr_pic_id
            || counted && (before.pic_order_lsb != now.pic_order_lsb || before.pic_order_deltas != now.pic_order_deltas)
    }
}

fn first_macroblock(nal: &[u8]) -> Option<u32> {
    let mut bits = NalBits::new(nal);
    bits.skip(8)?;
    bits.ue()
}
