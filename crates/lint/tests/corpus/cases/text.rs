//! Rules of text that is not in MP4.

use super::{Case, Edit, mpd, text};
use crate::pieces::subtitles;

/// The valid manifest with a set of subtitles behind the last one.
fn told(rule: &'static str, of_set: &str, of_representation: &str, inside: &str) -> Case {
    mpd(rule, "</AdaptationSet>\n  </Period>", &subtitles(of_set, of_representation, inside))
}

/// The same with these cues in its file.
fn written(rule: &'static str, cues: &str) -> Case {
    let whole = told(rule, "lang=\"en\"", "bandwidth=\"1000\"", "<BaseURL>s/0.vtt</BaseURL>");
    whole.with(text("s/0.vtt", "00:00.000 --> 00:01.000\n", cues))
}

pub(super) fn cases() -> Vec<Case> {
    let (lang, bandwidth, file) = ("lang=\"en\"", "bandwidth=\"1000\"", "<BaseURL>s/0.vtt</BaseURL>");
    let template = "<SegmentTemplate media=\"s/$Number$.vtt\" duration=\"2\" startNumber=\"0\"/>";
    let offset = "<BaseURL>s/0.vtt</BaseURL><SegmentBase presentationTimeOffset=\"4\"/>";
    vec![
        told("dash.bandwidth", lang, "bandwidth=\"1\"", file),
        told("dash.language", "", bandwidth, file),
        told("dash.segment-info", lang, bandwidth, ""),
        told("dash.text-period", lang, bandwidth, template),
        told("dash.text-period", lang, bandwidth, offset),
        written("dash.text-period", "00:06.000 --> 00:07.000\n"),
        told("dash.webvtt", lang, bandwidth, file).with(Edit::Replace("s/0.vtt", b"hello".to_vec())),
        written("dash.webvtt", "00:01.000 --> 00:01.000\n"),
        written("dash.webvtt", "00:00,000 --> 00:01,000\n"),
        written("dash.webvtt", "00:03.000 --> 00:04.000\nlate\n\n00:02.000 --> 00:04.000\n"),
    ]
}
