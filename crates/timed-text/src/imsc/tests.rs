#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;
use crate::Cue;
use crate::ttml::{Profile, parse};

fn cue(settings: &str, payload: &str) -> Cue {
    let (settings, payload) = (settings.to_owned(), payload.to_owned());
    Cue { id: None, start_us: 1_000_000, end_us: 2_500_000, settings, payload }
}

fn back(cues: Vec<Cue>) -> Vec<Cue> {
    let document = Document { cues, language: Some("fr".to_owned()), ..Document::default() };
    let ttml = parse(write(&document).unwrap().as_bytes()).unwrap();
    assert_eq!((ttml.profile(), ttml.language(), ttml.warnings()), (Profile::ImscText, Some("fr"), &[][..]));
    ttml.to_cues().unwrap().document.cues
}

#[test]
fn text_and_times_survive_the_way_there_and_back() {
    for (payload, expected) in [
        ("plain", "plain"),
        ("two\nlines", "two\nlines"),
        ("a &amp; b &lt; c &gt; d&nbsp;e", "a &amp; b &lt; c &gt; d\u{a0}e"),
        ("<i>a</i> <b>b</b><u>c</u>", "<i>a</i> <b>b</b><u>c</u>"),
        ("<b><i>a</i></b>", "<b><i>a</i></b>"),
        ("<c.yellow.bg_blue>a</c>b", "<c.yellow.bg_blue>a</c>b"),
        ("<c.color12ab34>a</c>", "<c.color12ab34>a</c>"),
        ("<v Fred>a</v><00:00:02.000>b", "ab"),
        ("<ruby>K<rt>k</rt></ruby>!", "K(k)!"),
        ("<ruby>K<rt>k</ruby>!", "K(k)!"),
        ("<i>never closed", "<i>never closed</i>"),
        ("stray</i> & end &#233; &unknown;", "stray &amp; end é &amp;unknown;"),
        ("two  spaces", "two  spaces"),
        ("a\n\u{1}b", "a\n\u{fffd}b"),
    ] {
        assert_eq!(
            back(vec![cue("", payload)]),
            [cue("", expected)].map(|cue| Cue { settings: "size:80%".to_owned(), ..cue }),
            "{payload}"
        );
    }
}

#[test]
fn places_survive_the_way_there_and_back() {
    for (settings, expected) in [
        ("", "size:80%"),
        ("line:10% position:10%,line-left size:40% align:left", "line:10% position:10%,line-left size:40% align:left"),
        (
            "line:30%,end position:10%,line-left size:40% align:left",
            "line:30%,end position:10%,line-left size:40% align:left",
        ),
        ("line:50%,center position:75%,center size:50%", "line:50%,center position:75%,center size:50%"),
        ("line:0", "line:5% size:80%"),
        ("line:-1", "size:80%"),
        ("line:3", "line:20% size:80%"),
        ("position:90%,line-right size:50% align:end", "position:90%,line-right size:50% align:end"),
        ("vertical:rl align:start", "vertical:rl align:start"),
    ] {
        assert_eq!(back(vec![cue(settings, "a")])[0].settings, expected, "{settings}");
    }
}

#[test]
fn equal_settings_share_a_region() {
    let document = Document { cues: vec![cue("line:0", "a"), cue("", "b"), cue("line:0", "c")], ..Document::default() };
    let text = write(&document).unwrap();
    assert_eq!((text.matches("<region ").count(), text.matches("region=\"r0\"").count()), (2, 2));
}

proptest! {
    #[test]
    fn any_document_gives_one_that_reads(document in crate::webvtt::any_document(), payload in "[ -~é\u{1}\n]{0,40}", settings in "(line|position|size|align):(-?[0-9]{1,3}%?|nan|inf|left)(,[a-z]{1,5})?") {
        let mut document = document;
        document.cues.push(cue(&settings, &payload));
        let ttml = parse(write(&document).unwrap().as_bytes()).unwrap();
        prop_assert_eq!(ttml.paragraphs().count(), document.cues.len());
        let cues = ttml.to_cues().unwrap().document.cues;
        prop_assert!(cues.iter().all(|found| document.cues.iter().any(|cue| (cue.start_us, cue.end_us) == (found.start_us, found.end_us))));
    }
}
