//! The slice header (ITU-T H.264 §7.3.3).

use super::{NalType, ParameterSets, PicOrder, Pps, Sps};
use crate::bits::NalBits;

/// What a slice header says about its picture: the fields by which pictures are told apart (§7.4.1.2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SliceHeader {
    /// Of an instantaneous decoding refresh picture.
    pub idr: bool,
    /// `nal_ref_idc`: 0 when no other picture refers to this one.
    pub ref_idc: u8,
    /// `first_mb_in_slice`.
    pub first_mb: u32,
    /// `slice_type` modulo 5: 0 P, 1 B, 2 I, 3 SP, 4 SI.
    pub slice_type: u8,
    /// `pic_parameter_set_id`.
    pub pps_id: u8,
    /// `seq_parameter_set_id` of that.
    pub sps_id: u8,
    /// `frame_num`.
    pub frame_num: u16,
    /// `field_pic_flag`: one field of a frame.
    pub field: bool,
    /// `bottom_field_flag`.
    pub bottom: bool,
    /// `idr_pic_id`, 0 unless `idr`.
    pub idr_pic_id: u16,
    /// `pic_order_cnt_lsb`, 0 unless counted.
    pub pic_order_lsb: u16,
    /// `delta_pic_order_cnt_bottom`, or `delta_pic_order_cnt[0]` and `[1]`.
    pub pic_order_deltas: [i32; 2],
    /// `redundant_pic_cnt`: above 0 in slices of redundant pictures.
    pub redundant_pic_cnt: u8,
}

const P: u8 = 0;
const B: u8 = 1;
const I: u8 = 2;
const SP: u8 = 3;
const SI: u8 = 4;

impl SliceHeader {
    /// Reads all of it, so that `bits` stands at its end.
    #[inline(always)]
    pub(super) fn read(bits: &mut NalBits<'_>, sets: &ParameterSets) -> Option<Self> {
        let (header, sps, pps) = Self::picture(bits, sets)?;
        header.prediction(bits, sps, pps)?;
        if header.ref_idc != 0 {
            reference_marking(bits, header.idr)?;
        }
        if pps.cabac && !matches!(header.slice_type, I | SI) {
            bits.ue_up_to(2)?; // cabac_init_idc
        }
        bits.se()?; // slice_qp_delta
        if matches!(header.slice_type, SP | SI) {
            if header.slice_type == SP {
                bits.flag()?; // sp_for_switch_flag
            }
            bits.se()?; // slice_qs_delta
        }
        if pps.deblocking_control && bits.ue_up_to(2)? != 1 {
            bits.se()?; // slice_alpha_c0_offset_div2
            bits.se()?; // slice_beta_offset_div2
        }
        if let Some(change) = pps.slice_group_change {
            // Ceil(Log2(PicSizeInMapUnits ÷ SliceGroupChangeRate + 1)), the division being exact.
            let cycles = sps.width_mbs.checked_mul(sps.height_map_units)?.div_ceil(change.rate);
            bits.take(u32::BITS - cycles.leading_zeros())?; // slice_group_change_cycle
        }
        Some(header)
    }

    /// From the NAL unit's header to `redundant_pic_cnt`.
    #[inline(always)]
    pub(super) fn picture<'s>(bits: &mut NalBits<'_>, sets: &'s ParameterSets) -> Option<(Self, &'s Sps, &'s Pps)> {
        let nal_header = bits.byte(8)?;
        let kind = NalType::of(&[nal_header]).filter(|kind| kind.starts_slice())?;
        let first_mb = bits.ue()?;
        let slice_type = bits.ue_up_to(9)? as u8 % 5;
        let pps = sets.pps(bits.ue_up_to(255)? as u8)?;
        let sps = sets.sps(pps.sps_id)?;
        let mut header = Self {
            idr: kind.is_idr(),
            ref_idc: nal_header >> 5 & 3,
            first_mb,
            slice_type,
            pps_id: pps.id,
            sps_id: sps.id,
            frame_num: 0,
            field: false,
            bottom: false,
            idr_pic_id: 0,
            pic_order_lsb: 0,
            pic_order_deltas: [0; 2],
            redundant_pic_cnt: 0,
        };
        if sps.separate_planes {
            bits.skip(2)?; // colour_plane_id
        }
        header.frame_num = bits.take(sps.frame_num_bits.into())? as u16;
        if !sps.frames_only {
            header.field = bits.flag()?;
            header.bottom = header.field && bits.flag()?;
        }
        if header.idr {
            header.idr_pic_id = bits.ue_up_to(65535)? as u16;
        }
        header.pic_order(bits, sps, pps)?;
        if pps.redundant_pics {
            header.redundant_pic_cnt = bits.ue_up_to(127)? as u8;
        }
        Some((header, sps, pps))
    }

    #[inline(always)]
    fn pic_order(&mut self, bits: &mut NalBits<'_>, sps: &Sps, pps: &Pps) -> Option<()> {
        let for_bottom = pps.bottom_field_order && !self.field;
        match sps.pic_order {
            PicOrder::Counted { lsb_bits } => {
                self.pic_order_lsb = bits.take(lsb_bits.into())? as u16;
                if for_bottom {
                    self.pic_order_deltas[0] = bits.se()?;
                }
            }
            PicOrder::Cycles { always_zero: false } => {
                self.pic_order_deltas[0] = bits.se()?;
                if for_bottom {
                    self.pic_order_deltas[1] = bits.se()?;
                }
            }
            PicOrder::Cycles { always_zero: true } | PicOrder::AsDecoded => {}
        }
        Some(())
    }

    /// From `direct_spatial_mv_pred_flag` to `pred_weight_table`.
    #[inline(always)]
    fn prediction(&self, bits: &mut NalBits<'_>, sps: &Sps, pps: &Pps) -> Option<()> {
        if matches!(self.slice_type, I | SI) {
            return Some(());
        }
        let two_lists = self.slice_type == B;
        if two_lists {
            bits.flag()?; // direct_spatial_mv_pred_flag
        }
        let (mut refs_l0, mut refs_l1) = (u32::from(pps.refs_l0), u32::from(pps.refs_l1));
        if bits.flag()? {
            refs_l0 = bits.ue_up_to(31)? + 1;
            if two_lists {
                refs_l1 = bits.ue_up_to(31)? + 1;
            }
        }
        list_modification(bits)?;
        if two_lists {
            list_modification(bits)?;
        }
        let weighted = match self.slice_type {
            P | SP => pps.weighted,
            _ => pps.weighted_bi == 1,
        };
        if weighted {
            let colour = sps.chroma_array_type() != 0;
            bits.ue_up_to(7)?; // luma_log2_weight_denom
            if colour {
                bits.ue_up_to(7)?; // chroma_log2_weight_denom
            }
            for _ in 0..refs_l0 + if two_lists { refs_l1 } else { 0 } {
                weights(bits, colour)?;
            }
        }
        Some(())
    }
}

/// `ref_pic_list_modification` of one list (§7.3.3.1).
#[inline(always)]
fn list_modification(bits: &mut NalBits<'_>) -> Option<()> {
    if bits.flag()? {
        // As many changes as a list has entries, at most 32, and the end.
        for _ in 0..=33 {
            if bits.ue_up_to(3)? == 3 {
                return Some(());
            }
            bits.ue()?; // abs_diff_pic_num_minus1 or long_term_pic_num
        }
        return None;
    }
    Some(())
}

/// One entry of `pred_weight_table` (§7.3.3.2).
#[inline(always)]
fn weights(bits: &mut NalBits<'_>, colour: bool) -> Option<()> {
    if bits.flag()? {
        bits.se()?;
        bits.se()?;
    }
    if colour && bits.flag()? {
        for _ in 0..4 {
            bits.se()?;
        }
    }
    Some(())
}

/// `dec_ref_pic_marking` (§7.3.3.3).
#[inline(always)]
fn reference_marking(bits: &mut NalBits<'_>, idr: bool) -> Option<()> {
    if idr {
        return bits.skip(2); // no_output_of_prior_pics_flag, long_term_reference_flag
    }
    if !bits.flag()? {
        return Some(());
    }
    // Each of at most 16 frames or 32 fields can be marked in a few ways.
    for _ in 0..=66 {
        match bits.ue_up_to(6)? {
            0 => return Some(()),
            1 | 2 | 4 | 6 => {
                bits.ue()?;
            }
            3 => {
                bits.ue()?;
                bits.ue()?;
            }
            _ => {}
        }
    }
    None
}
