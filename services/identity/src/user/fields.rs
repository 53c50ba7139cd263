//! What a tenant keeps of its people besides: fields with a kind and who sees them, and their values.
//!
//! - `routes`: `/api/v1/users/fields`. `values`: what a person has in them. `model`: what a field and a value may be.

mod model;
pub(super) mod routes;
pub(super) mod values;

use axum::http::StatusCode;
use database::{DbError, Json, Tx, args, outbox};
use kernel::conditional::stale;
use kernel::{Cursor, Problem, Stored};
use media_types::TenantId;
use serde_json::json;

use self::routes::FieldView;
use super::codes;
use super::store::Users;

/// The most fields of a tenant. Two that are made at the same moment may be one more.
const MAX_FIELDS: i64 = 50;

macro_rules! field_columns {
    () => {
        "key, label, kind, visibility, choices, version, created_ms, updated_ms"
    };
}

const COUNT: &str = "SELECT COUNT(*) FROM user_field WHERE tenant_id = $1";
const INSERT: &str = concat!(
    "INSERT INTO user_field (tenant_id, key, label, kind, visibility, choices, version, created_ms, updated_ms)
        VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $7) RETURNING ",
    field_columns!()
);
const ONE: &str = concat!("SELECT ", field_columns!(), " FROM user_field WHERE tenant_id = $1 AND key = $2");
const LIST: &str = concat!(
    "SELECT ",
    field_columns!(),
    " FROM user_field WHERE tenant_id = $1 AND (created_ms, key) < ($2, $3) ORDER BY created_ms DESC, key DESC LIMIT $4"
);
const ALL: &str = concat!("SELECT ", field_columns!(), " FROM user_field WHERE tenant_id = $1 ORDER BY key LIMIT 200");
const UPDATE: &str = concat!(
    "UPDATE user_field SET label = $4, visibility = $5, version = version + 1, updated_ms = $6
        WHERE tenant_id = $1 AND key = $2 AND version = $3 RETURNING ",
    field_columns!()
);
const DELETE: &str = "DELETE FROM user_field WHERE tenant_id = $1 AND key = $2 AND version = $3";

pub(super) const STATEMENTS: &[&str] = &[COUNT, INSERT, ONE, LIST, ALL, UPDATE, DELETE];

database::row! {
    /// A field.
    #[derive(Clone, Debug)]
    pub(super) struct FieldRow {
        pub(super) key: String,
        pub(super) label: String,
        pub(super) kind: String,
        pub(super) visibility: String,
        pub(super) choices: Json<Vec<String>>,
        pub(super) version: i64,
        pub(super) created_ms: i64,
        pub(super) updated_ms: i64,
    }
}

/// A field that is about to be made.
struct NewField {
    tenant: TenantId,
    key: String,
    label: String,
    kind: &'static str,
    visibility: &'static str,
    choices: Vec<String>,
    actor: String,
    now_ms: i64,
}

impl Users {
    async fn field(&self, tenant: &TenantId, key: &str) -> Result<FieldRow, Problem> {
        let missing = || Problem::not_found(codes::USER_FIELD_NOT_FOUND, "there is no such field");
        self.db.optional(ONE, args![tenant, key]).await?.ok_or_else(missing)
    }

    /// Newest first.
    async fn fields(&self, tenant: &TenantId, after: Option<Cursor>, limit: u32) -> Result<Vec<FieldRow>, DbError> {
        let (time_ms, key) = Cursor::below(after);
        self.db.all(LIST, args![tenant, time_ms, key, i64::from(limit)]).await
    }

    async fn change_field(
        &self,
        tenant: &TenantId,
        of: &FieldRow,
        (label, visibility): (&str, &str),
        actor: &str,
    ) -> Result<FieldRow, Problem> {
        let now_ms = self.now_ms();
        let mut tx = self.db.begin().await?;
        let args = args![tenant, &of.key, of.version, label, visibility, now_ms];
        let row: FieldRow = tx.optional(UPDATE, args).await?.ok_or_else(stale)?;
        tell(&mut tx, tenant, &row, ("user.field_updated", actor), now_ms).await?;
        tx.commit().await?;
        Ok(row)
    }

    /// Removes a field with what all have in it.
    async fn remove_field(&self, tenant: &TenantId, of: &FieldRow, actor: &str) -> Result<(), Problem> {
        let mut tx = self.db.begin().await?;
        if tx.execute(DELETE, args![tenant, &of.key, of.version]).await? == 0 {
            return Err(stale());
        }
        tell(&mut tx, tenant, of, ("user.field_deleted", actor), self.now_ms()).await?;
        Ok(tx.commit().await?)
    }
}

/// Makes a field, in the transaction that stores the answer.
async fn create(tx: &mut Tx, new: NewField) -> Result<Stored, Problem> {
    let NewField { tenant, key, label, kind, visibility, choices, actor, now_ms } = new;
    let (count,): (i64,) = tx.optional(COUNT, args![&tenant]).await?.ok_or(DbError::NoRow)?;
    if count >= MAX_FIELDS {
        let detail = format!("a tenant has at most {MAX_FIELDS} fields");
        return Err(Problem::conflict(codes::USER_FIELD_TOO_MANY, detail));
    }
    let args = args![&tenant, &key, label, kind, visibility, json!(choices), now_ms];
    let row: FieldRow = match tx.optional(INSERT, args).await {
        Err(error) if error.is_unique_violation() => {
            return Err(Problem::conflict(codes::USER_FIELD_TAKEN, format!("there is a field {key} already")));
        }
        made => made?.ok_or(DbError::NoRow)?,
    };
    tell(tx, &tenant, &row, ("user.field_created", &actor), now_ms).await?;
    let body = serde_json::to_value(FieldView::from(row)).map_err(|error| Problem::internal(&error))?;
    Ok(Stored { status: StatusCode::CREATED, body })
}

async fn tell(
    tx: &mut Tx,
    tenant_id: &TenantId,
    row: &FieldRow,
    (kind, actor): (&str, &str),
    time_ms: i64,
) -> Result<(), DbError> {
    let data = json!({ "id": row.key, "visibility": row.visibility, "actor": actor });
    let event = outbox::NewEvent { tenant_id, kind, subject: &row.key, data, time_ms };
    outbox::append(tx, &event).await.map(drop)
}
