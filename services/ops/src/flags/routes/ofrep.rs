//! The OpenFeature Remote Evaluation Protocol (OFREP 0.3, its core): providers of OpenFeature evaluate flags here.

use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use kernel::conditional::respond_json;
use kernel::problem::ProblemBody;
use kernel::{ApiJson, ApiPath, Problem};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{environment, problem};
use crate::flags::Context;
use crate::flags::local::Asked;
use crate::flags::snapshot::{Environment, Evaluation, Refusal};

/// A question.
#[derive(Deserialize, ToSchema)]
#[schema(as = OfrepRequest)]
#[expect(dead_code, reason = "read as a JSON value, so that what is wrong with it is told by the protocol's codes")]
pub(crate) struct EvaluationRequest {
    /// Who asks: `targetingKey`, which counts as the user unless there is a `userId`, and any other properties.
    #[schema(value_type = Object)]
    context: Value,
}

/// What a flag is, or why that cannot be said.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OfrepAnswer)]
#[serde(untagged)]
pub(crate) enum Answer {
    /// A value.
    Evaluated(EvaluationView),
    /// None.
    Failed(FailureView),
}

/// What a flag is for a context.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OfrepEvaluation)]
pub(crate) struct EvaluationView {
    key: String,
    /// The value; absent where the caller's own default holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Value>,
    /// `STATIC`, `TARGETING_MATCH`, `SPLIT` or `DISABLED`.
    reason: &'static str,
    /// The variant; of a flag without variants `on` or `off`. Clients there are take it for granted.
    variant: String,
}

/// Why a flag has no value.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OfrepFailure)]
pub(crate) struct FailureView {
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// `PARSE_ERROR`, `INVALID_CONTEXT`, `TARGETING_KEY_MISSING` or `FLAG_NOT_FOUND`.
    #[serde(rename = "errorCode")]
    error_code: &'static str,
    /// For people.
    #[serde(rename = "errorDetails")]
    error_details: &'static str,
}

/// All flags of an environment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OfrepBulk)]
pub(crate) struct BulkView {
    /// In the order of their keys.
    flags: Vec<Answer>,
}

/// Evaluates a flag for a context, as OpenFeature's OFREP providers ask.
#[utoipa::path(
    post, path = "/ofrep/v1/evaluate/flags/{key}", operation_id = "ofrep_evaluate_flag", tag = "flag clients",
    request_body = EvaluationRequest,
    params(
        ("key" = String, Path, description = "the flag"),
        ("Lectern-Environment" = Option<String>, Header, description = "the environment; production when absent"),
    ),
    extensions(("x-audit" = json!("none"))),
    responses(
        (status = 200, description = "its value", body = EvaluationView),
        (status = 400, description = "a failure by OFREP's codes: PARSE_ERROR, INVALID_CONTEXT, TARGETING_KEY_MISSING"),
        (status = 404, description = "a failure by OFREP's codes: FLAG_NOT_FOUND"),
        (status = 503, description = "nothing is known yet and the database does not answer", body = ProblemBody),
    )
)]
pub(crate) async fn one(
    flags: Asked,
    ApiPath(key): ApiPath<String>,
    headers: HeaderMap,
    body: Result<ApiJson<Value>, Problem>,
) -> Result<Response, Problem> {
    let context = match context(body, environment(&headers)?)? {
        Ok(context) => flags.completed(&context),
        Err(failure) => return Ok(failed(StatusCode::BAD_REQUEST, FailureView { key: Some(key), ..failure })),
    };
    let snapshot = flags.known().await.map_err(problem)?;
    let environment = snapshot.environment(context.environment.as_deref());
    let evaluated = environment.evaluate_named(&key, &context);
    if let Ok(evaluation) = &evaluated {
        environment.count(&key, evaluation.is_on);
    }
    Ok(match evaluated {
        Err(refusal @ Refusal::Unknown) => failed(StatusCode::NOT_FOUND, refused(key, refusal)),
        Err(refusal @ Refusal::NobodyNamed) => failed(StatusCode::BAD_REQUEST, refused(key, refusal)),
        Ok(evaluation) => axum::Json(view(key, evaluation)).into_response(),
    })
}

/// Evaluates all flags for a context. With `If-None-Match`, 304 while every value is the same. It is counted as a use of none.
#[utoipa::path(
    post, path = "/ofrep/v1/evaluate/flags", operation_id = "ofrep_evaluate_flags", tag = "flag clients",
    request_body = EvaluationRequest,
    params(
        ("Lectern-Environment" = Option<String>, Header, description = "the environment; production when absent"),
        ("If-None-Match" = Option<String>, Header, description = "the ETag of the answer before"),
    ),
    extensions(("x-audit" = json!("none"))),
    responses(
        (status = 200, description = "all values, with a strong ETag", body = BulkView),
        (status = 304, description = "unchanged"),
        (status = 400, description = "a failure by OFREP's codes: PARSE_ERROR, INVALID_CONTEXT"),
        (status = 503, description = "nothing is known yet and the database does not answer", body = ProblemBody),
    )
)]
pub(crate) async fn all(
    flags: Asked,
    headers: HeaderMap,
    body: Result<ApiJson<Value>, Problem>,
) -> Result<Response, Problem> {
    let context = match context(body, environment(&headers)?)? {
        Ok(context) => flags.completed(&context),
        Err(failure) => return Ok(failed(StatusCode::BAD_REQUEST, failure)),
    };
    let snapshot = flags.known().await.map_err(problem)?;
    let environment = snapshot.environment(context.environment.as_deref());
    Ok(respond_json(&headers, &answers(environment, environment.keys(), &context)))
}

/// What these flags are for a context.
pub(super) fn answers<'a>(
    environment: &Environment,
    keys: impl Iterator<Item = &'a str>,
    context: &Context,
) -> BulkView {
    let answer = |key: &str| match environment.evaluate_named(key, context) {
        Ok(evaluation) => Answer::Evaluated(view(key.to_owned(), evaluation)),
        Err(refusal) => Answer::Failed(refused(key.to_owned(), refusal)),
    };
    BulkView { flags: keys.map(answer).collect() }
}

fn view(key: String, evaluation: Evaluation) -> EvaluationView {
    let Evaluation { is_on, value, variant, reason } = evaluation;
    let variant = variant.unwrap_or_else(|| if is_on { "on" } else { "off" }.to_owned());
    EvaluationView { key, value, reason: reason.as_str(), variant }
}

fn refused(key: String, refusal: Refusal) -> FailureView {
    let (error_code, error_details) = match refusal {
        Refusal::Unknown => ("FLAG_NOT_FOUND", "there is no flag with this key"),
        Refusal::NobodyNamed => ("TARGETING_KEY_MISSING", "a share decides, and the context has no targetingKey"),
    };
    FailureView { key: Some(key), error_code, error_details }
}

pub(super) fn failed(status: StatusCode, failure: FailureView) -> Response {
    (status, axum::Json(failure)).into_response()
}

/// The context of a body, or what the protocol calls its fault; other refusals are ours.
pub(super) fn context(
    body: Result<ApiJson<Value>, Problem>,
    environment: String,
) -> Result<Result<Context, FailureView>, Problem> {
    let fault = |error_code, error_details| Ok(Err(FailureView { key: None, error_code, error_details }));
    let body = match body {
        Ok(ApiJson(body)) => body,
        Err(problem) if problem.status() == StatusCode::PAYLOAD_TOO_LARGE => return Err(problem),
        Err(_) => return fault("PARSE_ERROR", "the body is not JSON with the Content-Type application/json"),
    };
    let Some(Value::Object(mut properties)) = body.get("context").cloned() else {
        return fault("INVALID_CONTEXT", "the body has no object named context");
    };
    let targeting_key = match properties.remove("targetingKey") {
        None => None,
        Some(Value::String(key)) => Some(key),
        Some(_) => return fault("INVALID_CONTEXT", "targetingKey is not a string"),
    };
    Ok(Ok(read(targeting_key, properties, environment)))
}

/// Lists and objects have no form that a constraint could compare to, and are left out; the time is the server's.
pub(super) fn read(targeting_key: Option<String>, properties: Map<String, Value>, environment: String) -> Context {
    let mut context = Context { environment: Some(environment), ..Context::default() };
    for (name, value) in properties {
        let text = match value {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            Value::Null | Value::Array(_) | Value::Object(_) => continue,
        };
        match name.as_str() {
            "userId" => context.user_id = Some(text),
            "sessionId" => context.session_id = Some(text),
            "appName" => context.app_name = Some(text),
            "remoteAddress" => context.remote_address = Some(text),
            "environment" | "currentTime" => {}
            _ => drop(context.properties.insert(name, text)),
        }
    }
    if let Some(key) = targeting_key {
        context.user_id.get_or_insert_with(|| key.clone());
        context.properties.insert("targetingKey".to_owned(), key);
    }
    context
}
