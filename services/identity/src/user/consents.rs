//! What people have agreed to, and when they no longer did: a record that only grows.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use database::{DbError, args, outbox};
use kernel::problem::ProblemBody;
use kernel::{ApiJson, ApiPath, ApiQuery, Cursor, Myself, Page, Principal, Problem, Tenant, rfc3339};
use media_types::TenantId;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::codes;
use super::routes::{check_in_person, to_change};
use super::store::Users;

/// The most entries of one person. Two that are made at the same moment may be one more.
const MAX_ENTRIES: i64 = 1000;

const COUNT: &str = "SELECT COUNT(*) FROM user_consent WHERE tenant_id = $1 AND user_id = $2";
const INSERT: &str =
    "INSERT INTO user_consent (tenant_id, id, user_id, purpose, version, is_given, said_by, created_ms)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id, purpose, version, is_given, said_by, created_ms";
const LIST: &str = "SELECT id, purpose, version, is_given, said_by, created_ms FROM user_consent
    WHERE tenant_id = $1 AND user_id = $2 AND (created_ms, id) < ($3, $4) ORDER BY created_ms DESC, id DESC LIMIT $5";

/// No person has more.
pub(super) const ALL: &str = "SELECT id, purpose, version, is_given, said_by, created_ms FROM user_consent
    WHERE tenant_id = $1 AND user_id = $2 ORDER BY created_ms, id LIMIT 2000";

pub(super) const STATEMENTS: &[&str] = &[COUNT, INSERT, LIST, ALL];

database::row! {
    /// An entry.
    #[derive(Clone, Serialize)]
    pub(super) struct ConsentRow {
        pub(super) id: String,
        pub(super) purpose: String,
        pub(super) version: String,
        pub(super) is_given: bool,
        pub(super) said_by: String,
        pub(super) created_ms: i64,
    }
}

/// What somebody agrees to, or no longer does.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConsentRequest {
    /// What for: 1 to 64 small letters, digits, `.`, `-` and `_`.
    #[schema(example = "analytics")]
    purpose: String,
    /// Which text he was shown: 1 to 64 of the same.
    #[schema(example = "2026-11")]
    version: String,
    /// Whether he agrees.
    is_given: bool,
}

impl ConsentRequest {
    fn check(&self) -> Result<(), Problem> {
        for (pointer, word) in [("/purpose", &self.purpose), ("/version", &self.version)] {
            let plain =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || [b'.', b'-', b'_'].contains(&byte);
            if !(1..=64).contains(&word.len()) || !word.bytes().all(plain) {
                let detail = "it has 1 to 64 small letters, digits, `.`, `-` and `_`";
                return Err(Problem::invalid(pointer, codes::USER_INVALID_CONSENT, detail));
            }
        }
        Ok(())
    }
}

/// That somebody has agreed to something, or no longer does.
#[derive(Serialize, ToSchema)]
pub(crate) struct ConsentView {
    id: String,
    /// What for.
    purpose: String,
    /// Which text he was shown.
    version: String,
    /// Whether he agrees since then.
    is_given: bool,
    /// Who has said so: the id of the person, of his guardian, or of who has it from him.
    said_by: String,
    /// When, RFC 3339.
    created_at: String,
}

impl From<ConsentRow> for ConsentView {
    fn from(row: ConsentRow) -> Self {
        let ConsentRow { id, purpose, version, is_given, said_by, created_ms } = row;
        Self { id, purpose, version, is_given, said_by, created_at: rfc3339(created_ms) }
    }
}

/// The query of the record.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ConsentsQuery {
    /// Rows of the page, 1 to 200; 50 when absent.
    limit: Option<u32>,
    /// The `next` of the page before.
    after: Option<String>,
}

impl Users {
    /// Newest first.
    pub(super) async fn consents(
        &self,
        tenant: &TenantId,
        user: &str,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Vec<ConsentRow>, DbError> {
        let (time_ms, id) = Cursor::below(after);
        self.db.all(LIST, args![tenant, user, time_ms, id, i64::from(limit)]).await
    }

    async fn consent(
        &self,
        tenant: &TenantId,
        user: &str,
        (request, actor): (ConsentRequest, &str),
    ) -> Result<Response, Problem> {
        request.check()?;
        let ConsentRequest { purpose, version, is_given } = request;
        let (id, time_ms) = (format!("cst_{}", Uuid::now_v7().simple()), self.now_ms());
        let mut tx = self.db.begin().await?;
        let (entries,): (i64,) = tx.optional(COUNT, args![tenant, user]).await?.ok_or(DbError::NoRow)?;
        if entries >= MAX_ENTRIES {
            let detail = format!("of one person at most {MAX_ENTRIES} entries are kept");
            return Err(Problem::conflict(codes::USER_TOO_MANY_CONSENTS, detail));
        }
        let args = args![tenant, id, user, &purpose, version, is_given, actor, time_ms];
        let row: ConsentRow = tx.optional(INSERT, args).await?.ok_or(DbError::NoRow)?;
        let data = json!({ "id": user, "purpose": purpose, "is_given": is_given, "actor": actor });
        let event = outbox::NewEvent { tenant_id: tenant, kind: "user.consent_noted", subject: user, data, time_ms };
        outbox::append(&mut tx, &event).await?;
        tx.commit().await?;
        let view = axum::Json(ConsentView::from(row));
        Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], view).into_response())
    }

    async fn record(&self, tenant: &TenantId, user: &str, query: ConsentsQuery) -> Result<Page<ConsentView>, Problem> {
        let cursor = |row: &ConsentRow| Cursor { time_ms: row.created_ms, id: row.id.clone() };
        let read = |after, limit| async move { self.consents(tenant, user, after, limit).await };
        Ok(Page::read(query.limit, query.after.as_deref(), cursor, read).await?.map(ConsentView::from))
    }
}

/// Notes what a person has said on paper, or to whoever asks.
#[utoipa::path(
    post, path = "/api/v1/users/{id}/consents", operation_id = "create_consent", tag = "users",
    request_body = ConsentRequest, params(("id" = String, Path, description = "the person")),
    responses(
        (status = 201, description = "the entry", body = ConsentView),
        (status = 403, description = "the caller lacks what the person has", body = ProblemBody),
        (status = 404, description = "no such person", body = ProblemBody),
        (status = 409, description = "there are too many", body = ProblemBody),
        (status = 422, description = "not such words", body = ProblemBody),
    )
)]
pub(crate) async fn create(
    State(users): State<Users>,
    Tenant(tenant): Tenant,
    principal: Principal,
    ApiPath(id): ApiPath<String>,
    ApiJson(request): ApiJson<ConsentRequest>,
) -> Result<Response, Problem> {
    let row = to_change(&users, &tenant, &principal, &id).await?;
    users.consent(&tenant, &row.id, (request, principal.actor())).await
}

/// What a person has agreed to, newest first. The newest entry of a purpose is what holds.
#[utoipa::path(
    get, path = "/api/v1/users/{id}/consents", operation_id = "list_consents", tag = "users",
    params(("id" = String, Path, description = "the person"), ConsentsQuery),
    responses(
        (status = 200, description = "a page", body = Page<ConsentView>),
        (status = 404, description = "no such person", body = ProblemBody),
        (status = 422, description = "not a valid query", body = ProblemBody),
    )
)]
pub(crate) async fn list(
    State(users): State<Users>,
    Tenant(tenant): Tenant,
    ApiPath(id): ApiPath<String>,
    ApiQuery(query): ApiQuery<ConsentsQuery>,
) -> Result<Response, Problem> {
    let row = users.one(&tenant, &id).await?;
    let page = users.record(&tenant, &row.id, query).await?;
    Ok(page.respond(&format!("/api/v1/users/{id}/consents?")))
}

/// Notes what the person who asks agrees to. For a minor his guardians do so.
#[utoipa::path(
    post, path = "/api/v1/users/me/consents", operation_id = "create_own_consent", tag = "users",
    request_body = ConsentRequest,
    responses(
        (status = 201, description = "the entry", body = ConsentView),
        (status = 403, description = "he is a minor, or somebody acts as him", body = ProblemBody),
        (status = 409, description = "there are too many", body = ProblemBody),
        (status = 422, description = "not such words", body = ProblemBody),
    )
)]
pub(crate) async fn create_own(
    State(users): State<Users>,
    Myself(me): Myself,
    ApiJson(request): ApiJson<ConsentRequest>,
) -> Result<Response, Problem> {
    check_in_person(&me)?;
    if request.is_given && !users.guardians(&me.tenant, &me.id).await?.is_empty() {
        let detail = "whoever has a guardian agrees to nothing by himself";
        return Err(Problem::new(StatusCode::FORBIDDEN, codes::USER_IS_MINOR, detail));
    }
    users.consent(&me.tenant, &me.id, (request, &me.id)).await
}

/// What the person who asks has agreed to, newest first.
#[utoipa::path(
    get, path = "/api/v1/users/me/consents", operation_id = "list_own_consents", tag = "users", params(ConsentsQuery),
    responses(
        (status = 200, description = "a page", body = Page<ConsentView>),
        (status = 422, description = "not a valid query", body = ProblemBody),
    )
)]
pub(crate) async fn list_own(
    State(users): State<Users>,
    Myself(me): Myself,
    ApiQuery(query): ApiQuery<ConsentsQuery>,
) -> Result<Response, Problem> {
    let page = users.record(&me.tenant, &me.id, query).await?;
    Ok(page.respond("/api/v1/users/me/consents?"))
}

/// Notes what the person who asks agrees to for a minor whom he sees to.
#[utoipa::path(
    post, path = "/api/v1/users/me/wards/{id}/consents", operation_id = "create_ward_consent", tag = "users",
    request_body = ConsentRequest, params(("id" = String, Path, description = "the minor")),
    responses(
        (status = 201, description = "the entry", body = ConsentView),
        (status = 403, description = "somebody acts as him", body = ProblemBody),
        (status = 404, description = "no such person whom he sees to", body = ProblemBody),
        (status = 409, description = "there are too many", body = ProblemBody),
        (status = 422, description = "not such words", body = ProblemBody),
    )
)]
pub(crate) async fn create_of_ward(
    State(users): State<Users>,
    Myself(me): Myself,
    ApiPath(id): ApiPath<String>,
    ApiJson(request): ApiJson<ConsentRequest>,
) -> Result<Response, Problem> {
    check_in_person(&me)?;
    users.check_ward(&me.tenant, &me.id, &id).await?;
    users.consent(&me.tenant, &id, (request, &me.id)).await
}
