#![allow(clippy::unwrap_used)]
use super::*;
use crate::{KeyframeCost, SourceShape, builtin, select};

/// Of H.264 and 1080 lines: 360p, 480p, 720p, 1080p.
fn renditions(ladder: &str) -> Vec<Rendition> {
    let source = SourceShape {
        width: 1920,
        height: 1080,
        frame_rate: rate(),
        video_bitrate_bps: None,
        keyframes: KeyframeCost::default(),
        is_hdr: false,
    };
    select(&builtin(ladder).unwrap(), &source).renditions
}

fn rate() -> FrameRate {
    FrameRate::new(24, 1).unwrap()
}

/// Names of what is tried after the first trials came to these kbit/s and decibels.
fn further(first: [(u64, f64); 2], is_drawn: bool) -> Vec<String> {
    let (ladder, own) = (builtin("lecture-per-title").unwrap(), renditions("lecture-per-title"));
    let tried = first_trials(&own).into_iter().zip(first);
    let tried: Vec<Tried> = tried
        .map(|(rendition, (kbps, quality_db))| Tried { rendition, bitrate_bps: kbps * 1000, quality_db })
        .collect();
    let further = further_trials(&ladder.per_title.unwrap(), &own, rate(), &tried, is_drawn);
    further.into_iter().map(|trial| trial.name).collect()
}

/// The same after the largest size was tried, which takes so many kbit/s at its best.
fn in_the_end(best: u64, is_drawn: bool) -> Vec<String> {
    let (ladder, own) = (builtin("lecture-per-title").unwrap(), renditions("lecture-per-title"));
    let largest = coarsened(&own[3]);
    let trials = first_trials(&own).into_iter().chain(largest.into_iter().take(2)).zip([45, 67, best, 100]);
    let tried: Vec<Tried> = trials
        .map(|(rendition, kbps)| Tried { rendition, bitrate_bps: kbps * 1000, quality_db: kbps as f64 })
        .collect();
    let further = further_trials(&ladder.per_title.unwrap(), &own, rate(), &tried, is_drawn);
    further.into_iter().map(|trial| trial.name).collect()
}

#[test]
fn the_ends_are_tried_first() {
    let names: Vec<String> = first_trials(&renditions("lecture-per-title")).into_iter().map(|one| one.name).collect();
    assert_eq!(names, ["360p", "1080p-crf34"]);
    assert!(first_trials(&renditions("lecture-per-title")[..1]).is_empty() && first_trials(&[]).is_empty());
}

#[test]
fn where_the_largest_size_will_do_at_every_rate_no_other_is_tried() {
    assert_eq!(further([(45, 28.8), (67, 41.6)], true), ["1080p-crf22", "1080p-crf28"]);
    assert_eq!(further([(45, 28.8), (145, 28.8)], false), ["1080p-crf22", "1080p-crf28"]);
    assert!(further([(45, 28.8), (146, 41.6)], false).len() > 2, "not everybody can play it");
    assert!(further([(45, 28.8), (67, 28.7)], false).len() > 2, "the lowest rung looks better");
}

#[test]
fn few_pictures_are_tried_beside_the_largest_size_alone_if_it_takes_more_than_everybody_has() {
    assert_eq!(in_the_end(146, true), ["720p-8fps"]);
    assert!(in_the_end(145, true).is_empty() && in_the_end(146, false).is_empty());
}

#[test]
fn what_is_filmed_is_tried_at_every_size_and_what_is_drawn_where_it_can_be_read() {
    let filmed = further([(920, 27.6), (1125, 29.4)], false);
    let of = |size: &str| ["22", "28", "34"].map(|crf| format!("{size}-crf{crf}"));
    assert_eq!(filmed, [&of("1080p")[..2], &of("720p"), &of("480p")].concat());
    let drawn = further([(420, 27.0), (1250, 35.1)], true);
    assert_eq!(drawn, [&of("1080p")[..2], &of("720p"), &["720p-8fps".to_owned()]].concat());
}

#[test]
fn no_trial_is_coarser_than_its_codec_knows_or_tried_twice() {
    let mut own = renditions("lecture-per-title");
    own.iter_mut().for_each(|rendition| rendition.encoding.crf = 47.0);
    let wanted = builtin("lecture-per-title").unwrap().per_title.unwrap();
    let tried = further_trials(&wanted, &own, rate(), &[], false);
    let names: Vec<String> = tried.into_iter().map(|trial| trial.name).collect();
    let expected = ["1080p-crf47", "1080p-crf51", "720p-crf47", "720p-crf51", "480p-crf47", "480p-crf51"];
    assert_eq!(names, expected);
}
