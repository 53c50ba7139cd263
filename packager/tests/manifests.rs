//! Playlists and the MPD, as text and against the records.
#![allow(clippy::unwrap_used)]

mod common;

use common::{audio, avc, scale, video};
use media_types::segment::Roles;
use media_types::{CodecConfig, SegmentRecord, TrackKind, TrackRecord};
use packager::{
    PackageError, Presentation, StoryboardRef, average_bitrate_bps, iframe_playlist, media_playlist, mpd,
    multivariant_playlist, peak_bitrate_bps, text_files,
};
use proptest::prelude::*;

const BOARD: StoryboardRef<'_> = StoryboardRef {
    uri: "storyboard.jpg",
    tile_width: 160,
    tile_height: 90,
    columns: 10,
    rows: 1,
    tile_count: 2,
    interval_ms: 10_000,
    starts_ms: &[],
    duration_ms: 12_012,
    sheet_bytes: 20_000,
};

fn present<'a>(tracks: &'a [TrackRecord], uri_prefix: &'a str) -> Presentation<'a> {
    Presentation { tracks, uri_prefix, storyboard: None, ..Presentation::default() }
}

fn ladder(frames: u64) -> Vec<TrackRecord> {
    let mut tracks: Vec<_> = [360, 720, 1080].into_iter().map(|height| video(height, frames).track).collect();
    tracks.push(audio("audio-en", "en", frames).track);
    tracks
}

/// A track of given segment lengths, for text alone.
fn bare(timescale: u32, lengths: &[u64], size: impl Fn(usize) -> u64) -> TrackRecord {
    let mut at = 0;
    let segments: Vec<_> = lengths
        .iter()
        .enumerate()
        .map(|(index, &duration_ticks)| {
            let start_ticks = at;
            at += duration_ticks;
            SegmentRecord {
                index: index as u32,
                start_ticks,
                duration_ticks,
                sample_count: 1,
                size_bytes: size(index),
                blake3: String::new(),
                sync_points: Vec::new(),
            }
        })
        .collect();
    TrackRecord {
        name: "video-360p".into(),
        kind: TrackKind::Video { width: 640, height: 360, rate_num: 25, rate_den: 1, sample_aspect: (1, 1) },
        language: "und".into(),
        timescale: scale(timescale),
        config: avc(),
        max_bitrate_bps: 1,
        hidden_ticks: 0,
        shown_ticks: at,
        segments,
        label: None,
        roles: Roles::default(),
        captions: None,
        webvtt_sizes: Vec::new(),
    }
}

/// The `EXTINF`s of a playlist in microseconds.
fn extinfs(playlist: &str) -> Vec<u64> {
    let values = playlist.lines().filter_map(|line| line.strip_prefix("#EXTINF:"));
    values.map(|value| value.trim_end_matches(',').replace('.', "").parse().unwrap()).collect()
}

#[test]
fn a_media_playlist_is_exactly_this() {
    let track = bare(24_000, &[96_096, 96_096, 24_024], |_| 1);
    assert_eq!(
        media_playlist(&Presentation::default(), &track).unwrap(),
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:1\n#EXT-X-PLAYLIST-TYPE:VOD\n\
         #EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MAP:URI=\"init.mp4\"\n#EXTINF:4.004000,\n00001.m4s\n#EXTINF:4.004000,\n\
         00002.m4s\n#EXTINF:1.001000,\n00003.m4s\n#EXT-X-ENDLIST\n"
    );
}

#[test]
fn a_multivariant_playlist_starts_with_720p_and_counts_the_audio() {
    let tracks = ladder(288);
    let text = multivariant_playlist(&present(&tracks, "g2/")).unwrap();
    let peak = peak_bitrate_bps(&tracks[1]) + peak_bitrate_bps(&tracks[3]);
    let average = average_bitrate_bps(&tracks[1]) + average_bitrate_bps(&tracks[3]);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(
        lines[3],
        "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",LANGUAGE=\"en\",NAME=\"en\",DEFAULT=YES,AUTOSELECT=YES,\
         CHANNELS=\"2\",URI=\"g2/audio-en/media.m3u8\""
    );
    assert_eq!(
        lines[4],
        format!(
            "#EXT-X-STREAM-INF:BANDWIDTH={peak},AVERAGE-BANDWIDTH={average},CODECS=\"avc1.640028,mp4a.40.2\",\
             RESOLUTION=1280x720,FRAME-RATE=23.976,VIDEO-RANGE=SDR,AUDIO=\"audio\""
        )
    );
    let order: Vec<_> = lines.iter().filter(|line| line.starts_with("g2/")).copied().collect();
    assert_eq!(order, ["g2/video-720p/media.m3u8", "g2/video-360p/media.m3u8", "g2/video-1080p/media.m3u8"]);
    assert_eq!(lines.iter().filter(|line| line.starts_with("#EXT-X-I-FRAME-STREAM-INF")).count(), 3);
}

#[test]
fn languages_share_a_group_under_names_of_their_own() {
    let mut tracks = vec![video(360, 96).track];
    for (name, language) in [("audio-en", "en"), ("audio-en-2", "en"), ("audio-und", "und")] {
        tracks.push(audio(name, language, 96).track);
    }
    let text = multivariant_playlist(&present(&tracks, "")).unwrap();
    let names: Vec<_> = text.split("NAME=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(names, ["en", "en 2", "Audio"]);
    assert_eq!(text.matches("DEFAULT=YES").count(), 1);
    let sets = mpd(&present(&tracks, "")).unwrap();
    assert_eq!((sets.matches("<AdaptationSet").count(), sets.matches("value=\"alternate\"").count()), (4, 2));
}

#[test]
fn sound_without_pictures_is_one_variant() {
    let tracks = [audio("audio-und", "und", 960).track];
    let text = multivariant_playlist(&present(&tracks, "")).unwrap();
    assert_eq!(text.matches("#EXT-X-STREAM-INF").count(), 1);
    assert!(text.contains("CODECS=\"mp4a.40.2\"\naudio-und/media.m3u8\n") && !text.contains("EXT-X-MEDIA"));
}

#[test]
fn a_peak_is_measured_over_half_to_one_and_a_half_target_durations() {
    // The short last segment alone would be 80 Mbit/s; with its neighbour it is 2.2.
    let lengths = [4000, 4000, 100];
    let track = bare(1000, &lengths, |index| [500_000, 125_000, 1_000_000][index]);
    assert_eq!(peak_bitrate_bps(&track), (1_125_000u64 * 8 * 1000).div_ceil(4100));
    assert_eq!(average_bitrate_bps(&track), (1_625_000u64 * 8 * 1000).div_ceil(8100));
    assert_eq!(peak_bitrate_bps(&bare(1000, &[200], |_| 1000)), 40_000);
}

#[test]
fn an_i_frame_playlist_lists_ranges_that_decode_alone() {
    let packed = video(720, 240);
    let text = iframe_playlist(&Presentation::default(), &packed.track).unwrap();
    assert!(text.contains("#EXT-X-I-FRAMES-ONLY\n"));
    let ranges: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("#EXT-X-BYTERANGE:")).collect();
    assert_eq!(ranges.len(), 3);
    for (range, (segment, bytes)) in ranges.iter().zip(packed.track.segments.iter().zip(&packed.segments)) {
        let (length, offset) = range.split_once('@').unwrap();
        assert_eq!((length.parse::<u64>().unwrap(), offset), (segment.sync_points[0].bytes.length, "0"));
        assert!(bytes.windows(4).any(|window| window == b"moof"));
    }
    assert_eq!(extinfs(&text).iter().sum::<u64>(), 10_010_000);
}

#[test]
fn the_mpd_states_times_exactly_and_folds_equal_segments() {
    let tracks = ladder(2400);
    let presentation =
        Presentation { tracks: &tracks, uri_prefix: "g7/", storyboard: Some(BOARD), ..Presentation::default() };
    let text = mpd(&presentation).unwrap();
    for part in [
        "type=\"static\"",
        "mediaPresentationDuration=\"PT1M40.1S\"",
        "<S t=\"0\" d=\"96096\" r=\"24\"/>",
        "initialization=\"g7/$RepresentationID$/init.mp4\"",
        "media=\"g7/$RepresentationID$/$Number%05d$.m4s\"",
        "timescale=\"24000\"",
        "timescale=\"44100\"",
        "maxWidth=\"1920\"",
        "par=\"16:9\"",
        "frameRate=\"24000/1001\"",
        "schemeIdUri=\"http://dashif.org/guidelines/thumbnail_tile\" value=\"10x1\"",
        "media=\"g7/storyboard.jpg\"",
        "duration=\"100000\"",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert_eq!(text.matches("<SegmentTemplate").count(), 3);
}

#[test]
fn renditions_that_cannot_be_switched_between_are_refused() {
    let tracks = [video(360, 192).track, video(720, 288).track];
    let error = multivariant_playlist(&present(&tracks, "")).unwrap_err();
    assert_eq!(error, PackageError::Unaligned { track: "video-720p".into(), other: "video-360p".into() });
    assert_eq!(mpd(&present(&tracks, "")).unwrap_err(), error);
}

#[test]
fn reduced_rate_rungs_bring_their_own_timeline() {
    let mut slow = bare(12_000, &[48_048, 48_048], |_| 9000);
    slow.name = "video-180p".into();
    let tracks = [slow, video(720, 192).track];
    let text = mpd(&present(&tracks, "")).unwrap();
    assert!(text.contains("d=\"48048\" r=\"1\"") && text.contains("d=\"96096\" r=\"1\""), "{text}");
}

#[test]
fn names_that_a_playlist_cannot_carry_are_refused() {
    let named = |name: &str| {
        let mut track = bare(1000, &[4000], |_| 1);
        track.name = name.into();
        track
    };
    for bad in ["", "..", "a/b", "a\"b", "a\nb", "a b", "caf\u{e9}"] {
        let error = text_files(&present(&[named(bad)], "")).unwrap_err();
        assert!(matches!(error, PackageError::Name { .. }), "{bad:?}");
    }
    let twins = [named("a"), named("a")];
    assert!(matches!(mpd(&present(&twins, "")), Err(PackageError::Name { .. })));
    assert!(matches!(mpd(&present(&[named("a")], "../")), Err(PackageError::Name { .. })));
    assert_eq!(mpd(&present(&[], "")), Err(PackageError::Empty));
    assert_eq!(mpd(&present(&[bare(1000, &[], |_| 1)], "")), Err(PackageError::Empty));
}

#[test]
fn pictures_in_h264_are_listed_first_and_begun_with_whatever_else_there_is() {
    // 8 bits, 4:2:0, BT.709, level 3.1.
    let vp9 = || CodecConfig::Vp9(vec![0, 31, 0x82, 1, 1, 1, 0, 0].into());
    let other = |height: u32| {
        let track = video(height, 300).track;
        let name = format!("{}-vp9", track.name);
        TrackRecord { name, config: vp9(), max_bitrate_bps: track.max_bitrate_bps * 2, hidden_ticks: 0, ..track }
    };
    let mut tracks = vec![other(720), other(360)];
    tracks.extend(ladder(300));
    let presentation = present(&tracks, "");
    let master = multivariant_playlist(&presentation).unwrap();
    let uris: Vec<_> = master.lines().filter(|line| line.starts_with("video-")).collect();
    let heights = ["720p", "360p", "1080p", "360p-vp9", "720p-vp9"];
    assert_eq!(uris, heights.map(|height| format!("video-{height}/media.m3u8")));
    let manifest = mpd(&presentation).unwrap();
    let (h264, vp9) = (manifest.find("avc1.").unwrap(), manifest.find("vp09.00.31.08").unwrap());
    assert!(h264 < vp9 && manifest[h264..vp9].contains("</AdaptationSet>"), "{manifest}");
}

proptest! {
    #[test]
    fn every_partial_sum_of_extinf_is_the_exact_time_rounded(
        timescale in prop::sample::select(vec![24_000u32, 30_000, 44_100, 48_000, 90_000, 12_800, 1, 7, 4_294_967_295]),
        lengths in prop::collection::vec(1u64..10_000_000, 1..400),
    ) {
        let track = bare(timescale, &lengths, |_| 1);
        let (mut sum, mut exact) = (0i128, 0i128);
        for (length, ticks) in extinfs(&media_playlist(&Presentation::default(), &track).unwrap()).into_iter().zip(&lengths) {
            sum += i128::from(length);
            exact += i128::from(*ticks);
            let off = sum * i128::from(timescale) - exact * 1_000_000;
            prop_assert!(2 * off.abs() <= i128::from(timescale));
        }
    }

    #[test]
    fn ntsc_segments_by_the_thousand_never_drift(frames in 1u64..400, count in 1000usize..3000) {
        let track = bare(24_000, &vec![frames * 1001; count], |_| 1);
        let total: u64 = extinfs(&media_playlist(&Presentation::default(), &track).unwrap()).iter().sum();
        let exact = frames * 1001 * count as u64 * 1_000_000;
        prop_assert!(2 * (total * 24_000).abs_diff(exact) <= 24_000);
    }

    #[test]
    fn no_edit_within_a_record_makes_a_writer_panic(
        start in any::<u64>(), duration in any::<u64>(), size in any::<u64>(), pts in any::<i64>(), length in any::<u64>(),
    ) {
        let mut track = video(360, 192).track;
        let segment = &mut track.segments[1];
        (segment.start_ticks, segment.duration_ticks, segment.size_bytes) = (start, duration, size);
        (segment.sync_points[0].pts, segment.sync_points[0].bytes.length) = (pts, length);
        let _ = (media_playlist(&Presentation::default(), &track).unwrap(), iframe_playlist(&Presentation::default(), &track).unwrap(), peak_bitrate_bps(&track));
        let tracks = [track];
        let _ = text_files(&present(&tracks, ""));
    }
}
