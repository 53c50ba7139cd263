//! Where markers cut, what is shown in their place, and periods between them.

use super::*;

pub(super) fn micros(ticks: i64) -> MediaTime {
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
    let end = named.len() - 4;
    let crc = scte35::crc32(&named[..end]);
    named[end..].copy_from_slice(&crc.to_be_bytes());
    let named = from_messages([(Some(5), named.into())]).markers;
    assert_eq!((named.len(), borders(&named[0])), (1, Vec::new()));
    let cues = parse_cue_list("1\n2 3\n4 5 a cut=no\n6 b CUT=yes").unwrap();
    let wanted = [vec![1_000_000], vec![2_000_000, 5_000_000], vec![], vec![6_000_000]];
    assert_eq!(cues.iter().map(borders).collect::<Vec<_>>(), wanted);
}

/// A picture every `ticks`, a keyframe every `gop` of them.
pub(super) fn paced(timescale: u32, count: i64, ticks: i64, gop: Option<i64>) -> (Timescale, TrackShape) {
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
