//! Times in text and in ticks.

use std::num::NonZeroU32;

/// Microseconds to milliseconds, to nearest, halves up; nothing before 0.
pub(crate) fn us_to_ms(us: i64) -> i64 {
    us.max(0).saturating_add(500) / 1000
}

/// A cue's times in milliseconds as they are written: it never loses its last one.
pub(crate) fn written_ms(start_us: i64, end_us: i64) -> (i64, i64) {
    let start = us_to_ms(start_us);
    (start, us_to_ms(end_us).max(start + 1))
}

/// `hh:mm:ss.mmm`, with more digits of hours when needed.
pub(crate) fn push_timestamp(out: &mut String, ms: i64) {
    let ms = u64::try_from(ms).unwrap_or(0);
    let hours = ms / 3_600_000;
    if hours >= 100 {
        out.push_str(&hours.to_string());
    } else {
        push_digits(out, hours, 2);
    }
    out.push(':');
    push_digits(out, ms / 60_000 % 60, 2);
    out.push(':');
    push_digits(out, ms / 1000 % 60, 2);
    out.push('.');
    push_digits(out, ms % 1000, 3);
}

fn push_digits(out: &mut String, value: u64, count: u32) {
    for place in (0..count).rev() {
        out.push(char::from(b'0' + (value / 10_u64.pow(place) % 10) as u8));
    }
}

/// `value * numerator / denominator` to nearest, halves away from zero, saturating.
fn rescale(value: i64, numerator: u32, denominator: u32) -> i64 {
    let product = i128::from(value) * i128::from(numerator);
    let divisor = i128::from(denominator);
    let half = divisor / 2;
    let rounded = if product >= 0 { (product + half) / divisor } else { (product - half) / divisor };
    i64::try_from(rounded).unwrap_or(if rounded < 0 { i64::MIN } else { i64::MAX })
}

/// Microseconds in ticks, to nearest.
pub(crate) fn us_to_ticks(us: i64, timescale: NonZeroU32) -> i64 {
    rescale(us, timescale.get(), 1_000_000)
}

/// Ticks in microseconds, to nearest.
pub(crate) fn ticks_to_us(ticks: i64, timescale: NonZeroU32) -> i64 {
    rescale(ticks, 1_000_000, timescale.get())
}

/// A run of ASCII digits at the start, at most nine, and what follows it.
pub(crate) fn digits(text: &str) -> Option<(u32, usize, &str)> {
    let count = text.bytes().take_while(u8::is_ascii_digit).count();
    if count == 0 || count > 9 {
        return None;
    }
    let value = text[..count].bytes().fold(0, |value, digit| value * 10 + u32::from(digit - b'0'));
    Some((value, count, &text[count..]))
}

/// A timestamp in milliseconds and what follows it (W3C WebVTT §6.3 "collect a WebVTT timestamp"). Also whether a comma
/// stood for the point, which the standard does not allow.
pub(crate) fn take_timestamp(text: &str) -> Option<(i64, bool, &str)> {
    let (first, length, rest) = digits(text)?;
    let (second, second_length, rest) = digits(rest.strip_prefix(':')?)?;
    if second_length != 2 {
        return None;
    }
    let (hours, minutes, seconds, rest) = match rest.strip_prefix(':') {
        Some(rest) => {
            let (third, third_length, rest) = digits(rest)?;
            if third_length != 2 {
                return None;
            }
            (first, second, third, rest)
        }
        None if length == 2 && first <= 59 => (0, first, second, rest),
        None => return None,
    };
    let comma = rest.starts_with(',');
    let (ms, ms_length, rest) = digits(rest.strip_prefix(['.', ','])?)?;
    if ms_length != 3 || minutes > 59 || seconds > 59 {
        return None;
    }
    let total = i64::from(hours) * 3_600_000 + i64::from(minutes) * 60_000 + i64::from(seconds) * 1000 + i64::from(ms);
    Some((total, comma, rest))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn timestamps_are_read_as_the_standard_says() {
        for (text, ms) in [
            ("00:00.000", Some(0)),
            ("59:59.999", Some(3_599_999)),
            ("00:00:01.500", Some(1500)),
            ("1:00:00.000", Some(3_600_000)),
            ("123:00:00.000", Some(442_800_000)),
            ("00:00:01,500", Some(1500)),
            ("60:00.000", None),
            ("0:01.000", None),
            ("00:60:00.000", None),
            ("00:00:60.000", None),
            ("00:00:01.50", None),
            ("00:00:01", None),
            ("9999999999:00:00.000", None),
            ("-1:00.000", None),
            ("", None),
        ] {
            assert_eq!(take_timestamp(text).map(|found| found.0), ms, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_written_timestamp_reads_back(ms in 0i64..4_000_000_000_000) {
            let mut text = String::new();
            push_timestamp(&mut text, ms);
            prop_assert_eq!(take_timestamp(&text).unwrap(), (ms, false, ""));
        }

        #[test]
        fn ticks_survive_microseconds(ticks in -1_000_000_000_000i64..1_000_000_000_000, scale in 1u32..=500_000) {
            let scale = NonZeroU32::new(scale).unwrap();
            prop_assert_eq!(us_to_ticks(ticks_to_us(ticks, scale), scale), ticks);
        }
    }
}
