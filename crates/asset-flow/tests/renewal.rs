//! An asset that is ready, and its media made once more beside it.
#![allow(clippy::unwrap_used)]

use asset_flow::{
    AssetState, CANCELLED, Effects, FlowError, FlowEvent, FlowFailure, GENERATION_KEPT_MS, Phase, PlanSummary, RENEWAL,
    RenditionSummary, Renewal, RenewalPhase, Stage, advance,
};
use media_types::{LadderPin, SkippedRung, VideoCodec};

fn plan(ranges: usize, sha256: &str) -> PlanSummary {
    let rendition = RenditionSummary { name: "360p".to_owned(), width: 640, height: 360, codec: VideoCodec::H264 };
    PlanSummary {
        ranges: vec![600; ranges],
        renditions: vec![rendition],
        audio: 1,
        stills: true,
        duration_ms: 24_000,
        ladder_sha256: sha256.to_owned(),
        planned_generation: Some(9),
        ..PlanSummary::default()
    }
}

fn ladder(sha256: &str) -> LadderPin {
    LadderPin { name: "lecture".to_owned(), sha256: sha256.to_owned() }
}

fn failure() -> FlowFailure {
    FlowFailure { stage: "plan".into(), code: "ladder.unknown".into(), detail: "it is gone".into(), hint: None }
}

fn ready() -> AssetState {
    AssetState {
        phase: Phase::Ready,
        probed: true,
        plan: Some(plan(1, "old")),
        playable_generation: Some(4),
        complete_generation: Some(4),
        ..AssetState::default()
    }
}

fn step(state: &AssetState, event: &FlowEvent) -> (AssetState, Effects) {
    advance(state, event).unwrap()
}

fn asked(state: &AssetState) -> AssetState {
    step(state, &FlowEvent::RenewRequested { ladder: ladder("new"), again: None }).0
}

fn started(state: &AssetState) -> AssetState {
    step(state, &FlowEvent::RenewalStarted).0
}

fn planned(state: &AssetState) -> AssetState {
    step(state, &FlowEvent::Planned { summary: plan(2, "new") }.of_making(1)).0
}

/// `-` is refused, `=` is ignored, `!` cancels the renewal's jobs, `+` enqueues.
fn outcome(state: &AssetState, event: &FlowEvent) -> String {
    match advance(state, event) {
        Err(FlowError::OutOfOrder { .. }) => "-".to_owned(),
        Err(other) => format!("{other:?}"),
        Ok((next, effects)) if next == *state && effects.is_empty() => "=".to_owned(),
        Ok((next, effects)) => {
            assert!(!effects.cancel_jobs, "what tidies the generation before is not cancelled");
            assert_eq!(next.phase, Phase::Ready);
            let jobs: Vec<_> = effects.jobs.iter().map(|job| job.stage.name()).collect();
            let stop = if effects.cancel_making.is_some() { "!" } else { "" };
            let jobs = if jobs.len() > 1 { "all".to_owned() } else { jobs.concat() };
            let renewal = next.renewal.map_or("none", |renewal| renewal.phase.as_str());
            [renewal, stop, if jobs.is_empty() { "" } else { "+" }, &jobs].concat()
        }
    }
}

#[test]
fn each_phase_of_a_renewal_answers_each_event_as_the_table_says() {
    let waiting = asked(&ready());
    let looking = started(&waiting);
    let encoding = planned(&looking);
    let errored = step(&encoding, &FlowEvent::Failed { failure: failure() }.of_making(1)).0;
    let analysed = FlowEvent::Analysed { summary: plan(2, "new") };
    let events = [
        FlowEvent::RenewRequested { ladder: ladder("new"), again: None },
        FlowEvent::RenewRequested { ladder: ladder("newer"), again: None },
        FlowEvent::RenewalStarted,
        FlowEvent::Planned { summary: plan(2, "new") }.of_making(1),
        analysed.clone().of_making(1),
        FlowEvent::Repinned { summary: plan(1, "new") }.of_making(1),
        FlowEvent::Complete { generation: 5, losses: Vec::new() }.of_making(1),
        FlowEvent::Failed { failure: failure() }.of_making(1),
        FlowEvent::Cancelled,
        // Those of another making, and of the first one, come late.
        FlowEvent::Complete { generation: 6, losses: Vec::new() }.of_making(7),
        FlowEvent::Failed { failure: failure() }.of_making(7),
        FlowEvent::Failed { failure: failure() },
        FlowEvent::Complete { generation: 6, losses: Vec::new() },
        analysed,
    ];
    // same other | start | planned analysed repinned complete failed | cancelled | late ones
    let table = [
        (ready(), "waiting waiting = = = = = = = = = = = ="),
        (waiting, "= waiting processing+plan = = = = = errored = = = = ="),
        (looking, "= waiting!+tidy = processing+all - none - errored!+tidy errored!+tidy = = = = ="),
        (encoding, "= waiting!+tidy = - - - none+all errored!+tidy errored!+tidy = = = = ="),
        (errored, "waiting waiting = = = = = = = = = = = ="),
    ];
    for (state, row) in &table {
        let got: Vec<String> = events.iter().map(|event| outcome(state, event)).collect();
        assert_eq!(got.join(" "), *row, "{state:?}");
    }
}

#[test]
fn a_rendition_that_is_named_is_asked_for_though_the_ladder_is_the_same_and_once() {
    let event = |name: &str| FlowEvent::RenewRequested { ladder: ladder("new"), again: Some(name.to_owned()) };
    let named = step(&ready(), &event("720p")).0;
    let again = |state: &AssetState| state.renewal.as_ref().and_then(|renewal| renewal.again.clone());
    assert_eq!(again(&named).as_deref(), Some("720p"));
    assert_eq!(outcome(&named, &event("720p")), "=");
    assert_eq!(outcome(&named, &FlowEvent::RenewRequested { ladder: ladder("new"), again: None }), "=");
    let other = step(&named, &event("360p")).0;
    assert_eq!(again(&other).as_deref(), Some("360p"));
    assert_eq!(outcome(&planned(&started(&asked(&ready()))), &event("720p")), "waiting!+tidy");
}

#[test]
fn what_is_served_stays_until_the_renewal_is_complete_and_then_goes_after_a_day() {
    let before = ready();
    let encoding = planned(&started(&asked(&before)));
    let kept = AssetState { renewal: None, last_making: 0, ..encoding.clone() };
    assert_eq!(kept, before, "nothing but the renewal has changed");
    assert_eq!(encoding.renewal.as_ref().unwrap().plan.as_ref().unwrap().planned_generation, None);
    let (renewed, effects) = step(&encoding, &FlowEvent::Complete { generation: 5, losses: Vec::new() }.of_making(1));
    let expected = AssetState {
        plan: Some(PlanSummary { planned_generation: None, ..plan(2, "new") }),
        playable_generation: Some(5),
        complete_generation: Some(5),
        making: 1,
        last_making: 1,
        ..before
    };
    assert_eq!(renewed, expected);
    let jobs: Vec<_> = effects.jobs.iter().map(|job| (job.stage.clone(), job.making, job.delay_ms)).collect();
    assert_eq!(jobs, [(Stage::Tidy, 0, 0), (Stage::Tidy, 0, GENERATION_KEPT_MS)]);
    let stale = FlowEvent::Complete { generation: 4, losses: Vec::new() }.of_making(1);
    assert!(matches!(advance(&encoding, &stale), Err(FlowError::StaleGeneration { .. })));
}

#[test]
fn its_jobs_go_behind_everything_else_and_none_is_for_who_watches() {
    let (looking, effects) = step(&asked(&ready()), &FlowEvent::RenewalStarted);
    let mut jobs = effects.jobs;
    jobs.extend(step(&looking, &FlowEvent::Planned { summary: plan(2, "new") }.of_making(1)).1.jobs);
    let stages: Vec<_> = jobs.iter().map(|job| job.stage.name()).collect();
    assert_eq!(stages, ["plan", "encode_audio", "stills", "encode_range", "encode_range", "publish_complete"]);
    assert!(jobs.iter().all(|job| job.priority < RENEWAL && job.making == 1));
    let others = [
        Stage::Probe,
        Stage::Plan,
        Stage::Analyse,
        Stage::EncodeRange { range: 0 },
        Stage::EncodeAudio { track: 1 },
        Stage::ReadText,
        Stage::Tidy,
    ];
    assert!(others.iter().all(|stage| stage.priority() >= RENEWAL));
}

#[test]
fn a_renewal_that_is_given_up_says_why_and_one_that_is_asked_for_again_has_another_number() {
    let encoding = planned(&started(&asked(&ready())));
    let (errored, effects) = step(&encoding, &FlowEvent::Failed { failure: failure() }.of_making(1));
    assert_eq!((effects.cancel_making, errored.phase), (Some(1), Phase::Ready));
    let renewal = errored.renewal.clone().unwrap();
    assert_eq!((renewal.phase, renewal.failure), (RenewalPhase::Errored, Some(failure())));
    assert_eq!((errored.playable_generation, errored.complete_generation), (Some(4), Some(4)));
    let again = asked(&errored);
    assert_eq!(again.renewal.as_ref().map(|renewal| (renewal.making, renewal.failure.clone())), Some((2, None)));
    let (stopped, _) = step(&again, &FlowEvent::Cancelled);
    let renewal = stopped.renewal.unwrap();
    assert_eq!((renewal.phase, renewal.failure.unwrap().code.as_str()), (RenewalPhase::Errored, CANCELLED));
}

#[test]
fn a_ladder_that_asks_for_what_there_is_is_pinned_without_any_work() {
    let looking = started(&asked(&ready()));
    let skipped = vec![SkippedRung { name: "2160p".to_owned(), reason: "the source is 360p".to_owned() }];
    let summary = PlanSummary { skipped: skipped.clone(), ..plan(1, "new") };
    let (pinned, effects) = step(&looking, &FlowEvent::Repinned { summary }.of_making(1));
    assert!(effects.is_empty());
    let served = PlanSummary { ladder_sha256: "new".to_owned(), skipped, ..plan(1, "old") };
    assert_eq!(pinned, AssetState { plan: Some(served), last_making: 1, ..ready() });
}

#[test]
fn rungs_decided_for_a_renewal_are_its_own() {
    let summary = PlanSummary { per_title: true, ..plan(2, "new") };
    let looking = started(&asked(&ready()));
    let (encoding, effects) = step(&looking, &FlowEvent::Planned { summary }.of_making(1));
    assert!(effects.jobs.iter().any(|job| job.stage == Stage::Analyse));
    let mut decided = plan(2, "new");
    decided.renditions[0].name = "240p".to_owned();
    let (next, effects) = step(&encoding, &FlowEvent::Analysed { summary: decided }.of_making(1));
    assert!(effects.is_empty());
    assert_eq!(next.plan, ready().plan);
    assert_eq!(next.renewal.unwrap().plan.unwrap().renditions[0].name, "240p");
}

#[test]
fn an_asset_that_is_not_ready_has_no_renewal_and_a_deletion_takes_it_too() {
    let request = FlowEvent::RenewRequested { ladder: ladder("new"), again: None };
    for phase in Phase::ALL.into_iter().filter(|phase| *phase != Phase::Ready) {
        let state = AssetState { phase, ..AssetState::default() };
        for event in [&request, &FlowEvent::RenewalStarted, &FlowEvent::Probed.of_making(1)] {
            assert_eq!(step(&state, event), (state.clone(), Effects::default()), "{phase}");
        }
    }
    let (deleting, effects) = step(&planned(&started(&asked(&ready()))), &FlowEvent::DeleteRequested);
    assert_eq!((deleting.renewal, effects.cancel_jobs), (None, true));
}

#[test]
fn its_names_are_those_of_its_json_and_states_of_before_are_read() {
    for phase in [RenewalPhase::Waiting, RenewalPhase::Processing, RenewalPhase::Errored] {
        assert_eq!(serde_json::to_value(phase).unwrap(), phase.as_str());
    }
    let events = [
        FlowEvent::RenewRequested { ladder: ladder("new"), again: None },
        FlowEvent::RenewalStarted,
        FlowEvent::Probed.of_making(1),
    ];
    for event in events {
        assert_eq!(serde_json::to_value(&event).unwrap()["event"], event.name());
    }
    assert_eq!(FlowEvent::Probed.of_making(0), FlowEvent::Probed);
    let mut stored = serde_json::to_value(ready()).unwrap();
    for later in ["making", "last_making", "renewal"] {
        stored.as_object_mut().unwrap().remove(later).unwrap();
    }
    assert_eq!(serde_json::from_value::<AssetState>(stored).unwrap(), ready());
    let stored = serde_json::to_value(asked(&ready())).unwrap();
    let renewal: Renewal = serde_json::from_value(stored["renewal"].clone()).unwrap();
    assert_eq!((renewal.making, renewal.is_open()), (1, true));
}
