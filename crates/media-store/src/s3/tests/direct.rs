//! What clients send to the bucket and fetch from it by themselves.

use std::time::Duration;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::kills::{content, described};
use super::server::{Blow, Server};
use crate::{BLOCK_BYTES, Block, DirectAccess, MediaStore, S3Store, SignedRequest, StoreError, Taken};

const VALID: Duration = Duration::from_secs(60);

pub(super) fn blocks_of(all: &[u8]) -> Vec<Block> {
    let block = |(index, bytes): (usize, &[u8])| Block {
        index: index as u64,
        length: bytes.len() as u64,
        sha256: Sha256::digest(bytes).into(),
    };
    all.chunks(BLOCK_BYTES as usize).enumerate().map(block).collect()
}

fn bytes_of(all: &Bytes, block: &Block) -> Bytes {
    let start = (block.index * BLOCK_BYTES) as usize;
    all.slice(start..start + block.length as usize)
}

/// A request by a client that knows nothing of S3: its status, head and body.
pub(super) async fn ask(method: &str, url: &str, headers: &[(String, String)], body: &[u8]) -> (u16, String, Vec<u8>) {
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut head = format!("{method} /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-length")) {
        head += &format!("content-length: {}\r\n", body.len());
    }
    let mut socket = tokio::net::TcpStream::connect(host).await.unwrap();
    // One that is refused may be answered before all of it was sent.
    let _ = socket.write_all(format!("{head}\r\n").as_bytes()).await;
    let _ = socket.write_all(body).await;
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer).await;
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_ascii_lowercase(), answer[end + 4..].to_vec())
}

pub(super) async fn put(request: &SignedRequest, body: &[u8]) -> u16 {
    ask("PUT", request.url(), request.headers(), body).await.0
}

/// Sends an upload as a client does that knows what it was told last.
async fn send(store: &S3Store, key: &str, all: &Bytes) -> Result<crate::StagedObject, StoreError> {
    let blocks = blocks_of(all);
    let object = format!("sources/{key}");
    let length = match store.stage_offset(key).await? {
        Some(length) => length,
        None if store.head(&object).await?.is_some() => all.len() as u64,
        None => 0,
    };
    if length < all.len() as u64 {
        for (block, request) in blocks.iter().zip(store.sign_blocks(key, &blocks, VALID).await?) {
            assert_eq!(put(&request, &bytes_of(all, block)).await, 200);
        }
        let taken = store.take_blocks(key, &blocks).await?;
        assert_eq!(taken, Taken { length: all.len() as u64, missing: None });
    }
    store.stage_finish(key, &object).await
}

#[tokio::test]
async fn blocks_count_when_they_are_there_and_only_those_that_were_signed_get_there() {
    let server = Server::start().await;
    let store = server.store(1);
    let all = content((9 << 20) + 5);
    let blocks = blocks_of(&all);
    let signed = store.sign_blocks("up", &blocks, VALID).await.unwrap();
    assert_eq!(store.take_blocks("up", &blocks).await.unwrap(), Taken { length: 0, missing: Some(0) });

    let [first, second] = [bytes_of(&all, &blocks[0]), bytes_of(&all, &blocks[1])];
    let mut other = first.to_vec();
    other[77] ^= 1;
    assert_eq!(put(&signed[0], &other).await, 400, "other bytes");
    let with = |request: &SignedRequest, name: &str, value: &str| {
        let headers = request.headers().iter().cloned();
        let changed = headers.map(|(known, old)| if known == name { (known, value.to_owned()) } else { (known, old) });
        (request.url().to_owned(), changed.collect::<Vec<_>>())
    };
    let (url, shorter) = with(&signed[0], "content-length", "3");
    assert_eq!(ask("PUT", &url, &shorter, b"abc").await.0, 403, "another length");
    let (url, hashed) = with(&signed[0], "x-amz-checksum-sha256", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    assert_eq!(ask("PUT", &url, &hashed, &other).await.0, 403, "another hash");
    let elsewhere = url.replace("000000000000-", "000000000001-");
    assert_eq!(ask("PUT", &elsewhere, signed[0].headers(), &first).await.0, 403, "another place");
    let late = store.sign_blocks("up", &blocks[..1], Duration::ZERO).await.unwrap();
    assert_eq!(put(&late[0], &first).await, 403, "too late");
    assert_eq!(store.take_blocks("up", &blocks).await.unwrap(), Taken { length: 0, missing: Some(0) });

    assert_eq!(put(&signed[1], &second).await, 200);
    assert_eq!(store.take_blocks("up", &blocks).await.unwrap(), Taken { length: 0, missing: Some(0) });
    assert_eq!(put(&signed[0], &first).await, 200);
    let known = Taken { length: BLOCK_BYTES, missing: None };
    assert_eq!(store.take_blocks("up", &blocks[..1]).await.unwrap(), known);
    assert_eq!(store.take_blocks("up", &blocks).await.unwrap(), Taken { length: all.len() as u64, missing: None });
    let mut another = blocks.clone();
    another[0].sha256[0] ^= 1;
    assert_eq!(store.take_blocks("up", &another).await.unwrap().missing, Some(0), "another one counts already");
    assert_eq!(store.stage_range("up", BLOCK_BYTES - 3, 9).await.unwrap(), all.slice((8 << 20) - 3..(8 << 20) + 6));
    assert_eq!(store.stage_finish("up", "sources/up").await.unwrap(), described(&all));
    assert_eq!(store.get("sources/up").await.unwrap(), all);
    assert_eq!(server.keys("staging"), ["staging/conditions"]);
}

#[tokio::test]
async fn blocks_go_on_behind_bytes_that_came_by_another_way_where_those_end_with_a_block() {
    let server = Server::start().await;
    let store = server.store(1);
    let all = content(9 << 20);
    let blocks = blocks_of(&all);
    store.stage_append("up", 0, all.slice(..8 << 20)).await.unwrap();
    let signed = store.sign_blocks("up", &blocks[1..], VALID).await.unwrap();
    assert_eq!(put(&signed[0], &bytes_of(&all, &blocks[1])).await, 200);
    assert_eq!(store.take_blocks("up", &blocks).await.unwrap(), Taken { length: 9 << 20, missing: None });
    store.stage_append("other", 0, all.slice(..5)).await.unwrap();
    assert_eq!(store.take_blocks("other", &blocks).await.unwrap(), Taken { length: 5, missing: Some(0) });
}

#[tokio::test]
async fn a_block_is_read_where_the_server_keeps_no_hashes_and_none_is_signed_where_it_compares_nothing() {
    let server = Server::start().await;
    let store = server.store(1);
    let all = content(1000);
    let blocks = blocks_of(&all);
    let signed = store.sign_blocks("up", &blocks, VALID).await.unwrap();
    server.be_careless();
    assert_eq!(put(&signed[0], &content(1001)[1..]).await, 200);
    assert_eq!(store.take_blocks("up", &blocks).await.unwrap().missing, Some(0), "others' bytes");
    assert_eq!(put(&signed[0], &all).await, 200);
    assert_eq!(store.take_blocks("up", &blocks).await.unwrap(), Taken { length: 1000, missing: None });

    let refused = server.store(1).sign_blocks("other", &blocks, VALID).await.map(drop).unwrap_err();
    assert!(matches!(refused, StoreError::UnsupportedLocation { .. }), "{refused}");
}

#[tokio::test]
async fn a_direct_upload_survives_a_kill_at_every_request() {
    let all = content(1000);
    let server = Server::start().await;
    for nth in 1.. {
        let key = format!("up/{nth}");
        server.strike(nth, Blow::Kills { done: true });
        let first = server.store(1);
        let whole = tokio::select! {
            biased;
            () = server.kill() => None,
            staged = send(&first, &key, &all) => Some(staged.unwrap()),
        };
        let is_over = whole.is_some() && server.spare();
        let staged = match whole {
            Some(staged) => staged,
            None => send(&server.store(1), &key, &all).await.unwrap(),
        };
        assert_eq!(staged, described(&all));
        assert_eq!(server.store(1).stage_offset(&key).await.unwrap(), None);
        if is_over {
            assert!(nth > 12, "{nth}");
            break;
        }
    }
}

#[tokio::test]
async fn an_object_is_fetched_by_who_holds_its_address_under_a_name_of_ours() {
    let server = Server::start().await;
    let store = server.store(1);
    store.put_new("sources/1/original", Bytes::from_static(b"0123456789")).await.unwrap();
    let disposition = "attachment; filename=\"talk.mp4\"";
    let signed = store.sign_get("sources/1/original", disposition, VALID).await.unwrap();
    let (status, head, body) = ask("GET", signed.url(), signed.headers(), b"").await;
    assert_eq!((status, body.as_slice()), (200, &b"0123456789"[..]), "{head}");
    assert!(head.contains(&format!("content-disposition: {disposition}")), "{head}");
    let range = [("range".to_owned(), "bytes=2-4".to_owned())];
    let (status, _, body) = ask("GET", signed.url(), &range, b"").await;
    assert_eq!((status, body.as_slice()), (206, &b"234"[..]));
    let (other, ..) = ask("GET", &signed.url().replace("original", "another"), &[], b"").await;
    assert_eq!(other, 403);
}
