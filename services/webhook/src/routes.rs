//! The resources under `/api/v1/webhooks`.

mod deliveries;
mod endpoints;

use axum::http::{Method, StatusCode};
use kernel::{Permission, Policy, Problem, Routes};
use utoipa_axum::routes;

use crate::model::{EndpointRow, MAX_ENDPOINTS};
use crate::{WebhookError, Webhooks, codes};

const CREATE: Permission = Permission::new("webhook", "create");
const READ: Permission = Permission::new("webhook", "read");
const UPDATE: Permission = Permission::new("webhook", "update");
const DELETE: Permission = Permission::new("webhook", "delete");

/// What its routes ask for.
pub(crate) const PERMISSIONS: &[Permission] = &[CREATE, DELETE, READ, UPDATE];

/// Mounts every route.
pub(crate) fn mount(routes: Routes<Webhooks>) -> Routes<Webhooks> {
    use Policy::May;
    routes
        .mount([(Method::POST, May(CREATE)), (Method::GET, May(READ))], routes!(endpoints::create, endpoints::list))
        .mount(
            [(Method::GET, May(READ)), (Method::PATCH, May(UPDATE)), (Method::DELETE, May(DELETE))],
            routes!(endpoints::show, endpoints::update, endpoints::delete),
        )
        .mount(May(UPDATE), routes!(endpoints::rotate))
        .mount(May(UPDATE), routes!(endpoints::test))
        .mount(May(READ), routes!(deliveries::list))
        .mount(May(READ), routes!(deliveries::show))
        .mount(May(UPDATE), routes!(deliveries::replay))
        .mount(May(UPDATE), routes!(deliveries::replay_failed))
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
