//! What the engine found out about an asset, and why it has the renditions that it has.

use asset_flow::{FlowEvent, PlanSummary, RenditionSummary};
use media_types::{AssetId, SkippedRung, VideoCodec};
use serde_json::{Value, json};

use crate::server::Server;

fn summary() -> PlanSummary {
    let rendition = |name: &str, width, height, codec| RenditionSummary { name: name.to_owned(), width, height, codec };
    PlanSummary {
        ranges: vec![600],
        renditions: vec![
            rendition("360p", 640, 360, VideoCodec::H264),
            rendition("720p", 1280, 720, VideoCodec::H264),
            rendition("720p-av1", 1280, 720, VideoCodec::Av1),
        ],
        stills: true,
        duration_ms: 24_000,
        skipped: vec![SkippedRung { name: "1080p".to_owned(), reason: "the source is 720p".to_owned() }],
        per_title: true,
        ladder_sha256: "cd".to_owned(),
        ..PlanSummary::default()
    }
}

/// Claims the asset's next job of a stage and commits it.
async fn done(server: &Server, stage: &str, result: Value, event: Option<FlowEvent>) {
    let job = server.store.queue().claim(&[stage], i64::MIN, "worker-1").await.unwrap();
    let job = job.unwrap_or_else(|| panic!("no {stage} job is ready"));
    server.store.commit(&job.fence, &job.asset_id, result, event.as_ref(), 5).await.unwrap();
}

async fn show(server: &Server, asset: &AssetId) -> (Value, Value) {
    let path = format!("/api/v1/assets/{asset}");
    (server.get(&path).await.json(), server.get(&format!("{path}/ladder")).await.json())
}

#[tokio::test]
async fn an_asset_says_what_it_shows_how_good_it_looks_and_why_it_has_its_renditions() {
    let server = Server::start().await;
    let asset = server.uploaded().await;
    let (view, ladder) = show(&server, &asset).await;
    assert_eq!((&view["scenes"], &view["renditions"]), (&json!(null), &json!([])));
    assert_eq!(
        (&ladder["decision"], &ladder["renditions"], &ladder["ladder_sha256"]),
        (&json!(null), &json!([]), &json!(null))
    );

    done(&server, "probe", json!({}), Some(FlowEvent::Probed)).await;
    done(&server, "plan", json!({}), Some(FlowEvent::Planned { summary: summary() })).await;
    let decision = json!({
        "wanted": { "target_db": 39.0, "step_db": 2.0, "legible_lines": 720 }, "sampled_ms": 16_000, "compared_at": [1280, 720],
        "is_drawn": true, "first_is_early_only": true, "chosen": [{ "name": "720p", "bitrate_bps": 300_000, "quality_db": 38.2 }],
        "trials": [{ "name": "720p", "width": 1280, "height": 720, "crf": 29.0, "bitrate_bps": 290_000, "quality_db": 38.0 }],
    });
    done(&server, "analyse", json!({ "decision": decision }), Some(FlowEvent::Analysed { summary: summary() })).await;
    let (view, ladder) = show(&server, &asset).await;
    assert_eq!((&view["scenes"], &view["renditions"][0]["quality"]), (&json!(null), &json!(null)));
    assert_eq!(
        ladder["decision"],
        json!({
            "target_db": 39.0, "step_db": 2.0, "legible_lines": 720, "sampled_ms": 16_000, "compared_width": 1280,
            "compared_height": 720, "is_drawn": true, "chosen": [{ "name": "720p", "bitrate_bps": 300_000, "xpsnr_db": 38.2 }],
            "trials": [{ "name": "720p", "width": 1280, "height": 720, "crf": 29.0, "bitrate_bps": 290_000, "xpsnr_db": 38.0 }],
        })
    );
    assert_eq!((&ladder["ladder"], &ladder["ladder_sha256"]), (&view["ladder"], &json!("cd")));
    assert_eq!(ladder["skipped"], json!([{ "name": "1080p", "reason": "the source is 720p" }]));
    let planned = ladder["renditions"].as_array().unwrap();
    let early: Vec<_> = planned.iter().map(|one| (&one["name"], &one["codec"], &one["early_only"])).collect();
    let said = |name: &str, codec: &str, early: bool| (json!(name), json!(codec), json!(early));
    let expected = [said("360p", "h264", true), said("720p", "h264", false), said("720p-av1", "av1", false)];
    assert_eq!(early, expected.iter().map(|(name, codec, early)| (name, codec, early)).collect::<Vec<_>>());

    for stage in ["stills", "encode_range"] {
        done(&server, stage, json!({}), None).await;
    }
    let scenes = json!({ "slides": 0.75, "screencast": 0.0, "talking_head": 0.25, "film": 0.0 });
    let quality = json!([{ "track": "video-720p", "xpsnr_db": 38.41 }, { "track": "video-720p-av1", "xpsnr_db": 39.02, "vmaf": 93.5 }]);
    let found = json!({ "generation": 1, "scenes": scenes, "quality": quality, "losses": [] });
    done(&server, "publish_complete", found, Some(FlowEvent::Complete { generation: 1, losses: Vec::new() })).await;
    let (view, ladder) = show(&server, &asset).await;
    assert_eq!((&view["state"], &view["scenes"]), (&json!("ready"), &scenes));
    let measured = json!([null, { "xpsnr_db": 38.41 }, { "xpsnr_db": 39.02, "vmaf": 93.5 }]);
    for renditions in [&view["renditions"], &ladder["renditions"]] {
        let qualities: Vec<_> =
            renditions.as_array().unwrap().iter().map(|one| one["quality"].clone()).take(3).collect();
        assert_eq!(json!(qualities), measured);
    }
    let listed = server.get("/api/v1/assets").await.json();
    assert_eq!(listed["items"][0], view, "a list tells as much");
}

#[tokio::test]
async fn the_ladder_of_an_asset_has_a_tag_and_none_is_had_of_what_is_not_there() {
    let server = Server::start().await;
    let asset = server.uploaded().await;
    server.plan(&asset).await;
    let path = format!("/api/v1/assets/{asset}/ladder");
    let first = server.get(&path).await;
    assert_eq!((first.status, &first.json()["decision"]), (200, &json!(null)), "its ladder decides nothing");
    let again = server.call("GET", &path, &[("if-none-match", first.header("etag"))], "").await;
    assert_eq!(again.status, 304);
    assert_eq!(server.get("/api/v1/assets/ast_nope/ladder").await.code(), "asset.not_found");
    assert_eq!(server.anonymous("GET", &path, &[]).await.status, 401);
}
