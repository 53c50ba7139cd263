//! The sequence parameter set (ITU-T H.264 §7.3.2.1.1).

use super::limits::max_dpb_macroblocks;
use super::vui::{Colour, Vui};
use crate::bits::NalBits;

/// How pictures are told apart in output order (§8.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PicOrder {
    /// Type 0: each slice has the low bits of its count.
    Counted {
        /// `log2_max_pic_order_cnt_lsb_minus4 + 4`: 4 to 16.
        lsb_bits: u8,
    },
    /// Type 1: by cycles.
    Cycles {
        /// `delta_pic_order_always_zero_flag`.
        always_zero: bool,
    },
    /// Type 2: output order is decoding order.
    AsDecoded,
}

/// A sequence parameter set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sps {
    /// `seq_parameter_set_id`, 0 to 31.
    pub id: u8,
    /// `profile_idc`.
    pub profile: u8,
    /// `constraint_set0_flag` (the highest bit) to `constraint_set5_flag`, and the two reserved bits.
    pub constraints: u8,
    /// `level_idc`: ten times the level.
    pub level: u8,
    /// `chroma_format_idc`: 0 monochrome, 1 4:2:0, 2 4:2:2, 3 4:4:4.
    pub chroma_format: u8,
    /// `separate_colour_plane_flag`.
    pub separate_planes: bool,
    /// Bits of a luma sample, 8 to 14.
    pub bit_depth_luma: u8,
    /// Bits of a chroma sample, 8 to 14.
    pub bit_depth_chroma: u8,
    /// `log2_max_frame_num_minus4 + 4`: 4 to 16.
    pub frame_num_bits: u8,
    /// Picture order count.
    pub pic_order: PicOrder,
    /// `max_num_ref_frames`, at most 16.
    pub ref_frames: u8,
    /// `frame_mbs_only_flag`: no picture is interlaced.
    pub frames_only: bool,
    /// `PicWidthInMbs`.
    pub width_mbs: u32,
    /// `PicHeightInMapUnits`.
    pub height_map_units: u32,
    /// Width in pixels after cropping.
    pub width: u32,
    /// Height in pixels after cropping.
    pub height: u32,
    /// Sample aspect ratio, when stated.
    pub sample_aspect: Option<(u16, u16)>,
    /// Colour description, when stated.
    pub colour: Option<Colour>,
    /// Frames per second as a reduced fraction, when a time scale is stated (§E.2.1).
    pub frame_rate: Option<(u32, u32)>,
    /// `fixed_frame_rate_flag`: `frame_rate` holds for all frames.
    pub fixed_frame_rate: bool,
    /// `max_num_reorder_frames`: how many frames may come before one in decode order and after it in presentation
    /// order, when stated.
    pub reorder_frames: Option<u32>,
    /// `max_dec_frame_buffering`: frames that the decoder keeps, when stated.
    pub max_dec_frame_buffering: Option<u32>,
}

impl Sps {
    /// Reads a NAL unit with its header byte and emulation prevention. `None` when it is cut short or nonsensical; a
    /// damaged `vui_parameters` is left out.
    pub fn parse(nal: &[u8]) -> Option<Sps> {
        let mut bits = NalBits::new(nal);
        bits.skip(8)?;
        let (profile, constraints, level) = (bits.byte(8)?, bits.byte(8)?, bits.byte(8)?);
        let id = bits.ue_up_to(31)? as u8;
        let format = SampleFormat::read(&mut bits, profile)?;
        let frame_num_bits = bits.ue_up_to(12)? as u8 + 4;
        let pic_order = PicOrder::read(&mut bits)?;
        let ref_frames = bits.ue_up_to(16)? as u8;
        bits.flag()?; // gaps_in_frame_num_value_allowed_flag
        let size = Size::read(&mut bits, &format)?;
        let vui = if bits.flag()? { Vui::read(&mut bits) } else { Vui::default() };
        Some(Sps {
            id,
            profile,
            constraints,
            level,
            chroma_format: format.chroma_format,
            separate_planes: format.separate_planes,
            bit_depth_luma: format.bit_depth_luma,
            bit_depth_chroma: format.bit_depth_chroma,
            frame_num_bits,
            pic_order,
            ref_frames,
            frames_only: size.frames_only,
            width_mbs: size.width_mbs,
            height_map_units: size.height_map_units,
            width: size.width,
            height: size.height,
            sample_aspect: vui.sample_aspect,
            colour: vui.colour,
            frame_rate: vui.frame_rate,
            fixed_frame_rate: vui.fixed_frame_rate,
            reorder_frames: vui.reorder_frames,
            max_dec_frame_buffering: vui.max_dec_frame_buffering,
        })
    }

    /// `ChromaArrayType` (§7.4.2.1.1).
    pub const fn chroma_array_type(&self) -> u8 {
        if self.separate_planes { 0 } else { self.chroma_format }
    }

    /// How many frames may be reordered: as stated, or the most that profile, level and picture order allow (§E.2.1,
    /// `max_num_reorder_frames` when it is not present).
    pub fn max_reorder(&self) -> u32 {
        let intra_only = self.constraints & 0x10 != 0 && matches!(self.profile, 44 | 86 | 100 | 110 | 122 | 244);
        if self.profile == 66 || self.pic_order == PicOrder::AsDecoded || intra_only {
            return 0;
        }
        self.reorder_frames.unwrap_or_else(|| self.max_dpb_frames())
    }

    /// `MaxDpbFrames` (§A.3.1): how many frames a decoder of this level keeps at this size, at most 16.
    pub fn max_dpb_frames(&self) -> u32 {
        let level_1b = self.constraints & 0x10 != 0 && matches!(self.profile, 66 | 77 | 88);
        let frame = self.width_mbs.saturating_mul(self.height_map_units);
        let frame = if self.frames_only { frame } else { frame.saturating_mul(2) };
        max_dpb_macroblocks(self.level, level_1b).map_or(16, |most| (most / frame.max(1)).min(16))
    }
}

impl PicOrder {
    fn read(bits: &mut NalBits<'_>) -> Option<Self> {
        Some(match bits.ue_up_to(2)? {
            0 => Self::Counted { lsb_bits: bits.ue_up_to(12)? as u8 + 4 },
            1 => {
                let always_zero = bits.flag()?;
                bits.se()?; // offset_for_non_ref_pic
                bits.se()?; // offset_for_top_to_bottom_field
                for _ in 0..bits.ue_up_to(255)? {
                    bits.se()?; // offset_for_ref_frame
                }
                Self::Cycles { always_zero }
            }
            _ => Self::AsDecoded,
        })
    }
}

struct SampleFormat {
    chroma_format: u8,
    separate_planes: bool,
    bit_depth_luma: u8,
    bit_depth_chroma: u8,
}

impl SampleFormat {
    fn read(bits: &mut NalBits<'_>, profile: u8) -> Option<Self> {
        let mut format = Self { chroma_format: 1, separate_planes: false, bit_depth_luma: 8, bit_depth_chroma: 8 };
        if !matches!(profile, 44 | 83 | 86 | 100 | 110 | 118 | 122 | 128 | 134 | 135 | 138 | 139 | 144 | 244) {
            return Some(format);
        }
        format.chroma_format = bits.ue_up_to(3)? as u8;
        format.separate_planes = format.chroma_format == 3 && bits.flag()?;
        format.bit_depth_luma = bits.ue_up_to(6)? as u8 + 8;
        format.bit_depth_chroma = bits.ue_up_to(6)? as u8 + 8;
        bits.flag()?; // qpprime_y_zero_transform_bypass_flag
        if bits.flag()? {
            for list in 0..if format.chroma_format == 3 { 12 } else { 8 } {
                if bits.flag()? {
                    scaling_list(bits, if list < 6 { 16 } else { 64 })?;
                }
            }
        }
        Some(format)
    }
}

/// §7.3.2.1.1.1: once a scale becomes 0 the rest of the list is implied.
fn scaling_list(bits: &mut NalBits<'_>, size: u32) -> Option<()> {
    let mut scale = 8i64;
    for _ in 0..size {
        scale = (scale + i64::from(bits.se()?) + 256).rem_euclid(256);
        if scale == 0 {
            break;
        }
    }
    Some(())
}

struct Size {
    frames_only: bool,
    width_mbs: u32,
    height_map_units: u32,
    width: u32,
    height: u32,
}

impl Size {
    fn read(bits: &mut NalBits<'_>, format: &SampleFormat) -> Option<Self> {
        let width_mbs = bits.ue()?.checked_add(1)?;
        let height_map_units = bits.ue()?.checked_add(1)?;
        width_mbs.checked_mul(height_map_units)?.checked_mul(2)?;
        let frames_only = bits.flag()?;
        if !frames_only {
            bits.flag()?; // mb_adaptive_frame_field_flag
        }
        bits.flag()?; // direct_8x8_inference_flag
        let fields = if frames_only { 1 } else { 2 };
        let (unit_x, unit_y) = match format.chroma_format {
            1 => (2, 2 * fields),
            2 => (2, fields),
            _ => (1, fields),
        };
        let (mut cut_x, mut cut_y) = (0u32, 0u32);
        if bits.flag()? {
            cut_x = bits.ue()?.checked_add(bits.ue()?)?.checked_mul(unit_x)?;
            cut_y = bits.ue()?.checked_add(bits.ue()?)?.checked_mul(unit_y)?;
        }
        let width = width_mbs.checked_mul(16)?.checked_sub(cut_x).filter(|&width| width > 0)?;
        let height =
            height_map_units.checked_mul(16)?.checked_mul(fields)?.checked_sub(cut_y).filter(|&height| height > 0)?;
        Some(Self { frames_only, width_mbs, height_map_units, width, height })
    }
}
