//! `vui_parameters` (ITU-T H.264 §E.1.1).

use crate::bits::NalBits;

/// Colour description code points (ITU-T H.273).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour {
    /// `colour_primaries`.
    pub primaries: u8,
    /// `transfer_characteristics`.
    pub transfer: u8,
    /// `matrix_coefficients`.
    pub matrix: u8,
    /// `video_full_range_flag`.
    pub full_range: bool,
}

/// Table E-1; 255 means the ratio follows.
const SAMPLE_ASPECTS: [(u16, u16); 16] = [
    (1, 1),
    (12, 11),
    (10, 11),
    (16, 11),
    (40, 33),
    (24, 11),
    (20, 11),
    (32, 11),
    (80, 33),
    (18, 11),
    (15, 11),
    (64, 33),
    (160, 99),
    (4, 3),
    (3, 2),
    (2, 1),
];

/// `aspect_ratio_info_present_flag` and what follows it; the same in ITU-T H.265 §E.2.1. The inner `None`: unspecified.
#[expect(clippy::option_option, reason = "cut short is not unspecified")]
pub(crate) fn sample_aspect(bits: &mut NalBits<'_>) -> Option<Option<(u16, u16)>> {
    if !bits.flag()? {
        return Some(None);
    }
    Some(match bits.byte(8)? {
        255 => Some((bits.take(16)? as u16, bits.take(16)? as u16)).filter(|&(x, y)| x > 0 && y > 0),
        known => usize::from(known).checked_sub(1).and_then(|at| SAMPLE_ASPECTS.get(at)).copied(),
    })
}

/// `numerator / denominator` reduced; `None` when a part is zero or does not fit.
pub(crate) fn frame_rate(numerator: u64, denominator: u64) -> Option<(u32, u32)> {
    let (mut a, mut b) = (numerator, denominator);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    let reduced = (numerator.checked_div(a)?.try_into().ok()?, denominator.checked_div(a)?.try_into().ok()?);
    (reduced.0 > 0 && reduced.1 > 0).then_some(reduced)
}

/// What is kept of it.
#[derive(Default)]
pub(super) struct Vui {
    pub(super) sample_aspect: Option<(u16, u16)>,
    pub(super) colour: Option<Colour>,
    pub(super) frame_rate: Option<(u32, u32)>,
    pub(super) fixed_frame_rate: bool,
    pub(super) reorder_frames: Option<u32>,
    pub(super) max_dec_frame_buffering: Option<u32>,
}

impl Vui {
    /// Never fails as a whole: it ends the parameter set, and some writers cut it short.
    pub(super) fn read(bits: &mut NalBits<'_>) -> Self {
        let mut vui = Self::default();
        let _ = vui.fields(bits);
        vui
    }

    fn fields(&mut self, bits: &mut NalBits<'_>) -> Option<()> {
        self.sample_aspect = sample_aspect(bits)?;
        self.colour = colour(bits)?;
        if bits.flag()? {
            bits.ue()?; // chroma_sample_loc_type_top_field
            bits.ue()?; // chroma_sample_loc_type_bottom_field
        }
        if bits.flag()? {
            let (tick, scale) = (bits.take(32)?, bits.take(32)?);
            self.fixed_frame_rate = bits.flag()?;
            // A tick is a field (§E.2.1).
            self.frame_rate = frame_rate(scale.into(), 2 * u64::from(tick));
        }
        let nal_hrd = bits.flag()?;
        if nal_hrd {
            reference_decoder(bits)?;
        }
        let vcl_hrd = bits.flag()?;
        if vcl_hrd {
            reference_decoder(bits)?;
        }
        if nal_hrd || vcl_hrd {
            bits.flag()?; // low_delay_hrd_flag
        }
        bits.flag()?; // pic_struct_present_flag
        if bits.flag()? {
            bits.flag()?; // motion_vectors_over_pic_boundaries_flag
            for _ in 0..4 {
                bits.ue()?; // sizes of pictures, macroblocks and vectors
            }
            let (reorder, buffering) = (bits.ue_up_to(16)?, bits.ue_up_to(16)?);
            self.reorder_frames = Some(reorder);
            self.max_dec_frame_buffering = Some(buffering);
        }
        Some(())
    }
}

/// From `overscan_info_present_flag` to `matrix_coefficients`, which H.265 §E.2.1 has alike.
pub(crate) fn colour(bits: &mut NalBits<'_>) -> Option<Option<Colour>> {
    if bits.flag()? {
        bits.flag()?; // overscan_appropriate_flag
    }
    if !bits.flag()? {
        return Some(None);
    }
    bits.skip(3)?; // video_format
    let full_range = bits.flag()?;
    if !bits.flag()? {
        return Some(None);
    }
    let (primaries, transfer, matrix) = (bits.byte(8)?, bits.byte(8)?, bits.byte(8)?);
    Some(Some(Colour { primaries, transfer, matrix, full_range }))
}

/// `hrd_parameters` (§E.1.2).
fn reference_decoder(bits: &mut NalBits<'_>) -> Option<()> {
    let count = bits.ue_up_to(31)? + 1;
    bits.skip(8)?; // bit_rate_scale, cpb_size_scale
    for _ in 0..count {
        bits.ue()?;
        bits.ue()?;
        bits.flag()?;
    }
    bits.skip(20)
}
