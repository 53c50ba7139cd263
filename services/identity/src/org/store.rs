//! Tenants in their table.

use std::sync::Arc;

use axum::http::StatusCode;
use database::{Database, DbError, Tx, args, outbox};
use kernel::{Clock, Cursor, Handler, Idempotency, Inbox, Problem, Stored, codes as common, rfc3339};
use media_types::TenantId;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::codes;
use super::dns::TxtLookup;

pub(crate) const ACTIVE: &str = "active";
pub(crate) const SUSPENDED: &str = "suspended";

macro_rules! tenant_columns {
    () => {
        "tenant_id, slug, name, state, version, created_ms, updated_ms"
    };
}

const INSERT: &str = concat!(
    "INSERT INTO tenant (tenant_id, slug, name, state, version, created_ms, updated_ms)
        VALUES ($1, $2, $3, 'active', 1, $4, $4) RETURNING ",
    tenant_columns!()
);
const ONE: &str = concat!("SELECT ", tenant_columns!(), " FROM tenant WHERE tenant_id = $1");
const LIST: &str = concat!(
    "SELECT ",
    tenant_columns!(),
    " FROM tenant WHERE (created_ms, tenant_id) < ($1, $2) ORDER BY created_ms DESC, tenant_id DESC LIMIT $3"
);
const UPDATE: &str = concat!(
    "UPDATE tenant SET name = $3, state = $4, version = version + 1, updated_ms = $5
        WHERE tenant_id = $1 AND version = $2 RETURNING ",
    tenant_columns!()
);

/// Every statement of tenants, for the test that prepares each on both engines.
pub(super) const STATEMENTS: &[&str] = &[INSERT, ONE, LIST, UPDATE];

database::row! {
    /// A tenant.
    #[derive(Clone, Debug)]
    pub(crate) struct TenantRow {
        pub(crate) tenant_id: String,
        pub(crate) slug: String,
        pub(crate) name: String,
        pub(crate) state: String,
        pub(crate) version: i64,
        pub(crate) created_ms: i64,
        pub(crate) updated_ms: i64,
    }
}

/// A tenant.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TenantView {
    id: String,
    /// Its name in the header `Lectern-Tenant`; it stays.
    slug: String,
    /// For people.
    name: String,
    /// `active` or `suspended`.
    state: String,
    /// RFC 3339.
    created_at: String,
    /// RFC 3339.
    updated_at: String,
}

impl From<TenantRow> for TenantView {
    fn from(row: TenantRow) -> Self {
        Self {
            id: row.tenant_id,
            slug: row.slug,
            name: row.name,
            state: row.state,
            created_at: rfc3339(row.created_ms),
            updated_at: rfc3339(row.updated_ms),
        }
    }
}

/// The tenants of a database. Cheap to clone.
#[derive(Clone)]
pub struct Tenants {
    pub(super) db: Database,
    clock: Clock,
    pub(super) idempotency: Idempotency,
    /// Who says what is in the DNS, if anybody does.
    pub(super) dns: Option<Arc<dyn TxtLookup>>,
}

impl Tenants {
    /// Those of `db`.
    pub fn new(db: Database, clock: Clock) -> Self {
        let idempotency = Idempotency::new(db.clone(), Arc::clone(&clock));
        Self { db, clock, idempotency, dns: None }
    }

    /// The same with somebody to ask what is in the DNS: without, no domain is proven.
    #[must_use]
    pub fn asking(self, dns: Arc<dyn TxtLookup>) -> Self {
        Self { dns: Some(dns), ..self }
    }

    /// A handler at work on the same database.
    pub(crate) fn inbox<H: Handler>(&self, handler: H) -> Inbox<H> {
        Inbox::new(self.db.clone(), Arc::clone(&self.clock), handler)
    }

    pub(super) fn now_ms(&self) -> i64 {
        (self.clock)()
    }

    pub(super) async fn one(&self, id: &str) -> Result<TenantRow, Problem> {
        // Which PostgreSQL takes for no text, if it has a NUL.
        let found = match id.parse::<TenantId>() {
            Ok(id) => self.db.optional(ONE, args![&id]).await?,
            Err(_) => None,
        };
        found.ok_or_else(|| Problem::not_found(common::TENANT_NOT_FOUND, "there is no such tenant"))
    }

    /// Newest first.
    pub(super) async fn list(&self, after: Option<Cursor>, limit: u32) -> Result<Vec<TenantRow>, DbError> {
        let (time_ms, id) = Cursor::below(after);
        self.db.all(LIST, args![time_ms, id, i64::from(limit)]).await
    }

    /// Gives what `of` was this name and this state.
    pub(super) async fn change(
        &self,
        of: &TenantRow,
        name: &str,
        state: &str,
        event: &str,
    ) -> Result<TenantRow, Problem> {
        let now_ms = self.now_ms();
        let mut tx = self.db.begin().await?;
        let changed = tx.optional(UPDATE, args![&of.tenant_id, of.version, name, state, now_ms]).await?;
        let detail = "the tenant has changed since it was read";
        let lost = || Problem::conflict(codes::TENANT_CHANGED, detail).retry_after(1);
        let row: TenantRow = changed.ok_or_else(lost)?;
        tell(&mut tx, &row, event, now_ms).await?;
        tx.commit().await?;
        Ok(row)
    }
}

/// Makes a tenant, in the transaction that stores the answer.
pub(super) async fn create(tx: &mut Tx, slug: String, name: String, now_ms: i64) -> Result<Stored, Problem> {
    let id = TenantId::from_unique(Uuid::now_v7().simple());
    let made = tx.optional(INSERT, args![&id, &slug, &name, now_ms]).await;
    let row: TenantRow = match made {
        Err(error) if error.is_unique_violation() => {
            let detail = format!("there is a tenant {slug} already");
            return Err(Problem::conflict(codes::TENANT_SLUG_TAKEN, detail));
        }
        made => made?.ok_or(DbError::NoRow)?,
    };
    tell(tx, &row, "tenant.created", now_ms).await?;
    let body = serde_json::to_value(TenantView::from(row)).map_err(|error| Problem::internal(&error))?;
    Ok(Stored { status: StatusCode::CREATED, body })
}

async fn tell(tx: &mut Tx, row: &TenantRow, kind: &str, now_ms: i64) -> Result<(), Problem> {
    let tenant_id = row.tenant_id.parse::<TenantId>().map_err(|error| Problem::internal(&error))?;
    let data = json!({ "id": row.tenant_id, "slug": row.slug, "name": row.name, "state": row.state });
    let event = outbox::NewEvent { tenant_id: &tenant_id, kind, subject: &row.tenant_id, data, time_ms: now_ms };
    outbox::append(tx, &event).await?;
    Ok(())
}
