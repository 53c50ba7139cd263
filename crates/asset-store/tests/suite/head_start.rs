//! Work that begins while the source arrives.

use asset_flow::{FlowEvent, HeadStart, Phase};
use asset_store::{AssetRow, NewUpload, StoreError, UploadRow, UploadState};
use database::testing::for_each_engine;
use drm::ProtectionScheme;
use job_queue::JobState;
use serde_json::json;

use crate::support::{Bench, SIZE, plan};

impl Bench {
    /// An upload of which half has arrived, enough to begin with.
    async fn begun(&self) -> (UploadRow, AssetRow) {
        let (upload, _) = self.announced(1).await;
        let upload = self.store.record_received(&self.tenant, &upload.id, SIZE / 2, 2).await.unwrap();
        let asset = self.store.take_head_start(&self.tenant, &upload.id, 3).await.unwrap();
        (upload, asset)
    }

    /// The same with its plan; the pictures of its beginning are about to be made.
    async fn begun_and_planned(&self) -> (UploadRow, AssetRow) {
        let (upload, asset) = self.begun().await;
        self.done("probe", Some(FlowEvent::Probed), 4).await;
        self.done("plan", Some(FlowEvent::Planned { summary: plan() }), 5).await;
        (upload, self.asset(&asset.id).await)
    }

    async fn attach(&self, upload: &UploadRow) -> AssetRow {
        self.store.attach_source(&self.tenant, &upload.id, SIZE, "ab", 6).await.unwrap()
    }
}

/// The jobs of the plan, once each.
const OF_PLAN: [&str; 10] = [
    "encode_ahead",
    "encode_ahead",
    "encode_ahead",
    "encode_ahead",
    "encode_audio",
    "encode_range",
    "encode_range",
    "publish_complete",
    "publish_first",
    "stills",
];

#[tokio::test]
async fn what_is_on_its_way_when_the_source_is_whole_is_waited_for_and_not_made_twice() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        let (upload, asset) = bench.begun_and_planned().await;
        assert_eq!((asset.state, asset.duration_ms), (Phase::Ingesting, Some(36_000)));
        let progress = bench.store.progress(&bench.tenant, &asset.id).await.unwrap();
        assert_eq!((progress.stage.as_str(), progress.percent), ("upload", 5.0));
        let pictures = bench.claim("encode_ahead").await;
        assert!(bench.try_claim("encode_ahead").await.is_none(), "what comes next waits, and the sound for all of it");
        let whole = bench.attach(&upload).await;
        assert_eq!((whole.state, whole.flow.take), (Phase::Processing, 0));
        let mut stages: Vec<String> = bench.jobs(&asset.id).await.into_iter().map(|job| job.stage).collect();
        stages.retain(|stage| stage != "probe" && stage != "plan");
        stages.sort();
        assert_eq!(stages, OF_PLAN);
        bench.done("encode_ahead", None, 7).await;
        assert!(bench.try_claim("publish_first").await.is_none(), "the pictures are not there");
        bench.store.commit(&pictures.fence, &asset.id, json!({}), None, 8).await.unwrap();
        bench.publish("publish_first", |generation| FlowEvent::FirstPlayable { generation }, 9).await;
        assert_eq!(bench.asset(&asset.id).await.flow.playable_generation, Some(1));
        let kinds = ["asset.created", "asset.ingesting", "asset.processing", "asset.playable"];
        assert_eq!(bench.kinds(&asset.id).await, kinds);
    })
    .await;
}

#[tokio::test]
async fn work_begins_once_and_nothing_is_playable_before_the_source_is_whole() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        let (upload, asset) = bench.begun_and_planned().await;
        bench.store.take_head_start(&bench.tenant, &upload.id, 6).await.unwrap();
        let pictures = bench.claim("encode_ahead").await;
        let early = Some(FlowEvent::FirstPlayable { generation: 1 });
        let refused = bench.store.commit(&pictures.fence, &asset.id, json!({}), early.as_ref(), 6).await;
        assert!(matches!(refused, Err(StoreError::Flow(_))), "{refused:?}");
        bench.store.commit(&pictures.fence, &asset.id, json!({}), None, 6).await.unwrap();
        bench.done("encode_ahead", None, 6).await;
        assert_eq!(bench.stages_in(&asset.id, JobState::Done).await, ["encode_ahead", "encode_ahead", "plan", "probe"]);
        assert!(bench.stages_in(&asset.id, JobState::Ready).await.is_empty());
        let whole = bench.attach(&upload).await;
        assert_eq!((whole.flow.playable_generation, whole.uploaded_ms), (None, Some(6)));
        let late = bench.store.take_head_start(&bench.tenant, &upload.id, 7).await.unwrap();
        assert_eq!(late.flow, whole.flow);
        // What is made already is found again.
        assert!(bench.stages_in(&asset.id, JobState::Ready).await.contains(&"encode_ahead".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn an_upload_that_is_begun_anew_takes_the_jobs_of_its_bytes_with_it() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        let (upload, asset) = bench.begun_and_planned().await;
        let pictures = bench.claim("encode_ahead").await;
        let anew = bench.store.restart_upload(&bench.tenant, &upload.id, 6).await.unwrap();
        assert_eq!((anew.flow.take, anew.flow.head_start, &anew.flow.plan), (1, HeadStart::None, &None));
        assert_eq!((anew.state, anew.duration_ms, anew.ladder_sha256), (Phase::Ingesting, None, None));
        let row = bench.store.upload_of(&asset).await.unwrap().unwrap();
        assert_eq!((row.received_bytes, row.state), (0, UploadState::Receiving));
        let late = bench.store.commit(&pictures.fence, &asset.id, json!({}), None, 7).await;
        assert!(matches!(late, Err(StoreError::LeaseLost)), "{late:?}");
        assert_eq!(bench.stages_in(&asset.id, JobState::Cancelled).await, ["encode_ahead", "encode_ahead"]);
        // Once more, to the end; the generation of the bytes before is spent.
        bench.store.record_received(&bench.tenant, &upload.id, SIZE / 2, 8).await.unwrap();
        bench.store.take_head_start(&bench.tenant, &upload.id, 8).await.unwrap();
        bench.done("probe", Some(FlowEvent::Probed), 9).await;
        bench.store.restart_upload(&bench.tenant, &upload.id, 10).await.unwrap();
        let whole = bench.attach(&upload).await;
        assert_eq!((whole.state, whole.flow.take), (Phase::Processing, 2));
        assert_eq!(bench.stages_in(&asset.id, JobState::Ready).await, ["probe"]);
        let closed = bench.store.restart_upload(&bench.tenant, &upload.id, 11).await;
        assert!(matches!(closed, Err(StoreError::UploadClosed(UploadState::Attached))));
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_learned_early_is_learned_of_the_whole_source() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        let (upload, asset) = bench.begun().await;
        bench.done("probe", Some(FlowEvent::BeginningUnfit), 4).await;
        bench.store.take_head_start(&bench.tenant, &upload.id, 5).await.unwrap();
        assert!(bench.stages_in(&asset.id, JobState::Ready).await.is_empty(), "it is not tried again");
        bench.attach(&upload).await;
        bench.done("probe", Some(FlowEvent::Probed), 7).await;

        // The last byte overtakes the look at the first ones.
        let (upload, asset) = bench.begun().await;
        let look = bench.claim("plan").await;
        assert_ne!(look.asset_id, asset.id);
        let look = bench.claim("probe").await;
        bench.attach(&upload).await;
        assert!(bench.stages_in(&asset.id, JobState::Ready).await.is_empty(), "one look is enough");
        let unfit = Some(FlowEvent::BeginningUnfit);
        bench.store.commit(&look.fence, &asset.id, json!({}), unfit.as_ref(), 7).await.unwrap();
        assert_eq!(bench.stages_in(&asset.id, JobState::Ready).await, ["probe"]);
    })
    .await;
}

#[tokio::test]
async fn an_upload_that_ends_leaves_no_job_but_those_that_tidy() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        for expires in [false, true] {
            let (upload, asset) = bench.begun_and_planned().await;
            match expires {
                true => assert_eq!(bench.store.expire_uploads(9, 10, 20).await.unwrap().len(), 1),
                false => drop(bench.store.cancel_upload(&bench.tenant, &upload.id, 6).await.unwrap()),
            }
            assert_eq!(bench.asset(&asset.id).await.state, Phase::Errored);
            assert_eq!(bench.stages_in(&asset.id, JobState::Ready).await, ["tidy", "tidy"]);
            assert!(bench.stages_in(&asset.id, JobState::Waiting).await.is_empty());
            let ended = bench.store.take_head_start(&bench.tenant, &upload.id, 21).await.unwrap();
            assert_eq!(ended.state, Phase::Errored);
        }
    })
    .await;
}

#[tokio::test]
async fn a_source_that_is_to_be_sealed_is_waited_for() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        let sealed = NewUpload { protection: Some(ProtectionScheme::Cbcs), ..bench.announcement() };
        let (upload, asset) = bench.announce(&sealed, 1).await.unwrap();
        bench.store.record_received(&bench.tenant, &upload.id, SIZE / 2, 2).await.unwrap();
        bench.store.take_head_start(&bench.tenant, &upload.id, 3).await.unwrap();
        assert!(bench.jobs(&asset.id).await.is_empty());
        assert_eq!(bench.asset(&asset.id).await.flow.head_start, HeadStart::None);
    })
    .await;
}
