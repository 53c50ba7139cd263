//! Units: served together, and each by itself.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::server::{Server, UNITS};

/// What every process answers.
const COMMON: [&str; 4] = ["/api/v1/units/{slug}/maintenance", "/healthz", "/metrics", "/readyz"];

/// The operations of a document, without those of every process.
fn paths(document: &Value) -> BTreeMap<String, Value> {
    let mut paths: BTreeMap<_, _> = document["paths"].as_object().unwrap().clone().into_iter().collect();
    for path in COMMON {
        assert!(paths.remove(path).is_some(), "{path} is missing");
    }
    paths
}

/// The words behind `/api/v1/` that addresses begin with.
fn words(paths: &BTreeMap<String, Value>) -> BTreeSet<String> {
    // Other people's protocols have addresses of their own.
    let own = |path: &String| path.strip_prefix("/api/v1/").unwrap_or(&path[1..]).split('/').next().map(str::to_owned);
    paths.keys().filter_map(own).collect()
}

#[tokio::test]
async fn the_document_is_that_of_the_units_one_by_one_and_an_addresss_first_word_belongs_to_one_of_them() {
    let whole = Server::start().await.document().await;
    let (mut together, mut owners) = (BTreeMap::new(), BTreeMap::new());
    for slug in UNITS {
        let document = Server::of(&[slug]).await.document().await;
        let own = paths(&document);
        assert!(!own.is_empty(), "{slug}");
        for word in words(&own) {
            let other = owners.insert(word.clone(), slug);
            assert_eq!(other, None, "/api/v1/{word} belongs to {slug}");
        }
        let text = document.to_string();
        for reference in text.split("\"#/components/schemas/").skip(1) {
            let name = reference.split('"').next().unwrap();
            let schema = &document["components"]["schemas"][name];
            assert!(schema.is_object(), "{name} is referred to and missing");
            assert_eq!(*schema, whole["components"]["schemas"][name], "{name}");
        }
        assert!(document["info"]["description"].as_str().unwrap().ends_with(&format!(": {slug}.")));
        together.extend(own);
    }
    assert_eq!(together, paths(&whole));
    let expected = BTreeMap::from([
        (".well-known", "auth"),
        ("access", "rbac"),
        ("api", "flags"),
        ("api-keys", "auth"),
        ("assets", "media"),
        ("audit", "audit"),
        ("auth", "auth"),
        ("device", "auth"),
        ("events", "media"),
        ("flag-approvals", "flags"),
        ("flag-clients", "flags"),
        ("flag-events", "flags"),
        ("flag-experiments", "flags"),
        ("flag-freeze", "flags"),
        ("flag-keys", "flags"),
        ("flag-reports", "flags"),
        ("flag-requests", "flags"),
        ("flag-segments", "flags"),
        ("flags", "flags"),
        ("jobs", "processing"),
        ("ladders", "processing"),
        ("limits", "media"),
        ("oauth-clients", "auth"),
        ("oauth2", "auth"),
        ("ofrep", "flags"),
        ("org", "org"),
        ("permissions", "auth"),
        ("playback", "streaming"),
        ("queue", "processing"),
        ("role-bindings", "rbac"),
        ("roles", "rbac"),
        ("scim", "user"),
        ("tenants", "org"),
        ("transcoding", "processing"),
        ("units", "gateway"),
        ("uploads", "media"),
        ("users", "user"),
        ("webhooks", "webhook"),
        ("workers", "processing"),
    ]);
    assert_eq!(owners, expected.into_iter().map(|(word, slug)| (word.to_owned(), slug)).collect());
}

#[tokio::test]
async fn the_addresses_of_a_unit_that_is_not_served_lead_nowhere() {
    let server = Server::of(&["webhook"]).await;
    assert_eq!(server.get("/api/v1/webhooks").await.status, 200);
    for path in ["/api/v1/assets", "/api/v1/jobs", "/api/v1/playback/pb_1", "/", "/assets/app.js"] {
        let answer = server.get(path).await;
        assert_eq!((answer.status, answer.code().as_str()), (404, "http.not_found"), "{path}");
        assert_eq!(server.anonymous("GET", path, &[]).await.status, 401, "{path}");
    }
    assert_eq!(server.post("/api/v1/uploads", &serde_json::json!({})).await.status, 404);
    assert_eq!(Server::of(&["media"]).await.get("/api/v1/webhooks").await.status, 404);
}

#[tokio::test]
async fn every_process_tells_how_it_is_whatever_it_serves() {
    let server = Server::of(&["webhook"]).await;
    for path in ["/healthz", "/readyz", "/api/docs", "/api/docs/page.js", "/api/openapi.json"] {
        assert_eq!(server.anonymous("GET", path, &[]).await.status, 200, "{path}");
    }
    let text = |answer: crate::server::Answer| String::from_utf8(answer.body.to_vec()).unwrap();
    let figures = text(server.get("/metrics").await);
    assert!(figures.contains("lectern_build_info") && figures.contains("lectern_http_responses_total"));
    assert!(!figures.contains("lectern_assets"), "that is for who serves them to say");
    let page = text(server.anonymous("GET", "/api/docs", &[]).await);
    assert!(page.contains("id=\"webhook.not_found\"") && page.contains("id=\"server.not_ready\""));
    assert!(!page.contains("id=\"upload.locked\""), "nothing refuses with that here");
    for (slug, figure) in [("media", "lectern_assets{state=\"ready\"} 0"), ("processing", "lectern_queue_jobs")] {
        let figures = text(Server::of(&[slug]).await.get("/metrics").await);
        assert!(figures.contains(figure), "{slug}: {figures}");
    }
}

#[tokio::test]
async fn a_process_is_ready_when_the_tables_of_its_own_units_are_there() {
    const FORGET: &str = "DELETE FROM lectern_migrations WHERE module = 'assets'";
    for (slug, status) in [("webhook", 200), ("media", 503), ("streaming", 503)] {
        let server = Server::of(&[slug]).await;
        assert_eq!(server.anonymous("GET", "/readyz", &[]).await.status, 200, "{slug}");
        server.change(FORGET).await;
        assert_eq!(server.anonymous("GET", "/readyz", &[]).await.status, status, "{slug}");
    }
}
