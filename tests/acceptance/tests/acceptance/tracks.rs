//! Everything a recording has beside its pictures and its first sound: further languages, subtitles, chapters.

mod captions;
mod teletext;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::judge;
use crate::server::{Server, fresh, fresh_and_quick};

const TONES: [(&str, u32); 3] = [("eng", 440), ("deu", 880), ("fra", 1320)];
const FRAMES: u64 = 288;
/// Seconds of the recording, 24,000 pictures in 1001 of them.
const LENGTH_S: f64 = 12.012;
const CUES: [(f64, f64, &str); 3] = [(0.5, 2.25, "Welcome"), (3.0, 5.5, "Two & a half"), (9.0, 11.0, "The end")];
const CHAPTERS: [(f64, &str); 3] = [(0.0, "Opening"), (4.5, "The middle"), (9.25, "Questions & answers")];

/// A lecture as recorders of several languages leave it: three sound tracks, subtitles in two languages, chapters.
fn recording(folder: &Path, name: &str, subtitles: &str) -> PathBuf {
    let clock = |seconds: f64| format!("00:00:{:02},{:03}", seconds as u32, (seconds * 1000.0) as u32 % 1000);
    let srt: String = (1..)
        .zip(CUES)
        .map(|(number, (from, to, text))| format!("{number}\n{} --> {}\n{text}\n\n", clock(from), clock(to)))
        .collect();
    std::fs::write(folder.join("cues.srt"), srt).unwrap();
    let ends = CHAPTERS.iter().skip(1).map(|(start, _)| *start).chain([LENGTH_S]);
    let chapters: String = CHAPTERS
        .iter()
        .zip(ends)
        .map(|((start, title), end)| {
            let [start, end] = [*start, end].map(|at| (at * 1000.0) as u32);
            format!("[CHAPTER]\nTIMEBASE=1/1000\nSTART={start}\nEND={end}\ntitle={title}\n")
        })
        .collect();
    std::fs::write(folder.join("chapters.txt"), format!(";FFMETADATA1\n{chapters}")).unwrap();
    let mut command = Command::new("ffmpeg");
    command.current_dir(folder).args(["-nostdin", "-v", "error", "-i"]).arg(judge::media("counter.mp4"));
    for (_, hertz) in TONES {
        command.args(["-f", "lavfi", "-i", &format!("sine=frequency={hertz}:sample_rate=48000:duration={LENGTH_S}")]);
    }
    command.args(["-i", "cues.srt", "-f", "ffmetadata", "-i", "chapters.txt", "-map", "0:v", "-map", "1", "-map", "2"]);
    command.args(["-map", "3", "-map", "4", "-map", "4", "-map_chapters", "5", "-c:v", "copy"]);
    // Before coded sound FFmpeg makes room for its priming, but for chapters.
    command.args(["-c:a", if name.ends_with(".mkv") { "flac" } else { "aac" }]);
    command.args(["-frames:v", &FRAMES.to_string(), "-c:s", subtitles]);
    for (track, (language, _)) in TONES.iter().enumerate() {
        command.args([format!("-metadata:s:a:{track}"), format!("language={language}")]);
    }
    command.args(["-metadata:s:s:0", "language=eng", "-metadata:s:s:1", "language=spa", "-disposition:a:2", "comment"]);
    judge::run(command.args(["-disposition:s:0", "0", "-disposition:s:1", "hearing_impaired", name]));
    folder.join(name)
}

fn lines<'a>(master: &'a str, kind: &str) -> Vec<&'a str> {
    master.lines().filter(|line| line.starts_with(&format!("#EXT-X-MEDIA:TYPE={kind},"))).collect()
}

fn check_master(master: &str) {
    let sounds = lines(master, "AUDIO");
    assert_eq!(sounds.len(), 3, "{master}");
    let defaults: Vec<bool> = sounds.iter().map(|line| line.contains(",DEFAULT=YES")).collect();
    assert_eq!(defaults, [true, false, false], "{master}");
    for (line, language) in sounds.iter().zip(["en", "de", "fr"]) {
        assert!(line.contains(&format!(",LANGUAGE=\"{language}\"")), "{line}");
    }
    assert!(sounds[2].contains("commentary"), "{master}");
    let texts = lines(master, "SUBTITLES");
    assert_eq!(texts.len(), 2, "{master}");
    assert!(texts[1].contains("transcribes-spoken-dialog"), "{master}");
}

fn harness(server: &Server, addresses: &Value, arguments: &[&str]) {
    let (hls, dash) = (addresses["hls"].as_str().unwrap(), addresses["dash"].as_str().unwrap());
    judge::players_with(&server.base, hls, dash, FRAMES, "24000/1001", arguments);
}

fn wanted(folder: &Path, name: &str, what: &Value) -> String {
    let file = folder.join(name);
    std::fs::write(&file, what.to_string()).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn every_language_is_heard_and_read_in_three_players_and_chapters_are_listed() {
    let (folder, data) = fresh_and_quick();
    let server = Server::start(&data);
    let id = server.upload(&recording(folder.path(), "lecture.mkv", "srt"), "lecture.mkv");
    let asset = server.settled(&id, 400);
    assert_eq!(asset["state"], "ready", "{asset}");
    let playback = format!("/api/v1/playback/{}", asset["playback_id"].as_str().unwrap());
    let addresses = server.call("GET", &playback, &[], None).unwrap().json();
    let master = server.call("GET", addresses["hls"].as_str().unwrap(), &[], None).unwrap();
    let master = String::from_utf8(master.body).unwrap();
    check_master(&master);
    assert!(!lines(&master, "SUBTITLES").iter().any(|line| line.contains(",DEFAULT=YES")), "unasked: {master}");

    harness(&server, &addresses, &["--tones", "en:440,de:880,fr:1320"]);
    let cues: Vec<Value> =
        CUES.iter().map(|(from, to, text)| json!({ "start_s": from, "end_s": to, "text": text })).collect();
    let text = |language: &str| json!({ "language": language, "forced": false, "cues": cues });
    let texts = wanted(folder.path(), "cues.json", &json!([text("en"), text("es")]));
    harness(&server, &addresses, &["--cues", &texts]);
    let ends = CHAPTERS.iter().skip(1).map(|(start, _)| *start).chain([LENGTH_S]);
    let list: Vec<Value> = CHAPTERS
        .iter()
        .zip(ends)
        .map(|((start, title), end)| json!({ "start_s": start, "end_s": end, "title": title }))
        .collect();
    let told = json!({ "language": "und", "list": list, "file": "g2/chapters.vtt" });
    assert!(addresses["chapters"].as_str().unwrap().ends_with("/g2/chapters.vtt"), "{addresses}");
    let chapters = wanted(folder.path(), "chapters.json", &told);
    harness(&server, &addresses, &["--chapters", &chapters, "--players", "hls,dash,shaka"]);
    judge::page(&server.base, "menus.png", &["--menus", "3,2,3"]);
}

#[test]
fn a_second_sound_that_cannot_be_decoded_costs_itself_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("two.mkv");
    let mut command = Command::new("ffmpeg");
    command.args([
        "-nostdin",
        "-v",
        "error",
        "-f",
        "lavfi",
        "-i",
        "sine=f=440:d=5",
        "-f",
        "lavfi",
        "-i",
        "sine=f=880:d=5",
    ]);
    judge::run(command.args(["-map", "0", "-map", "1", "-c:a:0", "flac", "-c:a:1", "libvorbis"]).arg(&file));
    let mut bytes = std::fs::read(&file).unwrap();
    let setup = bytes.windows(7).position(|window| window == b"\x05vorbis").unwrap();
    bytes[setup + 7..setup + 200].fill(0xff);
    std::fs::write(&file, bytes).unwrap();
    let out = folder.path().join("out");
    let mut command = Command::new(judge::lectern());
    let said = judge::run(command.args(["--json", "encode", "--out"]).arg(&out).arg(&file)).stdout;
    let said = String::from_utf8(said).unwrap();
    let said: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    let names: Vec<_> = said["tracks"].as_array().unwrap().iter().map(|track| track["name"].clone()).collect();
    assert_eq!((names.len(), &names[0]), (1, &json!("audio-und")), "{said}");

    let (_folder, data) = fresh();
    let server = Server::start(&data);
    let asset = server.settled(&server.upload(&file, "two.mkv"), 120);
    assert_eq!(asset["state"], "ready", "{asset}");
}

#[test]
fn subtitles_of_an_mp4_file_are_those_of_its_local_encode() {
    let folder = tempfile::tempdir().unwrap();
    let (file, out) = (recording(folder.path(), "lecture.mp4", "mov_text"), folder.path().join("out"));
    judge::run(
        Command::new(judge::lectern()).args(["encode", "--ladder", "low-bandwidth", "--out"]).arg(&out).arg(&file),
    );
    check_master(&std::fs::read_to_string(out.join("master.m3u8")).unwrap());
    judge::run(Command::new(judge::lectern()).arg("lint").arg(&out));
    for language in ["en", "es"] {
        let folder = out.join(format!("text-{language}"));
        let text = |index: u32| std::fs::read_to_string(folder.join(format!("{index:05}.vtt"))).unwrap();
        assert!(text(1).contains("00:00:03.000 --> 00:00:05.500\nTwo &amp; a half\n"), "{language}: {}", text(1));
        assert!(text(2).contains("00:00:03.000 --> 00:00:05.500\nTwo &amp; a half\n"), "{language}: {}", text(2));
        assert!(text(3).contains("00:00:09.000 --> 00:00:11.000\nThe end\n"), "{language}: {}", text(3));
    }
    let chapters: Value = serde_json::from_slice(&std::fs::read(out.join("chapters.json")).unwrap()).unwrap();
    assert_eq!(chapters.as_array().map(Vec::len), Some(3), "{chapters}");
}
