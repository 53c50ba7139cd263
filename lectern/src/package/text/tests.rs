#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use media_types::segment::Roles;
use media_types::{CodecConfig, Timescale, TrackRecord};
use packager::{DashText, FileLayout, Presentation, TextGrid};

use super::{Subtitles, from_files, is_text, settle_defaults, write};
use crate::package::files::Folder;

const VTT: &str = "WEBVTT\nLanguage: de\n\n00:01.000 --> 00:02.500\nHallo\n\n00:03.500 --> 00:06.000\n<b>Welt</b>\n\n\
                   01:00:00.000 --> 01:00:01.000\nzu spät\n";
const SRT: &str = "1\n00:00:01,000 --> 00:00:02,000\nOne\n";
const TTML: &str = "<tt xmlns='http://www.w3.org/ns/ttml' xmlns:itts='http://www.w3.org/ns/ttml/profile/imsc1#styling' \
                    xml:lang='fi'><body itts:forcedDisplay='true'><div><p begin='1s' end='5s'>Kyltti</p></div></body></tt>";

struct Inputs(tempfile::TempDir);

impl Inputs {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    fn read(&self, name: &str, content: &str) -> (Subtitles, Vec<String>) {
        let mut warnings = Vec::new();
        let mut all = from_files(&[self.file(name, content)], &mut warnings).unwrap();
        (all.pop().unwrap(), warnings)
    }
}

fn grid() -> TextGrid {
    TextGrid { scale: Timescale::new(24_000).unwrap(), borders: vec![0, 96_096, 192_192] }
}

/// Writes into `out`; gives the records and how many have a file of their own.
fn written(all: &[Subtitles], out: &Path, layout: FileLayout) -> (Vec<TrackRecord>, usize, Vec<String>) {
    written_as(all, out, &Presentation { layout, ..Presentation::default() })
}

fn written_as(all: &[Subtitles], out: &Path, frame: &Presentation<'_>) -> (Vec<TrackRecord>, usize, Vec<String>) {
    std::fs::create_dir_all(out).unwrap();
    let mut warnings = Vec::new();
    let written = write(all, &grid(), frame, &Folder::new(out), &mut warnings).unwrap();
    let files = written.iter().filter(|(_, file)| file.is_some()).count();
    (written.into_iter().map(|(record, _)| record).collect(), files, warnings)
}

#[test]
fn only_subtitles_are_taken_for_text() {
    let inputs = Inputs::new();
    for (content, text) in [(VTT, true), (SRT, true), (TTML, true), ("\0\0\0\x18ftypisom", false), ("", false)] {
        assert_eq!(is_text(&inputs.file("a", content)), text, "{content:?}");
    }
    assert!(!is_text(&inputs.0.path().join("absent")));
}

#[test]
fn content_names_the_language_before_the_file_name_does() {
    let inputs = Inputs::new();
    let (plain, warnings) = inputs.read("talk.sv.sdh.srt", SRT);
    assert_eq!((plain.language.as_str(), plain.roles.hearing_impaired, warnings.len()), ("sv", true, 0));
    let (stated, warnings) = inputs.read("talk.en.vtt", VTT);
    assert_eq!((stated.language.as_str(), warnings.len()), ("de", 1));
    assert!(warnings[0].ends_with("its content says de and its name en; taken for de"), "{warnings:?}");
    let (unknown, _) = inputs.read("talk.srt", SRT);
    assert_eq!(unknown.language, "und");
}

#[test]
fn a_document_of_forced_narrative_is_a_forced_track() {
    let (forced, _) = Inputs::new().read("talk.ttml", TTML);
    assert_eq!((forced.language.as_str(), forced.roles.forced, forced.ttml.is_some()), ("fi", true, true));
}

#[test]
fn a_file_that_cannot_be_read_is_refused_by_name() {
    let inputs = Inputs::new();
    let path = inputs.file("talk.ttml", "<tt xmlns='http://www.w3.org/ns/ttml'><body>");
    let error = from_files(&[path], &mut Vec::new()).map(|_| ()).unwrap_err();
    assert!(format!("{error:?}").contains("talk.ttml: "), "{error:?}");
}

#[test]
fn every_track_is_written_for_hls_and_for_dash() {
    let inputs = Inputs::new();
    let all = [inputs.read("talk.vtt", VTT).0, inputs.read("talk.ttml", TTML).0];
    let out = inputs.0.path().join("out");
    let (records, files, warnings) = written(&all, &out, FileLayout::Segments);
    assert_eq!(records.iter().map(|record| record.name.as_str()).collect::<Vec<_>>(), ["text-de", "text-fi-forced"]);
    assert!(matches!((&records[0].config, &records[1].config), (CodecConfig::Wvtt(_), CodecConfig::Stpp(_))));
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].ends_with("1 cues start after the end at 8.008 s; left out"), "{warnings:?}");
    let read = |path: &str| std::fs::read_to_string(out.join(path)).unwrap();
    let head = "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\nLanguage: de\n";
    let second = "\n00:00:03.500 --> 00:00:06.000\n<b>Welt</b>\n";
    assert_eq!(read("text-de/00001.vtt"), format!("{head}\n00:00:01.000 --> 00:00:02.500\nHallo\n{second}"));
    assert_eq!(read("text-de/00002.vtt"), format!("{head}{second}"));
    for record in &records {
        let ticks: Vec<_> =
            record.segments.iter().map(|segment| (segment.start_ticks, segment.duration_ticks)).collect();
        assert_eq!((ticks, record.shown_ticks), (vec![(0, 96_096), (96_096, 96_096)], 192_192));
        for (segment, size) in record.segments.iter().zip(&record.webvtt_sizes) {
            let length = |path: String| std::fs::metadata(out.join(path)).unwrap().len();
            assert_eq!(length(packager::segment_path(&record.name, segment.index)), segment.size_bytes);
            assert_eq!(length(packager::webvtt_segment_path(&record.name, segment.index)), *size);
        }
    }
    assert_eq!(files, 0);
}

#[test]
fn a_single_file_holds_the_track_and_what_is_written_twice_is_the_same() {
    let inputs = Inputs::new();
    let all = [inputs.read("talk.vtt", VTT).0];
    let (first, files, _) = written(&all, &inputs.0.path().join("1"), FileLayout::SingleFile);
    let (second, _, _) = written(&all, &inputs.0.path().join("2"), FileLayout::SingleFile);
    assert_eq!((files, &first), (1, &second));
    let names: Vec<_> = std::fs::read_dir(inputs.0.path().join("1/text-de")).unwrap().flatten().collect();
    assert_eq!(names.len(), 3, "two WebVTT files and one of media");
}

#[test]
fn a_whole_file_for_dash_has_every_cue_once_in_the_order_of_its_start_and_hls_is_as_before() {
    let inputs = Inputs::new();
    let mixed = "WEBVTT\nLanguage: de\n\nSTYLE\n::cue { color: red }\n\n00:05.000 --> 00:06.000 line:0\nDrei\n\n\
                 00:01.000 --> 00:09.000\nEins &amp; <i>lang</i>\n\n00:01.000 --> 00:02.000\nZwei\n\n00:08.008 --> 00:09.000\nzu spät\n";
    let twin = TTML.replace("'fi'", "'de'").replace(" itts:forcedDisplay='true'", "");
    let all = [inputs.read("talk.vtt", mixed).0, inputs.read("talk.ttml", TTML).0, inputs.read("twin.ttml", &twin).0];
    for layout in [FileLayout::Segments, FileLayout::SingleFile] {
        let (out, before) =
            (inputs.0.path().join(format!("{layout:?}")), inputs.0.path().join(format!("{layout:?} CMAF")));
        let frame = Presentation { layout, dash_text: DashText::WebVtt, ..Presentation::default() };
        let (records, files, warnings) = written_as(&all, &out, &frame);
        let (cmaf, _, same_warnings) = written(&all, &before, layout);
        assert_eq!((files, &warnings), (0, &same_warnings));
        let read = |path: &str| std::fs::read_to_string(out.join(path)).unwrap();
        assert_eq!(
            read("text-de-wvtt/subtitles.vtt"),
            "WEBVTT\nLanguage: de\n\nSTYLE\n::cue { color: red }\n\n00:00:01.000 --> 00:00:09.000\nEins &amp; <i>lang</i>\n\n\
             00:00:01.000 --> 00:00:02.000\nZwei\n\n00:00:05.000 --> 00:00:06.000 line:0\nDrei\n"
        );
        assert!(read("text-fi-forced/subtitles.vtt").contains("00:00:01.000 --> 00:00:05.000"));
        for (record, cmaf) in records.iter().zip(&cmaf) {
            assert!(matches!(record.config, CodecConfig::Wvtt(_)));
            let names = |folder: &Path| {
                let all = std::fs::read_dir(folder.join(&record.name)).unwrap().flatten();
                let mut names: Vec<_> = all.map(|entry| entry.file_name().into_string().unwrap()).collect();
                names.sort();
                names
            };
            assert_eq!(names(&out), ["00001.vtt", "00002.vtt", "subtitles.vtt"]);
            for name in ["00001.vtt", "00002.vtt"] {
                let there = |folder: &Path| std::fs::read(folder.join(&record.name).join(name)).unwrap();
                assert!(there(&out) == there(&before), "{name}");
            }
            assert_eq!((&record.name, &record.webvtt_sizes), (&cmaf.name, &cmaf.webvtt_sizes));
            let spans = |record: &TrackRecord| {
                record.segments.iter().map(|one| (one.index, one.start_ticks, one.duration_ticks)).collect::<Vec<_>>()
            };
            assert_eq!(spans(record), spans(cmaf));
            assert!(record.segments.iter().map(|one| one.size_bytes).eq(record.webvtt_sizes.iter().copied()));
        }
    }
}

#[test]
fn one_track_at_most_is_the_default() {
    let inputs = Inputs::new();
    let defaults = |marked: &[bool]| {
        let mut all: Vec<_> = marked
            .iter()
            .map(|&default| Subtitles { roles: Roles { default, ..Roles::default() }, ..inputs.read("a.srt", SRT).0 })
            .collect();
        settle_defaults(&mut all);
        all.iter().map(|track| track.roles.default).collect::<Vec<_>>()
    };
    assert_eq!(defaults(&[true, true]), [false, false]);
    assert_eq!(defaults(&[true]), [false]);
    assert_eq!(defaults(&[false, true, true]), [false, true, false]);
}
