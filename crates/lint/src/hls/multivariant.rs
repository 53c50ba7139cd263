//! Multivariant playlists (RFC 8216bis §4.4.6).

use std::collections::{BTreeMap, BTreeSet};

use super::attributes::Attributes;
use super::range;
use super::schema;
use super::text::{self, What};
use crate::codec;
use crate::report::{Findings, Place};
use crate::rules::{hls as rules, hls_media};
use crate::uri;

/// A multivariant playlist.
#[derive(Clone, Debug, Default)]
pub(crate) struct Multivariant {
    pub(crate) variants: Vec<Variant>,
    pub(crate) renditions: Vec<Attributes>,
    pub(crate) session_keys: Vec<Attributes>,
    pub(crate) independent: bool,
    pub(crate) variables: BTreeMap<String, String>,
}

/// One variant, or an I-frame variant.
#[derive(Clone, Debug)]
pub(crate) struct Variant {
    pub(crate) attributes: Attributes,
    pub(crate) uri: String,
    pub(crate) iframes: bool,
}

impl Variant {
    pub(crate) fn codecs(&self) -> impl Iterator<Item = &str> {
        self.attributes
            .get("CODECS")
            .into_iter()
            .flat_map(|list| list.split(','))
            .map(str::trim)
            .filter(|name| !name.is_empty())
    }

    pub(crate) fn has(&self, kind: codec::Kind) -> bool {
        self.codecs().any(|name| codec::kind_of_name(name) == Some(kind))
    }

    /// Whether it shows pictures, as far as the playlist tells.
    pub(crate) fn is_video(&self) -> bool {
        self.iframes || self.attributes.get("RESOLUTION").is_some() || self.has(codec::Kind::Video)
    }
}

/// Reads a multivariant playlist and checks it alone.
pub(crate) fn read(bytes: &[u8], resource: &str, findings: &mut Findings) -> Multivariant {
    let (lines, variables) = text::lines(bytes, resource, &BTreeMap::new(), findings);
    let mut out = Multivariant { variables, ..Multivariant::default() };
    let mut version = (1, 0);
    let mut pending: Option<Attributes> = None;
    let mut session_data = BTreeSet::new();
    for line in lines {
        let place = Place::line(resource, line.number);
        match line.what {
            What::Uri(target) => {
                if let Some(bad) = uri::bad_character(&target) {
                    findings.add(crate::rules::input::URI, place, format!("URI {target:?} holds {bad:?}"));
                }
                if let Some(attributes) = pending.take() {
                    out.variants.push(Variant { attributes, uri: target, iframes: false });
                }
            }
            What::Tag(name, value) => {
                if let Some(attributes) = pending.take() {
                    let message = format!("{name} follows EXT-X-STREAM-INF, not a URI");
                    findings.add(rules_uri(), Place::line(resource, attributes.line), message);
                }
                match name.as_str() {
                    "EXT-X-VERSION" => version = (value.trim().parse().unwrap_or(1), line.number),
                    "EXT-X-INDEPENDENT-SEGMENTS" => out.independent = true,
                    "EXT-X-STREAM-INF" => pending = Some(schema::read(&name, &value, place, findings)),
                    "EXT-X-I-FRAME-STREAM-INF" => {
                        let attributes = schema::read(&name, &value, place, findings);
                        let uri = attributes.get("URI").unwrap_or_default().to_owned();
                        out.variants.push(Variant { attributes, uri, iframes: true });
                    }
                    "EXT-X-MEDIA" => out.renditions.push(schema::read(&name, &value, place, findings)),
                    "EXT-X-SESSION-KEY" => out.session_keys.push(schema::read(&name, &value, place, findings)),
                    "EXT-X-SESSION-DATA" => {
                        let attributes = schema::read(&name, &value, place, findings);
                        check_session_data(&attributes, &mut session_data, place, findings);
                    }
                    "EXT-X-START" | "EXT-X-CONTENT-STEERING" => drop(schema::read(&name, &value, place, findings)),
                    "EXTINF" | "EXT-X-TARGETDURATION" | "EXT-X-MEDIA-SEQUENCE" | "EXT-X-MAP" => {
                        findings.add(hls_media::MIXED, place, format!("{name} in a multivariant playlist"));
                    }
                    _ => {}
                }
            }
        }
    }
    if let Some(attributes) = pending {
        findings.add(rules_uri(), Place::line(resource, attributes.line), "the playlist ends after EXT-X-STREAM-INF");
    }
    check(&out, version, resource, findings);
    out
}

/// Either a value or an address, and no two of one name and language.
fn check_session_data(
    attributes: &Attributes,
    seen: &mut BTreeSet<(String, String)>,
    place: Place<'_>,
    findings: &mut Findings,
) {
    let text = |name: &str| attributes.get(name).unwrap_or_default().to_owned();
    let id = text("DATA-ID");
    if attributes.get("VALUE").is_some() == attributes.get("URI").is_some() {
        findings.add(hls_media::SESSION_DATA, place, format!("{id:?} has not one of VALUE and URI"));
    }
    if !seen.insert((id.clone(), text("LANGUAGE"))) {
        findings.add(hls_media::SESSION_DATA, place, format!("{id:?} appears twice in one language"));
    }
}

fn rules_uri() -> &'static crate::Rule {
    hls_media::STREAM_INF_URI
}

fn check(playlist: &Multivariant, (version, line): (u32, u32), resource: &str, findings: &mut Findings) {
    let service =
        playlist.renditions.iter().any(|media| media.get("INSTREAM-ID").is_some_and(|id| id.starts_with("SERVICE")));
    let needed = match (service, playlist.variables.is_empty()) {
        (_, false) => 8,
        (true, _) => 7,
        _ => 1,
    };
    if version < needed {
        let place = if line == 0 { Place::of(resource) } else { Place::line(resource, line) };
        findings.add(hls_media::VERSION, place, format!("EXT-X-VERSION is {version}, the tags in use need {needed}"));
    }
    check_variants(playlist, resource, findings);
    check_renditions(playlist, resource, findings);
    check_groups(playlist, resource, findings);
    range::check(playlist, resource, findings);
}

fn check_variants(playlist: &Multivariant, resource: &str, findings: &mut Findings) {
    let mut has_audio_only = false;
    let mut has_video = false;
    for variant in &playlist.variants {
        let attributes = &variant.attributes;
        let place = Place::line(resource, attributes.line);
        let lacks = |name: &str| attributes.get(name).is_none();
        if lacks("CODECS") {
            findings.add(rules::CODECS_MISSING, place, "the variant has no CODECS");
        }
        if lacks("AVERAGE-BANDWIDTH") {
            findings.add(rules::AVERAGE_BANDWIDTH_MISSING, place, "the variant has no AVERAGE-BANDWIDTH");
        }
        if variant.is_video() && lacks("RESOLUTION") {
            findings.add(hls_media::RESOLUTION, place, "the variant has video and no RESOLUTION");
        }
        if variant.is_video() && !variant.iframes && lacks("FRAME-RATE") {
            findings.add(rules::FRAME_RATE, place, "the variant has video and no FRAME-RATE");
        }
        has_video |= variant.is_video();
        has_audio_only |= !variant.is_video() && (variant.has(codec::Kind::Audio) || attributes.get("AUDIO").is_some());
        for (name, kind) in
            [("AUDIO", "AUDIO"), ("VIDEO", "VIDEO"), ("SUBTITLES", "SUBTITLES"), ("CLOSED-CAPTIONS", "CLOSED-CAPTIONS")]
        {
            let Some(value) = attributes.list.iter().find(|(other, _)| other == name).map(|(_, value)| value) else {
                continue;
            };
            if name == "CLOSED-CAPTIONS" && value.text == "NONE" && !value.quoted {
                continue;
            }
            let known = playlist
                .renditions
                .iter()
                .any(|media| media.get("TYPE") == Some(kind) && media.get("GROUP-ID") == Some(&value.text));
            if !known {
                findings.add(
                    rules::GROUP_MISSING,
                    place,
                    format!("there is no EXT-X-MEDIA TYPE={kind} with GROUP-ID {:?}", value.text),
                );
            }
        }
    }
    let none = |variant: &&Variant| variant.attributes.get("CLOSED-CAPTIONS") == Some("NONE");
    let streams = || playlist.variants.iter().filter(|variant| !variant.iframes);
    if streams().any(|variant| none(&variant))
        && let Some(other) = streams().find(|variant| !none(variant))
    {
        let place = Place::line(resource, other.attributes.line);
        findings.add(rules::CAPTIONS_NONE, place, "other variants have CLOSED-CAPTIONS=NONE, this one has not");
    }
    if has_video && !playlist.variants.iter().any(|variant| variant.iframes) {
        findings.add(rules::IFRAME_MISSING, Place::of(resource), "there is no EXT-X-I-FRAME-STREAM-INF");
    }
    if has_video && !has_audio_only && playlist.renditions.iter().any(|media| media.get("TYPE") == Some("AUDIO")) {
        findings.add(rules::AUDIO_ONLY, Place::of(resource), "no variant has audio alone");
    }
}

fn check_renditions(playlist: &Multivariant, resource: &str, findings: &mut Findings) {
    let mut names = BTreeSet::new();
    let mut defaults = BTreeSet::new();
    for media in &playlist.renditions {
        let place = Place::line(resource, media.line);
        let kind = media.get("TYPE").unwrap_or_default();
        let group = media.get("GROUP-ID").unwrap_or_default();
        let name = media.get("NAME").unwrap_or_default();
        if !names.insert((kind, group, name)) {
            findings.add(hls_media::RENDITION_NAME, place, format!("NAME {name:?} appears twice in group {group:?}"));
        }
        if media.is_yes("DEFAULT") && !defaults.insert((kind, group)) {
            findings.add(hls_media::RENDITION_DEFAULT, place, format!("group {group:?} has a second DEFAULT=YES"));
        }
        if media.is_yes("DEFAULT") && media.get("AUTOSELECT") == Some("NO") {
            findings.add(hls_media::RENDITION_DEFAULT, place, "DEFAULT=YES with AUTOSELECT=NO");
        }
        if media.get("FORCED").is_some() && kind != "SUBTITLES" {
            findings.add(hls_media::RENDITION_FORCED, place, format!("FORCED on TYPE={kind}"));
        }
        match (kind, media.get("URI")) {
            ("SUBTITLES", None) => findings.add(hls_media::RENDITION_URI, place, "subtitles have no URI"),
            ("CLOSED-CAPTIONS", Some(_)) => findings.add(hls_media::RENDITION_URI, place, "closed captions have a URI"),
            _ => {}
        }
        check_instream(kind, media.get("INSTREAM-ID"), place, findings);
        if kind == "AUDIO" && media.get("CHANNELS").is_none() {
            findings.add(rules::CHANNELS, place, "the audio rendition has no CHANNELS");
        }
        if matches!(kind, "AUDIO" | "SUBTITLES") && !media.get("LANGUAGE").is_some_and(is_language) {
            let message = match media.get("LANGUAGE") {
                Some(language) => format!("LANGUAGE {language:?} is not a BCP 47 tag"),
                None => "the rendition has no LANGUAGE".to_owned(),
            };
            findings.add(rules::LANGUAGE, place, message);
        }
    }
}

fn check_instream(kind: &str, id: Option<&str>, place: Place<'_>, findings: &mut Findings) {
    let number = |text: &str, most: u8| text.parse::<u8>().is_ok_and(|number| (1..=most).contains(&number));
    let message = match (kind, id) {
        ("CLOSED-CAPTIONS", None) => "closed captions have no INSTREAM-ID".to_owned(),
        ("CLOSED-CAPTIONS", Some(id)) => {
            let known = id.strip_prefix("CC").is_some_and(|rest| number(rest, 4))
                || id.strip_prefix("SERVICE").is_some_and(|rest| number(rest, 63));
            if known {
                return;
            }
            format!("INSTREAM-ID is {id:?}")
        }
        // Later drafts allow it on other types as well.
        _ => return,
    };
    findings.add(rules::INSTREAM_ID, place, message);
}

/// Whether it has the form of a language tag (RFC 5646 §2.1): letters and digits in parts of 1 to 8, 2 to 8 letters first.
pub(crate) fn is_language(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let first = parts.next().unwrap_or_default();
    let first_ok = (2..=8).contains(&first.len()) && first.bytes().all(|byte| byte.is_ascii_alphabetic());
    (first_ok || matches!(first, "x" | "i"))
        && parts.all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// Groups of one type must offer the same renditions (§4.4.6.1.1).
fn check_groups(playlist: &Multivariant, resource: &str, findings: &mut Findings) {
    type Members<'a> = BTreeMap<&'a str, &'a Attributes>;
    let mut groups: BTreeMap<(&str, &str), (u32, Members<'_>)> = BTreeMap::new();
    for media in &playlist.renditions {
        let key = (media.get("TYPE").unwrap_or_default(), media.get("GROUP-ID").unwrap_or_default());
        let group = groups.entry(key).or_insert((media.line, BTreeMap::new()));
        group.1.entry(media.get("NAME").unwrap_or_default()).or_insert(media);
    }
    let mut firsts: BTreeMap<&str, (&str, &Members<'_>)> = BTreeMap::new();
    for ((kind, group), (line, members)) in &groups {
        let (first, reference) = firsts.entry(kind).or_insert((group, members));
        let names = |members: &Members<'_>| members.keys().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        if names(members) != names(reference) {
            let message =
                format!("group {group:?} has {:?}, group {first:?} has {:?}", names(members), names(reference));
            findings.add(rules::GROUP_MEMBERS, Place::line(resource, *line), message);
            continue;
        }
        for (name, media) in members {
            let other = reference[name];
            for attribute in
                ["LANGUAGE", "ASSOC-LANGUAGE", "DEFAULT", "AUTOSELECT", "FORCED", "CHARACTERISTICS", "INSTREAM-ID"]
            {
                let value = |media: &Attributes| {
                    let absent = if matches!(attribute, "DEFAULT" | "FORCED") { Some("NO") } else { None };
                    media.get(attribute).or(absent).map(str::to_owned)
                };
                if value(media) != value(other) {
                    let message = format!("{attribute} of {name:?} differs between groups {group:?} and {first:?}");
                    findings.add(rules::GROUP_MEMBERS, Place::line(resource, media.line), message);
                }
            }
        }
    }
}
