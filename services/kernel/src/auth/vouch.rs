//! What a gateway says of the token that a request came with, so that the unit behind it need not ask the database for that again.
//!
//! It goes with the token and not in its place: whoever has one without the other has nothing by it. It counts for as long as the
//! gateway's own knowledge does, and for one request to one unit.

use std::sync::Arc;
use std::time::Duration;

use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use hmac::{Hmac, KeyInit, Mac};
use media_types::TenantId;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::known::FRESH;
use crate::principal::{ApiKey, Holder, Person};
use crate::{Clock, Grants, Principal};

/// Whom a token is from, as JSON.
const IDENTITY: HeaderName = HeaderName::from_static("lectern-identity");
/// HMAC-SHA256 of that and of what it is for, in hexadecimal.
const SIGNATURE: HeaderName = HeaderName::from_static("lectern-identity-signature");
/// What is longer is not said, and the unit asks by itself.
const MAX_BYTES: usize = 4096;
/// By so much the clocks of two processes may differ.
const SKEW_MS: i64 = 500;

/// Signs what a gateway knows of tokens, and believes what is signed so. Cloning it is cheap.
#[derive(Clone)]
pub struct Vouching(Arc<Inner>);

struct Inner {
    secrets: Vec<Zeroizing<[u8; 32]>>,
    clock: Clock,
}

/// A request, as far as what is said of its token is for it alone.
pub(super) struct Errand<'a> {
    pub(super) unit: &'a str,
    pub(super) method: &'a Method,
    pub(super) uri: &'a Uri,
}

/// What was said of a token, for the request that it goes with.
#[derive(Clone)]
pub struct Vouched {
    identity: HeaderValue,
    signature: HeaderValue,
}

impl Vouched {
    /// Says it.
    pub fn tell(self, headers: &mut HeaderMap) {
        headers.insert(IDENTITY, self.identity);
        headers.insert(SIGNATURE, self.signature);
    }
}

#[derive(Serialize, Deserialize)]
struct Statement {
    /// SHA-256 of the token, in hexadecimal.
    token: String,
    /// When that was known.
    asked_ms: i64,
    is_suspended: bool,
    who: Who,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Who {
    Key {
        id: String,
        tenant: TenantId,
        grants: Grants,
        expires_ms: Option<i64>,
    },
    Person {
        id: String,
        tenant: TenantId,
        grants: Grants,
        lasting: Grants,
        session: String,
        client: Option<String>,
        acted_by: Option<String>,
        authenticated_ms: i64,
    },
}

impl Who {
    fn of(principal: &Principal) -> Option<Self> {
        match principal {
            Principal::Key(key) => {
                let ApiKey { id, tenant, grants, expires_ms } = (**key).clone();
                Some(Self::Key { id, tenant, grants, expires_ms })
            }
            Principal::Person(person) => {
                let Person { id, tenant, grants, lasting, session, client, acted_by, authenticated_ms } =
                    (**person).clone();
                Some(Self::Person { id, tenant, grants, lasting, session, client, acted_by, authenticated_ms })
            }
            Principal::Nobody | Principal::Operator { .. } | Principal::Service => None,
        }
    }

    fn principal(self) -> Principal {
        match self {
            Self::Key { id, tenant, grants, expires_ms } => {
                Principal::Key(Arc::new(ApiKey { id, tenant, grants, expires_ms }))
            }
            Self::Person { id, tenant, grants, lasting, session, client, acted_by, authenticated_ms } => {
                let person = Person { id, tenant, grants, lasting, session, client, acted_by, authenticated_ms };
                Principal::Person(Arc::new(person))
            }
        }
    }
}

impl Vouching {
    /// By secrets that all processes of an installation have, the current one first, then former ones, on their common clock. Nothing
    /// without a secret.
    pub fn new(secrets: impl IntoIterator<Item = Zeroizing<[u8; 32]>>, clock: Clock) -> Option<Self> {
        let secrets: Vec<_> = secrets.into_iter().collect();
        (!secrets.is_empty()).then(|| Self(Arc::new(Inner { secrets, clock })))
    }

    /// What is to be said of a token, of which `holder` was known then. Nothing of what cannot be said in a header.
    pub(super) fn vouch(
        &self,
        errand: &Errand<'_>,
        sha256: &[u8; 32],
        holder: &Holder,
        asked: Instant,
    ) -> Option<Vouched> {
        let age_ms = i64::try_from(asked.elapsed().as_millis()).ok()?;
        let asked_ms = (self.0.clock)().saturating_sub(age_ms);
        let (token, is_suspended) = (hex::encode(sha256), holder.is_suspended);
        let statement = Statement { token, asked_ms, is_suspended, who: Who::of(&holder.principal)? };
        let text = serde_json::to_string(&statement).ok().filter(|text| text.len() <= MAX_BYTES && text.is_ascii())?;
        let signature = hex::encode(mac(self.0.secrets.first()?, errand, text.as_bytes()));
        let identity = HeaderValue::try_from(text).ok()?;
        Some(Vouched { identity, signature: HeaderValue::try_from(signature).ok()? })
    }

    /// Whom the token of this hash is from, and since when that is known, if that was said of it for this very request, and not too
    /// long ago.
    pub(super) fn hear(
        &self,
        errand: &Errand<'_>,
        sha256: &[u8; 32],
        headers: &HeaderMap,
    ) -> Option<(Holder, Instant)> {
        let identity = only(headers, IDENTITY)?;
        let signature = hex::decode(only(headers, SIGNATURE)?).ok()?;
        let is_ours = |secret: &Zeroizing<[u8; 32]>| {
            bool::from(mac(secret, errand, identity.as_bytes())[..].ct_eq(&signature[..]))
        };
        if !self.0.secrets.iter().any(is_ours) {
            return None;
        }
        let statement: Statement = serde_json::from_slice(identity.as_bytes()).ok()?;
        if statement.token != hex::encode(sha256) {
            return None;
        }
        let age_ms = (self.0.clock)().saturating_sub(statement.asked_ms);
        let age = Duration::from_millis(u64::try_from(age_ms.max(0)).ok()?);
        let asked = Instant::now().checked_sub(age).filter(|_| age_ms >= -SKEW_MS && age < FRESH)?;
        Some((Holder { principal: statement.who.principal(), is_suspended: statement.is_suspended }, asked))
    }
}

/// Whether anything is said of the token of a request.
pub(super) fn is_said(headers: &HeaderMap) -> bool {
    headers.contains_key(IDENTITY)
}

/// Of two, none is what was said.
fn only(headers: &HeaderMap, name: HeaderName) -> Option<&HeaderValue> {
    let mut all = headers.get_all(name).iter();
    all.next().filter(|_| all.next().is_none())
}

/// None of the parts has a line end in it.
fn mac(secret: &Zeroizing<[u8; 32]>, errand: &Errand<'_>, identity: &[u8]) -> Vec<u8> {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&secret[..]).expect("HMAC takes keys of any length");
    let path = errand.uri.path_and_query().map_or("/", PathAndQuery::as_str);
    for part in ["lectern-identity-1", errand.unit, errand.method.as_str(), path] {
        mac.update(part.as_bytes());
        mac.update(b"\n");
    }
    mac.update(identity);
    mac.finalize().into_bytes().to_vec()
}
