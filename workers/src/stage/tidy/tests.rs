//! On a real database and a store in memory.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::Arc;

use asset_flow::{FlowEvent, PlanSummary};
use asset_store::{AssetStore, NewUpload, UploadRow};
use bytes::Bytes;
use database::EngineKind;
use database::testing::Scratch;
use engine_host::EngineOptions;
use job_queue::JobQueue;
use media_store::{MediaStore, MemoryStore};
use media_types::{LadderPin, PublishedFile, TenantId};

use super::super::Protecting;
use super::*;

struct Bench {
    workshop: Workshop,
    media: Arc<MemoryStore>,
    tenant: TenantId,
    _scratch: Scratch,
}

impl Bench {
    async fn new() -> Self {
        let scratch = Scratch::migrated(EngineKind::Sqlite).await;
        let media = Arc::new(MemoryStore::default());
        let store = AssetStore::new(JobQueue::new(scratch.db.clone()));
        let no_engine = EngineOptions::new("/nowhere/lectern-engine".into());
        let no_ladders = Arc::new(|_| Box::pin(std::future::ready(Ok(None))) as _);
        let workshop = Workshop::new(store, media.clone(), no_engine, no_ladders, Protecting::default());
        Self { workshop, media, tenant: TenantId::from_unique("a"), _scratch: scratch }
    }

    fn now_ms(&self) -> i64 {
        self.workshop.store.now_ms()
    }

    async fn claim(&self, stage: &str) -> Option<ClaimedJob> {
        self.workshop.store.queue().claim(&[stage], i64::MIN, "worker-1").await.unwrap()
    }

    async fn done(&self, stage: &str, event: Option<FlowEvent>, at_ms: i64) {
        let job = self.claim(stage).await.unwrap();
        let event = event.map(|event| event.of_making(job.making));
        let commit = self.workshop.store.commit(&job.fence, &job.asset_id, json!({}), event.as_ref(), at_ms);
        commit.await.unwrap();
    }

    /// A recording of sound alone whose second generation was published at `at_ms`.
    async fn ready(&self, at_ms: i64) -> AssetRow {
        let upload = self.announced(at_ms).await;
        self.published(&upload, at_ms).await
    }

    async fn announced(&self, at_ms: i64) -> UploadRow {
        let store = &self.workshop.store;
        let (tenant_id, ladder) = (self.tenant.clone(), "lecture".to_owned());
        let upload = NewUpload {
            tenant_id,
            filename: "talk.mp3".to_owned(),
            size_bytes: Some(9),
            parts: vec![],
            ladder,
            protection: None,
        };
        let mut tx = store.queue().database().begin().await.unwrap();
        let (upload, _) = store.create_upload(&mut tx, &upload, at_ms).await.unwrap();
        tx.commit().await.unwrap();
        upload
    }

    /// An upload of which enough has arrived to begin with.
    async fn begun(&self) -> UploadRow {
        let (store, upload) = (&self.workshop.store, self.announced(self.now_ms()).await);
        store.record_received(&self.tenant, &upload.id, 4, self.now_ms()).await.unwrap();
        store.take_head_start(&self.tenant, &upload.id, self.now_ms()).await.unwrap();
        upload
    }

    async fn published(&self, upload: &UploadRow, at_ms: i64) -> AssetRow {
        let store = &self.workshop.store;
        let asset = store.attach_source(&self.tenant, &upload.id, 9, "ab", at_ms).await.unwrap();
        let summary = PlanSummary { audio: 1, duration_ms: 1_000, ..PlanSummary::default() };
        self.done("probe", Some(FlowEvent::Probed), at_ms).await;
        self.done("plan", Some(FlowEvent::Planned { summary }), at_ms).await;
        self.done("encode_audio", None, at_ms).await;
        self.done("publish_complete", Some(FlowEvent::Complete { generation: 2, losses: Vec::new() }), at_ms).await;
        store.asset(&self.tenant, &asset.id).await.unwrap().unwrap()
    }

    /// The recording, whose media are being made once more with another ladder.
    async fn renewing(&self, asset: &AssetRow, at_ms: i64) -> AssetRow {
        let (store, ladder) = (&self.workshop.store, LadderPin { name: "lecture".into(), sha256: "new".into() });
        store.renew(&self.tenant, &asset.id, &ladder, None, at_ms).await.unwrap();
        store.start_renewals(at_ms).await.unwrap();
        store.asset(&self.tenant, &asset.id).await.unwrap().unwrap()
    }

    /// The same, whose third generation was published at `at_ms`.
    async fn renewed(&self, asset: &AssetRow, at_ms: i64) -> AssetRow {
        self.renewing(asset, at_ms).await;
        let summary = PlanSummary { audio: 1, duration_ms: 1_000, ..PlanSummary::default() };
        self.done("plan", Some(FlowEvent::Planned { summary }), at_ms).await;
        self.done("encode_audio", None, at_ms).await;
        self.done("publish_complete", Some(FlowEvent::Complete { generation: 3, losses: Vec::new() }), at_ms).await;
        self.workshop.store.asset(&self.tenant, &asset.id).await.unwrap().unwrap()
    }

    async fn put(&self, key: &str, bytes: impl Into<Bytes>) {
        self.media.put_new(key, bytes.into()).await.unwrap();
    }

    /// A generation whose only file lies in the folder of an attempt.
    async fn publish(&self, asset: &AssetRow, generation: u64, attempt: &str) {
        let key = format!("{}{attempt}/audio-en/00001.m4s", publication::work_prefix(&asset.id));
        self.put(&key, "media").await;
        let file = PublishedFile { key, size_bytes: 5, blake3: "ab".into(), media_type: "audio/mp4".into() };
        let files = BTreeMap::from([("audio-en/00001.m4s".to_owned(), file)]);
        let index = GenerationIndex { generation, duration_ms: 1_000, files, planned: BTreeMap::new() };
        for (path, bytes) in [("master.m3u8", "#EXTM3U"), ("video-360p/trick.mp4", "keyframes")] {
            self.put(&publication::generation_key(&asset.playback_id, generation, path), bytes).await;
        }
        let index_key = publication::index_key(&asset.playback_id, generation);
        self.put(&index_key, serde_json::to_vec(&index).unwrap()).await;
        media_store::pointer::advance(self.media.as_ref(), &asset.playback_id, generation).await.unwrap();
    }

    /// What is stored, without the ids of the asset.
    async fn stored(&self, asset: &AssetRow) -> Vec<String> {
        let keys = self.media.list("", None, MAX_LISTED_KEYS).await.unwrap();
        let short = |key: String| {
            key.replace(&publication::work_prefix(&asset.id), "work/")
                .replace(&publication::published_prefix(&asset.playback_id), "published/")
        };
        keys.into_iter().map(short).collect()
    }

    async fn tidy(&self) {
        let job = self.claim("tidy").await.unwrap();
        self.workshop.tidy(&job, &Lease::detached()).await.unwrap();
    }
}

#[tokio::test]
async fn what_no_generation_refers_to_goes_at_once_and_a_superseded_generation_after_a_day() {
    for (age_ms, expected) in [
        (
            0,
            &[
                "published/current.json",
                "published/g1/index.json",
                "published/g1/master.m3u8",
                "published/g1/video-360p/trick.mp4",
                "published/g2/index.json",
                "published/g2/master.m3u8",
                "published/g2/video-360p/trick.mp4",
                "work/job-1/audio-en/00001.m4s",
                "work/job-2/audio-en/00001.m4s",
                "work/plan.json",
            ][..],
        ),
        (
            GENERATION_KEPT_MS,
            &[
                "published/current.json",
                "published/g2/index.json",
                "published/g2/master.m3u8",
                "published/g2/video-360p/trick.mp4",
                "work/job-2/audio-en/00001.m4s",
                "work/plan.json",
            ],
        ),
    ] {
        let bench = Bench::new().await;
        let asset = bench.ready(bench.now_ms() - age_ms).await;
        bench.publish(&asset, 1, "job-1").await;
        bench.publish(&asset, 2, "job-2").await;
        for path in ["plan.json", "job-3/audio-en/00001.m4s"] {
            bench.put(&format!("{}{path}", publication::work_prefix(&asset.id)), "x").await;
        }
        let half_written = publication::generation_key(&asset.playback_id, 3, "master.m3u8");
        bench.put(&half_written, "#EXTM3U").await;
        bench.tidy().await;
        assert_eq!(bench.stored(&asset).await, expected, "{age_ms}");
    }
}

#[tokio::test]
async fn of_an_upload_that_was_begun_anew_what_was_learned_of_its_first_bytes_goes() {
    let bench = Bench::new().await;
    let upload = bench.begun().await;
    bench.workshop.store.restart_upload(&bench.tenant, &upload.id, bench.now_ms()).await.unwrap();
    let asset = bench.published(&upload, bench.now_ms()).await;
    bench.publish(&asset, 2, "job-2").await;
    let work = publication::work_prefix(&asset.id);
    for path in ["plan.json", "probe.json", "tracks/video-360p.json", "take-1/plan.json", "take-1/probe.json"] {
        bench.put(&format!("{work}{path}"), "x").await;
    }
    bench.put(&publication::generation_key(&asset.playback_id, 1, "video-360p/00001.m4s"), "of other bytes").await;
    bench.tidy().await;
    let stored = bench.stored(&asset).await;
    let left: Vec<&str> = stored.iter().map(String::as_str).filter(|key| !key.starts_with("published/g2/")).collect();
    let expected =
        ["published/current.json", "work/job-2/audio-en/00001.m4s", "work/take-1/plan.json", "work/take-1/probe.json"];
    assert_eq!(left, expected);
}

#[tokio::test]
async fn of_an_upload_that_never_came_to_be_whole_nothing_stays() {
    let bench = Bench::new().await;
    let upload = bench.begun().await;
    let asset = bench.workshop.store.asset(&bench.tenant, &upload.asset_id).await.unwrap().unwrap();
    let work = publication::work_prefix(&asset.id);
    for path in ["probe.json", "plan.json", "tracks/video-360p.json"] {
        bench.put(&format!("{work}{path}"), "x").await;
    }
    bench.put(&publication::generation_key(&asset.playback_id, 1, "video-360p/00001.m4s"), "media").await;
    bench.workshop.store.cancel_upload(&bench.tenant, &upload.id, bench.now_ms()).await.unwrap();
    bench.tidy().await;
    assert_eq!(bench.stored(&asset).await, Vec::<String>::new());
}

#[tokio::test]
async fn what_a_renewal_took_the_place_of_stays_for_a_day_however_old_it_is() {
    let (probe, served) = ("work/probe.json", "work/job-2/audio-en/00001.m4s");
    let (new, plan) = ("work/job-9/audio-en/00001.m4s", "work/making-1/plan.json");
    for (age_ms, expected) in [(0, vec![served, new, plan, probe]), (GENERATION_KEPT_MS, vec![new, plan, probe])] {
        let bench = Bench::new().await;
        let asset = bench.ready(bench.now_ms() - 9 * GENERATION_KEPT_MS).await;
        bench.publish(&asset, 2, "job-2").await;
        let asset = bench.renewed(&asset, bench.now_ms() - age_ms).await;
        bench.publish(&asset, 3, "job-9").await;
        let learned = ["probe.json", "plan.json", "decided.json", "making-1/plan.json", "making-7/plan.json"];
        for path in learned {
            bench.put(&format!("{}{path}", publication::work_prefix(&asset.id)), "x").await;
        }
        bench.tidy().await;
        let stored = bench.stored(&asset).await;
        let work: Vec<&str> = stored.iter().map(String::as_str).filter(|key| key.starts_with("work/")).collect();
        assert_eq!(work, expected, "{age_ms}");
        assert_eq!(stored.iter().any(|key| key.starts_with("published/g2/")), age_ms == 0);
    }
}

#[tokio::test]
async fn nothing_is_removed_while_a_renewal_is_under_way_nor_when_it_begins_meanwhile() {
    let bench = Bench::new().await;
    let before = bench.ready(bench.now_ms()).await;
    bench.publish(&before, 2, "job-2").await;
    bench.renewing(&before, bench.now_ms()).await;
    for path in ["making-1/plan.json", "job-9/audio-en/00001.m4s"] {
        bench.put(&format!("{}{path}", publication::work_prefix(&before.id)), "x").await;
    }
    bench.put(&publication::generation_key(&before.playback_id, 3, "master.m3u8"), "#EXTM3U").await;
    let stored = bench.stored(&before).await;
    // As it was read before the renewal began.
    let lease = Lease::detached();
    assert!(matches!(bench.workshop.tidy_generations(&before, &lease).await, Err(WorkError::NotYet(_))));
    let attempts = bench.workshop.tidy_attempts(&before, &BTreeSet::new(), &lease).await;
    assert!(matches!(attempts, Err(WorkError::NotYet(_))));
    bench.tidy().await;
    assert_eq!(bench.stored(&before).await, stored);
}

#[tokio::test]
async fn a_lost_attempt_leaves_nothing_and_one_that_counts_stays() {
    let bench = Bench::new().await;
    let asset = bench.ready(bench.now_ms()).await;
    let job = bench.claim("tidy").await.unwrap();
    let key = format!("{}file", attempt_prefix(&job));
    bench.put(&key, "x").await;
    bench.workshop.commit(&job, json!({}), None).await.unwrap();
    bench.workshop.discard_attempt(&job).await;
    assert_eq!(bench.stored(&asset).await.len(), 1);
    let mut lost = job.clone();
    lost.fence.attempt += 1;
    bench.put(&format!("{}file", attempt_prefix(&lost)), "x").await;
    bench.workshop.discard_attempt(&lost).await;
    assert_eq!(bench.media.list("", None, MAX_LISTED_KEYS).await.unwrap(), [key]);
}
