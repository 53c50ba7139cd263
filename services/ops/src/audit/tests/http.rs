//! The routes.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body_util::BodyExt;
use kernel::{AdminToken, Guard, Recorder, Routes};
use serde_json::{Value, json};
use tower::ServiceExt;
use utoipa::openapi::OpenApiBuilder;

use super::*;
use crate::audit::tree::Hash;
use crate::audit::tree::tests::{continues, includes};

const TOKEN: &str = "test-token-0123456789";
const HERE: &str = "/api/v1/audit";

struct Api(Router);

impl Api {
    fn new(audit: &Audit) -> Self {
        let (guard, recorder) = (Guard::new(AdminToken::new(TOKEN).unwrap()), Recorder::new(audit.db.clone()));
        let routes = crate::audit::routes::mount(Routes::new(guard, Some(recorder), OpenApiBuilder::new().build()));
        Self(routes.finish(audit.clone()).0)
    }

    async fn text(&self, path: &str) -> (u16, HeaderMap, String) {
        let request = Request::get(path).header("authorization", format!("Bearer {TOKEN}"));
        let response = self.0.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        (parts.status.as_u16(), parts.headers, String::from_utf8(bytes.to_vec()).unwrap())
    }

    async fn ask(&self, status: u16, path: &str) -> Value {
        let (found, _, text) = self.text(path).await;
        assert_eq!(found, status, "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// Indices of the entries that a search finds.
    async fn found(&self, query: &str) -> Vec<i64> {
        let page = self.ask(200, &format!("{HERE}/entries?{query}")).await;
        page["items"].as_array().unwrap().iter().map(|item| item["index"].as_i64().unwrap()).collect()
    }
}

fn hash(value: &Value) -> Hash {
    STANDARD.decode(value.as_str().unwrap()).unwrap().try_into().unwrap()
}

fn hashes(value: &Value) -> Vec<Hash> {
    value.as_array().unwrap().iter().map(hash).collect()
}

#[tokio::test]
async fn entries_are_found_by_what_they_say_newest_first_page_by_page() {
    for_each_engine(|db| async move {
        let api = Api::new(&filled(&db, 60).await);
        let (early, late) = (NOW_MS + 20_000, NOW_MS + 30_000);
        let cases: [(String, Vec<i64>); 12] = [
            ("limit=3".to_owned(), vec![59, 58, 57]),
            ("resource=/api/v1/assets/ast_7".to_owned(), vec![57, 47, 37, 27, 17, 7]),
            ("resource=%2Fapi%2Fv1%2Fassets%2Fast_7&actor=anyone".to_owned(), vec![57, 27]),
            ("action=create_licence&limit=2".to_owned(), vec![57, 54]),
            ("actor=anyone&limit=2".to_owned(), vec![57, 54]),
            ("request_id=req_8".to_owned(), vec![8]),
            ("request_id=req_8&actor=anyone".to_owned(), vec![]),
            (format!("from_ms={early}&to_ms={late}&actor=admin"), vec![29, 28, 26, 25, 23, 22, 20]),
            ("actor=nobody".to_owned(), vec![]),
            ("pack=admin&limit=3".to_owned(), vec![59, 58, 56]),
            ("pack=admin&actor=anyone".to_owned(), vec![]),
            ("pack=access".to_owned(), vec![]),
        ];
        for (query, expected) in cases {
            assert_eq!(api.found(&query).await, expected, "{query}");
        }
        let (mut seen, mut path) =
            (Vec::new(), format!("{HERE}/entries?actor=admin&resource=/api/v1/assets/ast_1&limit=2"));
        loop {
            let (_, headers, text) = api.text(&path).await;
            let page: Value = serde_json::from_str(&text).unwrap();
            seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["index"].as_i64().unwrap()));
            let Some(link) = headers.get("link") else { break };
            path = link.to_str().unwrap().split_once('>').unwrap().0.trim_start_matches('<').to_owned();
        }
        assert_eq!(seen, [41, 31, 11, 1]);
        let entry = api.ask(200, &format!("{HERE}/entries/41")).await;
        assert_eq!(
            entry["entry"],
            json!({
                "action": "renew_asset", "actor": "admin", "id": format!("{:032}", 41), "outcome": "done",
                "request_id": "req_41", "resource": "/api/v1/assets/ast_1", "status": 202,
                "tenant_id": "ten_default", "time": "2026-11-21T03:50:41.000Z",
            })
        );
        for bad in ["entries/60", "entries/-1", "entries/x"] {
            assert_eq!(api.ask(404, &format!("{HERE}/{bad}")).await["code"], "audit.not_found", "{bad}");
        }
        for bad in [
            "entries?limit=0",
            "entries?after=zz",
            "entries?who=me",
            "entries?pack=all",
            "export?limit=1001",
            "export?start=-1",
        ] {
            assert_eq!(api.text(&format!("{HERE}/{bad}")).await.0, 422, "{bad}");
        }
    })
    .await;
}

#[tokio::test]
async fn every_state_is_signed_and_every_entry_and_every_earlier_state_proven() {
    for_each_engine(|db| async move {
        let audit = filled(&db, 0).await;
        let api = Api::new(&audit);
        let verifier = audit.log(&default_tenant()).await.unwrap().verifier().unwrap();
        let key = api.ask(200, &format!("{HERE}/key")).await;
        assert_eq!((&key["name"], hash(&key["public_key"])), (&json!(verifier.name()), *verifier.public_key()));
        let mut states = Vec::new();
        for size in [0, 1, 2, 7, 256, 257, 511, 513, 700] {
            happen(&db, states.last().map_or(0, |(size, _)| *size)..size).await;
            while audit.append(&default_tenant()).await.unwrap() > 0 {}
            let (status, _, note) = api.text(&format!("{HERE}/checkpoint")).await;
            let signed = verifier.open(&note).unwrap();
            assert_eq!((status, signed.size), (200, size as u64));
            states.push((size, signed.root));
        }
        for (size, root) in states.iter().skip(1) {
            for index in [0, 1, size / 2, size - 1].into_iter().filter(|index| index < size) {
                let proof = api.ask(200, &format!("{HERE}/proofs/inclusion?index={index}&size={size}")).await;
                let entry = api.ask(200, &format!("{HERE}/entries/{index}")).await;
                assert_eq!(proof["leaf_hash"], entry["leaf_hash"]);
                let way = hashes(&proof["hashes"]);
                let found = includes(index as u64, *size as u64, hash(&proof["leaf_hash"]), &way);
                assert_eq!(found, Some(*root), "{index} in {size}");
            }
            for (old, old_root) in states.iter().skip(1).filter(|(old, _)| old < size) {
                let proof = api.ask(200, &format!("{HERE}/proofs/consistency?from={old}&to={size}")).await;
                let found = continues(*old as u64, *size as u64, *old_root, &hashes(&proof["hashes"]));
                assert_eq!(found, Some((*old_root, *root)), "{old} in {size}");
            }
        }
        let same = api.ask(200, &format!("{HERE}/proofs/consistency?from=700")).await;
        assert_eq!(same, json!({ "from": 700, "to": 700, "hashes": [] }));
        for bad in [
            "inclusion?index=700",
            "inclusion?index=5&size=5",
            "inclusion?index=5&size=701",
            "inclusion",
            "consistency?from=0",
            "consistency?from=701",
            "consistency?from=9&to=8",
        ] {
            assert_eq!(api.text(&format!("{HERE}/proofs/{bad}")).await.0, 422, "{bad}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_whole_log_can_be_taken_away_and_hashed_elsewhere() {
    for_each_engine(|db| async move {
        let audit = filled(&db, 300).await;
        let api = Api::new(&audit);
        let (mut grown, mut path, mut pages) = (Frontier::default(), format!("{HERE}/export?limit=120"), 0);
        loop {
            let (status, headers, text) = api.text(&path).await;
            assert_eq!((status, headers["content-type"].to_str().unwrap()), (200, "application/jsonl"));
            text.lines().for_each(|line| grown.push(crate::audit::tree::leaf_hash(line.as_bytes()), &mut Vec::new()));
            pages += 1;
            let Some(link) = headers.get("link") else { break };
            path = link.to_str().unwrap().split_once('>').unwrap().0.trim_start_matches('<').to_owned();
        }
        let log = audit.log(&default_tenant()).await.unwrap();
        let signed = log.verifier().unwrap().open(&log.checkpoint).unwrap();
        assert_eq!((pages, grown.size(), grown.root()), (3, 300, signed.root));
        assert_eq!(api.text(&format!("{HERE}/export?start=300")).await.2, "");
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_kept_held_or_sent_is_refused_with_what_is_wrong() {
    let scratch = Scratch::migrated(EngineKind::Sqlite).await;
    let api = Api::new(&audit(&scratch.db));
    let ask = async |method: &str, path: &str, body: Value| {
        let request = Request::builder().method(method).uri(format!("{HERE}/{path}"));
        let request = request.header("authorization", format!("Bearer {TOKEN}")).header("if-match", "*");
        let request = request.header("content-type", "application/json").body(Body::from(body.to_string())).unwrap();
        let (parts, body) = api.0.clone().oneshot(request).await.unwrap().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        (parts.status.as_u16(), serde_json::from_slice::<Value>(&bytes).unwrap_or_default())
    };
    let cases = [
        ("PUT", "retention", json!({ "days": 89 }), "audit.invalid_retention", "/days"),
        ("PUT", "retention", json!({ "days": 40_000 }), "audit.invalid_retention", "/days"),
        ("POST", "holds", json!({ "reason": "" }), "audit.invalid_hold", "/reason"),
        ("POST", "holds", json!({ "reason": "a", "person": "" }), "audit.invalid_hold", "/person"),
        ("POST", "holds", json!({ "reason": "a", "from_ms": 5, "to_ms": 5 }), "audit.invalid_hold", "/to_ms"),
        ("POST", "streams", json!({ "url": "http://siem.example/" }), "audit.invalid_stream", "/url"),
        ("POST", "streams", json!({ "url": "https://192.168.0.1/" }), "audit.invalid_stream", "/url"),
        ("POST", "streams", json!({ "url": "tcp://127.0.0.1:514" }), "audit.invalid_stream", "/url"),
        ("POST", "streams", json!({ "url": "tcp://siem.example" }), "audit.invalid_stream", "/url"),
        (
            "POST",
            "streams",
            json!({ "url": "https://siem.example/", "credential": "a\nb" }),
            "audit.invalid_stream",
            "/credential",
        ),
        (
            "POST",
            "streams",
            json!({ "url": "tcp://siem.example:514", "credential": "Bearer x" }),
            "audit.invalid_stream",
            "/credential",
        ),
    ];
    for (method, path, body, code, pointer) in cases {
        let (status, problem) = ask(method, path, body.clone()).await;
        let told = (status, &problem["errors"][0]["code"], &problem["errors"][0]["pointer"]);
        assert_eq!(told, (422, &json!(code), &json!(pointer)), "{path} {body}");
    }
    let (status, kept) = ask("PUT", "retention", json!({ "days": 90 })).await;
    assert_eq!((status, &kept["days"]), (200, &json!(90)));
    assert_eq!(ask("PUT", "retention", json!({})).await.1["days"], Value::Null, "for good");

    let stream = json!({ "url": "https://siem.example/", "credential": "Bearer s3cret", "start": 7 });
    for _ in 0..5 {
        let (status, made) = ask("POST", "streams", stream.clone()).await;
        assert_eq!((status, &made["has_credential"], &made["next_index"]), (201, &json!(true), &json!(7)), "{made}");
        assert!(!made.to_string().contains("s3cret"));
    }
    let (status, refused) = ask("POST", "streams", stream).await;
    assert_eq!((status, &refused["code"]), (422, &json!("audit.too_many")));
    assert_eq!(ask("GET", "streams", Value::Null).await.1["items"].as_array().unwrap().len(), 5);
}
