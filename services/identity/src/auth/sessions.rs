//! People who sign in, and the sessions that begin with that.
//!
//! A session has two tokens: one that opens the API for ten minutes and is verified without a session ([`jwt`](super::jwt)), and one
//! that gets both of them anew, once. Who shows the latter again has stolen it, or it was stolen from him: the session ends.
//!
//! - [`Sessions`]: what everything goes through. `store`: their tables.
//! - `routes`: `/api/v1/auth`. `views`: their JSON.

pub(super) mod routes;
mod store;
mod views;

use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header};
use database::{Database, DbError, Tx, args, outbox};
use kernel::{Clock, Keyring, Problem, codes as common};
use media_types::TenantId;
use serde_json::json;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::codes;
use super::jwt::{AUDIENCE, Claims, ISSUER};
use super::link::{self, LinkRow};
use super::oidc::scope;
use super::password::{self, Hasher};
use super::secret::{self, Refresh};
use super::signing::{SigningKeyError, SigningKeys};
use super::throttle::Throttle;
use crate::org::{self, is_slug};
use crate::user::model::{ACTIVE, normal_email};

pub(super) use store::{Account, NewSession, STATEMENTS, SessionRow, end_one, end_reused, insert, stays};

use self::store::AccountRow;

/// How long an access token holds.
pub(super) const ACCESS_S: i64 = 600;
/// How long a session lasts, however often it is refreshed.
pub(super) const SESSION_MS: i64 = 30 * 24 * 3_600_000;

/// What somebody has who has signed in.
pub(super) struct Tokens {
    pub(super) tenant: TenantId,
    pub(super) user: String,
    pub(super) session: String,
    pub(super) access: String,
    pub(super) refresh: String,
    pub(super) session_expires_ms: i64,
    /// Of a client's session, what the client was given.
    pub(super) scope: Option<String>,
    /// When the person has shown who he is.
    pub(super) auth_ms: i64,
}

/// People who sign in to a database. Cheap to clone.
#[derive(Clone)]
pub struct Sessions {
    pub(super) db: Database,
    pub(super) clock: Clock,
    pub(super) signing: SigningKeys,
    hasher: Hasher,
    pub(super) throttle: Arc<Throttle>,
}

impl Sessions {
    /// Those of `db`, whose signing keys are wrapped by `keyring`.
    pub fn new(db: Database, clock: Clock, keyring: Keyring) -> Self {
        let signing = SigningKeys::new(db.clone(), Arc::clone(&clock), keyring);
        Self { db, clock, signing, hasher: Hasher::default(), throttle: Arc::default() }
    }

    /// Wraps every signing key under the current key-encryption key; how many were not.
    ///
    /// # Errors
    /// One that does not open, or the database.
    pub async fn rewrap(&self) -> Result<u64, SigningKeyError> {
        self.signing.rewrap().await
    }

    /// Begins a session.
    async fn sign_in(
        &self,
        who: (&str, &str),
        password: Zeroizing<String>,
        user_agent: Option<String>,
    ) -> Result<Tokens, Problem> {
        let now_ms = (self.clock)();
        let account = self.authenticate(who, password).await?;
        let refresh = Refresh::first().map_err(|error| Problem::internal(&error))?;
        let expires_ms = now_ms + SESSION_MS;
        let access = self.access(&account, &refresh.session, expires_ms, AUDIENCE).await?;
        let mut tx = self.db.begin().await?;
        if !stays(&mut tx, &account).await? {
            return Err(invalid_credentials());
        }
        let new = NewSession {
            account: &account,
            id: &refresh.session,
            user_agent,
            family_sha256: refresh.family_sha256(),
            token_sha256: refresh.sha256(),
            expires_ms,
            client: None,
            auth_ms: now_ms,
            now_ms,
        };
        insert(&mut tx, new).await?;
        tx.commit().await?;
        Ok(Tokens {
            tenant: account.tenant,
            user: account.user,
            session: refresh.session.clone(),
            access,
            refresh: refresh.reveal(),
            session_expires_ms: expires_ms,
            scope: None,
            auth_ms: now_ms,
        })
    }

    /// Whose password this is. A name that nobody has, a wrong password and a person who may not sign in cost the same and are refused
    /// alike.
    pub(super) async fn authenticate(
        &self,
        (slug, email): (&str, &str),
        password: Zeroizing<String>,
    ) -> Result<Account, Problem> {
        let email = normal_email(email);
        let name = secret::sha256(&format!("{slug}\0{}", email.as_deref().unwrap_or_default()));
        self.throttle.enter(name, (self.clock)()).map_err(too_many)?;
        let account: Option<AccountRow> = match &email {
            Some(email) if is_slug(slug) => self.db.optional(store::ACCOUNT, args![slug, email]).await?,
            _ => None,
        };
        let hash = account.as_ref().and_then(|account| account.hash.as_deref());
        let is_it = self.hasher.verify(password, hash).await?;
        let Some(account) = account.filter(|account| is_it && account.state == ACTIVE) else {
            return Err(invalid_credentials());
        };
        self.throttle.leave(&name);
        check_tenant(&account.tenant_state)?;
        Ok(Account { tenant: tenant_id(&account.tenant_id)?, user: account.id })
    }

    /// Goes on with a session of this client; without one, with a session that is no client's.
    pub(super) async fn refresh(&self, token: &str, client: Option<&str>) -> Result<Tokens, Problem> {
        let now_ms = (self.clock)();
        let shown = Refresh::read(token).ok_or_else(invalid_token)?;
        let row = self.session(&shown.session, &shown.family_sha256()).await?;
        let row = row.filter(|row| row.client_id.as_deref() == client).ok_or_else(invalid_token)?;
        check_tenant(&row.tenant_state)?;
        let account = row.account()?;
        let next = shown.next().map_err(|error| Problem::internal(&error))?;
        let audience = scope::audience(row.scope.as_deref());
        let access = self.access(&account, &shown.session, row.expires_ms, audience).await?;
        let (tenant, was, is) = (&account.tenant, shown.sha256(), next.sha256());
        let mut tx = self.db.begin().await?;
        let turned = tx.execute(store::TURN, args![tenant, &shown.session, &was[..], &is[..], now_ms]).await?;
        if turned == 0 {
            end_reused(&mut tx, &account, &shown.session, now_ms).await?;
            tx.commit().await?;
            return Err(invalid_token());
        }
        tx.commit().await?;
        Ok(Tokens {
            tenant: account.tenant,
            user: account.user,
            session: shown.session,
            access,
            refresh: next.reveal(),
            session_expires_ms: row.expires_ms,
            scope: row.scope,
            auth_ms: row.auth_ms.unwrap_or(row.created_ms),
        })
    }

    /// The session whose tokens all begin so, if it goes on and its person may sign in.
    pub(super) async fn session(&self, id: &str, family_sha256: &[u8; 32]) -> Result<Option<SessionRow>, DbError> {
        let row = self.going_on(id).await?;
        Ok(row.filter(|row| bool::from(row.family_sha256.as_slice().ct_eq(family_sha256))))
    }

    /// The session of this id, if it goes on and its person may sign in.
    pub(super) async fn going_on(&self, id: &str) -> Result<Option<SessionRow>, DbError> {
        let row: Option<SessionRow> = self.db.optional(store::BY_ID, args![id]).await?;
        Ok(row.filter(|row| row.expires_ms > (self.clock)() && row.user_state == ACTIVE))
    }

    /// An access token of a session, for this audience.
    pub(super) async fn access(
        &self,
        account: &Account,
        session: &str,
        session_expires_ms: i64,
        audience: &str,
    ) -> Result<String, Problem> {
        let now_s = (self.clock)().div_euclid(1000);
        let claims = Claims {
            iss: ISSUER.to_owned(),
            sub: account.user.clone(),
            aud: audience.to_owned(),
            exp: (now_s + ACCESS_S).min(session_expires_ms / 1000),
            iat: now_s,
            sid: session.to_owned(),
            tenant: account.tenant.to_string(),
        };
        Ok(self.signing.signer().await?.sign(&claims))
    }

    /// Sets the password of the person whose link this is, and signs him out everywhere; whose it was.
    async fn set_password(&self, token: &str, password: Zeroizing<String>) -> Result<(TenantId, String), Problem> {
        let refused = || {
            let detail = "the link was used, has ended, or another one has taken its place";
            Problem::invalid("/token", codes::PASSWORD_INVALID_LINK, detail)
        };
        let now_ms = (self.clock)();
        let id = secret::id(secret::LINK, token).ok_or_else(refused)?;
        let hash = secret::sha256(token);
        let row: Option<LinkRow> = self.db.optional(link::FIND, args![id]).await?;
        let is_it = |row: &LinkRow| bool::from(row.token_sha256.as_slice().ct_eq(&hash)) && row.expires_ms > now_ms;
        let row = row.filter(is_it).ok_or_else(refused)?;
        password::check(&password, &row.email)?;
        let stored = self.hasher.hash(password).await?;
        let (tenant, user) = (tenant_id(&row.tenant_id)?, row.user_id);
        let mut tx = self.db.begin().await?;
        if tx.execute(link::TAKE, args![&tenant, &user, &hash[..], now_ms]).await? == 0 {
            return Err(refused());
        }
        tx.execute(store::PUT_PASSWORD, args![&tenant, &user, stored, now_ms]).await?;
        end_all(&mut tx, &tenant, &user).await?;
        tell(&mut tx, &tenant, ("user.password_set", &user), json!({ "id": user }), now_ms).await?;
        tx.commit().await?;
        Ok((tenant, user))
    }

    /// The sessions of a person, at most 50, the one that was used last first.
    async fn list(&self, tenant: &TenantId, user: &str) -> Result<Vec<SessionRow>, DbError> {
        self.db.all(store::LIST, args![tenant, user, (self.clock)()]).await
    }

    /// Ends a session of a person.
    async fn end(&self, tenant: &TenantId, user: &str, id: &str) -> Result<(), Problem> {
        let missing = || Problem::not_found(codes::SESSION_NOT_FOUND, "there is no such session of yours");
        let mut tx = self.db.begin().await?;
        if tx.execute(store::END, args![tenant, user, id]).await? == 0 {
            return Err(missing());
        }
        Ok(tx.commit().await?)
    }
}

/// Signs a person out everywhere.
pub(crate) async fn end_all(tx: &mut Tx, tenant: &TenantId, user: &str) -> Result<(), DbError> {
    tx.execute(store::END_ALL, args![tenant, user]).await.map(drop)
}

pub(super) fn tenant_id(text: &str) -> Result<TenantId, Problem> {
    text.parse().map_err(|error| Problem::internal(&error))
}

pub(super) fn check_tenant(state: &str) -> Result<(), Problem> {
    if state == org::SUSPENDED {
        let detail = "the tenant of this person is suspended";
        return Err(Problem::new(StatusCode::FORBIDDEN, common::TENANT_SUSPENDED, detail));
    }
    Ok(())
}

fn unauthorized(code: kernel::Code, detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, code, detail)
        .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"lectern\""))
}

pub(super) fn invalid_credentials() -> Problem {
    unauthorized(codes::SESSION_INVALID_CREDENTIALS, "nobody signs in by this address with this password")
}

fn invalid_token() -> Problem {
    unauthorized(codes::SESSION_INVALID_TOKEN, "the refresh token holds no more, or never did")
}

fn too_many(seconds: u32) -> Problem {
    let detail = "this address was tried too often";
    Problem::new(StatusCode::TOO_MANY_REQUESTS, codes::SESSION_TOO_MANY_TRIES, detail).retry_after(seconds)
}

async fn tell(
    tx: &mut Tx,
    tenant_id: &TenantId,
    (kind, subject): (&str, &str),
    data: serde_json::Value,
    time_ms: i64,
) -> Result<(), DbError> {
    let event = outbox::NewEvent { tenant_id, kind, subject, data, time_ms };
    outbox::append(tx, &event).await.map(drop)
}
