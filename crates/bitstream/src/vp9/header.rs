//! The uncompressed header of a frame (§6.2).

use std::ops::Range;

use super::superframe;
use crate::bits::Bits;

/// How pictures are coded (§7.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// 0 to 3.
    pub profile: u8,
    /// 8, 10 or 12.
    pub bit_depth: u8,
    /// `color_space`: 0 unknown, 1 BT.601, 2 BT.709, 3 SMPTE 170, 4 SMPTE 240, 5 BT.2020, 7 sRGB.
    pub color_space: u8,
    /// Whether samples use the full range.
    pub full_range: bool,
    /// Whether chroma has half the width.
    pub subsampling_x: bool,
    /// Whether chroma has half the height.
    pub subsampling_y: bool,
}

/// One frame of a sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Where it lies in the sample.
    pub range: Range<usize>,
    /// Bytes at its start that common encryption leaves clear at least: the uncompressed header. The binding's "Common
    /// Encryption" protects all that follows, the compressed header too, with the clear part grown until the protected
    /// one is whole blocks of 16 bytes. The whole frame when it only shows an earlier one.
    pub clear: usize,
    /// Whether it can be decoded without others.
    pub keyframe: bool,
    /// Whether it is shown; hidden ones are what later frames refer to.
    pub shown: bool,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// What its own header states about its format: always there in key frames.
    pub format: Option<Format>,
}

impl Frame {
    /// The part of it that common encryption protects; see [`clear`](Self::clear).
    pub fn protected(&self) -> Range<usize> {
        let end = self.range.end;
        end - (self.range.len() - self.clear) / 16 * 16..end
    }
}

/// Follows a stream, since a frame may take its size from one it refers to.
#[derive(Clone, Debug, Default)]
pub struct Frames {
    profile: Option<u8>,
    sizes: [(u32, u32); 8],
}

impl Frames {
    /// Before the first sample.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends the frames of the next sample. `None` when one of them does not conform; what was appended then means
    /// nothing, and it goes on at the next key frame.
    pub fn headers(&mut self, sample: &[u8], out: &mut Vec<Frame>) -> Option<()> {
        for range in superframe::frames(sample)? {
            out.push(self.frame(sample, range)?);
        }
        Some(())
    }

    fn frame(&mut self, sample: &[u8], range: Range<usize>) -> Option<Frame> {
        let bytes = &sample[range.clone()];
        let mut bits = Bits::new(bytes);
        let profile = profile(&mut bits)?;
        let blank =
            Frame { clear: bytes.len(), range, keyframe: false, shown: true, width: 0, height: 0, format: None };
        // show_existing_frame
        if bits.flag()? {
            let (width, height) = self.sizes[bits.take(3)? as usize];
            return Some(Frame { width, height, ..blank });
        }
        let keyframe = !bits.flag()?;
        if !keyframe && self.profile != Some(profile) {
            return None;
        }
        self.profile = Some(profile);
        let mut header = Header { bits, sizes: &self.sizes, size: (0, 0), format: None };
        let (shown, refresh) = header.until_compressed(profile, keyframe)?;
        let Header { bits, size, format, .. } = header;
        for (at, slot) in self.sizes.iter_mut().enumerate() {
            if refresh >> at & 1 == 1 {
                *slot = size;
            }
        }
        let clear = bits.position().div_ceil(8);
        Some(Frame { clear, keyframe, shown, width: size.0, height: size.1, format, ..blank })
    }
}

/// Whether decoding can start at this sample: its first frame is a key frame.
pub fn is_keyframe(sample: &[u8]) -> bool {
    let first = || {
        let range = superframe::frames(sample)?.next()?;
        let mut bits = Bits::new(&sample[range]);
        profile(&mut bits)?;
        Some(bits.take(2)? == 0)
    };
    first().unwrap_or(false)
}

/// `frame_marker` and the profile.
fn profile(bits: &mut Bits<'_>) -> Option<u8> {
    if bits.take(2)? != 2 {
        return None;
    }
    let profile = bits.take(1)? | bits.take(1)? << 1;
    if profile == 3 && bits.flag()? {
        return None;
    }
    Some(profile as u8)
}

struct Header<'a, 's> {
    bits: Bits<'a>,
    sizes: &'s [(u32, u32); 8],
    size: (u32, u32),
    format: Option<Format>,
}

impl Header<'_, '_> {
    /// From `show_frame` to `header_size_in_bytes`: whether it is shown, and `refresh_frame_flags`.
    fn until_compressed(&mut self, profile: u8, keyframe: bool) -> Option<(bool, u32)> {
        let shown = self.bits.flag()?;
        let error_resilient = self.bits.flag()?;
        let mut refresh = 0xff;
        if keyframe {
            self.sync_code()?;
            self.color_config(profile)?;
            self.frame_size()?;
            self.render_size()?;
        } else {
            let intra_only = !shown && self.bits.flag()?;
            if !error_resilient {
                // reset_frame_context
                self.bits.skip(2)?;
            }
            if intra_only {
                self.sync_code()?;
                if profile > 0 {
                    self.color_config(profile)?;
                }
                refresh = self.bits.take(8)?;
                self.frame_size()?;
                self.render_size()?;
            } else {
                refresh = self.bits.take(8)?;
                self.references()?;
            }
        }
        // refresh_frame_context, frame_parallel_decoding_mode; frame_context_idx
        self.bits.skip(if error_resilient { 2 } else { 4 })?;
        self.loop_filter()?;
        self.quantization()?;
        self.segmentation()?;
        self.tiles()?;
        // header_size_in_bytes
        let compressed = self.bits.take(16)? as usize;
        let fits = compressed > 0 && compressed <= self.bits.left() / 8;
        fits.then_some((shown, refresh))
    }

    fn sync_code(&mut self) -> Option<()> {
        (self.bits.take(24)? == 0x49_83_42).then_some(())
    }

    fn color_config(&mut self, profile: u8) -> Option<()> {
        let bit_depth = match profile >= 2 {
            true if self.bits.flag()? => 12,
            true => 10,
            false => 8,
        };
        let color_space = self.bits.take(3)? as u8;
        let odd = profile & 1 == 1;
        let (full_range, subsampling_x, subsampling_y);
        // CS_RGB
        if color_space == 7 {
            if !odd {
                return None;
            }
            (full_range, subsampling_x, subsampling_y) = (true, false, false);
        } else {
            full_range = self.bits.flag()?;
            (subsampling_x, subsampling_y) = if odd { (self.bits.flag()?, self.bits.flag()?) } else { (true, true) };
        }
        if odd && self.bits.flag()? {
            return None;
        }
        self.format = Some(Format { profile, bit_depth, color_space, full_range, subsampling_x, subsampling_y });
        Some(())
    }

    fn frame_size(&mut self) -> Option<()> {
        self.size = (self.bits.take(16)? + 1, self.bits.take(16)? + 1);
        Some(())
    }

    fn render_size(&mut self) -> Option<()> {
        match self.bits.flag()? {
            true => self.bits.skip(32),
            false => Some(()),
        }
    }

    /// From `ref_frame_idx` to the interpolation filter.
    fn references(&mut self) -> Option<()> {
        let mut chosen = [(0, 0); 3];
        for size in &mut chosen {
            *size = self.sizes[self.bits.take(3)? as usize];
            // ref_frame_sign_bias
            self.bits.skip(1)?;
        }
        let mut found = None;
        for size in chosen {
            if self.bits.flag()? {
                found = Some(size);
                break;
            }
        }
        match found {
            Some((0, _)) => return None,
            Some(size) => self.size = size,
            None => self.frame_size()?,
        }
        self.render_size()?;
        // allow_high_precision_mv
        self.bits.skip(1)?;
        // is_filter_switchable, raw_interpolation_filter
        if !self.bits.flag()? {
            self.bits.skip(2)?;
        }
        Some(())
    }

    fn loop_filter(&mut self) -> Option<()> {
        // loop_filter_level, loop_filter_sharpness
        self.bits.skip(9)?;
        // loop_filter_delta_enabled, loop_filter_delta_update
        if self.bits.flag()? && self.bits.flag()? {
            for _ in 0..4 + 2 {
                self.optional(7)?;
            }
        }
        Some(())
    }

    fn quantization(&mut self) -> Option<()> {
        self.bits.skip(8)?;
        (0..3).try_for_each(|_| self.optional(5))
    }

    fn segmentation(&mut self) -> Option<()> {
        if !self.bits.flag()? {
            return Some(());
        }
        // segmentation_update_map: the probabilities of the tree, then of prediction
        if self.bits.flag()? {
            (0..7).try_for_each(|_| self.optional(8))?;
            if self.bits.flag()? {
                (0..3).try_for_each(|_| self.optional(8))?;
            }
        }
        // segmentation_update_data
        if self.bits.flag()? {
            // segmentation_abs_or_delta_update
            self.bits.skip(1)?;
            for _ in 0..8 {
                // Values with their signs.
                [9, 7, 2, 0].into_iter().try_for_each(|width| self.optional(width))?;
            }
        }
        Some(())
    }

    fn tiles(&mut self) -> Option<()> {
        let columns = self.size.0.div_ceil(64);
        let min = (0..).find(|log2| 64u32 << log2 >= columns)?;
        let max = (1..).find(|log2| columns >> log2 < 4)? - 1;
        // increment_tile_cols_log2
        for _ in min..max {
            if !self.bits.flag()? {
                break;
            }
        }
        // tile_rows_log2, increment_tile_rows_log2
        if self.bits.flag()? {
            self.bits.skip(1)?;
        }
        Some(())
    }

    /// A value behind a flag that says it is there.
    fn optional(&mut self, width: usize) -> Option<()> {
        match self.bits.flag()? {
            true => self.bits.skip(width),
            false => Some(()),
        }
    }
}
