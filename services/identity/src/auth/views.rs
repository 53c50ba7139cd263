//! JSON of keys.

use kernel::rfc3339;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::store::KeyRow;

/// A new key.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyRequest {
    /// Who holds it, for people: 1 to 100 characters.
    pub(crate) name: String,
    /// What it may: permissions (`asset.read`), all of a kind (`asset.*`), or everything (`*`).
    #[schema(min_items = 1, max_items = 256, example = json!(["upload.*", "asset.read"]))]
    pub(crate) permissions: Vec<String>,
    /// Seconds from now until it ends; never when absent.
    #[schema(minimum = 1, maximum = 315_360_000)]
    pub(crate) expires_in_s: Option<i64>,
}

/// The query of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct KeysQuery {
    /// Rows of the page, 1 to 200; 50 when absent.
    pub(crate) limit: Option<u32>,
    /// The `next` of the page before.
    pub(crate) after: Option<String>,
}

/// A key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeyView {
    id: String,
    /// Who holds it.
    name: String,
    /// What it may.
    permissions: Vec<String>,
    /// Who made it: `admin`, or the id of a key or a person.
    created_by: String,
    /// When it ends, RFC 3339; null of one that does not.
    expires_at: Option<String>,
    /// When it was used last, to the minute, RFC 3339.
    last_used_at: Option<String>,
    /// RFC 3339.
    created_at: String,
}

impl From<KeyRow> for KeyView {
    fn from(row: KeyRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            permissions: row.permissions.0.into(),
            created_by: row.created_by,
            expires_at: row.expires_ms.map(rfc3339),
            last_used_at: row.last_used_ms.map(rfc3339),
            created_at: rfc3339(row.created_ms),
        }
    }
}

/// A key that was made.
#[derive(Serialize, ToSchema)]
pub(crate) struct IssuedKeyView {
    #[serde(flatten)]
    pub(crate) key: KeyView,
    /// What its holder sends as `Authorization: Bearer`. It is in this answer and in no other: null where the answer is given
    /// again for an `Idempotency-Key`.
    pub(crate) secret: Option<String>,
}

/// All that may be permitted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PermissionsView {
    /// In the order of their names.
    pub(crate) items: Vec<String>,
}
