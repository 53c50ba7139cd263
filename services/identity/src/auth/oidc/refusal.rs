//! What is refused in the words of OAuth (RFC 6749 §5.2), where clients look for those; everything else is a problem as anywhere.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use database::DbError;
use kernel::Problem;
use serde::Serialize;
use utoipa::ToSchema;

/// A refusal by RFC 6749 §5.2.
#[derive(Serialize, ToSchema)]
pub(crate) struct OAuthErrorView {
    /// A word of RFC 6749, RFC 6750 or RFC 8628.
    #[schema(example = "invalid_grant")]
    pub(super) error: &'static str,
    /// One sentence.
    pub(super) error_description: &'static str,
}

/// Why a client does not get what it asks for.
#[derive(Debug)]
pub(crate) enum Refused {
    /// In the words of OAuth.
    OAuth(Error),
    /// Something else.
    Problem(Problem),
}

/// A word of OAuth, and what it means this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Error {
    pub(super) code: &'static str,
    pub(super) description: &'static str,
}

pub(super) const fn error(code: &'static str, description: &'static str) -> Error {
    Error { code, description }
}

pub(super) const fn invalid_request(description: &'static str) -> Error {
    error("invalid_request", description)
}

pub(super) const fn invalid_grant(description: &'static str) -> Error {
    error("invalid_grant", description)
}

/// The client is not who it says, or does not say so.
pub(super) const INVALID_CLIENT: &str = "invalid_client";
/// The access token is none that holds (RFC 6750 §3.1).
pub(super) const INVALID_TOKEN: &str = "invalid_token";
/// The access token is not for that (RFC 6750 §3.1).
pub(super) const INSUFFICIENT_SCOPE: &str = "insufficient_scope";

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::OAuth(error)
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<DbError> for Refused {
    fn from(error: DbError) -> Self {
        Self::Problem(error.into())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Error { code, description } = match self {
            Self::OAuth(error) => error,
            Self::Problem(problem) => return problem.into_response(),
        };
        let (status, challenge) = match code {
            INVALID_CLIENT => (StatusCode::UNAUTHORIZED, Some("Basic realm=\"lectern\"")),
            INVALID_TOKEN => (StatusCode::UNAUTHORIZED, Some("Bearer realm=\"lectern\", error=\"invalid_token\"")),
            INSUFFICIENT_SCOPE => (
                StatusCode::FORBIDDEN,
                Some("Bearer realm=\"lectern\", error=\"insufficient_scope\", scope=\"openid\""),
            ),
            _ => (StatusCode::BAD_REQUEST, None),
        };
        let view = OAuthErrorView { error: code, error_description: description };
        let mut response = (status, [(header::CACHE_CONTROL, "no-store")], axum::Json(view)).into_response();
        if let Some(challenge) = challenge {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }
}
