//! Who may call a route: one admin token, one for other processes, and a [`Policy`] that each route declares.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use thiserror::Error;

use crate::{Code, Problem, codes};

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Anyone.
    Public,
    /// The holder of the admin token.
    Admin,
    /// Another process of the same installation: the holder of the service token, and nobody while there is none.
    Service,
}

/// A token that could not protect anything.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("an admin token has 16 to 512 printable ASCII characters without spaces")]
pub struct WeakToken;

/// The admin token, or the service token, kept as its hash: it cannot be printed, and is compared in constant time.
#[derive(Clone)]
pub struct AdminToken {
    sha256: [u8; 32],
}

impl AdminToken {
    /// A token of 16 to 512 printable ASCII characters.
    ///
    /// # Errors
    /// [`WeakToken`] when it is shorter, longer, or has other characters.
    pub fn new(token: &str) -> Result<Self, WeakToken> {
        let fine = (16..=512).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic());
        if fine { Ok(Self { sha256: Sha256::digest(token.as_bytes()).into() }) } else { Err(WeakToken) }
    }

    /// Whether this is the token. Takes the same time for every wrong one of the same length.
    pub fn matches(&self, candidate: &str) -> bool {
        let candidate: [u8; 32] = Sha256::digest(candidate.as_bytes()).into();
        self.sha256.ct_eq(&candidate).into()
    }
}

/// Decides whether a request may pass.
#[derive(Clone)]
pub struct Guard {
    admin: AdminToken,
    service: Option<AdminToken>,
}

impl Guard {
    /// A guard that lets the holder of `admin` pass, and no other process.
    pub fn new(admin: AdminToken) -> Self {
        Self { admin, service: None }
    }

    /// Lets the holder of `service` pass where other processes may.
    #[must_use]
    pub fn with_service(self, service: Option<AdminToken>) -> Self {
        Self { service, ..self }
    }

    /// Whether the request carries the admin token as `Authorization: Bearer` (RFC 6750 §2.1).
    ///
    /// # Errors
    /// 401 when it does not.
    pub fn check(&self, headers: &HeaderMap) -> Result<(), Problem> {
        Self::check_bearer(Some(&self.admin), headers)
    }

    fn check_bearer(token: Option<&AdminToken>, headers: &HeaderMap) -> Result<(), Problem> {
        let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
        match bearer {
            Some(text) if token.is_some_and(|token| token.matches(text)) => Ok(()),
            Some(_) => Err(unauthorized(codes::AUTH_INVALID_TOKEN, "the bearer token is not valid here", true)),
            None => Err(unauthorized(codes::AUTH_MISSING_TOKEN, "this address needs a bearer token", false)),
        }
    }
}

fn unauthorized(code: Code, detail: &str, presented: bool) -> Problem {
    // RFC 6750 §3.1: no error attribute when no credentials came at all.
    let challenge =
        if presented { "Bearer realm=\"lectern\", error=\"invalid_token\"" } else { "Bearer realm=\"lectern\"" };
    Problem::new(StatusCode::UNAUTHORIZED, code, detail)
        .header(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
}

/// Middleware of routes with [`Policy::Admin`].
pub(crate) async fn require_admin(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    match guard.check(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// Middleware of routes with [`Policy::Service`].
pub(crate) async fn require_service(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    match Guard::check_bearer(guard.service.as_ref(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_the_exact_token_passes() {
        let guard = Guard::new(AdminToken::new("0123456789abcdef").unwrap());
        let check = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
            guard.check(&headers).map_err(|problem| problem.code())
        };
        assert_eq!(check("Bearer 0123456789abcdef"), Ok(()));
        assert_eq!(check("bearer  0123456789abcdef"), Ok(()));
        for bad in ["Bearer 0123456789abcdeF", "Bearer 0123456789abcde", "Bearer "] {
            assert_eq!(check(bad), Err("auth.invalid_token"), "{bad}");
        }
        for bad in ["Basic 0123456789abcdef", "0123456789abcdef", ""] {
            assert_eq!(check(bad), Err("auth.missing_token"), "{bad}");
        }
    }

    #[test]
    fn a_token_that_is_easily_guessed_is_refused() {
        for weak in ["", "short", "0123456789abcde", "0123456789 abcdef", "0123456789abcde\n"] {
            assert!(AdminToken::new(weak).is_err(), "{weak:?}");
        }
    }
}
