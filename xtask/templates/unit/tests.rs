//! __Nouns__ on both engines.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request};
use database::testing::{for_each_engine, prepare_all};
use database::{Database, outbox};
use http_body_util::BodyExt;
use kernel::{AdminToken, Guard, Recorder, Routes, default_tenant};
use serde_json::{Value, json};
use tower::ServiceExt;
use utoipa::openapi::OpenApiBuilder;

use super::{__Nouns__, STATEMENTS, serve};

const TOKEN: &str = "test-token-0123456789";
const HERE: &str = "/api/v1/__path__";

struct Api(Router);

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Api {
    /// A process on `db`, for which each look at the clock is a millisecond later.
    fn new(db: &Database) -> Self {
        let now_ms = AtomicI64::new(1_795_233_000_000);
        let __nouns__ = __Nouns__::new(db.clone(), Arc::new(move || now_ms.fetch_add(1, Ordering::Relaxed)));
        let guard = Guard::new(AdminToken::new(TOKEN).unwrap());
        let routes = Routes::new(guard, Some(Recorder::new(db.clone())), OpenApiBuilder::new().build());
        Self(serve(__nouns__).mount(routes).finish(()).0)
    }

    async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Value) -> Answer {
        let mut request = Request::builder().method(Method::from_bytes(method.as_bytes()).unwrap()).uri(path);
        request = request.header("authorization", format!("Bearer {TOKEN}")).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let response = self.0.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    /// A call that answers with this status; its body.
    async fn ask(&self, status: u16, method: &str, path: &str, body: Value) -> Value {
        let answer = self.send(method, path, &[], body).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
        answer.body
    }
}

#[tokio::test]
async fn every_statement_prepares() {
    for_each_engine(|db| async move { prepare_all(&db, STATEMENTS).await.unwrap() }).await;
}

#[tokio::test]
async fn one_is_made_shown_and_removed_and_each_change_is_told() {
    for_each_engine(|db| async move {
        let api = Api::new(&db);
        let made = api.send("POST", HERE, &[], json!({ "name": "first" })).await;
        assert_eq!((made.status, &made.body["name"]), (201, &json!("first")));
        let at = made.headers["location"].to_str().unwrap().to_owned();
        let shown = api.send("GET", &at, &[], Value::Null).await;
        assert_eq!((shown.status, &shown.body), (200, &made.body));
        let etag = shown.headers["etag"].to_str().unwrap();
        assert_eq!(api.send("GET", &at, &[("if-none-match", etag)], Value::Null).await.status, 304);
        assert_eq!(api.send("DELETE", &at, &[("if-match", "\"x\"")], Value::Null).await.status, 412);
        assert_eq!(api.send("DELETE", &at, &[("if-match", etag)], Value::Null).await.status, 204);
        assert_eq!(api.ask(404, "DELETE", &at, Value::Null).await["code"], "__noun__.not_found");
        let events = outbox::after(&db, &default_tenant(), 0, 100).await.unwrap();
        let told: Vec<_> = events.into_iter().map(|event| event.kind).collect();
        assert_eq!(told, ["__noun__.created", "__noun__.deleted"]);
    })
    .await;
}

#[tokio::test]
async fn what_has_no_name_is_refused_with_its_place() {
    for_each_engine(|db| async move {
        let api = Api::new(&db);
        for name in [String::new(), "a\0".to_owned(), "a".repeat(101)] {
            let refused = api.ask(422, "POST", HERE, json!({ "name": name })).await;
            let (pointer, code) = (&refused["errors"][0]["pointer"], &refused["code"]);
            assert_eq!((pointer, code), (&json!("/name"), &json!("__noun__.invalid_name")));
        }
        let refused = api.ask(422, "POST", HERE, json!({ "name": "a", "colour": 1 })).await;
        assert_eq!(refused["errors"][0]["code"], "field.unknown");
    })
    .await;
}

#[tokio::test]
async fn equal_requests_make_one_and_pages_show_each_once() {
    for_each_engine(|db| async move {
        let api = Api::new(&db);
        let once = [("idempotency-key", "k")];
        let requests = (0..20).map(|_| api.send("POST", HERE, &once, json!({ "name": "once" })));
        let answers = futures::future::join_all(requests).await;
        assert!(answers.iter().all(|answer| answer.status == 201 && answer.body == answers[0].body));
        for name in ["a", "b", "c"] {
            api.ask(201, "POST", HERE, json!({ "name": name })).await;
        }
        let (mut path, mut seen) = (format!("{HERE}?limit=2"), Vec::new());
        loop {
            let page = api.ask(200, "GET", &path, Value::Null).await;
            seen.extend(page["items"].as_array().unwrap().iter().map(|one| one["name"].clone()));
            let Some(next) = page["next"].as_str() else { break };
            path = format!("{HERE}?limit=2&after={next}");
        }
        assert_eq!(seen, ["c", "b", "a", "once"]);
    })
    .await;
}
