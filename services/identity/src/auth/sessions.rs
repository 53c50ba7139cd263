//! People who sign in, and the sessions that begin with that.
//!
//! A session has two tokens: one that opens the API for ten minutes and is verified without a session ([`jwt`](super::jwt)), and one
//! that gets both of them anew, once. Who shows the latter again has stolen it, or it was stolen from him: the session ends.
//!
//! Of whoever has a second factor a password begins none: it waits for a code ([`factors`](super::factors)). Whatever begins one, for a
//! person himself, in a browser or for a client, does so by [`admit`] and by what he has shown.
//!
//! - [`Sessions`]: what everything goes through. `store`: their tables.
//! - `routes`: `/api/v1/auth`. `views`: their JSON.

pub(super) mod routes;
pub(super) mod store;
pub(super) mod views;

use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header};
use database::{Database, DbError, Tx, args, outbox};
use kernel::{Clock, Keyring, Problem, codes as common};
use media_types::TenantId;
use serde_json::json;
use subtle::ConstantTimeEq;
use webauthn::Party;
use zeroize::Zeroizing;

use super::address::PublicAddress;
use super::challenge::{self, Of, Purpose};
use super::codes;
use super::jwt::{Claims, ISSUER};
use super::link::{self, LinkRow};
use super::oidc::scope;
use super::password::{self, Hasher};
use super::proof::{PASSWORD, Proof};
use super::secret::{self, Refresh, Secret};
use super::signing::{SigningKeyError, SigningKeys};
use super::throttle::Throttle;
use crate::org::{self, is_slug};
use crate::user::model::{ACTIVE, normal_email};

pub(super) use store::{Account, Admitted, NewSession, STATEMENTS, SessionRow, admit, end_one, end_reused};

use self::store::AccountRow;

/// How long an access token holds.
pub(super) const ACCESS_S: i64 = 600;
/// How long a session lasts, however often it is refreshed.
pub(super) const SESSION_MS: i64 = 30 * 24 * 3_600_000;
/// Where a server listens that was told nothing else.
const USUAL_PORT: u16 = 3000;

/// What somebody has who has signed in.
pub(super) struct Tokens {
    pub(super) account: Account,
    /// What he has shown so far.
    pub(super) proof: Proof,
    pub(super) session: String,
    pub(super) access: String,
    pub(super) refresh: String,
    pub(super) session_expires_ms: i64,
    /// Of a client's session, what the client was given.
    pub(super) scope: Option<String>,
}

/// A sign-in that lacks a code yet.
pub(super) struct HalfWay {
    pub(super) account: Account,
    /// What the code is to come with.
    pub(super) token: String,
}

/// What has come of a password that was right.
pub(super) enum Passed {
    /// It lets its person in.
    Whole(Account, Proof),
    /// He has codes besides.
    HalfWay(HalfWay),
}

/// What has come of a sign-in.
pub(super) enum SignedIn {
    Whole(Tokens),
    HalfWay(HalfWay),
}

/// Whose a session is besides its person's: a client's.
#[derive(Clone, Copy)]
pub(super) struct OfClient<'a> {
    pub(super) id: &'a str,
    /// What it was given.
    pub(super) scope: &'a str,
    /// How long the session lasts.
    pub(super) lasts_ms: i64,
}

/// All of a session with tokens but its row.
pub(super) struct Begun<'a> {
    /// The id of the session.
    pub(super) session: String,
    refresh: Refresh,
    access: String,
    client: Option<OfClient<'a>>,
    expires_ms: i64,
}

/// People who sign in to a database. Cheap to clone.
#[derive(Clone)]
pub struct Sessions {
    pub(super) db: Database,
    pub(super) clock: Clock,
    /// What the secrets of codes are wrapped by.
    pub(super) keyring: Arc<Keyring>,
    /// Whom passkeys are for.
    pub(super) party: Arc<Party>,
    pub(super) hasher: Hasher,
    pub(super) throttle: Arc<Throttle>,
    pub(super) signing: SigningKeys,
}

impl Sessions {
    /// Those of `db`, whose signing keys and secrets of codes are wrapped by `keyring`. Passkeys are for a browser on this machine.
    pub fn new(db: Database, clock: Clock, keyring: Keyring) -> Self {
        let (keyring, party) = (Arc::new(keyring), PublicAddress::on_this_machine(USUAL_PORT).party());
        let signing = SigningKeys::new(db.clone(), Arc::clone(&clock), Arc::clone(&keyring));
        let (hasher, throttle) = (Hasher::default(), Arc::default());
        Self { db, clock, keyring, party, hasher, throttle, signing }
    }

    /// The same with passkeys for pages of this address.
    #[must_use]
    pub fn reached_at(self, address: &PublicAddress) -> Self {
        Self { party: address.party(), ..self }
    }

    /// Wraps every signing key and every secret of codes under the current key-encryption key; how many were not.
    ///
    /// # Errors
    /// One that does not open, or the database.
    pub async fn rewrap(&self) -> Result<u64, SigningKeyError> {
        Ok(self.signing.rewrap().await? + self.rewrap_codes().await?)
    }

    /// Begins a session, or half of one where the person has a second factor.
    async fn sign_in(
        &self,
        who: (&str, &str),
        password: Zeroizing<String>,
        user_agent: Option<String>,
    ) -> Result<SignedIn, Problem> {
        let (account, proof) = match self.authenticate(who, password, "").await? {
            Passed::Whole(account, proof) => (account, proof),
            Passed::HalfWay(half) => return Ok(SignedIn::HalfWay(half)),
        };
        let begun = self.prepare(&account, &proof, None).await?;
        let mut tx = self.db.begin().await?;
        let admitted = admit(&mut tx, &account, &proof).await?.ok_or_else(invalid_credentials)?;
        let tokens = self.begin(&mut tx, &admitted, begun, user_agent).await?;
        tx.commit().await?;
        Ok(SignedIn::Whole(tokens))
    }

    /// Whose password this is, and whether it lets him in. A name that nobody has, a wrong password and a person who may not sign in cost
    /// the same and are refused alike. Where a code is lacking, that has to come with `bound`, too: what only this browser knows, or
    /// nothing.
    pub(super) async fn authenticate(
        &self,
        (slug, email): (&str, &str),
        password: Zeroizing<String>,
        bound: &str,
    ) -> Result<Passed, Problem> {
        let email = normal_email(email);
        let name = secret::sha256(&format!("{slug}\0{}", email.as_deref().unwrap_or_default()));
        self.throttle.enter(name, (self.clock)()).map_err(too_many)?;
        let account: Option<AccountRow> = match &email {
            Some(email) if is_slug(slug) => self.db.optional(store::ACCOUNT, args![slug, email]).await?,
            _ => None,
        };
        let hash = account.as_ref().and_then(|account| account.hash.as_deref());
        let is_it = self.hasher.verify(password, hash).await?;
        let Some(row) = account.filter(|account| is_it && account.state == ACTIVE) else {
            return Err(invalid_credentials());
        };
        self.throttle.leave(&name);
        check_tenant(&row.tenant_state)?;
        let account = Account::stored(&row.tenant_id, &row.id)?;
        if row.code_since_ms.is_some() {
            return self.half_way(account, bound).await.map(Passed::HalfWay);
        }
        Ok(Passed::Whole(account, Proof::new(PASSWORD, (self.clock)())))
    }

    /// Has a sign-in wait for a code.
    async fn half_way(&self, account: Account, bound: &str) -> Result<HalfWay, Problem> {
        let token = Secret::draw(secret::HALF_WAY).map_err(|error| Problem::internal(&error))?.reveal();
        let of = Of { tenant: &account.tenant, user: Some(&account.user) };
        let mut tx = self.db.begin().await?;
        challenge::put(&mut tx, of, Purpose::Code, &secret::bound(&token, bound), (self.clock)()).await?;
        tx.commit().await?;
        Ok(HalfWay { account, token })
    }

    /// All of a new session but its row: nothing that could wait for another transaction than the one that it begins in.
    pub(super) async fn prepare<'a>(
        &self,
        account: &Account,
        proof: &Proof,
        client: Option<OfClient<'a>>,
    ) -> Result<Begun<'a>, Problem> {
        let refresh = Refresh::first().map_err(|error| Problem::internal(&error))?;
        let session = refresh.session.clone();
        let expires_ms = (self.clock)() + client.map_or(SESSION_MS, |client| client.lasts_ms);
        let scope = client.map(|client| client.scope);
        let access = self.access((account, proof), &session, expires_ms, scope).await?;
        Ok(Begun { session, refresh, access, client, expires_ms })
    }

    /// Begins it, of somebody whom the same transaction lets in.
    pub(super) async fn begin(
        &self,
        tx: &mut Tx,
        admitted: &Admitted<'_>,
        begun: Begun<'_>,
        user_agent: Option<String>,
    ) -> Result<Tokens, DbError> {
        let Begun { session, refresh, access, client, expires_ms } = begun;
        let new = NewSession {
            id: &session,
            user_agent,
            family_sha256: refresh.family_sha256(),
            token_sha256: refresh.sha256(),
            expires_ms,
            client: client.map(|client| (client.id, client.scope)),
            now_ms: (self.clock)(),
        };
        admitted.begin(tx, new).await?;
        Ok(Tokens {
            account: admitted.account().clone(),
            proof: admitted.proof().clone(),
            session,
            access,
            refresh: refresh.reveal(),
            session_expires_ms: expires_ms,
            scope: client.map(|client| client.scope.to_owned()),
        })
    }

    /// Goes on with a session of this client; without one, with a session that is no client's.
    pub(super) async fn refresh(&self, token: &str, client: Option<&str>) -> Result<Tokens, Problem> {
        let now_ms = (self.clock)();
        let shown = Refresh::read(token).ok_or_else(invalid_token)?;
        let row = self.session(&shown.session, &shown.family_sha256()).await?;
        let row = row.filter(|row| row.client_id.as_deref() == client).ok_or_else(invalid_token)?;
        check_tenant(&row.tenant_state)?;
        let (account, proof) = (row.account()?, row.proof());
        let next = shown.next().map_err(|error| Problem::internal(&error))?;
        let access = self.access((&account, &proof), &shown.session, row.expires_ms, row.scope.as_deref()).await?;
        let (was, is) = (shown.sha256(), next.sha256());
        let mut tx = self.db.begin().await?;
        let args = args![&account.tenant, &shown.session, &was[..], &is[..], now_ms];
        if tx.execute(store::TURN, args).await? == 0 {
            end_reused(&mut tx, &account, &shown.session, now_ms).await?;
            tx.commit().await?;
            return Err(invalid_token());
        }
        tx.commit().await?;
        Ok(Tokens {
            account,
            proof,
            session: shown.session,
            access,
            refresh: next.reveal(),
            session_expires_ms: row.expires_ms,
            scope: row.scope,
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

    /// An access token of a session: of a client's that has this scope, or of no client's.
    pub(super) async fn access(
        &self,
        (account, proof): (&Account, &Proof),
        session: &str,
        session_expires_ms: i64,
        scope: Option<&str>,
    ) -> Result<String, Problem> {
        let now_s = (self.clock)().div_euclid(1000);
        let claims = Claims {
            iss: ISSUER.to_owned(),
            sub: account.user.clone(),
            aud: scope::audience(scope).to_owned(),
            exp: (now_s + ACCESS_S).min(session_expires_ms / 1000),
            iat: now_s,
            sid: session.to_owned(),
            tenant: account.tenant.to_string(),
            acr: proof.acr().to_owned(),
            amr: proof.amr().to_vec(),
            auth_time: proof.at_ms.div_euclid(1000),
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

pub(super) fn unauthorized(code: kernel::Code, detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, code, detail)
        .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"lectern\""))
}

pub(super) fn invalid_credentials() -> Problem {
    unauthorized(codes::SESSION_INVALID_CREDENTIALS, "nobody signs in by this address with this password")
}

fn invalid_token() -> Problem {
    unauthorized(codes::SESSION_INVALID_TOKEN, "the refresh token holds no more, or never did")
}

pub(super) fn too_many(seconds: u32) -> Problem {
    let detail = "there were too many tries";
    Problem::new(StatusCode::TOO_MANY_REQUESTS, codes::SESSION_TOO_MANY_TRIES, detail).retry_after(seconds)
}

pub(super) async fn tell(
    tx: &mut Tx,
    tenant_id: &TenantId,
    (kind, subject): (&str, &str),
    data: serde_json::Value,
    time_ms: i64,
) -> Result<(), DbError> {
    let event = outbox::NewEvent { tenant_id, kind, subject, data, time_ms };
    outbox::append(tx, &event).await.map(drop)
}
