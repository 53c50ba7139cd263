//! The slice segment header (ITU-T H.265 §7.3.6.1).

use super::ref_pics::RefPicSet;
use super::weights::{OwnEntries, skip_weights};
use super::{NalType, ParameterSets, Pps, Sps};
use crate::bits::NalBits;

/// What a slice segment header says about its picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SliceHeader {
    /// What the NAL unit holds.
    pub nal_type: NalType,
    /// `first_slice_segment_in_pic_flag`.
    pub first_in_picture: bool,
    /// `slice_pic_parameter_set_id`.
    pub pps_id: u8,
    /// `dependent_slice_segment_flag`: the fields below are those of the slice's first segment, and 0 here.
    pub dependent: bool,
    /// `slice_type`: 0 B, 1 P, 2 I.
    pub slice_type: u8,
    /// `slice_pic_order_cnt_lsb`, 0 in IDR pictures.
    pub pic_order_lsb: u16,
}

const B: u8 = 0;
const I: u8 = 2;

/// What later fields depend on.
#[derive(Default)]
struct References {
    /// `NumPicTotalCurr`.
    total: u32,
    temporal_mvp: bool,
}

impl SliceHeader {
    /// Reads all of it but `byte_alignment()`, so that `bits` stands before that.
    pub(super) fn read(bits: &mut NalBits<'_>, sets: &ParameterSets) -> Option<Self> {
        let nal_header = bits.take(16)?;
        let nal_type = NalType::of(&nal_header.to_be_bytes()[2..]).filter(|kind| kind.is_slice())?;
        let first_in_picture = bits.flag()?;
        if nal_type.is_irap() {
            bits.flag()?; // no_output_of_prior_pics_flag
        }
        let pps = sets.pps(bits.ue_up_to(63)? as u8)?;
        let sps = sets.sps(pps.sps_id)?;
        let mut dependent = false;
        if !first_in_picture {
            dependent = pps.dependent_segments && bits.flag()?;
            let last_address = sps.picture_blocks.checked_sub(1)?;
            bits.take(u32::BITS - last_address.leading_zeros())?; // slice_segment_address
        }
        let mut header =
            Self { nal_type, first_in_picture, pps_id: pps.id, dependent, slice_type: 0, pic_order_lsb: 0 };
        if !dependent {
            header.independent(bits, sps, pps)?;
        }
        if pps.tiles || pps.wavefronts {
            entry_points(bits)?;
        }
        if pps.header_extension {
            let bytes = bits.ue_up_to(256)?;
            bits.skip(bytes as usize * 8)?;
        }
        Some(header)
    }

    /// From `slice_reserved_flag` to `slice_loop_filter_across_slices_enabled_flag`.
    fn independent(&mut self, bits: &mut NalBits<'_>, sps: &Sps, pps: &Pps) -> Option<()> {
        bits.skip(pps.extra_header_bits.into())?;
        self.slice_type = bits.ue_up_to(2)? as u8;
        if pps.output_flag {
            bits.flag()?; // pic_output_flag
        }
        if sps.separate_planes {
            bits.skip(2)?; // colour_plane_id
        }
        let mut references = References::default();
        if !self.nal_type.is_idr() {
            self.pic_order_lsb = bits.take(sps.slices.poc_lsb_bits.into())? as u16;
            references = References::read(bits, sps)?;
        }
        references.total += u32::from(pps.current_picture_ref);
        let colour = sps.chroma_array_type() != 0;
        let mut filtered = false;
        if sps.slices.sample_adaptive_offset {
            filtered = bits.flag()?; // slice_sao_luma_flag
            filtered |= colour && bits.flag()?; // slice_sao_chroma_flag
        }
        if self.slice_type != I {
            self.prediction(bits, sps, pps, &references)?;
        }
        bits.se()?; // slice_qp_delta
        for _ in 0..2 * u32::from(pps.slice_chroma_qp) + 3 * u32::from(pps.slice_act_qp) {
            bits.se()?; // slice_cb_qp_offset to slice_act_cr_qp_offset
        }
        if pps.chroma_qp_list {
            bits.flag()?; // cu_chroma_qp_offset_enabled_flag
        }
        let mut deblocking_disabled = pps.deblocking_disabled;
        if pps.deblocking_override && bits.flag()? {
            deblocking_disabled = bits.flag()?;
            if !deblocking_disabled {
                bits.se()?; // slice_beta_offset_div2
                bits.se()?; // slice_tc_offset_div2
            }
        }
        if pps.loop_filter_across_slices && (filtered || !deblocking_disabled) {
            bits.flag()?; // slice_loop_filter_across_slices_enabled_flag
        }
        Some(())
    }

    /// From `num_ref_idx_active_override_flag` to `use_integer_mv_flag`.
    fn prediction(&self, bits: &mut NalBits<'_>, sps: &Sps, pps: &Pps, references: &References) -> Option<()> {
        let two_lists = self.slice_type == B;
        let (mut refs_l0, mut refs_l1) = (u32::from(pps.refs_l0), u32::from(pps.refs_l1));
        if bits.flag()? {
            refs_l0 = bits.ue_up_to(14)? + 1;
            if two_lists {
                refs_l1 = bits.ue_up_to(14)? + 1;
            }
        }
        let refs_l1 = if two_lists { refs_l1 } else { 0 };
        let modified = pps.lists_modification && references.total > 1;
        let own = |entry: u32| pps.current_picture_ref && entry % references.total == references.total - 1;
        let mut lists = [(refs_l0, OwnEntries::default()), (refs_l1, OwnEntries::default())];
        for (list, (count, entries)) in lists.iter_mut().enumerate().take(1 + usize::from(two_lists)) {
            let explicit = modified && bits.flag()?;
            for at in 0..*count {
                let entry = if explicit { bits.take(index_bits(references.total))? } else { at };
                // §8.3.4: without a modification the first list ends with the current picture.
                let ends = list == 0 && !explicit && at + 1 == *count && references.total > *count;
                if own(entry) || pps.current_picture_ref && ends {
                    entries.mark(at);
                }
            }
        }
        if two_lists {
            bits.flag()?; // mvd_l1_zero_flag
        }
        if pps.cabac_init {
            bits.flag()?; // cabac_init_flag
        }
        if references.temporal_mvp {
            let from_l0 = !two_lists || bits.flag()?;
            if if from_l0 { refs_l0 > 1 } else { refs_l1 > 1 } {
                bits.ue()?; // collocated_ref_idx
            }
        }
        if if two_lists { pps.weighted_bi } else { pps.weighted } {
            skip_weights(bits, lists, sps.chroma_array_type() != 0)?;
        }
        bits.ue()?; // five_minus_max_num_merge_cand
        if sps.slices.integer_mv_by_slice {
            bits.flag()?; // use_integer_mv_flag
        }
        Some(())
    }
}

/// `Ceil( Log2( count ) )`.
fn index_bits(count: u32) -> u32 {
    u32::BITS - count.saturating_sub(1).leading_zeros()
}

impl References {
    /// From `short_term_ref_pic_set_sps_flag` to `slice_temporal_mvp_enabled_flag`.
    fn read(bits: &mut NalBits<'_>, sps: &Sps) -> Option<Self> {
        let sets = &sps.slices.ref_pic_sets;
        let mut total = if bits.flag()? {
            let index = bits.take(index_bits(sets.len() as u32))?;
            sets.get(index as usize)?.used()
        } else {
            RefPicSet::read(bits, sets, true)?.used()
        };
        if sps.slices.long_term_refs {
            total += long_term(bits, sps)?;
        }
        let temporal_mvp = sps.slices.temporal_mvp && bits.flag()?;
        Some(Self { total, temporal_mvp })
    }
}

/// The long-term pictures; gives how many of them the current picture may refer to.
fn long_term(bits: &mut NalBits<'_>, sps: &Sps) -> Option<u32> {
    let known = u32::from(sps.slices.long_term_count);
    let from_sps = if known > 0 { bits.ue_up_to(32)? } else { 0 };
    let own = bits.ue_up_to(32)?;
    let mut used = 0;
    for at in 0..from_sps + own {
        if at < from_sps {
            let index = bits.take(index_bits(known))?; // lt_idx_sps
            used += u32::from(sps.slices.long_term_used >> index & 1 == 1);
        } else {
            bits.skip(sps.slices.poc_lsb_bits.into())?;
            used += u32::from(bits.flag()?);
        }
        if bits.flag()? {
            bits.ue()?; // delta_poc_msb_cycle_lt
        }
    }
    Some(used)
}

fn entry_points(bits: &mut NalBits<'_>) -> Option<()> {
    let count = bits.ue()?;
    if count > 0 {
        let width = bits.ue_up_to(31)? + 1;
        bits.skip(usize::try_from(u64::from(count) * u64::from(width)).ok()?)?;
    }
    Some(())
}
