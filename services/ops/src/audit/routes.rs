//! The resources under `/api/v1/audit`.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kernel::problem::ProblemBody;
use kernel::{ApiPath, ApiQuery, Cursor, Page, Permission, Policy, Problem, Routes, Tenant};
use media_types::TenantId;
use utoipa_axum::routes;

use super::model::EntryRow;
use super::store::{Audit, AuditError};
use super::views::{
    ConsistencyQuery, ConsistencyView, EntriesQuery, EntryView, ExportQuery, InclusionQuery, InclusionView, KeyView,
    encoded,
};
use super::{codes, findings, keeping, stream};

/// The most lines of an export.
const MAX_LINES: u32 = 1000;

pub(super) const READ: Permission = Permission::new("audit", "read");

/// What the routes ask for.
pub(super) const PERMISSIONS: &[Permission] = &[READ, keeping::HOLD, keeping::RETAIN, stream::STREAM];

/// Mounts every route.
pub(super) fn mount(routes: Routes<Audit>) -> Routes<Audit> {
    use Policy::May;
    findings::mount(stream::mount(keeping::mount(routes)))
        .mount(May(READ), routes!(list))
        .mount(May(READ), routes!(show))
        .mount(May(READ), routes!(export))
        .mount(May(READ), routes!(checkpoint))
        .mount(May(READ), routes!(key))
        .mount(May(READ), routes!(inclusion))
        .mount(May(READ), routes!(consistency))
}

pub(super) fn problem(error: AuditError) -> Problem {
    let detail = error.to_string();
    match error {
        AuditError::NoEntry(_) => Problem::not_found(codes::AUDIT_NOT_FOUND, detail),
        AuditError::NoProof(_) => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, codes::AUDIT_INVALID_RANGE, detail),
        AuditError::Expired(_) => Problem::new(StatusCode::GONE, codes::AUDIT_EXPIRED, detail),
        AuditError::Database(error) => error.into(),
        AuditError::Damaged(_) | AuditError::Note(_) | AuditError::Key(_) => Problem::internal(&error),
    }
}

/// Entries of the log, newest first.
#[utoipa::path(
    get, path = "/api/v1/audit/entries", operation_id = "list_audit_entries", tag = "audit", params(EntriesQuery),
    responses(
        (status = 200, description = "a page", body = Page<EntryView>),
        (status = 422, description = "not a valid query", body = ProblemBody),
    )
)]
async fn list(
    State(audit): State<Audit>,
    Tenant(tenant): Tenant,
    ApiQuery(query): ApiQuery<EntriesQuery>,
) -> Result<Response, Problem> {
    let (audit, tenant, wanted) = (&audit, &tenant, &query.wanted());
    let cursor = |row: &EntryRow| Cursor { time_ms: row.time_ms, id: row.seq.to_string() };
    let read = |after, limit| async move { audit.search(tenant, wanted, after, limit).await.map_err(problem) };
    let mut page = Page::read(query.limit, query.after.as_deref(), cursor, read).await?;
    let views = audit.views(tenant, std::mem::take(&mut page.items)).await.map_err(problem)?;
    Ok(page.with(views).respond(&query.address()))
}

/// One entry.
#[utoipa::path(
    get, path = "/api/v1/audit/entries/{index}", operation_id = "get_audit_entry", tag = "audit",
    params(("index" = u64, Path, description = "its place in the log, counted from 0")),
    responses(
        (status = 200, description = "the entry", body = EntryView),
        (status = 404, description = "no such entry", body = ProblemBody),
        (status = 410, description = "its time was over", body = ProblemBody),
    )
)]
async fn show(
    State(audit): State<Audit>,
    Tenant(tenant): Tenant,
    ApiPath(index): ApiPath<String>,
) -> Result<axum::Json<EntryView>, Problem> {
    let index = index.parse().map_err(|_| Problem::not_found(codes::AUDIT_NOT_FOUND, "an index is a number"))?;
    let row = audit.entry(&tenant, index).await.map_err(problem)?;
    let view = audit.views(&tenant, vec![row]).await.map_err(problem)?.pop();
    view.map(axum::Json).ok_or_else(|| problem(AuditError::NoEntry(index)))
}

/// Entries in the order of the log: the canonical JSON of one on each line, whose hash is that of its leaf. Of one whose time was over
/// there is an object with `leaf_hash` alone.
#[utoipa::path(
    get, path = "/api/v1/audit/export", operation_id = "export_audit_log", tag = "audit", params(ExportQuery),
    responses(
        (status = 200, description = "JSON Lines; Link has the address of what follows", body = String,
            content_type = "application/jsonl"),
        (status = 422, description = "not a valid query", body = ProblemBody),
    )
)]
async fn export(
    State(audit): State<Audit>,
    Tenant(tenant): Tenant,
    ApiQuery(query): ApiQuery<ExportQuery>,
) -> Result<Response, Problem> {
    let (start, limit) = (query.start.unwrap_or_default(), query.limit.unwrap_or(MAX_LINES));
    if !(1..=MAX_LINES).contains(&limit) {
        let detail = format!("limit is 1 to {MAX_LINES}");
        return Err(Problem::invalid("?limit", kernel::codes::PAGE_INVALID_LIMIT, detail));
    }
    let rows = audit.entries(&tenant, start, i64::from(limit) + 1).await?;
    let count = rows.len().min(limit as usize);
    let lines: String = rows[..count].iter().map(line).collect();
    let mut response =
        ([(header::CONTENT_TYPE, "application/jsonl"), (header::CACHE_CONTROL, "no-store")], lines).into_response();
    if let Some(next) = rows.get(count) {
        let link = format!("</api/v1/audit/export?start={}&limit={limit}>; rel=\"next\"", next.seq);
        let link = HeaderValue::from_str(&link).map_err(|error| Problem::internal(&error))?;
        response.headers_mut().insert(header::LINK, link);
    }
    Ok(response)
}

fn line(row: &EntryRow) -> String {
    if row.entry.is_empty() {
        return format!("{{\"leaf_hash\":\"{}\"}}\n", STANDARD.encode(&row.leaf_hash));
    }
    format!("{}\n", row.entry)
}

/// The log as it is now: a signed note by C2SP's tlog-checkpoint, with the log's name, how many entries it has, and the root of
/// their tree.
#[utoipa::path(
    get, path = "/api/v1/audit/checkpoint", operation_id = "get_audit_checkpoint", tag = "audit",
    responses((status = 200, description = "the note", body = String, content_type = "text/plain"))
)]
async fn checkpoint(State(audit): State<Audit>, Tenant(tenant): Tenant) -> Result<Response, Problem> {
    let log = audit.log(&tenant).await.map_err(problem)?;
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, log.checkpoint).into_response())
}

/// Whom checkpoints are signed by.
#[utoipa::path(
    get, path = "/api/v1/audit/key", operation_id = "get_audit_key", tag = "audit",
    responses((status = 200, description = "name and public key", body = KeyView))
)]
async fn key(State(audit): State<Audit>, Tenant(tenant): Tenant) -> Result<axum::Json<KeyView>, Problem> {
    let log = audit.log(&tenant).await.map_err(problem)?;
    let verifier = log.verifier().ok_or(AuditError::Damaged("the public key has another length")).map_err(problem)?;
    Ok(axum::Json(KeyView::from(&verifier)))
}

/// Proves that an entry is in a state of the log.
#[utoipa::path(
    get, path = "/api/v1/audit/proofs/inclusion", operation_id = "prove_audit_inclusion", tag = "audit",
    params(InclusionQuery),
    responses(
        (status = 200, description = "the proof, by RFC 9162", body = InclusionView),
        (status = 422, description = "no such entry or state", body = ProblemBody),
    )
)]
async fn inclusion(
    State(audit): State<Audit>,
    Tenant(tenant): Tenant,
    ApiQuery(query): ApiQuery<InclusionQuery>,
) -> Result<axum::Json<InclusionView>, Problem> {
    let index = query.index;
    let size = state(&audit, &tenant, query.size, index.saturating_add(1)).await?;
    let (leaf, hashes) = audit.inclusion(&tenant, index, size).await.map_err(problem)?;
    let (leaf_hash, hashes) = (STANDARD.encode(leaf), encoded(&hashes));
    Ok(axum::Json(InclusionView { index, size, leaf_hash, hashes }))
}

/// Proves that a state of the log begins as an earlier one: nothing was changed, removed or put in between.
#[utoipa::path(
    get, path = "/api/v1/audit/proofs/consistency", operation_id = "prove_audit_consistency", tag = "audit",
    params(ConsistencyQuery),
    responses(
        (status = 200, description = "the proof, by RFC 9162", body = ConsistencyView),
        (status = 422, description = "no such states", body = ProblemBody),
    )
)]
async fn consistency(
    State(audit): State<Audit>,
    Tenant(tenant): Tenant,
    ApiQuery(query): ApiQuery<ConsistencyQuery>,
) -> Result<axum::Json<ConsistencyView>, Problem> {
    let from = query.from;
    let to = state(&audit, &tenant, query.to, from.max(1)).await?;
    if from == 0 {
        return Err(problem(AuditError::NoProof(to)));
    }
    let hashes = audit.consistency(&tenant, from, to).await.map_err(problem)?;
    Ok(axum::Json(ConsistencyView { from, to, hashes: encoded(&hashes) }))
}

/// The state that is asked for, or the present one, which has `least` entries at least.
async fn state(audit: &Audit, tenant: &TenantId, asked: Option<u64>, least: u64) -> Result<u64, Problem> {
    let size = audit.log(tenant).await.map_err(problem)?.size();
    let asked = asked.unwrap_or(size);
    if (least..=size).contains(&asked) { Ok(asked) } else { Err(problem(AuditError::NoProof(size))) }
}
