//! Flags in memory, for who asks in this process.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use arc_swap::ArcSwapOption;
use database::{Database, DbError};
use kernel::{Clock, Idempotency, default_tenant, rfc3339};
use media_types::TenantId;
use serde_json::Value;
use tokio::sync::Mutex;

use super::evaluate::Context;
use super::snapshot::{Environment, Evaluation, Snapshot};
use super::store::{FlagError, Store};

/// The flags of a database: asked of memory, without waiting. Cheap to clone.
///
/// A task of its own reads them anew when something was committed, in any process on PostgreSQL at once, on SQLite within a
/// second. While the database is away they stay as they were last; as long as nothing is known, every answer is the caller's
/// default.
#[derive(Clone)]
pub struct Flags(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) tenant: TenantId,
    pub(crate) idempotency: Idempotency,
    known: ArcSwapOption<Snapshot>,
    /// Held while the tables are read.
    reading: Mutex<()>,
    machine: Option<String>,
}

impl Flags {
    /// Follows the flags of `db` until every clone is gone.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn new(db: Database, clock: Clock) -> Self {
        let idempotency = Idempotency::new(db.clone(), Arc::clone(&clock));
        let flags = Self(Arc::new(Inner {
            store: Store::new(db.clone(), clock),
            tenant: default_tenant(),
            idempotency,
            known: ArcSwapOption::empty(),
            reading: Mutex::new(()),
            machine: machine(),
        }));
        tokio::spawn(follow(Arc::downgrade(&flags.0), db));
        flags
    }

    /// Whether a flag is on for `context`; `false` where nothing is known of it.
    pub fn is_on(&self, key: &str, context: &Context) -> bool {
        self.evaluate(key, context).is_some_and(|evaluation| evaluation.is_on)
    }

    /// The value of a flag for `context`; `default` where nothing is known of it, where it leaves it to the caller, or where it
    /// is of another kind than `default`.
    pub fn value(&self, key: &str, context: &Context, default: Value) -> Value {
        let kind = std::mem::discriminant(&default);
        let value = self.evaluate(key, context).and_then(|evaluation| evaluation.value);
        value.filter(|value| std::mem::discriminant(value) == kind).unwrap_or(default)
    }

    /// What a flag is for `context`, and why; `None` where nothing is known of it.
    pub fn evaluate(&self, key: &str, context: &Context) -> Option<Evaluation> {
        let snapshot = self.0.known.load();
        let environment = snapshot.as_ref()?.environment(context.environment.as_deref());
        environment.evaluate(key, &self.0.completed(context)).ok()
    }
}

impl Inner {
    /// The context with what it leaves open.
    pub(crate) fn completed(&self, context: &Context) -> Context {
        let environment = context.environment.clone().or_else(|| Some(super::DEFAULT_ENVIRONMENT.to_owned()));
        let current_time = context.current_time.clone().or_else(|| Some(rfc3339(self.store.now_ms())));
        Context { environment, current_time, ..context.clone() }
    }

    /// What is known, read from the tables when that is nothing.
    ///
    /// # Errors
    /// Nothing is known and the database does not answer.
    pub(crate) async fn known(&self) -> Result<Arc<Snapshot>, FlagError> {
        if let Some(snapshot) = self.known.load_full() {
            return Ok(snapshot);
        }
        self.refresh().await?;
        self.known.load_full().ok_or(FlagError::Database(DbError::NoRow))
    }

    /// Reads the tables if anything has changed in them.
    ///
    /// # Errors
    /// The database does not answer; what was known still is.
    pub(crate) async fn refresh(&self) -> Result<(), FlagError> {
        let _reading = self.reading.lock().await;
        // Before the rows: what changes in between is read twice rather than not at all.
        let seq = self.store.head(&self.tenant).await?;
        if self.known.load().as_ref().is_some_and(|known| known.seq == seq) {
            return Ok(());
        }
        let flags = self.store.contents(&self.tenant).await?;
        let segments = self.store.segments(&self.tenant).await?;
        let segments: BTreeMap<_, _> = segments.into_iter().map(|row| (row.name, row.content.0)).collect();
        let machine = self.machine.clone();
        let compiling = move || Snapshot::new(seq, flags, &segments, machine.as_deref());
        let snapshot = tokio::task::spawn_blocking(compiling).await??;
        for fault in snapshot.environments().flat_map(Environment::faults) {
            tracing::error!(fault, "a flag cannot be compiled, and is off");
        }
        self.known.store(Some(Arc::new(snapshot)));
        Ok(())
    }
}

/// Reads what has changed, for as long as anybody asks.
async fn follow(flags: Weak<Inner>, db: Database) {
    let mut changed = db.changed();
    let mut is_away = false;
    loop {
        changed.mark_unchanged();
        let Some(inner) = flags.upgrade() else { return };
        let read = inner.refresh().await;
        drop(inner);
        match &read {
            Err(error) if !is_away => {
                tracing::warn!(error = error as &dyn std::error::Error, "flags stay as they were last");
            }
            Ok(()) if is_away => tracing::info!("flags are up to date again"),
            _ => {}
        }
        is_away = read.is_err();
        db.next_look(&mut changed).await;
    }
}

/// The name of this machine, where the system tells it.
fn machine() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}
