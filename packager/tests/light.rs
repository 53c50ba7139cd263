//! High dynamic range in init segments, playlists and the MPD.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Packed, audio, bare, scale, video, video_samples};
use media_types::{CodecConfig, TrackKind, TrackRecord};
use packager::{Presentation, codec_string, init_segment, mpd, multivariant_playlist, trick_sources};

/// `hvcC` of x265, Main 10, PQ in BT.2020, mastered on a screen with the colours of P3 and 1,000 cd/m².
const PQ: &str = "0102200000009000000000001ef000fcfdfafa00000f04200001001840010c01ffff02200000030090000003000003001e959409210001002d42010102200000030090000003000003001ea014206136595952930bc05a84880482000003000200000300321022000100064401c073c08927000200094e01900403e8019080001e4e01891833c286c41d4c0bb884d03e803d13404200989680000003000180";

fn high(name: &str, height: u32, frames: u64) -> TrackRecord {
    let kind = TrackKind::Video { width: height * 16 / 9, height, rate_num: 25, rate_den: 1, sample_aspect: (1, 1) };
    let track = bare(name, kind, scale(12_800), CodecConfig::Hevc(hex::decode(PQ).unwrap().into()));
    let segments = (0..frames.div_ceil(96)).map(|segment| {
        let first = segment * 96;
        video_samples(first, (frames - first).min(96), 512, 48, move |_| height as usize)
    });
    Packed::new(track, segments).track
}

/// H.264 at 24000/1001 beside pictures of high dynamic range with segments of the same length, listed in a poor order.
fn tracks() -> Vec<TrackRecord> {
    let mut high: Vec<_> = [720, 360].map(|height| high(&format!("video-{height}p-hdr"), height, 288)).into();
    for track in &mut high {
        // On the grid of the others.
        track.timescale = scale(24_000);
        for segment in &mut track.segments {
            (segment.start_ticks, segment.duration_ticks) = (u64::from(segment.index) * 96_096, 96_096);
        }
        track.shown_ticks = 288_288;
    }
    let mut tracks = high;
    tracks.extend([720, 360].map(|height| video(height, 288).track));
    tracks.push(audio("audio-en", "en", 288).track);
    tracks
}

fn after<'b>(bytes: &'b [u8], kind: &[u8; 4]) -> Option<&'b [u8]> {
    let at = bytes.windows(4).position(|window| window == kind)?;
    bytes.get(at + 4..)
}

#[test]
fn init_segments_repeat_what_the_codec_says_of_light() {
    let track = high("video-360p-hdr", 360, 96);
    assert!(codec_string(&track.config).unwrap().starts_with("hvc1.2.4.L"));
    let init = init_segment(&track, None).unwrap();
    let colour = after(&init, b"colr").unwrap();
    assert_eq!(&colour[..11], b"nclx\x00\x09\x00\x10\x00\x09\x00");
    let display = after(&init, b"mdcv").unwrap();
    let expected = [13_250u16, 34_500, 7_500, 3_000, 34_000, 16_000, 15_635, 16_450].map(u16::to_be_bytes).concat();
    assert_eq!(display[..16], expected);
    assert_eq!(display[16..24], [10_000_000u32.to_be_bytes(), 1u32.to_be_bytes()].concat());
    assert_eq!(after(&init, b"clli").unwrap()[..4], [1000u16.to_be_bytes(), 400u16.to_be_bytes()].concat());
    let plain = init_segment(&video(360, 96).track, None).unwrap();
    assert!(after(&plain, b"mdcv").is_none() && after(&plain, b"clli").is_none());
}

#[test]
fn playlists_have_standard_range_first_and_every_range_stated() {
    let tracks = tracks();
    let text = multivariant_playlist(&Presentation { tracks: &tracks, ..Presentation::default() }).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let variants: Vec<(&str, bool)> = lines
        .windows(2)
        .filter(|pair| pair[0].starts_with("#EXT-X-STREAM-INF"))
        .map(|pair| (pair[1], pair[0].contains(",VIDEO-RANGE=PQ") && pair[0].contains("CODECS=\"hvc1.2.4.L")))
        .collect();
    let expected = [
        ("video-720p/media.m3u8", false),
        ("video-360p/media.m3u8", false),
        ("video-360p-hdr/media.m3u8", true),
        ("video-720p-hdr/media.m3u8", true),
    ];
    assert_eq!(variants, expected, "{text}");
    let ranges: Vec<&str> = lines
        .iter()
        .filter(|line| line.starts_with("#EXT-X-I-FRAME-STREAM-INF"))
        .map(|line| if line.contains("VIDEO-RANGE=PQ") { "PQ" } else { "SDR" })
        .collect();
    assert_eq!(ranges, ["SDR", "SDR", "PQ", "PQ"], "{text}");
    assert_eq!(text.matches("VIDEO-RANGE=").count(), 8);
}

#[test]
fn sets_of_high_range_say_their_colours_and_are_switched_to_from_no_other() {
    let tracks = tracks();
    let manifest = mpd(&Presentation { tracks: &tracks, ..Presentation::default() }).unwrap();
    let sets: Vec<&str> = manifest.split("<AdaptationSet ").skip(1).collect();
    assert_eq!(sets.len(), 3, "{manifest}");
    assert!(sets[0].contains("avc1.") && !sets[0].contains("mpegB:cicp"), "{manifest}");
    for property in
        ["ColourPrimaries\" value=\"9\"", "TransferCharacteristics\" value=\"16\"", "MatrixCoefficients\" value=\"9\""]
    {
        let wanted = format!("<EssentialProperty schemeIdUri=\"urn:mpeg:mpegB:cicp:{property}");
        assert!(sets[1].contains("hvc1.2.4.") && sets[1].contains(&wanted), "{wanted}: {manifest}");
    }
    assert!(!manifest.contains("adaptation-set-switching"), "{manifest}");
}

#[test]
fn keyframes_of_each_range_have_a_file() {
    let tracks = tracks();
    let sources: Vec<&str> = trick_sources(&tracks).into_iter().map(|at| tracks[at].name.as_str()).collect();
    assert_eq!(sources, ["video-360p-hdr", "video-360p"]);
}
