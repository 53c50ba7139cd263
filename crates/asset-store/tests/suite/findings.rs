//! What was found out about a recording is read where the jobs that found it left it.

use asset_flow::{FlowEvent, PlanSummary};
use database::testing::for_each_engine;
use media_types::{LadderPin, RenditionQuality, SceneShares};
use serde_json::{Value, json};

use crate::support::{Bench, plan};

fn found(slides: f64, xpsnr_db: f64) -> Value {
    let scenes = SceneShares { slides, film: 1.0 - slides, ..SceneShares::default() };
    json!({ "generation": 1, "scenes": scenes, "quality": [{ "track": "video-360p", "xpsnr_db": xpsnr_db }], "losses": [] })
}

fn decided(target_db: f64) -> Value {
    let wanted = json!({ "target_db": target_db, "step_db": 2.0 });
    let trial =
        json!({ "name": "360p", "width": 640, "height": 360, "crf": 23.0, "bitrate_bps": 400_000, "quality_db": 37.5 });
    json!({ "decision": {
        "wanted": wanted, "sampled_ms": 16_000, "compared_at": [1280, 720], "trials": [trial],
        "chosen": [{ "name": "360p", "bitrate_bps": 400_000, "quality_db": 37.5 }], "first_is_early_only": false,
    } })
}

impl Bench {
    async fn commit(&self, stage: &str, result: Value, event: Option<FlowEvent>) {
        let job = self.claim(stage).await;
        let event = event.map(|event| event.of_making(job.making));
        self.store.commit(&job.fence, &job.asset_id, result, event.as_ref(), 9).await.unwrap();
    }

    async fn media_made(&self) {
        for stage in ["encode_audio", "stills", "encode_range"] {
            self.done(stage, None, 8).await;
        }
    }
}

#[tokio::test]
async fn what_was_found_is_that_of_the_making_that_is_served() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        let summary = |sha256: &str| PlanSummary {
            ranges: vec![900],
            per_title: true,
            ladder_sha256: sha256.to_owned(),
            planned_generation: None,
            ..plan()
        };
        let complete = |generation| Some(FlowEvent::Complete { generation, losses: Vec::new() });
        let asset = bench.uploaded().await;
        bench.done("probe", Some(FlowEvent::Probed), 4).await;
        bench.commit("plan", json!({}), Some(FlowEvent::Planned { summary: summary("cd") })).await;
        let row = bench.asset(&asset.id).await;
        assert_eq!(
            (bench.store.completion(&row).await.unwrap(), bench.store.decision(&row).await.unwrap()),
            (None, None)
        );
        bench.commit("analyse", decided(39.0), Some(FlowEvent::Analysed { summary: summary("cd") })).await;
        let row = bench.asset(&asset.id).await;
        assert_eq!(bench.store.decision(&row).await.unwrap().unwrap().wanted.target_db, 39.0);
        bench.media_made().await;
        assert_eq!(bench.store.completion(&row).await.unwrap(), None, "nothing is published yet");
        bench.commit("publish_complete", found(0.25, 38.5), complete(1)).await;

        let row = bench.asset(&asset.id).await;
        let read = bench.store.completion(&row).await.unwrap().unwrap();
        assert_eq!(read.scenes.unwrap().slides, 0.25);
        assert_eq!(read.quality, [RenditionQuality { track: "video-360p".to_owned(), xpsnr_db: 38.5, vmaf: None }]);

        let ladder = LadderPin { name: "lecture".to_owned(), sha256: "ef".to_owned() };
        bench.store.renew(&bench.tenant, &asset.id, &ladder, None, 20).await.unwrap();
        bench.store.start_renewals(20).await.unwrap();
        bench.commit("plan", json!({}), Some(FlowEvent::Planned { summary: summary("ef") })).await;
        bench.commit("analyse", decided(42.0), Some(FlowEvent::Analysed { summary: summary("ef") })).await;
        let row = bench.asset(&asset.id).await;
        assert_eq!(bench.store.decision(&row).await.unwrap().unwrap().wanted.target_db, 39.0, "that is served still");
        bench.media_made().await;
        bench.commit("publish_complete", found(0.5, 41.0), complete(2)).await;
        let row = bench.asset(&asset.id).await;
        let read = bench.store.completion(&row).await.unwrap().unwrap();
        assert_eq!((read.scenes.unwrap().slides, read.quality[0].xpsnr_db), (0.5, 41.0));
        assert_eq!(bench.store.decision(&row).await.unwrap().unwrap().wanted.target_db, 42.0);
    })
    .await;
}

#[tokio::test]
async fn what_another_build_wrote_and_this_one_cannot_read_is_not_known() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        let asset = bench.playable().await;
        for stage in ["encode_ahead", "encode_ahead", "encode_audio", "stills", "encode_range", "encode_range"] {
            bench.done(stage, None, 8).await;
        }
        let complete = Some(FlowEvent::Complete { generation: 2, losses: Vec::new() });
        bench.commit("publish_complete", json!({ "quality": "very good" }), complete).await;
        let row = bench.asset(&asset.id).await;
        assert_eq!(bench.store.completion(&row).await.unwrap(), None);
    })
    .await;
}
