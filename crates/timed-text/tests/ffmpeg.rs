//! Another implementation reads what is written here and writes what is read here.
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;
use std::process::Command;

use timed_text::{Cue, Document, imsc, srt, ttml, webvtt};

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("timed-text-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// `input` in the format `to`.
    fn convert(&self, name: &str, input: &str, codec: &str, to: &str) -> Vec<u8> {
        let from = self.0.join(name);
        std::fs::write(&from, input).unwrap();
        let mut command = Command::new("ffmpeg");
        command.args(["-nostdin", "-v", "error", "-i"]).arg(&from).args(["-c:s", codec, "-f", to, "-"]);
        let output = command.output().expect("ffmpeg is installed for tests");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn sample() -> Document {
    let cue = |start_us, end_us, payload: &str| Cue { start_us, end_us, payload: payload.to_owned(), ..Cue::default() };
    let cues = vec![
        cue(1_000_000, 6_500_000, "<i>First</i> line &amp; more\nsecond line"),
        cue(5_000_000, 7_001_000, "Overlap"),
        cue(3_600_000_000, 3_601_999_000, "Café <b>late</b>"),
    ];
    // No styles: FFmpeg 5.1 stops reading at a STYLE block.
    Document { cues, ..Document::default() }
}

fn rows(cues: &[Cue]) -> Vec<(i64, i64, &str)> {
    cues.iter().map(|cue| (cue.start_us, cue.end_us, cue.payload.as_str())).collect()
}

#[test]
fn ffmpeg_reads_the_webvtt_and_its_subrip_reads_back() {
    let folder = Folder::new("webvtt");
    let document = sample();
    let found = folder.convert("in.vtt", &webvtt::write(&document).unwrap(), "srt", "srt");
    assert_eq!(rows(&srt::parse(&found).unwrap().document.cues), rows(&document.cues));
    let again = folder.convert("in.srt", std::str::from_utf8(&found).unwrap(), "webvtt", "webvtt");
    // FFmpeg writes a bare ampersand, which a reader takes for itself.
    let again = String::from_utf8(again).unwrap().replace(" & ", " &amp; ");
    let parsed = webvtt::parse(again.as_bytes()).unwrap();
    assert_eq!((rows(&parsed.document.cues), parsed.warnings), (rows(&document.cues), vec![]));
}

#[test]
fn ffmpeg_reads_a_segment() {
    let folder = Folder::new("segment");
    let map = Some(timed_text::TimestampMap { mpegts: 900_000, local_us: 0 });
    let segments = webvtt::segments(&sample(), &[0, 4_000_000, 8_000_000], map).unwrap();
    let found = folder.convert("in.vtt", &segments[1], "srt", "srt");
    assert_eq!(srt::parse(&found).unwrap().document.cues.len(), 2);
}

#[test]
fn the_ttml_of_ffmpeg_has_the_same_cues() {
    let folder = Folder::new("ttml");
    let plain = Document {
        cues: sample()
            .cues
            .into_iter()
            .map(|cue| Cue { payload: cue.payload.replace(['<', '>', '/', '&'], ""), ..cue })
            .collect(),
        ..Document::default()
    };
    let found = folder.convert("in.vtt", &webvtt::write(&plain).unwrap(), "ttml", "ttml");
    let parsed = ttml::parse(&found).unwrap().to_cues().unwrap();
    assert_eq!((rows(&parsed.document.cues), parsed.warnings), (rows(&plain.cues), vec![]));
    let ours = ttml::parse(imsc::write(&sample()).unwrap().as_bytes()).unwrap().to_cues().unwrap();
    assert_eq!(rows(&ours.document.cues), rows(&sample().cues));
}
