//! The suite that every [`MediaStore`] passes. For tests: a failed expectation panics.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures::future::join_all;

use crate::tree_hash::TreeHasher;
use crate::{MAX_LISTED_KEYS, MAX_OBJECT_BYTES, MediaStore, ObjectMeta, PutNew, StoreError, StoreFuture, Version};

const RACERS: usize = 16;

fn bytes(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

async fn ok<T>(future: StoreFuture<'_, T>) -> T {
    future.await.unwrap_or_else(|error| panic!("the store answered {error:?}"))
}

async fn err<T>(future: StoreFuture<'_, T>) -> StoreError {
    match future.await {
        Ok(_) => panic!("the store did what it should refuse"),
        Err(error) => error,
    }
}

/// Runs everything that a store promises against an empty one.
///
/// # Panics
/// When the store breaks a promise.
pub(crate) async fn suite(store: Arc<dyn MediaStore>) {
    suite_without_clashes(store.clone()).await;
    clashing_keys_are_refused(&*store).await;
}

/// The same, but that no key may continue another is left to the callers.
///
/// # Panics
/// When the store breaks a promise.
pub(crate) async fn suite_without_clashes(store: Arc<dyn MediaStore>) {
    objects_are_written_once(&*store).await;
    ranges_are_cut_at_the_end(&*store).await;
    one_of_many_creates(&store).await;
    one_of_many_swaps(&store).await;
    swaps_compare(&*store).await;
    readers_of_a_swap_see_it_whole(&store).await;
    listing_pages_in_byte_order(&*store).await;
    prefixes_are_deleted(&*store).await;
    uploads_grow_and_become_objects(&*store).await;
    uploads_do_not_overwrite(&*store).await;
    bad_keys_are_refused(&*store).await;
    sizes_are_bounded(&*store).await;
}

/// Runs against a store that has no room for even 64 KiB more.
///
/// # Panics
/// When a write is not answered with [`StoreError::NoSpace`] or leaves something behind.
pub(crate) async fn full_suite(store: Arc<dyn MediaStore>) {
    let big = Bytes::from(vec![7; 64 * 1024]);
    assert!(matches!(err(store.put_new("full/a", big.clone())).await, StoreError::NoSpace));
    assert!(matches!(err(store.swap("full/b", None, big.clone())).await, StoreError::NoSpace));
    assert!(matches!(err(store.stage_append("full-upload", 0, big)).await, StoreError::NoSpace));
    assert_eq!(ok(store.list("full", None, 10)).await, Vec::<String>::new());
    assert_eq!(ok(store.stage_offset("full-upload")).await.unwrap_or(0), 0);
}

async fn objects_are_written_once(store: &dyn MediaStore) {
    assert_eq!(ok(store.head("once/a")).await, None);
    assert!(matches!(err(store.get("once/a")).await, StoreError::NotFound { .. }));
    assert!(ok(store.read_file("once/a")).await.is_none());
    assert_eq!(ok(store.put_new("once/a", bytes("first"))).await, PutNew::Created);
    assert_eq!(ok(store.put_new("once/a", bytes("second"))).await, PutNew::Exists);
    assert_eq!(ok(store.get("once/a")).await, "first");
    assert_eq!(ok(store.head("once/a")).await, Some(ObjectMeta { size_bytes: 5 }));
    if let Some(mut file) = ok(store.read_file("once/a")).await {
        let mut text = String::new();
        std::io::Read::read_to_string(&mut file, &mut text).expect("the file of an object can be read");
        assert_eq!(text, "first");
    }
    ok(store.delete("once/a")).await;
    ok(store.delete("once/a")).await;
    assert_eq!(ok(store.head("once/a")).await, None);
    assert_eq!(ok(store.put_new("once/a", bytes(""))).await, PutNew::Created);
    assert_eq!(ok(store.get("once/a")).await, "");
}

async fn ranges_are_cut_at_the_end(store: &dyn MediaStore) {
    ok(store.put_new("range", bytes("0123456789"))).await;
    for (offset, length, expected) in [
        (0, 10, "0123456789"),
        (0, 99, "0123456789"),
        (3, 4, "3456"),
        (9, 1, "9"),
        (9, 5, "9"),
        (10, 1, ""),
        (5, 0, ""),
    ] {
        assert_eq!(ok(store.get_range("range", offset, length)).await, expected, "{length} from {offset}");
    }
    assert_eq!(ok(store.get_range("range", u64::MAX, 4)).await, "");
    assert!(matches!(err(store.get_range("no-range", 0, 1)).await, StoreError::NotFound { .. }));
}

async fn one_of_many_creates(store: &Arc<dyn MediaStore>) {
    let racers = (0..RACERS).map(|racer| {
        let store = Arc::clone(store);
        tokio::spawn(async move { (racer, ok(store.put_new("race/deep/put", vec![racer as u8; 4096].into())).await) })
    });
    let outcomes: Vec<_> = join_all(racers).await.into_iter().map(|done| done.expect("a racer ends")).collect();
    let winners: Vec<_> = outcomes.iter().filter(|(_, outcome)| *outcome == PutNew::Created).collect();
    assert_eq!(winners.len(), 1, "{outcomes:?}");
    assert_eq!(ok(store.get("race/deep/put")).await, vec![winners[0].0 as u8; 4096]);
}

async fn one_of_many_swaps(store: &Arc<dyn MediaStore>) {
    let start = ok(store.swap("race/swap", None, bytes("start"))).await;
    let racers = (0..RACERS).map(|racer| {
        let (store, start) = (Arc::clone(store), start.clone());
        tokio::spawn(async move {
            match store.swap("race/swap", Some(&start), racer.to_string().into()).await {
                Ok(version) => Some((racer, version)),
                Err(StoreError::Conflict { .. }) => None,
                Err(error) => panic!("a lost race is a conflict, not {error:?}"),
            }
        })
    });
    let winners: Vec<_> = join_all(racers).await.into_iter().filter_map(|done| done.expect("a racer ends")).collect();
    assert_eq!(winners.len(), 1, "{winners:?}");
    let (content, version) = ok(store.get_versioned("race/swap")).await.expect("a swap leaves an object");
    assert_eq!(content, winners[0].0.to_string());
    assert_eq!(version, winners[0].1);
}

async fn swaps_compare(store: &dyn MediaStore) {
    assert_eq!(ok(store.get_versioned("swap")).await, None);
    let guess = Version::of(b"something");
    assert!(matches!(err(store.swap("swap", Some(&guess), bytes("x"))).await, StoreError::Conflict { .. }));
    let first = ok(store.swap("swap", None, bytes("first"))).await;
    assert!(matches!(err(store.swap("swap", None, bytes("x"))).await, StoreError::Conflict { .. }));
    let second = ok(store.swap("swap", Some(&first), bytes("second"))).await;
    assert!(matches!(err(store.swap("swap", Some(&first), bytes("x"))).await, StoreError::Conflict { .. }));
    assert_eq!(ok(store.get_versioned("swap")).await, Some((bytes("second"), second)));
}

async fn readers_of_a_swap_see_it_whole(store: &Arc<dyn MediaStore>) {
    const LENGTH: usize = 1 << 20;
    let value = |round: u8| Bytes::from(vec![round; LENGTH]);
    let mut version = ok(store.swap("whole", None, value(0))).await;
    let done = Arc::new(AtomicBool::new(false));
    let readers = (0..4).map(|_| {
        let (store, done) = (Arc::clone(store), Arc::clone(&done));
        tokio::spawn(async move {
            while !done.load(Ordering::SeqCst) {
                let seen = ok(store.get("whole")).await;
                assert!(seen.len() == LENGTH && seen.iter().all(|byte| *byte == seen[0]), "a mix of two values");
            }
        })
    });
    let readers: Vec<_> = readers.collect();
    for round in 1..=40 {
        version = ok(store.swap("whole", Some(&version), value(round))).await;
    }
    done.store(true, Ordering::SeqCst);
    join_all(readers).await.into_iter().for_each(|reader| reader.expect("a reader sees whole values"));
}

async fn listing_pages_in_byte_order(store: &dyn MediaStore) {
    let keys = ["list/a-b", "list/a.b", "list/a/x", "list/a/y/z", "list/a0", "list/b", "list/c/d", "lisu"];
    for key in keys.iter().rev() {
        ok(store.put_new(key, bytes("x"))).await;
    }
    let below = &keys[..7];
    assert_eq!(ok(store.list("list/", None, 100)).await, below);
    assert_eq!(ok(store.list("list/a", None, 100)).await, &keys[..5]);
    assert_eq!(ok(store.list("list/a/", None, 100)).await, &keys[2..4]);
    assert_eq!(ok(store.list("lis", Some("list/c/d"), 100)).await, ["lisu"]);
    assert_eq!(ok(store.list("list/", Some("a"), 100)).await, below);
    assert_eq!(ok(store.list("list/", None, 0)).await, Vec::<String>::new());
    assert_eq!(ok(store.list("nothing/here", None, 9)).await, Vec::<String>::new());
    for limit in 1..=3 {
        let mut paged: Vec<String> = Vec::new();
        loop {
            let page = ok(store.list("list/", paged.last().map(String::as_str), limit)).await;
            assert!(page.len() <= limit);
            let is_last = page.len() < limit;
            paged.extend(page);
            if is_last {
                break;
            }
        }
        assert_eq!(paged, below, "in pages of {limit}");
    }
    assert!(ok(store.list("", None, usize::MAX)).await.len() <= MAX_LISTED_KEYS);
}

async fn prefixes_are_deleted(store: &dyn MediaStore) {
    for key in ["gone/a", "gone/b/c", "gone/b/d", "gone-not", "part/ab1", "part/ab2", "part/b"] {
        ok(store.put_new(key, bytes("x"))).await;
    }
    ok(store.delete_prefix("gone/")).await;
    ok(store.delete_prefix("gone/")).await;
    ok(store.delete_prefix("gone-not/")).await;
    assert_eq!(ok(store.list("gone", None, 10)).await, ["gone-not"]);
    ok(store.delete_prefix("part/a")).await;
    assert_eq!(ok(store.list("part", None, 10)).await, ["part/b"]);
    assert!(matches!(err(store.delete_prefix("")).await, StoreError::InvalidKey { .. }));
    assert_eq!(ok(store.put_new("gone/b/c", bytes("again"))).await, PutNew::Created);
}

async fn uploads_grow_and_become_objects(store: &dyn MediaStore) {
    assert_eq!(ok(store.stage_offset("up/1")).await, None);
    let mismatch = err(store.stage_append("up/1", 3, bytes("x"))).await;
    assert!(matches!(mismatch, StoreError::OffsetMismatch { actual: 0 }));
    assert_eq!(ok(store.stage_append("up/1", 0, bytes(""))).await, 0);
    assert_eq!(ok(store.stage_offset("up/1")).await, Some(0));
    assert_eq!(ok(store.stage_append("up/1", 0, bytes("hello "))).await, 6);
    for wrong in [0, 5, 7] {
        let mismatch = err(store.stage_append("up/1", wrong, bytes("x"))).await;
        assert!(matches!(mismatch, StoreError::OffsetMismatch { actual: 6 }), "{wrong}");
    }
    assert_eq!(ok(store.stage_append("up/1", 6, bytes("world"))).await, 11);
    for (offset, length, found) in [(0, 5, "hello"), (6, 99, "world"), (11, 1, ""), (u64::MAX, 1, ""), (3, 0, "")] {
        assert_eq!(ok(store.stage_range("up/1", offset, length)).await, found, "{offset}");
    }
    assert!(matches!(err(store.stage_range("up/0", 0, 1)).await, StoreError::NotFound { .. }));
    assert!(matches!(err(store.stage_range("up/1", 0, MAX_OBJECT_BYTES + 1)).await, StoreError::TooLarge { .. }));
    assert_eq!(ok(store.list("up", None, 10)).await, Vec::<String>::new(), "an upload is no object");
    let staged = ok(store.stage_finish("up/1", "sources/1/original")).await;
    let mut hasher = TreeHasher::default();
    hasher.update(b"hello world");
    assert_eq!((staged.size_bytes, staged.sha256.as_str()), (11, hasher.finish().as_str()));
    assert_eq!(ok(store.get("sources/1/original")).await, "hello world");
    assert!(matches!(err(store.stage_range("up/1", 0, 1)).await, StoreError::NotFound { .. }), "it is an object now");
    assert_eq!(ok(store.stage_offset("up/1")).await, None);
    assert_eq!(ok(store.stage_finish("up/1", "sources/1/original")).await, staged, "finishing is idempotent");
}

async fn uploads_do_not_overwrite(store: &dyn MediaStore) {
    assert!(matches!(err(store.stage_finish("up/2", "sources/2")).await, StoreError::NotFound { .. }));
    ok(store.put_new("sources/2", bytes("mine"))).await;
    ok(store.stage_append("up/2", 0, bytes("yours"))).await;
    assert!(matches!(err(store.stage_finish("up/2", "sources/2")).await, StoreError::Conflict { .. }));
    assert_eq!(ok(store.get("sources/2")).await, "mine");
    assert_eq!(ok(store.stage_offset("up/2")).await, Some(5));
    ok(store.stage_discard("up/2")).await;
    ok(store.stage_discard("up/2")).await;
    assert_eq!(ok(store.stage_offset("up/2")).await, None);
    ok(store.stage_append("up/3", 0, bytes("mine"))).await;
    assert_eq!(ok(store.stage_finish("up/3", "sources/2")).await.size_bytes, 4, "the same bytes are no conflict");
}

async fn bad_keys_are_refused(store: &dyn MediaStore) {
    for bad in ["", "/etc/passwd", "../x", "a/../../x", "a//b", "a/", "a\0", "a b", "a\\b"] {
        let refusals = [
            err(store.put_new(bad, bytes("x"))).await,
            err(store.get(bad)).await,
            err(store.get_range(bad, 0, 1)).await,
            err(store.head(bad)).await,
            err(store.read_file(bad)).await,
            err(store.delete(bad)).await,
            err(store.swap(bad, None, bytes("x"))).await,
            err(store.get_versioned(bad)).await,
            err(store.stage_append(bad, 0, bytes("x"))).await,
            err(store.stage_offset(bad)).await,
            err(store.stage_range(bad, 0, 1)).await,
            err(store.stage_finish(bad, "fine")).await,
            err(store.stage_finish("fine", bad)).await,
            err(store.stage_discard(bad)).await,
        ];
        assert!(refusals.iter().all(|error| matches!(error, StoreError::InvalidKey { .. })), "{bad:?}: {refusals:?}");
    }
    for bad in ["../", "/", "a//"] {
        assert!(matches!(err(store.list(bad, None, 1)).await, StoreError::InvalidKey { .. }), "{bad:?}");
        assert!(matches!(err(store.delete_prefix(bad)).await, StoreError::InvalidKey { .. }), "{bad:?}");
    }
}

async fn clashing_keys_are_refused(store: &dyn MediaStore) {
    ok(store.put_new("clash/a", bytes("x"))).await;
    ok(store.put_new("clash/b/c", bytes("x"))).await;
    assert!(matches!(err(store.put_new("clash/a/b", bytes("x"))).await, StoreError::KeyClash { .. }));
    assert!(matches!(err(store.put_new("clash/b", bytes("x"))).await, StoreError::KeyClash { .. }));
    assert!(matches!(err(store.swap("clash/b", None, bytes("x"))).await, StoreError::KeyClash { .. }));
    assert!(matches!(err(store.get("clash/b")).await, StoreError::NotFound { .. }));
    assert_eq!(ok(store.head("clash/a/b")).await, None);
    ok(store.delete("clash/b")).await;
    assert_eq!(ok(store.get("clash/b/c")).await, "x");
}

async fn sizes_are_bounded(store: &dyn MediaStore) {
    let over = Bytes::from(vec![0; MAX_OBJECT_BYTES as usize + 1]);
    assert!(matches!(err(store.put_new("big", over.clone())).await, StoreError::TooLarge { .. }));
    assert!(matches!(err(store.swap("big", None, over.clone())).await, StoreError::TooLarge { .. }));
    assert!(matches!(err(store.stage_append("big", 0, over.clone())).await, StoreError::TooLarge { .. }));
    ok(store.stage_append("big", 0, over.slice(..MAX_OBJECT_BYTES as usize))).await;
    ok(store.stage_append("big", MAX_OBJECT_BYTES, bytes("!"))).await;
    ok(store.stage_finish("big", "bigger")).await;
    assert!(matches!(err(store.get("bigger")).await, StoreError::TooLarge { .. }));
    assert_eq!(ok(store.get_range("bigger", MAX_OBJECT_BYTES, 10)).await, "!");
    assert!(matches!(err(store.get_range("bigger", 0, MAX_OBJECT_BYTES + 1)).await, StoreError::TooLarge { .. }));
    ok(store.delete("bigger")).await;
}
