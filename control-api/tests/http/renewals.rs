//! What is ready is encoded again when somebody asks for it.

use asset_flow::FlowEvent;
use media_types::AssetId;
use serde_json::{Value, json};

use crate::server::Server;

/// An asset with everything, made with an earlier state of the ladder `lecture`.
async fn ready(server: &Server) -> AssetId {
    let asset = server.uploaded().await;
    server.plan(&asset).await;
    server.apply(&asset, &FlowEvent::Complete { generation: 1, losses: Vec::new() }).await;
    asset
}

async fn view(server: &Server, asset: &AssetId) -> Value {
    server.get(&format!("/api/v1/assets/{asset}")).await.json()
}

async fn post(server: &Server, path: &str) -> crate::server::Answer {
    server.call("POST", path, &[], "").await
}

#[tokio::test]
async fn what_was_made_with_another_state_of_a_ladder_is_renewed_page_by_page() {
    let server = Server::start().await;
    let (mut assets, mut seen) = (Vec::new(), Vec::new());
    for _ in 0..6 {
        assets.push(ready(&server).await.to_string());
    }
    server.uploaded().await;
    let mut path = "/api/v1/ladders/lecture/renew?limit=4".to_owned();
    loop {
        let answer = post(&server, &path).await;
        assert_eq!(answer.status, 202, "{:?}", answer.body);
        let page = answer.json();
        seen.extend(page["items"].as_array().unwrap().clone());
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/v1/ladders/lecture/renew?limit=4&after={next}");
    }
    let mut ids: Vec<&str> = seen.iter().map(|asset| asset["id"].as_str().unwrap()).collect();
    ids.sort_unstable();
    assets.sort();
    assert_eq!(ids, assets);
    let ladder = server.get("/api/v1/ladders/lecture").await.json();
    assert_eq!(ladder["renew_library"], false);
    for asset in &seen {
        assert_eq!((&asset["state"], &asset["renewal"]["ladder"]), (&json!("ready"), &json!("lecture")), "{asset}");
        assert_eq!(asset["renewal"]["ladder_sha256"], ladder["sha256"]);
    }
    let metrics = String::from_utf8(server.get("/metrics").await.body.to_vec()).unwrap();
    for line in ["lectern_renewals{state=\"processing\"} 4", "lectern_renewals{state=\"waiting\"} 2"] {
        assert!(metrics.contains(line), "{metrics}");
    }
    let jobs = server.get("/api/v1/jobs?stage=plan&state=ready").await.json();
    let of_renewals = jobs["items"].as_array().unwrap().iter().filter(|job| job["making"] == 1).count();
    assert_eq!(of_renewals, 4, "{jobs}");
}

#[tokio::test]
async fn one_asset_is_renewed_with_its_own_ladder_or_another_and_stopped_alone() {
    let server = Server::start().await;
    let asset = ready(&server).await;
    let before = view(&server, &asset).await;
    assert_eq!((&before["renewal"], &before["renewed_at"]), (&Value::Null, &Value::Null));
    let path = format!("/api/v1/assets/{asset}/renew?ladder=film");
    let key = [("idempotency-key", "once")];
    let first = server.call("POST", &path, &key, "").await;
    let again = server.call("POST", &path, &key, "").await;
    assert_eq!((first.status, again.header("idempotency-replayed")), (202, "true"));
    assert_eq!(first.json(), again.json());
    let renewal = &first.json()["renewal"];
    assert_eq!((&renewal["state"], &renewal["ladder"]), (&json!("processing"), &json!("film")));
    assert_eq!((&renewal["progress"]["stage"], &renewal["error"]), (&json!("plan"), &Value::Null));
    let other = server.call("POST", &format!("/api/v1/assets/{asset}/renew"), &key, "").await;
    assert_eq!(other.status, 422, "the key came with another request");
    let stopped = post(&server, &format!("/api/v1/assets/{asset}/cancel")).await.json();
    assert_eq!((&stopped["state"], &stopped["ladder"]), (&json!("ready"), &json!("lecture")));
    let renewal = &stopped["renewal"];
    assert_eq!((&renewal["state"], &renewal["error"]["code"]), (&json!("errored"), &json!("asset.cancelled")));
    assert!(renewal["error"]["hint"].is_string());
}

#[tokio::test]
async fn what_cannot_be_renewed_is_refused_with_a_cure() {
    let server = Server::start().await;
    let (uploaded, asset) = (server.uploaded().await, ready(&server).await);
    for (path, status, code) in [
        (format!("/api/v1/assets/{uploaded}/renew"), 409, "asset.not_ready"),
        (format!("/api/v1/assets/{asset}/renew?ladder=nope"), 422, "ladder.unknown"),
        ("/api/v1/assets/ast_none/renew".to_owned(), 404, "asset.not_found"),
        ("/api/v1/ladders/nope/renew".to_owned(), 404, "ladder.not_found"),
    ] {
        let answer = post(&server, &path).await;
        let body = answer.json();
        let clause = body["errors"].as_array().and_then(|errors| errors.first()).unwrap_or(&body).clone();
        assert_eq!((answer.status, clause["code"].as_str().unwrap()), (status, code), "{path}");
        answer.code();
    }
    for query in ["limit=0", "limit=201", "after=x", "all=true"] {
        let answer = post(&server, &format!("/api/v1/ladders/lecture/renew?{query}")).await;
        assert!(matches!(answer.status, 400 | 422), "{query}");
        answer.code();
    }
}
