//! What a manifest must keep as a whole.

use std::collections::BTreeSet;

use crate::dash::values::duration;
use crate::dash::xml::Element;
use crate::hls::multivariant::is_language;
use crate::report::{Findings, Place};
use crate::rules::dash as rules;

/// Marks adaptation sets for fast playback (DASH-IF IOP §3.2.9).
pub(super) const TRICK_MODE: &str = "http://dashif.org/guidelines/trickmode";

/// Marks representations whose segments are sheets of pictures (DASH-IF IOP §6.2.6); the first was used once.
const TILES: [&str; 2] = ["http://dashif.org/thumbnail_tile", "http://dashif.org/guidelines/thumbnail_tile"];

/// Checks the presentation; gives the length of every period in seconds.
pub(super) fn presentation(root: &Element, resource: &str, findings: &mut Findings) -> Vec<Option<f64>> {
    let place = Place::line(resource, root.line);
    let dynamic = root.get("type") == Some("dynamic");
    check_type(root, dynamic, place, findings);
    if root.get("profiles").is_some_and(|profiles| {
        !profiles.split(',').all(|profile| profile.trim().starts_with("urn:") || profile.trim().starts_with("http"))
    }) {
        findings.add(rules::PROFILES, place, format!("@profiles is {:?}", root.get("profiles").unwrap_or_default()));
    }
    let periods: Vec<&Element> = root.all("Period").collect();
    if periods.is_empty() {
        findings.add(rules::PERIOD, place, "there is no Period");
    }
    let total = root.get("mediaPresentationDuration").and_then(duration);
    let starts: Vec<Option<f64>> = periods.iter().map(|period| period.get("start").and_then(duration)).collect();
    let mut seconds = Vec::new();
    let mut at = Some(0.0);
    let mut ids = BTreeSet::new();
    for (index, period) in periods.iter().enumerate() {
        let place = Place::line(resource, period.line);
        let start = starts[index].or(at);
        if let (Some(start), Some(at)) = (start, at)
            && index > 0
            && (start - at).abs() > 0.001
        {
            findings.add(
                rules::PERIOD,
                place,
                format!("the period starts at {start} s, the one before ends at {at} s"),
            );
        }
        let own = period.get("duration").and_then(duration);
        let until = starts.get(index + 1).copied().flatten().or(if index + 1 == periods.len() { total } else { None });
        let length = own.or_else(|| Some(until? - start?));
        at = start.zip(length).map(|(start, length)| start + length);
        seconds.push(length);
        if period.child("AdaptationSet").is_none() && period.child("EmptyAdaptationSet").is_none() {
            findings.add(rules::PERIOD, place, "the period has no AdaptationSet");
        }
        if period.get("id").is_some_and(|id| !ids.insert(id)) {
            findings.add(
                rules::ID_UNIQUE,
                place,
                format!("period id {:?} appears twice", period.get("id").unwrap_or_default()),
            );
        }
        check_period(period, resource, findings);
    }
    if let (false, Some(total), Some(end)) = (dynamic, total, at)
        && (total - end).abs() > 0.1
    {
        findings.add(
            rules::DURATION_MEASURED,
            place,
            format!("@mediaPresentationDuration is {total} s, the periods end at {end} s"),
        );
    }
    if !dynamic && total.is_none() && seconds.last().is_none_or(Option::is_none) {
        findings.add(rules::DURATION, place, "neither the presentation nor its last period has a duration");
    }
    seconds
}

fn check_type(root: &Element, dynamic: bool, place: Place<'_>, findings: &mut Findings) {
    if dynamic {
        for name in ["availabilityStartTime", "publishTime"] {
            if root.get(name).is_none() {
                findings.add(rules::DYNAMIC, place, format!("a dynamic presentation has no @{name}"));
            }
        }
        if root.child("UTCTiming").is_none() {
            findings.add(rules::UTC_TIMING, place, "a dynamic presentation has no UTCTiming");
        }
    } else {
        for name in ["minimumUpdatePeriod", "timeShiftBufferDepth"] {
            if root.get(name).is_some() {
                findings.add(rules::DYNAMIC, place, format!("a static presentation has @{name}"));
            }
        }
    }
}

fn check_period(period: &Element, resource: &str, findings: &mut Findings) {
    const ROLES: [&str; 18] = [
        "caption",
        "subtitle",
        "main",
        "alternate",
        "supplementary",
        "commentary",
        "dub",
        "description",
        "sign",
        "metadata",
        "enhanced-audio-intelligibility",
        "emergency",
        "forced-subtitle",
        "forced_subtitle",
        "easyreader",
        "karaoke",
        "captions",
        "subtitles",
    ];
    let mut representations = BTreeSet::new();
    let mut sets = BTreeSet::new();
    for set in period.all("AdaptationSet") {
        let place = Place::line(resource, set.line);
        if set.get("id").is_some_and(|id| !sets.insert(id)) {
            findings.add(
                rules::ID_UNIQUE,
                place,
                format!("adaptation set id {:?} appears twice", set.get("id").unwrap_or_default()),
            );
        }
        for representation in set.all("Representation") {
            let id = representation.get("id").unwrap_or_default();
            if !representations.insert(id) {
                findings.add(
                    rules::ID_UNIQUE,
                    Place::line(resource, representation.line),
                    format!("representation id {id:?} appears twice"),
                );
            }
        }
        for role in set.all("Role").filter(|role| role.get("schemeIdUri") == Some("urn:mpeg:dash:role:2011")) {
            let value = role.get("value").unwrap_or_default();
            if !ROLES[..16].contains(&value) {
                findings.add(rules::ROLE, Place::line(resource, role.line), format!("the role is {value:?}"));
            }
        }
        let mime = set.get("mimeType").or_else(|| set.child("Representation")?.get("mimeType")).unwrap_or_default();
        let content = set.get("contentType").unwrap_or_default();
        let spoken = matches!(content, "audio" | "text") || mime.starts_with("audio/") || mime == "text/vtt";
        match set.get("lang") {
            Some(language) if !is_language(language) => {
                findings.add(rules::LANGUAGE, place, format!("@lang {language:?} is not a BCP 47 tag"));
            }
            None if spoken => findings.add(rules::LANGUAGE, place, "the adaptation set has no @lang"),
            _ => {}
        }
    }
    for set in period.all("AdaptationSet") {
        check_tiles(set, resource, findings);
        for property in set.all("EssentialProperty").filter(|property| property.get("schemeIdUri") == Some(TRICK_MODE))
        {
            if property.get("value").is_none_or(|value| value.trim().is_empty()) {
                findings.add(rules::TRICK_MODE, Place::line(resource, property.line), "no adaptation set is named");
            }
            for id in property.get("value").unwrap_or_default().split_whitespace() {
                if !sets.contains(id) {
                    findings.add(
                        rules::TRICK_MODE,
                        Place::line(resource, property.line),
                        format!("there is no adaptation set {id:?}"),
                    );
                }
            }
        }
    }
}

/// Sheets of thumbnails, wherever the property stands.
fn check_tiles(set: &Element, resource: &str, findings: &mut Findings) {
    let tiles = |holder: &Element| {
        let mut all = holder.all("EssentialProperty").chain(holder.all("SupplementalProperty"));
        let found = all.find(|property| property.get("schemeIdUri").is_some_and(|scheme| TILES.contains(&scheme)))?;
        Some((found.get("value").unwrap_or_default().to_owned(), found.line))
    };
    let shared = tiles(set);
    for representation in set.all("Representation") {
        let Some((value, line)) = tiles(representation).or_else(|| shared.clone()) else { continue };
        let place = Place::line(resource, line);
        let layout = value.split_once('x').and_then(|(columns, rows)| {
            Some((
                columns.parse::<u64>().ok().filter(|&count| count > 0)?,
                rows.parse::<u64>().ok().filter(|&count| count > 0)?,
            ))
        });
        let Some((columns, rows)) = layout else {
            findings.add(rules::THUMBNAILS, place, format!("the tiles are {value:?}"));
            continue;
        };
        for (name, count) in [("width", columns), ("height", rows)] {
            let stated = representation.get(name).or_else(|| set.get(name));
            let side: Option<u64> = stated.and_then(|side| side.parse().ok());
            if side.is_none_or(|side| side == 0 || side % count != 0) {
                let message = format!("@{name} is {:?}, which {count} tiles do not divide", stated.unwrap_or_default());
                findings.add(rules::THUMBNAILS, place, message);
            }
        }
    }
}
