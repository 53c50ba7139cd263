//! Processes that die at any request of an upload, and those that go on.
//!
//! A request is the only thing that leaves something behind, so it is enough to die right after each.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::server::{Blow, Server};
use crate::tree_hash::root_of;
use crate::{MediaStore, S3Store, StagedObject, StoreError};

pub(super) fn content(length: usize) -> Bytes {
    (0..length as u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect::<Vec<_>>().into()
}

pub(super) fn described(bytes: &[u8]) -> StagedObject {
    StagedObject { size_bytes: bytes.len() as u64, sha256: root_of(bytes.chunks(8 << 20).map(Sha256::digest)) }
}

/// Uploads what is missing of `all` in pieces of these lengths, as a client that asks where to go on; `acknowledged` is what
/// it was told last.
async fn upload(
    store: &S3Store,
    key: &str,
    all: &Bytes,
    lengths: &[usize],
    acknowledged: &mut u64,
) -> Result<StagedObject, StoreError> {
    let object = format!("sources/{key}");
    let stands = match store.stage_offset(key).await? {
        Some(stands) => stands,
        None if store.head(&object).await?.is_some() => all.len() as u64,
        None => 0,
    };
    assert!(stands >= *acknowledged, "{stands} bytes are left of {acknowledged} that were acknowledged");
    let mut end = 0;
    for length in lengths {
        let start = end.max(stands as usize);
        end += length;
        if start <= end && (start < end || stands == 0 && *length == 0) {
            *acknowledged = store.stage_append(key, start as u64, all.slice(start..end)).await?;
            assert_eq!(*acknowledged, end as u64);
        }
    }
    store.stage_finish(key, &object).await
}

async fn check(server: &Server, key: &str, all: &Bytes, staged: &StagedObject) {
    let store = server.store(1);
    assert_eq!(*staged, described(all));
    assert_eq!(store.get(&format!("sources/{key}")).await.unwrap(), *all);
    assert_eq!(store.stage_offset(key).await.unwrap(), None);
    let left = server.keys("staging");
    assert_eq!(left, ["staging/conditions"], "only what is tried once is left");
    assert!(store.sweep(Duration::ZERO).await.is_ok());
    store.delete(&format!("sources/{key}")).await.unwrap();
}

#[tokio::test]
async fn an_upload_survives_a_kill_at_every_request() {
    let lengths = [0, 5 << 20, 5 << 20, 100];
    let all = content(lengths.iter().sum());
    let server = Server::start().await;
    let mut places = BTreeSet::new();
    for nth in 1.. {
        let key = format!("up/{nth}");
        let mut acknowledged = 0;
        server.strike(nth, Blow::Kills { done: true });
        let before = server.requests();
        let first = server.store(1);
        let whole = tokio::select! {
            biased;
            () = server.kill() => None,
            staged = upload(&first, &key, &all, &lengths, &mut acknowledged) => Some(staged.unwrap()),
        };
        drop(first);
        places.insert(acknowledged);
        if let Some(staged) = whole {
            assert!(server.spare() && server.requests() - before == nth - 1);
            check(&server, &key, &all, &staged).await;
            break;
        }
        let next = server.store(1);
        let staged = upload(&next, &key, &all, &lengths, &mut acknowledged).await.unwrap();
        check(&server, &key, &all, &staged).await;
    }
    assert_eq!(places.len(), lengths.len(), "it was killed at every stage: {places:?}");
    server.store(1).sweep(Duration::ZERO).await.unwrap();
    assert_eq!(server.multiparts(), 0, "what was begun and lost is swept");
}

#[tokio::test]
async fn a_discard_survives_a_kill_at_every_request() {
    let server = Server::start().await;
    let all = content(9 << 20);
    for nth in 1.. {
        let key = format!("up/{nth}");
        let first = server.store(1);
        first.stage_append(&key, 0, all.clone()).await.unwrap();
        server.strike(nth, Blow::Kills { done: true });
        let whole = tokio::select! {
            biased;
            () = server.kill() => false,
            discarded = first.stage_discard(&key) => discarded.is_ok() && server.spare(),
        };
        let next = server.store(1);
        if let Some(stands) = next.stage_offset(&key).await.unwrap() {
            assert!(!whole);
            assert_eq!(next.stage_range(&key, 0, stands).await.unwrap(), all, "all of it is there, or nothing");
            next.stage_discard(&key).await.unwrap();
        }
        assert_eq!(next.stage_offset(&key).await.unwrap(), None);
        let other = Bytes::from_static(b"another upload");
        next.stage_append(&key, 0, other.clone()).await.unwrap();
        let staged = next.stage_finish(&key, &format!("sources/{key}")).await.unwrap();
        check(&server, &key, &other, &staged).await;
        if whole {
            assert!(nth > 3);
            break;
        }
    }
}

#[derive(Clone, Debug)]
enum Act {
    Append { length: usize },
    AppendKilled { length: usize, nth: usize, done: bool },
    AppendLate { back: usize },
    FinishKilled { nth: usize, done: bool },
    Discard,
}

fn act() -> impl Strategy<Value = Act> {
    let length = prop_oneof![2 => 0usize..2000, 3 => 1usize << 20..(6 << 20), 1 => Just(8 << 20)];
    prop_oneof![
        4 => length.clone().prop_map(|length| Act::Append { length }),
        4 => (length, 1usize..8, any::<bool>()).prop_map(|(length, nth, done)| Act::AppendKilled { length, nth, done }),
        1 => (1usize..50).prop_map(|back| Act::AppendLate { back }),
        1 => (1usize..4, any::<bool>()).prop_map(|(nth, done)| Act::FinishKilled { nth, done }),
        1 => Just(Act::Discard),
    ]
}

/// Plays the acts against a model of what was acknowledged, then finishes.
async fn play(acts: &[Act]) {
    let server = Server::start().await;
    let mut store = server.store(1);
    let mut all: Vec<u8> = Vec::new();
    for (seed, act) in acts.iter().enumerate() {
        let at = all.len() as u64;
        match act {
            Act::Append { length } => {
                all.extend(vec![seed as u8; *length]);
                let stored = store.stage_append("up", at, vec![seed as u8; *length].into()).await.unwrap();
                assert_eq!(stored, all.len() as u64);
            }
            Act::AppendKilled { length, nth, done } => {
                server.strike(*nth, Blow::Kills { done: *done });
                tokio::select! {
                    biased;
                    () = server.kill() => {}
                    stored = store.stage_append("up", at, vec![seed as u8; *length].into()) => drop(stored.unwrap()),
                }
                server.spare();
                store = server.store(1);
                let stands = store.stage_offset("up").await.unwrap().unwrap_or_default() as usize;
                assert!(stands == all.len() || stands == all.len() + length, "an append counts whole or not at all");
                all.resize(stands, seed as u8);
            }
            Act::AppendLate { back } => {
                let claimed = at.saturating_sub(*back as u64);
                if claimed < at {
                    let late = store.stage_append("up", claimed, Bytes::from_static(b"x")).await;
                    assert!(matches!(late, Err(StoreError::OffsetMismatch { actual }) if actual == at));
                }
            }
            // Before the record says that it finishes: then it takes no more, which is for another test.
            Act::FinishKilled { nth, done } => {
                server.strike(*nth, Blow::Kills { done: *done });
                tokio::select! {
                    biased;
                    () = server.kill() => {}
                    finished = store.stage_finish("up", "sources/up") => {
                        assert!(finished.is_err() && all.is_empty());
                    }
                }
                server.spare();
                store = server.store(1);
                let known = store.load("up").await.unwrap();
                if known.is_some_and(|known| known.upload.phase != crate::s3::upload::Phase::Open) {
                    break;
                }
            }
            Act::Discard => {
                store.stage_discard("up").await.unwrap();
                all.clear();
            }
        }
    }
    if store.stage_offset("up").await.unwrap().is_none() {
        store.stage_append("up", 0, Bytes::new()).await.unwrap();
    }
    let staged = store.stage_finish("up", "sources/up").await.unwrap();
    check(&server, "up", &all.into(), &staged).await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn any_appends_kills_and_restarts_give_the_acknowledged_bytes(acts in proptest::collection::vec(act(), 1..10)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(play(&acts));
    }
}
