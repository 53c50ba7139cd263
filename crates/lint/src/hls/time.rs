//! Dates as playlists and manifests write them (ISO 8601).

/// Microseconds since 1970 of `YYYY-MM-DDThh:mm:ss[.fff](Z|±hh:mm|±hhmm)`; `None` when it is something else.
pub(crate) fn instant(text: &str) -> Option<i64> {
    let number = |from: usize, to: usize| {
        let digits = text.get(from..to)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<i64>().ok())?
    };
    let sign =
        |at: usize, wanted: &[u8]| text.as_bytes().get(at).is_some_and(|byte| wanted.contains(byte)).then_some(());
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    sign(4, b"-")?;
    sign(7, b"-")?;
    sign(10, b"Tt")?;
    sign(13, b":")?;
    sign(16, b":")?;
    let fits = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 61;
    if !fits {
        return None;
    }
    let mut rest = &text[19..];
    let mut micros = 0;
    if let Some(fraction) = rest.strip_prefix('.') {
        let length = fraction.bytes().take_while(u8::is_ascii_digit).count();
        if length == 0 {
            return None;
        }
        for index in 0..6 {
            let digit = fraction.as_bytes().get(index).filter(|_| index < length).map_or(0, |byte| byte - b'0');
            micros = micros * 10 + i64::from(digit);
        }
        rest = &fraction[length..];
    }
    let offset = match rest.as_bytes() {
        b"Z" | b"z" => 0,
        [sign @ (b'+' | b'-'), zone @ ..] => {
            let digits: Vec<i64> =
                zone.iter().filter(|byte| **byte != b':').map(|byte| i64::from(*byte) - 48).collect();
            let &[a, b, c, d] = digits.as_slice() else { return None };
            if digits.iter().any(|digit| !(0..10).contains(digit)) {
                return None;
            }
            let minutes = (a * 10 + b) * 60 + c * 10 + d;
            if *sign == b'+' { minutes } else { -minutes }
        }
        _ => return None,
    };
    // Days since the epoch by counting from March, so that leap days come last.
    let (years, months) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = years * 365 + years.div_euclid(4) - years.div_euclid(100)
        + years.div_euclid(400)
        + (months * 153 + 2) / 5
        + day
        - 1
        - 719_468;
    Some(((days * 24 + hour) * 60 + minute - offset) * 60_000_000 + second * 1_000_000 + micros)
}

#[cfg(test)]
mod tests {
    use super::instant;

    #[test]
    fn dates_are_counted_from_the_epoch() {
        for (text, micros) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2000-03-01T00:00:00.5Z", Some(951_868_800_500_000)),
            ("2024-02-29T12:00:00+01:00", Some(1_709_204_400_000_000)),
            ("2024-02-29T12:00:00.123456789-0530", Some(1_709_227_800_123_456)),
            ("2024-02-29T12:00:00", None),
            ("2024-13-29T12:00:00Z", None),
            ("2024-02-29 12:00:00Z", None),
            ("yesterday", None),
        ] {
            assert_eq!(instant(text), micros, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "[-0-9T:.Z+é]{0,32}") {
            instant(&text);
        }
    }
}
