//! Values of attributes.

/// Seconds of an `xs:duration` without years and months; `None` when it is something else.
pub(crate) fn duration(text: &str) -> Option<f64> {
    let (sign, rest) = text.strip_prefix('-').map_or((1.0, text), |rest| (-1.0, rest));
    let rest = rest.strip_prefix('P')?;
    let (days, time) = match rest.split_once('T') {
        Some((_, "")) => return None,
        Some((days, time)) => (days, time),
        None => (rest, ""),
    };
    if days.is_empty() && time.is_empty() {
        return None;
    }
    let mut seconds = 0.0;
    for (mut part, units) in [
        (days, &[('Y', 31_536_000.0), ('M', 2_592_000.0), ('D', 86_400.0)][..]),
        (time, &[('H', 3600.0), ('M', 60.0), ('S', 1.0)][..]),
    ] {
        for (unit, factor) in units {
            if let Some((number, after)) = part.split_once(*unit) {
                if !number.starts_with(|c: char| c.is_ascii_digit()) {
                    return None;
                }
                seconds += number.parse::<f64>().ok().filter(|value| value.is_finite())? * factor;
                part = after;
            }
        }
        if !part.is_empty() {
            return None;
        }
    }
    Some(sign * seconds)
}

/// A rate such as `25` or `30000/1001`.
pub(crate) fn frame_rate(text: &str) -> Option<f64> {
    let (num, den) = text.split_once('/').unwrap_or((text, "1"));
    let (num, den): (u32, u32) = (num.parse().ok()?, den.parse().ok()?);
    (num > 0 && den > 0).then(|| f64::from(num) / f64::from(den))
}

/// `first-last` as first byte and length.
pub(crate) fn byte_range(text: &str) -> Option<(u64, u64)> {
    let (first, last) = text.split_once('-')?;
    let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
    Some((first, last.checked_sub(first)?.checked_add(1)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_those_of_the_schema() {
        for (text, seconds) in [
            ("PT6S", Some(6.0)),
            ("PT1H2M3.5S", Some(3723.5)),
            ("P1DT1S", Some(86_401.0)),
            ("PT0S", Some(0.0)),
            ("P", None),
            ("PT", None),
            ("6", None),
            ("PT6", None),
            ("PT1S2M", None),
        ] {
            assert_eq!(duration(text), seconds, "{text}");
        }
        assert_eq!(byte_range("10-19"), Some((10, 10)));
        assert_eq!(byte_range("19-10"), None);
    }
}
