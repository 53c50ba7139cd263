//! An asset's life when nothing goes wrong, and its end.

use asset_flow::{FlowEvent, GENERATION_KEPT_MS, Phase};
use asset_store::{StoreError, UploadState};
use database::testing::for_each_engine;
use job_queue::{Fence, JobState};
use serde_json::json;

use crate::support::{Bench, SIZE, plan};

#[tokio::test]
async fn an_asset_goes_from_its_upload_to_ready_one_committed_job_at_a_time() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        let planned = bench.planned().await;
        assert_eq!((planned.state, planned.duration_ms), (Phase::Processing, Some(36_000)));
        assert_eq!((planned.source_size, planned.source_sha256.as_deref()), (Some(SIZE), Some("ab")));
        assert_eq!(planned.ladder_sha256.as_deref(), Some("cd"));
        assert_eq!(planned.flow.plan, Some(plan()));
        assert!(bench.try_claim("publish_first").await.is_none(), "nothing is encoded");
        bench.done("encode_ahead", None, 6).await;
        assert!(bench.try_claim("publish_first").await.is_none(), "its sound has not begun");
        bench.done("encode_ahead", None, 6).await;
        let first = bench.publish("publish_first", |generation| FlowEvent::FirstPlayable { generation }, 7).await;
        let playable = bench.asset(&planned.id).await;
        assert_eq!((playable.state, playable.flow.playable_generation), (Phase::Processing, Some(first)));
        for stage in ["encode_ahead", "encode_ahead", "encode_audio", "stills", "encode_range", "encode_range"] {
            assert!(bench.try_claim("publish_complete").await.is_none(), "{stage} is missing");
            bench.done(stage, None, 8).await;
        }
        let last = bench
            .publish("publish_complete", |generation| FlowEvent::Complete { generation, losses: Vec::new() }, 9)
            .await;
        let ready = bench.asset(&planned.id).await;
        assert_eq!((first, last), (1, 2));
        assert_eq!((ready.state, ready.flow.complete_generation, ready.generation), (Phase::Ready, Some(2), 2));
        let times = (ready.created_ms, ready.uploaded_ms, ready.playable_ms, ready.complete_ms, ready.updated_ms);
        assert_eq!(times, (1, Some(3), Some(7), Some(9), 9));
        assert!(ready.version > playable.version && playable.version > planned.version);
        let kinds = bench.kinds(&planned.id).await.join(" ");
        assert_eq!(kinds, "asset.created asset.ingesting asset.processing asset.playable asset.ready");
        let jobs = bench.jobs(&planned.id).await;
        let (done, left): (Vec<_>, Vec<_>) = jobs.iter().partition(|job| job.state == JobState::Done);
        assert_eq!(done.len(), 12);
        let left: Vec<_> = left.iter().map(|job| (job.stage.as_str(), job.run_at_ms)).collect();
        assert_eq!(left, [("tidy", 9), ("tidy", 9 + GENERATION_KEPT_MS)]);
    })
    .await;
}

#[tokio::test]
async fn ranges_are_encoded_in_order() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        bench.planned().await;
        let mut claimed = Vec::new();
        while let Some(job) = bench.try_claim("encode_range").await {
            claimed.push(job.payload["range"].clone());
        }
        assert_eq!(claimed, [0, 1].map(|range| json!(range)));
    })
    .await;
}

#[tokio::test]
async fn an_asset_can_be_deleted_in_every_state_and_more_than_once() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        for state in Phase::ALL {
            let asset = match state {
                Phase::AwaitingUpload => bench.announced(1).await.1,
                Phase::Ingesting => {
                    let (upload, asset) = bench.announced(1).await;
                    bench.store.record_received(&bench.tenant, &upload.id, 1, 2).await.unwrap();
                    asset
                }
                Phase::Processing => bench.playable().await,
                Phase::Ready | Phase::Deleting => bench.ready().await,
                Phase::Errored => {
                    let asset = bench.planned().await;
                    bench.store.request(&bench.tenant, &asset.id, FlowEvent::Cancelled, 6).await.unwrap();
                    bench.asset(&asset.id).await
                }
                Phase::Deleted => continue,
            };
            delete(&bench, &asset.id, state).await;
        }
    })
    .await;
}

async fn delete(bench: &Bench, asset: &media_types::AssetId, state: Phase) {
    let (store, tenant) = (&bench.store, &bench.tenant);
    for _ in 0..2 {
        let row = store.request(tenant, asset, FlowEvent::DeleteRequested, 20).await.unwrap();
        assert_eq!(row.state, Phase::Deleting, "from {state}");
    }
    let open = [JobState::Waiting, JobState::Ready, JobState::Running];
    let jobs = bench.jobs(asset).await;
    let open: Vec<_> = jobs.iter().filter(|job| open.contains(&job.state)).map(|job| job.stage.as_str()).collect();
    assert_eq!(open, ["delete"], "from {state}");
    let job = bench.claim("delete").await;
    let late = Fence { attempt: job.fence.attempt + 1, ..job.fence.clone() };
    let refused = store.finish_deletion(&late, asset, 21).await;
    assert!(matches!(refused, Err(StoreError::LeaseLost)), "{refused:?}");
    assert_eq!(bench.asset(asset).await.state, Phase::Deleting);
    assert!(!store.counts(&job).await.unwrap());
    store.finish_deletion(&job.fence, asset, 21).await.unwrap();
    assert!(!store.counts(&job).await.unwrap(), "nothing is left that it could count for");
    assert_eq!(store.asset(tenant, asset).await.unwrap(), None);
    assert!(store.assets(tenant, None, None, 10).await.unwrap().iter().all(|row| row.id != *asset));
    let kinds = bench.kinds(asset).await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "asset.deleted").count(), 1);
    assert!(bench.jobs(asset).await.is_empty());
    let gone = store.request(tenant, asset, FlowEvent::DeleteRequested, 23).await;
    assert!(matches!(gone, Err(StoreError::NotFound("asset"))));
}

#[tokio::test]
async fn cancelling_keeps_a_ready_asset_and_stops_any_other() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        let (store, tenant) = (&bench.store, &bench.tenant);
        let ready = bench.ready().await;
        let before = bench.everything(&ready.id).await;
        store.request(tenant, &ready.id, FlowEvent::Cancelled, 20).await.unwrap();
        assert_eq!(bench.everything(&ready.id).await, before);

        let playable = bench.playable().await;
        for _ in 0..2 {
            let row = store.request(tenant, &playable.id, FlowEvent::Cancelled, 20).await.unwrap();
            let code = row.flow.failure.map(|failure| failure.code);
            assert_eq!((row.state, code.as_deref()), (Phase::Errored, Some("asset.cancelled")));
            assert_eq!(row.flow.playable_generation, None, "it will never be whole");
        }
        assert_eq!(bench.stages_in(&playable.id, JobState::Cancelled).await.len(), 7);
        assert_eq!(bench.stages_in(&playable.id, JobState::Ready).await, ["tidy"]);
        assert_eq!(bench.kinds(&playable.id).await.iter().filter(|kind| *kind == "asset.errored").count(), 1);

        let (upload, asset) = bench.announced(1).await;
        store.request(tenant, &asset.id, FlowEvent::Cancelled, 20).await.unwrap();
        let upload = store.upload(tenant, &upload.id).await.unwrap().unwrap();
        assert_eq!(upload.state, UploadState::Canceled);
        let other = store.request(tenant, &asset.id, FlowEvent::Deleted, 20).await;
        assert!(matches!(other, Err(StoreError::Invalid { .. })), "a person cannot say that objects are gone");
    })
    .await;
}

#[tokio::test]
async fn a_transaction_that_is_dropped_leaves_no_trace() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        let asset = bench.planned().await;
        let before = bench.everything(&asset.id).await;
        let mut tx = bench.queue().database().begin().await.unwrap();
        let event = FlowEvent::DeleteRequested;
        let inside = bench.store.apply(&mut tx, &bench.tenant, &asset.id, &event, 9).await.unwrap();
        assert_eq!(inside.state, Phase::Deleting);
        drop(tx);
        assert_eq!(bench.everything(&asset.id).await, before);
    })
    .await;
}
