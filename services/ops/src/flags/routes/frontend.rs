//! What pages and apps ask with a key that is no secret: Unleash's frontend API, and OFREP for browsers. They are told what public flags
//! come to for them, never the rules, and may be of any origin: what opens is the key, not a cookie.

use std::collections::BTreeSet;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use kernel::conditional::respond_json;
use kernel::problem::ProblemBody;
use kernel::{ApiJson, Problem};
use serde::Serialize;
use serde_json::{Map, Value};
use tokio::time::Instant;
use utoipa::ToSchema;

use super::ofrep::{self, BulkView, EvaluationRequest};
use super::problem;
use super::unleash::Metrics;
use crate::flags::fronts::Front;
use crate::flags::snapshot::Environment;
use crate::flags::store::FlagError;
use crate::flags::{Context, Flags, TenantFlags, codes};

/// What a preflight's answer holds for, in seconds: two days.
const PREFLIGHT_S: &str = "172800";
/// Properties of a context, and bytes of each: whoever has a page has its key, and each flag looks at all of them.
const MAX_PAIRS: usize = 100;
const MAX_TEXT: usize = 1000;

/// The flags that are on.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UnleashFrontend)]
pub(crate) struct FrontendView {
    /// In the order of their names; those that are off are left out.
    toggles: Vec<ToggleView>,
}

/// A flag that is on.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UnleashToggle)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ToggleView {
    name: String,
    enabled: bool,
    variant: ToggleVariantView,
    impression_data: bool,
}

/// The variant of a flag that is on.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UnleashToggleVariant)]
pub(crate) struct ToggleVariantView {
    /// `disabled` where there is none.
    name: String,
    enabled: bool,
    feature_enabled: bool,
    /// The value, as Unleash writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<PayloadView>,
}

/// A value, as Unleash writes it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UnleashPayload)]
pub(crate) struct PayloadView {
    /// `string`, `number` or `json`.
    #[serde(rename = "type")]
    kind: String,
    /// Its text.
    value: String,
}

/// Public flags that are on for the context in the query, as Unleash's clients for pages and apps ask: `userId`, `sessionId`, `appName`,
/// `remoteAddress` and `properties[NAME]`. `Authorization` is a key of `/api/v1/flag-keys`, with or without the word `Bearer`. With
/// `If-None-Match`, 304 while all are the same.
#[utoipa::path(
    get, path = "/api/frontend", operation_id = "frontend_features", tag = "flag clients",
    params(("If-None-Match" = Option<String>, Header, description = "the ETag of the answer before")),
    responses(
        (status = 200, description = "as Unleash documents it, with a strong ETag", body = FrontendView),
        (status = 304, description = "unchanged"),
        (status = 401, description = "not such a key", body = ProblemBody),
        (status = 422, description = "more of a context than is looked at", body = ProblemBody),
        (status = 503, description = "nothing is known yet and the database does not answer", body = ProblemBody),
    )
)]
pub(crate) async fn features(State(flags): State<Flags>, headers: HeaderMap, address: Uri) -> Response {
    let mut told = Map::new();
    let pairs = Query::<Vec<(String, String)>>::try_from_uri(&address);
    let pairs = pairs.map(|Query(pairs)| pairs).unwrap_or_default();
    for (name, value) in pairs {
        let property = name.strip_prefix("properties[").and_then(|name| name.strip_suffix(']'));
        let name = property.map_or_else(|| name.clone(), str::to_owned);
        told.insert(name, Value::String(value));
    }
    open(toggles(&flags, &headers, told).await)
}

/// The same, with the context in the body.
#[utoipa::path(
    post, path = "/api/frontend", operation_id = "frontend_features_by_post", tag = "flag clients",
    request_body = EvaluationRequest,
    params(("If-None-Match" = Option<String>, Header, description = "the ETag of the answer before")),
    extensions(("x-audit" = json!("none"))),
    responses(
        (status = 200, description = "as Unleash documents it, with a strong ETag", body = FrontendView),
        (status = 304, description = "unchanged"),
        (status = 401, description = "not such a key", body = ProblemBody),
        (status = 422, description = "no object named context, or more than is looked at", body = ProblemBody),
        (status = 503, description = "nothing is known yet and the database does not answer", body = ProblemBody),
    )
)]
pub(crate) async fn features_by_post(
    State(flags): State<Flags>,
    headers: HeaderMap,
    body: Result<ApiJson<Value>, Problem>,
) -> Response {
    open(posted(&flags, &headers, body).await)
}

async fn posted(
    flags: &Flags,
    headers: &HeaderMap,
    body: Result<ApiJson<Value>, Problem>,
) -> Result<Response, Problem> {
    let ApiJson(mut body) = body?;
    let Some(Value::Object(mut told)) = body.get_mut("context").map(Value::take) else {
        let detail = "the body has no object named context";
        return Err(Problem::invalid("/context", kernel::codes::FIELD_INVALID, detail));
    };
    if let Some(Value::Object(properties)) = told.remove("properties") {
        told.extend(properties);
    }
    toggles(flags, headers, told).await
}

/// Counts how often pages and apps found flags on and off.
#[utoipa::path(
    post, path = "/api/frontend/client/metrics", operation_id = "frontend_metrics", tag = "flag clients",
    request_body = Metrics,
    extensions(("x-audit" = json!("none"))),
    responses(
        (status = 202, description = "counted"),
        (status = 401, description = "not such a key", body = ProblemBody),
        (status = 422, description = "no counts", body = ProblemBody),
        (status = 503, description = "nothing is known yet and the database does not answer", body = ProblemBody),
    )
)]
pub(crate) async fn metrics(
    State(flags): State<Flags>,
    headers: HeaderMap,
    body: Result<ApiJson<Metrics>, Problem>,
) -> Response {
    open(counted(&flags, &headers, body).await.map(IntoResponse::into_response))
}

async fn counted(
    flags: &Flags,
    headers: &HeaderMap,
    body: Result<ApiJson<Metrics>, Problem>,
) -> Result<StatusCode, Problem> {
    let (of, front) = holder(flags, headers).await?;
    let ApiJson(metrics) = body?;
    let snapshot = of.of.known().await.map_err(problem)?;
    let environment = snapshot.environment(Some(&front.environment));
    let public: BTreeSet<&str> = environment.public_keys().collect();
    let counts: Vec<(&str, i64, i64)> = metrics.counts().filter(|(key, ..)| public.contains(key)).collect();
    environment.count_all(&counts);
    Ok(StatusCode::ACCEPTED)
}

/// What public flags are for a context, as OpenFeature's OFREP providers for browsers ask: their address is that of the server with
/// `/api/frontend` behind it.
#[utoipa::path(
    post, path = "/api/frontend/ofrep/v1/evaluate/flags", operation_id = "frontend_ofrep", tag = "flag clients",
    request_body = EvaluationRequest,
    params(("If-None-Match" = Option<String>, Header, description = "the ETag of the answer before")),
    extensions(("x-audit" = json!("none"))),
    responses(
        (status = 200, description = "all values, with a strong ETag", body = BulkView),
        (status = 304, description = "unchanged"),
        (status = 400, description = "a failure by OFREP's codes: PARSE_ERROR, INVALID_CONTEXT"),
        (status = 401, description = "not such a key", body = ProblemBody),
        (status = 422, description = "more of a context than is looked at", body = ProblemBody),
        (status = 503, description = "nothing is known yet and the database does not answer", body = ProblemBody),
    )
)]
pub(crate) async fn bulk(
    State(flags): State<Flags>,
    headers: HeaderMap,
    body: Result<ApiJson<Value>, Problem>,
) -> Response {
    open(evaluated(&flags, &headers, body).await)
}

async fn evaluated(
    flags: &Flags,
    headers: &HeaderMap,
    body: Result<ApiJson<Value>, Problem>,
) -> Result<Response, Problem> {
    let (of, front) = holder(flags, headers).await?;
    let context = match ofrep::context(body, front.environment)? {
        Ok(context) => {
            check(&context)?;
            of.of.completed(&context)
        }
        Err(failure) => return Ok(ofrep::failed(StatusCode::BAD_REQUEST, failure)),
    };
    let snapshot = of.of.known().await.map_err(problem)?;
    let environment = snapshot.environment(context.environment.as_deref());
    Ok(respond_json(headers, &ofrep::answers(environment, environment.public_keys(), &context)))
}

/// What a browser asks before it lets a page of another origin ask.
#[utoipa::path(
    options, path = "/api/frontend", operation_id = "frontend_preflight", tag = "flag clients",
    responses((status = 204, description = "any origin may ask, and send what it says"))
)]
pub(crate) async fn preflight(headers: HeaderMap) -> Response {
    allow(&headers, "GET,POST,OPTIONS")
}

/// As `OPTIONS /api/frontend`.
#[utoipa::path(
    options, path = "/api/frontend/client/metrics", operation_id = "frontend_metrics_preflight", tag = "flag clients",
    responses((status = 204, description = "any origin may ask, and send what it says"))
)]
pub(crate) async fn metrics_preflight(headers: HeaderMap) -> Response {
    allow(&headers, "POST,OPTIONS")
}

/// As `OPTIONS /api/frontend`.
#[utoipa::path(
    options, path = "/api/frontend/ofrep/v1/evaluate/flags", operation_id = "frontend_ofrep_preflight", tag = "flag clients",
    responses((status = 204, description = "any origin may ask, and send what it says"))
)]
pub(crate) async fn bulk_preflight(headers: HeaderMap) -> Response {
    allow(&headers, "POST,OPTIONS")
}

async fn toggles(flags: &Flags, headers: &HeaderMap, told: Map<String, Value>) -> Result<Response, Problem> {
    let (of, front) = holder(flags, headers).await?;
    let context = ofrep::read(None, told, front.environment);
    check(&context)?;
    let context = of.of.completed(&context);
    let snapshot = of.of.known().await.map_err(problem)?;
    let environment = snapshot.environment(context.environment.as_deref());
    let on = environment.public_keys().filter_map(|key| toggle(environment, key, &context));
    Ok(respond_json(headers, &FrontendView { toggles: on.collect() }))
}

fn check(context: &Context) -> Result<(), Problem> {
    let Context { environment: _, user_id, session_id, app_name, remote_address, current_time, properties } = context;
    let named = [user_id, session_id, app_name, remote_address, current_time].into_iter().flatten();
    let mut texts = named.chain(properties.keys()).chain(properties.values());
    if properties.len() <= MAX_PAIRS && texts.all(|text| text.len() <= MAX_TEXT) {
        return Ok(());
    }
    let detail = format!("a context has at most {MAX_PAIRS} properties, of {MAX_TEXT} bytes each");
    Err(Problem::invalid("/context", kernel::codes::FIELD_INVALID, detail))
}

fn toggle(environment: &Environment, key: &str, context: &Context) -> Option<ToggleView> {
    let outcome = environment.outcome(key, context).filter(|outcome| outcome.is_on)?;
    let is_varied = outcome.variant.is_some();
    let (name, payload) =
        outcome.variant.map_or_else(|| ("disabled".to_owned(), None), |chosen| (chosen.name, chosen.payload));
    let payload = payload.map(|(kind, value)| PayloadView { kind, value });
    let variant = ToggleVariantView { name, enabled: is_varied, feature_enabled: true, payload };
    Some(ToggleView { name: key.to_owned(), enabled: true, variant, impression_data: false })
}

/// Whose flags a key opens, and in which environment. Keys that were known stay so while the database is away.
async fn holder(flags: &Flags, headers: &HeaderMap) -> Result<(TenantFlags, Front), Problem> {
    let key = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let bare = key.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("bearer ")).map_or(key, |_| &key[7..]);
    let front = find(flags, bare.trim()).await?;
    Ok((flags.of(&front.tenant), front))
}

async fn find(flags: &Flags, key: &str) -> Result<Front, Problem> {
    if !key.starts_with("lfp_") || key.len() > 64 {
        return Err(unknown());
    }
    let known = match flags.fronts().find(key) {
        Some((front, true)) => return Ok(front),
        known => known,
    };
    let asked = Instant::now();
    match (flags.store().front(key).await, known) {
        (Ok(found), _) => {
            flags.fronts().keep(key, found.as_ref(), asked);
            found.ok_or_else(unknown)
        }
        (Err(_away), Some((front, _))) => Ok(front),
        (Err(error), None) => Err(problem(FlagError::Database(error))),
    }
}

fn unknown() -> Problem {
    let detail = "this address wants a key of pages and apps, which this is not";
    Problem::new(StatusCode::UNAUTHORIZED, codes::FLAG_UNKNOWN_CLIENT, detail)
        .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"lectern flags\""))
}

/// An answer that pages of any origin may read.
fn open(answer: Result<Response, Problem>) -> Response {
    let mut response = answer.unwrap_or_else(IntoResponse::into_response);
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("ETag"));
    response
}

/// Clients send headers of their own, and more with every version: whatever they ask for is allowed, as nothing reads it.
fn allow(asked: &HeaderMap, methods: &'static str) -> Response {
    let usual = HeaderValue::from_static("authorization,content-type,if-none-match");
    let wanted = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned().unwrap_or(usual);
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
        (header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods)),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, wanted),
        (header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(PREFLIGHT_S)),
        (header::ALLOW, HeaderValue::from_static(methods)),
        (header::VARY, HeaderValue::from_static("Access-Control-Request-Headers")),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}
