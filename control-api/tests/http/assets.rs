//! Assets, their jobs, where they are played and how the older routes show them.

use std::collections::BTreeMap;

use asset_flow::FlowEvent;
use bytes::Bytes;
use kernel::default_tenant;
use media_types::publication::index_key;
use media_types::{AssetId, GenerationIndex, Loss, LossKind, PlaybackId, PublishedFile};
use serde_json::{Value, json};

use crate::server::{Server, asset_of};

async fn show(server: &Server, asset: &AssetId) -> Value {
    server.get(&format!("/api/v1/assets/{asset}")).await.json()
}

/// Stores the index of a generation as a publisher would.
async fn publish(server: &Server, playback: &str, generation: u64) {
    let file = || PublishedFile { key: "k".into(), size_bytes: 1, blake3: "0".into(), media_type: "text/plain".into() };
    let names = [
        "poster.jpg",
        "storyboard.vtt",
        "chapters.vtt",
        "master.m3u8",
        "video-360p/playlist.m3u8",
        "audio/playlist.m3u8",
    ];
    let files = BTreeMap::from_iter(names.map(|name| (name.to_owned(), file())));
    let index = GenerationIndex { generation, duration_ms: 48_500, files, planned: BTreeMap::new() };
    let playback: PlaybackId = playback.parse().unwrap();
    let body = Bytes::from(serde_json::to_vec(&index).unwrap());
    server.media.put_new(&index_key(&playback, generation), body).await.unwrap();
}

#[tokio::test]
async fn a_walk_over_the_pages_sees_each_asset_once_while_others_are_added() {
    let server = Server::start().await;
    let mut expected = Vec::new();
    for number in 0..7 {
        expected.push(server.announce(&format!("{number}.mp4"), 1).await["asset_id"].clone());
    }
    expected.reverse();
    let (mut seen, mut path) = (Vec::new(), "/api/v1/assets?limit=3".to_owned());
    loop {
        let answer = server.get(&path).await;
        let page = answer.json();
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].clone()));
        server.announce("late.mp4", 1).await;
        let link = answer.header("link");
        assert_eq!(link.is_empty(), page["has_more"] == json!(false));
        let Some(next) = page["next"].as_str() else { break };
        path = link.trim_start_matches('<').split('>').next().unwrap().to_owned();
        assert!(link.ends_with("; rel=\"next\"") && path.contains(next), "{link}");
    }
    assert_eq!(seen, expected);
    for query in ["limit=0", "limit=201", "limit=x", "after=zz", "state=nope", "color=red"] {
        assert_eq!(server.get(&format!("/api/v1/assets?{query}")).await.status, 422, "{query}");
    }
    let waiting = server.get("/api/v1/assets?state=awaiting_upload&limit=200").await.json();
    assert_eq!(waiting["items"].as_array().unwrap().len(), 10);
    assert_eq!(server.get("/api/v1/assets?state=ready").await.json()["items"], json!([]));
}

#[tokio::test]
async fn an_asset_can_be_cancelled_and_deleted_in_any_state() {
    let server = Server::start().await;
    for state in ["awaiting_upload", "ingesting", "processing", "planned", "ready", "errored", "deleting"] {
        for action in ["cancel", "delete"] {
            let upload = server.announce("a.mp4", 3).await;
            let asset = asset_of(&upload);
            let tus = upload["tus_url"].as_str().unwrap();
            match state {
                "awaiting_upload" => {}
                "ingesting" => {
                    let headers = [
                        ("tus-resumable", "1.0.0"),
                        ("upload-offset", "0"),
                        ("content-type", "application/offset+octet-stream"),
                    ];
                    assert_eq!(server.call("PATCH", tus, &headers, "a").await.status, 204);
                }
                _ => assert_eq!(server.call("PUT", &format!("{tus}/content"), &[], "abc").await.status, 200),
            }
            match state {
                "planned" => server.plan(&asset).await,
                "ready" => {
                    server.plan(&asset).await;
                    server.apply(&asset, &FlowEvent::Complete { generation: 1, losses: Vec::new() }).await;
                }
                "errored" => server.fail(&asset).await,
                "deleting" => server.apply(&asset, &FlowEvent::DeleteRequested).await,
                _ => {}
            }
            let phase = if state == "planned" { "processing" } else { state };
            assert_eq!(show(&server, &asset).await["state"], phase);
            let path = format!("/api/v1/assets/{asset}");
            let (answer, expected) = match action {
                "cancel" => (
                    server.call("POST", &format!("{path}/cancel"), &[], "").await,
                    match state {
                        "ready" | "deleting" => state,
                        _ => "errored",
                    },
                ),
                _ => (server.call("DELETE", &path, &[], "").await, "deleting"),
            };
            assert_eq!(answer.status, 202, "{action} when {state}: {:?}", answer.body);
            assert_eq!(answer.json()["state"], expected, "{action} when {state}");
            let staged = server.media.stage_offset(&format!("uploads/{asset}")).await.unwrap();
            assert_eq!(staged, None, "{action} when {state} leaves no half upload");
            if (state, action) == ("ready", "cancel") {
                continue;
            }
            let running = server.get(&format!("/api/v1/jobs?asset_id={asset}&state=ready")).await.json();
            let work = |job: &&Value| !["delete", "tidy"].contains(&job["stage"].as_str().unwrap());
            let left = running["items"].as_array().unwrap().iter().filter(work).count();
            assert_eq!(left, 0, "{action} when {state} leaves no work");
        }
    }
    for path in ["/api/v1/assets/ast_nope", "/api/v1/assets/a%2fb"] {
        assert_eq!(server.get(path).await.code(), "asset.not_found");
        assert_eq!(server.call("DELETE", path, &[], "").await.status, 404);
    }
}

#[tokio::test]
async fn a_known_asset_is_not_sent_again_and_a_changed_one_not_deleted() {
    let server = Server::start().await;
    let asset = server.uploaded().await;
    let path = format!("/api/v1/assets/{asset}");
    let first = server.get(&path).await;
    let etag = first.header("etag").to_owned();
    assert!(etag.starts_with('"') && first.header("cache-control") == "private, no-cache");
    let again = server.call("GET", &path, &[("if-none-match", &etag)], "").await;
    assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, etag.as_str()));
    assert_eq!(again.header("content-length"), "", "a 304 does not claim that the asset has no bytes");
    server.fail(&asset).await;
    let changed = server.call("GET", &path, &[("if-none-match", &etag)], "").await;
    assert_eq!(changed.status, 200);
    assert_eq!(changed.json()["error"]["code"], "input.no_media");
    let refused = server.call("DELETE", &path, &[("if-match", &etag)], "").await;
    assert_eq!((refused.status, refused.code().as_str()), (412, "http.precondition_failed"));
    assert_eq!(show(&server, &asset).await["state"], "errored");
    let fresh = changed.header("etag").to_owned();
    assert_eq!(server.call("DELETE", &path, &[("if-match", &fresh)], "").await.status, 202);
}

#[tokio::test]
async fn an_asset_is_playable_first_and_complete_later() {
    let server = Server::start().await;
    let asset = server.uploaded().await;
    let view = show(&server, &asset).await;
    let playback = view["playback_id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/playback/{playback}");
    let early = server.anonymous("GET", &path, &[]).await;
    assert_eq!((early.status, early.code().as_str(), early.header("retry-after")), (404, "playback.not_ready", "5"));
    assert_eq!(server.anonymous("GET", "/api/v1/playback/pb_nope", &[]).await.code(), "playback.not_found");

    server.plan(&asset).await;
    server.apply(&asset, &FlowEvent::FirstPlayable { generation: 1 }).await;
    publish(&server, &playback, 1).await;
    let view = show(&server, &asset).await;
    assert!(view["playable_at"].is_string() && view["complete_at"].is_null());
    assert_eq!((&view["state"], &view["duration_ms"]), (&json!("processing"), &json!(48_500)));
    assert_eq!(view["renditions"][0]["name"], "360p");
    let answer = server.anonymous("GET", &path, &[]).await;
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(
        answer.json(),
        json!({
            "hls": format!("/p/{playback}/master.m3u8"),
            "dash": format!("/p/{playback}/manifest.mpd"),
            "poster": format!("/p/{playback}/g1/poster.jpg"),
            "storyboard": format!("/p/{playback}/g1/storyboard.vtt"),
            "chapters": format!("/p/{playback}/g1/chapters.vtt"),
            "duration_ms": 48_500,
            "protection": null,
        })
    );
    server.apply(&asset, &FlowEvent::Complete { generation: 2, losses: Vec::new() }).await;
    let view = show(&server, &asset).await;
    assert_eq!((&view["state"], &view["progress"]["percent"]), (&json!("ready"), &json!(100.0)));
    assert!(view["complete_at"].is_string());
    let unpublished = server.anonymous("GET", &path, &[]).await.json();
    assert_eq!(unpublished["poster"], json!(null), "generation 2 has no index here");

    server.apply(&asset, &FlowEvent::DeleteRequested).await;
    assert_eq!(server.anonymous("GET", &path, &[]).await.code(), "playback.not_found");
    let failed = server.uploaded().await;
    server.fail(&failed).await;
    let failed = show(&server, &failed).await["playback_id"].as_str().unwrap().to_owned();
    assert_eq!(server.anonymous("GET", &format!("/api/v1/playback/{failed}"), &[]).await.code(), "playback.failed");
}

#[tokio::test]
async fn what_a_recording_lost_is_told_from_when_to_when() {
    let server = Server::start().await;
    let asset = server.uploaded().await;
    let end = Loss { kind: LossKind::EndMissing, track: None, from_ms: 48_500, to_ms: 60_000 };
    let sound = Loss { kind: LossKind::SoundSilent, track: Some("en".to_owned()), from_ms: 61_240, to_ms: 3_600_000 };
    let warning = "the file ends in the middle: what was there is used";
    let told = show(&server, &asset).await;
    server.plan_with(&asset, vec![end.clone()], vec![warning.to_owned()]).await;
    assert_eq!((&told["losses"], &told["warnings"]), (&json!([]), &json!([])), "nothing before it is planned");
    let view = show(&server, &asset).await;
    let detail = "the end of the file is missing: all from 0:48.5 to 1:00.0";
    let of_plan =
        json!([{ "kind": "end_missing", "track": null, "from_ms": 48_500, "to_ms": 60_000, "detail": detail }]);
    assert_eq!((&view["losses"], &view["warnings"]), (&of_plan, &json!([warning])));
    server.apply(&asset, &FlowEvent::Complete { generation: 1, losses: vec![end, sound] }).await;
    let view = show(&server, &asset).await;
    assert_eq!((view["losses"].as_array().unwrap().len(), &view["losses"][0]), (2, &of_plan[0]));
    let said = &view["losses"][1];
    assert_eq!((&said["kind"], &said["track"]), (&json!("sound_silent"), &json!("en")));
    assert_eq!(said["detail"], "sound (en) is missing from 1:01.2 to 1:00:00.0");
}

#[tokio::test]
async fn the_older_routes_answer_from_the_same_record() {
    let server = Server::start().await;
    let asset = server.uploaded().await;
    let request = json!({ "assetId": asset, "lessonId": "l1", "resolutions": ["360p", "720p"] });
    let created = server.post("/api/v1/transcoding/jobs", &request).await;
    assert_eq!(created.status, 201, "{:?}", created.body);
    let path = created.header("location").to_owned();
    let job = created.json();
    assert_eq!((&job["id"], &job["status"]), (&json!(asset), &json!("PROCESSING")));
    assert_eq!((&job["outputUrls"], &job["hlsManifestUrl"]), (&json!({}), &json!(null)));
    server.plan(&asset).await;
    server.apply(&asset, &FlowEvent::Complete { generation: 1, losses: Vec::new() }).await;
    let row = server.store.asset(&default_tenant(), &asset).await.unwrap().unwrap();
    publish(&server, row.playback_id.as_str(), 1).await;
    let job = server.get(&path).await.json();
    let base = format!("/p/{}", row.playback_id);
    assert_eq!((&job["status"], &job["progress"], &job["duration"]), (&json!("COMPLETED"), &json!(100), &json!(48)));
    assert_eq!(job["outputUrls"], json!({ "360p": format!("{base}/g1/video-360p/playlist.m3u8") }));
    assert_eq!(job["thumbnailUrl"], format!("{base}/g1/poster.jpg"));
    assert!(job["completedAt"].is_string());
    for (body, status, code) in [
        (json!({ "originalUrl": "https://x.example/a.mp4" }), 422, "source.url_not_supported"),
        (json!({ "assetId": asset, "resolutions": ["361p"] }), 422, "field.invalid"),
        (json!({ "lessonId": "l1" }), 422, "field.invalid"),
        (json!({ "assetId": "ast_nope" }), 404, "asset.not_found"),
        (json!({ "asset_id": asset }), 422, "body.invalid"),
    ] {
        let answer = server.post("/api/v1/transcoding/jobs", &body).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{body}");
    }
    let failed = server.uploaded().await;
    server.fail(&failed).await;
    let job = server.get(&format!("/api/v1/transcoding/jobs/{failed}")).await.json();
    assert_eq!(
        (&job["status"], &job["errorMessage"]),
        (&json!("FAILED"), &json!("the file has neither video nor audio"))
    );
}

#[tokio::test]
async fn jobs_are_listed_by_page_and_shown_one_by_one() {
    let server = Server::start().await;
    let asset = server.uploaded().await;
    server.plan(&asset).await;
    let (mut seen, mut path) = (Vec::new(), format!("/api/v1/jobs?asset_id={asset}&limit=2"));
    loop {
        let answer = server.get(&path).await;
        let page = answer.json();
        seen.extend(page["items"].as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap().to_owned()));
        if page["next"].is_null() {
            break;
        }
        path = answer.header("link").trim_start_matches('<').split('>').next().unwrap().to_owned();
    }
    let jobs = server.store.queue().jobs_of(&default_tenant(), &asset, 0).await.unwrap();
    let mut expected: Vec<_> = jobs.iter().map(|job| job.id.to_string()).collect();
    seen.sort();
    expected.sort();
    assert_eq!(seen, expected);
    let one = server.get(&format!("/api/v1/jobs/{}", seen[0])).await;
    assert_eq!((one.status, &one.json()["asset_id"]), (200, &json!(asset)));
    assert_eq!(server.get("/api/v1/jobs/job_nope").await.code(), "job.not_found");
    for query in ["state=nope", "stage=nope", "asset_id=%22", "x=1"] {
        assert_eq!(server.get(&format!("/api/v1/jobs?{query}")).await.status, 422, "{query}");
    }
}
