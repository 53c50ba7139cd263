//! Records on their way: whoever answers requests writes them, and whoever keeps the log takes them from here, in the transaction
//! that appends them. What nobody takes is forgotten after 90 days.

use std::time::Duration;

use database::{Database, DbError, Tx, args};
use media_types::TenantId;
use serde::{Deserialize, Serialize};

pub(super) const INSERT: &str =
    "INSERT INTO audit_transit (tenant_id, id, writer, beat, state, actor, action, resource, request_id, status, time_ms,
        context, changes)
    VALUES ($1, $2, $3, 0, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (tenant_id, id) DO NOTHING";
pub(super) const END: &str =
    "UPDATE audit_transit SET state = $3, status = $4, resource = COALESCE(CAST($5 AS TEXT), resource), changes = $6
    WHERE tenant_id = $1 AND id = $2 AND state = 'open'";
pub(super) const WITHDRAW: &str = "DELETE FROM audit_transit WHERE tenant_id = $1 AND id = $2 AND state = 'open'";
pub(super) const BEAT: &str = "UPDATE audit_transit SET beat = beat + 1 WHERE writer = $1 AND state = 'open'";
pub(super) const FORGET: &str = "DELETE FROM audit_transit WHERE time_ms < $1";
const OPEN: &str = "SELECT tenant_id, id, beat FROM audit_transit WHERE state = 'open' ORDER BY tenant_id, id LIMIT $1";
const ABANDON: &str = "UPDATE audit_transit SET state = 'unknown'
    WHERE tenant_id = $1 AND id = $2 AND beat = $3 AND state = 'open'";
const TENANTS: &str = "SELECT DISTINCT tenant_id FROM audit_transit WHERE state <> 'open' AND tenant_id > $1
    ORDER BY tenant_id LIMIT $2";
/// Chosen once and for all before any is removed.
const TAKE: &str = "WITH chosen AS MATERIALIZED (SELECT id FROM audit_transit
        WHERE tenant_id = $1 AND state <> 'open' ORDER BY time_ms, id LIMIT $2)
    DELETE FROM audit_transit WHERE tenant_id = $1 AND id IN (SELECT id FROM chosen)
    RETURNING id, actor, action, resource, request_id, state, status, time_ms, context, changes";

/// Every statement of this module, for the test that prepares each on both engines.
pub const STATEMENTS: &[&str] = &[INSERT, END, WITHDRAW, BEAT, FORGET, OPEN, ABANDON, TENANTS, TAKE];

/// Between two signs of life of a process about its open records.
pub(super) const BEAT_EVERY: Duration = Duration::from_secs(20);
/// An open record without one for so long, on the clock of whoever looks, is of a process that has died.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// An open record: tenant, id, and the count of its signs of life.
pub type Open = (String, String, i64);

database::row! {
    /// A record that nobody will change any more.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Ended {
        /// Unique.
        pub id: String,
        /// By whom: the word of a [`Principal`](crate::Principal::actor).
        pub actor: String,
        /// The id of the operation.
        pub action: String,
        /// The address of what it was done to.
        pub resource: String,
        /// The id of the request.
        pub request_id: Option<String>,
        /// `done`; `unknown` when it was answered with 5xx, or by nobody.
        pub state: String,
        /// The status of the answer.
        pub status: Option<i64>,
        /// When the request came, in milliseconds since 1970.
        pub time_ms: i64,
        /// A [`Context`] as JSON.
        pub context: Option<String>,
        /// What was before and after, as JSON: an object with the list `changes`, of `path` (RFC 6901), `old` and `new`, and with how
        /// many `more` there are than it tells.
        pub changes: Option<String>,
    }
}

/// What is known of a request beside what it asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Context {
    /// From where it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// What the client calls itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// The id of the session that it was sent in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The id of the program that acts for the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// The id of the person that somebody else acts as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<String>,
    /// Why, as whoever sent it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Up to `limit` tenants behind `after` that have records for the log.
pub async fn tenants(db: &Database, after: &str, limit: i64) -> Result<Vec<String>, DbError> {
    let rows: Vec<(String,)> = db.all(TENANTS, args![after, limit]).await?;
    Ok(rows.into_iter().map(|(tenant,)| tenant).collect())
}

/// Takes up to `limit` records of a tenant out, oldest first: they are wherever `tx` puts them, or still here.
pub async fn take(tx: &mut Tx, tenant: &TenantId, limit: i64) -> Result<Vec<Ended>, DbError> {
    let mut rows: Vec<Ended> = tx.all(TAKE, args![tenant, limit]).await?;
    rows.sort_by(|one, other| (one.time_ms, &one.id).cmp(&(other.time_ms, &other.id)));
    Ok(rows)
}

/// Up to `limit` records whose requests have not ended, as far as anybody knows.
pub async fn open(db: &Database, limit: i64) -> Result<Vec<Open>, DbError> {
    db.all(OPEN, args![limit]).await
}

/// Ends records whose process has died: what became of the requests nobody knows.
pub async fn abandon(db: &Database, dead: &[Open]) -> Result<(), DbError> {
    if dead.is_empty() {
        return Ok(());
    }
    let mut tx = db.begin().await?;
    for (tenant, id, beat) in dead {
        tx.execute(ABANDON, args![tenant, id, *beat]).await?;
    }
    tx.commit().await
}
