//! What is found where, under which cache rules, and what happens when it is not.

#![allow(clippy::unwrap_used)]

mod common;

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::{Method, StatusCode};
use bytes::Bytes;
use common::{FaultyStore, HLS, Server, eager, etag, folder_store, noise, playback, publish};
use futures::future::join_all;
use media_store::{MediaStore, MemoryStore, Version};
use media_types::publication::{generation_key, index_key, pointer_key, published_prefix};
use origin_server::OriginOptions;

const ENTRY: &str = "/p/pb_1/master.m3u8";

fn playlist(generation: u64) -> Vec<u8> {
    format!("#EXTM3U\n{}", format!("g{generation}/video/playlist.m3u8\n").repeat(50)).into_bytes()
}

fn files(generation: u64) -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let mut large = format!("generation {generation:04}\n").into_bytes();
    large.extend(noise(300_000, generation));
    vec![
        ("master.m3u8", HLS, playlist(generation)),
        ("manifest.mpd", "application/dash+xml", format!("<MPD id=\"g{generation}\"/>").into_bytes()),
        ("video/playlist.m3u8", HLS, format!("#EXTM3U\n# generation {generation:04}\n").into_bytes()),
        ("video/1.m4s", "video/iso.segment", large),
        ("video/init.mp4", "video/mp4", noise(500, generation)),
    ]
}

#[tokio::test]
async fn an_empty_folder_is_all_not_found() {
    let (_folder, store) = folder_store();
    let server = Server::start(store, eager()).await;
    for path in [
        "/",
        "/p",
        "/p/",
        "/p/pb_1",
        ENTRY,
        "/p/pb_1/manifest.mpd",
        "/p/pb_1/g1/video/1.m4s",
        "/p/../lock/open",
        "/p/pb_1/g1/../../../lock/open",
        "/p/pb_1/g1/%2e%2e/%2e%2e/current.json",
        "/p/pb_1/current.json",
        "/p/%ff/master.m3u8",
        "/etc/passwd",
    ] {
        let reply = server.get(path, &[]).await;
        assert_eq!((reply.status, reply.code().as_str()), (StatusCode::NOT_FOUND, "origin.not_found"), "{path}");
        assert_eq!(reply.header("cache-control"), "public, max-age=1");
        assert_eq!(reply.header("access-control-allow-origin"), "*");
    }
}

#[tokio::test]
async fn entries_are_of_the_newest_generation_and_files_of_theirs() {
    let (_folder, store) = folder_store();
    publish(&*store, 1, &files(1)).await;
    let server = Server::start(Arc::clone(&store), eager()).await;
    let first = server.get(ENTRY, &[]).await;
    assert_eq!(first.body, playlist(1));
    assert_eq!(first.header("content-type"), HLS);
    assert_eq!(first.header("cache-control"), "public, max-age=2, must-revalidate");
    assert_eq!(first.header("etag"), etag(&playlist(1)));
    assert_eq!(first.header("x-content-type-options"), "nosniff");
    publish(&*store, 2, &files(2)).await;
    let tag = etag(&playlist(1));
    let second = server.get(ENTRY, &[("if-none-match", &tag)]).await;
    assert_eq!((second.status, second.body.as_ref()), (StatusCode::OK, playlist(2).as_slice()));
    let mpd = server.get("/p/pb_1/manifest.mpd", &[]).await;
    assert_eq!((mpd.header("content-type"), mpd.body.as_ref()), ("application/dash+xml", &b"<MPD id=\"g2\"/>"[..]));
    for generation in 1..=2 {
        for (path, media_type, bytes) in files(generation) {
            let reply = server.get(&format!("/p/pb_1/g{generation}/{path}"), &[]).await;
            if path.starts_with("m") {
                assert_eq!(reply.status, StatusCode::NOT_FOUND, "an entry has one address");
                continue;
            }
            assert!(reply.body == bytes, "g{generation}/{path}");
            assert_eq!(reply.header("content-type"), media_type);
            assert_eq!(reply.header("cache-control"), "public, max-age=31536000, immutable");
        }
    }
    for path in ["/p/pb_1/g3/video/1.m4s", "/p/pb_1/g1/video/2.m4s", "/p/pb_1/g1/index.json", "/p/pb_2/master.m3u8"] {
        assert_eq!(server.get(path, &[]).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn text_is_compressed_under_a_tag_of_its_own() {
    let (_folder, store) = folder_store();
    publish(&*store, 1, &files(1)).await;
    let server = Server::start(store, eager()).await;
    let plain = server.get(ENTRY, &[]).await;
    let gzip = server.get(ENTRY, &[("accept-encoding", "br, gzip")]).await;
    assert_eq!((plain.header("vary"), gzip.header("vary")), ("Accept-Encoding", "Accept-Encoding"));
    assert_eq!((plain.header("content-encoding"), gzip.header("content-encoding")), ("", "gzip"));
    assert_ne!(plain.header("etag"), gzip.header("etag"));
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(gzip.body.as_ref()).read_to_end(&mut unpacked).unwrap();
    assert_eq!(unpacked, plain.body);
    assert!(gzip.body.len() < plain.body.len());
    let tag = gzip.header("etag").to_owned();
    let again = server.get(ENTRY, &[("accept-encoding", "gzip"), ("if-none-match", &tag)]).await;
    assert_eq!((again.status, again.header("etag")), (StatusCode::NOT_MODIFIED, tag.as_str()));
    assert_eq!(server.get(ENTRY, &[("if-none-match", &tag)]).await.status, StatusCode::OK);
    let part = server.get(ENTRY, &[("accept-encoding", "gzip"), ("range", "bytes=0-6")]).await;
    assert_eq!((part.body.as_ref(), part.header("content-encoding")), (&b"#EXTM3U"[..], ""));
    let media = server.get("/p/pb_1/g1/video/init.mp4", &[("accept-encoding", "gzip")]).await;
    assert_eq!((media.header("content-encoding"), media.header("vary")), ("", ""));
}

#[tokio::test]
async fn any_page_may_play() {
    let (_folder, store) = folder_store();
    publish(&*store, 1, &files(1)).await;
    let server = Server::start(store, eager()).await;
    let asked = [("origin", "https://school.example"), ("access-control-request-headers", "range")];
    let preflight = server.send(Method::OPTIONS, "/p/pb_1/g1/video/1.m4s", &asked).await;
    assert_eq!(preflight.status, StatusCode::NO_CONTENT);
    assert_eq!(preflight.header("access-control-allow-origin"), "*");
    assert_eq!(preflight.header("access-control-allow-methods"), "GET, HEAD, OPTIONS");
    assert!(preflight.header("access-control-allow-headers").contains("Range"));
    let reply = server.get(ENTRY, &asked[..1]).await;
    assert_eq!(reply.header("access-control-allow-origin"), "*");
    for exposed in ["ETag", "Content-Range", "Accept-Ranges", "Content-Length", "Date"] {
        assert!(reply.header("access-control-expose-headers").split(", ").any(|name| name == exposed), "{exposed}");
    }
    let post = server.send(Method::POST, ENTRY, &[]).await;
    assert_eq!((post.status, post.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "GET, HEAD, OPTIONS"));
}

#[tokio::test]
async fn a_failing_store_is_a_503_and_its_recovery_is_seen_at_once() {
    let store = Arc::new(FaultyStore::default());
    publish(&*store, 1, &files(1)).await;
    let server = Server::start(store.clone(), eager()).await;
    store.fails.store(true, Ordering::SeqCst);
    for path in [ENTRY, "/p/pb_1/g1/video/1.m4s", "/p/pb_1/g1/video/init.mp4"] {
        let reply = server.get(path, &[]).await;
        assert_eq!((reply.status, reply.code().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "origin.unavailable"));
        assert_eq!((reply.header("retry-after"), reply.header("cache-control")), ("2", "no-store"));
    }
    store.fails.store(false, Ordering::SeqCst);
    assert_eq!(server.get(ENTRY, &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_is_in_memory_is_served_without_the_store() {
    let store = Arc::new(FaultyStore::default());
    publish(&*store, 1, &files(1)).await;
    let before = store.reads.load(Ordering::SeqCst);
    assert_eq!(before, 1, "publishing reads the pointer");
    let server = Server::start(store.clone(), OriginOptions::default()).await;
    let path = "/p/pb_1/g1/video/init.mp4";
    let replies = join_all((0..50).map(|_| server.get(path, &[]))).await;
    assert!(replies.iter().all(|reply| reply.status == StatusCode::OK));
    assert_eq!(store.reads.load(Ordering::SeqCst) - before, 3, "index: head and get, object: one read");
    store.fails.store(true, Ordering::SeqCst);
    assert_eq!(server.get(path, &[]).await.body, noise(500, 1));
}

#[tokio::test]
async fn an_object_that_is_not_there_yet_is_a_503_until_it_is() {
    let store = Arc::new(MemoryStore::default());
    publish(&*store, 1, &files(1)).await;
    let server = Server::start(store.clone(), eager()).await;
    for path in ["video/1.m4s", "video/init.mp4"] {
        let (key, url) = (generation_key(&playback(), 1, path), format!("/p/pb_1/g1/{path}"));
        let bytes = store.get(&key).await.unwrap();
        store.delete(&key).await.unwrap();
        assert_eq!(server.get(&url, &[]).await.code(), "origin.unavailable", "{path}");
        store.put_new(&key, bytes.clone()).await.unwrap();
        assert!(server.get(&url, &[]).await.body == bytes);
    }
    store.delete_prefix(&published_prefix(&playback())).await.unwrap();
    assert_eq!(server.get("/p/pb_1/g1/video/1.m4s", &[]).await.status, StatusCode::NOT_FOUND, "deleted for good");
    assert_eq!(server.get(ENTRY, &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn damage_is_a_503_and_never_served() {
    let store = Arc::new(MemoryStore::default());
    publish(&*store, 1, &files(1)).await;
    for (path, damaged) in [("video/init.mp4", noise(500, 9)), ("video/1.m4s", noise(299_999, 1))] {
        let key = generation_key(&playback(), 1, path);
        store.delete(&key).await.unwrap();
        store.put_new(&key, damaged.into()).await.unwrap();
    }
    let server = Server::start(store.clone(), eager()).await;
    assert_eq!(server.get("/p/pb_1/g1/video/init.mp4", &[]).await.code(), "origin.unavailable");
    assert_eq!(server.get("/p/pb_1/g1/video/1.m4s", &[]).await.code(), "origin.unavailable");

    let pointer = pointer_key(&playback());
    let version = Version::of(&store.get(&pointer).await.unwrap());
    store.swap(&pointer, Some(&version), Bytes::from_static(b"{\"generation\":7}")).await.unwrap();
    assert_eq!(server.get(ENTRY, &[]).await.status, StatusCode::NOT_FOUND, "a pointer into nothing");
    store.put_new(&index_key(&playback(), 7), Bytes::from_static(b"{}")).await.unwrap();
    assert_eq!(server.get(ENTRY, &[]).await.code(), "origin.unavailable");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_readers_never_see_two_generations_in_one_session() {
    let (_folder, store) = folder_store();
    publish(&*store, 1, &files(1)).await;
    let server = Arc::new(Server::start(Arc::clone(&store), eager()).await);
    let done = Arc::new(AtomicBool::new(false));
    let readers = (0..50).map(|_| {
        let (server, done) = (Arc::clone(&server), Arc::clone(&done));
        tokio::spawn(async move {
            let (mut seen, mut last) = (0u64, false);
            while !last {
                last = done.load(Ordering::SeqCst);
                let entry = server.get(ENTRY, &[]).await;
                let text = String::from_utf8(entry.body.to_vec()).unwrap();
                let uri = text.lines().nth(1).unwrap();
                let generation: u64 = uri[1..].split('/').next().unwrap().parse().unwrap();
                assert_eq!(text.as_bytes(), playlist(generation), "one whole playlist");
                assert!(generation >= seen, "never back");
                seen = generation;
                let mark = format!("generation {generation:04}\n");
                let media = server.get(&format!("/p/pb_1/{uri}"), &[]).await;
                assert!(String::from_utf8(media.body.to_vec()).unwrap().contains(&mark));
                let segment = server.get(&format!("/p/pb_1/g{generation}/video/1.m4s"), &[]).await;
                assert!(segment.body.starts_with(mark.as_bytes()) && segment.body.len() == 300_016);
            }
            seen
        })
    });
    let readers: Vec<_> = readers.collect();
    for generation in 2..=12 {
        publish(&*store, generation, &files(generation)).await;
    }
    done.store(true, Ordering::SeqCst);
    for reader in readers {
        assert_eq!(reader.await.unwrap(), 12);
    }
}
