//! Rules of multivariant and media playlists.

use super::{Case, Edit, boxes, case, list, master, text};
use crate::fixture::base64;
use crate::{media, pieces};

pub(super) fn cases() -> Vec<Case> {
    [multivariant(), renditions(), playlists(), tags()].concat()
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
            .with(Edit::Bytes("v1/0.m4s", "mdat", 4, pieces::captions())),
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
        boxes("hls.peak-ratio", "v1/i.mp4", "free", 0, b"")
            .with(Edit::Replace("v1/0.m4s", pieces::large()))
            .without_first(),
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
        master("hls.video-range-codec", "VIDEO-RANGE=SDR", "VIDEO-RANGE=PQ"),
        master("hls.video-range-missing", "VIDEO-RANGE=SDR", "VIDEO-RANGE=PQ"),
        master("hls.sdr-missing", "VIDEO-RANGE=SDR", "VIDEO-RANGE=HLG").with(text(
            "m.m3u8",
            "FRAME-RATE=2.500,AUDIO",
            "FRAME-RATE=2.500,VIDEO-RANGE=HLG,AUDIO",
        )),
        master("hls.sdr-missing", "RESOLUTION=320x180,URI", "RESOLUTION=320x180,VIDEO-RANGE=PQ,URI"),
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
        case(
            "hls.media-key-id",
            "m.m3u8",
            true,
            text("v1.m3u8", &base64(&media::pssh()), &base64(&pieces::other_pssh())),
        ),
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
