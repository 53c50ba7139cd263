//! Time as an argument: services are handed a [`Clock`], which is their database's, and never read the system's themselves.

pub use database::Clock;

/// An instant in UTC with milliseconds (RFC 3339 §5.6), such as `2026-11-21T03:50:00.250Z`.
///
/// Years outside 0..=9999 have no such form; they are clamped to its ends.
pub fn rfc3339(unix_ms: i64) -> String {
    const FIRST: i64 = -62_167_219_200_000;
    const LAST: i64 = 253_402_300_799_999;
    let ms = unix_ms.clamp(FIRST, LAST);
    let (days, in_day) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000));
    let (year, month, day) = civil(days);
    let (hour, minute) = (in_day / 3_600_000, in_day / 60_000 % 60);
    let (second, milli) = (in_day / 1000 % 60, in_day % 1000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

/// The days of the week and the months, as HTTP names them.
const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A day such as `2027-06-30`, counted from 1970-01-01; `None` of what is none.
pub(crate) fn day(text: &str) -> Option<i64> {
    let is_plain = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let mut parts = text.splitn(3, '-').filter(|_| is_plain).map(str::parse::<i64>);
    let (year, month, day): (i64, i64, i64) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    let (of_march, month_of) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = of_march * 365 + of_march.div_euclid(4) - of_march.div_euclid(100) + of_march.div_euclid(400);
    let counted = days + (153 * month_of + 2) / 5 + day - 1 - 719_468;
    // There is no 31st of June.
    (civil(counted) == (year, month, day)).then_some(counted)
}

/// The beginning of a day that is counted from 1970-01-01, as HTTP has it (RFC 9110 §5.6.7).
pub(crate) fn http_date(days: i64) -> String {
    let (year, month, day) = civil(days);
    let name = |names: &[&'static str], at: i64| usize::try_from(at).ok().and_then(|at| names.get(at).copied());
    // 1970 began on a Thursday.
    let (weekday, month) = (name(&DAYS, (days + 4).rem_euclid(7)), name(&MONTHS, month - 1));
    format!("{}, {day:02} {} {year:04} 00:00:00 GMT", weekday.unwrap_or(""), month.unwrap_or(""))
}

/// Gregorian date of a day counted from 1970-01-01. Counting years from March puts the leap day at the end of a year,
/// and 400 years are always 146,097 days.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_and_named_and_what_is_none_is_not() {
        for (text, days, name) in [
            ("1970-01-01", 0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            ("2000-02-29", 11_016, "Tue, 29 Feb 2000 00:00:00 GMT"),
            ("2027-06-30", 20_999, "Wed, 30 Jun 2027 00:00:00 GMT"),
            ("1969-12-31", -1, "Wed, 31 Dec 1969 00:00:00 GMT"),
        ] {
            assert_eq!((day(text), http_date(days).as_str()), (Some(days), name), "{text}");
        }
        for none in [
            "",
            "2027-6-30",
            "2027-02-29",
            "2027-13-01",
            "2027-00-10",
            "2027-06-31",
            "+027-06-30",
            "20270630xx",
            "-27-06-030",
        ] {
            assert_eq!(day(none), None, "{none}");
        }
    }

    #[test]
    fn instants_have_their_calendar_form() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (1_795_233_000_250, "2026-11-21T03:50:00.250Z"),
            (i64::MAX, "9999-12-31T23:59:59.999Z"),
            (i64::MIN, "0000-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(rfc3339(ms), text, "{ms}");
        }
    }
}
