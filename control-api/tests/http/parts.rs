//! Recordings in several files, announced together.

use media_types::publication::source_key;
use serde_json::{Value, json};

use crate::server::{Server, asset_of};

fn announced(parts: Value) -> Value {
    json!({ "filename": "match.mp4", "size": 9, "parts": parts })
}

fn part(filename: &str, size: u64) -> Value {
    json!({ "filename": filename, "size": size })
}

#[tokio::test]
async fn parts_are_sent_as_one_body_and_told_one_by_one() {
    let server = Server::start().await;
    let body = announced(json!([part("GX01.MP4", 4), part("GX02.MP4", 5)]));
    let headers = [("content-type", "application/json"), ("idempotency-key", "one")];
    let answers = [
        server.call("POST", "/api/v1/uploads", &headers, body.to_string()).await,
        server.call("POST", "/api/v1/uploads", &headers, body.to_string()).await,
    ];
    assert!(answers.iter().all(|answer| answer.status == 201 && answer.body == answers[0].body));
    let upload = answers[0].json();
    let told = |upload: &Value| {
        let parts = upload["parts"].as_array().unwrap().iter();
        parts.map(|part| (part["filename"].clone(), part["received_bytes"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(told(&upload), [(json!("GX01.MP4"), json!(0)), (json!("GX02.MP4"), json!(0))]);
    let (tus_url, put_url) = (upload["tus_url"].as_str().unwrap(), upload["put_url"].as_str().unwrap());
    let tus = [("tus-resumable", "1.0.0"), ("upload-offset", "0"), ("content-type", "application/offset+octet-stream")];
    assert_eq!(server.call("PATCH", tus_url, &tus, "onetwo").await.status, 204);
    let seen = server.get(tus_url).await.json();
    assert_eq!(told(&seen), [(json!("GX01.MP4"), json!(4)), (json!("GX02.MP4"), json!(2))]);
    let short = server.call("PUT", put_url, &[], "one").await;
    assert_eq!((short.status, short.code().as_str()), (400, "upload.incomplete"));
    assert!(short.json()["detail"].as_str().unwrap().contains("part 1 of 2 (GX01.MP4)"), "{:?}", short.body);
    assert_eq!(server.call("PUT", put_url, &[], "one1two22").await.status, 200);
    assert_eq!(server.media.get(&source_key(&asset_of(&upload))).await.unwrap(), "one1two22", "one source");
    assert_eq!(server.announce("talk.mp4", 9).await["parts"], Value::Null, "of a single file nothing is said of parts");
}

#[tokio::test]
async fn parts_that_cannot_be_a_source_are_refused_and_each_mistake_named() {
    let server = Server::start().await;
    for (parts, code, pointer) in [
        (json!([part("a", 9)]), "upload.invalid_parts", "/parts"),
        (json!([]), "upload.invalid_parts", "/parts"),
        (json!(vec![part("a", 1); 33]), "upload.invalid_parts", "/parts"),
        (json!([part("a", 4), part("", 5)]), "upload.invalid_filename", "/parts/1/filename"),
        (json!([part("a", 9), part("b", 0)]), "upload.empty", "/parts/1/size"),
        (json!([part("a", 4), part("b", 4)]), "field.invalid", "/size"),
        (json!([part("a", u64::MAX), part("b", 9)]), "field.invalid", "/size"),
        (json!([{ "filename": "a", "size": 4, "hash": "x" }, part("b", 5)]), "body.invalid", "/parts/0/hash"),
        (json!(["a", "b"]), "body.invalid", "/parts/0"),
    ] {
        let answer = server.post("/api/v1/uploads", &announced(parts.clone())).await;
        assert_eq!((answer.status, answer.code().as_str()), (422, code), "{parts}");
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{parts}");
    }
    assert_eq!(server.get("/api/v1/assets").await.json()["items"], json!([]));
}
