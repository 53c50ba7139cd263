//! `hrd_parameters` (ITU-T H.265 §E.2.2).

use crate::bits::NalBits;

#[derive(Default)]
struct Common {
    nal: bool,
    vcl: bool,
    sub_pic: bool,
}

/// Passes over `hrd_parameters( common_present, sublayers_minus1 )`.
pub(super) fn skip_hrd(bits: &mut NalBits<'_>, common_present: bool, sublayers_minus1: u8) -> Option<()> {
    let mut common = Common::default();
    if common_present {
        common = common_fields(bits)?;
    }
    for _ in 0..=sublayers_minus1 {
        let fixed_general = bits.flag()?;
        let fixed_within_sequence = fixed_general || bits.flag()?;
        let mut low_delay = false;
        if fixed_within_sequence {
            bits.ue()?; // elemental_duration_in_tc_minus1
        } else {
            low_delay = bits.flag()?;
        }
        let buffers = if low_delay { 1 } else { bits.ue_up_to(31)? + 1 };
        for _ in 0..u32::from(common.nal) + u32::from(common.vcl) {
            for _ in 0..buffers {
                for _ in 0..if common.sub_pic { 4 } else { 2 } {
                    bits.ue()?; // bit rates and buffer sizes
                }
                bits.flag()?; // cbr_flag
            }
        }
    }
    Some(())
}

fn common_fields(bits: &mut NalBits<'_>) -> Option<Common> {
    let (nal, vcl) = (bits.flag()?, bits.flag()?);
    let mut sub_pic = false;
    if nal || vcl {
        sub_pic = bits.flag()?;
        if sub_pic {
            bits.skip(19)?; // tick_divisor_minus2 to dpb_output_delay_du_length_minus1
        }
        bits.skip(8)?; // bit_rate_scale, cpb_size_scale
        if sub_pic {
            bits.skip(4)?; // cpb_size_du_scale
        }
        bits.skip(15)?; // lengths of delays
    }
    Some(Common { nal, vcl, sub_pic })
}
