//! What an initialisation segment must keep.

use super::boxes::name;
use super::init::{Init, Track};
use crate::codec;
use crate::report::{Findings, Place};
use crate::rules::{bmff as rules, cenc, cmaf};

/// Checks an initialisation segment for a track in a segmented presentation.
pub(crate) fn check(init: &Init, resource: &str, findings: &mut Findings) {
    let place = Place::of(resource);
    if !init.brands.is_empty()
        && !init.brands.iter().any(|brand| matches!(brand, b"cmfc" | b"cmf2" | b"cmfl" | b"cmfs" | b"cmff"))
    {
        let list: Vec<String> = init.brands.iter().map(|&brand| name(brand)).collect();
        findings.add(cmaf::BRAND, place, format!("ftyp lists {}, no CMAF brand", list.join(" ")));
    }
    if init.tracks.len() > 1 {
        findings.add(cmaf::ONE_TRACK, place, format!("the initialisation segment has {} tracks", init.tracks.len()));
    }
    if !init.has_mvex && !init.tracks.is_empty() {
        findings.add(rules::MVEX, place, "moov has no mvex");
    }
    for track in &init.tracks {
        check_track(init, track, Place::of(resource).at(track.at as u64), findings);
    }
}

fn check_track(init: &Init, track: &Track, place: Place<'_>, findings: &mut Findings) {
    if init.has_mvex && track.defaults.is_none() {
        findings.add(rules::MVEX, place, format!("mvex has no trex of track {}", track.id));
    }
    if track.has_samples {
        findings.add(cmaf::SAMPLES_IN_MOOV, place, format!("track {} has samples in moov", track.id));
    }
    if track.edits.len() > 1 || track.edit_count > 2 || track.edits.iter().any(|(_, rate)| *rate != 0x1_0000) {
        let message = format!("the edit list has {} edits, or one with a rate other than 1", track.edit_count);
        findings.add(rules::EDIT_LIST, place, message);
    }
    let Some(entry) = &track.entry else { return };
    let wanted: &[[u8; 4]] = match codec::kind(entry.format) {
        Some(codec::Kind::Video) => &[*b"vide"],
        Some(codec::Kind::Audio) => &[*b"soun"],
        Some(codec::Kind::Text) => &[*b"text", *b"subt", *b"sbtl", *b"clcp"],
        None => &[],
    };
    if !wanted.is_empty() && !wanted.contains(&track.handler) {
        let message = format!("handler {} with sample entry {}", name(track.handler), name(entry.format));
        findings.add(rules::HANDLER, place, message);
    }
    if let Some(protection) = &entry.protection {
        for pssh in init.pssh.iter().filter(|pssh| !pssh.key_ids.is_empty()) {
            if !pssh.key_ids.contains(&protection.key_id) {
                let message = format!("a pssh box lists {:?}, tenc has {}", pssh.key_ids, protection.key_id);
                findings.add(cenc::PSSH_KID, place, message);
            }
        }
    }
    if entry.config.is_empty() {
        return;
    }
    match codec::facts(entry) {
        None => findings.add(
            rules::CONFIG,
            place,
            format!("the decoder configuration of {} cannot be read", name(entry.format)),
        ),
        Some(facts) => {
            if let (Some((width, height)), Some((w, h))) = (facts.size, entry.size)
                && (width, height) != (u32::from(w), u32::from(h))
            {
                let message = format!("the sample entry has {w}x{h}, the parameter sets {width}x{height}");
                findings.add(rules::DIMENSIONS, place, message);
            }
            if let (Some((rate, channels)), Some((entry_channels, entry_rate))) = (facts.sound, entry.sound) {
                // Rates above 16 bits cannot be written; explicit SBR may be written at either rate.
                let rates = [rate, facts.core_rate.unwrap_or(rate)];
                if entry_rate != 0 && rate <= 65_535 && !rates.contains(&entry_rate) {
                    let message = format!("the sample entry has {entry_rate} Hz, the configuration {rate} Hz");
                    findings.add(rules::AUDIO_ENTRY, place, message);
                }
                // Two is a template value for more than two.
                if channels > 0 && u32::from(entry_channels) != channels && entry_channels != 2 {
                    let message =
                        format!("the sample entry has {entry_channels} channels, the configuration {channels}");
                    findings.add(rules::AUDIO_ENTRY, place, message);
                }
            }
        }
    }
}
