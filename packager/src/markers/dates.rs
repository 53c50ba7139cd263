//! Markers as playlists write them: on a calendar, which begins in 1970 (RFC 8216bis §4.4.4.6, §4.4.5.1).

use std::fmt::Write;

use media_types::time::rescale;
use media_types::{MediaTime, TrackRecord};

use super::interstitial::CLASS;
use super::{Marker, check};
use crate::PackageError;

const DAY_MS: u64 = 86_400_000;

/// `EXT-X-PROGRAM-DATE-TIME` of a track's first segment. The presentation's start is 1970-01-01, the same for every
/// output, since nothing else is known that would be.
pub(crate) fn program_date(out: &mut String, track: &TrackRecord) {
    let ticks = track.segments.first().map_or(0, |segment| segment.start_ticks);
    let start = MediaTime::new(i64::try_from(ticks).unwrap_or(0), track.timescale);
    // Writing to a string cannot fail, here and below.
    let _ = writeln!(out, "#EXT-X-PROGRAM-DATE-TIME:{}", date(milliseconds(start)));
}

/// One `EXT-X-DATERANGE` for each marker, with the messages of a break's beginning and end in one tag (§4.4.5.1.1).
///
/// # Errors
/// A marker that no playlist could carry.
pub(crate) fn date_ranges(out: &mut String, markers: &[Marker]) -> Result<(), PackageError> {
    check(markers)?;
    for marker in markers {
        let _ = write!(out, "#EXT-X-DATERANGE:ID=\"{}\"", marker.id);
        let shown = marker.interstitial.as_ref();
        if let Some(class) = shown.map(|_| CLASS).or(marker.class.as_deref()) {
            let _ = write!(out, ",CLASS=\"{class}\"");
        }
        let start = milliseconds(marker.start);
        let _ = write!(out, ",START-DATE=\"{}\"", date(start));
        // What is shown between two pictures takes nothing of the programme, but lasts.
        let duration = marker.duration.filter(|length| shown.is_none() || length.ticks > 0);
        for (name, length) in [("DURATION", duration), ("PLANNED-DURATION", marker.planned)] {
            if let Some(length) = length {
                let _ = write!(out, ",{name}={}", seconds(length));
            }
        }
        if let Some(shown) = shown {
            shown.write(out);
        }
        let messages = &marker.messages;
        for (name, section) in
            [("SCTE35-OUT", &messages.out), ("SCTE35-IN", &messages.back), ("SCTE35-CMD", &messages.command)]
        {
            if let Some(section) = section {
                let _ = write!(out, ",{name}=0x");
                for byte in section {
                    // §4.2: a hexadecimal sequence has capital letters.
                    let _ = write!(out, "{byte:02X}");
                }
            }
        }
        out.push('\n');
    }
    Ok(())
}

/// Decimal seconds to the millisecond.
pub(super) fn seconds(time: MediaTime) -> String {
    let ms = milliseconds(time);
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

fn milliseconds(time: MediaTime) -> u64 {
    u64::try_from(rescale(time.ticks, 1000, time.scale.get().into())).unwrap_or(0)
}

/// ISO 8601, `ms` milliseconds behind the beginning of 1970.
fn date(ms: u64) -> String {
    let (mut day, within) = (ms / DAY_MS, ms % DAY_MS);
    let mut year = 1970;
    let is_leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    // At most some hundred turns, since all times are bounded.
    while day >= 365 + u64::from(is_leap(year)) {
        day -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if day < length {
            break;
        }
        day -= length;
        month += 1;
    }
    let (seconds, ms) = (within / 1000, within % 1000);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{:02}T{hours:02}:{minutes:02}:{seconds:02}.{ms:03}Z", day + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_over_leap_years() {
        for (ms, want) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (86_399_999, "1970-01-01T23:59:59.999Z"),
            (58 * DAY_MS + 3_723_004, "1970-02-28T01:02:03.004Z"),
            (59 * DAY_MS, "1970-03-01T00:00:00.000Z"),
            (789 * DAY_MS, "1972-02-29T00:00:00.000Z"),
            (10_957 * DAY_MS, "2000-01-01T00:00:00.000Z"),
            (11_016 * DAY_MS, "2000-02-29T00:00:00.000Z"),
            (11_322 * DAY_MS, "2000-12-31T00:00:00.000Z"),
        ] {
            assert_eq!(date(ms), want);
        }
    }
}
