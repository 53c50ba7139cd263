//! What Unleash's server-side clients ask: `GET /api/client/features` and what they report.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use kernel::conditional::respond_tagged;
use kernel::problem::ProblemBody;
use kernel::{ApiJson, Problem};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{environment, problem};
use crate::flags::local::Asked;
use crate::flags::model::MAX_FLAGS;
use crate::flags::store::reports::Counted;
use crate::flags::views::{ClientView, Listed};

/// Characters of a client's own words that are kept.
const MAX_WORDS: usize = 100;

/// Who fetches flags. Fields that are not listed are not read: clients send more with every version.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = UnleashRegistration)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Registration {
    /// The application.
    app_name: String,
    /// What it fetches them with.
    #[serde(default)]
    sdk_version: String,
}

/// How often flags were found on and off.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = UnleashMetrics)]
pub(crate) struct Metrics {
    /// The counts of a while.
    bucket: Bucket,
}

impl Metrics {
    /// By the keys of flags: how often each was on, and off; no more than there can be flags.
    pub(super) fn counts(&self) -> impl Iterator<Item = (&str, i64, i64)> {
        let all = self.bucket.toggles.iter().take(usize::try_from(MAX_FLAGS).unwrap_or(usize::MAX));
        all.map(|(key, counts)| (key.as_str(), i64::from(counts.yes), i64::from(counts.no)))
    }
}

/// The counts of a while.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = UnleashBucket)]
pub(crate) struct Bucket {
    /// By the keys of flags.
    #[serde(default)]
    toggles: BTreeMap<String, Counts>,
}

/// The counts of a flag.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = UnleashCounts)]
pub(crate) struct Counts {
    /// How often it was on.
    #[serde(default)]
    yes: u32,
    /// How often it was off.
    #[serde(default)]
    no: u32,
}

/// All flags of an environment with their rules, for clients that evaluate by themselves. With `If-None-Match`, 304 while
/// nothing has changed.
#[utoipa::path(
    get, path = "/api/client/features", operation_id = "unleash_features", tag = "flag clients",
    params(
        ("Lectern-Environment" = Option<String>, Header, description = "the environment; production when absent"),
        ("If-None-Match" = Option<String>, Header, description = "the ETag of the answer before"),
    ),
    responses(
        (status = 200, description = "as Unleash documents it, with a strong ETag", body = Object),
        (status = 304, description = "unchanged"),
        (status = 400, description = "not an environment", body = ProblemBody),
        (status = 503, description = "nothing is known yet and the database does not answer", body = ProblemBody),
    )
)]
pub(crate) async fn features(flags: Asked, headers: HeaderMap) -> Result<Response, Problem> {
    let name = environment(&headers)?;
    let snapshot = flags.known().await.map_err(problem)?;
    let environment = snapshot.environment(Some(&name));
    let document = environment.document.clone();
    Ok(respond_tagged(&headers, &environment.etag, "application/json", "private, no-cache", document))
}

/// Remembers who fetches flags.
#[utoipa::path(
    post, path = "/api/client/register", operation_id = "unleash_register", tag = "flag clients",
    request_body = Registration,
    params(("Lectern-Environment" = Option<String>, Header, description = "the environment; production when absent")),
    extensions(("x-audit" = json!("none"))),
    responses(
        (status = 202, description = "remembered"),
        (status = 400, description = "not an environment", body = ProblemBody),
        (status = 422, description = "no registration", body = ProblemBody),
    )
)]
pub(crate) async fn register(
    flags: Asked,
    headers: HeaderMap,
    ApiJson(registration): ApiJson<Registration>,
) -> Result<StatusCode, Problem> {
    let environment = environment(&headers)?;
    let (app_name, sdk) = (words(&registration.app_name), words(&registration.sdk_version));
    flags.store.seen(&flags.tenant, (&app_name, &environment, &sdk)).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Counts how often clients found flags on and off. Flags that are not there count for nothing.
#[utoipa::path(
    post, path = "/api/client/metrics", operation_id = "unleash_metrics", tag = "flag clients", request_body = Metrics,
    params(("Lectern-Environment" = Option<String>, Header, description = "the environment; production when absent")),
    extensions(("x-audit" = json!("none"))),
    responses(
        (status = 202, description = "counted"),
        (status = 400, description = "not an environment", body = ProblemBody),
        (status = 422, description = "no counts", body = ProblemBody),
    )
)]
pub(crate) async fn metrics(
    flags: Asked,
    headers: HeaderMap,
    ApiJson(metrics): ApiJson<Metrics>,
) -> Result<StatusCode, Problem> {
    let environment = environment(&headers)?;
    let snapshot = flags.known().await.map_err(problem)?;
    let known = metrics.counts().filter(|(key, ..)| snapshot.knows(&environment, key));
    let counted: Vec<Counted<'_>> = known.map(|(key, yes, no)| Counted { key, yes, no }).collect();
    if !counted.is_empty() {
        flags.store.count(&flags.tenant, &environment, &counted).await?;
    }
    Ok(StatusCode::ACCEPTED)
}

/// Applications that have registered, the latest first.
#[utoipa::path(
    get, path = "/api/v1/flag-clients", operation_id = "list_flag_clients", tag = "flags",
    responses((status = 200, description = "at most 200", body = Listed<ClientView>))
)]
pub(crate) async fn clients(flags: Asked) -> Result<axum::Json<Listed<ClientView>>, Problem> {
    let clients = flags.store.clients(&flags.tenant).await?;
    Ok(axum::Json(Listed { items: clients.into_iter().map(ClientView::from).collect() }))
}

/// Somebody else's words, as far as they are kept.
fn words(text: &str) -> String {
    text.chars().filter(|char| !char.is_control()).take(MAX_WORDS).collect()
}
