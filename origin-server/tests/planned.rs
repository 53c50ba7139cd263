//! Files that are published before they are made.

#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use common::{HLS, Server, eager, etag, noise, playback, publish_planned, stores};
use media_store::{MediaStore, MemoryStore};
use media_types::publication::{generation_key, published_prefix};
use origin_server::{Demanded, OriginOptions};

const SEGMENT: &str = "video-360p/00007.m4s";
const URL: &str = "/p/pb_1/g1/video-360p/00007.m4s";

async fn publish(store: &dyn MediaStore) {
    let files = [("master.m3u8", HLS, b"#EXTM3U\n".to_vec())];
    publish_planned(store, 1, &files, &[(SEGMENT, "video/iso.segment")]).await;
}

fn patient(hold: Duration) -> OriginOptions {
    OriginOptions { planned_hold: hold, ..eager() }
}

#[tokio::test]
async fn a_planned_file_is_demanded_and_waited_for_and_then_for_ever_the_same() {
    for (_folder, store) in stores() {
        publish(&*store).await;
        let server = Server::start(store.clone(), patient(Duration::from_secs(60))).await;
        // Large enough to be streamed.
        let bytes = noise(300_000, 7);
        let make = async {
            server.demand.told.notified().await;
            store.put_new(&generation_key(&playback(), 1, SEGMENT), bytes.clone().into()).await.unwrap();
        };
        let (reply, ()) = tokio::join!(server.get(URL, &[]), make);
        assert_eq!((reply.status, &reply.body[..]), (StatusCode::OK, &bytes[..]));
        assert_eq!((reply.header("etag"), reply.header("content-type")), (etag(&bytes).as_str(), "video/iso.segment"));
        assert!(reply.header("cache-control").contains("immutable"), "{}", reply.header("cache-control"));
        let wanted = Demanded { playback: playback(), generation: 1, path: SEGMENT.to_owned() };
        assert_eq!(*server.demand.wanted.lock().unwrap(), [wanted]);

        let part = server.get(URL, &[("range", "bytes=1000-1999")]).await;
        assert_eq!((part.status, &part.body[..]), (StatusCode::PARTIAL_CONTENT, &bytes[1000..2000]));
        let head = server.send(Method::HEAD, URL, &[]).await;
        assert_eq!((head.status, head.header("content-length")), (StatusCode::OK, "300000"));
        assert_eq!(server.get(URL, &[("if-none-match", &etag(&bytes))]).await.status, StatusCode::NOT_MODIFIED);
        assert_eq!(server.demand.wanted.lock().unwrap().len(), 1, "what is there is demanded of nobody");
    }
}

#[tokio::test]
async fn what_does_not_come_in_time_is_promised_for_later_and_never_denied() {
    let store = Arc::new(MemoryStore::default());
    publish(&*store).await;
    let server = Server::start(store.clone(), patient(Duration::ZERO)).await;
    for method in [Method::GET, Method::HEAD] {
        let reply = server.send(method, URL, &[]).await;
        assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!((reply.header("retry-after"), reply.header("cache-control")), ("1", "no-store"));
    }
    assert_eq!(server.get(URL, &[]).await.code(), "origin.not_yet");
    assert_eq!(server.get("/p/pb_1/g1/video-360p/00008.m4s", &[]).await.status, StatusCode::NOT_FOUND, "never planned");
    assert_eq!(server.demand.wanted.lock().unwrap().len(), 3, "every request says that somebody waits");

    store.delete_prefix(&published_prefix(&playback())).await.unwrap();
    assert_eq!(server.get(URL, &[]).await.status, StatusCode::NOT_FOUND, "the recording was deleted");
}

#[tokio::test]
async fn what_will_never_come_is_not_waited_for_and_what_came_is_there() {
    let store = Arc::new(MemoryStore::default());
    publish(&*store).await;
    let server = Server::start(store.clone(), patient(Duration::from_secs(3600))).await;
    server.demand.hopeless.store(true, Ordering::SeqCst);
    assert_eq!(server.get(URL, &[]).await.status, StatusCode::NOT_FOUND);
    store.put_new(&generation_key(&playback(), 1, SEGMENT), noise(100, 7).into()).await.unwrap();
    assert_eq!(server.get(URL, &[]).await.status, StatusCode::OK);
}
