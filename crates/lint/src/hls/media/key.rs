//! Key tags (RFC 8216bis §4.4.4.4) and date ranges (§4.4.5.1).

use crate::hls::attributes::Attributes;
use crate::hls::instant;
use crate::report::{Findings, Place};
use crate::rules::hls_media as rules;

pub(super) fn check_key(key: &Attributes, version: u32, place: Place<'_>, findings: &mut Findings) {
    let mut wrong = |message: String| findings.add(rules::KEY, place, message);
    let method = key.get("METHOD").unwrap_or_default();
    if method == "NONE" {
        if key.list.len() > 1 {
            wrong("METHOD=NONE with other attributes".to_owned());
        }
        return;
    }
    if key.get("URI").is_none_or(str::is_empty) {
        wrong(format!("METHOD={method} has no URI"));
    }
    if let Some(iv) = key.get("IV") {
        let digits = iv.trim_start_matches("0x").trim_start_matches("0X").len();
        if digits != 32 {
            wrong(format!("the IV has {digits} hexadecimal digits, not 32"));
        }
        if method == "SAMPLE-AES-CTR" {
            wrong("SAMPLE-AES-CTR takes its IVs from the media".to_owned());
        }
    }
    let versions = |text: &str| text.split('/').all(|part| part.parse::<u32>().is_ok_and(|number| number > 0));
    if let Some(text) = key.get("KEYFORMATVERSIONS")
        && !versions(text)
    {
        wrong(format!("KEYFORMATVERSIONS is {text:?}, not numbers with slashes between"));
    }
    let _ = version;
}

pub(super) fn check_date_range(range: &Attributes, place: Place<'_>, findings: &mut Findings) {
    let mut wrong = |message: String| findings.add(rules::DATERANGE, place, message);
    if range.get("ID").is_none() {
        wrong("the date range has no ID".to_owned());
    }
    let date = |name: &str| range.get(name).map(|text| (text.to_owned(), instant(text)));
    // A later tag of the same ID may leave its start out.
    let (start, end) = (date("START-DATE"), date("END-DATE"));
    if start.is_none() && range.list.len() <= 2 {
        wrong("the date range has no START-DATE".to_owned());
    }
    for (text, micros) in [&start, &end].into_iter().flatten() {
        if micros.is_none() {
            wrong(format!("{text:?} is not a date"));
        }
    }
    if let (Some((_, Some(start))), Some((_, Some(end)))) = (start, end) {
        if end < start {
            wrong("END-DATE is before START-DATE".to_owned());
        }
        let seconds = (end - start) as f64 / 1e6;
        if let Some(duration) = range.number("DURATION")
            && (seconds - duration).abs() > 0.01
        {
            wrong(format!("DURATION is {duration} s, the dates are {seconds} s apart"));
        }
    }
    if range.get("END-ON-NEXT") == Some("YES")
        && (range.get("CLASS").is_none() || range.get("DURATION").is_some() || range.get("END-DATE").is_some())
    {
        wrong("END-ON-NEXT needs CLASS, and neither DURATION nor END-DATE".to_owned());
    }
}
