//! On a real database and a store in memory, without an engine.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use asset_flow::{HeadStart, Phase};
use asset_store::{AssetRow, AssetStore, NewUpload, UploadRow};
use bytes::Bytes;
use database::EngineKind;
use database::testing::Scratch;
use drm::ProtectionScheme;
use engine_host::EngineOptions;
use job_queue::JobQueue;
use key_vault::{KeyVault, LocalKeks};
use media_store::{MAX_LISTED_KEYS, MediaStore, MemoryStore};
use media_types::{TenantId, publication};

use super::super::Protecting;
use super::*;

const SOURCE: &[u8] = b"the recording as it was uploaded";

struct Bench {
    workshop: Workshop,
    media: Arc<MemoryStore>,
    asset: AssetRow,
    scratch: Scratch,
}

impl Bench {
    /// A recording that was just uploaded; `kek` is the worker's key-encryption key.
    async fn new(protection: Option<ProtectionScheme>, kek: Option<&str>) -> Self {
        let scratch = Scratch::migrated(EngineKind::Sqlite).await;
        let (media, tenant_id) = (Arc::new(MemoryStore::default()), TenantId::from_unique("a"));
        let store = AssetStore::new(JobQueue::new(scratch.db.clone()));
        let (filename, ladder) = ("talk.mp4".to_owned(), "lecture".to_owned());
        let size_bytes = Some(SOURCE.len() as u64);
        let announced =
            NewUpload { tenant_id: tenant_id.clone(), filename, size_bytes, parts: vec![], ladder, protection };
        let (upload, _) = announce(&store, &announced).await;
        let asset =
            store.attach_source(&tenant_id, &upload.id, SOURCE.len() as u64, "ab", store.now_ms()).await.unwrap();
        media.put_new(&publication::source_key(&asset.id), Bytes::from_static(SOURCE)).await.unwrap();
        let vault = kek.map(|kek| KeyVault::new(scratch.db.clone(), Arc::new(LocalKeks::parse(kek).ok().unwrap())));
        let protecting = Protecting { vault, systems: Vec::new() };
        let no_engine = EngineOptions::new("/nowhere/lectern-engine".into());
        let no_ladders = Arc::new(|_| Box::pin(std::future::ready(Ok(None))) as _);
        let workshop = Workshop::new(store, media.clone(), no_engine, no_ladders, protecting);
        Self { workshop, media, asset, scratch }
    }

    async fn probe(&self) -> WorkError {
        let job = self.workshop.store.queue().claim(&["probe"], i64::MIN, "worker-1").await.unwrap().unwrap();
        self.workshop.probe(&job, &Lease::detached()).await.err().unwrap()
    }

    /// Whether the source lies in clear, and whether it lies sealed.
    async fn source(&self) -> (bool, bool) {
        let keys = self.media.list("sources/", None, MAX_LISTED_KEYS).await.unwrap();
        let clear = publication::source_key(&self.asset.id);
        (keys.contains(&clear), keys.contains(&format!("{clear}.sealed")))
    }
}

async fn announce(store: &AssetStore, new: &NewUpload) -> (UploadRow, AssetRow) {
    let mut tx = store.queue().database().begin().await.unwrap();
    let announced = store.create_upload(&mut tx, new, store.now_ms()).await.unwrap();
    tx.commit().await.unwrap();
    announced
}

/// An upload of which half has arrived, and the look at it.
async fn begun(bench: &Bench) -> (UploadRow, ClaimedJob) {
    let (store, tenant_id) = (&bench.workshop.store, bench.asset.tenant_id.clone());
    let (filename, ladder) = ("talk.mp4".to_owned(), "lecture".to_owned());
    let announced = NewUpload { tenant_id, filename, size_bytes: Some(100), parts: vec![], ladder, protection: None };
    let (upload, asset) = announce(store, &announced).await;
    bench.media.stage_append(&publication::staging_key(&asset.id), 0, Bytes::from(vec![7; 50])).await.unwrap();
    store.record_received(&asset.tenant_id, &upload.id, 50, store.now_ms()).await.unwrap();
    // That of the other recording.
    store.queue().claim(&["probe"], i64::MIN, "worker-1").await.unwrap().unwrap();
    store.take_head_start(&asset.tenant_id, &upload.id, store.now_ms()).await.unwrap();
    let job = store.queue().claim(&["probe"], i64::MIN, "worker-1").await.unwrap().unwrap();
    assert_eq!(job.asset_id, asset.id);
    (upload, job)
}

#[tokio::test]
async fn what_goes_wrong_while_a_source_arrives_is_not_held_against_it() {
    let bench = Bench::new(None, None).await;
    let (upload, job) = begun(&bench).await;
    bench.workshop.probe(&job, &Lease::detached()).await.unwrap();
    let store = &bench.workshop.store;
    let asset = store.asset(&upload.tenant_id, &upload.asset_id).await.unwrap().unwrap();
    assert_eq!((asset.state, asset.flow.head_start), (Phase::Ingesting, HeadStart::GivenUp));
    store.attach_source(&upload.tenant_id, &upload.id, 100, "ab", store.now_ms()).await.unwrap();
    let again = store.queue().claim(&["probe"], i64::MIN, "worker-1").await.unwrap().unwrap();
    assert_eq!(again.asset_id, upload.asset_id);
    assert!(bench.workshop.probe(&again, &Lease::detached()).await.is_err(), "there is no engine");
}

#[tokio::test]
async fn a_job_of_bytes_that_were_thrown_away_sees_nothing_of_those_that_came_after() {
    let bench = Bench::new(None, None).await;
    let (upload, job) = begun(&bench).await;
    assert_eq!(bench.workshop.asset(&job).await.unwrap().flow.take, 0);
    let store = &bench.workshop.store;
    store.restart_upload(&upload.tenant_id, &upload.id, store.now_ms()).await.unwrap();
    let refused = bench.workshop.probe(&job, &Lease::detached()).await;
    assert!(matches!(refused, Err(WorkError::LeaseLost)), "{refused:?}");
    assert_eq!(bench.media.list("work/", None, MAX_LISTED_KEYS).await.unwrap(), Vec::<String>::new());
}

fn kek() -> String {
    "0a".repeat(32)
}

#[tokio::test]
async fn the_first_look_at_a_protected_source_seals_it() {
    let bench = Bench::new(Some(ProtectionScheme::Cbcs), Some(&kek())).await;
    let no_engine = bench.probe().await;
    assert!(matches!(no_engine, WorkError::Host(_)), "{no_engine}");
    assert_eq!(bench.source().await, (false, true));
}

#[tokio::test]
async fn a_source_that_is_not_protected_stays_as_it_is() {
    let bench = Bench::new(None, Some(&kek())).await;
    bench.probe().await;
    assert_eq!(bench.source().await, (true, false));
}

#[tokio::test]
async fn without_a_key_encryption_key_a_protected_source_is_refused_and_kept() {
    let bench = Bench::new(Some(ProtectionScheme::Cbcs), None).await;
    let refused = bench.probe().await;
    assert_eq!(refused.code(), "keys.unavailable", "{refused}");
    assert_eq!(bench.source().await, (true, false));
}

#[tokio::test]
async fn deleting_removes_the_sealed_source_what_is_half_sealed_and_the_key() {
    let bench = Bench::new(Some(ProtectionScheme::Cbcs), Some(&kek())).await;
    bench.workshop.media_of(&bench.asset).await.unwrap().source(&Lease::detached()).await.unwrap();
    assert_eq!(bench.source().await, (false, true));
    let staging = format!("{}.sealed", publication::staging_key(&bench.asset.id));
    bench.media.stage_append(&staging, 0, Bytes::from_static(b"half")).await.unwrap();
    let (store, tenant) = (&bench.workshop.store, &bench.asset.tenant_id);
    store.request(tenant, &bench.asset.id, FlowEvent::DeleteRequested, store.now_ms()).await.unwrap();
    let job = store.queue().claim(&["delete"], i64::MIN, "worker-1").await.unwrap().unwrap();
    bench.workshop.delete(&job, &Lease::detached()).await.unwrap();
    assert_eq!(bench.source().await, (false, false));
    assert_eq!(bench.media.stage_offset(&staging).await.unwrap(), None);
    let keys: Vec<(String,)> = bench.scratch.db.all("SELECT asset_id FROM data_key LIMIT 9", Vec::new()).await.unwrap();
    assert!(keys.is_empty());
}
