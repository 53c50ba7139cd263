//! One way, at least, to break each rule.

use crate::fixture::base64;
use crate::media;

/// A change of a file.
#[derive(Clone, Debug)]
pub(crate) enum Edit {
    /// The first occurrence of a text.
    Text(&'static str, String, String),
    /// Bytes at an offset from the first occurrence of a four-character code.
    Bytes(&'static str, &'static str, isize, Vec<u8>),
    Replace(&'static str, Vec<u8>),
    Remove(&'static str),
}

/// Edits of the valid presentation, and the rule that they break.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) rule: &'static str,
    pub(crate) root: &'static str,
    pub(crate) protected: bool,
    pub(crate) edits: Vec<Edit>,
    pub(crate) key: Option<[u8; 16]>,
    pub(crate) fetches: Option<usize>,
    pub(crate) content_type: Option<&'static str>,
}

fn case(rule: &'static str, root: &'static str, protected: bool, edit: Edit) -> Case {
    Case { rule, root, protected, edits: vec![edit], key: None, fetches: None, content_type: None }
}

fn text(file: &'static str, from: &str, to: &str) -> Edit {
    Edit::Text(file, from.to_owned(), to.to_owned())
}

/// A set of thumbnails behind the last one: a sheet of 320 by 90 pixels, whose tiles go on behind the end.
pub(crate) fn tiles(value: &str) -> String {
    format!(
        "</AdaptationSet><AdaptationSet contentType=\"image\" mimeType=\"image/jpeg\"><SegmentTemplate media=\"x.jpg\" duration=\"9\"/>\
         <Representation id=\"t\" bandwidth=\"1000\" width=\"320\" height=\"90\"><EssentialProperty \
         schemeIdUri=\"http://dashif.org/guidelines/thumbnail_tile\" value=\"{value}\"/></Representation></AdaptationSet></Period>"
    )
}

fn master(rule: &'static str, from: &str, to: &str) -> Case {
    case(rule, "m.m3u8", false, text("m.m3u8", from, to))
}

fn list(rule: &'static str, from: &str, to: &str) -> Case {
    case(rule, "m.m3u8", false, text("v1.m3u8", from, to))
}

fn mpd(rule: &'static str, from: &str, to: &str) -> Case {
    case(rule, "m.mpd", false, text("m.mpd", from, to))
}

fn locked(rule: &'static str, from: &str, to: &str) -> Case {
    case(rule, "m.mpd", true, text("m.mpd", from, to))
}

/// In a clear file of the first video track: `i.mp4` or a segment.
fn boxes(rule: &'static str, file: &'static str, kind: &'static str, at: isize, bytes: &[u8]) -> Case {
    case(rule, "m.m3u8", false, Edit::Bytes(file, kind, at, bytes.to_vec()))
}

fn crypt(rule: &'static str, file: &'static str, kind: &'static str, at: isize, bytes: &[u8]) -> Case {
    case(rule, "m.m3u8", true, Edit::Bytes(file, kind, at, bytes.to_vec()))
}

pub(crate) fn cases() -> Vec<Case> {
    [
        inputs(),
        bmff(),
        cmaf(),
        cenc(),
        multivariant(),
        renditions(),
        playlists(),
        tags(),
        manifests(),
        representations(),
        markers(),
    ]
    .concat()
}

fn inputs() -> Vec<Case> {
    vec![
        case("input.fetch", "m.m3u8", false, Edit::Remove("v1/1.m4s")),
        case("input.unknown", "m.m3u8", false, Edit::Replace("m.m3u8", b"hello".to_vec())),
        Case { fetches: Some(4), ..master("input.limit", "#EXT", "#EXT") },
        list("input.uri", "v1/1.m4s", "v1/1 .m4s"),
        Case { content_type: Some("text/plain"), ..master("hls.content-type", "#EXT", "#EXT") },
        Case { content_type: Some("text/plain"), ..mpd("dash.content-type", "MPD", "MPD") },
    ]
}

fn bmff() -> Vec<Case> {
    vec![
        boxes("bmff.audio-entry", "a/i.mp4", "mp4a", 28, &[0x56, 0x22]),
        boxes("bmff.box-missing", "v1/0.m4s", "mfhd", 0, b"free"),
        boxes("bmff.box-missing", "v1/i.mp4", "avcC", 0, b"free"),
        boxes("bmff.box-size", "v1/0.m4s", "mdat", -3, &[1]),
        boxes("bmff.brands", "v1/i.mp4", "ftyp", 0, b"free"),
        boxes("bmff.config", "v1/i.mp4", "avcC", 4, &[9]),
        boxes("bmff.data-offset", "v1/0.m4s", "trun", 14, &[9]),
        boxes("bmff.dimensions", "v1/i.mp4", "avc1", 28, &[2]),
        boxes("bmff.duration-zero", "v1/0.m4s", "trun", 16, &[0; 4]),
        boxes("bmff.edit-list", "v1/i.mp4", "elst", 20, &[0, 2]),
        boxes("bmff.handler", "v1/i.mp4", "vide", 0, b"soun"),
        boxes("bmff.mvex", "v1/i.mp4", "mvex", 0, b"free"),
        boxes("bmff.nal-length", "v1/0.m4s", "mdat", 7, &[200]),
        boxes("bmff.sample-table", "v1/0.m4s", "trun", 8, &[1]),
        boxes("bmff.sequence-number", "v1/1.m4s", "mfhd", 11, &[1]),
        case("bmff.sidx", "x.mp4", false, Edit::Bytes("x.mp4", "sidx", 30, vec![9])),
        boxes("bmff.track-id", "v1/0.m4s", "tfhd", 11, &[7]),
    ]
}

fn cmaf() -> Vec<Case> {
    vec![
        boxes("cmaf.box-order", "v1/0.m4s", "mdat", 0, b"free"),
        boxes("cmaf.brand", "v1/i.mp4", "ftyp", 4, b"iso6\0\0\0\0iso6iso5"),
        boxes("cmaf.default-base-is-moof", "v1/0.m4s", "tfhd", 5, &[0]),
        case("cmaf.one-track", "m.m3u8", false, Edit::Replace("v1/i.mp4", two_tracks())),
        case("cmaf.one-traf", "m.m3u8", false, Edit::Replace("v1/0.m4s", two_fragments())),
        boxes("cmaf.samples-in-moov", "v1/i.mp4", "stsz", 15, &[3]),
        boxes("cmaf.segment-empty", "v1/1.m4s", "moof", 0, b"free").with(Edit::Bytes(
            "v1/1.m4s",
            "mdat",
            0,
            b"free".to_vec(),
        )),
        boxes("cmaf.starts-with-sync", "v1/1.m4s", "trun", 24, &[1, 1]),
        boxes("cmaf.starts-with-sync", "v1/1.m4s", "mdat", 8, &[0x41]),
        case("cmaf.switching-set", "m.mpd", false, Edit::Bytes("v2/i.mp4", "mdhd", 18, vec![0x61, 0xa9])),
        boxes("cmaf.tfdt", "v1/0.m4s", "tfdt", 0, b"free"),
        boxes("cmaf.tfdt-continuity", "v1/1.m4s", "tfdt", 15, &[9]),
    ]
}

fn cenc() -> Vec<Case> {
    let reused = media::segment(true, true, 0);
    let cbcs =
        crypt("cenc.constant-iv", "v1/i.mp4", "schm", 8, b"cbcs").with(Edit::Bytes("v1/i.mp4", "tenc", 11, vec![0]));
    vec![
        crypt("cenc.blocks", "v1/0.m4s", "senc", 23, &[26, 0, 0, 0, 79]),
        crypt("cenc.clear-header", "v1/0.m4s", "senc", 22, &[0, 4, 0, 0, 0, 101]),
        cbcs,
        Case { key: Some([1; 16]), ..crypt("cenc.decrypt", "a/0.m4s", "free", 0, b"free") }.without_edits(),
        case("cenc.iv-reuse", "m.m3u8", true, Edit::Replace("v1/1.m4s", reused)),
        crypt("cenc.iv-size", "v1/i.mp4", "tenc", 11, &[7]),
        crypt("cenc.pattern", "v1/i.mp4", "tenc", 4, &[1]).with(Edit::Bytes("v1/i.mp4", "tenc", 9, vec![0x19])),
        crypt("cenc.pssh", "v1/i.mp4", "pssh", 27, &[99]),
        crypt("cenc.pssh-kid", "v1/i.mp4", "pssh", 35, &[99]),
        crypt("cenc.saio", "v1/0.m4s", "saio", 15, &[1]),
        crypt("cenc.saiz", "v1/0.m4s", "saiz", 8, &[9]),
        crypt("cenc.scheme", "v1/i.mp4", "schm", 8, b"piff"),
        case("cenc.seig", "m.m3u8", true, Edit::Replace("v1/0.m4s", grouped())),
        crypt("cenc.senc", "v1/0.m4s", "senc", 11, &[4]),
        crypt("cenc.senc-missing", "v1/0.m4s", "senc", 0, b"free").with(Edit::Bytes(
            "v1/0.m4s",
            "saio",
            0,
            b"free".to_vec(),
        )),
        crypt("cenc.sinf", "v1/i.mp4", "frma", 0, b"free"),
        crypt("cenc.subsample-sum", "v1/0.m4s", "senc", 23, &[99]),
    ]
}

fn multivariant() -> Vec<Case> {
    vec![
        master("hls.session-data", "#EXT-X-INDEPENDENT", "#EXT-X-SESSION-DATA:DATA-ID=\"a\"\n#EXT-X-INDEPENDENT"),
        master(
            "hls.session-data",
            "#EXT-X-INDEPENDENT",
            "#EXT-X-SESSION-DATA:DATA-ID=\"a\",VALUE=\"b\",URI=\"c\"\n#EXT-X-INDEPENDENT",
        ),
        master(
            "hls.session-data",
            "#EXT-X-INDEPENDENT",
            "#EXT-X-SESSION-DATA:DATA-ID=\"a\",VALUE=\"b\"\n#EXT-X-SESSION-DATA:DATA-ID=\"a\",VALUE=\"c\"\n#EXT-X-INDEPENDENT",
        ),
        master("hls.attribute-duplicate", "RESOLUTION=320x180,", "RESOLUTION=320x180,RESOLUTION=320x180,"),
        master("hls.attribute-required", "BANDWIDTH=20000,", ""),
        master("hls.attribute-syntax", "VIDEO-RANGE=SDR,", "VIDEO-RANGE,"),
        master("hls.attribute-value", "VIDEO-RANGE=SDR", "VIDEO-RANGE=\"SDR\""),
        master("hls.attribute-value", "320x180", "320*180"),
        master("hls.audio-only", "CODECS=\"mp4a.40.2\"", "CODECS=\"avc1.64000c,mp4a.40.2\""),
        master("hls.average-bandwidth", "AVERAGE-BANDWIDTH=9500", "AVERAGE-BANDWIDTH=19000"),
        master("hls.average-bandwidth-missing", "AVERAGE-BANDWIDTH=9500,", ""),
        master("hls.bandwidth", ":BANDWIDTH=20000", ":BANDWIDTH=2000"),
        master("hls.captions-none", "CLOSED-CAPTIONS=\"c\"", "CLOSED-CAPTIONS=NONE"),
        case("hls.captions-unsignalled", "m.m3u8", false, text("m.m3u8", ",CLOSED-CAPTIONS=\"c\"", ""))
            .with(captions()),
        master("hls.codecs-mismatch", "avc1.64000c", "avc1.640020"),
        master("hls.codecs-mismatch", "avc1.64000c,mp4a.40.2", "avc1.64000c,mp4a.40.2,ac-3"),
        master("hls.codecs-missing", "CODECS=\"avc1.64000c,mp4a.40.2\",", ""),
        master("hls.define", "v1.m3u8", "{$name}v1.m3u8"),
        master("hls.extm3u", "#EXTM3U\n", "#EXTINF\n"),
        master("hls.frame-rate", "FRAME-RATE=2.500,", ""),
        master("hls.frame-rate", "FRAME-RATE=2.500,", "FRAME-RATE=25.000,"),
        master("hls.group-missing", "AUDIO=\"a\"", "AUDIO=\"b\""),
        case("hls.iframe-missing", "m.m3u8", false, text("m.m3u8", "#EXT-X-I-FRAME-STREAM-INF", "#")),
        boxes("hls.idr-distance", "v1/1.m4s", "trun", 24, &[1, 1]),
        boxes("hls.independent-segments", "v1/1.m4s", "trun", 24, &[1, 1]),
        master("hls.independent-segments-missing", "#EXT-X-INDEPENDENT-SEGMENTS\n", ""),
        master("hls.mixed-playlist", "#EXT-X-STREAM", "#EXT-X-TARGETDURATION:4\n#EXT-X-STREAM"),
        boxes("hls.peak-ratio", "v1/i.mp4", "free", 0, b"").with(Edit::Replace("v1/0.m4s", large())).without_first(),
        master("hls.resolution", "RESOLUTION=320x180,", ""),
        master("hls.resolution", "RESOLUTION=320x180,", "RESOLUTION=640x360,"),
        case(
            "hls.session-key",
            "m.m3u8",
            true,
            text(
                "m.m3u8",
                "SESSION-KEY:METHOD=SAMPLE-AES-CTR,URI=\"data:",
                "SESSION-KEY:METHOD=SAMPLE-AES-CTR,URI=\"skd:",
            ),
        ),
        master("hls.stream-inf-uri", "v1.m3u8\n", ""),
        master("hls.utf8", "#EXTM3U\n", "\u{feff}#EXTM3U\n"),
        master("hls.version", "#EXT-X-VERSION:6", "#EXT-X-VERSION:6\n#EXT-X-DEFINE:NAME=\"a\",VALUE=\"b\""),
        master("hls.video-range", "VIDEO-RANGE=SDR", "VIDEO-RANGE=PQ"),
    ]
}

fn renditions() -> Vec<Case> {
    let second = "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"b\",NAME=\"Other\",LANGUAGE=\"en\",CHANNELS=\"2\",URI=\"a.m3u8\"\n#EXT-X-STREAM";
    let again = second.replace("\"b\"", "\"a\"").replace("Other", "English");
    let default = second.replace("\"b\"", "\"a\"").replace(",CH", ",DEFAULT=YES,CH");
    vec![
        master("hls.channels", ",CHANNELS=\"2\"", ""),
        master("hls.channels", ",CHANNELS=\"2\"", ",CHANNELS=\"6\""),
        master("hls.group-members", "#EXT-X-STREAM", second),
        master("hls.instream-id", "CC1", "CC9"),
        master("hls.language", "LANGUAGE=\"en\"", "LANGUAGE=\"english language\""),
        master("hls.rendition-default", "AUTOSELECT=YES", "AUTOSELECT=NO"),
        master("hls.rendition-default", "#EXT-X-STREAM", &default),
        master("hls.rendition-forced", "DEFAULT=YES", "DEFAULT=YES,FORCED=NO"),
        master("hls.rendition-name", "#EXT-X-STREAM", &again),
        master("hls.rendition-uri", ",URI=\"s.m3u8\"", ""),
    ]
}

fn playlists() -> Vec<Case> {
    let target = "#EXT-X-TARGETDURATION:2";
    let swap = |file: &'static str, from: &str, to: &str| text(file, from, to);
    vec![
        list("hls.media-byterange", "v1/1.m4s", "#EXT-X-BYTERANGE:100\nv1/1.m4s"),
        list("hls.media-byterange", "v1/1.m4s", "#EXT-X-BYTERANGE:100000@0\nv1/1.m4s"),
        list("hls.media-daterange", "#EXTINF", "#EXT-X-DATERANGE:START-DATE=\"2024-01-01T00:00:00Z\"\n#EXTINF"),
        list(
            "hls.media-daterange",
            "#EXTINF",
            "#EXT-X-DATERANGE:ID=\"1\",START-DATE=\"2024-01-01T00:00:09Z\",END-DATE=\"2024-01-01T00:00:00Z\"\n#EXTINF",
        ),
        list("hls.media-discontinuity", "0.m4s\n", "0.m4s\n#EXT-X-DISCONTINUITY\n"),
        list("hls.media-empty", "v1/0.m4s\n", "").with(swap("v1.m3u8", "v1/1.m4s\n", "")).with(swap(
            "v1.m3u8",
            "v1/2.m4s\n",
            "",
        )),
        list("hls.media-endlist", "#EXT-X-ENDLIST\n", ""),
        list("hls.media-extinf", "#EXTINF:2.000,", "#EXTINF:two,"),
        list("hls.media-extinf", "#EXTINF:2.000,\n", ""),
        list("hls.media-extinf-measured", "#EXTINF:2.000,", "#EXTINF:1.500,"),
        case("hls.media-iframe-range", "m.m3u8", false, text("i.m3u8", "@24", "@0").with_text("v1/0.m4s", "v1/i.mp4")),
        case("hls.media-iframes-only", "m.m3u8", false, text("i.m3u8", "#EXT-X-I-FRAMES-ONLY\n", "")),
        list("hls.media-key", "#EXTINF", "#EXT-X-KEY:METHOD=AES-128\n#EXTINF"),
        list("hls.media-key", "#EXTINF", "#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=0x12\n#EXTINF"),
        case("hls.media-key-id", "m.m3u8", true, text("v1.m3u8", &base64(&media::pssh()), &base64(&other_pssh()))),
        case("hls.media-key-missing", "m.m3u8", true, text("v1.m3u8", "#EXT-X-KEY", "#")),
        case("hls.media-key-scheme", "m.m3u8", true, text("v1.m3u8", "SAMPLE-AES-CTR", "SAMPLE-AES")),
        list(
            "hls.media-low-latency",
            target,
            "#EXT-X-TARGETDURATION:2\n#EXT-X-SERVER-CONTROL:PART-HOLD-BACK=0.5\n#EXT-X-PART-INF:PART-TARGET=0.5",
        ),
        list("hls.media-map", "#EXT-X-MAP", "#"),
        list("hls.media-part", "#EXTINF", "#EXT-X-PART:DURATION=1,URI=\"p\"\n#EXTINF"),
        list("hls.media-playlist-type", "TYPE:VOD", "TYPE:LIVE"),
        list("hls.media-preload-hint", "#EXT-X-ENDLIST", "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p\"\n#EXT-X-ENDLIST"),
        list("hls.media-program-date-time", "#EXTINF", "#EXT-X-PROGRAM-DATE-TIME:2024-01-01\n#EXTINF"),
        list("hls.media-program-date-time-drift", "#EXTINF", "#EXT-X-PROGRAM-DATE-TIME:2024-01-01T00:00:00Z\n#EXTINF")
            .with(swap("v1.m3u8", "v1/0.m4s\n", "v1/0.m4s\n#EXT-X-PROGRAM-DATE-TIME:2024-01-01T00:00:07Z\n")),
        list("hls.media-segment-alignment", "#EXTINF:2.000,\nv1/2.m4s\n", ""),
        case("hls.media-segment-alignment", "m.m3u8", false, Edit::Bytes("v2/1.m4s", "tfdt", 14, vec![0xe3])),
    ]
}

fn tags() -> Vec<Case> {
    let target = "#EXT-X-TARGETDURATION:2";
    vec![
        list("hls.media-skip", target, "#EXT-X-TARGETDURATION:2\n#EXT-X-SKIP:SKIPPED-SEGMENTS=3"),
        list("hls.media-skip", target, "#EXT-X-TARGETDURATION:2\n#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=3"),
        list("hls.media-tag-duplicate", target, "#EXT-X-TARGETDURATION:2\n#EXT-X-TARGETDURATION:2"),
        list("hls.media-tag-order", "#EXT-X-ENDLIST", "#EXT-X-MEDIA-SEQUENCE:1\n#EXT-X-ENDLIST"),
        list("hls.media-target-agreement", target, "#EXT-X-TARGETDURATION:3"),
        list("hls.media-target-duration", target, "#EXT-X-TARGETDURATION:1"),
        list("hls.media-target-long", target, "#EXT-X-TARGETDURATION:30"),
        case("hls.media-webvtt", "m.m3u8", false, text("s/0.vtt", "WEBVTT", "VTT")),
        case(
            "hls.media-webvtt-map",
            "m.m3u8",
            false,
            text("s/0.vtt", "X-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n", ""),
        ),
        list("hls.mixed-playlist", "#EXTINF", "#EXT-X-STREAM-INF:BANDWIDTH=1\n#EXTINF"),
        list("hls.target-missing", "#EXT-X-TARGETDURATION:2\n", ""),
        list("hls.version", "#EXT-X-VERSION:6", "#EXT-X-VERSION:5"),
    ]
}

fn manifests() -> Vec<Case> {
    let gap = "</AdaptationSet>\n  </Period>\n  <Period id=\"p1\" start=\"PT9S\" duration=\"PT1S\"/>";
    vec![
        mpd("dash.attribute-required", " minBufferTime=\"PT2S\"", ""),
        mpd("dash.attribute-value", "PT2S", "2s"),
        mpd("dash.duration", " mediaPresentationDuration=\"PT6S\"", "").with(text("m.mpd", " duration=\"PT6S\"", "")),
        mpd("dash.duration-measured", "mediaPresentationDuration=\"PT6S\"", "mediaPresentationDuration=\"PT9S\"")
            .with(text("m.mpd", " duration=\"PT6S\"", "")),
        mpd("dash.dynamic", "type=\"static\"", "type=\"dynamic\""),
        mpd(
            "dash.element-order",
            "<EssentialProperty",
            "<Role schemeIdUri=\"urn:mpeg:dash:role:2011\" value=\"main\"/><EssentialProperty",
        ),
        mpd("dash.id-unique", "AdaptationSet id=\"2\"", "AdaptationSet id=\"1\""),
        mpd("dash.id-unique", "Representation id=\"v2\"", "Representation id=\"v1\""),
        mpd("dash.language", " lang=\"en\"", ""),
        mpd("dash.period", "</AdaptationSet>\n  </Period>", gap),
        mpd("dash.profiles", "urn:mpeg:dash:profile:isoff-live:2011", "live"),
        mpd("dash.role", "value=\"main\"", "value=\"primary\""),
        mpd("dash.root", "urn:mpeg:dash:schema:mpd:2011", "urn:mpeg:dash:schema:mpd:2012"),
        mpd("dash.trick-mode", "trickmode\" value=\"1\"", "trickmode\" value=\"9\""),
        mpd("dash.trick-mode", "trickmode\" value=\"1\"", "trickmode\""),
        mpd("dash.thumbnails", "</AdaptationSet>\n  </Period>", &tiles("3x1")),
        mpd("dash.thumbnails", "</AdaptationSet>\n  </Period>", &tiles("2x4")),
        mpd("dash.thumbnails", "</AdaptationSet>\n  </Period>", &tiles("2 by 1")),
        mpd("dash.unknown-element", "<Role", "<Rolle/><Role"),
        mpd("dash.utc-timing", "type=\"static\"", "type=\"dynamic\""),
        mpd("dash.xml", "</MPD>", "</MP>"),
        locked("dash.playready", &base64(&crate::fixture::PLAYREADY), "AAAA"),
        locked("dash.protection-generic", "value=\"cenc\"", "value=\"cbcs\""),
        locked("dash.protection-kid", "default_KID=\"30", "default_KID=\"31"),
        locked("dash.protection-pssh", "EDEF8BA9", "EDEF8BAA"),
        locked("dash.protection-pssh", "<cenc:pssh>AAAA", "<cenc:pssh>AAAB"),
    ]
}

fn representations() -> Vec<Case> {
    vec![
        case("dash.alignment", "m.mpd", false, Edit::Bytes("v2/1.m4s", "tfdt", 14, vec![0xe3])),
        mpd("dash.audio-channels", "2011\" value=\"2\"", "2011\" value=\"6\""),
        mpd("dash.audio-rate", "audioSamplingRate=\"48000\"", "audioSamplingRate=\"44100\""),
        mpd("dash.bandwidth", "bandwidth=\"9000\"", "bandwidth=\"500\""),
        mpd("dash.codecs-mismatch", "avc1.64000c", "avc1.640020"),
        mpd("dash.codecs-missing", " codecs=\"avc1.64000c\"", ""),
        mpd("dash.frame-rate", "frameRate=\"5/2\"", "frameRate=\"25\""),
        case("dash.index-range", "m.mpd", false, Edit::Bytes("x.mp4", "sidx", 0, b"free".to_vec())),
        mpd("dash.mime-type", "mimeType=\"audio/mp4\"", "mimeType=\"video/mp4\""),
        mpd("dash.resolution", "width=\"320\"", "width=\"640\""),
        case("dash.sap", "m.mpd", false, Edit::Bytes("v1/1.m4s", "trun", 24, vec![1, 1])),
        mpd(
            "dash.segment-info",
            "<SegmentTemplate timescale=\"25000\" duration=\"50000\" initialization=\"v2/i.mp4\" media=\"v2/$Number$.m4s\" startNumber=\"0\"/>",
            "",
        ),
        mpd("dash.template", "%01d", "%1x"),
        mpd("dash.template", "$Number%01d$", "0"),
        mpd("dash.template-duration", "startNumber=\"0\">", "duration=\"50000\" startNumber=\"0\">"),
        mpd("dash.timeline-gap", "t=\"50000\"", "t=\"51000\""),
        mpd("dash.timeline-media", "<S t=\"0\" d=\"50000\"/>", "<S t=\"0\" d=\"40000\"/>"),
        mpd("dash.timeline-overlap", "t=\"50000\"", "t=\"49000\""),
    ]
}

fn markers() -> Vec<Case> {
    let event = |time: u64| Edit::Replace("v1/1.m4s", announced(&event(time, "urn:scte:scte35:2013:bin")));
    let range = |attributes: &str| {
        let head =
            "#EXT-X-DATERANGE:ID=\"a\",CLASS=\"com.apple.hls.interstitial\",START-DATE=\"2024-01-01T00:00:00Z\",";
        list("hls.media-interstitial", "#EXTINF", &format!("{head}{attributes}\n#EXTINF"))
    };
    let asset = "X-ASSET-URI=\"https://example.org/a.m3u8\"";
    let continuity =
        "<SupplementalProperty schemeIdUri=\"urn:mpeg:dash:period-continuity:2015\" value=\"p9\"/><Role sch";
    let divided = |id, offset, set| Edit::Replace("m.mpd", divided(id, offset, set));
    vec![
        case("bmff.emsg", "m.m3u8", false, Edit::Replace("v1/1.m4s", announced(&event_box(&[2, 0, 0, 0])))),
        case("bmff.emsg", "m.m3u8", false, Edit::Replace("v1/1.m4s", announced(&event_box(&[1; 24])))),
        case("bmff.emsg", "m.m3u8", false, Edit::Replace("v1/1.m4s", trailing(&self::event(50_000, "urn:x")))),
        case("bmff.emsg", "m.m3u8", false, Edit::Replace("v1/1.m4s", announced(&self::event(50_000, "")))),
        case("cmaf.emsg", "m.m3u8", false, event(10_000)),
        case("dash.inband-events", "m.mpd", false, event(50_000)),
        mpd("dash.period-continuity", "<Role sch", continuity),
        case("dash.period-continuity", "m.mpd", false, divided("p0", 90_000, "1")),
        case("dash.period-continuity", "m.mpd", false, divided("p0", 100_000, "2")),
        mpd("dash.period-start", "startNumber=\"0\">", "presentationTimeOffset=\"50000\" startNumber=\"0\">"),
        case("dash.period-start", "m.mpd", false, divided("p0", 0, "1")),
        range("DURATION=3"),
        range(&format!("{asset},X-ASSET-LIST=\"a.json\"")),
        range("X-ASSET-URI=\"a.m3u8\""),
        range(&format!("{asset},X-RESUME-OFFSET=\"0\"")),
        range(&format!("{asset},X-PLAYOUT-LIMIT=-1")),
        range(&format!("{asset},X-SNAP=\"UP\"")),
        range(&format!("{asset},X-RESTRICT=SKIP")),
        range(&format!("{asset},CUE=\"PRE,POST\"")),
    ]
}

/// An `emsg` around this body.
fn event_box(body: &[u8]) -> Vec<u8> {
    media::atom("emsg", &[body])
}

/// An event at this time of the first video track.
pub(crate) fn event(time: u64, scheme: &str) -> Vec<u8> {
    let numbers =
        [&[1, 0, 0, 0][..], &25_000u32.to_be_bytes(), &time.to_be_bytes(), &[0, 0, 0, 0, 0, 0, 0, 1]].concat();
    event_box(&[&numbers, scheme.as_bytes(), &[0, 0], b"message"].concat())
}

/// The second segment of the first video track with a box in front of its fragment, behind `styp`.
pub(crate) fn announced(event: &[u8]) -> Vec<u8> {
    let mut segment = media::segment(true, false, 1);
    let moof = segment.windows(4).position(|window| window == b"moof").unwrap() - 4;
    segment.splice(moof..moof, event.iter().copied());
    segment
}

fn trailing(event: &[u8]) -> Vec<u8> {
    [media::segment(true, false, 1), event.to_vec()].concat()
}

/// The first video track alone in two periods, the second of two seconds: it says that this set goes on from the period
/// of this id, and where.
pub(crate) fn divided(id: &str, offset: u64, set: &str) -> Vec<u8> {
    let period = |head: &str, set: &str, more: &str, template: &str, times: &str| {
        format!(
            "<Period {head}><AdaptationSet id=\"{set}\" mimeType=\"video/mp4\" segmentAlignment=\"true\">{more}\
             <SegmentTemplate timescale=\"25000\" initialization=\"v1/i.mp4\" media=\"v1/$Number$.m4s\" {template}>\
             <SegmentTimeline>{times}</SegmentTimeline></SegmentTemplate><Representation id=\"v1\" bandwidth=\"9000\" \
             codecs=\"avc1.64000c\" width=\"320\" height=\"180\"/></AdaptationSet></Period>"
        )
    };
    let first = "id=\"p0\" start=\"PT0S\"";
    let first = period(first, "1", "", "startNumber=\"0\"", "<S t=\"0\" d=\"50000\" r=\"1\"/>");
    let more = format!(
        "<SupplementalProperty schemeIdUri=\"urn:mpeg:dash:period-continuity:2015\" value=\"{id}\"/>\
         <InbandEventStream schemeIdUri=\"urn:scte:scte35:2013:bin\"/>"
    );
    let template = format!("startNumber=\"2\" presentationTimeOffset=\"{offset}\"");
    let times = "<S t=\"100000\" d=\"50000\"/>";
    let second = period("id=\"p1\" start=\"PT4S\" duration=\"PT2S\"", set, &more, &template, times);
    format!(
        "<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" profiles=\"urn:mpeg:dash:profile:isoff-live:2011\" type=\"static\" \
         mediaPresentationDuration=\"PT6S\" minBufferTime=\"PT2S\">{first}{second}</MPD>"
    )
    .into_bytes()
}

impl Case {
    fn with(mut self, edit: Edit) -> Self {
        self.edits.push(edit);
        self
    }

    fn without_edits(mut self) -> Self {
        self.edits.clear();
        self
    }

    fn without_first(mut self) -> Self {
        self.edits.remove(0);
        self
    }
}

impl Edit {
    /// The same file with another text changed instead.
    fn with_text(self, from: &str, to: &str) -> Self {
        match self {
            Edit::Text(file, ..) => text(file, from, to),
            other => other,
        }
    }
}

fn other_pssh() -> Vec<u8> {
    let mut pssh = media::pssh();
    let last = pssh.len() - 1;
    pssh[last] ^= 1;
    pssh
}

/// Finds a box and gives its start and end.
fn find(data: &[u8], kind: &[u8; 4]) -> (usize, usize) {
    let at = data.windows(4).position(|window| window == kind).unwrap() - 4;
    (at, at + u32::from_be_bytes(data[at..at + 4].try_into().unwrap()) as usize)
}

/// Adds bytes at the end of a box and of those around it.
fn grow(mut data: Vec<u8>, path: &[&[u8; 4]], bytes: &[u8]) -> Vec<u8> {
    let (_, end) = find(&data, path[path.len() - 1]);
    for kind in path {
        let (at, end) = find(&data, kind);
        data[at..at + 4].copy_from_slice(&((end - at + bytes.len()) as u32).to_be_bytes());
    }
    data.splice(end..end, bytes.iter().copied());
    data
}

fn two_tracks() -> Vec<u8> {
    let data = media::init(true, false);
    let (start, end) = find(&data, b"trak");
    let track = data[start..end].to_vec();
    grow(data, &[b"moov"], &track)
}

fn two_fragments() -> Vec<u8> {
    let data = media::segment(true, false, 0);
    let (start, end) = find(&data, b"traf");
    let fragment = data[start..end].to_vec();
    grow(data, &[b"moof"], &fragment)
}

/// A sample group that refers to a description that is not there.
fn grouped() -> Vec<u8> {
    let body = [&[0; 4][..], b"seig", &[0, 0, 0, 1, 0, 0, 0, 5, 0, 1, 0, 1]].concat();
    let mut data = grow(media::segment(true, true, 0), &[b"moof", b"traf"], &media::atom("sbgp", &[&body]));
    let at = data.windows(4).position(|window| window == b"trun").unwrap() + 12;
    let offset = u32::from_be_bytes(data[at..at + 4].try_into().unwrap()) + body.len() as u32 + 8;
    data[at..at + 4].copy_from_slice(&offset.to_be_bytes());
    data
}

/// A segment with 20 kB of padding.
fn large() -> Vec<u8> {
    [media::segment(true, false, 0), media::atom("free", &[&vec![0; 20_000]])].concat()
}

/// A first sample that is an SEI message with text for CC1, in place of the picture's noise.
fn captions() -> Edit {
    let payload = [&[0xb5, 0, 0x31][..], b"GA94", &[3, 0x41, 0xff, 0xfc, b'H', b'i', 0xff]].concat();
    let sei = [&[0, 0, 0, payload.len() as u8 + 4, 6, 4, payload.len() as u8][..], &payload, &[0x80]].concat();
    let rest = [&[0, 0, 0, (101 - sei.len()) as u8, 0x65][..], &[7; 4]].concat();
    Edit::Bytes("v1/0.m4s", "mdat", 4, [sei, rest].concat())
}
