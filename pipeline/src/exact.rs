//! Rational arithmetic on source times. Timestamps come from uploads, so nothing here may overflow: values are bounded
//! when they enter, and products are checked.

use media_types::{FrameRate, Rational};

use crate::PlanError;

/// Seconds per tick of a source stream, both parts positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeBase {
    num: i128,
    den: i128,
}

impl TimeBase {
    pub(crate) fn new(value: Rational) -> Result<Self, PlanError> {
        if value.num > 0 && value.den > 0 {
            Ok(Self { num: value.num.into(), den: value.den.into() })
        } else {
            Err(PlanError::timestamps(format!("the time base {}/{} is not a length of time", value.num, value.den)))
        }
    }

    /// From `origin`, a time in the base of `origin_base`, to `pts` in this one.
    pub(crate) fn since(self, pts: i64, origin: i64, origin_base: TimeBase) -> Seconds {
        // 63 + 31 + 31 bits each.
        let left = i128::from(pts) * self.num * origin_base.den;
        let right = i128::from(origin) * origin_base.num * self.den;
        Seconds { num: left - right, den: self.den * origin_base.den }
    }

    /// The time so many frames before `pts`, rounded to nearest.
    pub(crate) fn earlier(self, pts: i64, frames: u32, rate: FrameRate) -> i64 {
        let ticks =
            round_div(i128::from(frames) * i128::from(rate.den()) * self.den, i128::from(rate.num()) * self.num);
        pts.saturating_sub(i64::try_from(ticks).unwrap_or(i64::MAX))
    }

    /// The time `pts` of `base` in ticks of this one, rounded to nearest.
    pub(crate) fn nearest_pts(self, pts: i64, base: TimeBase) -> i64 {
        let rounded = round_div(i128::from(pts) * base.num * self.den, base.den * self.num);
        i64::try_from(rounded).unwrap_or(if rounded < 0 { i64::MIN } else { i64::MAX })
    }
}

/// An exact length of time; `den` is positive and at most 2^62.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seconds {
    num: i128,
    den: i128,
}

impl Seconds {
    /// Whole seconds, rounded down.
    pub(crate) fn whole(self) -> i128 {
        self.num.div_euclid(self.den)
    }

    /// Whether this is more than `limit` whole seconds.
    pub(crate) fn exceeds(self, limit: i64) -> bool {
        self.num > i128::from(limit) * self.den
    }

    /// Units of `1 / per_second` seconds, rounded to nearest. `None` when the time lies beyond 2^31 seconds.
    pub(crate) fn units(self, per_second_num: u32, per_second_den: u32) -> Option<i128> {
        self.fraction(per_second_num, per_second_den).map(|(units, whole)| round_div(units, whole))
    }

    /// The same, rounded up.
    pub(crate) fn units_up(self, per_second_num: u32, per_second_den: u32) -> Option<i128> {
        self.fraction(per_second_num, per_second_den).map(|(units, whole)| ceil_div(units, whole))
    }

    fn fraction(self, per_second_num: u32, per_second_den: u32) -> Option<(i128, i128)> {
        if self.whole().unsigned_abs() >> 31 != 0 {
            return None;
        }
        // 31 + 32 + 62 bits for the whole part, 62 + 32 for the rest.
        let whole = self.whole() * i128::from(per_second_num);
        let rest = self.num.rem_euclid(self.den) * i128::from(per_second_num);
        Some((whole * self.den + rest, self.den * i128::from(per_second_den)))
    }
}

/// `left / right` rounded to nearest, halves away from zero; `right` is positive.
pub(crate) fn round_div(left: i128, right: i128) -> i128 {
    let half = right / 2;
    if left >= 0 { (left + half) / right } else { (left - half) / right }
}

/// `left / right` rounded up; `right` is positive.
pub(crate) fn ceil_div(left: i128, right: i128) -> i128 {
    left.div_euclid(right) + i128::from(left.rem_euclid(right) != 0)
}

/// Picture times counted from the first picture, in frames of a rate: `(pts - origin) * step / whole`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FrameScale {
    pub(crate) step: i128,
    pub(crate) whole: i128,
    origin: i64,
}

impl FrameScale {
    /// Positions are exact while the span of the pictures is bounded by [`crate::MAX_DURATION_S`].
    pub(crate) fn new(base: TimeBase, origin: i64, num: u32, den: u32) -> Self {
        Self { step: base.num * i128::from(num), whole: base.den * i128::from(den), origin }
    }

    /// `pts` in `1 / whole` frames.
    pub(crate) fn at(&self, pts: i64) -> i128 {
        (i128::from(pts) - i128::from(self.origin)) * self.step
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn base(num: i32, den: i32) -> TimeBase {
        TimeBase::new(Rational { num, den }).unwrap()
    }

    #[test]
    fn a_time_base_is_positive() {
        for (num, den) in [(0, 1), (1, 0), (-1, 90_000), (1, -1)] {
            assert_eq!(TimeBase::new(Rational { num, den }).unwrap_err().code, "input.timestamps");
        }
    }

    #[test]
    fn times_of_two_streams_are_compared_exactly() {
        let (video, audio) = (base(1, 90_000), base(1, 44_100));
        assert_eq!(audio.since(44_100, 45_000, video).units(1000, 1), Some(500));
        assert_eq!(audio.nearest_pts(45_000, video), 22_050);
        assert_eq!(video.since(-90_000, 0, audio).units(1000, 1), Some(-1000));
    }

    proptest! {
        #[test]
        fn no_timestamp_overflows(
            pts: i64, origin: i64,
            num in 1..i32::MAX, den in 1..i32::MAX, other_num in 1..i32::MAX, other_den in 1..i32::MAX,
            rate_num in 1u32.., rate_den in 1u32..,
        ) {
            let (one, other) = (base(num, den), base(other_num, other_den));
            let seconds = one.since(pts, origin, other);
            let _ = (seconds.whole(), seconds.units(rate_num, rate_den), one.nearest_pts(pts, other));
        }

        #[test]
        fn units_are_the_nearest(ticks in -10_000_000i64..10_000_000, rate in 1u32..200_000) {
            let seconds = base(1, 90_000).since(ticks, 0, base(1, 90_000));
            let expected = media_types::time::rescale(ticks, rate.into(), 90_000);
            let found = seconds.units(rate, 1).unwrap();
            // Halves below zero may round either way: no unit counts before the origin.
            prop_assert!((found - i128::from(expected)).abs() <= i128::from(ticks < 0));
        }
    }
}
