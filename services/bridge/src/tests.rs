//! Bridges to a broker that a test breaks, on both engines.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use database::Database;
use database::outbox::{self, NewEvent};
use database::testing::for_each_engine;
use futures::future::BoxFuture;
use kernel::{Clock, CloudEvent, reader};
use media_types::TenantId;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::{Bridge, Broker, BrokerError};

/// What a broker keeps, and whether it is there, and tells so.
#[derive(Clone, Default)]
struct Kept {
    events: Arc<Mutex<Vec<Value>>>,
    is_away: Arc<AtomicBool>,
    is_mute: Arc<AtomicBool>,
}

struct Connection(Kept);

impl Broker for Connection {
    fn publish<'a>(&'a mut self, events: &'a [CloudEvent]) -> BoxFuture<'a, Result<(), BrokerError>> {
        Box::pin(async move {
            let told = events.iter().map(|event| serde_json::from_slice::<Value>(&event.structured()).unwrap());
            if self.0.is_away.load(Ordering::Relaxed) {
                return Err(BrokerError::Refused("it is away".to_owned()));
            }
            self.0.events.lock().unwrap().extend(told);
            // As of a process that is killed before it has heard.
            if self.0.is_mute.load(Ordering::Relaxed) { Err(BrokerError::Silent) } else { Ok(()) }
        })
    }
}

impl Kept {
    fn bridge(&self, db: &Database, now_ms: &Arc<AtomicI64>, address: &str) -> Bridge {
        let (kept, now_ms) = (self.clone(), Arc::clone(now_ms));
        let clock: Clock = Arc::new(move || now_ms.load(Ordering::Relaxed));
        let connect = move || -> BoxFuture<'static, Result<Box<dyn Broker>, BrokerError>> {
            let connection: Box<dyn Broker> = Box::new(Connection(kept.clone()));
            Box::pin(async move { Ok(connection) })
        };
        Bridge::with(db.clone(), clock, address, Arc::new(connect))
    }

    fn numbers(&self) -> Vec<i64> {
        self.events.lock().unwrap().iter().map(|event| event["data"]["n"].as_i64().unwrap()).collect()
    }
}

async fn happens(db: &Database, kind: &str, subject: &str, n: i64) {
    let tenant_id = TenantId::from_unique("1");
    let event = NewEvent { tenant_id: &tenant_id, kind, subject, data: json!({ "n": n }), time_ms: n };
    let mut tx = db.begin().await.unwrap();
    outbox::append(&mut tx, &event).await.unwrap();
    tx.commit().await.unwrap();
}

async fn settle(bridge: &mut Bridge) {
    while bridge.look().await.unwrap() {}
}

async fn place(db: &Database, name: &str) -> reader::Place {
    reader::all(db).await.unwrap().into_iter().find(|place| place.name == name).unwrap()
}

fn time() -> Arc<AtomicI64> {
    Arc::new(AtomicI64::new(1_000))
}

#[tokio::test]
async fn events_of_its_kinds_are_published_in_their_order_from_where_it_began() {
    for_each_engine(|db| async move {
        happens(&db, "bell.rung", "a", 1).await;
        let (new, all) = (Kept::default(), Kept::default());
        let mut from_now = new.bridge(&db, &time(), "nats://h?name=new&kinds=bell.rung");
        let mut from_start = all.bridge(&db, &time(), "nats://h?name=all&from=start");
        settle(&mut from_now).await;
        settle(&mut from_start).await;
        for n in 2..=120 {
            happens(&db, if n % 2 == 0 { "bell.rung" } else { "bell.cast" }, "a", n).await;
        }
        settle(&mut from_now).await;
        settle(&mut from_start).await;
        assert_eq!(new.numbers(), (2..=120).filter(|n| n % 2 == 0).collect::<Vec<i64>>());
        assert_eq!(all.numbers(), (1..=120).collect::<Vec<i64>>());
        let first = all.events.lock().unwrap()[0].clone();
        assert_eq!((&first["type"], &first["subject"]), (&json!("bell.rung"), &json!("a")));
        assert_eq!((&first["source"], &first["tenantid"]), (&json!("/api/v1/events"), &json!("ten_1")));

        assert!(reader::replay(&db, "bridge.all").await.unwrap());
        settle(&mut from_start).await;
        assert_eq!(all.numbers().len(), 240, "an operator has everything told again");
    })
    .await;
}

#[tokio::test]
async fn what_a_broker_does_not_keep_waits_and_why_is_told_and_what_it_may_have_kept_comes_again() {
    for_each_engine(|db| async move {
        let (kept, now_ms) = (Kept::default(), time());
        let mut bridge = kept.bridge(&db, &now_ms, "kafka://h/t?name=k&from=start");
        for n in 1..=3 {
            happens(&db, "bell.rung", "a", n).await;
        }
        kept.is_away.store(true, Ordering::Relaxed);
        bridge.look().await.unwrap();
        assert!(bridge.look().await.is_err());
        assert_eq!((place(&db, "bridge.k").await.seq, kept.numbers().len()), (0, 0));
        kept.is_away.store(false, Ordering::Relaxed);
        kept.is_mute.store(true, Ordering::Relaxed);
        assert!(bridge.look().await.is_err());
        kept.is_mute.store(false, Ordering::Relaxed);
        settle(&mut bridge).await;
        assert_eq!(kept.numbers(), [1, 2, 3, 1, 2, 3]);
        let ids: BTreeSet<String> = kept.events.lock().unwrap().iter().map(|event| event["id"].to_string()).collect();
        assert_eq!(ids.len(), 3, "repetitions are known by their ids");
    })
    .await;
}

#[tokio::test]
async fn one_process_has_it_and_another_one_when_that_is_killed() {
    for_each_engine(|db| async move {
        let (kept, now_ms) = (Kept::default(), time());
        let address = "amqp://h?from=start";
        let (mut first, mut second) = (kept.bridge(&db, &now_ms, address), kept.bridge(&db, &now_ms, address));
        happens(&db, "bell.rung", "a", 1).await;
        settle(&mut first).await;
        happens(&db, "bell.rung", "a", 2).await;
        assert!(!second.look().await.unwrap(), "the first one has it");
        assert_eq!(kept.numbers(), [1]);
        drop(first);
        now_ms.fetch_add(30_000, Ordering::Relaxed);
        settle(&mut second).await;
        assert_eq!(kept.numbers(), [1, 2]);
    })
    .await;
}

#[tokio::test]
async fn a_bridge_that_runs_hears_of_events_tells_why_it_fails_and_lets_others_have_it_at_its_end() {
    for_each_engine(|db| async move {
        let (kept, now_ms) = (Kept::default(), time());
        let (stop, stopped) = watch::channel(false);
        kept.is_away.store(true, Ordering::Relaxed);
        let task = tokio::spawn(kept.bridge(&db, &now_ms, "nats://h?from=start").run(stopped));
        happens(&db, "bell.rung", "a", 1).await;
        let failing = async {
            while reader::all(&db).await.unwrap().iter().all(|place| place.error.is_none()) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), failing).await.expect("it tells why");
        assert_eq!(place(&db, "bridge.nats").await.error.as_deref(), Some("the broker refuses: it is away"));
        kept.is_away.store(false, Ordering::Relaxed);
        let published = async {
            while kept.numbers().is_empty() || place(&db, "bridge.nats").await.error.is_some() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), published).await.expect("it tries again");
        stop.send(true).unwrap();
        task.await.unwrap();
        assert_eq!(place(&db, "bridge.nats").await.holder, None);
    })
    .await;
}

/// Processes that are dropped wherever they stand, as `kill -9` does.
#[tokio::test]
async fn whoever_is_killed_loses_nothing_and_no_order() {
    for_each_engine(|db| async move {
        let (kept, now_ms) = (Kept::default(), time());
        for n in 1..=200 {
            happens(&db, "bell.rung", if n % 2 == 0 { "a" } else { "b" }, n).await;
        }
        let mut killed = 0_u64;
        while reader::all(&db).await.unwrap().iter().all(|place| place.name != "bridge.nats" || place.seq < 200) {
            killed += 1;
            let mut bridge = kept.bridge(&db, &now_ms, "nats://h?from=start");
            // A little later each time, until that is too late to kill anybody.
            let _ = tokio::time::timeout(Duration::from_micros(400 * killed), bridge.look()).await;
            now_ms.fetch_add(30_000, Ordering::Relaxed);
        }
        let mut seen: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        for event in kept.events.lock().unwrap().iter() {
            let numbers = seen.entry(event["subject"].to_string()).or_default();
            let number = event["data"]["n"].as_i64().unwrap();
            if !numbers.contains(&number) {
                numbers.push(number);
            }
        }
        assert_eq!(seen.values().map(Vec::len).sum::<usize>(), 200, "after {killed} processes");
        assert!(seen.values().all(|numbers| numbers.is_sorted()), "{seen:?}");
    })
    .await;
}
