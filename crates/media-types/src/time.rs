//! Exact time: integer ticks in a stated timescale, so that nothing drifts over hours.

use std::cmp::Ordering;
use std::fmt;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

/// Ticks per second of one track. Never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timescale(NonZeroU32);

impl Timescale {
    /// 90 kHz, the scale of sources without a constant frame rate.
    pub const NINETY_KHZ: Timescale = Timescale(NonZeroU32::new(90_000).expect("not zero"));

    /// `None` when `ticks_per_second` is zero.
    pub const fn new(ticks_per_second: u32) -> Option<Self> {
        match NonZeroU32::new(ticks_per_second) {
            Some(value) => Some(Self(value)),
            None => None,
        }
    }

    /// Ticks per second.
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

impl fmt::Display for Timescale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A point in time or a length: `ticks` in units of `1/scale` seconds.
///
/// Values of different scales compare exactly; there is deliberately no `+` across scales.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct MediaTime {
    /// Ticks, negative before the origin.
    pub ticks: i64,
    /// Ticks per second.
    pub scale: Timescale,
}

impl MediaTime {
    /// `ticks` in `scale`.
    pub const fn new(ticks: i64, scale: Timescale) -> Self {
        Self { ticks, scale }
    }

    /// Seconds as a float: for display and estimates, never for arithmetic on the timeline.
    pub fn as_secs_f64(self) -> f64 {
        self.ticks as f64 / f64::from(self.scale.get())
    }
}

impl PartialEq for MediaTime {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for MediaTime {}

impl PartialOrd for MediaTime {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for MediaTime {
    fn cmp(&self, other: &Self) -> Ordering {
        let left = i128::from(self.ticks) * i128::from(other.scale.get());
        let right = i128::from(other.ticks) * i128::from(self.scale.get());
        left.cmp(&right)
    }
}

/// `ticks * numerator / denominator`, rounded to nearest with halves away from zero, saturating at the ends of `i64`.
///
/// # Panics
/// When `denominator` is zero.
pub fn rescale(ticks: i64, numerator: u64, denominator: u64) -> i64 {
    let product = i128::from(ticks) * i128::from(numerator);
    let divisor = i128::from(denominator);
    let half = divisor / 2;
    let rounded = if product >= 0 { (product + half) / divisor } else { (product - half) / divisor };
    i64::try_from(rounded).unwrap_or(if rounded < 0 { i64::MIN } else { i64::MAX })
}

/// Pictures per second as a reduced fraction, such as 24000/1001.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FrameRate {
    num: NonZeroU32,
    den: NonZeroU32,
}

impl FrameRate {
    /// `None` when either part is zero. The fraction is reduced.
    pub const fn new(num: u32, den: u32) -> Option<Self> {
        let (mut a, mut b) = (num, den);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        if a == 0 {
            return None;
        }
        match (NonZeroU32::new(num / a), NonZeroU32::new(den / a)) {
            (Some(num), Some(den)) => Some(Self { num, den }),
            _ => None,
        }
    }

    /// Numerator of the reduced fraction.
    pub const fn num(self) -> u32 {
        self.num.get()
    }

    /// Denominator of the reduced fraction.
    pub const fn den(self) -> u32 {
        self.den.get()
    }

    /// Pictures per second as a float, for display and estimates.
    pub fn as_f64(self) -> f64 {
        f64::from(self.num()) / f64::from(self.den())
    }

    /// The smallest multiple of the numerator that is at least 12,000: every frame lasts a whole number of ticks and
    /// common players keep microsecond-class precision. `None` when that does not fit 32 bits.
    pub fn video_timescale(self) -> Option<Timescale> {
        let multiple = 12_000_u32.div_ceil(self.num());
        Timescale::new(self.num().checked_mul(multiple)?)
    }

    /// Ticks one frame lasts in `scale`, when that is a whole number.
    pub fn frame_ticks(self, scale: Timescale) -> Option<u32> {
        let ticks = u64::from(scale.get()) * u64::from(self.den());
        (ticks % u64::from(self.num()) == 0).then(|| u32::try_from(ticks / u64::from(self.num())).ok()).flatten()
    }
}

impl fmt::Display for FrameRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.den() {
            1 => write!(f, "{}", self.num()),
            den => write!(f, "{}/{den}", self.num()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rate(num: u32, den: u32) -> FrameRate {
        FrameRate::new(num, den).expect("valid rate")
    }

    #[test]
    fn every_broadcast_rate_has_whole_frame_ticks() {
        for (num, den, scale, ticks) in [
            (25, 1, 12_000, 480),
            (24_000, 1001, 24_000, 1001),
            (30_000, 1001, 30_000, 1001),
            (30, 1, 12_000, 400),
            (60, 1, 12_000, 200),
        ] {
            let timescale = rate(num, den).video_timescale().expect("fits");
            assert_eq!((timescale.get(), rate(num, den).frame_ticks(timescale)), (scale, Some(ticks)), "{num}/{den}");
        }
    }

    #[test]
    fn times_of_different_scales_compare_exactly() {
        let scale = |n| Timescale::new(n).expect("not zero");
        assert_eq!(MediaTime::new(1, scale(2)), MediaTime::new(24_000, scale(48_000)));
        assert!(MediaTime::new(1001, scale(24_000)) > MediaTime::new(41_708, scale(1_000_000)));
    }

    proptest! {
        #[test]
        fn a_frame_lasts_a_whole_number_of_ticks(num in 1u32..300_000, den in 1u32..5000) {
            let rate = rate(num, den);
            if let Some(scale) = rate.video_timescale() {
                prop_assert!(scale.get() >= 12_000 || scale.get() % rate.num() == 0);
                prop_assert!(rate.frame_ticks(scale).is_some());
            }
        }

        #[test]
        fn rescaling_is_off_by_at_most_half_a_tick(ticks in -1_000_000_000_000i64..1_000_000_000_000, from in 1u32..200_000, to in 1u32..200_000) {
            let out = rescale(ticks, to.into(), from.into());
            let error = (i128::from(ticks) * i128::from(to) - i128::from(out) * i128::from(from)).abs();
            prop_assert!(2 * error <= i128::from(from));
        }
    }
}
