#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::timeout;

use super::{LOOK_TOLD, LOOK_UNTOLD};
use crate::testing::{Cluster, Scratch};
use crate::{Database, DbError, EngineKind, args};

/// What a reader hears of within this was told, not looked for.
const AT_ONCE: Duration = Duration::from_millis(300);

async fn commit(db: &Database, wake: bool) -> Result<(), DbError> {
    let mut tx = db.begin().await?;
    tx.execute("UPDATE outbox_head SET seq = seq WHERE id = 1", args![]).await?;
    if wake {
        tx.wake();
    }
    tx.commit().await
}

/// Waits for the next word, however long the server takes to be heard.
async fn word(changed: &mut watch::Receiver<u64>) {
    timeout(Duration::from_secs(20), changed.changed()).await.expect("something is heard").unwrap();
}

#[tokio::test]
async fn a_commit_wakes_the_readers_of_another_process_at_once_and_its_own_once() {
    let scratch = Scratch::migrated(EngineKind::Postgres).await;
    let other = scratch.another().await;
    assert_eq!(other.look_every(), LOOK_UNTOLD);
    let (mut here, mut there) = (scratch.db.changed(), other.changed());
    // That the connection is there is word too: something may have been missed before.
    word(&mut here).await;
    word(&mut there).await;
    assert_eq!(other.look_every(), LOOK_TOLD);
    let mut slowest = Duration::ZERO;
    for _ in 0..20 {
        let committed = Instant::now();
        commit(&scratch.db, true).await.unwrap();
        timeout(AT_ONCE, there.changed()).await.expect("the other process hears of it").unwrap();
        slowest = slowest.max(committed.elapsed());
    }
    println!("slowest of 20 from commit to another process: {slowest:?}");
    assert_eq!(*here.borrow_and_update(), 21, "who committed hears of it once");
    commit(&scratch.db, false).await.unwrap();
    drop(scratch.db.begin().await.unwrap());
    commit(&other, true).await.unwrap();
    word(&mut here).await;
    assert!(!here.has_changed().unwrap() && *here.borrow() == 22, "what wakes nobody was not told");
}

#[tokio::test]
async fn a_reader_looks_again_soon_after_a_commit_and_without_one_when_it_is_time() {
    let scratch = Scratch::migrated(EngineKind::Sqlite).await;
    let (db, mut changed) = (&scratch.db, scratch.db.changed());
    for _ in 0..3 {
        commit(db, true).await.unwrap();
    }
    let asked = Instant::now();
    db.next_look(&mut changed).await;
    assert!(asked.elapsed() < AT_ONCE, "{:?}", asked.elapsed());
    let asked = Instant::now();
    db.next_look(&mut changed).await;
    assert!(asked.elapsed() >= LOOK_UNTOLD, "all three were one look, and not told again after {:?}", asked.elapsed());
}

async fn order(cluster: &Arc<Cluster>, order: fn(&Cluster)) {
    let cluster = Arc::clone(cluster);
    tokio::task::spawn_blocking(move || order(&cluster)).await.unwrap();
}

#[tokio::test]
async fn a_killed_server_is_a_passing_trouble_and_is_heard_again_when_it_is_back() {
    let cluster = Arc::new(tokio::task::spawn_blocking(Cluster::start).await.unwrap());
    let url = cluster.new_database().await;
    let (one, other) = (Database::open(&url).await.unwrap(), Database::open(&url).await.unwrap());
    one.migrate().await.unwrap();
    let mut changed = other.changed();
    word(&mut changed).await;
    let open = one.begin().await.unwrap();

    order(&cluster, Cluster::kill).await;
    let mut failures = vec![open.commit().await.err()];
    for _ in 0..3 {
        let began = Instant::now();
        failures.push(commit(&one, true).await.err());
        failures.push(one.all::<(i64,)>("SELECT seq FROM outbox_head", args![]).await.err());
        assert!(began.elapsed() < Duration::from_secs(12), "nobody is kept waiting: {:?}", began.elapsed());
    }
    // The first may have found a connection whose process had not noticed yet.
    let failures: Vec<_> = failures.into_iter().flatten().collect();
    assert!(failures.len() >= 4, "{failures:?}");
    assert!(failures.iter().all(DbError::is_transient), "{failures:?}");

    order(&cluster, Cluster::restart).await;
    commit(&one, true).await.expect("the same pool goes on");
    while other.look_every() == LOOK_UNTOLD {
        word(&mut changed).await;
    }
    changed.mark_unchanged();
    commit(&one, true).await.unwrap();
    timeout(AT_ONCE, changed.changed()).await.expect("commits are told again").unwrap();
}
