//! The sequence parameter set (ITU-T H.265 §7.3.2.2).

use super::ref_pics::RefPicSet;
use super::scaling::skip_scaling_lists;
use super::sps_extensions::Extensions;
use super::vui::Vui;
use super::{Colour, ProfileTierLevel};
use crate::bits::NalBits;

/// A sequence parameter set of the base layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sps {
    /// `sps_seq_parameter_set_id`, 0 to 15.
    pub id: u8,
    /// `sps_video_parameter_set_id`, 0 to 15.
    pub vps_id: u8,
    /// `sps_max_sub_layers_minus1 + 1`: 1 to 7.
    pub sublayers: u8,
    /// `sps_temporal_id_nesting_flag`.
    pub temporal_nesting: bool,
    /// Profile, tier and level.
    pub profile_tier_level: ProfileTierLevel,
    /// `chroma_format_idc`: 0 monochrome, 1 4:2:0, 2 4:2:2, 3 4:4:4.
    pub chroma_format: u8,
    /// `separate_colour_plane_flag`.
    pub separate_planes: bool,
    /// Bits of a luma sample, 8 to 16.
    pub bit_depth_luma: u8,
    /// Bits of a chroma sample, 8 to 16.
    pub bit_depth_chroma: u8,
    /// `pic_width_in_luma_samples`.
    pub coded_width: u32,
    /// `pic_height_in_luma_samples`.
    pub coded_height: u32,
    /// Width in pixels within the conformance window.
    pub width: u32,
    /// Height in pixels within the conformance window.
    pub height: u32,
    /// `PicSizeInCtbsY`.
    pub picture_blocks: u32,
    /// Sample aspect ratio, when stated.
    pub sample_aspect: Option<(u16, u16)>,
    /// Colour description, when stated.
    pub colour: Option<Colour>,
    /// Frames per second as a reduced fraction, when `vui_parameters` state a time scale.
    pub frame_rate: Option<(u32, u32)>,
    /// `field_seq_flag`: pictures are fields.
    pub field_seq: bool,
    /// `min_spatial_segmentation_idc`, 0 when not stated.
    pub min_spatial_segmentation: u16,
    /// `sps_max_num_reorder_pics` of the highest sublayer: how many pictures may come before one in decode order and
    /// after it in presentation order.
    pub reorder_pics: u32,
    /// `sps_max_dec_pic_buffering_minus1 + 1` of the highest sublayer: pictures that the decoder keeps.
    pub max_dec_pic_buffering: u32,
    pub(super) slices: SliceSyntax,
}

/// What slice headers need besides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SliceSyntax {
    pub(super) poc_lsb_bits: u8,
    pub(super) sample_adaptive_offset: bool,
    pub(super) ref_pic_sets: Vec<RefPicSet>,
    pub(super) long_term_refs: bool,
    /// `used_by_curr_pic_lt_sps_flag`, one bit an entry, the lowest for the first.
    pub(super) long_term_used: u64,
    pub(super) long_term_count: u8,
    pub(super) temporal_mvp: bool,
    /// `motion_vector_resolution_control_idc` is 2.
    pub(super) integer_mv_by_slice: bool,
}

impl Sps {
    /// Reads a NAL unit with its header and emulation prevention. `None` when it is cut short, nonsensical or not of
    /// the base layer.
    pub fn parse(nal: &[u8]) -> Option<Sps> {
        super::nal::layer(nal).filter(|&layer| layer == 0)?;
        let mut bits = NalBits::new(nal);
        bits.skip(16)?;
        let vps_id = bits.byte(4)?;
        let sublayers_minus1 = bits.byte(3).filter(|&count| count < 7)?;
        let temporal_nesting = bits.flag()?;
        let profile_tier_level = ProfileTierLevel::read(&mut bits, sublayers_minus1)?;
        let id = bits.ue_up_to(15)? as u8;
        let format = Format::read(&mut bits)?;
        let poc_lsb_bits = bits.ue_up_to(12)? as u8 + 4;
        let (mut max_dec_pic_buffering, mut reorder_pics) = (0, 0);
        let from = if bits.flag()? { 0 } else { sublayers_minus1 };
        for _ in from..=sublayers_minus1 {
            max_dec_pic_buffering = bits.ue_up_to(15)? + 1;
            reorder_pics = bits.ue_up_to(15)?;
            bits.ue()?; // sps_max_latency_increase_plus1
        }
        let picture_blocks = picture_blocks(&mut bits, format.coded_width, format.coded_height)?;
        let mut slices = SliceSyntax { poc_lsb_bits, ..SliceSyntax::default() };
        slices.tools(&mut bits)?;
        slices.references(&mut bits)?;
        slices.temporal_mvp = bits.flag()?;
        bits.flag()?; // strong_intra_smoothing_enabled_flag
        let vui = if bits.flag()? { Vui::read(&mut bits, sublayers_minus1)? } else { Vui::default() };
        let extensions = Extensions::read(&mut bits, format.chroma_format, format.depths)?;
        slices.integer_mv_by_slice = extensions.integer_mv_by_slice;
        Some(Sps {
            id,
            vps_id,
            sublayers: sublayers_minus1 + 1,
            temporal_nesting,
            profile_tier_level,
            chroma_format: format.chroma_format,
            separate_planes: format.separate_planes,
            bit_depth_luma: format.depths.0,
            bit_depth_chroma: format.depths.1,
            coded_width: format.coded_width,
            coded_height: format.coded_height,
            width: format.width,
            height: format.height,
            picture_blocks,
            sample_aspect: vui.sample_aspect,
            colour: vui.colour,
            frame_rate: vui.frame_rate,
            field_seq: vui.field_seq,
            min_spatial_segmentation: vui.min_spatial_segmentation,
            reorder_pics,
            max_dec_pic_buffering,
            slices,
        })
    }

    /// `ChromaArrayType` (§7.4.3.2.1).
    pub const fn chroma_array_type(&self) -> u8 {
        if self.separate_planes { 0 } else { self.chroma_format }
    }
}

struct Format {
    chroma_format: u8,
    separate_planes: bool,
    depths: (u8, u8),
    coded_width: u32,
    coded_height: u32,
    width: u32,
    height: u32,
}

impl Format {
    /// From `chroma_format_idc` to `bit_depth_chroma_minus8`.
    fn read(bits: &mut NalBits<'_>) -> Option<Self> {
        let chroma_format = bits.ue_up_to(3)? as u8;
        let separate_planes = chroma_format == 3 && bits.flag()?;
        let (coded_width, coded_height) = (bits.ue()?, bits.ue()?);
        let (unit_x, unit_y) = match chroma_format {
            1 => (2, 2),
            2 => (2, 1),
            _ => (1, 1),
        };
        let (mut cut_x, mut cut_y) = (0u32, 0u32);
        if bits.flag()? {
            cut_x = bits.ue()?.checked_add(bits.ue()?)?.checked_mul(unit_x)?;
            cut_y = bits.ue()?.checked_add(bits.ue()?)?.checked_mul(unit_y)?;
        }
        let width = coded_width.checked_sub(cut_x).filter(|&width| width > 0)?;
        let height = coded_height.checked_sub(cut_y).filter(|&height| height > 0)?;
        let depths = (bits.ue_up_to(8)? as u8 + 8, bits.ue_up_to(8)? as u8 + 8);
        Some(Self { chroma_format, separate_planes, depths, coded_width, coded_height, width, height })
    }
}

/// From `log2_min_luma_coding_block_size_minus3` to `max_transform_hierarchy_depth_intra`: `PicSizeInCtbsY`.
fn picture_blocks(bits: &mut NalBits<'_>, width: u32, height: u32) -> Option<u32> {
    let smallest = bits.ue_up_to(3)? + 3;
    let block = smallest + bits.ue_up_to(3)?;
    for _ in 0..4 {
        bits.ue()?; // transform block sizes and depths
    }
    width.div_ceil(1 << block).checked_mul(height.div_ceil(1 << block))
}

impl SliceSyntax {
    /// From `scaling_list_enabled_flag` to `pcm_loop_filter_disabled_flag`.
    fn tools(&mut self, bits: &mut NalBits<'_>) -> Option<()> {
        if bits.flag()? && bits.flag()? {
            skip_scaling_lists(bits)?;
        }
        bits.flag()?; // amp_enabled_flag
        self.sample_adaptive_offset = bits.flag()?;
        if bits.flag()? {
            bits.skip(8)?; // PCM bit depths
            bits.ue()?;
            bits.ue()?;
            bits.flag()?; // pcm_loop_filter_disabled_flag
        }
        Some(())
    }

    /// From `num_short_term_ref_pic_sets` to the long-term pictures.
    fn references(&mut self, bits: &mut NalBits<'_>) -> Option<()> {
        for _ in 0..bits.ue_up_to(64)? {
            let set = RefPicSet::read(bits, &self.ref_pic_sets, false)?;
            self.ref_pic_sets.push(set);
        }
        self.long_term_refs = bits.flag()?;
        if self.long_term_refs {
            self.long_term_count = bits.ue_up_to(32)? as u8;
            for entry in 0..self.long_term_count {
                bits.skip(self.poc_lsb_bits.into())?;
                self.long_term_used |= u64::from(bits.flag()?) << entry;
            }
        }
        Some(())
    }
}
