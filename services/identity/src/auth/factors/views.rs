//! JSON of second factors.

use kernel::rfc3339;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{NewSecret, Owned};
use crate::auth::passkeys::views::PasskeyAssertion;
use crate::auth::sessions::ACCESS_S;

/// What a person proves who he is by.
#[derive(Serialize, ToSchema)]
pub(crate) struct FactorsView {
    /// Whether a password was set.
    has_password: bool,
    /// Since when codes of an authenticator are asked for, RFC 3339; null where they are not.
    totp_since: Option<String>,
    /// How many recovery codes are left.
    recovery_codes_left: i64,
    /// How many passkeys there are.
    passkeys: i64,
}

impl From<Owned> for FactorsView {
    fn from(owned: Owned) -> Self {
        Self {
            has_password: owned.has_password,
            totp_since: owned.codes_since_ms.map(rfc3339),
            recovery_codes_left: owned.recovery_codes,
            passkeys: owned.passkeys,
        }
    }
}

/// What an authenticator makes codes from. It is in this answer and in no other.
#[derive(Serialize, ToSchema)]
pub(crate) struct NewTotpView {
    /// In base32, for people who type it.
    secret: String,
    /// The same for authenticators, which read it out of a picture: `otpauth://totp/...`.
    uri: String,
}

impl From<NewSecret> for NewTotpView {
    fn from(NewSecret { base32, uri }: NewSecret) -> Self {
        Self { secret: base32, uri }
    }
}

/// The first code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConfirmTotpRequest {
    /// What the authenticator shows.
    #[schema(example = "123456")]
    pub(crate) code: String,
}

/// Codes that stand in, each once, for those of an authenticator. They are in this answer and in no other.
#[derive(Serialize, ToSchema)]
pub(crate) struct RecoveryCodesView {
    /// Ten, for a place that burns down otherwise than the authenticator.
    #[schema(example = json!(["abcd-efgh-ijkl-mnop"]))]
    pub(crate) recovery_codes: Vec<String>,
}

/// The second half of a sign-in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CodeRequest {
    /// As the first half has answered it.
    pub(crate) code_token: String,
    /// What the authenticator shows, or a recovery code.
    #[schema(example = "123456")]
    pub(crate) code: String,
}

/// What proves once more who asks: exactly one of them.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StepUpRequest {
    /// The password, of whoever is not asked for codes.
    #[schema(format = "password")]
    pub(crate) password: Option<String>,
    /// What the authenticator shows, or a recovery code.
    pub(crate) code: Option<String>,
    /// What a passkey has answered to `POST /api/v1/auth/sessions/passkey-challenge`.
    pub(crate) passkey: Option<PasskeyAssertion>,
}

/// A token that says when its person has proved who he is.
#[derive(Serialize, ToSchema)]
pub(crate) struct StepUpView {
    /// What to send as `Authorization: Bearer` in the place of the one before.
    access_token: String,
    /// `Bearer`.
    token_type: &'static str,
    /// Seconds for which it holds.
    expires_in: i64,
}

impl StepUpView {
    pub(super) fn of(access_token: String) -> Self {
        Self { access_token, token_type: "Bearer", expires_in: ACCESS_S }
    }
}
