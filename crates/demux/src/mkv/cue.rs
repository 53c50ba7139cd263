//! Subtitle blocks to WebVTT cues: `S_TEXT/UTF8`, `S_TEXT/WEBVTT` (RFC 9559 §12, Matroska codec mappings) and the older
//! `D_WEBVTT/*` of WebM.

use super::ass;
use crate::vttc::tidy;

/// One cue of a WebVTT file (W3C WebVTT §3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cue {
    pub(super) id: String,
    pub(super) settings: String,
    pub(super) text: String,
}

/// How a track's blocks hold cues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// The text of a SubRip file.
    SubRip,
    /// The cue's text; settings and identifier in a block addition.
    WebVtt,
    /// Identifier, settings and text, one after another.
    Lines,
    /// A line of Advanced SubStation Alpha.
    Ass,
}

/// The cue of a block, `None` when it shows nothing.
pub(super) fn read(form: Form, block: &[u8], addition: Option<&[u8]>) -> Option<Cue> {
    let text = String::from_utf8_lossy(block);
    let cue = match form {
        Form::SubRip => sub_rip(&text),
        Form::WebVtt => {
            let addition = addition.map(String::from_utf8_lossy).unwrap_or_default();
            let mut lines = addition.lines();
            let settings = lines.next().unwrap_or_default().to_owned();
            Cue { settings, id: lines.next().unwrap_or_default().to_owned(), text: tidy(&text) }
        }
        Form::Lines => {
            let mut parts = text.splitn(3, '\n').map(|part| part.trim_end_matches('\r'));
            let (id, settings) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            let text = tidy(parts.next().unwrap_or_default());
            Cue { id: id.to_owned(), settings: settings.trim().to_owned(), text }
        }
        Form::Ass => ass::cue(&text),
    };
    (!cue.text.is_empty()).then_some(cue)
}

/// SubRip: bold, italic and underline are kept, other markup is taken out, and the position that `{\anN}` states becomes
/// a setting. What is special in WebVTT is escaped.
fn sub_rip(text: &str) -> Cue {
    let mut out = String::with_capacity(text.len());
    let mut settings = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['<', '&', '{']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let taken = match rest.as_bytes()[0] {
            b'<' => angle(rest, &mut out),
            b'{' => brace(rest, &mut settings, &mut out),
            _ => {
                out.push_str(if is_entity(rest) { "&" } else { "&amp;" });
                1
            }
        };
        rest = &rest[taken..];
    }
    out.push_str(rest);
    Cue { id: String::new(), settings, text: tidy(&out) }
}

/// A tag at the start of `rest`: how many bytes it takes.
fn angle(rest: &str, out: &mut String) -> usize {
    if let Some(end) = rest.find('>').filter(|&end| end < 200) {
        let tag = rest[1..end].trim_start_matches('/').to_ascii_lowercase();
        let name = tag.split_ascii_whitespace().next().unwrap_or_default();
        match name {
            "i" | "b" | "u" => {
                out.push_str(if rest.as_bytes()[1] == b'/' { "</" } else { "<" });
                out.push_str(name);
                out.push('>');
                return end + 1;
            }
            "font" | "s" | "strike" => return end + 1,
            _ => {}
        }
    }
    out.push_str("&lt;");
    1
}

/// An override block such as `{\an8}` at the start of `rest`: how many bytes it takes.
fn brace(rest: &str, settings: &mut String, out: &mut String) -> usize {
    let Some(end) = rest.find('}').filter(|_| rest.starts_with("{\\")) else {
        out.push('{');
        return 1;
    };
    if let Some(place) = rest[..end].strip_prefix("{\\an").and_then(|place| place.parse::<u8>().ok()) {
        *settings = placed(place);
    }
    end + 1
}

/// Settings of a place as on a numeric keypad, 1 to 9.
pub(super) fn placed(place: u8) -> String {
    let line = match place {
        7..=9 => "line:0",
        4..=6 => "line:50%",
        _ => "",
    };
    let align = match place % 3 {
        1 => "align:start",
        0 => "align:end",
        _ => "",
    };
    [line, align].into_iter().filter(|setting| !setting.is_empty()).collect::<Vec<_>>().join(" ")
}

fn is_entity(rest: &str) -> bool {
    let name = rest[1..].split_once(';').map_or("", |(name, _)| name);
    matches!(name, "amp" | "lt" | "gt" | "nbsp" | "lrm" | "rlm")
        || name.strip_prefix('#').is_some_and(|code| {
            !code.is_empty() && code.len() < 8 && code.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sub_rip_becomes_webvtt() {
        for (text, want, settings) in [
            ("Hello\r\nworld\r\n", "Hello\nworld", ""),
            ("<i>a</i> <FONT color=\"red\">b</font> <B>c</B>", "<i>a</i> b <b>c</b>", ""),
            ("{\\an8}Up & <down> &amp; 3 < 4", "Up &amp; &lt;down> &amp; 3 &lt; 4", "line:0"),
            ("{\\an1}x{y", "x{y", "align:start"),
            ("a --> b\n\nc", "a --&gt; b\nc", ""),
        ] {
            let cue = read(Form::SubRip, text.as_bytes(), None).unwrap();
            assert_eq!((cue.text.as_str(), cue.settings.as_str()), (want, settings), "{text}");
        }
        assert_eq!(read(Form::SubRip, b" \r\n ", None), None);
    }

    #[test]
    fn webvtt_blocks_have_their_settings_and_identifiers() {
        let want = Cue { id: "intro".into(), settings: "line:0 align:left".into(), text: "<v Ann>Hi".into() };
        assert_eq!(read(Form::WebVtt, b"<v Ann>Hi", Some(b"line:0 align:left\nintro\n")), Some(want.clone()));
        assert_eq!(read(Form::Lines, b"intro\nline:0 align:left\n<v Ann>Hi\n", None), Some(want));
    }

    proptest! {
        #[test]
        fn no_text_breaks_out_of_its_cue(text in "[<>&{}\\\\an8i/\\-\n\r b]{0,60}") {
            for form in [Form::SubRip, Form::WebVtt, Form::Lines, Form::Ass] {
                if let Some(cue) = read(form, text.as_bytes(), None) {
                    prop_assert!(!cue.text.contains("-->") && !cue.text.contains("\n\n") && !cue.text.is_empty());
                }
            }
        }
    }
}
