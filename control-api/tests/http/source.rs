//! Sources, given back; and what is refused where the store is a folder.

use asset_store::NewUpload;
use drm::ProtectionScheme;
use serde_json::json;

use crate::server::{Server, asset_of};

const SOURCE: &str = "0123456789";

#[tokio::test]
async fn a_source_is_given_back_whole_or_in_part_under_its_name() {
    let server = Server::start().await;
    let upload = server.announce("Vorlesung \"ä\".mp4", SOURCE.len()).await;
    let asset = asset_of(&upload);
    let path = format!("/api/v1/assets/{asset}/source");
    let early = server.get(&path).await;
    assert_eq!((early.status, early.code().as_str()), (404, "source.not_found"));
    assert_eq!(server.call("PUT", upload["put_url"].as_str().unwrap(), &[], SOURCE).await.status, 200);

    let whole = server.get(&path).await;
    assert_eq!((whole.status, &whole.body[..]), (200, SOURCE.as_bytes()));
    let name = "attachment; filename=\"Vorlesung ___.mp4\"; filename*=UTF-8''Vorlesung%20%22%C3%A4%22.mp4";
    assert_eq!(whole.header("content-disposition"), name);
    assert_eq!((whole.header("accept-ranges"), whole.header("cache-control")), ("bytes", "private, no-cache"));
    let etag = whole.header("etag").to_owned();
    assert_eq!(etag.len(), 66, "the tree hash of the source");
    for (range, if_range, status, told, content) in [
        ("bytes=2-4", etag.as_str(), 206, "bytes 2-4/10", "234"),
        ("bytes=-2", etag.as_str(), 206, "bytes 8-9/10", "89"),
        ("bytes=2-4", "\"another\"", 200, "", SOURCE),
    ] {
        let part = server.call("GET", &path, &[("range", range), ("if-range", if_range)], "").await;
        assert_eq!((part.status, part.header("content-range"), &part.body[..]), (status, told, content.as_bytes()));
    }
    let behind = server.call("GET", &path, &[("range", "bytes=10-")], "").await;
    assert_eq!((behind.status, behind.header("content-range")), (416, "bytes */10"));
    assert_eq!(behind.code(), "source.range");
    let head = server.call("HEAD", &path, &[], "").await;
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, "10", 0));
    assert_eq!(server.anonymous("GET", &path, &[]).await.status, 401);
    let link = server.get(&format!("{path}?link=true")).await;
    assert_eq!((link.status, link.code().as_str()), (409, "source.no_link"));
}

#[tokio::test]
async fn the_source_of_a_protected_recording_is_not_given_back() {
    let server = Server::start().await;
    let new = NewUpload {
        tenant_id: kernel::default_tenant(),
        filename: "a.mp4".to_owned(),
        size_bytes: Some(3),
        parts: Vec::new(),
        ladder: "lecture".to_owned(),
        protection: Some(ProtectionScheme::Cbcs),
    };
    let mut tx = server.store.queue().database().begin().await.unwrap();
    let (upload, asset) = server.store.create_upload(&mut tx, &new, 1_000).await.unwrap();
    tx.commit().await.unwrap();
    let content = format!("/api/v1/uploads/{}/content", upload.id);
    assert_eq!(server.call("PUT", &content, &[], "abc").await.status, 200);
    let refused = server.get(&format!("/api/v1/assets/{}/source", asset.id)).await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "source.sealed"));
}

#[tokio::test]
async fn a_folder_takes_no_blocks_from_clients() {
    let server = Server::start().await;
    let direct = json!({ "filename": "a.mp4", "size": 3, "direct": true });
    let refused = server.post("/api/v1/uploads", &direct).await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "upload.not_direct"));
    let upload = server.announce("a.mp4", 3).await;
    assert!(upload["direct"].is_null(), "{upload}");
    let blocks = format!("{}/blocks", upload["tus_url"].as_str().unwrap());
    let hash = "ab".repeat(32);
    let wanted = json!({ "blocks": [{ "index": 0, "sha256": hash }] });
    let answers = [
        server.post(&blocks, &wanted).await,
        server.post(&format!("{blocks}/received"), &json!({ "blocks": [hash] })).await,
    ];
    for answer in answers {
        assert_eq!((answer.status, answer.code().as_str()), (409, "upload.not_direct"));
    }
}
