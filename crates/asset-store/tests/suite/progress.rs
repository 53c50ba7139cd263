//! How far an asset is.

use asset_flow::FlowEvent;
use asset_store::{Progress, RenditionState};
use database::testing::for_each_engine;
use media_types::AssetId;
use serde_json::json;

use crate::support::{Bench, SIZE, failure, plan};

/// Reads the progress again and again and checks that it only grows.
struct Watch {
    bench: Bench,
    asset: AssetId,
    percent: f64,
}

impl Watch {
    /// The progress, after a change that must show.
    async fn grown(&mut self, stage: &str) -> Progress {
        let before = self.percent;
        let progress = self.kept(stage).await;
        assert!(progress.percent > before, "{stage}: {} is not above {before}", progress.percent);
        progress
    }

    async fn kept(&mut self, stage: &str) -> Progress {
        let progress = self.bench.store.progress(&self.bench.tenant, &self.asset).await.unwrap();
        assert_eq!(progress.stage, stage);
        assert!(progress.percent >= self.percent && progress.percent <= 100.0, "{progress:?}");
        assert_eq!(progress.percent == 100.0, stage == "done", "{progress:?}");
        self.percent = progress.percent;
        progress
    }
}

#[tokio::test]
async fn progress_grows_with_every_step_of_the_happy_path() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        let (store, tenant) = (&bench.store, &bench.tenant);
        let (upload, asset) = bench.announced(1).await;
        let mut watch = Watch { bench: bench.clone(), asset: asset.id, percent: 0.0 };
        assert_eq!(watch.kept("upload").await.percent, 0.0);
        for received in [1, SIZE / 2, SIZE] {
            store.record_received(tenant, &upload.id, received, 2).await.unwrap();
            watch.grown("upload").await;
        }
        store.attach_source(tenant, &upload.id, SIZE, "ab", 3).await.unwrap();
        watch.kept("probe").await;
        bench.done("probe", Some(FlowEvent::Probed), 4).await;
        let planning = watch.grown("plan").await;
        assert!(planning.renditions.is_empty() && planning.eta_s.is_none());
        bench.done("plan", Some(FlowEvent::Planned { summary: plan() }), 5).await;
        let planned = watch.grown("encode").await;
        assert_eq!(planned.eta_s, None, "nothing has run yet");
        let job = bench.claim("encode_range").await;
        bench.queue().renew(&job.fence, 0.5).await.unwrap();
        watch.grown("encode").await;
        store.commit(&job.fence, &job.asset_id, json!({}), None, 6).await.unwrap();
        watch.grown("encode").await;
        for _beginning in ["pictures", "sound"] {
            bench.done("encode_ahead", None, 6).await;
            watch.kept("encode").await;
        }
        bench.publish("publish_first", |generation| FlowEvent::FirstPlayable { generation }, 7).await;
        for stage in ["encode_range", "encode_audio", "stills"] {
            watch.grown("encode").await;
            bench.done(stage, None, 6).await;
        }
        watch.grown("publish").await;
        for _next in ["pictures", "sound"] {
            bench.done("encode_ahead", None, 8).await;
        }
        bench.publish("publish_complete", |generation| FlowEvent::Complete { generation, losses: Vec::new() }, 9).await;
        let done = watch.grown("done").await;
        assert_eq!(done.eta_s, None);
        let deleting = bench.store.request(tenant, &watch.asset, FlowEvent::DeleteRequested, 10).await.unwrap();
        assert_eq!(store.progress(tenant, &deleting.id).await.unwrap().stage, "delete");
    })
    .await;
}

#[tokio::test]
async fn each_rendition_counts_its_own_frames() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        let asset = bench.planned().await;
        let show = || async {
            let progress = bench.store.progress(&bench.tenant, &asset.id).await.unwrap();
            let line = |r: &asset_store::RenditionProgress| format!("{} {:?} {:.0}", r.name, r.state, r.percent);
            progress.renditions.iter().map(line).collect::<Vec<_>>().join(", ")
        };
        assert_eq!(show().await, "360p Waiting 0, 720p Waiting 0, 1080p Skipped 0");
        bench.done("encode_range", None, 6).await;
        assert_eq!(show().await, "360p Running 67, 720p Running 67, 1080p Skipped 0");
        let job = bench.claim("encode_range").await;
        bench.queue().renew(&job.fence, 0.5).await.unwrap();
        assert_eq!(show().await, "360p Running 83, 720p Running 83, 1080p Skipped 0");
        bench.store.fail(&job, &failure("encode_range"), job_queue::Retry::No, 7).await.unwrap();
        assert_eq!(show().await, "360p Failed 67, 720p Failed 67, 1080p Skipped 0");
        let failed = bench.store.progress(&bench.tenant, &asset.id).await.unwrap();
        assert_eq!((failed.stage.as_str(), failed.eta_s), ("encode", None));
        let skipped = failed.renditions.last().unwrap();
        assert_eq!((skipped.state, skipped.reason.as_deref()), (RenditionState::Skipped, Some("the source is 720p")));
    })
    .await;
}

#[tokio::test]
async fn a_job_that_starts_over_does_not_turn_the_bar_back() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        let asset = bench.planned().await;
        let job = bench.claim("encode_range").await;
        bench.queue().renew(&job.fence, 0.9).await.unwrap();
        let before = bench.store.progress(&bench.tenant, &asset.id).await.unwrap();
        bench.queue().hand_back(&job.fence).await.unwrap();
        let after = bench.store.progress(&bench.tenant, &asset.id).await.unwrap();
        assert_eq!(after.percent, before.percent);
    })
    .await;
}

#[tokio::test]
async fn the_estimate_follows_from_the_time_the_work_took_so_far() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        let asset = bench.planned().await;
        for _ in 0..2 {
            bench.done("encode_range", None, 6).await;
        }
        let jobs = bench.jobs(&asset.id).await;
        let begun_ms = jobs.iter().filter(|job| job.stage == "encode_range").filter_map(|job| job.started_ms).min();
        let begun_ms = begun_ms.unwrap();
        let of_no_progress = ["probe", "plan", "encode_ahead"];
        let work: Vec<_> = jobs.iter().filter(|job| !of_no_progress.contains(&job.stage.as_str())).collect();
        let all: i64 = work.iter().map(|job| job.weight).sum();
        let done: i64 = work.iter().filter(|job| job.finished_ms.is_some()).map(|job| job.weight).sum();
        let at = |now_ms| bench.store.progress_at(&bench.tenant, &asset.id, now_ms);
        assert_eq!(at(begun_ms + 500).await.unwrap().eta_s, None, "too early to tell");
        let eta_s = at(begun_ms + 10_000).await.unwrap().eta_s.unwrap();
        let expected = 10.0 * (all - done) as f64 / done as f64;
        assert!((eta_s as f64 - expected).abs() <= 1.0, "{eta_s} is not about {expected}");
        assert_eq!(at(i64::MAX).await.unwrap().eta_s, Some(7 * 86_400));
    })
    .await;
}
