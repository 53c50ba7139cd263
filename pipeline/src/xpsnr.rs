//! How far coded pictures are from their source, as a person sees it: XPSNR of the luma (Helmrich et al., "XPSNR: A
//! low-complexity extension of the perceptually weighted peak signal-to-noise ratio", ICASSP 2020).
//!
//! Errors count less where the source is busy or moves, since they are seen less there. Pictures larger than HD are weighed
//! at half their size.

use serde::{Deserialize, Serialize};

use crate::Vmaf;

/// Of a picture of 8 bits.
const PEAK: f64 = 255.0;
/// Below this activity nothing is hidden any better: what 8 bits leave of a high-pass over flat ground.
const LEAST_ACTIVITY: f64 = 4.0;
/// How much a change in time hides, beside one in space.
const IN_TIME: u32 = 2;
/// From this many pictures a second on, change in time is what differs from steady motion.
pub const FAST_RATE: u32 = 32;
/// A little more than HD.
const HD_PIXELS: usize = 2048 * 1152;
/// What cannot be told from the source counts so, in decibels.
pub const MOST_DB: f64 = 60.0;

/// The luma of a picture, 8 bits, row after row without a gap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Luma {
    width: usize,
    samples: Vec<u8>,
}

impl Luma {
    /// Of whole rows of `width` samples; `None` when there are none, or parts of one.
    pub fn new(width: usize, samples: Vec<u8>) -> Option<Self> {
        (width > 0 && !samples.is_empty() && samples.len().is_multiple_of(width)).then_some(Self { width, samples })
    }

    /// Samples in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.samples.len() / self.width
    }

    /// The rows, the upper one first.
    pub fn rows(&self) -> impl Iterator<Item = &[u8]> {
        self.samples.chunks(self.width)
    }

    fn row(&self, y: usize) -> &[u8] {
        &self.samples[y * self.width..(y + 1) * self.width]
    }

    /// Each sample the mean of four.
    fn halved(&self) -> Self {
        let (width, height) = ((self.width / 2).max(1), (self.height() / 2).max(1));
        let mut samples = Vec::with_capacity(width * height);
        for y in 0..height {
            let (upper, lower) = (self.row(2 * y), self.row((2 * y + 1).min(self.height() - 1)));
            let pairs = upper.chunks(2).zip(lower.chunks(2)).take(width);
            samples.extend(pairs.map(|(upper, lower)| {
                let sum: u32 = upper.iter().chain(lower).map(|sample| u32::from(*sample)).sum();
                let of = (upper.len() + lower.len()) as u32;
                ((sum + of / 2) / of) as u8
            }));
        }
        Self { width, samples }
    }
}

/// A picture of the source, and where its errors are seen.
#[derive(Clone, Debug)]
pub struct Reference {
    luma: Luma,
    block: usize,
    /// One for each block, row by row.
    weights: Vec<f64>,
}

impl Reference {
    /// `luma`, and those shown one and two frames before it, as far as there are any. Two are looked at in recordings of more
    /// than [`FAST_RATE`] pictures a second alone. All have one size.
    pub fn new(luma: Luma, before: Option<&Luma>, before_that: Option<&Luma>) -> Self {
        let (width, height) = (luma.width, luma.height());
        let share = (width * height) as f64 / (3840.0 * 2160.0);
        let block = (4 * (32.0 * share.sqrt() + 0.5) as usize).max(4);
        let usual = (16.0 * f64::from(1 << 7) / share.max(1e-5).sqrt()).sqrt();
        let (activity, scale) = match width * height > HD_PIXELS {
            true => {
                let halves = [before, before_that].map(|luma| luma.map(Luma::halved));
                (Activity::new(&luma.halved(), halves[0].as_ref(), halves[1].as_ref()), 2)
            }
            false => (Activity::new(&luma, before, before_that), 1),
        };
        let places = |length: usize| (0..length).step_by(block).map(move |from| (from, (from + block).min(length)));
        let weights = places(height)
            .flat_map(|rows| places(width).map(move |columns| (rows, columns)))
            .map(|(rows, columns)| usual / activity.of(scaled(columns, scale), scaled(rows, scale)))
            .collect();
        Self { luma, block, weights }
    }

    /// The picture.
    pub fn luma(&self) -> &Luma {
        &self.luma
    }

    /// The weighted squared error of a coded picture; `None` when it has another size.
    pub fn error(&self, coded: &Luma) -> Option<f64> {
        if coded.width != self.luma.width || coded.samples.len() != self.luma.samples.len() {
            return None;
        }
        let mut weights = self.weights.chunks(self.luma.width.div_ceil(self.block));
        let mut sum = 0.0;
        let band = self.block * self.luma.width;
        for (source, coded) in self.luma.samples.chunks(band).zip(coded.samples.chunks(band)) {
            let Some(weights) = weights.next() else { break };
            let mut errors = vec![0_u64; weights.len()];
            for (source, coded) in source.chunks(self.luma.width).zip(coded.chunks(self.luma.width)) {
                for ((source, coded), error) in source.chunks(self.block).zip(coded.chunks(self.block)).zip(&mut errors)
                {
                    *error += u64::from(squares(source, coded));
                }
            }
            sum += errors.iter().zip(weights).map(|(error, weight)| *error as f64 * weight).sum::<f64>();
        }
        Some(sum)
    }
}

fn scaled((from, to): (usize, usize), scale: usize) -> (usize, usize) {
    (from / scale, to.div_ceil(scale))
}

fn squares(left: &[u8], right: &[u8]) -> u32 {
    left.iter().zip(right).fold(0, |sum, (a, b)| {
        let apart = u32::from(a.abs_diff(*b));
        sum + apart * apart
    })
}

/// How busy each place of a picture is: sums over the places above and left of it. They wrap around; what lies between four of
/// them, the sum of a block, is far too small for that.
struct Activity {
    width: usize,
    height: usize,
    in_space: Vec<u32>,
    in_time: Option<Vec<u32>>,
}

impl Activity {
    fn new(luma: &Luma, before: Option<&Luma>, before_that: Option<&Luma>) -> Self {
        let (width, height) = (luma.width, luma.height());
        let in_time = before.filter(|before| before.samples.len() == luma.samples.len()).map(|before| {
            let older = before_that.filter(|older| older.samples.len() == luma.samples.len());
            sums(width, height, |y, row| {
                for (x, sum) in row.iter_mut().enumerate() {
                    let at = y * width + x;
                    let (now, before) = (i32::from(luma.samples[at]), i32::from(before.samples[at]));
                    let change = match older {
                        Some(older) => now - 2 * before + i32::from(older.samples[at]),
                        None => now - before,
                    };
                    *sum = IN_TIME * change.unsigned_abs();
                }
            })
        });
        let in_space = sums(width, height, |y, row| {
            if y == 0 || y + 1 >= height {
                return;
            }
            let rows = [luma.row(y - 1), luma.row(y), luma.row(y + 1)];
            for (x, sum) in row.iter_mut().enumerate().take(width.saturating_sub(1)).skip(1) {
                let at = |row: usize, x: usize| i32::from(rows[row][x]);
                let beside = at(1, x - 1) + at(1, x + 1) + at(0, x) + at(2, x);
                let corners = at(0, x - 1) + at(0, x + 1) + at(2, x - 1) + at(2, x + 1);
                *sum = (12 * at(1, x) - 2 * beside - corners).unsigned_abs();
            }
        });
        Self { width, height, in_space, in_time }
    }

    /// Of a block; its outermost rows and columns at the picture's border have no neighbours and say nothing in space.
    fn of(&self, (left, right): (usize, usize), (top, bottom): (usize, usize)) -> f64 {
        let (right, bottom) = (right.min(self.width), bottom.min(self.height));
        let mean = |sums: &[u32], (left, right): (usize, usize), (top, bottom): (usize, usize)| {
            if left >= right || top >= bottom {
                return 0.0;
            }
            let at = |x: usize, y: usize| sums[y * (self.width + 1) + x];
            let below = at(right, bottom).wrapping_sub(at(left, bottom));
            let sum = below.wrapping_sub(at(right, top).wrapping_sub(at(left, top)));
            f64::from(sum) / ((right - left) * (bottom - top)) as f64
        };
        let inner = |from: usize, to: usize, end: usize| (from.max(1), to.min(end.saturating_sub(1)));
        let space = mean(&self.in_space, inner(left, right, self.width), inner(top, bottom, self.height));
        let time = self.in_time.as_ref().map_or(0.0, |sums| mean(sums, (left, right), (top, bottom)));
        (space + time).max(LEAST_ACTIVITY)
    }
}

/// Sums of what `fill` writes for each row, over all places above and left: a row and a column more than there are.
fn sums(width: usize, height: usize, mut fill: impl FnMut(usize, &mut [u32])) -> Vec<u32> {
    let mut sums = vec![0; (width + 1) * (height + 1)];
    let mut row = vec![0; width];
    for y in 0..height {
        row.fill(0);
        fill(y, &mut row);
        let (above, below) = sums.split_at_mut((y + 1) * (width + 1));
        let above = &above[y * (width + 1) + 1..];
        let mut sum = 0_u32;
        for ((value, above), place) in row.iter().zip(above).zip(&mut below[1..=width]) {
            sum = sum.wrapping_add(*value);
            *place = sum.wrapping_add(*above);
        }
    }
    sums
}

/// What is known of a track's quality: errors of pictures of one size, from however many places of a recording.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// Pictures that were looked at.
    pub pictures: u64,
    /// Sum of the roots of their weighted squared errors.
    pub root_error: f64,
    /// The same pictures by VMAF, as far as that was asked for and could be had.
    #[serde(default)]
    pub vmaf: Vmaf,
}

impl Quality {
    /// Takes in the weighted squared error of a picture.
    pub fn add(&mut self, error: f64) {
        self.pictures += 1;
        self.root_error += error.max(0.0).sqrt();
    }

    /// Both together.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self {
            pictures: self.pictures.saturating_add(other.pictures),
            root_error: self.root_error + other.root_error,
            vmaf: self.vmaf.with(other.vmaf),
        }
    }

    /// In decibels, at most [`MOST_DB`], for pictures of so many pixels; `None` when none was looked at.
    pub fn db(&self, (width, height): (u32, u32)) -> Option<f64> {
        if self.pictures == 0 || !self.root_error.is_finite() {
            return None;
        }
        let mean = self.root_error / self.pictures as f64;
        let pixels = f64::from(width) * f64::from(height);
        Some((10.0 * (pixels * PEAK * PEAK / (mean * mean).max(f64::MIN_POSITIVE)).log10()).min(MOST_DB))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    /// `detail` of noise on a slope.
    fn picture(width: usize, height: usize, detail: u32, seed: u32) -> Luma {
        let mut state = seed.wrapping_mul(2_654_435_761) | 1;
        let samples = (0..width * height).map(|at| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (60 + (at % width) * 100 / width) as u8 + ((state >> 16) % detail.max(1)) as u8
        });
        Luma::new(width, samples.collect()).unwrap()
    }

    fn off_by(luma: &Luma, level: u8) -> Luma {
        Luma { width: luma.width, samples: luma.samples.iter().map(|sample| sample.saturating_add(level)).collect() }
    }

    fn db(reference: &Reference, coded: &Luma) -> f64 {
        let mut quality = Quality::default();
        quality.add(reference.error(coded).unwrap());
        quality.db((coded.width as u32, coded.height() as u32)).unwrap()
    }

    #[test]
    fn what_is_equal_is_as_good_as_it_gets_and_larger_errors_are_worse() {
        let source = picture(200, 120, 20, 7);
        let reference = Reference::new(source.clone(), None, None);
        assert_eq!(db(&reference, &source), MOST_DB);
        let worse: Vec<f64> = [1, 3, 9].iter().map(|level| db(&reference, &off_by(&source, *level))).collect();
        assert!(worse.is_sorted_by(|a, b| a > b), "{worse:?}");
        // Three times the error is 20 log 3 decibels.
        assert!((worse[0] - worse[1] - 9.542).abs() < 0.01, "{worse:?}");
    }

    #[test]
    fn an_error_hides_where_the_picture_is_busy_or_moves() {
        let (still, busy) = (picture(200, 120, 2, 7), picture(200, 120, 60, 7));
        let after =
            |source: &Luma, before: &Luma| db(&Reference::new(source.clone(), Some(before), None), &off_by(source, 4));
        assert!(after(&busy, &busy) > after(&still, &still) + 3.0);
        assert!(after(&still, &off_by(&still, 30)) > after(&still, &still) + 3.0);
    }

    #[test]
    fn steady_change_hides_nothing_in_fast_recordings() {
        let now = picture(200, 120, 2, 7);
        let (before, older) = (off_by(&now, 10), off_by(&now, 20));
        let fast = Reference::new(now.clone(), Some(&before), Some(&older));
        let still = Reference::new(now.clone(), Some(&now), None);
        assert_eq!(fast.weights, still.weights);
    }

    #[test]
    fn pictures_of_another_size_are_not_compared() {
        let reference = Reference::new(picture(64, 64, 9, 1), None, None);
        assert_eq!(reference.error(&picture(64, 32, 9, 1)), None);
        assert_eq!(reference.error(&picture(32, 128, 9, 1)), None);
        assert!(
            Luma::new(0, vec![1]).is_none() && Luma::new(3, vec![0; 4]).is_none() && Luma::new(2, vec![]).is_none()
        );
    }

    #[test]
    fn large_pictures_are_weighed_at_half_their_size() {
        let source = picture(2560, 1440, 20, 3);
        let reference = Reference::new(source.clone(), Some(&source), None);
        assert_eq!(
            reference.weights.len(),
            2560_usize.div_ceil(reference.block) * 1440_usize.div_ceil(reference.block)
        );
        assert!(db(&reference, &off_by(&source, 4)).is_finite());
    }

    proptest! {
        #[test]
        fn pictures_of_any_size_have_a_quality(width in 1usize..90, height in 1usize..90, seed in 0u32..1000, level in 0u8..9) {
            let source = picture(width, height, 40, seed);
            let before = picture(width, height, 40, seed + 1);
            let reference = Reference::new(source.clone(), Some(&before), None);
            let found = db(&reference, &off_by(&source, level));
            prop_assert!(found.is_finite() && found <= MOST_DB);
        }
    }
}
