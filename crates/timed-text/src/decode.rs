//! Bytes to text.

use std::borrow::Cow;

use crate::{BYTE_LIMIT, TextError};

fn sized(bytes: &[u8]) -> Result<&[u8], TextError> {
    match bytes.len() > BYTE_LIMIT {
        true => Err(TextError::TooLarge { what: "bytes of text", found: bytes.len(), limit: BYTE_LIMIT }),
        false => Ok(bytes),
    }
}

/// UTF-16 when a byte order mark says so.
fn utf16(bytes: &[u8]) -> Option<String> {
    let (bytes, little) = match bytes {
        [0xff, 0xfe, rest @ ..] => (rest, true),
        [0xfe, 0xff, rest @ ..] => (rest, false),
        _ => return None,
    };
    let read = |pair: [u8; 2]| if little { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) };
    let units = bytes.chunks_exact(2).map(|pair| read([pair[0], pair[1]]));
    Some(char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
}

fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// UTF-8, or UTF-16 behind its byte order mark; anything else fails with its place.
pub(crate) fn strict(bytes: &[u8]) -> Result<Cow<'_, str>, TextError> {
    if let Some(text) = utf16(sized(bytes)?) {
        return Ok(Cow::Owned(text));
    }
    let body = without_mark(bytes);
    std::str::from_utf8(body).map(Cow::Borrowed).map_err(|error| {
        let at = error.valid_up_to();
        TextError::NotUtf8 {
            byte: body.get(at).copied().unwrap_or(0),
            offset: at + bytes.len() - body.len(),
            line: 1 + body[..at].iter().filter(|&&byte| byte == b'\n').count(),
        }
    })
}

/// As the "UTF-8 decode" of WebVTT: wrong bytes become U+FFFD. Also whether there were any.
pub(crate) fn lenient(bytes: &[u8]) -> Result<(Cow<'_, str>, bool), TextError> {
    if let Some(text) = utf16(sized(bytes)?) {
        return Ok((Cow::Owned(text), false));
    }
    let text = String::from_utf8_lossy(without_mark(bytes));
    let mended = matches!(text, Cow::Owned(_));
    Ok((text, mended))
}

/// Line ends as line feeds, no zero characters (W3C WebVTT §6.1 steps 1 to 3).
pub(crate) fn normal_lines(text: Cow<'_, str>) -> Cow<'_, str> {
    if !text.bytes().any(|byte| byte == b'\r' || byte == 0) {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\0' => out.push(char::REPLACEMENT_CHARACTER),
            '\r' => {
                chars.next_if_eq(&'\n');
                out.push('\n');
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_wrong_byte_is_named_with_its_place() {
        let error = strict(b"\xef\xbb\xbfone\ntwo caf\xe9\n").unwrap_err();
        assert_eq!(error, TextError::NotUtf8 { byte: 0xe9, offset: 14, line: 2 });
    }

    #[test]
    fn utf_16_is_read_behind_its_mark() {
        assert_eq!(strict(b"\xff\xfea\0\xe9\0").unwrap(), "aé");
        assert_eq!(strict(b"\xfe\xff\0a\0\xe9").unwrap(), "aé");
    }

    #[test]
    fn line_ends_and_zeros_are_normal() {
        assert_eq!(normal_lines("a\r\nb\rc\n\r\n\0".into()), "a\nb\nc\n\n\u{fffd}");
    }
}
