//! A limiter of true peaks that looks ahead, and answers each sample in its place.
//!
//! What a sample must be turned down by is known from the wave between it and its neighbours, four times as dense as the
//! samples (ITU-R BS.1770-4, annex 2). The gain goes down in a straight line over the look-ahead, so that it is where it
//! must be when the peak comes, and back up exponentially. Gains are whole numbers: a sum of ones is exactly one, sound
//! without such peaks comes out bit for bit as it went in, and every machine does the same.

use std::collections::VecDeque;
use std::f64::consts::PI;
use std::ops::Range;

/// Points of the wave from one sample up to the next, the sample itself being the first.
const POINTS: usize = 4;
/// Samples that say what the wave is between the two in their middle.
const TAPS: usize = 12;
/// From a sample to the last one that says what the wave is behind it.
const REACH: usize = TAPS / 2;
/// A gain of one.
const ONE: u32 = 1 << 30;
/// Time over which the gain goes down before a peak.
const LOOK_AHEAD_MS: u32 = 5;
/// Time in which the gain makes up most of what it went down by.
const RELEASE_MS: u32 = 100;
/// A gain is lower by this share of itself, so that a product of single precision never ends above the ceiling.
const ROUNDING: f64 = 1.0 / (1 << 21) as f64;
/// The gain goes up by this much a sample at least, or it would never arrive.
const LEAST_STEP: u32 = 1 << 10;

pub(crate) struct Limiter {
    ceiling: f32,
    /// For each sample, what it gives to each of the points.
    filter: [[f32; POINTS]; TAPS],
    /// Samples below this give no wave above the ceiling.
    harmless: f32,
    /// Per channel, the samples that are still needed.
    held: Vec<Vec<f32>>,
    /// Samples still to come that may have a part in a wave above the ceiling.
    alert: usize,
    /// Highest point of the wave behind the sample before the last one looked at.
    peak_before: f32,
    lowest: Lowest,
    /// The gain after the release, and its last values, as many as the look-ahead has samples, and their sum.
    gain: u32,
    release: u32,
    recent: Vec<u32>,
    oldest: usize,
    sum: u64,
    /// Samples since the gain was, or was to become, other than one.
    steady: usize,
    /// Samples of nothing that come out before the first one.
    lead: usize,
}

impl Limiter {
    pub(crate) fn new(channels: usize, rate: u32, ceiling: f32) -> Self {
        let ahead = (rate * LOOK_AHEAD_MS / 1000).max(1) as usize;
        let filter = filter();
        let strength = |point: usize| filter.iter().map(|given| given[point].abs()).sum::<f32>();
        let strongest = (0..POINTS).map(strength).fold(1.0, f32::max);
        let latency = REACH + ahead - 1;
        Self {
            ceiling,
            filter,
            harmless: ceiling / strongest,
            held: vec![vec![0.0; latency + TAPS]; channels],
            alert: 0,
            peak_before: 0.0,
            lowest: Lowest::new(ahead),
            gain: ONE,
            release: (rate * RELEASE_MS / 1000).max(1),
            recent: vec![ONE; ahead],
            oldest: 0,
            sum: ahead as u64 * u64::from(ONE),
            steady: ahead,
            lead: latency,
        }
    }

    /// Takes `planes` and appends to `out` what is decided by now.
    pub(crate) fn limit(&mut self, planes: &[Vec<f32>], out: &mut [Vec<f32>]) {
        let before = self.held.first().map_or(0, Vec::len);
        for (held, plane) in self.held.iter_mut().zip(planes) {
            held.extend_from_slice(plane);
        }
        let after = self.held.first().map_or(0, Vec::len);
        let latency = REACH + self.recent.len() - 1;
        let harmless = planes.iter().flatten().all(|sample| sample.abs() <= self.harmless);
        if harmless && self.alert == 0 && self.steady >= self.recent.len() {
            let skipped = self.lead.min(after - before);
            self.lead -= skipped;
            for (held, out) in self.held.iter().zip(out.iter_mut()) {
                out.extend_from_slice(&held[before + skipped - latency..after - latency]);
            }
        } else {
            self.decide(before..after, latency, out);
        }
        for held in &mut self.held {
            held.drain(..after.saturating_sub(latency + TAPS));
        }
    }

    /// Looks at each of the new samples, and appends those whose gain is known by that.
    fn decide(&mut self, new: Range<usize>, latency: usize, out: &mut [Vec<f32>]) {
        for at in new {
            let gain = self.step(at);
            if self.lead > 0 {
                self.lead -= 1;
                continue;
            }
            for (held, out) in self.held.iter().zip(out.iter_mut()) {
                out.push(held[at - latency] * gain);
            }
        }
    }

    /// Appends the rest: as many samples as went in have come out then.
    pub(crate) fn finish(&mut self, out: &mut [Vec<f32>]) {
        let silence = vec![vec![0.0; REACH + self.recent.len() - 1]; self.held.len()];
        self.limit(&silence, out);
    }

    /// Looks at the wave that the sample at `at` completes; answers the gain of the sample that is due.
    fn step(&mut self, at: usize) -> f32 {
        let harmful = self.held.iter().any(|held| held[at].abs() > self.harmless);
        self.alert = if harmful { TAPS + 1 } else { self.alert.saturating_sub(1) };
        let needed = if self.alert > 0 { self.needed(at) } else { ONE };
        let target = self.lowest.push(needed);
        self.gain = if target <= self.gain {
            target
        } else {
            (self.gain + ((target - self.gain) / self.release).max(LEAST_STEP)).min(target)
        };
        self.sum = self.sum + u64::from(self.gain) - u64::from(self.recent[self.oldest]);
        self.recent[self.oldest] = self.gain;
        self.oldest = if self.oldest + 1 == self.recent.len() { 0 } else { self.oldest + 1 };
        self.steady = if needed == ONE && self.gain == ONE { self.steady.saturating_add(1) } else { 0 };
        // A sum of ones divides to exactly one.
        (self.sum as f64 / (self.recent.len() as f64 * f64::from(ONE))) as f32
    }

    /// The gain that brings the sample [`REACH`] before `at`, and the wave on both sides of it, to the ceiling.
    fn needed(&mut self, at: usize) -> u32 {
        let mut wave = 0f32;
        for held in &self.held {
            let Some(near) = held[at + 1 - TAPS..].first_chunk::<TAPS>() else { continue };
            let mut points = [0f32; POINTS];
            for (given, sample) in self.filter.iter().zip(near) {
                for (point, tap) in points.iter_mut().zip(given) {
                    *point += tap * sample;
                }
            }
            for point in points {
                wave = if point.abs() > wave { point.abs() } else { wave };
            }
        }
        let peak = wave.max(self.peak_before);
        self.peak_before = wave;
        let gain = f64::from(self.ceiling) / f64::from(peak) * (1.0 - ROUNDING);
        if peak <= self.ceiling { ONE } else { (gain * f64::from(ONE)) as u32 }
    }
}

/// What each of the samples gives to the wave in their middle: at a sample, and a quarter, a half and three quarters of
/// the way to the next one. A windowed sinc.
fn filter() -> [[f32; POINTS]; TAPS] {
    let mut filter = [[0.0; POINTS]; TAPS];
    for (at, given) in filter.iter_mut().enumerate() {
        let from_sample = at as f64 - (REACH - 1) as f64;
        // At a sample the wave is that sample.
        given[0] = if at == REACH - 1 { 1.0 } else { 0.0 };
        for (point, tap) in given.iter_mut().enumerate().skip(1) {
            let x = from_sample - point as f64 / POINTS as f64;
            let window = 0.5 + 0.5 * (PI * x / REACH as f64).cos();
            *tap = ((PI * x).sin() / (PI * x) * window) as f32;
        }
    }
    filter
}

/// The lowest of the last values.
struct Lowest {
    span: u64,
    count: u64,
    /// Ascending, each with when it leaves.
    ascending: VecDeque<(u32, u64)>,
}

impl Lowest {
    fn new(span: usize) -> Self {
        Self { span: span as u64, count: 0, ascending: VecDeque::new() }
    }

    fn push(&mut self, value: u32) -> u32 {
        self.count += 1;
        while self.ascending.back().is_some_and(|(last, _)| *last >= value) {
            self.ascending.pop_back();
        }
        self.ascending.push_back((value, self.count + self.span));
        while self.ascending.front().is_some_and(|(_, leaves)| *leaves <= self.count) {
            self.ascending.pop_front();
        }
        self.ascending.front().map_or(value, |(lowest, _)| *lowest)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use ebur128::{EbuR128, Mode};
    use proptest::prelude::*;

    use super::*;

    const RATE: u32 = 48_000;
    const CEILING: f32 = 0.891_25;

    /// Feeds `planes` in pieces of the given lengths, again and again.
    fn limited(planes: &[Vec<f32>], ceiling: f32, pieces: &[usize]) -> Vec<Vec<f32>> {
        let mut limiter = Limiter::new(planes.len(), RATE, ceiling);
        let mut out = vec![Vec::new(); planes.len()];
        let (mut at, mut lengths) = (0, pieces.iter().cycle());
        while at < planes[0].len() {
            let end = (at + lengths.next().unwrap()).min(planes[0].len());
            let piece: Vec<Vec<f32>> = planes.iter().map(|plane| plane[at..end].to_vec()).collect();
            limiter.limit(&piece, &mut out);
            at = end;
        }
        limiter.finish(&mut out);
        out
    }

    fn sine(amplitude: f32, frequency: f32, phase: f32, count: usize) -> Vec<f32> {
        let step = frequency * std::f32::consts::TAU / RATE as f32;
        (0..count).map(|at| amplitude * (at as f32 * step + phase).sin()).collect()
    }

    /// In full scales, as the meter that the results are judged by finds it.
    fn true_peak(plane: &[f32]) -> f64 {
        let mut meter = EbuR128::new(1, RATE, Mode::TRUE_PEAK).unwrap();
        meter.add_frames_f32(plane).unwrap();
        meter.add_frames_f32(&[0.0; 32]).unwrap();
        meter.true_peak(0).unwrap()
    }

    /// Noise of a generator that is the same everywhere.
    fn noise(count: usize) -> Vec<f32> {
        let mut state = 1u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        (0..count).map(|_| next()).collect()
    }

    #[test]
    fn sound_below_the_ceiling_passes_bit_for_bit_also_after_a_peak() {
        let mut plane = sine(0.5, 997.0, 0.1, 3 * RATE as usize);
        let quiet = plane.clone();
        plane[1000] = 3.0;
        let out = limited(std::slice::from_ref(&plane), CEILING, &[1024]);
        assert_eq!(out[0].len(), plane.len());
        assert_eq!(out[0][..700], quiet[..700]);
        assert!(out[0][1000] <= CEILING && out[0][990].abs() < quiet[990].abs());
        assert_eq!(out[0][RATE as usize..], quiet[RATE as usize..], "the gain is exactly one again");
    }

    #[test]
    fn the_first_and_the_last_sample_are_limited_too() {
        for at in [0, 1, 499] {
            let mut plane = vec![0.1; 500];
            plane[at] = 4.0;
            let out = limited(std::slice::from_ref(&plane), CEILING, &[7]);
            assert_eq!(out[0].len(), 500);
            assert!(out[0].iter().all(|sample| sample.abs() <= CEILING), "{at}");
        }
    }

    #[test]
    fn peaks_between_samples_are_held_too() {
        // At a quarter of the rate and an eighth of a turn off, no sample shows the wave's height.
        let plane = sine(1.2, 12_000.0, std::f32::consts::FRAC_PI_4, RATE as usize);
        assert!(plane.iter().all(|sample| sample.abs() < 0.86));
        let out = limited(std::slice::from_ref(&plane), CEILING, &[1024]);
        let peak = true_peak(&out[0][100..]);
        assert!(peak < f64::from(CEILING) * 1.006 && peak > f64::from(CEILING) * 0.98, "{peak}");
    }

    #[test]
    fn channels_are_turned_down_together() {
        let (loud, soft) = (sine(2.0, 440.0, 0.0, 20_000), sine(0.25, 440.0, 0.0, 20_000));
        let out = limited(&[loud, soft], CEILING, &[333]);
        assert!(out[0].iter().zip(&out[1]).all(|(loud, soft)| (loud - soft * 8.0).abs() < 1e-5));
    }

    #[test]
    fn noise_at_any_gain_stays_below_the_ceiling() {
        for gain in [0.8, 1.5, 4.0, 30.0] {
            let plane: Vec<f32> = noise(RATE as usize).into_iter().map(|sample| sample * gain).collect();
            let out = limited(std::slice::from_ref(&plane), CEILING, &[1024]);
            assert!(out[0].iter().all(|sample| sample.abs() <= CEILING));
            let over_db = 20.0 * (true_peak(&out[0]) / f64::from(CEILING)).log10();
            assert!(over_db < 0.1, "{gain}: {over_db} dB over");
        }
    }

    #[test]
    fn products_are_not_rounded_above_the_ceiling() {
        for peak in (0..2000).map(|step| 1.0 + step as f32 * 0.001_234_567).chain([2.678_926_7]) {
            let out = limited(&[vec![peak, 0.0, 0.0, 0.0, 0.0]], CEILING, &[usize::MAX >> 1]);
            assert!(out[0].iter().all(|sample| sample.abs() <= CEILING), "{peak}: {out:?}");
        }
    }

    proptest! {
        #[test]
        fn how_sound_is_cut_into_pieces_changes_nothing(
            samples in prop::collection::vec(-3.0f32..3.0, 1..3000), pieces in prop::collection::vec(1usize..700, 1..6),
        ) {
            let planes = [samples.clone(), samples.iter().rev().copied().collect()];
            let whole = limited(&planes, CEILING, &[usize::MAX >> 1]);
            prop_assert_eq!(&whole, &limited(&planes, CEILING, &pieces));
            prop_assert!(whole.iter().all(|plane| plane.len() == samples.len()));
            prop_assert!(whole.iter().flatten().all(|sample| sample.abs() <= CEILING));
        }
    }
}
