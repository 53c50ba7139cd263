//! The resources under `/api/v1/flags` and `/api/v1/flag-segments`, OFREP, and Unleash's client API.

mod environments;
mod experiments;
mod flags;
mod frontend;
mod guards;
mod history;
mod keys;
mod ofrep;
mod requests;
mod segments;
mod unleash;

use axum::http::{HeaderMap, Method, StatusCode};
use kernel::{Etag, Permission, Policy, Problem, Routes, require_if_match};
use serde::Serialize;
use utoipa_axum::routes;

use super::local::Asked;
use super::model::{Content, FlagRow, FlagSegment};
use super::rules::{self, Fault};
use super::store::FlagError;
use super::views::FlagView;
use super::{DEFAULT_ENVIRONMENT, Flags, codes};

/// Names the environment that a client asks for, in OFREP and in Unleash's client API.
const ENVIRONMENT: &str = "lectern-environment";

const CREATE: Permission = Permission::new("flag", "create");
const READ: Permission = Permission::new("flag", "read");
const UPDATE: Permission = Permission::new("flag", "update");
const DELETE: Permission = Permission::new("flag", "delete");
/// To ask what flags are, and to report how often.
const EVALUATE: Permission = Permission::new("flag", "evaluate");
const READ_SEGMENT: Permission = Permission::new("flag_segment", "read");
const UPDATE_SEGMENT: Permission = Permission::new("flag_segment", "update");
const DELETE_SEGMENT: Permission = Permission::new("flag_segment", "delete");

/// To approve and to decline what others ask for.
const APPROVE: Permission = Permission::new("flag_approval", "give");
/// To say where changes need approval.
const DEMAND: Permission = Permission::new("flag_approval", "demand");

/// What its routes ask for.
pub(super) const PERMISSIONS: &[Permission] =
    &[CREATE, DELETE, EVALUATE, READ, UPDATE, DEMAND, APPROVE, DELETE_SEGMENT, READ_SEGMENT, UPDATE_SEGMENT];

/// Mounts every route.
pub(super) fn mount(routes: Routes<Flags>) -> Routes<Flags> {
    use Policy::{May, Operator, Public};
    routes
        .mount([(Method::POST, May(CREATE)), (Method::GET, May(READ))], routes!(flags::create, flags::list))
        .mount(
            [(Method::GET, May(READ)), (Method::PATCH, May(UPDATE)), (Method::DELETE, May(DELETE))],
            routes!(flags::show, flags::update, flags::delete),
        )
        .mount(May(UPDATE), routes!(environments::put, environments::switch, environments::delete))
        .mount(May(READ), routes!(history::list))
        .mount(May(UPDATE), routes!(history::rollback))
        .mount(May(READ), routes!(history::usage))
        .mount(May(READ), routes!(history::stale))
        .mount(May(READ_SEGMENT), routes!(segments::list))
        .mount(
            [
                (Method::GET, May(READ_SEGMENT)),
                (Method::PUT, May(UPDATE_SEGMENT)),
                (Method::DELETE, May(DELETE_SEGMENT)),
            ],
            routes!(segments::show, segments::put, segments::delete),
        )
        .mount(May(READ_SEGMENT), routes!(segments::history))
        .mount(May(EVALUATE), routes!(ofrep::all))
        .mount(May(EVALUATE), routes!(ofrep::one))
        .mount(May(EVALUATE), routes!(unleash::features))
        .mount(May(EVALUATE), routes!(unleash::register))
        .mount(May(EVALUATE), routes!(unleash::metrics))
        .mount(May(READ), routes!(unleash::clients))
        .mount([(Method::POST, May(UPDATE)), (Method::GET, May(READ))], routes!(requests::create, requests::list))
        .mount(May(READ), routes!(requests::show))
        .mount(May(APPROVE), routes!(requests::approve))
        .mount(May(APPROVE), routes!(requests::decline))
        .mount(May(UPDATE), routes!(requests::withdraw))
        .mount(May(READ), routes!(guards::list))
        .mount(May(DEMAND), routes!(guards::put))
        .mount([(Method::POST, May(UPDATE)), (Method::GET, May(READ))], routes!(experiments::begin, experiments::list))
        .mount(
            [(Method::GET, May(READ)), (Method::DELETE, May(UPDATE))],
            routes!(experiments::show, experiments::delete),
        )
        .mount(May(UPDATE), routes!(experiments::stop))
        .mount(May(EVALUATE), routes!(experiments::report))
        .mount([(Method::POST, May(UPDATE)), (Method::GET, May(READ))], routes!(keys::create, keys::list))
        .mount(May(UPDATE), routes!(keys::delete))
        .mount(Public, routes!(frontend::features, frontend::features_by_post, frontend::preflight))
        .mount(Public, routes!(frontend::metrics, frontend::metrics_preflight))
        .mount(Public, routes!(frontend::bulk, frontend::bulk_preflight))
        .mount([(Method::GET, May(READ)), (Method::PUT, Operator)], routes!(guards::frozen, guards::freeze))
}

fn problem(error: FlagError) -> Problem {
    let detail = error.to_string();
    match error {
        FlagError::NotFound => Problem::not_found(codes::FLAG_NOT_FOUND, detail),
        FlagError::NoSegment => Problem::not_found(codes::FLAG_SEGMENT_NOT_FOUND, detail),
        FlagError::NoVersion => Problem::not_found(codes::FLAG_NO_VERSION, detail),
        FlagError::Exists => Problem::conflict(codes::FLAG_EXISTS, detail),
        FlagError::Changed => Problem::conflict(codes::FLAG_CHANGED, detail).retry_after(1),
        FlagError::InUse(_) => Problem::conflict(codes::FLAG_SEGMENT_IN_USE, detail),
        FlagError::Guarded(_) => Problem::conflict(codes::FLAG_APPROVAL_REQUIRED, detail),
        FlagError::Frozen(_) => Problem::conflict(codes::FLAG_READ_ONLY, detail),
        FlagError::NoExperiment => Problem::not_found(codes::FLAG_EXPERIMENT_NOT_FOUND, detail),
        FlagError::Running => Problem::conflict(codes::FLAG_EXPERIMENT_RUNNING, detail),
        FlagError::NoKey => Problem::not_found(codes::FLAG_KEY_NOT_FOUND, detail),
        FlagError::NoRequest => Problem::not_found(codes::FLAG_REQUEST_NOT_FOUND, detail),
        FlagError::Decided(_) => Problem::conflict(codes::FLAG_REQUEST_DECIDED, detail),
        FlagError::OwnRequest => Problem::new(StatusCode::FORBIDDEN, codes::FLAG_NOT_APPROVER, detail),
        FlagError::TooMany(_) => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, codes::FLAG_TOO_MANY, detail),
        FlagError::Database(error) => error.into(),
        FlagError::Unreadable(_) | FlagError::Uncompiled(_) => Problem::internal(&error),
    }
}

fn invalid(fault: Fault) -> Problem {
    Problem::invalid(fault.pointer, fault.code, fault.detail)
}

/// Whether the request may change what is there, of which this is the JSON: it says which state it means.
fn check(headers: &HeaderMap, view: &impl Serialize) -> Result<(), Problem> {
    require_if_match(headers, &Etag::of_json(view)?)
}

/// The environment that the request names.
fn environment(headers: &HeaderMap) -> Result<String, Problem> {
    let Some(value) = headers.get(ENVIRONMENT) else { return Ok(DEFAULT_ENVIRONMENT.to_owned()) };
    let name = value.to_str().ok().filter(|name| rules::is_environment(name));
    let unfit =
        || Problem::bad_request(codes::FLAG_INVALID_ENVIRONMENT, "the header Lectern-Environment names no environment");
    name.map(str::to_owned).ok_or_else(unfit)
}

/// What the routes have flags do.
impl Asked {
    /// The flag of a key that somebody has written.
    async fn stored(&self, key: &str) -> Result<FlagRow, Problem> {
        let found =
            if rules::is_key(key) { self.store.flag(&self.tenant, key).await } else { Err(FlagError::NotFound) };
        found.map_err(problem)
    }

    /// The same, if the request may change it.
    async fn to_change(&self, key: &str, headers: &HeaderMap) -> Result<FlagRow, Problem> {
        let row = self.stored(key).await?;
        check(headers, &FlagView::from(row.clone()))?;
        Ok(row)
    }

    /// Refuses what cannot be a flag.
    async fn check_content(&self, key: &str, content: &Content) -> Result<(), Problem> {
        let segments = self.store.segments(&self.tenant).await?;
        let segments = segments.into_iter().map(|row| (row.name, row.content.0)).collect();
        rules::check(key, content, &segments).map_err(invalid)
    }

    /// Makes `content` of a flag, after checking it.
    async fn make(&self, of: &FlagRow, action: &str, content: &Content) -> Result<FlagView, Problem> {
        self.check_content(&of.key, content).await?;
        let row = self.store.change(self.by(), of, action, content).await.map_err(problem)?;
        self.tell().await;
        Ok(row.into())
    }

    /// Has who asks next in this process see what was just committed. Others hear of it.
    async fn tell(&self) {
        if let Err(error) = self.refresh().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "a change of flags is not seen yet");
        }
    }
}

fn check_segment(name: &str, segment: &FlagSegment) -> Result<(), Problem> {
    if !rules::is_key(name) {
        return Err(Problem::bad_request(codes::FLAG_INVALID_KEY, "this is no name of a segment"));
    }
    rules::check_segment(segment).map_err(invalid)
}
