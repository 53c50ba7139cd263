//! What requests of OAuth say: names with values, in an address or in a form, each at most once (RFC 6749 §3.1).

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use kernel::Problem;
use url::form_urlencoded;

use super::refusal::{Error, invalid_request};
use crate::auth::codes;

/// How long a whole form may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// The most bytes of all of them.
const MAX_BYTES: usize = 16 << 10;

/// Names with values that are not empty: what is empty is not there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// As they are written in an address or a form.
    ///
    /// # Errors
    /// One that comes twice, a NUL, or too much.
    pub(super) fn parse(text: &[u8]) -> Result<Self, Error> {
        if text.len() > MAX_BYTES {
            return Err(invalid_request("the request says more than 16 KiB"));
        }
        let mut all: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(text).filter(|(_, value)| !value.is_empty()) {
            if name.contains('\0') || value.contains('\0') {
                return Err(invalid_request("the request has a NUL"));
            }
            if all.iter().any(|(known, _)| *known == name) {
                return Err(invalid_request("the request says something twice"));
            }
            all.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(all))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All of them but these, as they are written in an address.
    pub(super) fn without(&self, names: &[&str]) -> String {
        let kept = self.0.iter().filter(|(name, _)| !names.contains(&name.as_str()));
        form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish()
    }
}

/// Those of the address.
pub(crate) struct OfAddress(pub(super) Params);

impl<S: Send + Sync> FromRequestParts<S> for OfAddress {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        Ok(Self(Params::parse(parts.uri.query().unwrap_or_default().as_bytes())?))
    }
}

/// Those of a form.
pub(crate) struct OfForm(pub(super) Params);

impl<S: Send + Sync> FromRequest<S> for OfForm {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let kind =
            request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = kind.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            let detail = "the Content-Type of the body is not application/x-www-form-urlencoded";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, codes::OAUTH_NOT_FORM, detail));
        }
        let incomplete = || Problem::bad_request(kernel::codes::BODY_INCOMPLETE, "the body ended before it was whole");
        let bytes = tokio::time::timeout(PATIENCE, Bytes::from_request(request, state)).await;
        let bytes = bytes.map_err(|_late| incomplete())?.map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => {
                let detail = "the body is larger than this address takes";
                Problem::new(StatusCode::PAYLOAD_TOO_LARGE, kernel::codes::BODY_TOO_LARGE, detail)
            }
            _ => incomplete(),
        })?;
        Ok(Self(Params::parse(&bytes)?))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_is_empty_is_not_there_and_nothing_is_said_twice() {
        let params = Params::parse(b"a=1&b=&c=x+y%26%C3%A4&d").unwrap();
        assert_eq!((params.get("a"), params.get("b"), params.get("c")), (Some("1"), None, Some("x y&\u{e4}")));
        assert_eq!(params.without(&["a"]), "c=x+y%26%C3%A4");
        assert_eq!(Params::parse(params.without(&[]).as_bytes()).unwrap(), params);
        assert_eq!(Params::parse(b"").unwrap(), Params::default());
        assert_eq!(Params::parse(b"a=&a=1").unwrap().get("a"), Some("1"));
        for refused in [&b"a=1&a=1"[..], b"a=1&a=2", b"a=%00", b"%00=1", &vec![b'a'; MAX_BYTES + 1]] {
            assert_eq!(Params::parse(refused).unwrap_err().word(), "invalid_request", "{refused:?}");
        }
    }
}
