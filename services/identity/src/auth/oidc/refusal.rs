//! How OAuth refuses: at the addresses that clients call in its own shape (RFC 6749 §5.2), and by way of a browser in the address that this
//! is sent back to (§4.1.2.1).

use axum::http::{HeaderValue, StatusCode, header};
use kernel::{Code, Dialect, Problem};
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::codes;

/// A refusal by RFC 6749 §5.2.
#[derive(Serialize, ToSchema)]
pub(crate) struct OAuthErrorView {
    /// A word of RFC 6749, RFC 6750 or RFC 8628.
    #[schema(example = "invalid_grant")]
    error: &'static str,
    /// What is wrong, and what to do about it.
    error_description: String,
}

/// What clients after that RFC read: they know an error by its word, and a problem has none.
pub(super) static DIALECT: Dialect = Dialect { media_type: "application/json", schema: "OAuthErrorView", say };

/// What the words of OAuth begin with as codes.
const PREFIX: &str = "oauth.";

/// The codes that are words of OAuth.
const WORDS: [Code; 16] = [
    codes::OAUTH_ACCESS_DENIED,
    codes::OAUTH_AUTHORIZATION_PENDING,
    codes::OAUTH_EXPIRED_TOKEN,
    codes::OAUTH_INSUFFICIENT_SCOPE,
    codes::OAUTH_INVALID_CLIENT,
    codes::OAUTH_INVALID_GRANT,
    codes::OAUTH_INVALID_REQUEST,
    codes::OAUTH_INVALID_SCOPE,
    codes::OAUTH_INVALID_TOKEN,
    codes::OAUTH_LOGIN_REQUIRED,
    codes::OAUTH_REQUEST_NOT_SUPPORTED,
    codes::OAUTH_REQUEST_URI_NOT_SUPPORTED,
    codes::OAUTH_SLOW_DOWN,
    codes::OAUTH_UNAUTHORIZED_CLIENT,
    codes::OAUTH_UNSUPPORTED_GRANT_TYPE,
    codes::OAUTH_UNSUPPORTED_RESPONSE_TYPE,
];

fn say(problem: &Problem) -> (StatusCode, Vec<u8>) {
    let description = plain(&format!("{}: {}", problem.detail(), problem.cure()));
    let view = OAuthErrorView { error: word(problem), error_description: description };
    let body = serde_json::to_vec(&view).expect("an error is plain data, which always has a JSON form");
    (problem.status(), body)
}

/// The word for it; of what only the platform refuses, the one that comes nearest.
fn word(problem: &Problem) -> &'static str {
    let own = WORDS.iter().find(|code| code.name() == problem.code());
    own.and_then(|code| code.name().strip_prefix(PREFIX)).unwrap_or_else(|| match problem.status() {
        StatusCode::FORBIDDEN => "access_denied",
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => "temporarily_unavailable",
        status if status.is_server_error() => "server_error",
        _ => "invalid_request",
    })
}

/// Text of the characters that a description may have (RFC 6749 §5.2).
fn plain(text: &str) -> String {
    let fits = |letter: char| (letter == ' ' || letter.is_ascii_graphic()) && !['"', '\\'].contains(&letter);
    text.chars().map(|letter| if fits(letter) { letter } else { '\'' }).collect()
}

/// A word of OAuth, and what it means this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Error {
    code: Code,
    pub(super) description: &'static str,
}

impl Error {
    /// As clients know it.
    pub(super) fn word(self) -> &'static str {
        self.code.name().strip_prefix(PREFIX).unwrap_or_default()
    }
}

/// What is refused with one of [`WORDS`].
pub(super) const fn error(code: Code, description: &'static str) -> Error {
    Error { code, description }
}

pub(super) const fn invalid_request(description: &'static str) -> Error {
    error(codes::OAUTH_INVALID_REQUEST, description)
}

pub(super) const fn invalid_grant(description: &'static str) -> Error {
    error(codes::OAUTH_INVALID_GRANT, description)
}

impl From<Error> for Problem {
    fn from(Error { code, description }: Error) -> Self {
        let challenged = |status: StatusCode, challenge: &'static str| {
            let challenge = HeaderValue::from_static(challenge);
            Self::new(status, code, description).header(header::WWW_AUTHENTICATE, challenge)
        };
        if code == codes::OAUTH_INVALID_CLIENT {
            challenged(StatusCode::UNAUTHORIZED, "Basic realm=\"lectern\"")
        } else if code == codes::OAUTH_INVALID_TOKEN {
            challenged(StatusCode::UNAUTHORIZED, "Bearer realm=\"lectern\", error=\"invalid_token\"")
        } else if code == codes::OAUTH_INSUFFICIENT_SCOPE {
            let challenge = "Bearer realm=\"lectern\", error=\"insufficient_scope\", scope=\"openid\"";
            challenged(StatusCode::FORBIDDEN, challenge)
        } else {
            Self::bad_request(code, description)
        }
    }
}

#[cfg(test)]
mod tests {
    use kernel::codes as common;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn whatever_is_refused_has_a_word_of_oauth_and_a_description_that_clients_can_read() {
        let said = |problem: Problem| {
            let (status, body) = say(&problem);
            let body: Value = serde_json::from_slice(&body).unwrap_or_default();
            (status.as_u16(), body["error"].clone(), body["error_description"].clone())
        };
        for code in WORDS {
            let (_, word, _) = said(error(code, "no").into());
            assert_eq!(word, json!(error(code, "no").word()));
            assert!(!error(code, "no").word().is_empty());
        }
        for (status, code, word) in [
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, codes::OAUTH_NOT_FORM, "invalid_request"),
            (StatusCode::FORBIDDEN, common::TENANT_SUSPENDED, "access_denied"),
            (StatusCode::TOO_MANY_REQUESTS, codes::OAUTH_TOO_MANY_DEVICES, "temporarily_unavailable"),
            (StatusCode::SERVICE_UNAVAILABLE, common::DATABASE_BUSY, "temporarily_unavailable"),
            (StatusCode::INTERNAL_SERVER_ERROR, common::SERVER_INTERNAL, "server_error"),
        ] {
            let (told, said, description) = said(Problem::new(status, code, "a \"b\\c\u{e4}"));
            assert_eq!((told, said), (status.as_u16(), json!(word)));
            assert!(description.as_str().is_some_and(|text| text.starts_with("a 'b'c': ")), "{description}");
        }
    }
}
