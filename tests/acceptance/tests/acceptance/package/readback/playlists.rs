//! Playlists, by m3u8-rs, by hls.js, and by the Python package m3u8.

use std::path::Path;
use std::process::Command;

use m3u8_rs::{AlternativeMedia, ByteRange, ClosedCaptionGroupId, InstreamId, Key, MasterPlaylist, MediaPlaylist};
use m3u8_rs::{QuotedOrUnquoted, VariantStream};
use serde_json::{Value, json};

use super::super::tree;
use super::{keys, rich, sealing};
use crate::judge;

/// All playlists of a folder, as a program reads them.
fn told(command: &mut Command, folder: &Path) -> Value {
    serde_json::from_slice(&judge::run(command.arg(folder)).stdout).unwrap()
}

fn by_hls_js(folder: &Path) -> Value {
    told(&mut judge::harness("readback.mjs"), folder)
}

fn by_python(folder: &Path) -> Value {
    let mut command = Command::new(judge::root().join(".cache/venv/bin/python3"));
    let script = judge::root().join("tests/acceptance/tests/acceptance/package/readback.py");
    told(command.arg(script), folder)
}

/// The same by m3u8-rs: durations are 32-bit floats there, and of several keys in one place the last is kept.
fn by_m3u8_rs(folder: &Path) -> Value {
    let mut found = serde_json::Map::new();
    for (path, bytes) in tree(folder).into_iter().filter(|(path, _)| path.extension().is_some_and(|e| e == "m3u8")) {
        let read = match m3u8_rs::parse_playlist_res(&bytes) {
            Ok(m3u8_rs::Playlist::MasterPlaylist(playlist)) => multivariant(&playlist),
            Ok(m3u8_rs::Playlist::MediaPlaylist(playlist)) => media(&playlist),
            Err(error) => panic!("{}: {error:?}", path.display()),
        };
        found.insert(path.to_str().unwrap().to_owned(), read);
    }
    found.into()
}

fn key(key: &Key) -> Value {
    json!({
        "method": key.method.to_string(), "uri": key.uri, "iv": key.iv, "format": key.keyformat,
        "versions": key.keyformatversions,
    })
}

fn multivariant(playlist: &MasterPlaylist) -> Value {
    let streams = |iframes: bool| -> Vec<Value> {
        playlist.variants.iter().filter(|variant| variant.is_i_frame == iframes).map(stream).collect()
    };
    json!({
        "independent": playlist.independent_segments,
        "variants": streams(false),
        "iframes": streams(true),
        "media": playlist.alternatives.iter().map(rendition).collect::<Vec<_>>(),
        "session_keys": playlist.session_key.iter().map(|session| key(&session.0)).collect::<Vec<_>>(),
    })
}

fn stream(variant: &VariantStream) -> Value {
    let range = variant.other_attributes.as_ref().and_then(|others| others.get("VIDEO-RANGE"));
    let captions = variant.closed_captions.as_ref().map(|captions| match captions {
        ClosedCaptionGroupId::None => "NONE".to_owned(),
        ClosedCaptionGroupId::GroupId(group) | ClosedCaptionGroupId::Other(group) => group.clone(),
    });
    json!({
        "uri": variant.uri, "bandwidth": variant.bandwidth, "average": variant.average_bandwidth,
        "codecs": variant.codecs,
        "resolution": variant.resolution.map(|size| format!("{}x{}", size.width, size.height)),
        "frame_rate": variant.frame_rate, "range": range.map(text), "audio": variant.audio,
        "subtitles": variant.subtitles, "captions": captions,
    })
}

fn text(value: &QuotedOrUnquoted) -> &str {
    match value {
        QuotedOrUnquoted::Quoted(text) | QuotedOrUnquoted::Unquoted(text) => text,
    }
}

fn rendition(media: &AlternativeMedia) -> Value {
    let instream = media.instream_id.as_ref().map(|id| match id {
        InstreamId::CC(number) => format!("CC{number}"),
        InstreamId::Service(number) => format!("SERVICE{number}"),
        InstreamId::Other(other) => other.clone(),
    });
    json!({
        "type": media.media_type.to_string(), "group": media.group_id, "language": media.language,
        "name": media.name, "default": media.default, "autoselect": media.autoselect, "forced": media.forced,
        "characteristics": media.characteristics, "channels": media.channels, "instream": instream, "uri": media.uri,
    })
}

fn range(range: &ByteRange) -> String {
    range.offset.map_or(range.length.to_string(), |offset| format!("{}@{offset}", range.length))
}

fn media(playlist: &MediaPlaylist) -> Value {
    // Both are kept where they are told, and hold from there on.
    let (mut last_map, mut last_key) = (None, None);
    let segment = |segment: &m3u8_rs::MediaSegment| {
        let map = segment.map.as_ref();
        let map = map.map(|map| json!({ "uri": map.uri, "range": map.byte_range.as_ref().map(range) }));
        (last_map, last_key) = (map.or(last_map.take()), segment.key.as_ref().map(key).or(last_key.take()));
        json!({
            "uri": segment.uri, "duration_s": segment.duration, "range": segment.byte_range.as_ref().map(range),
            "map": last_map, "last_key": last_key,
        })
    };
    json!({
        "target_s": playlist.target_duration, "sequence": playlist.media_sequence,
        "kind": playlist.playlist_type.as_ref().map(ToString::to_string), "ended": playlist.end_list,
        "iframes_only": playlist.i_frames_only, "independent": playlist.independent_segments,
        "segments": playlist.segments.iter().map(segment).collect::<Vec<_>>(),
    })
}

/// A copy without these fields, wherever they are.
fn without(value: &Value, fields: &[&str]) -> Value {
    match value {
        Value::Array(all) => all.iter().map(|one| without(one, fields)).collect(),
        Value::Object(all) => {
            let kept = all.iter().filter(|(name, _)| !fields.contains(&name.as_str()));
            kept.map(|(name, one)| (name.clone(), without(one, fields))).collect()
        }
        other => other.clone(),
    }
}

/// hls.js sorts renditions by their type.
fn by_type(mut read: Value) -> Value {
    for playlist in read.as_object_mut().unwrap().values_mut() {
        if let Some(media) = playlist["media"].as_array_mut() {
            media.sort_by_key(|one| one["type"].as_str().unwrap().to_owned());
        }
    }
    read
}

/// Durations as 32-bit floats, and keys and maps as they are told anew: what m3u8-rs says of a segment.
fn as_m3u8_rs(read: &Value) -> Value {
    let mut read = without(read, &["keys", "date_ranges", "date"]);
    for playlist in read.as_object_mut().unwrap().values_mut() {
        for segment in playlist["segments"].as_array_mut().into_iter().flatten() {
            let us = segment.as_object_mut().unwrap().remove("duration_us").unwrap();
            segment["duration_s"] = json!((us.as_f64().unwrap() / 1e6) as f32);
        }
    }
    read
}

/// Where two readings differ first.
fn differ(one: &Value, other: &Value, path: &str) -> Option<String> {
    match (one, other) {
        (Value::Object(a), Value::Object(b)) => {
            let names = a.keys().chain(b.keys().filter(|name| !a.contains_key(*name)));
            names.into_iter().find_map(|name| differ(&one[name], &other[name], &format!("{path}/{name}")))
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().find_map(|(at, (x, y))| differ(x, y, &format!("{path}/{at}")))
        }
        (Value::Number(a), Value::Number(b)) if a.as_f64() == b.as_f64() => None,
        _ if one == other => None,
        _ => Some(format!("{path}: {one} and {other}")),
    }
}

/// All three read the same; gives what m3u8 reads.
fn read_by_all(out: &Path) -> Value {
    let (python, hls_js, rust) = (by_python(out), by_hls_js(out), by_m3u8_rs(out));
    // Lists of I-frames and independence of segments are of no interest to hls.js; only it keeps all keys of a segment.
    let unknown = ["iframes", "independent"];
    let mut others = without(&python, &unknown);
    let mut segments = without(&hls_js, &unknown);
    for read in [&mut others, &mut segments] {
        for playlist in read.as_object_mut().unwrap().values_mut() {
            for segment in playlist["segments"].as_array_mut().into_iter().flatten() {
                segment.as_object_mut().unwrap().remove("keys");
            }
        }
    }
    let found = differ(&by_type(others), &by_type(segments), "");
    assert_eq!(found, None, "m3u8 and hls.js");
    let found = differ(&as_m3u8_rs(&python), &rust, "");
    assert_eq!(found, None, "m3u8 and m3u8-rs");
    python
}

/// What the playlists must say, lest all readers agree on nothing.
fn says_all(read: &Value, keys: usize, ranges: bool) {
    let master = &read["master.m3u8"];
    let count = |name: &str| master[name].as_array().unwrap().len();
    // Two rungs, once with each group of sound; two languages, four subtitles.
    // Under encryption the lowest rung alone has keyframes that players can use.
    let iframes = if keys > 0 { 1 } else { 2 };
    assert_eq!((count("variants"), count("iframes"), count("session_keys")), (2, iframes, keys), "{master}");
    let of = |kind: &str| master["media"].as_array().unwrap().iter().filter(|one| one["type"] == kind).count();
    assert_eq!((of("AUDIO"), of("SUBTITLES")), (2, 4), "{master}");
    let video = &read["video-180p/media.m3u8"];
    assert_eq!(video["date_ranges"].as_array().unwrap().len(), 2, "{video}");
    for segment in video["segments"].as_array().unwrap() {
        assert_eq!(segment["range"].is_string(), ranges, "{segment}");
        assert_eq!(segment["last_key"].is_object(), keys > 0, "{segment}");
        assert!(segment["map"]["uri"].is_string(), "{segment}");
    }
    assert_eq!(read["video-180p/iframes.m3u8"]["iframes_only"], true);
}

#[test]
fn playlists_of_a_clear_package_in_segments_read_the_same_in_three_parsers() {
    let folder = tempfile::tempdir().unwrap();
    let (out, _) = rich(folder.path(), "out", &["--hls-ts"]);
    let read = read_by_all(&out);
    says_all(&read, 0, false);
    assert_eq!(read["video-180p/media.m3u8"]["date_ranges"][0]["asset"], "https://ads.example/break.m3u8");
    assert!(read["ts/master.m3u8"]["variants"].as_array().is_some_and(|variants| variants.len() > 1), "{read}");
}

#[test]
fn playlists_of_an_encrypted_package_in_single_files_read_the_same_in_three_parsers() {
    let folder = tempfile::tempdir().unwrap();
    let keys = keys(folder.path());
    let (out, _) = rich(folder.path(), "out", &[&sealing("cbcs", &keys)[..], &["--single-file"]].concat());
    // Of two keys four systems are told, one of which has a licence for both.
    says_all(&read_by_all(&out), 7, true);
    let (out, _) = rich(folder.path(), "lead", &[&sealing("cenc", &keys)[..], &["--clear-lead", "3"]].concat());
    let read = read_by_all(&out);
    let keyed = |at: usize| read["video-360p/media.m3u8"]["segments"][at]["last_key"].is_object();
    assert_eq!([keyed(0), keyed(1), keyed(2)], [false, false, true], "the clear lead has no key");
}
