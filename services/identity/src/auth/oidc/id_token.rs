//! ID tokens: what a client is told of who has signed in (OpenID Connect Core §2).

use kernel::Problem;
use serde::{Deserialize, Serialize};

use super::Provider;
use crate::auth::jwt::Unverified;
use crate::auth::proof::Proof;
use crate::auth::sessions::Account;

/// For how long a client may take one.
const HOLDS_S: i64 = 600;

/// What an ID token says.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IdClaims {
    pub(super) iss: String,
    /// The id of the person.
    pub(super) sub: String,
    /// The id of the client.
    pub(super) aud: String,
    pub(super) exp: i64,
    pub(super) iat: i64,
    /// When the person has shown who he is.
    pub(super) auth_time: i64,
    /// How many factors have proved that: `aal1` or `aal2`.
    pub(super) acr: String,
    /// Which ones: words of RFC 8176.
    pub(super) amr: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) nonce: Option<String>,
    /// The id of the client's session.
    pub(super) sid: String,
    /// The id of the tenant.
    pub(super) tenant: String,
}

/// What a token is to say that follows from nothing else.
pub(super) struct Told<'a> {
    pub(super) account: &'a Account,
    pub(super) proof: &'a Proof,
    pub(super) client: &'a str,
    pub(super) session: &'a str,
    pub(super) nonce: Option<String>,
}

impl Provider {
    /// Signs an ID token.
    pub(super) async fn id_token(&self, told: Told<'_>) -> Result<String, Problem> {
        let now_s = self.now_ms().div_euclid(1000);
        let claims = IdClaims {
            iss: self.issuer.as_str().to_owned(),
            sub: told.account.user.clone(),
            aud: told.client.to_owned(),
            exp: now_s + HOLDS_S,
            iat: now_s,
            auth_time: told.proof.at_ms.div_euclid(1000),
            acr: told.proof.acr().to_owned(),
            amr: told.proof.amr().to_vec(),
            nonce: told.nonce,
            sid: told.session.to_owned(),
            tenant: told.account.tenant.to_string(),
        };
        Ok(self.sessions.signing.signer().await?.sign(&claims))
    }

    /// What an ID token says that was signed here lately, whether it still holds or not (OpenID Connect RP-Initiated Logout §2).
    pub(super) async fn hint(&self, token: &str) -> Result<Option<IdClaims>, Problem> {
        let Some(unverified) = Unverified::read(token) else { return Ok(None) };
        let Some(public_key) = self.public_key(&unverified.kid).await? else { return Ok(None) };
        let claims: Option<IdClaims> = unverified.said(&public_key);
        Ok(claims.filter(|claims| claims.iss == self.issuer.as_str()))
    }

    /// The key of this name, if it verifies.
    pub(super) async fn public_key(&self, kid: &str) -> Result<Option<Vec<u8>>, Problem> {
        let known = self.sessions.signing.published().await?;
        Ok(known.into_iter().find(|row| row.kid == kid).map(|row| row.public_key))
    }
}
