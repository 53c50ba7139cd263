//! Moments as RFC 3339 has them.

/// Milliseconds since 1970 of a moment; `None` of what is none.
pub(crate) fn ms(text: &str) -> Option<i64> {
    if !text.is_ascii() || text.len() < 20 || text.len() > 40 {
        return None;
    }
    let (date, rest) = text.split_at(10);
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let clock = rest.strip_prefix(['T', 't'])?;
    let (time, rest) = clock.split_at_checked(8)?;
    let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
    let is_one = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second <= 60;
    if !is_one {
        return None;
    }
    let (fraction_ms, zone) = fraction(rest)?;
    let offset_min = match zone {
        "Z" | "z" => 0,
        _ => {
            let sign = if zone.starts_with('-') { -1 } else { 1 };
            let [hours, minutes] = numbers(zone.strip_prefix(['+', '-'])?, ':', [2, 2])?;
            sign * (hours * 60 + minutes)
        }
    };
    let minutes = (days(year, month, day) * 24 + hour) * 60 + minute - offset_min;
    Some((minutes * 60 + second) * 1000 + fraction_ms)
}

/// What stands between the separators, each with so many digits.
fn numbers<const N: usize>(text: &str, separator: char, digits: [usize; N]) -> Option<[i64; N]> {
    let mut found = [0; N];
    let mut parts = text.split(separator);
    for (number, digits) in found.iter_mut().zip(digits) {
        let part = parts.next()?;
        let fine = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
        *number = if fine { part.parse().ok()? } else { return None };
    }
    parts.next().is_none().then_some(found)
}

/// Milliseconds, and what follows.
fn fraction(text: &str) -> Option<(i64, &str)> {
    let Some(rest) = text.strip_prefix('.') else { return Some((0, text)) };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let thousandths = rest[..digits].bytes().chain(*b"000").take(3);
    let ms = thousandths.fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    (digits > 0).then(|| (ms, &rest[digits..]))
}

/// Days since 1970 of a date in the Gregorian calendar, whose years are counted here from March on.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month < 3 { year - 1 } else { year };
    let month = (month + 9) % 12;
    let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    // 719,468 days lie between 1 March of the year 0 and 1970.
    year * 365 + leaps + (month * 153 + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_the_same_in_every_zone_and_what_is_none_is_refused() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("1970-01-01T01:00:00.5+01:00", Some(500)),
            ("1969-12-31T23:59:59.999Z", Some(-1)),
            ("2000-02-29T12:00:00Z", Some(951_825_600_000)),
            ("2026-11-21T03:50:00.000Z", Some(1_795_233_000_000)),
            ("2026-11-20T22:50:00.0001-05:00", Some(1_795_233_000_000)),
            ("2026-11-21", None),
            ("2026-11-21T03:50:00", None),
            ("2026-11-21 03:50:00Z", None),
            ("2026-13-21T03:50:00Z", None),
            ("2026-11-21T03:50:00.Z", None),
            ("2026-11-21T03:50:00+1:00", None),
            ("+026-11-21T03:50:00Z", None),
            ("2026-11-21T03:50:0\u{fc}Z", None),
        ] {
            assert_eq!(ms(text), expected, "{text}");
        }
    }
}
