#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;
use crate::{Cue, Document, TextError, TimestampMap};

fn cue(start_ms: i64, end_ms: i64, payload: &str) -> Cue {
    Cue { start_us: start_ms * 1000, end_us: end_ms * 1000, payload: payload.to_owned(), ..Cue::default() }
}

#[test]
fn every_part_of_a_file_is_read() {
    let text = "\u{feff}WEBVTT - a film\r\nKind: captions\r\nLanguage: de\r\n\
        X-TIMESTAMP-MAP=LOCAL:00:00:01.000,MPEGTS:900000\r\n\r\n\
        STYLE\r\n::cue { color: red }\r\n.a { }\r\n\r\nREGION\r\nid:fred width:40%\r\nlines:3\r\n\r\n\
        NOTE a remark\r\nover two lines\r\n\r\n\
        one\r\n00:01.000 --> 00:02.500 region:fred align:start\r\nHello\r\n<i>there</i>\r\n\r\n\r\n\
        1:00:00.000 --> 1:00:01.000\r\nlast";
    let parsed = parse(text.as_bytes()).unwrap();
    assert_eq!(parsed.warnings, []);
    let first = Cue {
        id: Some("one".to_owned()),
        settings: "region:fred align:start".to_owned(),
        ..cue(1000, 2500, "Hello\n<i>there</i>")
    };
    let expected = Document {
        header: "- a film\nKind: captions\nLanguage: de".to_owned(),
        timestamp_map: Some(TimestampMap { mpegts: 900_000, local_us: 1_000_000 }),
        regions: vec!["id:fred width:40%\nlines:3".to_owned()],
        styles: vec!["::cue { color: red }\n.a { }".to_owned()],
        cues: vec![first, cue(3_600_000, 3_601_000, "last")],
        language: Some("de".to_owned()),
    };
    assert_eq!(parsed.document, expected);
    assert_eq!(parse(write(&expected).unwrap().as_bytes()).unwrap().document, expected);
}

#[test]
fn what_is_not_webvtt_is_refused_with_its_first_line() {
    for text in ["", "WEBVT", "WEBVTTX\n", "1\n00:00:01,000 --> 00:00:02,000\na", " WEBVTT"] {
        assert!(matches!(parse(text.as_bytes()), Err(TextError::NotWebVtt { .. })), "{text:?}");
    }
    for text in ["WEBVTT", "WEBVTT\n", "WEBVTT\tx", "WEBVTT \n\n\n"] {
        assert!(parse(text.as_bytes()).unwrap().document.cues.is_empty(), "{text:?}");
    }
}

#[test]
fn broken_cues_are_left_out_with_a_warning_at_their_line() {
    for (body, lines, cues) in [
        ("00:01.000 -> 00:02.000\na\n", vec![3], 0),
        ("00:01.000 --> 00:00.500\na\n", vec![3], 0),
        ("00:01.000 --> 00:01.000\na\n", vec![3], 0),
        ("x\n00:01.0 --> 00:02.000\na\n\n00:03.000 --> 00:04.000\nb", vec![4], 1),
        ("00:01,000 --> 00:02,000\na\n", vec![3], 1),
        ("00:01.000 --> 00:02.000\na\n00:03.000 --> 00:04.000\nb\n", vec![], 2),
        ("00:01.000 --> 00:02.000\na\n\nSTYLE\n::cue{}\n", vec![6], 1),
        ("stray text\nof two lines\n\n00:01.000 --> 00:02.000 align:middle\na", vec![3, 6], 1),
        ("00:01.000-->00:02.000\n", vec![], 1),
    ] {
        let parsed = parse(format!("WEBVTT\n\n{body}").as_bytes()).unwrap();
        let found: Vec<usize> = parsed.warnings.iter().map(|warning| warning.line).collect();
        assert_eq!((found, parsed.document.cues.len()), (lines, cues), "{body}\n{:?}", parsed.warnings);
    }
}

#[test]
fn bytes_of_another_encoding_are_replaced_and_told() {
    let parsed = parse(b"WEBVTT\n\n00:01.000 --> 00:02.000\ncaf\xe9").unwrap();
    assert_eq!(parsed.document.cues[0].payload, "caf\u{fffd}");
    assert_eq!(parsed.warnings.len(), 1);
}

#[test]
fn segments_repeat_a_long_cue_with_its_whole_times() {
    let document = Document {
        styles: vec!["::cue{color:lime}".to_owned()],
        cues: vec![cue(1000, 9000, "long"), cue(4000, 8000, "exact"), cue(13_000, 14_000, "late")],
        ..Document::default()
    };
    let map = Some(TimestampMap { mpegts: 900_000, local_us: 0 });
    let files = segments(&document, &[0, 4_000_000, 8_000_000, 12_000_000], map).unwrap();
    let head = "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:900000,LOCAL:00:00:00.000\n\nSTYLE\n::cue{color:lime}\n";
    let long = "\n00:00:01.000 --> 00:00:09.000\nlong\n";
    let exact = "\n00:00:04.000 --> 00:00:08.000\nexact\n";
    assert_eq!(files, [format!("{head}{long}"), format!("{head}{long}{exact}"), format!("{head}{long}")]);
    let empty = segments(&Document::default(), &[0, 1, 2], None).unwrap();
    assert_eq!(empty, ["WEBVTT\n", "WEBVTT\n"]);
    assert!(matches!(segments(&document, &[0, 5, 5], None), Err(TextError::Borders { index: 2, .. })));
}

#[test]
fn a_hostile_overlap_is_refused_rather_than_written() {
    let cues = vec![cue(0, 36_000_000, &"x".repeat(2000)); 2000];
    let document = Document { cues, ..Document::default() };
    let borders: Vec<i64> = (0..1000).map(|index| index * 1_000_000).collect();
    assert!(matches!(segments(&document, &borders, None), Err(TextError::TooLarge { .. })));
}

#[test]
fn text_that_would_end_its_cue_is_written_so_that_it_does_not() {
    let document = Document {
        cues: vec![cue(0, 1000, "a\n\nb --> c"), cue(1000, 2000, "\n"), cue(2000, 2000, "d\r\ne")],
        ..Document::default()
    };
    let parsed = parse(write(&document).unwrap().as_bytes()).unwrap();
    assert_eq!(
        parsed.document.cues,
        [cue(0, 1000, "a\n&nbsp;\nb --&gt; c"), cue(1000, 2000, ""), cue(2000, 2001, "d\ne")]
    );
}

pub(crate) fn any_document() -> impl Strategy<Value = Document> {
    let line = "[a-zA-Z<>/.&;: é-]{1,12}".prop_filter("no arrow", |line| !line.contains("-->"));
    let id = prop::option::of("[A-Za-z0-9]{1,6}");
    let settings =
        prop::sample::select(vec!["", "align:start", "line:0 position:10%,line-left", "vertical:rl size:50%"]);
    let payload = prop::collection::vec(line, 0..3).prop_map(|lines| lines.join("\n"));
    let cue = (id, 0i64..30_000, 1i64..20_000, settings, payload).prop_map(|(id, start, length, settings, payload)| {
        Cue { id, start_us: start * 1000, end_us: (start + length) * 1000, settings: settings.to_owned(), payload }
    });
    let map = prop::option::of((0u64..1 << 33, 0i64..100_000));
    (prop::collection::vec(cue, 0..20), map, prop::collection::vec("[a-z:{} ]{1,9}", 0..3), "[a-z-]{0,8}").prop_map(
        |(cues, map, styles, header)| Document {
            cues,
            header,
            timestamp_map: map.map(|(mpegts, ms)| TimestampMap { mpegts, local_us: ms * 1000 }),
            styles,
            ..Document::default()
        },
    )
}

proptest! {
    #[test]
    fn a_written_document_reads_back(document in any_document()) {
        let parsed = parse(write(&document).unwrap().as_bytes()).unwrap();
        prop_assert_eq!(parsed.document, document);
    }

    #[test]
    fn a_segment_holds_the_cues_it_overlaps_and_no_others(document in any_document(), start in 0i64..5000, lengths in prop::collection::vec(1i64..9000, 0..8)) {
        let mut borders = vec![start * 1000];
        for length in lengths {
            borders.push(borders[borders.len() - 1] + length * 1000);
        }
        let files = segments(&document, &borders, None).unwrap();
        prop_assert_eq!(files.len(), borders.len() - 1);
        for (file, pair) in files.iter().zip(borders.windows(2)) {
            let expected: Vec<Cue> = document.cues.iter().filter(|cue| cue.start_us < pair[1] && cue.end_us > pair[0]).cloned().collect();
            let parsed = parse(file.as_bytes()).unwrap().document;
            prop_assert_eq!(&parsed.cues, &expected);
            prop_assert_eq!(&parsed.styles, &document.styles);
        }
    }

    #[test]
    fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut file = b"WEBVTT\n\n".to_vec();
        file.extend_from_slice(&bytes);
        let _ = parse(&file);
        let _ = parse(&bytes);
    }

    #[test]
    fn no_lines_make_the_parser_panic_and_all_it_reads_can_be_written(lines in prop::collection::vec("(STYLE|REGION|NOTE|id:a|00:01.000|-->|00:00:02.000 -->|00:00:01.000 --> 00:00:02.000|0:1|[ -~]{0,8}|line:1|é|)", 0..30)) {
        let parsed = parse(format!("WEBVTT\n{}", lines.join("\n")).as_bytes()).unwrap().document;
        let again = parse(write(&parsed).unwrap().as_bytes()).unwrap().document;
        prop_assert_eq!(again.cues, parsed.cues);
    }
}
