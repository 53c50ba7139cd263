#![allow(clippy::unwrap_used)]

mod clocks;
mod direct;
mod kills;
mod server;
mod source;

use std::sync::Arc;

use bytes::Bytes;

use super::*;
use crate::testing;
use server::{BUCKET, Blow, KEYS, Server};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_bucket_passes_the_suite() {
    let server = Server::start().await;
    testing::suite_without_clashes(Arc::new(server.store(1))).await;
    assert_eq!((server.keys("staging"), server.multiparts()), (vec!["staging/conditions".to_owned()], 0));
}

/// Plays a script again and again, each time with another request that fails once, before it was carried out or after,
/// until the script has no request left to fail.
async fn with_each_request_failing(script: impl AsyncFn(S3Store, String)) {
    let server = Server::start().await;
    for done in [false, true] {
        for nth in 1.. {
            server.strike(nth, Blow::Fails { done });
            script(server.store(2), format!("{nth}-{done}")).await;
            if server.spare() {
                assert!(nth > 10, "the script makes only {nth} requests");
                break;
            }
        }
    }
}

#[tokio::test]
async fn one_failure_of_any_request_for_an_object_changes_no_answer() {
    let script = async |store: S3Store, name: String| {
        let (once, pointer) = (format!("once/{name}"), format!("pointer/{name}"));
        assert_eq!(store.put_new(&once, Bytes::from_static(b"a")).await.unwrap(), PutNew::Created);
        assert_eq!(store.put_new(&once, Bytes::from_static(b"b")).await.unwrap(), PutNew::Exists);
        let first = store.swap(&pointer, None, Bytes::from_static(b"1")).await.unwrap();
        let second = store.swap(&pointer, Some(&first), Bytes::from_static(b"2")).await.unwrap();
        assert_eq!(store.get_versioned(&pointer).await.unwrap(), Some((Bytes::from_static(b"2"), second)));
        let late = store.swap(&pointer, Some(&first), Bytes::from_static(b"3")).await;
        assert!(matches!(late, Err(StoreError::Conflict { .. })));
        assert_eq!(store.list(&once, None, 9).await.unwrap(), [once.as_str()]);
        assert_eq!(store.get_range(&once, 0, 9).await.unwrap(), "a");
        store.delete_prefix(&once).await.unwrap();
        store.delete(&pointer).await.unwrap();
        assert_eq!((store.head(&once).await.unwrap(), store.head(&pointer).await.unwrap()), (None, None));
    };
    with_each_request_failing(script).await;
}

#[tokio::test]
async fn one_failure_of_any_request_for_an_upload_changes_no_answer() {
    let long = Bytes::from(vec![7; 8 << 20]);
    let script = async |store: S3Store, name: String| {
        let (upload, object) = (format!("up/{name}"), format!("sources/{name}"));
        assert_eq!(store.stage_append(&upload, 0, Bytes::from_static(b"ab")).await.unwrap(), 2);
        assert_eq!(store.stage_append(&upload, 2, long.clone()).await.unwrap(), 2 + (8 << 20));
        assert_eq!(store.stage_finish(&upload, &object).await.unwrap().size_bytes, 2 + (8 << 20));
        assert_eq!(store.stage_offset(&upload).await.unwrap(), None);
    };
    with_each_request_failing(script).await;
}

const OPENED: &str = "MEDIA_STORE_TEST_LOCATION";

/// The process that the next test starts; does nothing when run by itself.
#[tokio::test]
async fn opener() {
    let Ok(location) = std::env::var(OPENED) else { return };
    match crate::open(&location).await {
        Ok(store) => {
            let put = store.put_new("opened", Bytes::from_static(b"by the environment")).await;
            println!("opened: {:?}, {:?}", put.unwrap(), store.get("opened").await.unwrap());
            let signed = store.direct().unwrap().sign_get("opened", "inline", Duration::from_secs(9)).await.unwrap();
            println!("signed for {}", signed.url().split('?').next().unwrap());
        }
        Err(error) => println!("refused: {error}"),
    }
}

#[tokio::test]
async fn a_bucket_is_opened_by_the_variables_of_aws() {
    let server = Server::start().await;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (there, nowhere) = (server.endpoint(), format!("http://{nobody}"));
    let here = ("AWS_ENDPOINT_URL_S3", there.as_str());
    let secret = ("AWS_SECRET_ACCESS_KEY", KEYS.1);
    let mut told = Vec::new();
    for (location, endpoint, secret) in [
        ("s3://lectures/pre/fix", here, secret),
        ("s3://lectures", ("AWS_ENDPOINT_URL", there.as_str()), secret),
        ("s3://elsewhere/pre", here, secret),
        ("s3://lectures", here, ("AWS_SECRET_ACCESS_KEY", "wrong")),
        ("s3://lectures", here, ("UNUSED", "")),
        ("s3://lectures", ("AWS_ENDPOINT_URL_S3", nowhere.as_str()), secret),
    ] {
        let child = tokio::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "s3::tests::opener", "--nocapture"])
            .env_clear()
            .envs([endpoint, secret, ("AWS_ACCESS_KEY_ID", KEYS.0), (OPENED, location)])
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .output();
        let output = String::from_utf8(child.await.unwrap().stdout).unwrap();
        let line = output.lines().find(|line| line.contains("opened: ") || line.contains("refused: "));
        told.push(line.unwrap_or(&output).trim_start_matches("test s3::tests::opener ... ").to_owned());
    }
    let opened = "opened: Created, b\"by the environment\"";
    assert_eq!(
        told,
        [
            opened,
            opened,
            "refused: there is no bucket \"elsewhere\" where it was looked for",
            "refused: the media store's server denies the right to look at the bucket",
            "refused: there are no credentials for the bucket \"lectures\"",
            "refused: the media store's server cannot be reached to look at the bucket",
        ]
    );
    for there in ["pre/fix/objects/opened", "objects/opened"] {
        assert!(server.bucket().join(there).exists(), "{there}");
    }
}

#[tokio::test]
async fn addresses_are_signed_for_where_clients_reach_the_server() {
    let server = Server::start().await;
    let public = "https://media.example";
    for (public_url, told) in [("", server.endpoint()), (public, public.to_owned())] {
        let child = tokio::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "s3::tests::opener", "--nocapture"])
            .env_clear()
            .envs([("AWS_ENDPOINT_URL_S3", server.endpoint().as_str()), ("LECTERN_S3_PUBLIC_URL", public_url)])
            .envs([("AWS_ACCESS_KEY_ID", KEYS.0), ("AWS_SECRET_ACCESS_KEY", KEYS.1), (OPENED, "s3://lectures")])
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .output();
        let output = String::from_utf8(child.await.unwrap().stdout).unwrap();
        assert!(output.contains(&format!("signed for {told}/lectures/objects/opened\n")), "{output}");
    }
}

#[tokio::test]
async fn a_bucket_without_room_is_full() {
    let server = Server::start().await;
    server.fill();
    testing::full_suite(Arc::new(server.store(1))).await;
}

#[tokio::test]
async fn what_is_wrong_with_a_bucket_is_said_in_one_sentence() {
    let server = Server::start().await;
    let key = |store: S3Store| async move { store.get("a").await.unwrap_err() };
    assert!(matches!(key(server.store(1)).await, StoreError::NotFound { .. }));
    let elsewhere = server.store_for("elsewhere", KEYS.1, 1);
    let missing = elsewhere.bucket.look("").await.unwrap_err();
    assert_eq!(missing.to_string(), "there is no bucket \"elsewhere\" where it was looked for");
    let denied = server.store_for(BUCKET, "wrong", 1).put_new("a", Bytes::new()).await.unwrap_err();
    assert_eq!(denied.to_string(), "the media store's server denies the right to write an object");
    let orphan = server.store(1);
    drop(server);
    let unreachable = key(orphan).await;
    assert_eq!(unreachable.to_string(), "the media store's server cannot be reached to read an object");
    for error in [missing, denied, unreachable] {
        assert!(!error.hint().is_empty(), "{error:?}");
    }
}

#[tokio::test]
async fn what_was_changed_behind_our_back_is_damaged() {
    let server = Server::start().await;
    let store = server.store(1);
    store.put_new("a", Bytes::from_static(b"fine")).await.unwrap();
    std::fs::write(server.path("objects/a"), "evil").unwrap();
    assert!(matches!(store.get("a").await, Err(StoreError::Damaged { .. })));
    let mut at = 0;
    for _ in 0..3 {
        at = store.stage_append("upload", at, Bytes::from(vec![7; 5 << 20])).await.unwrap();
    }
    let part = server.keys("staging/bytes").into_iter().find(|key| key.contains("/000000000000-")).unwrap();
    std::fs::write(server.path(&part), vec![8; 8 << 20]).unwrap();
    assert!(matches!(store.stage_finish("upload", "b").await, Err(StoreError::Damaged { .. })));
    assert_eq!(store.head("b").await.unwrap(), None);
}

#[tokio::test]
async fn objects_of_others_are_read_and_compared_as_they_are() {
    let server = Server::start().await;
    let store = server.store(1);
    std::fs::create_dir_all(server.path("objects")).unwrap();
    std::fs::write(server.path("objects/a"), vec![7; 9 << 20]).unwrap();
    assert_eq!(store.get("a").await.unwrap().len(), 9 << 20);
    store.stage_append("same", 0, Bytes::from(vec![7; 9 << 20])).await.unwrap();
    store.stage_append("other", 0, Bytes::from(vec![8; 9 << 20])).await.unwrap();
    assert_eq!(store.stage_finish("same", "a").await.unwrap().size_bytes, 9 << 20);
    assert!(matches!(store.stage_finish("other", "a").await, Err(StoreError::Conflict { .. })));
}

#[tokio::test]
async fn of_two_appends_to_one_upload_one_counts() {
    let server = Server::start().await;
    let (store, other) = (server.store(1), server.store(1));
    store.stage_append("upload", 0, Bytes::from_static(b"begun ")).await.unwrap();
    let (one, two) = tokio::join!(
        store.stage_append("upload", 6, Bytes::from_static(b"by one")),
        other.stage_append("upload", 6, Bytes::from_static(b"by two"))
    );
    let (won, lost) = if one.is_ok() { (&b"begun by one"[..], two) } else { (&b"begun by two"[..], one) };
    assert!(matches!(lost, Err(StoreError::Conflict { .. } | StoreError::OffsetMismatch { actual: 12 })), "{lost:?}");
    assert_eq!(store.stage_range("upload", 0, 99).await.unwrap(), won);
    store.stage_finish("upload", "object").await.unwrap();
    assert_eq!(store.get("object").await.unwrap(), won);
}

#[tokio::test]
async fn small_pieces_are_gathered_and_leave_nothing_behind() {
    let server = Server::start().await;
    let store = server.store(1);
    for at in 0..40 {
        assert_eq!(store.stage_append("upload", at, Bytes::from(vec![at as u8])).await.unwrap(), at + 1);
        assert!(server.keys("staging/bytes").len() <= 16);
    }
    let all: Vec<u8> = (0..40).collect();
    assert_eq!(store.stage_range("upload", 0, 99).await.unwrap(), all);
    store.stage_finish("upload", "object").await.unwrap();
    assert_eq!(store.get("object").await.unwrap(), all);
    assert_eq!(server.keys("staging/bytes"), Vec::<String>::new());
}

/// Requests that 32 MiB take, from the first byte to the last.
async fn requests_of(append_bytes: usize) -> usize {
    let server = Server::start().await;
    let store = server.store(1);
    store.stage_append("upload", 0, Bytes::new()).await.unwrap();
    let before = server.requests();
    let all = Bytes::from(vec![7; 32 << 20]);
    for at in (0..all.len()).step_by(append_bytes) {
        let piece = all.slice(at..(at + append_bytes).min(all.len()));
        store.stage_append("upload", at as u64, piece).await.unwrap();
    }
    server.requests() - before
}

#[tokio::test]
async fn appends_of_a_block_take_a_tenth_of_the_requests() {
    let (small, large) = (requests_of(1 << 20).await, requests_of(BEST_APPEND_BYTES).await);
    // The record is read, the block written, the record replaced.
    assert_eq!(large, 4 * 3);
    assert!(small >= 10 * large, "{small} and {large}");
}
