//! `init.*` boxes against the track's figures.

use media_types::{CodecConfig, TrackKind, TrackRecord};
use mp4_atom::{Codec, Decode, Encode, FourCC, Ftyp, Moov, Trak};

use super::Findings;
use crate::init::TRACK_ID;
use crate::language;
use bitstream::avc;

/// ISO/IEC 23000-19 §7.3.1 and what the record says.
pub(super) fn check(track: &TrackRecord, init: &[u8], findings: &mut Findings) {
    let mut rest = init;
    let boxes = Ftyp::decode(&mut rest).and_then(|ftyp| Ok((ftyp, Moov::decode(&mut rest)?)));
    let (ftyp, moov) = match boxes {
        Ok(boxes) => boxes,
        Err(error) => return findings.add("cmaf.init", format!("{}: init segment: {error}", track.name)),
    };
    if !rest.is_empty() {
        findings.add("cmaf.init", format!("{}: {} bytes follow the moov", track.name, rest.len()));
    }
    if !ftyp.compatible_brands.contains(&FourCC::new(b"cmfc")) {
        findings.add("cmaf.brand", format!("{}: the init segment does not claim cmfc", track.name));
    }
    let [trak] = moov.trak.as_slice() else {
        return findings.add("cmaf.tracks", format!("{} tracks in one init segment", moov.trak.len()));
    };
    findings.same("cmaf.tracks", "the track id", trak.tkhd.track_id, TRACK_ID);
    findings.same("cmaf.timescale", "the timescale", trak.mdia.mdhd.timescale, track.timescale.get());
    let tables = &trak.mdia.minf.stbl;
    if !tables.stts.entries.is_empty() || !tables.stsc.entries.is_empty() {
        findings.add("cmaf.init", "sample tables of an init segment are empty");
    }
    match moov.mvex.as_ref().map(|mvex| mvex.trex.as_slice()) {
        Some([trex]) if trex.track_id == TRACK_ID => {}
        _ => findings.add("cmaf.mvex", "there is one trex, of the one track"),
    }
    check_entry(track, trak, findings);
}

fn check_entry(track: &TrackRecord, trak: &Trak, findings: &mut Findings) {
    match (&track.kind, &track.config, trak.mdia.minf.stbl.stsd.codecs.as_slice()) {
        (TrackKind::Video { width, height, .. }, CodecConfig::Avc(record), [Codec::Avc1(entry)]) => {
            let size = (u32::from(entry.visual.width), u32::from(entry.visual.height));
            findings.same("cmaf.resolution", "the picture", size, (*width, *height));
            let mut decoded = Vec::new();
            if entry.avcc.encode(&mut decoded).is_err() || decoded.get(8..) != Some(record.as_ref()) {
                findings.add("cmaf.config", "the avcC is not the encoder's");
            }
            match avc::Record::parse(record).and_then(|record| record.first_sps()) {
                Some(sps) => findings.same("avc.resolution", "the coded picture", (sps.width, sps.height), size),
                None => findings.add("avc.sps", "the sequence parameter set cannot be read"),
            }
            check_edits(trak, track.hidden_ticks, findings);
        }
        (TrackKind::Audio { .. }, CodecConfig::Aac(config), [Codec::Mp4a(entry)]) => {
            let found = entry.esds.es_desc.dec_config.dec_specific.as_ref().map(|specific| specific.raw.as_slice());
            if found != Some(config.as_ref()) {
                findings.add("cmaf.config", "the AudioSpecificConfig is not the encoder's");
            }
            check_sound(track, trak, entry.audio.channel_count, findings);
        }
        _ => findings.add("cmaf.config", "the sample entry is of another kind than the track"),
    }
}

fn check_sound(track: &TrackRecord, trak: &Trak, found_channels: u16, findings: &mut Findings) {
    let TrackKind::Audio { channels, .. } = track.kind else { return };
    findings.same("cmaf.channels", "the channel count", u32::from(found_channels), channels);
    let code = language::iso639(&track.language);
    findings.same("cmaf.language", "the language", trak.mdia.mdhd.language.as_bytes(), code.as_slice());
    check_edits(trak, track.hidden_ticks, findings);
}

/// ISO/IEC 14496-12 §8.6.6: presentation starts `hidden` ticks into the media.
fn check_edits(trak: &Trak, hidden: u32, findings: &mut Findings) {
    let edits = trak.edts.as_ref().and_then(|edts| edts.elst.as_ref()).map_or(&[][..], |elst| &elst.entries);
    match edits {
        [] if hidden == 0 => {}
        [edit] if edit.media_time == Some(u64::from(hidden)) && edit.segment_duration == 0 => {}
        _ => findings.add("cmaf.edit-list", format!("the edit list does not hide {hidden} ticks")),
    }
}
