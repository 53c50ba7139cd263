//! JSON of providers, and of who people are there.

use kernel::rfc3339;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::sign_in::HOLDS_MS;
use super::store::{IdentityRow, ProviderRow};

/// A new provider.
#[derive(Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IdentityProviderRequest {
    /// What people are told that they sign in by: 1 to 100 characters.
    #[schema(example = "School account")]
    pub(crate) name: String,
    /// Its address, in every character as its ID tokens have it.
    #[schema(example = "https://accounts.example.com")]
    pub(crate) issuer: String,
    /// What the provider knows the tenant by.
    #[schema(example = "lectern")]
    pub(crate) client_id: String,
    /// What it is sure of that by, unless it asks for nothing. It is in no answer.
    #[schema(format = "password")]
    pub(crate) client_secret: Option<String>,
    /// What is asked for; `openid`, `email` and `profile` when absent.
    #[schema(max_items = 16)]
    pub(crate) scopes: Option<Vec<String>>,
    /// Domains of e-mail addresses that the provider is believed about: whoever has an account with such an address is let in by it. None
    /// when absent.
    #[schema(max_items = 20, example = json!(["school.example"]))]
    pub(crate) domains: Option<Vec<String>>,
    /// Whether people with such an address who have no account are given one, by which they may nothing yet but what the place of their
    /// domain gives (`/api/v1/org/domains`); false when absent.
    pub(crate) provisions: Option<bool>,
    /// Whether people can sign in by it; true when absent.
    pub(crate) is_enabled: Option<bool>,
}

/// What changes about a provider; what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IdentityProviderChange {
    /// 1 to 100 characters.
    pub(crate) name: Option<String>,
    /// With another one, all that people are at the provider is forgotten.
    pub(crate) issuer: Option<String>,
    /// What the provider knows the tenant by.
    pub(crate) client_id: Option<String>,
    /// Empty for none.
    #[schema(format = "password")]
    pub(crate) client_secret: Option<String>,
    /// All of them from now on.
    #[schema(max_items = 16)]
    pub(crate) scopes: Option<Vec<String>>,
    /// All of them from now on.
    #[schema(max_items = 20)]
    pub(crate) domains: Option<Vec<String>>,
    /// Whether people are given accounts.
    pub(crate) provisions: Option<bool>,
    /// Whether people can sign in by it.
    pub(crate) is_enabled: Option<bool>,
}

/// The query of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct IdentityProvidersQuery {
    /// Rows of the page, 1 to 200; 50 when absent.
    pub(crate) limit: Option<u32>,
    /// The `next` of the page before.
    pub(crate) after: Option<String>,
}

/// A provider that people of a tenant sign in by, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IdentityProviderView {
    id: String,
    name: String,
    issuer: String,
    client_id: String,
    /// Whether the tenant has a secret there.
    has_secret: bool,
    scopes: Vec<String>,
    /// Those of e-mail addresses that it is believed about.
    domains: Vec<String>,
    /// Whether people with such an address are given accounts.
    provisions: bool,
    is_enabled: bool,
    /// Who made it: `admin`, or the id of a key or a person.
    created_by: String,
    /// RFC 3339.
    created_at: String,
    /// RFC 3339.
    updated_at: String,
}

impl From<ProviderRow> for IdentityProviderView {
    fn from(row: ProviderRow) -> Self {
        Self {
            has_secret: row.sealed().is_some(),
            id: row.id,
            name: row.name,
            issuer: row.issuer,
            client_id: row.client_id,
            scopes: row.scopes.0,
            domains: row.domains.0,
            provisions: row.provisions,
            is_enabled: row.is_enabled,
            created_by: row.created_by,
            created_at: rfc3339(row.created_ms),
            updated_at: rfc3339(row.updated_ms),
        }
    }
}

/// Whose providers are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct OfferedQuery {
    /// The slug of the tenant.
    #[param(example = "north-school")]
    pub(crate) tenant: String,
}

/// A provider as whoever wants to sign in sees it.
#[derive(Serialize, ToSchema)]
pub(crate) struct OfferedProviderView {
    id: String,
    name: String,
}

impl From<ProviderRow> for OfferedProviderView {
    fn from(row: ProviderRow) -> Self {
        Self { id: row.id, name: row.name }
    }
}

/// The providers by which people of a tenant can sign in; none of a tenant that is not there.
#[derive(Serialize, ToSchema)]
pub(crate) struct OfferedProvidersView {
    /// The oldest first.
    pub(crate) items: Vec<OfferedProviderView>,
}

/// Who signs in by a provider.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProviderChallengeRequest {
    /// The slug of the tenant.
    #[schema(example = "north-school")]
    pub(crate) tenant: String,
    /// The provider.
    pub(crate) provider_id: String,
}

/// Who says by a provider who he is there.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IdentityChallengeRequest {
    /// The provider.
    pub(crate) provider_id: String,
}

/// Where a browser is to be sent, and what to come back with besides.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProviderChallengeView {
    /// The provider's. It sends the browser back to `/oauth2/provider/callback`, and this to `/#sign-in?code=...&state=...`.
    address: String,
    /// What the page keeps to itself meanwhile: what the provider answers counts with it alone.
    provider_token: String,
    /// Seconds for which it holds.
    expires_in: i64,
}

impl ProviderChallengeView {
    pub(super) fn of(address: String, provider_token: String) -> Self {
        Self { address, provider_token, expires_in: HOLDS_MS / 1000 }
    }
}

/// What a provider has sent a browser back with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProviderAnswerRequest {
    /// What the page has kept.
    pub(crate) provider_token: String,
    /// As it came.
    pub(crate) state: String,
    /// As it came, unless the provider has let nobody in.
    pub(crate) code: Option<String>,
    /// As it came, if it did (RFC 9207).
    pub(crate) iss: Option<String>,
}

/// Who a person is at a provider.
#[derive(Serialize, ToSchema)]
pub(crate) struct IdentityView {
    id: String,
    /// The provider.
    provider_id: String,
    /// What that is called.
    provider_name: String,
    /// When the person has signed in by it last, RFC 3339; null of one that was not used.
    last_used_at: Option<String>,
    /// RFC 3339.
    created_at: String,
}

impl From<IdentityRow> for IdentityView {
    fn from(row: IdentityRow) -> Self {
        Self {
            id: row.id,
            provider_id: row.provider_id,
            provider_name: row.provider_name,
            last_used_at: row.last_used_ms.map(rfc3339),
            created_at: rfc3339(row.created_ms),
        }
    }
}

/// Who a person is at providers.
#[derive(Serialize, ToSchema)]
pub(crate) struct IdentitiesView {
    /// The oldest first.
    pub(crate) items: Vec<IdentityView>,
}
