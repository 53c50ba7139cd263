//! Cue settings (W3C WebVTT §6.3 "parse the WebVTT cue settings").

use crate::error::{Warnings, excerpt};

/// The valid settings of `text`, a later one in place of an earlier one of the same name.
pub(super) fn valid(text: &str, line: usize, has_region: impl Fn(&str) -> bool, warnings: &mut Warnings) -> String {
    let mut kept: Vec<(&str, &str)> = Vec::new();
    for setting in text.split_ascii_whitespace() {
        let Some((name, value)) = setting.split_once(':').filter(|(name, value)| is_valid(name, value)) else {
            warnings.push(line, format!("the cue setting {:?} is not valid and is left out", excerpt(setting)));
            continue;
        };
        if name == "region" && !has_region(value) {
            warnings.push(line, format!("the cue setting names region {:?}, which no block defines", excerpt(value)));
        }
        kept.retain(|(other, _)| *other != name);
        kept.push((name, value));
    }
    let mut out = String::new();
    for (name, value) in kept {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(name);
        out.push(':');
        out.push_str(value);
    }
    out
}

fn is_valid(name: &str, value: &str) -> bool {
    match name {
        "region" => !value.is_empty(),
        "vertical" => matches!(value, "rl" | "lr"),
        "line" => {
            let (place, alignment) = value.split_once(',').map_or((value, None), |(place, rest)| (place, Some(rest)));
            (percentage(place) || line_number(place))
                && alignment.is_none_or(|a| matches!(a, "start" | "center" | "end"))
        }
        "position" => {
            let (place, alignment) = value.split_once(',').map_or((value, None), |(place, rest)| (place, Some(rest)));
            percentage(place) && alignment.is_none_or(|a| matches!(a, "line-left" | "center" | "line-right"))
        }
        "size" => percentage(value),
        "align" => matches!(value, "start" | "center" | "end" | "left" | "right"),
        _ => false,
    }
}

/// `0%` to `100%`, with a fraction if need be.
fn percentage(text: &str) -> bool {
    let Some(number) = text.strip_suffix('%') else { return false };
    let (whole, fraction) = number.split_once('.').map_or((number, None), |(whole, part)| (whole, Some(part)));
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !fraction.is_none_or(all_digits) {
        return false;
    }
    let significant = whole.trim_start_matches('0');
    significant.len() < 3 || significant == "100" && fraction.is_none_or(|part| part.bytes().all(|byte| byte == b'0'))
}

/// A line of the video, counted from the top, or from the bottom when negative; a fraction is allowed by the parser.
fn line_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').map_or((digits, "0"), |(whole, part)| (whole, part));
    [whole, fraction].iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_kept_when_the_standard_accepts_them() {
        for (text, expected, warned) in [
            ("", "", 0),
            ("align:start  position:10%", "align:start position:10%", 0),
            ("line:0 line:-1", "line:-1", 0),
            ("line:85%,end position:50%,center size:80.5%", "line:85%,end position:50%,center size:80.5%", 0),
            ("position:100.0%", "position:100.0%", 0),
            ("position:101%", "", 1),
            ("position:100.5%", "", 1),
            ("position:50", "", 1),
            ("align:middle line:1-", "", 2),
            ("vertical:lr region:fred region:bob", "vertical:lr region:bob", 1),
            ("vertical:up size: :x size", "", 4),
            ("line:50%,middle", "", 1),
        ] {
            let mut warnings = Warnings::default();
            let kept = valid(text, 1, |id| id == "fred", &mut warnings);
            assert_eq!((kept.as_str(), warnings.into_vec().len()), (expected, warned), "{text}");
        }
    }
}
