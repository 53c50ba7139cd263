//! The picture parameter set (ITU-T H.265 §7.3.2.3).

use super::scaling::skip_scaling_lists;
use crate::bits::NalBits;

/// A picture parameter set: what slice headers and configuration records need of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pps {
    /// `pps_pic_parameter_set_id`, 0 to 63.
    pub id: u8,
    /// `pps_seq_parameter_set_id`, 0 to 15.
    pub sps_id: u8,
    /// `dependent_slice_segments_enabled_flag`.
    pub dependent_segments: bool,
    /// `output_flag_present_flag`.
    pub output_flag: bool,
    /// `num_extra_slice_header_bits`, 0 to 7.
    pub extra_header_bits: u8,
    /// `cabac_init_present_flag`.
    pub cabac_init: bool,
    /// `num_ref_idx_l0_default_active_minus1 + 1`: 1 to 15.
    pub refs_l0: u8,
    /// `num_ref_idx_l1_default_active_minus1 + 1`: 1 to 15.
    pub refs_l1: u8,
    /// `pps_slice_chroma_qp_offsets_present_flag`.
    pub slice_chroma_qp: bool,
    /// `weighted_pred_flag`.
    pub weighted: bool,
    /// `weighted_bipred_flag`.
    pub weighted_bi: bool,
    /// `tiles_enabled_flag`.
    pub tiles: bool,
    /// `entropy_coding_sync_enabled_flag`: wavefronts.
    pub wavefronts: bool,
    /// `pps_loop_filter_across_slices_enabled_flag`.
    pub loop_filter_across_slices: bool,
    /// `deblocking_filter_override_enabled_flag`.
    pub deblocking_override: bool,
    /// `pps_deblocking_filter_disabled_flag`.
    pub deblocking_disabled: bool,
    /// `lists_modification_present_flag`.
    pub lists_modification: bool,
    /// `slice_segment_header_extension_present_flag`.
    pub header_extension: bool,
    /// `chroma_qp_offset_list_enabled_flag`.
    pub chroma_qp_list: bool,
    /// `pps_curr_pic_ref_enabled_flag`: a picture may refer to itself.
    pub current_picture_ref: bool,
    /// `pps_slice_act_qp_offsets_present_flag`.
    pub slice_act_qp: bool,
}

impl Pps {
    /// Reads a NAL unit with its header and emulation prevention. `None` when it is cut short, nonsensical or not of
    /// the base layer, or uses screen content coding along with several layers.
    pub fn parse(nal: &[u8]) -> Option<Pps> {
        super::nal::layer(nal).filter(|&layer| layer == 0)?;
        let mut bits = NalBits::new(nal);
        bits.skip(16)?;
        let mut pps = Pps { id: bits.ue_up_to(63)? as u8, sps_id: bits.ue_up_to(15)? as u8, ..Pps::default() };
        pps.dependent_segments = bits.flag()?;
        pps.output_flag = bits.flag()?;
        pps.extra_header_bits = bits.byte(3)?;
        bits.flag()?; // sign_data_hiding_enabled_flag
        pps.cabac_init = bits.flag()?;
        pps.refs_l0 = bits.ue_up_to(14)? as u8 + 1;
        pps.refs_l1 = bits.ue_up_to(14)? as u8 + 1;
        bits.se()?; // init_qp_minus26
        bits.flag()?; // constrained_intra_pred_flag
        let transform_skip = bits.flag()?;
        if bits.flag()? {
            bits.ue()?; // diff_cu_qp_delta_depth
        }
        bits.se()?; // pps_cb_qp_offset
        bits.se()?; // pps_cr_qp_offset
        pps.slice_chroma_qp = bits.flag()?;
        pps.weighted = bits.flag()?;
        pps.weighted_bi = bits.flag()?;
        bits.flag()?; // transquant_bypass_enabled_flag
        pps.tiles = bits.flag()?;
        pps.wavefronts = bits.flag()?;
        if pps.tiles {
            skip_tiles(&mut bits)?;
        }
        pps.loop_filter_across_slices = bits.flag()?;
        pps.deblocking(&mut bits)?;
        if bits.flag()? {
            skip_scaling_lists(&mut bits)?;
        }
        pps.lists_modification = bits.flag()?;
        bits.ue()?; // log2_parallel_merge_level_minus2
        pps.header_extension = bits.flag()?;
        if bits.flag()? {
            pps.extensions(&mut bits, transform_skip)?;
        }
        Some(pps)
    }

    fn deblocking(&mut self, bits: &mut NalBits<'_>) -> Option<()> {
        if bits.flag()? {
            self.deblocking_override = bits.flag()?;
            self.deblocking_disabled = bits.flag()?;
            if !self.deblocking_disabled {
                bits.se()?; // pps_beta_offset_div2
                bits.se()?; // pps_tc_offset_div2
            }
        }
        Some(())
    }

    /// `pps_range_extension` (§7.3.2.3.2) and the part of `pps_scc_extension` (§7.3.2.3.3) that slice headers need.
    fn extensions(&mut self, bits: &mut NalBits<'_>, transform_skip: bool) -> Option<()> {
        let (range, multilayer, three_d, screen) = (bits.flag()?, bits.flag()?, bits.flag()?, bits.flag()?);
        bits.skip(4)?; // pps_extension_4bits
        if range {
            if transform_skip {
                bits.ue()?; // log2_max_transform_skip_block_size_minus2
            }
            bits.flag()?; // cross_component_prediction_enabled_flag
            self.chroma_qp_list = bits.flag()?;
            if self.chroma_qp_list {
                bits.ue()?; // diff_cu_chroma_qp_offset_depth
                for _ in 0..=bits.ue_up_to(5)? {
                    bits.se()?; // cb_qp_offset_list
                    bits.se()?; // cr_qp_offset_list
                }
            }
            bits.ue()?; // log2_sao_offset_scale_luma
            bits.ue()?; // log2_sao_offset_scale_chroma
        }
        if !screen {
            return Some(());
        }
        if multilayer || three_d {
            return None;
        }
        self.current_picture_ref = bits.flag()?;
        if bits.flag()? {
            self.slice_act_qp = bits.flag()?;
        }
        Some(())
    }
}

fn skip_tiles(bits: &mut NalBits<'_>) -> Option<()> {
    // Table A.8: at most 20 columns and 22 rows; unlimited by level 8.5.
    let (columns, rows) = (bits.ue_up_to(0xffff)?, bits.ue_up_to(0xffff)?);
    if !bits.flag()? {
        for _ in 0..columns + rows {
            bits.ue()?; // column_width_minus1, row_height_minus1
        }
    }
    bits.flag()?; // loop_filter_across_tiles_enabled_flag
    Some(())
}
