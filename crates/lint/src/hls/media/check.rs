//! What a media playlist must keep by itself.

use super::Media;
use crate::report::{Findings, Place};
use crate::rules::hls_media as rules;

pub(super) fn check(media: &Media, resource: &str, last_line: u32, findings: &mut Findings) {
    let place = Place::of(resource);
    if media.segments.is_empty() && !media.parts {
        findings.add(rules::EMPTY, place, "the playlist lists no segment");
    }
    if media.kind.as_deref() == Some("VOD") && !media.ended {
        findings.add(
            rules::ENDLIST,
            Place::line(resource, last_line),
            "EXT-X-PLAYLIST-TYPE is VOD and there is no EXT-X-ENDLIST",
        );
    }
    check_version(media, resource, findings);
    match media.target {
        None => findings.add(rules::TARGET_MISSING, place, "there is no EXT-X-TARGETDURATION"),
        Some(target) => {
            for segment in &media.segments {
                if let Some(duration) = segment.duration
                    && (duration + 0.5).floor() > target
                {
                    let message = format!("the segment lasts {duration} s, the target duration is {target} s");
                    findings.add(rules::TARGET_DURATION, Place::line(resource, segment.line), message);
                }
            }
            if target > 10.0 && !media.iframes_only {
                findings.add(rules::TARGET_LONG, place, format!("the target duration is {target} s"));
            }
        }
    }
    check_dates(media, resource, findings);
    check_low_latency(media, resource, findings);
}

/// The version that each feature needs (§8).
fn check_version(media: &Media, resource: &str, findings: &mut Findings) {
    let fraction =
        media.segments.iter().any(|segment| segment.duration.is_some_and(|duration| duration.fract() != 0.0));
    let keyed = |name: &str| media.keys.iter().any(|key| key.get(name).is_some());
    let reasons = [
        (keyed("IV"), 2, "IV in EXT-X-KEY"),
        (fraction, 3, "fractions in EXTINF"),
        (media.segments.iter().any(|segment| segment.range.is_some()), 4, "EXT-X-BYTERANGE"),
        (media.iframes_only, 4, "EXT-X-I-FRAMES-ONLY"),
        (keyed("KEYFORMAT") || keyed("KEYFORMATVERSIONS"), 5, "KEYFORMAT in EXT-X-KEY"),
        (media.iframes_only && !media.maps.is_empty(), 5, "EXT-X-MAP"),
        (!media.iframes_only && !media.maps.is_empty(), 6, "EXT-X-MAP without EXT-X-I-FRAMES-ONLY"),
        (media.skipped.is_some(), 9, "EXT-X-SKIP"),
    ];
    let needed = reasons
        .iter()
        .filter(|(used, version, _)| *used && *version > media.version)
        .max_by_key(|(_, version, _)| *version);
    if let Some((_, version, reason)) = needed {
        findings.add(
            rules::VERSION,
            Place::of(resource),
            format!("EXT-X-VERSION is {}, {reason} needs {version}", media.version),
        );
    }
}

fn check_dates(media: &Media, resource: &str, findings: &mut Findings) {
    let mut expected: Option<f64> = None;
    for segment in &media.segments {
        if segment.discontinuity {
            expected = None;
        }
        if let Some(date) = segment.date {
            let seconds = date as f64 / 1e6;
            if let Some(expected) = expected
                && (seconds - expected).abs() > 0.5
            {
                let message = format!("the program date is {:+.3} s off the sum of durations", seconds - expected);
                findings.add(rules::PDT_DRIFT, Place::line(resource, segment.line), message);
            }
            expected = Some(seconds);
        }
        expected = expected.zip(segment.duration).map(|(start, duration)| start + duration);
    }
}

fn check_low_latency(media: &Media, resource: &str, findings: &mut Findings) {
    let place = Place::of(resource);
    let control = media.control.as_ref();
    let number = |name: &str| control.and_then(|control| control.number(name));
    let line = control.map_or(place, |control| Place::line(resource, control.line));
    if let Some(target) = media.part_target {
        match number("PART-HOLD-BACK") {
            None => findings.add(rules::LOW_LATENCY, line, "there are parts and no PART-HOLD-BACK"),
            Some(back) if back < 2.0 * target => {
                findings.add(
                    rules::LOW_LATENCY,
                    line,
                    format!("PART-HOLD-BACK is {back} s, the part target {target} s"),
                );
            }
            Some(_) => {}
        }
    }
    let target = media.target.unwrap_or(0.0);
    if let Some(back) = number("HOLD-BACK")
        && back < 3.0 * target
    {
        findings.add(rules::LOW_LATENCY, line, format!("HOLD-BACK is {back} s, less than three target durations"));
    }
    match number("CAN-SKIP-UNTIL") {
        Some(until) if until < 6.0 * target => {
            findings.add(rules::SKIP, line, format!("CAN-SKIP-UNTIL is {until} s, less than six target durations"));
        }
        None if media.skipped.is_some() => {
            let place = Place::line(resource, media.skipped.unwrap_or(0));
            findings.add(rules::SKIP, place, "EXT-X-SKIP without CAN-SKIP-UNTIL");
        }
        _ => {}
    }
    for (index, hint) in media.hints.iter().enumerate() {
        let place = Place::line(resource, hint.line);
        let kind = hint.get("TYPE").unwrap_or_default();
        if !matches!(kind, "PART" | "MAP") {
            findings.add(rules::PRELOAD_HINT, place, format!("the hint is of TYPE {kind}"));
        } else if media.hints[..index].iter().any(|other| other.get("TYPE") == Some(kind)) {
            findings.add(rules::PRELOAD_HINT, place, format!("there is a second hint of TYPE {kind}"));
        }
        if media.ended {
            findings.add(rules::PRELOAD_HINT, place, "the playlist has ended");
        }
    }
    for segment in media.segments.iter().filter(|segment| segment.has_parts) {
        if let Some(duration) = segment.duration
            && (segment.parts_seconds - duration).abs() > 0.1
        {
            let message = format!("the parts last {:.3} s, their segment {duration} s", segment.parts_seconds);
            findings.add(rules::PART, Place::line(resource, segment.line), message);
        }
    }
}
