//! Zombies, failures and races.

use asset_flow::{FlowEvent, MAX_RANGES, Phase, PlanSummary};
use asset_store::StoreError;
use database::testing::for_each_engine;
use job_queue::{FailOutcome, Failure, JobState, MAX_JOBS_OF_ASSET, Retry};
use serde_json::json;

use crate::support::{Bench, failure, plan};

#[tokio::test]
async fn a_zombie_changes_nothing() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        let store = &bench.store;
        let asset = bench.uploaded().await;
        let zombie = bench.claim("probe").await;
        bench.queue().hand_back(&zombie.fence).await.unwrap();
        let living = bench.claim("probe").await;
        assert_ne!(zombie.fence, living.fence);
        let before = bench.everything(&asset.id).await;
        let lost = |result: Result<(), StoreError>| assert!(matches!(result, Err(StoreError::LeaseLost)), "{result:?}");
        for event in [Some(&FlowEvent::Probed), None] {
            lost(store.commit(&zombie.fence, &asset.id, json!({}), event, 9).await);
        }
        lost(store.fail(&zombie, &failure("probe"), Retry::No, 9).await.map(drop));
        lost(store.fail(&zombie, &failure("probe"), Retry::Counted, 9).await.map(drop));
        lost(store.allocate_generation(&zombie.fence, &asset.id, 9).await.map(drop));
        assert_eq!(bench.everything(&asset.id).await, before);

        let generation = store.allocate_generation(&living.fence, &asset.id, 9).await.unwrap();
        assert_eq!(generation, 1, "the zombie used up a number");
        store.commit(&living.fence, &asset.id, json!({}), Some(&FlowEvent::Probed), 9).await.unwrap();
        lost(store.commit(&living.fence, &asset.id, json!({}), None, 9).await);
    })
    .await;
}

#[tokio::test]
async fn generations_grow_even_when_they_are_never_published() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        let asset = bench.uploaded().await;
        let job = bench.claim("probe").await;
        for expected in 1..=3 {
            let got = bench.store.allocate_generation(&job.fence, &asset.id, 9).await.unwrap();
            assert_eq!(got, expected);
        }
    })
    .await;
}

#[tokio::test]
async fn a_job_that_gives_up_fails_its_asset_and_cancels_the_rest() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        let asset = bench.playable().await;
        let job = bench.claim("encode_range").await;
        let retried = bench.store.fail(&job, &failure("encode_range"), Retry::Counted, 10).await.unwrap();
        assert!(matches!(retried, FailOutcome::Retrying { .. }), "{retried:?}");
        assert_eq!(bench.asset(&asset.id).await.state, Phase::Processing);

        let job = bench.claim("encode_range").await;
        let outcome = bench.store.fail(&job, &failure("encode_range"), Retry::No, 11).await.unwrap();
        assert!(matches!(outcome, FailOutcome::Parked), "{outcome:?}");
        let row = bench.asset(&asset.id).await;
        let cause = row.flow.failure.unwrap();
        assert_eq!((row.state, row.flow.playable_generation), (Phase::Errored, None));
        assert_eq!((cause.code.as_str(), cause.detail.as_str()), ("engine.died", "the engine\u{fffd} died"));
        assert_eq!(bench.stages_in(&asset.id, JobState::Parked).await, ["encode_range"]);
        let cancelled = ["encode_ahead", "encode_ahead", "encode_audio", "encode_range", "publish_complete", "stills"];
        assert_eq!(bench.stages_in(&asset.id, JobState::Cancelled).await, cancelled);
        assert_eq!(bench.kinds(&asset.id).await.last().map(String::as_str), Some("asset.errored"));
    })
    .await;
}

#[tokio::test]
async fn attempts_run_out_even_for_faults_that_may_be_tried_again() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        let asset = bench.uploaded().await;
        let mut attempts = 0;
        while bench.asset(&asset.id).await.state == Phase::Processing {
            let job = bench.claim("probe").await;
            attempts += 1;
            assert!(attempts <= job.max_attempts, "tried more often than allowed");
            bench.store.fail(&job, &failure("probe"), Retry::Counted, 4).await.unwrap();
        }
        assert!(attempts > 1);
        assert_eq!(bench.asset(&asset.id).await.state, Phase::Errored);
    })
    .await;
}

#[tokio::test]
async fn an_asset_fails_when_its_job_lost_every_worker() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        let store = &bench.store;
        let asset = bench.planned().await;
        let job = bench.claim("stills").await;
        let running = bench.everything(&asset.id).await;
        store.park_lost(&job.fence, &asset.id, 10).await.unwrap();
        assert_eq!(bench.everything(&asset.id).await, running, "the job is not parked");

        let mut tx = bench.queue().database().begin().await.unwrap();
        let lost = Failure { code: "job.lost_workers".into(), detail: "nobody lives".into(), retry: Retry::No };
        bench.queue().fail(&mut tx, &job.fence, 10, &lost).await.unwrap();
        tx.commit().await.unwrap();
        let row = store.park_lost(&job.fence, &asset.id, 11).await.unwrap();
        let cause = row.flow.failure.clone().unwrap();
        assert_eq!((row.state, cause.stage.as_str()), (Phase::Errored, "stills"));
        assert_eq!((cause.code.as_str(), cause.detail.as_str()), ("job.lost_workers", "nobody lives"));
        assert_eq!(store.park_lost(&job.fence, &asset.id, 12).await.unwrap(), row, "the first one counts");
    })
    .await;
}

#[tokio::test]
async fn a_parked_job_whose_asset_was_never_told_is_found() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        let (store, tenant) = (&bench.store, &bench.tenant);
        let (stuck, healthy) = (bench.uploaded().await, bench.of_tenant("b").uploaded().await);
        let deleting = bench.announced(1).await.1;
        store.request(tenant, &deleting.id, FlowEvent::DeleteRequested, 2).await.unwrap();
        for stage in ["probe", "delete"] {
            let job = bench.claim(stage).await;
            assert_ne!(job.asset_id, healthy.id, "the first upload is probed first");
            let mut tx = bench.queue().database().begin().await.unwrap();
            let lost = Failure { code: "job.lost_workers".into(), detail: "nobody lives".into(), retry: Retry::No };
            bench.queue().fail(&mut tx, &job.fence, 10, &lost).await.unwrap();
            tx.commit().await.unwrap();
        }
        assert_eq!(store.settle_parked(11).await.unwrap(), 2);
        assert_eq!(store.settle_parked(12).await.unwrap(), 0);
        assert_eq!(bench.asset(&stuck.id).await.state, Phase::Errored);
        assert_eq!(bench.of_tenant("b").asset(&healthy.id).await, healthy);
        assert_eq!(bench.asset(&deleting.id).await.state, Phase::Deleting);

        store.request(tenant, &deleting.id, FlowEvent::DeleteRequested, 13).await.unwrap();
        assert_eq!(store.settle_parked(14).await.unwrap(), 0, "the second attempt to delete is under way");
        let job = bench.claim("delete").await;
        store.finish_deletion(&job.fence, &deleting.id, 15).await.unwrap();
        assert_eq!(store.asset(tenant, &deleting.id).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_cancel_that_races_with_commits_leaves_one_clean_end() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        for round in 0..6 {
            let asset = bench.planned().await;
            let mut tasks = tokio::task::JoinSet::new();
            for stage in ["encode_audio", "encode_range", "encode_range", "stills"] {
                let (bench, job) = (bench.clone(), bench.claim(stage).await);
                tasks.spawn(async move { bench.store.commit(&job.fence, &job.asset_id, json!({}), None, 9).await });
            }
            let (other, id) = (bench.clone(), asset.id.clone());
            tasks
                .spawn(async move { other.store.request(&other.tenant, &id, FlowEvent::Cancelled, 9).await.map(drop) });
            while let Some(result) = tasks.join_next().await {
                let result = result.unwrap();
                assert!(matches!(result, Ok(()) | Err(StoreError::LeaseLost)), "round {round}: {result:?}");
            }
            assert_eq!(bench.asset(&asset.id).await.state, Phase::Errored);
            let ends = [JobState::Done, JobState::Cancelled];
            let jobs = bench.jobs(&asset.id).await;
            let mut of_plan = jobs.iter().filter(|job| job.stage != "tidy");
            assert!(of_plan.all(|job| ends.contains(&job.state)));
        }
    })
    .await;
}

#[tokio::test]
async fn an_event_that_does_not_fit_is_refused_and_keeps_the_lease() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        let asset = bench.uploaded().await;
        let job = bench.claim("probe").await;
        let before = bench.everything(&asset.id).await;
        let event = FlowEvent::Complete { generation: 1, losses: Vec::new() };
        let refused = bench.store.commit(&job.fence, &asset.id, json!({}), Some(&event), 9).await;
        assert!(matches!(refused, Err(StoreError::Flow(_))), "{refused:?}");
        assert_eq!(bench.everything(&asset.id).await, before);
    })
    .await;
}

#[tokio::test]
async fn the_longest_plan_fits_the_queue() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        let asset = bench.uploaded().await;
        bench.done("probe", Some(FlowEvent::Probed), 4).await;
        let summary = PlanSummary { ranges: vec![600; MAX_RANGES], ..plan() };
        bench.done("plan", Some(FlowEvent::Planned { summary }), 5).await;
        let jobs = bench.jobs(&asset.id).await;
        assert_eq!(jobs.len(), 2 + MAX_RANGES + 8);
        let demanded = MAX_RANGES - 2;
        assert!((jobs.len() + demanded) as i64 <= MAX_JOBS_OF_ASSET, "the queue's bounded read holds all there can be");
        let progress = bench.store.progress(&bench.tenant, &asset.id).await.unwrap();
        assert_eq!(progress.stage, "encode");
    })
    .await;
}
