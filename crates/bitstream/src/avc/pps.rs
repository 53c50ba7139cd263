//! The picture parameter set (ITU-T H.264 §7.3.2.2), up to what slice headers need.

use crate::bits::NalBits;

/// Slice groups that change from picture to picture (`slice_group_map_type` 3 to 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SliceGroupChange {
    /// `SliceGroupChangeRate` in map units, at least 1.
    pub rate: u32,
}

/// A picture parameter set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pps {
    /// `pic_parameter_set_id`.
    pub id: u8,
    /// `seq_parameter_set_id`, 0 to 31.
    pub sps_id: u8,
    /// `entropy_coding_mode_flag`: CABAC.
    pub cabac: bool,
    /// `bottom_field_pic_order_in_frame_present_flag`.
    pub bottom_field_order: bool,
    /// `num_slice_groups_minus1 + 1`: 1 to 8.
    pub slice_groups: u8,
    /// Of groups that change.
    pub slice_group_change: Option<SliceGroupChange>,
    /// `num_ref_idx_l0_default_active_minus1 + 1`: 1 to 32.
    pub refs_l0: u8,
    /// `num_ref_idx_l1_default_active_minus1 + 1`: 1 to 32.
    pub refs_l1: u8,
    /// `weighted_pred_flag`.
    pub weighted: bool,
    /// `weighted_bipred_idc`: 0 to 2.
    pub weighted_bi: u8,
    /// `deblocking_filter_control_present_flag`.
    pub deblocking_control: bool,
    /// `redundant_pic_cnt_present_flag`.
    pub redundant_pics: bool,
}

impl Pps {
    /// Reads a NAL unit with its header byte and emulation prevention. `None` when it is cut short or nonsensical.
    pub fn parse(nal: &[u8]) -> Option<Pps> {
        let mut bits = NalBits::new(nal);
        bits.skip(8)?;
        let id = bits.ue_up_to(255)? as u8;
        let sps_id = bits.ue_up_to(31)? as u8;
        let cabac = bits.flag()?;
        let bottom_field_order = bits.flag()?;
        let slice_groups = bits.ue_up_to(7)? as u8 + 1;
        let slice_group_change = if slice_groups > 1 { slice_group_map(&mut bits, slice_groups)? } else { None };
        let refs_l0 = bits.ue_up_to(31)? as u8 + 1;
        let refs_l1 = bits.ue_up_to(31)? as u8 + 1;
        let weighted = bits.flag()?;
        let weighted_bi = bits.byte(2)?;
        bits.se()?; // pic_init_qp_minus26
        bits.se()?; // pic_init_qs_minus26
        bits.se()?; // chroma_qp_index_offset
        let deblocking_control = bits.flag()?;
        bits.flag()?; // constrained_intra_pred_flag
        let redundant_pics = bits.flag()?;
        Some(Pps {
            id,
            sps_id,
            cabac,
            bottom_field_order,
            slice_groups,
            slice_group_change,
            refs_l0,
            refs_l1,
            weighted,
            weighted_bi,
            deblocking_control,
            redundant_pics,
        })
    }
}

#[expect(clippy::option_option, reason = "cut short is not unchanging")]
fn slice_group_map(bits: &mut NalBits<'_>, groups: u8) -> Option<Option<SliceGroupChange>> {
    match bits.ue_up_to(6)? {
        0 => {
            for _ in 0..groups {
                bits.ue()?; // run_length_minus1
            }
        }
        2 => {
            for _ in 1..groups {
                bits.ue()?; // top_left
                bits.ue()?; // bottom_right
            }
        }
        3..=5 => {
            bits.flag()?; // slice_group_change_direction_flag
            return Some(Some(SliceGroupChange { rate: bits.ue()?.checked_add(1)? }));
        }
        6 => {
            let count = u64::from(bits.ue()?) + 1;
            let width = u8::BITS - (groups - 1).leading_zeros();
            for _ in 0..count {
                bits.take(width)?; // slice_group_id; ends with the bytes
            }
        }
        _ => {}
    }
    Some(None)
}
