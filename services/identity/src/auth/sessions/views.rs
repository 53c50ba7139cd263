//! JSON of sessions, and of the keys that sign their tokens.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::rfc3339;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::store::SessionRow;
use super::{ACCESS_S, HalfWay, Tokens};
use crate::auth::challenge;
use crate::auth::jwt::ALGORITHM;
use crate::auth::signing::SigningKeyRow;

/// Who signs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignInRequest {
    /// The slug of the tenant.
    #[schema(example = "north-school")]
    pub(crate) tenant: String,
    /// In whatever case.
    #[schema(example = "anna@example.com")]
    pub(crate) email: String,
    /// As it was set.
    #[schema(format = "password")]
    pub(crate) password: String,
}

/// A session that goes on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefreshRequest {
    /// The one that was answered last.
    pub(crate) refresh_token: String,
}

/// A password that somebody has chosen.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordRequest {
    /// Of the link that the person was given.
    pub(crate) token: String,
    /// 8 to 128 characters of any kind, and not the e-mail address.
    #[schema(format = "password", min_length = 8, max_length = 128)]
    pub(crate) password: String,
}

/// What opens the API for a person. It is in this answer and in no other.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokensView {
    /// What to send as `Authorization: Bearer`.
    access_token: String,
    /// `Bearer`.
    token_type: &'static str,
    /// Seconds for which the access token holds.
    expires_in: i64,
    /// What to send to `POST /api/v1/auth/sessions/refresh`, once: each answer has the next one.
    refresh_token: String,
    /// The session.
    session_id: String,
    /// When the session ends, however often it is refreshed, RFC 3339.
    session_expires_at: String,
    /// The person.
    user_id: String,
}

impl From<Tokens> for TokensView {
    fn from(tokens: Tokens) -> Self {
        Self {
            access_token: tokens.access,
            token_type: "Bearer",
            expires_in: ACCESS_S,
            refresh_token: tokens.refresh,
            session_id: tokens.session,
            session_expires_at: rfc3339(tokens.session_expires_ms),
            user_id: tokens.account.user,
        }
    }
}

/// A sign-in that a code is still needed for. It is in this answer and in no other.
#[derive(Serialize, ToSchema)]
pub(crate) struct HalfWayView {
    /// What to send to `POST /api/v1/auth/sessions/code` with the code.
    code_token: String,
    /// Seconds for which it holds.
    expires_in: i64,
}

impl From<HalfWay> for HalfWayView {
    fn from(half: HalfWay) -> Self {
        Self { code_token: half.token, expires_in: challenge::HOLDS_MS / 1000 }
    }
}

/// Where a person is signed in.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionView {
    id: String,
    /// What it was begun with, as that calls itself.
    user_agent: Option<String>,
    /// The client that it was begun for, by OpenID Connect.
    client_id: Option<String>,
    /// The id of whoever acts as the person in it; null of the person himself.
    impersonated_by: Option<String>,
    /// Why.
    reason: Option<String>,
    /// Whether this request is of it.
    is_current: bool,
    /// When it was refreshed last, RFC 3339.
    last_used_at: String,
    /// When it ends, RFC 3339.
    expires_at: String,
    /// RFC 3339.
    created_at: String,
}

impl SessionView {
    pub(super) fn of(row: SessionRow, current: &str) -> Self {
        Self {
            is_current: row.id == current,
            id: row.id,
            user_agent: row.user_agent,
            client_id: row.client_id,
            impersonated_by: row.acted_by,
            reason: row.reason,
            last_used_at: rfc3339(row.last_used_ms),
            expires_at: rfc3339(row.expires_ms),
            created_at: rfc3339(row.created_ms),
        }
    }
}

/// Where a person is signed in, at most 50 places.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionsView {
    /// The one that was used last first.
    pub(crate) items: Vec<SessionView>,
}

/// A public key (RFC 7517 §4, RFC 8037 §2).
#[derive(Serialize, ToSchema)]
pub(crate) struct JwkView {
    /// `OKP`.
    kty: &'static str,
    /// `Ed25519`.
    crv: &'static str,
    /// Base64url.
    x: String,
    /// The thumbprint of the key (RFC 7638).
    kid: String,
    /// `sig`.
    #[serde(rename = "use")]
    usage: &'static str,
    /// `EdDSA`.
    alg: &'static str,
}

impl From<SigningKeyRow> for JwkView {
    fn from(row: SigningKeyRow) -> Self {
        let x = URL_SAFE_NO_PAD.encode(&row.public_key);
        Self { kty: "OKP", crv: "Ed25519", x, kid: row.kid, usage: "sig", alg: ALGORITHM }
    }
}

/// The public keys that access tokens are verified by (RFC 7517 §5).
#[derive(Serialize, ToSchema)]
pub(crate) struct JwksView {
    /// The one that signs, the one that will, and those that have signed lately.
    pub(crate) keys: Vec<JwkView>,
}

/// How signing keys change.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RotateKeysRequest {
    /// Whether somebody else may have them: then nothing that they have signed holds any more, and sessions have to be refreshed.
    #[schema(example = false)]
    pub(crate) has_leaked: bool,
}

/// A signing key.
#[derive(Serialize, ToSchema)]
pub(crate) struct SigningKeyView {
    kid: String,
    /// `current`, `next` or `retired`.
    state: String,
    /// RFC 3339.
    created_at: String,
    /// RFC 3339; null of one that is not.
    retired_at: Option<String>,
}

impl From<SigningKeyRow> for SigningKeyView {
    fn from(row: SigningKeyRow) -> Self {
        Self {
            kid: row.kid,
            state: row.state,
            created_at: rfc3339(row.created_ms),
            retired_at: row.retired_ms.map(rfc3339),
        }
    }
}

/// The signing keys that there are.
#[derive(Serialize, ToSchema)]
pub(crate) struct SigningKeysView {
    /// The current one first.
    pub(crate) items: Vec<SigningKeyView>,
}
