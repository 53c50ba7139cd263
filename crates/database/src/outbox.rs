//! Events in commit order.
//!
//! [`append`] takes the next number from one row that it keeps locked until the transaction ends, so on both engines the
//! order of numbers is the order of commits and a reader that has seen number n will never meet a smaller one. All tenants
//! share the count: one number says how far a reader of any of them is.

use media_types::TenantId;
use serde_json::Value;
use uuid::Uuid;

use crate::{Database, DbError, Json, Tx, args};

const NEXT_SEQ: &str = "UPDATE outbox_head SET seq = seq + 1 WHERE id = 1 RETURNING seq";
const INSERT: &str = "INSERT INTO outbox (seq, id, tenant_id, kind, subject, data, time_ms)
    VALUES ($1, $2, $3, $4, $5, $6, $7)";
const AFTER: &str = "SELECT seq, id, tenant_id, kind, subject, data, time_ms FROM outbox
    WHERE tenant_id = $1 AND seq > $2 ORDER BY seq LIMIT $3";
const AFTER_OF_ALL: &str = "SELECT seq, id, tenant_id, kind, subject, data, time_ms FROM outbox
    WHERE seq > $1 ORDER BY seq LIMIT $2";
const ONE: &str = "SELECT seq, id, tenant_id, kind, subject, data, time_ms FROM outbox
    WHERE tenant_id = $1 AND seq = $2";
const RAISE: &str = "UPDATE outbox_head SET seq = CASE WHEN seq > $1 THEN seq ELSE CAST($1 AS BIGINT) END WHERE id = 1";
const HEAD: &str = "SELECT seq FROM outbox_head WHERE id = 1";

/// Every statement of this module, for the test that prepares each on both engines.
pub const STATEMENTS: &[&str] = &[NEXT_SEQ, INSERT, AFTER, AFTER_OF_ALL, ONE, RAISE, HEAD];

/// The most events one read returns.
pub const MAX_PAGE: i64 = 200;

/// An event to append.
#[derive(Clone, Debug)]
pub struct NewEvent<'a> {
    /// Whose event it is.
    pub tenant_id: &'a TenantId,
    /// What happened, such as `asset.ready`.
    pub kind: &'a str,
    /// What it happened to, such as an asset's id.
    pub subject: &'a str,
    /// An object with the details.
    pub data: Value,
    /// When, in milliseconds since 1970.
    pub time_ms: i64,
}

crate::row! {
    /// One event as it is stored.
    #[derive(Clone, Debug, PartialEq)]
    pub struct EventRow {
        /// Position in commit order, from 1, over all tenants.
        pub seq: i64,
        /// Unique within the tenant.
        pub id: String,
        /// Whose event it is.
        pub tenant_id: String,
        /// What happened, such as `asset.ready`.
        pub kind: String,
        /// What it happened to, such as an asset's id.
        pub subject: String,
        /// An object with the details.
        pub data: Json<Value>,
        /// When, in milliseconds since 1970.
        pub time_ms: i64,
    }
}

/// Appends an event, under an id that none has had, and returns its number. Other transactions that append wait until `tx` ends, so append last.
pub async fn append(tx: &mut Tx, event: &NewEvent<'_>) -> Result<i64, DbError> {
    let (seq,): (i64,) = tx.optional(NEXT_SEQ, args![]).await?.ok_or(DbError::NoRow)?;
    let id = format!("evt_{}", Uuid::now_v7().simple());
    let data = event.data.clone();
    let args = args![seq, id, event.tenant_id, event.kind, event.subject, data, event.time_ms];
    tx.execute(INSERT, args).await?;
    tx.wake();
    Ok(seq)
}

/// The tenant's events with a number above `seq`, oldest first, at most `limit` (capped at [`MAX_PAGE`]).
pub async fn after(db: &Database, tenant: &TenantId, seq: i64, limit: i64) -> Result<Vec<EventRow>, DbError> {
    db.all(AFTER, args![tenant, seq, limit.clamp(0, MAX_PAGE)]).await
}

/// The events of all tenants with a number above `seq`, oldest first, at most `limit` (capped at [`MAX_PAGE`]).
pub async fn after_of_all(db: &Database, seq: i64, limit: i64) -> Result<Vec<EventRow>, DbError> {
    db.all(AFTER_OF_ALL, args![seq, limit.clamp(0, MAX_PAGE)]).await
}

/// The tenant's event of this number.
pub async fn one(db: &Database, tenant: &TenantId, seq: i64) -> Result<Option<EventRow>, DbError> {
    db.optional(ONE, args![tenant, seq]).await
}

/// Has numbers go on above `seq`, unless they are there already: in a restored database those behind the backup's last one may have
/// been given to other events.
pub async fn raise(tx: &mut Tx, seq: i64) -> Result<(), DbError> {
    tx.execute(RAISE, args![seq]).await?;
    Ok(())
}

/// As [`head`], inside a transaction: what is committed later has a higher number.
pub async fn head_in(tx: &mut Tx) -> Result<i64, DbError> {
    let (seq,): (i64,) = tx.optional(HEAD, args![]).await?.ok_or(DbError::NoRow)?;
    Ok(seq)
}

/// The number of the newest event, 0 when there is none.
pub async fn head(db: &Database) -> Result<i64, DbError> {
    let (seq,): (i64,) = db.optional(HEAD, args![]).await?.ok_or(DbError::NoRow)?;
    Ok(seq)
}
