//! Deliveries to a real receiver, on both engines.
#![allow(clippy::unwrap_used)]

mod delivering;
mod ending;
mod http;
mod receiver;
mod together;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use database::testing::{for_each_engine, prepare_all};
use database::{Database, args, outbox};
use http_client::Egress;
use kernel::{Filters, default_tenant};
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::model::DeliveryRow;
use crate::store::{Issued, Settings};
use crate::{Options, Webhooks};

/// The time, which a test moves.
#[derive(Clone)]
struct Time(Arc<AtomicI64>);

impl Time {
    fn new() -> Self {
        Self(Arc::new(AtomicI64::new(1_795_233_000_000)))
    }

    fn now(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    fn pass(&self, duration: Duration) {
        self.0.fetch_add(i64::try_from(duration.as_millis()).unwrap(), Ordering::Relaxed);
    }
}

/// Webhooks that may be sent to this machine.
fn hooks(db: &Database, time: &Time) -> Webhooks {
    let egress = Egress::allowing("127.0.0.0/8").unwrap();
    with(db, time, Options { egress, deadline: Duration::from_secs(10), ..Options::default() })
}

fn with(db: &Database, time: &Time, options: Options) -> Webhooks {
    let time = time.clone();
    Webhooks::new(db.clone(), Arc::new(move || time.now()), options).unwrap()
}

async fn endpoint(hooks: &Webhooks, url: String, events: &[&str]) -> Issued {
    let events = Filters::new(events.iter().map(|&text| text.to_owned()).collect()).unwrap();
    let settings = Settings { url, description: String::new(), events, is_enabled: true };
    hooks.create(&default_tenant(), &settings).await.unwrap()
}

/// Commits an event as the product does, under an id that a test can name.
async fn happens(db: &Database, id: &str, kind: &str, subject: &str) {
    let tenant = default_tenant();
    let event = outbox::NewEvent { tenant_id: &tenant, kind, subject, data: json!({ "id": subject }), time_ms: 250 };
    let mut tx = db.begin().await.unwrap();
    let seq = outbox::append(&mut tx, &event).await.unwrap();
    tx.execute("UPDATE outbox SET id = $1 WHERE seq = $2", args![id, seq]).await.unwrap();
    tx.commit().await.unwrap();
}

/// Has dispatchers look, as a change does.
async fn poke(db: &Database) {
    let mut tx = db.begin().await.unwrap();
    tx.wake();
    tx.commit().await.unwrap();
}

/// A dispatcher, until it is stopped.
struct Running {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Running {
    fn start(hooks: &Webhooks) -> Self {
        let (stop, stopped) = watch::channel(false);
        Self { stop, task: tokio::spawn(crate::dispatcher::run(hooks.clone(), stopped)) }
    }

    async fn stop(self) {
        self.stop.send(true).unwrap();
        self.task.await.unwrap();
    }
}

/// Waits until `check` gives something.
async fn wait_for<T, F: Future<Output = Option<T>>>(what: &str, mut check: impl FnMut() -> F) -> T {
    let found = async {
        let mut look = tokio::time::interval(Duration::from_millis(10));
        loop {
            look.tick().await;
            if let Some(found) = check().await {
                return found;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), found).await.unwrap_or_else(|_| panic!("in vain: {what}"))
}

/// Waits for the only delivery of an endpoint to be in a state.
async fn settled(hooks: &Webhooks, of: &Issued, state: &str) -> DeliveryRow {
    wait_for(state, || async {
        let rows = hooks.deliveries(&default_tenant(), (&of.endpoint.id, None), None, 10).await.unwrap();
        assert!(rows.len() <= 1);
        rows.into_iter().find(|row| row.state == state)
    })
    .await
}

#[tokio::test]
async fn every_statement_prepares() {
    for_each_engine(|db| async move { prepare_all(&db, crate::STATEMENTS).await.unwrap() }).await;
}
