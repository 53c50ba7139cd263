//! Timed text of 3GPP (3GPP TS 26.245, ISO/IEC 14496-17) as samples of WebVTT, one for one.
//!
//! Kept: the text, bold, italics and underline, and where justification puts it. Passed over: fonts, sizes, colours,
//! scrolling, karaoke, links and boxes on the screen.

use bytes::Bytes;

use super::boxes::{Atom, Atoms, Fields};
use crate::vttc::{self, Face, Markup};

/// `displayFlags`: all samples are forced (QuickTime File Format, "Subtitle Sample Description").
const ALL_FORCED: u32 = 0x8000_0000;

/// What a sample entry says (TS 26.245 §5.16).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Style {
    /// Whether its samples are shown to everybody: translations of signs and of foreign speech.
    pub(super) forced: bool,
    /// WebVTT cue settings.
    settings: &'static str,
    /// How characters are shown that no run is for.
    face: Face,
}

/// A run of characters (`StyleRecord`, TS 26.245 §5.16).
struct Run {
    start: u16,
    end: u16,
    face: Face,
}

impl Style {
    /// From a `tx3g` box; `None` when it is too short.
    pub(super) fn parse(entry: &Atom) -> Option<Self> {
        let mut fields = Fields(entry.body);
        fields.skip(8)?;
        let flags = fields.u32()?;
        let (horizontal, vertical) = (fields.u8()? as i8, fields.u8()? as i8);
        // Background and default box.
        fields.skip(4 + 8)?;
        let face = run(&mut fields)?.face;
        Some(Self { forced: flags & ALL_FORCED != 0, settings: settings(horizontal, vertical), face })
    }

    /// A sample of WebVTT that shows what this one does.
    pub(super) fn sample(&self, sample: &[u8]) -> Bytes {
        let text = self.text(sample).unwrap_or_default();
        if text.is_empty() {
            return Bytes::from_static(vttc::NOTHING);
        }
        let mut cue = Vec::with_capacity(text.len() + 64);
        if !self.settings.is_empty() {
            vttc::put(&mut cue, b"sttg", self.settings.as_bytes());
        }
        vttc::put(&mut cue, b"payl", text.as_bytes());
        let mut out = Vec::with_capacity(cue.len() + 8);
        vttc::put(&mut out, b"vttc", &cue);
        out.into()
    }

    /// Cue text of a sample (TS 26.245 §5.17): the length of its text, the text, and boxes that modify it.
    fn text(&self, sample: &[u8]) -> Option<String> {
        let mut fields = Fields(sample);
        let length = fields.u16()?;
        // A length beyond the sample: what is there is the text.
        let text = fields.take(usize::from(length).min(fields.0.len()))?;
        let runs = runs(fields.0);
        let mut runs = runs.iter().peekable();
        let mut markup = Markup::default();
        for (at, character) in decode(text).chars().enumerate() {
            while runs.next_if(|run| usize::from(run.end) <= at).is_some() {}
            let run = runs.peek().filter(|run| usize::from(run.start) <= at);
            markup.push(character, run.map_or(self.face, |run| run.face));
        }
        Some(markup.finish())
    }
}

/// UTF-8, or UTF-16 behind its byte order mark (TS 26.245 §5.2).
fn decode(text: &[u8]) -> String {
    let units = |bytes: &[u8], read: fn([u8; 2]) -> u16| {
        let units = bytes.chunks_exact(2).map(|pair| read([pair[0], pair[1]]));
        char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    match text {
        [0xfe, 0xff, rest @ ..] => units(rest, u16::from_be_bytes),
        [0xff, 0xfe, rest @ ..] => units(rest, u16::from_le_bytes),
        _ => String::from_utf8_lossy(text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)).into_owned(),
    }
}

/// Justification: 0 is left and top, 1 the middle, -1 right and bottom, where text is without settings.
fn settings(horizontal: i8, vertical: i8) -> &'static str {
    match (vertical, horizontal) {
        (0, 0) => "line:0 align:left",
        (0, -1) => "line:0 align:right",
        (0, _) => "line:0",
        (1, 0) => "line:50% align:left",
        (1, -1) => "line:50% align:right",
        (1, _) => "line:50%",
        (_, 0) => "align:left",
        (_, -1) => "align:right",
        _ => "",
    }
}

fn run(fields: &mut Fields) -> Option<Run> {
    let (start, end) = (fields.u16()?, fields.u16()?);
    fields.skip(2)?;
    let flags = fields.u8()?;
    fields.skip(5)?;
    Some(Run { start, end, face: Face { bold: flags & 1 != 0, italic: flags & 2 != 0, underline: flags & 4 != 0 } })
}

/// The runs of `styl`; what is damaged ends them.
fn runs(modifiers: &[u8]) -> Vec<Run> {
    let styles = Atoms::new(modifiers, 0).map_while(Result::ok).find(|atom| &atom.kind == b"styl");
    let Some(mut fields) = styles.map(|styles| styles.fields()) else { return Vec::new() };
    let count = fields.u16().unwrap_or(0);
    (0..count).map_while(|_| run(&mut fields)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    /// A sample entry: flags, justification, and the default face.
    fn entry(flags: u32, justification: [i8; 2], face: u8) -> Vec<u8> {
        let mut body = vec![0, 0, 0, 0, 0, 0, 0, 1];
        body.extend(flags.to_be_bytes());
        body.extend(justification.map(|value| value as u8));
        body.extend([0; 12]);
        body.extend([0, 0, 0, 0, 0, 1, face, 18, 255, 255, 255, 255]);
        body
    }

    fn style(flags: u32, justification: [i8; 2], face: u8) -> Style {
        let body = entry(flags, justification, face);
        Style::parse(&Atom { kind: *b"tx3g", at: 0, body: &body, body_at: 8 }).unwrap()
    }

    /// A sample of this text with runs of (start, end, face).
    fn sample(text: &[u8], styled: &[(u16, u16, u8)]) -> Vec<u8> {
        let mut out = (text.len() as u16).to_be_bytes().to_vec();
        out.extend(text);
        if !styled.is_empty() {
            let mut body = (styled.len() as u16).to_be_bytes().to_vec();
            for (start, end, face) in styled {
                body.extend(start.to_be_bytes());
                body.extend(end.to_be_bytes());
                body.extend([0, 1, *face, 18, 255, 255, 255, 255]);
            }
            // Another modifier in front of it.
            vttc::put(&mut out, b"hlit", &[0, 0, 0, 1]);
            vttc::put(&mut out, b"styl", &body);
        }
        out
    }

    const PLAIN: [i8; 2] = [1, -1];

    #[test]
    fn runs_count_characters_and_become_tags() {
        let style = style(0, PLAIN, 0);
        for (text, runs, want) in [
            ("Grüße & <Küsse>", &[(0, 5, 2)][..], "<i>Grüße</i> &amp; &lt;Küsse&gt;"),
            ("äöü", &[(1, 2, 1), (2, 3, 6)], "ä<b>ö</b><i><u>ü</u></i>"),
            ("one\r\ntwo\n\n", &[(0, 9, 3)], "<b><i>one</i></b>\n<b><i>two</i></b>"),
            ("a --> b", &[], "a --&gt; b"),
            (" \n ", &[(0, 3, 2)], ""),
        ] {
            assert_eq!(style.text(&sample(text.as_bytes(), runs)).as_deref(), Some(want), "{text:?}");
        }
    }

    #[test]
    fn text_is_utf_8_or_utf_16_behind_its_mark() {
        let style = style(0, PLAIN, 0);
        let utf16 =
            |units: fn(u16) -> [u8; 2]| -> Vec<u8> { "\u{feff}日本🎌".encode_utf16().flat_map(units).collect() };
        for bytes in [utf16(u16::to_be_bytes), utf16(u16::to_le_bytes), b"\xef\xbb\xbf\xe6\x97\xa5".to_vec()] {
            let text = style.text(&sample(&bytes, &[])).unwrap();
            assert!(text == "日本🎌" || text == "日", "{text}");
        }
        assert_eq!(style.text(&[0, 9, b'a', b'b']).as_deref(), Some("ab"), "a length beyond the end");
    }

    #[test]
    fn the_entry_says_where_and_how_text_is_shown() {
        assert_eq!(style(0, PLAIN, 0), Style { forced: false, settings: "", face: Face::default() });
        let top = style(0xc000_0000, [0, 0], 2);
        assert!(top.forced);
        let boxes = b"\0\0\0\x32vttc\0\0\0\x19sttgline:0 align:left\0\0\0\x11payl<i>up</i>";
        assert_eq!(&top.sample(&sample(b"up", &[]))[..], boxes);
        assert!(!style(0x4000_0000, PLAIN, 0).forced, "some samples are forced, not all");
        assert_eq!(&top.sample(&sample(b"", &[]))[..], vttc::NOTHING);
        let short = Atom { kind: *b"tx3g", at: 0, body: &[0; 37], body_at: 8 };
        assert_eq!(Style::parse(&short), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = Style::parse(&Atom { kind: *b"tx3g", at: 0, body: &bytes, body_at: 8 });
            let _ = style(0, PLAIN, 0).sample(&bytes);
        }

        #[test]
        fn no_damage_makes_a_cue_that_is_none(text in "[a-zäß<>&\n -]{0,40}", runs in prop::collection::vec(any::<(u16, u16, u8)>(), 0..5),
                                              at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut bytes = sample(text.as_bytes(), &runs);
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let found = style(0, PLAIN, 0).text(&bytes).unwrap_or_default();
            prop_assert!(!found.contains("-->") && !found.contains("\n\n") && !found.starts_with('\n'));
        }
    }
}
