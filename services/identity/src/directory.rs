//! Keys, people and tenants as the guard of every route asks for them, in every process.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use database::{Database, DbError, Json, args};
use futures::future::BoxFuture;
use kernel::{ApiKey, Clock, Directory, Grants, Holder, Person, Principal, Problem, default_tenant, problem};
use media_types::TenantId;
use subtle::ConstantTimeEq;

use crate::auth::jwt::{Claims, Unverified};
use crate::auth::secret;
use crate::auth::sessions::are_several;
use crate::auth::signing::kept_since;
use crate::org::{SUSPENDED, is_slug};
use crate::rbac::{held, model};

const HOLDER: &str = "SELECT k.tenant_id, k.id, k.secret_sha256, k.permissions, k.expires_ms, k.last_used_ms, t.state
    FROM api_key k JOIN tenant t ON t.tenant_id = k.tenant_id WHERE k.id = $1 LIMIT 1";
/// One that signs, will sign, or was retired lately.
const SIGNED_BY: &str = "SELECT public_key FROM auth_signing_key
    WHERE tenant_id = $1 AND kid = $2 AND (retired_ms IS NULL OR retired_ms >= $3)";
/// Of a person who may sign in, with his own list. Whoever acts as him does so as long as he is in himself.
const SESSION: &str =
    "SELECT u.permissions, t.state, s.client_id, s.methods, s.acted_by, p.needs_second_factor FROM auth_session s
    LEFT JOIN auth_policy p ON p.tenant_id = s.tenant_id
    JOIN user_account u ON u.tenant_id = s.tenant_id AND u.id = s.user_id JOIN tenant t ON t.tenant_id = s.tenant_id
    WHERE s.tenant_id = $1 AND s.id = $2 AND s.user_id = $3 AND s.expires_ms > $4 AND u.state = 'active'
        AND (s.acted_session_id IS NULL OR EXISTS (SELECT 1 FROM auth_session a
            WHERE a.tenant_id = s.tenant_id AND a.id = s.acted_session_id AND a.expires_ms > $4))";
const CLIENT: &str = "SELECT c.permissions, t.state FROM oauth_client c JOIN tenant t ON t.tenant_id = c.tenant_id
    WHERE c.tenant_id = $1 AND c.id = $2 AND c.secret_sha256 IS NOT NULL";
const TENANT: &str = "SELECT tenant_id FROM tenant WHERE slug = $1";
/// Whichever process is first in a minute.
const USED: &str = "UPDATE api_key SET last_used_ms = $3
    WHERE tenant_id = $1 AND id = $2 AND (last_used_ms IS NULL OR last_used_ms < $4)";

pub(crate) const STATEMENTS: &[&str] = &[HOLDER, SIGNED_BY, SESSION, CLIENT, TENANT, USED];

/// The use of a key is noted once in so long.
const NOTED_EVERY_MS: i64 = 60_000;

database::row! {
    struct HolderRow {
        tenant_id: String,
        id: String,
        secret_sha256: Vec<u8>,
        permissions: Json<Grants>,
        expires_ms: Option<i64>,
        last_used_ms: Option<i64>,
        state: String,
    }
}

database::row! {
    /// A session that goes on, and what its person's tenant asks for.
    struct SessionRow {
        permissions: Json<Grants>,
        state: String,
        client_id: Option<String>,
        methods: String,
        acted_by: Option<String>,
        needs_second_factor: Option<bool>,
    }
}

/// Keys, people and tenants of a database. Cheap to clone.
#[derive(Clone)]
pub struct Registry {
    db: Database,
    clock: Clock,
    /// Keys whose use is just being noted.
    noting: Arc<Mutex<HashSet<String>>>,
}

impl Registry {
    /// Those of `db`.
    pub fn new(db: Database, clock: Clock) -> Self {
        Self { db, clock, noting: Arc::default() }
    }

    async fn key(&self, text: &str) -> Result<Option<Holder>, Problem> {
        let Some(id) = secret::id(secret::KEY, text) else { return Ok(None) };
        let Some(row) = self.db.optional::<HolderRow>(HOLDER, args![id]).await? else { return Ok(None) };
        let now_ms = (self.clock)();
        let is_it = bool::from(row.secret_sha256.as_slice().ct_eq(&secret::sha256(text)));
        if !is_it || row.expires_ms.is_some_and(|end| end <= now_ms) {
            return Ok(None);
        }
        let tenant = row.tenant_id.parse::<TenantId>().map_err(|error| Problem::internal(&error))?;
        if row.last_used_ms.is_none_or(|last| last < now_ms - NOTED_EVERY_MS) {
            self.note(&tenant, &row.id, now_ms);
        }
        let HolderRow { id, permissions, expires_ms, .. } = row;
        let key = Arc::new(ApiKey { id, tenant, grants: permissions.0, expires_ms });
        Ok(Some(Holder { principal: Principal::Key(key), is_suspended: row.state == SUSPENDED }))
    }

    /// Whose access token this is: one that a key of ours has signed, of a session that goes on.
    async fn person(&self, token: &str) -> Result<Option<Holder>, Problem> {
        let Some(unverified) = Unverified::read(token) else { return Ok(None) };
        let (now_ms, installation) = ((self.clock)(), default_tenant());
        let args = args![&installation, &unverified.kid, kept_since(now_ms)];
        let Some((public_key,)) = self.db.optional::<(Vec<u8>,)>(SIGNED_BY, args).await? else { return Ok(None) };
        let Some(claims) = unverified.verify(&public_key, now_ms.div_euclid(1000)) else { return Ok(None) };
        let tenant = claims.tenant.parse::<TenantId>().map_err(|error| Problem::internal(&error))?;
        if claims.is_of_client() {
            return self.client(tenant, claims).await;
        }
        let args = args![&tenant, &claims.sid, &claims.sub, now_ms];
        let Some(found) = self.db.optional::<SessionRow>(SESSION, args).await? else { return Ok(None) };
        let SessionRow { permissions: Json(own), state, client_id: client, methods, acted_by, needs_second_factor } =
            found;
        let lacks_factor = needs_second_factor == Some(true) && !are_several(&methods);
        if lacks_factor && client.is_some() {
            return Ok(None);
        }
        let (grants, lasting) = if lacks_factor {
            // In to add one, which is his own affair.
            (Grants::default(), Grants::default())
        } else {
            let roles = held(&self.db, &tenant, &claims.sub).await?;
            // Whoever acts as somebody else gives nothing away.
            let lasting = if acted_by.is_some() { Grants::default() } else { model::lasting(&own, &roles) };
            (model::may(&own, &roles, now_ms), lasting)
        };
        let authenticated_ms = claims.auth_time.saturating_mul(1000);
        let (id, session) = (claims.sub, claims.sid);
        let person = Arc::new(Person { id, tenant, grants, lasting, session, client, acted_by, authenticated_ms });
        Ok(Some(Holder { principal: Principal::Person(person), is_suspended: state == SUSPENDED }))
    }

    /// A client that acts in its own name, which is to the guard as a key that holds for as long as the token does.
    async fn client(&self, tenant: TenantId, claims: Claims) -> Result<Option<Holder>, Problem> {
        let found: Option<(Option<Json<Grants>>, String)> =
            self.db.optional(CLIENT, args![&tenant, &claims.sub]).await?;
        let Some((Some(Json(grants)), state)) = found else { return Ok(None) };
        let expires_ms = Some(claims.exp.saturating_mul(1000));
        let key = Arc::new(ApiKey { id: claims.sub, tenant, grants, expires_ms });
        Ok(Some(Holder { principal: Principal::Key(key), is_suspended: state == SUSPENDED }))
    }

    /// Notes that a key is used, behind the request: it needs not wait, nor fail when that does.
    fn note(&self, tenant: &TenantId, id: &str, now_ms: i64) {
        if !self.noting.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned()) {
            return;
        }
        let (this, tenant, id) = (self.clone(), tenant.clone(), id.to_owned());
        tokio::spawn(async move {
            if let Err(error) = this.used(&tenant, &id, now_ms).await {
                tracing::debug!(key = %id, error = %problem::chain(&error), "the use of a key is not noted");
            }
            this.noting.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        });
    }

    async fn used(&self, tenant: &TenantId, id: &str, now_ms: i64) -> Result<(), DbError> {
        let mut tx = self.db.begin().await?;
        tx.execute(USED, args![tenant, id, now_ms, now_ms - NOTED_EVERY_MS]).await?;
        tx.commit().await
    }

    async fn named(&self, slug: &str) -> Result<Option<TenantId>, Problem> {
        if !is_slug(slug) {
            return Ok(None);
        }
        let found: Option<(String,)> = self.db.optional(TENANT, args![slug]).await?;
        found.map(|(id,)| id.parse::<TenantId>().map_err(|error| Problem::internal(&error))).transpose()
    }
}

impl Directory for Registry {
    fn holder<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Option<Holder>, Problem>> {
        // No token has the form of both.
        if token.contains('.') { Box::pin(self.person(token)) } else { Box::pin(self.key(token)) }
    }

    fn knows_form(&self, token: &str) -> bool {
        has_form(token)
    }

    fn tenant<'a>(&'a self, slug: &'a str) -> BoxFuture<'a, Result<Option<TenantId>, Problem>> {
        Box::pin(self.named(slug))
    }
}

/// Whether a text has the form of an access token or of a key.
fn has_form(token: &str) -> bool {
    match token.contains('.') {
        true => Unverified::read(token).is_some(),
        false => secret::id(secret::KEY, token).is_some(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::auth::secret::Secret;

    #[test]
    fn a_key_has_the_form_of_one_and_what_opens_something_else_has_not() {
        assert!(has_form(&Secret::draw(secret::KEY).unwrap().reveal()));
        assert!(!has_form(&Secret::draw(secret::CODE).unwrap().reveal()));
        for none in ["", "lk_", "lpt1.AAAA", "a.b.c", "0123456789abcdef"] {
            assert!(!has_form(none), "{none:?}");
        }
    }
}
