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
