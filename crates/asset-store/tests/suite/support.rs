//! A store with one tenant, and the steps of an asset's life by hand.

use std::sync::Arc;

use asset_flow::{FlowEvent, FlowFailure, PlanSummary, RenditionSummary};
use asset_store::{AssetRow, AssetStore, NewUpload, StoreError, UploadRow};
use database::{Database, outbox};
use job_queue::{ClaimedJob, JobQueue, JobRow, JobState};
use media_types::{AssetId, SkippedRung, TenantId, VideoCodec};
use serde_json::json;

/// Size of every upload here, in bytes.
pub(crate) const SIZE: u64 = 1_000;

/// A store and a tenant.
#[derive(Clone)]
pub(crate) struct Bench {
    pub(crate) store: AssetStore,
    pub(crate) tenant: TenantId,
}

impl Bench {
    pub(crate) fn new(db: Database) -> Self {
        Self::of_queue(JobQueue::new(db))
    }

    /// Everything is claimed at this time.
    pub(crate) fn at(db: Database, now_ms: i64) -> Self {
        Self::of_queue(JobQueue::on_clock(db, Arc::new(move || now_ms)))
    }

    fn of_queue(queue: JobQueue) -> Self {
        Self { store: AssetStore::new(queue), tenant: TenantId::from_unique("a") }
    }

    pub(crate) fn of_tenant(&self, name: &str) -> Self {
        Self { store: self.store.clone(), tenant: TenantId::from_unique(name) }
    }

    pub(crate) fn queue(&self) -> &JobQueue {
        self.store.queue()
    }

    pub(crate) fn announcement(&self) -> NewUpload {
        let (filename, ladder) = ("Über \"slides\"\n.mp4".to_owned(), "lecture".to_owned());
        NewUpload {
            tenant_id: self.tenant.clone(),
            filename,
            size_bytes: Some(SIZE),
            parts: vec![],
            ladder,
            protection: None,
        }
    }

    pub(crate) async fn announce(&self, new: &NewUpload, now_ms: i64) -> Result<(UploadRow, AssetRow), StoreError> {
        let mut tx = self.queue().database().begin().await?;
        let announced = self.store.create_upload(&mut tx, new, now_ms).await?;
        tx.commit().await?;
        Ok(announced)
    }

    pub(crate) async fn announced(&self, now_ms: i64) -> (UploadRow, AssetRow) {
        self.announce(&self.announcement(), now_ms).await.unwrap()
    }

    /// An asset whose probe job is ready.
    pub(crate) async fn uploaded(&self) -> AssetRow {
        let (upload, _) = self.announced(1).await;
        self.store.record_received(&self.tenant, &upload.id, SIZE / 2, 2).await.unwrap();
        self.store.attach_source(&self.tenant, &upload.id, SIZE, "ab", 3).await.unwrap()
    }

    /// An asset with a plan of two ranges and two renditions, all of its jobs enqueued.
    pub(crate) async fn planned(&self) -> AssetRow {
        let asset = self.uploaded().await;
        self.done("probe", Some(FlowEvent::Probed), 4).await;
        self.done("plan", Some(FlowEvent::Planned { summary: plan() }), 5).await;
        self.asset(&asset.id).await
    }

    /// An asset that can be played in its lowest rendition.
    pub(crate) async fn playable(&self) -> AssetRow {
        let asset = self.planned().await;
        for _beginning in ["pictures", "sound"] {
            self.done("encode_ahead", None, 6).await;
        }
        self.publish("publish_first", |generation| FlowEvent::FirstPlayable { generation }, 7).await;
        self.asset(&asset.id).await
    }

    /// An asset with everything.
    pub(crate) async fn ready(&self) -> AssetRow {
        let asset = self.playable().await;
        for stage in ["encode_ahead", "encode_ahead", "encode_audio", "stills", "encode_range", "encode_range"] {
            self.done(stage, None, 8).await;
        }
        self.publish("publish_complete", |generation| FlowEvent::Complete { generation, losses: Vec::new() }, 9).await;
        self.asset(&asset.id).await
    }

    pub(crate) async fn asset(&self, asset: &AssetId) -> AssetRow {
        self.store.asset(&self.tenant, asset).await.unwrap().unwrap()
    }

    pub(crate) async fn claim(&self, stage: &str) -> ClaimedJob {
        self.try_claim(stage).await.unwrap_or_else(|| panic!("no {stage} job is ready"))
    }

    pub(crate) async fn try_claim(&self, stage: &str) -> Option<ClaimedJob> {
        self.queue().claim(&[stage], i64::MIN, "worker-1").await.unwrap()
    }

    /// Claims a job and commits it.
    pub(crate) async fn done(&self, stage: &str, event: Option<FlowEvent>, now_ms: i64) {
        let job = self.claim(stage).await;
        let result = json!({ "stage": stage });
        let event = event.map(|event| event.of_making(job.making));
        self.store.commit(&job.fence, &job.asset_id, result, event.as_ref(), now_ms).await.unwrap();
    }

    /// Claims a publishing job, allocates its generation and commits it.
    pub(crate) async fn publish(&self, stage: &str, event: fn(u64) -> FlowEvent, now_ms: i64) -> u64 {
        let job = self.claim(stage).await;
        let (store, asset) = (&self.store, &job.asset_id);
        let generation = store.allocate_generation(&job.fence, asset, now_ms).await.unwrap();
        let event = event(generation).of_making(job.making);
        store.commit(&job.fence, asset, json!({}), Some(&event), now_ms).await.unwrap();
        generation
    }

    /// The jobs of the asset's first making.
    pub(crate) async fn jobs(&self, asset: &AssetId) -> Vec<JobRow> {
        self.queue().jobs_of(&self.tenant, asset, 0).await.unwrap()
    }

    /// The stages of the asset's jobs in a state, sorted.
    pub(crate) async fn stages_in(&self, asset: &AssetId, state: JobState) -> Vec<String> {
        let jobs = self.jobs(asset).await;
        let mut stages: Vec<String> = jobs.into_iter().filter(|job| job.state == state).map(|job| job.stage).collect();
        stages.sort();
        stages
    }

    /// The kinds of the asset's events, in order.
    pub(crate) async fn kinds(&self, asset: &AssetId) -> Vec<String> {
        let events = outbox::after(self.queue().database(), &self.tenant, 0, 200).await.unwrap();
        events.into_iter().filter(|event| event.subject == asset.as_str()).map(|event| event.kind).collect()
    }

    /// Everything that a change of the asset would show in.
    pub(crate) async fn everything(&self, asset: &AssetId) -> String {
        let jobs = self.jobs(asset).await;
        format!("{:?} {jobs:?} {:?}", self.asset(asset).await, self.kinds(asset).await)
    }
}

pub(crate) fn plan() -> PlanSummary {
    let rendition =
        |name: &str, width, height| RenditionSummary { name: name.to_owned(), width, height, codec: VideoCodec::H264 };
    PlanSummary {
        ranges: vec![600, 300],
        renditions: vec![rendition("360p", 640, 360), rendition("720p", 1280, 720)],
        audio: 1,
        text: 0,
        stills: true,
        duration_ms: 36_000,
        per_title: false,
        skipped: vec![SkippedRung { name: "1080p".to_owned(), reason: "the source is 720p".to_owned() }],
        warnings: Vec::new(),
        losses: Vec::new(),
        ladder_sha256: "cd".to_owned(),
        planned_generation: Some(1),
    }
}

pub(crate) fn failure(stage: &str) -> FlowFailure {
    FlowFailure {
        stage: stage.to_owned(),
        code: "engine.died".to_owned(),
        detail: "the engine\0 died".to_owned(),
        hint: Some("try again".to_owned()),
    }
}
