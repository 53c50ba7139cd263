//! How loud sound is, where that is looked up, and the gain that follows.

use std::ops::Range;

use media_types::{AudioPlan, LoudnessTarget};
use serde::{Deserialize, Serialize};

/// Windows that a long track is measured in, evenly spread.
const WINDOWS: u64 = 20;
/// Seconds of each.
const WINDOW_S: u64 = 3;
/// What sound is amplified by at most, in decibels: more would be the noise of its room.
const MAX_GAIN_DB: f64 = 20.0;
/// What sound is attenuated by at most, in decibels.
const MIN_GAIN_DB: f64 = -30.0;
/// A gain this far from the right one, in LU, is worth another encode.
const TOLERANCE_LU: f64 = 1.0;
/// No measurement is outside plus and minus so many decibels.
const FARTHEST_DB: f64 = 300.0;

/// What sound measures to ITU-R BS.1770-4 and EBU R 128, to the hundredth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Loudness {
    /// Integrated loudness in LUFS; `None` when nothing is above the absolute gate, or nothing lasts a gating block.
    pub integrated_lufs: Option<f64>,
    /// Highest true peak of any channel in dBTP; `None` of digital silence.
    pub true_peak_dbtp: Option<f64>,
}

impl Loudness {
    /// Whether the numbers can be a measurement at all.
    pub fn is_plausible(&self) -> bool {
        let of_sound = |value: f64| (-FARTHEST_DB..=FARTHEST_DB).contains(&value);
        self.integrated_lufs.is_none_or(of_sound) && self.true_peak_dbtp.is_none_or(of_sound)
    }

    /// Decibels that bring the sound to `target`, within what sound is amplified and attenuated by; 0 for silence.
    pub fn gain_db(&self, target: &LoudnessTarget) -> f64 {
        let gain = self.integrated_lufs.map_or(0.0, |lufs| target.integrated_lufs - lufs);
        // Hundredths, so that what is told of a gain is the gain.
        (gain.clamp(MIN_GAIN_DB, MAX_GAIN_DB) * 100.0).round() / 100.0
    }
}

/// Whether sound that was encoded with one gain should be encoded again, now that the exact one is known.
pub fn is_gain_off(used_db: f64, exact_db: f64) -> bool {
    (used_db - exact_db).abs() > TOLERANCE_LU
}

/// Which presentation samples of `plan` say how loud it is, before all of it is decoded: at most 20 windows of 3 s, evenly
/// spread, or the whole of a track that is no longer than these together. Ascending and apart.
pub fn loudness_windows(plan: &AudioPlan) -> Vec<Range<u64>> {
    let (total, length) = (plan.sample_count, WINDOW_S * u64::from(plan.sample_rate));
    if total <= WINDOWS * length {
        return std::iter::once(0..total).filter(|whole| !whole.is_empty()).collect();
    }
    let centre = |index: u64| {
        let at = u128::from(total) * u128::from(2 * index + 1) / u128::from(2 * WINDOWS);
        u64::try_from(at).unwrap_or(total)
    };
    (0..WINDOWS).map(|index| centre(index) - length / 2).map(|start| start..start + length).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use media_types::Rational;
    use proptest::prelude::*;

    use super::*;

    fn plan(sample_rate: u32, sample_count: u64) -> AudioPlan {
        AudioPlan {
            name: "und".to_owned(),
            label: None,
            roles: Default::default(),
            clock: Default::default(),
            stream_index: 0,
            source_time_base: Rational { num: 1, den: 48_000 },
            origin_pts: 0,
            sample_rate,
            channels: 2,
            bitrate_bps: 128_000,
            opus_bitrate_bps: None,
            sample_count,
            borders: Vec::new(),
            language: "und".to_owned(),
            loudness: None,
        }
    }

    #[test]
    fn a_minute_is_measured_whole_and_an_hour_in_twenty_places() {
        assert_eq!(loudness_windows(&plan(48_000, 0)), []);
        assert_eq!(loudness_windows(&plan(48_000, 60 * 48_000)), std::slice::from_ref(&(0..60 * 48_000)));
        let hour = loudness_windows(&plan(48_000, 3600 * 48_000));
        assert_eq!((hour.len(), hour[0].clone()), (20, 88_500 * 48..91_500 * 48));
        let gaps: Vec<u64> = hour.windows(2).map(|pair| pair[1].start - pair[0].start).collect();
        assert_eq!(gaps, [180 * 48_000; 19]);
    }

    #[test]
    fn a_gain_leads_to_the_target_within_bounds_and_silence_has_none() {
        let target = LoudnessTarget { integrated_lufs: -16.0, max_true_peak_dbtp: -1.0 };
        let gain = |lufs| Loudness { integrated_lufs: lufs, true_peak_dbtp: None }.gain_db(&target);
        assert_eq!(gain(Some(-23.456)), 7.46);
        assert_eq!(gain(Some(-6.0)), -10.0);
        assert_eq!((gain(Some(-60.0)), gain(Some(40.0)), gain(None)), (20.0, -30.0, 0.0));
    }

    #[test]
    fn a_gain_is_off_by_more_than_one_loudness_unit() {
        assert!(!is_gain_off(7.0, 8.0) && !is_gain_off(7.0, 6.0));
        assert!(is_gain_off(7.0, 8.01) && is_gain_off(-20.0, 0.0));
    }

    #[test]
    fn what_no_meter_shows_is_no_measurement() {
        let loudness = |value| Loudness { integrated_lufs: Some(-20.0), true_peak_dbtp: Some(value) };
        assert!(loudness(0.3).is_plausible() && Loudness::default().is_plausible());
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e9] {
            assert!(!loudness(value).is_plausible(), "{value}");
            let other = Loudness { integrated_lufs: Some(value), true_peak_dbtp: None };
            assert!(!other.is_plausible(), "{value}");
        }
    }

    proptest! {
        #[test]
        fn windows_lie_apart_inside_the_track(rate in 0u32..400_000, count in any::<u64>()) {
            let windows = loudness_windows(&plan(rate, count));
            prop_assert!(windows.len() <= 20);
            prop_assert!(windows.iter().all(|window| window.end <= count && window.start <= window.end));
            prop_assert!(windows.windows(2).all(|pair| pair[0].end <= pair[1].start));
        }
    }
}
