//! Encrypted inputs: decrypted with the keys given, they package to what their clear sources package to.

use std::path::{Path, PathBuf};

use super::inputs::{ffmpeg, rungs};
use super::interop::shaka;
use super::refusals::refused;
use super::{KEYS, hashes, joined, key_file, package, track_names, tree};
use crate::judge;

const SCHEMES: [&str; 4] = ["cenc", "cens", "cbc1", "cbcs"];

/// What Shaka Packager is told of the keys.
fn shaka_keys() -> String {
    KEYS.map(|(id, key, class)| format!("label={class}:key_id={id}:key={key}")).join(",")
}

/// One file that Shaka Packager encrypted, with its pictures or its sound.
fn encrypted(folder: &Path, input: &Path, stream: &str, scheme: &str, more: &[&str]) -> PathBuf {
    let out = folder.join(format!("{scheme}-{stream}.mp4"));
    let mut arguments =
        vec![format!("in={},stream={stream},output={},drm_label={stream}", input.display(), out.display())];
    arguments.extend(["--enable_raw_key_encryption", "--keys"].map(str::to_owned));
    arguments.push(shaka_keys());
    arguments.extend(["--protection_scheme", scheme, "--segment_duration", "2"].map(str::to_owned));
    arguments.extend(more.iter().map(|&word| word.to_owned()));
    shaka(&arguments);
    out
}

/// What FFmpeg reads from each track of a package: times and hashes of its packets.
fn packets(out: &Path, tracks: &[String]) -> Vec<Vec<(i64, String)>> {
    tracks.iter().map(|track| hashes(&judge::ffmpeg_9(), &[], &joined(out, track), "0:0", true)).collect()
}

/// Packages `clear` as it is and `sealed` with the keys: the same tracks with the same packets at the same times.
fn same_as_clear(folder: &Path, name: &str, clear: &[&Path], sealed: &[&Path], keys: &Path) {
    let [clear_out, out] = ["clear", "opened"].map(|kind| folder.join(format!("{name}-{kind}")));
    let tracks = track_names(&package(clear, &clear_out, &["--segment-duration", "2"]));
    let report = package(sealed, &out, &["--segment-duration", "2", "--input-keys", keys.to_str().unwrap()]);
    assert_eq!(track_names(&report), tracks, "{name}");
    for ((track, wanted), found) in tracks.iter().zip(packets(&clear_out, &tracks)).zip(packets(&out, &tracks)) {
        assert!(found == wanted, "{name} {track}: {:?} instead of {:?}", &found[..2], &wanted[..2]);
    }
    let init = std::fs::read(out.join(&tracks[0]).join("init.mp4")).unwrap();
    assert!(super::boxes(&init, b"sinf").is_empty(), "{name}: the result is clear");
}

#[test]
fn what_shaka_packager_encrypts_is_packaged_as_its_clear_source_is() {
    let made = tempfile::tempdir().unwrap();
    let folder = made.path();
    let keys = key_file(folder);
    let low = &rungs().low;
    // Clear files that Shaka Packager wrote: the same samples at the same times as the encrypted ones.
    let clear = ["video", "audio"].map(|stream| {
        let out = folder.join(format!("clear-{stream}.mp4"));
        shaka(&[format!("in={},stream={stream},output={}", low.display(), out.display())]);
        out
    });
    for scheme in SCHEMES {
        for (name, lead) in [("lead", "2"), ("whole", "0")] {
            let sealed =
                ["video", "audio"].map(|stream| encrypted(folder, low, stream, scheme, &["--clear_lead", lead]));
            let name = format!("{scheme}-{name}");
            let [[clear_video, clear_audio], [video, audio]] = [&clear, &sealed];
            same_as_clear(folder, &name, &[clear_video, clear_audio], &[video, audio], &keys);
        }
    }
}

#[test]
fn every_codec_that_shaka_packager_encrypts_comes_back() {
    let made = tempfile::tempdir().unwrap();
    let folder = made.path();
    let keys = key_file(folder);
    let low = rungs().low.to_str().unwrap();
    let codecs = [
        ("hevc", "video", "-c:v libx265 -preset ultrafast -x265-params log-level=none:scenecut=0 -tag:v hvc1"),
        ("av1", "video", "-c:v libsvtav1 -preset 12"),
        ("vp9", "video", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 200k"),
        ("eac3", "audio", "-c:a eac3 -b:a 96k"),
        ("opus", "audio", "-c:a libopus -ar 48000"),
    ];
    for (name, stream, codec) in codecs {
        let source = format!("{name}.mp4");
        let map = if stream == "video" { "-map 0:v -t 4.004 -g 48 -s 192x108" } else { "-map 0:a -t 4" };
        let mut arguments = vec!["-i", low];
        arguments.extend(map.split(' ').chain(codec.split(' ')).chain([source.as_str()]));
        ffmpeg(folder, &arguments);
        let source = folder.join(source);
        let clear = folder.join(format!("{name}-clear.mp4"));
        shaka(&[format!("in={},stream={stream},output={}", source.display(), clear.display())]);
        for scheme in ["cenc", "cbcs"] {
            let sealed = encrypted(folder, &source, stream, scheme, &["--clear_lead", "0"]);
            same_as_clear(folder, &format!("{name}-{scheme}"), &[&clear], &[&sealed], &keys);
        }
    }
}

/// Our own sets, from one scheme into another and back into the clear, as segments and as one file, with a clear lead.
#[test]
fn a_set_goes_from_scheme_to_scheme_and_back_into_the_clear() {
    let made = tempfile::tempdir().unwrap();
    let folder = made.path();
    let keys = key_file(folder);
    let keys = keys.to_str().unwrap();
    let low = &rungs().low;
    let clear = folder.join("clear");
    let tracks = track_names(&package(&[low], &clear, &["--segment-duration", "2"]));
    let wanted = packets(&clear, &tracks);
    let mut inputs: Vec<PathBuf> = vec![low.clone()];
    for (step, scheme) in ["cenc", "cbcs", "cens", "cbc1"].into_iter().enumerate() {
        let out = folder.join(scheme);
        let how = ["--segment-duration", "2", "--scheme", scheme, "--key-file", keys, "--input-keys", keys];
        let more = [&[][..], &["--clear-lead", "4"], &["--single-file"], &[]][step];
        let from: Vec<&Path> = inputs.iter().map(PathBuf::as_path).collect();
        assert_eq!(track_names(&package(&from, &out, &[&how[..], more].concat())), tracks);
        inputs = tracks
            .iter()
            .map(|track| if step == 2 { out.join(track).join("media.mp4") } else { joined(&out, track) })
            .collect();
    }
    let last = folder.join("last");
    let from: Vec<&Path> = inputs.iter().map(PathBuf::as_path).collect();
    package(&from, &last, &["--segment-duration", "2", "--input-keys", keys]);
    for ((track, wanted), found) in tracks.iter().zip(wanted).zip(packets(&last, &tracks)) {
        assert!(found == wanted, "{track}: {:?} instead of {:?}", &found[..2], &wanted[..2]);
    }
    // All four ways there and back leave not one byte changed.
    assert!(
        tree(&clear.join("video-180p"))["00002.m4s".as_ref() as &Path]
            == tree(&last.join("video-180p"))["00002.m4s".as_ref() as &Path]
    );
}

#[test]
fn keys_that_change_are_followed() {
    let made = tempfile::tempdir().unwrap();
    let folder = made.path();
    let low = &rungs().low;
    let lines: Vec<String> =
        (0..6).map(|period| format!("{:032x}:{:032x}::{period}", 0xa0 + period, 0xb0b0 + period)).collect();
    let keys = folder.join("rotated.txt");
    std::fs::write(&keys, lines.join("\n")).unwrap();
    let keys = keys.to_str().unwrap();
    let [clear, sealed] = ["clear", "sealed"].map(|name| folder.join(name));
    let tracks = track_names(&package(&[low], &clear, &["--segment-duration", "2"]));
    let how = ["--segment-duration", "2", "--scheme", "cbcs", "--key-file", keys, "--crypto-period", "4"];
    package(&[low], &sealed, &how);
    let files: Vec<PathBuf> = tracks.iter().map(|track| joined(&sealed, track)).collect();
    let files: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    let opened = folder.join("opened");
    package(&files, &opened, &["--segment-duration", "2", "--input-keys", keys]);
    assert!(packets(&opened, &tracks) == packets(&clear, &tracks));
    // Without a later period's key nothing is written, and that key is named.
    let fewer = folder.join("fewer.txt");
    std::fs::write(&fewer, lines[..2].join("\n")).unwrap();
    let error = refused(folder, &files, &["--input-keys", fewer.to_str().unwrap()], 65);
    assert!(error["detail"].as_str().unwrap().contains("000000a2, which is not given"), "{error}");
    assert!(error["hint"].as_str().unwrap().contains("fewer.txt"), "{error}");
}

#[test]
fn files_without_fragments_are_decrypted_too() {
    let made = tempfile::tempdir().unwrap();
    let folder = made.path();
    let keys = key_file(folder);
    let low = &rungs().low;
    let (id, key, _) = KEYS[0];
    let lock = ["-encryption_scheme", "cenc-aes-ctr", "-encryption_key", key, "-encryption_kid", id];
    let start = ["-i", low.to_str().unwrap(), "-c", "copy"];
    for (name, more) in [("behind", &[][..]), ("front", &["-movflags", "+faststart"])] {
        let [clear, sealed] = ["clear", "sealed"].map(|kind| format!("{name}-{kind}.mp4"));
        ffmpeg(folder, &[&start[..], more, &[&clear]].concat());
        ffmpeg(folder, &[&start[..], more, &lock, &[&sealed]].concat());
        same_as_clear(folder, name, &[&folder.join(clear)], &[&folder.join(sealed)], &keys);
    }
}

#[test]
fn a_missing_key_is_named_and_a_wrong_one_suspected() {
    let made = tempfile::tempdir().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let low = &rungs().low;
    let [(id, key, _), (audio_id, audio_key, _)] = KEYS;
    let video = encrypted(made.path(), low, "video", "cbcs", &["--clear_lead", "0"]);
    let audio = encrypted(made.path(), low, "audio", "cbcs", &["--clear_lead", "0"]);
    let error = refused(folder.path(), &[&video], &[], 65);
    assert!(error["detail"].as_str().unwrap().contains(&format!("track 1 is encrypted under key {id}")), "{error}");
    assert!(error["hint"].as_str().unwrap().contains(&format!("{id}:KEY")), "{error}");
    assert!(error["hint"].as_str().unwrap().contains("--input-keys"), "{error}");

    let file = made.path().join("keys.txt");
    let attempt = |text: String, input: &Path, exit| {
        std::fs::write(&file, text).unwrap();
        refused(folder.path(), &[input], &["--input-keys", file.to_str().unwrap()], exit)
    };
    let error = attempt(format!("{id}:{key}"), &audio, 65);
    assert!(error["detail"].as_str().unwrap().contains(&format!("under key {audio_id}")), "{error}");
    let error = attempt(format!("{audio_id}:{key}"), &audio, 65);
    assert!(error["hint"].as_str().unwrap().contains("probably wrong"), "{error}");
    // FFmpeg leaves no more of a slice clear than the NAL unit's own header.
    let lock = ["-encryption_scheme", "cenc-aes-ctr", "-encryption_key", key, "-encryption_kid", id];
    let start = ["-i", low.to_str().unwrap(), "-map", "0:v", "-c", "copy"];
    ffmpeg(made.path(), &[&start[..], &lock, &["whole.mp4"]].concat());
    let error = attempt(format!("{id}:{audio_key}"), &made.path().join("whole.mp4"), 65);
    assert!(error["hint"].as_str().unwrap().contains("probably wrong"), "{error}");
    let error = attempt(format!("{id}:{key}\n{id}:{audio_key}\n"), &video, 78);
    assert!(error["detail"].as_str().unwrap().contains("line 2"), "{error}");
}
