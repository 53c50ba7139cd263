//! What people prove who they are by besides a password: codes of an authenticator, and recovery codes that stand in for them. Whoever
//! has them confirmed is asked for one when he signs in by his password.
//!
//! What changes one's own factors needs a proof of the last ten minutes, a sign-in or a step-up: a token that somebody has found
//! lying around gives him none.
//!
//! - `store`: their tables. `step_up`: proving it once more. `routes`: what a person does about himself, and the second half of a sign-in.
//!   `views`: their JSON.

pub(super) mod routes;
mod step_up;
mod store;
mod views;

use axum::http::StatusCode;
use database::{DbError, Tx, args};
use kernel::{Person, Problem};
use media_types::TenantId;
use postbox::{About, Factor};
use serde_json::json;

use super::challenge::{self, Of, Purpose};
use super::proof::{CODE, Proof};
use super::secret;
use super::sessions::store::{BY_ID, END_OTHERS, PROVE, STAYS};
use super::sessions::{
    Account, SessionRow, Sessions, Tokens, admit, check_tenant, invalid_credentials, tell, too_many, unauthorized,
};
use super::signing::SigningKeyError;
use super::{codes, passkeys, recovery, totp};

pub(super) use store::STATEMENTS;

use self::store::{HalfWayRow, PersonRow, SealedRow, TotpRow};

/// How long a proof is good for changing what one proves it by.
const RECENT_MS: i64 = 10 * 60_000;
/// How long a new secret waits for its first code.
const WAITS_MS: i64 = 10 * 60_000;

/// What an authenticator needs to know.
struct NewSecret {
    base32: String,
    uri: String,
}

/// A sign-in that has come back with a code, which is to be looked at yet.
pub(super) struct SecondHalf {
    pub(super) account: Account,
    /// What has proved who it is, if it is a code.
    pub(super) proof: Proof,
    sha256: [u8; 32],
    /// What tries are counted under.
    name: [u8; 32],
}

/// What a person has.
struct Owned {
    has_password: bool,
    codes_since_ms: Option<i64>,
    recovery_codes: i64,
    passkeys: i64,
}

/// That a person asks himself, and neither somebody who acts as him nor a program that he has signed in to.
///
/// # Errors
/// 403.
fn check_own(me: &Person) -> Result<(), Problem> {
    if me.acted_by.is_some() {
        let detail = "whoever acts as another person cannot prove that he is that one, nor change how that is done";
        return Err(Problem::new(StatusCode::FORBIDDEN, codes::SESSION_IMPERSONATED, detail));
    }
    if me.client.is_none() {
        return Ok(());
    }
    let detail = "a program that somebody has signed in to cannot prove who that is, nor change how that is done";
    Err(Problem::new(StatusCode::FORBIDDEN, codes::SESSION_OF_CLIENT, detail))
}

/// That somebody has proved of late, and himself, who he is.
///
/// # Errors
/// 403.
pub(crate) fn check_recent(me: &Person, now_ms: i64) -> Result<(), Problem> {
    check_own(me)?;
    if now_ms - me.authenticated_ms <= RECENT_MS {
        return Ok(());
    }
    let detail = "who asks has not proved within the last ten minutes who that is";
    Err(Problem::new(StatusCode::FORBIDDEN, codes::SESSION_STEP_UP_REQUIRED, detail))
}

impl Sessions {
    async fn totp(&self, me: &Person) -> Result<Option<TotpRow>, DbError> {
        self.db.optional(store::TOTP, args![&me.tenant, &me.id]).await
    }

    async fn person(&self, me: &Person) -> Result<PersonRow, Problem> {
        let row: Option<PersonRow> = self.db.optional(store::PERSON, args![&me.tenant, &me.id]).await?;
        Ok(row.ok_or(DbError::NoRow)?)
    }

    async fn owned(&self, me: &Person) -> Result<Owned, Problem> {
        let of = || args![&me.tenant, &me.id];
        let count = |found: Option<(i64,)>| found.map_or(0, |(count,)| count);
        Ok(Owned {
            has_password: self.person(me).await?.hash.is_some(),
            codes_since_ms: self.totp(me).await?.and_then(|row| row.confirmed_ms),
            recovery_codes: count(self.db.optional(store::LEFT, of()).await?),
            passkeys: count(self.db.optional(passkeys::store::COUNT, of()).await?),
        })
    }

    /// Makes a secret that codes will be asked of once a first one has confirmed it.
    async fn begin_totp(&self, me: &Person) -> Result<NewSecret, Problem> {
        let now_ms = (self.clock)();
        check_recent(me, now_ms)?;
        let person = self.person(me).await?;
        let (secret, sealed) = self.keyring.draw().map_err(|error| Problem::internal(&error))?;
        let mut tx = self.db.begin().await?;
        let args = args![&me.tenant, &me.id, sealed.bytes, sealed.is_wrapped, now_ms];
        if tx.execute(store::PUT_TOTP, args).await? == 0 {
            let detail = "codes are asked for already";
            return Err(Problem::conflict(codes::TOTP_ENROLLED, detail));
        }
        tx.commit().await?;
        let base32 = totp::base32(&secret[..totp::SECRET_BYTES]);
        Ok(NewSecret { uri: totp::uri(&base32, &person.email), base32 })
    }

    /// Has codes asked for from now on, and signs the person out everywhere else: nobody stays in who could not come in. New recovery
    /// codes.
    async fn confirm_totp(&self, me: &Person, code: &str) -> Result<Vec<String>, Problem> {
        let now_ms = (self.clock)();
        check_recent(me, now_ms)?;
        let name = name_of((&me.tenant, &me.id));
        self.codes_throttle.enter(name, now_ms).map_err(too_many)?;
        let row = self.totp(me).await?.filter(|row| row.confirmed_ms.is_none() && now_ms - row.created_ms < WAITS_MS);
        let none = || Problem::conflict(codes::TOTP_NOT_BEGUN, "there is no new secret that waits for a code");
        let row = row.ok_or_else(none)?;
        let secret = self.keyring.open(&row.sealed()).map_err(|error| Problem::internal(&error))?;
        let step = totp::step_of(&secret[..totp::SECRET_BYTES], &recovery::normal(code), now_ms, row.last_step);
        let step = step.ok_or_else(|| Problem::invalid("/code", codes::FACTOR_INVALID_CODE, INVALID_CODE))?;
        let mut tx = self.db.begin().await?;
        // Locks the person, so that of sessions that begin meanwhile none is left.
        tx.execute(STAYS, args![&me.tenant, &me.id]).await?;
        if tx.execute(store::CONFIRM, args![&me.tenant, &me.id, row.secret, now_ms, step]).await? == 0 {
            return Err(none());
        }
        let all = new_codes(&mut tx, me).await?;
        // The code proves it, too: whoever needed one is in from now on.
        let session: Option<SessionRow> = tx.optional(BY_ID, args![&me.session]).await?;
        if let Some(session) = session {
            let proof = session.proof().and(CODE, now_ms);
            tx.execute(PROVE, args![&me.tenant, &me.id, &me.session, proof.text(), proof.at_ms]).await?;
        }
        tx.execute(END_OTHERS, args![&me.tenant, &me.id, &me.session]).await?;
        tell(&mut tx, &me.tenant, ("user.totp_added", &me.id), json!({ "id": me.id }), now_ms).await?;
        self.notify(&mut tx, (&me.tenant, &me.id), &About::FactorAdded { factor: Factor::Codes }).await?;
        tx.commit().await?;
        self.codes_throttle.leave(&name);
        Ok(all)
    }

    /// Has no code asked for any more.
    async fn remove_totp(&self, me: &Person) -> Result<(), Problem> {
        let now_ms = (self.clock)();
        check_recent(me, now_ms)?;
        let mut tx = self.db.begin().await?;
        if tx.execute(store::DROP_TOTP, args![&me.tenant, &me.id]).await? == 0 {
            return Err(no_totp());
        }
        tx.execute(store::DROP_CODES, args![&me.tenant, &me.id]).await?;
        tell(&mut tx, &me.tenant, ("user.totp_removed", &me.id), json!({ "id": me.id }), now_ms).await?;
        self.notify(&mut tx, (&me.tenant, &me.id), &About::FactorRemoved { factor: Factor::Codes }).await?;
        Ok(tx.commit().await?)
    }

    /// Ten new recovery codes, in the place of those that are left.
    async fn replace_codes(&self, me: &Person) -> Result<Vec<String>, Problem> {
        let now_ms = (self.clock)();
        check_recent(me, now_ms)?;
        self.totp(me).await?.filter(|row| row.confirmed_ms.is_some()).ok_or_else(no_totp)?;
        let mut tx = self.db.begin().await?;
        let all = new_codes(&mut tx, me).await?;
        let data = json!({ "id": me.id });
        tell(&mut tx, &me.tenant, ("user.recovery_codes_replaced", &me.id), data, now_ms).await?;
        tx.commit().await?;
        Ok(all)
    }

    /// Ends what a password or a link has begun: the session begins.
    async fn finish(&self, token: &str, code: &str, user_agent: Option<String>) -> Result<Tokens, Problem> {
        let half = self.second_half(token, "").await?;
        let begun = self.prepare(&half.account, &half.proof, None).await?;
        let mut tx = self.db.begin().await?;
        let admitted = admit(&mut tx, &half.account, &half.proof).await?.ok_or_else(invalid_credentials)?;
        self.settle_code(&mut tx, &half, code).await?;
        let tokens = self.begin(&mut tx, &admitted, begun, user_agent).await?;
        tx.commit().await?;
        self.forgive(&half);
        Ok(tokens)
    }

    /// The sign-in that waits for a code with this token and what that is bound to. It counts as a try, which [`forgive`](Self::forgive)
    /// takes back.
    pub(super) async fn second_half(&self, token: &str, bound: &str) -> Result<SecondHalf, Problem> {
        let now_ms = (self.clock)();
        secret::id(secret::HALF_WAY, token).ok_or_else(ended)?;
        let sha256 = secret::bound(token, bound);
        let row: Option<HalfWayRow> = self.db.optional(store::HALF_WAY, args![&sha256[..], now_ms]).await?;
        let row = row.ok_or_else(ended)?;
        check_tenant(&row.tenant_state)?;
        let account = Account::stored(&row.tenant_id, &row.user_id)?;
        let name = name_of((&account.tenant, &account.user));
        self.codes_throttle.enter(name, now_ms).map_err(too_many)?;
        let proof = Proof::stored(&row.methods, now_ms).and(CODE, now_ms);
        Ok(SecondHalf { account, proof, sha256, name })
    }

    /// Uses up the token and the code, if it is one.
    pub(super) async fn settle_code(&self, tx: &mut Tx, half: &SecondHalf, code: &str) -> Result<(), Problem> {
        let Account { tenant, user } = &half.account;
        let of = Of { tenant, user: Some(user) };
        if !challenge::take(tx, of, Purpose::Code(&[]), &half.sha256, (self.clock)()).await? {
            return Err(ended());
        }
        if !self.spend(tx, (tenant, user), code).await? {
            return Err(unauthorized(codes::FACTOR_INVALID_CODE, INVALID_CODE));
        }
        Ok(())
    }

    /// Forgets the tries of whoever has come in.
    pub(super) fn forgive(&self, half: &SecondHalf) {
        self.codes_throttle.leave(&half.name);
    }

    /// Uses a code of either kind; whether it was one. It is only used up if the transaction is.
    async fn spend(&self, tx: &mut Tx, (tenant, user): (&TenantId, &str), code: &str) -> Result<bool, Problem> {
        let (now_ms, code) = ((self.clock)(), recovery::normal(code));
        if !totp::is_code(&code) {
            let sha256 = recovery::sha256(&code);
            let is_it = tx.execute(store::SPEND_CODE, args![tenant, user, &sha256[..]]).await? == 1;
            if is_it {
                let left: Option<(i64,)> = tx.optional(store::LEFT, args![tenant, user]).await?;
                let data = json!({ "id": user, "left": left.map_or(0, |(left,)| left) });
                tell(tx, tenant, ("user.recovery_code_used", user), data, now_ms).await?;
            }
            return Ok(is_it);
        }
        let row: Option<TotpRow> = tx.optional(store::TOTP, args![tenant, user]).await?;
        let Some(row) = row.filter(|row| row.confirmed_ms.is_some()) else { return Ok(false) };
        let secret = self.keyring.open(&row.sealed()).map_err(|error| Problem::internal(&error))?;
        let step = totp::step_of(&secret[..totp::SECRET_BYTES], &code, now_ms, row.last_step);
        let Some(step) = step else { return Ok(false) };
        Ok(tx.execute(store::SPEND_STEP, args![tenant, user, step]).await? == 1)
    }

    /// Wraps every secret of codes under the current key-encryption key; how many were not.
    pub(super) async fn rewrap_codes(&self) -> Result<u64, SigningKeyError> {
        let (mut after, mut changed) = ((String::new(), String::new()), 0);
        loop {
            let rows: Vec<SealedRow> = self.db.all(store::SEALED, args![&after.0, &after.1]).await?;
            let Some(last) = rows.last() else { return Ok(changed) };
            after = (last.tenant_id.clone(), last.user_id.clone());
            for SealedRow { tenant_id, user_id, secret, is_wrapped } in rows {
                let was = kernel::Sealed { bytes: secret, is_wrapped };
                let Some(now) = self.keyring.resealed(&was)? else { continue };
                let mut tx = self.db.begin().await?;
                let args = args![tenant_id, user_id, now.bytes, now.is_wrapped, was.bytes];
                changed += tx.execute(store::RESEAL, args).await?;
                tx.commit().await?;
            }
        }
    }
}

const INVALID_CODE: &str = "it is no code that holds now, or it was used already";

fn ended() -> Problem {
    unauthorized(codes::SESSION_INVALID_CODE_TOKEN, "no sign-in waits for a code with this token")
}

/// What tries of a person's codes are counted under.
fn name_of((tenant, user): (&TenantId, &str)) -> [u8; 32] {
    secret::sha256(&format!("code\0{tenant}\0{user}"))
}

fn no_totp() -> Problem {
    Problem::not_found(codes::TOTP_NOT_FOUND, "no codes of an authenticator are asked for")
}

async fn new_codes(tx: &mut Tx, me: &Person) -> Result<Vec<String>, Problem> {
    let all = recovery::draw().map_err(|error| Problem::internal(&error))?;
    tx.execute(store::DROP_CODES, args![&me.tenant, &me.id]).await?;
    for code in &all {
        let sha256 = recovery::sha256(&recovery::normal(code));
        tx.execute(store::PUT_CODE, args![&me.tenant, &me.id, &sha256[..]]).await?;
    }
    Ok(all)
}

/// Takes from a person all that he proves who he is by but his password.
pub(crate) async fn reset(tx: &mut Tx, tenant: &TenantId, user: &str) -> Result<(), DbError> {
    for statement in [store::DROP_ANY_TOTP, store::DROP_CODES, store::DROP_PASSKEYS, store::DROP_IDENTITIES] {
        tx.execute(statement, args![tenant, user]).await?;
    }
    Ok(())
}
