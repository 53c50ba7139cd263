//! Licences of systems whose keys only the operator's licence server can wrap: challenges in, licences out, both unread.

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use drm::KeyEntry;
use drm::signal::System;
use http_client::{Credential, HttpError, Method};
use kernel::problem::ProblemBody;
use kernel::{ApiPath, Problem, Tenant};
use media_types::{PlaybackId, TenantId};
use playback_token::Claims;

use super::clear_key::allows_class;
use super::guard::{admitted, session_of};
use super::policy::{POLICY_HEADER, signed};
use super::servers::{not_configured, of};
use super::{RETRY_AFTER_S, open_to_pages, vault_problem, what_pages_send, whole};
use crate::state::Installation;
use crate::{codes, error};

/// The largest challenge. Those of all systems have some kilobytes.
const MAX_CHALLENGE: usize = 64 << 10;
const OPAQUE: &str = "application/octet-stream";
const XML: &str = "text/xml; charset=utf-8";
const SOAP_ACTION: HeaderName = HeaderName::from_static("soapaction");
/// What all of PlayReady's exchanges begin with, and the one that players have with a licence server (MS-DRM).
const PLAYREADY_ACTIONS: &[u8] = b"\"http://schemas.microsoft.com/DRM/2007/03/protocols/";
const ACQUIRE_LICENSE: HeaderValue =
    HeaderValue::from_static("\"http://schemas.microsoft.com/DRM/2007/03/protocols/AcquireLicense\"");

/// Asks the operator's licence server on behalf of the holder of a playback token.
///
/// The body is the challenge as the player's message event holds it (of FairPlay the bytes of the SPC, of PlayReady the
/// XML), and is passed on unread; so is the licence. The token comes as `Authorization: Bearer` or as the query parameter
/// `token`.
#[utoipa::path(
    post, path = "/api/v1/playback/{playback_id}/licence/{system}", operation_id = "create_licence", tag = "playback",
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    params(
        ("playback_id" = String, Path, description = "the public name of the asset"),
        ("system" = String, Path, description = "`widevine`, `playready` or `fairplay`"),
        ("token" = Option<String>, Query, description = "the playback token, where no header can be set"),
    ),
    extensions(("x-audit" = json!("answer"))),
    responses(
        (status = 200, description = "the licence; never stored", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 400, description = "`licence.invalid_request`", body = ProblemBody),
        (status = 401, description = "`licence.missing_token`, `licence.invalid_token`, `licence.expired_token`",
            body = ProblemBody),
        (status = 403, description = "`licence.other_playback`, `licence.refused`", body = ProblemBody),
        (status = 404, description = "`licence.system_not_configured`", body = ProblemBody),
        (status = 413, description = "`licence.invalid_request`", body = ProblemBody),
        (status = 415, description = "`licence.media_type`", body = ProblemBody),
        (status = 502, description = "`licence.server_failed`", body = ProblemBody),
        (status = 503, description = "`licence.not_configured`", body = ProblemBody),
        (status = 504, description = "`licence.server_slow`", body = ProblemBody),
    )
)]
pub(crate) async fn acquire(
    State(api): State<Installation>,
    ApiPath((id, system)): ApiPath<(String, String)>,
    request: Request,
) -> Response {
    open_to_pages(forward(&api, &id, &system, request).await)
}

/// Lets pages of other origins send a token in a header and a challenge in the body.
#[utoipa::path(
    options, path = "/api/v1/playback/{playback_id}/licence/{system}", operation_id = "preflight_licence", tag = "playback",
    params(
        ("playback_id" = String, Path, description = "the public name of the asset"),
        ("system" = String, Path, description = "`widevine`, `playready` or `fairplay`"),
    ),
    responses((status = 204, description = "what a page of another origin may send"))
)]
pub(crate) async fn acquire_preflight() -> Response {
    what_pages_send("authorization, content-type, soapaction")
}

/// The operator's FairPlay certificate, which a player needs before it can make a challenge.
#[utoipa::path(
    get, path = "/api/v1/playback/{playback_id}/licence/fairplay/certificate", operation_id = "show_fairplay_certificate",
    tag = "playback",
    params(
        ("playback_id" = String, Path, description = "the public name of the asset"),
        ("token" = Option<String>, Query, description = "the playback token, where no header can be set"),
    ),
    responses(
        (status = 200, description = "the certificate in DER", body = Vec<u8>, content_type = "application/pkix-cert"),
        (status = 401, description = "`licence.missing_token`, `licence.invalid_token`, `licence.expired_token`",
            body = ProblemBody),
        (status = 403, description = "`licence.other_playback`", body = ProblemBody),
        (status = 404, description = "`licence.system_not_configured`", body = ProblemBody),
        (status = 503, description = "`licence.not_configured`", body = ProblemBody),
    )
)]
pub(crate) async fn fairplay_certificate(
    State(api): State<Installation>,
    ApiPath(id): ApiPath<String>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    let certificate = || {
        let (servers, ..) = of(&api, System::FairPlay.as_str())?;
        let missing = || not_configured("this server has no FairPlay certificate");
        let certificate = servers.certificate.clone().ok_or_else(missing)?;
        admitted(&api, &id, &parts)?;
        Ok(unstored("application/pkix-cert", certificate))
    };
    open_to_pages(certificate())
}

async fn forward(api: &Installation, id: &str, system: &str, request: Request) -> Result<Response, Problem> {
    let (servers, system, url) = of(api, system)?;
    let (parts, body) = request.into_parts();
    let claims = admitted(api, id, &parts)?;
    let content_type = media_type(system, &parts.headers)?;
    let challenge = whole(body, MAX_CHALLENGE).await?;
    if challenge.is_empty() {
        return Err(Problem::bad_request(codes::LICENCE_INVALID_REQUEST, "the body holds no challenge"));
    }
    let tenant = owner(api, &claims.playback_id).await?;
    let keys = keys_given(api, tenant.as_ref(), &claims).await?;
    let policy = signed(&servers.policy_key, system, &claims, &keys, &challenge, api.now_ms());
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(POLICY_HEADER, policy);
    headers.extend(servers.credential.iter().map(Credential::header));
    if system == System::PlayReady {
        let action = parts.headers.get(SOAP_ACTION).filter(|action| action.as_bytes().starts_with(PLAYREADY_ACTIONS));
        headers.insert(SOAP_ACTION, action.cloned().unwrap_or(ACQUIRE_LICENSE));
    }
    let asked = http_client::Request { method: Method::POST, url: url.to_owned(), headers, body: challenge };
    let licence = licence(servers.http.send(asked).await, system, &claims.playback_id)?;
    tracing::info!(
        playback = %claims.playback_id, session = session_of(&claims), system = system.as_str(), "licence passed on"
    );
    Ok((tenant.map(|tenant| Extension(Tenant(tenant))), unstored(content_type, licence.into())).into_response())
}

/// Whose recording it is: of whoever has keys of it, or, where only the licence server has, of whoever has the asset.
async fn owner(api: &Installation, playback: &PlaybackId) -> Result<Option<TenantId>, Problem> {
    if let Some(tenant) = api.licences.vault()?.tenant_of(playback).await.map_err(vault_problem)? {
        return Ok(Some(tenant));
    }
    let asset = api.store.by_playback_id(playback).await.map_err(error::store)?;
    Ok(asset.map(|asset| asset.tenant_id))
}

/// The keys of the recording that go to the holder of these claims. None where the licence server has keys of its own.
async fn keys_given(api: &Installation, tenant: Option<&TenantId>, claims: &Claims) -> Result<Vec<KeyEntry>, Problem> {
    let Some(tenant) = tenant else { return Ok(Vec::new()) };
    let mut keys = api.licences.vault()?.all_keys(tenant, &claims.playback_id).await.map_err(vault_problem)?;
    keys.retain(|entry| claims.allows_key(&entry.id.0) && allows_class(claims.policy, entry.class));
    Ok(keys)
}

/// The type a challenge is passed on with, which is also that of the licence: what a server says of its answer could make
/// a browser take it for a page of ours.
fn media_type(system: System, headers: &HeaderMap) -> Result<&'static str, Problem> {
    let given = headers.get(header::CONTENT_TYPE).map(|value| value.to_str().unwrap_or_default());
    let essence = given.map(|value| value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
    match (system, essence.as_deref()) {
        (System::PlayReady, Some("text/xml" | "application/xml")) => Ok(XML),
        // Scripts that send bytes without saying what they are.
        (System::Widevine | System::FairPlay, None | Some(OPAQUE)) => Ok(OPAQUE),
        (system, _) => {
            let wanted = if system == System::PlayReady { "text/xml" } else { OPAQUE };
            let detail = format!("a challenge of {} is sent as {wanted}", system.as_str());
            Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, codes::LICENCE_MEDIA_TYPE, detail))
        }
    }
}

/// The licence in an answer. What else a server says is for the log, and its body for nobody.
fn licence(
    answer: Result<http_client::Response, HttpError>,
    system: System,
    playback: &PlaybackId,
) -> Result<Vec<u8>, Problem> {
    let logged = |cause: &dyn std::fmt::Display| {
        tracing::warn!(%playback, system = system.as_str(), %cause, "no licence");
    };
    let failed = |status, code, detail: &str| Problem::new(status, code, detail).retry_after(RETRY_AFTER_S);
    match answer {
        Ok(answer) if answer.status == StatusCode::OK && !answer.body.is_empty() => Ok(answer.body),
        Ok(answer) if answer.status == StatusCode::FORBIDDEN => {
            let detail = "the licence server gives this player no licence";
            logged(&detail);
            Err(Problem::new(StatusCode::FORBIDDEN, codes::LICENCE_REFUSED, detail))
        }
        Ok(answer) => {
            let status = answer.status.as_u16();
            let detail = match status {
                200 => "the licence server answered with nothing".to_owned(),
                status => format!("the licence server answered with status {status}"),
            };
            logged(&detail);
            Err(failed(StatusCode::BAD_GATEWAY, codes::LICENCE_SERVER_FAILED, &detail))
        }
        Err(error) => {
            logged(&error);
            Err(match error {
                HttpError::Deadline(_) => {
                    let detail = "the licence server did not answer in time";
                    failed(StatusCode::GATEWAY_TIMEOUT, codes::LICENCE_SERVER_SLOW, detail)
                }
                _ => {
                    let detail = "the licence server cannot be reached, or does not answer as one";
                    failed(StatusCode::BAD_GATEWAY, codes::LICENCE_SERVER_FAILED, detail)
                }
            })
        }
    }
}

fn unstored(content_type: &'static str, body: Bytes) -> Response {
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (headers, body).into_response()
}
