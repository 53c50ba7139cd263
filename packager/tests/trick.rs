//! Fast playback, thumbnails and chapters, as playlists and manifest tell them.
#![allow(clippy::unwrap_used)]

mod common;

use common::{audio, video};
use media_types::{ByteRange, SegmentRecord, SyncPoint, TrackRecord};
use packager::{
    Chapter, ChapterTitle, FileLayout, FilePlan, PackageError, Presentation, StoryboardRef, TrickTrack, index_length,
    mpd, multivariant_playlist, settled_chapters, text_files,
};

fn ladder() -> Vec<TrackRecord> {
    let mut tracks: Vec<_> = [360, 720].into_iter().map(|height| video(height, 288).track).collect();
    tracks.push(audio("audio-en", "en", 288).track);
    tracks
}

/// Keyframes of a track 2.002 s apart, of 1000 bytes each and more.
fn trick(main: &TrackRecord) -> TrickTrack {
    let mut trick = TrickTrack::new(main);
    trick.record.segments = (0..6u32)
        .map(|index| {
            let (start_ticks, size_bytes) = (48_048 * u64::from(index), 1000 + 10 * u64::from(index));
            let bytes = ByteRange { offset: 0, length: size_bytes };
            SegmentRecord {
                index,
                start_ticks,
                duration_ticks: 48_048,
                sample_count: 1,
                size_bytes,
                blake3: String::new(),
                sync_points: vec![SyncPoint { pts: start_ticks as i64, bytes }],
            }
        })
        .collect();
    trick
}

#[test]
fn a_trick_mode_set_names_the_sets_that_it_is_for_and_is_one_file_in_any_layout() {
    let tracks = ladder();
    let tricks = [trick(&tracks[0])];
    for layout in [FileLayout::Segments, FileLayout::SingleFile] {
        let presentation =
            Presentation { tracks: &tracks, uri_prefix: "g2/", layout, tricks: &tricks, ..Presentation::default() };
        let text = mpd(&presentation).unwrap();
        let set = text.split("<AdaptationSet").last().unwrap();
        let init = presentation.init_segment(&tricks[0].record).unwrap().len() as u64;
        let index_end = init + index_length(6);
        for part in [
            " id=\"3\"".to_owned(),
            "schemeIdUri=\"http://dashif.org/guidelines/trickmode\" value=\"1\"".to_owned(),
            "codingDependency=\"false\"".to_owned(),
            // 24000/1001 pictures a second at most, one of which lasts 2.002 s.
            "maxPlayoutRate=\"48\"".to_owned(),
            "<BaseURL>g2/video-360p/trick.mp4</BaseURL>".to_owned(),
            format!("indexRange=\"{init}-{}\"", index_end - 1),
            format!("range=\"0-{}\"", init - 1),
            "id=\"video-360p-trick\"".to_owned(),
        ] {
            assert!(set.contains(&part), "{part} is not in {set}");
        }
        // 1050 bytes in 2.002 s are the peak.
        let bandwidth: u64 = set.split("bandwidth=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap();
        assert!((4150..=4200).contains(&bandwidth), "{bandwidth}");
        let live = set.contains("profiles=\"urn:mpeg:dash:profile:cmaf:2019\"");
        assert_eq!(live, layout == FileLayout::Segments, "{set}");
        let main = text.split("<AdaptationSet").nth(1).unwrap();
        assert!(main.contains(" id=\"1\"") && !main.contains("trickmode"));
    }
}

#[test]
fn the_i_frame_playlist_lists_whole_fragments_of_the_same_file() {
    let tracks = ladder();
    let tricks = [trick(&tracks[0])];
    let presentation = Presentation { tracks: &tracks, tricks: &tricks, ..Presentation::default() };
    let files = text_files(&presentation).unwrap();
    let named = |path: &str| {
        let file = files.iter().find(|file| file.path == path).unwrap_or_else(|| panic!("{path} is missing"));
        std::str::from_utf8(&file.bytes).unwrap()
    };
    let plan = FilePlan::single(&presentation, &tricks[0].record).unwrap();
    let text = named("video-360p/iframes.m3u8");
    assert!(text.contains(&format!("#EXT-X-MAP:URI=\"trick.mp4\",BYTERANGE=\"{}@0\"\n", plan.init_bytes)), "{text}");
    let ranges: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("#EXT-X-BYTERANGE:")).collect();
    let expected: Vec<String> = (0..6).map(|at| format!("{}@{}", 1000 + 10 * at, plan.segment_start(at))).collect();
    assert_eq!(ranges, expected);
    assert_eq!(text.matches("#EXTINF:2.002000,\n#EXT-X-BYTERANGE:").count(), 6, "{text}");
    // The other rendition keeps its ranges of segments; both are told with their own bandwidth.
    assert!(named("video-720p/iframes.m3u8").contains("\n00001.m4s\n"));
    let master = named("master.m3u8");
    let low = master.lines().find(|line| line.ends_with("URI=\"video-360p/iframes.m3u8\"")).unwrap();
    assert!(low.starts_with("#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=4196,AVERAGE-BANDWIDTH=4096,"), "{low}");
    assert_eq!(master.matches("#EXT-X-I-FRAME-STREAM-INF").count(), 2);
}

#[test]
fn keyframes_of_a_track_that_is_not_there_are_refused() {
    let tracks = ladder();
    let stranger = TrickTrack { of: "video-1080p".into(), ..trick(&tracks[0]) };
    let empty = TrickTrack::new(&tracks[0]);
    for (tricks, error) in [
        (vec![stranger], PackageError::Name { what: "trick track", text: "video-360p-trick".into() }),
        (
            vec![trick(&tracks[0]), trick(&tracks[0])],
            PackageError::Name { what: "trick track", text: "video-360p-trick".into() },
        ),
        (vec![empty], PackageError::Empty),
    ] {
        let presentation = Presentation { tracks: &tracks, tricks: &tricks, ..Presentation::default() };
        assert_eq!(multivariant_playlist(&presentation).unwrap_err(), error);
        assert_eq!(mpd(&presentation).unwrap_err(), error);
    }
}

#[test]
fn a_sheet_whose_last_row_is_part_empty_lasts_as_long_as_all_its_tiles_and_is_shown_until_the_end() {
    let tracks = ladder();
    let board = StoryboardRef {
        uri: "storyboard.jpg",
        tile_width: 160,
        tile_height: 90,
        columns: 4,
        rows: 2,
        tile_count: 6,
        interval_ms: 2100,
        starts_ms: &[],
        duration_ms: 12_012,
        sheet_bytes: 30_030,
    };
    let presentation =
        Presentation { tracks: &tracks, uri_prefix: "g3/", storyboard: Some(board), ..Presentation::default() };
    let text = mpd(&presentation).unwrap();
    // 8 cells of 2.1 s.
    assert!(text.contains("timescale=\"1000\"") && text.contains("duration=\"16800\""), "{text}");
    assert!(text.contains("value=\"4x2\"") && text.contains("width=\"640\" height=\"180\""), "{text}");
    let files = text_files(&presentation).unwrap();
    let playlist = files.iter().find(|file| file.path == "storyboard.m3u8").unwrap();
    assert_eq!(
        std::str::from_utf8(&playlist.bytes).unwrap(),
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:12\n#EXT-X-MEDIA-SEQUENCE:1\n#EXT-X-PLAYLIST-TYPE:VOD\n\
         #EXT-X-IMAGES-ONLY\n#EXTINF:12.012,\n#EXT-X-TILES:RESOLUTION=160x90,LAYOUT=4x2,DURATION=2.100\nstoryboard.jpg\n\
         #EXT-X-ENDLIST\n"
    );
    let master = multivariant_playlist(&presentation).unwrap();
    let line = "#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=20000,CODECS=\"jpeg\",RESOLUTION=160x90,URI=\"g3/storyboard.m3u8\"\n";
    assert!(master.ends_with(line), "{master}");
}

#[test]
fn chapters_are_told_in_playlist_manifest_and_files() {
    let tracks = ladder();
    let title = |language: &str, text: &str| ChapterTitle { language: language.into(), text: text.into() };
    let chapters = settled_chapters(
        vec![
            Chapter { start_us: 0, end_us: None, titles: vec![title("en", "A < \"B\" & C"), title("de", "Eins")] },
            Chapter { start_us: 4_000_000, end_us: Some(6_500_000), titles: vec![title("en", "Two")] },
        ],
        12_012_000,
    );
    let presentation =
        Presentation { tracks: &tracks, uri_prefix: "g2/", chapters: &chapters, ..Presentation::default() };
    let master = multivariant_playlist(&presentation).unwrap();
    assert!(master.contains("#EXT-X-SESSION-DATA:DATA-ID=\"com.apple.hls.chapters\",URI=\"g2/chapters.json\"\n"));
    let text = mpd(&presentation).unwrap();
    let streams: Vec<&str> = text.split("<EventStream").skip(1).collect();
    assert_eq!(streams.len(), 2, "{text}");
    let has = |stream: &str, parts: &[&str]| {
        for part in parts {
            assert!(stream.contains(part), "{part} is not in {stream}");
        }
    };
    let scheme = "schemeIdUri=\"urn:lectern:chapter:2026\"";
    has(streams[0], &[scheme, "value=\"en\"", "timescale=\"90000\"", "presentationTime=\"0\"", "duration=\"360000\""]);
    has(
        streams[0],
        &["A &lt; ", "&amp; C</Event>", "presentationTime=\"360000\"", "duration=\"225000\"", ">Two</Event>"],
    );
    has(streams[1], &[scheme, "value=\"de\"", ">Eins</Event>"]);
    let files = text_files(&presentation).unwrap();
    let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    assert!(paths.contains(&"chapters.vtt") && paths.contains(&"chapters.json"), "{paths:?}");

    let odd = [Chapter { start_us: 0, end_us: Some(1), titles: vec![title("en\"", "A")] }];
    let presentation = Presentation { chapters: &odd, ..presentation };
    assert!(matches!(mpd(&presentation), Err(PackageError::Name { what: "chapter language", .. })));
}
