//! When a letter is tried again. Pure: randomness comes in as an argument.

use std::time::Duration;

const SECOND_MS: i64 = 1000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// How long is waited after the first attempt, the second, and so on: a little less than a day in all. The first ones are short, as
/// somebody sits there and waits.
const PAUSES_MS: [i64; 11] = [
    2 * SECOND_MS,
    10 * SECOND_MS,
    30 * SECOND_MS,
    2 * MINUTE_MS,
    10 * MINUTE_MS,
    30 * MINUTE_MS,
    HOUR_MS,
    2 * HOUR_MS,
    4 * HOUR_MS,
    6 * HOUR_MS,
    9 * HOUR_MS,
];
/// A pause is so much longer or shorter at most, in hundredths: letters that failed together do not come back together.
const JITTER: i64 = 20;

/// One attempt has so long.
pub(crate) const DEADLINE: Duration = Duration::from_secs(45);
/// A claim of which nothing is heard for so long belongs to nobody any more.
pub(crate) const CLAIM_MS: i64 = 10 * SECOND_MS;
/// So often something is.
pub(crate) const HEARD_EVERY: Duration = Duration::from_secs(3);

/// The pause after a failed attempt, which was number `tries`, from 1; `None` when it was the last.
pub(crate) fn pause_ms(tries: i64, random: u32) -> Option<i64> {
    let base = *PAUSES_MS.get(usize::try_from(tries.max(1) - 1).ok()?)?;
    let spread = base * JITTER / 100;
    Some(base - spread + i64::from(random) * 2 * spread / i64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn attempts_go_on_for_about_a_day_each_later_than_the_one_before_and_end() {
        let all: Vec<i64> = (1..).map_while(|tries| pause_ms(tries, u32::MAX / 2)).collect();
        let total: i64 = all.iter().sum();
        assert!((22 * HOUR_MS..26 * HOUR_MS).contains(&total), "{total}");
        assert!(all.is_sorted());
        assert_eq!(pause_ms(i64::MAX, 0), None);
        for (at, base) in PAUSES_MS.iter().enumerate() {
            let tries = i64::try_from(at).unwrap() + 1;
            let (least, most) = (pause_ms(tries, 0).unwrap(), pause_ms(tries, u32::MAX).unwrap());
            assert!(least >= base * 8 / 10 && most <= base * 12 / 10 && least < most, "{tries}");
        }
    }
}
