//! How a client shows which it is (RFC 6749 §2.3): by its secret, in a header or in the form, or by its name alone if it keeps none.

use std::borrow::Cow;

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kernel::Problem;
use subtle::ConstantTimeEq;
use url::form_urlencoded;

use super::Provider;
use super::clients::Known;
use super::params::Params;
use super::refusal::{Error, error, invalid_request};
use crate::auth::codes;
use crate::auth::secret;
use crate::auth::sessions::check_tenant;

const NOBODY: Error = error(codes::OAUTH_INVALID_CLIENT, "there is no such client, or its secret is another one");

/// What a request says of its client.
#[derive(Debug, PartialEq, Eq)]
struct Credentials {
    id: String,
    secret: Option<String>,
}

impl Credentials {
    fn of(headers: &HeaderMap, params: &Params) -> Result<Self, Error> {
        let (id, secret) = (params.get("client_id"), params.get("client_secret"));
        let Some(value) = headers.get(header::AUTHORIZATION) else {
            let id = id.ok_or(error(codes::OAUTH_INVALID_CLIENT, "the request names no client"))?;
            return Ok(Self { id: id.to_owned(), secret: secret.map(str::to_owned) });
        };
        let basic = value.to_str().ok().and_then(basic);
        let of_header =
            basic.ok_or(error(codes::OAUTH_INVALID_CLIENT, "the header Authorization is not that of RFC 6749"))?;
        if secret.is_some() || id.is_some_and(|id| id != of_header.id) {
            return Err(invalid_request("a client shows which it is in one way"));
        }
        Ok(of_header)
    }
}

/// Both as a form has them, with a colon between them, in Base64 (RFC 6749 §2.3.1).
fn basic(value: &str) -> Option<Credentials> {
    let (scheme, encoded) = value.split_once(' ')?;
    let bytes = STANDARD.decode(encoded.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let text = String::from_utf8(bytes).ok()?;
    let (id, secret) = text.split_once(':')?;
    let plain = |text: &str| {
        let (plain, _) = form_urlencoded::parse(text.as_bytes()).next()?;
        Some(Cow::into_owned(plain)).filter(|plain| !plain.contains('\0'))
    };
    Some(Credentials { id: plain(id)?, secret: Some(plain(secret)?) })
}

impl Provider {
    /// The client of a request, whose tenant is not suspended.
    pub(super) async fn client(&self, headers: &HeaderMap, params: &Params) -> Result<Known, Problem> {
        let Credentials { id, secret } = Credentials::of(headers, params)?;
        let client = self.clients.known(&id).await?.ok_or(NOBODY)?;
        let is_it = match (&client.secret_sha256, secret) {
            (Some(kept), Some(shown)) => kept.as_slice().ct_eq(&secret::sha256(&shown)).into(),
            (None, None) => true,
            _ => false,
        };
        if !is_it {
            return Err(NOBODY.into());
        }
        check_tenant(&client.tenant_state)?;
        Ok(client)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use axum::http::HeaderValue;

    use super::*;

    fn of(authorization: Option<&str>, form: &str) -> Result<(String, Option<String>), &'static str> {
        let line = authorization.map(|text| (header::AUTHORIZATION, HeaderValue::from_str(text).unwrap()));
        let params = Params::parse(form.as_bytes()).unwrap();
        let found = Credentials::of(&HeaderMap::from_iter(line), &params);
        found.map(|found| (found.id, found.secret)).map_err(Error::word)
    }

    #[test]
    fn a_client_says_which_it_is_in_one_way() {
        let header = |text: &str| format!("Basic {}", STANDARD.encode(text));
        let both = Ok(("cli_1".to_owned(), Some("a:b+c".to_owned())));
        assert_eq!(of(Some(&header("cli_1:a%3Ab%2Bc")), ""), both);
        assert_eq!(of(Some(&header("cli_1:a%3Ab%2Bc").replace("Basic", "basic")), "client_id=cli_1"), both);
        assert_eq!(of(None, "client_id=cli_1&client_secret=a%3Ab%2Bc"), both);
        assert_eq!(of(None, "client_id=cli_1"), Ok(("cli_1".to_owned(), None)));
        for (authorization, form, code) in [
            (None, "", "invalid_client"),
            (None, "client_secret=a", "invalid_client"),
            (Some(header("cli_1:a")), "client_secret=a", "invalid_request"),
            (Some(header("cli_1:a")), "client_id=cli_2", "invalid_request"),
            (Some(header("cli_1")), "", "invalid_client"),
            (Some(header("cli_1:%00")), "", "invalid_client"),
            (Some("Basic !".to_owned()), "", "invalid_client"),
            (Some("Bearer a".to_owned()), "client_id=cli_1", "invalid_client"),
        ] {
            assert_eq!(of(authorization.as_deref(), form), Err(code), "{authorization:?} {form}");
        }
    }
}
