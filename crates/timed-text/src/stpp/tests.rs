#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;
use crate::ttml::parse;

const MILLI: NonZeroU32 = NonZeroU32::new(1000).unwrap();

fn wrap(body: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-16\"?>\n<tt xmlns=\"http://www.w3.org/ns/ttml\" xml:lang=\"de\">\n\
         <head><layout><region xml:id=\"r\"/></layout></head>\n<body>{body}</body></tt>\n"
    )
}

fn texts(samples: &[TextSample]) -> Vec<Vec<String>> {
    let cues = |sample: &TextSample| parse(&sample.data).unwrap().to_cues().unwrap().document.cues;
    samples.iter().map(|sample| cues(sample).into_iter().map(|cue| cue.payload).collect()).collect()
}

#[test]
fn a_sample_holds_the_head_and_what_its_segment_shows() {
    let source = wrap(
        "\n<div region=\"r\">\n  <p begin=\"1s\" end=\"5s\">a</p>\n  <!-- x -->\n  <p begin=\"6s\" end=\"7s\">b</p>\n</div>\n\
         <div>\n  <p begin=\"4s\" end=\"8s\">c</p>\n</div>\n",
    );
    let ttml = parse(source.as_bytes()).unwrap();
    let found = samples(&ttml, MILLI, &[0, 4000, 8000, 12_000]).unwrap();
    assert_eq!(
        found.iter().map(|sample| (sample.start, sample.duration)).collect::<Vec<_>>(),
        [(0, 4000), (4000, 4000), (8000, 4000)]
    );
    assert_eq!(texts(&found), [vec!["a"], vec!["a", "c", "b"], vec![]]);
    let first = String::from_utf8(found[0].data.to_vec()).unwrap();
    let expected = wrap("\n<div region=\"r\">\n  <p begin=\"1s\" end=\"5s\">a</p>\n  <!-- x -->\n</div>\n")
        .replace("UTF-16", "UTF-8");
    assert_eq!(first, expected);
    let last = String::from_utf8(found[2].data.to_vec()).unwrap();
    assert_eq!(last, wrap("\n").replace("UTF-16", "UTF-8"));
    assert_eq!(&config(&ttml)[..], b"http://www.w3.org/ns/ttml\0\0\0");
}

#[test]
fn a_sequence_is_kept_whole_so_that_its_times_hold() {
    let source = wrap(
        "<div><div timeContainer=\"seq\"><p dur=\"3s\">a</p><p dur=\"3s\">b</p></div><p begin=\"1s\" end=\"2s\">c</p></div>",
    );
    let ttml = parse(source.as_bytes()).unwrap();
    let found = samples(&ttml, MILLI, &[0, 4000, 8000]).unwrap();
    assert_eq!(texts(&found), [vec!["a", "c", "b"], vec!["a", "b"]]);
    let back =
        document(MILLI, found.iter().map(|sample| (sample.start, sample.duration, &sample.data[..])), false).unwrap();
    let times: Vec<_> = back.document.cues.iter().map(|cue| (cue.start_us, cue.end_us, cue.payload.as_str())).collect();
    assert_eq!(times, [(0, 3_000_000, "a"), (1_000_000, 2_000_000, "c"), (3_000_000, 6_000_000, "b")]);
}

#[test]
fn pictures_are_kept_while_they_are_shown() {
    let image = |begin: u32, name: &str| {
        format!(
            "<div begin='{begin}s' dur='2s' xmlns:s='http://www.smpte-ra.org/schemas/2052-1/2010/smpte-tt' s:backgroundImage='{name}'/>"
        )
    };
    let ttml = parse(wrap(&format!("{}{}", image(1, "one"), image(5, "two"))).as_bytes()).unwrap();
    let found = samples(&ttml, MILLI, &[0, 4000, 8000]).unwrap();
    let has = |index: usize, name: &str| String::from_utf8_lossy(&found[index].data).contains(name);
    assert_eq!([has(0, "one"), has(0, "two"), has(1, "one"), has(1, "two")], [true, false, false, true]);
}

#[test]
fn times_from_the_sample_can_be_asked_for() {
    let source = wrap("<div><p begin=\"1s\" end=\"2s\">a</p></div>");
    let back = document(MILLI, [(10_000, 4000, source.as_bytes())], true).unwrap().document;
    assert_eq!((back.cues[0].start_us, back.cues[0].end_us), (11_000_000, 12_000_000));
    assert_eq!(back.language.as_deref(), Some("de"));
    assert!(document(MILLI, [(10_000, 4000, source.as_bytes())], false).unwrap().document.cues.is_empty());
}

proptest! {
    #[test]
    fn each_paragraph_is_in_each_segment_it_overlaps_and_in_no_other(
        rows in prop::collection::vec((0i64..20_000, prop::option::of(0i64..9000), 0usize..3), 0..12),
        lengths in prop::collection::vec(1i64..6000, 1..8),
    ) {
        let mut body = String::from("<div>");
        for (index, (begin, length, level)) in rows.iter().enumerate() {
            let end = length.map_or(String::new(), |length| format!(" end=\"{}ms\"", begin + length));
            let (open, close) = (["", "<div>\n", "</div><div>"][*level], ["", "</div>", ""][*level]);
            body.push_str(&format!("{open} <p xml:id=\"p{index}\" begin=\"{begin}ms\"{end}>t{index}</p>{close}"));
        }
        body.push_str("</div>");
        let source = wrap(&body);
        let ttml = parse(source.as_bytes()).unwrap();
        let mut borders = vec![0];
        for length in lengths {
            borders.push(borders[borders.len() - 1] + length);
        }
        let found = samples(&ttml, MILLI, &borders).unwrap();
        for (sample, pair) in found.iter().zip(borders.windows(2)) {
            let part = parse(&sample.data).unwrap();
            let row = |p: crate::ttml::Paragraph<'_>| (p.id.map(str::to_owned), p.begin_us, p.end_us);
            let (from, until) = (pair[0] * 1000, pair[1] * 1000);
            let expected: Vec<_> = ttml.paragraphs()
                .filter(|p| p.begin_us < until && p.end_us.is_none_or(|end| end > from && end > p.begin_us))
                .map(row).collect();
            prop_assert_eq!(part.paragraphs().map(row).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn no_samples_make_the_reader_panic(samples in prop::collection::vec((any::<i64>(), any::<u32>(), "<tt xmlns='http://www.w3.org/ns/ttml'><body><div><p( begin='1s'| end='[0-9]{1,18}s'|)>a</p></div></body></tt>"), 0..5), relative in any::<bool>()) {
        let _ = document(MILLI, samples.iter().map(|(start, duration, text)| (*start, *duration, text.as_bytes())), relative);
    }
}
