//! Events of Advanced SubStation Alpha: what decoders of every kind of subtitles hand out.

use media_types::TextForm;

use crate::markup::{placement, push_escaped, settings_of};
use crate::{CUE_LIMIT, Cue, Document, webvtt};

/// Fields in front of an event's text, behind its times: `ReadOrder,Layer,Style,Name,MarginL,MarginR,MarginV,Effect`.
const FIELDS: usize = 8;
/// How long text stays when nothing says when it goes.
const STAYS_US: i64 = 10_000_000;

/// An event with its times in microseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When it appears.
    pub start_us: i64,
    /// When it disappears; `None` when the next one replaces it.
    pub end_us: Option<i64>,
    /// `ReadOrder,Layer,Style,Name,MarginL,MarginR,MarginV,Effect,Text`; empty for one that only ends the one before it.
    pub text: String,
    /// How `text` is to be read: in place of an event it may be cue text of WebVTT.
    pub form: TextForm,
}

/// The cues that events are, in the order of their starts, on a presentation from 0 to `end_us`.
///
/// Of the markup `\i`, `\b` and `\u` are kept, and the place on the screen; drawings and all other overrides are dropped. An
/// event whose end is not known stays until the next one of another time, ten seconds at most.
pub fn document(mut events: Vec<Event>, end_us: i64) -> Document {
    events.sort_by_key(|event| event.start_us);
    let mut document = Document::default();
    for (event, replaced_us) in events.iter().zip(replaced(&events)).take(CUE_LIMIT) {
        let stays = || event.start_us.saturating_add(STAYS_US).min(replaced_us);
        let stated = event.end_us.unwrap_or_else(stays);
        let (start_us, end_us) = (event.start_us.max(0), stated.min(end_us));
        let (settings, payload) = match &event.form {
            TextForm::Event => cue_text(&event.text),
            TextForm::Placed(place) => (settings_of(*place), cue_text(&event.text).1),
            TextForm::WebVtt(settings) => webvtt::one_cue(settings, &event.text),
        };
        if start_us < end_us && !payload.is_empty() {
            document.cues.push(Cue { id: None, start_us, end_us, settings, payload });
        }
    }
    document
}

/// For each event, in the order of their starts, when the next one of another time begins.
fn replaced(events: &[Event]) -> Vec<i64> {
    let mut ends = vec![i64::MAX; events.len()];
    for index in (1..events.len()).rev() {
        let (before, after) = (events[index - 1].start_us, events[index].start_us);
        ends[index - 1] = if before < after { after } else { ends[index] };
    }
    ends
}

/// Cue settings and cue text of an event's fields.
fn cue_text(fields: &str) -> (String, String) {
    let mut reader = Reader::default();
    let mut rest = fields.splitn(FIELDS + 1, ',').nth(FIELDS).unwrap_or_default();
    while let Some(at) = rest.find(['\\', '{']) {
        reader.text(&rest[..at]);
        let found = &rest[at..];
        rest = match found.as_bytes() {
            [b'{', ..] => match found.find('}') {
                Some(end) => {
                    reader.overrides(&found[1..end]);
                    &found[end + 1..]
                }
                None => {
                    reader.text("{");
                    &found[1..]
                }
            },
            [_, b'N' | b'n', ..] => {
                reader.line();
                &found[2..]
            }
            [_, b'h', ..] => {
                reader.text("\u{a0}");
                &found[2..]
            }
            [_, b'{' | b'}' | b'\\', ..] => {
                reader.text(&found[1..2]);
                &found[2..]
            }
            _ => {
                reader.text("\\");
                &found[1..]
            }
        };
    }
    reader.text(rest);
    reader.finish()
}

/// The tags that WebVTT has too, with their letters.
const TAGS: [u8; 3] = [b'i', b'b', b'u'];

#[derive(Default)]
struct Reader {
    settings: String,
    payload: String,
    /// The line that is read, without its tags, is empty so far.
    line: String,
    wanted: [bool; 3],
    /// Open tags, by their places in [`TAGS`], the innermost last.
    open: Vec<usize>,
    drawing: bool,
}

impl Reader {
    fn text(&mut self, text: &str) {
        let text: String = text.chars().filter(|c| !c.is_control()).collect();
        // Blanks at the start of a line say nothing.
        let text = if self.line.is_empty() { text.trim_start() } else { &text };
        if self.drawing || text.is_empty() {
            return;
        }
        if self.line.is_empty() && !self.payload.is_empty() {
            self.payload.push('\n');
        }
        self.match_tags();
        push_escaped(&mut self.payload, text);
        self.line.push_str(text);
    }

    fn line(&mut self) {
        self.payload.truncate(self.payload.trim_end_matches(' ').len());
        self.line.clear();
    }

    /// Closes and opens tags so that those that are wanted are open, each inside the other.
    fn match_tags(&mut self) {
        let keep = self.open.iter().position(|&tag| !self.wanted[tag]).unwrap_or(self.open.len());
        self.close(keep);
        for tag in (0..TAGS.len()).filter(|&tag| self.wanted[tag]) {
            if !self.open.contains(&tag) {
                self.payload.extend(['<', TAGS[tag].into(), '>']);
                self.open.push(tag);
            }
        }
    }

    /// Leaves only so many tags open.
    fn close(&mut self, keep: usize) {
        while self.open.len() > keep
            && let Some(tag) = self.open.pop()
        {
            self.payload.extend(['<', '/', TAGS[tag].into(), '>']);
        }
    }

    fn overrides(&mut self, block: &str) {
        for code in block.split('\\').skip(1).map(str::trim_end) {
            match code.as_bytes() {
                [b'a', b'n', digit @ b'1'..=b'9'] => self.settings = placement(digit - b'0'),
                [b'p', scale @ ..] if !scale.is_empty() && scale.iter().all(u8::is_ascii_digit) => {
                    self.drawing = scale.iter().any(|&digit| digit != b'0');
                }
                [b'r', ..] => self.wanted = [false; 3],
                // A weight may stand in place of 1.
                [letter, value @ ..] if value.iter().all(u8::is_ascii_digit) => {
                    if let Some(tag) = TAGS.iter().position(|tag| tag == letter) {
                        self.wanted[tag] = value.iter().any(|&digit| digit != b'0');
                    }
                }
                _ => {}
            }
        }
    }

    fn finish(mut self) -> (String, String) {
        self.close(0);
        self.payload.truncate(self.payload.trim_end().len());
        (self.settings, self.payload)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn said(text: &str) -> String {
        cue_text(&format!("7,0,Default,,0,0,0,,{text}")).1
    }

    fn event(start_us: i64, end_us: Option<i64>, text: &str) -> Event {
        Event { start_us, end_us, text: format!("0,0,Default,,0,0,0,,{text}"), form: TextForm::Event }
    }

    #[test]
    fn lines_and_characters_are_those_of_the_event() {
        assert_eq!(said(r"One, two\Nthree\n four \N\N five"), "One, two\nthree\nfour\nfive");
        assert_eq!(said(r"a < b & c > d\h!"), "a &lt; b &amp; c &gt; d\u{a0}!");
        assert_eq!(said(r"\{curly\} C:\dir {open"), "{curly} C:\\dir {open");
        assert_eq!((said(""), said(r"  \N "), cue_text("too,few,fields").1), Default::default());
    }

    #[test]
    fn tags_are_nested_and_closed_whatever_the_overrides_say() {
        assert_eq!(said(r"{\i1}a{\i0} b"), "<i>a</i> b");
        assert_eq!(said(r"{\i1}a{\b1}b{\i0}c"), "<i>a<b>b</b></i><b>c</b>");
        assert_eq!(said(r"{\b700\i1\fs20\c&HFFFFFF&}a{\r}b"), "<i><b>a</b></i>b");
        assert_eq!(said(r"{\i1}{\i0}plain{\u1}"), "plain");
        assert_eq!(said(r"{\p1}m 0 0 l 100 0{\p0}text{\pos(1,2)}"), "text");
        assert_eq!(cue_text(r"0,0,Default,,0,0,0,,{\an8}above").0, "line:0");
    }

    #[test]
    fn what_has_no_end_stays_until_the_next_and_nothing_lies_outside() {
        let events = vec![
            event(5_000_000, None, "second"),
            event(1_000_000, None, "first"),
            event(5_000_000, None, "beside it"),
            Event { text: String::new(), ..event(7_000_000, None, "") },
            event(-1_000_000, Some(500_000), "early"),
            event(19_000_000, Some(40_000_000), "late"),
            event(20_000_000, Some(21_000_000), "behind"),
            event(8_000_000, Some(8_000_000), "never"),
            event(9_000_000, None, "long"),
        ];
        let cues = document(events, 20_000_000).cues;
        let shown: Vec<_> = cues.iter().map(|cue| (cue.start_us / 1000, cue.end_us / 1000, &*cue.payload)).collect();
        let wanted = [
            (0, 500, "early"),
            (1000, 5000, "first"),
            (5000, 7000, "second"),
            (5000, 7000, "beside it"),
            (9000, 19_000, "long"),
            (19_000, 20_000, "late"),
        ];
        assert_eq!(shown, wanted);
    }

    proptest! {
        #[test]
        fn any_event_is_a_cue_that_reads_back_as_it_was_written(texts in prop::collection::vec(r"[ -~éあ\\{}\n<>&ibuN0-9p-]{0,40}", 0..8)) {
            let events = (1i64..).zip(&texts).map(|(second, text)| event(second * 1_000_000, None, text)).collect();
            let document = document(events, 60_000_000);
            let read = webvtt::parse(webvtt::write(&document).unwrap().as_bytes()).unwrap();
            prop_assert!(read.warnings.is_empty(), "{:?} in {:?}", read.warnings, document);
            prop_assert_eq!(read.document.cues, document.cues);
        }
    }
}
