//! Licences for players that hold a playback token, and those tokens.
//!
//! - `guard`: who gets one.
//! - `clear_key`: those of Clear Key, from the keys of this server.
//! - `proxy`: those of other systems, from the operator's own licence servers. `servers`: which these are. `policy`: what
//!   they are told of the player, signed.
//! - `token`: the tokens.

mod clear_key;
mod guard;
mod policy;
mod proxy;
mod servers;
mod token;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use database::Database;
use http_body_util::{BodyExt, Limited};
use kernel::Problem;
use key_vault::{KekError, KeyVault, LocalKeks, VaultError};
use playback_token::{KeyRing, SigningKey};

use crate::codes;
pub(crate) use clear_key::{__path_clearkey, __path_preflight, clearkey, preflight};
pub use policy::{POLICY_HEADER, PolicyKey, PolicyKeyError};
pub(crate) use proxy::{
    __path_acquire, __path_acquire_preflight, __path_fairplay_certificate, acquire, acquire_preflight,
    fairplay_certificate,
};
pub use servers::LicenceServers;
pub(crate) use token::{__path_issue_token, issue_token};

/// How long a whole request may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);
/// Seconds after which a player asks again while keys cannot be opened, or a licence server fails.
const RETRY_AFTER_S: u32 = 5;
/// Separates the secret of tokens from all others that are derived from a key-encryption key.
const TOKEN_PURPOSE: &str = "playback tokens";

/// What licences need: content keys, and the keys that sign playback tokens. Without them the routes say what to
/// configure.
#[derive(Clone, Default)]
pub struct Licences {
    /// The content keys of all recordings.
    pub vault: Option<KeyVault>,
    /// Signs and verifies playback tokens.
    pub tokens: Option<KeyRing>,
    /// The operator's licence servers for other systems than Clear Key.
    pub servers: Option<Arc<LicenceServers>>,
}

impl Licences {
    /// Both under the same key-encryption keys, so that there is one secret to look after. Tokens are signed with a key
    /// derived from the current one, and those of former ones are still good.
    pub fn under(database: Database, keks: LocalKeks) -> Self {
        let mut oldest_first = keks.derive_secrets(TOKEN_PURPOSE).rev().map(|secret| {
            SigningKey::derive(&secret[..], TOKEN_PURPOSE).expect("32 bytes are enough to derive a signing key from")
        });
        let tokens = oldest_first.next().map(|oldest| oldest_first.fold(KeyRing::new(oldest), KeyRing::rotated));
        Self { vault: Some(KeyVault::new(database, Arc::new(keks))), tokens, servers: None }
    }

    fn vault(&self) -> Result<&KeyVault, Problem> {
        self.vault.as_ref().ok_or_else(|| not_configured("this server keeps no content keys"))
    }

    fn tokens(&self) -> Result<&KeyRing, Problem> {
        self.tokens.as_ref().ok_or_else(|| not_configured("this server has no key to sign playback tokens with"))
    }
}

fn not_configured(detail: &str) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, codes::LICENCE_NOT_CONFIGURED, detail)
}

/// Pages of other origins embed players; what opens a licence is the token, not a cookie.
fn open_to_pages(answer: Result<Response, Problem>) -> Response {
    let mut response = answer.unwrap_or_else(IntoResponse::into_response);
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

/// The answer to a preflight of a page of another origin.
fn what_pages_send(headers: &'static str) -> Response {
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "POST"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, headers),
        (header::ACCESS_CONTROL_MAX_AGE, "86400"),
        (header::ALLOW, "POST,OPTIONS"),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

async fn whole(body: Body, most: usize) -> Result<Bytes, Problem> {
    let incomplete = || Problem::bad_request(kernel::codes::BODY_INCOMPLETE, "the body ended before it was whole");
    let collected = tokio::time::timeout(PATIENCE, Limited::new(body, most).collect()).await;
    match collected.map_err(|_late| incomplete())? {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            let detail = format!("a licence request has at most {most} bytes");
            Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, codes::LICENCE_INVALID_REQUEST, detail))
        }
        Err(_) => Err(incomplete()),
    }
}

fn vault_problem(error: VaultError) -> Problem {
    match error {
        VaultError::Database(error) => error.into(),
        VaultError::Key { source: KekError::Service(_), .. } | VaultError::Kek(KekError::Service(_)) => {
            tracing::warn!(error = kernel::problem::chain(&error), "content keys cannot be opened");
            Problem::unavailable(codes::LICENCE_KEYS_AWAY, "content keys cannot be opened at the moment", RETRY_AFTER_S)
        }
        other => Problem::internal(&other),
    }
}
