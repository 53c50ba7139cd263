//! JSON of clients.

use kernel::rfc3339;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::ClientRow;
use crate::auth::oidc::scope::Scope;

/// How a client comes to tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, ToSchema)]
#[schema(as = OAuthGrant)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Grant {
    /// By a browser that comes back with a code.
    AuthorizationCode,
    /// By its secret alone, in its own name.
    ClientCredentials,
    /// By the code that a device shows (RFC 8628).
    DeviceCode,
    /// By a refresh token, which it is given with the others then.
    RefreshToken,
}

/// A new client.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClientRequest {
    /// What people are told that they sign in to: 1 to 100 characters.
    #[schema(example = "Library")]
    pub(crate) name: String,
    /// Whether it can keep a secret, as a server can, and a page, a program or a device that others have cannot.
    pub(crate) is_confidential: bool,
    /// Where browsers are sent back to, at most 20: each in every character as it is asked for, https, or http://127.0.0.1 and
    /// http://[::1] with whatever port.
    #[schema(max_items = 20, example = json!(["https://library.example/callback"]))]
    pub(crate) redirect_uris: Option<Vec<String>>,
    /// Where browsers may be sent when somebody has signed out, of the same form.
    #[schema(max_items = 20)]
    pub(crate) post_logout_redirect_uris: Option<Vec<String>>,
    /// Where the client is told by a logout token that somebody has signed out, of the same form.
    pub(crate) backchannel_logout_uri: Option<String>,
    /// By codes of browsers and refresh tokens when absent.
    pub(crate) grants: Option<Vec<Grant>>,
    /// What it may learn and do; `openid`, `profile` and `email` when absent.
    pub(crate) scopes: Option<Vec<Scope>>,
    /// What it may in its own name, with `client_credentials`: permissions (`asset.read`), all of a kind (`asset.*`), or everything (`*`).
    #[schema(max_items = 64)]
    pub(crate) permissions: Option<Vec<String>>,
}

/// What changes about a client; what is absent stays.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClientChange {
    /// 1 to 100 characters.
    pub(crate) name: Option<String>,
    /// All of them from now on.
    #[schema(max_items = 20)]
    pub(crate) redirect_uris: Option<Vec<String>>,
    /// All of them from now on.
    #[schema(max_items = 20)]
    pub(crate) post_logout_redirect_uris: Option<Vec<String>>,
    /// Empty for none. It counts for sessions that begin from now on.
    pub(crate) backchannel_logout_uri: Option<String>,
    /// All of them from now on.
    pub(crate) grants: Option<Vec<Grant>>,
    /// All of them from now on.
    pub(crate) scopes: Option<Vec<Scope>>,
    /// All of them from now on.
    #[schema(max_items = 64)]
    pub(crate) permissions: Option<Vec<String>>,
}

/// The query of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ClientsQuery {
    /// Rows of the page, 1 to 200; 50 when absent.
    pub(crate) limit: Option<u32>,
    /// The `next` of the page before.
    pub(crate) after: Option<String>,
}

/// A client, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClientView {
    /// What it says as `client_id`.
    id: String,
    /// What people are told that they sign in to.
    name: String,
    /// Whether it has a secret.
    is_confidential: bool,
    /// Where browsers are sent back to.
    redirect_uris: Vec<String>,
    /// Where browsers may be sent when somebody has signed out.
    post_logout_redirect_uris: Vec<String>,
    /// Where it is told that somebody has signed out.
    backchannel_logout_uri: Option<String>,
    /// How it comes to tokens.
    grants: Vec<Grant>,
    /// What it may learn and do.
    scopes: Vec<Scope>,
    /// What it may in its own name.
    permissions: Vec<String>,
    /// Who made it: `admin`, or the id of a key or a person.
    created_by: String,
    /// RFC 3339.
    created_at: String,
    /// RFC 3339.
    updated_at: String,
}

impl From<ClientRow> for ClientView {
    fn from(row: ClientRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            is_confidential: row.secret_sha256.is_some(),
            redirect_uris: row.redirect_uris.0,
            post_logout_redirect_uris: row.logout_uris.0,
            backchannel_logout_uri: row.backchannel_uri,
            grants: row.grants.0,
            scopes: row.scopes.0,
            permissions: row.permissions.map(|own| own.0.into()).unwrap_or_default(),
            created_by: row.created_by,
            created_at: rfc3339(row.created_ms),
            updated_at: rfc3339(row.updated_ms),
        }
    }
}

/// A client that was made.
#[derive(Serialize, ToSchema)]
pub(crate) struct IssuedClientView {
    #[serde(flatten)]
    pub(crate) client: ClientView,
    /// What it says as `client_secret`. It is in this answer and in no other: null of a client that has none, and where the answer is
    /// given again for an `Idempotency-Key`.
    pub(crate) client_secret: Option<String>,
}
