//! Who gets a licence: holders of a playback token.

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use kernel::Problem;
use media_types::PlaybackId;
use playback_token::{Claims, TokenError};

use crate::codes;
use crate::state::Installation;

/// What the token of a request says, once it is good for this recording and at this time.
pub(super) fn admitted(api: &Installation, id: &str, parts: &Parts) -> Result<Claims, Problem> {
    let tokens = api.licences.tokens()?;
    let token = presented(&parts.headers, parts.uri.query()).ok_or_else(missing_token)?;
    // What is no id is the recording of no token.
    let playback: PlaybackId = id.parse().map_err(|_| token_problem(TokenError::OtherPlayback))?;
    playback_token::verify(tokens, token, api.now_ms(), &playback).map_err(token_problem)
}

/// The viewing a token was made for, for logs.
pub(super) fn session_of(claims: &Claims) -> &str {
    claims.session.as_ref().map_or("", |session| session.as_str())
}

/// The token of a request: RFC 6750 §2.1, else §2.3 under a shorter name. Its characters need no percent encoding.
fn presented<'a>(headers: &'a HeaderMap, query: Option<&'a str>) -> Option<&'a str> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    bearer.or_else(|| query?.split('&').find_map(|parameter| parameter.strip_prefix("token=")))
}

fn missing_token() -> Problem {
    let detail = "a licence needs a playback token";
    // RFC 6750 §3.1: no error attribute when no credentials came at all.
    Problem::new(StatusCode::UNAUTHORIZED, codes::LICENCE_MISSING_TOKEN, detail)
        .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"playback\""))
}

fn token_problem(error: TokenError) -> Problem {
    let code = match error {
        TokenError::OtherPlayback => {
            return Problem::new(StatusCode::FORBIDDEN, codes::LICENCE_OTHER_PLAYBACK, error.to_string());
        }
        TokenError::Expired | TokenError::NotYetValid => codes::LICENCE_EXPIRED_TOKEN,
        TokenError::Malformed | TokenError::UnknownKey | TokenError::BadSignature => codes::LICENCE_INVALID_TOKEN,
    };
    let challenge = HeaderValue::from_static("Bearer realm=\"playback\", error=\"invalid_token\"");
    Problem::new(StatusCode::UNAUTHORIZED, code, error.to_string()).header(header::WWW_AUTHENTICATE, challenge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_goes_before_the_query() {
        let mut headers = HeaderMap::new();
        assert_eq!(presented(&headers, None), None);
        assert_eq!(presented(&headers, Some("a=1&token=x&token=y")), Some("x"));
        assert_eq!(presented(&headers, Some("mytoken=x")), None);
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Basic abc"));
        assert_eq!(presented(&headers, Some("token=x")), Some("x"));
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static("bearer  z"));
        assert_eq!(presented(&headers, Some("token=x")), Some("z"));
    }
}
