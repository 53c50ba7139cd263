//! One media playlist against its media.

use drm::{KeyId, ProtectionScheme};

use crate::bmff::pssh::Pssh;
use crate::hls::attributes::Attributes;
use crate::linter::{SegmentPlan, Track};
use crate::report::{Findings, Place};
use crate::rules::{hls as rules, hls_media};
use crate::uri;

/// Checks a playlist against what its segments hold.
pub(crate) fn check(track: &Track, findings: &mut Findings) {
    let Some(media) = &track.playlist else { return };
    let at = |segment: &SegmentPlan| Place { resource: &track.resource, line: segment.line, offset: None };
    for segment in &track.segments {
        let Some(summary) = segment.summary else { continue };
        let seconds = summary.duration as f64 / track.timescale() as f64;
        if track.iframes {
            if !summary.starts_with_sync {
                findings.add(
                    hls_media::IFRAME_RANGE,
                    at(segment),
                    "the first sample of the entry is not a sync sample",
                );
            }
        } else if let Some(stated) = segment.duration
            && (stated - seconds).abs() > 0.1
        {
            findings.add(
                hls_media::EXTINF_MEASURED,
                at(segment),
                format!("EXTINF is {stated} s, the samples last {seconds:.3} s"),
            );
        }
    }
    if track.iframes && track.loaded().is_some() {
        for segment in track
            .segments
            .iter()
            .filter(|segment| segment.size.is_some() && segment.summary.is_none() && !segment.opaque)
        {
            findings.add(hls_media::IFRAME_RANGE, at(segment), "the range holds no fragment with a sample");
        }
    }
    if media.independent {
        check_independent(track, findings);
    }
    check_keys(track, findings);
}

/// EXT-X-INDEPENDENT-SEGMENTS holds for a track.
pub(crate) fn check_independent(track: &Track, findings: &mut Findings) {
    let is_video = track.loaded().is_some_and(|loaded| loaded.facts.nal.is_some());
    for segment in track.segments.iter().filter(|_| is_video && !track.iframes) {
        if segment.summary.is_some_and(|summary| !summary.starts_with_sync) {
            let place = Place { resource: &track.resource, line: segment.line, offset: None };
            findings.add(rules::INDEPENDENT, place, "the segment does not begin with a sync sample");
        }
    }
}

fn check_keys(track: &Track, findings: &mut Findings) {
    let Some(media) = &track.playlist else { return };
    let entry = track.media().and_then(|media| media.entry.as_ref());
    let Some(protection) = entry.and_then(|entry| entry.protection.as_ref()) else { return };
    // With a clear lead only later segments are protected, and any may have been left out of the key tags.
    if media.segments.iter().all(|segment| segment.keys.is_empty()) {
        findings.add(
            hls_media::KEY_MISSING,
            Place::of(&track.resource),
            format!("the media are protected with {} and no segment has a key", protection.scheme),
        );
        return;
    }
    for key in &media.keys {
        let place = Place::line(&track.resource, key.line);
        let wanted: &[&str] = match protection.scheme {
            ProtectionScheme::Cbcs => &["SAMPLE-AES"],
            ProtectionScheme::Cenc => &["SAMPLE-AES-CTR", "SAMPLE-AES-CENC"],
            _ => &[],
        };
        let method = key.get("METHOD").unwrap_or_default();
        if !wanted.is_empty() && method != "NONE" && !wanted.contains(&method) {
            findings.add(
                hls_media::KEY_SCHEME,
                place,
                format!("METHOD is {method}, the media have scheme {}", protection.scheme),
            );
        }
        let named = key_ids(key);
        // Rotated keys are in sample groups.
        if media.keys.len() <= 4 && !named.is_empty() && !named.contains(&protection.key_id) {
            findings.add(
                hls_media::KEY_ID,
                place,
                format!("the key tag names {named:?}, tenc has {}", protection.key_id),
            );
        }
    }
}

/// Key ids that a key tag names: KEYID, or a pssh box in its URI.
fn key_ids(key: &Attributes) -> Vec<KeyId> {
    let hex = key.get("KEYID").map(|text| text.trim_start_matches("0x").trim_start_matches("0X").replace('-', ""));
    if let Some(id) = hex.as_deref().and_then(parse_id) {
        return vec![id];
    }
    let pssh = key.get("URI").and_then(uri::data).and_then(|bytes| Pssh::read_alone(&bytes).ok());
    pssh.map(|pssh| pssh.key_ids).unwrap_or_default()
}

/// 32 hexadecimal digits.
pub(crate) fn parse_id(text: &str) -> Option<KeyId> {
    let digits = text.as_bytes();
    let mut id = [0; 16];
    for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    (digits.len() == 32).then_some(KeyId(id))
}
