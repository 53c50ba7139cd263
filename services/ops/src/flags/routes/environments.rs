//! Flags in one environment.

use axum::http::HeaderMap;
use axum::response::Response;
use kernel::conditional::respond_json;
use kernel::problem::ProblemBody;
use kernel::{ApiJson, ApiPath, Problem};

use crate::flags::codes;
use crate::flags::local::Asked;
use crate::flags::model::Settings;
use crate::flags::views::{FlagView, Switch};

/// Sets all values and rules of a flag in an environment.
#[utoipa::path(
    put, path = "/api/v1/flags/{key}/environments/{environment}", operation_id = "put_flag_environment", tag = "flags",
    request_body = Settings,
    params(
        ("key" = String, Path, description = "the flag"),
        ("environment" = String, Path, description = "the environment"),
        ("If-Match" = String, Header, description = "change only this state of the flag"),
    ),
    responses(
        (status = 200, description = "the flag as it is now, with a strong ETag", body = FlagView),
        (status = 404, description = "no such flag", body = ProblemBody),
        (status = 409, description = "somebody else changed it at the same time", body = ProblemBody),
        (status = 412, description = "it has changed since it was read", body = ProblemBody),
        (status = 422, description = "values or rules that cannot be", body = ProblemBody),
        (status = 428, description = "no If-Match", body = ProblemBody),
    )
)]
pub(crate) async fn put(
    flags: Asked,
    ApiPath((key, environment)): ApiPath<(String, String)>,
    headers: HeaderMap,
    ApiJson(settings): ApiJson<Settings>,
) -> Result<Response, Problem> {
    let row = flags.to_change(&key, &headers).await?;
    let mut content = row.content.0.clone();
    content.environments.insert(environment, settings);
    Ok(respond_json(&HeaderMap::new(), &flags.make(&row, "changed", &content).await?))
}

/// Turns a flag off for everybody in an environment, which every process hears of at once, or lets its rules decide again.
#[utoipa::path(
    patch, path = "/api/v1/flags/{key}/environments/{environment}", operation_id = "switch_flag", tag = "flags",
    request_body = Switch,
    params(
        ("key" = String, Path, description = "the flag"),
        ("environment" = String, Path, description = "the environment"),
        ("If-Match" = String, Header, description = "change only this state of the flag"),
    ),
    responses(
        (status = 200, description = "the flag as it is now, with a strong ETag", body = FlagView),
        (status = 404, description = "no such flag, or it has no settings there", body = ProblemBody),
        (status = 409, description = "somebody else changed it at the same time", body = ProblemBody),
        (status = 412, description = "it has changed since it was read", body = ProblemBody),
        (status = 428, description = "no If-Match", body = ProblemBody),
    )
)]
pub(crate) async fn switch(
    flags: Asked,
    ApiPath((key, environment)): ApiPath<(String, String)>,
    headers: HeaderMap,
    ApiJson(switch): ApiJson<Switch>,
) -> Result<Response, Problem> {
    let row = flags.to_change(&key, &headers).await?;
    let mut content = row.content.0.clone();
    content.environments.get_mut(&environment).ok_or_else(unset)?.enabled = switch.enabled;
    let action = if switch.enabled { "enabled" } else { "disabled" };
    Ok(respond_json(&HeaderMap::new(), &flags.make(&row, action, &content).await?))
}

/// Removes a flag's settings in an environment, where it is off then.
#[utoipa::path(
    delete, path = "/api/v1/flags/{key}/environments/{environment}", operation_id = "delete_flag_environment",
    tag = "flags",
    params(
        ("key" = String, Path, description = "the flag"),
        ("environment" = String, Path, description = "the environment"),
        ("If-Match" = String, Header, description = "change only this state of the flag"),
    ),
    responses(
        (status = 200, description = "the flag as it is now, with a strong ETag", body = FlagView),
        (status = 404, description = "no such flag, or it has no settings there", body = ProblemBody),
        (status = 409, description = "somebody else changed it at the same time", body = ProblemBody),
        (status = 412, description = "it has changed since it was read", body = ProblemBody),
        (status = 428, description = "no If-Match", body = ProblemBody),
    )
)]
pub(crate) async fn delete(
    flags: Asked,
    ApiPath((key, environment)): ApiPath<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let row = flags.to_change(&key, &headers).await?;
    let mut content = row.content.0.clone();
    content.environments.remove(&environment).ok_or_else(unset)?;
    Ok(respond_json(&HeaderMap::new(), &flags.make(&row, "changed", &content).await?))
}

pub(super) fn unset() -> Problem {
    Problem::not_found(codes::FLAG_NOT_FOUND, "the flag has no settings in this environment")
}
