//! `/api/v1/audit/findings`.

use axum::extract::State;
use axum::response::Response;
use kernel::problem::ProblemBody;
use kernel::{ApiQuery, Cursor, Page, Policy, Problem, Routes, Tenant, rfc3339};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::FindingRow;
use crate::audit::Audit;
use crate::audit::routes::READ;

const ADDRESS: &str = "/api/v1/audit/findings";

/// Mounts every route.
pub(crate) fn mount(routes: Routes<Audit>) -> Routes<Audit> {
    routes.mount(Policy::May(READ), routes!(list))
}

/// Which page of the findings.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct FindingsQuery {
    /// 1 to 200; 50 when absent.
    limit: Option<u32>,
    /// `next` of the page before.
    after: Option<String>,
}

/// What somebody should look at.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditFinding)]
struct FindingView {
    id: String,
    /// `sign_in_after_refusals`, `grant_of_everything`, `many_removals` or `two_addresses`.
    rule: String,
    /// The index of the entry with which the rule was true.
    index: i64,
    /// Whose entry that is.
    actor: String,
    /// How many refusals, removals or addresses; 1 of a grant.
    count: i64,
    /// When that was: RFC 3339.
    time: String,
}

impl From<FindingRow> for FindingView {
    fn from(row: FindingRow) -> Self {
        let FindingRow { id, rule, seq, actor, count, time_ms } = row;
        Self { id, rule, index: seq, actor, count, time: rfc3339(time_ms) }
    }
}

/// What rules have found in the log, newest first: hints, of which each is told by the event `audit.finding`, too.
#[utoipa::path(
    get, path = "/api/v1/audit/findings", operation_id = "list_audit_findings", tag = "audit", params(FindingsQuery),
    responses(
        (status = 200, description = "a page", body = Page<FindingView>),
        (status = 422, description = "not a valid query", body = ProblemBody),
    )
)]
async fn list(
    State(audit): State<Audit>,
    Tenant(tenant): Tenant,
    ApiQuery(query): ApiQuery<FindingsQuery>,
) -> Result<Response, Problem> {
    let cursor = |row: &FindingRow| Cursor { time_ms: row.time_ms, id: row.id.clone() };
    let (audit, tenant) = (&audit, &tenant);
    let read = |after, limit| async move { audit.findings(tenant, after, limit).await };
    let page = Page::read(query.limit, query.after.as_deref(), cursor, read).await?;
    Ok(page.map(FindingView::from).respond(&format!("{ADDRESS}?")))
}
