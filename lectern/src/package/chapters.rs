//! Chapters: those of a file, or those of the first input that has any.

use std::collections::BTreeMap;
use std::path::Path;

use media_types::time::rescale;
use media_types::{MediaTime, language};
use packager::{Chapter, ChapterTitle, MOST_CHAPTERS, settled_chapters};
use timed_text::webvtt;

use super::survey::Surveyed;
use super::text;
use crate::exit::Failure;

/// Chapters of all inputs, by their position on the command line.
#[derive(Debug, Default)]
pub(super) struct Named(BTreeMap<usize, Vec<Chapter>>);

/// Reads a WebVTT file in which each cue is a chapter.
pub(crate) fn read(path: &Path) -> Result<Vec<Chapter>, Failure> {
    let fault = |detail: String| {
        Failure::config(
            "chapters.unfit",
            format!("{}: {detail}", path.display()),
            "write a WebVTT file with a cue for each chapter, its title as the text",
        )
    };
    let bytes = text::load(path).map_err(|error| fault(error.to_string()))?;
    let parsed = webvtt::parse(&bytes).map_err(|error| fault(error.to_string()))?;
    if let Some(warning) = parsed.warnings.first() {
        return Err(fault(format!("{} (line {})", warning.what, warning.line)));
    }
    let cues = &parsed.document.cues;
    if cues.is_empty() || cues.len() > MOST_CHAPTERS {
        return Err(fault(format!("{} cues are no list of chapters; there may be {MOST_CHAPTERS}", cues.len())));
    }
    let named = text::named_language(path);
    let stated = parsed.document.language.as_deref().and_then(language::canonical);
    let language = stated.or(named).unwrap_or_else(|| language::UNKNOWN.to_owned());
    let chapters = cues.iter().map(|cue| {
        let us = |time: i64| time.max(0).unsigned_abs();
        let title = ChapterTitle { language: language.clone(), text: plain(&cue.payload) };
        Chapter { start_us: us(cue.start_us), end_us: Some(us(cue.end_us)), titles: vec![title] }
    });
    Ok(chapters.collect())
}

/// The text of a cue without its markup (W3C WebVTT §4.2.2).
fn plain(payload: &str) -> String {
    let mut out = String::with_capacity(payload.len());
    let mut rest = payload;
    while let Some(at) = rest.find('<') {
        out.push_str(&rest[..at]);
        rest = rest[at..].split_once('>').map_or("", |(_, behind)| behind);
    }
    out.push_str(rest);
    for (reference, letter) in
        [("&lt;", "<"), ("&gt;", ">"), ("&nbsp;", " "), ("&lrm;", ""), ("&rlm;", ""), ("&quot;", "\""), ("&amp;", "&")]
    {
        out = out.replace(reference, letter);
    }
    out
}

impl Named {
    /// Keeps what a reader has found, on the line of its file, whose times all move by `origin`.
    pub(super) fn keep(&mut self, input: usize, found: &[demux::Chapter], origin: MediaTime) {
        let moved = i128::from(rescale(origin.ticks, 1_000_000_000, origin.scale.get().into()));
        let us = |ns: u64| u64::try_from((i128::from(ns) + moved).max(0) / 1000).unwrap_or(u64::MAX);
        let chapters: Vec<Chapter> = found
            .iter()
            .map(|chapter| {
                let title = |title: &demux::ChapterTitle| ChapterTitle {
                    language: title.language.clone(),
                    text: title.text.clone(),
                };
                let titles = chapter.titles.iter().map(title).collect();
                Chapter { start_us: us(chapter.start_ns), end_us: chapter.end_ns.map(us), titles }
            })
            .collect();
        if !chapters.is_empty() {
            self.0.insert(input, chapters);
        }
    }

    /// The chapters of the presentation: those written down, or those of the first input that has any, since renditions of
    /// one programme say the same.
    pub(super) fn chapters(
        mut self,
        given: Option<&[Chapter]>,
        tracks: &[Surveyed],
        warnings: &mut Vec<String>,
    ) -> Vec<Chapter> {
        let all = given.map(<[Chapter]>::to_vec).or_else(|| self.0.pop_first().map(|(_, chapters)| chapters));
        let Some(all) = all else { return Vec::new() };
        let end = tracks.iter().map(|track| MediaTime::new(track.shape.end_pts, track.about.timescale)).max();
        let end_us = end.map_or(0, |end| rescale(end.ticks, 1_000_000, end.scale.get().into()).max(0).unsigned_abs());
        let late = all.iter().filter(|chapter| chapter.start_us >= end_us).count();
        if late > 0 {
            warnings.push(format!("{late} chapter(s) start behind the end of the presentation; left out"));
        }
        settled_chapters(all, end_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_have_no_markup_and_their_references_are_resolved() {
        for (payload, text) in [
            ("The <b>\"middle\"</b> &lt;part&gt;", "The \"middle\" <part>"),
            ("<v Ada>Over &amp; out", "Over & out"),
            ("&amp;lt;", "&lt;"),
            ("a < b", "a "),
            ("", ""),
        ] {
            assert_eq!(plain(payload), text, "{payload}");
        }
    }

    #[test]
    fn chapters_move_with_their_file_and_those_of_the_first_input_count() {
        let found = |start_ns, text: &str| {
            let title = demux::ChapterTitle { language: "en".into(), text: text.into() };
            [demux::Chapter { start_ns, end_ns: Some(start_ns + 2_000_000_000), titles: vec![title] }]
        };
        let mut named = Named::default();
        let scale = media_types::Timescale::NINETY_KHZ;
        named.keep(2, &found(0, "later"), MediaTime::new(0, scale));
        named.keep(1, &found(5_000_000_000, "first"), MediaTime::new(-9000, scale));
        named.keep(0, &[], MediaTime::new(0, scale));
        let (input, chapters) = named.0.pop_first().expect("two inputs have chapters");
        assert_eq!((input, chapters[0].start_us, chapters[0].end_us), (1, 4_900_000, Some(6_900_000)));
        assert_eq!(chapters[0].titles[0].text, "first");
    }

    #[test]
    fn times_without_sense_are_carried_as_far_as_they_go() {
        for (start_ns, origin) in [(u64::MAX, i64::MAX), (u64::MAX, i64::MIN), (0, i64::MIN), (7, i64::MAX)] {
            let mut named = Named::default();
            let chapter = demux::Chapter { start_ns, end_ns: Some(u64::MAX), titles: Vec::new() };
            named.keep(0, &[chapter], MediaTime::new(origin, media_types::Timescale::NINETY_KHZ));
            assert_eq!(named.0[&0].len(), 1, "{start_ns} {origin}");
        }
    }
}
