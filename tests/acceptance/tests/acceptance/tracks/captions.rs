//! Closed captions inside of a recording's pictures: published as subtitles, and no longer inside.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::{harness, lines, wanted};
use crate::judge;
use crate::package::captions::{Codec, SAID, SERVICES, SHOWN, both, captioned, line21, track};
use crate::server::{Server, fresh};

/// From when to when in milliseconds, and the text, of a WebVTT track in pieces.
fn read(folder: &Path) -> Vec<(u64, u64, String)> {
    let ms = |clock: &str| {
        let parts = clock.split([':', '.']).map(|part| part.parse::<u64>().unwrap());
        let [hours, minutes, seconds, ms] = parts.collect::<Vec<_>>()[..] else { panic!("{clock}") };
        ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms
    };
    let mut cues = Vec::new();
    let names = folder.read_dir().unwrap().map(|entry| entry.unwrap().path());
    for file in names.filter(|name| name.extension().is_some_and(|kind| kind == "vtt")) {
        let text = std::fs::read_to_string(file).unwrap();
        for block in text.split("\n\n") {
            let Some((times, said)) = block.split_once('\n').filter(|(times, _)| times.contains(" --> ")) else {
                continue;
            };
            let (from, to) = times.split_once(" --> ").unwrap();
            cues.push((ms(from), ms(to.split(' ').next().unwrap()), said.trim_end().to_owned()));
        }
    }
    cues.sort();
    cues.dedup();
    cues
}

fn check_track(out: &Path, name: &str, (from, to): (usize, usize), said: &str) {
    let found = read(&out.join(name));
    let ms = |picture: usize| (picture as u64 * 1_001_000 + 12_000) / 24_000;
    let [(start, end, text)] = &found[..] else { panic!("{name}: {found:?}") };
    assert!(start.abs_diff(ms(from)) <= 1 && end.abs_diff(ms(to)) <= 1, "{name}: {found:?}");
    assert_eq!(text, said, "{name}");
}

/// User data of ATSC A/53 begin with this, whatever the codec.
fn check_pictures(out: &Path) {
    let folders = out.read_dir().unwrap().map(|entry| entry.unwrap().path());
    let pictures = folders.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("video-"));
    let segments: Vec<_> = pictures.flat_map(|folder| folder.read_dir().unwrap()).map(|entry| entry.unwrap()).collect();
    assert!(segments.len() > 3, "{segments:?}");
    for segment in segments {
        let bytes = std::fs::read(segment.path()).unwrap();
        assert!(!bytes.windows(4).any(|four| four == b"GA94"), "{segment:?}");
    }
}

#[test]
fn captions_of_every_codec_are_read_word_by_word_and_no_longer_in_the_pictures() {
    let folder = tempfile::tempdir().unwrap();
    captioned(folder.path(), Codec::Avc, both());
    for (name, coder) in [
        ("avc.mp4", "libx264 -preset ultrafast -bf 3 -a53cc 1"),
        ("avc.ts", "libx264 -preset ultrafast -bf 3 -a53cc 1"),
        ("hevc.mkv", "libx265 -preset ultrafast -x265-params log-level=none:bframes=3 -a53cc 1"),
        ("mpeg2.ts", "mpeg2video -b:v 1M -bf 2 -a53cc 1"),
    ] {
        let mut command = Command::new(judge::ffmpeg_9());
        command.current_dir(folder.path()).args(["-nostdin", "-v", "error", "-y", "-i", "captioned.mp4", "-c:v"]);
        judge::run(command.args(coder.split(' ')).arg(name));
        let out = folder.path().join(name.replace('.', "-"));
        let mut command = Command::new(judge::lectern());
        judge::run(
            command.args(["encode", "--ladder", "low-bandwidth", "--out"]).arg(&out).arg(folder.path().join(name)),
        );
        check_track(&out, "text-cc1", SHOWN, SAID);
        for (number, (shown, said)) in (1..).zip(SERVICES) {
            check_track(&out, &format!("text-service-{number}"), shown, said);
        }
        let master = std::fs::read_to_string(out.join("master.m3u8")).unwrap();
        let listed = lines(&master, "SUBTITLES");
        assert_eq!(listed.len(), 3, "{name}: {master}");
        for (line, label) in listed.iter().zip(["CC1", "Service 1", "Service 2"]) {
            assert!(line.contains(&format!(",NAME=\"{label}\"")), "{line}");
        }
        assert!(master.contains(",CLOSED-CAPTIONS=NONE"), "{name}: {master}");
        check_pictures(&out);
        judge::run(Command::new(judge::lectern()).arg("lint").arg(&out));
    }
}

#[test]
fn captions_of_an_uploaded_recording_are_shown_by_three_players_at_their_times() {
    let (folder, data) = fresh();
    let server = Server::start(&data);
    let id = server.upload(&captioned(folder.path(), Codec::Avc, line21()), "lecture.mp4");
    let asset = server.settled(&id, 400);
    assert_eq!(asset["state"], "ready", "{asset}");
    let playback = format!("/api/v1/playback/{}", asset["playback_id"].as_str().unwrap());
    let addresses = server.call("GET", &playback, &[], None).unwrap().json();
    let texts = wanted(folder.path(), "cues.json", &json!([track("und", SHOWN, SAID)]));
    harness(&server, &addresses, &["--cues", &texts]);
}
