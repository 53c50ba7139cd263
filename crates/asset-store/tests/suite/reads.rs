//! Pages, playback ids and the wall between tenants.

use asset_flow::{FlowEvent, Phase};
use asset_store::StoreError;
use database::testing::for_each_engine;
use job_queue::Fence;
use media_types::PlaybackId;
use serde_json::json;

use crate::support::{Bench, SIZE};

#[tokio::test]
async fn a_walk_over_pages_sees_every_asset_once_while_new_ones_arrive() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        let mut expected = Vec::new();
        for at in [5, 5, 5, 1, 9, 3, 7] {
            expected.push((at, bench.announced(at).await.1.id));
        }
        expected.sort();
        expected.reverse();
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = bench.store.assets(&bench.tenant, None, after, 2).await.unwrap();
            assert!(page.len() <= 2);
            let Some(last) = page.last() else { break };
            after = Some((last.created_ms, last.id.clone()));
            seen.extend(page.into_iter().map(|row| (row.created_ms, row.id)));
            bench.announced(1_000).await;
        }
        assert_eq!(seen, expected);
    })
    .await;
}

#[tokio::test]
async fn assets_are_found_by_state_and_by_playback_id() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        let waiting = bench.announced(1).await.1;
        let ready = bench.ready().await;
        let in_state = |state| bench.store.assets(&bench.tenant, Some(state), None, 10);
        assert_eq!(in_state(Phase::Ready).await.unwrap(), std::slice::from_ref(&ready));
        assert_eq!(in_state(Phase::AwaitingUpload).await.unwrap(), std::slice::from_ref(&waiting));
        assert!(in_state(Phase::Deleted).await.unwrap().is_empty());
        assert_eq!(bench.store.by_playback_id(&ready.playback_id).await.unwrap(), Some(ready));
        assert_eq!(bench.store.by_playback_id(&PlaybackId::from_unique("other")).await.unwrap(), None);
        let counts = bench.store.count_by_state().await.unwrap();
        assert_eq!(counts, [(Phase::AwaitingUpload, 1), (Phase::Ready, 1)]);
    })
    .await;
}

#[tokio::test]
async fn two_tenants_do_not_see_each_other() {
    for_each_engine(|db| async move {
        let mine = Bench::new(db);
        let theirs = mine.of_tenant("b");
        let (upload, waiting) = mine.announced(1).await;
        let asset = mine.uploaded().await;
        let job = mine.claim("probe").await;
        let before = mine.everything(&asset.id).await;
        let (store, other) = (&theirs.store, &theirs.tenant);
        assert_eq!(store.asset(other, &asset.id).await.unwrap(), None);
        assert_eq!(store.upload(other, &upload.id).await.unwrap(), None);
        assert!(store.assets(other, None, None, 10).await.unwrap().is_empty());
        assert!(theirs.jobs(&asset.id).await.is_empty());
        assert!(theirs.kinds(&asset.id).await.is_empty());
        let missing =
            |result: Result<(), StoreError>| assert!(matches!(result, Err(StoreError::NotFound(_))), "{result:?}");
        missing(store.record_received(other, &upload.id, 1, 2).await.map(drop));
        missing(store.attach_source(other, &upload.id, SIZE, "ab", 2).await.map(drop));
        missing(store.cancel_upload(other, &upload.id, 2).await.map(drop));
        missing(store.request(other, &asset.id, FlowEvent::DeleteRequested, 2).await.map(drop));
        let fence = Fence { tenant_id: other.clone(), ..job.fence.clone() };
        missing(store.commit(&fence, &asset.id, json!({}), Some(&FlowEvent::Probed), 2).await);
        missing(store.allocate_generation(&fence, &asset.id, 2).await.map(drop));
        missing(store.progress(other, &asset.id).await.map(drop));
        missing(store.finish_deletion(&fence, &asset.id, 2).await);
        assert_eq!(mine.everything(&asset.id).await, before);
        assert_eq!(mine.asset(&waiting.id).await, waiting);
    })
    .await;
}
