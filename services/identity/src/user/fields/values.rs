//! What people have in the fields of their tenant: `/api/v1/users/{id}/fields`, `/api/v1/users/me/fields` and `/api/v1/users/{id}/card`.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use database::{Database, DbError, Json, args};
use kernel::conditional::respond_json;
use kernel::problem::ProblemBody;
use kernel::{ApiJson, ApiPath, Etag, Myself, Principal, Problem, Tenant, audit, require_if_match};
use media_types::TenantId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::super::codes;
use super::super::routes::to_change;
use super::super::store::{self, UserRow, Users};
use super::model::{self, Viewer};
use super::{ALL, FieldRow};

/// No tenant has so many fields.
const VALUES: &str =
    "SELECT key, value FROM user_field_value WHERE tenant_id = $1 AND user_id = $2 ORDER BY key LIMIT 200";
const PUT: &str = "INSERT INTO user_field_value (tenant_id, user_id, key, value) VALUES ($1, $2, $3, $4)
    ON CONFLICT (tenant_id, user_id, key) DO UPDATE SET value = excluded.value";
const FORGET: &str = "DELETE FROM user_field_value WHERE tenant_id = $1 AND user_id = $2 AND key = $3";
/// An update that changes nothing locks the row on both engines.
const PERSON_STAYS: &str =
    "UPDATE user_account SET state = state WHERE tenant_id = $1 AND id = $2 AND state <> 'erasing'";
const FIELD_STAYS: &str = "UPDATE user_field SET version = version WHERE tenant_id = $1 AND key = $2";

pub(in crate::user) const STATEMENTS: &[&str] = &[VALUES, PUT, FORGET, PERSON_STAYS, FIELD_STAYS];

/// What changes; fields that are not named stay as they are.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ValuesChange {
    /// By the keys of fields; `null` removes what is there. At most 50.
    #[schema(value_type = Object)]
    values: Map<String, Value>,
}

/// What a person has in the fields that whoever asks may see.
#[derive(Serialize, ToSchema)]
pub(crate) struct ValuesView {
    /// The person.
    user_id: String,
    /// By the keys of fields; those in which he has nothing are left out.
    #[schema(value_type = Object)]
    values: Map<String, Value>,
}

/// What anybody of the tenant is told of a person.
#[derive(Serialize, ToSchema)]
pub(crate) struct CardView {
    id: String,
    /// For people.
    name: String,
    /// By the keys of fields that everyone sees.
    #[schema(value_type = Object)]
    values: Map<String, Value>,
}

/// All that a person has, by key.
pub(in crate::user) async fn all(db: &Database, tenant: &TenantId, id: &str) -> Result<Map<String, Value>, DbError> {
    let rows: Vec<(String, Json<Vec<Value>>)> = db.all(VALUES, args![tenant, id]).await?;
    Ok(rows.into_iter().filter_map(|(key, Json(value))| Some((key, value.into_iter().next()?))).collect())
}

/// Of these values those that somebody sees.
fn seen(fields: &[FieldRow], viewer: Viewer, mut values: Map<String, Value>) -> Map<String, Value> {
    values.retain(|key, _| fields.iter().any(|field| field.key == *key && viewer.sees(field)));
    values
}

impl Users {
    async fn values(&self, tenant: &TenantId, id: &str, viewer: Viewer) -> Result<Map<String, Value>, DbError> {
        let fields: Vec<FieldRow> = self.db.all(ALL, args![tenant]).await?;
        Ok(seen(&fields, viewer, all(&self.db, tenant, id).await?))
    }

    async fn change_values(
        &self,
        (tenant, of): (&TenantId, &UserRow),
        (viewer, actor): (Viewer, &str),
        headers: &HeaderMap,
        change: ValuesChange,
    ) -> Result<ValuesView, Problem> {
        let view = |values| ValuesView { user_id: of.id.clone(), values };
        let mut tx = self.db.begin().await?;
        if tx.execute(PERSON_STAYS, args![tenant, &of.id]).await? == 0 {
            return Err(Problem::conflict(codes::USER_ERASING, "this person is just being erased"));
        }
        let fields: Vec<FieldRow> = tx.all(ALL, args![tenant]).await?;
        let rows: Vec<(String, Json<Vec<Value>>)> = tx.all(VALUES, args![tenant, &of.id]).await?;
        let was = rows.into_iter().filter_map(|(key, Json(value))| Some((key, value.into_iter().next()?))).collect();
        let mut values = seen(&fields, viewer, was);
        require_if_match(headers, &Etag::of_json(&view(values.clone()))?)?;
        for (key, value) in change.values {
            let field = fields.iter().find(|field| field.key == key && viewer.writes(field));
            let pointer = format!("/values/{}", key.replace('~', "~0").replace('/', "~1"));
            let detail = "there is no such field, or others write it";
            let field = field.ok_or_else(|| Problem::invalid(pointer, codes::USER_FIELD_NOT_YOURS, detail))?;
            if value.is_null() {
                tx.execute(FORGET, args![tenant, &of.id, &key]).await?;
                values.remove(&key);
                continue;
            }
            model::value(field, &value)?;
            if tx.execute(FIELD_STAYS, args![tenant, &key]).await? == 0 {
                return Err(Problem::not_found(codes::USER_FIELD_NOT_FOUND, "somebody has just removed the field"));
            }
            tx.execute(PUT, args![tenant, &of.id, &key, json!([value])]).await?;
            values.insert(key, value);
        }
        store::tell(&mut tx, tenant, of, ("user.updated", actor), self.now_ms()).await?;
        tx.commit().await?;
        Ok(view(values))
    }
}

/// What a person has in the fields of his tenant, but for those that he alone sees.
#[utoipa::path(
    get, path = "/api/v1/users/{id}/fields", operation_id = "get_user_values", tag = "users",
    params(("id" = String, Path, description = "the person")),
    responses(
        (status = 200, description = "with a strong ETag", body = ValuesView),
        (status = 304, description = "unchanged"),
        (status = 404, description = "no such person", body = ProblemBody),
    )
)]
pub(crate) async fn show(
    State(users): State<Users>,
    Tenant(tenant): Tenant,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let row = users.one(&tenant, &id).await?;
    let values = users.values(&tenant, &row.id, Viewer::Staff).await?;
    Ok(respond_json(&headers, &ValuesView { user_id: row.id, values }))
}

/// Changes what a person has in the fields of his tenant.
#[utoipa::path(
    patch, path = "/api/v1/users/{id}/fields", operation_id = "update_user_values", tag = "users",
    request_body = ValuesChange,
    params(
        ("id" = String, Path, description = "the person"),
        ("If-Match" = String, Header, description = "the state that is changed"),
    ),
    responses(
        (status = 200, description = "as it is now, with a strong ETag", body = ValuesView),
        (status = 403, description = "the caller lacks what the person has", body = ProblemBody),
        (status = 404, description = "no such person", body = ProblemBody),
        (status = 409, description = "he is just being erased", body = ProblemBody),
        (status = 412, description = "it has changed since it was read", body = ProblemBody),
        (status = 422, description = "not a field, or not a value of it", body = ProblemBody),
        (status = 428, description = "without If-Match", body = ProblemBody),
    )
)]
pub(crate) async fn update(
    State(users): State<Users>,
    Tenant(tenant): Tenant,
    principal: Principal,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
    ApiJson(change): ApiJson<ValuesChange>,
) -> Result<Response, Problem> {
    let row = to_change(&users, &tenant, &principal, &id).await?;
    let by = (Viewer::Staff, principal.actor());
    Ok(respond_json(&HeaderMap::new(), &users.change_values((&tenant, &row), by, &headers, change).await?))
}

/// What the person who asks has in the fields of his tenant.
#[utoipa::path(
    get, path = "/api/v1/users/me/fields", operation_id = "get_my_values", tag = "users",
    responses(
        (status = 200, description = "with a strong ETag", body = ValuesView),
        (status = 304, description = "unchanged"),
    )
)]
pub(crate) async fn show_own(
    State(users): State<Users>,
    Myself(me): Myself,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let values = users.values(&me.tenant, &me.id, Viewer::Own).await?;
    Ok(respond_json(&headers, &ValuesView { user_id: me.id.clone(), values }))
}

/// Changes what the person who asks has in the fields of his tenant, but for those that are for those who see to people to write.
#[utoipa::path(
    patch, path = "/api/v1/users/me/fields", operation_id = "update_my_values", tag = "users",
    request_body = ValuesChange,
    params(("If-Match" = String, Header, description = "the state that is changed")),
    responses(
        (status = 200, description = "as it is now, with a strong ETag", body = ValuesView),
        (status = 404, description = "somebody has just removed the field", body = ProblemBody),
        (status = 409, description = "he is just being erased", body = ProblemBody),
        (status = 412, description = "it has changed since it was read", body = ProblemBody),
        (status = 422, description = "not a field, or not a value of it", body = ProblemBody),
        (status = 428, description = "without If-Match", body = ProblemBody),
    )
)]
pub(crate) async fn update_own(
    State(users): State<Users>,
    Myself(me): Myself,
    headers: HeaderMap,
    ApiJson(change): ApiJson<ValuesChange>,
) -> Result<Response, Problem> {
    let row = users.one(&me.tenant, &me.id).await?;
    let by = (Viewer::Own, me.id.as_str());
    let response =
        respond_json(&HeaderMap::new(), &users.change_values((&me.tenant, &row), by, &headers, change).await?);
    // Some of it nobody else may see, whoever reads the log included.
    audit::unsaid();
    Ok(response)
}

/// What whoever has signed in is told of another person of his tenant: his name, and what is in the fields that everyone sees.
#[utoipa::path(
    get, path = "/api/v1/users/{id}/card", operation_id = "get_user_card", tag = "users",
    params(("id" = String, Path, description = "the person")),
    responses(
        (status = 200, description = "with a strong ETag", body = CardView),
        (status = 304, description = "unchanged"),
        (status = 404, description = "no such person", body = ProblemBody),
    )
)]
pub(crate) async fn card(
    State(users): State<Users>,
    Myself(me): Myself,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let row = users.one(&me.tenant, &id).await?;
    let values = users.values(&me.tenant, &row.id, Viewer::Anybody).await?;
    Ok(respond_json(&headers, &CardView { id: row.id, name: row.name, values }))
}
