//! Chapters: from inputs of every kind and from a file, into playlists, manifest and files that players read.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::inputs::{ffmpeg, rungs};
use super::trick::players;
use super::{package, tree};

const TITLES: [&str; 3] = ["Opening & greeting", "The \"middle\" <part>", "Übung"];

/// Three chapters that begin at 0, 4.5 and 9.25 s of 12.012 s.
fn metadata() -> String {
    let chapter = |(start, end, title): (u32, u32, &str)| {
        format!("[CHAPTER]\nTIMEBASE=1/1000\nSTART={start}\nEND={end}\ntitle={title}\n")
    };
    let [one, two, three] = TITLES;
    let all = [(0, 4500, one), (4500, 9250, two), (9250, 12_012, three)].map(chapter);
    format!(";FFMETADATA1\n{}", all.concat())
}

fn with_chapters(folder: &Path, name: &str, arguments: &[&str]) -> PathBuf {
    std::fs::write(folder.join("chapters.txt"), metadata()).unwrap();
    let low = rungs().low.to_str().unwrap();
    let input = ["-i", low, "-i", "chapters.txt", "-map", "0", "-map_chapters", "1", "-c", "copy"];
    ffmpeg(folder, &[&input[..], arguments, &[name]].concat());
    folder.join(name)
}

fn listed(out: &Path) -> Vec<(f64, f64, String, String)> {
    let json: Value = serde_json::from_slice(&std::fs::read(out.join("chapters.json")).unwrap()).unwrap();
    let chapters = json.as_array().unwrap().iter().enumerate().map(|(position, chapter)| {
        assert_eq!(chapter["chapter"], position + 1);
        let seconds = |name: &str| chapter[name].as_f64().unwrap();
        let title = &chapter["titles"][0];
        let text = |name: &str| title[name].as_str().unwrap().to_owned();
        (seconds("start-time"), seconds("start-time") + seconds("duration"), text("title"), text("language"))
    });
    chapters.collect()
}

fn check(out: &Path, end_s: f64, language: &str, off_s: f64) {
    let chapters = listed(out);
    let starts = [0.0, 4.5, 9.25];
    let ends = [4.5, 9.25, end_s];
    assert_eq!(chapters.len(), 3, "{chapters:?}");
    for (position, (start, end, title, tongue)) in chapters.iter().enumerate() {
        assert!((start - starts[position]).abs() <= off_s && (end - ends[position]).abs() < 0.15, "{chapters:?}");
        assert_eq!((title.as_str(), tongue.as_str()), (TITLES[position], language));
    }
    let master = std::fs::read_to_string(out.join("master.m3u8")).unwrap();
    assert!(master.contains("#EXT-X-SESSION-DATA:DATA-ID=\"com.apple.hls.chapters\",URI=\"chapters.json\"\n"));
}

#[test]
fn chapters_of_mp4_quicktime_and_matroska_files_are_told() {
    let folder = tempfile::tempdir().unwrap();
    for (name, arguments, language, off_s) in [
        ("named.mp4", &[][..], "und", 0.0),
        ("named.mov", &["-f", "mov"], "en", 0.0),
        // FFmpeg starts the pictures late, by the sound's priming, and leaves the chapters where they were.
        ("named.mkv", &[], "und", 0.03),
        ("fragments.mp4", &["-movflags", "frag_keyframe+empty_moov"], "und", 0.0),
    ] {
        let input = with_chapters(folder.path(), name, arguments);
        let out = folder.path().join(format!("{name}.out"));
        let report = package(&[&input], &out, &[]);
        assert_eq!(report["chapters"], 3, "{name}: {report}");
        assert_eq!(report["warnings"].as_array().unwrap().len(), 0, "{name}: {report}");
        check(&out, 12.012, language, off_s);
    }
}

#[test]
fn a_file_of_chapters_goes_before_those_of_inputs_and_players_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let input = with_chapters(folder.path(), "named.mp4", &[]);
    let file = folder.path().join("chapters.de.vtt");
    let cues = "WEBVTT\n\n00:00.000 --> 00:04.500\nOpening &amp; greeting\n\n\
                00:04.500 --> 00:09.250\nThe <b>\"middle\"</b> &lt;part&gt;\n\n00:09.250 --> 01:00:00.000\nÜbung\n";
    std::fs::write(&file, cues).unwrap();
    let out = folder.path().join("out");
    let arguments = ["--chapters", file.to_str().unwrap(), "--segment-duration", "2"];
    package(&[&input, &rungs().high], &out, &arguments);
    let again = folder.path().join("again");
    package(&[&input, &rungs().high], &again, &arguments);
    assert!(tree(&out) == tree(&again), "the same again is the same");
    let chapters = listed(&out);
    let end = chapters[2].1;
    check(&out, end, "de", 0.0);
    assert!((12.0..12.2).contains(&end), "the last one ends with the presentation, at {end} s");
    let vtt = std::fs::read_to_string(out.join("chapters.vtt")).unwrap();
    assert!(vtt.contains("00:00:04.500 --> 00:00:09.250\nThe \"middle\" &lt;part&gt;\n"), "{vtt}");
    let list: Vec<Value> = chapters
        .iter()
        .map(|(start, end, title, _)| json!({ "start_s": start, "end_s": end, "title": title }))
        .collect();
    players(&out, "chapters", &json!({ "language": "de", "list": list }), &["--players", "hls,dash,shaka,shaka-hls"]);
}

#[test]
fn what_is_no_list_of_chapters_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let many: String =
        (0..1001).map(|n| format!("00:{:02}:{:02}.000 --> 00:59:59.000\nn\n\n", n / 60, n % 60)).collect();
    for (text, reason) in
        [("no WebVTT at all", "WEBVTT"), ("WEBVTT\n\n", "0 cues"), (&*format!("WEBVTT\n\n{many}"), "1001 cues")]
    {
        let file = folder.path().join("chapters.vtt");
        std::fs::write(&file, text).unwrap();
        let out = folder.path().join("out");
        let output = super::attempt(&[&rungs().low], &out, &["--chapters", file.to_str().unwrap()]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(78), "{said}");
        assert!(said.contains(reason) && said.contains("chapters.unfit"), "{reason}: {said}");
        assert!(!out.exists());
    }
}
