//! Frame, render and superresolution sizes (§5.9.5 to §5.9.9).

use super::{REFERENCES, Reader};

/// A frame's dimensions in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::av1) struct FrameSize {
    /// `UpscaledWidth`.
    pub(super) upscaled_width: u32,
    /// `FrameWidth`, before superresolution.
    pub(super) width: u32,
    /// `FrameHeight`.
    pub(super) height: u32,
}

impl FrameSize {
    pub(super) fn is_scaled(&self) -> bool {
        self.width != self.upscaled_width
    }
}

impl Reader<'_, '_> {
    pub(super) fn intra_size(&mut self, screen_content: bool) -> Option<()> {
        self.frame_size()?;
        self.render_size()?;
        self.allow_intrabc = screen_content && !self.size.is_scaled() && self.bits.flag()?;
        Some(())
    }

    /// `frame_size`.
    pub(super) fn frame_size(&mut self) -> Option<()> {
        let (width, height) = match self.size_override {
            true => (self.bits.take(self.sequence.width_bits)? + 1, self.bits.take(self.sequence.height_bits)? + 1),
            false => (self.sequence.max_width, self.sequence.max_height),
        };
        self.superres(width, height)
    }

    /// `render_size`.
    pub(super) fn render_size(&mut self) -> Option<()> {
        match self.bits.flag()? {
            true => self.bits.skip(32),
            false => Some(()),
        }
    }

    /// `frame_size_with_refs`.
    pub(super) fn frame_size_with_refs(&mut self) -> Option<()> {
        for at in 0..REFERENCES {
            if self.bits.flag()? {
                let slot = &self.slots[self.chosen[at]];
                if !slot.valid {
                    return None;
                }
                let (width, height) = (slot.size.upscaled_width, slot.size.height);
                return self.superres(width, height);
            }
        }
        self.frame_size()?;
        self.render_size()
    }

    /// `superres_params`: the coded width is 8/9 to 8/16 of the shown one.
    fn superres(&mut self, width: u32, height: u32) -> Option<()> {
        let denominator = match self.sequence.superres && self.bits.flag()? {
            true => self.bits.take(3)? + 9,
            false => 8,
        };
        self.size = FrameSize { upscaled_width: width, width: (width * 8 + denominator / 2) / denominator, height };
        Some(())
    }
}
