//! Playback tokens, made for whoever holds the admin token: the site that decides who may see what.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use drm::signal::System;
use kernel::problem::ProblemBody;
use kernel::{ApiJson, ApiPath, Problem, rfc3339};
use media_types::PlaybackId;
use playback_token::{Claims, ClaimsError, Hdcp, MAX_KEY_IDS, PlayPolicy, SessionId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::vault_problem;
use crate::state::Api;
use crate::{codes, error};

/// A token is for one viewing: at most a day.
const MAX_TTL_S: u32 = 86_400;
/// A licence that is kept is for a course: at most 90 days.
const MAX_LICENCE_TTL_S: u32 = 90 * 86_400;

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
    /// The least version of HDCP that a display must be connected with, `1.0` to `2.3`; any connection when absent. Clear
    /// Key cannot see to it, so such a token opens no licence of it.
    #[schema(example = "2.2")]
    min_hdcp: Option<String>,
    /// Seconds from now until licences are worthless, kept or not; as long as the token when absent.
    #[schema(example = 86_400, minimum = 1, maximum = 7_776_000)]
    licence_ttl_s: Option<u32>,
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
    /// Where it asks for Widevine licences, if this server has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    widevine_url: Option<String>,
    /// Where it asks for PlayReady licences, if this server has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    playready_url: Option<String>,
    /// Where it asks for FairPlay licences, if this server has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    fairplay_url: Option<String>,
    /// Where it gets the certificate for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    fairplay_certificate_url: Option<String>,
}

/// Makes a playback token.
///
/// It opens the licences of one recording for a while. Nothing about it is stored, so it cannot be taken back: keep it
/// short.
#[utoipa::path(
    post, path = "/api/v1/playback/{playback_id}/tokens", operation_id = "create_playback_token", tag = "playback",
    request_body = NewToken,
    params(("playback_id" = String, Path, description = "the public name of the asset")),
    extensions(("x-audit" = json!("answer"))),
    responses(
        (status = 201, description = "the token; never stored", body = IssuedToken),
        (status = 404, description = "`playback.not_found`", body = ProblemBody),
        (status = 422, description = "not a token that can be made", body = ProblemBody),
        (status = 503, description = "`licence.not_configured`", body = ProblemBody),
    )
)]
pub(crate) async fn issue_token(
    api: Api,
    ApiPath(id): ApiPath<String>,
    ApiJson(new): ApiJson<NewToken>,
) -> Result<Response, Problem> {
    let ring = api.licences.tokens()?;
    let playback = existing(&api, &id).await?;
    let now_ms = api.now_ms();
    let claims = claims(playback, now_ms, &new)?;
    let token = playback_token::issue(ring, &claims, nonce()).map_err(refused)?;
    let url = |what: &str| api.url(&format!("/api/v1/playback/{}/licence/{what}", claims.playback_id));
    let servers = api.licences.servers.as_deref();
    let of = |system: System| servers?.url(system).map(|_| url(system.as_str()));
    let certificate = servers.and_then(|servers| servers.certificate.as_ref());
    let view = IssuedToken {
        token,
        expires_at: rfc3339(claims.expires_at_ms),
        clearkey_url: url("clearkey"),
        widevine_url: of(System::Widevine),
        playready_url: of(System::PlayReady),
        fairplay_url: of(System::FairPlay),
        fairplay_certificate_url: certificate.and(of(System::FairPlay)).map(|url| format!("{url}/certificate")),
    };
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

fn claims(playback: PlaybackId, now_ms: i64, new: &NewToken) -> Result<Claims, Problem> {
    let invalid = |pointer: &str, detail: String| Problem::invalid(pointer, kernel::codes::FIELD_INVALID, detail);
    if !(1..=MAX_TTL_S).contains(&new.ttl_s) {
        return Err(invalid("/ttl_s", format!("ttl_s is 1 to {MAX_TTL_S} seconds, not {}", new.ttl_s)));
    }
    if let Some(ttl_s) = new.licence_ttl_s.filter(|ttl_s| !(1..=MAX_LICENCE_TTL_S).contains(ttl_s)) {
        let detail = format!("licence_ttl_s is 1 to {MAX_LICENCE_TTL_S} seconds, not {ttl_s}");
        return Err(invalid("/licence_ttl_s", detail));
    }
    let until = |ttl_s: u32| now_ms.saturating_add(i64::from(ttl_s) * 1000);
    let hdcp = new.min_hdcp.as_ref().map(|text| {
        let wrong = || invalid("/min_hdcp", "min_hdcp is 1.0, 1.1, 1.2, 1.3, 1.4, 2.0, 2.1, 2.2 or 2.3".to_owned());
        Hdcp::from_name(text).ok_or_else(wrong)
    });
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
        policy: PlayPolicy {
            may_persist: new.may_persist,
            max_height: new.max_height,
            min_hdcp: hdcp.transpose()?,
            licence_until_ms: new.licence_ttl_s.map(until),
        },
        ..Claims::new(playback, until(new.ttl_s))
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
