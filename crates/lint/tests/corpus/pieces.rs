//! Pieces of presentations that cases put into the valid one.

use crate::media;

/// A set of thumbnails behind the last one: a sheet of 320 by 90 pixels, whose tiles go on behind the end.
pub(crate) fn tiles(value: &str) -> String {
    format!(
        "</AdaptationSet><AdaptationSet contentType=\"image\" mimeType=\"image/jpeg\"><SegmentTemplate media=\"x.jpg\" duration=\"9\"/>\
         <Representation id=\"t\" bandwidth=\"1000\" width=\"320\" height=\"90\"><EssentialProperty \
         schemeIdUri=\"http://dashif.org/guidelines/thumbnail_tile\" value=\"{value}\"/></Representation></AdaptationSet></Period>"
    )
}

/// A set of WebVTT subtitles behind the last one, with these attributes, and this inside of its representation.
pub(crate) fn subtitles(of_set: &str, of_representation: &str, inside: &str) -> String {
    format!(
        "</AdaptationSet><AdaptationSet contentType=\"text\" mimeType=\"text/vtt\" {of_set}>\
         <Role schemeIdUri=\"urn:mpeg:dash:role:2011\" value=\"subtitle\"/><Representation id=\"t\" {of_representation}>\
         {inside}</Representation></AdaptationSet></Period>"
    )
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

/// An `emsg` around this body.
pub(crate) fn event_box(body: &[u8]) -> Vec<u8> {
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

pub(crate) fn trailing(event: &[u8]) -> Vec<u8> {
    [media::segment(true, false, 1), event.to_vec()].concat()
}

pub(crate) fn two_tracks() -> Vec<u8> {
    let data = media::init(true, false);
    let (start, end) = find(&data, b"trak");
    let track = data[start..end].to_vec();
    grow(data, &[b"moov"], &track)
}

pub(crate) fn two_fragments() -> Vec<u8> {
    let data = media::segment(true, false, 0);
    let (start, end) = find(&data, b"traf");
    let fragment = data[start..end].to_vec();
    grow(data, &[b"moof"], &fragment)
}

/// A sample group that refers to a description that is not there.
pub(crate) fn grouped() -> Vec<u8> {
    let body = [&[0; 4][..], b"seig", &[0, 0, 0, 1, 0, 0, 0, 5, 0, 1, 0, 1]].concat();
    let mut data = grow(media::segment(true, true, 0), &[b"moof", b"traf"], &media::atom("sbgp", &[&body]));
    let at = data.windows(4).position(|window| window == b"trun").unwrap() + 12;
    let offset = u32::from_be_bytes(data[at..at + 4].try_into().unwrap()) + body.len() as u32 + 8;
    data[at..at + 4].copy_from_slice(&offset.to_be_bytes());
    data
}

/// A segment with 20 kB of padding.
pub(crate) fn large() -> Vec<u8> {
    [media::segment(true, false, 0), media::atom("free", &[&vec![0; 20_000]])].concat()
}

/// A first sample that is an SEI message with text for CC1, in place of the picture's noise.
pub(crate) fn captions() -> Vec<u8> {
    let payload = [&[0xb5, 0, 0x31][..], b"GA94", &[3, 0x41, 0xff, 0xfc, b'H', b'i', 0xff]].concat();
    let sei = [&[0, 0, 0, payload.len() as u8 + 4, 6, 4, payload.len() as u8][..], &payload, &[0x80]].concat();
    let rest = [&[0, 0, 0, (101 - sei.len()) as u8, 0x65][..], &[7; 4]].concat();
    [sei, rest].concat()
}

pub(crate) fn other_pssh() -> Vec<u8> {
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
