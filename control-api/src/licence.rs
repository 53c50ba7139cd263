//! Licences for players that hold a playback token, and those tokens.

mod token;

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use database::Database;
use drm::clearkey::{self, MAX_REQUEST, RequestError, Session};
use drm::{KeyEntry, TrackClass};
use http_body_util::{BodyExt, Limited};
use kernel::problem::ProblemBody;
use kernel::{ApiPath, Problem};
use key_vault::{KekError, KeyVault, LocalKeks, VaultError};
use media_types::PlaybackId;
use playback_token::{Claims, KeyRing, PlayPolicy, SigningKey, TokenError};
use utoipa::ToSchema;

use crate::codes;
use crate::state::Api;
pub(crate) use token::{__path_issue_token, issue_token};

/// How long a whole request may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Seconds after which a player asks again while keys cannot be opened.
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
}

impl Licences {
    /// Both under the same key-encryption keys, so that there is one secret to look after. Tokens are signed with a key
    /// derived from the current one, and those of former ones are still good.
    pub fn under(database: Database, keks: LocalKeks) -> Self {
        let mut oldest_first = keks.derive_secrets(TOKEN_PURPOSE).rev().map(|secret| {
            SigningKey::derive(&secret[..], TOKEN_PURPOSE).expect("32 bytes are enough to derive a signing key from")
        });
        let tokens = oldest_first.next().map(|oldest| oldest_first.fold(KeyRing::new(oldest), KeyRing::rotated));
        Self { vault: Some(KeyVault::new(database, std::sync::Arc::new(keks))), tokens }
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

/// What a player asks for (W3C Encrypted Media Extensions §9.1.3).
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents what another parser reads")]
struct ClearKeyRequest {
    /// Key ids of 16 bytes in base64url without padding, at most 128.
    #[schema(example = json!(["LwVHf8JLtPrv2GUXFW2v_A"]))]
    kids: Vec<String>,
    /// `temporary`, or `persistent-license` where the token allows to keep it.
    #[schema(example = "temporary")]
    r#type: Option<String>,
}

/// A JSON Web Key set (W3C Encrypted Media Extensions §9.1.4).
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents what another writer makes")]
struct ClearKeyLicence {
    /// Those of the keys that the token allows.
    keys: Vec<ClearKeyOfLicence>,
    /// As it was asked for.
    r#type: String,
}

/// One key of a licence.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents what another writer makes")]
struct ClearKeyOfLicence {
    /// `oct`.
    kty: String,
    /// The key in base64url without padding.
    k: String,
    /// Its id in base64url without padding.
    kid: String,
}

/// Gives a Clear Key licence to the holder of a playback token.
///
/// The token comes as `Authorization: Bearer` or as the query parameter `token`. Keys that are unknown, of another
/// recording or not allowed by the token are left out alike.
#[utoipa::path(
    post, path = "/api/v1/playback/{playback_id}/licence/clearkey", operation_id = "create_clearkey_licence",
    tag = "playback", request_body = ClearKeyRequest,
    params(
        ("playback_id" = String, Path, description = "the public name of the asset"),
        ("token" = Option<String>, Query, description = "the playback token, where no header can be set"),
    ),
    responses(
        (status = 200, description = "the licence; never stored", body = ClearKeyLicence),
        (status = 400, description = "`licence.invalid_request`", body = ProblemBody),
        (status = 401, description = "`licence.missing_token`, `licence.invalid_token`, `licence.expired_token`",
            body = ProblemBody),
        (status = 403, description = "`licence.other_playback`, `licence.not_persistent`", body = ProblemBody),
        (status = 404, description = "`licence.no_keys`", body = ProblemBody),
        (status = 503, description = "`licence.not_configured`, `licence.keys_away`", body = ProblemBody),
    )
)]
pub(crate) async fn clearkey(State(api): State<Api>, ApiPath(id): ApiPath<String>, request: Request) -> Response {
    let answer = license(&api, &id, request).await;
    let mut response = answer.unwrap_or_else(IntoResponse::into_response);
    // Pages of other origins embed players; what opens the licence is the token, not a cookie.
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

/// Lets pages of other origins send a token in a header and JSON in the body.
#[utoipa::path(
    options, path = "/api/v1/playback/{playback_id}/licence/clearkey", operation_id = "preflight_clearkey_licence",
    tag = "playback", params(("playback_id" = String, Path, description = "the public name of the asset")),
    responses((status = 204, description = "what a page of another origin may send"))
)]
pub(crate) async fn preflight() -> Response {
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "POST"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type"),
        (header::ACCESS_CONTROL_MAX_AGE, "86400"),
        (header::ALLOW, "POST,OPTIONS"),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

async fn license(api: &Api, id: &str, request: Request) -> Result<Response, Problem> {
    let (vault, tokens) = (api.licences.vault()?, api.licences.tokens()?);
    let (parts, body) = request.into_parts();
    let token = presented(&parts.headers, parts.uri.query()).ok_or_else(missing_token)?;
    // What is no id is the recording of no token.
    let playback: PlaybackId = id.parse().map_err(|_| token_problem(TokenError::OtherPlayback))?;
    let claims = playback_token::verify(tokens, token, api.now_ms(), &playback).map_err(token_problem)?;
    let asked = clearkey::Request::parse(&whole(body).await?).map_err(request_problem)?;
    if asked.session == Session::Persistent && !claims.policy.may_persist {
        let detail = "this playback token allows no licence that is kept";
        return Err(Problem::new(StatusCode::FORBIDDEN, codes::LICENCE_NOT_PERSISTENT, detail));
    }
    let key_ids: Vec<_> = asked.key_ids.into_iter().filter(|id| claims.allows_key(&id.0)).collect();
    let mut keys = vault.licence_keys(&api.tenant, &key_ids, &playback).await.map_err(vault_problem)?;
    keys.retain(|entry| allows_class(claims.policy, entry.class));
    if keys.is_empty() {
        return Err(Problem::not_found(codes::LICENCE_NO_KEYS, "none of these keys is given to this playback token"));
    }
    tracing::info!(%playback, session = session_of(&claims), keys = keys.len(), "licence given");
    Ok(answer(&keys, asked.session))
}

/// The licence as an answer, wiped from memory once it is sent.
fn answer(keys: &[KeyEntry], session: Session) -> Response {
    let licence = clearkey::licence(keys.iter().map(|entry| (entry.id, &entry.key)), session);
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (headers, Bytes::from_owner(licence)).into_response()
}

fn session_of(claims: &Claims) -> &str {
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

/// Whether a key for this class of tracks goes to a player of this policy: a class is refused when its smallest picture is
/// larger than what the token allows.
fn allows_class(policy: PlayPolicy, class: Option<TrackClass>) -> bool {
    let above = match class {
        None | Some(TrackClass::Audio | TrackClass::Sd) => 0,
        Some(TrackClass::Hd) => 576,
        Some(TrackClass::Uhd) => 1080,
    };
    policy.max_height.is_none_or(|height| height > above)
}

async fn whole(body: Body) -> Result<Bytes, Problem> {
    let incomplete = || Problem::bad_request(kernel::codes::BODY_INCOMPLETE, "the body ended before it was whole");
    let collected = tokio::time::timeout(PATIENCE, Limited::new(body, MAX_REQUEST).collect()).await;
    match collected.map_err(|_late| incomplete())? {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(request_problem(RequestError::TooLong)),
        Err(_) => Err(incomplete()),
    }
}

fn request_problem(error: RequestError) -> Problem {
    let status = match error {
        RequestError::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
        _ => StatusCode::BAD_REQUEST,
    };
    Problem::new(status, codes::LICENCE_INVALID_REQUEST, error.to_string())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_height_opens_the_classes_that_it_reaches_into() {
        let classes =
            [None, Some(TrackClass::Audio), Some(TrackClass::Sd), Some(TrackClass::Hd), Some(TrackClass::Uhd)];
        for (max_height, allowed) in
            [(None, 5), (Some(1), 3), (Some(576), 3), (Some(577), 4), (Some(1080), 4), (Some(1081), 5), (Some(2160), 5)]
        {
            let policy = PlayPolicy { max_height, ..PlayPolicy::default() };
            let found = classes.map(|class| allows_class(policy, class));
            assert_eq!(found, [0, 1, 2, 3, 4].map(|index| index < allowed), "{max_height:?}");
        }
    }

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
