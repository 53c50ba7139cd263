//! What failed goes on, what runs is cancelled by a job, and the queue is drained.

use asset_flow::{FlowEvent, FlowFailure};
use asset_store::{Limits, Whose};
use serde_json::{Value, json};

use crate::server::{Answer, Server};

async fn post(server: &Server, path: &str, body: Value) -> Answer {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    server.call("POST", path, &[("content-type", "application/json")], body).await
}

fn failure() -> FlowFailure {
    FlowFailure { stage: "probe".into(), code: "engine.died".into(), detail: "it died".into(), hint: None }
}

#[tokio::test]
async fn an_asset_that_failed_goes_on_when_it_is_asked_to_and_no_other_does() {
    let server = Server::start().await;
    let asset = server.uploaded().await;
    let path = format!("/api/v1/assets/{asset}/retry");
    let under_way = post(&server, &path, Value::Null).await;
    assert_eq!((under_way.status, &under_way.json()["state"]), (202, &json!("processing")), "it is left alone");
    server.apply(&asset, &FlowEvent::Failed { failure: failure() }).await;
    let cancelled = server.get(&format!("/api/v1/jobs?asset_id={asset}")).await.json();
    assert_eq!(cancelled["items"][0]["error"]["code"], "asset.errored", "{cancelled}");
    let key = [("idempotency-key", "once")];
    let again = server.call("POST", &path, &key, "").await;
    assert_eq!(
        (again.status, &again.json()["state"], &again.json()["error"]),
        (202, &json!("processing"), &Value::Null)
    );
    let jobs = server.get(&format!("/api/v1/jobs?asset_id={asset}&state=ready")).await.json();
    assert_eq!(jobs["items"][0]["stage"], "probe", "{jobs}");
    assert_eq!(server.call("POST", &path, &key, "").await.header("idempotency-replayed"), "true");

    server.apply(&asset, &FlowEvent::Cancelled).await;
    let refused = post(&server, &path, Value::Null).await;
    assert_eq!((refused.status, &refused.json()["code"]), (409, &json!("asset.not_retryable")), "{}", refused.json());
    let missing = post(&server, "/api/v1/assets/ast_00000000000000000000000000000000/retry", Value::Null).await;
    assert_eq!((missing.status, &missing.json()["code"]), (404, &json!("asset.not_found")));
}

#[tokio::test]
async fn a_job_is_cancelled_with_its_asset_and_only_a_parked_one_is_tried_again() {
    let server = Server::start().await;
    let asset = server.uploaded().await;
    let jobs = server.get(&format!("/api/v1/jobs?asset_id={asset}")).await.json();
    let job = format!("/api/v1/jobs/{}", jobs["items"][0]["id"].as_str().unwrap());
    let refused = post(&server, &format!("{job}/retry"), Value::Null).await;
    assert_eq!((refused.status, &refused.json()["code"]), (409, &json!("job.not_retryable")));
    let cancelled = post(&server, &format!("{job}/cancel"), Value::Null).await;
    assert_eq!((cancelled.status, &cancelled.json()["state"]), (202, &json!("cancelled")));
    assert_eq!(cancelled.json()["error"]["code"], "asset.cancelled");
    assert_eq!(server.get(&format!("/api/v1/assets/{asset}")).await.json()["state"], "errored");
    let ended = post(&server, &format!("{job}/cancel"), Value::Null).await;
    assert_eq!((ended.status, &ended.json()["code"]), (409, &json!("job.ended")));
    for what in ["retry", "cancel"] {
        let missing = post(&server, &format!("/api/v1/jobs/job_0/{what}"), Value::Null).await;
        assert_eq!((missing.status, &missing.json()["code"]), (404, &json!("job.not_found")));
    }
}

#[tokio::test]
async fn the_queue_says_what_is_drained_and_for_what_reason() {
    let server = Server::start().await;
    server.uploaded().await;
    let drained = post(&server, "/api/v1/queue/drain", json!({ "reason": "new disks" })).await.json();
    let of = &drained["drained"][0];
    assert_eq!((&of["scope"], &of["name"], &of["reason"]), (&json!("queue"), &Value::Null, &json!("new disks")));
    assert_eq!(of["running"], 0);
    assert_eq!(drained["depths"], json!([{ "stage": "probe", "state": "ready", "count": 1 }]));
    let stage = post(&server, "/api/v1/queue/drain", json!({ "stage": "encode_range" })).await.json();
    assert_eq!(stage["drained"][1]["name"], "encode_range", "{stage}");
    assert_eq!(server.get("/api/v1/queue").await.json(), stage);
    let left = post(&server, "/api/v1/queue/resume", json!({})).await.json();
    assert_eq!(left["drained"].as_array().unwrap().len(), 1, "{left}");
    for (path, body) in [
        ("/api/v1/queue/drain", json!({ "stage": "nothing" })),
        ("/api/v1/queue/drain", json!({ "reason": "x".repeat(201) })),
        ("/api/v1/queue/drain", json!({ "what": 1 })),
        ("/api/v1/queue/resume", json!({ "stage": "" })),
    ] {
        assert_eq!(post(&server, path, body.clone()).await.status, 422, "{body}");
    }
    assert_eq!(server.get("/api/v1/workers").await.json(), json!({ "items": [] }));
    let missing = post(&server, "/api/v1/workers/nobody/drain", json!({})).await;
    assert_eq!((missing.status, &missing.json()["code"]), (404, &json!("worker.not_found")));
}

#[tokio::test]
async fn an_upload_beyond_a_limit_is_refused_with_when_to_come_again_and_room_is_told() {
    let server = Server::start().await;
    let announce = || post(&server, "/api/v1/uploads", json!({ "filename": "a.mp4", "size": 100 }));
    let empty = json!({ "open_assets": null, "stored_bytes": null, "cpu_s_per_day": null });
    let told = server.get("/api/v1/limits").await.json();
    assert_eq!((&told["limits"], &told["used"]["open_assets"]), (&empty, &json!(0)));
    let set = async |whose: Whose, limits: Limits| server.store.set_limits(&whose, &limits).await.unwrap();
    set(Whose::Each, Limits { open_assets: Some(1), stored_bytes: Some(250), ..Limits::default() }).await;
    assert_eq!(announce().await.status, 201);
    let refused = announce().await;
    assert_eq!((refused.status, &refused.json()["code"]), (429, &json!("quota.open_assets")));
    assert_eq!(refused.header("retry-after"), "30");
    let told = server.get("/api/v1/limits").await.json();
    assert_eq!((&told["used"]["open_assets"], &told["limits"]["open_assets"]), (&json!(1), &json!(1)), "{told}");

    let own = Limits { stored_bytes: Some(250), ..Limits::default() };
    set(Whose::Tenant(kernel::default_tenant()), own).await;
    assert_eq!(announce().await.status, 201, "its own limits go before those of each");
    let refused = announce().await;
    assert_eq!((refused.status, &refused.json()["code"]), (403, &json!("quota.stored_bytes")));

    set(Whose::Tenant(kernel::default_tenant()), Limits { cpu_s_per_day: Some(0), ..Limits::default() }).await;
    let refused = announce().await;
    assert_eq!((refused.status, &refused.json()["code"]), (429, &json!("quota.cpu")));
    set(Whose::Tenant(kernel::default_tenant()), Limits { open_assets: Some(99), ..Limits::default() }).await;
    set(Whose::All, Limits { open_assets: Some(0), ..Limits::default() }).await;
    assert_eq!(announce().await.status, 429, "the house is full");
}
