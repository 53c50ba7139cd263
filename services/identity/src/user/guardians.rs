//! `/api/v1/users/{id}/guardians`: who sees to a minor. Whoever has a guardian is one, and it is his guardians who agree to something for him.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use database::{DbError, args, outbox};
use kernel::problem::ProblemBody;
use kernel::{ApiJson, ApiPath, Myself, Principal, Problem, Tenant, rfc3339, text};
use media_types::TenantId;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::codes;
use super::routes::to_change;
use super::store::Users;

/// The most guardians of somebody. Two that are made at the same moment may be one more.
const MAX_GUARDIANS: i64 = 10;

const PUT: &str = "INSERT INTO user_guardian (tenant_id, ward_id, guardian_id, relation, created_by, created_ms)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (tenant_id, ward_id, guardian_id) DO UPDATE SET relation = excluded.relation";
/// Both are locked by it: an update that changes nothing does so on both engines.
const STAY: &str = "UPDATE user_account SET state = state WHERE tenant_id = $1 AND id IN ($2, $3)";
const COUNT: &str = "SELECT COUNT(*) FROM user_guardian WHERE tenant_id = $1 AND ward_id = $2 AND guardian_id <> $3";
const DELETE: &str = "DELETE FROM user_guardian WHERE tenant_id = $1 AND ward_id = $2 AND guardian_id = $3";
pub(super) const GUARDIANS: &str = "SELECT guardian_id AS user_id, relation, created_ms FROM user_guardian
    WHERE tenant_id = $1 AND ward_id = $2 ORDER BY created_ms, guardian_id LIMIT 100";
pub(super) const WARDS: &str = "SELECT ward_id AS user_id, relation, created_ms FROM user_guardian
    WHERE tenant_id = $1 AND guardian_id = $2 ORDER BY created_ms, ward_id LIMIT 1000";
const IS_WARD: &str = "SELECT ward_id FROM user_guardian WHERE tenant_id = $1 AND ward_id = $2 AND guardian_id = $3";

pub(super) const STATEMENTS: &[&str] = &[PUT, STAY, COUNT, DELETE, GUARDIANS, WARDS, IS_WARD];

database::row! {
    /// Somebody's guardian, or ward.
    #[derive(Serialize)]
    pub(super) struct GuardianRow {
        pub(super) user_id: String,
        pub(super) relation: String,
        pub(super) created_ms: i64,
    }
}

/// Who somebody is to his ward.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GuardianRequest {
    /// For people, 1 to 60 characters.
    #[schema(example = "mother", min_length = 1, max_length = 60)]
    relation: String,
}

/// Somebody's guardian, or ward.
#[derive(Serialize, ToSchema)]
pub(crate) struct GuardianView {
    /// The person.
    user_id: String,
    /// Who the guardian is to the ward, for people.
    relation: String,
    /// Since when, RFC 3339.
    created_at: String,
}

/// All of somebody.
#[derive(Serialize, ToSchema)]
pub(crate) struct GuardiansView {
    /// The longest known first.
    items: Vec<GuardianView>,
}

fn answer(rows: Vec<GuardianRow>) -> Response {
    let view = |row: GuardianRow| GuardianView {
        user_id: row.user_id,
        relation: row.relation,
        created_at: rfc3339(row.created_ms),
    };
    let items = rows.into_iter().map(view).collect();
    ([(header::CACHE_CONTROL, "no-store")], axum::Json(GuardiansView { items })).into_response()
}

impl Users {
    pub(super) async fn guardians(&self, tenant: &TenantId, ward: &str) -> Result<Vec<GuardianRow>, DbError> {
        self.db.all(GUARDIANS, args![tenant, ward]).await
    }

    pub(super) async fn wards(&self, tenant: &TenantId, guardian: &str) -> Result<Vec<GuardianRow>, DbError> {
        self.db.all(WARDS, args![tenant, guardian]).await
    }

    /// That one speaks for the other.
    pub(super) async fn check_ward(&self, tenant: &TenantId, guardian: &str, ward: &str) -> Result<(), Problem> {
        let found: Option<(String,)> = self.db.optional(IS_WARD, args![tenant, ward, guardian]).await?;
        let missing = || Problem::not_found(codes::USER_NOT_FOUND, "there is no such person whom you see to");
        found.map(drop).ok_or_else(missing)
    }

    async fn put_guardian(
        &self,
        tenant: &TenantId,
        (ward, guardian): (&str, &str),
        (relation, actor): (&str, &str),
    ) -> Result<(), Problem> {
        let now_ms = self.now_ms();
        let mut tx = self.db.begin().await?;
        if tx.execute(STAY, args![tenant, ward, guardian]).await? != 2 {
            return Err(Problem::not_found(codes::USER_NOT_FOUND, "one of them has just gone"));
        }
        let (others,): (i64,) = tx.optional(COUNT, args![tenant, ward, guardian]).await?.ok_or(DbError::NoRow)?;
        if others >= MAX_GUARDIANS {
            let detail = format!("a person has at most {MAX_GUARDIANS} guardians");
            return Err(Problem::conflict(codes::USER_TOO_MANY_GUARDIANS, detail));
        }
        tx.execute(PUT, args![tenant, ward, guardian, relation, actor, now_ms]).await?;
        let data = json!({ "id": ward, "guardian_id": guardian, "actor": actor });
        let kind = "user.guardian_put";
        let event = outbox::NewEvent { tenant_id: tenant, kind, subject: ward, data, time_ms: now_ms };
        outbox::append(&mut tx, &event).await?;
        Ok(tx.commit().await?)
    }

    async fn remove_guardian(
        &self,
        tenant: &TenantId,
        (ward, guardian): (&str, &str),
        actor: &str,
    ) -> Result<(), Problem> {
        let mut tx = self.db.begin().await?;
        if tx.execute(DELETE, args![tenant, ward, guardian]).await? == 0 {
            return Err(Problem::not_found(codes::USER_NO_GUARDIAN, "this one is no guardian of the person"));
        }
        let data = json!({ "id": ward, "guardian_id": guardian, "actor": actor });
        let (kind, time_ms) = ("user.guardian_removed", self.now_ms());
        let event = outbox::NewEvent { tenant_id: tenant, kind, subject: ward, data, time_ms };
        outbox::append(&mut tx, &event).await?;
        Ok(tx.commit().await?)
    }
}

/// Who sees to a person.
#[utoipa::path(
    get, path = "/api/v1/users/{id}/guardians", operation_id = "list_guardians", tag = "users",
    params(("id" = String, Path, description = "the person")),
    responses(
        (status = 200, description = "his guardians; none of whoever is no minor", body = GuardiansView),
        (status = 404, description = "no such person", body = ProblemBody),
    )
)]
pub(crate) async fn list(
    State(users): State<Users>,
    Tenant(tenant): Tenant,
    ApiPath(id): ApiPath<String>,
) -> Result<Response, Problem> {
    let row = users.one(&tenant, &id).await?;
    Ok(answer(users.guardians(&tenant, &row.id).await?))
}

/// Has somebody see to a person, who is a minor by that.
#[utoipa::path(
    put, path = "/api/v1/users/{id}/guardians/{guardian_id}", operation_id = "put_guardian", tag = "users",
    request_body = GuardianRequest,
    params(
        ("id" = String, Path, description = "the person"),
        ("guardian_id" = String, Path, description = "who sees to him, of the same tenant"),
    ),
    responses(
        (status = 204, description = "he does"),
        (status = 403, description = "the caller lacks what the person has", body = ProblemBody),
        (status = 404, description = "no such person", body = ProblemBody),
        (status = 409, description = "he has too many already", body = ProblemBody),
        (status = 422, description = "not such a relation, or one person", body = ProblemBody),
    )
)]
pub(crate) async fn put(
    State(users): State<Users>,
    Tenant(tenant): Tenant,
    principal: Principal,
    ApiPath((id, guardian_id)): ApiPath<(String, String)>,
    ApiJson(request): ApiJson<GuardianRequest>,
) -> Result<StatusCode, Problem> {
    let ward = to_change(&users, &tenant, &principal, &id).await?;
    let guardian = users.one(&tenant, &guardian_id).await?;
    let invalid = |pointer: &str, detail: String| Problem::invalid(pointer, codes::USER_INVALID_GUARDIAN, detail);
    text::check(&request.relation, 1..=60).map_err(|detail| invalid("/relation", detail))?;
    if ward.id == guardian.id {
        return Err(invalid("", "nobody is his own guardian".to_owned()));
    }
    users.put_guardian(&tenant, (&ward.id, &guardian.id), (&request.relation, principal.actor())).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Has somebody no longer see to a person.
#[utoipa::path(
    delete, path = "/api/v1/users/{id}/guardians/{guardian_id}", operation_id = "remove_guardian", tag = "users",
    params(
        ("id" = String, Path, description = "the person"),
        ("guardian_id" = String, Path, description = "who sees to him"),
    ),
    responses(
        (status = 204, description = "he does no longer"),
        (status = 403, description = "the caller lacks what the person has", body = ProblemBody),
        (status = 404, description = "no such person, or no guardian of his", body = ProblemBody),
    )
)]
pub(crate) async fn remove(
    State(users): State<Users>,
    Tenant(tenant): Tenant,
    principal: Principal,
    ApiPath((id, guardian_id)): ApiPath<(String, String)>,
) -> Result<StatusCode, Problem> {
    let ward = to_change(&users, &tenant, &principal, &id).await?;
    users.remove_guardian(&tenant, (&ward.id, &guardian_id), principal.actor()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whom the person who asks sees to.
#[utoipa::path(
    get, path = "/api/v1/users/me/wards", operation_id = "list_wards", tag = "users",
    responses((status = 200, description = "his wards", body = GuardiansView))
)]
pub(crate) async fn wards(State(users): State<Users>, Myself(me): Myself) -> Result<Response, Problem> {
    Ok(answer(users.wards(&me.tenant, &me.id).await?))
}
