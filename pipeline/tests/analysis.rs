//! Renditions decided by samples: which those are, and what becomes of the plan.
#![allow(clippy::unwrap_used)]

use ladders::builtin;
use media_types::{EncodePlan, PacketTime, ProbeReport, Rational, Rotation, VideoProbe};
use pipeline::{Analysis, CollectingSink, Engine, FakeEngine, check_range, plan};

/// So many frames at 25 pictures per second.
fn report(frames: i64) -> ProbeReport {
    let video = VideoProbe {
        clock: Default::default(),
        captions: Default::default(),
        stream_index: 0,
        codec: "h264".to_owned(),
        width: 1920,
        height: 1080,
        sample_aspect: Rational { num: 0, den: 1 },
        rotation: Rotation::None,
        pixel_format: "yuv420p".to_owned(),
        interlaced: false,
        time_base: Rational { num: 1, den: 25 },
        stated_rate: None,
        bitrate_bps: None,
        keyframe_bytes: None,
        packets: (0..frames).map(|pts| PacketTime { pts, keyframe: pts % 50 == 0 }).collect(),
    };
    ProbeReport {
        container: "mov,mp4,m4a,3gp,3g2,mj2".to_owned(),
        size_bytes: 1,
        video: Some(video),
        audio: Vec::new(),
        text: Vec::new(),
        chapters: Vec::new(),
        warnings: Vec::new(),
    }
}

fn planned(frames: i64) -> EncodePlan {
    plan(&report(frames), &builtin("film-per-title").unwrap()).unwrap()
}

fn places(plan: &EncodePlan) -> Vec<u64> {
    Analysis::new(plan).unwrap().orders().iter().map(|order| order.first_frame).collect()
}

#[test]
fn samples_are_few_and_in_the_middle_of_equal_parts() {
    assert_eq!(planned(1400).per_title, None, "not even one sample is a small part of 56 s");
    assert_eq!(places(&planned(1500)), [750]);
    assert_eq!(places(&planned(4500)), [750, 2250, 3750]);
    let hour = places(&planned(90_000));
    assert_eq!((hour.len(), hour[0], hour[7]), (8, 5_600, 84_350));
    assert_eq!(plan(&report(4500), &builtin("film").unwrap()).unwrap().per_title, None, "nobody asked");
}

#[test]
fn a_sample_is_one_run_from_key_frame_to_key_frame_judged_at_the_largest_size() {
    let plan = planned(4500);
    for order in Analysis::new(&plan).unwrap().orders() {
        assert_eq!((order.first_frame % 50, order.frame_count()), (0, 50));
        let judge = order.judge.unwrap();
        assert_eq!((judge.width, judge.height, judge.frames().count()), (1920, 1080, 13));
        assert_eq!(order.renditions.len(), 10);
        assert_eq!(order.renditions[0], plan.video.as_ref().unwrap().renditions[0]);
    }
}

#[test]
fn what_an_engine_finds_decides_the_plan_and_is_kept_with_it() {
    let plan = planned(4500);
    let mut engine = FakeEngine::new(report(4500));
    let mut analysis = Analysis::new(&plan).unwrap();
    for order in analysis.orders() {
        let mut sink = CollectingSink::new(10_000);
        let summary = engine.encode_range(&order, &mut sink).unwrap();
        check_range(&order, &summary).unwrap();
        // Larger pictures and finer ones take more.
        let bits = |trial: &media_types::Rendition| {
            (f64::from(trial.height).powi(2) * (-f64::from(trial.encoding.crf) / 6.0).exp2() * 64.0) as u64
        };
        analysis.add(&order, &order.renditions.iter().map(bits).collect::<Vec<_>>(), &summary.quality);
    }
    let decided = analysis.decide().unwrap();
    let decision = decided.decision.as_ref().unwrap();
    assert_eq!((decision.sampled_ms, decision.compared_at, decision.trials.len()), (6_000, (1920, 1080), 10));
    assert!((decision.trials[7].quality_db - 37.0).abs() < 0.01, "{:?}", decision.trials[7]);
    let renditions = &decided.video.as_ref().unwrap().renditions;
    assert_eq!(renditions[0], plan.video.as_ref().unwrap().renditions[0], "who began early keeps it");
    let complete: Vec<_> = decided.complete_renditions().map(|(_, rendition)| rendition.name.clone()).collect();
    let chosen: Vec<_> = decision.chosen.iter().map(|one| one.name.clone()).collect();
    assert_eq!(complete, chosen);
    let without = decided.without_early_only();
    assert_eq!(without.video.unwrap().renditions.len(), chosen.len());
}

#[test]
fn an_engine_that_judged_nothing_leaves_the_plan_as_it_is() {
    let plan = planned(4500);
    assert_eq!(Analysis::new(&plan).unwrap().decide(), None);
}
