//! Date ranges at which players show something else (RFC 8216bis appendix D).

use crate::hls::attributes::{Attributes, Value};
use crate::report::{Findings, Place};
use crate::rules::hls_media as rules;
use crate::uri;

const CLASS: &str = "com.apple.hls.interstitial";

/// Checks a date range, if it is one of an interstitial.
pub(super) fn check(range: &Attributes, place: Place<'_>, findings: &mut Findings) {
    if range.get("CLASS") != Some(CLASS) {
        return;
    }
    let mut wrong = |message: String| findings.add(rules::INTERSTITIAL, place, message);
    let value = |name: &str| range.list.iter().find(|(other, _)| other == name).map(|(_, value)| value);
    match (value("X-ASSET-URI"), value("X-ASSET-LIST")) {
        (None, None) => wrong("it has neither X-ASSET-URI nor X-ASSET-LIST".to_owned()),
        (Some(_), Some(_)) => wrong("it has both X-ASSET-URI and X-ASSET-LIST".to_owned()),
        (Some(asset), None) if !asset.text.contains(':') => {
            wrong(format!("X-ASSET-URI is {:?}, not an absolute URI", asset.text));
        }
        _ => {}
    }
    for name in ["X-ASSET-URI", "X-ASSET-LIST"] {
        let Some(asset) = value(name) else { continue };
        if !asset.quoted || asset.text.is_empty() || uri::bad_character(&asset.text).is_some() {
            wrong(format!("{name} is {:?}, not a URI in quotes", asset.text));
        }
    }
    for (name, is_signed) in [("X-RESUME-OFFSET", true), ("X-PLAYOUT-LIMIT", false)] {
        if let Some(number) = value(name)
            && !is_decimal(number, is_signed)
        {
            wrong(format!("{name} is {:?}, not a decimal number", number.text));
        }
    }
    for (name, known) in
        [("X-SNAP", &["OUT", "IN"][..]), ("X-RESTRICT", &["SKIP", "JUMP"]), ("CUE", &["PRE", "POST", "ONCE"])]
    {
        let Some(list) = value(name) else { continue };
        let words: Vec<&str> = list.text.split(',').map(str::trim).collect();
        if !list.quoted || words.iter().any(|word| !known.contains(word)) {
            wrong(format!("{name} is {:?}, not some of {} in quotes", list.text, known.join(",")));
        } else if words.contains(&"PRE") && words.contains(&"POST") {
            wrong("CUE has both PRE and POST".to_owned());
        }
    }
}

fn is_decimal(value: &Value, is_signed: bool) -> bool {
    let text = if is_signed { value.text.strip_prefix('-').unwrap_or(&value.text) } else { &value.text };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    !value.quoted && text.split('.').count() <= 2 && text.split('.').all(digits)
}
