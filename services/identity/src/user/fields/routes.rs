//! `/api/v1/users/fields`.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use kernel::conditional::respond_json;
use kernel::problem::ProblemBody;
use kernel::{
    ApiJson, ApiPath, ApiQuery, Cursor, Etag, Idempotency, Page, Permission, Principal, Problem, Tenant,
    require_if_match, rfc3339,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::store::Users;
use super::model::{self, Kind, Visibility};
use super::{FieldRow, NewField};

const ADDRESS: &str = "/api/v1/users/fields";

pub(in crate::user) const CREATE: Permission = Permission::new("user_field", "create");
pub(in crate::user) const DELETE: Permission = Permission::new("user_field", "delete");
pub(in crate::user) const READ: Permission = Permission::new("user_field", "read");
pub(in crate::user) const UPDATE: Permission = Permission::new("user_field", "update");

/// A new field.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FieldRequest {
    /// One among all fields of the tenant: 1 to 40 small letters, digits and `_`, a letter first. It stays.
    #[schema(example = "shoe_size")]
    key: String,
    /// For people, 1 to 100 characters.
    label: String,
    /// What its values are. It stays.
    kind: Kind,
    /// Who sees them.
    visibility: Visibility,
    /// Of a `choice`, 1 to 100 texts.
    #[schema(max_items = 100)]
    choices: Option<Vec<String>>,
}

/// What changes about a field; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FieldChange {
    /// For people, 1 to 100 characters.
    label: Option<String>,
    /// Who sees its values from now on, also those that are there.
    visibility: Option<Visibility>,
}

/// The query of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FieldsQuery {
    /// Rows of the page, 1 to 200; 50 when absent.
    limit: Option<u32>,
    /// The `next` of the page before.
    after: Option<String>,
}

/// A field.
#[derive(Serialize, ToSchema)]
pub(crate) struct FieldView {
    /// What it is called in values: its id.
    id: String,
    /// For people.
    label: String,
    /// `text`, `number`, `boolean`, `date` or `choice`.
    kind: String,
    /// `self`, `staff` or `everyone`.
    visibility: String,
    /// Of a `choice`.
    choices: Vec<String>,
    /// RFC 3339.
    created_at: String,
    /// RFC 3339.
    updated_at: String,
}

impl From<FieldRow> for FieldView {
    fn from(row: FieldRow) -> Self {
        Self {
            id: row.key,
            label: row.label,
            kind: row.kind,
            visibility: row.visibility,
            choices: row.choices.0,
            created_at: rfc3339(row.created_ms),
            updated_at: rfc3339(row.updated_ms),
        }
    }
}

/// Makes a field, which nobody has anything in yet.
#[utoipa::path(
    post, path = "/api/v1/users/fields", operation_id = "create_user_field", tag = "users", request_body = FieldRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "one field for each, for 24 hours")),
    responses(
        (status = 201, description = "the field", body = FieldView),
        (status = 409, description = "there is one with this key, or there are too many", body = ProblemBody),
        (status = 422, description = "not a valid field", body = ProblemBody),
    )
)]
pub(crate) async fn create(
    State(users): State<Users>,
    Tenant(tenant): Tenant,
    principal: Principal,
    headers: HeaderMap,
    ApiJson(request): ApiJson<FieldRequest>,
) -> Result<Response, Problem> {
    let idempotency_key = Idempotency::key(&headers)?;
    let FieldRequest { key, label, kind, visibility, choices } = request.clone();
    let choices = choices.unwrap_or_default();
    model::key(&key)?;
    model::label(&label)?;
    model::choices(kind, &choices)?;
    let (kind, visibility, actor) = (kind.as_str(), visibility.as_str(), principal.actor().to_owned());
    let now_ms = users.now_ms();
    let new = NewField { tenant: tenant.clone(), key, label, kind, visibility, choices, actor, now_ms };
    let made = users
        .idempotency
        .once_within(&tenant, idempotency_key, ADDRESS, &request, |tx| Box::pin(super::create(tx, new)));
    Ok(made.await?.created(ADDRESS))
}

/// The fields that a tenant keeps of its people, newest first.
#[utoipa::path(
    get, path = "/api/v1/users/fields", operation_id = "list_user_fields", tag = "users", params(FieldsQuery),
    responses(
        (status = 200, description = "a page", body = Page<FieldView>),
        (status = 422, description = "not a valid query", body = ProblemBody),
    )
)]
pub(crate) async fn list(
    State(users): State<Users>,
    Tenant(tenant): Tenant,
    ApiQuery(query): ApiQuery<FieldsQuery>,
) -> Result<Response, Problem> {
    let cursor = |row: &FieldRow| Cursor { time_ms: row.created_ms, id: row.key.clone() };
    let (users, tenant) = (&users, &tenant);
    let read = |after, limit| async move { users.fields(tenant, after, limit).await };
    let page = Page::read(query.limit, query.after.as_deref(), cursor, read).await?;
    Ok(page.map(FieldView::from).respond("/api/v1/users/fields?"))
}

/// One field.
#[utoipa::path(
    get, path = "/api/v1/users/fields/{key}", operation_id = "get_user_field", tag = "users",
    params(("key" = String, Path, description = "the field")),
    responses(
        (status = 200, description = "the field, with a strong ETag", body = FieldView),
        (status = 304, description = "unchanged"),
        (status = 404, description = "no such field", body = ProblemBody),
    )
)]
pub(crate) async fn show(
    State(users): State<Users>,
    Tenant(tenant): Tenant,
    ApiPath(key): ApiPath<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    Ok(respond_json(&headers, &FieldView::from(users.field(&tenant, &key).await?)))
}

/// Changes a field: what it is called, and who sees what is in it.
#[utoipa::path(
    patch, path = "/api/v1/users/fields/{key}", operation_id = "update_user_field", tag = "users",
    request_body = FieldChange,
    params(
        ("key" = String, Path, description = "the field"),
        ("If-Match" = String, Header, description = "the state of it that is changed"),
    ),
    responses(
        (status = 200, description = "as it is now, with a strong ETag", body = FieldView),
        (status = 404, description = "no such field", body = ProblemBody),
        (status = 412, description = "it has changed since it was read", body = ProblemBody),
        (status = 422, description = "not a valid change", body = ProblemBody),
        (status = 428, description = "without If-Match", body = ProblemBody),
    )
)]
pub(crate) async fn update(
    State(users): State<Users>,
    Tenant(tenant): Tenant,
    principal: Principal,
    ApiPath(key): ApiPath<String>,
    headers: HeaderMap,
    ApiJson(change): ApiJson<FieldChange>,
) -> Result<Response, Problem> {
    let row = users.field(&tenant, &key).await?;
    require_if_match(&headers, &Etag::of_json(&FieldView::from(row.clone()))?)?;
    let label = change.label.unwrap_or_else(|| row.label.clone());
    model::label(&label)?;
    let visibility = change.visibility.map_or_else(|| row.visibility.clone(), |wish| wish.as_str().to_owned());
    let row = users.change_field(&tenant, &row, (&label, &visibility), principal.actor()).await?;
    Ok(respond_json(&HeaderMap::new(), &FieldView::from(row)))
}

/// Removes a field, with what all people have in it.
#[utoipa::path(
    delete, path = "/api/v1/users/fields/{key}", operation_id = "delete_user_field", tag = "users",
    params(
        ("key" = String, Path, description = "the field"),
        ("If-Match" = String, Header, description = "the state of it that is removed"),
    ),
    responses(
        (status = 204, description = "removed"),
        (status = 404, description = "no such field", body = ProblemBody),
        (status = 412, description = "it has changed since it was read", body = ProblemBody),
        (status = 428, description = "without If-Match", body = ProblemBody),
    )
)]
pub(crate) async fn delete(
    State(users): State<Users>,
    Tenant(tenant): Tenant,
    principal: Principal,
    ApiPath(key): ApiPath<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let row = users.field(&tenant, &key).await?;
    require_if_match(&headers, &Etag::of_json(&FieldView::from(row.clone()))?)?;
    users.remove_field(&tenant, &row, principal.actor()).await?;
    Ok(StatusCode::NO_CONTENT)
}
