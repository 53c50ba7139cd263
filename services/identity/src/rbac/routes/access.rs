//! `/api/v1/access`: what somebody may and why, and all that decides it.

use std::collections::{BTreeSet, HashMap};

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use kernel::conditional::respond_json;
use kernel::problem::ProblemBody;
use kernel::{ApiJson, ApiQuery, Myself, Problem, Tenant};
use media_types::TenantId;

use crate::rbac::access::{ExplainQuery, ExplanationView, OwnAccessView};
use crate::rbac::cedar::{self, CedarExport};
use crate::rbac::evaluations::{EvaluationRequest, EvaluationView, EvaluationsAnswer, EvaluationsRequest};
use crate::rbac::model::{self, Subject};
use crate::rbac::store::Roles;

/// What the person who asks may at the moment, by his own list and his roles.
#[utoipa::path(
    get, path = "/api/v1/access/me", operation_id = "get_own_access", tag = "access",
    responses((status = 200, description = "all of it", body = OwnAccessView))
)]
pub(crate) async fn mine(Myself(me): Myself) -> Json<OwnAccessView> {
    Json(OwnAccessView::of(&me))
}

/// Whether a person of the caller's tenant may do something, in the shape of the AuthZEN Authorization API 1.0 (§6).
#[utoipa::path(
    post, path = "/api/v1/access/evaluation", operation_id = "evaluate_access", tag = "access",
    request_body = EvaluationRequest, extensions(("x-audit" = json!("none"))),
    responses(
        (status = 200, description = "the decision", body = EvaluationView),
        (status = 422, description = "not a question", body = ProblemBody),
    )
)]
pub(crate) async fn evaluate(
    State(roles): State<Roles>,
    Tenant(tenant): Tenant,
    ApiJson(question): ApiJson<EvaluationRequest>,
) -> Result<Json<EvaluationView>, Problem> {
    let subject = subject(&roles, &tenant, question.user_id()).await?;
    Ok(Json(question.answer(&roles.catalogue, subject.as_ref(), roles.now_ms())))
}

async fn subject(roles: &Roles, tenant: &TenantId, id: Option<&str>) -> Result<Option<Subject>, Problem> {
    match id {
        Some(id) => Ok(roles.subject(tenant, id).await?),
        None => Ok(None),
    }
}

/// Several of these questions in one request (§7).
#[utoipa::path(
    post, path = "/api/v1/access/evaluations", operation_id = "evaluate_access_several", tag = "access",
    request_body = EvaluationsRequest, extensions(("x-audit" = json!("none"))),
    responses(
        (status = 200, description = "the decisions, in the order of the questions", body = EvaluationsAnswer),
        (status = 422, description = "not questions, or too many", body = ProblemBody),
    )
)]
pub(crate) async fn evaluate_several(
    State(roles): State<Roles>,
    Tenant(tenant): Tenant,
    ApiJson(request): ApiJson<EvaluationsRequest>,
) -> Result<Json<EvaluationsAnswer>, Problem> {
    let questions = request.questions()?;
    let ids: BTreeSet<&str> = questions.all.iter().filter_map(EvaluationRequest::user_id).collect();
    let mut subjects: HashMap<String, Subject> = HashMap::new();
    for id in ids {
        subjects.extend(roles.subject(&tenant, id).await?.map(|subject| (id.to_owned(), subject)));
    }
    let now_ms = roles.now_ms();
    let answer = |question: &EvaluationRequest| {
        let subject = question.user_id().and_then(|id| subjects.get(id));
        question.answer(&roles.catalogue, subject, now_ms)
    };
    Ok(Json(questions.answered(answer)))
}

/// Why a person of the caller's tenant may do something, by which of his lists and roles; or why he may not.
#[utoipa::path(
    get, path = "/api/v1/access/explain", operation_id = "explain_access", tag = "access", params(ExplainQuery),
    responses(
        (status = 200, description = "the explanation", body = ExplanationView),
        (status = 422, description = "not a valid query", body = ProblemBody),
    )
)]
pub(crate) async fn explain(
    State(roles): State<Roles>,
    Tenant(tenant): Tenant,
    ApiQuery(query): ApiQuery<ExplainQuery>,
) -> Result<Json<ExplanationView>, Problem> {
    let id = Some(query.subject.as_str()).filter(|id| model::is_id(id));
    let subject = subject(&roles, &tenant, id).await?;
    let permission = query.permission.split_once('.');
    let permission = permission.and_then(|(resource, action)| model::find(&roles.catalogue, resource, action));
    let decided = model::decide(subject.as_ref(), permission, roles.now_ms());
    Ok(Json(ExplanationView::new(query, &decided)))
}

/// The roles of the caller's tenant and who has them, as policies and entities of Cedar that decide the same.
#[utoipa::path(
    get, path = "/api/v1/access/export", operation_id = "export_access", tag = "access",
    responses(
        (status = 200, description = "all of them, with a strong ETag", body = CedarExport),
        (status = 304, description = "unchanged"),
        (status = 422, description = "more people than are looked at", body = ProblemBody),
    )
)]
pub(crate) async fn export(
    State(roles): State<Roles>,
    Tenant(tenant): Tenant,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (all, people) = roles.everybody(&tenant).await?;
    Ok(respond_json(&headers, &cedar::export(&roles.catalogue, &all, &people, roles.now_ms())))
}
