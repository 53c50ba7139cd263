//! JSON of teams and licences.

use kernel::rfc3339;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{RollRow, SeatRow};

/// A new team.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrgTeamRequest {
    /// For people, 1 to 200 characters; one among all teams of the tenant.
    #[schema(example = "Class of 2027")]
    pub(super) name: String,
    /// How many may belong to it; as many as there are when absent.
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub(super) seats: Option<i64>,
}

/// A new licence.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrgLicenceRequest {
    /// What it is for, 1 to 200 characters; one among all licences of the tenant.
    #[schema(example = "Advanced Physics")]
    pub(super) name: String,
    /// How many people may have it.
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub(super) seats: i64,
}

/// What changes about a team or a licence; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrgRollChange {
    /// 1 to 200 characters; one among all of the tenant.
    pub(super) name: Option<String>,
    /// How many may be on it from now on: as many as are at least.
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub(super) seats: Option<i64>,
}

/// How somebody shall belong to a team.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrgTeamPersonRequest {
    /// Whether he sees to who else belongs to it.
    pub(super) is_manager: bool,
}

/// A team or a licence.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrgRollView {
    id: String,
    /// For people.
    name: String,
    /// How many may be on it; null of a team without a bound.
    seats: Option<i64>,
    /// How many are.
    taken: i64,
    /// RFC 3339.
    created_at: String,
    /// RFC 3339.
    updated_at: String,
}

impl From<RollRow> for OrgRollView {
    fn from(row: RollRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            seats: row.seats,
            taken: row.taken,
            created_at: rfc3339(row.created_ms),
            updated_at: rfc3339(row.updated_ms),
        }
    }
}

/// Somebody who belongs to a team, or has a seat of a licence.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrgSeatView {
    user_id: String,
    /// Whether he sees to who else belongs to it; never of a licence.
    is_manager: bool,
    /// Who put him there: `admin`, or the id of a key or a person.
    added_by: String,
    /// RFC 3339.
    created_at: String,
}

impl From<SeatRow> for OrgSeatView {
    fn from(row: SeatRow) -> Self {
        let SeatRow { user_id, is_manager, added_by, created_ms } = row;
        Self { user_id, is_manager, added_by, created_at: rfc3339(created_ms) }
    }
}

/// A team to which the person who asks belongs, or a licence of which he has a seat.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnRollView {
    pub(super) id: String,
    /// For people.
    pub(super) name: String,
    /// Whether he sees to who else belongs to it; never of a licence.
    pub(super) is_manager: bool,
}
