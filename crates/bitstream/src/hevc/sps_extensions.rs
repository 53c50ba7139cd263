//! `sps_range_extension` to `sps_scc_extension` (ITU-T H.265 §7.3.2.2.2, §7.3.2.2.3, §F.7.3.2.2.4, §I.7.3.2.2.5).

use crate::bits::NalBits;

/// What slice headers need of them.
#[derive(Default)]
pub(super) struct Extensions {
    pub(super) integer_mv_by_slice: bool,
}

impl Extensions {
    /// From `sps_extension_present_flag`.
    pub(super) fn read(bits: &mut NalBits<'_>, chroma_format: u8, depths: (u8, u8)) -> Option<Self> {
        let mut extensions = Self::default();
        if !bits.flag()? {
            return Some(extensions);
        }
        let (range, multilayer, three_d, screen) = (bits.flag()?, bits.flag()?, bits.flag()?, bits.flag()?);
        bits.skip(4)?; // sps_extension_4bits
        if range {
            bits.skip(9)?;
        }
        if multilayer {
            bits.flag()?; // inter_view_mv_vert_constraint_flag
        }
        if three_d {
            skip_three_d(bits)?;
        }
        if screen {
            extensions.screen_content(bits, chroma_format, depths)?;
        }
        Some(extensions)
    }

    fn screen_content(&mut self, bits: &mut NalBits<'_>, chroma_format: u8, depths: (u8, u8)) -> Option<()> {
        bits.flag()?; // sps_curr_pic_ref_enabled_flag
        if bits.flag()? {
            bits.ue()?; // palette_max_size
            bits.ue()?; // delta_palette_max_predictor_size
            if bits.flag()? {
                let count = bits.ue()?;
                for component in 0..if chroma_format == 0 { 1 } else { 3 } {
                    let depth = if component == 0 { depths.0 } else { depths.1 };
                    for _ in 0..=count {
                        bits.take(depth.into())?; // sps_palette_predictor_initializer; ends with the bytes
                    }
                }
            }
        }
        self.integer_mv_by_slice = bits.take(2)? == 2;
        bits.flag()?; // intra_boundary_filtering_disabled_flag
        Some(())
    }
}

/// `sps_3d_extension`, first of the texture, then of the depth layers.
fn skip_three_d(bits: &mut NalBits<'_>) -> Option<()> {
    bits.skip(2)?; // iv_di_mc_enabled_flag, iv_mv_scal_enabled_flag
    bits.ue()?; // log2_ivmc_sub_pb_size_minus3
    bits.skip(4)?; // iv_res_pred_enabled_flag to dbbp_enabled_flag
    bits.skip(2 + 1)?; // the same two, tex_mc_enabled_flag
    bits.ue()?; // log2_texmc_sub_pb_size_minus3
    bits.skip(5) // intra_contour_enabled_flag to skip_intra_enabled_flag
}
