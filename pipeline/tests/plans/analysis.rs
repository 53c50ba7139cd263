//! Renditions decided by samples: which those are, and what becomes of the plan.

use media_types::Rendition;
use pipeline::{Analysis, RangeOrder};

use super::*;

/// So many frames at 25 pictures per second, of 1080 lines.
fn source(frames: i64) -> ProbeReport {
    report(Some(VideoProbe { width: 1920, height: 1080, ..steady(frames) }), Vec::new())
}

fn decidable(frames: i64) -> EncodePlan {
    plan(&source(frames), &builtin("film-per-title").unwrap()).unwrap()
}

/// Carries out what is ordered, with so many bits for a trial of so many lines at a rate factor of 0.
pub(super) fn carried_out(
    plan: &EncodePlan,
    report: &ProbeReport,
    finest: f64,
) -> (Vec<RangeOrder>, Option<EncodePlan>) {
    let mut engine = FakeEngine::new(report.clone());
    let mut analysis = Analysis::new(plan, report).unwrap();
    let mut orders = Vec::new();
    while let Some(order) = analysis.next_order() {
        let summary = engine.encode_range(&order, &mut CollectingSink::new(10_000)).unwrap();
        check_range(&order, &summary).unwrap();
        // Larger pictures and finer ones take more.
        let bits = |trial: &Rendition| {
            (f64::from(trial.height).powi(2) * (-f64::from(trial.encoding.crf) / 6.0).exp2() * finest) as u64
        };
        assert!((0.0..1.0).contains(&analysis.share(0.5)));
        analysis.add(&order, &order.renditions.iter().map(bits).collect::<Vec<_>>(), &summary);
        orders.push(order);
    }
    (orders, analysis.decide())
}

/// Where samples are taken.
fn places(report: &ProbeReport) -> Vec<u64> {
    let plan = plan(report, &builtin("film-per-title").unwrap()).unwrap();
    let mut places: Vec<u64> = carried_out(&plan, report, 64.0).0.iter().map(|order| order.first_frame).collect();
    places.sort_unstable();
    places.dedup();
    places
}

/// With key frames at these alone.
fn keyed(frames: i64, keys: &[i64]) -> ProbeReport {
    let mut report = source(frames);
    let packets = report.video.iter_mut().flat_map(|video| &mut video.packets).enumerate();
    packets.for_each(|(at, packet)| packet.keyframe = keys.contains(&(at as i64)));
    report
}

#[test]
fn samples_are_few_and_one_in_each_of_equal_parts() {
    assert_eq!(decidable(1400).per_title, None, "not even one sample is a small part of 56 s");
    assert_eq!(places(&keyed(1500, &[])), [750]);
    assert_eq!(places(&keyed(4500, &[])), [750, 2250, 3750]);
    let hour = places(&keyed(90_000, &[]));
    assert_eq!((hour.len(), hour[0], hour[7]), (8, 5_600, 84_350));
    assert_eq!(plan(&source(4500), &builtin("film").unwrap()).unwrap().per_title, None, "nobody asked");
}

#[test]
fn a_sample_begins_with_a_key_frame_of_the_source_near_the_middle_of_its_part_if_there_is_one() {
    assert_eq!(places(&keyed(4500, &[0, 620, 810, 1490, 3001])), [810, 2250, 3001], "its run ends in its part");
    assert_eq!(places(&keyed(1500, &[0, 1451])), [0], "its run ends with the recording");
}

#[test]
fn a_sample_is_one_run_judged_at_the_largest_size_a_few_trials_at_a_time() {
    let plan = decidable(4500);
    let (orders, _) = carried_out(&plan, &source(4500), 64.0);
    let pixels = |one: &Rendition| u64::from(one.width * one.height);
    for order in &orders {
        assert_eq!(order.frame_count(), 50);
        let judge = order.judge.as_ref().unwrap();
        assert_eq!((judge.width, judge.height, judge.frames().count()), (1920, 1080, 13));
        assert!(order.renditions.iter().map(pixels).sum::<u64>() * 4 <= 9 * 1920 * 1080, "{:?}", order.renditions);
    }
    let tried = orders.iter().flat_map(|order| &order.renditions).count();
    assert_eq!(tried, 3 * 10, "each trial of each sample");
    assert_eq!(orders[0].renditions[0], plan.video.as_ref().unwrap().renditions[0]);
}

#[test]
fn a_recording_that_is_cheap_at_its_largest_size_has_nothing_smaller_tried() {
    let plan = decidable(4500);
    let (orders, decided) = carried_out(&plan, &source(4500), 8.0);
    let heights = |order: &RangeOrder| order.renditions.iter().map(|one| one.height).collect::<Vec<_>>();
    assert_eq!(orders.iter().map(heights).collect::<Vec<_>>()[2..4], [[360, 1080], [1080, 1080]]);
    assert_eq!(orders.len(), 6);
    let decision = decided.unwrap().decision.unwrap();
    assert_eq!(decision.trials.len(), 4);
    assert!(decision.chosen.iter().all(|one| one.name.starts_with("1080p")), "{:?}", decision.chosen);
}

#[test]
fn what_an_engine_finds_decides_the_plan_and_is_kept_with_it() {
    let plan = decidable(4500);
    let decided = carried_out(&plan, &source(4500), 64.0).1.unwrap();
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
    let (plan, report) = (decidable(4500), source(4500));
    let mut analysis = Analysis::new(&plan, &report).unwrap();
    while let Some(order) = analysis.next_order() {
        analysis.add(&order, &[1, 1], &pipeline::RangeSummary::default());
    }
    assert_eq!(analysis.decide(), None);
}
