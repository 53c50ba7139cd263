//! Loop filter, CDEF and loop restoration (§5.9.11, §5.9.19, §5.9.20).

use super::Reader;

impl Reader<'_, '_> {
    /// `loop_filter_params`.
    pub(super) fn loop_filter(&mut self, coded_lossless: bool) -> Option<()> {
        if coded_lossless || self.allow_intrabc {
            return Some(());
        }
        let levels = self.bits.take(12)?;
        if !self.sequence.mono_chrome && levels != 0 {
            self.bits.skip(12)?;
        }
        // loop_filter_sharpness
        self.bits.skip(3)?;
        // loop_filter_delta_enabled, loop_filter_delta_update
        if self.bits.flag()? && self.bits.flag()? {
            for _ in 0..8 + 2 {
                if self.bits.flag()? {
                    self.bits.skip(7)?;
                }
            }
        }
        Some(())
    }

    /// `cdef_params`.
    pub(super) fn cdef(&mut self, coded_lossless: bool) -> Option<()> {
        if coded_lossless || self.allow_intrabc || !self.sequence.cdef {
            return Some(());
        }
        // cdef_damping_minus_3
        self.bits.skip(2)?;
        let count = 1usize << self.bits.take(2)?;
        self.bits.skip(count * if self.sequence.mono_chrome { 6 } else { 12 })
    }

    /// `lr_params`.
    pub(super) fn loop_restoration(&mut self, all_lossless: bool) -> Option<()> {
        if all_lossless || self.allow_intrabc || !self.sequence.restoration {
            return Some(());
        }
        let luma = self.bits.take(2)? != 0;
        let chroma = !self.sequence.mono_chrome && self.bits.take(4)? != 0;
        if !luma && !chroma {
            return Some(());
        }
        // lr_unit_shift, lr_unit_extra_shift
        if self.bits.flag()? && !self.sequence.superblock_128 {
            self.bits.skip(1)?;
        }
        if chroma && self.sequence.subsampling_x && self.sequence.subsampling_y {
            // lr_uv_shift
            self.bits.skip(1)?;
        }
        Some(())
    }
}
