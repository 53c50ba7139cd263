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
use super::password::{self, Hasher};
use super::secret::{self, Refresh};
use super::signing::{SigningKeyError, SigningKeys};
use super::throttle::Throttle;
use crate::org::{self, is_slug};
use crate::user::model::{ACTIVE, normal_email};

pub(super) use store::STATEMENTS;

use self::store::{AccountRow, SessionRow};

/// How long an access token holds.
pub(super) const ACCESS_S: i64 = 600;
/// How long a session lasts, however often it is refreshed.
const SESSION_MS: i64 = 30 * 24 * 3_600_000;
/// Characters of a device's name that are kept.
const MAX_USER_AGENT: usize = 200;

/// What somebody has who has signed in.
pub(super) struct Tokens {
    pub(super) tenant: TenantId,
    pub(super) user: String,
    pub(super) session: String,
    pub(super) access: String,
    pub(super) refresh: String,
    pub(super) session_expires_ms: i64,
}

/// People who sign in to a database. Cheap to clone.
#[derive(Clone)]
pub struct Sessions {
    db: Database,
    clock: Clock,
    signing: SigningKeys,
    hasher: Hasher,
    throttle: Arc<Throttle>,
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

    /// Begins a session. A name that nobody has, a wrong password and a person who may not sign in cost the same and are refused
    /// alike.
    async fn sign_in(
        &self,
        (slug, email): (&str, &str),
        password: Zeroizing<String>,
        user_agent: Option<String>,
    ) -> Result<Tokens, Problem> {
        let now_ms = (self.clock)();
        let email = normal_email(email);
        let name = secret::sha256(&format!("{slug}\0{}", email.as_deref().unwrap_or_default()));
        self.throttle.enter(name, now_ms).map_err(too_many)?;
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
        let tenant = tenant_id(&account.tenant_id)?;
        check_tenant(&account.tenant_state)?;
        let refresh = Refresh::first().map_err(|error| Problem::internal(&error))?;
        let expires_ms = now_ms + SESSION_MS;
        let tokens = self.tokens(&tenant, &account.id, &refresh, expires_ms).await?;
        let (family, token) = (refresh.family_sha256(), refresh.sha256());
        let mut tx = self.db.begin().await?;
        // Locks him: whoever suspends him meanwhile ends this session too, or it does not begin.
        if tx.execute(store::STAYS, args![&tenant, &account.id]).await? == 0 {
            return Err(invalid_credentials());
        }
        let (id, user) = (&refresh.session, &account.id);
        let args = args![&tenant, id, user, user_agent, &family[..], &token[..], expires_ms, now_ms];
        tx.execute(store::INSERT, args).await?;
        tx.execute(store::TRIM, args![&tenant, user, now_ms]).await?;
        tx.commit().await?;
        Ok(Tokens { refresh: refresh.reveal(), ..tokens })
    }

    /// Goes on with a session.
    async fn refresh(&self, token: &str) -> Result<Tokens, Problem> {
        let now_ms = (self.clock)();
        let shown = Refresh::read(token).ok_or_else(invalid_token)?;
        let row: Option<SessionRow> = self.db.optional(store::BY_ID, args![&shown.session]).await?;
        let is_of = |row: &SessionRow| bool::from(row.family_sha256.as_slice().ct_eq(&shown.family_sha256()));
        let row = row.filter(is_of).filter(|row| row.expires_ms > now_ms && row.user_state == ACTIVE);
        let row = row.ok_or_else(invalid_token)?;
        check_tenant(&row.tenant_state)?;
        let tenant = tenant_id(&row.tenant_id)?;
        let next = shown.next().map_err(|error| Problem::internal(&error))?;
        let tokens = self.tokens(&tenant, &row.user_id, &next, row.expires_ms).await?;
        let (was, is) = (shown.sha256(), next.sha256());
        let mut tx = self.db.begin().await?;
        let turned = tx.execute(store::TURN, args![&tenant, &shown.session, &was[..], &is[..], now_ms]).await?;
        if turned == 1 {
            tx.commit().await?;
            return Ok(Tokens { refresh: next.reveal(), ..tokens });
        }
        if tx.execute(store::END, args![&tenant, &row.user_id, &shown.session]).await? == 1 {
            let data = json!({ "id": shown.session, "user_id": row.user_id });
            tell(&mut tx, &tenant, ("session.reused", &shown.session), data, now_ms).await?;
            tracing::warn!(session = %shown.session, "a refresh token was shown twice: its session has ended");
        }
        tx.commit().await?;
        Err(invalid_token())
    }

    /// The tokens of a session but the one that refreshes it, which is for the end.
    async fn tokens(
        &self,
        tenant: &TenantId,
        user: &str,
        refresh: &Refresh,
        session_expires_ms: i64,
    ) -> Result<Tokens, Problem> {
        let now_s = (self.clock)().div_euclid(1000);
        let claims = Claims {
            iss: ISSUER.to_owned(),
            sub: user.to_owned(),
            aud: AUDIENCE.to_owned(),
            exp: (now_s + ACCESS_S).min(session_expires_ms / 1000),
            iat: now_s,
            sid: refresh.session.clone(),
            tenant: tenant.to_string(),
        };
        Ok(Tokens {
            tenant: tenant.clone(),
            user: user.to_owned(),
            session: refresh.session.clone(),
            access: self.signing.signer().await?.sign(&claims),
            refresh: String::new(),
            session_expires_ms,
        })
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

fn tenant_id(text: &str) -> Result<TenantId, Problem> {
    text.parse().map_err(|error| Problem::internal(&error))
}

fn check_tenant(state: &str) -> Result<(), Problem> {
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

fn invalid_credentials() -> Problem {
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
