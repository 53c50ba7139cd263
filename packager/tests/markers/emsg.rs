//! Messages inside segments.

use super::*;

/// Version, timescale, time, duration, id, scheme, value and data.
type Said = (u8, u32, u64, u32, u32, String, String, Vec<u8>);

/// The `emsg` at the start of `bytes`, and what follows it.
fn message(bytes: &[u8]) -> (Said, &[u8]) {
    let word = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    assert_eq!(&bytes[4..8], b"emsg");
    let (body, rest) = bytes.split_at(word(0) as usize);
    let time = u64::from_be_bytes(body[16..24].try_into().unwrap());
    let mut strings = body[32..].splitn(3, |&byte| byte == 0);
    let mut text = || strings.next().unwrap().to_vec();
    let (scheme, value, data) = (text(), text(), text());
    let text = |bytes| String::from_utf8(bytes).unwrap();
    ((body[8], word(12), time, word(24), word(28), text(scheme), text(value), data), rest)
}

#[test]
fn messages_lie_in_front_of_the_fragment_in_which_their_events_begin() {
    let length = 0x0052_ccf5;
    let said = [
        (Some(0), section(PROGRAMS)),
        (Some(270_000), section(OPPORTUNITY)),
        (Some(630_045), section(OPPORTUNITY_END)),
        (Some(400_000), section(INSERT)),
    ];
    let markers = unite(parse_cue_list("1 mid").unwrap(), from_messages(said).markers);
    let mut events = EventMessages::new(&markers, Timescale::new(24_000).unwrap());
    let sample = |at: i64, keyframe| SampleMeta { dts: at, pts: at, duration: 48_048, size: 10, keyframe };
    let mut found = Vec::new();
    for index in 0..3 {
        let at = i64::from(index) * 96_096;
        let samples = [sample(at, true), sample(at + 48_048, true)];
        let plain = segment_header(index, &samples, 0, None).unwrap();
        let mut header = plain.clone();
        events.announce(&mut header, (at + 96_096) as u64);
        let added = header.bytes.len() - plain.bytes.len();
        assert_eq!((&header.bytes[..24], &header.bytes[24 + added..]), (&plain.bytes[..24], &plain.bytes[24..]));
        for (point, plain) in header.sync_points.iter().zip(&plain.sync_points) {
            let (moved, grown) = if plain.bytes.offset == 0 { (0, added) } else { (added, 0) };
            assert_eq!(point.bytes.offset, plain.bytes.offset + moved as u64);
            assert_eq!(point.bytes.length, plain.bytes.length + grown as u64);
        }
        let mut rest = &header.bytes[24..24 + added];
        while !rest.is_empty() {
            let (message, after) = message(rest);
            let (version, scale, time, duration, id, scheme, value, data) = message;
            assert_eq!((version, scale, scheme.as_str(), value.as_str()), (1, 24_000, "urn:scte:scte35:2013:bin", ""));
            found.push((index, time, duration, id, data));
            rest = after;
        }
    }
    // 90 kHz to 24 kHz; the break that has its end lasts as long as it did, and the end lasts no time.
    let bytes = |text: &str| section(text).to_vec();
    let wanted = [
        (0, 0, u32::MAX, 1, bytes(PROGRAMS)),
        (0, 0, u32::MAX, 2, bytes(PROGRAMS)),
        (0, 72_000, 96_012, 3, bytes(OPPORTUNITY)),
        (1, 106_667, (length * 24 + 45) / 90, 4, bytes(INSERT)),
        (1, 168_012, 0, 5, bytes(OPPORTUNITY_END)),
    ];
    assert_eq!(found, wanted);
}

#[test]
fn the_manifest_announces_messages_where_segments_carry_them() {
    let tracks = tracks();
    let markers = opportunity();
    let inband = "<InbandEventStream schemeIdUri=\"urn:scte:scte35:2013:bin\"/>";
    let told = |tracks: &[TrackRecord], markers: &[Marker], inband_events| {
        mpd(&Presentation { tracks, markers, inband_events, ..Presentation::default() }).unwrap()
    };
    let text = told(&tracks, &markers, true);
    let (pictures, sound) = text.split_once("contentType=\"audio\"").unwrap();
    assert!(pictures.contains(inband) && !sound.contains(inband), "{text}");
    assert!(told(&tracks[1..], &markers, true).contains(inband));
    assert!(!told(&tracks, &markers, false).contains(inband));
    assert!(!told(&tracks, &parse_cue_list("1").unwrap(), true).contains(inband));
}
