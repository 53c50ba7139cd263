//! Tracks and keys.

use cpix::select::{Media, SelectError, Track};
use cpix::speke::Tracks;
use cpix::{BitrateFilter, UsageRule, VideoFilter};
use drm::KeyId;

use crate::support::{kid, plain};

fn rule(number: u8, tracks: Tracks) -> UsageRule {
    UsageRule {
        intended_track_type: Some(tracks.name),
        video: tracks.video,
        audio: tracks.audio,
        ..UsageRule::new(kid(number))
    }
}

fn video(width: u64, height: u64) -> Track<'static> {
    let media = Media::Video { pixels: Some(width * height), fps: Some((25, 1)), hdr: Some(false), wcg: Some(false) };
    Track { media, bitrate_bps: Some(1_000_000), ..Track::default() }
}

fn audio(channels: u64) -> Track<'static> {
    Track { media: Media::Audio { channels: Some(channels) }, ..Track::default() }
}

#[test]
fn each_class_of_track_gets_its_key() {
    let mut document = plain(6);
    document.usage_rules = vec![
        rule(0, Tracks::sd().and(Tracks::hd1())),
        rule(1, Tracks::hd2()),
        rule(2, Tracks::uhd1()),
        rule(3, Tracks::uhd2()),
        rule(4, Tracks::stereo_audio()),
        rule(5, Tracks::multichannel_audio()),
    ];
    for (track, expected) in [
        (video(640, 360), 0),
        (video(1280, 720), 0),
        (video(1282, 720), 1),
        (video(1920, 1080), 1),
        (video(3840, 2160), 2),
        (video(7680, 4320), 3),
        (audio(2), 4),
        (audio(6), 5),
    ] {
        assert_eq!(document.key_for(&track), Ok(Some(kid(expected))), "{track:?}");
    }
    assert_eq!(document.key_for(&Track::default()), Ok(None));
    document.usage_rules = vec![rule(3, Tracks::all())];
    assert_eq!(document.key_for(&audio(1)), Ok(Some(kid(3))));
    assert_eq!(document.key_for(&video(2, 2)), Ok(Some(kid(3))));
}

#[test]
fn frame_rates_exclude_the_lower_and_include_the_upper_bound() {
    let mut document = plain(1);
    let filter = VideoFilter { min_fps: Some(30), max_fps: Some(60), ..VideoFilter::default() };
    document.usage_rules = vec![UsageRule { video: vec![filter], ..UsageRule::new(kid(0)) }];
    for (fps, matches) in [((30, 1), false), ((30_001, 1000), true), ((60, 1), true), ((60_001, 1000), false)] {
        let media = Media::Video { pixels: None, fps: Some(fps), hdr: None, wcg: None };
        let found = document.key_for(&Track { media, ..Track::default() });
        assert_eq!(found, Ok(matches.then(|| kid(0))), "{fps:?}");
    }
}

#[test]
fn kinds_of_filters_must_all_match_and_labels_are_alternatives() {
    let mut document = plain(1);
    let mut only = rule(0, Tracks::video());
    only.labels = vec!["blue".to_owned(), "green".to_owned()];
    only.periods = vec!["p1".to_owned()];
    only.bitrate = vec![BitrateFilter { min_bps: Some(1_000_000), max_bps: None }];
    document.usage_rules = vec![only];
    let track = Track { labels: &["green"], period: Some("p1"), ..video(10, 10) };
    let found = |track: &Track<'_>| document.key_for(track).unwrap();
    assert_eq!(found(&track), Some(kid(0)));
    assert_eq!(found(&Track { labels: &["red"], ..track.clone() }), None);
    assert_eq!(found(&Track { period: None, ..track.clone() }), None);
    assert_eq!(found(&Track { bitrate_bps: Some(999_999), ..track.clone() }), None);
}

#[test]
fn doubt_is_refused() {
    let mut document = plain(2);
    document.usage_rules = vec![rule(0, Tracks::hd()), rule(1, Tracks::video())];
    assert_eq!(document.key_for(&video(1920, 1080)), Err(SelectError::Ambiguous(kid(0), kid(1))));
    assert_eq!(document.key_for(&video(320, 180)), Ok(Some(kid(1))));
    let blind = Track { media: Media::Video { pixels: None, fps: None, hdr: None, wcg: None }, ..Track::default() };
    let not_known = |kid: KeyId| Err(SelectError::NotKnown { kid, what: "the number of pixels" });
    assert_eq!(document.key_for(&blind), not_known(kid(0)));
    document.usage_rules[1].unknown_filters = true;
    assert_eq!(document.key_for(&video(320, 180)), Err(SelectError::UnknownFilter(kid(1))));
}
