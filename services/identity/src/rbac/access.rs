//! JSON of what somebody may and why, and of what a change would do.

use kernel::{Permission, Person, rfc3339};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::model::{GRANTED, Ground, Impact, Reach, Refusal};

/// What the person who asks may.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnAccessView {
    /// All of it: permissions (`asset.read`), all of a kind (`asset.*`), or everything (`*`).
    permissions: Vec<String>,
    /// What of that he may for good, and so can give to others.
    lasting: Vec<String>,
}

impl OwnAccessView {
    pub(super) fn of(person: &Person) -> Self {
        Self { permissions: person.grants.clone().into(), lasting: person.lasting.clone().into() }
    }
}

/// The query of an explanation.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExplainQuery {
    /// The id of a person.
    #[param(example = "usr_0199...")]
    pub(crate) subject: String,
    /// The permission.
    #[param(example = "asset.read")]
    pub(crate) permission: String,
}

/// Why somebody may do something, or may not.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExplanationView {
    subject: String,
    permission: String,
    is_allowed: bool,
    /// `granted`; or `unknown_subject`, `suspended`, `unknown_permission`, `not_granted`.
    reason: &'static str,
    /// Everything by which he may.
    grounds: Vec<GroundView>,
}

/// An entry of a list that has the permission: of the person's own, or of a role.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GroundView {
    /// `asset.read`, `asset.*` or `*`.
    entry: String,
    /// The role; null of the person's own list, as what follows.
    role_id: Option<String>,
    role_name: Option<String>,
    /// That he has it, by himself or by the place where he belongs.
    binding_id: Option<String>,
    /// When that ends, RFC 3339; null also of what does not.
    expires_at: Option<String>,
}

impl From<&Ground<'_>> for GroundView {
    fn from(ground: &Ground<'_>) -> Self {
        let held = ground.held;
        Self {
            entry: ground.entry.to_owned(),
            role_id: held.map(|held| held.role.id.clone()),
            role_name: held.map(|held| held.role.name.clone()),
            binding_id: held.map(|held| held.binding.clone()),
            expires_at: held.and_then(|held| held.expires_ms).map(rfc3339),
        }
    }
}

impl ExplanationView {
    /// Of what was asked and decided.
    pub(super) fn new(query: ExplainQuery, decided: &Result<Vec<Ground<'_>>, Refusal>) -> Self {
        let ExplainQuery { subject, permission } = query;
        let (reason, grounds) = match decided {
            Ok(grounds) => (GRANTED, grounds.iter().map(GroundView::from).collect()),
            Err(refusal) => (refusal.as_str(), Vec::new()),
        };
        Self { subject, permission, is_allowed: decided.is_ok(), reason, grounds }
    }
}

/// A list that a role might have.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DryRunRequest {
    /// What the role would give; an empty list is as if it were removed.
    #[schema(max_items = 256, example = json!(["upload.*", "asset.read"]))]
    pub(crate) permissions: Vec<String>,
}

/// What a change of a role would do to those who have it, also those who are suspended.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DryRunView {
    /// How many people have the role.
    people: usize,
    /// What people would have who have it by nothing else now.
    gained: ReachView,
    /// What people would have no longer, by nothing else either.
    lost: ReachView,
}

/// Whom it concerns, and how.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReachView {
    /// How many people.
    people: usize,
    /// In the order of their names.
    permissions: Vec<PermissionReachView>,
}

/// One permission.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PermissionReachView {
    permission: String,
    /// How many people.
    people: usize,
}

impl From<Reach> for ReachView {
    fn from(reach: Reach) -> Self {
        let view = |(permission, people): (Permission, usize)| PermissionReachView {
            permission: permission.to_string(),
            people,
        };
        Self { people: reach.people, permissions: reach.permissions.into_iter().map(view).collect() }
    }
}

impl From<Impact> for DryRunView {
    fn from(impact: Impact) -> Self {
        Self { people: impact.holders, gained: impact.gain.into(), lost: impact.lose.into() }
    }
}
