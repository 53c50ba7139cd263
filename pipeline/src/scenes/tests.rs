#![allow(clippy::unwrap_used)]
use media_types::{Rational, Rotation, Timescale};
use proptest::prelude::*;

use super::*;

const CELLS: usize = glance::CELLS;
/// Frames a second, and between planned key frames.
const RATE: u64 = 25;
const RUN: u64 = 50;

fn setup() -> VideoSetup {
    VideoSetup {
        stream_index: 0,
        source_time_base: Rational { num: 1, den: 25 },
        clock: Default::default(),
        rotation: Rotation::None,
        deinterlace: false,
        film: None,
        hdr: None,
        frame_rate: FrameRate::new(RATE as u32, 1).unwrap(),
        timescale: Timescale::new(12_800).unwrap(),
        frame_ticks: 512,
        gop_frames: RUN as u32,
    }
}

/// Greys that look random and are a function of the seed.
fn noise(seed: u64) -> impl Iterator<Item = u8> {
    let step =
        |state: &u64| Some(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
    std::iter::successors(Some(seed.wrapping_mul(0x9e37_79b9) + 1), step).skip(3).map(|state| (state >> 56) as u8)
}

type Picture = [u8; CELLS];

/// Words on plain ground, other ones for each number.
fn slide(number: u64) -> Picture {
    let mut greys = [248; CELLS];
    let mut words = noise(number);
    for line in 0..7 {
        let length = 20 + usize::from(words.next().unwrap() % 36);
        let start = (3 + line * 5) * GLANCE_COLUMNS + 4;
        for cell in greys[start..start + length].iter_mut() {
            *cell = 90 + words.next().unwrap() % 120;
        }
    }
    greys
}

/// A picture between two, `part` of 64 on the way.
fn between(from: &Picture, to: &Picture, part: u32) -> Picture {
    std::array::from_fn(|at| ((u32::from(from[at]) * (64 - part) + u32::from(to[at]) * part) / 64) as u8)
}

/// A camera's picture in the corner, another one in every frame.
fn with_camera(mut picture: Picture, frame: u64) -> Picture {
    let mut greys = noise(frame + 1000);
    for row in 26..34 {
        let start = row * GLANCE_COLUMNS + 48;
        picture[start..start + 14].iter_mut().for_each(|cell| *cell = greys.next().unwrap());
    }
    picture
}

fn film(frame: u64) -> Picture {
    let mut greys = noise(frame / 200);
    let ground: Picture = std::array::from_fn(|_| greys.next().unwrap() / 2);
    std::array::from_fn(|at| ground[(at + frame as usize) % CELLS])
}

/// What a watch finds in a range from `first` on: the key frames, over the whole, and the rest.
fn watched(pictures: &[Picture], first: u64) -> (Vec<u64>, RangeScenes) {
    let mut watch = SceneWatch::new(&setup(), first, 12);
    let (mut keys, mut at) = (Vec::new(), first);
    let mut take = |watch: &mut SceneWatch| {
        while let Some(key) = watch.keyframe() {
            keys.extend(key.then_some(at));
            at += 1;
        }
    };
    for picture in pictures {
        watch.show(Glance::new(picture), 1);
        take(&mut watch);
    }
    watch.finish();
    take(&mut watch);
    assert_eq!(at - first, pictures.len() as u64, "every picture is judged");
    let scenes = watch.found();
    assert!(scenes.fits(first, pictures.len() as u64));
    (keys, scenes)
}

fn changes(scenes: &RangeScenes) -> Vec<u64> {
    scenes.changes.iter().map(|change| change.frame).collect()
}

/// Pictures that show one slide after the other, each from its frame on.
fn slides(starts: &[u64], end: u64) -> Vec<Picture> {
    (0..end).map(|frame| slide(starts.iter().filter(|start| **start <= frame).count() as u64)).collect()
}

#[test]
fn a_slide_begins_with_its_first_picture() {
    let (keys, scenes) = watched(&slides(&[33, 60, 138, 190], 250), 0);
    assert_eq!(changes(&scenes), [33, 60, 138, 190]);
    // In a run of its own the last one before a planned key frame needs none.
    assert_eq!(keys, [33, 60]);
    assert!(scenes.changes.iter().all(|change| change.sure_percent > 80), "{scenes:?}");
}

#[test]
fn a_fade_is_one_change_at_its_end() {
    for length in [5, 12, 25] {
        let (from, to) = (slide(1), slide(2));
        let part = |frame: u64| (frame.saturating_sub(60) * 64 / length).min(64) as u32;
        let pictures: Vec<Picture> = (0..200).map(|frame| between(&from, &to, part(frame))).collect();
        let (keys, scenes) = watched(&pictures, 0);
        let found = changes(&scenes);
        assert_eq!(found.len(), 1, "{length}: {found:?}");
        assert!((59 + length..=60 + length).contains(&found[0]), "{length}: {found:?}");
        assert_eq!(keys, if found[0] + 13 < 100 { found } else { Vec::new() }, "{length}");
    }
}

#[test]
fn what_is_small_or_moves_all_the_time_is_no_slide() {
    let still = slide(1);
    let pointer = |frame: u64| {
        let mut picture = still;
        picture[(frame as usize * 37) % CELLS] = 10;
        picture
    };
    let cursor = |frame: u64| {
        let mut picture = still;
        picture[900] = if (frame / 12).is_multiple_of(2) { 0 } else { 248 };
        picture
    };
    let typing = |frame: u64| {
        let mut picture = still;
        picture[30 * GLANCE_COLUMNS..][..(frame / 6) as usize].fill(150);
        picture
    };
    let points = |frame: u64| {
        let mut picture = still;
        let lines = (frame / 60) as usize;
        (0..lines).for_each(|line| picture[(2 + line * 5) * GLANCE_COLUMNS + 4..][..40].fill(130));
        picture
    };
    let video = |frame: u64| {
        let mut picture = still;
        let played = if frame > 60 { film(frame + frame / 70 * 999) } else { still };
        for row in 20..34 {
            let start = row * GLANCE_COLUMNS + 10;
            picture[start..start + 30].copy_from_slice(&played[start..start + 30]);
        }
        picture
    };
    let camera = |frame: u64| with_camera(still, frame);
    let all: [(&str, &dyn Fn(u64) -> Picture); 6] = [
        ("pointer", &pointer),
        ("cursor", &cursor),
        ("typing", &typing),
        ("points of a list", &points),
        ("video", &video),
        ("camera", &camera),
    ];
    for (name, picture) in all {
        let (keys, scenes) = watched(&(0..300).map(picture).collect::<Vec<_>>(), 0);
        assert_eq!((keys, changes(&scenes)), (vec![], vec![]), "{name}");
    }
}

#[test]
fn slides_change_beside_a_camera_and_after_a_film() {
    let beside: Vec<Picture> =
        slides(&[70, 120], 200).into_iter().zip(0..).map(|(slide, frame)| with_camera(slide, frame)).collect();
    let (keys, scenes) = watched(&beside, 0);
    assert_eq!((keys, changes(&scenes)), (vec![70, 120], vec![70, 120]));
    let cut: Vec<Picture> = (0..200).map(|frame| if frame < 70 { film(frame) } else { slide(1) }).collect();
    let (keys, scenes) = watched(&cut, 0);
    assert_eq!((keys, changes(&scenes)), (vec![70], vec![70]));
}

#[test]
fn cuts_of_a_film_are_no_slides() {
    // Every 200 frames another ground, and all of it moves.
    let (keys, scenes) = watched(&(0..900).map(film).collect::<Vec<_>>(), 0);
    assert_eq!((keys, changes(&scenes)), (vec![], vec![]));
    assert!(scenes.kinds.iter().all(|scene| scene.kind == SceneKind::Film), "{scenes:?}");
    assert!(scenes.opening.is_empty() && scenes.closing.is_empty());
}

#[test]
fn stretches_are_what_they_look_like() {
    let still = slide(3);
    let typing = |frame: u64| {
        let mut picture = still;
        picture[10 * GLANCE_COLUMNS..][..(frame / 3 % 900) as usize].fill(150);
        picture
    };
    // Somebody before a wall that is lit from the side.
    let talking = |frame: u64| {
        let mut picture: Picture =
            std::array::from_fn(|at| (40 + 2 * (at % GLANCE_COLUMNS) + at / GLANCE_COLUMNS * 2) as u8);
        let mut greys = noise(frame);
        for row in 10..36 {
            let start = row * GLANCE_COLUMNS + 25;
            picture[start..start + 16].iter_mut().for_each(|cell| *cell = greys.next().unwrap());
        }
        picture
    };
    let of = |picture: &dyn Fn(u64) -> Picture| {
        let (_, scenes) = watched(&(0..450).map(picture).collect::<Vec<_>>(), 100);
        assert_eq!(scenes.kinds.len(), 1, "{scenes:?}");
        scenes.kinds[0].kind
    };
    assert_eq!(of(&|frame| slide(frame / 110)), SceneKind::Slides);
    assert_eq!(of(&|frame| with_camera(slide(frame / 110), frame)), SceneKind::Slides);
    assert_eq!(of(&typing), SceneKind::Screencast);
    assert_eq!(of(&talking), SceneKind::TalkingHead);
    assert_eq!(of(&film), SceneKind::Film);
}

#[test]
fn pictures_that_stay_for_seconds_and_those_without_greys_are_judged_too() {
    let mut watch = SceneWatch::new(&setup(), 0, 12);
    let mut keys = Vec::new();
    for (at, frames) in [(0, 30), (0, 10), (1, 31), (1, 40), (2, 70), (2, 1), (3, 300)] {
        watch.show((at > 0).then(|| Glance::new(&slide(at)).unwrap()), frames);
        keys.extend(std::iter::from_fn(|| watch.keyframe()));
    }
    watch.finish();
    keys.extend(std::iter::from_fn(|| watch.keyframe()));
    let scenes = watch.found();
    assert_eq!(changes(&scenes), [111, 182]);
    assert_eq!(keys, [false, false, false, false, true, false, true]);
    assert!(scenes.fits(0, 482), "{scenes:?}");
}

#[test]
fn slides_that_stay_become_a_list_when_there_are_three() {
    let kind = |kind, frame_count| RangeScenes {
        kinds: vec![Scene { first_frame: 0, frame_count, kind }],
        ..RangeScenes::default()
    };
    let with = |mut scenes: RangeScenes, frames: &[u64]| {
        scenes.changes = frames.iter().map(|&frame| SlideChange { frame, sure_percent: 90 }).collect();
        RecordingScenes::join([&scenes])
    };
    let rate = setup().frame_rate;
    let minute = || kind(SceneKind::Slides, 1500);
    assert_eq!(with(minute(), &[200, 900]).slides(rate), [0, 200, 900]);
    assert_eq!(with(minute(), &[50, 200, 260, 900]).slides(rate), [0, 260, 900], "two of them were passed over");
    assert!(with(minute(), &[200]).slides(rate).is_empty());
    assert!(with(kind(SceneKind::Film, 1500), &[200, 900]).slides(rate).is_empty());
    let many: Vec<u64> = (1..2000).map(|at| at * 150).collect();
    let listed = with(kind(SceneKind::Slides, 300_000), &many).slides(rate);
    assert!(listed.len() <= 300);
    assert_eq!(RecordingScenes::default().slides(rate), [0; 0]);
    let shares = RecordingScenes::join([&kind(SceneKind::Film, 500), &minute()]).shares();
    assert_eq!((shares.slides, shares.film, shares.screencast), (0.75, 0.25, 0.0));
}

/// A part of a lecture: a slide, how long it stays, how long the fade to it takes, and whether there is a camera.
type Part = (u64, u64, u64, bool);

fn part() -> impl Strategy<Value = Part> {
    (0u64..9, 3u64..90, prop::sample::select(vec![1u64, 1, 8, 20]), any::<bool>())
}

fn lecture(parts: &[Part]) -> Vec<Picture> {
    let mut pictures: Vec<Picture> = Vec::new();
    let mut before = slide(parts[0].0);
    for &(number, stay, fade, camera) in parts {
        for frame in 1..=stay + fade {
            let picture = between(&before, &slide(number), (frame * 64 / fade).min(64) as u32);
            pictures.push(if camera { with_camera(picture, frame) } else { picture });
        }
        before = slide(number);
    }
    pictures
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn key_frames_do_not_depend_on_where_a_recording_is_cut(parts in prop::collection::vec(part(), 1..8), cuts in prop::collection::btree_set(1usize..12, 0..5)) {
        let pictures = lecture(&parts);
        let (whole, _) = watched(&pictures, 0);
        prop_assert!(whole.iter().all(|frame| RUN - frame % RUN > RATE / 2), "{:?}", whole);
        let borders: Vec<usize> = std::iter::once(0)
            .chain(cuts.into_iter().map(|cut| cut * RUN as usize))
            .filter(|cut| *cut < pictures.len())
            .chain([pictures.len()])
            .collect();
        let parts = borders.windows(2).flat_map(|pair| watched(&pictures[pair[0]..pair[1]], pair[0] as u64).0);
        prop_assert_eq!(parts.collect::<Vec<_>>(), whole);
    }

    #[test]
    fn slides_that_begin_anywhere_are_found_over_ranges(stays in prop::collection::vec(40u64..200, 1..8), cuts in prop::collection::btree_set(1u64..20, 0..5)) {
        let starts: Vec<u64> = stays.iter().scan(0, |at, stay| { *at += stay; Some(*at) }).collect();
        let end = starts.last().unwrap() + 60;
        let pictures = slides(&starts, end);
        let borders: Vec<u64> =
            std::iter::once(0).chain(cuts.into_iter().map(|cut| cut * RUN)).filter(|cut| *cut < end).chain([end]).collect();
        let ranges: Vec<RangeScenes> = borders
            .windows(2)
            .map(|pair| watched(&pictures[pair[0] as usize..pair[1] as usize], pair[0]).1)
            .collect();
        let joined = RecordingScenes::join(&ranges);
        prop_assert_eq!(joined.changes.iter().map(|change| change.frame).collect::<Vec<_>>(), starts);
        prop_assert_eq!(joined.kinds.iter().map(|scene| scene.frame_count).sum::<u64>(), end);
    }

    #[test]
    fn any_pictures_are_judged_one_by_one(greys in prop::collection::vec((any::<u64>(), 1u32..400), 0..40)) {
        let mut watch = SceneWatch::new(&setup(), 7, 1);
        let (mut judged, mut frames) = (0, 0);
        for (seed, count) in &greys {
            let picture: Picture = { let mut greys = noise(*seed); std::array::from_fn(|_| greys.next().unwrap()) };
            watch.show(Glance::new(&picture).filter(|_| seed % 5 > 0), *count);
            judged += std::iter::from_fn(|| watch.keyframe()).count();
            frames += u64::from(*count);
        }
        watch.finish();
        judged += std::iter::from_fn(|| watch.keyframe()).count();
        prop_assert_eq!(judged, greys.len());
        prop_assert!(watch.found().fits(7, frames));
    }
}
