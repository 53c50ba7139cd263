//! What holds for every sequence of events, however senseless.

use asset_flow::{
    AssetState, FlowEvent, FlowFailure, JobRequest, Phase, PlanSummary, RENEWAL, RenditionSummary, Stage, advance,
};
use media_types::{LadderPin, VideoCodec};
use proptest::prelude::*;

fn summary() -> impl Strategy<Value = PlanSummary> {
    let sides = (0u32..9_000, 0u32..9_000);
    let renditions = prop::collection::vec(sides, 0..5);
    (
        prop::collection::vec(prop_oneof![0u64..2_000, Just(u64::MAX)], 0..40),
        renditions,
        (0u32..40, any::<bool>(), any::<i64>()),
    )
        .prop_map(|(ranges, sides, (audio, stills, duration_ms))| PlanSummary {
            ranges,
            renditions: sides
                .into_iter()
                .map(|(width, height)| RenditionSummary {
                    name: format!("{height}p"),
                    width,
                    height,
                    codec: VideoCodec::H264,
                })
                .collect(),
            audio,
            stills,
            duration_ms,
            ..PlanSummary::default()
        })
}

/// A plan that can be carried out, so that the later phases are reached often.
fn good_summary() -> impl Strategy<Value = PlanSummary> {
    let early = prop::option::of(1u64..9);
    (1usize..30, 1u32..5, (0u32..4, any::<bool>()), early).prop_map(|(ranges, renditions, (audio, stills), early)| {
        PlanSummary {
            ranges: vec![600; ranges],
            renditions: (1..=renditions)
                .map(|n| RenditionSummary {
                    name: format!("r{n}"),
                    width: 320 * n,
                    height: 180 * n,
                    codec: VideoCodec::Av1,
                })
                .collect(),
            audio,
            stills,
            duration_ms: 24_000,
            planned_generation: early,
            per_title: early.is_some_and(|early| early % 2 == 0),
            ..PlanSummary::default()
        }
    })
}

fn failure() -> impl Strategy<Value = FlowFailure> {
    prop_oneof!["probe", "delete", "\\PC*"].prop_map(|stage| FlowFailure {
        stage,
        code: "engine.died".to_owned(),
        detail: "it died".to_owned(),
        hint: None,
    })
}

/// What happens to a renewal; those of its jobs are often of the one that there is.
fn renewal() -> impl Strategy<Value = FlowEvent> {
    let ladder = |sha256| LadderPin { name: "lecture".to_owned(), sha256 };
    let what = prop_oneof![
        good_summary().prop_map(|summary| FlowEvent::Planned { summary }),
        good_summary().prop_map(|summary| FlowEvent::Analysed { summary }),
        good_summary().prop_map(|summary| FlowEvent::Repinned { summary }),
        (0u64..40).prop_map(|generation| FlowEvent::Complete { generation, losses: Vec::new() }),
        failure().prop_map(|failure| FlowEvent::Failed { failure }),
    ];
    prop_oneof![
        2 => "[ab]".prop_map(move |sha256| FlowEvent::RenewRequested { ladder: ladder(sha256), again: None }),
        2 => Just(FlowEvent::RenewalStarted),
        4 => (1u32..4, what).prop_map(|(making, what)| what.of_making(making)),
    ]
}

fn event() -> impl Strategy<Value = FlowEvent> {
    prop_oneof![
        2 => Just(FlowEvent::UploadStarted),
        2 => Just(FlowEvent::BeginningReceived),
        1 => Just(FlowEvent::UploadRestarted),
        1 => Just(FlowEvent::BeginningUnfit),
        3 => Just(FlowEvent::SourceReceived),
        4 => Just(FlowEvent::Probed),
        1 => summary().prop_map(|summary| FlowEvent::Planned { summary }),
        4 => good_summary().prop_map(|summary| FlowEvent::Planned { summary }),
        2 => good_summary().prop_map(|summary| FlowEvent::Analysed { summary }),
        4 => (0u64..20).prop_map(|generation| FlowEvent::FirstPlayable { generation }),
        2 => (0u64..20).prop_map(|generation| FlowEvent::Complete { generation, losses: Vec::new() }),
        1 => failure().prop_map(|failure| FlowEvent::Failed { failure }),
        1 => Just(FlowEvent::Cancelled),
        1 => Just(FlowEvent::RetryRequested),
        1 => Just(FlowEvent::DeleteRequested),
        1 => Just(FlowEvent::Deleted),
        8 => renewal(),
    ]
}

fn check_jobs(jobs: &[JobRequest]) -> Result<(), TestCaseError> {
    let mut total = 0i64;
    for (index, job) in jobs.iter().enumerate() {
        prop_assert!(job.waits_on.iter().all(|&on| on < index), "{job:?} waits on a later job");
        prop_assert!(job.weight >= 1 && job.max_attempts >= 1);
        total = total.checked_add(job.weight).expect("weights of one asset fit 64 bits");
    }
    prop_assert!(jobs.len() < 5_000 && total >= 0);
    Ok(())
}

/// How far a phase is, so that it can be seen never to go back.
fn rank(phase: Phase) -> usize {
    Phase::ALL.iter().position(|other| *other == phase).expect("every phase is listed")
}

/// An asset that is ready.
fn ready(plan: PlanSummary) -> AssetState {
    let generation = Some(4);
    AssetState {
        phase: Phase::Ready,
        probed: true,
        plan: Some(plan),
        playable_generation: generation,
        complete_generation: generation,
        ..AssetState::default()
    }
}

proptest! {
    /// Jobs of a renewal are never mixed with those of another: one is stopped before the next begins, and what is served
    /// changes with a complete generation alone.
    #[test]
    fn whatever_happens_to_renewals_what_is_served_is_whole(
        plan in good_summary(),
        events in prop::collection::vec(prop_oneof![6 => renewal(), 1 => Just(FlowEvent::Cancelled)], 0..60),
    ) {
        let (mut state, mut at_work) = (ready(plan), None);
        for event in &events {
            let Ok((next, effects)) = advance(&state, event) else { continue };
            check_jobs(&effects.jobs)?;
            prop_assert_eq!(next.phase, Phase::Ready);
            prop_assert!(!effects.cancel_jobs && effects.cancel_making.is_none_or(|stopped| Some(stopped) == at_work));
            prop_assert!(next.playable_generation == next.complete_generation);
            let published = next.complete_generation != state.complete_generation;
            prop_assert!(!published || next.complete_generation > state.complete_generation);
            prop_assert!(!published || (Some(next.making) == at_work && next.renewal.is_none()));
            prop_assert!(published || next.making == state.making);
            if effects.cancel_making.is_some() || next.renewal.is_none() {
                at_work = None;
            }
            for job in effects.jobs.iter().filter(|job| job.making > 0) {
                prop_assert!(job.priority < RENEWAL && job.stage != Stage::PublishFirst);
                prop_assert!(at_work.is_none_or(|making| making == job.making), "two renewals at once");
                at_work = Some(job.making);
            }
            prop_assert!(next.last_making >= state.last_making && next.last_making >= next.making);
            state = next;
        }
    }

    #[test]
    fn no_sequence_of_events_breaks_the_flow(events in prop::collection::vec(event(), 0..60)) {
        let (mut state, mut whole) = (AssetState::default(), false);
        for event in &events {
            // Nobody asks for more of a source that never was whole.
            if *event == FlowEvent::RetryRequested && !whole {
                continue;
            }
            // A renewal looks for itself, at what is ready.
            if state.phase == Phase::Ready {
                break;
            }
            let Ok((next, effects)) = advance(&state, event) else { continue };
            whole |= next.phase == Phase::Processing;
            check_jobs(&effects.jobs)?;
            let goes_on = (state.phase, next.phase) == (Phase::Errored, Phase::Processing);
            prop_assert_eq!(goes_on, effects.revive_jobs);
            prop_assert!(goes_on || rank(next.phase) >= rank(state.phase), "{} after {}", next.phase, state.phase);
            let given_up = next.phase == Phase::Errored && next.playable_generation == next.complete_generation;
            prop_assert!(given_up || next.playable_generation >= state.playable_generation, "a generation fell");
            prop_assert!(next.complete_generation >= state.complete_generation);
            prop_assert!(next.playable_generation >= next.complete_generation);
            prop_assert!(state.phase != Phase::Ready || next.phase != Phase::Errored, "a ready asset failed");
            prop_assert!(!next.phase.is_arriving() || next.playable_generation.is_none(), "played before it is whole");
            prop_assert!(next.take == state.take || effects.cancel_jobs, "a take began beside the jobs of another");
            if state.phase == Phase::Deleted {
                prop_assert_eq!(&next, &state);
                prop_assert!(effects.is_empty());
            }
            if next.phase == Phase::Errored {
                prop_assert!(next.failure.is_some());
                let tidying = effects.jobs.iter().all(|job| job.stage == Stage::Tidy);
                prop_assert!(tidying, "an errored asset asks for work: {:?}", effects.jobs);
            }
            if next == state {
                prop_assert!(effects.is_empty(), "{} had an effect without a trace", event.name());
            }
            state = next;
        }
    }

    /// Whatever happens in whatever order, as long as only jobs that there are end.
    #[test]
    fn a_whole_source_is_looked_at_until_there_is_a_plan(events in prop::collection::vec(event(), 0..60)) {
        let (mut state, mut open) = (AssetState::default(), Vec::new());
        let (mut whole, mut gave_up) = (false, Vec::new());
        for event in &events {
            if *event == FlowEvent::RetryRequested && !whole {
                continue;
            }
            // A renewal looks for itself, at what is ready.
            if state.phase == Phase::Ready {
                break;
            }
            let of = match event {
                FlowEvent::Probed => Some(Stage::Probe),
                FlowEvent::Planned { .. } => Some(Stage::Plan),
                FlowEvent::BeginningUnfit => open.first().cloned().or(Some(Stage::Probe)),
                _ => None,
            };
            if of.as_ref().is_some_and(|of| !open.contains(of)) {
                continue;
            }
            // A look that was not taken early says of no source that it is unfit.
            let Ok((next, effects)) = advance(&state, event) else { continue };
            whole |= next.phase == Phase::Processing;
            if effects.cancel_jobs {
                gave_up = open.clone();
            }
            open.retain(|stage| !effects.cancel_jobs && Some(stage) != of.as_ref());
            if effects.revive_jobs {
                open.append(&mut gave_up);
            }
            let looks = effects.jobs.into_iter().map(|job| job.stage);
            open.extend(looks.filter(|stage| matches!(stage, Stage::Probe | Stage::Plan)));
            prop_assert!(open.len() <= 1, "{:?} at once", open);
            let looked_at = next.phase != Phase::Processing || next.plan.is_some() || open.len() == 1;
            prop_assert!(looked_at, "nobody looks at it after {}: {:?}", event.name(), next);
            state = next;
        }
    }

    #[test]
    fn every_planned_picture_is_encoded_once_and_published_after(summary in good_summary()) {
        let state = AssetState { phase: Phase::Processing, probed: true, ..AssetState::default() };
        let jobs = advance(&state, &FlowEvent::Planned { summary: summary.clone() }).expect("a good plan").1.jobs;
        let mut seen = vec![0; summary.ranges.len()];
        for job in &jobs {
            if let Stage::EncodeRange { range } = &job.stage {
                seen[*range as usize] += 1;
            }
        }
        prop_assert!(seen.iter().all(|&times| times == 1));
        let last = jobs.last().expect("a plan has jobs");
        prop_assert_eq!(&last.stage, &Stage::PublishComplete);
        prop_assert_eq!(last.waits_on.len(), jobs.len() - 1);
        let first = jobs.iter().filter(|job| job.stage == Stage::PublishFirst).count();
        prop_assert_eq!(first, usize::from(summary.planned_generation.is_some()));
    }
}
