//! Bytes in.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use media_store::MemoryStore;
use media_types::publication::source_key;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::server::{Answer, Server, TOKEN, asset_of, until};

const OFFSET_STREAM: (&str, &str) = ("content-type", "application/offset+octet-stream");
const TUS: (&str, &str) = ("tus-resumable", "1.0.0");

fn noise(length: usize) -> Bytes {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes.into()
}

async fn offset(server: &Server, url: &str) -> usize {
    let answer = server.call("HEAD", url, &[TUS], "").await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
    assert_eq!(answer.header("tus-resumable"), "1.0.0");
    answer.header("upload-offset").parse().unwrap()
}

async fn patch(server: &Server, url: &str, at: usize, body: Bytes) -> Answer {
    let at = at.to_string();
    server.call("PATCH", url, &[TUS, OFFSET_STREAM, ("upload-offset", &at)], body).await
}

/// Writes a request by hand and breaks the connection after `sent` bytes of its body.
async fn cut(server: &Server, method: &str, url: &str, head: &str, sent: &[u8]) {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let text = format!("{method} {url} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\n{head}\r\n");
    stream.write_all(text.as_bytes()).await.unwrap();
    stream.write_all(sent).await.unwrap();
    stream.shutdown().await.unwrap();
}

async fn probe_jobs(server: &Server, asset: &str) -> usize {
    let list = server.get(&format!("/api/v1/jobs?asset_id={asset}&stage=probe")).await.json();
    list["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn one_put_and_tus_with_five_cuts_store_the_same_bytes_and_start_one_probe() {
    let server = Server::start().await;
    let source = noise(5 * 1024 * 1024 + 123);
    let put = server.announce("lecture.mp4", source.len()).await;
    let answer = server.call("PUT", put["put_url"].as_str().unwrap(), &[], source.clone()).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    assert_eq!((&answer.json()["state"], &answer.json()["size_bytes"]), (&json!("processing"), &json!(source.len())));

    let length = source.len().to_string();
    let headers = [TUS, ("upload-length", length.as_str()), ("upload-metadata", "filename bGVjdHVyZS5tcDQ=,flag")];
    let created = server.call("POST", "/api/v1/uploads", &headers, "").await;
    assert_eq!((created.status, created.header("tus-resumable")), (201, "1.0.0"));
    let url = created.header("location").to_owned();
    for round in 0..5 {
        let at = offset(&server, &url).await;
        until("the cut request lets go", async || {
            (patch(&server, &url, at, Bytes::new()).await.status == 204).then_some(())
        })
        .await;
        let rest = &source[at..];
        let head = format!(
            "tus-resumable: 1.0.0\r\nupload-offset: {at}\r\ncontent-type: application/offset+octet-stream\r\n\
             content-length: {}\r\n",
            rest.len()
        );
        let part = 700_000 + round * 13;
        cut(&server, "PATCH", &url, &head, &rest[..part]).await;
        until("the tail of a cut request is kept", async || (offset(&server, &url).await == at + part).then_some(()))
            .await;
    }
    let at = offset(&server, &url).await;
    assert!(at > 5 * 700_000);
    let last = until("the cut request lets go", async || {
        let answer = patch(&server, &url, at, source.slice(at..)).await;
        (answer.status != 423).then_some(answer)
    });
    let last = last.await;
    assert_eq!((last.status, last.header("upload-offset")), (204, length.as_str()), "{:?}", last.body);
    assert_eq!(patch(&server, &url, source.len(), Bytes::new()).await.status, 204, "the end may be said twice");

    let tus = server.get(&url).await.json();
    assert_eq!((&tus["state"], &tus["filename"]), (&json!("attached"), &json!("lecture.mp4")));
    let bytes = |upload: &serde_json::Value| source_key(&asset_of(upload));
    assert_eq!(server.media.get(&bytes(&put)).await.unwrap(), source);
    assert_eq!(server.media.get(&bytes(&tus)).await.unwrap(), source);
    for upload in [&put, &tus] {
        assert_eq!(probe_jobs(&server, upload["asset_id"].as_str().unwrap()).await, 1);
    }
}

#[tokio::test]
async fn of_two_writers_one_wins_and_the_other_learns_why() {
    let server = Server::start().await;
    let source = noise(3 << 20);
    let upload = server.announce("a.mp4", source.len()).await;
    let url = upload["tus_url"].as_str().unwrap();
    let answers = futures::future::join_all((0..8).map(|_| patch(&server, url, 0, source.clone()))).await;
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses[0], 204);
    assert!(statuses[1..].iter().all(|status| [409, 423].contains(status)), "{statuses:?}");
    let stored = server.media.get(&source_key(&asset_of(&upload))).await.unwrap();
    assert_eq!(stored, source);
    assert_eq!(probe_jobs(&server, upload["asset_id"].as_str().unwrap()).await, 1);
}

#[tokio::test]
async fn fifty_equal_announcements_with_one_key_make_one_upload() {
    let server = Arc::new(Server::start().await);
    let body = json!({ "filename": "a.mp4", "size": 9 }).to_string();
    let headers = [("content-type", "application/json"), ("idempotency-key", "one")];
    let answers = (0..50).map(|_| server.call("POST", "/api/v1/uploads", &headers, body.clone()));
    let answers = futures::future::join_all(answers).await;
    assert!(answers.iter().all(|answer| answer.status == 201 && answer.body == answers[0].body));
    assert!(answers.iter().all(|answer| !answer.header("location").is_empty()));
    assert_eq!(answers.iter().filter(|answer| answer.header("idempotency-replayed").is_empty()).count(), 1);
    assert_eq!(server.get("/api/v1/assets").await.json()["items"].as_array().unwrap().len(), 1);
    let other = json!({ "filename": "b.mp4", "size": 9 }).to_string();
    let reused = server.call("POST", "/api/v1/uploads", &headers, other).await;
    assert_eq!((reused.status, reused.code().as_str()), (422, "idempotency.key_reused"));
}

#[tokio::test]
async fn an_announcement_is_checked_and_each_mistake_named() {
    let server = Server::start().await;
    let long = "x".repeat(256);
    for (body, status, code, pointer) in [
        (json!({ "filename": "a", "size": 1, "sise": 2 }), 422, "body.invalid", "/sise"),
        (json!({ "filename": "a", "size": "1" }), 422, "body.invalid", "/size"),
        (json!({ "filename": "a", "size": -1 }), 422, "body.invalid", "/size"),
        (json!({ "filename": "a" }), 422, "body.invalid", ""),
        (json!({ "filename": "a", "size": 0 }), 422, "upload.empty", "/size"),
        (json!({ "filename": "", "size": 1 }), 422, "upload.invalid_filename", "/filename"),
        (json!({ "filename": long, "size": 1 }), 422, "upload.invalid_filename", "/filename"),
        (json!({ "filename": "a\u{0}", "size": 1 }), 422, "upload.invalid_filename", "/filename"),
        (json!({ "filename": "a", "size": 1, "ladder": "nope" }), 422, "ladder.unknown", "/ladder"),
    ] {
        let answer = server.post("/api/v1/uploads", &body).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{body}");
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{body}");
    }
    let too_large = server.post("/api/v1/uploads", &json!({ "filename": "a", "size": (1_u64 << 30) + 1 })).await;
    assert_eq!((too_large.status, too_large.code().as_str()), (413, "upload.too_large"));
    let json_type = ("content-type", "application/json");
    for (headers, body, status, code) in [
        (vec![json_type], "{".to_owned(), 400, "body.malformed"),
        (vec![json_type], " ".repeat(2 << 20), 413, "body.too_large"),
        (vec![("content-type", "text/plain")], "{}".to_owned(), 415, "body.not_json"),
        (vec![TUS], String::new(), 400, "tus.missing_length"),
        (vec![("tus-resumable", "0.9")], String::new(), 412, "tus.version"),
    ] {
        let answer = server.call("POST", "/api/v1/uploads", &headers, body).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code));
        assert_eq!(answer.header("tus-resumable") == "1.0.0", code.starts_with("tus."), "{code}");
    }
    assert_eq!(server.get("/api/v1/assets").await.json()["items"], json!([]));
}

#[tokio::test]
async fn a_filename_is_data_whatever_it_says() {
    let server = Server::start().await;
    for name in
        ["../../etc/passwd", "a\"b'\n\r\t\u{1}c.mp4", "C:\\x\\..\\y", "\u{202e}4pm.exe", "講義 🎥.mkv", "<script>"]
    {
        let upload = server.announce(name, 3).await;
        assert_eq!(upload["filename"], *name);
        let put = server.call("PUT", upload["put_url"].as_str().unwrap(), &[], "abc").await;
        assert_eq!((put.status, &put.json()["filename"]), (200, &json!(name)));
        let key = source_key(&asset_of(&upload));
        assert_eq!(server.media.get(&key).await.unwrap(), "abc");
    }
}

#[tokio::test]
async fn a_body_of_another_length_than_announced_is_refused() {
    let server = Server::start().await;
    let upload = server.announce("a.mp4", 2_000_000).await;
    let (put, tus) = (upload["put_url"].as_str().unwrap(), upload["tus_url"].as_str().unwrap());
    let answer = server.call("PUT", put, &[], noise(2_000_001)).await;
    assert_eq!((answer.status, answer.code().as_str()), (413, "upload.too_large"));
    let answer = server.call("PUT", put, &[], noise(1)).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "upload.incomplete"));
    let answer = patch(&server, tus, 0, noise(2_000_001)).await;
    assert_eq!(answer.status, 413);
    assert_eq!(offset(&server, tus).await, 0, "nothing is left of any of them");

    let chunk = noise(1_500_000);
    let chunked = |chunks: usize| {
        let mut body = Vec::new();
        for _ in 0..chunks {
            body.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            body.extend_from_slice(&chunk);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"0\r\n\r\n");
        body
    };
    let send = async |body: Vec<u8>| {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let head = format!(
            "PUT {put} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {TOKEN}\r\n\
             transfer-encoding: chunked\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let (mut input, mut output) = stream.into_split();
        let writer = tokio::spawn(async move {
            // The server may close before it has everything.
            let _ = output.write_all(&body).await;
            output
        });
        let mut status = [0; 12];
        input.read_exact(&mut status).await.unwrap();
        drop(writer);
        String::from_utf8(status.to_vec()).unwrap()
    };
    assert_eq!(send(chunked(2)).await, "HTTP/1.1 413");
    until("the surplus is gone", async || (offset(&server, tus).await == 0).then_some(())).await;
    assert_eq!(send(chunked(1)).await, "HTTP/1.1 400");
    assert_eq!(offset(&server, tus).await, chunk.len(), "what arrived can be resumed");
    let rest = until("the short request lets go", async || {
        let answer = patch(&server, tus, chunk.len(), noise(500_000)).await;
        (answer.status != 423).then_some(answer)
    });
    assert_eq!(rest.await.status, 204);
    let again = server.call("PUT", put, &[], noise(2_000_000)).await;
    assert_eq!((again.status, again.code().as_str()), (409, "upload.already_received"));
}

#[tokio::test]
async fn an_offset_that_is_not_the_uploads_is_refused_with_the_true_one() {
    let server = Server::start().await;
    let upload = server.announce("a.mp4", 10).await;
    let url = upload["tus_url"].as_str().unwrap();
    assert_eq!(patch(&server, url, 0, noise(4)).await.header("upload-offset"), "4");
    for at in [0, 3, 5] {
        let answer = patch(&server, url, at, noise(1)).await;
        assert_eq!((answer.status, answer.code().as_str()), (409, "upload.offset_mismatch"));
        assert_eq!((answer.header("upload-offset"), answer.header("tus-resumable")), ("4", "1.0.0"));
    }
    let state = server.get(url).await.json();
    assert_eq!((&state["received_bytes"], &state["state"]), (&json!(4), &json!("receiving")));
    for (headers, status) in [
        (vec![TUS, ("upload-offset", "4")], 415),
        (vec![TUS, OFFSET_STREAM], 400),
        (vec![OFFSET_STREAM, ("upload-offset", "4")], 412),
        (vec![TUS, OFFSET_STREAM, ("upload-offset", "four")], 400),
        (vec![TUS, OFFSET_STREAM, ("upload-offset", "4"), ("upload-checksum", "sha1 eA==")], 400),
    ] {
        assert_eq!(server.call("PATCH", url, &headers, "x").await.status, status, "{headers:?}");
    }
    let first = [TUS, OFFSET_STREAM, ("upload-length", "10")];
    let created = server.call("POST", "/api/v1/uploads", &first, noise(6)).await;
    assert_eq!((created.status, created.header("upload-offset")), (201, "6"), "creation with upload");
    for path in ["/api/v1/uploads", url] {
        let answer = server.call("OPTIONS", path, &[], "").await;
        assert_eq!((answer.status, answer.header("tus-version")), (204, "1.0.0"));
        assert_eq!(answer.header("tus-extension"), "creation,creation-with-upload,termination,checksum,expiration");
        assert_eq!(answer.header("tus-checksum-algorithm"), "sha1,sha256");
        assert_eq!(answer.header("tus-max-size"), (1_u64 << 30).to_string());
    }
}

#[tokio::test]
async fn a_chunk_with_a_wrong_checksum_leaves_nothing_and_the_right_one_goes_on() {
    let server = Server::start().await;
    let upload = server.announce("a.mp4", 11).await;
    let url = upload["tus_url"].as_str().unwrap();
    let send = async |at: &str, checksum: &str, body: &'static str| {
        let headers = [TUS, OFFSET_STREAM, ("upload-offset", at), ("upload-checksum", checksum)];
        server.call("PATCH", url, &headers, body).await
    };
    let sha1 = "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=";
    for (checksum, body, status, code) in [
        (sha1, "hello worle", 460, "tus.checksum_mismatch"),
        (sha1, "hello world!", 413, "upload.too_large"),
        ("sha256 Kq5sNclPz7QV2+lfQIuc6R7oRu0=", "hello world", 400, "tus.invalid_checksum"),
        ("crc32 DUoRhQ==", "hello world", 400, "tus.invalid_checksum"),
    ] {
        let answer = send("0", checksum, body).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code));
        assert_eq!(answer.header("tus-resumable"), "1.0.0");
        assert_eq!(offset(&server, url).await, 0);
    }
    assert_eq!(
        send("0", "sha256 LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=", "hello").await.header("upload-offset"),
        "5"
    );
    assert_eq!(send("5", sha1, " world").await.status, 460, "it is the chunk's, not the upload's");
    assert_eq!(offset(&server, url).await, 5);
    assert_eq!(patch(&server, url, 5, Bytes::from_static(b" world")).await.status, 204);
    assert_eq!(server.media.get(&source_key(&asset_of(&upload))).await.unwrap(), "hello world");

    let before = server.get("/api/v1/assets").await.json()["items"].as_array().unwrap().len();
    let first = |length| [TUS, OFFSET_STREAM, ("upload-length", length), ("upload-checksum", sha1)];
    assert_eq!(server.call("POST", "/api/v1/uploads", &first("11"), "hello worle").await.status, 460);
    assert_eq!(server.call("POST", "/api/v1/uploads", &first("5"), "hello world").await.status, 413);
    let after = server.get("/api/v1/assets").await.json()["items"].as_array().unwrap().len();
    assert_eq!(after, before, "what its client never heard of is not announced");
    let created = server.call("POST", "/api/v1/uploads", &first("11"), "hello world").await;
    assert_eq!((created.status, created.header("upload-offset")), (201, "11"));
}

#[tokio::test]
async fn an_unfinished_upload_says_how_long_it_is_kept() {
    let server = Server::start().await;
    let created = server.call("POST", "/api/v1/uploads", &[TUS, ("upload-length", "3")], "").await;
    let url = created.header("location").to_owned();
    let id = url.rsplit('/').next().unwrap().parse().unwrap();
    let expected = async || {
        let row = server.store.upload(&kernel::default_tenant(), &id).await.unwrap().unwrap();
        let idle = Duration::from_millis(row.updated_ms.try_into().unwrap()) + Duration::from_secs(48 * 3600);
        httpdate::fmt_http_date(UNIX_EPOCH + idle)
    };
    assert_eq!(created.header("upload-expires"), expected().await);
    let answer = patch(&server, &url, 0, Bytes::from_static(b"ab")).await;
    assert_eq!((answer.status, answer.header("upload-expires")), (204, expected().await.as_str()));
    assert_eq!(server.call("HEAD", &url, &[TUS], "").await.header("upload-expires"), expected().await);
    let whole = patch(&server, &url, 2, Bytes::from_static(b"c")).await;
    assert_eq!((whole.status, whole.header("upload-expires")), (204, ""), "what is received is kept");
    assert_eq!(server.call("HEAD", &url, &[TUS], "").await.header("upload-expires"), "");
}

#[tokio::test]
async fn a_process_that_died_after_the_last_byte_is_made_good_by_the_next_question() {
    let server = Server::start().await;
    let upload = server.announce("a.mp4", 6).await;
    let (url, asset) = (upload["tus_url"].as_str().unwrap(), asset_of(&upload));
    server.media.stage_append(&format!("uploads/{asset}"), 0, Bytes::from_static(b"abcdef")).await.unwrap();
    assert_eq!(offset(&server, url).await, 6);
    assert_eq!(server.get(url).await.json()["state"], "attached");

    let upload = server.announce("b.mp4", 6).await;
    let (url, asset) = (upload["tus_url"].as_str().unwrap(), asset_of(&upload));
    let staging = format!("uploads/{asset}");
    server.media.stage_append(&staging, 0, Bytes::from_static(b"abcdef")).await.unwrap();
    server.media.stage_finish(&staging, &source_key(&asset)).await.unwrap();
    assert_eq!(patch(&server, url, 6, Bytes::new()).await.status, 204);
    assert_eq!(server.get(url).await.json()["state"], "attached");
    assert_eq!(probe_jobs(&server, asset.as_str()).await, 1);
}

#[tokio::test]
async fn giving_an_upload_up_stops_the_request_that_fills_it() {
    let server = Server::start().await;
    let upload = server.announce("a.mp4", 4 << 20).await;
    let url = upload["tus_url"].as_str().unwrap();
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "PATCH {url} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\ntus-resumable: 1.0.0\r\nupload-offset: 0\r\n\
         content-type: application/offset+octet-stream\r\ncontent-length: {}\r\n\r\n",
        4 << 20
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&noise(2 << 20)).await.unwrap();
    until("bytes arrive", async || (offset(&server, url).await > 0).then_some(())).await;
    assert_eq!(server.call("DELETE", url, &[TUS], "").await.status, 204);
    let mut status = [0; 12];
    stream.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 410");
    let key = format!("uploads/{}", asset_of(&upload));
    assert_eq!(server.media.stage_offset(&key).await.unwrap(), None);
    assert_eq!(server.call("HEAD", url, &[TUS], "").await.status, 410);
    assert_eq!(patch(&server, url, 0, noise(1)).await.code(), "upload.closed");
    let asset = server.get(&format!("/api/v1/assets/{}", asset_of(&upload))).await.json();
    assert_eq!((&asset["state"], &asset["error"]["code"]), (&json!("errored"), &json!("asset.cancelled")));
    let done = server.uploaded().await;
    let list = server.get(&format!("/api/v1/assets/{done}")).await.json();
    assert_eq!(list["state"], "processing");
}

#[tokio::test]
async fn a_full_store_says_so_and_keeps_what_it_has() {
    let server = Server::with(Arc::new(MemoryStore::with_capacity(3 << 20)), None).await;
    let upload = server.announce("a.mp4", 8 << 20).await;
    let url = upload["tus_url"].as_str().unwrap();
    let answer = patch(&server, url, 0, noise(2 << 20)).await;
    assert_eq!(answer.status, 204);
    let answer = patch(&server, url, 2 << 20, noise(6 << 20)).await;
    assert_eq!((answer.status, answer.code().as_str()), (507, "storage.full"));
    assert_eq!((answer.json()["retryable"].clone(), answer.header("retry-after")), (json!(true), "60"));
    assert!(offset(&server, url).await >= 2 << 20);
}

#[tokio::test]
async fn an_asset_deleted_under_a_running_upload_leaves_no_bytes() {
    let server = Server::start().await;
    let upload = server.announce("a.mp4", 4 << 20).await;
    let url = upload["tus_url"].as_str().unwrap();
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "PUT {url}/content HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\ncontent-length: {}\r\n\r\n",
        4 << 20
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&noise(2 << 20)).await.unwrap();
    until("bytes arrive", async || (offset(&server, url).await > 0).then_some(())).await;
    let asset = asset_of(&upload);
    let answer = server.call("DELETE", &format!("/api/v1/assets/{asset}"), &[], "").await;
    assert_eq!((answer.status, &answer.json()["state"]), (202, &json!("deleting")));
    let mut status = [0; 12];
    stream.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 410");
    assert_eq!(server.media.stage_offset(&format!("uploads/{asset}")).await.unwrap(), None);
    assert_eq!(server.media.head(&source_key(&asset)).await.unwrap(), None);
}
