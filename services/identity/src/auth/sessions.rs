//! People who sign in, and the sessions that begin with that.
//!
//! A session has two tokens: one that opens the API for ten minutes and is verified without a session ([`jwt`](super::jwt)), and one
//! that gets both of them anew, once. Who shows the latter again has stolen it, or it was stolen from him: the session ends.
//!
//! Of whoever has a second factor a password begins none: it waits for a code ([`factors`](super::factors)). Whatever begins one, for a
//! person himself, in a browser or for a client, does so by [`admit`] and by what he has shown.
//!
//! - [`Sessions`]: what everything goes through. `tokens`: the two of a session. `store`: their tables.
//! - `routes`: `/api/v1/auth`. `views`: their JSON.

pub(super) mod routes;
pub(super) mod store;
mod tokens;
pub(super) mod views;

use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header};
use database::{Database, DbError, Tx, args, outbox};
use http_client::{Egress, RootsError};
use kernel::{Clock, Keyring, Problem, audit, codes as common};
use media_types::TenantId;
use postbox::About;
use serde_json::json;
use subtle::ConstantTimeEq;
use webauthn::Party;
use zeroize::Zeroizing;

use super::address::PublicAddress;
use super::challenge::{self, Of, Purpose};
use super::codes;
use super::federation::Outside;
use super::link::{self, LinkRow};
use super::mail::Mail;
use super::password::{self, Hasher};
use super::policy::Rules;
use super::proof::{PASSWORD, Proof};
use super::secret::{self, Secret};
use super::signing::{SigningKeyError, SigningKeys};
use super::throttle::Throttle;
use crate::org::{self, is_slug};
use crate::user::model::{ACTIVE, normal_email};

pub(super) use store::{Account, NewSession, STATEMENTS, SessionRow, admit, end_one, end_reused};
pub(super) use tokens::{ACCESS_S, OfClient, SESSION_MS, Tokens};

use self::store::AccountRow;

/// Where a server listens that was told nothing else.
const USUAL_PORT: u16 = 3000;

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
    /// Of tries of codes, which nobody fills up who has shown nothing.
    pub(super) codes_throttle: Arc<Throttle>,
    /// Of letters that anybody asks for.
    pub(super) letters_throttle: Arc<Throttle>,
    pub(super) signing: SigningKeys,
    /// What providers are asked by.
    pub(super) outside: Outside,
    /// Nothing where no letters go out.
    pub(super) mail: Option<Mail>,
}

impl Sessions {
    /// Those of `db`, whose signing keys and secrets of codes are wrapped by `keyring`. Passkeys are for a browser on this machine.
    pub fn new(db: Database, clock: Clock, keyring: Keyring) -> Self {
        let (keyring, party) = (Arc::new(keyring), PublicAddress::on_this_machine(USUAL_PORT).party());
        let signing = SigningKeys::new(db.clone(), Arc::clone(&clock), Arc::clone(&keyring));
        let (hasher, throttle) = (Hasher::default(), Arc::default());
        let (codes_throttle, letters_throttle) = (Arc::default(), Arc::default());
        let outside = Outside::new(Egress::public(), None).expect("the public authorities are not read from anywhere");
        Self {
            db,
            clock,
            keyring,
            party,
            hasher,
            throttle,
            codes_throttle,
            letters_throttle,
            signing,
            outside,
            mail: None,
        }
    }

    /// The same asking providers at addresses that `egress` permits, which the authorities of `pem` vouch for besides the public ones.
    ///
    /// # Errors
    /// These are none.
    pub fn asking(self, egress: Egress, pem: Option<&[u8]>) -> Result<Self, RootsError> {
        Ok(Self { outside: Outside::new(egress, pem)?, ..self })
    }

    /// The same with letters to its people.
    #[must_use]
    pub fn with_mail(self, mail: Mail) -> Self {
        Self { mail: Some(mail), ..self }
    }

    /// The same with passkeys for pages of this address.
    #[must_use]
    pub fn reached_at(self, address: &PublicAddress) -> Self {
        Self { party: address.party(), ..self }
    }

    /// How many passwords were hashed so far.
    #[cfg(test)]
    pub(crate) fn hashed(&self) -> usize {
        self.hasher.hashed()
    }

    /// Wraps every signing key, every secret of codes and that of every provider under the current key-encryption key; how many were not.
    ///
    /// # Errors
    /// One that does not open, or the database.
    pub async fn rewrap(&self) -> Result<u64, SigningKeyError> {
        Ok(self.signing.rewrap().await? + self.rewrap_codes().await? + self.rewrap_providers().await?)
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
        self.whole(&account, &proof, user_agent).await?.ok_or_else(invalid_credentials)
    }

    /// Begins the session of whoever has shown that; `None` where he may not sign in.
    pub(super) async fn whole(
        &self,
        account: &Account,
        proof: &Proof,
        user_agent: Option<String>,
    ) -> Result<Option<SignedIn>, Problem> {
        let begun = self.prepare(account, proof, None).await?;
        let mut tx = self.db.begin().await?;
        let Some(admitted) = admit(&mut tx, account, proof).await? else { return Ok(None) };
        let tokens = self.begin(&mut tx, &admitted, begun, user_agent).await?;
        tx.commit().await?;
        Ok(Some(SignedIn::Whole(tokens)))
    }

    /// What has come of what has proved who somebody is by itself; `None` of somebody who may not sign in.
    pub(super) async fn passed(
        &self,
        account: Account,
        methods: &'static [&'static str],
        bound: &str,
    ) -> Result<Option<Passed>, Problem> {
        let of = || args![&account.tenant, &account.user];
        let found: Option<(String,)> = self.db.optional(store::STANDING, of()).await?;
        let Some((tenant_state,)) = found else { return Ok(None) };
        check_tenant(&tenant_state)?;
        let codes: Option<(i64,)> = self.db.optional(store::CODES, of()).await?;
        if codes.is_some() {
            return self.half_way(account, methods, bound).await.map(|half| Some(Passed::HalfWay(half)));
        }
        Ok(Some(Passed::Whole(account, Proof::new(methods, (self.clock)()))))
    }

    /// The tenant of this slug.
    pub(super) async fn tenant_named(&self, slug: &str) -> Result<Option<TenantId>, Problem> {
        if !is_slug(slug) {
            return Ok(None);
        }
        let found: Option<(String,)> = self.db.optional(store::NAMED, args![slug]).await?;
        found.map(|(id,)| tenant_id(&id)).transpose()
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
        let refused = self.throttle.leave(&name);
        if refused > 0 {
            // For the log, which has no refusals: whoever looks at it should know that somebody has guessed.
            audit::after(&json!({ "refused_attempts": refused }));
        }
        check_tenant(&row.tenant_state)?;
        let account = Account::stored(&row.tenant_id, &row.id)?;
        if row.code_since_ms.is_some() {
            return self.half_way(account, PASSWORD, bound).await.map(Passed::HalfWay);
        }
        Ok(Passed::Whole(account, Proof::new(PASSWORD, (self.clock)())))
    }

    /// Has a sign-in wait for a code behind what was shown for it.
    async fn half_way(
        &self,
        account: Account,
        methods: &'static [&'static str],
        bound: &str,
    ) -> Result<HalfWay, Problem> {
        let token = Secret::draw(secret::HALF_WAY).map_err(|error| Problem::internal(&error))?.reveal();
        let of = Of { tenant: &account.tenant, user: Some(&account.user) };
        let mut tx = self.db.begin().await?;
        challenge::put(&mut tx, of, Purpose::Code(methods), &secret::bound(&token, bound), (self.clock)()).await?;
        tx.commit().await?;
        Ok(HalfWay { account, token })
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
        let (tenant, user) = (tenant_id(&row.tenant_id)?, row.user_id);
        let rules = Rules::of(&self.db, &tenant).await?;
        password::check(&password, &row.email, usize::try_from(rules.min_password).unwrap_or_default())?;
        let stored = self.hasher.hash(password).await?;
        let mut tx = self.db.begin().await?;
        if tx.execute(link::TAKE, args![&tenant, &user, &hash[..], now_ms]).await? == 0 {
            return Err(refused());
        }
        tx.execute(store::PUT_PASSWORD, args![&tenant, &user, stored, now_ms]).await?;
        end_all(&mut tx, &tenant, &user).await?;
        tell(&mut tx, &tenant, ("user.password_set", &user), json!({ "id": user }), now_ms).await?;
        self.notify(&mut tx, (&tenant, &user), &About::PasswordChanged).await?;
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

/// Whether what has proved who somebody is, as it is stored, are two factors.
pub(crate) fn are_several(methods: &str) -> bool {
    Proof::stored(methods, 0).are_several()
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
