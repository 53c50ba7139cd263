//! __Nouns__ in their table.

use std::sync::Arc;

use axum::http::StatusCode;
use database::{Database, DbError, Tx, args, outbox};
use kernel::{Clock, Cursor, Idempotency, Problem, Stored};
use media_types::TenantId;
use serde_json::json;
use uuid::Uuid;

use super::codes;
use super::views::__Noun__View;

/// The most of a tenant. Two that are made at the same moment may be one more.
const MAX: i64 = 10_000;

macro_rules! columns {
    () => {
        "id, name, created_ms"
    };
}

const COUNT: &str = "SELECT COUNT(*) FROM __table__ WHERE tenant_id = $1";
const INSERT: &str =
    concat!("INSERT INTO __table__ (tenant_id, id, name, created_ms) VALUES ($1, $2, $3, $4) RETURNING ", columns!());
const ONE: &str = concat!("SELECT ", columns!(), " FROM __table__ WHERE tenant_id = $1 AND id = $2");
const LIST: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM __table__ WHERE tenant_id = $1 AND (created_ms, id) < ($2, $3) ORDER BY created_ms DESC, id DESC LIMIT $4"
);
const DELETE: &str = "DELETE FROM __table__ WHERE tenant_id = $1 AND id = $2";

/// Every statement of this unit, for the test that prepares each on both engines.
pub const STATEMENTS: &[&str] = &[COUNT, INSERT, ONE, LIST, DELETE];

database::row! {
    /// A row of the table.
    #[derive(Clone, Debug)]
    pub(crate) struct __Noun__Row {
        pub(crate) id: String,
        pub(crate) name: String,
        pub(crate) created_ms: i64,
    }
}

/// The __nouns__ of a database. Cheap to clone.
#[derive(Clone)]
pub struct __Nouns__ {
    db: Database,
    clock: Clock,
    pub(super) idempotency: Idempotency,
}

impl __Nouns__ {
    /// Those of `db`.
    pub fn new(db: Database, clock: Clock) -> Self {
        let idempotency = Idempotency::new(db.clone(), Arc::clone(&clock));
        Self { db, clock, idempotency }
    }

    pub(super) fn now_ms(&self) -> i64 {
        (self.clock)()
    }

    pub(super) async fn one(&self, tenant: &TenantId, id: &str) -> Result<__Noun__Row, Problem> {
        let missing = || Problem::not_found(codes::__NOUN___NOT_FOUND, "there is nothing of this id");
        self.db.optional(ONE, args![tenant, id]).await?.ok_or_else(missing)
    }

    /// Newest first.
    pub(super) async fn list(
        &self,
        tenant: &TenantId,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Vec<__Noun__Row>, DbError> {
        let (time_ms, id) = Cursor::below(after);
        self.db.all(LIST, args![tenant, time_ms, id, i64::from(limit)]).await
    }

    /// Removes one for good.
    pub(super) async fn delete(&self, tenant: &TenantId, of: &__Noun__Row) -> Result<(), Problem> {
        let mut tx = self.db.begin().await?;
        if tx.execute(DELETE, args![tenant, &of.id]).await? == 0 {
            return Err(Problem::not_found(codes::__NOUN___NOT_FOUND, "somebody else has just removed it"));
        }
        tell(&mut tx, tenant, of, "__noun__.deleted", self.now_ms()).await?;
        Ok(tx.commit().await?)
    }
}

/// Makes one, in the transaction that stores the answer.
pub(super) async fn create(tx: &mut Tx, tenant: TenantId, name: String, now_ms: i64) -> Result<Stored, Problem> {
    let (count,): (i64,) = tx.optional(COUNT, args![&tenant]).await?.ok_or(DbError::NoRow)?;
    if count >= MAX {
        let detail = format!("there are {MAX} already");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, codes::__NOUN___TOO_MANY, detail));
    }
    let id = format!("__prefix___{}", Uuid::now_v7().simple());
    let row: __Noun__Row = tx.optional(INSERT, args![&tenant, &id, &name, now_ms]).await?.ok_or(DbError::NoRow)?;
    tell(tx, &tenant, &row, "__noun__.created", now_ms).await?;
    let body = serde_json::to_value(__Noun__View::from(row)).map_err(|error| Problem::internal(&error))?;
    Ok(Stored { status: StatusCode::CREATED, body })
}

async fn tell(tx: &mut Tx, tenant_id: &TenantId, row: &__Noun__Row, kind: &str, time_ms: i64) -> Result<(), DbError> {
    let data = json!({ "id": row.id, "name": row.name });
    let event = outbox::NewEvent { tenant_id, kind, subject: &row.id, data, time_ms };
    outbox::append(tx, &event).await.map(drop)
}
