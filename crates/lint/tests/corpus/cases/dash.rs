//! Rules of manifests.

use super::{Case, Edit, case, locked, mpd, text};
use crate::fixture::{self, base64};
use crate::pieces;

pub(super) fn cases() -> Vec<Case> {
    [manifests(), representations()].concat()
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
        mpd("dash.thumbnails", "</AdaptationSet>\n  </Period>", &pieces::tiles("3x1")),
        mpd("dash.thumbnails", "</AdaptationSet>\n  </Period>", &pieces::tiles("2x4")),
        mpd("dash.thumbnails", "</AdaptationSet>\n  </Period>", &pieces::tiles("2 by 1")),
        mpd("dash.unknown-element", "<Role", "<Rolle/><Role"),
        mpd("dash.utc-timing", "type=\"static\"", "type=\"dynamic\""),
        mpd("dash.xml", "</MPD>", "</MP>"),
        locked("dash.playready", &base64(&fixture::PLAYREADY), "AAAA"),
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
