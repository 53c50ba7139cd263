//! The MPEG-TS set: FFmpeg, our own demuxer and hls.js get from it what went in, clear and encrypted.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::inputs::{FRAMES, ffmpeg, rungs};
use super::{KEYS, attempt, content, hashes, joined, key_file, package, tree};
use crate::judge;

/// From a media playlist to the folder of the whole set.
const KEY_URI: &str = "../../key-{kid}.bin";

/// Ticks of 90 kHz at presentation time 0.
const START: i64 = 900_000;

fn bytes_of(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// Packages with an MPEG-TS set, encrypted if there is a method, and puts the keys where its playlists say.
fn packaged(inputs: &[&Path], out: &Path, method: Option<&str>, more: &[&str]) -> serde_json::Value {
    let folder = tempfile::tempdir().unwrap();
    let keys = key_file(folder.path());
    let sealed = method.map(|method| {
        let key_file = ["--key-file", keys.to_str().unwrap()];
        [&["--hls-ts-encryption", method, "--hls-ts-key-uri", KEY_URI][..], &key_file].concat()
    });
    let arguments = [&["--segment-duration", "2", "--hls-ts"], sealed.as_deref().unwrap_or_default(), more].concat();
    let report = package(inputs, out, &arguments);
    for (id, key, _) in KEYS {
        std::fs::write(out.join(format!("key-{id}.bin")), bytes_of(key)).unwrap();
    }
    report
}

/// The media playlist of a variant.
fn playlist(out: &Path, variant: &str) -> PathBuf {
    out.join("ts").join(variant).join("media.m3u8")
}

/// Packets of sound as FFmpeg reads them from a playlist, without ADTS headers.
fn heard(playlist: &Path, is_aac: bool) -> Vec<String> {
    let mut command = Command::new(judge::ffmpeg_9());
    command.args(["-nostdin", "-nostats", "-v", "error", "-allowed_extensions", "ALL", "-i"]).arg(playlist);
    command.args(["-map", "0:a", "-c", "copy"]).args(if is_aac { &["-bsf:a", "aac_adtstoasc"][..] } else { &[] });
    let output = judge::run(command.args(["-f", "framemd5", "-"]));
    assert!(output.stderr.is_empty(), "{}: {}", playlist.display(), String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split(',').nth(5).unwrap().trim().to_owned()).collect()
}

/// The pictures of a playlist, decoded.
fn seen(playlist: &Path) -> Vec<String> {
    let found = hashes(&judge::ffmpeg_9(), &["-allowed_extensions", "ALL"], playlist, "0:v", false);
    found.into_iter().map(|(_, hash)| hash).collect()
}

/// When pictures are shown, rising: in 90 kHz of a playlist, in ticks of a track.
fn shown(file: &Path) -> Vec<i64> {
    let before: &[&str] =
        if file.extension().is_some_and(|kind| kind == "m3u8") { &["-allowed_extensions", "ALL"] } else { &[] };
    let mut times: Vec<i64> =
        hashes(&judge::ffmpeg_9(), before, file, "0:v", true).into_iter().map(|(time, _)| time).collect();
    times.sort_unstable();
    times
}

/// Ticks of a track on the line of the MPEG-TS set.
fn ninety_khz(time: i64, scale: i64) -> i64 {
    START + (time as f64 * 90_000.0 / scale as f64).round() as i64
}

fn moved(times: Vec<(i64, String)>, scale: i64) -> Vec<(i64, String)> {
    times.into_iter().map(|(time, hash)| (ninety_khz(time, scale), hash)).collect()
}

/// Every variant has the source's pictures and packets at its times. Of encrypted samples FFmpeg leaves the last picture as it
/// is: its parser gives it when there is no segment any more whose key could be taken.
fn check_variants(out: &Path, method: Option<&str>) {
    let inputs = rungs();
    let what = method.unwrap_or("clear");
    let newest = judge::ffmpeg_9();
    let mut sound = moved(hashes(&newest, &[], &inputs.low, "0:a", true), 44_100);
    // The frame of priming, of which nothing is heard.
    assert!(sound.remove(0).0 < START);
    assert_eq!(sound[0].0, START, "sound begins with the first picture");
    for (variant, source) in [("video-180p", &inputs.low), ("video-360p", &inputs.high)] {
        let playlist = playlist(out, variant);
        let decoded = hashes(&newest, &[], source, "0:v", false);
        let found = seen(&playlist);
        let other = found.iter().zip(content(&decoded)).filter(|(found, wanted)| found != wanted).count();
        let left = usize::from(method == Some("sample-aes"));
        assert!(found.len() == decoded.len() && other <= left, "{what} {variant}: {other} other pictures");
        let wanted: Vec<i64> = shown(source).into_iter().map(|time| ninety_khz(time, 24_000)).collect();
        assert_eq!(shown(&playlist), wanted, "{what} {variant}");
        check_sound(out, variant, &sound, method, true);
    }
    check_sound(out, "audio-und", &sound, method, true);
}

/// The sound of a variant has these packets, and in a clear one they lie at these times. As with pictures, FFmpeg may leave
/// the last of encrypted samples as it is. Times are read from the segments themselves, since its reading of playlists
/// guesses those of the first packets; it counts frames from the stamp of their unit, and so may be a tick off.
fn check_sound(out: &Path, variant: &str, wanted: &[(i64, String)], method: Option<&str>, is_aac: bool) {
    let found = heard(&playlist(out, variant), is_aac);
    let judged = wanted.len() - usize::from(method == Some("sample-aes"));
    let same = found.len() == wanted.len() && found[..judged] == content(wanted)[..judged];
    assert!(same, "{} {variant}: other packets of sound", out.display());
    if method.is_none() {
        let times = hashes(&judge::ffmpeg_9(), &[], &one_stream(out, variant), "0:a", true);
        for (found, wanted) in times.iter().zip(wanted) {
            assert!(found.0.abs_diff(wanted.0) <= 1, "{} {variant}: {found:?} for {wanted:?}", out.display());
        }
    }
}

#[test]
fn ffmpeg_reads_every_variant_to_the_source_clear_and_by_either_encryption() {
    let inputs = rungs();
    let folder = tempfile::tempdir().unwrap();
    for method in [None, Some("aes-128"), Some("sample-aes")] {
        let what = method.unwrap_or("clear");
        let out = folder.path().join(what);
        packaged(&[&inputs.low, &inputs.high], &out, method, &[]);
        check_variants(&out, method);
        if method.is_some() {
            let others = bytes_of(KEYS[1].1);
            let right = seen(&playlist(&out, "video-180p"));
            std::fs::write(out.join(format!("key-{}.bin", KEYS[0].0)), others).unwrap();
            let wrong = Command::new(judge::ffmpeg_9())
                .args(["-nostdin", "-v", "quiet", "-copyts", "-allowed_extensions", "ALL", "-i"])
                .arg(playlist(&out, "video-180p"))
                .args(["-map", "0:v", "-fps_mode", "passthrough", "-f", "framemd5", "-"])
                .stdin(Stdio::null())
                .output()
                .unwrap();
            let wrong = String::from_utf8_lossy(&wrong.stdout);
            let same = right.iter().filter(|hash| wrong.contains(hash.as_str())).count();
            assert!(same * 10 < right.len(), "{what}: a wrong key shows {same} of {} pictures", right.len());
        }
    }
}

#[test]
fn dolby_sound_comes_back_clear_and_from_under_either_encryption() {
    let made = tempfile::tempdir().unwrap();
    let low = rungs().low.to_str().unwrap();
    for codec in ["ac3", "eac3"] {
        let name = format!("{codec}.mp4");
        ffmpeg(
            made.path(),
            &["-i", low, "-t", "4", "-c:v", "copy", "-c:a", codec, "-b:a", "96k", "-ar", "48000", &name],
        );
        let input = made.path().join(name);
        // Of what an encoder puts in front, only whole frames are left out.
        let source = moved(hashes(&judge::ffmpeg_9(), &[], &input, "0:a", true), 48_000);
        let source: Vec<_> = source.into_iter().filter(|(time, _)| *time + 1536 * 90 / 48 > START).collect();
        for method in [None, Some("aes-128"), Some("sample-aes")] {
            let out = made.path().join(format!("{codec}-{}", method.unwrap_or("clear")));
            packaged(&[&input], &out, method, &[]);
            let master = std::fs::read_to_string(out.join("ts/master.m3u8")).unwrap();
            let named = if codec == "ac3" { ",ac-3\"" } else { ",ec-3\"" };
            assert!(master.contains(named), "{master}");
            for variant in ["video-180p", "audio-und"] {
                check_sound(&out, variant, &source, method, false);
            }
        }
    }
}

/// All segments of a variant, one behind another.
fn one_stream(out: &Path, variant: &str) -> PathBuf {
    let mut files: Vec<_> =
        out.join("ts").join(variant).read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "ts"));
    files.sort();
    let bytes: Vec<u8> = files.iter().flat_map(|file| std::fs::read(file).unwrap()).collect();
    let path = out.join(format!("{variant}.ts"));
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn our_own_demuxer_reads_the_segments_back_to_the_samples_of_the_cmaf_set() {
    let inputs = rungs();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    packaged(&[&inputs.low, &inputs.high], &out, None, &[]);
    let again = folder.path().join("again");
    let report = package(
        &[&one_stream(&out, "video-180p"), &one_stream(&out, "video-360p")],
        &again,
        &["--segment-duration", "2"],
    );
    let notes = report["warnings"].as_array().unwrap();
    assert!(notes.len() == 1 && notes[0].as_str().unwrap().contains("packaged once"), "{notes:?}");
    let packets = |out: &Path, track: &str| hashes(&judge::ffmpeg_9(), &[], &joined(out, track), "0:0", true);
    for (track, scale) in [("video-180p", 24_000), ("video-360p", 24_000), ("audio-und", 44_100)] {
        let mut wanted = packets(&out, track);
        wanted.retain(|(time, _)| *time >= 0);
        let found = packets(&again, track);
        assert!(content(&found) == content(&wanted), "{track}: other samples");
        // Sound is counted in its own samples from its first stamp; pictures are in 90 kHz.
        let exact = if track == "audio-und" { wanted } else { moved(wanted, scale) };
        let zero = if track == "audio-und" { 0 } else { START };
        let off = found.iter().zip(&exact).find(|(found, exact)| found.0 != exact.0 - zero);
        assert!(off.is_none(), "{track}: {off:?}");
    }
}

/// The numbers behind `#EXTINF:` in a playlist.
fn lengths(playlist: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(playlist).unwrap();
    text.lines().filter_map(|line| line.strip_prefix("#EXTINF:").map(str::to_owned)).collect()
}

#[test]
fn playlists_break_no_rule_and_their_segments_are_those_of_the_cmaf_set() {
    let inputs = rungs();
    let folder = tempfile::tempdir().unwrap();
    for (method, version) in [(None, 3), (Some("aes-128"), 3), (Some("sample-aes"), 5)] {
        let out = folder.path().join(method.unwrap_or("clear"));
        let report = packaged(&[&inputs.low, &inputs.high], &out, method, &[]);
        assert_eq!(report["hls_ts"], "ts/master.m3u8");
        for track in ["video-180p", "video-360p", "audio-und"] {
            assert_eq!(lengths(&playlist(&out, track)), lengths(&out.join(track).join("media.m3u8")), "{track}");
            let text = std::fs::read_to_string(playlist(&out, track)).unwrap();
            assert!(text.contains(&format!("#EXT-X-VERSION:{version}\n")), "{text}");
            let keys = text.lines().filter(|line| line.contains("EXT-X-KEY")).count();
            let wanted = match method {
                None => 0,
                Some("aes-128") => 6,
                _ => 1,
            };
            assert_eq!(keys, wanted, "{text}");
        }
        let mut lint = Command::new(judge::lectern());
        judge::run(lint.arg("lint").arg(out.join("ts/master.m3u8")));
        for (path, bytes) in
            tree(&out).into_iter().filter(|(path, _)| path.extension().is_none_or(|kind| kind != "bin"))
        {
            for (_, key, _) in KEYS {
                let held = |what: &[u8]| bytes.windows(what.len()).any(|window| window == what);
                assert!(!held(&bytes_of(key)) && !held(key.as_bytes()), "{} holds a key", path.display());
            }
        }
    }
}

/// Two rungs as of [`rungs`] whose pictures are decoded in the order in which they are shown: hls.js puts its time 0 where the
/// first picture is decoded, and so shows all others later than they are, whoever made the stream.
fn in_order(folder: &Path) -> [PathBuf; 2] {
    let counter = judge::media("counter.mp4");
    let split = "[0:v]split[a][b];[a]scale=320:180[low];[b]scale=640:360[high]";
    let video = "-t 12.012 -c:v libx264 -preset ultrafast -bf 0 -g 48 -keyint_min 48 -sc_threshold 0 -crf 30";
    let mut arguments = vec!["-i", counter.to_str().unwrap(), "-filter_complex", split];
    arguments.extend("-map [low] -map 0:a".split(' ').chain(video.split(' ')));
    arguments.extend("-video_track_timescale 24000 -c:a aac -b:a 64k low.mp4 -map [high]".split(' '));
    arguments.extend(video.split(' ').chain("-video_track_timescale 24000 high.mp4".split(' ')));
    ffmpeg(folder, &arguments);
    ["low.mp4", "high.mp4"].map(|name| folder.join(name))
}

/// hls.js goes through the MPEG-TS set.
fn play(out: &Path, arguments: &[&str]) {
    let mut command = judge::harness("run.mjs");
    command.arg("--folder").arg(out);
    command.args(["--hls", "/ts/master.m3u8", "--players", "hls", "--rate", "24000/1001", "--heights", "180,360"]);
    command.args(["--segment-s", "2.002", "--frames", &FRAMES.to_string()]);
    judge::watch(command.args(arguments));
}

#[test]
fn hls_js_shows_every_picture_at_its_time_decrypts_both_ways_and_shows_nothing_with_a_wrong_key() {
    let folder = tempfile::tempdir().unwrap();
    let [low, high] = in_order(folder.path());
    for method in [None, Some("aes-128"), Some("sample-aes")] {
        let out = folder.path().join(method.unwrap_or("clear"));
        packaged(&[&low, &high], &out, method, &[]);
        play(&out, if method.is_some() { &["--brief"] } else { &[] });
        if method.is_some() {
            std::fs::write(out.join(format!("key-{}.bin", KEYS[0].0)), bytes_of(KEYS[1].1)).unwrap();
            play(&out, &["--refused"]);
        }
    }
}

#[test]
fn the_same_bytes_come_out_again_beside_an_encrypted_cmaf_set_and_with_one_processor() {
    let inputs = rungs();
    let folder = tempfile::tempdir().unwrap();
    let keys = key_file(folder.path());
    for method in ["aes-128", "sample-aes"] {
        let out = |name: &str| folder.path().join(format!("{method}-{name}"));
        packaged(&[&inputs.low, &inputs.high], &out("a"), Some(method), &["--scheme", "cbcs"]);
        packaged(&[&inputs.low, &inputs.high], &out("plain"), Some(method), &[]);
        let mut alone = Command::new("taskset");
        alone.args(["-c", "0"]).arg(judge::lectern()).args(["package", "--out"]).arg(out("b"));
        alone.args(["--segment-duration", "2", "--hls-ts", "--hls-ts-encryption", method, "--hls-ts-key-uri", KEY_URI]);
        alone.args(["--scheme", "cbcs", "--key-file"]).arg(&keys);
        judge::run(alone.arg("--input").arg(&inputs.low).arg("--input").arg(&inputs.high));
        let sets = ["a", "b", "plain"].map(|name| tree(&out(name).join("ts")));
        assert!(sets[0].len() == 3 * 6 + 4 && sets[0] == sets[1] && sets[0] == sets[2], "{method}");
    }
}

/// The error that packaging tells, which must end with this code.
fn refused(inputs: &[&Path], out: &Path, arguments: &[&str], exit: i32) -> String {
    let output = attempt(inputs, out, arguments);
    let (told, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(exit), "{arguments:?}: {told} {said}");
    assert!(!out.exists(), "something was left behind");
    format!("{told}{said}")
}

#[test]
fn what_cannot_go_into_it_is_left_out_with_a_note_or_refused_with_a_cure() {
    let made = tempfile::tempdir().unwrap();
    let low = rungs().low.to_str().unwrap();
    let hevc = "-c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=48:scenecut=0 -tag:v hvc1 -c:a libopus hevc.mp4";
    ffmpeg(
        made.path(),
        &[&["-i", low, "-t", "4.004", "-s", "192x108", "-ar", "48000"][..], &hevc.split(' ').collect::<Vec<_>>()]
            .concat(),
    );
    let hevc = made.path().join("hevc.mp4");
    let out = made.path().join("out");
    let told = refused(&[&hevc], &out, &["--hls-ts"], 65);
    assert!(told.contains("video-108p") && told.contains("leave --hls-ts away"), "{told}");
    let report = package(&[&rungs().low, &hevc], &out, &["--hls-ts"]);
    let notes = report["warnings"].to_string();
    assert!(notes.contains("MPEG-TS is without video-108p") && notes.contains("audio-und-opus"), "{notes}");
    let variants = out.join("ts").read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut variants: Vec<_> = variants.collect();
    variants.sort();
    assert_eq!(variants, ["audio-und-aac", "master.m3u8", "video-180p"]);

    let keys = key_file(made.path());
    let keys = ["--key-file", keys.to_str().unwrap()];
    let out = made.path().join("none");
    let sealed = ["--hls-ts", "--hls-ts-encryption", "aes-128"];
    let told = refused(&[&rungs().low], &out, &[&sealed[..], &keys, &["--hls-ts-key-uri", "k.bin"]].concat(), 78);
    assert!(told.contains("2 different keys") && told.contains("{kid}"), "{told}");
    let told = refused(&[&rungs().low], &out, &[&sealed[..], &keys].concat(), 2);
    assert!(told.contains("--hls-ts-key-uri"), "{told}");
    let told = refused(&[&rungs().low], &out, &[&sealed[..], &["--hls-ts-key-uri", KEY_URI]].concat(), 2);
    assert!(told.contains("--key-file"), "{told}");
    let told = refused(&[&rungs().low], &out, &keys, 2);
    assert!(told.contains("--scheme") && told.contains("--hls-ts-encryption"), "{told}");
    refused(&[&rungs().low], &out, &[&sealed[..], &keys, &["--hls-ts-key-uri", "a\"b"]].concat(), 2);
}

#[test]
fn edit_lists_and_late_sound_keep_pictures_and_sound_together() {
    let inputs = rungs();
    let folder = tempfile::tempdir().unwrap();
    let low = inputs.low.to_str().unwrap();
    ffmpeg(folder.path(), &["-ss", "1", "-i", low, "-c", "copy", "trimmed.mp4"]);
    let late = ["-i", low, "-itsoffset", "2.6", "-i", low, "-map", "0:v", "-map", "1:a", "-c", "copy", "late.mp4"];
    ffmpeg(folder.path(), &late);
    for name in ["trimmed", "late"] {
        let input = folder.path().join(name).with_extension("mp4");
        let out = folder.path().join(name);
        packaged(&[&input], &out, None, &[]);
        let newest = judge::ffmpeg_9();
        let of = |track: &str, scale| moved(hashes(&newest, &[], &joined(&out, track), "0:0", true), scale);
        let mut sound = of("audio-und", 44_100);
        sound.retain(|(time, _)| *time > START - 1024 * 90_000 / 44_100);
        check_sound(&out, "video-180p", &sound, None, true);
        let wanted = shown(&joined(&out, "video-180p")).into_iter().map(|time| ninety_khz(time, 24_000));
        let found = shown(&playlist(&out, "video-180p"));
        let wanted: Vec<i64> = wanted.collect();
        assert_eq!(found, wanted, "{name}");
    }
}
