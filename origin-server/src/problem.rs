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
    /// A planned file that is not made yet.
    NotYet,
    /// The store failed, or an object of the generation is not there (yet).
    Unavailable,
}

impl Problem {
    fn status(self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Self::RangeNotSatisfiable => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::NotYet | Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Its stable code, what happened, and what to do about it.
    fn words(self) -> [&'static str; 3] {
        match self {
            Self::NotFound => [
                "origin.not_found",
                "nothing is published at this address",
                "use an address that /api/v1/playback or a playlist gives, without changes",
            ],
            Self::MethodNotAllowed => [
                "origin.method_not_allowed",
                "only GET, HEAD and OPTIONS are served here",
                "use one of the methods in the header Allow",
            ],
            Self::PreconditionFailed => [
                "origin.precondition_failed",
                "the content is not the one that If-Match names",
                "leave If-Match out, or send the ETag that the address has now",
            ],
            Self::RangeNotSatisfiable => [
                "origin.range_not_satisfiable",
                "the content has no byte in that range",
                "ask for a range within the length that Content-Range names",
            ],
            Self::NotYet => [
                "origin.not_yet",
                "this part of the recording is being made",
                "ask again after the seconds in Retry-After",
            ],
            Self::Unavailable => [
                "origin.unavailable",
                "the content cannot be read just now",
                "ask again after the seconds in Retry-After",
            ],
        }
    }

    pub(crate) fn response(self) -> Response {
        let (status, [code, detail, hint]) = (self.status(), self.words());
        // Of the type `about:blank` the title is the status in words (RFC 9457 §4.2.1).
        let title = status.canonical_reason().unwrap_or("Error");
        let problem = serde_json::json!({
            "type": "about:blank", "title": title, "status": status.as_u16(), "detail": detail, "code": code, "hint": hint,
        });
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
            Self::NotYet => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            Self::Unavailable => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("2"));
            }
            Self::NotFound | Self::PreconditionFailed | Self::RangeNotSatisfiable => {}
        }
        response
    }
}
