//! Subtitles, splice messages, and what directories send.

use crate::pieces::join;

const WEBVTT: &str = "WEBVTT - words\nX-TIMESTAMP-MAP=MPEGTS:900000,LOCAL:00:00:00.000\n\nSTYLE\n::cue { color: red }\n\n\
    REGION\nid:r\nwidth:40%\nlines:3\nregionanchor:0%,100%\nviewportanchor:10%,90%\nscroll:up\n\n\
    NOTE nothing\n\none\n00:00:00.000 --> 00:00:02.500 align:start line:10% region:r\n<v.loud Ann>One <i>two</i>\n&amp; three\n\n\
    2\n01:00.000 --> 1:00:01.000 position:10%,line-left size:50%\n<00:01:01.500>four<ruby>a<rt>b</rt></ruby>\n\n\
    00:00:01.000 --> 00:00:04.000\n- five\n- <c.yellow.bg_blue>six</c>\n";

const SRT: &str = "\u{feff}1\r\n00:00:00,000 --> 00:00:01,500\r\n<i>One</i> {\\an8}two\r\n\r\n2\r\n00:00:01,500 --> 00:00:03,000 X1:0 X2:10\r\n\
    <font color=\"#ff0000\">three</font>\r\nfour & <five\r\n\r\n3\r\n0:0:4,5 --> 00:00:05.000\r\nsix\r\n";

const TTML: &str = r##"<?xml version="1.0" encoding="UTF-8"?>
<tt xmlns="http://www.w3.org/ns/ttml" xmlns:tts="http://www.w3.org/ns/ttml#styling" xmlns:ttp="http://www.w3.org/ns/ttml#parameter"
 xmlns:itts="http://www.w3.org/ns/ttml/profile/imsc1#styling" ttp:contentProfiles="http://www.w3.org/ns/ttml/profile/imsc1.1/text"
 ttp:frameRate="25" ttp:tickRate="1000" tts:extent="1280px 720px" xml:lang="en">
<head><styling><style xml:id="s" tts:color="#ffff00" tts:fontStyle="italic"/></styling>
<layout><region xml:id="r" tts:origin="10% 80%" tts:extent="80% 10%" tts:displayAlign="after" tts:textAlign="center"/></layout></head>
<body><div region="r"><p xml:id="a" begin="0s" end="00:00:02:12" style="s">One<br/>two &amp; <span tts:fontWeight="bold">three</span></p>
<p begin="2500t" dur="1.5s" itts:forcedDisplay="true">four</p><p timeContainer="seq"><span dur="1s">five</span><span dur="25f">six</span></p></div></body></tt>"##;

pub(crate) fn subtitles() -> Vec<Vec<u8>> {
    let utf16: Vec<u8> = std::iter::once(0xfeff).chain(TTML.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    [WEBVTT, SRT, TTML].map(|text| text.as_bytes().to_vec()).into_iter().chain([utf16]).collect()
}

pub(crate) fn text_samples() -> Vec<Vec<u8>> {
    let atom = |name: &[u8; 4], body: &[u8]| [&(body.len() as u32 + 8).to_be_bytes(), &name[..], body].concat();
    let inner = [
        atom(b"vsid", &7u32.to_be_bytes()),
        atom(b"iden", b"one"),
        atom(b"ctim", b"00:00:00.500"),
        atom(b"sttg", b"line:10% align:start"),
        atom(b"payl", b"One <00:00:00.700><i>two</i>"),
    ];
    let cue = atom(b"vttc", &inner.concat());
    let plain = atom(b"vttc", &atom(b"payl", b"three"));
    let empty = atom(b"vtte", b"");
    let samples = [cue.clone(), [cue, plain.clone()].concat(), empty, [plain.clone(), plain].concat()];
    let wvtt = join(b"WEBVTT\n\nSTYLE\n::cue { color: red }", samples.iter().map(|sample| &sample[..]));
    vec![wvtt, join(b"http://www.w3.org/ns/ttml\0\0\0", [TTML.as_bytes(), b"", TTML.as_bytes()])]
}

/// Messages of the kinds that are seen in streams; the last one has no CRC.
pub(crate) fn cue_messages() -> Vec<Vec<u8>> {
    [
        "fc3034000000000000fffff00506fe72bd0050001e021c435545494800008e7fcf0001a599b00808000000002ca0a18a3402009ac9d17e",
        "fc302f000000000000fffff014054800008f7feffe7369c02efe0052ccf500000000000a0008435545490000013562dba30a",
        "fc3048000000000000fffff00506fe7a4d88b60032021743554549480000187f9f0808000000002ccbc344110000021743554549480000197f9f0808000000002ca4dba01000009972e343",
        "fc301b00000000000000fff00a050000000a7f9f00010000000000000000",
    ]
    .iter()
    .filter_map(|text| hex::decode(text).ok())
    .collect()
}

/// Filters and a path, each with a person or changes of one behind it.
pub(crate) fn directories() -> Vec<Vec<u8>> {
    let person = r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"anna","active":true,
        "name":{"givenName":"Anna","familyName":"M"},"emails":[{"value":"a@b.c","type":"work","primary":true}],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager":{"value":"usr_2"}}}"#;
    let changes = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[
        {"op":"replace","path":"emails[type eq \"work\"].value","value":"c@d.e"},{"op":"remove","path":"name.givenName"},
        {"op":"Add","value":{"active":"False","name.familyName":"K"}}]}"#;
    [
        ("emails[type eq \"work\" and value co \"@x\"] or not (userName sw \"a\" and active eq true)", person),
        ("name.familyName pr and (title ne null or meta.created gt \"2026-11-21T03:50:00Z\")", changes),
        ("urn:ietf:params:scim:schemas:core:2.0:User:emails[primary eq true].value eq \"a\"", changes),
        ("emails[type eq \"home\"].display", person),
    ]
    .map(|(line, body)| format!("{line}\n{body}").into_bytes())
    .into()
}
