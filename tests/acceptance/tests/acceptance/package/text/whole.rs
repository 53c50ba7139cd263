//! Subtitles as one WebVTT file each, for DASH: `--dash-subtitles webvtt`.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::super::refusals::refused;
use super::super::{key_file, tree};
use super::{TRACKS, clock, expected, package_with_text, subtitle_files, wanted, watch_text};
use crate::judge;
use crate::package::inputs::rungs;

const WHOLE: [&str; 2] = ["--dash-subtitles", "webvtt"];

fn package_whole(folder: &Path, out: &Path, arguments: &[&str]) -> Value {
    package_with_text(folder, out, &[&WHOLE, arguments].concat())
}

#[test]
fn three_players_show_each_cue_of_whole_webvtt_files_at_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let report = package_whole(folder.path(), &out, &[]);
    assert_eq!(report["warnings"], json!([]));
    watch_text(&out, &expected(), &[]);
}

#[test]
fn whole_webvtt_files_beside_encrypted_single_files_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    let keys = key_file(folder.path());
    let keys = keys.to_str().unwrap();
    let out = folder.path().join("out");
    package_whole(folder.path(), &out, &["--single-file", "--scheme", "cbcs", "--key-file", keys]);
    watch_text(&out, &expected(), &["--players", "dash,shaka", "--keys", keys]);
}

#[test]
fn whole_webvtt_files_stand_where_the_cmaf_tracks_stood_and_hls_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let [cmaf, whole, again] = ["cmaf", "whole", "again"].map(|name| folder.path().join(name));
    package_with_text(folder.path(), &cmaf, &[]);
    let report = package_whole(folder.path(), &whole, &[]);
    assert_eq!(report["warnings"], json!([]));
    package_whole(folder.path(), &again, &[]);
    let (mut cmaf, mut whole) = (tree(&cmaf), tree(&whole));
    assert!(whole == tree(&again), "two runs differ");
    for (track, (language, forced, cues)) in TRACKS.iter().zip(wanted()) {
        let file = whole.remove(&Path::new(track).join("subtitles.vtt")).unwrap();
        let mut text = "WEBVTT\n".to_owned();
        for (start, end, said) in cues {
            text.push_str(&format!("\n{} --> {}\n{said}\n", clock(start, '.'), clock(end, '.')));
        }
        assert_eq!(String::from_utf8(file).unwrap().replace(" align:start", ""), text, "{track}");
        let manifest = String::from_utf8(whole[Path::new("manifest.mpd")].clone()).unwrap();
        let sets = manifest.split("<AdaptationSet ").skip(1);
        let set = sets.into_iter().find(|set| set.contains(&format!("<Representation id=\"{track}\""))).unwrap();
        let role = if forced { "value=\"forced-subtitle\"" } else { "value=\"subtitle\"" };
        for told in [
            &format!(" lang=\"{language}\""),
            " mimeType=\"text/vtt\"",
            role,
            &format!("<BaseURL>{track}/subtitles.vtt</BaseURL>"),
        ] {
            assert!(set.contains(told), "{told}: {set}");
        }
    }
    let is_cmaf_text = |path: &Path| {
        let text = path.parent().is_some_and(|track| TRACKS.iter().any(|name| track == Path::new(name)));
        text && path.extension().is_some_and(|extension| extension == "m4s" || extension == "mp4")
    };
    assert!(!whole.keys().any(|path| is_cmaf_text(path)));
    cmaf.retain(|path, _| !is_cmaf_text(path));
    let manifest = Path::new("manifest.mpd");
    assert_ne!(cmaf.remove(manifest), whole.remove(manifest));
    assert!(cmaf == whole, "HLS, pictures or sound differ");
}

#[test]
fn the_linter_finds_whole_webvtt_files_sound_and_says_what_is_wrong_in_one() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    package_whole(folder.path(), &out, &[]);
    let lint = || {
        let mut command = Command::new(judge::lectern());
        let output = command.args(["lint", "--strict"]).arg(out.join("manifest.mpd")).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, told) = lint();
    assert_eq!(code, Some(0), "{told}");
    let file = out.join("text-fr/subtitles.vtt");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replacen("00:00:01.250", "00:00:00.250", 1)).unwrap();
    let (code, told) = lint();
    assert!(
        code == Some(1) && told.contains("line 3: the cue ends at 0.25 s and starts at 0.5 s [dash.webvtt"),
        "{told}"
    );
}

#[test]
fn ffmpeg_reads_every_cue_of_whole_webvtt_files_by_the_manifest() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    package_whole(folder.path(), &out, &[]);
    for (track, (_, _, cues)) in TRACKS.iter().zip(wanted()) {
        // From a disk, not over HTTP, it opens only names of media without this.
        let mut command = Command::new(judge::ffmpeg_9());
        command.args(["-nostdin", "-v", "error", "-copyts", "-allowed_extensions", "ALL", "-i"]);
        command.arg(out.join("manifest.mpd")).args(["-map", &format!("0:m:id:{track}"), "-f", "webvtt", "-"]);
        let output = judge::run(&mut command);
        assert!(output.stderr.is_empty(), "{track}: {}", String::from_utf8_lossy(&output.stderr));
        let read = String::from_utf8(output.stdout).unwrap().replace(" align:start", "");
        let read: BTreeSet<&str> = read.split("\n\n").map(str::trim).collect();
        for (start, end, said) in cues {
            let cue = format!("{} --> {}\n{said}", &clock(start, '.')[3..], &clock(end, '.')[3..]);
            assert!(read.contains(&cue[..]), "{track}: no {cue:?} in {read:?}");
        }
    }
}

#[test]
fn whole_webvtt_files_in_several_periods_are_refused_with_a_cure() {
    let folder = tempfile::tempdir().unwrap();
    let made = tempfile::tempdir().unwrap();
    let [german, ..] = subtitle_files(made.path());
    let inputs = [rungs().low.as_path(), &german];
    let error = refused(folder.path(), &inputs, &[&WHOLE[..], &["--periods"]].concat(), 78);
    assert!(error["hint"].as_str().unwrap().contains("--periods"), "{error}");
}
