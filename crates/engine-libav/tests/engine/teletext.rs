//! Teletext subtitles come out word for word, when they are shown, in the languages that are announced.

use std::path::{Path, PathBuf};
use std::process::Command;

use pipeline::{CollectingSink, Engine, TextOrder};

use crate::media::{Folder, open, planned};

/// Two rows of English, one repeated three times, and one row at once behind another; umlauts of the German page; a page of
/// programmes that is no subtitle.
const PAGES: &str = r##"[
 {"page": "888", "language": "eng", "kind": 2, "cues": [
   [1.0, 3.5, [[20, "\r\u000b\u000bHello, world.\n\n"], [22, "\r\u000b\u000b\u0003Cost: #5 {or} more\n\n"]]],
   [4.0, null, [[22, "\r\u000b\u000bFirst\n\n"]]],
   [5.0, 6.0, [[22, "\r\u000b\u000bSecond\n\n"]]]]},
 {"page": "777", "language": "deu", "kind": 5, "national": 1, "cues": [
   [2.0, 5.04, [[22, "\r\u000b\u000bGr}~e, [rger | @ 1\n\n"]]]]},
 {"page": "100", "language": "eng", "kind": 1, "cues": [[1.0, 2.0, [[5, "News"]]]]}
]"##;

/// A recording of eight seconds with teletext.
fn recording(folder: &Folder, pages: &str, arguments: &[&str]) -> PathBuf {
    let source = folder.make(
        "-f lavfi -i testsrc2=s=128x72:r=25:d=8 -f lavfi -i sine=d=8 -c:v libx264 -preset ultrafast -c:a mp2 plain.ts",
    );
    let (out, list) = (folder.path("teletext.ts"), folder.path("pages.json"));
    std::fs::write(&list, pages).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/media/teletext.py");
    let status = Command::new("python3").arg(script).args([&source, &out, &list]).args(arguments).status().unwrap();
    assert!(status.success());
    out
}

/// From when, until when if that is said, in milliseconds, and the text.
type Read = (i64, Option<i64>, String);

fn read(file: &Path) -> (Vec<String>, Vec<Vec<Read>>) {
    let (mut engine, _, plan) = planned(file);
    let mut sink = CollectingSink::new(1000);
    let summary = engine.read_text(&TextOrder { tracks: plan.text.clone() }, &mut sink).unwrap();
    assert_eq!(summary.lost_packets, 0);
    let told = |cue: &pipeline::TextCue| {
        let text = cue.event.splitn(9, ',').last().unwrap().to_owned();
        (cue.start_us / 1000, cue.end_us.map(|end| end / 1000), text)
    };
    let of = |track| sink.cues.get(&track).map_or(Vec::new(), |cues| cues.iter().map(told).collect());
    let named = |text: &media_types::TextPlan| {
        format!("{} {}", text.name, if text.roles.hearing_impaired { "impaired" } else { "all" })
    };
    (plan.text.iter().map(named).collect(), (0..plan.text.len() as u32).map(of).collect())
}

#[test]
fn announced_pages_are_read_word_for_word_and_each_change_once() {
    let folder = Folder::new();
    let (names, cues) = read(&recording(&folder, PAGES, &[]));
    assert_eq!(names, ["en all", "de impaired"]);
    let at = |ms: i64, text: &str| (ms, None, text.to_owned());
    // What is sent again is not told again; an empty one clears the screen.
    let english = [
        at(1000, r"Hello, world.\NCost: £5 ¼or¾ more"),
        at(3500, ""),
        at(4000, "First"),
        at(5000, "Second"),
        at(6000, ""),
    ];
    assert_eq!(cues[0], english);
    assert_eq!(cues[1], [at(2000, "Grüße, Ärger ö § 1"), at(5040, "")]);
}

#[test]
fn teletext_without_subtitles_is_left_out_by_name() {
    let folder = Folder::new();
    for (pages, arguments) in [
        (PAGES, &["--no-descriptor"][..]),
        (&PAGES.replace("\"kind\": 2", "\"kind\": 1").replace("\"kind\": 5", "\"kind\": 3"), &[]),
    ] {
        let report = open(&recording(&folder, pages, arguments)).probe().unwrap();
        assert!(report.text.is_empty());
        let said = "subtitle track 2 (dvb_teletext) is left out: it is teletext that announces no subtitles";
        assert_eq!(report.warnings, [said]);
    }
}
