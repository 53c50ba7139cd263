//! JSON of people.

use kernel::rfc3339;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::model::{ACTIVE, DEACTIVATED, SUSPENDED};
use super::store::UserRow;

/// A new person.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserRequest {
    /// One among all people of the tenant, in whatever case.
    #[schema(example = "anna@example.com")]
    pub(crate) email: String,
    /// For people, 1 to 200 characters.
    pub(crate) name: String,
    /// BCP 47; `en` when absent.
    #[schema(example = "de-CH")]
    pub(crate) locale: Option<String>,
    /// A name of the IANA database; `UTC` when absent.
    #[schema(example = "Europe/Zurich")]
    pub(crate) time_zone: Option<String>,
    /// What the person may beside his roles: permissions (`asset.read`), all of a kind (`asset.*`), or everything (`*`); nothing when
    /// absent.
    #[schema(max_items = 256, example = json!(["upload.*", "asset.read"]))]
    pub(crate) permissions: Option<Vec<String>>,
    /// What programs keep for the person, at most 16 KiB.
    #[schema(value_type = Option<Object>)]
    pub(crate) preferences: Option<Map<String, Value>>,
}

/// How a person stands.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, ToSchema)]
#[schema(as = UserState)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// May sign in.
    Active,
    /// Opens nothing: his sessions have ended, and no new one begins.
    Suspended,
    /// Has gone and may come back: opens nothing either.
    Deactivated,
}

impl State {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Active => ACTIVE,
            Self::Suspended => SUSPENDED,
            Self::Deactivated => DEACTIVATED,
        }
    }
}

/// What changes about a person; what is absent stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserChange {
    /// One among all people of the tenant, in whatever case.
    pub(crate) email: Option<String>,
    /// For people, 1 to 200 characters.
    pub(crate) name: Option<String>,
    /// BCP 47.
    pub(crate) locale: Option<String>,
    /// A name of the IANA database.
    pub(crate) time_zone: Option<String>,
    /// Whether the person may sign in.
    pub(crate) state: Option<State>,
    /// All that the person may from now on beside his roles.
    #[schema(max_items = 256)]
    pub(crate) permissions: Option<Vec<String>>,
    /// All that programs keep for the person from now on.
    #[schema(value_type = Option<Object>)]
    pub(crate) preferences: Option<Map<String, Value>>,
}

/// What a person changes about himself; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OwnChange {
    /// For people, 1 to 200 characters.
    name: Option<String>,
    /// BCP 47.
    locale: Option<String>,
    /// A name of the IANA database.
    time_zone: Option<String>,
    /// All that programs keep for the person from now on.
    #[schema(value_type = Option<Object>)]
    preferences: Option<Map<String, Value>>,
}

impl From<OwnChange> for UserChange {
    fn from(OwnChange { name, locale, time_zone, preferences }: OwnChange) -> Self {
        Self { name, locale, time_zone, preferences, ..Self::default() }
    }
}

/// The query of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct UsersQuery {
    /// What the address or a word of the name begins with, in whatever case.
    pub(crate) q: Option<String>,
    /// Rows of the page, 1 to 200; 50 when absent.
    pub(crate) limit: Option<u32>,
    /// The `next` of the page before.
    pub(crate) after: Option<String>,
}

/// A person.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UserView {
    id: String,
    /// In lower case.
    email: String,
    /// For people.
    name: String,
    /// BCP 47.
    locale: String,
    /// A name of the IANA database.
    time_zone: String,
    /// `active`, `suspended` or `deactivated`; `erasing` of somebody who is just being erased.
    state: String,
    /// What the person may beside his roles.
    permissions: Vec<String>,
    /// What programs keep for the person.
    #[schema(value_type = Object)]
    preferences: Map<String, Value>,
    /// RFC 3339.
    created_at: String,
    /// RFC 3339.
    updated_at: String,
}

impl From<UserRow> for UserView {
    fn from(row: UserRow) -> Self {
        Self {
            id: row.id,
            email: row.email,
            name: row.name,
            locale: row.locale,
            time_zone: row.time_zone,
            state: row.state,
            permissions: row.permissions.0.into(),
            preferences: row.preferences.0,
            created_at: rfc3339(row.created_ms),
            updated_at: rfc3339(row.updated_ms),
        }
    }
}

/// A link by which a person sets his password.
#[derive(Serialize, ToSchema)]
pub(crate) struct PasswordLinkView {
    /// What the person sends to `POST /api/v1/auth/password` with the password that he has chosen. It is in this answer and in no
    /// other, works once, and only until another one is made.
    pub(crate) token: String,
    /// When it ends, RFC 3339.
    pub(crate) expires_at: String,
}
