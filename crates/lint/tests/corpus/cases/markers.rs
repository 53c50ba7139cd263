//! Rules of event messages, interstitials and periods that go on.

use super::{Case, Edit, case, list, mpd};
use crate::pieces;

pub(super) fn cases() -> Vec<Case> {
    let segment = |bytes: Vec<u8>| Edit::Replace("v1/1.m4s", bytes);
    let message = |bytes: Vec<u8>| case("bmff.emsg", "m.m3u8", false, segment(bytes));
    let event = |time: u64| segment(pieces::announced(&pieces::event(time, "urn:scte:scte35:2013:bin")));
    let range = |attributes: &str| {
        let head =
            "#EXT-X-DATERANGE:ID=\"a\",CLASS=\"com.apple.hls.interstitial\",START-DATE=\"2024-01-01T00:00:00Z\",";
        list("hls.media-interstitial", "#EXTINF", &format!("{head}{attributes}\n#EXTINF"))
    };
    let asset = "X-ASSET-URI=\"https://example.org/a.m3u8\"";
    let continuity =
        "<SupplementalProperty schemeIdUri=\"urn:mpeg:dash:period-continuity:2015\" value=\"p9\"/><Role sch";
    let divided = |id, offset, set| Edit::Replace("m.mpd", pieces::divided(id, offset, set));
    vec![
        message(pieces::announced(&pieces::event_box(&[2, 0, 0, 0]))),
        message(pieces::announced(&pieces::event_box(&[1; 24]))),
        message(pieces::trailing(&pieces::event(50_000, "urn:x"))),
        message(pieces::announced(&pieces::event(50_000, ""))),
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
