#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use database::EngineKind;
use database::outbox::NewEvent;
use database::testing::{Scratch, for_each_engine, prepare_all};
use serde_json::json;

use super::*;
use crate::reader;

const KINDS: &[&str] = &["bell.rung", "bell.sold"];
const CREATE: &str = "CREATE TABLE ring (tenant_id TEXT NOT NULL, bell TEXT NOT NULL, rings TEXT NOT NULL, PRIMARY KEY (tenant_id, bell))";
const RING: &str = "INSERT INTO ring (tenant_id, bell, rings) VALUES ($1, $2, $3)
    ON CONFLICT (tenant_id, bell) DO UPDATE SET rings = ring.rings || excluded.rings";
const RINGS: &str = "SELECT tenant_id, bell, rings FROM ring ORDER BY tenant_id, bell";
const FORGET_RINGS: &str = "DELETE FROM ring";

/// Writes the numbers of events behind one another, which shows each that is missing, comes twice or comes too early.
struct Rings {
    is_broken: Arc<AtomicBool>,
}

impl Handler for Rings {
    fn name(&self) -> &'static str {
        "bells.rings"
    }

    fn kinds(&self) -> &'static [&'static str] {
        KINDS
    }

    fn handle<'a>(&'a self, tx: &'a mut Tx, event: &'a EventRow) -> BoxFuture<'a, Result<(), Failed>> {
        Box::pin(async move {
            let number = event.data.0["n"].as_i64().ok_or_else(|| Failed::Unfit("it has no number".to_owned()))?;
            tx.execute(RING, args![&event.tenant_id, &event.subject, format!("{number} ")]).await?;
            // After the change, so that a failure has something to undo.
            if number < 0 && self.is_broken.load(Ordering::Relaxed) {
                return Err(Failed::Unfit("it is cracked".to_owned()));
            }
            Ok(())
        })
    }

    fn reset<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<(), DbError>> {
        Box::pin(async move { tx.execute(FORGET_RINGS, args![]).await.map(drop) })
    }
}

/// A process with the handler, at a time that a test moves.
struct Process {
    db: Database,
    now_ms: Arc<AtomicI64>,
    is_broken: Arc<AtomicBool>,
    inbox: Inbox<Rings>,
}

impl Process {
    async fn new(db: Database) -> Self {
        let (now_ms, is_broken) = (Arc::new(AtomicI64::new(1_000)), Arc::new(AtomicBool::new(true)));
        let mut tx = db.begin().await.unwrap();
        tx.execute(CREATE, args![]).await.unwrap();
        tx.commit().await.unwrap();
        let inbox = inbox(&db, &now_ms, &is_broken);
        Self { db, now_ms, is_broken, inbox }
    }

    async fn settle(&self) {
        while self.inbox.look().await.unwrap() {}
    }

    async fn rings(&self) -> Vec<(String, String, String)> {
        self.db.all(RINGS, args![]).await.unwrap()
    }

    /// How far it is, whoever has brought it there.
    async fn seq(&self) -> i64 {
        self.inbox.reader.place(&self.db).await.unwrap().unwrap_or(0)
    }

    async fn place(&self) -> reader::Place {
        reader::all(&self.db).await.unwrap().into_iter().find(|place| place.name == "bells.rings").unwrap()
    }
}

fn inbox(db: &Database, now_ms: &Arc<AtomicI64>, is_broken: &Arc<AtomicBool>) -> Inbox<Rings> {
    let now_ms = Arc::clone(now_ms);
    let clock: Clock = Arc::new(move || now_ms.load(Ordering::Relaxed));
    Inbox::new(db.clone(), clock, Rings { is_broken: Arc::clone(is_broken) })
}

async fn happens(db: &Database, tenant: &str, kind: &str, bell: &str, n: i64) {
    let tenant_id = TenantId::from_unique(tenant);
    let event = NewEvent { tenant_id: &tenant_id, kind, subject: bell, data: json!({ "n": n }), time_ms: n };
    let mut tx = db.begin().await.unwrap();
    outbox::append(&mut tx, &event).await.unwrap();
    tx.commit().await.unwrap();
}

fn ring(tenant: &str, bell: &str, rings: &str) -> (String, String, String) {
    (TenantId::from_unique(tenant).as_str().to_owned(), bell.to_owned(), rings.to_owned())
}

#[tokio::test]
async fn every_statement_prepares() {
    for_each_engine(|db| async move {
        prepare_all(&db, STATEMENTS).await.unwrap();
        prepare_all(&db, reader::STATEMENTS).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn every_event_of_its_kinds_is_taken_once_and_a_replay_makes_the_same_again() {
    for_each_engine(|db| async move {
        happens(&db, "1", "bell.rung", "a", 1).await;
        let process = Process::new(db.clone()).await;
        process.settle().await;
        for n in 2..=250 {
            let (tenant, bell) = (if n % 3 == 0 { "1" } else { "2" }, if n % 2 == 0 { "a" } else { "b" });
            happens(&db, tenant, if n % 5 == 0 { "bell.cast" } else { "bell.rung" }, bell, n).await;
        }
        process.settle().await;
        let first = process.rings().await;
        let mut told: Vec<i64> =
            first.iter().flat_map(|(_, _, rings)| rings.split_whitespace()).map(|n| n.parse().unwrap()).collect();
        for (_, _, rings) in &first {
            let numbers: Vec<i64> = rings.split_whitespace().map(|n| n.parse().unwrap()).collect();
            assert!(numbers.is_sorted(), "{rings}");
        }
        told.sort_unstable();
        assert_eq!(told, (1..=250).filter(|n| *n == 1 || n % 5 != 0).collect::<Vec<i64>>());
        assert_eq!((process.place().await.seq, process.place().await.waiting), (250, 0));

        assert!(reader::replay(&db, "bells.rings").await.unwrap());
        assert!(!reader::replay(&db, "bells.none").await.unwrap());
        process.settle().await;
        assert_eq!(process.rings().await, first);
    })
    .await;
}

#[tokio::test]
async fn what_fails_waits_with_what_follows_about_the_same_and_nothing_else_does() {
    for_each_engine(|db| async move {
        let process = Process::new(db.clone()).await;
        for (tenant, bell, n) in [("1", "a", 1), ("1", "a", -2), ("1", "b", 3), ("1", "a", 4), ("2", "a", 5)] {
            happens(&db, tenant, "bell.rung", bell, n).await;
        }
        process.settle().await;
        let others = [ring("1", "a", "1 "), ring("1", "b", "3 "), ring("2", "a", "5 ")];
        assert_eq!(process.rings().await, others);
        for pause_ms in PAUSES_MS {
            assert_eq!((process.place().await.waiting, process.place().await.parked), (2, 0));
            process.now_ms.fetch_add(pause_ms - 1, Ordering::Relaxed);
            assert!(!process.inbox.look().await.unwrap(), "it is not time yet");
            process.now_ms.fetch_add(1, Ordering::Relaxed);
            assert!(process.inbox.look().await.unwrap());
        }
        let trouble = reader::troubles(&db, "bells.rings").await.unwrap();
        assert_eq!((trouble.len(), trouble[0].seq, trouble[0].tries), (1, 2, MAX_TRIES));
        assert_eq!(trouble[0].error.as_deref(), Some("it is cracked"));
        assert_eq!((process.place().await.waiting, process.place().await.parked), (1, 1));
        process.now_ms.fetch_add(i64::from(u32::MAX), Ordering::Relaxed);
        happens(&db, "1", "bell.rung", "a", 6).await;
        happens(&db, "1", "bell.sold", "b", 7).await;
        process.settle().await;
        let others = [ring("1", "a", "1 "), ring("1", "b", "3 7 "), ring("2", "a", "5 ")];
        assert_eq!(process.rings().await, others, "it is left alone, and the others go on");

        process.is_broken.store(false, Ordering::Relaxed);
        assert_eq!(reader::retry(&db, "bells.rings").await.unwrap(), 1);
        process.settle().await;
        let all = [ring("1", "a", "1 -2 4 6 "), ring("1", "b", "3 7 "), ring("2", "a", "5 ")];
        assert_eq!(process.rings().await, all);
        assert_eq!((process.place().await.waiting, process.place().await.parked), (0, 0));
    })
    .await;
}

/// Several processes, whose handlers are dropped wherever they stand, as `kill -9` does.
#[tokio::test]
async fn whoever_is_killed_has_done_all_of_an_event_or_nothing_and_others_go_on() {
    for kind in [EngineKind::Sqlite, EngineKind::Postgres] {
        let scratch = Scratch::migrated(kind).await;
        let process = Process::new(scratch.db.clone()).await;
        process.is_broken.store(false, Ordering::Relaxed);
        let other = scratch.another().await;
        let writer = {
            let db = scratch.db.clone();
            tokio::spawn(async move {
                for n in 1..=120 {
                    happens(&db, "1", "bell.rung", if n % 2 == 0 { "a" } else { "b" }, n).await;
                }
            })
        };
        let mut killed = 0_u64;
        while process.seq().await < 120 {
            killed += 1;
            let here = inbox(&scratch.db, &process.now_ms, &process.is_broken);
            let there = inbox(&other, &process.now_ms, &process.is_broken);
            let both = async { tokio::join!(here.look(), there.look()) };
            // A little later each time, until that is too late to kill anybody.
            let _ = tokio::time::timeout(Duration::from_micros(400 * killed), both).await;
        }
        writer.await.unwrap();
        let expected = |rest: i64| (1..=120).filter(|n| n % 2 == rest).map(|n| format!("{n} ")).collect::<String>();
        assert_eq!(
            process.rings().await,
            [ring("1", "a", &expected(0)), ring("1", "b", &expected(1))],
            "{kind:?}, after {killed} processes"
        );
    }
}

#[tokio::test]
async fn an_inbox_that_runs_hears_of_events_and_ends_when_it_is_told() {
    for_each_engine(|db| async move {
        let process = Process::new(db.clone()).await;
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(inbox(&db, &process.now_ms, &process.is_broken).run(stopped));
        happens(&db, "1", "bell.rung", "a", 1).await;
        let taken = async {
            while process.rings().await.is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), taken).await.expect("it hears of it");
        stop.send(true).unwrap();
        task.await.unwrap();
    })
    .await;
}
