//! The part of an H.264 sequence parameter set that containers and manifests repeat (ITU-T H.264 §7.3.2.1.1, §E.1.1).

/// Colour description code points (ITU-T H.273).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Colour {
    /// `colour_primaries`.
    pub(crate) primaries: u8,
    /// `transfer_characteristics`.
    pub(crate) transfer: u8,
    /// `matrix_coefficients`.
    pub(crate) matrix: u8,
    /// `video_full_range_flag`.
    pub(crate) full_range: bool,
}

/// What a sequence parameter set says about its pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sps {
    /// Width in pixels after cropping.
    pub(crate) width: u32,
    /// Height in pixels after cropping.
    pub(crate) height: u32,
    /// Sample aspect ratio, when stated.
    pub(crate) sample_aspect: Option<(u16, u16)>,
    /// Colour description, when stated.
    pub(crate) colour: Option<Colour>,
    /// `max_num_reorder_frames`: how many frames may come before one in decode order and after it in presentation
    /// order, when stated.
    pub(crate) reorder_frames: Option<u32>,
}

impl Sps {
    /// Reads a NAL unit with its header byte and emulation prevention. `None` when it is cut short or nonsensical.
    pub(crate) fn parse(nal: &[u8]) -> Option<Sps> {
        let rbsp = unescape(nal);
        let mut bits = Bits { bytes: &rbsp, at: 8 };
        let profile = bits.take(8)?;
        bits.take(16)?;
        bits.ue()?;
        let mut chroma_format = 1;
        if matches!(profile, 44 | 83 | 86 | 100 | 110 | 118 | 122 | 128 | 134 | 135 | 138 | 139 | 244) {
            chroma_format = bits.ue()?;
            bits.high_profile_fields(chroma_format)?;
        }
        bits.ue()?; // log2_max_frame_num_minus4
        bits.picture_order_count()?;
        bits.ue()?; // max_num_ref_frames
        bits.take(1)?; // gaps_in_frame_num_value_allowed_flag
        let width_mbs = bits.ue()?.checked_add(1)?;
        let height_units = bits.ue()?.checked_add(1)?;
        let frames_only = bits.take(1)?;
        if frames_only == 0 {
            bits.take(1)?; // mb_adaptive_frame_field_flag
        }
        bits.take(1)?; // direct_8x8_inference_flag
        let (unit_x, unit_y) = crop_units(chroma_format, frames_only);
        let (mut cut_x, mut cut_y) = (0u32, 0u32);
        if bits.take(1)? == 1 {
            cut_x = bits.ue()?.checked_add(bits.ue()?)?.checked_mul(unit_x)?;
            cut_y = bits.ue()?.checked_add(bits.ue()?)?.checked_mul(unit_y)?;
        }
        let width = width_mbs.checked_mul(16)?.checked_sub(cut_x)?;
        let height = height_units.checked_mul(16)?.checked_mul(2 - frames_only)?.checked_sub(cut_y)?;
        let mut sps = Sps { width, height, sample_aspect: None, colour: None, reorder_frames: None };
        if bits.take(1)? == 1 {
            bits.usability(&mut sps)?;
        }
        Some(sps)
    }
}

fn crop_units(chroma_format: u32, frames_only: u32) -> (u32, u32) {
    let (x, y) = match chroma_format {
        1 => (2, 2),
        2 => (2, 1),
        _ => (1, 1),
    };
    (x, y * (2 - frames_only))
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

/// Removes the emulation prevention bytes (§7.4.1).
fn unescape(nal: &[u8]) -> Vec<u8> {
    let (mut out, mut zeros) = (Vec::with_capacity(nal.len()), 0);
    for &byte in nal {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        out.push(byte);
    }
    out
}

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: u32) -> Option<u32> {
        let mut value = 0u32;
        for _ in 0..count {
            let byte = self.bytes.get(self.at / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }

    /// Unsigned Exp-Golomb (§9.1).
    fn ue(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while self.take(1)? == 0 {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        ((1u64 << zeros) - 1 + u64::from(self.take(zeros)?)).try_into().ok()
    }

    /// Signed Exp-Golomb (§9.1.1).
    fn se(&mut self) -> Option<i64> {
        let code = i64::from(self.ue()?);
        Some(if code % 2 == 1 { code / 2 + 1 } else { -(code / 2) })
    }

    fn high_profile_fields(&mut self, chroma_format: u32) -> Option<()> {
        if chroma_format == 3 {
            self.take(1)?; // separate_colour_plane_flag
        }
        self.ue()?; // bit_depth_luma_minus8
        self.ue()?; // bit_depth_chroma_minus8
        self.take(1)?; // qpprime_y_zero_transform_bypass_flag
        if self.take(1)? == 1 {
            for list in 0..if chroma_format == 3 { 12 } else { 8 } {
                if self.take(1)? == 1 {
                    self.scaling_list(if list < 6 { 16 } else { 64 })?;
                }
            }
        }
        Some(())
    }

    /// §7.3.2.1.1.1: once a scale becomes 0 the rest of the list is implied.
    fn scaling_list(&mut self, size: u32) -> Option<()> {
        let mut scale = 8i64;
        for _ in 0..size {
            scale = (scale + self.se()? + 256).rem_euclid(256);
            if scale == 0 {
                break;
            }
        }
        Some(())
    }

    fn picture_order_count(&mut self) -> Option<()> {
        match self.ue()? {
            0 => {
                self.ue()?;
            }
            1 => {
                self.take(1)?;
                self.se()?;
                self.se()?;
                for _ in 0..self.ue()?.min(256) {
                    self.se()?;
                }
            }
            _ => {}
        }
        Some(())
    }

    /// `vui_parameters` (§E.1.1).
    fn usability(&mut self, sps: &mut Sps) -> Option<()> {
        if self.take(1)? == 1 {
            sps.sample_aspect = match self.take(8)? {
                255 => Some((self.take(16)? as u16, self.take(16)? as u16)).filter(|&(x, y)| x > 0 && y > 0),
                0 => None,
                known => SAMPLE_ASPECTS.get(known as usize - 1).copied(),
            };
        }
        if self.take(1)? == 1 {
            self.take(1)?; // overscan_appropriate_flag
        }
        if self.take(1)? == 1 {
            self.take(3)?; // video_format
            let full_range = self.take(1)? == 1;
            if self.take(1)? == 1 {
                let mut byte = || self.take(8).map(|value| value as u8);
                sps.colour = Some(Colour { primaries: byte()?, transfer: byte()?, matrix: byte()?, full_range });
            }
        }
        // What follows is rarely needed, and some writers cut it short.
        sps.reorder_frames = self.restriction();
        Some(())
    }

    /// The rest of `vui_parameters`, for `max_num_reorder_frames`.
    fn restriction(&mut self) -> Option<u32> {
        if self.take(1)? == 1 {
            self.ue()?; // chroma_sample_loc_type_top_field
            self.ue()?;
        }
        if self.take(1)? == 1 {
            self.take(32)?; // num_units_in_tick
            self.take(32)?;
            self.take(1)?;
        }
        let nal = self.take(1)? == 1;
        if nal {
            self.reference_decoder()?;
        }
        let vcl = self.take(1)? == 1;
        if vcl {
            self.reference_decoder()?;
        }
        if nal || vcl {
            self.take(1)?; // low_delay_hrd_flag
        }
        self.take(1)?; // pic_struct_present_flag
        if self.take(1)? == 0 {
            return None;
        }
        self.take(1)?; // motion_vectors_over_pic_boundaries_flag
        for _ in 0..4 {
            self.ue()?;
        }
        self.ue().filter(|&frames| frames <= 16)
    }

    /// `hrd_parameters` (§E.1.2).
    fn reference_decoder(&mut self) -> Option<()> {
        let count = self.ue()?.min(31) + 1;
        self.take(8)?; // bit_rate_scale, cpb_size_scale
        for _ in 0..count {
            self.ue()?;
            self.ue()?;
            self.take(1)?;
        }
        self.take(20)?;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn size_shape_and_colour_are_read() {
        let parse = |nal: &str| Sps::parse(&hex::decode(nal).unwrap()).unwrap();
        let plain = Sps { width: 1920, height: 1080, sample_aspect: None, colour: None, reorder_frames: Some(2) };
        assert_eq!(parse("67640028acd940780227e584000003000400000300f03c60c658"), plain);
        let colour = Some(Colour { primaries: 1, transfer: 1, matrix: 1, full_range: false });
        let wide = Sps { width: 720, height: 576, sample_aspect: Some((16, 11)), colour, reorder_frames: Some(2) };
        assert_eq!(parse("6764001eacd940b4126c11a808080a000003000200000300641e2c5b2c"), wide);
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(nal in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Sps::parse(&nal);
        }
    }
}
