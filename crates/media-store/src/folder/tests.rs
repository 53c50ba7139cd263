#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use super::*;
use crate::testing;

const CHILD_FOLDER: &str = "MEDIA_STORE_TEST_CHILD_FOLDER";

fn store(folder: &Path) -> FolderStore {
    FolderStore::open(folder).unwrap()
}

fn temp_folders(folder: &Path) -> usize {
    fs::read_dir(folder.join("temp")).unwrap().count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_folder_passes_the_suite() {
    let folder = tempfile::tempdir().unwrap();
    testing::suite(Arc::new(store(folder.path()))).await;
    let own_temp = fs::read_dir(folder.path().join("temp")).unwrap().next().unwrap().unwrap().path();
    assert_eq!(fs::read_dir(own_temp).unwrap().count(), 1, "only the owner file is left");
}

#[tokio::test]
async fn a_folder_that_keeps_its_reserve_is_full() {
    let folder = tempfile::tempdir().unwrap();
    testing::full_suite(Arc::new(FolderStore::open_with_reserve(folder.path(), u64::MAX).unwrap())).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_is_told_apart_from_a_broken_one() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    std::os::unix::fs::symlink("/dev/full", folder.path().join("staging/full")).unwrap();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let error = std::io::Write::write_all(&mut &full, b"x").map_err(StoreError::io("write")).unwrap_err();
    assert!(matches!(error, StoreError::NoSpace), "{error:?}");
    assert_eq!(store.stage_offset("full").await.unwrap(), None, "a device is no upload, whatever its name");
}

#[tokio::test]
async fn opening_sweeps_the_dead_and_spares_the_living() {
    let folder = tempfile::tempdir().unwrap();
    let alive = store(folder.path());
    let dead = folder.path().join("temp/dead");
    fs::create_dir(&dead).unwrap();
    fs::write(dead.join("owner"), "").unwrap();
    fs::write(dead.join("half"), "half an obj").unwrap();
    fs::create_dir(folder.path().join("temp/died-early")).unwrap();
    fs::write(folder.path().join("temp/stray"), "").unwrap();
    let _second = store(folder.path());
    assert_eq!(temp_folders(folder.path()), 2);
    assert!(alive.put_new("still/works", Bytes::from_static(b"x")).await.is_ok());
}

#[tokio::test]
async fn a_finish_that_was_killed_between_its_two_steps_is_finished_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    store.stage_append("upload", 0, Bytes::from_static(b"source")).await.unwrap();
    fs::create_dir(folder.path().join("objects/sources")).unwrap();
    fs::hard_link(folder.path().join("staging/upload"), folder.path().join("objects/sources/1")).unwrap();
    let appended = store.stage_append("upload", 6, Bytes::from_static(b"!")).await;
    assert!(matches!(appended, Err(StoreError::Conflict { .. })), "an object is immutable");
    assert_eq!(store.stage_finish("upload", "sources/1").await.unwrap().size_bytes, 6);
    assert!(!folder.path().join("staging/upload").exists());
    assert_eq!(store.get("sources/1").await.unwrap(), "source");
}

#[tokio::test]
async fn an_upload_has_one_writer_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    store.stage_append("upload", 0, Bytes::from_static(b"source")).await.unwrap();
    let other = fs::File::open(folder.path().join("staging/upload")).unwrap();
    other.lock().unwrap();
    let blocked = [
        store.stage_append("upload", 6, Bytes::from_static(b"!")).await.map(|_| ()),
        store.stage_finish("upload", "object").await.map(|_| ()),
        store.stage_discard("upload").await,
    ];
    assert!(blocked.iter().all(|answer| matches!(answer, Err(StoreError::Conflict { .. }))), "{blocked:?}");
    drop(other);
    assert_eq!(store.stage_append("upload", 6, Bytes::from_static(b"!")).await.unwrap(), 7);
}

#[tokio::test]
async fn emptied_folders_go_and_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    store.put_new("a/b/c/d", Bytes::new()).await.unwrap();
    store.put_new("a/x", Bytes::new()).await.unwrap();
    store.delete("a/b/c/d").await.unwrap();
    assert!(folder.path().join("objects/a").exists() && !folder.path().join("objects/a/b").exists());
    store.delete_prefix("a/").await.unwrap();
    assert_eq!(fs::read_dir(folder.path().join("objects")).unwrap().count(), 0);
    assert_eq!(store.put_new("a", Bytes::new()).await.unwrap(), PutNew::Created);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn puts_and_deletes_in_one_folder_do_not_disturb_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(store(folder.path()));
    let tasks = (0..8).map(|task| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for round in 0..25 {
                let key = format!("busy/{}/{task}", round % 2);
                store.put_new(&key, Bytes::from_static(b"x")).await.unwrap();
                assert_eq!(store.get(&key).await.unwrap(), "x");
                store.delete(&key).await.unwrap();
            }
        })
    });
    for done in futures::future::join_all(tasks).await {
        done.unwrap();
    }
    assert_eq!(fs::read_dir(folder.path().join("objects")).unwrap().count(), 0);
}

#[tokio::test]
async fn listing_is_not_cut_short_by_empty_folders() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    for empty in ["a", "b", "c/d"] {
        fs::create_dir_all(folder.path().join("objects").join(empty)).unwrap();
    }
    store.put_new("e/f", Bytes::new()).await.unwrap();
    assert_eq!(store.list("", None, 1).await.unwrap(), ["e/f"]);
}

fn content(number: u64) -> Bytes {
    let text = format!("{number:08}");
    Bytes::from(text.repeat(8192))
}

/// The writer that the next test kills; does nothing when run by itself.
#[tokio::test]
async fn killed_writer() {
    let Some(folder) = std::env::var_os(CHILD_FOLDER) else { return };
    let store = store(Path::new(&folder));
    let mut version = None;
    for number in 0..100_000 {
        store.put_new(&format!("objects/{number:06}"), content(number)).await.unwrap();
        version = Some(store.swap("pointer", version.as_ref(), content(number)).await.unwrap());
        println!("acknowledged {number}");
    }
}

#[tokio::test]
async fn a_killed_writer_leaves_only_whole_objects_and_all_that_it_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..3u64 {
        let root = folder.path().join(round.to_string());
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "folder::tests::killed_writer", "--nocapture"])
            .env(CHILD_FOLDER, &root)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut acknowledged = lines.filter_map(|line| line.strip_prefix("acknowledged ")?.parse::<u64>().ok());
        let seen = acknowledged.find(|number| *number >= 10 + round * 3).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();

        let store = store(&root);
        assert_eq!(temp_folders(&root), 1, "what the killed process left is swept");
        let keys = store.list("objects/", None, 1000).await.unwrap();
        assert!(keys.len() as u64 > seen, "{} objects, {seen} acknowledged", keys.len());
        for (number, key) in keys.iter().enumerate() {
            assert_eq!(store.get(key).await.unwrap(), content(number as u64), "{key}");
        }
        let (pointer, _) = store.get_versioned("pointer").await.unwrap().unwrap();
        let at = pointer[..8].iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
        assert!(at >= seen && pointer == content(at), "the pointer is at {at}, {seen} was acknowledged");
    }
}

#[test]
fn bytes_that_arrive_in_order_are_hashed_as_they_arrive() {
    let file = tempfile::tempfile().unwrap().metadata().unwrap();
    let hashing = hashing::Hashing::default();
    for (offset, bytes) in [(0, &b""[..]), (0, b"one"), (3, b""), (3, b"two")] {
        hashing.appended(&file, offset, bytes);
    }
    assert_eq!(hashing.take(&file).map(|hashed| hashed.bytes), Some(6));
    hashing.appended(&file, 6, b"three");
    assert!(hashing.take(&file).is_none(), "what came before it is not known any more");
}

#[tokio::test]
async fn an_upload_is_known_by_its_bytes_whoever_received_which_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (store(folder.path()), store(folder.path()));
    let staged = async |key: &str, stores: [&FolderStore; 4]| {
        let mut offset = 0;
        for (store, piece) in stores.iter().zip(["one", "two", "three"]) {
            offset = store.stage_append(key, offset, Bytes::from_static(piece.as_bytes())).await.unwrap();
        }
        stores[3].stage_finish(key, &format!("sources/{key}")).await.unwrap()
    };
    let whole = staged("a", [&first, &first, &first, &first]).await;
    for (key, stores) in [
        ("b", [&first, &first, &first, &second]),
        ("c", [&first, &second, &second, &first]),
        ("d", [&first, &second, &first, &first]),
        ("e", [&first, &second, &first, &second]),
    ] {
        assert_eq!(staged(key, stores).await, whole, "{key}");
    }
    first.stage_append("f", 0, Bytes::from_static(b"other")).await.unwrap();
    first.stage_discard("f").await.unwrap();
    assert_eq!(staged("f", [&first, &first, &first, &first]).await, whole, "what was given up is forgotten");
}
