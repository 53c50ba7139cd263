//! Going on where a job gave up.

use asset_flow::{FlowEvent, Phase};
use asset_store::{AssetRow, NoRetry, StoreError};
use database::testing::for_each_engine;
use job_queue::{JobRow, JobState, Retry};
use media_types::AssetId;

use crate::support::{Bench, failure};

/// An asset one of whose ranges is encoded and the other one gave up.
async fn errored(bench: &Bench) -> AssetRow {
    let asset = bench.playable().await;
    bench.done("encode_range", None, 9).await;
    let job = bench.claim("encode_range").await;
    bench.store.fail(&job, &failure("encode_range"), Retry::No, 11).await.unwrap();
    bench.asset(&asset.id).await
}

async fn parked(bench: &Bench, asset: &AssetId) -> JobRow {
    bench.jobs(asset).await.into_iter().find(|job| job.state == JobState::Parked).unwrap()
}

async fn finish(bench: &Bench) {
    for stage in ["encode_ahead", "encode_ahead", "encode_audio", "stills", "encode_range"] {
        bench.done(stage, None, 20).await;
    }
    bench.publish("publish_complete", |generation| FlowEvent::Complete { generation, losses: Vec::new() }, 21).await;
}

#[tokio::test]
async fn an_asset_that_failed_goes_on_and_only_what_was_missing_is_made() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        let asset = errored(&bench).await;
        let uploaded_ms = asset.uploaded_ms;
        let again = bench.store.retry(&bench.tenant, &asset.id, 15).await.unwrap();
        assert_eq!((again.state, &again.flow.failure, again.uploaded_ms), (Phase::Processing, &None, uploaded_ms));
        let goes_on = ["encode_ahead", "encode_ahead", "encode_audio", "encode_range", "stills"];
        assert_eq!(bench.stages_in(&asset.id, JobState::Ready).await, goes_on);
        assert_eq!(bench.stages_in(&asset.id, JobState::Waiting).await, ["publish_complete"]);
        let version = again.version;
        let twice = bench.store.retry(&bench.tenant, &asset.id, 16).await.unwrap();
        assert_eq!(twice.version, version, "what goes on is left alone");
        finish(&bench).await;
        assert_eq!(bench.asset(&asset.id).await.state, Phase::Ready);
        let ranges = bench.jobs(&asset.id).await.into_iter().filter(|job| job.stage == "encode_range");
        let mut attempts: Vec<i64> = ranges.map(|job| job.attempt).collect();
        attempts.sort_unstable();
        assert_eq!(attempts, [1, 2], "the range that was done was not encoded again");
        let kinds = bench.kinds(&asset.id).await;
        let ended: Vec<&str> = kinds.iter().rev().take(4).rev().map(String::as_str).collect();
        assert_eq!(ended, ["asset.errored", "asset.processing", "asset.playable", "asset.ready"]);
    })
    .await;
}

#[tokio::test]
async fn the_job_that_gave_up_takes_its_asset_along() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        let asset = errored(&bench).await;
        let job = parked(&bench, &asset.id).await;
        let again = bench.store.retry_job(&bench.tenant, &job.id, 15).await.unwrap();
        assert_eq!((again.state, again.error_code), (JobState::Ready, None));
        assert_eq!(bench.asset(&asset.id).await.state, Phase::Processing);
        let once_more = bench.store.retry_job(&bench.tenant, &job.id, 16).await;
        assert!(matches!(once_more, Err(StoreError::NoRetry(NoRetry::NotParked))), "{once_more:?}");
        finish(&bench).await;
        assert_eq!(bench.asset(&asset.id).await.state, Phase::Ready);
    })
    .await;
}

#[tokio::test]
async fn what_cannot_go_on_says_why() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        let why = |asset: AssetId| {
            let (store, tenant) = (bench.store.clone(), bench.tenant.clone());
            async move {
                match store.retry(&tenant, &asset, 15).await {
                    Err(StoreError::NoRetry(why)) => why,
                    other => panic!("{other:?}"),
                }
            }
        };
        let cancelled = bench.uploaded().await;
        bench.store.request(&bench.tenant, &cancelled.id, FlowEvent::Cancelled, 9).await.unwrap();
        assert_eq!(why(cancelled.id).await, NoRetry::Cancelled);
        let (_, arriving) = bench.announced(1).await;
        assert_eq!(why(arriving.id.clone()).await, NoRetry::Phase(Phase::AwaitingUpload));
        let never_whole = bench.store.expire_uploads(10, 10, 11).await.unwrap();
        assert_eq!(never_whole.len(), 1);
        assert_eq!(why(arriving.id).await, NoRetry::NoSource);
        let ready = bench.ready().await;
        assert_eq!(why(ready.id).await, NoRetry::Phase(Phase::Ready));
    })
    .await;
}

#[tokio::test]
async fn a_job_is_cancelled_with_all_of_its_asset_and_one_that_ended_is_not() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        let asset = bench.planned().await;
        let done = bench.jobs(&asset.id).await.into_iter().find(|job| job.state == JobState::Done).unwrap();
        let refused = bench.store.cancel_job(&bench.tenant, &done.id, 9).await;
        assert!(matches!(refused, Err(StoreError::JobEnded(JobState::Done))), "{refused:?}");
        let job = bench.claim("stills").await;
        let cancelled = bench.store.cancel_job(&bench.tenant, &job.fence.job_id, 9).await.unwrap();
        assert_eq!((cancelled.state, cancelled.error_code.as_deref()), (JobState::Cancelled, Some("asset.cancelled")));
        assert_eq!(bench.asset(&asset.id).await.state, Phase::Errored);
        assert_eq!(bench.stages_in(&asset.id, JobState::Ready).await, ["tidy"]);
    })
    .await;
}
