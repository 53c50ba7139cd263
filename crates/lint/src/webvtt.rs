//! WebVTT files (W3C WebVTT §4.1): whether they are ones, and when their cues are shown.

/// A file's byte order mark.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Whether an object begins as a WebVTT file does.
pub(crate) fn is_webvtt(bytes: &[u8]) -> bool {
    bytes.strip_prefix(MARK).unwrap_or(bytes).starts_with(b"WEBVTT")
}

/// Reads the times of a file's cues, and tells line by line what is wrong. Gives the latest start in milliseconds.
pub(crate) fn read(bytes: &[u8], fault: &mut dyn FnMut(u32, String)) -> Option<u64> {
    let number = |index: usize| u32::try_from(index + 1).unwrap_or(u32::MAX);
    if let Err(error) = std::str::from_utf8(bytes) {
        let before = bytes[..error.valid_up_to()].iter().filter(|&&byte| byte == b'\n').count();
        fault(number(before), "the line is not UTF-8".to_owned());
    }
    let text = String::from_utf8_lossy(bytes.strip_prefix(MARK).unwrap_or(bytes));
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut lines = text.split('\n').enumerate();
    let signature = lines.next().and_then(|(_, first)| first.strip_prefix("WEBVTT"));
    if !signature.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t'])) {
        fault(1, "the file does not begin with WEBVTT".to_owned());
        return None;
    }
    let mut latest: Option<u64> = None;
    for (index, line) in lines.filter(|(_, line)| line.contains("-->")) {
        let Some((start, end)) = times(line) else {
            let told: String = line.chars().take(60).collect();
            fault(number(index), format!("the times {told:?} cannot be read"));
            continue;
        };
        if end <= start {
            fault(number(index), format!("the cue ends at {} s and starts at {} s", seconds(end), seconds(start)));
        }
        if let Some(before) = latest.filter(|&before| start < before) {
            let message = format!("the cue starts at {} s, one before it at {} s", seconds(start), seconds(before));
            fault(number(index), message);
        }
        latest = latest.max(Some(start));
    }
    latest
}

fn seconds(ms: u64) -> f64 {
    ms as f64 / 1e3
}

/// Start and end in milliseconds of a line with an arrow.
fn times(line: &str) -> Option<(u64, u64)> {
    let (start, rest) = line.split_once("-->")?;
    Some((timestamp(start.trim())?, timestamp(rest.split_whitespace().next()?)?))
}

/// `[hh:]mm:ss.ttt` in milliseconds; of hours there may be more digits than two.
fn timestamp(text: &str) -> Option<u64> {
    let (clock, fraction) = text.split_once('.')?;
    let mut parts = clock.rsplit(':');
    let (seconds, minutes) = (sixty(parts.next()?)?, sixty(parts.next()?)?);
    let hours = parts.next().map_or(Some(0), |hours| digits(hours).filter(|_| hours.len() >= 2))?;
    let ms = digits(fraction).filter(|_| fraction.len() == 3)?;
    let whole = hours.checked_mul(3600)?.checked_add(minutes * 60 + seconds)?;
    parts.next().is_none().then_some(whole.checked_mul(1000)?.checked_add(ms)?)
}

/// Two digits below 60.
fn sixty(text: &str) -> Option<u64> {
    digits(text).filter(|&number| text.len() == 2 && number < 60)
}

fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(text: &str) -> (Option<u64>, Vec<(u32, String)>) {
        let mut faults = Vec::new();
        let latest = read(text.as_bytes(), &mut |line, message| faults.push((line, message)));
        (latest, faults)
    }

    #[test]
    fn a_file_with_all_that_a_file_may_have_is_without_fault() {
        let text = "\u{feff}WEBVTT - a title\r\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\r\n\r\nSTYLE\r\n::cue { color: red }\r\n\r\n\
                    NOTE of times\r\n\r\n1\r\n00:01.000 --> 00:02.500 line:0 align:start\r\nHello\r\n\r\n\
                    00:01.000\t-->\t123:59:59.999\r\nand\r\nso on\r\n";
        assert_eq!(told(text), (Some(1000), vec![]));
        assert_eq!(told("WEBVTT"), (None, vec![]));
        assert_eq!(told("WEBVTT\r\r00:03.000 --> 00:04.000\rold line ends\r"), (Some(3000), vec![]));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, line, says) in [
            ("hello", 1, "does not begin with WEBVTT"),
            ("WEBVTTX\n", 1, "does not begin with WEBVTT"),
            ("WEBVTT\n\n1.5 --> 2.5\n", 3, "\"1.5 --> 2.5\" cannot be read"),
            ("WEBVTT\n\n00:01,000 --> 00:02,000\n", 3, "cannot be read"),
            ("WEBVTT\n\n00:61.000 --> 01:02.000\n", 3, "cannot be read"),
            ("WEBVTT\n\n1:00:01.000 --> 1:00:02.000\n", 3, "cannot be read"),
            ("WEBVTT\n\n00:00:00:01.000 --> 00:02.000\n", 3, "cannot be read"),
            ("WEBVTT\n\n99999999999999999999:00:01.000 --> 00:02.000\n", 3, "cannot be read"),
            ("WEBVTT\n\n00:02.000 -->\n", 3, "cannot be read"),
            ("WEBVTT\n\n00:02.000 --> 00:02.000\n", 3, "ends at 2 s and starts at 2 s"),
            (
                "WEBVTT\n\n00:02.000 --> 00:03.000\n\n00:01.500 --> 00:03.000\n",
                5,
                "starts at 1.5 s, one before it at 2 s",
            ),
        ] {
            let (_, faults) = told(text);
            let [(found, message)] = &faults[..] else { panic!("{text:?}: {faults:?}") };
            assert!(*found == line && message.contains(says), "{text:?}: line {found}: {message}");
        }
        let mut faults = Vec::new();
        read(b"WEBVTT\n\n\xff\n", &mut |line, message| faults.push((line, message)));
        assert_eq!(faults, [(3, "the line is not UTF-8".to_owned())]);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(rest in prop::collection::vec(any::<u8>(), 0..200), times in "[0-9:.> -]{0,40}") {
            let whole = [b"WEBVTT\n\n", times.as_bytes(), b" --> ", times.as_bytes(), b"\n", &rest].concat();
            read(&whole, &mut |_, _| ());
            read(&rest, &mut |_, _| ());
        }

        #[test]
        fn any_time_is_read_as_it_is_written(ms in 0..400_000_000_000u64) {
            let (minutes, rest) = (ms / 60_000, ms % 60_000);
            let text = format!("{:02}:{:02}:{:02}.{:03}", minutes / 60, minutes % 60, rest / 1000, rest % 1000);
            prop_assert_eq!(timestamp(&text), Some(ms));
        }
    }
}
