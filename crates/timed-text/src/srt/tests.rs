#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

fn texts(file: &str) -> Vec<(i64, i64, String, String)> {
    let parsed = parse(file.as_bytes()).unwrap().document;
    parsed.cues.into_iter().map(|cue| (cue.start_us / 1000, cue.end_us / 1000, cue.settings, cue.payload)).collect()
}

fn one(file: &str) -> (String, String) {
    let found = texts(&format!("1\n00:00:01,000 --> 00:00:02,000\n{file}\n"));
    assert_eq!(found.len(), 1);
    (found[0].2.clone(), found[0].3.clone())
}

#[test]
fn cues_are_found_whatever_stands_around_them() {
    let file = "\u{feff}1\r\n00:00:01,000 --> 00:00:02,500\r\nHello\r\n\r\nafter an empty line\r\n\r\n\
        2\r\n0:1:2.5 --> 00:01:03,000 X1:100 X2:200\r\n42\r\n3\r\n00:02:00 --> 00:02:01,000\r\n\r\n\
        00:03:00,000 --> 00:02:59,000\r\nbackwards\r\n\r\n5\r\n00:04:00,000 --> 00:04:01,000\r\nlast";
    let expected = [
        (1000, 2500, "Hello\nafter an empty line"),
        (62_005, 63_000, "42"),
        (120_000, 121_000, ""),
        (240_000, 241_000, "last"),
    ];
    let found = texts(file);
    assert_eq!(found.iter().map(|cue| (cue.0, cue.1, cue.3.as_str())).collect::<Vec<_>>(), expected);
}

#[test]
fn markup_becomes_that_of_webvtt() {
    for (text, settings, payload) in [
        ("<i>a</i> <B>b</B>", "", "<i>a</i> <b>b</b>"),
        ("<font color=\"#ff0000\">red</font>", "", "red"),
        ("a < b & c > d", "", "a &lt; b &amp; c &gt; d"),
        ("R&amp;B <x> --> y", "", "R&amp;B &lt;x&gt; --&gt; y"),
        ("{\\an8}top", "line:0", "top"),
        ("{\\an7}corner", "line:0 align:left", "corner"),
        ("{\\an2}usual", "", "usual"),
        ("{\\pos(1,2)}x {y}", "", "x {y}"),
        ("<font color=red>\nb", "", "b"),
        ("a<br>b", "", "a\nb"),
        ("{\\an8", "", "{\\an8"),
    ] {
        assert_eq!(one(text), (settings.to_owned(), payload.to_owned()), "{text}");
    }
}

#[test]
fn what_is_not_subrip_is_refused() {
    assert_eq!(parse(b"hello\nworld"), Err(TextError::NotSrt { lines: 2 }));
    assert!(matches!(parse(b"1\n00:00:01,000 --> 00:00:02,000\ncaf\xe9"), Err(TextError::NotUtf8 { line: 3, .. })));
    assert!(parse(b"").unwrap().document.cues.is_empty());
}

proptest! {
    #[test]
    fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn whatever_is_read_can_be_written_as_webvtt(lines in prop::collection::vec("(1|00:00:01,000 --> 00:00:02,000|[ -~]{0,12}|<i>|\\{\\\\an8\\}|-->|é<|)", 0..30)) {
        if let Ok(parsed) = parse(lines.join("\n").as_bytes()) {
            let text = crate::webvtt::write(&parsed.document).unwrap();
            prop_assert_eq!(crate::webvtt::parse(text.as_bytes()).unwrap().document.cues, parsed.document.cues);
        }
    }
}
