//! `film_grain_params` (§5.9.30).

use super::{FrameType, Reader};

impl Reader<'_, '_> {
    pub(super) fn film_grain(&mut self) -> Option<()> {
        let sequence = self.sequence;
        if !sequence.film_grain || !self.shown && !self.showable || !self.bits.flag()? {
            return Some(());
        }
        // grain_seed
        self.bits.skip(16)?;
        // update_grain
        if self.frame_type == FrameType::Inter && !self.bits.flag()? {
            // film_grain_params_ref_idx
            return self.bits.skip(3);
        }
        let luma = self.points()?;
        let from_luma = !sequence.mono_chrome && self.bits.flag()?;
        let no_chroma =
            sequence.mono_chrome || from_luma || sequence.subsampling_x && sequence.subsampling_y && luma == 0;
        let (cb, cr) = if no_chroma { (0, 0) } else { (self.points()?, self.points()?) };
        // grain_scaling_minus_8
        self.bits.skip(2)?;
        let lag = self.bits.take(2)? as usize;
        let luma_coefficients = 2 * lag * (lag + 1);
        let chroma_coefficients = luma_coefficients + usize::from(luma > 0);
        if luma > 0 {
            self.bits.skip(8 * luma_coefficients)?;
        }
        for points in [cb, cr] {
            if from_luma || points > 0 {
                self.bits.skip(8 * chroma_coefficients)?;
            }
        }
        // ar_coeff_shift_minus_6, grain_scale_shift
        self.bits.skip(4)?;
        for points in [cb, cr] {
            if points > 0 {
                self.bits.skip(8 + 8 + 9)?;
            }
        }
        // overlap_flag, clip_to_restricted_range
        self.bits.skip(2)
    }

    /// The number of points and the points.
    fn points(&mut self) -> Option<u32> {
        let count = self.bits.take(4)?;
        self.bits.skip(16 * count as usize)?;
        Some(count)
    }
}
