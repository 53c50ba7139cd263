//! Subtitles: players list them and show each cue at its time, and each segment holds the cues that are seen in it.

mod whole;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::inputs::{FRAMES, GROUP, ffmpeg, rungs};
use super::{boxes, joined, key_file, package, track_names, tree};
use crate::judge;

/// When each cue of the three whole tracks is seen: within a segment, over two borders, and over one.
const TIMES_MS: [(u64, u64); 3] = [(500, 1_250), (1_900, 4_300), (7_123, 8_456)];
/// File, language, what its cues say.
const WHOLE: [(&str, &str, [&str; 3]); 3] = [
    ("talk.de.vtt", "de", ["Guten Tag", "Über zwei Grenzen", "Schluß"]),
    ("talk.fr.srt", "fr", ["Bonjour", "Au-delà de deux limites", "Fin"]),
    ("talk.en.ttml", "en", ["Good day", "Across two borders", "The end"]),
];
const SIGN: Cue = (2_500, 3_700, "EXIT");
const TRACKS: [&str; 4] = ["text-de", "text-fr", "text-en", "text-en-forced"];

/// `hh:mm:ss`, the mark, and milliseconds.
fn clock(ms: u64, mark: char) -> String {
    format!("00:00:{:02}{mark}{:03}", ms / 1000, ms % 1000)
}

/// Writes four subtitle files: WebVTT, SubRip, TTML, and a forced one.
pub fn subtitle_files(folder: &Path) -> [PathBuf; 4] {
    let [de, fr, en] = WHOLE.map(|(name, _, said)| {
        let mut text = match &name[name.len() - 3..] {
            "vtt" => "WEBVTT\n\n".to_owned(),
            "srt" => String::new(),
            _ => "<tt xmlns=\"http://www.w3.org/ns/ttml\" xml:lang=\"en\"><body><div>\n".to_owned(),
        };
        for (index, ((start, end), said)) in TIMES_MS.iter().zip(said).enumerate() {
            let (start, end) = (|mark| clock(*start, mark), |mark| clock(*end, mark));
            let written = match &name[name.len() - 3..] {
                "vtt" => writeln!(text, "{} --> {}\n{said}\n", start('.'), end('.')),
                "srt" => writeln!(text, "{}\n{} --> {}\n{said}\n", index + 1, start(','), end(',')),
                _ => writeln!(text, "<p begin=\"{}\" end=\"{}\">{said}</p>", start('.'), end('.')),
            };
            written.unwrap();
        }
        if name.ends_with("ttml") {
            text.push_str("</div></body></tt>\n");
        }
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path
    });
    let forced = folder.join("talk.en.forced.vtt");
    let (start, end, said) = SIGN;
    std::fs::write(&forced, format!("WEBVTT\n\n{} --> {}\n{said}\n", clock(start, '.'), clock(end, '.'))).unwrap();
    [de, fr, en, forced]
}

/// Packages both rungs with the four subtitle files.
pub fn package_with_text(folder: &Path, out: &Path, arguments: &[&str]) -> Value {
    let (inputs, texts) = (rungs(), subtitle_files(folder));
    let inputs: Vec<&Path> = [&inputs.low, &inputs.high].into_iter().chain(&texts).map(PathBuf::as_path).collect();
    package(&inputs, out, &[&["--segment-duration", "2"], arguments].concat())
}

/// Start and end in milliseconds, and the text.
type Cue = (u64, u64, &'static str);

/// The tracks in the order of `TRACKS`: language, whether forced, and cues.
fn wanted() -> Vec<(&'static str, bool, Vec<Cue>)> {
    let whole = WHOLE.map(|(_, language, said)| {
        (language, false, TIMES_MS.iter().zip(said).map(|((start, end), said)| (*start, *end, said)).collect())
    });
    whole.into_iter().chain([("en", true, vec![SIGN])]).collect()
}

/// The tracks as the players' harness reads them.
fn expected() -> Value {
    let track = |(language, forced, cues): (&str, bool, Vec<Cue>)| {
        let cue =
            |(start, end, said)| json!({ "start_s": start as f64 / 1e3, "end_s": end as f64 / 1e3, "text": said });
        json!({ "language": language, "forced": forced, "cues": cues.into_iter().map(cue).collect::<Vec<_>>() })
    };
    wanted().into_iter().map(track).collect()
}

/// Players list these text tracks of a package and show each cue at its time.
pub fn watch_text(out: &Path, tracks: &Value, arguments: &[&str]) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), tracks.to_string()).unwrap();
    let mut command = judge::harness("run.mjs");
    command.arg("--folder").arg(out).arg("--cues").arg(file.path());
    command.args(["--hls", "/master.m3u8", "--dash", "/manifest.mpd", "--rate", "24000/1001"]);
    command.args(["--frames", &FRAMES.to_string()]).args(arguments);
    judge::watch(&mut command);
}

#[test]
fn three_players_list_the_subtitles_and_show_each_cue_at_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let report = package_with_text(folder.path(), &out, &[]);
    assert_eq!(report["warnings"], json!([]));
    watch_text(&out, &expected(), &[]);
}

#[test]
fn webvtt_segments_hold_each_cue_in_each_segment_that_it_is_seen_in() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    package_with_text(folder.path(), &out, &[]);
    // Segments end with groups of pictures, at 24000/1001 a second.
    let border_us = |count: u64| count * GROUP * 1_001_000 / 24;
    for (track, (_, _, cues)) in TRACKS.iter().zip(wanted()) {
        let list = std::fs::read_to_string(out.join(track).join("media.m3u8")).unwrap();
        let names: Vec<&str> = list.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(names.len() as u64, FRAMES / GROUP, "{track}");
        for (index, name) in (0..).zip(names) {
            let text = std::fs::read_to_string(out.join(track).join(name)).unwrap();
            assert!(text.starts_with("WEBVTT\nX-TIMESTAMP-MAP="), "{track} {name}: {text}");
            let seen = cues
                .iter()
                .filter(|(start, end, _)| start * 1000 < border_us(index + 1) && end * 1000 > border_us(index));
            let seen: Vec<_> = seen.map(|(start, end, said)| (clock(*start, '.'), clock(*end, '.'), *said)).collect();
            let found = text.lines().zip(text.lines().skip(1)).filter_map(|(line, said)| {
                let (start, rest) = line.split_once(" --> ")?;
                Some((start.to_owned(), rest.split(' ').next()?.to_owned(), said))
            });
            assert_eq!(found.collect::<Vec<_>>(), seen, "{track} {name}");
        }
    }
}

#[test]
fn playlist_and_manifest_say_language_and_purpose_of_each_text() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let report = package_with_text(folder.path(), &out, &[]);
    assert_eq!(track_names(&report)[3..], TRACKS);
    let master = std::fs::read_to_string(out.join("master.m3u8")).unwrap();
    let manifest = std::fs::read_to_string(out.join("manifest.mpd")).unwrap();
    let sets: Vec<&str> = manifest.split("<AdaptationSet ").skip(1).collect();
    for (track, (language, forced, _)) in TRACKS.iter().zip(wanted()) {
        let uri = format!("URI=\"{track}/media.m3u8\"");
        let rendition = master.lines().find(|line| line.ends_with(&uri)).unwrap();
        assert!(rendition.starts_with("#EXT-X-MEDIA:TYPE=SUBTITLES,"), "{rendition}");
        assert!(rendition.contains(&format!(",LANGUAGE=\"{language}\",")), "{rendition}");
        assert!(rendition.contains(if forced { ",FORCED=YES," } else { ",FORCED=NO," }), "{rendition}");
        let set = sets.iter().find(|set| set.contains(&format!("<Representation id=\"{track}\""))).unwrap();
        assert!(set.contains(&format!(" lang=\"{language}\"")) && set.contains("contentType=\"text\""), "{set}");
        let role = if forced { "value=\"forced-subtitle\"" } else { "value=\"subtitle\"" };
        assert!(set.contains(role), "{set}");
    }
    let variants = master.lines().filter(|line| line.starts_with("#EXT-X-STREAM-INF:"));
    assert_eq!(variants.filter(|line| line.contains(",SUBTITLES=\"text\"")).count(), 2, "{master}");
}

#[test]
fn text_beside_encrypted_pictures_and_sound_stays_clear_and_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let keys = key_file(folder.path());
    let keys = keys.to_str().unwrap();
    let (clear, sealed) = (folder.path().join("clear"), folder.path().join("sealed"));
    package_with_text(folder.path(), &clear, &[]);
    package_with_text(folder.path(), &sealed, &["--scheme", "cbcs", "--key-file", keys]);
    for track in TRACKS {
        assert!(tree(&clear.join(track)) == tree(&sealed.join(track)), "{track}: encryption changed the text");
    }
    let init = std::fs::read(sealed.join("video-180p/init.mp4")).unwrap();
    assert_eq!(boxes(&init, b"sinf").len(), 1, "the pictures are encrypted");
    let manifest = std::fs::read_to_string(sealed.join("manifest.mpd")).unwrap();
    for set in manifest.split("<AdaptationSet ").skip(1) {
        assert_eq!(set.contains("<ContentProtection"), !set.contains("contentType=\"text\""), "{set}");
    }
    watch_text(&sealed, &expected(), &["--players", "shaka", "--keys", keys]);
}

/// Start, end and text of all cues in the WebVTT segments of a track.
fn cues_of(out: &Path, track: &str) -> BTreeSet<(String, String, String)> {
    let mut cues = BTreeSet::new();
    for path in out.join(track).read_dir().unwrap().map(|entry| entry.unwrap().path()) {
        if path.extension().is_some_and(|extension| extension == "vtt") {
            let text = std::fs::read_to_string(path).unwrap();
            for block in text.split("\n\n").filter(|block| block.contains(" --> ")) {
                let (times, said) = block.split_once('\n').unwrap();
                let (start, end) = times.split_once(" --> ").unwrap();
                let end = end.split(' ').next().unwrap();
                cues.insert((start.to_owned(), end.to_owned(), said.trim_end().to_owned()));
            }
        }
    }
    cues
}

fn wanted_cues(said: &[&str; 3]) -> BTreeSet<(String, String, String)> {
    TIMES_MS
        .iter()
        .zip(said)
        .map(|((start, end), said)| (clock(*start, '.'), clock(*end, '.'), (*said).to_owned()))
        .collect()
}

/// The low rung with these subtitle files inside, each in a codec, with a language and for a purpose.
fn with_text_inside(folder: &Path, name: &str, texts: &[(&Path, &str, &str, &str)]) -> PathBuf {
    let mut arguments: Vec<String> = vec!["-i".into(), rungs().low.to_str().unwrap().into()];
    let mut rest: Vec<String> = ["-map", "0", "-c", "copy"].map(str::to_owned).into();
    for (index, (file, codec, language, purpose)) in texts.iter().enumerate() {
        arguments.extend(["-i".into(), file.to_str().unwrap().into()]);
        rest.extend(["-map".into(), format!("{}", index + 1), format!("-c:s:{index}"), (*codec).into()]);
        rest.extend([format!("-metadata:s:s:{index}"), format!("language={language}")]);
        rest.extend([format!("-disposition:s:{index}"), (*purpose).into()]);
    }
    arguments.extend(rest);
    arguments.push(name.into());
    ffmpeg(folder, &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    folder.join(name)
}

#[test]
fn timed_text_of_3gpp_in_mp4_is_shown_by_three_players_with_its_language_and_purpose() {
    let folder = tempfile::tempdir().unwrap();
    let [de, fr, _, sign] = subtitle_files(folder.path());
    let texts: [(&Path, &str, &str, &str); 3] = [
        (&de, "mov_text", "ger", "hearing_impaired"),
        (&fr, "mov_text", "fre", "0"),
        (&sign, "mov_text", "eng", "forced"),
    ];
    let input = with_text_inside(folder.path(), "tx3g.mp4", &texts);
    let bytes = std::fs::read(&input).unwrap();
    assert_eq!(boxes(&bytes, b"tx3g").len(), 3, "FFmpeg made 3GPP timed text");
    let out = folder.path().join("out");
    let report = package(&[&input], &out, &["--segment-duration", "2"]);
    assert_eq!(track_names(&report)[2..], ["text-de-sdh", "text-fr", "text-en-forced"]);
    assert_eq!(report["warnings"], json!([]));
    assert_eq!(cues_of(&out, "text-de-sdh"), wanted_cues(&WHOLE[0].2));
    assert_eq!(cues_of(&out, "text-fr"), wanted_cues(&WHOLE[1].2));
    let mut tracks = expected();
    // The English one of the whole tracks is not there.
    tracks.as_array_mut().unwrap().remove(2);
    watch_text(&out, &tracks, &[]);
}

#[test]
fn italics_bold_and_underline_of_3gpp_timed_text_are_tags_of_webvtt() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("styled.srt");
    let said = "Ein <i>schräger</i>, <b>fetter</b> und\n<u>unter</u>strichener Satz & mehr";
    std::fs::write(&file, format!("1\n00:00:01,001 --> 00:00:02,999\n{said}\n")).unwrap();
    let input = with_text_inside(folder.path(), "styled.mp4", &[(&file, "mov_text", "ger", "0")]);
    let out = folder.path().join("out");
    package(&[&input], &out, &[]);
    let (start, end) = ("00:00:01.001".to_owned(), "00:00:02.999".to_owned());
    assert_eq!(cues_of(&out, "text-de"), BTreeSet::from([(start, end, said.replace('&', "&amp;"))]));
}

#[test]
fn webvtt_and_ttml_in_mp4_and_all_text_of_matroska_say_what_their_files_said() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    package_with_text(folder.path(), &out, &[]);
    let [wvtt, stpp] = ["text-de", "text-en"].map(|track| joined(&out, track));
    let again = folder.path().join("again");
    let report = package(&[&rungs().low, &wvtt, &stpp], &again, &["--segment-duration", "2"]);
    assert_eq!(track_names(&report)[2..], ["text-de", "text-en"]);
    assert_eq!(cues_of(&again, "text-de"), wanted_cues(&WHOLE[0].2));
    assert_eq!(cues_of(&again, "text-en"), wanted_cues(&WHOLE[2].2));

    let [de, fr, _, sign] = subtitle_files(folder.path());
    let styled = folder.path().join("styled.ass");
    let head = "[Script Info]\nScriptType: v4.00+\n\n[Events]\n\
                Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n";
    let line = "Dialogue: 0,0:00:01.50,0:00:03.25,Default,,0,0,0,,{\\c&H00FF00&}Colour is {\\i1}left{\\i0}\\Nout\n";
    std::fs::write(&styled, format!("{head}{line}")).unwrap();
    let texts: [(&Path, &str, &str, &str); 4] = [
        (&de, "webvtt", "ger", "hearing_impaired"),
        (&fr, "subrip", "fre", "0"),
        (&sign, "webvtt", "eng", "forced"),
        (&styled, "ass", "ita", "0"),
    ];
    let input = with_text_inside(folder.path(), "text.mkv", &texts);
    let out = folder.path().join("matroska");
    let report = package(&[&input], &out, &["--segment-duration", "2"]);
    assert_eq!(track_names(&report)[2..], ["text-de-sdh", "text-fr", "text-en-forced", "text-it"]);
    assert_eq!(cues_of(&out, "text-de-sdh"), wanted_cues(&WHOLE[0].2));
    assert_eq!(cues_of(&out, "text-fr"), wanted_cues(&WHOLE[1].2));
    let colour = ("00:00:01.500", "00:00:03.250", "Colour is <i>left</i>\nout");
    assert_eq!(cues_of(&out, "text-it"), BTreeSet::from([colour].map(|(a, b, c)| (a.into(), b.into(), c.into()))));
    let [note] = &report["warnings"].as_array().unwrap()[..] else { panic!("{report}") };
    assert!(note.as_str().unwrap().contains("its subtitles are styled (ASS)"), "{note}");
}
