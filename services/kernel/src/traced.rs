//! One span per request, which goes on with the trace that the client is in (`traceparent`, W3C Trace Context).

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;

use crate::request_id;

/// Asked every few seconds by whoever watches the process: nobody follows these.
const UNTRACED: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// Middleware: answers the request within its span. It belongs inside of [`request_id::assign`].
pub(crate) async fn trace(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    if route.as_deref().is_some_and(|route| UNTRACED.contains(&route)) {
        return next.run(request).await;
    }
    let traceparent = request.headers().get("traceparent").and_then(|value| value.to_str().ok());
    let id = request_id::current();
    let span = telemetry::request_span(request.method().as_str(), route.as_deref(), id.as_deref(), traceparent);
    let response = next.run(request).instrument(span.clone()).await;
    telemetry::answered(&span, response.status().as_u16());
    response
}
