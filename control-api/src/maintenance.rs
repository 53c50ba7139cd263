//! Closing units for a while, in every process that has the database.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use kernel::maintenance::{ALL, CHANGES, Closed};
use kernel::problem::ProblemBody;
use kernel::{ApiJson, ApiPath, Maintenance, Problem, codes, manifest, rfc3339};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

const MAX_REASON: usize = 200;
const MAX_RETRY_AFTER_S: i64 = 86_400;
const DEFAULT_RETRY_AFTER_S: i64 = 60;

/// What is closed, and what for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Closing {
    /// Why, for whoever is refused: 1 to 200 characters.
    reason: String,
    /// In how many seconds to come again, 1 to 86400; 60 when absent.
    retry_after_s: Option<i64>,
    /// What is refused.
    refuses: Option<Refused>,
}

/// What a closed unit refuses.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Refused {
    /// Everything. So it is when absent.
    All,
    /// What is no GET, HEAD or OPTIONS.
    Changes,
}

/// A unit that is closed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClosedView {
    /// Its slug.
    unit: String,
    /// Why.
    reason: String,
    /// `all` or `changes`.
    refuses: String,
    /// In how many seconds to come again.
    retry_after_s: i64,
    /// RFC 3339.
    since: String,
}

impl From<Closed> for ClosedView {
    fn from(closed: Closed) -> Self {
        let Closed { unit, reason, refuses, retry_after_s, since_ms } = closed;
        Self { unit, reason, refuses, retry_after_s, since: rfc3339(since_ms) }
    }
}

/// What the addresses share.
#[derive(Clone)]
pub(crate) struct Doors {
    pub(crate) maintenance: Maintenance,
    pub(crate) clock: kernel::Clock,
}

/// Closes a unit: what it is asked for is answered 503 `unit.maintenance`, within two seconds by every process, over restarts, until it is
/// opened. The operator passes, jobs go on, and what is published is played.
#[utoipa::path(
    put, path = "/api/v1/units/{slug}/maintenance", operation_id = "close_unit", tag = "operations",
    request_body = Closing, params(("slug" = String, Path, description = "the unit")),
    responses(
        (status = 200, description = "closed", body = ClosedView),
        (status = 404, description = "no such unit", body = ProblemBody),
        (status = 422, description = "no such reason or time", body = ProblemBody),
    )
)]
pub(crate) async fn close(
    State(doors): State<Doors>,
    ApiPath(slug): ApiPath<String>,
    ApiJson(closing): ApiJson<Closing>,
) -> Result<Json<ClosedView>, Problem> {
    let unit = unit(&slug)?.to_owned();
    let Closing { reason, retry_after_s, refuses } = closing;
    kernel::text::check(&reason, 1..=MAX_REASON)
        .map_err(|detail| Problem::invalid("/reason", codes::FIELD_INVALID, detail))?;
    let retry_after_s = retry_after_s.unwrap_or(DEFAULT_RETRY_AFTER_S);
    if !(1..=MAX_RETRY_AFTER_S).contains(&retry_after_s) {
        let detail = format!("the time is 1 to {MAX_RETRY_AFTER_S} seconds");
        return Err(Problem::invalid("/retry_after_s", codes::FIELD_INVALID, detail));
    }
    let refuses = match refuses.unwrap_or(Refused::All) {
        Refused::All => ALL,
        Refused::Changes => CHANGES,
    };
    let closed = Closed { unit, reason, refuses: refuses.to_owned(), retry_after_s, since_ms: (doors.clock)() };
    doors.maintenance.close(&closed).await?;
    Ok(Json(doors.maintenance.of(&closed.unit).unwrap_or(closed).into()))
}

/// Whether a unit is closed, and why.
#[utoipa::path(
    get, path = "/api/v1/units/{slug}/maintenance", operation_id = "get_unit_maintenance", tag = "operations",
    params(("slug" = String, Path, description = "the unit")),
    responses(
        (status = 200, description = "it is closed", body = ClosedView),
        (status = 404, description = "no such unit, or it is open", body = ProblemBody),
    )
)]
pub(crate) async fn show(
    State(doors): State<Doors>,
    ApiPath(slug): ApiPath<String>,
) -> Result<Json<ClosedView>, Problem> {
    let closed = doors.maintenance.of(unit(&slug)?);
    let open = || Problem::not_found(codes::UNIT_OPEN, format!("the unit {slug} is not closed"));
    closed.map(|closed| Json(closed.into())).ok_or_else(open)
}

/// Opens a unit again, within two seconds in every process.
#[utoipa::path(
    delete, path = "/api/v1/units/{slug}/maintenance", operation_id = "open_unit", tag = "operations",
    params(("slug" = String, Path, description = "the unit")),
    responses(
        (status = 204, description = "it is open"),
        (status = 404, description = "no such unit", body = ProblemBody),
    )
)]
pub(crate) async fn open(State(doors): State<Doors>, ApiPath(slug): ApiPath<String>) -> Result<StatusCode, Problem> {
    doors.maintenance.open(unit(&slug)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The slug of a unit by itself. A part of one is closed with it.
fn unit(slug: &str) -> Result<&'static str, Problem> {
    let entry = manifest::find(slug).filter(|entry| entry.within.is_none());
    let missing = || Problem::not_found(codes::UNIT_NOT_FOUND, "there is no unit of this name");
    entry.map(|entry| entry.slug).ok_or_else(missing)
}
