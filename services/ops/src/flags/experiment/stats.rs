//! Whether what was counted is more than chance, whenever and however often somebody looks.
//!
//! Both tests hold a mixture of alternatives against what chance alone would bring about. That quotient is a martingale while there is no
//! difference, so that it ever reaches 1/p has at most the probability p (Ville): looking every day, and stopping when it looks good,
//! finds no more than that. A test for one look would.

/// How large differences of shares are expected to be: the standard deviation of the mixture.
const EXPECTED: f64 = 0.05;
/// Below so many in an arm, and so many of both outcomes together, shares are too far from being normally distributed.
const LEAST_EXPOSED: i64 = 100;
const LEAST_OF_EACH: i64 = 10;

/// How many saw a variant, and how many of them did what is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arm {
    pub(crate) exposed: i64,
    pub(crate) converted: i64,
}

/// How much more often something is done in one arm than in another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Difference {
    /// The difference of their shares, -1 to 1.
    pub(crate) effect: f64,
    /// Where it lies with the confidence that was asked for, whenever one looks.
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// How probable it would be to see so much at any time if there were none.
    pub(crate) p_value: f64,
}

/// Compares the shares of two arms by a mixture sequential probability ratio test; `alpha` is the error that the interval allows for.
/// `None` while there is too little to say anything.
pub(crate) fn difference(control: Arm, other: Arm, alpha: f64) -> Option<Difference> {
    let (exposed, converted) = (control.exposed + other.exposed, control.converted + other.converted);
    let few = control.exposed.min(other.exposed) < LEAST_EXPOSED;
    if few || converted < LEAST_OF_EACH || exposed - converted < LEAST_OF_EACH {
        return None;
    }
    let share = |arm: Arm| float(arm.converted) / float(arm.exposed);
    let effect = share(other) - share(control);
    let pooled = float(converted) / float(exposed);
    let variance = pooled * (1.0 - pooled) * (float(control.exposed).recip() + float(other.exposed).recip());
    let mixture = EXPECTED * EXPECTED;
    let wider = variance + mixture;
    let log_ratio = 0.5 * (variance / wider).ln() + mixture * effect * effect / (2.0 * variance * wider);
    let reach = (2.0 * variance * wider / mixture * (0.5 * (wider / variance).ln() - alpha.ln())).sqrt();
    let (low, high) = ((effect - reach).max(-1.0), (effect + reach).min(1.0));
    Some(Difference { effect, low, high, p_value: (-log_ratio).exp().min(1.0) })
}

/// How probable it would be to ever see arms as unequal as these if each unit fell into them by these shares: a sequential multinomial
/// test. What is very improbable says that units are lost, or counted twice, in some of them.
pub(crate) fn mismatch(arms: &[(i64, f64)]) -> f64 {
    let whole: f64 = arms.iter().map(|(_, share)| share).sum();
    let seen: f64 = arms.iter().map(|(count, _)| float(*count)).sum();
    let choices: f64 = arms.iter().map(|_| 1.0).sum();
    let mixed: f64 = arms.iter().map(|(count, _)| ln_gamma(1.0 + float(*count))).sum();
    let expected: f64 = arms.iter().map(|(count, share)| float(*count) * (share / whole).ln()).sum();
    let log_ratio = ln_gamma(choices) - ln_gamma(choices + seen) + mixed - expected;
    (-log_ratio).exp().min(1.0)
}

/// The logarithm of the gamma function of `x` >= 1, by Stirling's series where that is exact enough.
fn ln_gamma(x: f64) -> f64 {
    let (mut x, mut below) = (x, 0.0);
    while x < 10.0 {
        below += x.ln();
        x += 1.0;
    }
    let inverse = x.recip();
    let square = inverse * inverse;
    let series = inverse * (1.0 / 12.0 - square * (1.0 / 360.0 - square / 1260.0));
    (x - 0.5) * x.ln() - x + 0.5 * std::f64::consts::TAU.ln() + series - below
}

/// Counts are far below where that loses anything.
fn float(count: i64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    const ALPHA: f64 = 0.05;

    /// Numbers that look like chance, the same ones for a seed (splitmix64).
    struct Chance(u64);

    impl Chance {
        /// Whether something of this probability happens, in parts of 1000.
        fn happens(&mut self, in_1000: u64) -> bool {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = self.0;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (mixed ^ (mixed >> 31)) % 1000 < in_1000
        }
    }

    /// Whether somebody who looks after every hundred units, and stops at the first winner, finds one among 1000 in each arm.
    fn finds(seed: u64, control: u64, other: u64) -> bool {
        let mut chance = Chance(seed.wrapping_mul(0xd134_2543_de82_ef95));
        let mut arms = [Arm { exposed: 0, converted: 0 }; 2];
        (0..1000).any(|unit| {
            for (arm, share) in arms.iter_mut().zip([control, other]) {
                arm.exposed += 1;
                arm.converted += i64::from(chance.happens(share));
            }
            unit % 100 == 99 && difference(arms[0], arms[1], ALPHA).is_some_and(|found| found.p_value < ALPHA)
        })
    }

    #[test]
    fn variants_that_are_the_same_have_no_winner_in_95_of_100_however_often_one_looks() {
        let winners = (0..1000).filter(|seed| finds(*seed, 200, 200)).count();
        assert!(winners <= 50, "{winners} of 1000 seeds");
    }

    #[test]
    fn a_difference_is_found() {
        let found = (0..100).filter(|seed| finds(*seed, 200, 300)).count();
        assert!(found >= 95, "{found} of 100 seeds");
    }

    #[test]
    fn arms_as_wide_as_they_should_be_are_no_mismatch_and_others_are() {
        let split = |seed: u64, in_1000: u64| {
            let mut chance = Chance(seed.wrapping_mul(0xd134_2543_de82_ef95) ^ 1);
            let first = i64::try_from((0..1000).filter(|_| chance.happens(in_1000)).count()).unwrap();
            mismatch(&[(first, 50.0), (1000 - first, 50.0)])
        };
        let alarms = (0..200).filter(|seed| split(*seed, 500) < 0.01).count();
        assert!(alarms <= 2, "{alarms} of 200 seeds");
        let missed = (0..200).filter(|seed| split(*seed, 600) >= 0.01).count();
        assert!(missed <= 10, "{missed} of 200 seeds");
        assert!(mismatch(&[(1000, 1.0), (1000, 1.0), (2000, 2.0)]) > 0.5);
    }

    #[test]
    fn the_gamma_function_is_that_of_whole_numbers() {
        let mut factorial = 0.0;
        for number in 1..200 {
            let x = f64::from(number);
            assert!((ln_gamma(x) - factorial).abs() < 1e-8, "{number}");
            factorial += x.ln();
        }
    }

    proptest! {
        #[test]
        fn a_difference_is_the_opposite_the_other_way_round(
            exposed in 100..100_000_i64, more in 100..100_000_i64, first in 0.0..1.0_f64, second in 0.0..1.0_f64,
        ) {
            let converted = |exposed: i64, share: f64| (float(exposed) * share) as i64;
            let one = Arm { exposed, converted: converted(exposed, first) };
            let other = Arm { exposed: more, converted: converted(more, second) };
            let (Some(there), Some(back)) = (difference(one, other, ALPHA), difference(other, one, ALPHA)) else {
                return Ok(());
            };
            prop_assert!((there.effect + back.effect).abs() < 1e-9 && (there.low + back.high).abs() < 1e-9);
            prop_assert!((0.0..=1.0).contains(&there.p_value) && there.low <= there.effect && there.effect <= there.high);
            // The interval leaves out nothing exactly where the test says so.
            let is_clear = there.low > 0.0 || there.high < 0.0;
            prop_assert!(is_clear == (there.p_value < ALPHA) || (there.p_value - ALPHA).abs() < 1e-6, "{there:?}");
        }

        #[test]
        fn a_mismatch_is_a_probability(counts in proptest::collection::vec((0..100_000_i64, 1..1000_u32), 2..8)) {
            let arms: Vec<(i64, f64)> = counts.iter().map(|(count, share)| (*count, f64::from(*share))).collect();
            prop_assert!((0.0..=1.0).contains(&mismatch(&arms)), "{arms:?}");
        }
    }
}
