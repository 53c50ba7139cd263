//! Which attributes tags have, and of which type (RFC 8216bis §4.4).

use super::attributes::{Attributes, Value};
use crate::report::{Findings, Place};
use crate::rules::hls as rules;

/// Type of an attribute (§4.2).
#[derive(Clone, Copy, Debug)]
enum Kind {
    Integer,
    Float,
    Signed,
    Hex,
    Text,
    Size,
    YesNo,
    OneOf(&'static [&'static str]),
    /// A quoted string or a bare word.
    Any,
}

use Kind::{Any, Float, Hex, Integer, OneOf, Signed, Size, Text, YesNo};

type Schema = &'static [(&'static str, Kind, bool)];

/// Name, type and necessity of the attributes of a tag.
fn schema(tag: &str) -> Option<Schema> {
    const KEY: Schema = &[
        ("METHOD", OneOf(&["NONE", "AES-128", "SAMPLE-AES", "SAMPLE-AES-CTR", "SAMPLE-AES-CENC"]), true),
        ("URI", Text, false),
        ("IV", Hex, false),
        ("KEYFORMAT", Text, false),
        ("KEYFORMATVERSIONS", Text, false),
    ];
    Some(match tag {
        "EXT-X-MEDIA" => &[
            ("TYPE", OneOf(&["AUDIO", "VIDEO", "SUBTITLES", "CLOSED-CAPTIONS"]), true),
            ("URI", Text, false),
            ("GROUP-ID", Text, true),
            ("LANGUAGE", Text, false),
            ("ASSOC-LANGUAGE", Text, false),
            ("NAME", Text, true),
            ("DEFAULT", YesNo, false),
            ("AUTOSELECT", YesNo, false),
            ("FORCED", YesNo, false),
            ("INSTREAM-ID", Text, false),
            ("BIT-DEPTH", Integer, false),
            ("SAMPLE-RATE", Integer, false),
            ("CHARACTERISTICS", Text, false),
            ("CHANNELS", Text, false),
        ],
        "EXT-X-STREAM-INF" => &[
            ("BANDWIDTH", Integer, true),
            ("AVERAGE-BANDWIDTH", Integer, false),
            ("SCORE", Float, false),
            ("CODECS", Text, false),
            ("SUPPLEMENTAL-CODECS", Text, false),
            ("RESOLUTION", Size, false),
            ("FRAME-RATE", Float, false),
            ("HDCP-LEVEL", OneOf(&["TYPE-0", "TYPE-1", "NONE"]), false),
            ("ALLOWED-CPC", Text, false),
            ("VIDEO-RANGE", OneOf(&["SDR", "HLG", "PQ"]), false),
            ("AUDIO", Text, false),
            ("VIDEO", Text, false),
            ("SUBTITLES", Text, false),
            ("CLOSED-CAPTIONS", Any, false),
            ("PATHWAY-ID", Text, false),
        ],
        "EXT-X-I-FRAME-STREAM-INF" => &[
            ("BANDWIDTH", Integer, true),
            ("AVERAGE-BANDWIDTH", Integer, false),
            ("CODECS", Text, false),
            ("RESOLUTION", Size, false),
            ("HDCP-LEVEL", OneOf(&["TYPE-0", "TYPE-1", "NONE"]), false),
            ("VIDEO-RANGE", OneOf(&["SDR", "HLG", "PQ"]), false),
            ("URI", Text, true),
        ],
        "EXT-X-KEY" | "EXT-X-SESSION-KEY" => KEY,
        "EXT-X-MAP" => &[("URI", Text, true), ("BYTERANGE", Text, false)],
        "EXT-X-START" => &[("TIME-OFFSET", Signed, true), ("PRECISE", YesNo, false)],
        "EXT-X-DEFINE" => {
            &[("NAME", Text, false), ("VALUE", Text, false), ("IMPORT", Text, false), ("QUERYPARAM", Text, false)]
        }
        "EXT-X-SESSION-DATA" => {
            &[("DATA-ID", Text, true), ("VALUE", Text, false), ("URI", Text, false), ("LANGUAGE", Text, false)]
        }
        "EXT-X-CONTENT-STEERING" => &[("SERVER-URI", Text, true), ("PATHWAY-ID", Text, false)],
        "EXT-X-PART-INF" => &[("PART-TARGET", Float, true)],
        "EXT-X-SERVER-CONTROL" => &[
            ("CAN-SKIP-UNTIL", Float, false),
            ("CAN-SKIP-DATERANGES", YesNo, false),
            ("HOLD-BACK", Float, false),
            ("PART-HOLD-BACK", Float, false),
            ("CAN-BLOCK-RELOAD", YesNo, false),
        ],
        "EXT-X-PART" => &[
            ("URI", Text, true),
            ("DURATION", Float, true),
            ("INDEPENDENT", YesNo, false),
            ("BYTERANGE", Text, false),
            ("GAP", YesNo, false),
        ],
        "EXT-X-PRELOAD-HINT" => &[
            ("TYPE", Any, true),
            ("URI", Text, true),
            ("BYTERANGE-START", Integer, false),
            ("BYTERANGE-LENGTH", Integer, false),
        ],
        "EXT-X-RENDITION-REPORT" => &[("URI", Text, true), ("LAST-MSN", Integer, false), ("LAST-PART", Integer, false)],
        "EXT-X-SKIP" => &[("SKIPPED-SEGMENTS", Integer, true), ("RECENTLY-REMOVED-DATERANGES", Text, false)],
        "EXT-X-DATERANGE" => &[
            ("ID", Text, false),
            ("CLASS", Text, false),
            ("START-DATE", Text, false),
            ("END-DATE", Text, false),
            ("CUE", Text, false),
            ("DURATION", Float, false),
            ("PLANNED-DURATION", Float, false),
            ("SCTE35-CMD", Hex, false),
            ("SCTE35-OUT", Hex, false),
            ("SCTE35-IN", Hex, false),
            ("END-ON-NEXT", OneOf(&["YES"]), false),
        ],
        _ => return None,
    })
}

impl Kind {
    fn holds(self, value: &Value) -> bool {
        let text = value.text.as_str();
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let decimal = |text: &str| match text.split_once('.') {
            Some((whole, fraction)) => digits(whole) && digits(fraction),
            None => digits(text),
        };
        if matches!(self, Any) {
            return true;
        }
        if matches!(self, Text) || value.quoted {
            return matches!(self, Text) && value.quoted;
        }
        match self {
            Integer => digits(text) && text.len() <= 20,
            Float => decimal(text),
            Signed => decimal(text.strip_prefix('-').unwrap_or(text)),
            Hex => text
                .strip_prefix("0x")
                .or_else(|| text.strip_prefix("0X"))
                .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit())),
            Size => text.split_once('x').is_some_and(|(width, height)| digits(width) && digits(height)),
            YesNo => matches!(text, "YES" | "NO"),
            OneOf(words) => words.contains(&text),
            Text | Any => true,
        }
    }

    fn describe(self) -> String {
        match self {
            Integer => "a decimal integer".to_owned(),
            Float => "a decimal number".to_owned(),
            Signed => "a signed decimal number".to_owned(),
            Hex => "a hexadecimal sequence from 0x on".to_owned(),
            Text => "a quoted string".to_owned(),
            Size => "WIDTHxHEIGHT".to_owned(),
            YesNo => "YES or NO".to_owned(),
            OneOf(words) => format!("one of {}", words.join(", ")),
            Any => "anything".to_owned(),
        }
    }
}

/// Reads the attributes of a tag and checks their presence and types.
pub(super) fn read(tag: &str, text: &str, place: Place<'_>, findings: &mut Findings) -> Attributes {
    let attributes = Attributes::read(text, place, findings);
    for (name, kind, required) in schema(tag).unwrap_or_default() {
        match attributes.list.iter().find(|(other, _)| other == name) {
            Some((_, value)) if !kind.holds(value) => {
                let quotes = if value.quoted { "\"" } else { "" };
                let message = format!("{tag}: {name} is {quotes}{}{quotes}, not {}", value.text, kind.describe());
                findings.add(rules::ATTRIBUTE_VALUE, place, message);
            }
            None if *required => findings.add(rules::ATTRIBUTE_REQUIRED, place, format!("{tag} has no {name}")),
            _ => {}
        }
    }
    attributes
}
