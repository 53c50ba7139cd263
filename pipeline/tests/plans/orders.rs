//! What an engine is asked for, and whether it gave that.

use super::*;

/// Runs every range of a plan through an engine and the checks.
fn encode_all(engine: &mut FakeEngine, video: &VideoPlan) -> u64 {
    let all: Vec<usize> = (0..video.renditions.len()).collect();
    let mut frames = 0;
    for range in &video.ranges {
        let order = RangeOrder::new(video, range, &all);
        let mut sink = CollectingSink::new(100_000);
        let summary = engine.encode_range(&order, &mut sink).unwrap();
        check_range(&order, &summary).unwrap();
        let mut check = RangeCheck::new(&order);
        for (&track, samples) in &sink.samples {
            samples.iter().for_each(|sample| check.sample(track, sample).unwrap());
        }
        check.finish().unwrap();
        assert_eq!(sink.progress, (range.frame_count, range.frame_count));
        frames += summary.frames_per_track[0];
    }
    frames
}

#[test]
fn a_fake_engine_fills_every_order_of_a_plan() {
    let report = report(Some(steady(1510)), vec![sound(0, 60 * 48_000, 48_000)]);
    let plan = planned(&report);
    let video = plan.video.as_ref().unwrap();
    let mut engine = FakeEngine::new(report.clone());
    assert_eq!(engine.probe().unwrap(), report);
    assert_eq!(encode_all(&mut engine, video), 1510);

    let mut sink = CollectingSink::new(10_000);
    let audio = AudioOrder { plan: only(plan.audio.clone()), gain_db: 0.0 };
    let summary = engine.encode_audio(&audio, &mut sink).unwrap();
    assert_eq!(summary.samples, audio.plan.sample_count);
    let priming = u64::from(sink.configs[&0].1);
    let coded = sink.samples[&0].len() as u64 * 1024;
    assert!((audio.plan.sample_count + priming..audio.plan.sample_count + priming + 1024).contains(&coded));

    let stills = plan.stills.as_ref().unwrap();
    let summary = engine.stills(&StillsOrder::poster(video, stills), &mut sink).unwrap();
    assert_eq!(summary, StillsSummary::default());
    let tiles = tile_frames(video, stills, &(0..1510).step_by(50).collect::<Vec<_>>());
    let order = StillsOrder::sheet(stills, tiles.iter().map(|frame| *frame as i64).collect());
    let summary = engine.stills(&order, &mut sink).unwrap();
    assert_eq!((summary.tiles, summary.sheet_columns, summary.sheet_rows), (7, 7, 1));
    assert_eq!(sink.images.keys().collect::<Vec<_>>(), ["poster.jpg", "storyboard.jpg"]);
}

/// Key frames of the first rendition, in frames from the presentation's start.
fn keyframes(engine: &mut FakeEngine, video: &VideoPlan) -> Vec<u64> {
    let mut out = Vec::new();
    for range in &video.ranges {
        let mut sink = CollectingSink::new(100_000);
        engine.encode_range(&RangeOrder::new(video, range, &[0]), &mut sink).unwrap();
        let keyframes = sink.samples[&0].iter().filter(|sample| sample.keyframe);
        out.extend(keyframes.map(|sample| sample.pts as u64 / u64::from(video.frame_ticks)));
    }
    out
}

#[test]
fn at_no_rate_are_key_frames_more_than_two_seconds_apart() {
    for (num, den) in [(10, 1), (1171, 100), (12, 1), (25, 2), (24_000, 1001), (30_000, 1001), (60_000, 1001), (60, 1)]
    {
        let at = |frame: i64| rescale(frame * i64::from(den), 90_000, num.into());
        let mut pictures = video((0..60 * i64::from(num / den)).map(at), 90_000);
        pictures.stated_rate = Some(rate(num, den));
        let report = report(Some(pictures), vec![sound(0, 60 * 48_000, 48_000)]);
        let plan = planned(&report);
        let video = plan.video.unwrap();
        assert_eq!(video.frame_rate, rate(num, den));
        let mut engine = FakeEngine::new(report);
        assert_eq!(encode_all(&mut engine, &video), video.frame_count());
        let keyframes = keyframes(&mut engine, &video);
        for pair in keyframes.windows(2) {
            assert!((pair[1] - pair[0]) * u64::from(den) <= 2 * u64::from(num), "{pair:?} at {num}/{den}");
        }
        let starts: Vec<u64> =
            (0..video.segment_count()).map(|index| u64::from(index * video.segment_frames)).collect();
        assert!(starts.iter().all(|start| keyframes.contains(start)), "{num}/{den}");
        let seconds = f64::from(video.segment_frames) / video.frame_rate.as_f64();
        assert!((3.8..=4.0).contains(&seconds), "{seconds} s at {num}/{den}");
        let sample = |frame: u64| rescale(frame as i64 * i64::from(den), 48_000, num.into()) as u64;
        assert_eq!(only(plan.audio).borders, starts[1..].iter().map(|&start| sample(start)).collect::<Vec<_>>());
    }
}

#[test]
fn a_sink_that_has_enough_stops_the_engine() {
    let report = report(Some(steady(100)), Vec::new());
    let video = planned(&report).video.unwrap();
    let order = RangeOrder::new(&video, &video.ranges[0], &[0]);
    let mut sink = CollectingSink::new(10);
    assert_eq!(FakeEngine::new(report).encode_range(&order, &mut sink), Err(EngineError::Stopped));
    assert_eq!(sink.samples[&0].len(), 10);
}

#[test]
fn missing_pictures_are_counted_and_bridged() {
    let report = report(Some(steady(100)), Vec::new());
    let video = planned(&report).video.unwrap();
    let order = RangeOrder::new(&video, &video.ranges[0], &[0]);
    let mut engine = FakeEngine::new(report).with_missing_pictures([30, 31]);
    let mut sink = CollectingSink::new(100);
    let summary = engine.encode_range(&order, &mut sink).unwrap();
    assert_eq!((summary.missing_pictures, summary.first_missing_pts), (2, Some(30)));
    check_range(&order, &summary).unwrap();
}

#[test]
fn a_check_finds_each_way_to_get_a_range_wrong() {
    let report = report(Some(steady(100)), Vec::new());
    let video = planned(&report).video.unwrap();
    let order = RangeOrder::new(&video, &video.ranges[0], &[0, 1]);
    let mut sink = CollectingSink::new(1000);
    let mut summary = FakeEngine::new(report).encode_range(&order, &mut sink).unwrap();
    summary.frames_per_track[1] -= 1;
    assert_eq!(check_range(&order, &summary), Err(RangeFault::Frames { track: 1, ordered: 100, found: 99 }));
    summary.frames_per_track.pop();
    assert_eq!(check_range(&order, &summary), Err(RangeFault::Tracks { ordered: 2, found: 1 }));

    let samples = &sink.samples[&0];
    let fresh = || RangeCheck::new(&order);
    assert_eq!(fresh().sample(2, &samples[0]), Err(RangeFault::UnknownTrack { track: 2 }));
    assert_eq!(fresh().sample(0, &samples[1]), Err(RangeFault::DecodeTime { track: 0, dts: 480, expected: 0 }));
    let mut bad = samples[0].clone();
    bad.keyframe = false;
    assert_eq!(fresh().sample(0, &bad), Err(RangeFault::NoKeyframe { track: 0, pts: 0 }));
    for pts in [-480, 481, 100 * 480, i64::MIN, i64::MAX] {
        bad.pts = pts;
        assert_eq!(fresh().sample(0, &bad), Err(RangeFault::Frame { track: 0, pts }));
    }
    let mut check = fresh();
    check.sample(0, &samples[0]).unwrap();
    let twice = media_types::Sample { dts: 480, ..samples[0].clone() };
    assert_eq!(check.sample(0, &twice), Err(RangeFault::Frame { track: 0, pts: 0 }));
    assert_eq!(check.finish(), Err(RangeFault::Frames { track: 0, ordered: 100, found: 1 }));
    for duration in [0, 481] {
        let odd = media_types::Sample { duration, ..samples[0].clone() };
        assert_eq!(fresh().sample(0, &odd), Err(RangeFault::DecodeTime { track: 0, dts: 0, expected: 0 }));
    }
}

#[test]
fn key_frames_beside_the_planned_ones_are_those_of_every_rendition() {
    let report = report(Some(steady(100)), Vec::new());
    let video = planned(&report).video.unwrap();
    let order = RangeOrder::new(&video, &video.ranges[0], &[0, 1]);
    let mut sink = CollectingSink::new(1000);
    FakeEngine::new(report).encode_range(&order, &mut sink).unwrap();
    let judged = |more: [&[usize]; 2]| {
        let mut check = RangeCheck::new(&order);
        for (track, more) in more.into_iter().enumerate() {
            for (at, sample) in sink.samples[&(track as u32)].iter().enumerate() {
                let sample = media_types::Sample { keyframe: sample.keyframe || more.contains(&at), ..sample.clone() };
                check.sample(track as u32, &sample)?;
            }
        }
        check.finish()
    };
    assert_eq!(judged([&[7, 31], &[7, 31]]), Ok(()));
    let ticks = i64::from(video.frame_ticks);
    assert_eq!(judged([&[7, 31], &[7]]), Err(RangeFault::Keyframe { track: 1, pts: 31 * ticks }));
    assert_eq!(judged([&[], &[7]]), Err(RangeFault::Keyframe { track: 1, pts: 7 * ticks }));
    let samples = &sink.samples[&0];
    let mut check = RangeCheck::new(&order);
    check.sample(0, &samples[0]).unwrap();
    let late = media_types::Sample { pts: 3 * ticks, keyframe: true, ..samples[1].clone() };
    assert_eq!(check.sample(0, &late), Err(RangeFault::Keyframe { track: 0, pts: late.pts }));
}

#[test]
fn scenes_are_those_of_the_range() {
    let report = report(Some(steady(100)), Vec::new());
    let video = planned(&report).video.unwrap();
    let order = RangeOrder::new(&video, &video.ranges[0], &[0]);
    let summary = FakeEngine::new(report).encode_range(&order, &mut CollectingSink::new(1000)).unwrap();
    let judged = |scenes: RangeScenes| check_range(&order, &RangeSummary { scenes, ..summary.clone() });
    let scene = |first_frame, frame_count| Scene { first_frame, frame_count, kind: SceneKind::Film };
    let change = |frame| SlideChange { frame, sure_percent: 50 };
    let good = RangeScenes {
        changes: vec![change(0), change(99)],
        kinds: vec![scene(0, 60), scene(60, 40)],
        opening: vec![1; 144],
        closing: Vec::new(),
    };
    assert_eq!(judged(good.clone()), Ok(()));
    let wrong = Err(RangeFault::Scenes { first_frame: 0 });
    assert_eq!(judged(RangeScenes { changes: vec![change(100)], ..good.clone() }), wrong);
    assert_eq!(judged(RangeScenes { changes: vec![change(9), change(9)], ..good.clone() }), wrong);
    assert_eq!(judged(RangeScenes { kinds: vec![scene(0, 60)], ..good.clone() }), wrong);
    assert_eq!(judged(RangeScenes { kinds: vec![scene(1, 99)], ..good.clone() }), wrong);
    assert_eq!(judged(RangeScenes { closing: vec![1; 7], ..good }), wrong);
}

#[test]
fn a_picture_is_held_for_a_second_and_never_where_a_key_frame_is_due() {
    let mut slides = video((0..10).map(|second| second * 4), 1);
    slides.stated_rate = Some(rate(25, 1));
    let report = report(Some(slides), Vec::new());
    let video = planned(&report).video.unwrap();
    let order = RangeOrder::new(&video, &video.ranges[0], &[0]);
    let mut sink = CollectingSink::new(1000);
    FakeEngine::new(report).encode_range(&order, &mut sink).unwrap();
    let samples = sink.samples.remove(&0).unwrap();
    let seconds = samples.iter().map(|sample| f64::from(sample.duration) / f64::from(video.timescale.get()));
    assert!(seconds.clone().all(|seconds| seconds <= 1.0) && seconds.clone().any(|seconds| seconds == 1.0));

    let join = |joined: usize| {
        let mut held = samples.clone();
        let gone = held.remove(joined + 1);
        held[joined].duration += gone.duration;
        let mut check = RangeCheck::new(&order);
        held.iter().for_each(|sample| check.sample(0, sample).unwrap());
        (check.finish(), gone.pts)
    };
    let key = samples.iter().skip(1).position(|sample| sample.keyframe).unwrap();
    let late = media_types::Sample { pts: i64::from(video.frame_ticks), keyframe: false, ..samples[0].clone() };
    assert_eq!(RangeCheck::new(&order).sample(0, &late), Err(RangeFault::Held { track: 0, pts: late.pts }));
    for joined in [0, key] {
        let (found, pts) = join(joined);
        assert_eq!(found, Err(RangeFault::Held { track: 0, pts }), "{joined}");
    }
}
