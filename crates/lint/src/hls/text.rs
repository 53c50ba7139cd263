//! Lines of a playlist (RFC 8216bis §4.1).

use std::collections::BTreeMap;

use crate::report::{Findings, Place};
use crate::rules::{hls as rules, hls_media};

/// A line that means something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) number: u32,
    pub(crate) what: What,
}

/// A tag or a URI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// Name without `#`, and what follows the colon.
    Tag(String, String),
    Uri(String),
}

/// Splits a playlist into lines, with variables put in; what is broken about the text itself is found.
/// `imported` are variables of the multivariant playlist.
pub(crate) fn lines(
    bytes: &[u8],
    resource: &str,
    imported: &BTreeMap<String, String>,
    findings: &mut Findings,
) -> (Vec<Line>, BTreeMap<String, String>) {
    if bytes.starts_with(b"\xef\xbb\xbf") {
        findings.add(hls_media::UTF8, Place::line(resource, 1), "the playlist begins with a byte order mark");
    }
    if let Err(error) = std::str::from_utf8(bytes) {
        findings.add(hls_media::UTF8, Place::of(resource).at(error.valid_up_to() as u64), "the playlist is not UTF-8");
    }
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_start_matches('\u{feff}');
    if text.lines().next().is_none_or(|first| first.trim_end() != "#EXTM3U") {
        findings.add(rules::EXTM3U, Place::line(resource, 1), "the first line is not #EXTM3U");
    }
    let mut variables = BTreeMap::new();
    let mut out = Vec::new();
    let mut versions = 0;
    for (index, raw) in text.lines().enumerate() {
        let number = index as u32 + 1;
        let place = Place::line(resource, number);
        if raw.chars().any(|c| c.is_control() && c != '\t') {
            findings.add(hls_media::UTF8, place, "the line has control characters");
        }
        let line = raw.trim();
        if line.is_empty() || (line.starts_with('#') && !line.starts_with("#EXT")) {
            continue;
        }
        let line = substituted(line, &variables, place, findings);
        let what = match line.strip_prefix('#') {
            Some(tag) => {
                let (name, value) = tag.split_once(':').unwrap_or((tag, ""));
                What::Tag(name.to_owned(), value.to_owned())
            }
            None => What::Uri(line),
        };
        if let What::Tag(name, value) = &what {
            if name == "EXT-X-DEFINE" {
                define(value, imported, &mut variables, place, findings);
            }
            if name == "EXT-X-VERSION" {
                versions += 1;
                if versions > 1 {
                    findings.add(hls_media::VERSION, place, "EXT-X-VERSION appears twice");
                }
            }
        }
        out.push(Line { number, what });
    }
    (out, variables)
}

fn define(
    value: &str,
    imported: &BTreeMap<String, String>,
    variables: &mut BTreeMap<String, String>,
    place: Place<'_>,
    findings: &mut Findings,
) {
    let attributes = super::schema::read("EXT-X-DEFINE", value, place, findings);
    if let Some(name) = attributes.get("NAME") {
        variables.insert(name.to_owned(), attributes.get("VALUE").unwrap_or_default().to_owned());
    } else if let Some(name) = attributes.get("IMPORT") {
        match imported.get(name) {
            Some(value) => drop(variables.insert(name.to_owned(), value.clone())),
            None => findings.add(rules::DEFINE, place, format!("the multivariant playlist defines no variable {name}")),
        }
    } else if let Some(name) = attributes.get("QUERYPARAM") {
        variables.insert(name.to_owned(), String::new());
    }
}

/// `{$name}` replaced (§4.3).
fn substituted(line: &str, variables: &BTreeMap<String, String>, place: Place<'_>, findings: &mut Findings) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("{$") {
        let Some((name, tail)) = after.split_once('}') else { break };
        out.push_str(before);
        match variables.get(name) {
            Some(value) => out.push_str(value),
            None => findings.add(rules::DEFINE, place, format!("variable {name} is not defined")),
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}
