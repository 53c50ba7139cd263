//! `vui_parameters` (ITU-T H.265 §E.2.1).

use super::Colour;
use super::hrd::skip_hrd;
use crate::avc::{colour, frame_rate, sample_aspect};
use crate::bits::NalBits;

/// What is kept of it.
#[derive(Default)]
pub(super) struct Vui {
    pub(super) sample_aspect: Option<(u16, u16)>,
    pub(super) colour: Option<Colour>,
    pub(super) frame_rate: Option<(u32, u32)>,
    pub(super) field_seq: bool,
    pub(super) min_spatial_segmentation: u16,
}

impl Vui {
    pub(super) fn read(bits: &mut NalBits<'_>, sublayers_minus1: u8) -> Option<Self> {
        let mut vui = Self { sample_aspect: sample_aspect(bits)?, ..Self::default() };
        vui.colour = colour(bits)?;
        if bits.flag()? {
            bits.ue()?; // chroma_sample_loc_type_top_field
            bits.ue()?; // chroma_sample_loc_type_bottom_field
        }
        bits.flag()?; // neutral_chroma_indication_flag
        vui.field_seq = bits.flag()?;
        bits.flag()?; // frame_field_info_present_flag
        if bits.flag()? {
            for _ in 0..4 {
                bits.ue()?; // default display window
            }
        }
        if bits.flag()? {
            vui.frame_rate = timing(bits, if vui.field_seq { 2 } else { 1 })?;
            if bits.flag()? {
                skip_hrd(bits, true, sublayers_minus1)?;
            }
        }
        if bits.flag()? {
            bits.skip(3)?; // tiles, vectors and lists
            vui.min_spatial_segmentation = bits.ue_up_to(4095)? as u16;
            for _ in 0..4 {
                bits.ue()?; // sizes of pictures, blocks and vectors
            }
        }
        Some(vui)
    }
}

/// From `num_units_in_tick` to `num_ticks_poc_diff_one_minus1`, the same in a video parameter set. A tick is a coded
/// picture; a frame has `pictures`. The inner `None`: nothing sensible.
#[expect(clippy::option_option, reason = "cut short is not nonsensical")]
pub(super) fn timing(bits: &mut NalBits<'_>, pictures: u64) -> Option<Option<(u32, u32)>> {
    let (tick, scale) = (bits.take(32)?, bits.take(32)?);
    if bits.flag()? {
        bits.ue()?; // num_ticks_poc_diff_one_minus1
    }
    Some(frame_rate(scale.into(), u64::from(tick) * pictures))
}
