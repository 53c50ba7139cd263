//! What units do because of events: each handler gets every event of its kinds at least once, those about one subject in their order, and
//! what it does and that it has done so are one transaction.
//!
//! An event that a handler fails to take is set aside with all that follow about the same subject, and tried again after pauses; the
//! others go on. After [`MAX_TRIES`] failures it is left until an operator says otherwise ([`crate::reader::retry`]). A database that is away
//! is nobody's failure: nothing moves until it is back.
//!
//! Any number of processes may run the same handler: of two that take the same events one commits.

use database::outbox::{self, EventRow};
use database::{Database, DbError, Tx, args};
use futures::future::BoxFuture;
use media_types::TenantId;
use tokio::sync::watch;

use crate::Clock;
use crate::problem::chain;
use crate::reader::{Reader, shortened};

const WAITS: &str =
    "SELECT seq FROM event_waiting WHERE tenant_id = $1 AND reader = $2 AND subject = $3 ORDER BY seq LIMIT 1";
const PUT: &str = "INSERT INTO event_waiting (tenant_id, reader, subject, seq, tries, next_ms, error)
    VALUES ($1, $2, $3, $4, $5, $6, $7)";
/// The first of each subject, if its time has come.
const DUE: &str = "SELECT w.tenant_id, w.subject, w.seq, w.tries FROM event_waiting w
    WHERE w.reader = $1 AND w.next_ms <= $2 AND w.tries < $3 AND NOT EXISTS (SELECT 1 FROM event_waiting e
        WHERE e.tenant_id = w.tenant_id AND e.reader = w.reader AND e.subject = w.subject AND e.seq < w.seq)
    ORDER BY w.next_ms, w.seq LIMIT $4";
const TAKE: &str =
    "DELETE FROM event_waiting WHERE tenant_id = $1 AND reader = $2 AND subject = $3 AND seq = $4 AND tries = $5";
const AGAIN: &str = "UPDATE event_waiting SET tries = tries + 1, next_ms = $6, error = $7
    WHERE tenant_id = $1 AND reader = $2 AND subject = $3 AND seq = $4 AND tries = $5";
const FORGET: &str = "DELETE FROM event_waiting WHERE reader = $1";

/// Every statement of this module, for the test that prepares each on both engines.
pub const STATEMENTS: &[&str] = &[WAITS, PUT, DUE, TAKE, AGAIN, FORGET];

/// Events that one transaction takes, and that one look tries again.
const PAGE: i64 = 100;
/// How long is waited after the first failure, the second, and so on.
const PAUSES_MS: [i64; 5] = [1_000, 5_000, 30_000, 120_000, 600_000];
/// Failures after which an event is left alone.
pub const MAX_TRIES: i64 = PAUSES_MS.len() as i64 + 1;

/// Why an event was not taken. Whatever the handler had changed is undone.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// The database.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The event is not what the handler expects.
    #[error("{0}")]
    Unfit(String),
}

/// Something that a unit does because of events.
pub trait Handler: Send + Sync + 'static {
    /// Its name, which stays: the slug of the unit, a dot, and what it is about, such as `org.people`.
    fn name(&self) -> &'static str;

    /// The kinds of events that it gets.
    fn kinds(&self) -> &'static [&'static str];

    /// Does what follows from an event, inside `tx` and nowhere else.
    ///
    /// # Errors
    /// It cannot be done; it will be tried again.
    fn handle<'a>(&'a self, tx: &'a mut Tx, event: &'a EventRow) -> BoxFuture<'a, Result<(), Failed>>;

    /// Forgets all that it has made of events, which come anew from the first one on. What is told again by itself, such as that
    /// somebody is gone, needs no forgetting.
    ///
    /// # Errors
    /// The database fails.
    fn reset<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<(), DbError>>;
}

/// A handler at work on a database.
pub struct Inbox<H> {
    db: Database,
    clock: Clock,
    reader: Reader,
    handler: H,
}

/// An event that is tried again.
struct Due<'a> {
    tenant: &'a str,
    subject: &'a str,
    seq: i64,
    tries: i64,
}

impl<H: Handler> Inbox<H> {
    /// Has `handler` take the events of `db`, from the first one on if it is new.
    pub fn new(db: Database, clock: Clock, handler: H) -> Self {
        Self { db, clock, reader: Reader::new(handler.name()), handler }
    }

    /// Takes events until `stopped` turns true; meant for [`Served::with_task`](crate::Served::with_task). It may be dropped at any
    /// moment.
    pub async fn run(self, mut stopped: watch::Receiver<bool>) {
        let mut changed = self.db.changed();
        let mut is_away = false;
        loop {
            changed.mark_unchanged();
            let looked = self.look().await;
            if let Err(error) = &looked
                && !is_away
            {
                tracing::warn!(reader = self.reader.name(), error = %chain(error), "events wait for the database");
            }
            is_away = looked.is_err();
            if looked.unwrap_or(false) && !*stopped.borrow() {
                continue;
            }
            tokio::select! {
                // Whoever could stop it is gone: that is an end too.
                _ = stopped.wait_for(|stop| *stop) => return,
                () = self.db.next_look(&mut changed) => {}
            }
        }
    }

    /// Takes the next events, and tries those again whose time has come; whether there were any.
    ///
    /// # Errors
    /// The database fails, and nothing has moved since.
    pub async fn look(&self) -> Result<bool, DbError> {
        let from = match self.reader.place(&self.db).await? {
            Some(seq) if seq >= 0 => seq,
            place => {
                self.begin(place).await?;
                return Ok(true);
            }
        };
        let again = self.try_again().await?;
        let mut events = outbox::after_of_all(&self.db, from, PAGE).await?;
        let Some(to) = events.last().map(|event| event.seq) else { return Ok(again) };
        events.retain(|event| self.handler.kinds().contains(&event.kind.as_str()));
        if let Err(failed) = self.take((from, to), &events).await {
            tolerable(failed)?;
            self.take_one_by_one((from, to), &events).await?;
        }
        Ok(true)
    }

    /// Begins, for the first time or anew.
    async fn begin(&self, place: Option<i64>) -> Result<(), DbError> {
        let mut tx = self.db.begin().await?;
        match place {
            None => self.reader.begin(&mut tx, 0).await?,
            Some(seq) => {
                if !self.reader.advance(&mut tx, seq, 0).await? {
                    return Ok(());
                }
                tx.execute(FORGET, args![self.reader.name()]).await?;
                self.handler.reset(&mut tx).await?;
                tracing::info!(reader = self.reader.name(), "events are taken anew from the first one on");
            }
        }
        tx.commit().await
    }

    /// Takes all of them or none, and moves on.
    async fn take(&self, (from, to): (i64, i64), events: &[EventRow]) -> Result<(), Failed> {
        let mut tx = self.db.begin().await?;
        // First, so that every other process that would take them waits, and then has nothing to do.
        if !self.reader.advance(&mut tx, from, to).await? {
            return Ok(());
        }
        for event in events {
            let args = args![&event.tenant_id, self.reader.name(), &event.subject];
            match tx.optional::<(i64,)>(WAITS, args).await? {
                Some(_) => self.put(&mut tx, event, None).await?,
                None => self.handler.handle(&mut tx, event).await?,
            }
        }
        Ok(tx.commit().await?)
    }

    async fn take_one_by_one(&self, (from, to): (i64, i64), events: &[EventRow]) -> Result<(), DbError> {
        let mut at = from;
        for event in events {
            if let Err(failed) = self.take((at, event.seq), std::slice::from_ref(event)).await {
                let why = tolerable(failed)?;
                self.set_aside((at, event.seq), event, &why).await?;
            }
            at = event.seq;
        }
        let mut tx = self.db.begin().await?;
        self.reader.advance(&mut tx, at, to).await?;
        tx.commit().await
    }

    async fn set_aside(&self, (from, to): (i64, i64), event: &EventRow, why: &str) -> Result<(), DbError> {
        let mut tx = self.db.begin().await?;
        if !self.reader.advance(&mut tx, from, to).await? {
            return Ok(());
        }
        self.put(&mut tx, event, Some(why)).await?;
        tx.commit().await?;
        tracing::warn!(reader = self.reader.name(), event = %event.id, why, "an event is tried again later");
        Ok(())
    }

    /// Has an event wait: because it has failed, or behind one that has.
    async fn put(&self, tx: &mut Tx, event: &EventRow, why: Option<&str>) -> Result<(), DbError> {
        let (tries, next_ms) = match why {
            Some(_) => (1_i64, (self.clock)().saturating_add(PAUSES_MS[0])),
            None => (0, 0_i64),
        };
        let args = args![&event.tenant_id, self.reader.name(), &event.subject, event.seq, tries, next_ms, why];
        tx.execute(PUT, args).await?;
        Ok(())
    }

    async fn try_again(&self) -> Result<bool, DbError> {
        let args = args![self.reader.name(), (self.clock)(), MAX_TRIES, PAGE];
        let due: Vec<(String, String, i64, i64)> = self.db.all(DUE, args).await?;
        for (tenant, subject, seq, tries) in &due {
            let due = Due { tenant, subject, seq: *seq, tries: *tries };
            if let Err(failed) = self.take_again(&due).await {
                let why = tolerable(failed)?;
                self.failed_again(&due, &why).await?;
            }
        }
        Ok(!due.is_empty())
    }

    async fn take_again(&self, due: &Due<'_>) -> Result<(), Failed> {
        let Due { tenant, subject, seq, tries } = *due;
        let id: TenantId = tenant.parse().map_err(|_| Failed::Unfit("this is the id of no tenant".to_owned()))?;
        let event = outbox::one(&self.db, &id, seq).await?;
        let mut tx = self.db.begin().await?;
        // Somebody else has taken it, or it was tried meanwhile.
        if tx.execute(TAKE, args![tenant, self.reader.name(), subject, seq, tries]).await? == 0 {
            return Ok(());
        }
        if let Some(event) = &event {
            self.handler.handle(&mut tx, event).await?;
        }
        Ok(tx.commit().await?)
    }

    async fn failed_again(&self, due: &Due<'_>, why: &str) -> Result<(), DbError> {
        let Due { tenant, subject, seq, tries } = *due;
        let pause = usize::try_from(tries).ok().and_then(|tries| PAUSES_MS.get(tries)).copied().unwrap_or(0);
        let next_ms = (self.clock)().saturating_add(pause);
        let mut tx = self.db.begin().await?;
        let args = args![tenant, self.reader.name(), subject, seq, tries, next_ms, why];
        let is_ours = tx.execute(AGAIN, args).await? > 0;
        tx.commit().await?;
        if is_ours && tries + 1 >= MAX_TRIES {
            tracing::error!(
                reader = self.reader.name(),
                subject,
                seq,
                why,
                "an event is given up, and its subject stands"
            );
        }
        Ok(())
    }
}

/// Why it failed, in words that can be kept, unless that is the database's own trouble, which passes.
fn tolerable(failed: Failed) -> Result<String, DbError> {
    match failed {
        Failed::Database(error) if error.is_transient() => Err(error),
        failed => Ok(shortened(&chain(&failed))),
    }
}

#[cfg(test)]
mod tests;
