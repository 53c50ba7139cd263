//! Cue text as the content of a `p` (W3C WebVTT §6.4).

use std::borrow::Cow;

/// How a piece of text looks; colours are TTML expressions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Look {
    italic: bool,
    bold: bool,
    underline: bool,
    color: Option<Cow<'static, str>>,
    background: Option<Cow<'static, str>>,
}

/// Tags nest no deeper than this; deeper ones have no effect.
const DEPTH_LIMIT: usize = 32;

/// Appends the payload of a cue.
pub(super) fn push(out: &mut String, payload: &str) {
    // Open tags, each with the look that it replaced.
    let mut open: Vec<(&str, Look)> = Vec::new();
    let mut look = Look::default();
    let mut rest = payload;
    while !rest.is_empty() {
        let Some(tag_and_rest) = rest.strip_prefix('<') else {
            let (text, after) = rest.split_at(rest.find('<').unwrap_or(rest.len()));
            push_run(out, text, &look);
            rest = after;
            continue;
        };
        let (tag, after) = tag_and_rest.split_once('>').unwrap_or((tag_and_rest, ""));
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            // An end tag closes what was opened last, and only that.
            let closes = |open: &str| open == name || open == "rt" && name == "ruby";
            if open.last().is_some_and(|(last, _)| closes(last)) {
                let Some((last, before)) = open.pop() else { break };
                if last == "rt" {
                    push_run(out, ")", &look);
                }
                look = before;
                if last != name && open.last().is_some_and(|(last, _)| *last == name) {
                    look = open.pop().map(|(_, before)| before).unwrap_or_default();
                }
            }
            continue;
        }
        let name = tag.split(['.', ' ', '\t', '\n']).next().unwrap_or_default();
        if !matches!(name, "c" | "i" | "b" | "u" | "v" | "lang" | "ruby" | "rt") || open.len() == DEPTH_LIMIT {
            continue;
        }
        open.push((name, look.clone()));
        look = opened(look, name, tag);
        if name == "rt" {
            push_run(out, "(", &look);
        }
    }
    // What was never closed ends with the cue.
    for (name, before) in open.into_iter().rev() {
        if name == "rt" {
            push_run(out, ")", &look);
        }
        look = before;
    }
}

fn opened(mut look: Look, name: &str, tag: &str) -> Look {
    match name {
        "i" => look.italic = true,
        "b" => look.bold = true,
        "u" => look.underline = true,
        _ => {}
    }
    let classes = tag.split([' ', '\t', '\n']).next().unwrap_or_default();
    for class in classes.split('.').skip(1) {
        match class.strip_prefix("bg_") {
            Some(name) => look.background = color(name).or(look.background),
            None => look.color = color(class).or(look.color),
        }
    }
    look
}

/// The colour of a class (W3C WebVTT §5.1), or of one of those that [`crate::ttml`] makes.
fn color(class: &str) -> Option<Cow<'static, str>> {
    let names = ["white", "lime", "cyan", "red", "yellow", "magenta", "blue", "black"];
    if let Some(name) = names.into_iter().find(|name| *name == class) {
        return Some(Cow::Borrowed(name));
    }
    let hex = class.strip_prefix("color")?;
    (hex.len() == 6 && hex.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| Cow::Owned(format!("#{hex}")))
}

fn push_run(out: &mut String, text: &str, look: &Look) {
    if text.is_empty() {
        return;
    }
    let styled = *look != Look::default();
    if styled {
        out.push_str("<span");
        let flags = [
            (look.italic, " tts:fontStyle=\"italic\""),
            (look.bold, " tts:fontWeight=\"bold\""),
            (look.underline, " tts:textDecoration=\"underline\""),
        ];
        flags.iter().filter(|(on, _)| *on).for_each(|(_, attribute)| out.push_str(attribute));
        for (name, value) in [("color", &look.color), ("backgroundColor", &look.background)] {
            if let Some(value) = value {
                out.push_str(&format!(" tts:{name}=\"{value}\""));
            }
        }
        out.push('>');
    }
    push_text(out, text);
    if styled {
        out.push_str("</span>");
    }
}

/// Text with the references of cue text resolved and those of XML put in.
fn push_text(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c == '&'
            && let Some((value, length)) = reference(rest)
        {
            push_char(out, value);
            rest = &rest[length..];
            continue;
        }
        push_char(out, c);
        rest = &rest[c.len_utf8()..];
    }
}

/// The character that a reference at the start of `text` stands for, and the length of the reference.
fn reference(text: &str) -> Option<(char, usize)> {
    let end = text.bytes().take(12).position(|byte| byte == b';')?;
    let value = match &text[1..end] {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        "lrm" => '\u{200e}',
        "rlm" => '\u{200f}',
        name => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
    };
    Some((value, end + 1))
}

fn push_char(out: &mut String, c: char) {
    match c {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '\n' => out.push_str("<br/>"),
        '\t' => out.push(c),
        // Not characters of XML 1.0 §2.2.
        '\0'..'\u{20}' | '\u{fffe}' | '\u{ffff}' => out.push(char::REPLACEMENT_CHARACTER),
        c => out.push(c),
    }
}

/// Appends the value of an attribute.
pub(super) fn push_attribute(out: &mut String, value: &str) {
    for c in value.chars() {
        match c {
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(' '),
            c => push_char(out, c),
        }
    }
}
