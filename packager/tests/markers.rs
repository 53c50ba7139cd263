//! Markers: from lists and from SCTE 35 messages, into playlists and manifest.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "markers/cuts.rs"]
mod cuts;
#[path = "markers/emsg.rs"]
mod emsg;

use bytes::Bytes;
use common::{audio, video};
use cuts::{micros, paced};
use media_types::{MediaTime, Timescale, TrackRecord};
use packager::markers::{Asset, EventMessages, Interstitial, Marker, Messages, from_messages, parse_cue_list, unite};
use packager::repack::{PacketTimes, SegmentGrid, Survey, TrackShape};
use packager::{
    FileLayout, PackageError, Presentation, SampleMeta, iframe_playlist, media_playlist, mpd, segment_header,
};
use proptest::prelude::*;
use scte35::{BreakDuration, Command, Section, SpliceInsert};

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

/// A `splice_insert` that takes effect at once.
fn insert(id: u32, out_of_network: bool, duration: Option<BreakDuration>) -> Bytes {
    scte35::testing::insert(id, out_of_network, None, duration).into()
}

fn cancel(id: u32) -> Bytes {
    written(Command::Insert(SpliceInsert { event_id: id, event: None }))
}

fn written(command: Command) -> Bytes {
    Section::new(command, Vec::new()).to_bytes().unwrap().into()
}

const OUT: bool = true;
const IN: bool = false;

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
    let (out, back) = (insert(7, OUT, None), insert(7, IN, None));
    let said = [(Some(900), out.clone()), (Some(900), out.clone()), (Some(1800), back.clone()), (Some(1800), back)];
    assert_eq!(joined(&said), [shape("splice-7", 900, Some(900), None)]);
    // The announcement comes once more after the break.
    let again = [said[0].clone(), said[2].clone(), said[0].clone()];
    assert_eq!(joined(&again), [shape("splice-7", 900, Some(900), None)]);
    assert_eq!(joined(&[(Some(900), out.clone()), (Some(1000), out)]), [shape("splice-7", 1000, None, None)]);
}

#[test]
fn an_event_id_that_comes_back_after_its_break_is_another_break() {
    let out = |auto_return| insert(7, OUT, Some(BreakDuration { auto_return, ticks: 450 }));
    let said = [(Some(100), out(true)), (Some(550), out(false)), (Some(2000), insert(9, IN, None))];
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
    let (out, back) = (insert(7, OUT, None), insert(7, IN, None));
    assert_eq!(joined(&[(Some(900), out.clone()), (None, cancel(7))]), []);
    let over = [(Some(900), out.clone()), (Some(950), back), (None, cancel(7))];
    assert_eq!(joined(&over), [shape("splice-7", 900, Some(50), None)]);
    let other = [(Some(900), out), (None, cancel(8))];
    assert_eq!(joined(&other).len(), 1);
}

#[test]
fn messages_without_a_place_or_sense_make_no_marker() {
    assert_eq!(joined(&[(None, written(Command::Null)), (None, insert(1, OUT, None))]), []);
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
            // What follows a line feed is a cue of its own.
            let ranges: Vec<_> = text.lines().filter(|line| line.contains(",X-ASSET-")).collect();
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
