//! Captions inside pictures: found without a flag, signalled, carried, and shown by players at their times.

mod dtvcc;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::inputs::{FRAMES, ffmpeg, rungs};
use super::text::watch_text;
use super::{joined, package};
use crate::judge;

/// The pictures that put the caption on display and take it away.
pub const SHOWN: (usize, usize) = (30, 90);
pub const SAID: &str = "HELLO THERE";
/// The same of service 1 and 2.
pub const SERVICES: [((usize, usize), &str); 2] = [((36, 84), "SERVICE ONE"), ((60, 132), "DIENST ZWEI")];

/// One entry of `cc_data`: `cc_type` and two bytes.
pub type Entry = (u8, [u8; 2]);

/// Codecs whose pictures carry captions.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    Avc,
    Hevc,
}

/// A pair of CTA-608 bytes with odd parity.
fn odd(pair: [u8; 2]) -> [u8; 2] {
    pair.map(|byte| if byte.count_ones() % 2 == 0 { byte | 0x80 } else { byte })
}

/// The pair that each picture carries in field 1 (CTA-608-E, 6.4 and annex B): a pop-on caption on row 15 of channel 1.
pub fn line21() -> Vec<Vec<Entry>> {
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
    pairs.into_iter().map(|pair| vec![(0, odd(pair))]).collect()
}

/// What each picture carries of services 1 and 2: a window each, loaded while it is hidden, shown and deleted.
fn services() -> Vec<Vec<Entry>> {
    let mut pictures = vec![Vec::new(); FRAMES as usize];
    let load = |number: u8, text| dtvcc::block(number, &dtvcc::window(text));
    let both: Vec<u8> = (1..).zip(SERVICES).flat_map(|(number, (_, text))| load(number, text)).collect();
    let mut sent = vec![(5, both)];
    for (number, ((from, to), _)) in (1..).zip(SERVICES) {
        sent.push((from, dtvcc::block(number, &dtvcc::DISPLAY)));
        sent.push((to, dtvcc::block(number, &dtvcc::DELETE)));
    }
    sent.sort();
    for (sequence, (picture, blocks)) in (0..).zip(sent) {
        pictures[picture].extend(dtvcc::packet(sequence, &blocks));
    }
    pictures
}

/// Both in the same pictures.
pub fn both() -> Vec<Vec<Entry>> {
    line21().into_iter().zip(services()).map(|(mut one, other)| (one.extend(other), one).1).collect()
}

/// A SEI NAL unit with ATSC A/53 user data (ITU-T H.264 D.1.6 and H.265 D.2.6, ATSC A/53 part 4, 6.2.3).
fn sei(codec: Codec, entries: &[Entry]) -> Vec<u8> {
    let mut payload = vec![0xb5, 0, 0x31];
    payload.extend(b"GA94");
    payload.extend([3, 0xc0 | u8::try_from(entries.len()).unwrap(), 0xff]);
    for (kind, pair) in entries {
        payload.extend([0xfc | kind, pair[0], pair[1]]);
    }
    payload.push(0xff);
    let mut unit = vec![0, 0, 0, 1];
    unit.extend(if codec == Codec::Hevc { &[0x4e, 1][..] } else { &[6] });
    // The payload's size takes one byte, and no two zero bytes in it come before a small one.
    unit.extend([4, u8::try_from(payload.len()).unwrap()]);
    assert!(payload.len() < 255 && !payload.windows(3).any(|three| three[..2] == [0, 0] && three[2] < 4));
    unit.extend(payload);
    unit.push(0x80);
    unit
}

/// The low rung's size and rate without B-pictures, one slice each, and these caption data in the pictures.
pub fn captioned(folder: &Path, codec: Codec, pictures: Vec<Vec<Entry>>) -> PathBuf {
    let low = rungs().low.to_str().unwrap();
    let (coding, raw) = match codec {
        Codec::Avc => (
            "libx264 -preset ultrafast -bf 0 -g 48 -keyint_min 48 -sc_threshold 0 -crf 30 -threads 1",
            ["plain.h264", "marked.h264"],
        ),
        Codec::Hevc => (
            "libx265 -preset ultrafast -crf 30 -x265-params \
             log-level=none:bframes=0:keyint=48:min-keyint=48:scenecut=0:slices=1:info=0",
            ["plain.hevc", "marked.hevc"],
        ),
    };
    let mut arguments = vec!["-i", low, "-map", "0:v", "-c:v"];
    arguments.extend(coding.split(' '));
    arguments.push(raw[0]);
    ffmpeg(folder, &arguments);
    let plain = std::fs::read(folder.join(raw[0])).unwrap();
    let mut marked = Vec::new();
    let mut rest = pictures.into_iter();
    let starts: Vec<usize> = (0..plain.len() - 4).filter(|at| plain[*at..].starts_with(&[0, 0, 1])).collect();
    for (index, start) in starts.iter().enumerate() {
        let end = starts.get(index + 1).copied().unwrap_or(plain.len());
        let slice = match codec {
            Codec::Avc => matches!(plain[start + 3] & 31, 1 | 5),
            Codec::Hevc => plain[start + 3] >> 1 < 32,
        };
        if slice {
            let entries = rest.next().expect("one slice a picture");
            marked.extend(if entries.is_empty() { Vec::new() } else { sei(codec, &entries) });
        }
        marked.extend(&plain[*start..end]);
    }
    assert_eq!(rest.count(), 0, "every picture was met");
    std::fs::write(folder.join(raw[1]), marked).unwrap();
    let name = if codec == Codec::Hevc { "captioned-hevc.mp4" } else { "captioned.mp4" };
    let rate = ["-framerate", "24000/1001", "-i", raw[1], "-c", "copy", "-video_track_timescale", "24000"];
    let tag: &[&str] = if codec == Codec::Hevc { &["-tag:v", "hvc1"] } else { &[] };
    ffmpeg(folder, &[&rate[..], tag, &[name]].concat());
    folder.join(name)
}

/// The low rung's sound, in English.
fn english(folder: &Path) -> PathBuf {
    let low = rungs().low.to_str().unwrap();
    let language = ["-map", "0:a", "-c", "copy", "-metadata:s:a:0", "language=eng", "english.mp4"];
    ffmpeg(folder, &[&["-i", low][..], &language].concat());
    folder.join("english.mp4")
}

fn read(out: &Path, name: &str) -> String {
    std::fs::read_to_string(out.join(name)).unwrap()
}

/// `INSTREAM-ID` and `LANGUAGE` of all closed captions in the multivariant playlist.
fn listed(out: &Path) -> Vec<(String, Option<String>)> {
    let master = read(out, "master.m3u8");
    let value = |line: &str, name: &str| {
        let (_, rest) = line.split_once(&format!(",{name}=\""))?;
        Some(rest.split_once('"')?.0.to_owned())
    };
    let lines = master.lines().filter(|line| line.starts_with("#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,"));
    lines
        .map(|line| {
            assert!(!line.contains("URI="), "{line}");
            (value(line, "INSTREAM-ID").unwrap(), value(line, "LANGUAGE"))
        })
        .collect()
}

/// The text of a track as the players' harness reads it, shown from one picture to another.
pub fn track(language: &str, (from, to): (usize, usize), text: &str) -> Value {
    let [start_s, end_s] = [from, to].map(|picture| picture as f64 * 1001.0 / 24_000.0);
    json!({ "language": language, "forced": false, "cues": [{ "start_s": start_s, "end_s": end_s, "text": text }] })
}

#[test]
fn captions_in_pictures_are_found_and_shown_by_players_at_their_times() {
    let folder = tempfile::tempdir().unwrap();
    let input = captioned(folder.path(), Codec::Avc, line21());
    let out = folder.path().join("out");
    package(&[&input], &out, &["--segment-duration", "2"]);
    assert_eq!(listed(&out), [("CC1".to_owned(), None)]);
    assert!(read(&out, "master.m3u8").contains(",CLOSED-CAPTIONS=\"cc\""));
    let told = "<Accessibility schemeIdUri=\"urn:scte:dash:cc:cea-608:2015\" value=\"CC1=";
    assert!(read(&out, "manifest.mpd").contains(told));
    watch_text(&out, &json!([track("und", SHOWN, SAID)]), &[]);
}

#[test]
fn services_of_cta_708_are_found_and_shown_by_shaka_player_at_their_times() {
    let folder = tempfile::tempdir().unwrap();
    let (video, sound) = (captioned(folder.path(), Codec::Avc, services()), english(folder.path()));
    let out = folder.path().join("out");
    package(&[&video, &sound], &out, &["--segment-duration", "2"]);
    // The first service is in the language that is spoken; of the second nothing is known.
    assert_eq!(listed(&out), [("SERVICE1".to_owned(), Some("en".to_owned())), ("SERVICE2".to_owned(), None)]);
    let told = "<Accessibility schemeIdUri=\"urn:scte:dash:cc:cea-708:2015\" value=\"1=lang:eng;2=lang:und\"/>";
    let manifest = read(&out, "manifest.mpd");
    assert!(manifest.contains(told) && !manifest.contains("cea-608"), "{manifest}");
    // Shaka Player is the one of the three that reads CTA-708.
    let [(first, one), (second, two)] = SERVICES;
    watch_text(&out, &json!([track("en", first, one), track("und", second, two)]), &["--players", "shaka"]);
}

/// What FFmpeg's own decoder of CTA-608 reads in a file: start and end in milliseconds, and the text.
fn read_by_ffmpeg(file: &Path) -> Vec<(u64, u64, String)> {
    let source = format!("movie={}[out0+subcc]", file.display());
    let mut command = Command::new(judge::ffmpeg_9());
    command.args(["-nostdin", "-v", "error", "-f", "lavfi", "-i", &source, "-map", "0:s", "-f", "webvtt", "-"]);
    let output = judge::run(&mut command);
    let text = String::from_utf8(output.stdout).unwrap();
    let ms = |clock: &str| {
        let parts = clock.split([':', '.']).map(|part| part.parse::<u64>().unwrap());
        let [minutes, seconds, ms] = parts.collect::<Vec<_>>()[..] else { panic!("{clock}") };
        (minutes * 60 + seconds) * 1000 + ms
    };
    let lines: Vec<&str> = text.lines().collect();
    let cue = |pair: &[&str]| {
        let (from, to) = pair[0].split_once(" --> ")?;
        Some((ms(from), ms(to), pair[1].to_owned()))
    };
    lines.windows(2).filter_map(cue).collect()
}

/// Chromium here decodes no HEVC, so that no player shows these: FFmpeg reads them from what was packaged.
#[test]
fn captions_in_hevc_are_found_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (video, sound) = (captioned(folder.path(), Codec::Hevc, both()), english(folder.path()));
    let out = folder.path().join("out");
    package(&[&video, &sound], &out, &["--segment-duration", "2"]);
    let en = || Some("en".to_owned());
    let wanted = [("CC1".to_owned(), en()), ("SERVICE1".to_owned(), en()), ("SERVICE2".to_owned(), None)];
    assert_eq!(listed(&out), wanted);
    let manifest = read(&out, "manifest.mpd");
    assert!(manifest.contains("\"urn:scte:dash:cc:cea-608:2015\" value=\"CC1=eng\""), "{manifest}");
    assert!(manifest.contains("\"urn:scte:dash:cc:cea-708:2015\" value=\"1=lang:eng;2=lang:und\""), "{manifest}");
    let found = read_by_ffmpeg(&joined(&out, "video-180p"));
    let ms = |picture: usize| (picture as u64 * 1_001_000 + 12_000) / 24_000;
    let [(from, to, said)] = &found[..] else { panic!("{found:?}") };
    assert!(from.abs_diff(ms(SHOWN.0)) <= 1 && to.abs_diff(ms(SHOWN.1)) <= 1, "{found:?}");
    assert!(said.contains(SAID), "{found:?}");
}

#[test]
fn captions_that_ffmpeg_writes_into_both_codecs_are_found() {
    let folder = tempfile::tempdir().unwrap();
    captioned(folder.path(), Codec::Avc, both());
    for (name, coder) in [
        ("avc.mp4", "libx264 -preset ultrafast -bf 3 -a53cc 1"),
        ("hevc.mp4", "libx265 -preset ultrafast -x265-params log-level=none:bframes=3 -a53cc 1 -tag:v hvc1"),
    ] {
        let mut command = Command::new(judge::ffmpeg_9());
        command.current_dir(folder.path()).args(["-nostdin", "-v", "error", "-y", "-i", "captioned.mp4", "-c:v"]);
        judge::run(command.args(coder.split(' ')).arg(name));
        let out = folder.path().join(name.replace(".mp4", ""));
        package(&[&folder.path().join(name)], &out, &[]);
        let found: Vec<String> = listed(&out).into_iter().map(|(channel, _)| channel).collect();
        assert_eq!(found, ["CC1", "SERVICE1", "SERVICE2"], "{name}");
    }
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
