//! When a delivery is tried again, and when an endpoint is given up. Pure: times and randomness come in as arguments.

use std::time::{Duration, UNIX_EPOCH};

const SECOND_MS: i64 = 1000;
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// How long is waited after the first attempt, the second, and so on: a little less than a day in all.
const PAUSES_MS: [i64; 10] = [
    5 * SECOND_MS,
    30 * SECOND_MS,
    120 * SECOND_MS,
    600 * SECOND_MS,
    1800 * SECOND_MS,
    HOUR_MS,
    2 * HOUR_MS,
    4 * HOUR_MS,
    6 * HOUR_MS,
    10 * HOUR_MS,
];
/// A pause is so much longer or shorter at most, in hundredths: those who failed together do not come back together.
const JITTER: i64 = 20;
/// A receiver may ask for no longer pause than this.
const MAX_ASKED_MS: i64 = 6 * HOUR_MS;

/// Attempts of one round.
pub(crate) const MAX_TRIES: i64 = PAUSES_MS.len() as i64 + 1;
/// A delivery that has failed so often no longer holds up the later ones about the same thing.
pub(crate) const HOLDING_TRIES: i64 = 5;

/// An endpoint that nothing has reached for so long is disabled,
const HOPELESS_AFTER_MS: i64 = 5 * DAY_MS;
/// unless only few attempts were made.
const HOPELESS_FAILURES: i64 = 20;

/// The pause after a failed attempt, which was number `tries` of its round, from 1; `None` when it was the last.
/// `asked_ms` is what the receiver asked for; `random` decides within the jitter.
pub(crate) fn pause_ms(tries: i64, asked_ms: Option<i64>, random: u32) -> Option<i64> {
    let base = *PAUSES_MS.get(usize::try_from(tries.max(1) - 1).ok()?)?;
    let spread = base * JITTER / 100;
    let jittered = base - spread + i64::from(random) * 2 * spread / i64::from(u32::MAX);
    Some(jittered.max(asked_ms.unwrap_or(0).min(MAX_ASKED_MS)))
}

/// What `Retry-After` asks for (RFC 9110 §10.2.3), in milliseconds from now; `None` for what is malformed or past.
pub(crate) fn asked_ms(value: &str, now_ms: i64) -> Option<i64> {
    let value = value.trim();
    let ms = match value.parse::<u32>() {
        Ok(seconds) => i64::from(seconds) * SECOND_MS,
        Err(_) => {
            let at = httpdate::parse_http_date(value).ok()?.duration_since(UNIX_EPOCH).ok()?;
            i64::try_from(at.as_millis()).ok()? - now_ms
        }
    };
    (ms > 0).then_some(ms)
}

/// Whether an endpoint is to be disabled that has failed since then, so often in a row.
pub(crate) fn is_hopeless(failing_since_ms: i64, failures: i64, now_ms: i64) -> bool {
    failures >= HOPELESS_FAILURES && now_ms.saturating_sub(failing_since_ms) >= HOPELESS_AFTER_MS
}

/// One attempt, from the name's resolution to the status.
pub(crate) const DEADLINE: Duration = Duration::from_secs(15);
/// A claim that has stood for so long belongs to nobody: no attempt takes so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2 * DEADLINE.as_secs());
/// Until a connection stands.
pub(crate) const CONNECT: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn attempts_go_on_for_about_a_day_and_end() {
        let total: i64 = (1..MAX_TRIES).map(|tries| pause_ms(tries, None, u32::MAX / 2).unwrap()).sum();
        assert!((22 * HOUR_MS..26 * HOUR_MS).contains(&total), "{total}");
        assert_eq!(pause_ms(MAX_TRIES, None, 0), None);
        assert_eq!(pause_ms(MAX_TRIES, Some(1000), 0), None, "whatever the receiver asks for");
        assert_eq!(pause_ms(i64::MAX, None, 0), None);
    }

    #[test]
    fn a_receiver_may_ask_for_a_longer_pause_and_not_for_ever() {
        assert_eq!(pause_ms(1, Some(60_000), 0), Some(60_000));
        assert_eq!(pause_ms(1, Some(1), 0), Some(4000), "never for a shorter one");
        assert_eq!(pause_ms(1, Some(i64::MAX), 0), Some(MAX_ASKED_MS));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now_ms = 784_111_777_000;
        for (value, asked) in [
            ("120", Some(120_000)),
            (" 1 ", Some(1000)),
            ("0", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
            ("99999999999", None),
            ("Sun, 06 Nov 1994 08:49:47 GMT", Some(10_000)),
            ("Sun, 06 Nov 1994 08:49:27 GMT", None),
            ("Sun, 06 Nov 1894 08:49:27 GMT", None),
        ] {
            assert_eq!(asked_ms(value, now_ms), asked, "{value}");
        }
    }

    #[test]
    fn days_of_failures_and_many_of_them_disable_an_endpoint() {
        assert!(is_hopeless(0, HOPELESS_FAILURES, HOPELESS_AFTER_MS));
        assert!(!is_hopeless(0, HOPELESS_FAILURES - 1, HOPELESS_AFTER_MS));
        assert!(!is_hopeless(1, HOPELESS_FAILURES, HOPELESS_AFTER_MS));
    }

    proptest! {
        #[test]
        fn a_pause_lies_within_a_fifth_of_its_base(tries in 1_i64..MAX_TRIES, random in any::<u32>()) {
            let base = PAUSES_MS[usize::try_from(tries - 1).unwrap()];
            let pause = pause_ms(tries, None, random).unwrap();
            prop_assert!((base * 8 / 10..=base * 12 / 10).contains(&pause), "{} of {}", pause, base);
        }

        #[test]
        fn no_header_makes_a_pause_of_no_or_endless_length(value in ".{0,40}", random in any::<u32>()) {
            let pause = pause_ms(1, asked_ms(&value, 0), random).unwrap();
            prop_assert!((4000..=MAX_ASKED_MS).contains(&pause));
        }
    }
}
