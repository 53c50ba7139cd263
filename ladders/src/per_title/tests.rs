#![allow(clippy::unwrap_used)]
use media_types::FrameRate;
use proptest::prelude::*;

use super::*;
use crate::{KeyframeCost, SourceShape, builtin, first_trials, further_trials, select};

/// Of H.264 and 1080 lines: 360p, 480p, 720p, 1080p.
fn renditions(ladder: &str) -> Vec<Rendition> {
    let source = SourceShape {
        width: 1920,
        height: 1080,
        frame_rate: FrameRate::new(24, 1).unwrap(),
        video_bitrate_bps: None,
        keyframes: KeyframeCost::default(),
        is_hdr: false,
    };
    select(&builtin(ladder).unwrap(), &source).renditions
}

/// All there is to try at 24 pictures a second, of which kbit/s and decibels are `of`: each size of `own`, ascending, and behind
/// them, if there are figures for it, what is legible with few pictures.
fn tried(wanted: &PerTitle, own: &[Rendition], of: &[(u64, f64)]) -> Vec<Tried> {
    let rate = FrameRate::new(24, 1).unwrap();
    let mut trials: Vec<Rendition> = first_trials(own).into_iter().take(1).collect();
    trials.extend(further_trials(&WANTED, own, rate, &[], false));
    trials.sort_by_key(|trial| (trial.height, trial.encoding.crf as u32));
    trials.extend(further_trials(wanted, own, rate, &[], true).pop().filter(|trial| trial.frame_step > 1));
    let of = trials.into_iter().zip(of);
    of.map(|(rendition, (kbps, db))| Tried { rendition, bitrate_bps: kbps * 1000, quality_db: *db }).collect()
}

const WANTED: PerTitle = PerTitle { target_db: 39.0, step_db: 2.0, legible_lines: None };

/// A street by day, as x264 veryfast codes it.
const STREET: [(u64, f64); 10] = [
    (687, 28.6),
    (1135, 30.3),
    (480, 28.7),
    (202, 26.6),
    (2380, 33.4),
    (990, 31.0),
    (400, 28.1),
    (6036, 38.3),
    (2280, 34.0),
    (840, 29.9),
];
/// Slides.
const SLIDES: [(u64, f64); 11] = [
    (18, 33.2),
    (22, 35.2),
    (17, 35.0),
    (14, 34.1),
    (32, 37.9),
    (24, 37.5),
    (20, 36.5),
    (46, 61.0),
    (37, 50.5),
    (32, 46.0),
    (16, 36.0),
];
/// A page of text that is scrolled, and an editor.
const SCREEN: [(u64, f64); 11] = [
    (420, 27.0),
    (700, 29.0),
    (480, 28.2),
    (310, 26.9),
    (1500, 33.4),
    (990, 31.8),
    (640, 29.6),
    (2600, 43.0),
    (1900, 39.2),
    (1250, 35.1),
    (180, 24.0),
];

fn samples(is_drawn: bool) -> Samples {
    Samples { ms: 16_000, compared_at: (1920, 1080), is_drawn }
}

/// Drawn pictures if the ladder has a place for them.
fn decided(ladder: &str, of: &[(u64, f64)]) -> Decided {
    let wanted = builtin(ladder).unwrap().per_title.unwrap();
    let is_drawn = wanted.legible_lines.is_some();
    let own = renditions(ladder);
    decide(&wanted, &own, tried(&wanted, &own, of), &samples(is_drawn)).unwrap()
}

fn table(decided: &Decided) -> Vec<String> {
    let line = |one: &Chosen| format!("{} {} {:.1}", one.name, one.bitrate_bps / 1000, one.quality_db);
    decided.decision.chosen.iter().map(line).collect()
}

#[test]
fn a_film_gets_rungs_where_a_quality_takes_the_fewest_bits() {
    let decided = decided("film-per-title", &STREET);
    assert_eq!(table(&decided), ["480p 460 28.6", "720p 1342 31.8", "1080p-2 2902 35.1", "1080p 6036 38.3"]);
    assert!(decided.decision.first_is_early_only, "its lowest rung takes more bits than a better picture");
    let names: Vec<&str> = decided.renditions.iter().map(|rendition| rendition.name.as_str()).collect();
    assert_eq!(names, ["360p", "480p", "720p", "1080p-2", "1080p"]);
    assert!(decided.skipped.is_empty());
    let crf: Vec<f32> = decided.renditions.iter().map(|rendition| rendition.encoding.crf).collect();
    assert_eq!(crf, [23.0, 29.3, 26.9, 27.5, 23.0]);
}

#[test]
fn slides_are_whole_at_every_rate() {
    let decided = decided("lecture-per-title", &SLIDES);
    assert_eq!(table(&decided), ["1080p 32 46.0"]);
    assert_eq!(decided.renditions[1].encoding.crf, 34.0);
    assert!(decided.decision.first_is_early_only, "whoever can play that can play the whole slide");
    let names: Vec<&str> = decided.skipped.iter().map(|rung| rung.name.as_str()).collect();
    assert_eq!(names, ["480p", "720p"]);
}

#[test]
fn what_is_drawn_has_fewer_pictures_at_low_rates_and_not_fewer_lines() {
    let decided = decided("lecture-per-title", &SCREEN);
    assert_eq!(table(&decided)[0], "720p-8fps 180 24.0");
    let few = &decided.renditions[1];
    assert_eq!((few.height, few.frame_step, few.encoding.crf), (720, 3, 34.0));
    assert!(few.encoding.max_bitrate_bps < 300_000, "in step with its rate: {few:?}");
    let complete = &decided.renditions[1..];
    assert!(complete.iter().all(|rendition| rendition.height >= 720), "{:?}", table(&decided));
    assert!(complete.is_sorted_by(|a, b| a.encoding.max_bitrate_bps <= b.encoding.max_bitrate_bps));
    assert!(decided.decision.first_is_early_only, "its lowest rung cannot be read");
    let why = &decided.skipped[0];
    assert_eq!((why.name.as_str(), why.reason.as_str()), ("480p", "what is drawn has 720 lines or more, to be read"));
}

#[test]
fn what_is_filmed_is_decided_as_if_nothing_were_to_be_read() {
    let (own, wanted) = (renditions("lecture-per-title"), builtin("lecture-per-title").unwrap().per_title.unwrap());
    let filmed = decide(&wanted, &own, tried(&wanted, &own, &SCREEN), &samples(false)).unwrap();
    let without = PerTitle { legible_lines: None, ..wanted };
    let plain = decide(&without, &own, tried(&without, &own, &SCREEN[..10]), &samples(false)).unwrap();
    assert_eq!(filmed.renditions, plain.renditions);
    assert!(filmed.renditions.iter().any(|rendition| rendition.height == 480));
}

#[test]
fn caps_are_in_step_with_rates_and_never_above_the_ladders_own() {
    let own = renditions("film-per-title");
    let decided = decided("film-per-title", &STREET);
    let caps: Vec<u64> = decided.renditions[1..].iter().map(|rendition| rendition.encoding.max_bitrate_bps).collect();
    assert!(caps.is_sorted(), "{caps:?}");
    assert_eq!(caps.last(), own.last().map(|rendition| &rendition.encoding.max_bitrate_bps));
    let promised = decided.decision.chosen.iter().map(|one| one.bitrate_bps);
    assert!(caps.iter().zip(promised).all(|(cap, rate)| *cap * 10 > rate * 8), "{caps:?}");
}

#[test]
fn what_is_worth_nothing_in_h264_is_not_made_in_other_codecs() {
    let mut own = renditions("film-per-title");
    let (av1, high) = (VideoCodec::Av1, DynamicRange::Hdr);
    let of = |codec, dynamic_range, height: u32, name: &str| {
        let mut other = own.iter().find(|size| size.height == height).unwrap().clone();
        (other.encoding.codec, other.encoding.dynamic_range, other.name) = (codec, dynamic_range, name.to_owned());
        other
    };
    let mut others =
        [360, 480, 720, 1080].map(|height| of(av1, DynamicRange::Sdr, height, &format!("{height}p-av1"))).to_vec();
    others.push(of(VideoCodec::Hevc, high, 360, "360p-hdr"));
    let mut between = of(av1, DynamicRange::Sdr, 480, "540p-av1");
    (between.width, between.height) = (960, 540);
    others.push(between);
    own.extend(others);
    let names = |of: &Decided| -> Vec<String> {
        of.renditions.iter().map(|one| one.name.clone()).filter(|name| name.contains('-')).collect()
    };
    let film = decide(&WANTED, &own, tried(&WANTED, &own[..4], &STREET), &samples(false)).unwrap();
    assert_eq!(names(&film), ["1080p-2", "480p-av1", "720p-av1", "1080p-av1", "360p-hdr", "540p-av1"]);
    let why: Vec<(&str, &str)> = film.skipped.iter().map(|one| (one.name.as_str(), one.reason.as_str())).collect();
    assert_eq!(why, [("360p-av1", "its size is not worth its bits in H.264 either")]);
    let slides = decide(&WANTED, &own, tried(&WANTED, &own[..4], &SLIDES), &samples(false)).unwrap();
    assert_eq!(names(&slides), ["1080p-av1", "360p-hdr", "540p-av1"]);
}

#[test]
fn where_there_is_nothing_to_choose_the_ladder_stays() {
    let all = renditions("film-per-title");
    let decided = |own: &[Rendition], tried: Vec<Tried>| decide(&WANTED, own, tried, &samples(false));
    assert_eq!(decided(&all[..1], Vec::new()), None);
    assert_eq!(decided(&all, Vec::new()), None, "nothing was tried");
    assert_eq!(decided(&all, tried(&WANTED, &all, &STREET[..1])), None, "no larger size was");
    assert_eq!(decided(&all, tried(&WANTED, &all, &STREET).split_off(1)), None, "the lowest rung was not");
    assert_eq!(decided(&all, tried(&WANTED, &all, &[(500, f64::NAN); 10])), None);
}

proptest! {
    #[test]
    fn any_figures_give_a_ladder_that_ascends(
        figures in prop::collection::vec((0u64..20_000, -10.0..60.0), 11),
        target_db in 25.0..60.0, step_db in 0.5..10.0, legible_lines in prop::option::of(240u32..2160), is_drawn: bool,
    ) {
        let own = renditions("film-per-title");
        let wanted = PerTitle { target_db, step_db, legible_lines };
        let decided = decide(&wanted, &own, tried(&wanted, &own, &figures), &samples(is_drawn)).unwrap();
        let chosen = &decided.renditions[1..];
        let few = chosen.iter().filter(|rendition| rendition.frame_step > 1).count();
        prop_assert!(!chosen.is_empty() && chosen.len() - few <= own.len() && few <= usize::from(is_drawn));
        prop_assert_eq!(&decided.renditions[0], &own[0]);
        prop_assert!(decided.decision.chosen[few..].is_sorted_by(|a, b| a.quality_db <= b.quality_db));
        let least = legible_lines.filter(|_| is_drawn).map_or(0, |lines| lines.min(1080));
        prop_assert!(chosen.iter().all(|rendition| rendition.height >= least));
        prop_assert!(chosen.is_sorted_by(|a, b| a.encoding.max_bitrate_bps <= b.encoding.max_bitrate_bps));
        let names: std::collections::BTreeSet<_> = decided.renditions.iter().map(|one| &one.name).collect();
        prop_assert_eq!(names.len(), decided.renditions.len());
        for rendition in chosen {
            let size = own.iter().find(|size| size.height == rendition.height).unwrap();
            prop_assert!(rendition.encoding.crf >= size.encoding.crf && rendition.encoding.crf <= size.encoding.crf + 12.0);
            prop_assert!(rendition.encoding.max_bitrate_bps <= size.encoding.max_bitrate_bps);
        }
    }
}
