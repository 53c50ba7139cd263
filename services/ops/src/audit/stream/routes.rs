//! `/api/v1/audit/streams`.

use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use database::{DbError, Tx, args};
use http_client::Credential;
use kernel::problem::ProblemBody;
use kernel::{ApiJson, ApiPath, Idempotency, Permission, Policy, Principal, Problem, Routes, Stored, Tenant};
use utoipa_axum::routes;
use uuid::Uuid;

use super::views::{StreamRequest, StreamView, StreamsView};
use super::{MAX_STREAMS, StreamRow};
use crate::audit::routes::{READ, problem};
use crate::audit::{Audit, codes, sql};

const ADDRESS: &str = "/api/v1/audit/streams";
const MAX_URL: usize = 2048;
const MAX_CREDENTIAL: usize = 4096;

pub(crate) const STREAM: Permission = Permission::new("audit", "stream");

/// Mounts every route.
pub(crate) fn mount(routes: Routes<Audit>) -> Routes<Audit> {
    use Policy::May;
    routes
        .mount([(Method::POST, May(STREAM)), (Method::GET, May(READ))], routes!(create, list))
        .mount([(Method::GET, May(READ)), (Method::DELETE, May(STREAM))], routes!(show, end))
}

/// Has the log sent to somebody else, entry after entry, each at least once: as events of OCSF, or by syslog.
#[utoipa::path(
    post, path = "/api/v1/audit/streams", operation_id = "create_audit_stream", tag = "audit",
    request_body = StreamRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "one stream for each, for 24 hours")),
    responses(
        (status = 201, description = "the stream", body = StreamView),
        (status = 422, description = "not where anything is sent, or too many streams", body = ProblemBody),
    )
)]
async fn create(
    State(audit): State<Audit>,
    Tenant(tenant): Tenant,
    principal: Principal,
    headers: HeaderMap,
    ApiJson(request): ApiJson<StreamRequest>,
) -> Result<Response, Problem> {
    let once = Idempotency::key(&headers)?;
    check(&audit, &request)?;
    let StreamRequest { url, credential, has_personal, start } = request.clone();
    let now_ms = (audit.clock)();
    let row = StreamRow {
        tenant_id: tenant.as_str().to_owned(),
        id: format!("siem_{}", Uuid::now_v7().simple()),
        url,
        has_personal: has_personal.unwrap_or_default(),
        credential: None,
        next_seq: i64::try_from(start.unwrap_or_default()).unwrap_or(i64::MAX),
        due_ms: now_ms,
        failures: 0,
        last_error: None,
        last_ms: None,
        created_by: principal.actor().to_owned(),
        created_ms: now_ms,
    };
    let this = audit.clone();
    let effect =
        audit.idempotency.once_within(&tenant, once, ADDRESS, &request, |tx| Box::pin(made(tx, this, row, credential)));
    Ok(effect.await?.created(ADDRESS))
}

async fn made(tx: &mut Tx, audit: Audit, row: StreamRow, credential: Option<String>) -> Result<Stored, Problem> {
    let (count,): (i64,) = tx.optional(sql::COUNT_STREAMS, args![&row.tenant_id]).await?.ok_or(DbError::NoRow)?;
    if count >= MAX_STREAMS {
        let detail = format!("there are {MAX_STREAMS} streams, which is all that one tenant may have");
        return Err(Problem::invalid("", codes::AUDIT_TOO_MANY, detail));
    }
    let row = audit.begin_stream(tx, row, credential).await.map_err(problem)?;
    let body = serde_json::to_value(StreamView::from(row)).map_err(|error| Problem::internal(&error))?;
    Ok(Stored { status: StatusCode::CREATED, body })
}

fn check(audit: &Audit, request: &StreamRequest) -> Result<(), Problem> {
    let invalid = |pointer: &str, detail: String| Problem::invalid(pointer, codes::AUDIT_INVALID_STREAM, detail);
    let StreamRequest { url, credential, start, .. } = request;
    if url.len() > MAX_URL || url.contains('\0') {
        return Err(invalid("/url", format!("an address has at most {MAX_URL} characters, none of them NUL")));
    }
    audit.outlet.check(url).map_err(|detail| invalid("/url", detail))?;
    if let Some(text) = credential {
        if text.len() > MAX_CREDENTIAL {
            return Err(invalid("/credential", format!("a credential has at most {MAX_CREDENTIAL} characters")));
        }
        if url.starts_with(super::syslog::SCHEME) {
            return Err(invalid("/credential", "syslog takes none".to_owned()));
        }
        Credential::parse(text).map_err(|error| invalid("/credential", error.to_string()))?;
    }
    if start.is_some_and(|start| i64::try_from(start).is_err()) {
        return Err(invalid("/start", "there is no such index".to_owned()));
    }
    Ok(())
}

/// Streams, newest first, each with how far it is.
#[utoipa::path(
    get, path = "/api/v1/audit/streams", operation_id = "list_audit_streams", tag = "audit",
    responses((status = 200, description = "all of them", body = StreamsView))
)]
async fn list(State(audit): State<Audit>, Tenant(tenant): Tenant) -> Result<axum::Json<StreamsView>, Problem> {
    let rows = audit.streams(&tenant).await?;
    Ok(axum::Json(StreamsView { items: rows.into_iter().map(StreamView::from).collect() }))
}

/// One stream, and how far it is.
#[utoipa::path(
    get, path = "/api/v1/audit/streams/{id}", operation_id = "get_audit_stream", tag = "audit",
    params(("id" = String, Path, description = "the stream")),
    responses(
        (status = 200, description = "the stream", body = StreamView),
        (status = 404, description = "no such stream", body = ProblemBody),
    )
)]
async fn show(
    State(audit): State<Audit>,
    Tenant(tenant): Tenant,
    ApiPath(id): ApiPath<String>,
) -> Result<axum::Json<StreamView>, Problem> {
    Ok(axum::Json(audit.stream(&tenant, &id).await?.into()))
}

/// Ends a stream, in whatever state it is: how far it has come is a part of that.
#[utoipa::path(
    delete, path = "/api/v1/audit/streams/{id}", operation_id = "end_audit_stream", tag = "audit",
    params(("id" = String, Path, description = "the stream")),
    responses(
        (status = 204, description = "ended"),
        (status = 404, description = "no such stream", body = ProblemBody),
    )
)]
async fn end(
    State(audit): State<Audit>,
    Tenant(tenant): Tenant,
    ApiPath(id): ApiPath<String>,
) -> Result<StatusCode, Problem> {
    let row = audit.stream(&tenant, &id).await?;
    kernel::audit::before(&StreamView::from(row));
    audit.end_stream(&tenant, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
