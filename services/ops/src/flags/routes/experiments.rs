//! Experiments: variants that are compared, and what was seen and done.

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use kernel::conditional::respond_json;
use kernel::problem::ProblemBody;
use kernel::{ApiJson, ApiPath, Idempotency, Problem};

use super::flags::stored;
use super::problem;
use crate::flags::codes;
use crate::flags::experiment::{Design, Event, ExperimentView, MAX_EVENTS};
use crate::flags::local::Asked;
use crate::flags::rules;
use crate::flags::views::Listed;
use crate::flags::views::experiments::{CountedView, EventsRequest, ExperimentRequest, ExperimentSummary};

/// Begins to compare the variants that a flag has in an environment at the moment. Their weights are remembered: arms that are not as wide
/// are told of.
#[utoipa::path(
    post, path = "/api/v1/flag-experiments", operation_id = "begin_flag_experiment", tag = "flags",
    request_body = ExperimentRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "the same key, the same answer")),
    responses(
        (status = 201, description = "the experiment", body = ExperimentView),
        (status = 404, description = "no such flag, or it has no settings there", body = ProblemBody),
        (status = 409, description = "one with this flag is running there", body = ProblemBody),
        (status = 422, description = "not two variants, no names of events, or too many experiments", body = ProblemBody),
    )
)]
pub(crate) async fn begin(
    flags: Asked,
    headers: HeaderMap,
    ApiJson(request): ApiJson<ExperimentRequest>,
) -> Result<Response, Problem> {
    let key = Idempotency::key(&headers)?;
    let (this, asked) = (flags.clone(), request.clone());
    let effect = async move {
        let ExperimentRequest { flag_key, environment, control, goal, guardrails } = asked;
        let flag = this.stored(&flag_key).await?;
        let settings = flag.content.0.environments.get(&environment).ok_or_else(super::environments::unset)?;
        let refuse =
            |(pointer, detail): (String, String)| Problem::invalid(pointer, codes::FLAG_INVALID_EXPERIMENT, detail);
        let design = Design::new(settings, (control, goal, guardrails)).map_err(refuse)?;
        let begun = this.store.begin_experiment(&this.tenant, (&flag_key, &environment), &design).await;
        stored(StatusCode::CREATED, &ExperimentView::new(begun.map_err(problem)?, &[]))
    };
    let address = "POST /api/v1/flag-experiments";
    let outcome = flags.idempotency.once(&flags.tenant, key, address, &request, effect).await?;
    Ok(outcome.created("/api/v1/flag-experiments"))
}

/// All experiments, newest first.
#[utoipa::path(
    get, path = "/api/v1/flag-experiments", operation_id = "list_flag_experiments", tag = "flags",
    responses((status = 200, description = "all of them, at most 100", body = Listed<ExperimentSummary>))
)]
pub(crate) async fn list(flags: Asked) -> Result<axum::Json<Listed<ExperimentSummary>>, Problem> {
    let rows = flags.store.experiments(&flags.tenant).await?;
    Ok(axum::Json(Listed { items: rows.into_iter().map(ExperimentSummary::from).collect() }))
}

/// An experiment, with what has come of it so far. It may be looked at whenever one likes: what it says holds for looking every day.
#[utoipa::path(
    get, path = "/api/v1/flag-experiments/{id}", operation_id = "get_flag_experiment", tag = "flags",
    params(("id" = String, Path, description = "the experiment")),
    responses(
        (status = 200, description = "the experiment, with a strong ETag", body = ExperimentView),
        (status = 304, description = "unchanged"),
        (status = 404, description = "no such experiment", body = ProblemBody),
    )
)]
pub(crate) async fn show(flags: Asked, ApiPath(id): ApiPath<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let (row, tallies) = flags.store.experiment(&flags.tenant, &id).await.map_err(problem)?;
    Ok(respond_json(&headers, &ExperimentView::new(row, &tallies)))
}

/// Ends an experiment: it counts no more. The flag stays as it is.
#[utoipa::path(
    post, path = "/api/v1/flag-experiments/{id}/stop", operation_id = "stop_flag_experiment", tag = "flags",
    params(("id" = String, Path, description = "the experiment")),
    responses(
        (status = 200, description = "what has come of it", body = ExperimentView),
        (status = 404, description = "no such experiment", body = ProblemBody),
    )
)]
pub(crate) async fn stop(flags: Asked, ApiPath(id): ApiPath<String>) -> Result<Response, Problem> {
    flags.store.experiment(&flags.tenant, &id).await.map_err(problem)?;
    flags.store.stop_experiment(&flags.tenant, &id).await.map_err(problem)?;
    let (row, tallies) = flags.store.experiment(&flags.tenant, &id).await.map_err(problem)?;
    Ok(respond_json(&HeaderMap::new(), &ExperimentView::new(row, &tallies)))
}

/// Removes an experiment that was ended, with all that it has counted.
#[utoipa::path(
    delete, path = "/api/v1/flag-experiments/{id}", operation_id = "delete_flag_experiment", tag = "flags",
    params(("id" = String, Path, description = "the experiment")),
    responses(
        (status = 204, description = "removed"),
        (status = 404, description = "no such experiment", body = ProblemBody),
        (status = 409, description = "it is running", body = ProblemBody),
    )
)]
pub(crate) async fn delete(flags: Asked, ApiPath(id): ApiPath<String>) -> Result<StatusCode, Problem> {
    flags.store.delete_experiment(&flags.tenant, &id).await.map_err(problem)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Tells who has seen which variant, and what those have done since. Each event counts once for a unit, an exposure by the first variant,
/// and what nobody counts is left out; so that whatever is not answered is sent again.
#[utoipa::path(
    post, path = "/api/v1/flag-events", operation_id = "report_flag_events", tag = "flag clients", request_body = EventsRequest,
    extensions(("x-audit" = json!("none"))),
    responses(
        (status = 202, description = "how many were new", body = CountedView),
        (status = 422, description = "no events, or too many", body = ProblemBody),
    )
)]
pub(crate) async fn report(
    flags: Asked,
    ApiJson(request): ApiJson<EventsRequest>,
) -> Result<(StatusCode, axum::Json<CountedView>), Problem> {
    let events = request.events;
    let refuse = |pointer: String, detail: String| Problem::invalid(pointer, codes::FLAG_INVALID_EVENTS, detail);
    if events.len() > MAX_EVENTS {
        return Err(refuse("/events".to_owned(), format!("a request has at most {MAX_EVENTS} events")));
    }
    let unfit = |event: &Event| {
        if ![&event.flag_key, &event.event].into_iter().all(|name| rules::is_key(name)) {
            return Some("flags and events have names of letters, digits, dots, dashes and underscores".to_owned());
        }
        event.check().err()
    };
    let first = events.iter().enumerate().find_map(|(index, event)| Some((index, unfit(event)?)));
    if let Some((index, detail)) = first {
        return Err(refuse(format!("/events/{index}"), detail));
    }
    let counted = flags.store.happened(&flags.tenant, &events).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(CountedView { counted })))
}
