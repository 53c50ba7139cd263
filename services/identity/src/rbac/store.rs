//! Roles in their table.

use std::sync::Arc;

use axum::http::StatusCode;
use database::{Database, DbError, Json, Tx, args, outbox};
use kernel::conditional::stale;
use kernel::{Clock, Cursor, Grants, Idempotency, Permission, Principal, Problem, Stored};
use media_types::TenantId;
use serde_json::json;
use uuid::Uuid;

use super::codes;
use super::model::Role;
use super::views::RoleView;

/// The most roles of a tenant. Two that are made at the same moment may be one more.
const MAX_ROLES: i64 = 200;

macro_rules! role_columns {
    () => {
        "id, name, description, permissions, version, created_ms, updated_ms"
    };
}

const COUNT: &str = "SELECT COUNT(*) FROM rbac_role WHERE tenant_id = $1";
const INSERT: &str = concat!(
    "INSERT INTO rbac_role (tenant_id, id, name, description, permissions, version, created_ms, updated_ms)
        VALUES ($1, $2, $3, $4, $5, 1, $6, $6) RETURNING ",
    role_columns!()
);
const ONE: &str = concat!("SELECT ", role_columns!(), " FROM rbac_role WHERE tenant_id = $1 AND id = $2");
/// An update that changes nothing locks the row on both engines.
const STAYS: &str =
    concat!("UPDATE rbac_role SET version = version WHERE tenant_id = $1 AND id = $2 RETURNING ", role_columns!());
const LIST: &str = concat!(
    "SELECT ",
    role_columns!(),
    " FROM rbac_role WHERE tenant_id = $1 AND (created_ms, id) < ($2, $3) ORDER BY created_ms DESC, id DESC LIMIT $4"
);
const ALL: &str = concat!("SELECT ", role_columns!(), " FROM rbac_role WHERE tenant_id = $1 ORDER BY id LIMIT $2");
const UPDATE: &str = concat!(
    "UPDATE rbac_role SET name = $4, description = $5, permissions = $6, version = version + 1, updated_ms = $7
        WHERE tenant_id = $1 AND id = $2 AND version = $3 RETURNING ",
    role_columns!()
);
const DELETE: &str = "DELETE FROM rbac_role WHERE tenant_id = $1 AND id = $2 AND version = $3";

/// Every statement of roles, for the test that prepares each on both engines.
pub(super) const STATEMENTS: &[&str] = &[COUNT, INSERT, ONE, STAYS, LIST, ALL, UPDATE, DELETE];

database::row! {
    /// A role.
    #[derive(Clone, Debug)]
    pub(crate) struct RoleRow {
        pub(crate) id: String,
        pub(crate) name: String,
        pub(crate) description: String,
        pub(crate) permissions: Json<Grants>,
        pub(crate) version: i64,
        pub(crate) created_ms: i64,
        pub(crate) updated_ms: i64,
    }
}

impl RoleRow {
    pub(super) fn role(&self) -> Role {
        Role { id: self.id.clone(), name: self.name.clone(), grants: self.permissions.0.clone() }
    }
}

/// What is said of a role.
#[derive(Clone, Debug)]
pub(super) struct Content {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) grants: Grants,
}

/// A role that is about to be made.
pub(super) struct NewRole {
    pub(super) tenant: TenantId,
    pub(super) content: Content,
    pub(super) actor: String,
    pub(super) now_ms: i64,
}

/// The roles of a database, and who has them. Cheap to clone.
#[derive(Clone)]
pub struct Roles {
    pub(super) db: Database,
    clock: Clock,
    pub(super) idempotency: Idempotency,
    /// All that routes ask for, whichever process serves them, in order.
    pub(super) catalogue: Arc<[Permission]>,
}

impl Roles {
    /// Those of `db`, which give what is in `catalogue`: the permissions of all units.
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

    pub(super) async fn one(&self, tenant: &TenantId, id: &str) -> Result<RoleRow, Problem> {
        let missing = || Problem::not_found(codes::ROLE_NOT_FOUND, "there is no such role");
        self.db.optional(ONE, args![tenant, id]).await?.ok_or_else(missing)
    }

    /// Newest first.
    pub(super) async fn list(
        &self,
        tenant: &TenantId,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Vec<RoleRow>, DbError> {
        let (time_ms, id) = Cursor::below(after);
        self.db.all(LIST, args![tenant, time_ms, id, i64::from(limit)]).await
    }

    /// All of a tenant, by their ids.
    pub(super) async fn all(&self, tenant: &TenantId) -> Result<Vec<Arc<Role>>, DbError> {
        let rows: Vec<RoleRow> = self.db.all(ALL, args![tenant, 2 * MAX_ROLES]).await?;
        Ok(rows.iter().map(|row| Arc::new(row.role())).collect())
    }

    /// Makes of a role what `content` says, for all who have it.
    pub(super) async fn change(
        &self,
        tenant: &TenantId,
        of: &RoleRow,
        content: Content,
        actor: &str,
    ) -> Result<RoleRow, Problem> {
        let Content { name, description, grants } = content;
        let (now_ms, permissions) = (self.now_ms(), json!(grants.as_slice()));
        let mut tx = self.db.begin().await?;
        let args = args![tenant, &of.id, of.version, &name, description, permissions, now_ms];
        let row: RoleRow = match tx.optional(UPDATE, args).await {
            Err(error) if error.is_unique_violation() => return Err(taken(&name)),
            changed => changed?.ok_or_else(stale)?,
        };
        tell(&mut tx, tenant, &row, ("role.updated", actor), now_ms).await?;
        tx.commit().await?;
        Ok(row)
    }

    /// Removes a role for good; whoever has it has it no longer.
    pub(super) async fn remove(&self, tenant: &TenantId, of: &RoleRow, actor: &str) -> Result<(), Problem> {
        let mut tx = self.db.begin().await?;
        if tx.execute(DELETE, args![tenant, &of.id, of.version]).await? == 0 {
            return Err(stale());
        }
        tell(&mut tx, tenant, of, ("role.deleted", actor), self.now_ms()).await?;
        Ok(tx.commit().await?)
    }
}

/// Nobody gives, takes or changes what he lacks.
pub(super) fn check_beyond(giver: &Principal, grants: &Grants) -> Result<(), Problem> {
    let Some(lacking) = giver.lacks(grants) else { return Ok(()) };
    Err(beyond(format!("whoever asks has no {lacking} for good himself")))
}

pub(super) fn beyond(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, codes::ROLE_BEYOND_OWN, detail)
}

fn taken(name: &str) -> Problem {
    Problem::conflict(codes::ROLE_NAME_TAKEN, format!("there is a role named {name:?} already"))
}

/// A role that stays as it is until the transaction ends, if there is such.
pub(super) async fn stays(tx: &mut Tx, tenant: &TenantId, id: &str) -> Result<Option<RoleRow>, DbError> {
    tx.optional(STAYS, args![tenant, id]).await
}

/// Makes a role, in the transaction that stores the answer.
pub(super) async fn create(tx: &mut Tx, new: NewRole) -> Result<Stored, Problem> {
    let NewRole { tenant, content: Content { name, description, grants }, actor, now_ms } = new;
    let (count,): (i64,) = tx.optional(COUNT, args![&tenant]).await?.ok_or(DbError::NoRow)?;
    if count >= MAX_ROLES {
        let detail = format!("there are {MAX_ROLES} roles already");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, codes::ROLE_TOO_MANY, detail));
    }
    let id = format!("rol_{}", Uuid::now_v7().simple());
    let args = args![&tenant, id, &name, description, json!(grants.as_slice()), now_ms];
    let row: RoleRow = match tx.optional(INSERT, args).await {
        Err(error) if error.is_unique_violation() => return Err(taken(&name)),
        made => made?.ok_or(DbError::NoRow)?,
    };
    tell(tx, &tenant, &row, ("role.created", &actor), now_ms).await?;
    let body = serde_json::to_value(RoleView::from(row)).map_err(|error| Problem::internal(&error))?;
    Ok(Stored { status: StatusCode::CREATED, body })
}

async fn tell(
    tx: &mut Tx,
    tenant_id: &TenantId,
    row: &RoleRow,
    (kind, actor): (&str, &str),
    time_ms: i64,
) -> Result<(), DbError> {
    let permissions = row.permissions.0.as_slice();
    let data = json!({ "id": row.id, "name": row.name, "permissions": permissions, "actor": actor });
    let event = outbox::NewEvent { tenant_id, kind, subject: &row.id, data, time_ms };
    outbox::append(tx, &event).await.map(drop)
}
