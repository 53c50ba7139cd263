//! Keys, sessions and roles that end, and tenants and people who are suspended, in every process.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::server::{Server, until};

/// How long a key may still open something.
const SOON: Duration = Duration::from_secs(5);

async fn status(server: &Server, secret: &str) -> u16 {
    server.ask(secret, "GET", "/api/v1/assets", "").await.status
}

/// Waits until both processes answer so.
async fn both(servers: [&Server; 2], secret: &str, expected: u16) {
    let begun = Instant::now();
    for server in servers {
        until("the same answer everywhere", async || (status(server, secret).await == expected).then_some(())).await;
    }
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_revoked_key_and_one_of_a_suspended_tenant_open_nothing_anywhere_within_five_seconds() {
    let here = Server::start().await;
    let there = here.beside().await;
    let tenant = format!("/api/v1/tenants/{}", here.tenant("school").await);
    let (id, secret) = here.key("school", &["asset.read"]).await;
    both([&here, &there], &secret, 200).await;
    let suspended = here.call("POST", &format!("{tenant}/suspend"), &[], "").await;
    assert_eq!((suspended.status, &suspended.json()["state"]), (200, &json!("suspended")));
    both([&there, &here], &secret, 403).await;
    assert_eq!(here.ask(&secret, "GET", "/api/v1/assets", "").await.code(), "tenant.suspended");
    let operators = here.call("GET", "/api/v1/assets", &[("lectern-tenant", "school")], "").await;
    assert_eq!(operators.status, 200, "the operator still sees to it");
    assert_eq!(there.call("POST", &format!("{tenant}/resume"), &[], "").await.status, 200);
    both([&here, &there], &secret, 200).await;

    let key = format!("/api/v1/api-keys/{id}");
    assert_eq!(here.call("DELETE", &key, &[("lectern-tenant", "school")], "").await.status, 204);
    both([&there, &here], &secret, 401).await;
    assert_eq!(here.call("DELETE", &key, &[("lectern-tenant", "school")], "").await.code(), "api_key.not_found");
}

#[tokio::test]
async fn a_person_who_signs_out_or_is_suspended_opens_nothing_anywhere_within_five_seconds() {
    let here = Server::start().await;
    let there = here.beside().await;
    let (id, tokens) = here.person("default", &["asset.read"]).await;
    let access = tokens["access_token"].as_str().unwrap();
    both([&here, &there], access, 200).await;
    assert_eq!(there.ask(access, "DELETE", "/api/v1/auth/sessions/current", "").await.status, 204);
    both([&here, &there], access, 401).await;

    let who = json!({ "refresh_token": tokens["refresh_token"] });
    assert_eq!(here.post("/api/v1/auth/sessions/refresh", &who).await.code(), "session.invalid_token");
    let (other, tokens) = here.person("default", &["asset.read", "event.read"]).await;
    assert_ne!(other, id);
    let access = tokens["access_token"].as_str().unwrap();
    both([&here, &there], access, 200).await;
    let bearer = format!("Bearer {access}");
    let stream = here.send("GET", "/api/v1/events", &[("authorization", &bearer)], Bytes::new()).await;
    let mut stream = stream.into_body();
    let condition = [("content-type", "application/json"), ("if-match", "*")];
    let change = json!({ "state": "suspended" }).to_string();
    assert_eq!(there.call("PATCH", &format!("/api/v1/users/{other}"), &condition, change).await.status, 200);
    both([&there, &here], access, 401).await;
    let ends = async { while stream.frame().await.is_some() {} };
    tokio::time::timeout(SOON, ends).await.expect("his stream ends in time");
}

#[tokio::test]
async fn what_a_role_gave_that_is_revoked_edited_removed_or_over_opens_nothing_anywhere_within_five_seconds() {
    let here = Server::start().await;
    let there = here.beside().await;
    let (id, tokens) = here.person("default", &[]).await;
    let access = tokens["access_token"].as_str().unwrap();
    both([&here, &there], access, 403).await;
    let made = async |path: &str, body: Value| {
        let answer = there.post(path, &body).await;
        assert_eq!(answer.status, 201, "{:?}", answer.body);
        answer.json()["id"].as_str().unwrap().to_owned()
    };
    let role = made("/api/v1/roles", json!({ "name": "viewers", "permissions": ["asset.read"] })).await;
    let at = format!("/api/v1/roles/{role}");
    let bound = async |seconds: Option<i64>| {
        made("/api/v1/role-bindings", json!({ "user_id": id, "role_id": role, "expires_in_s": seconds })).await
    };
    let condition = [("content-type", "application/json"), ("if-match", "*")];
    let binding = bound(None).await;
    both([&here, &there], access, 200).await;
    let binding = format!("/api/v1/role-bindings/{binding}");
    assert_eq!(there.call("DELETE", &binding, &condition, "").await.status, 204);
    both([&here, &there], access, 403).await;

    bound(Some(5)).await;
    both([&here, &there], access, 200).await;
    let begun = Instant::now();
    for server in [&here, &there] {
        until("the end of the role", async || (status(server, access).await == 403).then_some(())).await;
    }
    assert!(begun.elapsed() < Duration::from_secs(5) + SOON, "{:?}", begun.elapsed());

    bound(None).await;
    both([&here, &there], access, 200).await;
    let without = json!({ "permissions": ["asset.delete"] }).to_string();
    assert_eq!(there.call("PATCH", &at, &condition, without).await.status, 200);
    both([&here, &there], access, 403).await;
    let with = json!({ "permissions": ["asset.*"] }).to_string();
    assert_eq!(there.call("PATCH", &at, &condition, with).await.status, 200);
    both([&here, &there], access, 200).await;
    assert_eq!(there.call("DELETE", &at, &condition, "").await.status, 204);
    both([&here, &there], access, 403).await;
}

#[tokio::test]
async fn a_stream_ends_soon_after_its_key() {
    let server = Server::start().await;
    let (id, secret) = server.key("default", &["event.read"]).await;
    let bearer = format!("Bearer {secret}");
    let stream = server.send("GET", "/api/v1/events", &[("authorization", &bearer)], Bytes::new()).await;
    assert_eq!(stream.status(), 200);
    let mut stream = stream.into_body();
    assert_eq!(server.call("DELETE", &format!("/api/v1/api-keys/{id}"), &[], "").await.status, 204);
    let ends = async { while stream.frame().await.is_some() {} };
    tokio::time::timeout(SOON, ends).await.expect("it ends in time");
}

#[tokio::test]
async fn a_key_ends_when_it_said_it_would() {
    let server = Server::start().await;
    let body = json!({ "name": "short", "permissions": ["asset.read"], "expires_in_s": 1 });
    let made = server.post("/api/v1/api-keys", &body).await.json();
    let secret = made["secret"].as_str().unwrap();
    let begun = Instant::now();
    until("the end of the key", async || (status(&server, secret).await == 401).then_some(())).await;
    assert!(begun.elapsed() < Duration::from_secs(1) + SOON, "{:?}", begun.elapsed());
    let shown = server.get(&format!("/api/v1/api-keys/{}", made["id"].as_str().unwrap())).await.json();
    assert_eq!(shown["expires_at"], made["expires_at"], "it is still listed");
}

#[tokio::test]
async fn fifty_equal_requests_make_one_key_and_one_of_them_is_told_its_secret() {
    let server = Server::start().await;
    let body = json!({ "name": "one", "permissions": ["asset.read"] }).to_string();
    let headers = [("content-type", "application/json"), ("idempotency-key", "k")];
    let all = (0..50).map(|_| server.call("POST", "/api/v1/api-keys", &headers, body.clone()));
    let answers = futures::future::join_all(all).await;
    assert!(answers.iter().all(|answer| answer.status == 201));
    let told: Vec<Value> = answers.iter().map(|answer| answer.json()).collect();
    assert!(told.iter().all(|one| one["id"] == told[0]["id"]));
    let secrets: Vec<&str> = told.iter().filter_map(|one| one["secret"].as_str()).collect();
    let [secret] = secrets[..] else { panic!("{} were told a secret", secrets.len()) };
    assert_eq!(status(&server, secret).await, 200);
    let listed = server.get("/api/v1/api-keys").await.json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    assert!(!listed.to_string().contains(secret));
}

#[tokio::test]
async fn a_key_gives_no_more_than_it_has_and_for_no_longer() {
    let server = Server::start().await;
    let (_, giver) = server.key("default", &["api_key.create", "asset.*"]).await;
    let give = async |secret: &str, body: Value| {
        let answer = server.ask(secret, "POST", "/api/v1/api-keys", body.to_string()).await;
        let code = if answer.status == 201 { String::new() } else { answer.code() };
        (answer.status, code)
    };
    let of = |permissions: &[&str]| json!({ "name": "child", "permissions": permissions });
    assert_eq!(give(&giver, of(&["asset.read", "asset.*"])).await, (201, String::new()));
    for beyond in [&["*"][..], &["job.read"], &["asset.read", "api_key.delete"], &["api_key.*"]] {
        assert_eq!(give(&giver, of(beyond)).await, (403, "api_key.beyond_own".to_owned()), "{beyond:?}");
    }
    let (_, without) = server.key("default", &["asset.*"]).await;
    assert_eq!(give(&without, of(&["asset.read"])).await, (403, "auth.forbidden".to_owned()));
    let ending = json!({ "name": "a", "permissions": ["api_key.create"], "expires_in_s": 600 });
    let ending = server.post("/api/v1/api-keys", &ending).await.json()["secret"].as_str().unwrap().to_owned();
    let lasting =
        |seconds: Option<i64>| json!({ "name": "a", "permissions": ["api_key.create"], "expires_in_s": seconds });
    assert_eq!(give(&ending, lasting(Some(60))).await.0, 201);
    for longer in [None, Some(3600)] {
        assert_eq!(give(&ending, lasting(longer)).await, (403, "api_key.beyond_own".to_owned()), "{longer:?}");
    }
}
