//! People sign in by providers of others: any of OpenID Connect that their tenant trusts.
//!
//! Whoever is sent to one comes back to `/oauth2/provider/callback` with a code, and with a state that counts together with what only the
//! browser or the program knows that has sent him. Whom the provider says he is, is found among the identities that people have there; or by
//! his address, where the provider has found out that it is his and its domain is one that the provider is believed about.
//!
//! - [`Federation`]: what everything goes through. `outside`: what is asked of providers. `jwk`, `id_token`: what is believed of it.
//! - `store`: tables. `secret`: what a tenant is known to a provider by, at rest. `sign_in`: there and back.
//! - `identities`: who a person is at providers. `routes`, `programs`: `/api/v1/auth`. `views`: their JSON.

mod id_token;
mod identities;
mod jwk;
mod outside;
pub(super) mod programs;
pub(super) mod routes;
mod secret;
mod sign_in;
mod store;
mod views;

use std::sync::Arc;

use axum::http::StatusCode;
use database::{Database, DbError, Tx, args, outbox};
use kernel::conditional::stale;
use kernel::{Cursor, Idempotency, Problem, Stored};
use media_types::TenantId;
use serde_json::json;

use super::address::PublicAddress;
use super::codes;
use super::sessions::Sessions;
use super::signing::SigningKeyError;

pub(super) use outside::Outside;
pub(super) use routes::{CREATE, DELETE, READ, UPDATE};
pub(super) use sign_in::{Purpose, Returned, Waiting, nobody};
pub(super) use store::{ProviderRow, STATEMENTS};

use self::store::{NewProvider, Settings};
use self::views::IdentityProviderView;

/// The most providers of a tenant. Two that are made at the same moment may be one more.
const MAX_PROVIDERS: i64 = 20;
/// Where browsers come back to.
pub(super) const CALLBACK: &str = "/oauth2/provider/callback";

/// The providers of a database. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Federation {
    sessions: Sessions,
    address: Option<PublicAddress>,
    idempotency: Idempotency,
}

impl Federation {
    pub(super) fn new(sessions: &Sessions, address: Option<PublicAddress>) -> Self {
        let idempotency = Idempotency::new(sessions.db.clone(), Arc::clone(&sessions.clock));
        Self { sessions: sessions.clone(), address, idempotency }
    }

    fn db(&self) -> &Database {
        &self.sessions.db
    }

    fn now_ms(&self) -> i64 {
        (self.sessions.clock)()
    }

    async fn one(&self, tenant: &TenantId, id: &str) -> Result<ProviderRow, Problem> {
        self.db().optional(store::ONE, args![tenant, id]).await?.ok_or_else(missing)
    }

    /// Newest first.
    async fn list(&self, tenant: &TenantId, after: Option<Cursor>, limit: u32) -> Result<Vec<ProviderRow>, DbError> {
        let (time_ms, id) = Cursor::below(after);
        self.db().all(store::LIST, args![tenant, time_ms, id, i64::from(limit)]).await
    }

    /// Those that people of a tenant can sign in by, the oldest first.
    pub(super) async fn offered(&self, tenant: &TenantId) -> Result<Vec<ProviderRow>, DbError> {
        self.db().all(store::OFFERED, args![tenant]).await
    }

    /// One of them.
    pub(super) async fn open(&self, tenant: &TenantId, id: &str) -> Result<ProviderRow, Problem> {
        // NUL is what PostgreSQL takes for no text.
        if id.contains('\0') {
            return Err(missing());
        }
        let row = self.one(tenant, id).await?;
        if row.is_enabled { Ok(row) } else { Err(missing()) }
    }

    /// Makes of a provider what `settings` say.
    async fn change(
        &self,
        tenant: &TenantId,
        of: &ProviderRow,
        settings: Settings,
        actor: &str,
    ) -> Result<ProviderRow, Problem> {
        let now_ms = self.now_ms();
        let Settings { name, issuer, client_id, secret, scopes, domains, provisions, is_enabled } = settings;
        let (data_key, is_wrapped, secret) = secret::stored(secret);
        let mut tx = self.db().begin().await?;
        // Whom another issuer means by the same word is somebody else.
        if issuer != of.issuer {
            tx.execute(store::FORGET_IDENTITIES, args![tenant, &of.id]).await?;
        }
        let args = args![
            tenant,
            &of.id,
            of.version,
            name,
            issuer,
            client_id,
            data_key,
            is_wrapped,
            secret,
            json!(scopes),
            json!(domains),
            provisions,
            is_enabled,
            now_ms
        ];
        let row: ProviderRow = tx.optional(store::UPDATE, args).await?.ok_or_else(stale)?;
        tell(&mut tx, tenant, &row, ("identity_provider.updated", actor), now_ms).await?;
        tx.commit().await?;
        Ok(row)
    }

    /// Removes a provider for good, with all that people are there. Their sessions go on.
    async fn delete(&self, tenant: &TenantId, of: &ProviderRow, actor: &str) -> Result<(), Problem> {
        let mut tx = self.db().begin().await?;
        if tx.execute(store::DELETE, args![tenant, &of.id, of.version]).await? == 0 {
            return Err(stale());
        }
        tell(&mut tx, tenant, of, ("identity_provider.deleted", actor), self.now_ms()).await?;
        Ok(tx.commit().await?)
    }
}

impl Sessions {
    /// Wraps the keys of every provider's secret under the current key-encryption key; how many were not.
    pub(super) async fn rewrap_providers(&self) -> Result<u64, SigningKeyError> {
        let (mut after, mut changed) = ((String::new(), String::new()), 0);
        loop {
            let rows: Vec<store::SealedRow> = self.db.all(store::SEALED, args![&after.0, &after.1]).await?;
            let Some(last) = rows.last() else { return Ok(changed) };
            after = (last.tenant_id.clone(), last.id.clone());
            for store::SealedRow { tenant_id, id, data_key, is_wrapped } in rows {
                let was = kernel::Sealed { bytes: data_key, is_wrapped };
                let Some(now) = self.keyring.resealed(&was)? else { continue };
                let mut tx = self.db.begin().await?;
                let args = args![tenant_id, id, now.bytes, now.is_wrapped, was.bytes];
                changed += tx.execute(store::RESEAL, args).await?;
                tx.commit().await?;
            }
        }
    }
}

/// Makes a provider, in the transaction that stores the answer, which has no secret.
async fn create(tx: &mut Tx, new: NewProvider) -> Result<Stored, Problem> {
    let NewProvider { tenant, id, settings, created_by, now_ms } = new;
    let (count,): (i64,) = tx.optional(store::COUNT, args![&tenant]).await?.ok_or(DbError::NoRow)?;
    if count >= MAX_PROVIDERS {
        let detail = format!("there are {MAX_PROVIDERS} providers already");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, codes::IDENTITY_PROVIDER_TOO_MANY, detail));
    }
    let Settings { name, issuer, client_id, secret, scopes, domains, provisions, is_enabled } = settings;
    let (data_key, is_wrapped, secret) = secret::stored(secret);
    let args = args![
        &tenant,
        id,
        name,
        issuer,
        client_id,
        data_key,
        is_wrapped,
        secret,
        json!(scopes),
        json!(domains),
        provisions,
        is_enabled,
        &created_by,
        now_ms
    ];
    let row: ProviderRow = tx.optional(store::INSERT, args).await?.ok_or(DbError::NoRow)?;
    tell(tx, &tenant, &row, ("identity_provider.created", &created_by), now_ms).await?;
    let body = serde_json::to_value(IdentityProviderView::from(row)).map_err(|error| Problem::internal(&error))?;
    Ok(Stored { status: StatusCode::CREATED, body })
}

async fn tell(
    tx: &mut Tx,
    tenant_id: &TenantId,
    row: &ProviderRow,
    (kind, actor): (&str, &str),
    time_ms: i64,
) -> Result<(), DbError> {
    let data = json!({
        "id": row.id, "name": row.name, "issuer": row.issuer, "domains": row.domains.0, "provisions": row.provisions,
        "is_enabled": row.is_enabled, "actor": actor,
    });
    let event = outbox::NewEvent { tenant_id, kind, subject: &row.id, data, time_ms };
    outbox::append(tx, &event).await.map(drop)
}

fn missing() -> Problem {
    Problem::not_found(codes::IDENTITY_PROVIDER_NOT_FOUND, "there is no such provider")
}
