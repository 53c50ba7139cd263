//! From the announcement of an upload to its source.

use asset_flow::{FlowEvent, Phase};
use asset_store::{NewUpload, SourcePart, StoreError, UploadState};
use database::testing::for_each_engine;

use crate::support::{Bench, SIZE};

#[tokio::test]
async fn a_source_attached_ten_times_at_once_is_probed_once() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        let (upload, asset) = bench.announced(1).await;
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..10 {
            let (bench, id) = (bench.clone(), upload.id.clone());
            tasks.spawn(async move { bench.store.attach_source(&bench.tenant, &id, SIZE, "ab", 3).await });
        }
        while let Some(row) = tasks.join_next().await {
            assert_eq!(row.unwrap().unwrap().state, Phase::Processing);
        }
        let jobs = bench.jobs(&asset.id).await;
        assert_eq!(jobs.iter().map(|job| job.stage.as_str()).collect::<Vec<_>>(), ["probe"]);
        assert_eq!(bench.kinds(&asset.id).await, ["asset.created", "asset.processing"]);
        let other = bench.store.attach_source(&bench.tenant, &upload.id, SIZE, "cd", 4).await;
        assert!(matches!(other, Err(StoreError::OtherSource)));
    })
    .await;
}

#[tokio::test]
async fn received_bytes_only_grow_up_to_the_announced_size() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        let (upload, asset) = bench.announced(1).await;
        assert_eq!((upload.state, upload.size_bytes, asset.state), (UploadState::Waiting, SIZE, Phase::AwaitingUpload));
        assert_eq!(asset.filename, bench.announcement().filename);
        let steps = [
            (0, UploadState::Waiting, 0, 1),
            (10, UploadState::Receiving, 10, 3),
            (5, UploadState::Receiving, 10, 3),
            (SIZE, UploadState::Received, SIZE, 5),
        ];
        for (at, (received, state, kept, updated_ms)) in (2..).zip(steps) {
            let row = bench.store.record_received(&bench.tenant, &upload.id, received, at).await.unwrap();
            assert_eq!((row.state, row.received_bytes, row.updated_ms), (state, kept, updated_ms));
        }
        let more = bench.store.record_received(&bench.tenant, &upload.id, SIZE + 1, 9).await;
        assert!(matches!(more, Err(StoreError::Invalid { field: "received_bytes", .. })));
        assert_eq!(bench.asset(&asset.id).await.state, Phase::Ingesting);
        assert_eq!(bench.kinds(&asset.id).await, ["asset.created", "asset.ingesting"]);
        let short = bench.store.attach_source(&bench.tenant, &upload.id, SIZE - 1, "ab", 9).await;
        assert!(matches!(short, Err(StoreError::Invalid { field: "size", .. })));
        bench.store.attach_source(&bench.tenant, &upload.id, SIZE, "ab", 9).await.unwrap();
        let late = bench.store.record_received(&bench.tenant, &upload.id, SIZE, 10).await.unwrap();
        assert_eq!((late.state, late.updated_ms), (UploadState::Attached, 9));
    })
    .await;
}

fn part(filename: &str, size_bytes: u64) -> SourcePart {
    SourcePart { filename: filename.to_owned(), size_bytes }
}

#[tokio::test]
async fn announcements_that_cannot_be_stored_are_refused() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        let good = bench.announcement();
        let bad = [
            ("size_bytes", NewUpload { size_bytes: None, ..good.clone() }),
            ("size_bytes", NewUpload { size_bytes: Some(0), ..good.clone() }),
            ("size_bytes", NewUpload { size_bytes: Some(u64::MAX), ..good.clone() }),
            ("filename", NewUpload { filename: "a\0b".to_owned(), ..good.clone() }),
            ("filename", NewUpload { filename: "ü".repeat(256), ..good.clone() }),
            ("ladder", NewUpload { ladder: String::new(), ..good.clone() }),
            ("parts", NewUpload { parts: vec![part("a", SIZE)], ..good.clone() }),
            ("parts", NewUpload { parts: vec![part("a", SIZE), part("b", 0)], ..good.clone() }),
            ("parts", NewUpload { parts: vec![part("a", SIZE), part("b", 1)], ..good.clone() }),
            ("parts", NewUpload { parts: vec![part("a", u64::MAX), part("b", SIZE + 1)], ..good.clone() }),
            ("filename", NewUpload { parts: vec![part("a\0", 1), part("b", SIZE - 1)], ..good.clone() }),
        ];
        for (expected, new) in bad {
            match bench.announce(&new, 1).await {
                Err(StoreError::Invalid { field, .. }) => assert_eq!(field, expected),
                other => panic!("{new:?} gave {other:?}"),
            }
        }
        let parts = vec![part("one", 1), part("two", SIZE - 1)];
        let (upload, asset) = bench.announce(&NewUpload { parts: parts.clone(), ..good.clone() }, 1).await.unwrap();
        assert_eq!(upload.parts, parts);
        assert_eq!(bench.store.upload_of(&asset).await.unwrap().unwrap().parts, parts, "they are kept with the asset");
        let longest = NewUpload { filename: "ü".repeat(255), ..good };
        let (first, one) = bench.announce(&longest, 1).await.unwrap();
        let (second, other) = bench.announce(&longest, 1).await.unwrap();
        assert!(first.id != second.id && one.id != other.id && one.playback_id != other.playback_id);
    })
    .await;
}

#[tokio::test]
async fn a_stopped_upload_takes_no_more_bytes() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        let (store, tenant) = (&bench.store, &bench.tenant);
        let (upload, asset) = bench.announced(1).await;
        store.record_received(tenant, &upload.id, 10, 2).await.unwrap();
        for _ in 0..2 {
            let stopped = store.cancel_upload(tenant, &upload.id, 3).await.unwrap();
            assert_eq!((stopped.state, stopped.updated_ms), (UploadState::Canceled, 3));
        }
        let row = bench.asset(&asset.id).await;
        assert_eq!((row.state, row.flow.failure.unwrap().stage.as_str()), (Phase::Errored, "upload"));
        let more = store.record_received(tenant, &upload.id, 20, 4).await;
        assert!(matches!(more, Err(StoreError::UploadClosed(UploadState::Canceled))));
        let attached = store.attach_source(tenant, &upload.id, SIZE, "ab", 4).await;
        assert!(matches!(attached, Err(StoreError::UploadClosed(UploadState::Canceled))));
        assert!(bench.jobs(&asset.id).await.is_empty());

        let (whole, _) = bench.announced(5).await;
        store.attach_source(tenant, &whole.id, SIZE, "ab", 6).await.unwrap();
        let too_late = store.cancel_upload(tenant, &whole.id, 7).await;
        assert!(matches!(too_late, Err(StoreError::UploadClosed(UploadState::Attached))));
    })
    .await;
}

#[tokio::test]
async fn a_deleted_assets_upload_is_closed() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        let (upload, asset) = bench.announced(1).await;
        bench.store.request(&bench.tenant, &asset.id, FlowEvent::DeleteRequested, 2).await.unwrap();
        let more = bench.store.record_received(&bench.tenant, &upload.id, 20, 3).await;
        assert!(matches!(more, Err(StoreError::UploadClosed(UploadState::Canceled))));
    })
    .await;
}

#[tokio::test]
async fn only_uploads_that_stood_still_expire() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        let (idle, asset) = bench.announced(100).await;
        let (moving, _) = bench.announced(100).await;
        bench.store.record_received(&bench.tenant, &moving.id, 10, 500).await.unwrap();
        let (attached, _) = bench.announced(100).await;
        bench.store.attach_source(&bench.tenant, &attached.id, SIZE, "ab", 101).await.unwrap();
        let expired = bench.store.expire_uploads(400, 10, 1_000).await.unwrap();
        let states: Vec<_> = expired.iter().map(|row| (&row.id, row.state)).collect();
        assert_eq!(states, [(&idle.id, UploadState::Expired)]);
        assert_eq!(bench.asset(&asset.id).await.flow.failure.unwrap().code, "upload.expired");
        assert!(bench.store.expire_uploads(400, 10, 1_000).await.unwrap().is_empty());
    })
    .await;
}
