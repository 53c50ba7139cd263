//! JSON of passkeys. What browsers read and write has the names that Web Authentication gives it (§5.1.8 to §5.1.10), and bytes in base64url
//! without padding; members of theirs that say nothing here are passed over.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::rfc3339;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use webauthn::{ALGORITHMS, Party};

use super::UserEntity;
use super::store::PasskeyRow;
use crate::auth::challenge::HOLDS_MS;

/// Who wants the passkey, as browsers show it.
const PARTY_NAME: &str = "Lectern";
/// The one type of credential that there is.
pub(super) const PUBLIC_KEY: &str = "public-key";
const REQUIRED: &str = "required";

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What a browser makes a passkey by.
#[derive(Serialize, ToSchema)]
pub(crate) struct NewPasskeyView {
    /// For `navigator.credentials.create({publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(public_key)})`.
    pub(crate) public_key: CreationOptions,
}

/// `PublicKeyCredentialCreationOptionsJSON`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreationOptions {
    rp: PasskeyParty,
    user: PasskeyUser,
    challenge: String,
    pub_key_cred_params: Vec<PasskeyAlgorithm>,
    /// Milliseconds.
    timeout: i64,
    exclude_credentials: Vec<PasskeyReference>,
    authenticator_selection: PasskeySelection,
    /// `none`.
    attestation: &'static str,
}

/// Whom a passkey is for.
#[derive(Serialize, ToSchema)]
pub(crate) struct PasskeyParty {
    id: String,
    name: &'static str,
}

/// Whose a passkey is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PasskeyUser {
    /// The id of the person.
    id: String,
    name: String,
    display_name: String,
}

/// An algorithm of IANA's registry.
#[derive(Serialize, ToSchema)]
pub(crate) struct PasskeyAlgorithm {
    #[serde(rename = "type")]
    kind: &'static str,
    alg: i64,
}

/// A passkey that there is.
#[derive(Serialize, ToSchema)]
pub(crate) struct PasskeyReference {
    #[serde(rename = "type")]
    kind: &'static str,
    id: String,
}

/// Which passkeys do.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PasskeySelection {
    /// `required`.
    resident_key: &'static str,
    /// The same, for older browsers.
    require_resident_key: bool,
    /// `required`.
    user_verification: &'static str,
}

impl CreationOptions {
    pub(super) fn new(
        party: &Party,
        user_id: &str,
        person: UserEntity,
        challenge: &[u8],
        known: &[PasskeyRow],
    ) -> Self {
        let reference = |row: &PasskeyRow| PasskeyReference { kind: PUBLIC_KEY, id: text(&row.credential_id) };
        Self {
            rp: PasskeyParty { id: party.id.clone(), name: PARTY_NAME },
            user: PasskeyUser { id: text(user_id.as_bytes()), name: person.email, display_name: person.name },
            challenge: text(challenge),
            pub_key_cred_params: ALGORITHMS.map(|alg| PasskeyAlgorithm { kind: PUBLIC_KEY, alg }).into(),
            timeout: HOLDS_MS,
            exclude_credentials: known.iter().map(reference).collect(),
            authenticator_selection: PasskeySelection {
                resident_key: REQUIRED,
                require_resident_key: true,
                user_verification: REQUIRED,
            },
            attestation: "none",
        }
    }
}

/// What a browser asks for a passkey by.
#[derive(Serialize, ToSchema)]
pub(crate) struct PasskeyChallengeView {
    /// For `navigator.credentials.get({publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(public_key)})`.
    pub(crate) public_key: RequestOptions,
}

/// `PublicKeyCredentialRequestOptionsJSON`, for whatever passkey there is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RequestOptions {
    challenge: String,
    /// Milliseconds.
    timeout: i64,
    rp_id: String,
    /// `required`.
    user_verification: &'static str,
}

impl RequestOptions {
    pub(super) fn new(party: &Party, challenge: &[u8]) -> Self {
        let rp_id = party.id.clone();
        Self { challenge: text(challenge), timeout: HOLDS_MS, rp_id, user_verification: REQUIRED }
    }
}

/// A passkey that a browser has made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasskeyRequest {
    /// For its person: 1 to 100 characters.
    #[schema(example = "the laptop")]
    pub(crate) name: String,
    /// What `navigator.credentials.create()` has answered, as its `toJSON()` says it.
    pub(crate) credential: PasskeyRegistration,
}

/// `RegistrationResponseJSON`, as far as it counts.
#[derive(Deserialize, ToSchema)]
pub(crate) struct PasskeyRegistration {
    pub(crate) id: String,
    /// `public-key`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) response: RegistrationResponse,
}

/// Its response.
#[derive(Deserialize, ToSchema)]
pub(crate) struct RegistrationResponse {
    #[serde(rename = "clientDataJSON")]
    pub(crate) client_data: String,
    #[serde(rename = "attestationObject")]
    pub(crate) attestation_object: String,
}

/// A passkey that somebody shows.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasskeySignInRequest {
    /// What `navigator.credentials.get()` has answered, as its `toJSON()` says it.
    pub(crate) credential: PasskeyAssertion,
}

/// `AuthenticationResponseJSON`, as far as it counts.
#[derive(Deserialize, ToSchema)]
pub(crate) struct PasskeyAssertion {
    pub(crate) id: String,
    /// `public-key`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) response: AssertionResponse,
}

/// Its response.
#[derive(Deserialize, ToSchema)]
pub(crate) struct AssertionResponse {
    #[serde(rename = "clientDataJSON")]
    pub(crate) client_data: String,
    #[serde(rename = "authenticatorData")]
    pub(crate) authenticator_data: String,
    pub(crate) signature: String,
    /// Whose passkey it is, as it was made.
    #[serde(rename = "userHandle")]
    pub(crate) user_handle: Option<String>,
}

/// A passkey's new name.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasskeyChange {
    /// For its person: 1 to 100 characters.
    pub(crate) name: String,
}

/// A passkey.
#[derive(Serialize, ToSchema)]
pub(crate) struct PasskeyView {
    pub(crate) id: String,
    /// For its person.
    name: String,
    /// Whether it is on several devices, as it was said when it was used last.
    is_backed_up: bool,
    /// RFC 3339; null of one that was never used.
    last_used_at: Option<String>,
    /// RFC 3339.
    created_at: String,
}

impl From<PasskeyRow> for PasskeyView {
    fn from(row: PasskeyRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            is_backed_up: row.is_backed_up,
            last_used_at: row.last_used_ms.map(rfc3339),
            created_at: rfc3339(row.created_ms),
        }
    }
}

/// The passkeys of a person, at most 20.
#[derive(Serialize, ToSchema)]
pub(crate) struct PasskeysView {
    /// The oldest first.
    pub(crate) items: Vec<PasskeyView>,
}
