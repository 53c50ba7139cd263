#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

/// A document around `body`, with `attributes` at its root and `head` inside its head.
pub(crate) fn wrap(attributes: &str, head: &str, body: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<tt xmlns=\"http://www.w3.org/ns/ttml\" \
         xmlns:tts=\"http://www.w3.org/ns/ttml#styling\" xmlns:ttp=\"http://www.w3.org/ns/ttml#parameter\" \
         xmlns:itts=\"http://www.w3.org/ns/ttml/profile/imsc1#styling\" xml:lang=\"en\" {attributes}>\
         <head>{head}</head><body>{body}</body></tt>"
    )
}

fn read(attributes: &str, head: &str, body: &str) -> Ttml {
    parse(wrap(attributes, head, body).as_bytes()).unwrap()
}

/// Times in milliseconds of all paragraphs.
fn times(attributes: &str, body: &str) -> Vec<(i64, Option<i64>)> {
    let ttml = read(attributes, "", body);
    ttml.paragraphs().map(|p| (p.begin_us / 1000, p.end_us.map(|end| end / 1000))).collect()
}

/// Times in milliseconds, settings and text of all cues.
fn cues(head: &str, body: &str) -> Vec<(i64, i64, String, String)> {
    let parsed = read("", head, body).to_cues().unwrap();
    let row = |cue: crate::Cue| (cue.start_us / 1000, cue.end_us / 1000, cue.settings, cue.payload);
    parsed.document.cues.into_iter().map(row).collect()
}

fn payload(content: &str) -> String {
    let found = cues("", &format!("<div><p begin='1s' end='2s'>{content}</p></div>"));
    assert_eq!(found.len(), 1, "{content}");
    found[0].3.clone()
}

#[test]
fn times_are_inherited_and_cut_by_what_holds_them() {
    for (body, expected) in [
        (
            "<div><p begin='1s' end='3s'>a</p><p begin='2s' dur='2s'>b</p></div>",
            vec![(1000, Some(3000)), (2000, Some(4000))],
        ),
        (
            "<div begin='10s' end='12s'><p begin='1s' end='5s'>a</p><p>b</p></div>",
            vec![(11_000, Some(12_000)), (10_000, Some(12_000))],
        ),
        ("<div dur='4s'><p begin='1s' dur='2s' end='2s'>a</p></div>", vec![(1000, Some(2000))]),
        ("<div><p begin='1s'>a</p></div>", vec![(1000, None)]),
        ("<div><p>a</p></div>", vec![(0, None)]),
        ("<div><p begin='5s' end='4s'>a</p></div>", vec![(5000, Some(5000))]),
        ("<div><p>  </p></div>", vec![(0, Some(0))]),
        (
            "<div><p><span begin='1s' end='2s'>a</span><span begin='3s' dur='1s'>b</span></p></div>",
            vec![(0, Some(4000))],
        ),
        (
            "<div begin='1s' timeContainer='seq'><p dur='2s'>a</p><p begin='1s' dur='2s'>b</p><p>c</p><p>d</p></div>",
            vec![(1000, Some(3000)), (4000, Some(6000)), (6000, None), (i64::MAX / 1000, Some(i64::MAX / 1000))],
        ),
        (
            "<div timeContainer='seq'><div><p dur='1s'>a</p><p dur='3s'>b</p></div><p dur='1s'>c</p></div>",
            vec![(0, Some(1000)), (0, Some(3000)), (3000, Some(4000))],
        ),
    ] {
        assert_eq!(times("", body), expected, "{body}");
    }
    let frames = "ttp:frameRate='24' ttp:frameRateMultiplier='1000 1001' ttp:tickRate='1000'";
    let body = "<div><p begin='00:00:10:12' end='20000t'>a</p></div>";
    assert_eq!(times(frames, body), [(10_500, Some(20_000))]);
}

#[test]
fn text_keeps_its_markup_and_its_lines() {
    for (content, expected) in [
        ("Hello\n   <br/>\n  there ", "Hello\nthere"),
        ("a &amp; b &lt; c &#233; <![CDATA[<d>]]>", "a &amp; b &lt; c é &lt;d&gt;"),
        ("<span tts:fontStyle='italic'>a <span tts:fontWeight='bold'>b</span></span> c", "<i>a</i> <b><i>b</i></b> c"),
        ("<span tts:textDecoration='underline'>a</span>b", "<u>a</u>b"),
        ("<span tts:color='yellow'>a</span> <span tts:color='#ffffff'>b</span>", "<c.yellow>a</c> b"),
        ("<span tts:color='lime' tts:backgroundColor='blue'>a</span>", "<c.lime.bg_blue>a</c>"),
        ("<span tts:color='#123456ff'>a</span>", "<c.color123456>a</c>"),
        ("<span xml:space='preserve'>a  b\nc</span>", "a  b\nc"),
        ("a<br/><br/>b<br/>", "a\n&nbsp;\nb"),
        ("a<span tts:display='none'>b</span><span tts:visibility='hidden'>c</span>d", "ad"),
        (
            "<span tts:ruby='container'><span tts:ruby='base'>K</span><span tts:ruby='delimiter'>(</span><span tts:ruby='text'>k</span></span>",
            "<ruby>K<rt>k</rt></ruby>",
        ),
        ("a<metadata>x</metadata>--&gt;", "a--&gt;"),
    ] {
        assert_eq!(payload(content), expected, "{content}");
    }
}

#[test]
fn a_colour_without_a_class_gets_a_style_of_its_own() {
    let ttml =
        read("", "", "<div><p begin='0s' end='1s' tts:color='#FF8000' tts:backgroundColor='#112233'>a</p></div>");
    let document = ttml.to_cues().unwrap().document;
    assert_eq!(document.cues[0].payload, "<c.colorff8000.bg_color112233>a</c>");
    assert_eq!(
        document.styles,
        ["::cue(.colorff8000) { color: #ff8000 }\n::cue(.bg_color112233) { background-color: #112233 }"]
    );
    assert_eq!(document.language.as_deref(), Some("en"));
}

#[test]
fn spans_with_times_make_a_cue_for_each_state() {
    let body =
        "<div><p begin='10s' end='20s'><span begin='1s'>a</span><br/><span begin='3s' end='5s'>b</span></p></div>";
    let expected = [(11_000, 13_000, "a"), (13_000, 15_000, "a\nb"), (15_000, 20_000, "a")];
    let found = cues("", body);
    assert_eq!(found.iter().map(|cue| (cue.0, cue.1, cue.3.as_str())).collect::<Vec<_>>(), expected);
}

#[test]
fn regions_become_cue_settings() {
    let region = |attributes: &str| format!("<layout><region xml:id='r' {attributes}/></layout>");
    for (attributes, align, expected) in [
        ("tts:origin='10% 80%' tts:extent='80% 20%' tts:displayAlign='after'", "center", "size:80%"),
        ("tts:origin='10% 10%' tts:extent='80% 20%' tts:displayAlign='before'", "center", "line:10% size:80%"),
        (
            "tts:origin='10% 10%' tts:extent='40% 20%' tts:displayAlign='after'",
            "left",
            "line:30%,end position:10%,line-left size:40% align:left",
        ),
        (
            "tts:origin='50% 40%' tts:extent='50% 20%' tts:displayAlign='center'",
            "center",
            "line:50%,center position:75%,center size:50%",
        ),
        ("tts:origin='0% 0%' tts:extent='100% 100%' tts:displayAlign='after'", "end", "align:end"),
        ("tts:writingMode='tbrl'", "center", "vertical:rl"),
        ("style='s'", "center", "line:12.5% size:50%"),
    ] {
        let head = format!(
            "<styling><style xml:id='s' tts:origin='25% 12.5%' tts:extent='50% 50%'/></styling>{}",
            region(attributes)
        );
        let found = cues(&head, &format!("<div region='r'><p begin='0s' end='1s' tts:textAlign='{align}'>a</p></div>"));
        assert_eq!(found[0].2, expected, "{attributes}");
    }
}

#[test]
fn styles_are_chained_inherited_and_safe_from_rings() {
    let head = "<styling><style xml:id='a' style='b' tts:fontStyle='italic'/><style xml:id='b' style='a' tts:fontWeight='bold'/>\
        <style xml:id='c' tts:color='red'/></styling><layout><region xml:id='r'><style tts:color='cyan'/></region></layout>";
    let body = "<div region='r' style='a'><p begin='0s' end='1s'>x<span style='c'>y</span></p></div>";
    assert_eq!(cues(head, body)[0].3, "<c.cyan><b><i>x</i></b></c><c.red><b><i>y</i></b></c>");
}

#[test]
fn the_profile_is_what_the_document_says_or_shows() {
    let text = "<div><p>a</p></div>";
    let image = "<div begin='0s' end='1s' xmlns:smpte='http://www.smpte-ra.org/schemas/2052-1/2010/smpte-tt' smpte:backgroundImage='#i'/>";
    for (attributes, head, body, expected) in [
        ("ttp:profile='http://www.w3.org/ns/ttml/profile/imsc1/text'", "", text, Profile::ImscText),
        ("ttp:profile='http://www.w3.org/ns/ttml/profile/imsc1/image'", "", image, Profile::ImscImage),
        (
            "ttp:contentProfiles='http://x http://www.w3.org/ns/ttml/profile/imsc1.1/text'",
            "",
            text,
            Profile::Imsc11Text,
        ),
        ("", "<ttp:profile use='http://www.w3.org/ns/ttml/profile/imsc1/text'/>", text, Profile::ImscText),
        (
            "",
            "<metadata><e:documentMetadata xmlns:e='urn:ebu:tt:metadata'><e:conformsToStandard>urn:ebu:tt:distribution:2018-04</e:conformsToStandard></e:documentMetadata></metadata>",
            text,
            Profile::EbuTtD,
        ),
        ("", "", text, Profile::Text),
        ("", "", image, Profile::Image),
    ] {
        let ttml = read(attributes, head, body);
        assert_eq!(ttml.profile(), expected, "{attributes} {head}");
        assert_eq!(ttml.to_cues().is_err(), expected.is_image());
    }
    assert_eq!(crate::codec::stpp(Profile::ImscText), "stpp.ttml.im1t");
}

#[test]
fn forced_paragraphs_are_found() {
    for (body, expected) in [
        ("<div><p>a</p></div>", Forced::None),
        ("<div><p itts:forcedDisplay='true'>a</p><p>b</p></div>", Forced::Some),
        ("<div itts:forcedDisplay='true'><p>a</p><p>b</p></div>", Forced::All),
        ("<div itts:forcedDisplay='true'><p>a</p><p itts:forcedDisplay='false'>b</p></div>", Forced::Some),
        ("<div><p><span itts:forcedDisplay='true'>a</span></p></div>", Forced::All),
    ] {
        assert_eq!(read("", "", body).forced(), expected, "{body}");
    }
}

#[test]
fn hostile_and_foreign_documents_are_refused() {
    let deep = format!("<tt xmlns='http://www.w3.org/ns/ttml'>{}", "<div>".repeat(100));
    for (text, message) in [
        (
            "<!DOCTYPE lolz [<!ENTITY lol 'lol'>]><tt xmlns='http://www.w3.org/ns/ttml'/>",
            "document type declarations are not accepted",
        ),
        (deep.as_str(), "more than 64 levels"),
        ("<tt xmlns='http://www.w3.org/ns/ttml'><body>", "ends inside an element"),
        ("<tt xmlns='http://www.w3.org/ns/ttml'><body></tt>", "XML at byte"),
        (
            "<tt xmlns='http://www.w3.org/ns/ttml'><body><div><p>&lol;</p></div></body></tt>",
            "the entity \"lol\" is not defined",
        ),
        ("<html/>", "the root element is \"html\""),
        ("<tt xmlns='http://example.org/'/>", "not a TTML document"),
        ("<tt xmlns='http://www.w3.org/ns/ttml'/><tt/>", "a second root element"),
        ("hello", "text outside"),
        ("", "not a TTML document"),
        ("<tt xmlns='http://www.w3.org/ns/ttml' a='1' a='2'/>", "XML at byte"),
    ] {
        let error = parse(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(message), "{text}: {error}");
    }
}

#[test]
fn old_namespaces_prefixes_and_utf_16_are_read() {
    let old = "<tt:tt xmlns:tt='http://www.w3.org/2006/10/ttaf1' xmlns:s='http://www.w3.org/2006/10/ttaf1#style'><tt:body><tt:div>\
        <tt:p begin='0s' end='1s' s:fontStyle='italic'>é</tt:p></tt:div></tt:body></tt:tt>";
    let wide: Vec<u8> = [0xff, 0xfe].into_iter().chain(old.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    for bytes in [old.as_bytes(), &wide] {
        let parsed = parse(bytes).unwrap().to_cues().unwrap();
        assert_eq!((parsed.document.cues[0].payload.as_str(), parsed.warnings.len()), ("<i>é</i>", 0));
    }
    let bare = "<tt><body><div><p begin='0s' end='1s'>a</p></div></body></tt>";
    let parsed = parse(bare.as_bytes()).unwrap().to_cues().unwrap();
    assert_eq!((parsed.document.cues.len(), parsed.warnings.len()), (1, 1));
}

#[test]
fn spans_that_change_too_often_are_refused() {
    let spans: String = (0..6000).map(|index| format!("<span begin='{index}ms'>a</span>")).collect();
    let ttml = read("", "", &format!("<div><p end='1h'>{spans}</p></div>"));
    assert!(matches!(ttml.to_cues(), Err(TextError::TooLarge { .. })));
}

proptest! {
    #[test]
    fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn no_change_makes_the_parser_panic(at in 0usize..1500, byte in any::<u8>(), cut in 0usize..1500) {
        let head = "<styling><style xml:id='a' tts:color='red'/></styling><layout><region xml:id='r' tts:origin='10% 10%' tts:extent='50% 50%'/></layout>";
        let body = "<div region='r' timeContainer='seq'><p style='a' begin='00:00:01:10' dur='5s'>a<br/><span begin='1s' tts:fontStyle='italic'>&amp;<![CDATA[x]]></span></p><p begin='1t' end='10f'>b</p></div>";
        let mut bytes = wrap("ttp:frameRate='25' ttp:tickRate='90000'", head, body).into_bytes();
        if let Some(target) = bytes.get_mut(at) { *target = byte; }
        bytes.truncate(cut.max(at + 1));
        if let Ok(ttml) = parse(&bytes) {
            let _ = ttml.to_cues();
        }
    }

    #[test]
    fn any_times_give_cues_that_can_be_written(rows in prop::collection::vec(("[0-9:.]{0,9}(s|f|ms|h)?", "[0-9:.]{0,9}(s|t|m)?", "[a-z <>&;]{0,6}"), 0..8), sequence in any::<bool>()) {
        let body: String = rows.iter().map(|(begin, end, text)| format!("<p begin='{begin}' end='{end}'>{}</p>", quick_xml::escape::escape(text.as_str()))).collect();
        let container = if sequence { "seq" } else { "par" };
        let document = read("", "", &format!("<div timeContainer='{container}'>{body}</div>")).to_cues().unwrap().document;
        let text = crate::webvtt::write(&document).unwrap();
        prop_assert_eq!(crate::webvtt::parse(text.as_bytes()).unwrap().document.cues.len(), document.cues.len());
    }
}
