//! The resources under `/api/v1/webhooks`.

mod deliveries;
mod endpoints;

use axum::http::StatusCode;
use kernel::{Policy, Problem, Routes};
use utoipa_axum::routes;

use crate::model::{EndpointRow, MAX_ENDPOINTS};
use crate::{WebhookError, Webhooks, codes};

/// Mounts every route, for holders of the admin token.
pub(crate) fn mount(routes: Routes<Webhooks>) -> Routes<Webhooks> {
    routes
        .mount(Policy::Admin, routes!(endpoints::create, endpoints::list))
        .mount(Policy::Admin, routes!(endpoints::show, endpoints::update, endpoints::delete))
        .mount(Policy::Admin, routes!(endpoints::rotate))
        .mount(Policy::Admin, routes!(endpoints::test))
        .mount(Policy::Admin, routes!(deliveries::list))
        .mount(Policy::Admin, routes!(deliveries::show))
        .mount(Policy::Admin, routes!(deliveries::replay))
        .mount(Policy::Admin, routes!(deliveries::replay_failed))
}

fn problem(error: WebhookError) -> Problem {
    match error {
        WebhookError::NotFound => Problem::not_found(codes::WEBHOOK_NOT_FOUND, error.to_string()),
        WebhookError::Changed => Problem::conflict(codes::WEBHOOK_CHANGED, error.to_string()).retry_after(1),
        WebhookError::TooMany => {
            let detail = format!("there are {MAX_ENDPOINTS} webhooks already");
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, codes::WEBHOOK_TOO_MANY, detail)
        }
        WebhookError::Database(error) => error.into(),
        WebhookError::Secret(_) => Problem::internal(&error),
    }
}

/// What is sent only to an endpoint that takes it.
fn enabled(row: &EndpointRow) -> Result<(), Problem> {
    if row.state == crate::model::ENABLED {
        return Ok(());
    }
    Err(Problem::conflict(codes::WEBHOOK_DISABLED, "the webhook is disabled"))
}
