//! Keys in their table.

use std::sync::Arc;

use axum::http::StatusCode;
use database::{Database, DbError, Json, Tx, args, outbox};
use kernel::{Clock, Cursor, Grants, Idempotency, Permission, Problem, Stored};
use media_types::TenantId;
use serde_json::json;

use super::codes;
use super::views::{IssuedKeyView, KeyView};

/// The most keys of a tenant. Two that are made at the same moment may be one more.
const MAX_KEYS: i64 = 200;

macro_rules! key_columns {
    () => {
        "id, name, permissions, created_by, expires_ms, last_used_ms, created_ms"
    };
}

const COUNT: &str = "SELECT COUNT(*) FROM api_key WHERE tenant_id = $1";
const INSERT: &str = concat!(
    "INSERT INTO api_key (tenant_id, id, name, secret_sha256, permissions, created_by, expires_ms, last_used_ms, created_ms)
        VALUES ($1, $2, $3, $4, $5, $6, $7, NULL, $8) RETURNING ",
    key_columns!()
);
const ONE: &str = concat!("SELECT ", key_columns!(), " FROM api_key WHERE tenant_id = $1 AND id = $2");
const LIST: &str = concat!(
    "SELECT ",
    key_columns!(),
    " FROM api_key WHERE tenant_id = $1 AND (created_ms, id) < ($2, $3) ORDER BY created_ms DESC, id DESC LIMIT $4"
);
const DELETE: &str = "DELETE FROM api_key WHERE tenant_id = $1 AND id = $2";

/// Every statement of keys, for the test that prepares each on both engines.
pub(super) const STATEMENTS: &[&str] = &[COUNT, INSERT, ONE, LIST, DELETE];

database::row! {
    /// A key, without the hash of its secret.
    #[derive(Clone, Debug)]
    pub(crate) struct KeyRow {
        pub(crate) id: String,
        pub(crate) name: String,
        pub(crate) permissions: Json<Grants>,
        pub(crate) created_by: String,
        pub(crate) expires_ms: Option<i64>,
        pub(crate) last_used_ms: Option<i64>,
        pub(crate) created_ms: i64,
    }
}

/// A key that is about to be made.
pub(super) struct NewKey {
    pub(super) tenant: TenantId,
    pub(super) id: String,
    pub(super) secret_sha256: [u8; 32],
    pub(super) name: String,
    pub(super) grants: Grants,
    pub(super) created_by: String,
    pub(super) expires_ms: Option<i64>,
    pub(super) now_ms: i64,
}

/// The keys of a database. Cheap to clone.
#[derive(Clone)]
pub struct Keys {
    db: Database,
    clock: Clock,
    pub(super) idempotency: Idempotency,
    /// All that routes ask for, whichever process serves them.
    pub(super) catalogue: Arc<[Permission]>,
}

impl Keys {
    /// Those of `db`, which may what is in `catalogue`: the permissions of all units.
    pub fn new(db: Database, clock: Clock, catalogue: impl IntoIterator<Item = Permission>) -> Self {
        let mut catalogue: Vec<Permission> = catalogue.into_iter().collect();
        catalogue.sort();
        catalogue.dedup();
        let idempotency = Idempotency::new(db.clone(), Arc::clone(&clock));
        Self { db, clock, idempotency, catalogue: catalogue.into() }
    }

    pub(super) fn now_ms(&self) -> i64 {
        (self.clock)()
    }

    pub(super) async fn one(&self, tenant: &TenantId, id: &str) -> Result<KeyRow, Problem> {
        let missing = || Problem::not_found(codes::API_KEY_NOT_FOUND, "there is no such key");
        self.db.optional(ONE, args![tenant, id]).await?.ok_or_else(missing)
    }

    /// Newest first.
    pub(super) async fn list(
        &self,
        tenant: &TenantId,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Vec<KeyRow>, DbError> {
        let (time_ms, id) = Cursor::below(after);
        self.db.all(LIST, args![tenant, time_ms, id, i64::from(limit)]).await
    }

    /// Ends a key for good.
    pub(super) async fn revoke(&self, tenant: &TenantId, of: &KeyRow, actor: &str) -> Result<(), Problem> {
        let mut tx = self.db.begin().await?;
        if tx.execute(DELETE, args![tenant, &of.id]).await? == 0 {
            return Err(Problem::not_found(codes::API_KEY_NOT_FOUND, "somebody else has just revoked the key"));
        }
        tell(&mut tx, tenant, of, ("api_key.revoked", actor), self.now_ms()).await?;
        Ok(tx.commit().await?)
    }
}

/// Makes a key, in the transaction that stores the answer: without the secret, which is stored nowhere.
pub(super) async fn create(tx: &mut Tx, new: NewKey) -> Result<Stored, Problem> {
    let NewKey { tenant, id, secret_sha256, name, grants, created_by, expires_ms, now_ms } = new;
    let (count,): (i64,) = tx.optional(COUNT, args![&tenant]).await?.ok_or(DbError::NoRow)?;
    if count >= MAX_KEYS {
        let detail = format!("there are {MAX_KEYS} keys already");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, codes::API_KEY_TOO_MANY, detail));
    }
    let permissions = json!(grants.as_slice());
    let args = args![&tenant, &id, &name, secret_sha256.as_slice(), permissions, &created_by, expires_ms, now_ms];
    let row: KeyRow = tx.optional(INSERT, args).await?.ok_or(DbError::NoRow)?;
    tell(tx, &tenant, &row, ("api_key.created", &created_by), now_ms).await?;
    let view = IssuedKeyView { key: KeyView::from(row), secret: None };
    let body = serde_json::to_value(view).map_err(|error| Problem::internal(&error))?;
    Ok(Stored { status: StatusCode::CREATED, body })
}

async fn tell(
    tx: &mut Tx,
    tenant_id: &TenantId,
    row: &KeyRow,
    (kind, actor): (&str, &str),
    time_ms: i64,
) -> Result<(), DbError> {
    let permissions = row.permissions.0.as_slice();
    let data = json!({ "id": row.id, "name": row.name, "permissions": permissions, "actor": actor });
    let event = outbox::NewEvent { tenant_id, kind, subject: &row.id, data, time_ms };
    outbox::append(tx, &event).await.map(drop)
}
