//! When a key period is (clause "`ContentKeyPeriod` Element").

use crate::model::ContentKeyPeriod;

/// The times of a period make no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeriodTimeError {
    /// Not one of the combinations of attributes that the guidelines list.
    #[error("the period has a start without an end, an end without a start, or two kinds of either")]
    Combination,
    /// A text that is no `xs:duration` of days and shorter units.
    #[error("{0} is not a duration of days and shorter units")]
    Duration(&'static str),
    /// A text that is no `xs:dateTime`.
    #[error("{0} is not a date and time")]
    DateTime(&'static str),
    /// The end is not after the start.
    #[error("the period ends where it starts or before")]
    Empty,
}

impl ContentKeyPeriod {
    /// Nanoseconds from the start of the media at which it begins and before which it ends; `None` when it is not given
    /// as offsets.
    ///
    /// # Errors
    /// See [`PeriodTimeError`].
    pub fn offsets_ns(&self) -> Result<Option<(u64, u64)>, PeriodTimeError> {
        self.check_combination()?;
        let Some(start) = &self.start_offset else { return Ok(None) };
        let start = duration_ns(start).ok_or(PeriodTimeError::Duration("startOffset"))?;
        let end = match (&self.end_offset, &self.duration) {
            (Some(end), _) => duration_ns(end).ok_or(PeriodTimeError::Duration("endOffset"))?,
            (None, Some(length)) => duration_ns(length)
                .and_then(|length| length.checked_add(start))
                .ok_or(PeriodTimeError::Duration("duration"))?,
            (None, None) => return Err(PeriodTimeError::Combination),
        };
        if end <= start { Err(PeriodTimeError::Empty) } else { Ok(Some((start, end))) }
    }

    /// Checks that its times are of their types and go together.
    ///
    /// # Errors
    /// See [`PeriodTimeError`].
    pub fn check(&self) -> Result<(), PeriodTimeError> {
        for (name, value) in [("start", &self.start), ("end", &self.end)] {
            if value.as_ref().is_some_and(|text| !is_date_time(text)) {
                return Err(PeriodTimeError::DateTime(name));
            }
        }
        if self.duration.as_ref().is_some_and(|text| duration_ns(text).is_none()) {
            return Err(PeriodTimeError::Duration("duration"));
        }
        self.offsets_ns().map(drop)
    }

    fn check_combination(&self) -> Result<(), PeriodTimeError> {
        let given = [&self.start, &self.end, &self.start_offset, &self.end_offset, &self.duration].map(Option::is_some);
        match given {
            [false, false, false, false, false]
            | [true, true, false, false, false]
            | [true, false, false, false, true]
            | [false, false, true, true, false]
            | [false, false, true, false, true] => Ok(()),
            _ => Err(PeriodTimeError::Combination),
        }
    }
}

/// `xs:duration` without years and months, whose lengths differ; not negative.
fn duration_ns(text: &str) -> Option<u64> {
    let mut rest = text.trim().strip_prefix('P')?;
    let mut total: u64 = 0;
    let mut in_time = false;
    let mut units: &[(char, u64)] = &[('D', 86_400)];
    let mut any = false;
    while !rest.is_empty() {
        if let Some(time) = rest.strip_prefix('T')
            && !in_time
        {
            (in_time, rest, units) = (true, time, &[('H', 3600), ('M', 60), ('S', 1)]);
            any = false;
            continue;
        }
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(end);
        let unit = tail.chars().next()?;
        let position = units.iter().position(|(known, _)| *known == unit)?;
        let (whole, fraction) = number.split_once('.').map_or((number, None), |(w, f)| (w, Some(f)));
        if fraction.is_some() && unit != 'S' || whole.is_empty() {
            return None;
        }
        let seconds = whole.parse::<u64>().ok()?.checked_mul(units[position].1)?;
        let fraction = fraction.map_or(Some(0), fraction_ns)?;
        total = total.checked_add(seconds.checked_mul(1_000_000_000)?)?.checked_add(fraction)?;
        units = &units[position + 1..];
        rest = &tail[1..];
        any = true;
    }
    any.then_some(total)
}

fn fraction_ns(digits: &str) -> Option<u64> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let places = digits.bytes().map(|byte| u64::from(byte - b'0')).chain(std::iter::repeat(0)).take(9);
    Some(places.fold(0, |sum, digit| sum * 10 + digit))
}

/// The shape of an `xs:dateTime`, with fields in their ranges.
fn is_date_time(text: &str) -> bool {
    let text = text.trim();
    let bytes = text.as_bytes();
    if bytes.len() < 19 || !text.is_ascii() {
        return false;
    }
    let field = |from: usize, to: usize| {
        text.get(from..to).filter(|t| t.bytes().all(|b| b.is_ascii_digit()))?.parse::<u32>().ok()
    };
    let within = |from, to, least, most| field(from, to).is_some_and(|value| (least..=most).contains(&value));
    let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    let shape = separators.iter().all(|(at, byte)| bytes[*at] == *byte)
        && within(0, 4, 0, 9999)
        && within(5, 7, 1, 12)
        && within(8, 10, 1, 31)
        && within(11, 13, 0, 24)
        && within(14, 16, 0, 59)
        && within(17, 19, 0, 59);
    let mut rest = &text[19..];
    if let Some(fraction) = rest.strip_prefix('.') {
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return false;
        }
        rest = &fraction[digits..];
    }
    let zone = match rest.as_bytes() {
        [] | [b'Z'] => true,
        [b'+' | b'-', h1, h2, b':', m1, m2] => [h1, h2, m1, m2].iter().all(|byte| byte.is_ascii_digit()),
        _ => false,
    };
    shape && zone
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn durations_are_exact_nanoseconds() {
        for (text, expected) in [
            ("PT0S", Some(0)),
            ("P1DT2H3M4.5S", Some(93_784_500_000_000)),
            ("PT0.123456789123S", Some(123_456_789)),
            ("PT90M", Some(5_400_000_000_000)),
            ("P", None),
            ("PT", None),
            ("P1Y", None),
            ("PT1M1H", None),
            ("PT.5S", None),
            ("PT1.S", None),
            ("-PT1S", None),
            ("PT1.5H", None),
            ("PT99999999999999999999S", None),
            ("P1DT", None),
        ] {
            assert_eq!(duration_ns(text), expected, "{text}");
        }
    }

    #[test]
    fn dates_are_checked() {
        for text in ["2026-11-21T10:00:00Z", "2026-11-21T10:00:00", "2026-11-21T24:00:00.125+01:00"] {
            assert!(is_date_time(text), "{text}");
        }
        for text in [
            "",
            "2026-13-21T10:00:00Z",
            "2026-11-21 10:00:00",
            "2026-11-21T10:00:00.",
            "2026-11-21T10:00:00+1",
            "2026-11-21T10:00:00é",
        ] {
            assert!(!is_date_time(text), "{text}");
        }
    }

    #[test]
    fn only_the_listed_combinations_are_allowed() {
        let some = |text: &str| Some(text.to_owned());
        let offsets = ContentKeyPeriod { start_offset: some("PT1S"), end_offset: some("PT3S"), ..Default::default() };
        assert_eq!(offsets.offsets_ns(), Ok(Some((1_000_000_000, 3_000_000_000))));
        let length = ContentKeyPeriod { start_offset: some("PT1S"), duration: some("PT3S"), ..Default::default() };
        assert_eq!(length.offsets_ns(), Ok(Some((1_000_000_000, 4_000_000_000))));
        let both = ContentKeyPeriod { duration: some("PT3S"), ..offsets.clone() };
        assert_eq!(both.offsets_ns(), Err(PeriodTimeError::Combination));
        let wall =
            ContentKeyPeriod { start: some("2026-11-21T10:00:00Z"), duration: some("PT1H"), ..Default::default() };
        assert_eq!((wall.check(), wall.offsets_ns()), (Ok(()), Ok(None)));
        let endless = ContentKeyPeriod { start: some("2026-11-21T10:00:00Z"), ..Default::default() };
        assert_eq!(endless.check(), Err(PeriodTimeError::Combination));
        let empty = ContentKeyPeriod { start_offset: some("PT3S"), end_offset: some("PT3S"), ..Default::default() };
        assert_eq!(empty.check(), Err(PeriodTimeError::Empty));
    }
}
