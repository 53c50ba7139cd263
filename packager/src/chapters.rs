//! Chapters: named places that follow one another.
//!
//! Told three times, since each is what somebody reads: `chapters.json` for players of HLS (`com.apple.hls.chapters`, Apple's
//! "Providing JavaScript Object Notation (JSON) Chapters"), `chapters.vtt` for a `track` element of kind `chapters` (HTML
//! §4.8.11.11, W3C WebVTT §1.5) and for players that take such a file beside any manifest, and events in the MPD.

use std::fmt::Write;

/// More chapters than any recording has.
pub const MOST_CHAPTERS: usize = 1000;

/// Characters of a title.
const MOST_LETTERS: usize = 200;

/// A named part of the presentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chapter {
    /// First instant, in microseconds of the presentation.
    pub start_us: u64,
    /// First instant behind it; `None` when nothing says where it ends.
    pub end_us: Option<u64>,
    /// Its names, each in another language.
    pub titles: Vec<ChapterTitle>,
}

/// A name of a chapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChapterTitle {
    /// BCP 47 language, `und` when unknown.
    pub language: String,
    /// As people read it.
    pub text: String,
}

/// Chapters as they can be told: in the order of their times, each ending where the next one begins or before, none behind
/// the presentation's end at `end_us`, at most [`MOST_CHAPTERS`], with titles of one line each.
///
/// Of several that begin at the same time the last one counts. One without a title is called by its number.
pub fn settled_chapters(mut all: Vec<Chapter>, end_us: u64) -> Vec<Chapter> {
    all.retain(|chapter| chapter.start_us < end_us);
    all.sort_by_key(|chapter| chapter.start_us);
    let mut settled: Vec<Chapter> = Vec::new();
    for chapter in all {
        if settled.last().is_some_and(|last| last.start_us == chapter.start_us) {
            settled.pop();
        }
        settled.push(chapter);
    }
    settled.truncate(MOST_CHAPTERS);
    let starts: Vec<u64> = settled.iter().skip(1).map(|chapter| chapter.start_us).chain([end_us]).collect();
    for (position, (chapter, limit)) in settled.iter_mut().zip(starts).enumerate() {
        let stated = chapter.end_us.filter(|&end| end > chapter.start_us);
        chapter.end_us = Some(stated.map_or(limit, |end| end.min(limit)));
        let mut titles: Vec<ChapterTitle> = Vec::new();
        for title in std::mem::take(&mut chapter.titles) {
            let text = line(&title.text);
            if !text.is_empty() && titles.iter().all(|other| other.language != title.language) {
                titles.push(ChapterTitle { text, ..title });
            }
        }
        if titles.is_empty() {
            titles.push(ChapterTitle { language: "und".to_owned(), text: (position + 1).to_string() });
        }
        chapter.titles = titles;
    }
    settled
}

/// One line without what XML cannot hold, spaces folded.
fn line(text: &str) -> String {
    let words = text.split(|letter: char| letter.is_whitespace() || letter.is_control());
    let mut out = String::new();
    for word in words.filter(|word| !word.is_empty()) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.extend(word.chars().map(|letter| match letter {
            '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
            letter => letter,
        }));
    }
    out.chars().take(MOST_LETTERS).collect::<String>().trim().to_owned()
}

/// Chapters as players of HLS read them: an array of numbered chapters with times in seconds and titles by language.
pub fn chapters_json(chapters: &[Chapter]) -> String {
    let mut out = String::from("[");
    for (position, chapter) in chapters.iter().enumerate() {
        let comma = if position > 0 { "," } else { "" };
        // Writing to a string cannot fail, here and below.
        let _ = write!(out, "{comma}\n{{\"chapter\":{},\"start-time\":{}", position + 1, seconds(chapter.start_us));
        if let Some(end) = chapter.end_us {
            let _ = write!(out, ",\"duration\":{}", seconds(end.saturating_sub(chapter.start_us)));
        }
        out.push_str(",\"titles\":[");
        for (place, title) in chapter.titles.iter().enumerate() {
            let comma = if place > 0 { "," } else { "" };
            let _ =
                write!(out, "{comma}{{\"language\":{},\"title\":{}}}", quoted(&title.language), quoted(&title.text));
        }
        out.push_str("]}");
    }
    out.push_str("\n]\n");
    out
}

/// Chapters as a WebVTT file of chapter cues, in the first language of each.
pub fn chapters_vtt(chapters: &[Chapter]) -> String {
    let mut out = String::from("WEBVTT\n");
    for (position, chapter) in chapters.iter().enumerate() {
        // Times of WebVTT are milliseconds; a cue lasts at least one.
        let start = chapter.start_us / 1000;
        let end = (chapter.end_us.unwrap_or(chapter.start_us) / 1000).max(start + 1);
        let text = chapter.titles.first().map_or("", |title| title.text.as_str());
        // Of these alone the text could be taken for markup (W3C WebVTT §4.2.2).
        let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let _ = write!(out, "\n{}\n{} --> {}\n{text}\n", position + 1, clock(start), clock(end));
    }
    out
}

/// `HH:MM:SS.mmm` (W3C WebVTT §4.1).
pub(crate) fn clock(ms: u64) -> String {
    format!("{:02}:{:02}:{:02}.{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000)
}

/// Seconds without the zeros that say nothing.
fn seconds(us: u64) -> String {
    let text = format!("{}.{:06}", us / 1_000_000, us % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A JSON string (RFC 8259 §7).
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            letter if letter < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(letter));
            }
            letter => out.push(letter),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn title(language: &str, text: &str) -> ChapterTitle {
        ChapterTitle { language: language.into(), text: text.into() }
    }

    fn chapter(start_us: u64, end_us: Option<u64>, text: &str) -> Chapter {
        Chapter { start_us, end_us, titles: vec![title("en", text)] }
    }

    #[test]
    fn chapters_follow_one_another_and_end_with_the_presentation() {
        let mut given = vec![
            chapter(20_000_000, Some(99_000_000), "Three"),
            chapter(0, Some(4_000_000), "One"),
            chapter(10_000_000, None, "not this"),
            chapter(10_000_000, Some(30_000_000), " Two\n\tor\u{7}so "),
            chapter(60_000_000, None, "behind the end"),
        ];
        given[1].titles.extend([title("de", "Eins"), title("en", "again"), title("fr", " ")]);
        let settled = settled_chapters(given, 60_000_000);
        let spans: Vec<_> =
            settled.iter().map(|one| (one.start_us / 1_000_000, one.end_us.unwrap() / 1_000_000)).collect();
        assert_eq!(spans, [(0, 4), (10, 20), (20, 60)]);
        assert_eq!(settled[0].titles, [title("en", "One"), title("de", "Eins")]);
        assert_eq!(settled[1].titles, [title("en", "Two or so")]);
        let nameless = settled_chapters(vec![chapter(0, None, "a"), chapter(5, None, " ")], 10);
        assert_eq!(nameless[1].titles, [title("und", "2")]);
    }

    #[test]
    fn titles_are_escaped_as_each_format_asks() {
        let settled = settled_chapters(vec![chapter(0, Some(1_500_000), r#"A "b" \ <i> & --> c"#)], 3_661_250_000);
        assert_eq!(
            chapters_json(&settled),
            "[\n{\"chapter\":1,\"start-time\":0,\"duration\":1.5,\"titles\":[{\"language\":\"en\",\
             \"title\":\"A \\\"b\\\" \\\\ <i> & --> c\"}]}\n]\n"
        );
        assert_eq!(
            chapters_vtt(&settled),
            "WEBVTT\n\n1\n00:00:00.000 --> 00:00:01.500\nA \"b\" \\ &lt;i&gt; &amp; --&gt; c\n"
        );
        let last = settled_chapters(vec![chapter(3_600_000_250, None, "z")], 3_661_250_000);
        assert!(chapters_vtt(&last).contains("01:00:00.000 --> 01:01:01.250"));
        assert!(chapters_json(&last).contains("\"start-time\":3600.00025,\"duration\":61.24975,"));
    }

    proptest! {
        #[test]
        fn whatever_is_given_is_told_in_order_within_the_presentation(
            given in prop::collection::vec((0..100u64, prop::option::of(0..200u64), any::<String>()), 0..20), end in 1..100u64,
        ) {
            let all = given.into_iter().map(|(start, end, text)| chapter(start, end, &text)).collect();
            let settled = settled_chapters(all, end);
            prop_assert!(settled.windows(2).all(|pair| pair[0].end_us.unwrap() <= pair[1].start_us));
            prop_assert!(settled.iter().all(|one| one.start_us < one.end_us.unwrap() && one.end_us.unwrap() <= end));
            let titles: Vec<_> = settled.iter().map(|one| &one.titles[0].text).collect();
            prop_assert!(titles.iter().all(|text| !text.is_empty() && !text.contains(['\n', '\r', '\0'])));
            // A line for each chapter, between brackets.
            prop_assert_eq!(chapters_json(&settled).lines().count(), settled.len() + 2);
            prop_assert_eq!(chapters_vtt(&settled).lines().filter(|line| line.contains(" --> ")).count(), settled.len());
        }
    }
}
