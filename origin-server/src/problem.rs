//! Refusals as problem details (RFC 9457).

use axum::body::Body;
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// Nothing is published there.
    NotFound,
    /// Neither GET, HEAD nor OPTIONS.
    MethodNotAllowed,
    /// `If-Match` did not match.
    PreconditionFailed,
    /// No range lies inside.
    RangeNotSatisfiable,
    /// The store failed, or an object of the generation is not there (yet).
    Unavailable,
}

impl Problem {
    fn parts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::NotFound => (StatusCode::NOT_FOUND, "origin.not_found", "Nothing is published here"),
            Self::MethodNotAllowed => {
                (StatusCode::METHOD_NOT_ALLOWED, "origin.method_not_allowed", "Only GET, HEAD and OPTIONS are served")
            }
            Self::PreconditionFailed => {
                (StatusCode::PRECONDITION_FAILED, "origin.precondition_failed", "The content is another one")
            }
            Self::RangeNotSatisfiable => {
                (StatusCode::RANGE_NOT_SATISFIABLE, "origin.range_not_satisfiable", "No byte of that range exists")
            }
            Self::Unavailable => {
                (StatusCode::SERVICE_UNAVAILABLE, "origin.unavailable", "The content cannot be read just now")
            }
        }
    }

    pub(crate) fn response(self) -> Response {
        let (status, code, title) = self.parts();
        let problem =
            serde_json::json!({ "type": "about:blank", "title": title, "status": status.as_u16(), "code": code });
        let text = problem.to_string();
        let length = text.len();
        let mut response = Response::new(Body::from(text));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CONTENT_LENGTH, length.into());
        let cache = if self == Self::NotFound { "public, max-age=1" } else { "no-store" };
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
        match self {
            Self::MethodNotAllowed => {
                headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD, OPTIONS"));
            }
            Self::Unavailable => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("2"));
            }
            Self::NotFound | Self::PreconditionFailed | Self::RangeNotSatisfiable => {}
        }
        response
    }
}
