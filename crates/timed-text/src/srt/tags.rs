//! Markup inside SubRip text.

use crate::Cue;
use crate::error::{Warnings, excerpt};
use crate::markup::placement;

/// Appends one line of text to the cue as WebVTT cue text.
pub(super) fn push(cue: &mut Cue, line: &str, number: usize, warnings: &mut Warnings) {
    let mut rest = line;
    while let Some(at) = rest.find(['<', '>', '&', '{']) {
        cue.payload.push_str(&rest[..at]);
        let found = &rest[at..];
        rest = match found.as_bytes()[0] {
            b'<' => angle(cue, found, number, warnings),
            b'>' => replace(cue, found, "&gt;"),
            b'&' => ampersand(cue, found),
            _ => brace(cue, found, number, warnings),
        };
    }
    cue.payload.push_str(rest);
}

/// Appends `by` in place of the first byte of `text` and gives what follows it.
fn replace<'a>(cue: &mut Cue, text: &'a str, by: &str) -> &'a str {
    cue.payload.push_str(by);
    &text[1..]
}

fn angle<'a>(cue: &mut Cue, text: &'a str, line: usize, warnings: &mut Warnings) -> &'a str {
    // A tag is short; a bracket without its partner nearby is text.
    let Some(end) = text.bytes().take(200).position(|byte| byte == b'>') else { return replace(cue, text, "&lt;") };
    let (tag, rest) = (&text[1..end], &text[end + 1..]);
    let name = tag.strip_prefix('/').unwrap_or(tag).split([' ', '=']).next().unwrap_or_default().to_ascii_lowercase();
    match name.as_str() {
        "i" | "b" | "u" => {
            cue.payload.push_str(if tag.starts_with('/') { "</" } else { "<" });
            cue.payload.push_str(&name);
            cue.payload.push('>');
            rest
        }
        "font" => {
            warnings.push_once(line, "<font> is left out");
            rest
        }
        "br" | "br/" => {
            if !cue.payload.is_empty() && !cue.payload.ends_with('\n') {
                cue.payload.push('\n');
            }
            rest
        }
        _ => replace(cue, text, "&lt;"),
    }
}

fn ampersand<'a>(cue: &mut Cue, text: &'a str) -> &'a str {
    let known = ["&amp;", "&lt;", "&gt;", "&nbsp;", "&lrm;", "&rlm;"];
    match known.iter().find(|name| text.starts_with(**name)) {
        Some(name) => {
            cue.payload.push_str(name);
            &text[name.len()..]
        }
        None => replace(cue, text, "&amp;"),
    }
}

/// Override codes of Advanced SubStation Alpha, of which only the placement has a counterpart.
fn brace<'a>(cue: &mut Cue, text: &'a str, line: usize, warnings: &mut Warnings) -> &'a str {
    let code = text.strip_prefix("{\\").and_then(|inner| {
        let end = inner.bytes().take(200).position(|byte| byte == b'}')?;
        Some((&inner[..end], &inner[end + 1..]))
    });
    let Some((code, rest)) = code else { return replace(cue, text, "{") };
    match code.strip_prefix("an").map(|place| place.as_bytes()) {
        Some(&[digit @ b'1'..=b'9']) => cue.settings = placement(digit - b'0'),
        _ => warnings.push_once(line, &format!("{{\\{}}} is left out", excerpt(code))),
    }
    rest
}
