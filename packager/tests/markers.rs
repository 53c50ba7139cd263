//! Markers: from lists and from SCTE 35 messages, into playlists and manifest.
#![allow(clippy::unwrap_used)]

mod common;

use bytes::Bytes;
use common::{audio, video};
use media_types::{MediaTime, Timescale, TrackRecord};
use packager::markers::{Asset, EventMessages, Interstitial, Marker, Messages, from_messages, parse_cue_list, unite};
use packager::repack::{PacketTimes, SegmentGrid, Survey, TrackShape};
use packager::{
    FileLayout, PackageError, Presentation, SampleMeta, iframe_playlist, media_playlist, mpd, segment_header,
};
use proptest::prelude::*;

/// SCTE 35 §14.1: a provider placement opportunity starts, of event 0x4800008e and 0x01a599b0 ticks.
const OPPORTUNITY: &str = "fc3034000000000000fffff00506fe72bd0050001e021c435545494800008e7fcf0001a599b00808000000002ca0a18a\
                           3402009ac9d17e";
const OPPORTUNITY_BASE64: &str = "/DA0AAAAAAAA///wBQb+cr0AUAAeAhxDVUVJSAAAjn/PAAGlmbAICAAAAAAsoKGKNAIAmsnRfg==";
/// §14.2: an out of network of event 0x4800008f, which returns by itself after 0x0052ccf5 ticks.
const INSERT: &str =
    "fc302f000000000000fffff014054800008f7feffe7369c02efe0052ccf500000000000a0008435545490000013562dba30a";
/// §14.3: the placement opportunity ends.
const OPPORTUNITY_END: &str =
    "fc302f000000000000fffff00506fe746290a000190217435545494800008e7f9f0808000000002ca0a18a350200a9cc6758";
const OPPORTUNITY_END_BASE64: &str = "/DAvAAAAAAAA///wBQb+dGKQoAAZAhdDVUVJSAAAjn+fCAgAAAAALKChijUCAKnMZ1g=";
/// §14.4: one program ends and another starts.
const PROGRAMS: &str = "fc3048000000000000fffff00506fe7a4d88b60032021743554549480000187f9f0808000000002ccbc344110000021743\
                        554549480000197f9f0808000000002ca4dba01000009972e343";

fn section(hex: &str) -> Bytes {
    hex::decode(hex).unwrap().into()
}

/// With the CRC of ISO/IEC 13818-1 annex A in its last four bytes.
fn checked(mut bytes: Vec<u8>) -> Bytes {
    let end = bytes.len() - 4;
    let crc = bytes[..end].iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << 24, |crc, _| crc << 1 ^ if crc >> 31 == 1 { 0x04c1_1db7 } else { 0 })
    });
    bytes[end..].copy_from_slice(&crc.to_be_bytes());
    bytes.into()
}

/// A `splice_insert`: `flags` from out_of_network on, then a break's bits.
fn insert(id: u8, cancelled: bool, flags: u8, length: Option<u64>) -> Bytes {
    let mut command = vec![0, 0, 0, id, if cancelled { 0xff } else { 0x7f }];
    if !cancelled {
        command.push(flags | 0x5f | if length.is_some() { 0x20 } else { 0 });
        command.extend(length.iter().flat_map(|length| length.to_be_bytes()[3..].to_vec()));
        command.extend([0, 1, 0, 0]);
    }
    let mut bytes = vec![0xfc, 0x30, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xf0, command.len() as u8, 5];
    bytes.extend(command);
    bytes.extend([0, 0, 0, 0, 0, 0]);
    bytes[2] = bytes.len() as u8 - 3;
    checked(bytes)
}

const OUT: u8 = 0x80;
const IN: u8 = 0;

/// Id, start, duration and announced length in 90 kHz.
type Shape = (String, i64, Option<i64>, Option<i64>);

fn joined(messages: &[(Option<i64>, Bytes)]) -> Vec<Shape> {
    let found = from_messages(messages.to_vec());
    assert_eq!((found.unread, found.passed_over), (0, 0));
    let ticks = |time: Option<MediaTime>| time.map(|time| time.ticks);
    found.markers.into_iter().map(|m| (m.id, m.start.ticks, ticks(m.duration), ticks(m.planned))).collect()
}

fn shape(id: &str, start: i64, duration: Option<i64>, planned: Option<i64>) -> Shape {
    (id.to_owned(), start, duration, planned)
}

fn opportunity() -> Vec<Marker> {
    let messages = [(Some(270_000), section(OPPORTUNITY)), (Some(630_045), section(OPPORTUNITY_END))];
    from_messages(messages).markers
}

fn tracks() -> Vec<TrackRecord> {
    vec![video(360, 288).track, audio("audio-en", "en", 288).track]
}

#[test]
fn the_standards_messages_are_joined_by_what_they_begin_and_end() {
    let markers = opportunity();
    assert_eq!(markers.len(), 1);
    let wanted = Messages { out: Some(section(OPPORTUNITY)), back: Some(section(OPPORTUNITY_END)), command: None };
    assert_eq!(markers[0].messages, wanted);
    let end = Some(360_045);
    assert_eq!(
        joined(&[(Some(270_000), section(OPPORTUNITY)), (Some(630_045), section(OPPORTUNITY_END))]),
        [shape("segmentation-1207959694-34", 270_000, end, Some(0x01a5_99b0))]
    );
    let length = Some(0x0052_ccf5);
    assert_eq!(joined(&[(Some(90), section(INSERT))]), [shape("splice-1207959695", 90, length, length)]);
    // One message, two descriptors: neither is a break.
    let programs = from_messages([(Some(5), section(PROGRAMS))]).markers;
    let ids: Vec<_> = programs.iter().map(|marker| marker.id.as_str()).collect();
    assert_eq!(ids, ["segmentation-1207959576-11", "segmentation-1207959577-10"]);
    assert!(programs.iter().all(|marker| marker.messages.command == Some(section(PROGRAMS))));
}

#[test]
fn what_is_said_again_changes_nothing_and_what_is_restated_moves() {
    let (out, back) = (insert(7, false, OUT, None), insert(7, false, IN, None));
    let said = [(Some(900), out.clone()), (Some(900), out.clone()), (Some(1800), back.clone()), (Some(1800), back)];
    assert_eq!(joined(&said), [shape("splice-7", 900, Some(900), None)]);
    // The announcement comes once more after the break.
    let again = [said[0].clone(), said[2].clone(), said[0].clone()];
    assert_eq!(joined(&again), [shape("splice-7", 900, Some(900), None)]);
    assert_eq!(joined(&[(Some(900), out.clone()), (Some(1000), out)]), [shape("splice-7", 1000, None, None)]);
}

#[test]
fn an_event_id_that_comes_back_after_its_break_is_another_break() {
    let out = |length| insert(7, false, OUT, Some(length));
    let returning = 0x80_0000_0000 | 450;
    let said = [(Some(100), out(returning)), (Some(550), out(450)), (Some(2000), insert(9, false, IN, None))];
    assert_eq!(
        joined(&said),
        [
            shape("splice-7", 100, Some(450), Some(450)),
            shape("splice-7-2", 550, None, Some(450)),
            // Its beginning lies before the recording.
            shape("splice-9", 2000, None, None),
        ]
    );
}

#[test]
fn a_cancelled_break_goes_unless_it_is_over() {
    let (out, back, cancel) = (insert(7, false, OUT, None), insert(7, false, IN, None), insert(7, true, OUT, None));
    assert_eq!(joined(&[(Some(900), out.clone()), (None, cancel.clone())]), []);
    let over = [(Some(900), out.clone()), (Some(950), back), (None, cancel.clone())];
    assert_eq!(joined(&over), [shape("splice-7", 900, Some(50), None)]);
    let other = [(Some(900), out), (None, insert(8, true, OUT, None))];
    assert_eq!(joined(&other).len(), 1);
}

#[test]
fn messages_without_a_place_or_sense_make_no_marker() {
    let null = checked(vec![0xfc, 0x30, 17, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xf0, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(joined(&[(None, null), (None, insert(1, false, OUT, None))]), []);
    let mut encrypted = section(INSERT).to_vec();
    encrypted[4] |= 0x80;
    let said = [(Some(1), Bytes::from(encrypted)), (Some(1), section(INSERT).slice(..20)), (Some(-1), section(INSERT))];
    let found = from_messages(said);
    assert_eq!((found.markers.len(), found.unread, found.passed_over), (0, 2, 1));
}

#[test]
fn a_list_of_cues_is_read_line_by_line() {
    let text = "\u{feff}# breaks\n\n00:01:30.5 30 mid\n  12.25 intro # not a break\r\n1:00\n3 4\n";
    let cues = parse_cue_list(text).unwrap();
    let micros = |time: MediaTime| (time.scale.get() == 1_000_000).then_some(time.ticks).unwrap();
    let shown: Vec<_> =
        cues.iter().map(|cue| (cue.id.as_str(), micros(cue.start), micros(cue.duration.unwrap()))).collect();
    let wanted = [
        ("cue-4", 3_000_000, 4_000_000),
        ("intro", 12_250_000, 0),
        ("cue-3", 60_000_000, 0),
        ("mid", 90_500_000, 30_000_000),
    ];
    assert_eq!(shown, wanted);
    assert!(cues.iter().all(|cue| cue.messages == Messages::default()));
}

#[test]
fn what_is_wrong_with_a_list_is_told_with_its_place_and_cure() {
    for (text, want) in [
        ("1\n x 2", "line 2, column 2: \"x\" is no time; write seconds such as 12.5, or hh:mm:ss.mmm"),
        ("1:60", "line 1, column 1: \"1:60\" is no time"),
        ("-1", "line 1, column 1: \"-1\" is no time"),
        ("1.", "line 1, column 1: \"1.\" is no time"),
        ("1.1234567", "line 1, column 1: \"1.1234567\" is no time"),
        ("1:2:3:4", "line 1, column 1: \"1:2:3:4\" is no time"),
        ("10 3o", "line 1, column 4: \"3o\" is no time"),
        ("10 ad 30", "line 1, column 4: \"ad\" is no time"),
        ("99999999999", "line 1, column 1: \"99999999999\" is longer than anything that can be played"),
        ("9 99999999999999999999", "line 1, column 3: \"99999999999999999999\" is longer"),
        ("1 2 a b", "line 1, column 7: \"b\" is one word too many"),
        ("1 2 a\n3 4 a", "line 2, column 5: the id \"a\" is taken by an earlier cue; give each its own"),
        ("1 2 ü\"", "line 1, column 5: the id \"ü\\\"\" cannot stand in a playlist"),
    ] {
        let told = parse_cue_list(text).unwrap_err().to_string();
        assert!(told.starts_with(want), "{text:?}: {told}");
    }
    assert_eq!(parse_cue_list(&"1\n".repeat(10_000)).unwrap().len(), 10_000);
    let told = parse_cue_list(&"1\n".repeat(10_001)).unwrap_err().to_string();
    assert_eq!(told, "line 10001, column 1: this is cue 10001; 10000 are the most");
}

#[test]
fn numbers_of_cues_pass_over_ids_that_are_taken() {
    let cues = parse_cue_list("1 cue-2\n2\n3").unwrap();
    let ids: Vec<_> = cues.iter().map(|cue| cue.id.as_str()).collect();
    assert_eq!(ids, ["cue-2", "cue-2x", "cue-3"]);
    let markers =
        unite(parse_cue_list("9 splice-1207959695").unwrap(), from_messages([(Some(3), section(INSERT))]).markers);
    let ids: Vec<_> = markers.iter().map(|marker| marker.id.as_str()).collect();
    assert_eq!(ids, ["splice-1207959695-scte35", "splice-1207959695"]);
}

#[test]
fn playlists_tell_markers_on_a_calendar_from_1970() {
    let tracks = tracks();
    let markers = unite(parse_cue_list("3723.5 2 mid").unwrap(), opportunity());
    let presentation = Presentation { tracks: &tracks, markers: &markers, ..Presentation::default() };
    let (out, back) = (OPPORTUNITY.to_uppercase(), OPPORTUNITY_END.to_uppercase());
    let ranges = format!(
        "#EXT-X-DATERANGE:ID=\"segmentation-1207959694-34\",START-DATE=\"1970-01-01T00:00:03.000Z\",DURATION=4.001,\
         PLANNED-DURATION=307.000,SCTE35-OUT=0x{out},SCTE35-IN=0x{back}\n\
         #EXT-X-DATERANGE:ID=\"mid\",CLASS=\"cue\",START-DATE=\"1970-01-01T01:02:03.500Z\",DURATION=2.000\n"
    );
    let date = "#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:00.000Z\n";
    for track in &tracks {
        let text = media_playlist(&presentation, track).unwrap();
        let wanted = format!("#EXT-X-MAP:URI=\"init.mp4\"\n{ranges}{date}#EXTINF:");
        assert!(text.contains(&wanted), "{text}");
        assert_eq!(text.matches("PROGRAM-DATE-TIME").count(), 1);
    }
    let iframes = iframe_playlist(&presentation, &tracks[0]).unwrap();
    assert!(iframes.contains(date) && !iframes.contains("DATERANGE"), "{iframes}");
    let late = TrackRecord { segments: tracks[0].segments[1..].to_vec(), ..tracks[0].clone() };
    let text = media_playlist(&presentation, &late).unwrap();
    assert!(text.contains("#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:04.004Z\n"), "{text}");
}

#[test]
fn the_manifest_tells_messages_in_the_order_of_their_times_and_cues_beside_them() {
    let tracks = tracks();
    let markers = unite(parse_cue_list("2 mid\n1 0.5 first").unwrap(), opportunity());
    let presentation = Presentation { tracks: &tracks, markers: &markers, ..Presentation::default() };
    let text = mpd(&presentation).unwrap();
    let messages = format!(
        "<EventStream schemeIdUri=\"urn:scte:scte35:2014:xml+bin\" timescale=\"90000\">\
         <Event id=\"1\" presentationTime=\"270000\" duration=\"360045\"><scte35:Signal><scte35:Binary>\
         {OPPORTUNITY_BASE64}</scte35:Binary></scte35:Signal></Event>\
         <Event id=\"2\" presentationTime=\"630045\"><scte35:Signal><scte35:Binary>\
         {OPPORTUNITY_END_BASE64}</scte35:Binary></scte35:Signal></Event></EventStream>"
    );
    assert!(text.contains(&messages), "{text}");
    let cues = "<EventStream schemeIdUri=\"urn:lectern:cue:2026\" timescale=\"90000\">\
                <Event id=\"1\" presentationTime=\"90000\" duration=\"45000\">first</Event>\
                <Event id=\"2\" presentationTime=\"180000\">mid</Event></EventStream><AdaptationSet";
    assert!(text.contains(cues), "{text}");
    assert!(text.contains("xmlns:scte35=\"http://www.scte.org/schemas/35/2016\""), "{text}");
    assert_eq!(text.matches("<Period").count(), 1);
    let read = dash_mpd_core::parse(&text).unwrap();
    assert_eq!(read.periods[0].event_streams[0].event[0].signal.len(), 1);
}

#[test]
fn without_markers_nothing_is_said_of_dates_or_events() {
    let tracks = tracks();
    let presentation = Presentation { tracks: &tracks, ..Presentation::default() };
    assert!(!media_playlist(&presentation, &tracks[0]).unwrap().contains("DATE"));
    assert!(!mpd(&presentation).unwrap().contains("EventStream"));
}

#[test]
fn markers_that_no_playlist_could_carry_are_refused_everywhere() {
    let tracks = tracks();
    let good = opportunity().remove(0);
    let time = |ticks| MediaTime::new(ticks, Timescale::NINETY_KHZ);
    let interstitial = parse_cue_list("1 asset=http://a").unwrap().remove(0);
    let shown = |change: &dyn Fn(&mut Interstitial)| {
        let mut marker = interstitial.clone();
        change(marker.interstitial.as_mut().unwrap());
        marker
    };
    let bad = [
        vec![good.clone(), good.clone()],
        vec![Marker { id: "a\"\n#EXT-X-ENDLIST".into(), ..good.clone() }],
        vec![Marker { id: String::new(), ..good.clone() }],
        vec![Marker { class: Some("\"".into()), ..good.clone() }],
        vec![Marker { start: time(-1), ..good.clone() }],
        vec![Marker { duration: Some(time(i64::MAX)), ..good.clone() }],
        vec![shown(&|shown| shown.asset = Asset::Uri("http://a/\"".into()))],
        vec![shown(&|shown| shown.resume = time(i64::MAX))],
        vec![shown(&|shown| shown.limit = Some(time(-1)))],
        vec![shown(&|shown| shown.snap = vec!["IN,X=\"1\""])],
        vec![shown(&|shown| shown.cue = vec!["PRE", "POST"])],
        vec![Marker { messages: Messages { out: Some(vec![0; 5000].into()), ..Messages::default() }, ..good.clone() }],
        (0..10_001).map(|index| Marker { id: index.to_string(), ..good.clone() }).collect(),
    ];
    for markers in bad {
        let presentation = Presentation { tracks: &tracks, markers: &markers, ..Presentation::default() };
        for result in [mpd(&presentation), media_playlist(&presentation, &tracks[0])] {
            let error = result.unwrap_err();
            assert!(matches!(error, PackageError::Name { .. } | PackageError::Manifest(_)), "{error}");
        }
    }
}

fn micros(ticks: i64) -> MediaTime {
    MediaTime::new(ticks, Timescale::new(1_000_000).unwrap())
}

#[test]
fn what_breaks_and_programmes_begin_and_end_cuts_and_what_names_content_does_not() {
    let borders = |marker: &Marker| marker.borders().map(|at| at.ticks).collect::<Vec<_>>();
    assert_eq!(opportunity().iter().map(borders).collect::<Vec<_>>(), [[270_000, 630_045]]);
    // Announced, without an end of its own; and one that returns by itself.
    let announced = from_messages([(Some(90), section(OPPORTUNITY))]).markers;
    assert_eq!(borders(&announced[0]), [90, 90 + 0x01a5_99b0]);
    let returning = from_messages([(Some(90), section(INSERT))]).markers;
    assert_eq!(borders(&returning[0]), [90, 90 + 0x0052_ccf5]);
    let programs = from_messages([(Some(5), section(PROGRAMS))]).markers;
    assert_eq!(programs.iter().map(borders).collect::<Vec<_>>(), [[5], [5]]);
    // Content identification: type 1 in place of 0x34.
    let mut named = section(OPPORTUNITY).to_vec();
    let at = named.windows(3).position(|bytes| bytes == [0x8a, 0x34, 2]).unwrap() + 1;
    named[at] = 1;
    let named = from_messages([(Some(5), checked(named))]).markers;
    assert_eq!((named.len(), borders(&named[0])), (1, Vec::new()));
    let cues = parse_cue_list("1\n2 3\n4 5 a cut=no\n6 b CUT=yes").unwrap();
    let wanted = [vec![1_000_000], vec![2_000_000, 5_000_000], vec![], vec![6_000_000]];
    assert_eq!(cues.iter().map(borders).collect::<Vec<_>>(), wanted);
}

/// A picture every `ticks`, a keyframe every `gop` of them.
fn paced(timescale: u32, count: i64, ticks: i64, gop: Option<i64>) -> (Timescale, TrackShape) {
    let mut survey = Survey::new(gop.is_some());
    for k in 0..count {
        let keyframe = gop.is_none_or(|gop| k % gop == 0);
        let (at, duration) = (k * ticks, u32::try_from(ticks).ok());
        survey.add(PacketTimes { dts: at, pts: at, duration, keyframe }).unwrap();
    }
    let scale = Timescale::new(timescale).unwrap();
    (scale, survey.finish(scale, None, 0).unwrap().unwrap())
}

#[test]
fn segments_are_cut_at_the_keyframe_nearest_to_a_marker_and_counted_anew_from_there() {
    // Keyframes every second and every half second, up to 20 s.
    let (coarse, fine) = (paced(12_800, 500, 512, Some(25)), paced(90_000, 500, 3600, Some(12)));
    let (sound, every_second) = (paced(48_000, 938, 1024, None), [(coarse.0, &coarse.1)]);
    let borders = |tracks: &[(Timescale, &TrackShape)], cuts: &[MediaTime]| {
        SegmentGrid::new(tracks, 4000, cuts).borders(Timescale::new(1000).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(borders(&every_second, &[]), [4000, 8000, 12_000, 16_000]);
    let cuts = [micros(5_500_000), micros(9_990_000), micros(10_010_000)];
    assert_eq!(borders(&every_second, &cuts), [4000, 6000, 10_000, 14_000, 18_000]);
    // The start, the end and what lies behind it need no cut.
    assert_eq!(
        borders(&every_second, &[micros(0), micros(499_000), micros(19_800_000), micros(99_000_000)]),
        [4000, 8000, 12_000, 16_000]
    );
    // All renditions and the sound are cut at the one place; keyframes in common are 12 s apart.
    let all = [(coarse.0, &coarse.1), (fine.0, &fine.1), (sound.0, &sound.1)];
    let grid = SegmentGrid::new(&all, 4000, &[micros(13_000_000)]);
    assert_eq!(grid.keyframes(fine.0, &fine.1), [12 * 90_000]);
    assert_eq!(grid.borders(sound.0).collect::<Vec<_>>(), [12 * 48_000]);
    assert_eq!((grid.near(micros(13_000_000)), grid.near(micros(100_000))), (micros(12_000_000), micros(0)));
    // Sound alone is cut anywhere, and no sliver is left in front.
    let sound = [(sound.0, &sound.1)];
    assert_eq!(borders(&sound, &[micros(9_000_000)]), [4000, 9000, 13_000, 17_000]);
}

#[test]
fn an_interstitial_is_told_with_all_that_its_line_says() {
    let line = "600 30 mid asset=https://ads.example/break.m3u8?a=1,b=%22 restrict=skip,JUMP snap=out limit=0:15 resume=0 \
                cue=once\n700 assets=../list.json#x cut=no # all of it";
    let markers = parse_cue_list(line).unwrap();
    let uri = "https://ads.example/break.m3u8?a=1,b=%22".to_owned();
    let shown = Interstitial {
        asset: Asset::Uri(uri),
        resume: micros(0),
        limit: Some(micros(15_000_000)),
        snap: vec!["OUT"],
        restrict: vec!["SKIP", "JUMP"],
        cue: vec!["ONCE"],
    };
    assert_eq!(markers[0].interstitial, Some(shown));
    let tracks = tracks();
    let presentation = Presentation { tracks: &tracks, markers: &markers, ..Presentation::default() };
    let text = media_playlist(&presentation, &tracks[0]).unwrap();
    let ranges: Vec<_> = text.lines().filter(|line| line.contains("DATERANGE")).collect();
    assert_eq!(
        ranges,
        [
            "#EXT-X-DATERANGE:ID=\"mid\",CLASS=\"com.apple.hls.interstitial\",START-DATE=\"1970-01-01T00:10:00.000Z\",\
             DURATION=30.000,X-ASSET-URI=\"https://ads.example/break.m3u8?a=1,b=%22\",X-RESUME-OFFSET=0.000,\
             X-PLAYOUT-LIMIT=15.000,X-SNAP=\"OUT\",X-RESTRICT=\"SKIP,JUMP\",CUE=\"ONCE\"",
            "#EXT-X-DATERANGE:ID=\"cue-2\",CLASS=\"com.apple.hls.interstitial\",START-DATE=\"1970-01-01T00:11:40.000Z\",\
             X-ASSET-LIST=\"../list.json#x\",X-RESUME-OFFSET=0.000",
        ]
    );
    // A break of some length is replaced, and the programme goes on behind it.
    let replaced = parse_cue_list("9 2.5 asset=HTTPS://a/b").unwrap().remove(0);
    assert_eq!(replaced.interstitial.unwrap().resume, micros(2_500_000));
    assert!(mpd(&presentation).unwrap().contains("presentationTime=\"54000000\" duration=\"2700000\">mid<"));
}

#[test]
fn what_is_wrong_with_an_option_is_told_with_its_place() {
    for (text, want) in [
        ("1 a cut=no 5", "line 1, column 12: \"5\" is one word too many"),
        ("1 colour=red", "line 1, column 3: there is no option \"colour\"; there are asset, assets"),
        ("1 cut=no ä cut=no", "line 1, column 10: \"ä\" is one word too many"),
        ("1 cut=no cut=no", "line 1, column 10: cut stands twice on this line"),
        ("1 cut=maybe", "line 1, column 7: \"maybe\" is nothing for cut; write yes or no"),
        ("1 snap=out", "line 1, column 8: snap needs asset=ADDRESS on its line"),
        ("1 asset=a.m3u8", "line 1, column 9: \"a.m3u8\" is no address that players can fetch"),
        ("1 asset=ftp://a/b", "line 1, column 9: \"ftp://a/b\" is no address"),
        ("1 asset=http:///b", "line 1, column 9: \"http:///b\" is no address"),
        ("1 asset=http://a/%2", "line 1, column 9: \"http://a/%2\" is no address"),
        ("1 assets=", "line 1, column 10: \"\" is no address"),
        ("1 assets=javascript:x", "line 1, column 10: \"javascript:x\" is no address"),
        ("1 asset=http://a assets=b", "line 1, column 25: asset and assets exclude one another"),
        ("1 asset=http://a snap=up", "line 1, column 23: \"up\" is nothing for snap; write out, in, or both"),
        ("1 asset=http://a restrict=skip,skip", "line 1, column 27: \"skip,skip\" is nothing for restrict"),
        ("1 asset=http://a cue=pre,post", "line 1, column 22: \"pre,post\" is nothing for cue; write pre or post"),
        ("1 asset=http://a resume=-1", "line 1, column 25: \"-1\" is no time"),
        ("=1", "line 1, column 1: \"=1\" is no time"),
    ] {
        let told = parse_cue_list(text).unwrap_err().to_string();
        assert!(told.starts_with(want), "{text:?}: {told}");
    }
}

/// The values of an attribute, in order.
fn values<'t>(text: &'t str, name: &str) -> Vec<&'t str> {
    let start = format!(" {name}=\"");
    text.split(&start).skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

#[test]
fn periods_begin_at_borders_of_segments_and_go_on_from_one_another() {
    let tracks = tracks();
    let markers = unite(parse_cue_list("4.5 mid\n8.008 late").unwrap(), opportunity());
    let border = |segment: i64| MediaTime::new(segment * 96_096, Timescale::new(24_000).unwrap());
    let starts = [border(1), border(2)];
    let one = Presentation { tracks: &tracks, markers: &markers, ..Presentation::default() };
    let text = mpd(&Presentation { periods: &starts, ..one }).unwrap();
    let read = dash_mpd_core::parse(&text).unwrap();
    let length = read.mediaPresentationDuration.unwrap();
    let mut at = std::time::Duration::ZERO;
    for (period, index) in read.periods.iter().zip(0u64..) {
        assert_eq!((period.id.clone(), period.start), (Some((index + 1).to_string()), Some(at)));
        at += period.duration.unwrap();
        assert_eq!(period.adaptations.len(), 2);
        for (set, name) in period.adaptations.iter().zip(["video-360p", "audio-en"]) {
            let template = set.SegmentTemplate.as_ref().unwrap();
            assert_eq!(template.startNumber, Some(index + 1), "{name}");
            let track = tracks.iter().find(|track| track.name == name).unwrap();
            let segment = &track.segments[index as usize];
            let timeline = &template.SegmentTimeline.as_ref().unwrap().segments;
            assert_eq!(
                timeline.iter().map(|run| (run.t, run.d, run.r)).collect::<Vec<_>>(),
                [(Some(segment.start_ticks), segment.duration_ticks, None)]
            );
            // 4.004 s at 44.1 kHz come out at 176576.4.
            let offset = if name == "video-360p" { index * 96_096 } else { [0, 176_576, 353_153][index as usize] };
            assert_eq!(template.presentationTimeOffset.unwrap_or(0), offset, "{name}");
            let before: Vec<_> = set.supplemental_property.iter().map(|one| (&*one.schemeIdUri, &one.value)).collect();
            let wanted = Some(index.to_string());
            let wanted = [("urn:mpeg:dash:period-continuity:2015", &wanted)];
            assert_eq!(before, wanted[..usize::from(index > 0)], "{name}");
        }
    }
    assert_eq!((read.periods.len(), at), (3, length));
    let events = |period: usize| {
        let streams = read.periods[period].event_streams.iter();
        let times = streams.flat_map(|stream| {
            let offset = stream.presentationTimeOffset.unwrap_or(0);
            stream.event.iter().map(move |event| (event.id.clone().unwrap(), event.presentationTime.unwrap(), offset))
        });
        times.collect::<Vec<_>>()
    };
    let event = |id: &str, at, offset| (id.to_owned(), at, offset);
    assert_eq!(events(0), [event("1", 270_000, 0)]);
    assert_eq!(events(1), [event("2", 630_045, 360_360), event("1", 405_000, 360_360)]);
    assert_eq!(events(2), [event("2", 720_720, 720_720)]);
    // Nothing else of the whole changes, and playlists do not at all.
    assert_eq!(values(&text, "bandwidth")[..2], values(&mpd(&one).unwrap(), "bandwidth")[..]);
    let divided = Presentation { periods: &starts, ..one };
    assert_eq!(media_playlist(&divided, &tracks[0]), media_playlist(&one, &tracks[0]));
}

#[test]
fn a_set_that_ends_early_is_in_its_periods_alone() {
    let long = video(360, 288).track;
    let mut short = audio("audio-en", "en", 288).track;
    short.segments.truncate(1);
    let tracks = [long, short];
    let border = |segment: i64| MediaTime::new(segment * 96_096, Timescale::new(24_000).unwrap());
    let starts = [border(1), border(2)];
    let text = mpd(&Presentation { tracks: &tracks, periods: &starts, ..Presentation::default() }).unwrap();
    let read = dash_mpd_core::parse(&text).unwrap();
    let kinds = read.periods.iter().map(|period| period.adaptations.len()).collect::<Vec<_>>();
    assert_eq!(kinds, [2, 1, 1]);
}

#[test]
fn periods_that_cannot_be_told_are_refused() {
    let tracks = tracks();
    let border = |ticks: i64| MediaTime::new(ticks, Timescale::new(24_000).unwrap());
    let one = Presentation { tracks: &tracks, ..Presentation::default() };
    let many: Vec<MediaTime> = (1..=1000).map(border).collect();
    for (periods, layout, want) in [
        (
            &[border(96_096)][..],
            FileLayout::SingleFile,
            "a single file with its index cannot be told in several periods",
        ),
        (&[border(0)], FileLayout::Segments, "periods do not begin one after another"),
        (&[border(9), border(9)], FileLayout::Segments, "periods do not begin one after another"),
        (&[border(288_288)], FileLayout::Segments, "periods do not begin one after another"),
        (&[border(5), border(9)], FileLayout::Segments, "there is no segment in period 1"),
        (&many, FileLayout::Segments, "there are more than 1000 periods"),
    ] {
        let told = mpd(&Presentation { periods, layout, ..one }).unwrap_err().to_string();
        assert!(told.contains(want), "{told}");
    }
}

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

proptest! {
    #[test]
    fn whatever_is_cut_at_borders_ascend_at_keyframes(
        gops in (1i64..40, 1i64..40),
        cuts in prop::collection::vec(-1_000_000i64..30_000_000, 0..30),
        target in 1u32..6000,
    ) {
        let (a, b) = (paced(12_800, 500, 512, Some(gops.0)), paced(90_000, 500, 3600, Some(gops.1)));
        let cuts: Vec<MediaTime> = cuts.into_iter().map(micros).collect();
        let grid = SegmentGrid::new(&[(a.0, &a.1), (b.0, &b.1)], target, &cuts);
        let borders: Vec<i64> = grid.borders(a.0).collect();
        prop_assert!(borders.is_sorted_by(|a, b| a < b));
        prop_assert!(borders.iter().all(|border| *border > 0 && a.1.key_times.contains(border)));
        prop_assert!(grid.borders(b.0).all(|border| b.1.key_times.contains(&border)));
        for cut in cuts {
            // No keyframe in common is nearer than the border that there is.
            let off = |time: i64| (time * 625 / 8 - cut.ticks).abs();
            let near = grid.near(cut).ticks;
            let is_better = |&key: &i64| b.1.key_times.contains(&(key * 225 / 32)) && off(key) < off(near);
            prop_assert!(!a.1.key_times.iter().any(is_better));
        }
    }

    #[test]
    fn any_address_is_refused_or_stands_in_one_line_of_a_playlist(
        uri in "(http://|HTTPS://)?[ -~é\n]{0,12}", key in "assets?", more in "[ -~]{0,30}"
    ) {
        if let Ok(markers) = parse_cue_list(&format!("1 2 a {key}={uri} {more}")) {
            let tracks = [video(360, 96).track];
            let presentation = Presentation { tracks: &tracks, markers: &markers, ..Presentation::default() };
            let text = media_playlist(&presentation, &tracks[0]).unwrap();
            let ranges: Vec<_> = text.lines().filter(|line| line.contains("DATERANGE")).collect();
            prop_assert_eq!(ranges.len(), 1);
            prop_assert_eq!(ranges[0].matches('"').count() % 2, 0);
        }
    }

    #[test]
    fn any_text_is_refused_or_makes_markers_that_can_be_carried(
        text in prop_oneof![".{0,200}", "([0-9:. #a-c\"\n-]|[0-9]{1,3} [0-9]{1,4} [a-z]{1,3}\n){0,40}"]
    ) {
        if let Ok(markers) = parse_cue_list(&text) {
            let tracks = [video(360, 96).track];
            let presentation = Presentation { tracks: &tracks, markers: &markers, ..Presentation::default() };
            prop_assert!(mpd(&presentation).is_ok());
        }
    }

    #[test]
    fn any_messages_make_markers_that_can_be_carried(
        messages in prop::collection::vec((
            prop::option::of(-100i64..1000),
            0usize..4,
            prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
            prop::option::of(any::<prop::sample::Index>()),
        ), 0..40),
        noise in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        let texts = [OPPORTUNITY, INSERT, OPPORTUNITY_END, PROGRAMS];
        let mut all = vec![(Some(3), Bytes::from(noise))];
        for (at, which, changes, cut) in messages {
            let mut bytes = hex::decode(texts[which]).unwrap();
            for (place, value) in changes {
                let place = place.index(bytes.len());
                bytes[place] = value;
            }
            bytes.truncate(cut.map_or(bytes.len(), |cut| cut.index(bytes.len())));
            all.push((at, bytes.into()));
        }
        let markers = from_messages(all).markers;
        prop_assert!(markers.is_sorted_by_key(|marker| marker.start));
        let tracks = [video(360, 96).track];
        let presentation = Presentation { tracks: &tracks, markers: &markers, ..Presentation::default() };
            prop_assert!(mpd(&presentation).is_ok());
    }
}
