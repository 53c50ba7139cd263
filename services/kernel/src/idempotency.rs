//! `Idempotency-Key`: one effect and one answer per key, for 24 hours.
//!
//! The effect runs to its end even when its client leaves. A refused effect frees the key.
//!
//! Whatever creates something does so in the transaction that stores its answer ([`Idempotency::once_within`]): a request with
//! the same key waits for it, in whichever process, and whoever dies has done nothing. What may be done twice without harm need
//! not ([`Idempotency::once`]): a request that arrives meanwhile waits when both are in one process and gets 409 otherwise, and
//! when a process dies between effect and answer, the key can be used again after five minutes.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use database::{Database, DbError, Tx, args};
use futures::future::BoxFuture;
use media_types::TenantId;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use crate::audit::effect::Pending;
use crate::rights::Subject;
use crate::{Clock, Problem, audit, codes};

const FIND: &str = "SELECT request_sha256, status, body, created_ms FROM idempotency WHERE tenant_id = $1 AND key = $2";
const RESERVE: &str = "INSERT INTO idempotency (tenant_id, key, request_sha256, created_ms) VALUES ($1, $2, $3, $4)
    ON CONFLICT (tenant_id, key) DO NOTHING";
const EXPIRE: &str = "DELETE FROM idempotency WHERE tenant_id = $1 AND key = $2
    AND (created_ms < $3 OR (status IS NULL AND created_ms < $4))";
const STORE: &str =
    "UPDATE idempotency SET status = $3, content_type = $4, body = $5 WHERE tenant_id = $1 AND key = $2";
const RELEASE: &str = "DELETE FROM idempotency WHERE tenant_id = $1 AND key = $2 AND status IS NULL";
const SWEEP: &str = "DELETE FROM idempotency WHERE created_ms < $1";
const ANSWERS: &str = "SELECT key, body FROM idempotency WHERE tenant_id = $1 AND key > $2 AND body IS NOT NULL
    ORDER BY key LIMIT 100";
const FORGET: &str = "DELETE FROM idempotency WHERE tenant_id = $1 AND key = $2 AND body IS NOT NULL";

/// Every statement of this module, for the test that prepares each on both engines.
pub const STATEMENTS: &[&str] = &[FIND, RESERVE, EXPIRE, STORE, RELEASE, SWEEP, ANSWERS, FORGET];

const KEPT_MS: i64 = 24 * 3600 * 1000;
const ABANDONED_MS: i64 = 5 * 60 * 1000;
const PATIENCE: Duration = Duration::from_secs(30);
/// One reservation in so many also removes what has expired.
const SWEEP_EVERY: u64 = 64;

/// An answer as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// The HTTP status.
    pub status: StatusCode,
    /// The JSON body.
    pub body: Value,
}

impl Stored {
    /// Where it says that something was made: its `id`, behind `/` behind `address`.
    pub(crate) fn made(&self, address: &str) -> Option<String> {
        self.body["id"].as_str().map(|id| format!("{address}/{id}"))
    }
}

/// The answer to a request, and whether an earlier one made it.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The answer.
    pub stored: Stored,
    /// Whether this is the stored answer of an earlier request.
    pub replayed: bool,
}

/// In the answer to a request whose key was used before.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

impl Outcome {
    /// The answer to a POST that made something: where it is, which is its `id` behind `/` behind `address`, and for no cache. The record
    /// of the request has it as what is after that.
    pub fn created(self, address: &str) -> Response {
        audit::after(&self.stored.body);
        let at = self.stored.made(address);
        let mut response = self.into_response();
        let answer = response.headers_mut();
        answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(at) = at.and_then(|at| HeaderValue::from_str(&at).ok()) {
            answer.insert(header::LOCATION, at);
        }
        response
    }
}

impl IntoResponse for Outcome {
    fn into_response(self) -> Response {
        let mut response = (self.stored.status, axum::Json(self.stored.body)).into_response();
        if self.replayed {
            response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}

/// A tenant's key.
type Name = (TenantId, String);

/// Runs effects at most once per key.
#[derive(Clone)]
pub struct Idempotency {
    db: Database,
    clock: Clock,
    running: Arc<Mutex<HashMap<Name, watch::Receiver<()>>>>,
    reservations: Arc<AtomicU64>,
}

/// Held while this process runs the effect of a key; waking the others is dropping it.
struct Turn {
    of: Idempotency,
    name: Name,
    _done: watch::Sender<()>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.of.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
    }
}

database::row! {
    struct Found {
        request_sha256: String,
        status: Option<i64>,
        body: Option<Vec<u8>>,
        created_ms: i64,
    }
}

enum Place {
    Mine,
    Answered(Stored),
}

impl Idempotency {
    /// Keys are kept in `db`.
    pub fn new(db: Database, clock: Clock) -> Self {
        Self { db, clock, running: Arc::default(), reservations: Arc::default() }
    }

    /// The request's `Idempotency-Key`, if it has one.
    ///
    /// # Errors
    /// 400 when it is not 1 to 255 printable ASCII characters.
    pub fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
        let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
        let text = value.to_str().ok().filter(|text| (1..=255).contains(&text.len()));
        let detail = "an Idempotency-Key has 1 to 255 printable ASCII characters";
        text.map(|text| Some(text.to_owned()))
            .ok_or_else(|| Problem::bad_request(codes::IDEMPOTENCY_INVALID_KEY, detail))
    }

    /// Runs `effect`, or answers as it did when `key` was used before. `address` and `request` are what must be equal
    /// for it to be the same request. Without a key the effect simply runs.
    ///
    /// # Errors
    /// 422 when the key came with another request, 409 when another process is at it, otherwise the effect's refusal.
    pub async fn once<F>(
        &self,
        tenant: &TenantId,
        key: Option<String>,
        address: &str,
        request: &(impl Serialize + Sync),
        effect: F,
    ) -> Result<Outcome, Problem>
    where
        F: Future<Output = Result<Stored, Problem>> + Send + 'static,
    {
        let Some(key) = key else { return Ok(Outcome { stored: effect.await?, replayed: false }) };
        let hash = digest(address, request)?;
        let turn = self.take_turn(tenant, &key).await?;
        let this = self.clone();
        // A task of its own: a client that leaves must cut neither the effect nor the storing of its answer, and must
        // not leave a key reserved that nobody works for.
        let task = tokio::spawn(async move {
            let (tenant, key) = &turn.name;
            match this.place(tenant, key, &hash).await? {
                Place::Answered(stored) => Ok(Outcome { stored, replayed: true }),
                Place::Mine => this.run(turn, effect).await.map(|stored| Outcome { stored, replayed: false }),
            }
        });
        task.await.map_err(|error| Problem::internal(&error))?
    }

    /// As [`once`](Self::once), for an effect that is one transaction: it does nothing but through the one that it is given, and
    /// that stores its answer too.
    ///
    /// # Errors
    /// As [`once`](Self::once); the transaction is rolled back with every refusal.
    pub async fn once_within<F>(
        &self,
        tenant: &TenantId,
        key: Option<String>,
        address: &str,
        request: &(impl Serialize + Sync),
        effect: F,
    ) -> Result<Outcome, Problem>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<Stored, Problem>> + Send + 'static,
    {
        let hash = digest(address, request)?;
        let turn = match key {
            Some(key) => Some(self.take_turn(tenant, &key).await?),
            None => None,
        };
        let this = self.clone();
        // The task of the effect is none of the request's, which it outlives.
        let (address, record) = (address.to_owned(), Pending::current());
        let task = tokio::spawn(async move { this.within(turn, (&address, &hash), record, effect).await });
        task.await.map_err(|error| Problem::internal(&error))?
    }

    async fn within<F>(
        &self,
        turn: Option<Turn>,
        (address, hash): (&str, &str),
        record: Option<Pending>,
        effect: F,
    ) -> Result<Outcome, Problem>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<Stored, Problem>>,
    {
        let mut tx = self.db.begin().await?;
        if let Some(Turn { name: (tenant, key), .. }) = &turn {
            let now_ms = (self.clock)();
            // Waits for whoever is at it elsewhere.
            if !self.reserve_in(&mut tx, (tenant, key), hash, now_ms).await? {
                drop(tx);
                let stored = self.look(tenant, key, hash, now_ms).await?.unwrap_or_else(|| Err(in_flight()))?;
                return Ok(Outcome { stored, replayed: true });
            }
        }
        let stored = effect(&mut tx).await?;
        if let Some(Turn { name, .. }) = &turn {
            store_answer(&mut tx, name, &stored).await?;
        }
        match record {
            Some(record) => record.commit(tx, &stored, address).await?,
            None => tx.commit().await?,
        }
        Ok(Outcome { stored, replayed: false })
    }

    async fn run<F>(&self, turn: Turn, effect: F) -> Result<Stored, Problem>
    where
        F: Future<Output = Result<Stored, Problem>> + Send + 'static,
    {
        // Spawned once more so that a panic of the effect frees the key too.
        let result = tokio::spawn(effect).await.unwrap_or_else(|error| Err(Problem::internal(&error)));
        let mut tx = self.db.begin().await?;
        match &result {
            Ok(stored) => store_answer(&mut tx, &turn.name, stored).await?,
            Err(_refused) => {
                let (tenant, key) = &turn.name;
                tx.execute(RELEASE, args![tenant, key]).await?;
            }
        }
        tx.commit().await?;
        result
    }

    async fn take_turn(&self, tenant: &TenantId, key: &str) -> Result<Turn, Problem> {
        let name = (tenant.clone(), key.to_owned());
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let mut other = {
                let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
                match running.entry(name.clone()) {
                    Entry::Occupied(entry) => entry.get().clone(),
                    Entry::Vacant(entry) => {
                        let (done, waiting) = watch::channel(());
                        entry.insert(waiting);
                        return Ok(Turn { of: self.clone(), name, _done: done });
                    }
                }
            };
            // The sender only ever goes away, so an answer of any kind means that the other has ended.
            if tokio::time::timeout_at(deadline, other.changed()).await.is_err() {
                return Err(in_flight());
            }
        }
    }

    async fn place(&self, tenant: &TenantId, key: &str, hash: &str) -> Result<Place, Problem> {
        let now_ms = (self.clock)();
        if let Some(answer) = self.look(tenant, key, hash, now_ms).await? {
            return answer.map(Place::Answered);
        }
        let reserved = self.reserve(tenant, key, hash, now_ms).await?;
        if reserved {
            return Ok(Place::Mine);
        }
        match self.look(tenant, key, hash, now_ms).await? {
            Some(answer) => answer.map(Place::Answered),
            None => Err(in_flight()),
        }
    }

    /// What an earlier request left: nothing, its answer, or why this one must be refused.
    async fn look(
        &self,
        tenant: &TenantId,
        key: &str,
        hash: &str,
        now_ms: i64,
    ) -> Result<Option<Result<Stored, Problem>>, Problem> {
        let found: Option<Found> = self.db.optional(FIND, args![tenant, key]).await?;
        let Some(found) = found.filter(|found| found.created_ms >= now_ms - KEPT_MS) else { return Ok(None) };
        let answer = match (found.status, found.body) {
            _ if found.request_sha256 != hash => {
                let detail = "this Idempotency-Key was used with another request";
                Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, codes::IDEMPOTENCY_KEY_REUSED, detail))
            }
            (Some(status), Some(body)) => stored(status, &body),
            _ if found.created_ms < now_ms - ABANDONED_MS => return Ok(None),
            _ => Err(in_flight()),
        };
        Ok(Some(answer))
    }

    async fn reserve(&self, tenant: &TenantId, key: &str, hash: &str, now_ms: i64) -> Result<bool, DbError> {
        let mut tx = self.db.begin().await?;
        let reserved = self.reserve_in(&mut tx, (tenant, key), hash, now_ms).await?;
        tx.commit().await?;
        Ok(reserved)
    }

    async fn reserve_in(
        &self,
        tx: &mut Tx,
        (tenant, key): (&TenantId, &str),
        hash: &str,
        now_ms: i64,
    ) -> Result<bool, DbError> {
        if self.reservations.fetch_add(1, Ordering::Relaxed).is_multiple_of(SWEEP_EVERY) {
            tx.execute(SWEEP, args![now_ms - KEPT_MS]).await?;
        }
        tx.execute(EXPIRE, args![tenant, key, now_ms - KEPT_MS, now_ms - ABANDONED_MS]).await?;
        Ok(tx.execute(RESERVE, args![tenant, key, hash, now_ms]).await? == 1)
    }
}

/// Forgets every stored answer that says something of a person: his id or an address of his. Whoever repeats such a request has its
/// effect once more.
///
/// # Errors
/// Those of the database; what is forgotten stays so.
pub async fn forget(db: &Database, of: &Subject) -> Result<(), DbError> {
    let says = |body: &[u8]| {
        let text = String::from_utf8_lossy(body).to_lowercase();
        text.contains(&of.id) || of.addresses.iter().any(|address| text.contains(address.as_str()))
    };
    let mut after = String::new();
    loop {
        let answers: Vec<(String, Vec<u8>)> = db.all(ANSWERS, args![&of.tenant, &after]).await?;
        let Some((last, _)) = answers.last() else { return Ok(()) };
        after.clone_from(last);
        let telling: Vec<&String> = answers.iter().filter(|(_, body)| says(body)).map(|(key, _)| key).collect();
        if telling.is_empty() {
            continue;
        }
        let mut tx = db.begin().await?;
        for key in telling {
            tx.execute(FORGET, args![&of.tenant, key]).await?;
        }
        tx.commit().await?;
    }
}

async fn store_answer(tx: &mut Tx, (tenant, key): &Name, stored: &Stored) -> Result<(), Problem> {
    let body = serde_json::to_vec(&stored.body).map_err(|error| Problem::internal(&error))?;
    let status = i64::from(stored.status.as_u16());
    tx.execute(STORE, args![tenant, key, status, "application/json", body]).await?;
    Ok(())
}

fn in_flight() -> Problem {
    Problem::conflict(codes::IDEMPOTENCY_IN_FLIGHT, "a request with this Idempotency-Key is still running")
        .retry_after(1)
}

fn stored(status: i64, body: &[u8]) -> Result<Stored, Problem> {
    let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
    let body = serde_json::from_slice(body).map_err(|error| Problem::internal(&error))?;
    Ok(Stored { status: status.unwrap_or(StatusCode::OK), body })
}

fn digest(address: &str, request: &impl Serialize) -> Result<String, Problem> {
    let body = serde_json::to_vec(request).map_err(|error| Problem::internal(&error))?;
    let mut hash = Sha256::new();
    hash.update(address.as_bytes());
    hash.update([0]);
    hash.update(&body);
    Ok(hex::encode(hash.finalize()))
}

#[cfg(test)]
mod tests;
