//! What VMAF says of coded pictures, where there is a library that knows it.

use serde::{Deserialize, Serialize};

/// What cannot be told from the source has this much; the worst there is has none.
pub const MOST_VMAF: f64 = 100.0;
/// A little more than HD: the model's pictures have 1080 lines, watched at three times their height.
const MOST_PIXELS: u64 = 2048 * 1152;

/// Whether the model, `vmaf_v0.6.1`, is for pictures of such a size.
pub fn is_vmaf_for(width: u32, height: u32) -> bool {
    u64::from(width) * u64::from(height) <= MOST_PIXELS
}

/// VMAF of a track's pictures, from however many places of a recording.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Vmaf {
    /// Pictures that were looked at.
    pub pictures: u64,
    /// Sum of their scores.
    pub score: f64,
}

impl Vmaf {
    /// Takes in the score of a picture that is shown so many times.
    pub fn add(&mut self, score: f64, times: u64) {
        self.pictures += times;
        self.score += score * times as f64;
    }

    /// Both together.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self { pictures: self.pictures.saturating_add(other.pictures), score: self.score + other.score }
    }

    /// From 0 to [`MOST_VMAF`]; `None` when no picture was looked at.
    pub fn mean(&self) -> Option<f64> {
        if self.pictures == 0 || !self.score.is_finite() {
            return None;
        }
        Some((self.score / self.pictures as f64).clamp(0.0, MOST_VMAF))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_mean_is_that_of_all_pictures_and_there_is_none_of_none() {
        let (mut one, mut other) = (Vmaf::default(), Vmaf::default());
        one.add(90.0, 1);
        other.add(60.0, 2);
        assert_eq!(one.with(other), Vmaf { pictures: 3, score: 210.0 });
        assert!((one.with(other).mean().unwrap() - 70.0).abs() < 1e-9);
        assert_eq!(Vmaf::default().mean(), None);
    }

    #[test]
    fn what_no_library_would_say_is_no_quality() {
        for (score, mean) in [(f64::NAN, None), (f64::INFINITY, None), (-5.0, Some(0.0)), (1e9, Some(MOST_VMAF))] {
            assert_eq!(Vmaf { pictures: 1, score }.mean(), mean, "{score}");
        }
    }

    #[test]
    fn the_model_is_for_hd_and_smaller() {
        assert!(is_vmaf_for(1920, 1080) && is_vmaf_for(1080, 1920) && is_vmaf_for(640, 360));
        assert!(!is_vmaf_for(2560, 1440) && !is_vmaf_for(u32::MAX, u32::MAX));
    }
}
