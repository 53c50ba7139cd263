//! Two accounts of one person become one.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use database::{Tx, args, outbox};
use kernel::conditional::{respond_json, stale};
use kernel::problem::ProblemBody;
use kernel::{ApiJson, ApiPath, Grants, Principal, Problem, Tenant, codes as common, text};
use media_types::TenantId;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::codes;
use super::erasure;
use super::routes::to_change;
use super::store::{UserRow, Users};
use super::views::UserView;
use crate::auth::sessions;
use crate::{giving, org, rbac};

/// Both are locked by it, and neither has changed since it was looked at.
const STAYS: &str = "UPDATE user_account SET version = version + 1, updated_ms = $4
    WHERE tenant_id = $1 AND id = $2 AND version = $3 AND state <> 'erasing'";
const PERMIT: &str = "UPDATE user_account SET permissions = $3 WHERE tenant_id = $1 AND id = $2";
/// Groups change by whom they have.
const TOUCH_GROUPS: &str = "UPDATE user_group SET version = version + 1, updated_ms = $3 WHERE tenant_id = $1
    AND id IN (SELECT group_id FROM user_group_member WHERE tenant_id = $1 AND user_id = $2)";
const MOVE_GROUPS: &str = "UPDATE user_group_member SET user_id = $3 WHERE tenant_id = $1 AND user_id = $2
    AND group_id NOT IN (SELECT group_id FROM user_group_member WHERE tenant_id = $1 AND user_id = $3)";

/// What the account that stays says of itself counts.
const MOVE_VALUES: &str = "UPDATE user_field_value SET user_id = $3 WHERE tenant_id = $1 AND user_id = $2
    AND key NOT IN (SELECT key FROM user_field_value WHERE tenant_id = $1 AND user_id = $3)";

pub(super) const STATEMENTS: &[&str] = &[STAYS, PERMIT, TOUCH_GROUPS, MOVE_GROUPS, MOVE_VALUES];

/// Whose account goes into another one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MergeRequest {
    /// The id of the account that goes.
    from: String,
}

impl Users {
    /// Moves what one account has into another one, and erases the first.
    async fn merge(
        &self,
        tenant: &TenantId,
        (into, from): (&UserRow, &UserRow),
        actor: &str,
    ) -> Result<UserRow, Problem> {
        self.check_units().await?;
        let own = self.of_both(into, from)?;
        let now_ms = self.now_ms();
        let mut tx = self.db.begin().await?;
        // Always in the same order, so that two merges never wait for each other.
        for row in if into.id < from.id { [into, from] } else { [from, into] } {
            if tx.execute(STAYS, args![tenant, &row.id, row.version, now_ms]).await? == 0 {
                return Err(stale());
            }
        }
        tx.execute(PERMIT, args![tenant, &into.id, json!(own.as_slice())]).await?;
        tx.execute(TOUCH_GROUPS, args![tenant, &from.id, now_ms]).await?;
        tx.execute(MOVE_GROUPS, args![tenant, &from.id, &into.id]).await?;
        tx.execute(MOVE_VALUES, args![tenant, &from.id, &into.id]).await?;
        org::move_rolls(&mut tx, tenant, (&from.id, &into.id)).await?;
        if !rbac::move_roles(&mut tx, tenant, (&from.id, &into.id), now_ms).await? {
            let detail = "one person would have more roles than he can";
            return Err(Problem::conflict(codes::USER_TOO_MANY_ROLES, detail));
        }
        erasure::begin(&mut tx, (tenant, &from.id), actor, now_ms).await?;
        sessions::end_all(&mut tx, tenant, &from.id).await?;
        tell(&mut tx, tenant, (into, from), (actor, now_ms)).await?;
        tx.commit().await?;
        self.finish(tenant, &from.id, actor).await?;
        self.one(tenant, &into.id).await
    }

    /// What both may by their own lists.
    fn of_both(&self, into: &UserRow, from: &UserRow) -> Result<Grants, Problem> {
        let mut list = into.permissions.0.as_slice().to_vec();
        let theirs = from.permissions.0.as_slice();
        let more: Vec<String> = theirs.iter().filter(|entry| !list.contains(entry)).cloned().collect();
        list.extend(more);
        if list.is_empty() {
            return Ok(Grants::default());
        }
        giving::grants(&list, &self.catalogue, codes::USER_INVALID_PERMISSIONS)
    }
}

/// By ids alone, as everything that events have of people.
async fn tell(
    tx: &mut Tx,
    tenant_id: &TenantId,
    (into, from): (&UserRow, &UserRow),
    (actor, time_ms): (&str, i64),
) -> Result<(), Problem> {
    let data = json!({ "id": into.id, "from": from.id, "actor": actor });
    let event = outbox::NewEvent { tenant_id, kind: "user.merged", subject: &into.id, data, time_ms };
    outbox::append(tx, &event).await?;
    Ok(())
}

/// Makes one account of two of the same person: roles, groups, teams, seats, fields and permissions of the other one are his, and that is
/// erased, with its password, its factors, its sessions and all else that is kept of it.
#[utoipa::path(
    post, path = "/api/v1/users/{id}/merge", operation_id = "merge_users", tag = "users", request_body = MergeRequest,
    params(("id" = String, Path, description = "the account that stays")),
    responses(
        (status = 200, description = "as he is now, with a strong ETag", body = UserView),
        (status = 403, description = "the caller lacks what one of them has", body = ProblemBody),
        (status = 404, description = "no such person", body = ProblemBody),
        (status = 409, description = "too many roles for one", body = ProblemBody),
        (status = 412, description = "one of them has just changed", body = ProblemBody),
        (status = 422, description = "not two people, or too many permissions for one", body = ProblemBody),
        (status = 503, description = "a unit has its tables elsewhere", body = ProblemBody),
    )
)]
pub(crate) async fn merge(
    State(users): State<Users>,
    Tenant(tenant): Tenant,
    principal: Principal,
    ApiPath(id): ApiPath<String>,
    ApiJson(request): ApiJson<MergeRequest>,
) -> Result<Response, Problem> {
    let into = to_change(&users, &tenant, &principal, &id).await?;
    text::check(&request.from, 1..=100).map_err(|detail| Problem::invalid("/from", common::FIELD_INVALID, detail))?;
    let from = to_change(&users, &tenant, &principal, &request.from).await?;
    if into.id == from.id {
        let detail = "these are one account already";
        return Err(Problem::invalid("/from", codes::USER_SAME, detail));
    }
    let row = users.merge(&tenant, (&into, &from), principal.actor()).await?;
    Ok(respond_json(&HeaderMap::new(), &UserView::from(row)))
}
