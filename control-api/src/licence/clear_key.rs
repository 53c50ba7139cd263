//! Licences of Clear Key, from the keys of this server.

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use drm::clearkey::{self, MAX_REQUEST, RequestError, Session};
use drm::{KeyEntry, TrackClass};
use kernel::problem::ProblemBody;
use kernel::{ApiPath, Problem, Tenant};
use playback_token::PlayPolicy;
use utoipa::ToSchema;

use super::guard::{admitted, session_of};
use super::{open_to_pages, vault_problem, what_pages_send, whole};
use crate::codes;
use crate::state::Installation;

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
    extensions(("x-audit" = json!("answer"))),
    responses(
        (status = 200, description = "the licence; never stored", body = ClearKeyLicence),
        (status = 400, description = "`licence.invalid_request`", body = ProblemBody),
        (status = 401, description = "`licence.missing_token`, `licence.invalid_token`, `licence.expired_token`",
            body = ProblemBody),
        (status = 403, description = "`licence.other_playback`, `licence.not_persistent`, `licence.hdcp_required`",
            body = ProblemBody),
        (status = 404, description = "`licence.no_keys`", body = ProblemBody),
        (status = 503, description = "`licence.not_configured`, `licence.keys_away`", body = ProblemBody),
    )
)]
pub(crate) async fn clearkey(
    State(api): State<Installation>,
    ApiPath(id): ApiPath<String>,
    request: Request,
) -> Response {
    open_to_pages(license(&api, &id, request).await)
}

/// Lets pages of other origins send a token in a header and JSON in the body.
#[utoipa::path(
    options, path = "/api/v1/playback/{playback_id}/licence/clearkey", operation_id = "preflight_clearkey_licence",
    tag = "playback", params(("playback_id" = String, Path, description = "the public name of the asset")),
    responses((status = 204, description = "what a page of another origin may send"))
)]
pub(crate) async fn preflight() -> Response {
    what_pages_send("authorization, content-type")
}

async fn license(api: &Installation, id: &str, request: Request) -> Result<Response, Problem> {
    let vault = api.licences.vault()?;
    let (parts, body) = request.into_parts();
    let claims = admitted(api, id, &parts)?;
    let playback = &claims.playback_id;
    if let Some(version) = claims.policy.min_hdcp {
        let detail = format!("this playback token demands HDCP {}, which Clear Key cannot see to", version.as_str());
        return Err(Problem::new(StatusCode::FORBIDDEN, codes::LICENCE_HDCP_REQUIRED, detail));
    }
    let asked = clearkey::Request::parse(&whole(body, MAX_REQUEST).await?).map_err(request_problem)?;
    if asked.session == Session::Persistent && !claims.policy.may_persist {
        let detail = "this playback token allows no licence that is kept";
        return Err(Problem::new(StatusCode::FORBIDDEN, codes::LICENCE_NOT_PERSISTENT, detail));
    }
    let key_ids: Vec<_> = asked.key_ids.into_iter().filter(|id| claims.allows_key(&id.0)).collect();
    let none = || Problem::not_found(codes::LICENCE_NO_KEYS, "none of these keys is given to this playback token");
    let tenant = vault.tenant_of(playback).await.map_err(vault_problem)?.ok_or_else(none)?;
    let mut keys = vault.licence_keys(&tenant, &key_ids, playback).await.map_err(vault_problem)?;
    keys.retain(|entry| allows_class(claims.policy, entry.class));
    if keys.is_empty() {
        return Err(none());
    }
    tracing::info!(%playback, session = session_of(&claims), keys = keys.len(), "licence given");
    Ok((Extension(Tenant(tenant)), answer(&keys, asked.session)).into_response())
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

/// Whether a key for this class of tracks goes to a player of this policy: a class is refused when its smallest picture is
/// larger than what the token allows.
pub(super) fn allows_class(policy: PlayPolicy, class: Option<TrackClass>) -> bool {
    let above = match class {
        None | Some(TrackClass::Audio | TrackClass::Sd) => 0,
        Some(TrackClass::Hd) => 576,
        Some(TrackClass::Uhd) => 1080,
    };
    policy.max_height.is_none_or(|height| height > above)
}

fn request_problem(error: RequestError) -> Problem {
    let status = match error {
        RequestError::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
        _ => StatusCode::BAD_REQUEST,
    };
    Problem::new(status, codes::LICENCE_INVALID_REQUEST, error.to_string())
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
}
