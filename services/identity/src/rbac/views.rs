//! JSON of roles, and of who has them.

use kernel::rfc3339;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::bindings::BindingRow;
use super::store::RoleRow;

/// A new role.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoleRequest {
    /// What people with the role do, 1 to 100 characters; one among all roles of the tenant.
    #[schema(example = "Teacher")]
    pub(crate) name: String,
    /// For people, at most 1000 characters; empty when absent.
    pub(crate) description: Option<String>,
    /// What it gives: permissions (`asset.read`), all of a kind (`asset.*`), or everything (`*`).
    #[schema(min_items = 1, max_items = 256, example = json!(["upload.*", "asset.read"]))]
    pub(crate) permissions: Vec<String>,
}

/// What changes about a role; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoleChange {
    /// 1 to 100 characters; one among all roles of the tenant.
    pub(crate) name: Option<String>,
    /// For people, at most 1000 characters.
    pub(crate) description: Option<String>,
    /// All that it gives from now on.
    #[schema(min_items = 1, max_items = 256)]
    pub(crate) permissions: Option<Vec<String>>,
}

/// A query for a page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RolesQuery {
    /// Rows of the page, 1 to 200; 50 when absent.
    pub(crate) limit: Option<u32>,
    /// The `next` of the page before.
    pub(crate) after: Option<String>,
}

/// A role.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RoleView {
    id: String,
    /// What people with the role do.
    name: String,
    /// For people.
    description: String,
    /// What it gives.
    permissions: Vec<String>,
    /// RFC 3339.
    created_at: String,
    /// RFC 3339.
    updated_at: String,
}

impl From<RoleRow> for RoleView {
    fn from(row: RoleRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            description: row.description,
            permissions: row.permissions.0.into(),
            created_at: rfc3339(row.created_ms),
            updated_at: rfc3339(row.updated_ms),
        }
    }
}

/// A role for a person.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoleBindingRequest {
    /// Who shall have it.
    #[schema(example = "usr_0199...")]
    pub(crate) user_id: String,
    /// Which one.
    #[schema(example = "rol_0199...")]
    pub(crate) role_id: String,
    /// Seconds from now until it ends; never when absent.
    #[schema(minimum = 1, maximum = 315_360_000)]
    pub(crate) expires_in_s: Option<i64>,
}

/// The query of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RoleBindingsQuery {
    /// Those of this person alone.
    pub(crate) user_id: Option<String>,
    /// Those of this role alone.
    pub(crate) role_id: Option<String>,
    /// Rows of the page, 1 to 200; 50 when absent.
    pub(crate) limit: Option<u32>,
    /// The `next` of the page before.
    pub(crate) after: Option<String>,
}

/// That a person has a role.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RoleBindingView)]
pub(crate) struct BindingView {
    id: String,
    user_id: String,
    role_id: String,
    /// Who gave it: `admin`, or the id of a key or a person.
    granted_by: String,
    /// When it ends, RFC 3339; null of one that does not.
    expires_at: Option<String>,
    /// RFC 3339.
    created_at: String,
}

impl From<BindingRow> for BindingView {
    fn from(row: BindingRow) -> Self {
        Self {
            id: row.id,
            user_id: row.user_id,
            role_id: row.role_id,
            granted_by: row.granted_by,
            expires_at: row.expires_ms.map(rfc3339),
            created_at: rfc3339(row.created_ms),
        }
    }
}
