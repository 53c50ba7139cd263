//! `scaling_list_data` (ITU-T H.265 §7.3.4).

use crate::bits::NalBits;

/// Passes over it.
pub(super) fn skip_scaling_lists(bits: &mut NalBits<'_>) -> Option<()> {
    for size in 0..4 {
        for _ in (0..6).step_by(if size == 3 { 3 } else { 1 }) {
            if !bits.flag()? {
                bits.ue()?; // scaling_list_pred_matrix_id_delta
                continue;
            }
            if size > 1 {
                bits.se()?; // scaling_list_dc_coef_minus8
            }
            for _ in 0..if size == 0 { 16 } else { 64 } {
                bits.se()?; // scaling_list_delta_coef
            }
        }
    }
    Some(())
}
