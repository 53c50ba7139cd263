//! Manifests, by dash.js, by Shaka Player and by FFmpeg; and that they say what the playlists say.

use std::path::Path;

use serde_json::Value;

use super::super::{KEYS, content, hashes, joined, track_names};
use super::{keys, rich, sealing};
use crate::judge;

/// What dash.js and Shaka Player read in the manifest of a folder.
fn by_players(out: &Path, keys: Option<&Path>) -> Value {
    serde_json::from_slice(&judge::run(judge::harness("manifest.mjs").arg(out).args(keys)).stdout).unwrap()
}

/// One entry of a media playlist: start and end in seconds, name, and byte range.
struct Entry {
    start_s: f64,
    end_s: f64,
    uri: String,
    range: Option<(u64, u64)>,
}

/// The entries of a media playlist, line by line.
fn entries(out: &Path, track: &str) -> Vec<Entry> {
    let text = std::fs::read_to_string(out.join(track).join("media.m3u8")).unwrap();
    let (mut at, mut length, mut range, mut found) = (0.0, 0.0, None, Vec::new());
    for line in text.lines() {
        if let Some(stated) = line.strip_prefix("#EXTINF:") {
            length = stated.trim_end_matches(',').parse::<f64>().unwrap();
        } else if let Some(stated) = line.strip_prefix("#EXT-X-BYTERANGE:") {
            let (size, offset) = stated.split_once('@').unwrap();
            range = Some((offset.parse().unwrap(), size.parse::<u64>().unwrap()));
        } else if !line.starts_with('#') {
            let range = range.take().map(|(offset, size)| (offset, offset + size - 1));
            found.push(Entry { start_s: at, end_s: at + length, uri: format!("{track}/{line}"), range });
            at += length;
        }
    }
    found
}

fn stream<'a>(read: &'a Value, reader: &str, track: &str) -> &'a Value {
    let streams = read[reader]["streams"].as_array().unwrap();
    let found = streams.iter().find(|stream| stream["id"] == track);
    found.unwrap_or_else(|| panic!("{reader} does not list {track}: {streams:?}"))
}

/// Each segment that a player finds is at the time of the playlist's, to the microsecond that playlists count in.
fn same_times(track: &str, wanted: &[Entry], found: &Value) {
    let found = found.as_array().unwrap();
    assert_eq!(found.len(), wanted.len(), "{track}");
    let close = |a: f64, b: f64| (a - b).abs() < 2e-6;
    let last = found.len();
    for (index, (wanted, found)) in (1..).zip(wanted.iter().zip(found)) {
        let [start, end] = ["start_s", "end_s"].map(|name| found[name].as_f64().unwrap());
        // Shaka Player lets the last one of each track last as long as the longest track.
        let ends = close(end, wanted.end_s) || (index == last && end > wanted.end_s);
        assert!(close(start, wanted.start_s) && ends, "{track}: {found} instead of {}", wanted.start_s);
    }
}

/// All that three readers find of a package; `tracks` are its own names.
fn read_by_all(out: &Path, tracks: &[String], keys: Option<&Path>) -> Value {
    let read = by_players(out, keys);
    let duration = |reader: &str| read[reader]["duration_s"].as_f64().unwrap();
    assert!((duration("dash") - duration("shaka")).abs() < 1e-6);
    for track in tracks {
        let [dash, shaka] = ["dash", "shaka"].map(|reader| stream(&read, reader, track));
        for name in ["type", "bandwidth", "codecs", "width", "height", "roles", "label"] {
            assert_eq!(dash[name], shaka[name], "{track}: {name}");
        }
        if dash["language"].is_string() {
            assert_eq!(dash["language"], shaka["language"], "{track}");
        }
        let wanted = entries(out, track);
        same_times(track, &wanted, &shaka["segments"]);
        if dash["index"].is_null() {
            same_times(track, &wanted, &dash["segments"]);
        }
        for (wanted, found) in wanted.iter().zip(shaka["segments"].as_array().unwrap()) {
            match wanted.range {
                Some((first, last)) => {
                    assert_eq!((found["first"].as_u64(), found["last"].as_u64()), (Some(first), Some(last)), "{track}");
                    assert_eq!(found["uri"], wanted.uri.as_str(), "{track}");
                }
                // Playlists list the WebVTT files of text, manifests its track.
                None if track.starts_with("text") => {}
                None => assert_eq!(found["uri"], wanted.uri.as_str(), "{track}"),
            }
        }
    }
    read
}

/// FFmpeg finds all packets of pictures and sound by the manifest alone.
fn read_by_ffmpeg(out: &Path, tracks: &[String], whole: impl Fn(&str) -> std::path::PathBuf) {
    let manifest = out.join("manifest.mpd");
    for track in tracks.iter().filter(|track| !track.starts_with("text")) {
        let found = hashes(&judge::ffmpeg_9(), &[], &manifest, &format!("0:m:id:{track}"), true);
        let wanted = hashes(&judge::ffmpeg_9(), &[], &whole(track), "0:0", true);
        assert!(content(&found) == content(&wanted), "{track}: {} packets of {}", found.len(), wanted.len());
    }
}

#[test]
fn manifests_of_clear_packages_say_in_three_readers_what_the_playlists_say() {
    let folder = tempfile::tempdir().unwrap();
    let (out, report) = rich(folder.path(), "segments", &[]);
    let tracks = track_names(&report);
    let read = read_by_all(&out, &tracks, None);
    for (track, language, role, forced) in [
        ("audio-en", "en", "main", false),
        ("audio-de", "de", "dub", false),
        ("text-de", "de", "subtitle", false),
        ("text-en-forced", "en", "forced-subtitle", true),
    ] {
        let found = stream(&read, "shaka", track);
        assert_eq!((found["language"].as_str(), found["roles"][0].as_str()), (Some(language), Some(role)), "{found}");
        assert_eq!(found["forced"], forced, "{found}");
    }
    read_by_ffmpeg(&out, &tracks, |track| joined(&out, track));
    let (out, report) = rich(folder.path(), "single", &["--single-file"]);
    let tracks = track_names(&report);
    read_by_all(&out, &tracks, None);
    read_by_ffmpeg(&out, &tracks, |track| out.join(track).join("media.mp4"));
}

#[test]
fn manifests_name_one_webvtt_file_for_each_text_in_two_readers() {
    let folder = tempfile::tempdir().unwrap();
    let (out, report) = rich(folder.path(), "out", &["--dash-subtitles", "webvtt"]);
    let (tracks, read) = (track_names(&report), by_players(&out, None));
    let texts: Vec<&String> = tracks.iter().filter(|track| track.starts_with("text")).collect();
    assert_eq!(texts.len(), 4);
    for track in texts {
        let [dash, shaka] = ["dash", "shaka"].map(|reader| stream(&read, reader, track));
        for name in ["type", "bandwidth", "roles", "label"] {
            assert_eq!(dash[name], shaka[name], "{track}: {name}");
        }
        assert_eq!((&dash["language"], &dash["segments"]), (&shaka["language"], &serde_json::json!([])), "{track}");
        let [file] = &shaka["segments"].as_array().unwrap()[..] else { panic!("{track}: {shaka}") };
        assert_eq!(file["uri"], format!("{track}/subtitles.vtt"));
        assert_eq!(
            (file["start_s"].as_f64(), file["end_s"].as_f64()),
            (Some(0.0), read["shaka"]["duration_s"].as_f64())
        );
    }
}

#[test]
fn manifests_of_encrypted_packages_say_which_key_each_track_has() {
    let folder = tempfile::tempdir().unwrap();
    let keys = keys(folder.path());
    let sealed = [&sealing("cbcs", &keys)[..], &["--single-file"]].concat();
    let (out, report) = rich(folder.path(), "out", &sealed);
    let tracks = track_names(&report);
    let read = read_by_all(&out, &tracks, Some(&keys));
    let [(video, ..), (audio, ..)] = KEYS;
    for track in &tracks {
        let wanted = match &track[..4] {
            "vide" => vec![video],
            "audi" => vec![audio],
            _ => vec![],
        };
        let found = stream(&read, "shaka", track);
        assert_eq!(found["key_ids"], serde_json::json!(wanted), "{found}");
        let systems = stream(&read, "dash", track)["systems"].as_array().unwrap().len();
        // The scheme itself, Widevine, PlayReady and ClearKey.
        assert_eq!(systems, if wanted.is_empty() { 0 } else { 4 }, "{track}");
    }
}
