//! High dynamic range in multivariant playlists (RFC 8216bis §4.4.6.2; Apple HLS Authoring Specification).

use super::multivariant::{Multivariant, Variant};
use crate::report::{Findings, Place};
use crate::rules::hls_media as rules;

/// Checks a playlist that has any of it: all pictures say their range, codecs have the bits for it, and players of standard
/// dynamic range find variants and I-frame playlists too.
pub(super) fn check(playlist: &Multivariant, resource: &str, findings: &mut Findings) {
    let video = || playlist.variants.iter().filter(|variant| variant.is_video());
    if !video().any(is_high) {
        return;
    }
    for variant in video() {
        let place = Place::line(resource, variant.attributes.line);
        if range(variant).is_none() {
            findings.add(
                rules::VIDEO_RANGE_MISSING,
                place,
                "others are of high dynamic range, this one has no VIDEO-RANGE",
            );
        }
        if let (true, Some(codec)) = (is_high(variant), variant.codecs().find(|codec| has_8_bits(codec))) {
            let message = format!("VIDEO-RANGE is {}, and {codec} has 8 bits", range(variant).unwrap_or_default());
            findings.add(rules::VIDEO_RANGE_CODEC, place, message);
        }
    }
    for (iframes, what) in [(false, "variant"), (true, "I-frame playlist")] {
        let mut alike = video().filter(|variant| variant.iframes == iframes).peekable();
        if alike.peek().is_some() && alike.all(is_high) {
            let message = format!("there is no {what} of standard dynamic range");
            findings.add(rules::SDR_MISSING, Place::of(resource), message);
        }
    }
}

fn range(variant: &Variant) -> Option<&str> {
    variant.attributes.get("VIDEO-RANGE")
}

fn is_high(variant: &Variant) -> bool {
    matches!(range(variant), Some("PQ" | "HLG"))
}

/// Whether a codec's name says so: H.264 below High 10, HEVC Main, AV1 and VP9 by their fields.
fn has_8_bits(codec: &str) -> bool {
    let fields: Vec<&str> = codec.split('.').collect();
    match fields.as_slice() {
        ["avc1" | "avc3", profile, ..] => {
            profile.get(..2).is_some_and(|profile| profile.to_ascii_lowercase().as_str() < "6e")
        }
        ["hvc1" | "hev1", profile, ..] => *profile == "1",
        ["av01" | "vp09", _, _, depth, ..] => *depth == "08",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bits_of_a_codec_are_known_by_its_name() {
        for eight in ["avc1.64001f", "avc1.4d401e", "hvc1.1.6.L93.B0", "av01.0.04M.08", "vp09.00.10.08"] {
            assert!(has_8_bits(eight), "{eight}");
        }
        for other in
            ["avc1.6E001f", "hvc1.2.4.L93.B0", "av01.0.04M.10.0.110.09.16.09.0", "vp09.02.10.10", "mp4a.40.2", "avc1"]
        {
            assert!(!has_8_bits(other), "{other}");
        }
    }
}
