//! The routes.

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request};
use database::EngineKind;
use database::testing::Scratch;
use http_body_util::BodyExt;
use kernel::{AdminToken, Guard, Recorder, Routes};
use serde_json::Value;
use tower::ServiceExt;
use utoipa::openapi::OpenApiBuilder;

use super::receiver::Receiver;
use super::*;

const TOKEN: &str = "test-token-0123456789";
const HERE: &str = "/api/v1/webhooks";

struct Api(Router);

struct Answer {
    status: u16,
    headers: axum::http::HeaderMap,
    body: Value,
}

impl Api {
    fn new(hooks: &Webhooks) -> Self {
        let guard = Guard::new(AdminToken::new(TOKEN).unwrap());
        let routes = crate::routes::mount(Routes::new(
            guard,
            Some(Recorder::new(hooks.db.clone())),
            OpenApiBuilder::new().build(),
        ));
        Self(routes.finish(hooks.clone()).0)
    }

    async fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<Value>) -> Answer {
        let mut request = Request::builder().method(Method::from_bytes(method.as_bytes()).unwrap()).uri(path);
        request = request.header("authorization", format!("Bearer {TOKEN}")).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let response = self.0.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.call("GET", path, &[], None).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    }

    async fn post(&self, path: &str, body: Value, status: u16) -> Value {
        let answer = self.call("POST", path, &[], Some(body)).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
        answer.body
    }
}

#[tokio::test]
async fn a_webhook_is_made_shown_changed_and_removed() {
    database::testing::for_each_engine(|db| async move {
        let api = Api::new(&hooks(&db, &Time::new()));
        let made = api.post(HERE, json!({ "url": "https://a.example/hook", "events": ["asset.*"] }), 201).await;
        let (id, secret) = (made["id"].as_str().unwrap(), made["secret"].as_str().unwrap());
        assert!(id.starts_with("whe_") && secret.starts_with("whsec_") && secret.len() == 50);
        let at = format!("{HERE}/{id}");
        let shown = api.call("GET", &at, &[], None).await;
        let etag = shown.headers["etag"].to_str().unwrap().to_owned();
        let mut expected = made.clone();
        expected.as_object_mut().unwrap().remove("secret");
        assert_eq!((shown.status, &shown.body), (200, &expected), "the secret is shown once");
        assert_eq!(api.call("GET", &at, &[("if-none-match", &etag)], None).await.status, 304);

        let change = json!({ "description": "the library", "enabled": false });
        let changed = api.call("PATCH", &at, &[("if-match", &etag)], Some(change.clone())).await;
        assert_eq!((changed.status, &changed.body["state"]), (200, &json!("disabled")));
        assert_eq!((&changed.body["disabled_reason"], &changed.body["events"]), (&json!("asked"), &json!(["asset.*"])));
        let stale = api.call("PATCH", &at, &[("if-match", &etag)], Some(change)).await;
        assert_eq!((stale.status, &stale.body["code"]), (412, &json!("http.precondition_failed")));
        for path in ["/test", "/deliveries/x/replay"] {
            let refused = api.post(&format!("{at}{path}"), json!({}), 409).await;
            assert_eq!(refused["code"], "webhook.disabled");
        }
        let enabled = api.call("PATCH", &at, &[("if-match", "*")], Some(json!({ "enabled": true }))).await;
        assert_eq!((&enabled.body["state"], &enabled.body["disabled_reason"]), (&json!("enabled"), &Value::Null));

        let rotated = api.post(&format!("{at}/rotate"), json!({ "overlap_s": 60 }), 200).await;
        assert!(rotated["secret"] != made["secret"] && rotated["former_secret_until"].is_string());
        assert_eq!(api.call("DELETE", &at, &[("if-match", &etag)], None).await.status, 412);
        assert_eq!(api.call("DELETE", &at, &[], None).await.body["code"], "http.precondition_required");
        assert_eq!(api.call("DELETE", &at, &[("if-match", "*")], None).await.status, 204);
        assert_eq!(api.call("DELETE", &at, &[], None).await.body["code"], "webhook.not_found");
        assert_eq!(api.get(HERE).await["items"], json!([]));
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_a_webhook_is_refused_with_its_place() {
    let scratch = Scratch::migrated(EngineKind::Sqlite).await;
    let api = Api::new(&with(&scratch.db, &Time::new(), Options::default()));
    let fine = "https://a.example/";
    let long = format!("{fine}{}", "a".repeat(2048));
    for (body, pointer, code) in [
        (json!({ "url": "http://127.0.0.1/" }), "/url", "webhook.invalid_url"),
        (json!({ "url": "http://[::ffff:10.0.0.1]/" }), "/url", "webhook.invalid_url"),
        (json!({ "url": "http://169.254.169.254/latest" }), "/url", "webhook.invalid_url"),
        (json!({ "url": "http://0x7f000001/" }), "/url", "webhook.invalid_url"),
        (json!({ "url": "ftp://a.example/" }), "/url", "webhook.invalid_url"),
        (json!({ "url": "https://me:pw@a.example/" }), "/url", "webhook.invalid_url"),
        (json!({ "url": "a.example" }), "/url", "webhook.invalid_url"),
        (json!({ "url": long }), "/url", "webhook.invalid_url"),
        (json!({ "url": fine, "events": [] }), "/events", "webhook.invalid_events"),
        (json!({ "url": fine, "events": ["a.b", "A"] }), "/events/1", "webhook.invalid_events"),
        (json!({ "url": fine, "description": "x\u{0}" }), "/description", "webhook.invalid_description"),
        (json!({ "url": fine, "secret": "mine" }), "/secret", "body.invalid"),
    ] {
        let answer = api.post(HERE, body.clone(), 422).await;
        assert_eq!((&answer["errors"][0]["pointer"], &answer["code"]), (&json!(pointer), &json!(code)), "{body}");
    }
    let made = api.post(HERE, json!({ "url": fine }), 201).await;
    assert_eq!(made["events"], json!(["*"]));
    let at = format!("{HERE}/{}", made["id"].as_str().unwrap());
    for (path, body, code) in [
        ("/rotate", json!({ "overlap_s": 604_801 }), "webhook.invalid_overlap"),
        ("/replay", json!({ "since_ms": -1 }), "webhook.invalid_since"),
    ] {
        assert_eq!(api.post(&format!("{at}{path}"), body, 422).await["code"], code);
    }
    let refused = api.call("GET", &format!("{at}/deliveries?state=lost"), &[], None).await;
    assert_eq!((refused.status, &refused.body["code"]), (422, &json!("webhook.unknown_state")));
    for _ in 1..crate::model::MAX_ENDPOINTS {
        api.post(HERE, json!({ "url": fine }), 201).await;
    }
    assert_eq!(api.post(HERE, json!({ "url": fine }), 422).await["code"], "webhook.too_many");
    let page = api.get(&format!("{HERE}?limit=60")).await;
    let next = page["next"].as_str().unwrap();
    assert_eq!(api.get(&format!("{HERE}?limit=60&after={next}")).await["items"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn a_test_is_sent_its_attempts_are_shown_and_it_is_made_again() {
    let scratch = Scratch::migrated(EngineKind::Sqlite).await;
    let (time, receiver) = (Time::new(), Receiver::answering(200).await);
    let hooks = hooks(&scratch.db, &time);
    let (api, running) = (Api::new(&hooks), Running::start(&hooks));
    let made = api.post(HERE, json!({ "url": receiver.url("/"), "events": ["asset.ready"] }), 201).await;
    let at = format!("{HERE}/{}", made["id"].as_str().unwrap());
    let delivery = api.post(&format!("{at}/test"), json!({}), 202).await;
    assert_eq!((&delivery["kind"], &delivery["seq"]), (&json!("webhook.test"), &Value::Null));
    let sent = receiver.wait(1).await.remove(0);
    assert_eq!(delivery["id"], sent.header("webhook-id"));
    assert_eq!(sent.json()["data"], json!({ "webhook_id": made["id"] }));
    let one = format!("{at}/deliveries/{}", delivery["id"].as_str().unwrap());
    let shown = wait_for("the end", || async {
        let shown = api.get(&one).await;
        (shown["state"] == "delivered").then_some(shown)
    })
    .await;
    let attempt = &shown["attempts"][0];
    assert_eq!((&attempt["status"], &attempt["response"]), (&json!(200), &json!("as you say")));
    assert_eq!(api.get(&format!("{at}/deliveries?state=delivered")).await["items"], json!([shown]));
    assert_eq!(api.get(&format!("{at}/deliveries?state=failed")).await["items"], json!([]));

    assert_eq!(api.post(&format!("{one}/replay"), json!({}), 202).await["state"], "pending");
    let again = receiver.wait(2).await.remove(1);
    assert_eq!((again.header("webhook-id"), again.body), (sent.header("webhook-id"), sent.body));
    let missing = api.post(&format!("{at}/deliveries/nope/replay"), json!({}), 404).await;
    assert_eq!(missing["code"], "webhook.delivery_not_found");
    let replayed = api.post(&format!("{at}/replay"), json!({ "since_ms": 0 }), 202).await;
    assert_eq!(replayed, json!({ "replayed": 0, "has_more": false }));
    running.stop().await;
}
