//! JSON of invitations.

use kernel::rfc3339;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::InvitationRow;
use super::accept::Accepted;

/// A new invitation.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrgInvitationRequest {
    /// Of somebody who has no account at the tenant yet.
    #[schema(example = "bruno@example.com")]
    pub(super) email: String,
    /// What he is called, 1 to 200 characters, unless he says otherwise.
    pub(super) name: Option<String>,
    /// Where he shall belong: a sub-organization, or `root` for the tenant itself; when absent where people of his proven domain do, or
    /// `root`.
    #[schema(example = "root")]
    pub(super) node_id: Option<String>,
    /// The roles that he shall have, at most 8.
    #[schema(max_items = 8)]
    pub(super) role_ids: Option<Vec<String>>,
    /// The teams that he shall belong to, at most 8.
    #[schema(max_items = 8)]
    pub(super) team_ids: Option<Vec<String>>,
    /// Seconds from now until it ends, at most 90 days; as many days as the setting `invitation_days` says when absent.
    #[schema(minimum = 1, maximum = 7_776_000)]
    pub(super) expires_in_s: Option<i64>,
}

/// An invitation that nobody has accepted yet.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrgInvitationView {
    id: String,
    /// In lower case.
    email: String,
    name: Option<String>,
    /// Where he shall belong: a sub-organization, or `root` for the tenant itself.
    node_id: String,
    role_ids: Vec<String>,
    team_ids: Vec<String>,
    /// `admin`, or the id of a key or a person.
    invited_by: String,
    /// When it ends, RFC 3339.
    expires_at: String,
    /// RFC 3339.
    created_at: String,
}

impl From<InvitationRow> for OrgInvitationView {
    fn from(row: InvitationRow) -> Self {
        Self {
            id: row.id,
            email: row.email,
            name: row.name,
            node_id: row.node_id,
            role_ids: row.roles.0,
            team_ids: row.teams.0,
            invited_by: row.invited_by,
            expires_at: rfc3339(row.expires_ms),
            created_at: rfc3339(row.created_ms),
        }
    }
}

/// An invitation that was made.
#[derive(Serialize, ToSchema)]
pub(crate) struct IssuedInvitationView {
    #[serde(flatten)]
    pub(super) invitation: OrgInvitationView,
    /// What the person sends to `POST /api/v1/org/invitations/accept`, once. It is in this answer and in no other: null where the
    /// answer is given again for an `Idempotency-Key`. Give it to him by a way on which nobody else reads it.
    pub(super) token: Option<String>,
}

/// That somebody accepts an invitation.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AcceptInvitationRequest {
    /// That of the invitation.
    pub(super) token: String,
    /// What he is called, 1 to 200 characters; as the invitation has it when absent.
    pub(super) name: Option<String>,
}

/// The account of somebody who has accepted an invitation.
#[derive(Serialize, ToSchema)]
pub(crate) struct AcceptedInvitationView {
    user_id: String,
    /// The slug of the tenant, which he signs in to.
    tenant: String,
    /// What he sends to `POST /api/v1/auth/password` with the password that he has chosen, once. It is in this answer and in no other.
    password_token: String,
    /// When that ends, RFC 3339.
    expires_at: String,
}

impl From<Accepted> for AcceptedInvitationView {
    fn from(accepted: Accepted) -> Self {
        let Accepted { slug, user, token, expires_ms, .. } = accepted;
        Self { user_id: user, tenant: slug, password_token: token, expires_at: rfc3339(expires_ms) }
    }
}
