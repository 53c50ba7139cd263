//! To a provider and back: by a code with Proof Key for Code Exchange, a state and a nonce (RFC 9700 §2.1, §4.4).
//!
//! The state is all that has to be remembered, as a hash: the nonce follows from it, and the verifier from it and from what only the browser
//! or the program knows that has sent somebody.

use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use database::{DbError, Tx, args};
use kernel::{Person, Problem};
use media_types::TenantId;
use postbox::{About, Factor};
use serde_json::json;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use url::Url;
use uuid::Uuid;

use super::id_token::{Expected, Said, Unverified};
use super::outside::Exchange;
use super::store::{self, ProviderRow, WaitingRow};
use super::{CALLBACK, Federation};
use crate::auth::codes;
use crate::auth::policy::Rules;
use crate::auth::secret;
use crate::auth::sessions::{Account, tell, tenant_id};
use crate::user;
use crate::user::model::normal_email;

/// How long somebody has to come back.
pub(super) const HOLDS_MS: i64 = 10 * 60_000;

/// What somebody is sent to a provider for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::auth) enum Purpose<'a> {
    /// To sign in at the page, where a client has asked for this.
    Page(&'a str),
    /// To sign in with a program that asks for it here.
    Program,
    /// To say that it is he, who has signed in.
    Link(&'a str),
}

impl Purpose<'_> {
    const fn as_str(&self) -> &'static str {
        match self {
            Self::Page(_) => "page",
            Self::Program => "program",
            Self::Link(_) => "link",
        }
    }
}

/// What a provider sends somebody back with.
#[derive(Clone, Copy, Debug)]
pub(in crate::auth) struct Returned<'a> {
    pub(in crate::auth) state: &'a str,
    pub(in crate::auth) code: Option<&'a str>,
    /// Whom it is from (RFC 9207).
    pub(in crate::auth) iss: Option<&'a str>,
}

/// Somebody who was sent to a provider, and is back or not.
pub(in crate::auth) struct Waiting(WaitingRow);

impl Waiting {
    /// What he was sent for.
    pub(in crate::auth) fn purpose(&self) -> Purpose<'_> {
        match (self.0.purpose.as_str(), &self.0.user_id) {
            ("page", _) => Purpose::Page(&self.0.asked),
            (_, Some(user)) => Purpose::Link(user),
            _ => Purpose::Program,
        }
    }
}

/// Whom a provider has said that somebody is, and in whose eyes.
pub(super) struct Proved {
    pub(super) tenant: TenantId,
    pub(super) provider: ProviderRow,
    pub(super) said: Said,
}

impl Federation {
    /// Where a browser is sent to; whoever knows `bound` can come back.
    pub(in crate::auth) async fn leave(
        &self,
        (tenant, of): (&TenantId, &ProviderRow),
        purpose: Purpose<'_>,
        bound: &str,
        login_hint: Option<&str>,
    ) -> Result<String, Problem> {
        let back = self.callback()?;
        let now_ms = self.now_ms();
        let known = self.sessions.outside.known(&of.issuer, now_ms).await?;
        let state = secret::random().map_err(|error| Problem::internal(&error))?;
        let asked = if let Purpose::Page(asked) = purpose { asked } else { "" };
        let user = if let Purpose::Link(user) = purpose { Some(user) } else { None };
        let mut tx = self.db().begin().await?;
        tx.execute(store::SWEEP, args![now_ms]).await?;
        tx.execute(store::TRIM, args![tenant]).await?;
        let (state_sha256, bound_sha256) = (secret::sha256(&state), secret::sha256(bound));
        let args = args![
            tenant,
            &state_sha256[..],
            &of.id,
            purpose.as_str(),
            &bound_sha256[..],
            asked,
            user,
            now_ms + HOLDS_MS
        ];
        tx.execute(store::WAIT, args).await?;
        tx.commit().await?;
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier(&state, bound)));
        let mut address =
            Url::parse(&known.metadata.authorization_endpoint).map_err(|error| Problem::internal(&error))?;
        address
            .query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &of.client_id)
            .append_pair("redirect_uri", &back)
            .append_pair("scope", &of.scopes.0.join(" "))
            .append_pair("state", &state)
            .append_pair("nonce", &nonce(&state))
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256")
            .extend_pairs(login_hint.map(|hint| ("login_hint", hint)));
        Ok(address.into())
    }

    fn callback(&self) -> Result<String, Problem> {
        let detail = "nobody has said at which address this installation is reached";
        let address = self.address.as_ref().ok_or_else(|| Problem::not_found(codes::OIDC_NOT_CONFIGURED, detail))?;
        Ok(address.at(CALLBACK))
    }

    /// Whoever was sent away with this state, and has not come back.
    pub(in crate::auth) async fn waiting(&self, state: &str) -> Result<Waiting, Problem> {
        let hash = secret::sha256(state);
        let found: Option<WaitingRow> = self.db().optional(store::WAITING, args![&hash[..], self.now_ms()]).await?;
        found.map(Waiting).ok_or_else(over)
    }

    /// Whom the provider says that somebody is who has come back. It holds once, whatever comes of it.
    pub(super) async fn proved(
        &self,
        waiting: &Waiting,
        returned: Returned<'_>,
        bound: &str,
    ) -> Result<Proved, Problem> {
        let row = &waiting.0;
        let now_ms = self.now_ms();
        if !bool::from(row.bound_sha256.as_slice().ct_eq(&secret::sha256(bound))) {
            return Err(over());
        }
        let mut tx = self.db().begin().await?;
        let taken = tx.execute(store::TAKE, args![&row.tenant_id, row.state_sha256.clone(), now_ms]).await?;
        tx.commit().await?;
        if taken == 0 {
            return Err(over());
        }
        let tenant = tenant_id(&row.tenant_id)?;
        let provider = self.open(&tenant, &row.provider_id).await?;
        let known = self.sessions.outside.known(&provider.issuer, now_ms).await?;
        let is_from_it = match returned.iss {
            Some(iss) => iss == provider.issuer,
            None => !known.metadata.authorization_response_iss_parameter_supported,
        };
        if !is_from_it {
            return Err(refused("the answer is another provider's"));
        }
        let code = returned.code.ok_or_else(|| refused("the provider has let nobody in"))?;
        let secret = provider.secret(&self.sessions.keyring)?;
        let exchange = Exchange {
            client: &provider.client_id,
            secret: secret.as_ref().map(|secret| secret.as_str()),
            code,
            redirect_uri: &self.callback()?,
            verifier: &verifier(returned.state, bound),
        };
        let token = self.sessions.outside.exchanged(&known.metadata, exchange).await?;
        let token = token.ok_or_else(|| refused("the provider gives nothing for the code"))?;
        let fault = |fault: super::id_token::Fault| refused(&fault.to_string());
        let unverified = Unverified::read(&token).map_err(fault)?;
        let wanted = (unverified.kid.as_deref(), unverified.algorithm);
        let key = self.sessions.outside.key(&known, wanted, now_ms).await?;
        let key = key.ok_or(super::id_token::Fault::Key).map_err(fault)?;
        let expected = Expected {
            issuer: &provider.issuer,
            client: &provider.client_id,
            nonce: &nonce(returned.state),
            now_s: now_ms.div_euclid(1000),
        };
        let said = unverified.verify(&key, expected).map_err(fault)?;
        Ok(Proved { tenant, provider, said })
    }

    /// Who it is that has come back: the person with that identity, or whose address the provider is believed about.
    ///
    /// # Errors
    /// As [`proved`](Self::proved), and where it is nobody who may sign in.
    pub(in crate::auth) async fn come_back(
        &self,
        waiting: &Waiting,
        returned: Returned<'_>,
        bound: &str,
    ) -> Result<Account, Problem> {
        let Proved { tenant, provider, said } = self.proved(waiting, returned, bound).await?;
        let now_ms = self.now_ms();
        let mut tx = self.db().begin().await?;
        let subject = || args![&tenant, &provider.id, &said.subject];
        let found: Option<(String,)> = tx.optional(store::OF_SUBJECT, subject()).await?;
        let user = match found {
            Some((user,)) => user,
            None => self.by_address(&mut tx, (&tenant, &provider), &said).await?,
        };
        tx.execute(store::USED, args![&tenant, &provider.id, &said.subject, now_ms]).await?;
        tx.commit().await?;
        Ok(Account { tenant, user })
    }

    /// The person whose address the provider has found out to be his, if it is believed about that; he has an identity there from now on.
    /// Where there is none one is made, if the provider may.
    async fn by_address(
        &self,
        tx: &mut Tx,
        (tenant, provider): (&TenantId, &ProviderRow),
        said: &Said,
    ) -> Result<String, Problem> {
        let email = said.email.as_deref().and_then(normal_email).ok_or_else(nobody)?;
        let domain = email.rsplit_once('@').map(|(_, domain)| domain).unwrap_or_default();
        let rules = Rules::within(tx, tenant).await?;
        if !rules.admit(&email) || !provider.domains.0.iter().any(|known| known == domain) {
            return Err(nobody());
        }
        let found: Option<(String,)> = tx.optional(store::OF_EMAIL, args![tenant, &email]).await?;
        let was_there = found.is_some();
        let user = match found {
            Some((user,)) => {
                // Whoever has the address now at the provider is not he who had it before.
                let known: Option<(String,)> =
                    tx.optional(store::HAS_IDENTITY, args![tenant, &provider.id, &user]).await?;
                if known.is_some() {
                    return Err(nobody());
                }
                user
            }
            None if provider.provisions => {
                let known: Option<(String,)> = tx.optional(store::ANYBODY, args![tenant, &email]).await?;
                if known.is_some() {
                    return Err(nobody());
                }
                // What others call somebody may be nothing that is a name here.
                let name =
                    said.name.clone().and_then(|name| user::model::name(name).ok()).unwrap_or_else(|| email.clone());
                let (locale, time_zone) = ("en".to_owned(), "UTC".to_owned());
                let arriving = user::Arriving { email: email.clone(), name, locale, time_zone };
                user::arrive(tx, tenant, arriving, (&provider.id, self.now_ms())).await?
            }
            None => return Err(nobody()),
        };
        link(tx, (tenant, &provider.id, &said.subject), &user, self.now_ms()).await?;
        if was_there {
            self.sessions.notify(tx, (tenant, &user), &ADDED).await?;
        }
        Ok(user)
    }

    /// Makes what a provider says somebody is an identity of his who has signed in.
    pub(super) async fn link_to(&self, me: &Person, proved: &Proved) -> Result<(), Problem> {
        let now_ms = self.now_ms();
        let mut tx = self.db().begin().await?;
        link(&mut tx, (&me.tenant, &proved.provider.id, &proved.said.subject), &me.id, now_ms).await?;
        self.sessions.notify(&mut tx, (&me.tenant, &me.id), &ADDED).await?;
        Ok(tx.commit().await?)
    }
}

/// What a person is told who has one more identity.
const ADDED: About = About::FactorAdded { factor: Factor::Provider };
/// Identities of a person.
const MAX_IDENTITIES: i64 = 20;

async fn link(
    tx: &mut Tx,
    (tenant, provider, subject): (&TenantId, &str, &str),
    user: &str,
    now_ms: i64,
) -> Result<(), Problem> {
    let (count,): (i64,) = tx.optional(store::COUNT_IDENTITIES, args![tenant, user]).await?.ok_or(DbError::NoRow)?;
    if count >= MAX_IDENTITIES {
        let detail = format!("there are {MAX_IDENTITIES} identities already");
        return Err(Problem::conflict(codes::IDENTITY_TOO_MANY, detail));
    }
    let id = format!("idn_{}", Uuid::now_v7().simple());
    match tx.execute(store::LINK, args![tenant, &id, provider, subject, user, now_ms]).await {
        Err(error) if error.is_unique_violation() => {
            return Err(Problem::conflict(codes::IDENTITY_TAKEN, "the provider knows a person by this already"));
        }
        made => made?,
    };
    let data = json!({ "id": user, "identity_id": id, "provider_id": provider });
    Ok(tell(tx, tenant, ("user.identity_added", user), data, now_ms).await?)
}

/// What an ID token has to repeat.
fn nonce(state: &str) -> String {
    URL_SAFE_NO_PAD.encode(secret::sha256(&format!("nonce\0{state}")))
}

/// What a code is good with alone (RFC 7636 §4.1).
fn verifier(state: &str, bound: &str) -> String {
    URL_SAFE_NO_PAD.encode(secret::sha256(&format!("verifier\0{state}\0{bound}")))
}

/// The same whether nobody was sent away with it, or not from here, or he is back already.
fn over() -> Problem {
    let detail = "nobody was sent to a provider from here who is still to come back with this";
    Problem::bad_request(codes::PROVIDER_SIGN_IN_INVALID, detail)
}

fn refused(detail: &str) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, codes::PROVIDER_SIGN_IN_REFUSED, detail)
}

pub(in crate::auth) fn nobody() -> Problem {
    let detail = "the provider has let somebody in who has no account here";
    Problem::new(StatusCode::FORBIDDEN, codes::PROVIDER_SIGN_IN_NOBODY, detail)
}
