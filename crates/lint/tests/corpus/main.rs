//! For every rule a presentation that breaks it, and a valid one that breaks none.
#![allow(clippy::unwrap_used)]

mod cases;
mod fixture;
mod media;
mod pieces;

use std::collections::BTreeSet;

use cases::{Case, Edit, cases};
use fixture::{Files, files, lint, options};
use proptest::prelude::*;

#[test]
fn a_valid_presentation_has_no_findings() {
    for protected in [false, true] {
        let files = files(protected);
        for root in ["m.m3u8", "m.mpd", "v1.m3u8", "x.mp4"] {
            let report = lint(&files, root, options(), None);
            assert!(report.findings.is_empty(), "{root}\n{report}");
            assert!(report.segments > 0 || root == "x.mp4", "{root}: {report}");
        }
    }
}

#[test]
fn periods_that_go_on_and_announced_events_are_no_findings() {
    let mut files = files(false);
    files.insert("v1/1.m4s".to_owned(), pieces::announced(&pieces::event(60_000, "urn:scte:scte35:2013:bin")));
    let undivided = String::from_utf8(files["m.mpd"].clone()).unwrap();
    let told = undivided.replacen("<Role", "<InbandEventStream schemeIdUri=\"urn:scte:scte35:2013:bin\"/><Role", 1);
    files.insert("m.mpd".to_owned(), told.into_bytes());
    let report = lint(&files, "m.mpd", options(), None);
    assert!(report.findings.is_empty(), "{report}");
    files.insert("m.mpd".to_owned(), pieces::divided("p0", 100_000, "1"));
    let [second, third] = [1, 2].map(|number| media::segment(true, false, number));
    let event = pieces::event(120_000, "urn:scte:scte35:2013:bin");
    files.insert("v1/1.m4s".to_owned(), second);
    files.insert("v1/2.m4s".to_owned(), [&third[..24], &event, &third[24..]].concat());
    let report = lint(&files, "m.mpd", options(), None);
    assert!(report.findings.is_empty(), "{report}");
}

#[test]
fn an_interstitial_with_all_attributes_is_no_finding() {
    let mut files = files(false);
    let text = String::from_utf8(files["v1.m3u8"].clone()).unwrap();
    let range = "#EXT-X-DATERANGE:ID=\"a\",CLASS=\"com.apple.hls.interstitial\",START-DATE=\"2024-01-01T00:00:01Z\",\
                 DURATION=1.5,X-ASSET-URI=\"https://example.org/a.m3u8?b=1\",X-RESUME-OFFSET=-0.5,X-PLAYOUT-LIMIT=9,\
                 X-SNAP=\"OUT,IN\",X-RESTRICT=\"SKIP,JUMP\",CUE=\"PRE,ONCE\"\n\
                 #EXT-X-PROGRAM-DATE-TIME:2024-01-01T00:00:00Z\n#EXTINF";
    files.insert("v1.m3u8".to_owned(), text.replacen("#EXTINF", range, 1).into_bytes());
    let report = lint(&files, "v1.m3u8", options(), None);
    assert!(report.findings.is_empty(), "{report}");
}

#[test]
fn a_whole_webvtt_file_is_no_finding() {
    let mut files = files(false);
    let text = String::from_utf8(files["m.mpd"].clone()).unwrap();
    let set = pieces::subtitles("lang=\"en\"", "bandwidth=\"100\"", "<BaseURL>t.vtt</BaseURL>");
    let told = text.replacen("</AdaptationSet>\n  </Period>", &set, 1);
    assert_ne!(told, text);
    files.insert("m.mpd".to_owned(), told.into_bytes());
    let cues = "WEBVTT\n\n00:00.000 --> 00:01.000\nhello\n\n00:05.999 --> 00:08.000\nbehind the end\n";
    files.insert("t.vtt".to_owned(), cues.into());
    let report = lint(&files, "m.mpd", options(), None);
    assert!(report.findings.is_empty(), "{report}");
    let before = lint(&fixture::files(false), "m.mpd", options(), None);
    assert_eq!(report.segments, before.segments + 1);
}

#[test]
fn thumbnails_that_go_on_behind_the_end_and_chapters_in_session_data_are_no_findings() {
    let mut files = files(false);
    let text = String::from_utf8(files["m.mpd"].clone()).unwrap();
    files.insert("x.jpg".to_owned(), vec![0xff; 900]);
    let with_tiles = text.replacen("</AdaptationSet>\n  </Period>", &pieces::tiles("2x1"), 1);
    assert_ne!(with_tiles, text);
    files.insert("m.mpd".to_owned(), with_tiles.into_bytes());
    let report = lint(&files, "m.mpd", options(), None);
    assert!(report.findings.is_empty(), "{report}");
    let text = String::from_utf8(files["m.m3u8"].clone()).unwrap();
    let data = "#EXT-X-SESSION-DATA:DATA-ID=\"com.apple.hls.chapters\",URI=\"chapters.json\"\n\
                #EXT-X-IMAGE-STREAM-INF:BANDWIDTH=2000,CODECS=\"jpeg\",RESOLUTION=160x90,URI=\"tiles.m3u8\"\n#EXT-X-MEDIA";
    files.insert("m.m3u8".to_owned(), text.replacen("#EXT-X-MEDIA", data, 1).into_bytes());
    let report = lint(&files, "m.m3u8", options(), None);
    assert!(report.findings.is_empty(), "{report}");
}

fn apply(edit: &Edit, files: &mut Files) {
    match edit {
        Edit::Text(file, from, to) => {
            let text = String::from_utf8(files[*file].clone()).unwrap();
            assert!(text.contains(from), "{file} has no {from:?}");
            files.insert((*file).to_owned(), text.replacen(from, to, 1).into_bytes());
        }
        Edit::Bytes(file, kind, at, bytes) => {
            let data = files.get_mut(*file).unwrap();
            let found = data.windows(4).position(|window| window == kind.as_bytes());
            let start = (found.unwrap_or_else(|| panic!("{file} has no {kind}")) as isize + at) as usize;
            data[start..start + bytes.len()].copy_from_slice(bytes);
        }
        Edit::Replace(file, bytes) => drop(files.insert((*file).to_owned(), bytes.clone())),
        Edit::Remove(file) => assert!(files.remove(*file).is_some(), "{file}"),
    }
}

fn run(case: &Case) -> lint::Report {
    let mut files = files(case.protected);
    case.edits.iter().for_each(|edit| apply(edit, &mut files));
    let mut options = options();
    if let Some(key) = case.key {
        options.keys[0].1 = drm::ContentKey::new(key);
    }
    if let Some(fetches) = case.fetches {
        options.max_fetches = fetches;
    }
    lint(&files, case.root, options, case.content_type)
}

#[test]
fn each_rule_is_found_where_it_is_broken() {
    let mut missed = Vec::new();
    for case in cases() {
        let report = run(&case);
        if !report.findings.iter().any(|finding| finding.rule.id == case.rule) {
            missed.push(format!("{}: {:?}\n{report}", case.rule, case.edits.first()));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn every_rule_has_a_case() {
    let tested: BTreeSet<&str> = cases().iter().map(|case| case.rule).collect();
    let all: BTreeSet<&str> = lint::RULES.iter().map(|rule| rule.id).collect();
    assert_eq!(all.difference(&tested).collect::<Vec<_>>(), Vec::<&&str>::new());
    assert_eq!(tested.difference(&all).collect::<Vec<_>>(), Vec::<&&str>::new());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn no_damage_makes_it_panic(pick in any::<prop::sample::Index>(), hits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12), protected in any::<bool>(), cut in any::<prop::sample::Index>()) {
        let mut files = files(protected);
        let names: Vec<String> = files.keys().cloned().collect();
        let data = files.get_mut(&names[pick.index(names.len())]).unwrap();
        for (at, byte) in hits {
            let at = at.index(data.len());
            data[at] = byte;
        }
        if cut.index(3) == 0 {
            data.truncate(cut.index(data.len()));
        }
        for root in ["m.m3u8", "m.mpd"] {
            lint(&files, root, options(), None);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), kind in 0..4usize) {
        let head: &[u8] = [&b"#EXTM3U\n#EXT"[..], b"<MPD ", b"\0\0\0\x10ftyp", b""][kind];
        let files = Files::from([("m".to_owned(), [head, &bytes].concat())]);
        lint(&files, "m", options(), None);
    }
}
