//! Renditions decided by samples: which those are, and what becomes of the plan.

use pipeline::Analysis;

use super::*;

/// So many frames at 25 pictures per second, of 1080 lines.
fn source(frames: i64) -> ProbeReport {
    report(Some(VideoProbe { width: 1920, height: 1080, ..steady(frames) }), Vec::new())
}

fn decidable(frames: i64) -> EncodePlan {
    plan(&source(frames), &builtin("film-per-title").unwrap()).unwrap()
}

fn places(plan: &EncodePlan) -> Vec<u64> {
    Analysis::new(plan).unwrap().orders().iter().map(|order| order.first_frame).collect()
}

#[test]
fn samples_are_few_and_in_the_middle_of_equal_parts() {
    assert_eq!(decidable(1400).per_title, None, "not even one sample is a small part of 56 s");
    assert_eq!(places(&decidable(1500)), [750]);
    assert_eq!(places(&decidable(4500)), [750, 2250, 3750]);
    let hour = places(&decidable(90_000));
    assert_eq!((hour.len(), hour[0], hour[7]), (8, 5_600, 84_350));
    assert_eq!(plan(&source(4500), &builtin("film").unwrap()).unwrap().per_title, None, "nobody asked");
}

#[test]
fn a_sample_is_one_run_from_key_frame_to_key_frame_judged_at_the_largest_size() {
    let plan = decidable(4500);
    for order in Analysis::new(&plan).unwrap().orders() {
        assert_eq!((order.first_frame % 50, order.frame_count()), (0, 50));
        let judge = order.judge.as_ref().unwrap();
        assert_eq!((judge.width, judge.height, judge.frames().count()), (1920, 1080, 13));
        assert_eq!(order.renditions.len(), 10);
        assert_eq!(order.renditions[0], plan.video.as_ref().unwrap().renditions[0]);
    }
}

#[test]
fn what_an_engine_finds_decides_the_plan_and_is_kept_with_it() {
    let plan = decidable(4500);
    let mut engine = FakeEngine::new(source(4500));
    let mut analysis = Analysis::new(&plan).unwrap();
    for order in analysis.orders() {
        let mut sink = CollectingSink::new(10_000);
        let summary = engine.encode_range(&order, &mut sink).unwrap();
        check_range(&order, &summary).unwrap();
        // Larger pictures and finer ones take more.
        let bits = |trial: &media_types::Rendition| {
            (f64::from(trial.height).powi(2) * (-f64::from(trial.encoding.crf) / 6.0).exp2() * 64.0) as u64
        };
        analysis.add(&order, &order.renditions.iter().map(bits).collect::<Vec<_>>(), &summary);
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
    let plan = decidable(4500);
    assert_eq!(Analysis::new(&plan).unwrap().decide(), None);
}
