//! `/api/v1/org/export`: all that a tenant's organization is, for its own keeping.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use database::{Row, args};
use kernel::conditional::respond_json;
use kernel::paging::MAX_LIMIT;
use kernel::problem::ProblemBody;
use kernel::{Permission, Policy, Problem, Routes, Tenant};
use media_types::TenantId;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::brand::OrgBrand;
use super::codes;
use super::domains::OrgDomainView;
use super::settings::OrgSetting;
use super::store::Tenants;
use super::tree::OrgNodeView;

pub(super) const EXPORT: Permission = Permission::new("org", "export");

/// The most rows of a kind that are told together.
const MAX_ROWS: i64 = 100_000;

const PLACES: &str = "SELECT user_id, node_id FROM org_member WHERE tenant_id = $1 ORDER BY user_id LIMIT $2";
const GIVEN: &str =
    "SELECT node_id, role_id FROM org_node_role WHERE tenant_id = $1 ORDER BY node_id, role_id LIMIT $2";
const ROLLS: &str = "SELECT kind, id, name, seats FROM org_roll WHERE tenant_id = $1 ORDER BY id LIMIT $2";
const SEATS: &str = "SELECT roll_id, user_id, is_manager FROM org_roll_member WHERE tenant_id = $1
    ORDER BY roll_id, user_id LIMIT $2";

/// Every statement of the export, for the test that prepares each on both engines.
pub(super) const STATEMENTS: &[&str] = &[PLACES, GIVEN, ROLLS, SEATS];

/// Where a person belongs, below the tenant itself.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrgExportPlace {
    user_id: String,
    node_id: String,
}

impl From<(String, String)> for OrgExportPlace {
    fn from((user_id, node_id): (String, String)) -> Self {
        Self { user_id, node_id }
    }
}

/// A role that a sub-organization gives.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrgExportRole {
    node_id: String,
    role_id: String,
}

impl From<(String, String)> for OrgExportRole {
    fn from((node_id, role_id): (String, String)) -> Self {
        Self { node_id, role_id }
    }
}

/// A team or a licence.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrgExportRoll {
    /// `team` or `licence`.
    kind: String,
    id: String,
    name: String,
    seats: Option<i64>,
}

impl From<(String, String, String, Option<i64>)> for OrgExportRoll {
    fn from((kind, id, name, seats): (String, String, String, Option<i64>)) -> Self {
        Self { kind, id, name, seats }
    }
}

/// Who is on one.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrgExportSeat {
    roll_id: String,
    user_id: String,
    is_manager: bool,
}

impl From<(String, String, bool)> for OrgExportSeat {
    fn from((roll_id, user_id, is_manager): (String, String, bool)) -> Self {
        Self { roll_id, user_id, is_manager }
    }
}

/// All that a tenant's organization is. Who its people are is what `GET /api/v1/users` lists, and which roles there are `GET
/// /api/v1/roles`; invitations are not told, as they are nothing yet.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrgExport {
    brand: OrgBrand,
    domains: Vec<OrgDomainView>,
    nodes: Vec<OrgNodeView>,
    /// What is set, by the place, `root` for the tenant itself, and the name of the setting.
    settings: BTreeMap<String, BTreeMap<String, OrgSetting>>,
    /// Where people belong; who is not among them belongs to the tenant itself.
    places: Vec<OrgExportPlace>,
    /// Which roles sub-organizations give.
    roles: Vec<OrgExportRole>,
    /// Teams and licences.
    rolls: Vec<OrgExportRoll>,
    /// Who is on these.
    seats: Vec<OrgExportSeat>,
}

impl Tenants {
    /// All rows of one of these statements, if there are not too many.
    async fn told<R: Row, T: From<R>>(&self, tenant: &TenantId, sql: &'static str) -> Result<Vec<T>, Problem> {
        let rows: Vec<R> = self.db.all(sql, args![tenant, MAX_ROWS + 1]).await?;
        if rows.len() as i64 > MAX_ROWS {
            let detail = format!("there are more than {MAX_ROWS} places or seats");
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, codes::ORG_TOO_LARGE, detail));
        }
        Ok(rows.into_iter().map(T::from).collect())
    }

    async fn export(&self, tenant: &TenantId) -> Result<OrgExport, Problem> {
        let domains = self.domains(tenant, None, MAX_LIMIT).await?;
        Ok(OrgExport {
            brand: self.brand(tenant).await?.0,
            domains: domains.into_iter().map(OrgDomainView::from).collect(),
            nodes: self.all_nodes(tenant).await?.into_iter().map(OrgNodeView::from).collect(),
            settings: self.all_settings(tenant).await?.into_iter().collect(),
            places: self.told::<(String, String), _>(tenant, PLACES).await?,
            roles: self.told::<(String, String), _>(tenant, GIVEN).await?,
            rolls: self.told::<(String, String, String, Option<i64>), _>(tenant, ROLLS).await?,
            seats: self.told::<(String, String, bool), _>(tenant, SEATS).await?,
        })
    }
}

/// Mounts the route.
pub(super) fn mount(routes: Routes<Tenants>) -> Routes<Tenants> {
    routes.mount(Policy::May(EXPORT), routes!(export))
}

/// All that the organization of the caller's tenant is.
#[utoipa::path(
    get, path = "/api/v1/org/export", operation_id = "export_org", tag = "org",
    responses(
        (status = 200, description = "all of it, with a strong ETag", body = OrgExport),
        (status = 304, description = "unchanged"),
        (status = 422, description = "more people than are told together", body = ProblemBody),
    )
)]
pub(crate) async fn export(
    State(tenants): State<Tenants>,
    Tenant(tenant): Tenant,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    Ok(respond_json(&headers, &tenants.export(&tenant).await?))
}
