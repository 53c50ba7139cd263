//! Every phase against every event, and the jobs of every shape of plan.
#![allow(clippy::unwrap_used)]

use asset_flow::{
    ALL_STAGES, Ahead, AssetState, CANCELLED, Effects, FlowError, FlowEvent, FlowFailure, GENERATION_KEPT_MS,
    HeadStart, JobRequest, MAX_RANGES, MAX_SOUNDS, Phase, PlanSummary, RenditionSummary, Stage, URGENT, WATCHED,
    advance, ahead,
};
use media_types::VideoCodec;

fn rendition(name: &str, width: u32, height: u32) -> RenditionSummary {
    RenditionSummary { name: name.to_owned(), width, height, codec: VideoCodec::H264 }
}

fn plan(ranges: usize, renditions: usize, audio: u32, stills: bool) -> PlanSummary {
    let all = [rendition("360p", 640, 360), rendition("720p", 1280, 720), rendition("1080p", 1920, 1080)];
    PlanSummary {
        ranges: vec![600; ranges],
        renditions: all[..renditions].to_vec(),
        audio,
        stills,
        duration_ms: 24_000 * ranges.max(1) as i64,
        ..PlanSummary::default()
    }
}

/// The same, of which the first generation is published before it is made.
fn early(ranges: usize, renditions: usize) -> PlanSummary {
    PlanSummary { planned_generation: Some(1), ..plan(ranges, renditions, 1, true) }
}

fn failure(stage: &str) -> FlowFailure {
    FlowFailure { stage: stage.into(), code: "input.no_media".into(), detail: "nothing to show".into(), hint: None }
}

fn events() -> Vec<FlowEvent> {
    vec![
        FlowEvent::UploadStarted,
        FlowEvent::SourceReceived,
        FlowEvent::Probed,
        FlowEvent::Planned { summary: plan(2, 2, 1, true) },
        FlowEvent::FirstPlayable { generation: 5 },
        FlowEvent::Complete { generation: 6, losses: Vec::new() },
        FlowEvent::Failed { failure: failure("probe") },
        FlowEvent::Cancelled,
        FlowEvent::DeleteRequested,
        FlowEvent::Deleted,
        FlowEvent::BeginningReceived,
        FlowEvent::UploadRestarted,
        FlowEvent::BeginningUnfit,
        FlowEvent::RetryRequested,
    ]
}

/// What one step is expected to do, in one letter or word.
fn outcome(state: &AssetState, event: &FlowEvent) -> String {
    match advance(state, event) {
        Err(FlowError::OutOfOrder { .. }) => "-".to_owned(),
        Err(other) => format!("{other:?}"),
        Ok((next, effects)) if next == *state && effects.is_empty() => "=".to_owned(),
        Ok((next, effects)) => {
            let jobs: Vec<_> = effects.jobs.iter().map(|job| job.stage.name()).collect();
            let stop = match (effects.cancel_jobs, effects.revive_jobs) {
                (stops, false) => {
                    if stops {
                        "!"
                    } else {
                        ""
                    }
                }
                (stops, true) => {
                    if stops {
                        "!^"
                    } else {
                        "^"
                    }
                }
            };
            let jobs = if jobs.len() > 1 { "all".to_owned() } else { jobs.concat() };
            [next.phase.as_str(), stop, if jobs.is_empty() { "" } else { "+" }, &jobs].concat()
        }
    }
}

#[test]
fn each_phase_answers_each_event_as_the_table_says() {
    let new = AssetState::default();
    let with = |phase| AssetState { phase, ..new.clone() };
    let probing = with(Phase::Processing);
    let planning = AssetState { probed: true, ..probing.clone() };
    let encoding = AssetState { plan: Some(plan(2, 2, 1, true)), ..planning.clone() };
    let playable = AssetState { playable_generation: Some(4), ..encoding.clone() };
    let ready = AssetState { phase: Phase::Ready, complete_generation: Some(4), ..playable.clone() };
    let errored = AssetState { phase: Phase::Errored, failure: Some(failure("plan")), ..planning.clone() };
    let gave_up = AssetState { failure: Some(failure("delete")), ..with(Phase::Deleting) };
    let begun = AssetState { head_start: HeadStart::Taken, ..with(Phase::Ingesting) };
    let looked_at = AssetState { probed: true, ..begun.clone() };
    let made_ahead = AssetState { plan: Some(plan(2, 2, 1, true)), ..looked_at.clone() };
    let unfit = AssetState { head_start: HeadStart::GivenUp, ..begun.clone() };
    let unfit_to_plan = AssetState { probed: true, ..unfit.clone() };
    let overtaken = AssetState { phase: Phase::Processing, ..begun.clone() };
    // In the order of `events`: started received probed planned first complete failed cancelled delete deleted, then
    // beginning, restarted, unfit, retry.
    // `-` is refused, `=` is ignored, `!` cancels jobs, `^` has them go on, `+` enqueues.
    let table: [(AssetState, &str); 16] = [
        (
            new.clone(),
            "ingesting processing+probe - - - - errored! errored! deleting!+delete - awaiting_upload+probe = - =",
        ),
        (
            with(Phase::Ingesting),
            "= processing+probe - - - - errored! errored! deleting!+delete - ingesting+probe = - =",
        ),
        (
            begun,
            "= processing ingesting+plan - - - errored!+all errored!+all deleting!+delete - = ingesting! ingesting =",
        ),
        (
            looked_at,
            "= processing - ingesting - - errored!+all errored!+all deleting!+delete - = ingesting! ingesting =",
        ),
        (made_ahead, "= processing+all - - - - errored!+all errored!+all deleting!+delete - = ingesting! - ="),
        (unfit, "= processing+probe - - - - errored!+all errored!+all deleting!+delete - = ingesting! - ="),
        (
            unfit_to_plan,
            "= processing+plan - ingesting - - errored!+all errored!+all deleting!+delete - = ingesting! - =",
        ),
        (overtaken, "= = processing+plan - - - errored! errored!+tidy deleting!+delete - = = processing+probe ="),
        (probing, "= = processing+plan - - - errored! errored!+tidy deleting!+delete - = = - ="),
        (planning, "= = - processing+all - - errored! errored!+tidy deleting!+delete - = = - ="),
        (encoding, "= = - - processing ready+all errored! errored!+tidy deleting!+delete - = = - ="),
        (playable, "= = - - processing ready+all errored! errored!+tidy deleting!+delete - = = - ="),
        (ready, "= = = = = = = = deleting!+delete - = = = ="),
        (errored, "= = = = = = = = deleting!+delete - = = = processing^"),
        (with(Phase::Deleting), "= = = = = = = = = deleted = = = ="),
        (with(Phase::Deleted), "= = = = = = = = = = = = = ="),
    ];
    for (state, row) in &table {
        let got: Vec<String> = events().iter().map(|event| outcome(state, event)).collect();
        assert_eq!(got.join(" "), *row, "{state:?}");
    }
    let gave_up_row: Vec<String> = events().iter().map(|event| outcome(&gave_up, event)).collect();
    assert_eq!(gave_up_row.join(" "), "= = = = = = = = deleting+delete deleted = = = =");
}

#[test]
fn a_removal_that_gave_up_can_be_asked_for_again() {
    let deleting = AssetState { phase: Phase::Deleting, ..AssetState::default() };
    let (gave_up, effects) = advance(&deleting, &FlowEvent::Failed { failure: failure("delete") }).unwrap();
    assert_eq!((gave_up.phase, effects), (Phase::Deleting, Effects::default()));
    let (again, effects) = advance(&gave_up, &FlowEvent::DeleteRequested).unwrap();
    assert_eq!((again, effects.jobs[0].stage.clone()), (deleting, Stage::Delete));
}

#[test]
fn an_asset_whose_job_gave_up_goes_on_and_one_that_a_person_cancelled_does_not() {
    let state =
        AssetState { phase: Phase::Processing, probed: true, plan: Some(plan(1, 2, 1, true)), ..AssetState::default() };
    let (failed, _) = advance(&state, &FlowEvent::Failed { failure: failure("encode_range") }).unwrap();
    let (again, effects) = advance(&failed, &FlowEvent::RetryRequested).unwrap();
    assert_eq!((&again, &effects), (&state, &Effects { revive_jobs: true, ..Effects::default() }));
    let (twice, effects) = advance(&again, &FlowEvent::RetryRequested).unwrap();
    assert_eq!((&twice, effects), (&again, Effects::default()), "what goes on is left alone");
    let (cancelled, _) = advance(&state, &FlowEvent::Cancelled).unwrap();
    let (same, effects) = advance(&cancelled, &FlowEvent::RetryRequested).unwrap();
    assert_eq!((same, effects), (cancelled, Effects::default()));
}

#[test]
fn what_will_never_be_whole_is_not_played_any_more() {
    let state = AssetState {
        phase: Phase::Processing,
        probed: true,
        plan: Some(plan(1, 2, 1, true)),
        playable_generation: Some(3),
        ..AssetState::default()
    };
    let (next, _) = advance(&state, &FlowEvent::Cancelled).unwrap();
    assert_eq!((next.phase, next.playable_generation), (Phase::Errored, None));
    let (failed, _) = advance(&state, &FlowEvent::Failed { failure: failure("encode_range") }).unwrap();
    assert_eq!((failed.phase, failed.playable_generation), (Phase::Errored, None));
    let failure = next.failure.unwrap();
    assert_eq!((failure.code.as_str(), failure.stage.as_str()), (CANCELLED, "encode"));
    let (early, _) = advance(&AssetState::default(), &FlowEvent::Cancelled).unwrap();
    assert_eq!(early.step(), "upload");
}

#[test]
fn a_complete_asset_is_tidied_at_once_and_again_when_the_old_generation_has_no_viewers() {
    let state =
        AssetState { phase: Phase::Processing, probed: true, plan: Some(plan(1, 2, 1, true)), ..AssetState::default() };
    let (_, effects) = advance(&state, &FlowEvent::Complete { generation: 2, losses: Vec::new() }).unwrap();
    let jobs: Vec<_> = effects.jobs.iter().map(|job| (job.stage.clone(), job.delay_ms)).collect();
    assert_eq!(jobs, [(Stage::Tidy, 0), (Stage::Tidy, GENERATION_KEPT_MS)]);
}

fn jobs_of(summary: PlanSummary) -> Vec<JobRequest> {
    let state = AssetState { phase: Phase::Processing, probed: true, ..AssetState::default() };
    advance(&state, &FlowEvent::Planned { summary }).unwrap().1.jobs
}

fn encode(range: u32) -> Stage {
    Stage::EncodeRange { range }
}

fn some(first_segment: u32, segment_count: u32) -> Stage {
    Stage::EncodeAhead { of: Ahead::Pictures, first_segment, segment_count }
}

#[test]
fn a_recording_is_playable_when_its_beginning_is_made_and_each_range_is_decoded_once() {
    let jobs = jobs_of(early(3, 3));
    let stages: Vec<Stage> = jobs.iter().map(|job| job.stage.clone()).collect();
    assert_eq!(
        stages,
        [
            some(0, 2),
            some(2, 6),
            Stage::EncodeAhead { of: Ahead::Sound, first_segment: 0, segment_count: 2 },
            Stage::EncodeAhead { of: Ahead::Sound, first_segment: 2, segment_count: 6 },
            Stage::PublishFirst,
            Stage::EncodeAudio { track: 0 },
            Stage::Stills,
            encode(0),
            encode(1),
            encode(2),
            Stage::PublishComplete,
        ]
    );
    assert_eq!([&jobs[1].waits_on, &jobs[3].waits_on, &jobs[4].waits_on], [&vec![0], &vec![2], &vec![0, 2]]);
    assert_eq!(jobs[10].waits_on, (0..10).collect::<Vec<_>>());
    let free = jobs.iter().filter(|job| job.waits_on.is_empty()).count();
    assert_eq!(free, 7, "every encode may start at once, but for what comes next");
    let priorities: Vec<i64> = [0, 1, 5, 7].iter().map(|&index: &usize| jobs[index].priority).collect();
    assert!(priorities.is_sorted_by(|a, b| a > b), "{priorities:?}");
    assert_eq!([jobs[5].priority, jobs[7].priority], [jobs[6].priority, jobs[9].priority]);
    assert_eq!(jobs[7].weight, 600 * (640 * 360 + 1280 * 720 + 1920 * 1080) / 1000 / 50, "milliseconds of a processor");
}

#[test]
fn ranges_wait_until_the_renditions_are_decided_and_nothing_else_does() {
    let summary = PlanSummary { per_title: true, ..early(3, 3) };
    let jobs = jobs_of(summary.clone());
    let at = jobs.iter().position(|job| job.stage == Stage::Analyse).unwrap();
    for job in &jobs {
        let waits = matches!(job.stage, Stage::EncodeRange { .. } | Stage::PublishComplete);
        assert_eq!(job.waits_on.contains(&at), waits, "{:?}", job.stage);
    }
    let state = AssetState { phase: Phase::Processing, probed: true, plan: Some(summary), ..AssetState::default() };
    let decided = FlowEvent::Analysed { summary: early(1, 3) };
    let (next, effects) = advance(&state, &decided).unwrap();
    let plan = next.plan.clone().unwrap();
    assert!(effects.is_empty() && plan.renditions.len() == early(1, 3).renditions.len() && plan.per_title);
    assert_eq!(advance(&next, &decided).unwrap().0, next, "again changes nothing");
    let fixed = AssetState { plan: Some(early(3, 3)), ..state };
    assert!(advance(&fixed, &decided).is_err(), "nobody asked");
}

#[test]
fn while_a_source_arrives_its_beginning_is_made_and_nobody_is_told() {
    let step = |state: &AssetState, event: &FlowEvent| advance(state, event).unwrap();
    let stages = |effects: &Effects| effects.jobs.iter().map(|job| job.stage.clone()).collect::<Vec<_>>();
    let (arriving, _) = step(&AssetState::default(), &FlowEvent::UploadStarted);
    let (begun, effects) = step(&arriving, &FlowEvent::BeginningReceived);
    assert_eq!(stages(&effects), [Stage::Probe]);
    let (probed, effects) = step(&begun, &FlowEvent::Probed);
    assert_eq!(stages(&effects), [Stage::Plan]);
    let (planned, effects) = step(&probed, &FlowEvent::Planned { summary: early(3, 3) });
    assert_eq!(effects.jobs, ahead(Ahead::Pictures, 0, 8), "how loud the sound is to be follows from all of it");
    assert!(advance(&planned, &FlowEvent::FirstPlayable { generation: 1 }).is_err());
    let (whole, effects) = step(&planned, &FlowEvent::SourceReceived);
    assert_eq!(effects.jobs, jobs_of(early(3, 3)), "who began early does nothing else");
    assert_eq!((whole.phase, whole.playable_generation), (Phase::Processing, None));
    let short = FlowEvent::Planned { summary: plan(1, 1, 1, true) };
    assert!(step(&probed, &short).1.is_empty(), "it is published once");
}

#[test]
fn of_an_upload_that_is_begun_anew_nothing_counts_that_was_made_before() {
    let state = AssetState {
        phase: Phase::Ingesting,
        head_start: HeadStart::Taken,
        probed: true,
        plan: Some(early(2, 2)),
        ..AssetState::default()
    };
    let (anew, effects) = advance(&state, &FlowEvent::UploadRestarted).unwrap();
    assert_eq!(anew, AssetState { phase: Phase::Ingesting, take: 1, ..AssetState::default() });
    assert_eq!(effects, Effects { cancel_jobs: true, ..Effects::default() });
    let (again, effects) = advance(&anew, &FlowEvent::BeginningReceived).unwrap();
    assert_eq!((again.take, effects.jobs[0].stage.clone()), (1, Stage::Probe));
    let (given_up, effects) = advance(&again, &FlowEvent::Cancelled).unwrap();
    assert_eq!(given_up.step(), "upload");
    assert!(effects.jobs.iter().all(|job| job.stage == Stage::Tidy) && effects.jobs[0].delay_ms == 0);
}

#[test]
fn what_a_viewer_waits_for_goes_before_what_comes_next() {
    let jobs = ahead(Ahead::Pictures, 70, 15);
    assert_eq!([&jobs[0].stage, &jobs[1].stage], [&some(70, 2), &some(72, 13)]);
    assert_eq!((jobs[0].priority, jobs[1].waits_on.as_slice()), (WATCHED, [0].as_slice()));
    assert!(jobs[1].priority < WATCHED && jobs[1].priority > URGENT);
    assert_eq!(ahead(Ahead::Sound, 70, 1).len(), 1);
}

#[test]
fn one_rendition_of_many_ranges_is_playable_early_too() {
    let summary = early(3, 1);
    assert!(summary.is_planned_early() && plan(1, 2, 1, true).is_planned_early());
    assert!(!plan(1, 1, 1, true).is_planned_early() && !plan(0, 0, 1, false).is_planned_early());
    assert!(jobs_of(summary).iter().any(|job| job.stage == Stage::PublishFirst));
}

#[test]
fn what_is_short_and_has_one_rendition_is_published_once() {
    let stages: Vec<Stage> = jobs_of(plan(1, 1, 0, true)).into_iter().map(|job| job.stage).collect();
    assert_eq!(stages, [Stage::Stills, encode(0), Stage::PublishComplete]);
}

#[test]
fn sound_alone_is_encoded_and_published() {
    let jobs = jobs_of(plan(0, 0, 1, false));
    let stages: Vec<Stage> = jobs.iter().map(|job| job.stage.clone()).collect();
    assert_eq!(stages, [Stage::EncodeAudio { track: 0 }, Stage::PublishComplete]);
    assert_eq!(jobs[1].waits_on, [0]);
}

#[test]
fn every_sound_track_is_encoded_and_only_the_first_before_the_pictures() {
    let jobs = jobs_of(PlanSummary { audio: 3, ..early(2, 2) });
    let of = |track| jobs.iter().find(|job| job.stage == Stage::EncodeAudio { track }).unwrap();
    let range = jobs.iter().find(|job| job.stage == encode(0)).unwrap();
    assert!(of(0).priority > range.priority);
    assert_eq!([of(1).priority, of(2).priority], [range.priority; 2]);
    assert_eq!(jobs.last().unwrap().waits_on.len(), jobs.len() - 1);
}

#[test]
fn text_is_read_before_everything_is_published() {
    let jobs = jobs_of(PlanSummary { text: 2, ..plan(1, 1, 0, false) });
    let stages: Vec<Stage> = jobs.iter().map(|job| job.stage.clone()).collect();
    assert_eq!(stages, [Stage::ReadText, encode(0), Stage::PublishComplete]);
    assert_eq!(jobs[2].waits_on, [0, 1]);
}

#[test]
fn plans_that_no_jobs_can_carry_out_are_refused() {
    let state = AssetState { phase: Phase::Processing, probed: true, ..AssetState::default() };
    let flat = PlanSummary { renditions: vec![rendition("0p", 0, 360)], ..plan(1, 1, 1, true) };
    let bad = [
        plan(0, 0, 0, true),
        plan(0, 1, 1, true),
        plan(1, 0, 1, true),
        plan(MAX_RANGES + 1, 1, 1, true),
        plan(1, 1, MAX_SOUNDS + 1, true),
        flat,
    ];
    for summary in bad {
        let event = FlowEvent::Planned { summary };
        assert!(matches!(advance(&state, &event), Err(FlowError::Plan { .. })), "{event:?}");
    }
}

#[test]
fn a_generation_that_does_not_grow_is_refused() {
    let state = AssetState {
        phase: Phase::Processing,
        probed: true,
        plan: Some(plan(1, 2, 1, true)),
        playable_generation: Some(7),
        ..AssetState::default()
    };
    for event in [FlowEvent::FirstPlayable { generation: 7 }, FlowEvent::Complete { generation: 6, losses: Vec::new() }]
    {
        assert!(matches!(advance(&state, &event), Err(FlowError::StaleGeneration { published: 7, .. })));
    }
    let never = AssetState { playable_generation: None, ..state };
    assert!(advance(&never, &FlowEvent::Complete { generation: 0, losses: Vec::new() }).is_err());
}

#[test]
fn a_stage_reads_back_from_its_payload_and_its_tag_is_its_name() {
    let stages = [
        Stage::Probe,
        Stage::Plan,
        Stage::Analyse,
        encode(3),
        some(7, 2),
        Stage::EncodeAudio { track: 2 },
        Stage::Stills,
        Stage::ReadText,
        Stage::PublishFirst,
        Stage::PublishComplete,
        Stage::Tidy,
        Stage::Delete,
    ];
    assert_eq!(stages.each_ref().map(Stage::name), ALL_STAGES);
    for stage in stages {
        let json = serde_json::to_value(&stage).unwrap();
        assert_eq!(json["stage"], stage.name());
        assert_eq!(serde_json::from_value::<Stage>(json).unwrap(), stage);
    }
    for event in events() {
        assert_eq!(serde_json::to_value(&event).unwrap()["event"], event.name());
    }
    for phase in Phase::ALL {
        assert_eq!(serde_json::to_value(phase).unwrap(), phase.as_str());
        assert_eq!(phase.as_str().parse(), Ok(phase));
    }
}

#[test]
fn stored_states_of_this_version_stay_readable() {
    let stored = r#"{"phase":"processing","probed":true,"playable_generation":2,"complete_generation":null,
        "plan":{"ranges":[600],"renditions":[{"name":"360p","width":640,"height":360}],"audio":true,"stills":true,
        "duration_ms":24000,"skipped":[{"name":"720p","reason":"the source is 360p"}],"ladder_sha256":"ab"},"failure":null}"#;
    let state: AssetState = serde_json::from_str(stored).unwrap();
    assert_eq!((state.phase, state.playable_generation), (Phase::Processing, Some(2)));
    let plan = state.plan.unwrap();
    assert_eq!((plan.frame_count(), plan.audio, plan.skipped[0].name.as_str()), (600, 1, "720p"));
    let stage: Stage = serde_json::from_str(r#"{"stage":"encode_audio"}"#).unwrap();
    assert_eq!(stage, Stage::EncodeAudio { track: 0 });
}
