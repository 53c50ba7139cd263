//! Answers that go on for as long as who asked may.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use super::{Gate, Guard};
use crate::Policy;
use crate::rate::Meter;

/// Whether a key or a session still holds that a request came with, as an argument of handlers whose answers go on for long. The
/// operator's token holds as long as the process lives.
#[derive(Clone, Default)]
pub struct Still(Option<Arc<Came>>);

struct Came {
    guard: Guard,
    policy: Policy,
    headers: HeaderMap,
}

impl Still {
    pub(super) fn of(gate: &Gate, policy: Policy, request: &Request) -> Self {
        let headers = request.headers().get(header::AUTHORIZATION).cloned().map(|value| (header::AUTHORIZATION, value));
        Self(Some(Arc::new(Came { guard: gate.guard.clone(), policy, headers: headers.into_iter().collect() })))
    }

    /// Whether it does, as it was known two seconds ago at the latest; also while nothing can be said.
    pub async fn holds(&self) -> bool {
        let Some(came) = &self.0 else { return true };
        // The request was counted when it came.
        let admitted = came.guard.admit(came.policy, &came.headers, &mut Meter::idle()).await;
        admitted.map_or_else(|problem| problem.status().is_server_error(), |_| true)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Still {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().cloned().unwrap_or_default())
    }
}
