//! JSON of sub-organizations, and of who belongs where.

use kernel::rfc3339;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::roles::NodeRoleRow;
use super::{MemberRow, NodeRow};

/// A new sub-organization.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrgNodeRequest {
    /// For people, 1 to 200 characters; one among those at the same place.
    #[schema(example = "Physics")]
    pub(super) name: String,
    /// What it is below; right below the tenant itself, which is `root`, when absent.
    #[schema(example = "root")]
    pub(super) parent_id: Option<String>,
}

/// What changes about a sub-organization; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrgNodeChange {
    /// For people, 1 to 200 characters; one among those at the same place.
    pub(super) name: Option<String>,
    /// Below which it is from now on, with all that is below it: the id of another one, or `root`.
    pub(super) parent_id: Option<String>,
}

/// The query of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct OrgNodesQuery {
    /// Those right below this one alone, or below `root`.
    pub(super) parent_id: Option<String>,
    /// Rows of the page, 1 to 200; 50 when absent.
    pub(super) limit: Option<u32>,
    /// The `next` of the page before.
    pub(super) after: Option<String>,
}

/// A query for a page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct OrgPageQuery {
    /// Rows of the page, 1 to 200; 50 when absent.
    pub(in crate::org) limit: Option<u32>,
    /// The `next` of the page before.
    pub(in crate::org) after: Option<String>,
}

/// A sub-organization.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrgNodeView {
    id: String,
    /// What it is below: the id of another one, or `root` for the tenant itself.
    parent_id: String,
    /// For people.
    name: String,
    /// RFC 3339.
    created_at: String,
    /// RFC 3339.
    updated_at: String,
}

impl From<NodeRow> for OrgNodeView {
    fn from(row: NodeRow) -> Self {
        Self {
            id: row.id,
            parent_id: row.parent_id,
            name: row.name,
            created_at: rfc3339(row.created_ms),
            updated_at: rfc3339(row.updated_ms),
        }
    }
}

/// A role that everybody has who belongs to a sub-organization or below it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrgNodeRoleView {
    role_id: String,
    /// That of the role, for people.
    name: String,
    /// Who had it given: `admin`, or the id of a key or a person.
    granted_by: String,
    /// RFC 3339.
    created_at: String,
}

impl From<NodeRoleRow> for OrgNodeRoleView {
    fn from(row: NodeRoleRow) -> Self {
        let NodeRoleRow { role_id, name, granted_by, created_ms } = row;
        Self { role_id, name, granted_by, created_at: rfc3339(created_ms) }
    }
}

/// All roles that a sub-organization gives by itself.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrgNodeRolesView {
    /// At most 8.
    pub(super) items: Vec<OrgNodeRoleView>,
}

/// Where a person shall belong.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrgPlaceRequest {
    /// A sub-organization, or `root` for the tenant itself.
    #[schema(example = "root")]
    pub(super) node_id: String,
}

/// Where a person belongs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrgPlaceView {
    pub(super) user_id: String,
    /// A sub-organization, or `root` for the tenant itself.
    pub(super) node_id: String,
}

impl From<MemberRow> for OrgPlaceView {
    fn from(MemberRow { user_id, node_id }: MemberRow) -> Self {
        Self { user_id, node_id }
    }
}
