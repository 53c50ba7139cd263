//! Passkeys (Web Authentication Level 3): keys that a device or a person's account at a vendor keeps, and that it signs with once it has
//! verified him. One alone lets him in.
//!
//! What browsers and authenticators say is read and checked by the crate `webauthn`. `signature`: whether a key has signed that.
//! `store`: the table. `routes`: `/api/v1/auth/passkeys`, and signing in. `views`: their JSON.

pub(super) mod routes;
mod signature;
pub(super) mod store;
pub(super) mod views;

use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use database::{DbError, Tx, args};
use kernel::{Person, Problem, default_tenant, text};
use postbox::{About, Factor};
use serde_json::json;
use sha2::{Digest, Sha256};
use uuid::Uuid;
use webauthn::{ClientData, Known, Refusal, Registered};

use super::challenge::{self, Of, Purpose};
use super::codes;
use super::factors::check_recent;
use super::proof::{BOUND_PASSKEY, Proof, SYNCED_PASSKEY};
use super::sessions::store::STAYS;
use super::sessions::{Account, Sessions, Tokens, admit, check_tenant, invalid_credentials, tell, unauthorized};

pub(super) use store::STATEMENTS;

use self::store::{PasskeyRow, ShownRow};
use self::views::{CreationOptions, PUBLIC_KEY, PasskeyAssertion, PasskeyRegistration, PasskeyRequest, RequestOptions};

const MAX_PASSKEYS: i64 = 20;
const MAX_NAME: usize = 100;
const CHALLENGE_BYTES: usize = 32;

database::row! {
    /// A person as browsers show him (Web Authentication §5.4.3).
    struct UserEntity {
        email: String,
        name: String,
    }
}

/// What somebody claims to be by a passkey that has signed so. It holds once it is settled.
pub(super) struct Claim {
    pub(super) account: Account,
    /// The words for it in tokens.
    pub(super) methods: &'static [&'static str],
    passkey: String,
    challenge_sha256: [u8; 32],
    /// As it was, and as it is.
    counter: (i64, i64),
    is_backed_up: bool,
}

impl Sessions {
    /// What a browser makes a passkey of this person by.
    async fn begin_passkey(&self, me: &Person) -> Result<CreationOptions, Problem> {
        let now_ms = (self.clock)();
        check_recent(me, now_ms)?;
        let person: Option<UserEntity> = self.db.optional(store::PERSON, args![&me.tenant, &me.id]).await?;
        let person = person.ok_or(DbError::NoRow)?;
        let known = self.passkeys(me).await?;
        let challenge = draw()?;
        let of = Of { tenant: &me.tenant, user: Some(&me.id) };
        let mut tx = self.db.begin().await?;
        challenge::put(&mut tx, of, Purpose::Register, &sha256(&challenge), now_ms).await?;
        tx.commit().await?;
        Ok(CreationOptions::new(&self.party, &me.id, person, &challenge, &known))
    }

    /// Keeps a passkey that a browser has made.
    async fn add_passkey(&self, me: &Person, request: PasskeyRequest) -> Result<PasskeyRow, Problem> {
        let now_ms = (self.clock)();
        check_recent(me, now_ms)?;
        let PasskeyRequest { name, credential } = request;
        let name = named(name)?;
        let (registered, challenge) = self
            .registered(&credential)
            .map_err(|refusal| Problem::invalid("/credential", codes::PASSKEY_REFUSED, refusal.to_string()))?;
        let mut tx = self.db.begin().await?;
        let of = Of { tenant: &me.tenant, user: Some(&me.id) };
        if !challenge::take(&mut tx, of, Purpose::Register, &sha256(&challenge), now_ms).await? {
            return Err(Problem::invalid("/credential", codes::PASSKEY_REFUSED, Refusal::Challenge.to_string()));
        }
        // Locks the person, so that of two none is the 21st.
        tx.execute(STAYS, args![&me.tenant, &me.id]).await?;
        let (count,): (i64,) = tx.optional(store::COUNT, args![&me.tenant, &me.id]).await?.ok_or(DbError::NoRow)?;
        if count >= MAX_PASSKEYS {
            let detail = format!("there are {MAX_PASSKEYS} passkeys already");
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, codes::PASSKEY_TOO_MANY, detail));
        }
        let row = insert(&mut tx, me, name, registered, now_ms).await?;
        let data = json!({ "id": me.id, "passkey_id": row.id });
        tell(&mut tx, &me.tenant, ("user.passkey_added", &me.id), data, now_ms).await?;
        self.notify(&mut tx, (&me.tenant, &me.id), &About::FactorAdded { factor: Factor::Passkey }).await?;
        tx.commit().await?;
        Ok(row)
    }

    /// A new passkey, if it is one, and what its browser was challenged with: whether that was asked here, is for the table to say.
    fn registered(&self, credential: &PasskeyRegistration) -> Result<(Registered, Vec<u8>), Refusal> {
        let client_data = bytes(&credential.response.client_data).ok_or(Refusal::ClientData)?;
        let object = bytes(&credential.response.attestation_object).ok_or(Refusal::Attestation)?;
        let challenge = ClientData::read(&client_data)?.challenge;
        let registered = webauthn::register(&self.party, &challenge, &client_data, &object)?;
        let is_it = credential.kind == PUBLIC_KEY && bytes(&credential.id).as_ref() == Some(&registered.credential_id);
        if is_it { Ok((registered, challenge)) } else { Err(Refusal::Attestation) }
    }

    /// Those of a person, the oldest first.
    async fn passkeys(&self, me: &Person) -> Result<Vec<PasskeyRow>, DbError> {
        self.db.all(store::LIST, args![&me.tenant, &me.id]).await
    }

    async fn rename_passkey(&self, me: &Person, id: &str, name: String) -> Result<PasskeyRow, Problem> {
        let name = named(name)?;
        let mut tx = self.db.begin().await?;
        let row = tx.optional(store::RENAME, args![&me.tenant, &me.id, id, name]).await?.ok_or_else(missing)?;
        tx.commit().await?;
        Ok(row)
    }

    async fn delete_passkey(&self, me: &Person, id: &str) -> Result<(), Problem> {
        let now_ms = (self.clock)();
        check_recent(me, now_ms)?;
        let mut tx = self.db.begin().await?;
        if tx.execute(store::DELETE, args![&me.tenant, &me.id, id]).await? == 0 {
            return Err(missing());
        }
        let data = json!({ "id": me.id, "passkey_id": id });
        tell(&mut tx, &me.tenant, ("user.passkey_removed", &me.id), data, now_ms).await?;
        self.notify(&mut tx, (&me.tenant, &me.id), &About::FactorRemoved { factor: Factor::Passkey }).await?;
        Ok(tx.commit().await?)
    }

    /// What a browser asks for a passkey by, whosever that is.
    async fn challenge(&self) -> Result<RequestOptions, Problem> {
        let challenge = draw()?;
        let of = Of { tenant: &default_tenant(), user: None };
        let mut tx = self.db.begin().await?;
        challenge::put(&mut tx, of, Purpose::SignIn, &sha256(&challenge), (self.clock)()).await?;
        tx.commit().await?;
        Ok(RequestOptions::new(&self.party, &challenge))
    }

    /// Begins the session of the person whose passkey that is.
    async fn sign_in_by(&self, assertion: &PasskeyAssertion, user_agent: Option<String>) -> Result<Tokens, Problem> {
        let claim = self.claim(assertion).await?;
        let proof = Proof::new(claim.methods, (self.clock)());
        let begun = self.prepare(&claim.account, &proof, None).await?;
        let mut tx = self.db.begin().await?;
        let admitted = admit(&mut tx, &claim.account, &proof).await?.ok_or_else(invalid_credentials)?;
        self.settle(&mut tx, &claim).await?;
        let tokens = self.begin(&mut tx, &admitted, begun, user_agent).await?;
        tx.commit().await?;
        Ok(tokens)
    }

    /// Whose passkey this is, if it has signed what it has to. A counter that does not go on is told by an event: two have the passkey.
    pub(super) async fn claim(&self, assertion: &PasskeyAssertion) -> Result<Claim, Problem> {
        let response = &assertion.response;
        let credential_id = bytes(&assertion.id).filter(|_| assertion.kind == PUBLIC_KEY);
        let user = response.user_handle.as_deref().and_then(bytes).and_then(|id| String::from_utf8(id).ok());
        // NUL is what PostgreSQL takes for no text.
        let (Some(credential_id), Some(user)) = (credential_id, user.filter(|id| !id.contains('\0'))) else {
            return Err(refused("it is no passkey that says whose it is"));
        };
        let shown: Option<ShownRow> = self.db.optional(store::SHOWN, args![credential_id, user]).await?;
        let row = shown.ok_or_else(|| refused("there is no such passkey here, or its person may not sign in"))?;
        let part = |text: &str, refusal: Refusal| bytes(text).ok_or_else(|| refused(&refusal.to_string()));
        let client_data = part(&response.client_data, Refusal::ClientData)?;
        let data = part(&response.authenticator_data, Refusal::AuthenticatorData)?;
        let signature = bytes(&response.signature).unwrap_or_default();
        let known = Known { public_key: &row.public_key, is_backup_eligible: row.is_backup_eligible };
        let challenge = ClientData::read(&client_data).map_err(|refusal| refused(&refusal.to_string()))?.challenge;
        let asserted = webauthn::assert(&self.party, &challenge, &client_data, &data, known);
        let asserted = asserted.map_err(|refusal| refused(&refusal.to_string()))?;
        if !signature::holds(&asserted.public_key, &asserted.signed, &signature) {
            return Err(refused("the passkey has not signed that"));
        }
        check_tenant(&row.tenant_state)?;
        let claim = Claim {
            account: Account::stored(&row.tenant_id, &row.user_id)?,
            methods: if row.is_backup_eligible { SYNCED_PASSKEY } else { BOUND_PASSKEY },
            passkey: row.id,
            challenge_sha256: sha256(&challenge),
            counter: (row.counter, i64::from(asserted.counter)),
            is_backed_up: asserted.is_backed_up,
        };
        if webauthn::goes_on(u32::try_from(row.counter).unwrap_or(u32::MAX), asserted.counter) {
            return Ok(claim);
        }
        Err(self.copied(&claim).await?)
    }

    /// Uses up the challenge and counts the use, unless somebody else has just done so.
    pub(super) async fn settle(&self, tx: &mut Tx, claim: &Claim) -> Result<(), Problem> {
        let now_ms = (self.clock)();
        let of = Of { tenant: &default_tenant(), user: None };
        if !challenge::take(tx, of, Purpose::SignIn, &claim.challenge_sha256, now_ms).await? {
            return Err(refused(&Refusal::Challenge.to_string()));
        }
        let Claim { account: Account { tenant, user }, passkey, counter: (before, now), is_backed_up, .. } = claim;
        let args = args![tenant, user, passkey, *before, *now, *is_backed_up, now_ms];
        if tx.execute(store::USED, args).await? == 0 {
            return Err(refused("the passkey has just been used elsewhere"));
        }
        Ok(())
    }

    /// Tells that two have a passkey, once for each time that it is shown; the refusal.
    async fn copied(&self, claim: &Claim) -> Result<Problem, Problem> {
        let now_ms = (self.clock)();
        let of = Of { tenant: &default_tenant(), user: None };
        let mut tx = self.db.begin().await?;
        if !challenge::take(&mut tx, of, Purpose::SignIn, &claim.challenge_sha256, now_ms).await? {
            return Ok(refused(&Refusal::Challenge.to_string()));
        }
        let Account { tenant, user } = &claim.account;
        let data = json!({ "id": user, "passkey_id": claim.passkey });
        tell(&mut tx, tenant, ("user.passkey_copied", user), data, now_ms).await?;
        tx.commit().await?;
        tracing::warn!(passkey = %claim.passkey, "the counter of a passkey did not go on: two have it");
        Ok(refused("the passkey was used elsewhere, where it should not be"))
    }
}

async fn insert(
    tx: &mut Tx,
    me: &Person,
    name: String,
    registered: Registered,
    now_ms: i64,
) -> Result<PasskeyRow, Problem> {
    let known = || Problem::conflict(codes::PASSKEY_KNOWN, "the passkey is known here already");
    let found: Option<(String,)> = tx.optional(store::KNOWN, args![&registered.credential_id[..]]).await?;
    if found.is_some() {
        return Err(known());
    }
    let Registered { credential_id, public_key, counter, is_backup_eligible, is_backed_up } = registered;
    let args = args![
        &me.tenant,
        format!("psk_{}", Uuid::now_v7().simple()),
        &me.id,
        name,
        credential_id,
        public_key,
        i64::from(counter),
        is_backup_eligible,
        is_backed_up,
        now_ms
    ];
    match tx.optional(store::INSERT, args).await {
        Err(error) if error.is_unique_violation() => Err(known()),
        made => Ok(made?.ok_or(DbError::NoRow)?),
    }
}

fn named(name: String) -> Result<String, Problem> {
    text::check(&name, 1..=MAX_NAME)
        .map_err(|detail| Problem::invalid("/name", codes::PASSKEY_INVALID_NAME, detail))?;
    Ok(name)
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

fn sha256(challenge: &[u8]) -> [u8; 32] {
    Sha256::digest(challenge).into()
}

fn draw() -> Result<[u8; CHALLENGE_BYTES], Problem> {
    let mut challenge = [0; CHALLENGE_BYTES];
    getrandom::fill(&mut challenge).map_err(|error| Problem::internal(&std::io::Error::other(error)))?;
    Ok(challenge)
}

fn missing() -> Problem {
    Problem::not_found(codes::PASSKEY_NOT_FOUND, "there is no such passkey of yours")
}

fn refused(detail: &str) -> Problem {
    unauthorized(codes::PASSKEY_REFUSED, detail)
}
