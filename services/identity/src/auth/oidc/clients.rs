//! Clients: programs that people of a tenant sign in to, and that act for them if they may.
//!
//! - [`Clients`]: what everything goes through. `routes`: `/api/v1/oauth-clients`. `views`: their JSON.

pub(super) mod routes;
pub(super) mod views;

use std::sync::Arc;

use axum::http::StatusCode;
use database::{Database, DbError, Json, Tx, args, outbox};
use kernel::conditional::stale;
use kernel::{Clock, Cursor, Grants, Idempotency, Permission, Problem, Stored};
use media_types::TenantId;
use serde::Serialize;
use serde_json::{Value, json};

use self::views::{ClientView, Grant, IssuedClientView};
use super::scope::Scope;
use crate::auth::codes;

/// The most clients of a tenant. Two that are made at the same moment may be one more.
const MAX_CLIENTS: i64 = 100;

macro_rules! client_columns {
    () => {
        "id, name, secret_sha256, redirect_uris, logout_uris, grants, scopes, permissions, backchannel_uri, created_by, version,
            created_ms, updated_ms"
    };
}

const COUNT: &str = "SELECT COUNT(*) FROM oauth_client WHERE tenant_id = $1";
const INSERT: &str = concat!(
    "INSERT INTO oauth_client (tenant_id, id, name, secret_sha256, redirect_uris, logout_uris, grants, scopes, created_by, version,
        created_ms, updated_ms, permissions, backchannel_uri)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, $10, $10, $11, $12) RETURNING ",
    client_columns!()
);
const ONE: &str = concat!("SELECT ", client_columns!(), " FROM oauth_client WHERE tenant_id = $1 AND id = $2");
const LIST: &str = concat!(
    "SELECT ",
    client_columns!(),
    " FROM oauth_client WHERE tenant_id = $1 AND (created_ms, id) < ($2, $3) ORDER BY created_ms DESC, id DESC LIMIT $4"
);
const UPDATE: &str = concat!(
    "UPDATE oauth_client SET name = $4, redirect_uris = $5, logout_uris = $6, grants = $7, scopes = $8, version = version + 1,
        updated_ms = $9, permissions = $10, backchannel_uri = $11 WHERE tenant_id = $1 AND id = $2 AND version = $3 RETURNING ",
    client_columns!()
);
const DELETE: &str = "DELETE FROM oauth_client WHERE tenant_id = $1 AND id = $2 AND version = $3";
const END_SESSIONS: &str = "DELETE FROM auth_session WHERE tenant_id = $1 AND client_id = $2";
/// Whichever tenant's it is: an id is one client's among all.
const KNOWN: &str = "SELECT c.tenant_id, c.id, c.name, c.secret_sha256, c.redirect_uris, c.logout_uris, c.grants, c.scopes,
    t.slug, t.state AS tenant_state FROM oauth_client c JOIN tenant t ON t.tenant_id = c.tenant_id WHERE c.id = $1 LIMIT 1";
/// An update that changes nothing locks the row on both engines.
const STAYS: &str = "UPDATE oauth_client SET version = version WHERE tenant_id = $1 AND id = $2";

/// Every statement of clients, for the test that prepares each on both engines.
pub(super) const STATEMENTS: &[&str] = &[COUNT, INSERT, ONE, LIST, UPDATE, DELETE, END_SESSIONS, KNOWN, STAYS];

database::row! {
    /// A client as those see it who see to it.
    #[derive(Clone, Debug)]
    pub(crate) struct ClientRow {
        pub(crate) id: String,
        pub(crate) name: String,
        pub(crate) secret_sha256: Option<Vec<u8>>,
        pub(crate) redirect_uris: Json<Vec<String>>,
        pub(crate) logout_uris: Json<Vec<String>>,
        pub(crate) grants: Json<Vec<Grant>>,
        pub(crate) scopes: Json<Vec<Scope>>,
        pub(crate) permissions: Option<Json<Grants>>,
        pub(crate) backchannel_uri: Option<String>,
        pub(crate) created_by: String,
        pub(crate) version: i64,
        pub(crate) created_ms: i64,
        pub(crate) updated_ms: i64,
    }
}

database::row! {
    /// A client that asks for something, and how its tenant stands.
    #[derive(Clone, Debug)]
    pub(crate) struct Known {
        pub(crate) tenant_id: String,
        pub(crate) id: String,
        pub(crate) name: String,
        pub(crate) secret_sha256: Option<Vec<u8>>,
        pub(crate) redirect_uris: Json<Vec<String>>,
        pub(crate) logout_uris: Json<Vec<String>>,
        pub(crate) grants: Json<Vec<Grant>>,
        pub(crate) scopes: Json<Vec<Scope>>,
        pub(crate) slug: String,
        pub(crate) tenant_state: String,
    }
}

impl Known {
    pub(super) fn may(&self, grant: Grant) -> bool {
        self.grants.0.contains(&grant)
    }
}

/// What a person decides about a client.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) name: String,
    pub(super) redirect_uris: Vec<String>,
    pub(super) logout_uris: Vec<String>,
    pub(super) grants: Vec<Grant>,
    pub(super) scopes: Vec<Scope>,
    /// What it may in its own name.
    pub(super) permissions: Grants,
    /// Where it is told that somebody has signed out.
    pub(super) backchannel_uri: Option<String>,
}

impl Settings {
    /// As they are stored: a client that may nothing in its own name has none.
    fn permissions(&self) -> Option<Value> {
        let list = self.permissions.as_slice();
        (!list.is_empty()).then(|| json!(list))
    }
}

/// A client that is about to be made.
pub(super) struct NewClient {
    pub(super) tenant: TenantId,
    pub(super) id: String,
    pub(super) secret_sha256: Option<[u8; 32]>,
    pub(super) settings: Settings,
    pub(super) created_by: String,
    pub(super) now_ms: i64,
}

/// The clients of a database. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Clients {
    db: Database,
    clock: Clock,
    idempotency: Idempotency,
    /// All that routes ask for, whichever process serves them.
    catalogue: Arc<[Permission]>,
}

impl Clients {
    pub(in crate::auth) fn new(db: Database, clock: Clock, catalogue: Arc<[Permission]>) -> Self {
        let idempotency = Idempotency::new(db.clone(), clock.clone());
        Self { db, clock, idempotency, catalogue }
    }

    fn now_ms(&self) -> i64 {
        (self.clock)()
    }

    /// The client of this id, of whichever tenant.
    pub(super) async fn known(&self, id: &str) -> Result<Option<Known>, DbError> {
        self.db.optional(KNOWN, args![id]).await
    }

    async fn one(&self, tenant: &TenantId, id: &str) -> Result<ClientRow, Problem> {
        let missing = || Problem::not_found(codes::OAUTH_CLIENT_NOT_FOUND, "there is no such client");
        self.db.optional(ONE, args![tenant, id]).await?.ok_or_else(missing)
    }

    /// Newest first.
    async fn list(&self, tenant: &TenantId, after: Option<Cursor>, limit: u32) -> Result<Vec<ClientRow>, Problem> {
        let (time_ms, id) = after.map_or((i64::MAX, String::new()), |cursor| (cursor.time_ms, cursor.id));
        Ok(self.db.all(LIST, args![tenant, time_ms, id, i64::from(limit)]).await?)
    }

    /// Makes of a client what `settings` say. What it was given before stays as it is.
    async fn change(
        &self,
        tenant: &TenantId,
        of: &ClientRow,
        settings: &Settings,
        actor: &str,
    ) -> Result<ClientRow, Problem> {
        let (now_ms, permissions) = (self.now_ms(), settings.permissions());
        let Settings { name, redirect_uris, logout_uris, grants, scopes, backchannel_uri, .. } = settings;
        let (redirects, logouts) = (listed(redirect_uris)?, listed(logout_uris)?);
        let (grants, scopes) = (listed(grants)?, listed(scopes)?);
        let mut tx = self.db.begin().await?;
        let args = args![
            tenant,
            &of.id,
            of.version,
            name,
            redirects,
            logouts,
            grants,
            scopes,
            now_ms,
            permissions,
            backchannel_uri.clone()
        ];
        let row: ClientRow = tx.optional(UPDATE, args).await?.ok_or_else(stale)?;
        tell(&mut tx, tenant, &row, ("oauth_client.updated", actor), now_ms).await?;
        tx.commit().await?;
        Ok(row)
    }

    /// Removes a client for good, with its codes and all sessions that were begun for it.
    async fn delete(&self, tenant: &TenantId, of: &ClientRow, actor: &str) -> Result<(), Problem> {
        let mut tx = self.db.begin().await?;
        if tx.execute(DELETE, args![tenant, &of.id, of.version]).await? == 0 {
            return Err(stale());
        }
        tx.execute(END_SESSIONS, args![tenant, &of.id]).await?;
        tell(&mut tx, tenant, of, ("oauth_client.deleted", actor), self.now_ms()).await?;
        Ok(tx.commit().await?)
    }
}

/// Whether the client is still there. Locks it: whoever deletes it meanwhile ends what begins now, too.
pub(super) async fn stays(tx: &mut Tx, tenant: &TenantId, id: &str) -> Result<bool, DbError> {
    Ok(tx.execute(STAYS, args![tenant, id]).await? == 1)
}

/// Makes a client, in the transaction that stores the answer: without the secret, which is stored nowhere.
async fn create(tx: &mut Tx, new: NewClient) -> Result<Stored, Problem> {
    let NewClient { tenant, id, secret_sha256, settings, created_by, now_ms } = new;
    let (count,): (i64,) = tx.optional(COUNT, args![&tenant]).await?.ok_or(DbError::NoRow)?;
    if count >= MAX_CLIENTS {
        let detail = format!("there are {MAX_CLIENTS} clients already");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, codes::OAUTH_CLIENT_TOO_MANY, detail));
    }
    let permissions = settings.permissions();
    let Settings { name, redirect_uris, logout_uris, grants, scopes, backchannel_uri, .. } = settings;
    let (redirects, logouts) = (listed(&redirect_uris)?, listed(&logout_uris)?);
    let (grants, scopes) = (listed(&grants)?, listed(&scopes)?);
    let secret = secret_sha256.map(|hash| hash.to_vec());
    let args = args![
        &tenant,
        &id,
        &name,
        secret,
        redirects,
        logouts,
        grants,
        scopes,
        &created_by,
        now_ms,
        permissions,
        backchannel_uri
    ];
    let row: ClientRow = tx.optional(INSERT, args).await?.ok_or(DbError::NoRow)?;
    tell(tx, &tenant, &row, ("oauth_client.created", &created_by), now_ms).await?;
    let view = IssuedClientView { client: ClientView::from(row), client_secret: None };
    let body = serde_json::to_value(view).map_err(|error| Problem::internal(&error))?;
    Ok(Stored { status: StatusCode::CREATED, body })
}

fn listed(list: &impl Serialize) -> Result<Value, Problem> {
    serde_json::to_value(list).map_err(|error| Problem::internal(&error))
}

async fn tell(
    tx: &mut Tx,
    tenant_id: &TenantId,
    row: &ClientRow,
    (kind, actor): (&str, &str),
    time_ms: i64,
) -> Result<(), DbError> {
    let permissions = row.permissions.as_ref().map(|own| own.0.as_slice());
    let data = json!({
        "id": row.id, "name": row.name, "scopes": row.scopes.0, "permissions": permissions, "actor": actor,
    });
    let event = outbox::NewEvent { tenant_id, kind, subject: &row.id, data, time_ms };
    outbox::append(tx, &event).await.map(drop)
}
