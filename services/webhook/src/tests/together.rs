//! Several processes on one database.

use std::collections::{BTreeMap, BTreeSet};

use database::EngineKind;
use database::testing::Scratch;

use super::receiver::Receiver;
use super::*;

const EVENTS: usize = 240;
const SUBJECTS: usize = 24;
const WRITERS: usize = 4;

/// Events of several writers that commit at once, each with its own assets, handed out and sent by three processes.
#[tokio::test]
async fn every_event_comes_once_and_in_the_order_of_its_asset_however_many_send() {
    for kind in [EngineKind::Sqlite, EngineKind::Postgres] {
        let scratch = Scratch::migrated(kind).await;
        let (time, receiver) = (Time::new(), Receiver::answering(200).await);
        let mut running = Vec::new();
        let first = hooks(&scratch.db, &time);
        let issued = endpoint(&first, receiver.url("/a"), &["*"]).await;
        endpoint(&first, receiver.url("/b"), &["*"]).await;
        for _ in 0..3 {
            running.push(Running::start(&hooks(&scratch.another().await, &time)));
        }
        let writers = (0..WRITERS).map(|writer| {
            let db = scratch.db.clone();
            tokio::spawn(async move {
                for number in (writer..EVENTS).step_by(WRITERS) {
                    let subject = format!("ast_{}", number % SUBJECTS);
                    happens(&db, &format!("evt_{number}"), "asset.ready", &subject).await;
                }
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
        let seen = receiver.wait(2 * EVENTS).await;
        let ids: BTreeSet<String> = seen.iter().map(|seen| seen.header("webhook-id")).collect();
        assert_eq!((ids.len(), seen.len()), (2 * EVENTS, 2 * EVENTS), "{kind:?}: none is missing, none came twice");
        let mut last: BTreeMap<(String, String), i64> = BTreeMap::new();
        for seen in &seen {
            let event = seen.json();
            let seq = event["seq"].as_i64().unwrap();
            let before = last.insert((seen.path.clone(), event["subject"].to_string()), seq);
            assert!(before.is_none_or(|before| before < seq), "{kind:?}: {event} came after {before:?}");
        }
        for running in running {
            running.stop().await;
        }
        let left = first.deliveries(&default_tenant(), (&issued.endpoint.id, Some("delivered")), None, 200).await;
        assert_eq!(left.unwrap().len(), 200, "a page of them");
    }
}

/// A dispatcher that is dropped wherever it stands, again and again, as `kill -9` does.
#[tokio::test]
async fn whoever_is_killed_while_sending_loses_nothing_and_repeats_little() {
    for kind in [EngineKind::Sqlite, EngineKind::Postgres] {
        let scratch = Scratch::migrated(kind).await;
        let (time, receiver) = (Time::new(), Receiver::answering(200).await);
        let hooks = hooks(&scratch.db, &time);
        endpoint(&hooks, receiver.url("/"), &["*"]).await;
        for number in 0..EVENTS {
            happens(&scratch.db, &format!("evt_{number}"), "asset.ready", &format!("ast_{}", number % SUBJECTS)).await;
        }
        let mut kills = 0;
        for enough in (10..EVENTS).step_by(23) {
            let running = Running::start(&hooks);
            receiver.wait(enough).await;
            running.task.abort();
            assert!(running.task.await.is_err_and(|error| error.is_cancelled()));
            kills += 1;
            // What others see stand for 30 s.
            let standing = hooks.sending(100).await.unwrap();
            // Four of this one, and four of the one before whose claim was committed after it was gone.
            assert!(standing.len() <= 8, "{kind:?}: {} under way to one receiver", standing.len());
            hooks.give_back(&standing).await.unwrap();
        }
        let running = Running::start(&hooks);
        wait_for("the rest", || async {
            let left = hooks.deliveries(&default_tenant(), (&only(&hooks).await, Some("pending")), None, 1).await;
            (left.unwrap().is_empty() && hooks.sending(1).await.unwrap().is_empty()).then_some(())
        })
        .await;
        running.stop().await;
        let seen = receiver.seen();
        let mut ids = BTreeSet::new();
        let firsts: Vec<_> = seen.iter().filter(|seen| ids.insert(seen.header("webhook-id"))).collect();
        assert_eq!(ids.len(), EVENTS, "{kind:?}: none is missing");
        assert!(seen.len() <= EVENTS + kills * 8, "{kind:?}: {} for {kills} kills", seen.len());
        let mut last: BTreeMap<String, i64> = BTreeMap::new();
        for event in firsts.iter().map(|seen| seen.json()) {
            let seq = event["seq"].as_i64().unwrap();
            assert!(
                last.insert(event["subject"].to_string(), seq).is_none_or(|before| before < seq),
                "{kind:?}: {event}"
            );
        }
    }
}

async fn only(hooks: &Webhooks) -> String {
    hooks.endpoints(&default_tenant(), None, 1).await.unwrap().remove(0).id
}
