//! Flags in memory, for who asks in this process.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, Weak};

use arc_swap::ArcSwapOption;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use database::{Database, DbError};
use kernel::{Clock, Idempotency, Principal, Problem, Tenant, rfc3339};
use media_types::TenantId;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::evaluate::Context;
use super::fronts::Fronts;
use super::snapshot::{Evaluation, Snapshot};
use super::store::reports::Counted;
use super::store::{By, FlagError, Store};

/// Tenants whose flags are in memory at once, and as many more as somebody has; those that were asked for longest ago are read anew
/// when they are again.
const MOST: usize = 256;
/// Tenants that one look takes in at a time.
const PAGE: i64 = 1000;

/// The flags of all tenants of a database. Cheap to clone.
#[derive(Clone)]
pub struct Flags(Arc<All>);

struct All {
    store: Store,
    idempotency: Idempotency,
    machine: Option<String>,
    fronts: Fronts,
    followed: std::sync::Mutex<HashMap<TenantId, Followed>>,
}

struct Followed {
    of: Arc<Inner>,
    asked: Instant,
}

/// The flags of a tenant: asked of memory, without waiting. Cheap to clone.
///
/// A task of its own reads them anew when something was committed, in any process on PostgreSQL at once, on SQLite within a
/// second. While the database is away they stay as they were last; as long as nothing is known, every answer is the caller's
/// default.
#[derive(Clone)]
pub struct TenantFlags {
    /// Its task goes on as long as anybody has some of them.
    all: Flags,
    pub(super) of: Arc<Inner>,
}

/// The flags of one tenant.
pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) tenant: TenantId,
    pub(crate) idempotency: Idempotency,
    known: ArcSwapOption<Snapshot>,
    /// Held while the tables are read.
    reading: Mutex<()>,
    machine: Option<String>,
}

/// The flags that a request is about, and who has sent it.
#[derive(Clone)]
pub(crate) struct Asked {
    flags: TenantFlags,
    principal: Principal,
}

impl std::ops::Deref for Asked {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.flags.of
    }
}

impl FromRequestParts<Flags> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, flags: &Flags) -> Result<Self, Problem> {
        let Tenant(tenant) = Tenant::from_request_parts(parts, flags).await?;
        let Ok(principal) = Principal::from_request_parts(parts, flags).await;
        Ok(Self { flags: flags.of(&tenant), principal })
    }
}

impl Asked {
    /// Answers a key of pages and apps no more that was just removed. Other processes look again within seconds.
    pub(crate) fn forget_key(&self, key: &str) {
        self.flags.all.fronts().keep(key, None, Instant::now());
    }

    /// Whose flags are changed, and by whom: by whoever acts as somebody else, and not by that one.
    pub(crate) fn by(&self) -> By<'_> {
        By { tenant: &self.tenant, actor: self.principal.acted_by().unwrap_or(self.principal.actor()) }
    }
}

impl Flags {
    /// Follows the flags of `db` until every clone is gone.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn new(db: Database, clock: Clock) -> Self {
        let idempotency = Idempotency::new(db.clone(), Arc::clone(&clock));
        let (store, machine) = (Store::new(db.clone(), clock), machine());
        let (fronts, followed) = (Fronts::default(), std::sync::Mutex::default());
        let flags = Self(Arc::new(All { store, idempotency, machine, fronts, followed }));
        tokio::spawn(follow(Arc::downgrade(&flags.0), db));
        flags
    }

    /// Those of a tenant. Of one that was not asked for lately nothing is known before the next look.
    pub fn of(&self, tenant: &TenantId) -> TenantFlags {
        let now = Instant::now();
        let mut followed = self.0.followed.lock().unwrap_or_else(PoisonError::into_inner);
        if !followed.contains_key(tenant) && followed.len() >= MOST {
            // Those that somebody has go on being followed.
            let idle = followed.iter().filter(|(_, followed)| Arc::strong_count(&followed.of) == 1);
            let oldest = idle.min_by_key(|(_, followed)| followed.asked).map(|(tenant, _)| tenant.clone());
            if let Some(oldest) = oldest {
                followed.remove(&oldest);
            }
        }
        let entry = followed.entry(tenant.clone());
        let followed = entry.or_insert_with(|| Followed { of: Arc::new(self.0.unread(tenant)), asked: now });
        followed.asked = now;
        TenantFlags { all: self.clone(), of: Arc::clone(&followed.of) }
    }
}

impl Flags {
    /// Where they are.
    pub(crate) fn database(&self) -> Database {
        self.0.store.db.clone()
    }

    /// Has approved changes of all tenants take effect whose time has come. What is wrong with one is no reason to let others wait.
    ///
    /// # Errors
    /// The database does not say which.
    pub(crate) async fn take_due(&self) -> Result<(), DbError> {
        for row in self.0.store.due().await? {
            let Ok(tenant) = row.tenant_id.parse::<TenantId>() else { continue };
            match self.0.store.take_due(&tenant, &row.id).await {
                Ok(()) | Err(FlagError::Decided(_) | FlagError::NoRequest) => {}
                Err(error) => {
                    let request = row.id.as_str();
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        request,
                        "a scheduled change of a flag waits"
                    );
                }
            }
        }
        Ok(())
    }

    /// The tables.
    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    /// Keys of pages and apps.
    pub(crate) fn fronts(&self) -> &Fronts {
        &self.0.fronts
    }

    /// What time it is.
    pub(crate) fn now_ms(&self) -> i64 {
        self.0.store.now_ms()
    }

    /// Writes down how often flags were asked for here. What one cannot be told of is counted on.
    ///
    /// # Errors
    /// The database does not take it.
    pub(crate) async fn write_counts(&self) -> Result<(), DbError> {
        for of in self.0.all() {
            of.write_counts().await?;
        }
        Ok(())
    }
}

impl All {
    /// Those that were asked for.
    fn all(&self) -> Vec<Arc<Inner>> {
        let followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        followed.values().map(|followed| Arc::clone(&followed.of)).collect()
    }

    fn unread(&self, tenant: &TenantId) -> Inner {
        Inner {
            store: self.store.clone(),
            tenant: tenant.clone(),
            idempotency: self.idempotency.clone(),
            known: ArcSwapOption::empty(),
            reading: Mutex::new(()),
            machine: self.machine.clone(),
        }
    }

    /// Reads what has changed of those that were asked for.
    ///
    /// # Errors
    /// As [`Inner::refresh`], of one of them.
    async fn refresh(&self) -> Result<(), FlagError> {
        let followed = self.all();
        if followed.is_empty() {
            return Ok(());
        }
        let (heads, mut read) = (self.store.heads(PAGE).await?, Ok(()));
        for of in followed {
            let head = heads.get(of.tenant.as_str()).copied().unwrap_or(0);
            if of.known.load().as_ref().is_none_or(|known| known.seq != head) {
                // What is wrong with one tenant's flags is no reason to let others wait.
                read = of.refresh().await.and(read);
            }
        }
        read
    }
}

impl TenantFlags {
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

    /// What a flag is for `context`, and why; `None` where nothing is known of it. It is counted as a use.
    pub fn evaluate(&self, key: &str, context: &Context) -> Option<Evaluation> {
        let snapshot = self.of.known.load();
        let environment = snapshot.as_ref()?.environment(context.environment.as_deref());
        let evaluation = environment.evaluate(key, &self.of.completed(context)).ok()?;
        environment.count(key, evaluation.is_on);
        Some(evaluation)
    }

    /// Those of all tenants.
    pub fn all(&self) -> &Flags {
        &self.all
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

    /// Writes down how often flags were asked for since this was done last, in one transaction for each environment.
    ///
    /// # Errors
    /// The database does not take it; it is counted on.
    async fn write_counts(&self) -> Result<(), DbError> {
        let Some(snapshot) = self.known.load_full() else { return Ok(()) };
        for (name, environment) in snapshot.environments() {
            let counts = environment.take_counts();
            if counts.is_empty() {
                continue;
            }
            let counted: Vec<Counted<'_>> = counts.iter().map(|&(key, yes, no)| Counted { key, yes, no }).collect();
            if let Err(error) = self.store.count(&self.tenant, name, &counted).await {
                environment.count_all(&counts);
                return Err(error);
            }
        }
        Ok(())
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
        let (machine, before) = (self.machine.clone(), self.known.load_full());
        let compiling = move || Snapshot::new(seq, flags, &segments, machine.as_deref(), before.as_deref());
        let snapshot = tokio::task::spawn_blocking(compiling).await??;
        for fault in snapshot.environments().flat_map(|(_, environment)| environment.faults()) {
            tracing::error!(fault, "a flag cannot be compiled, and is off");
        }
        self.known.store(Some(Arc::new(snapshot)));
        Ok(())
    }
}

/// Reads what has changed, for as long as anybody asks.
async fn follow(flags: Weak<All>, db: Database) {
    let mut changed = db.changed();
    let mut is_away = false;
    loop {
        changed.mark_unchanged();
        let Some(all) = flags.upgrade() else { return };
        let read = all.refresh().await;
        drop(all);
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
