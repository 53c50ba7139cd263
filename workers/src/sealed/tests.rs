//! On a store in memory.
#![allow(clippy::unwrap_used)]

use media_store::{MAX_LISTED_KEYS, MemoryStore};

use super::*;

const HASH: &str = "4ae1";

fn media(store: &Arc<MemoryStore>, data_key: Option<DataKey>) -> AssetMedia {
    let (asset, sha256) = (AssetId::from_unique("a"), Some(HASH.to_owned()));
    AssetMedia { store: store.clone(), asset, sha256, data_key, arriving: None, parts: vec![] }
}

fn protected(store: &Arc<MemoryStore>) -> AssetMedia {
    media(store, Some(DataKey::new([7; 32])))
}

fn content(length: usize) -> Bytes {
    (0..length).map(|at| (at * 31 / 7) as u8).collect::<Vec<u8>>().into()
}

fn work_key(path: &str) -> String {
    format!("{}job-1/{path}", publication::work_prefix(&AssetId::from_unique("a")))
}

fn file(key: &str, bytes: &[u8]) -> PublishedFile {
    let (key, size_bytes, blake3) = (key.to_owned(), bytes.len() as u64, crate::blake3(bytes));
    PublishedFile { key, size_bytes, blake3, media_type: "video/mp4".to_owned() }
}

async fn keys(store: &MemoryStore) -> Vec<String> {
    store.list("", None, MAX_LISTED_KEYS).await.unwrap()
}

/// Puts the source where an upload leaves it.
async fn uploaded(bytes: &Bytes) -> Arc<MemoryStore> {
    let store = Arc::new(MemoryStore::default());
    store.put_new(&publication::source_key(&AssetId::from_unique("a")), bytes.clone()).await.unwrap();
    store
}

async fn read_whole(source: &StoredSource) -> Vec<u8> {
    let mut read = Vec::new();
    while (read.len() as u64) < source.size() {
        let length = (source.size() as usize - read.len()).min(100_000);
        read.extend_from_slice(&source.read_at(read.len() as u64, length).await.unwrap());
    }
    read
}

/// The source reads as it was uploaded, lies in the store sealed and nowhere else.
async fn is_sealed(store: &Arc<MemoryStore>, clear: &Bytes) {
    let media = protected(store);
    let source = media.source(&Lease::detached()).await.unwrap();
    assert!(read_whole(&source).await == clear[..]);
    assert_eq!(keys(store).await, ["sources/ast_a/original.sealed"]);
    assert_eq!(store.stage_offset("uploads/ast_a.sealed").await.unwrap(), None);
}

/// What the source is sealed to, from doing it once.
async fn sealed_source(clear: &Bytes) -> Bytes {
    let store = uploaded(clear).await;
    is_sealed(&store, clear).await;
    store.get("sources/ast_a/original.sealed").await.unwrap()
}

#[tokio::test]
async fn what_is_made_of_a_protected_asset_lies_sealed_and_reads_as_it_was() {
    let (store, bytes) = (Arc::new(MemoryStore::default()), content(70_000));
    let (media, key) = (protected(&store), work_key("video-360p/00001.m4s"));
    assert!(media.is_sealed(&key));
    assert_eq!(media.put_new(&key, bytes.clone()).await.unwrap(), PutNew::Created);
    assert_eq!(media.put_new(&key, bytes.clone()).await.unwrap(), PutNew::Exists);
    assert_eq!(media.verified("a", &file(&key, &bytes)).await.unwrap(), bytes);
    let stored = store.get(&key).await.unwrap();
    assert!(!stored.windows(16).any(|part| part == &bytes[100..116]));
    assert!(media.verified("a", &file(&key, b"other")).await.is_err(), "what was recorded decides");
}

#[tokio::test]
async fn what_was_swapped_changed_or_never_sealed_is_refused() {
    let (store, bytes) = (Arc::new(MemoryStore::default()), content(500));
    let (media, one, other) = (protected(&store), work_key("1.m4s"), work_key("2.m4s"));
    media.put_new(&one, bytes.clone()).await.unwrap();
    store.put_new(&other, store.get(&one).await.unwrap()).await.unwrap();
    assert!(media.verified("a", &file(&other, &bytes)).await.is_err(), "another object's bytes");
    store.delete(&other).await.unwrap();
    store.put_new(&other, bytes.clone()).await.unwrap();
    assert!(media.verified("a", &file(&other, &bytes)).await.is_err(), "in clear");
    let stranger = super::tests::media(&store, Some(DataKey::new([8; 32])));
    assert!(stranger.verified("a", &file(&one, &bytes)).await.is_err());
    assert_eq!(media.verified("a", &file(&one, &bytes)).await.unwrap(), bytes);
}

#[tokio::test]
async fn what_is_published_and_everything_of_other_assets_is_stored_as_it_is() {
    let (store, bytes) = (Arc::new(MemoryStore::default()), content(500));
    let (clear, sealing) = (media(&store, None), protected(&store));
    for (media, key) in [(&clear, work_key("1.m4s")), (&sealing, "published/pb_a/g1/1.m4s".to_owned())] {
        assert!(!media.is_sealed(&key));
        media.put_new(&key, bytes.clone()).await.unwrap();
        assert_eq!(store.get(&key).await.unwrap(), bytes);
        assert_eq!(media.verified("a", &file(&key, &bytes)).await.unwrap(), bytes);
    }
    let store = uploaded(&bytes).await;
    let source = media(&store, None).source(&Lease::detached()).await.unwrap();
    assert_eq!(read_whole(&source).await, bytes);
    assert_eq!(keys(&store).await, ["sources/ast_a/original"]);
}

#[tokio::test]
async fn a_source_is_sealed_once_and_any_part_of_it_is_read() {
    let clear = content(PIECE_BYTES as usize + 70_001);
    let store = uploaded(&clear).await;
    is_sealed(&store, &clear).await;
    let stored = store.get("sources/ast_a/original.sealed").await.unwrap();
    assert!(!stored[..100_000].windows(32).any(|part| part == &clear[5_000..5_032]));
    let source = protected(&store).source(&Lease::detached()).await.unwrap();
    for (offset, length) in [(0, 1), (65_530, 20), (PIECE_BYTES - 3, 70_004), (clear.len() as u64 - 1, 1)] {
        let range = offset as usize..offset as usize + length;
        assert_eq!(source.read_at(offset, length).await.unwrap(), clear[range], "{offset}");
    }
    assert_eq!(store.get("sources/ast_a/original.sealed").await.unwrap(), stored, "no second time");
}

#[tokio::test]
async fn a_kill_at_any_point_of_the_sealing_costs_nothing_but_time() {
    let clear = content(200_000);
    let whole = sealed_source(&clear).await;
    for staged in [0, 1, 36, 40, 65_000, 65_588, 65_589, 150_000, whole.len() - 1, whole.len()] {
        let store = uploaded(&clear).await;
        store.stage_append("uploads/ast_a.sealed", 0, whole.slice(..staged)).await.unwrap();
        is_sealed(&store, &clear).await;
    }
    // After the sealed object was made, before the clear one was removed; with what a folder leaves of its staging.
    for staged in [None, Some(whole.clone())] {
        let store = uploaded(&clear).await;
        store.put_new("sources/ast_a/original.sealed", whole.clone()).await.unwrap();
        if let Some(staged) = staged {
            store.stage_append("uploads/ast_a.sealed", 0, staged).await.unwrap();
        }
        is_sealed(&store, &clear).await;
    }
}

#[tokio::test]
async fn the_clear_source_stays_until_the_sealed_one_is_right() {
    let clear = content(200_000);
    let whole = sealed_source(&clear).await;
    let mut damaged = whole.to_vec();
    damaged[100_000] ^= 1;
    for wrong in [Bytes::from(damaged), whole.slice(..whole.len() - 5), content(50)] {
        let store = uploaded(&clear).await;
        store.put_new("sources/ast_a/original.sealed", wrong).await.unwrap();
        let refused = protected(&store).source(&Lease::detached()).await.err().unwrap();
        assert_eq!(refused.to_string(), "storage: sources/ast_a/original.sealed does not open to the source");
        assert_eq!(keys(&store).await, ["sources/ast_a/original"]);
        is_sealed(&store, &clear).await;
    }
}

#[tokio::test]
async fn a_source_that_is_nowhere_or_was_changed_is_refused() {
    let store = Arc::new(MemoryStore::default());
    for media in [protected(&store), media(&store, None)] {
        assert!(matches!(media.source(&Lease::detached()).await, Err(WorkError::Storage(_))));
    }
    let mut damaged = sealed_source(&content(200_000)).await.to_vec();
    damaged[100_000] ^= 1;
    store.put_new("sources/ast_a/original.sealed", damaged.into()).await.unwrap();
    let source = protected(&store).source(&Lease::detached()).await.unwrap();
    assert!(source.read_at(0, 60_000).await.is_ok() && source.read_at(60_000, 60_000).await.is_err());
}

#[tokio::test]
async fn of_a_source_that_arrives_what_is_durable_is_read_and_the_rest_once_it_is_whole() {
    let (store, bytes) = (Arc::new(MemoryStore::default()), content(1_000));
    let staging = publication::staging_key(&AssetId::from_unique("a"));
    store.stage_append(&staging, 0, bytes.slice(..600)).await.unwrap();
    // The last hundred of those are not acknowledged: after a power cut others may lie there.
    let arriving = Some(Arriving { size: 1_000, there: 500 });
    let source = AssetMedia { arriving, ..media(&store, None) }.source(&Lease::detached()).await.unwrap();
    assert_eq!(source.size(), 1_000);
    assert_eq!(source.read_at(100, 400).await.unwrap(), bytes.slice(100..500));
    for (offset, length) in [(100, 401), (500, 1), (600, 1), (999, 1)] {
        assert!(source.read_at(offset, length).await.is_err(), "{length} at {offset}");
    }
    store.stage_append(&staging, 600, bytes.slice(600..)).await.unwrap();
    assert!(source.read_at(999, 1).await.is_err());
    store.stage_finish(&staging, &publication::source_key(&AssetId::from_unique("a"))).await.unwrap();
    assert!(read_whole(&source).await == bytes[..]);
}
