//! What is ready is encoded again, a few at a time, behind everything else, beside what is served.

use asset_flow::{ALL_STAGES, CANCELLED, FlowEvent, Phase, PlanSummary, RENEWAL, RenewalPhase};
use asset_store::{AssetRow, RENEWALS_AT_ONCE, StoreError};
use database::testing::for_each_engine;
use job_queue::{JobState, Retry};
use media_types::{AssetId, LadderPin};

use crate::support::{Bench, failure, plan};

fn ladder(sha256: &str) -> LadderPin {
    LadderPin { name: "lecture".to_owned(), sha256: sha256.to_owned() }
}

fn planned(sha256: &str) -> Option<FlowEvent> {
    let summary = PlanSummary { ranges: vec![900], ladder_sha256: sha256.to_owned(), ..plan() };
    Some(FlowEvent::Planned { summary })
}

impl Bench {
    /// Asks for all that was made with another state of the ladder.
    async fn renew(&self, sha256: &str, again: bool) -> u64 {
        self.store.renew_library(&self.tenant, &ladder(sha256), again, 20).await.unwrap()
    }

    async fn renewal(&self, asset: &AssetId) -> Option<RenewalPhase> {
        self.asset(asset).await.flow.renewal.map(|renewal| renewal.phase)
    }

    async fn count(&self, phase: RenewalPhase) -> u64 {
        let counts = self.store.count_renewals().await.unwrap();
        counts.into_iter().find(|(state, _)| state == phase.as_str()).map_or(0, |(_, count)| count)
    }

    /// Makes and publishes what a renewal planned.
    async fn made(&self) {
        for stage in ["encode_audio", "stills", "encode_range"] {
            self.done(stage, None, 22).await;
        }
        self.publish("publish_complete", |generation| FlowEvent::Complete { generation, losses: Vec::new() }, 23).await;
    }
}

#[tokio::test]
async fn a_renewal_leaves_the_asset_as_it_is_until_its_generation_is_whole() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        let before = bench.ready().await;
        assert_eq!(bench.renew("new", false).await, 1);
        bench.done("plan", planned("new"), 21).await;
        let during = bench.asset(&before.id).await;
        assert_eq!((during.state, during.flow.complete_generation), (Phase::Ready, before.flow.complete_generation));
        assert_eq!((&during.flow.plan, &during.ladder_sha256), (&before.flow.plan, &before.ladder_sha256));
        assert_eq!(during.renewal_ms, Some(20));
        let seen = during.in_renewal().unwrap();
        assert_eq!((seen.flow.making, seen.flow.plan.map(|plan| plan.ranges)), (1, Some(vec![900])));
        let first_making = bench.jobs(&before.id).await;
        bench.made().await;
        let after = bench.asset(&before.id).await;
        assert!(after.flow.complete_generation > before.flow.complete_generation && after.flow.renewal.is_none());
        assert_eq!(after.ladder_sha256.as_deref(), Some("new"));
        assert_eq!((after.complete_ms, after.renewed_ms, after.renewal_ms), (before.complete_ms, Some(23), None));
        // Two to tidy up after the new generation; what was made first keeps its results to itself.
        let jobs = bench.jobs(&before.id).await;
        assert_eq!(jobs.len(), first_making.len() + 2);
        let second = bench.queue().jobs_of(&bench.tenant, &before.id, 1).await.unwrap();
        let mut stages: Vec<_> = second.iter().map(|job| job.stage.as_str()).collect();
        stages.sort_unstable();
        assert_eq!(stages, ["encode_audio", "encode_range", "plan", "publish_complete", "stills"]);
        let kinds = bench.kinds(&before.id).await;
        assert_eq!(kinds[kinds.len() - 3..], ["asset.ready", "asset.renewing", "asset.renewed"]);
        assert_eq!(bench.renew("new", true).await, 0, "it has it");
    })
    .await;
}

#[tokio::test]
async fn few_are_under_way_at_a_time_and_the_others_begin_when_one_ends_whichever_way() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        let mut assets: Vec<AssetRow> = Vec::new();
        for _ in 0..RENEWALS_AT_ONCE + 3 {
            assets.push(bench.ready().await);
        }
        assert_eq!(bench.renew("new", false).await, RENEWALS_AT_ONCE + 3);
        assert_eq!(bench.renew("new", false).await, RENEWALS_AT_ONCE + 3, "again changes nothing");
        let (waiting, processing) = (RenewalPhase::Waiting, RenewalPhase::Processing);
        assert_eq!((bench.count(processing).await, bench.count(waiting).await), (RENEWALS_AT_ONCE, 3));
        let mut jobs = 0;
        for asset in &assets {
            jobs += bench.queue().jobs_of(&bench.tenant, &asset.id, 1).await.unwrap().len() as u64;
        }
        assert_eq!(jobs, RENEWALS_AT_ONCE, "who waits has no job");
        assert_eq!(bench.store.start_renewals(21).await.unwrap(), 0);
        // One ends well, one badly, one is deleted.
        bench.done("plan", planned("new"), 21).await;
        bench.made().await;
        let job = bench.claim("plan").await;
        bench.store.fail(&job, &failure("plan"), Retry::No, 22).await.unwrap();
        let job = bench.claim("plan").await;
        bench.store.request(&bench.tenant, &job.asset_id, FlowEvent::DeleteRequested, 23).await.unwrap();
        // However many processes look for work at once, there is room for these three.
        let begun = futures_of(&bench, 4).await;
        assert_eq!(begun, 3);
        assert_eq!((bench.count(processing).await, bench.count(waiting).await), (RENEWALS_AT_ONCE, 0));
    })
    .await;
}

/// Starts renewals from several places at the same time; answers how many began.
async fn futures_of(bench: &Bench, times: usize) -> u64 {
    let mut looks = tokio::task::JoinSet::new();
    for _ in 0..times {
        let store = bench.store.clone();
        looks.spawn(async move { store.start_renewals(24).await.unwrap() });
    }
    looks.join_all().await.into_iter().sum()
}

#[tokio::test]
async fn whatever_else_there_is_to_do_goes_first() {
    for_each_engine(|db| async move {
        // Nothing has waited for long.
        let bench = Bench::at(db, 100_000);
        let old = bench.ready().await;
        bench.renew("new", false).await;
        bench.done("plan", planned("new"), 21).await;
        let new = bench.uploaded().await;
        let mut of_renewal_since = None;
        for turn in 0.. {
            let Some(job) = bench.queue().claim(&ALL_STAGES, i64::MIN, "worker-1").await.unwrap() else { break };
            assert_eq!(job.priority < RENEWAL, job.making > 0, "{job:?}");
            if job.making > 0 {
                of_renewal_since = of_renewal_since.or(Some(turn));
            } else if job.asset_id == new.id {
                assert_eq!(of_renewal_since, None, "{} came behind a renewal", job.stage);
            }
            let event = match job.stage.as_str() {
                "probe" => Some(FlowEvent::Probed),
                "plan" => Some(FlowEvent::Planned { summary: plan() }),
                "publish_first" => Some(FlowEvent::FirstPlayable { generation: 1 }),
                "publish_complete" => {
                    Some(FlowEvent::Complete { generation: 7, losses: Vec::new() }.of_making(job.making))
                }
                _ => None,
            };
            let commit = bench.store.commit(&job.fence, &job.asset_id, serde_json::json!({}), event.as_ref(), 30);
            commit.await.unwrap();
        }
        assert!(of_renewal_since.is_some());
        let (old, new) = (bench.asset(&old.id).await, bench.asset(&new.id).await);
        assert_eq!((new.state, old.flow.making), (Phase::Ready, 1));
    })
    .await;
}

#[tokio::test]
async fn what_fails_in_a_renewal_fails_nothing_else_and_is_tried_again_when_asked() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        let asset = bench.ready().await;
        bench.renew("new", false).await;
        bench.done("plan", planned("new"), 21).await;
        // A job of the first making, which tidies up, has nothing to say of the renewal.
        let tidy = bench.claim("tidy").await;
        bench.store.fail(&tidy, &failure("tidy"), Retry::No, 22).await.unwrap();
        assert_eq!(bench.renewal(&asset.id).await, Some(RenewalPhase::Processing));
        let job = bench.claim("encode_range").await;
        bench.store.fail(&job, &failure("encode_range"), Retry::No, 22).await.unwrap();
        let row = bench.asset(&asset.id).await;
        let renewal = row.flow.renewal.clone().unwrap();
        assert_eq!((row.state, renewal.phase), (Phase::Ready, RenewalPhase::Errored));
        assert_eq!(renewal.failure.unwrap().code, "engine.died");
        assert_eq!((row.flow.complete_generation, &row.flow.plan), (asset.flow.complete_generation, &asset.flow.plan));
        let open = bench.queue().jobs_of(&bench.tenant, &asset.id, 1).await.unwrap();
        assert!(open.iter().all(|job| matches!(job.state, JobState::Done | JobState::Parked | JobState::Cancelled)));
        let late = bench.jobs(&asset.id).await;
        assert_eq!(late.iter().filter(|job| job.stage == "tidy" && job.state == JobState::Ready).count(), 2);
        assert_eq!(bench.kinds(&asset.id).await.last().unwrap(), "asset.renewal_errored");
        assert_eq!(bench.renew("new", false).await, 0, "by itself it is not tried again");
        assert_eq!(bench.renew("new", true).await, 1);
        assert_eq!(bench.claim("plan").await.making, 2);
    })
    .await;
}

#[tokio::test]
async fn a_renewal_whose_workers_all_died_is_given_up_also_when_nobody_was_told() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db.clone());
        let asset = bench.ready().await;
        bench.renew("new", false).await;
        let job = bench.claim("plan").await;
        let mut tx = db.begin().await.unwrap();
        let of_job = job_queue::Failure { code: "a.b".into(), detail: "c".into(), retry: Retry::No };
        bench.queue().fail(&mut tx, &job.fence, 22, &of_job).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(bench.store.settle_parked(23).await.unwrap(), 1);
        let row = bench.asset(&asset.id).await;
        assert_eq!((row.state, bench.renewal(&asset.id).await), (Phase::Ready, Some(RenewalPhase::Errored)));
        assert_eq!(bench.store.settle_parked(24).await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn only_what_is_ready_and_was_made_with_another_state_of_the_ladder_is_taken() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        let announced = bench.announced(1).await.1;
        let not_ready = bench.store.renew(&bench.tenant, &announced.id, &ladder("new"), None, 20).await;
        assert!(matches!(not_ready, Err(StoreError::NotReady(Phase::AwaitingUpload))));
        assert_eq!(bench.renew("new", false).await, 0);
        let asset = bench.ready().await;
        assert_eq!(bench.renew("cd", false).await, 0, "it has that");
        let again = async |name| bench.store.renew(&bench.tenant, &asset.id, &ladder("cd"), Some(name), 20).await;
        assert!(matches!(again("999p").await, Err(StoreError::NotFound("rendition"))));
        let name = asset.flow.plan.as_ref().unwrap().renditions[0].name.clone();
        let named = again(&name).await.unwrap().flow.renewal.unwrap();
        assert_eq!((named.phase, named.again), (RenewalPhase::Waiting, Some(name)));
        bench.store.request(&bench.tenant, &asset.id, FlowEvent::Cancelled, 20).await.unwrap();
        let film = LadderPin { name: "film".to_owned(), sha256: "ef".to_owned() };
        assert_eq!(bench.store.renew_library(&bench.tenant, &film, true, 20).await.unwrap(), 0);
        assert!(bench.store.outdated(&bench.tenant, &film, None, 10).await.unwrap().is_empty());
        // Somebody's wish for this recording is not undone by a change of the ladder that it had.
        bench.store.renew(&bench.tenant, &asset.id, &film, None, 20).await.unwrap();
        assert_eq!(bench.renew("new", true).await, 0);
        let wished = bench.asset(&asset.id).await.flow.renewal.unwrap();
        assert_eq!((wished.ladder, wished.phase), (film.clone(), RenewalPhase::Processing));
        let summary = PlanSummary { ladder_sha256: "ef".to_owned(), ..plan() };
        bench.done("plan", Some(FlowEvent::Repinned { summary }), 22).await;
        let row = bench.asset(&asset.id).await;
        assert_eq!((row.ladder.as_str(), row.ladder_sha256.as_deref()), ("film", Some("ef")));
        assert_eq!((row.renewed_ms, row.flow.complete_generation), (None, asset.flow.complete_generation));
    })
    .await;
}

#[tokio::test]
async fn a_ladder_that_changes_again_or_back_stops_what_is_under_way() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        let asset = bench.ready().await;
        bench.renew("new", false).await;
        bench.done("plan", planned("new"), 21).await;
        assert_eq!(bench.renew("newer", false).await, 1);
        assert!(bench.try_claim("encode_range").await.is_none(), "nothing more is made with the one before");
        assert_eq!(bench.claim("plan").await.making, 2);
        assert_eq!(bench.renew("cd", false).await, 0, "back to what is served");
        let renewal = bench.asset(&asset.id).await.flow.renewal.unwrap();
        assert_eq!((renewal.phase, renewal.failure.unwrap().code.as_str()), (RenewalPhase::Errored, CANCELLED));
    })
    .await;
}

#[tokio::test]
async fn a_person_stops_the_renewal_alone_and_its_progress_is_its_own() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        let asset = bench.ready().await;
        bench.renew("new", false).await;
        bench.done("plan", planned("new"), 21).await;
        for stage in ["encode_audio", "stills", "encode_range"] {
            bench.done(stage, None, 22).await;
        }
        let row = bench.asset(&asset.id).await;
        let progress = bench.store.renewal_progress_at(&row, 23).await.unwrap().unwrap();
        assert!(progress.stage == "publish" && (90.0..100.0).contains(&progress.percent), "{progress:?}");
        assert_eq!(bench.store.progress_at(&bench.tenant, &asset.id, 23).await.unwrap().percent, 100.0);
        let row = bench.store.request(&bench.tenant, &asset.id, FlowEvent::Cancelled, 24).await.unwrap();
        assert_eq!((row.state, bench.renewal(&asset.id).await), (Phase::Ready, Some(RenewalPhase::Errored)));
        assert!(bench.try_claim("publish_complete").await.is_none());
        assert_eq!(bench.store.renewal_progress_at(&row, 25).await.unwrap(), None);
        assert!(bench.try_claim("tidy").await.is_some(), "what tidies the first generation goes on");
    })
    .await;
}

#[tokio::test]
async fn the_libraries_of_all_tenants_follow_a_ladder() {
    for_each_engine(|db| async move {
        let one = Bench::new(db);
        let other = one.of_tenant("b");
        let assets = [one.ready().await, other.ready().await];
        assert_eq!(one.store.tenants().await.unwrap(), [one.tenant.clone(), other.tenant.clone()]);
        assert_eq!(one.store.renew_libraries(&ladder("new"), false, 20).await.unwrap(), 2);
        for (bench, asset) in [&one, &other].into_iter().zip(&assets) {
            assert!(bench.renewal(&asset.id).await.is_some(), "{}", bench.tenant);
        }
        assert!(one.store.asset(&one.tenant, &assets[1].id).await.unwrap().is_none());
    })
    .await;
}
