//! The sequence header (AV1 specification §5.5).

use super::obu;
use crate::bits::Bits;

/// A tool that the sequence header allows, forbids or leaves to each frame (`SELECT_SCREEN_CONTENT_TOOLS`,
/// `SELECT_INTEGER_MV`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tool {
    Off,
    On,
    PerFrame,
}

/// One operating point (§5.5.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OperatingPoint {
    /// `operating_point_idc`: bits 0 to 7 the temporal layers it holds, bits 8 to 11 the spatial ones; 0 for all.
    pub idc: u16,
    /// `seq_level_idx`: 0 is level 2.0, 4 more for each whole level; 31 is without limits.
    pub level: u8,
    /// `seq_tier`: whether it is in the high tier.
    pub high_tier: bool,
    /// Whether frames may say when they leave the decoder's buffer for it.
    pub(super) has_decoder_model: bool,
    /// `initial_display_delay_minus_1`.
    pub initial_display_delay_minus_1: Option<u8>,
}

/// Colour as `color_description_present_flag` carries it: the code points of ISO/IEC 23091-2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour {
    /// `color_primaries`.
    pub primaries: u8,
    /// `transfer_characteristics`.
    pub transfer: u8,
    /// `matrix_coefficients`.
    pub matrix: u8,
}

/// What the sequence header says of all frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SequenceHeader {
    /// `seq_profile`: 0 Main, 1 High, 2 Professional.
    pub profile: u8,
    /// Whether the stream is one picture.
    pub still_picture: bool,
    pub(super) reduced: bool,
    points: [OperatingPoint; 32],
    point_count: u8,
    /// Pictures per second as a reduced fraction, when pictures come at equal distances and it is stated.
    pub frame_rate: Option<(u32, u32)>,
    /// `max_frame_width_minus_1` + 1.
    pub max_width: u32,
    /// `max_frame_height_minus_1` + 1.
    pub max_height: u32,
    /// 8, 10 or 12.
    pub bit_depth: u8,
    /// Whether there is no chroma.
    pub mono_chrome: bool,
    /// Whether chroma has half the width.
    pub subsampling_x: bool,
    /// Whether chroma has half the height.
    pub subsampling_y: bool,
    /// `chroma_sample_position`: 0 unknown, 1 vertical, 2 colocated.
    pub chroma_sample_position: u8,
    /// What colours mean, when stated.
    pub colour: Option<Colour>,
    /// Whether samples use the full range.
    pub full_range: bool,
    /// `film_grain_params_present`.
    pub film_grain: bool,
    pub(super) decoder_model: Option<DecoderModel>,
    pub(super) equal_picture_interval: bool,
    pub(super) width_bits: u32,
    pub(super) height_bits: u32,
    /// `delta_frame_id_length` and `idLen`, when frames are numbered.
    pub(super) frame_ids: Option<(u32, u32)>,
    pub(super) superblock_128: bool,
    pub(super) warped_motion: bool,
    pub(super) ref_frame_mvs: bool,
    pub(super) screen_content: Tool,
    pub(super) integer_mv: Tool,
    /// `OrderHintBits`; 0 without order hints.
    pub(super) order_hint_bits: u32,
    pub(super) superres: bool,
    pub(super) cdef: bool,
    pub(super) restoration: bool,
    pub(super) separate_uv_delta_q: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DecoderModel {
    delay_bits: u32,
    pub(super) removal_bits: u32,
    pub(super) presentation_bits: u32,
}

impl SequenceHeader {
    /// From the payload of a sequence header OBU.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let mut bits = Bits::new(payload);
        let mut header = Self::blank();
        header.profile = bits.take(3)? as u8;
        if header.profile > 2 {
            return None;
        }
        header.still_picture = bits.flag()?;
        header.reduced = bits.flag()?;
        if header.reduced {
            header.points[0].level = bits.take(5)? as u8;
        } else {
            header.timing(&mut bits)?;
            header.operating_points(&mut bits)?;
        }
        header.dimensions(&mut bits)?;
        header.tools(&mut bits)?;
        header.colour(&mut bits)?;
        header.film_grain = bits.flag()?;
        Some(header)
    }

    /// The first one among the OBUs of a temporal unit or of `configOBUs`.
    pub fn find(bytes: &[u8]) -> Option<Self> {
        let found = obu::obus(bytes).map_while(|obu| obu).find(|obu| obu.kind == obu::SEQUENCE_HEADER)?;
        Self::parse(&bytes[found.payload])
    }

    /// Its operating points, the first of which is what decoders choose; never empty.
    pub fn operating_points_list(&self) -> &[OperatingPoint] {
        &self.points[..usize::from(self.point_count)]
    }

    fn blank() -> Self {
        Self {
            profile: 0,
            still_picture: false,
            reduced: false,
            points: [OperatingPoint::default(); 32],
            point_count: 1,
            frame_rate: None,
            max_width: 0,
            max_height: 0,
            bit_depth: 8,
            mono_chrome: false,
            subsampling_x: true,
            subsampling_y: true,
            chroma_sample_position: 0,
            colour: None,
            full_range: false,
            film_grain: false,
            decoder_model: None,
            equal_picture_interval: false,
            width_bits: 0,
            height_bits: 0,
            frame_ids: None,
            superblock_128: false,
            warped_motion: false,
            ref_frame_mvs: false,
            screen_content: Tool::PerFrame,
            integer_mv: Tool::PerFrame,
            order_hint_bits: 0,
            superres: false,
            cdef: false,
            restoration: false,
            separate_uv_delta_q: false,
        }
    }

    /// `timing_info` and `decoder_model_info` (§5.5.3, §5.5.4).
    fn timing(&mut self, bits: &mut Bits<'_>) -> Option<()> {
        if !bits.flag()? {
            return Some(());
        }
        let tick = u64::from(bits.take(32)?);
        let scale = u64::from(bits.take(32)?);
        self.equal_picture_interval = bits.flag()?;
        if self.equal_picture_interval {
            let ticks = u64::from(uvlc(bits)?) + 1;
            self.frame_rate = tick.checked_mul(ticks).and_then(|length| reduced(scale, length));
        }
        if bits.flag()? {
            let delay_bits = bits.take(5)? + 1;
            bits.skip(32)?;
            let removal_bits = bits.take(5)? + 1;
            let presentation_bits = bits.take(5)? + 1;
            self.decoder_model = Some(DecoderModel { delay_bits, removal_bits, presentation_bits });
        }
        Some(())
    }

    fn operating_points(&mut self, bits: &mut Bits<'_>) -> Option<()> {
        let has_display_delay = bits.flag()?;
        self.point_count = bits.take(5)? as u8 + 1;
        for point in &mut self.points[..usize::from(self.point_count)] {
            point.idc = bits.take(12)? as u16;
            point.level = bits.take(5)? as u8;
            point.high_tier = point.level > 7 && bits.flag()?;
            if let Some(model) = self.decoder_model {
                point.has_decoder_model = bits.flag()?;
                if point.has_decoder_model {
                    bits.skip(2 * model.delay_bits as usize + 1)?;
                }
            }
            if has_display_delay && bits.flag()? {
                point.initial_display_delay_minus_1 = Some(bits.take(4)? as u8);
            }
        }
        Some(())
    }

    fn dimensions(&mut self, bits: &mut Bits<'_>) -> Option<()> {
        self.width_bits = bits.take(4)? + 1;
        self.height_bits = bits.take(4)? + 1;
        self.max_width = bits.take(self.width_bits)? + 1;
        self.max_height = bits.take(self.height_bits)? + 1;
        if !self.reduced && bits.flag()? {
            let delta = bits.take(4)? + 2;
            self.frame_ids = Some((delta, delta + bits.take(3)? + 1));
        }
        Some(())
    }

    fn tools(&mut self, bits: &mut Bits<'_>) -> Option<()> {
        self.superblock_128 = bits.flag()?;
        // enable_filter_intra, enable_intra_edge_filter
        bits.skip(2)?;
        if !self.reduced {
            // enable_interintra_compound, enable_masked_compound
            bits.skip(2)?;
            self.warped_motion = bits.flag()?;
            // enable_dual_filter
            bits.skip(1)?;
            let order_hint = bits.flag()?;
            if order_hint {
                // enable_jnt_comp
                bits.skip(1)?;
                self.ref_frame_mvs = bits.flag()?;
            }
            self.screen_content = tool(bits)?;
            self.integer_mv = if self.screen_content == Tool::Off { Tool::PerFrame } else { tool(bits)? };
            if order_hint {
                self.order_hint_bits = bits.take(3)? + 1;
            }
        }
        self.superres = bits.flag()?;
        self.cdef = bits.flag()?;
        self.restoration = bits.flag()?;
        Some(())
    }

    /// `color_config` (§5.5.2).
    fn colour(&mut self, bits: &mut Bits<'_>) -> Option<()> {
        let high = bits.flag()?;
        self.bit_depth = match high {
            true if self.profile == 2 && bits.flag()? => 12,
            true => 10,
            false => 8,
        };
        self.mono_chrome = self.profile != 1 && bits.flag()?;
        if bits.flag()? {
            let [primaries, transfer, matrix] = [bits.take(8)? as u8, bits.take(8)? as u8, bits.take(8)? as u8];
            self.colour = Some(Colour { primaries, transfer, matrix });
        }
        if self.mono_chrome {
            self.full_range = bits.flag()?;
            return Some(());
        }
        // BT.709 primaries with the sRGB curve and no matrix: RGB.
        if self.colour == Some(Colour { primaries: 1, transfer: 13, matrix: 0 }) {
            (self.full_range, self.subsampling_x, self.subsampling_y) = (true, false, false);
        } else {
            self.full_range = bits.flag()?;
            (self.subsampling_x, self.subsampling_y) = match (self.profile, self.bit_depth) {
                (0, _) => (true, true),
                (1, _) => (false, false),
                (_, 12) => {
                    let x = bits.flag()?;
                    (x, x && bits.flag()?)
                }
                _ => (true, false),
            };
            if self.subsampling_x && self.subsampling_y {
                self.chroma_sample_position = bits.take(2)? as u8;
            }
        }
        self.separate_uv_delta_q = bits.flag()?;
        Some(())
    }
}

/// `seq_choose_…` and `seq_force_…`.
fn tool(bits: &mut Bits<'_>) -> Option<Tool> {
    Some(match bits.flag()? {
        true => Tool::PerFrame,
        false if bits.flag()? => Tool::On,
        false => Tool::Off,
    })
}

/// `uvlc()` (§4.10.3).
fn uvlc(bits: &mut Bits<'_>) -> Option<u32> {
    let mut zeros = 0;
    while !bits.flag()? {
        zeros += 1;
        if zeros == 32 {
            return Some(u32::MAX);
        }
    }
    Some(bits.take(zeros)? + ((1u32 << zeros) - 1))
}

fn reduced(num: u64, den: u64) -> Option<(u32, u32)> {
    let (mut a, mut b) = (num, den);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    if num == 0 || den == 0 {
        return None;
    }
    Some((u32::try_from(num / a).ok()?, u32::try_from(den / a).ok()?))
}
