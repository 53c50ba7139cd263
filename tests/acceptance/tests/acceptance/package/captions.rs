//! Captions inside pictures: found without a flag, signalled, carried, and shown by players at their times.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::inputs::{FRAMES, ffmpeg, rungs};
use super::package;
use super::text::watch_text;

/// The pictures that put the caption on display and take it away.
const SHOWN: (usize, usize) = (30, 90);
const SAID: &str = "HELLO THERE";

/// A pair of CTA-608 bytes with odd parity.
fn odd(pair: [u8; 2]) -> [u8; 2] {
    pair.map(|byte| if byte.count_ones() % 2 == 0 { byte | 0x80 } else { byte })
}

/// The pair that each picture carries in field 1 (CTA-608-E, 6.4 and annex B): a pop-on caption on row 15 of channel 1.
fn pairs() -> Vec<[u8; 2]> {
    let control = |code: u8| [[0x14, code]; 2];
    let mut text = SAID.as_bytes().to_vec();
    if text.len() % 2 == 1 {
        text.push(0);
    }
    // Resume caption loading, erase the hidden memory, row 15 in white.
    let mut load: Vec<[u8; 2]> = [control(0x20), control(0x2e), control(0x70)].concat();
    load.extend(text.chunks(2).map(|two| [two[0], two[1]]));
    let mut pairs = vec![[0, 0]; FRAMES as usize];
    pairs[5..5 + load.len()].copy_from_slice(&load);
    // Sent twice, as controls are: the first counts. End of caption; erase what is on display.
    pairs[SHOWN.0..SHOWN.0 + 2].copy_from_slice(&control(0x2f));
    pairs[SHOWN.1..SHOWN.1 + 2].copy_from_slice(&control(0x2c));
    pairs.into_iter().map(odd).collect()
}

/// A SEI NAL unit with one pair in ATSC A/53 user data (ITU-T H.264 D.1.6, ATSC A/53 part 4, 6.2.3).
fn sei(pair: [u8; 2]) -> Vec<u8> {
    let mut unit = vec![0, 0, 0, 1, 6, 4, 14, 0xb5, 0, 0x31];
    unit.extend(b"GA94");
    unit.extend([3, 0xc1, 0xff, 0xfc, pair[0], pair[1], 0xff, 0x80]);
    unit
}

/// The low rung's size and rate without B-pictures, one slice each, and a pair of caption bytes in each picture.
fn captioned(folder: &Path) -> PathBuf {
    let low = rungs().low.to_str().unwrap();
    let coding =
        "-map 0:v -c:v libx264 -preset ultrafast -bf 0 -g 48 -keyint_min 48 -sc_threshold 0 -crf 30 -threads 1";
    let mut arguments = vec!["-i", low];
    arguments.extend(coding.split(' '));
    arguments.extend(["-f", "h264", "plain.h264"]);
    ffmpeg(folder, &arguments);
    let plain = std::fs::read(folder.join("plain.h264")).unwrap();
    let mut marked = Vec::new();
    let mut rest = pairs().into_iter();
    let starts: Vec<usize> = (0..plain.len() - 4).filter(|at| plain[*at..].starts_with(&[0, 0, 1])).collect();
    for (index, start) in starts.iter().enumerate() {
        let end = starts.get(index + 1).copied().unwrap_or(plain.len());
        if matches!(plain[start + 3] & 31, 1 | 5) {
            marked.extend(sei(rest.next().expect("one slice a picture")));
        }
        marked.extend(&plain[*start..end]);
    }
    assert_eq!(rest.count(), 0, "every picture got its pair");
    std::fs::write(folder.join("marked.h264"), marked).unwrap();
    ffmpeg(
        folder,
        &[
            "-framerate",
            "24000/1001",
            "-i",
            "marked.h264",
            "-c",
            "copy",
            "-video_track_timescale",
            "24000",
            "captioned.mp4",
        ],
    );
    folder.join("captioned.mp4")
}

#[test]
fn captions_in_pictures_are_found_and_shown_by_players_at_their_times() {
    let folder = tempfile::tempdir().unwrap();
    let input = captioned(folder.path());
    let out = folder.path().join("out");
    package(&[&input], &out, &["--segment-duration", "2"]);
    let master = std::fs::read_to_string(out.join("master.m3u8")).unwrap();
    let rendition = master.lines().find(|line| line.starts_with("#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,")).unwrap();
    assert!(rendition.contains(",INSTREAM-ID=\"CC1\"") && !rendition.contains("URI="), "{rendition}");
    assert!(master.contains(",CLOSED-CAPTIONS=\"cc\""), "{master}");
    let manifest = std::fs::read_to_string(out.join("manifest.mpd")).unwrap();
    let told = "<Accessibility schemeIdUri=\"urn:scte:dash:cc:cea-608:2015\" value=\"CC1=";
    assert!(manifest.contains(told), "{manifest}");
    let [start_s, end_s] = [SHOWN.0, SHOWN.1].map(|picture| picture as f64 * 1001.0 / 24_000.0);
    let cue = json!({ "start_s": start_s, "end_s": end_s, "text": SAID });
    watch_text(&out, &json!([{ "language": "und", "forced": false, "cues": [cue] }]), &[]);
}

#[test]
fn pictures_without_captions_are_said_to_have_none() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    package(&[&rungs().low], &out, &[]);
    let master = std::fs::read_to_string(out.join("master.m3u8")).unwrap();
    assert!(master.contains(",CLOSED-CAPTIONS=NONE") && !master.contains("TYPE=CLOSED-CAPTIONS"), "{master}");
    assert!(!std::fs::read_to_string(out.join("manifest.mpd")).unwrap().contains("cea-608"));
}
