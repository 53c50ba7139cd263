//! A bridge at work: takes what is new in the outbox, publishes it, and moves its place behind it.

use std::sync::Arc;
use std::time::Duration;

use database::{Database, DbError, outbox};
use futures::future::BoxFuture;
use kernel::problem::chain;
use kernel::reader::Lease;
use kernel::{Clock, CloudEvent, Filters, Reader};
use tokio::sync::watch;
use uuid::Uuid;

use crate::broker::PUBLISH;
use crate::{Address, Broker, BrokerError};

/// Events that are published before the place is moved.
const PAGE: i64 = 50;
/// A process that was killed has had the bridge for so long; longer than connecting and publishing a page take.
const LEASE_MS: i64 = 30_000;
/// How long is waited after a failure, and at most after many.
const PAUSE_FIRST: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// Makes a connection.
type Connect = Arc<dyn Fn() -> BoxFuture<'static, Result<Box<dyn Broker>, BrokerError>> + Send + Sync>;

/// A bridge from a database to a broker.
pub struct Bridge {
    db: Database,
    clock: Clock,
    kinds: Filters,
    from_start: bool,
    source: String,
    reader: Reader,
    /// What this process is known by as the one that has the bridge.
    holder: String,
    connect: Connect,
    broker: Option<Box<dyn Broker>>,
}

/// Why nothing moved.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BridgeError {
    /// The database.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The broker.
    #[error(transparent)]
    Broker(#[from] BrokerError),
}

impl Bridge {
    /// From the outbox of `db` to where `address` says. `source` is a reference to this installation, as events tell it.
    pub fn new(db: Database, clock: Clock, address: Address, source: String) -> Self {
        let (name, kinds, from_start) = (address.name.clone(), address.kinds.clone(), address.from_start);
        let address = Arc::new(address);
        let connect: Connect = Arc::new(move || -> BoxFuture<'static, Result<Box<dyn Broker>, BrokerError>> {
            let address = Arc::clone(&address);
            Box::pin(async move { address.connect().await })
        });
        Self {
            db,
            clock,
            kinds,
            from_start,
            source,
            reader: Reader::new(format!("bridge.{name}")),
            holder: Uuid::now_v7().simple().to_string(),
            connect,
            broker: None,
        }
    }

    /// Publishes until `stopped` turns true. It may be dropped at any moment: what was published and not yet counted is published once
    /// more.
    pub async fn run(mut self, mut stopped: watch::Receiver<bool>) {
        let db = self.db.clone();
        let mut changed = db.changed();
        let mut pause = None;
        loop {
            changed.mark_unchanged();
            let looked = tokio::select! {
                // Whoever could stop it is gone: that is an end too.
                _ = stopped.wait_for(|stop| *stop) => break,
                looked = self.look() => looked,
            };
            match looked {
                Ok(more) => {
                    if pause.take().is_some() {
                        tracing::info!(bridge = self.reader.name(), "events are published again");
                    }
                    if more {
                        continue;
                    }
                }
                Err(error) => pause = Some(self.failed(&error, pause).await),
            }
            let next = async {
                match pause {
                    Some(pause) => tokio::time::sleep(pause).await,
                    None => db.next_look(&mut changed).await,
                }
            };
            tokio::select! {
                _ = stopped.wait_for(|stop| *stop) => break,
                () = next => {}
            }
        }
        if let Err(error) = self.reader.release(&self.db, &self.holder).await {
            tracing::debug!(error = %chain(&error), "others wait for the bridge a while");
        }
    }

    /// Publishes the next events; whether there were any.
    pub(crate) async fn look(&mut self) -> Result<bool, BridgeError> {
        let Some(place) = self.reader.place(&self.db).await? else {
            self.begin().await?;
            return Ok(true);
        };
        let events = outbox::after_of_all(&self.db, place.max(0), PAGE).await?;
        let Some(to) = events.last().map(|event| event.seq) else { return Ok(false) };
        let now_ms = (self.clock)();
        let lease = Lease { holder: &self.holder, now_ms, until_ms: now_ms.saturating_add(LEASE_MS) };
        let Some(held) = self.reader.lease(&self.db, lease).await? else {
            // Another process has it, which needs no second connection.
            self.broker = None;
            return Ok(false);
        };
        if held != place {
            return Ok(true);
        }
        let wanted = events.into_iter().filter(|event| self.kinds.pass(&event.kind));
        let told: Vec<CloudEvent> = wanted.map(|event| CloudEvent::new(event, &self.source)).collect();
        if !told.is_empty() {
            self.publish(&told).await?;
        }
        let mut tx = self.db.begin().await?;
        // Nobody else moves it but an operator, who wants all events again.
        self.reader.advance(&mut tx, place, to).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn begin(&mut self) -> Result<(), DbError> {
        let mut tx = self.db.begin().await?;
        let seq = if self.from_start { 0 } else { outbox::head_in(&mut tx).await? };
        self.reader.begin(&mut tx, seq).await?;
        tx.commit().await
    }

    async fn publish(&mut self, events: &[CloudEvent]) -> Result<(), BrokerError> {
        let mut broker = match self.broker.take() {
            Some(broker) => broker,
            None => (self.connect)().await?,
        };
        let published = tokio::time::timeout(PUBLISH, broker.publish(events)).await;
        published.unwrap_or(Err(BrokerError::Silent))?;
        // One that has failed is not asked again.
        self.broker = Some(broker);
        Ok(())
    }

    /// Tells of a failure, and how long to wait after it.
    async fn failed(&mut self, error: &BridgeError, before: Option<Duration>) -> Duration {
        let why = chain(error);
        if before.is_none() {
            tracing::warn!(bridge = self.reader.name(), error = %why, "events wait for a broker");
        }
        if let Err(error) = self.reader.failed(&self.db, &self.holder, &why).await {
            tracing::debug!(error = %chain(&error), "what the broker said cannot be kept");
        }
        before.map_or(PAUSE_FIRST, |before| (before * 2).min(PAUSE_MAX))
    }
}

#[cfg(test)]
impl Bridge {
    /// One with another broker than an address names.
    pub(crate) fn with(db: Database, clock: Clock, address: &str, connect: Connect) -> Self {
        let address = Address::parse(address).unwrap_or_else(|error| panic!("{address}: {error}"));
        Self { connect, ..Self::new(db, clock, address, "/api/v1/events".to_owned()) }
    }
}
