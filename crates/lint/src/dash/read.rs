//! From the document to representations (ISO/IEC 23009-1 §5.3).

use std::cell::Cell;
use std::collections::BTreeSet;

use super::segments::{self, Addressing, Scope};
use super::xml::{self, Element};
use super::{schema, values};
use crate::bmff::pssh::{self, Pssh};
use crate::report::{Findings, Place};
use crate::rules::{dash as rules, input};
use crate::{base64, codec, uri};

mod check;
mod periods;
mod text;

/// Bounds what is compared with one another.
const MAX_REPRESENTATIONS: usize = 2000;

/// What a manifest lists.
#[derive(Clone, Debug, Default)]
pub(crate) struct Manifest {
    pub(crate) representations: Vec<Representation>,
    pub(crate) min_buffer: Option<f64>,
    pub(crate) dynamic: bool,
}

/// A representation with all that it inherits.
#[derive(Clone, Debug)]
pub(crate) struct Representation {
    pub(crate) id: String,
    pub(crate) line: u32,
    /// Period and adaptation set, counted.
    pub(crate) set: (usize, usize),
    pub(crate) base: String,
    pub(crate) addressing: Addressing,
    /// Whether @duration alone tells the times, which are then nominal.
    pub(crate) nominal: bool,
    pub(crate) period_seconds: Option<f64>,
    pub(crate) trick_mode: bool,
    pub(crate) mime: String,
    pub(crate) codecs: Option<String>,
    pub(crate) bandwidth: Option<f64>,
    pub(crate) size: Option<(u32, u32)>,
    pub(crate) frame_rate: Option<f64>,
    pub(crate) sampling_rate: Option<u32>,
    /// Channels by the MPEG-DASH or CICP scheme.
    pub(crate) channels: Option<u32>,
    pub(crate) has_channels: bool,
    pub(crate) aligned: bool,
    pub(crate) sap: Option<u32>,
    pub(crate) protection: Vec<ContentProtection>,
    /// Schemes and values of the events that segments may carry.
    pub(crate) inband: Vec<(String, Option<String>)>,
}

/// A protection descriptor (§5.8.4.1, ISO/IEC 23001-7 §11.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ContentProtection {
    pub(crate) line: u32,
    pub(crate) scheme: String,
    pub(crate) value: Option<String>,
    pub(crate) default_kid: Option<String>,
}

/// Reads a manifest and checks it alone.
pub(crate) fn read(bytes: &[u8], resource: &str, findings: &mut Findings) -> Manifest {
    let root = match xml::parse(bytes) {
        Ok(root) => root,
        Err((line, message)) => {
            findings.add(rules::XML, Place::line(resource, line), message);
            return Manifest::default();
        }
    };
    let namespace =
        root.get(&if root.prefix.is_empty() { "xmlns".to_owned() } else { format!("xmlns:{}", root.prefix) });
    if root.name != "MPD" || namespace != Some("urn:mpeg:dash:schema:mpd:2011") {
        let message = format!("the root is {} of namespace {:?}", root.name, namespace.unwrap_or_default());
        findings.add(rules::ROOT, Place::line(resource, root.line), message);
        if root.name != "MPD" {
            return Manifest::default();
        }
    }
    schema::check(&root, resource, findings);
    let seconds = check::presentation(&root, resource, findings);
    periods::check(&root, &seconds, resource, findings);
    let mut manifest = Manifest {
        min_buffer: root.get("minBufferTime").and_then(values::duration),
        dynamic: root.get("type") == Some("dynamic"),
        ..Manifest::default()
    };
    let base = based(resource, &root);
    let room = Cell::new(segments::MAX_SEGMENTS);
    let periods: Vec<&Element> = root.all("Period").collect();
    for (number, period) in periods.iter().enumerate() {
        let base = based(&base, period);
        for (position, set) in period.all("AdaptationSet").enumerate() {
            let base = based(&base, set);
            for representation in set.all("Representation") {
                if manifest.representations.len() >= MAX_REPRESENTATIONS {
                    let message = format!("the manifest has more than {MAX_REPRESENTATIONS} representations");
                    findings.add(input::LIMIT, Place::line(resource, representation.line), message);
                    return manifest;
                }
                let reader = Reader {
                    path: [period, set, representation],
                    seconds: seconds[number],
                    dynamic: manifest.dynamic,
                    resource,
                    room: &room,
                };
                manifest.representations.push(reader.read((number, position), &base, findings));
            }
        }
    }
    manifest
}

/// The base of references below an element (§5.6.4).
fn based(base: &str, element: &Element) -> String {
    element.child("BaseURL").map_or_else(|| base.to_owned(), |url| uri::resolve(base, url.text.trim()))
}

struct Reader<'a> {
    path: [&'a Element; 3],
    seconds: Option<f64>,
    dynamic: bool,
    resource: &'a str,
    room: &'a Cell<u64>,
}

impl<'a> Reader<'a> {
    /// An attribute that a representation has from its set when it has none itself.
    fn get(&self, name: &str) -> Option<&'a str> {
        self.path[2].get(name).or_else(|| self.path[1].get(name))
    }

    fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.get(name)?.parse().ok()
    }

    fn all(&self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.path[1].all(name).chain(self.path[2].all(name))
    }

    fn read(&self, set: (usize, usize), base: &str, findings: &mut Findings) -> Representation {
        let [_, adaptation, element] = self.path;
        let id = element.get("id").unwrap_or_default();
        let base_url = [self.path[0], adaptation, element]
            .iter()
            .rev()
            .find_map(|level| level.child("BaseURL"))
            .map(|url| url.text.trim());
        let scope = Scope {
            id,
            bandwidth: element.get("bandwidth").unwrap_or_default(),
            base_url,
            seconds: self.seconds,
            dynamic: self.dynamic,
            resource: self.resource,
            line: element.line,
            room: self.room,
        };
        let addressing = segments::read(&self.path, &scope, findings);
        let information: Vec<&Element> = self
            .path
            .iter()
            .flat_map(|level| [level.child("SegmentTemplate"), level.child("SegmentList"), level.child("SegmentBase")])
            .flatten()
            .collect();
        let channels: Vec<&Element> = self.all("AudioChannelConfiguration").collect();
        let out = Representation {
            id: id.to_owned(),
            line: element.line,
            set,
            base: based(base, element),
            addressing,
            nominal: !information
                .iter()
                .any(|level| level.child("SegmentTimeline").is_some() || level.name == "SegmentBase"),
            period_seconds: self.seconds,
            trick_mode: self
                .all("EssentialProperty")
                .any(|property| property.get("schemeIdUri") == Some(check::TRICK_MODE)),
            mime: self.get("mimeType").unwrap_or_default().to_owned(),
            codecs: self.get("codecs").map(str::to_owned),
            bandwidth: element.get("bandwidth").and_then(|text| text.parse().ok()),
            size: self.number("width").zip(self.number("height")),
            frame_rate: self.get("frameRate").and_then(values::frame_rate),
            sampling_rate: self.number("audioSamplingRate"),
            channels: channels.iter().find_map(|channels| channel_count(channels)),
            has_channels: !channels.is_empty(),
            aligned: ["segmentAlignment", "subsegmentAlignment"]
                .iter()
                .any(|name| adaptation.get(name).is_some_and(|value| !matches!(value, "false" | "0"))),
            sap: self.number("startWithSAP").or_else(|| self.number("subsegmentStartsWithSAP")),
            protection: self.all("ContentProtection").map(|element| self.protection(element, findings)).collect(),
            inband: self
                .all("InbandEventStream")
                .map(|stream| {
                    (stream.get("schemeIdUri").unwrap_or_default().to_owned(), stream.get("value").map(str::to_owned))
                })
                .collect(),
        };
        self.check(&out, findings);
        out
    }

    fn check(&self, out: &Representation, findings: &mut Findings) {
        text::check(&self.path, out, self.resource, findings);
        let place = Place::line(self.resource, out.line);
        let content = self.path[1].get("contentType");
        let (top, _) = out.mime.split_once('/').unwrap_or((&out.mime, ""));
        if out.mime.is_empty() {
            findings.add(rules::MIME_TYPE, place, "the representation has no @mimeType");
        } else if matches!(content, Some("video" | "audio")) && content != Some(top) {
            findings.add(
                rules::MIME_TYPE,
                place,
                format!("@contentType is {}, @mimeType {}", content.unwrap_or_default(), out.mime),
            );
        }
        if out.codecs.is_none()
            && !matches!(out.mime.as_str(), "" | "text/vtt" | "application/ttml+xml" | "image/jpeg" | "image/png")
        {
            findings.add(rules::CODECS_MISSING, place, "the representation has no @codecs");
        }
        let kinds: BTreeSet<_> = out
            .codecs
            .iter()
            .flat_map(|list| list.split(','))
            .filter_map(codec::kind_of_name)
            .map(|kind| kind as u8)
            .collect();
        if kinds.len() == 1
            && matches!(top, "video" | "audio")
            && !kinds.contains(&(if top == "video" { 0 } else { 1 }))
        {
            findings.add(rules::MIME_TYPE, place, format!("@mimeType is {}, @codecs {:?}", out.mime, out.codecs));
        }
        if top == "audio" && !out.has_channels {
            findings.add(rules::AUDIO_CHANNELS, place, "the representation has no AudioChannelConfiguration");
        }
    }

    fn protection(&self, element: &Element, findings: &mut Findings) -> ContentProtection {
        let place = Place::line(self.resource, element.line);
        let scheme = element.get("schemeIdUri").unwrap_or_default().to_ascii_lowercase();
        for child in element.all("pssh") {
            let message = match base64::decode(&child.text)
                .ok_or_else(|| "cenc:pssh is not base64".to_owned())
                .and_then(|bytes| Pssh::read_alone(&bytes))
            {
                Ok(pssh) if scheme == format!("urn:uuid:{}", dashed(&pssh.system)) => continue,
                Ok(pssh) => format!("cenc:pssh is of system {}, the descriptor {scheme}", dashed(&pssh.system)),
                Err(message) => message,
            };
            findings.add(rules::PROTECTION_PSSH, place, message);
        }
        for child in element.all("pro") {
            if !base64::decode(&child.text).is_some_and(|bytes| pssh::is_playready_object(&bytes)) {
                findings.add(rules::PLAYREADY, place, "mspr:pro is not a PlayReady object in base64");
            }
        }
        let default_kid =
            element.attributes.iter().find(|(name, _)| name.ends_with(":default_KID")).map(|(_, value)| value.clone());
        ContentProtection { line: element.line, scheme, value: element.get("value").map(str::to_owned), default_kid }
    }
}

/// A UUID as text.
pub(crate) fn dashed(bytes: &[u8; 16]) -> String {
    let mut out = String::new();
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            out.push('-');
        }
        out.push_str(&format!("{byte:02x}"));
    }
    out
}

/// Channels of the schemes whose values are numbers of channels or layouts (ISO/IEC 23091-3).
fn channel_count(element: &Element) -> Option<u32> {
    let value: u32 = element.get("value")?.parse().ok()?;
    match element.get("schemeIdUri")? {
        "urn:mpeg:dash:23003:3:audio_channel_configuration:2011" => Some(value),
        "urn:mpeg:mpegB:cicp:ChannelConfiguration" => {
            [0, 1, 2, 3, 4, 5, 6, 8, 2, 3, 4, 7, 8].get(value as usize).copied().filter(|count| *count > 0)
        }
        _ => None,
    }
}
