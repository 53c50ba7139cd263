//! A gateway before units of other processes.

mod failures;
mod front;
mod several;
mod streams;
mod tunnels;

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use axum::routing::any;
use axum::{Json, Router};
use control_api::{Bounds, MEDIA, STREAMING};
use futures::future::BoxFuture;
use http_body_util::BodyExt;
use kernel::auth::Vouching;
use kernel::principal::Holder;
use kernel::{ApiKey, Directory, Grants, Principal, Problem, Proxies, default_tenant};
use media_types::TenantId;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use zeroize::Zeroizing;

use self::front::{Front, nowhere, unit};
use crate::server::{Server, TOKEN};

/// Tells what it was asked.
async fn echo(request: Request) -> impl IntoResponse {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let headers: Value = parts.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    let asked = json!({
        "method": parts.method.as_str(), "uri": parts.uri.to_string(), "headers": headers,
        "body": String::from_utf8(body.to_vec()).unwrap(),
    });
    ([("connection", "x-hop"), ("x-hop", "1"), ("keep-alive", "timeout=9"), ("etag", "\"1\"")], Json(asked))
}

#[tokio::test]
async fn a_request_reaches_the_unit_as_it_is_but_for_what_is_of_the_connection_or_forged() {
    let at = unit(Router::new().fallback(any(echo))).await;
    let front = Front::before(&[(&MEDIA, at)], Bounds::default()).await;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let headers = [
        ("x-request-id", "mine-1"),
        ("traceparent", trace),
        ("range", "bytes=0-1"),
        ("x-forwarded-for", "10.0.0.1"),
        ("forwarded", "for=10.0.0.1"),
        ("lectern-identity", "root"),
        ("connection", "x-mine"),
        ("x-mine", "1"),
    ];
    let path = "/api/v1/uploads/a%2Fb/../c?x=%20&y";
    let answer = front.call("PATCH", path, &headers, "bytes").await;
    assert_eq!((answer.status, answer.header("etag"), answer.header("x-request-id")), (200, "\"1\"", "mine-1"));
    assert_eq!((answer.header("x-hop"), answer.header("keep-alive")), ("", ""));
    let asked = answer.json();
    assert_eq!((asked["method"].as_str(), asked["uri"].as_str()), (Some("PATCH"), Some(path)));
    assert_eq!((asked["body"].as_str(), asked["headers"]["content-length"].as_str()), (Some("bytes"), Some("5")));
    let got = |name: &str| asked["headers"][name].as_str().unwrap_or("").to_owned();
    assert_eq!(
        (got("x-request-id"), got("traceparent"), got("range")),
        ("mine-1".into(), trace.into(), "bytes=0-1".into())
    );
    assert_eq!(got("host"), at.to_string());
    assert_eq!(got("forwarded"), format!("for=127.0.0.1;host=\"{}\"", front.address));
    assert!(got("via").starts_with("1.1 lectern-"));
    for name in ["x-forwarded-for", "lectern-identity", "x-mine"] {
        assert_eq!(got(name), "", "{name}");
    }
    assert!(got("authorization").starts_with("Bearer "), "it is for the unit to say who may do what");
}

/// Knows one key.
struct One;

impl Directory for One {
    fn holder<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Option<Holder>, Problem>> {
        let grants = Grants::new(vec!["asset.read".to_owned()]).unwrap();
        let key = ApiKey { id: "key_one".to_owned(), tenant: default_tenant(), grants, expires_ms: None };
        let holder = Holder { principal: Principal::Key(Arc::new(key)), is_suspended: false };
        Box::pin(std::future::ready(Ok((token == "lk_one").then_some(holder))))
    }

    fn tenant<'a>(&'a self, _slug: &'a str) -> BoxFuture<'a, Result<Option<TenantId>, Problem>> {
        Box::pin(std::future::ready(Ok(None)))
    }
}

#[tokio::test]
async fn a_gateway_that_knows_a_key_tells_the_unit_whose_it_is_and_hands_the_key_on_all_the_same() {
    let at = unit(Router::new().fallback(any(echo))).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let vouching = Vouching::new([Zeroizing::new([7; 32])], Arc::new(|| 1_000_000_i64)).unwrap();
    let known: Option<(Arc<dyn Directory>, Vouching)> = Some((Arc::new(One), vouching));
    let front = Front::knowing(listener, &[(&MEDIA, at)], Bounds::default(), known);
    let forged = [("lectern-identity", "{\"who\":\"root\"}"), ("lectern-identity-signature", "00")];
    for (token, who) in [("lk_one", "key_one"), ("lk_two", ""), (TOKEN, "")] {
        let bearer = format!("Bearer {token}");
        let headers = [&[("authorization", bearer.as_str())][..], &forged[..]].concat();
        let got = front.call("GET", "/api/v1/assets", &headers, "").await.json()["headers"].clone();
        assert_eq!(got["authorization"], bearer);
        let told: Value = serde_json::from_str(got["lectern-identity"].as_str().unwrap_or("{}")).unwrap();
        assert_eq!(told["who"]["key"]["id"].as_str().unwrap_or(""), who, "{told}");
        assert_eq!(got["lectern-identity-signature"].as_str().map_or(0, str::len), if who.is_empty() { 0 } else { 64 });
    }
}

#[tokio::test]
async fn a_unit_that_trusts_its_gateway_counts_clients_and_not_what_they_say_of_themselves() {
    let unit = Server::limited(&["address-read=2/86400"], Proxies::trusting(|peer| peer.is_loopback())).await;
    let front = Front::before(&[(&STREAMING, unit.address)], Bounds::default()).await;
    for (number, expected) in [404, 404, 429, 429].into_iter().enumerate() {
        let forged = format!("for=203.0.113.{number}");
        let answer = front.call("GET", "/api/v1/playback/pb_none", &[("forwarded", &forged)], "").await;
        assert_eq!(answer.status, expected, "{forged}");
    }
}

#[tokio::test]
async fn every_address_of_a_unit_is_taken_there_by_any_method_and_no_other_one_is() {
    let at = unit(Router::new().fallback(any(|| async { "there" }))).await;
    let front = Front::before(&[(&MEDIA, at)], Bounds::default()).await;
    for path in ["/", "/assets/app.js", "/api/v1/uploads", "/api/v1/assets/ast_1/cancel", "/api/v1/events?after=1"] {
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            let answer = front.call(method, path, &[], "").await;
            let body = if method == "HEAD" { "" } else { "there" };
            assert_eq!((answer.status, &answer.body[..], answer.header("content-length")), (200, body.as_bytes(), "5"));
        }
    }
    for path in ["/api/v1/jobs", "/api/v1/uploadsx", "/api/v1", "/internal/v1/demand", "/p/pb_1/master.m3u8"] {
        assert_eq!(front.get(path).await.code(), "http.not_found", "{path}");
    }
    assert_eq!(front.get("/healthz").await.status, 200);
    assert_eq!(front.get("/readyz").await.status, 200, "a front door is open whoever is at home");
}

#[tokio::test]
async fn the_document_is_that_of_all_units_and_each_is_told_as_it_is() {
    let webhooks = Server::of(&["webhook"]).await;
    let front =
        Front::before(&[(&MEDIA, nowhere().await), (&webhook::UNIT, webhooks.address)], Bounds::default()).await;
    let document = front.get("/api/openapi.json").await.json();
    let own = webhooks.document().await;
    for path in ["/api/v1/webhooks", "/api/v1/webhooks/{id}/deliveries"] {
        assert_eq!(document["paths"][path], own["paths"][path], "{path}");
        assert!(document["paths"][path].is_object(), "{path}");
    }
    assert!(document["paths"]["/api/v1/units"].is_object() && document["paths"]["/api/v1/uploads"].is_null());
    assert_eq!((&document["x-lectern-missing"], &document["x-lectern-conflicts"]), (&json!(["media"]), &Value::Null));
    for (name, schema) in own["components"]["schemas"].as_object().unwrap() {
        assert_eq!(document["components"]["schemas"][name], *schema, "{name}");
    }
    let page = front.get("/api/docs").await.body;
    let page = std::str::from_utf8(&page).unwrap();
    assert!(page.contains("id=\"webhook.not_found\"") && page.contains("id=\"gateway.unit_away\""));

    let units = front.get("/api/v1/units").await.json();
    let told = |unit: &Value| (unit["slug"].clone(), unit["state"].clone(), unit["upstream"].clone());
    let told: Vec<_> = units["items"].as_array().unwrap().iter().map(told).collect();
    let webhooks_at = json!(format!("http://{}", webhooks.address));
    assert_eq!(told[0], (json!("gateway"), json!("here"), Value::Null));
    assert_eq!((&told[1].0, &told[1].1), (&json!("media"), &json!("away")));
    assert_eq!(told[2], (json!("webhook"), json!("ready"), webhooks_at));
    let stranger = [("authorization", "Bearer nobody-at-all-0123456789")];
    assert_eq!(front.call("GET", "/api/v1/units", &stranger, "").await.status, 401);

    webhooks.change("DELETE FROM lectern_migrations WHERE module = 'webhook'").await;
    assert_eq!(front.get("/api/v1/units").await.json()["items"][2]["state"], "not_ready");
}

#[tokio::test]
async fn a_gateway_that_is_its_own_unit_says_so_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let front = Front::at(listener, &[(&MEDIA, at)], Bounds::default());
    let answer = front.get("/api/v1/assets").await;
    assert_eq!((answer.status, answer.code().as_str()), (508, "gateway.loop"));
}

/// What was sent, for handlers that take it whole.
async fn length(headers: HeaderMap, body: Bytes) -> String {
    format!("{} {}", headers.contains_key("transfer-encoding"), body.len())
}

#[tokio::test]
async fn a_body_of_unknown_length_is_passed_on_as_one() {
    let at = unit(Router::new().fallback(any(length))).await;
    let front = Front::before(&[(&MEDIA, at)], Bounds::default()).await;
    let pieces = futures::stream::iter([Ok::<_, std::io::Error>("some"), Ok("more")]);
    let answer = front.send("POST", "/api/v1/uploads", &[], axum::body::Body::from_stream(pieces)).await;
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "true 8");
}

#[tokio::test]
async fn what_players_say_of_themselves_and_caches_of_an_answer_passes_untouched_and_nothing_is_packed_twice() {
    let packed = &b"\x1f\x8b packed by somebody else"[..];
    let answer = move |request: Request| async move {
        let cmcd = request.headers()["cmcd-request"].clone();
        let uri = request.uri().to_string();
        let headers = [("cache-status", "edge; hit; ttl=30, origin; fwd=miss"), ("content-encoding", "gzip")];
        let rest = [("content-type", "text/plain"), ("etag", "\"a-gz\""), ("x-asked", uri.as_str())];
        let mut response = (headers, rest, packed).into_response();
        response.headers_mut().insert("x-cmcd", cmcd);
        response
    };
    let at = unit(Router::new().fallback(any(answer))).await;
    let front = Front::before(&[(&STREAMING, at)], Bounds::default()).await;
    let path = "/p/pb_1/g1/1.m4s?CMCD=bl%3D21300%2Csid%3D%22a%22";
    let headers = [("cmcd-request", "bl=21300,mtp=48100"), ("accept-encoding", "gzip")];
    let answer = front.call("GET", path, &headers, "").await;
    assert_eq!((answer.header("x-asked"), answer.header("x-cmcd")), (path, "bl=21300,mtp=48100"));
    assert_eq!(answer.header("cache-status"), "edge; hit; ttl=30, origin; fwd=miss");
    assert_eq!((answer.header("content-encoding"), answer.header("etag")), ("gzip", "\"a-gz\""));
    assert_eq!(answer.body, packed);
}
