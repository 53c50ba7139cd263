//! Codec strings and kinds of files.

use crate::ttml::Profile;
use crate::{TextError, decode};

/// Codec string of WebVTT in MP4, for `CODECS` and `@codecs` (RFC 6381; ISO/IEC 14496-30).
pub const WVTT: &str = "wvtt";

/// Codec string of TTML in MP4: `stpp` and the profile's name in the W3C TTML media type registry; plain `stpp` for a
/// document without a registered profile.
pub fn stpp(profile: Profile) -> &'static str {
    match profile {
        Profile::ImscText => "stpp.ttml.im1t",
        Profile::ImscImage => "stpp.ttml.im1i",
        Profile::Imsc11Text => "stpp.ttml.im2t",
        Profile::Imsc11Image => "stpp.ttml.im2i",
        Profile::EbuTtD => "stpp.ttml.etd1",
        Profile::Text | Profile::Image => "stpp",
    }
}

/// Kinds of subtitle files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// W3C WebVTT, `text/vtt`.
    WebVtt,
    /// SubRip, `application/x-subrip`.
    Srt,
    /// TTML and IMSC, `application/ttml+xml`.
    Ttml,
}

/// The kind of a file by its first bytes: some thousand are enough. `None` when it is none of them.
pub fn sniff(bytes: &[u8]) -> Option<Format> {
    // A cut inside of a character or a unit must not matter.
    let head = bytes.get(..4096).unwrap_or(bytes);
    let (text, _) = decode::lenient(head).ok()?;
    let text = text.trim_start();
    if text.strip_prefix("WEBVTT").is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\n', '\r'])) {
        return Some(Format::WebVtt);
    }
    if text.starts_with('<') {
        let mut tags =
            text.split('<').map(|tag| tag.split([' ', '\t', '\n', '\r', '>', '/']).next().unwrap_or_default());
        let root = tags.find(|name| name.starts_with(|c: char| c.is_alphabetic()))?;
        return (root.rsplit(':').next() == Some("tt")).then_some(Format::Ttml);
    }
    let times = |line: &str| {
        let (start, end) = line.split_once("-->")?;
        let starts = |text: &str| text.trim_start().starts_with(|c: char| c.is_ascii_digit()) && text.contains(':');
        (starts(start) && starts(end)).then_some(())
    };
    text.lines().take(50).any(|line| times(line).is_some()).then_some(Format::Srt)
}

/// Reads a file of any kind as cues; the image profile of IMSC and unknown kinds fail.
pub fn parse(bytes: &[u8]) -> Result<crate::Parsed, TextError> {
    match sniff(bytes) {
        Some(Format::Ttml) => crate::ttml::parse(bytes)?.to_cues(),
        Some(Format::Srt) => crate::srt::parse(bytes),
        Some(Format::WebVtt) | None => crate::webvtt::parse(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_by_their_first_bytes() {
        for (text, expected) in [
            ("WEBVTT\n\n", Some(Format::WebVtt)),
            ("\u{feff}WEBVTT - x", Some(Format::WebVtt)),
            ("WEBVTTX", None),
            ("\n1\n00:00:01,000 --> 00:00:02,000\na", Some(Format::Srt)),
            ("00:00:01,000 --> 00:00:02,000\na", Some(Format::Srt)),
            ("<?xml version=\"1.0\"?>\n<!-- x -->\n<tt:tt xmlns:tt=\"x\">", Some(Format::Ttml)),
            ("<tt>", Some(Format::Ttml)),
            ("<html><tt>", None),
            ("hello --> world", None),
            ("", None),
        ] {
            assert_eq!(sniff(text.as_bytes()), expected, "{text:?}");
        }
    }
}
