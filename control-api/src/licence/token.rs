//! Playback tokens, made for whoever holds the admin token: the site that decides who may see what.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use kernel::problem::ProblemBody;
use kernel::{ApiJson, ApiPath, Problem, rfc3339};
use media_types::PlaybackId;
use playback_token::{Claims, ClaimsError, MAX_KEY_IDS, PlayPolicy, SessionId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::vault_problem;
use crate::state::Api;
use crate::{codes, error};

/// A token is for one viewing: at most a day.
const MAX_TTL_S: u32 = 86_400;

/// What a token shall allow.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewToken {
    /// Seconds from now until it is worthless.
    #[schema(example = 3600, minimum = 1, maximum = 86_400)]
    ttl_s: u32,
    /// Whether licences may be kept for playing without a network; no when absent.
    #[serde(default)]
    may_persist: bool,
    /// The largest video, by its short side in pixels; any when absent.
    #[schema(example = 720, minimum = 1)]
    max_height: Option<u16>,
    /// Key ids in hexadecimal digits, with or without dashes, 1 to 32 of them; all of the recording when absent.
    #[schema(min_items = 1, max_items = 32)]
    key_ids: Option<Vec<String>>,
    /// The name of the viewing, for logs: 1 to 64 letters, digits, `-` or `_`.
    session_id: Option<String>,
}

/// A token that was made.
#[derive(Serialize, ToSchema)]
struct IssuedToken {
    /// For the player; who holds it may play.
    token: String,
    /// RFC 3339.
    expires_at: String,
    /// Where a player asks for Clear Key licences.
    clearkey_url: String,
}

/// Makes a playback token.
///
/// It opens the licences of one recording for a while. Nothing about it is stored, so it cannot be taken back: keep it
/// short.
#[utoipa::path(
    post, path = "/api/v1/playback/{playback_id}/tokens", operation_id = "create_playback_token", tag = "playback",
    request_body = NewToken,
    params(("playback_id" = String, Path, description = "the public name of the asset")),
    responses(
        (status = 201, description = "the token; never stored", body = IssuedToken),
        (status = 404, description = "`playback.not_found`", body = ProblemBody),
        (status = 422, description = "not a token that can be made", body = ProblemBody),
        (status = 503, description = "`licence.not_configured`", body = ProblemBody),
    )
)]
pub(crate) async fn issue_token(
    State(api): State<Api>,
    ApiPath(id): ApiPath<String>,
    ApiJson(new): ApiJson<NewToken>,
) -> Result<Response, Problem> {
    let ring = api.licences.tokens()?;
    let playback = existing(&api, &id).await?;
    let expires_at_ms = api.now_ms().saturating_add(i64::from(new.ttl_s) * 1000);
    let claims = claims(playback, expires_at_ms, &new)?;
    let token = playback_token::issue(ring, &claims, nonce()).map_err(refused)?;
    let clearkey_url = api.url(&format!("/api/v1/playback/{}/licence/clearkey", claims.playback_id));
    let view = IssuedToken { token, expires_at: rfc3339(expires_at_ms), clearkey_url };
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], axum::Json(view)).into_response())
}

/// The playback id, when there is a recording or at least a key behind it.
async fn existing(api: &Api, id: &str) -> Result<PlaybackId, Problem> {
    let missing = || Problem::not_found(codes::PLAYBACK_NOT_FOUND, "nothing is played under this id");
    let playback: PlaybackId = id.parse().map_err(|_| missing())?;
    let asset = api.store.by_playback_id(&playback).await.map_err(error::store)?;
    if asset.is_some_and(|asset| asset.tenant_id == api.tenant) {
        return Ok(playback);
    }
    let Some(vault) = &api.licences.vault else { return Err(missing()) };
    let known = vault.has_keys(&api.tenant, &playback).await.map_err(vault_problem)?;
    if known { Ok(playback) } else { Err(missing()) }
}

fn claims(playback: PlaybackId, expires_at_ms: i64, new: &NewToken) -> Result<Claims, Problem> {
    let invalid = |pointer: &str, detail: String| Problem::invalid(pointer, kernel::codes::FIELD_INVALID, detail);
    if !(1..=MAX_TTL_S).contains(&new.ttl_s) {
        return Err(invalid("/ttl_s", format!("ttl_s is 1 to {MAX_TTL_S} seconds, not {}", new.ttl_s)));
    }
    let key_ids = new.key_ids.as_ref().map(|ids| {
        let one = |(index, text): (usize, &String)| {
            let wrong = || invalid(&format!("/key_ids/{index}"), "a key id has 32 hexadecimal digits".to_owned());
            key_id(text).ok_or_else(wrong)
        };
        // One more than fits, so that too many are still too many.
        ids.iter().take(MAX_KEY_IDS + 1).enumerate().map(one).collect::<Result<Vec<_>, _>>()
    });
    let session = new.session_id.as_ref().map(|text| {
        let wrong = || invalid("/session_id", "session_id is 1 to 64 letters, digits, '-' or '_'".to_owned());
        SessionId::new(text.as_str()).ok_or_else(wrong)
    });
    Ok(Claims {
        key_ids: key_ids.transpose()?,
        session: session.transpose()?,
        policy: PlayPolicy { may_persist: new.may_persist, max_height: new.max_height },
        ..Claims::new(playback, expires_at_ms)
    })
}

fn key_id(text: &str) -> Option<[u8; 16]> {
    // A UUID's form in 36 characters, or the same without dashes.
    let digits: String = text.chars().filter(|&character| character != '-').collect();
    let mut id = [0; 16];
    let fine = matches!(text.len(), 32 | 36) && hex::decode_to_slice(&digits, &mut id).is_ok();
    fine.then_some(id)
}

fn refused(error: ClaimsError) -> Problem {
    let pointer = match error {
        ClaimsError::KeyIds { .. } => "/key_ids",
        ClaimsError::Height => "/max_height",
        ClaimsError::Time | ClaimsError::Never => "/ttl_s",
    };
    Problem::invalid(pointer, kernel::codes::FIELD_INVALID, error.to_string())
}

fn nonce() -> [u8; playback_token::NONCE_BYTES] {
    *Uuid::new_v4().as_bytes().first_chunk().expect("a UUID has 16 bytes")
}
