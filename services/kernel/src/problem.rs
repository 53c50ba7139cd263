//! Problem details (RFC 9457): the one shape in which anything is refused.

use std::borrow::Cow;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Code, codes, request_id};

/// The media type of every refusal (RFC 9457 §3).
pub const MEDIA_TYPE: &str = "application/problem+json";

/// What is wrong with one part of the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// JSON pointer into the request body (RFC 6901), or `?name` for a query parameter, or a header's name.
    pub pointer: String,
    /// Stable, for programs: `field.unknown`, `field.invalid`.
    pub code: String,
    /// One sentence.
    pub detail: String,
    /// What to do instead.
    pub hint: String,
}

/// The body of a refusal, as documented in the `OpenAPI` document.
#[derive(Serialize, ToSchema)]
pub struct ProblemBody {
    /// Where the code is explained, relative to the server.
    #[serde(rename = "type")]
    pub kind: String,
    /// The status in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// One sentence about this occurrence.
    pub detail: String,
    /// Stable, for programs, such as `upload.offset_mismatch`.
    pub code: String,
    /// What to do about it.
    pub hint: String,
    /// The id under which the log has this request.
    pub request_id: Option<String>,
    /// Whether the same request may succeed later.
    pub retryable: bool,
    /// Parts of the request that are at fault; empty when it is none of them.
    pub errors: Vec<FieldError>,
}

/// A refusal: a status, a stable code and what a person should know.
#[derive(Clone, Debug)]
pub struct Problem(Box<Details>);

#[derive(Clone, Debug)]
struct Details {
    status: StatusCode,
    code: Code,
    detail: String,
    hint: Cow<'static, str>,
    retry_after_s: Option<u32>,
    retryable: bool,
    errors: Vec<FieldError>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// A refusal that repeating the request does not cure, except for 503.
    pub fn new(status: StatusCode, code: Code, detail: impl Into<String>) -> Self {
        Self(Box::new(Details {
            status,
            code,
            detail: detail.into(),
            hint: Cow::Borrowed(code.hint()),
            retry_after_s: None,
            retryable: status == StatusCode::SERVICE_UNAVAILABLE,
            errors: Vec::new(),
            headers: Vec::new(),
        }))
    }

    /// 400 with a code.
    pub fn bad_request(code: Code, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// 404 with a code.
    pub fn not_found(code: Code, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, detail)
    }

    /// 409 with a code.
    pub fn conflict(code: Code, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// 422 about one part of the request.
    pub fn invalid(pointer: impl Into<String>, code: Code, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail.clone()).error(pointer, code, detail)
    }

    /// 500 for a fault of ours. The cause goes to the log, never to the client.
    pub fn internal(cause: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error = %chain(cause), request_id = request_id::current(), "request failed");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            codes::SERVER_INTERNAL,
            "something failed on the server; the log has the cause under the request id",
        )
    }

    /// 507 for a disk or a bucket that takes nothing more.
    pub fn full(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::INSUFFICIENT_STORAGE, codes::STORAGE_FULL, detail).retry_after(60)
    }

    /// 503 for a resource that is busy or away. The cause goes to the log.
    pub fn unavailable(code: Code, detail: impl Into<String>, retry_after_s: u32) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).retry_after(retry_after_s)
    }

    /// What to do about this occurrence, where that is more than what the code says. An empty text changes nothing.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        let hint = hint.into();
        if hint.is_empty() {
            return self;
        }
        for error in self.0.errors.iter_mut().filter(|error| error.code == self.0.code.name()) {
            error.hint = hint.clone().into_owned();
        }
        self.0.hint = hint;
        self
    }

    /// The same request may succeed after so many seconds: sets `Retry-After` and `retryable`.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.0.retry_after_s = Some(seconds);
        self.0.retryable = true;
        self
    }

    /// One more part at fault.
    #[must_use]
    pub fn error(mut self, pointer: impl Into<String>, code: Code, detail: impl Into<String>) -> Self {
        let (name, hint) = (code.name().to_owned(), code.hint().to_owned());
        self.0.errors.push(FieldError { pointer: pointer.into(), code: name, detail: detail.into(), hint });
        self
    }

    /// A further response header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// One sentence about this occurrence.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.0.code.name()
    }

    /// What to do about it.
    pub fn cure(&self) -> &str {
        &self.0.hint
    }

    fn body(&self) -> ProblemBody {
        ProblemBody {
            kind: format!("/api/docs#{}", self.code()),
            title: self.0.status.canonical_reason().unwrap_or("Error").to_owned(),
            status: self.0.status.as_u16(),
            detail: self.0.detail.clone(),
            code: self.code().to_owned(),
            hint: self.0.hint.clone().into_owned(),
            request_id: request_id::current(),
            retryable: self.0.retryable,
            errors: self.0.errors.clone(),
        }
    }
}

impl From<database::DbError> for Problem {
    fn from(error: database::DbError) -> Self {
        if matches!(error, database::DbError::Full(_)) {
            return Self::full("the disk of the database has no space left");
        }
        if error.is_transient() {
            tracing::warn!(error = %chain(&error), request_id = request_id::current(), "database is busy");
            return Self::unavailable(codes::DATABASE_BUSY, "the database is busy", 2);
        }
        Self::internal(&error)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self.body()).expect("a problem is plain data, which always has a JSON form");
        let mut response = (self.0.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.0.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        for (name, value) in &self.0.headers {
            headers.insert(name, value.clone());
        }
        // For routes that say it in other words.
        response.extensions_mut().insert(self);
        response
    }
}

/// An error and its sources in one line, for the log.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    // A cycle of sources cannot be built by safe constructors, yet a bound costs nothing.
    for _ in 0..16 {
        let Some(cause) = source else { break };
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_says_what_where_and_whether_to_retry() {
        let problem = Problem::unavailable(codes::DATABASE_BUSY, "the \"store\"\nis away", 3).hint("wait").error(
            "/size",
            codes::FIELD_INVALID,
            "too large",
        );
        let body = serde_json::to_value(problem.body()).expect("plain data");
        assert_eq!(body["type"], "/api/docs#database.busy");
        assert_eq!(body["title"], "Service Unavailable");
        assert_eq!(body["status"], 503);
        assert_eq!(body["retryable"], true);
        assert_eq!(body["detail"], "the \"store\"\nis away");
        assert_eq!(body["hint"], "wait");
        assert_eq!(body["errors"][0]["pointer"], "/size");
        assert_eq!(body["errors"][0]["hint"], codes::FIELD_INVALID.hint());
        let response = problem.into_response();
        assert_eq!(response.headers()["retry-after"], "3");
        assert_eq!(response.headers()["content-type"], MEDIA_TYPE);
    }

    #[test]
    fn the_cure_is_the_codes_own_unless_the_occurrence_has_a_better_one() {
        let hints = |problem: Problem| (problem.body().hint, problem.body().errors[0].hint.clone());
        let own = codes::FIELD_INVALID.hint().to_owned();
        let plain = || Problem::invalid("/size", codes::FIELD_INVALID, "too large");
        assert_eq!(hints(plain()), (own.clone(), own.clone()));
        assert_eq!(hints(plain().hint("")), (own.clone(), own));
        assert_eq!(hints(plain().hint("halve it")), ("halve it".to_owned(), "halve it".to_owned()));
    }
}
