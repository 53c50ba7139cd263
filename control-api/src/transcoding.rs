//! The older routes of the same records, in their own camelCase: a job is an asset seen from outside.

use std::collections::BTreeMap;

use asset_flow::Phase;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kernel::conditional::respond_json;
use kernel::problem::ProblemBody;
use kernel::{ApiJson, ApiPath, Idempotency, Problem, Stored, rfc3339};
use media_types::AssetId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::state::Api;
use crate::{assets, codes, error, playback};

const ADDRESS: &str = "/api/v1/transcoding/jobs";
const RESOLUTIONS: [&str; 8] = ["240p", "360p", "480p", "720p", "1080p", "1440p", "2160p", "4K"];

/// What is asked for.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct NewTranscodingJob {
    /// The asset, whose upload names its source. It is processed as soon as its bytes are there.
    asset_id: Option<String>,
    /// A reference of the caller's; taken, and not kept.
    lesson_id: Option<String>,
    /// Sources by address are not taken: upload the file.
    original_url: Option<String>,
    /// Which renditions are wanted: each must be one that ladders can have. The asset's ladder decides.
    resolutions: Option<Vec<String>>,
}

/// A job as the older routes show it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TranscodingJob {
    /// The asset's id.
    id: String,
    /// `PENDING`, `PROCESSING`, `COMPLETED` or `FAILED`.
    status: &'static str,
    /// 0 to 100, whole.
    progress: u8,
    /// The HLS media playlist of each published rendition.
    output_urls: BTreeMap<String, String>,
    /// The HLS multivariant playlist, once playable.
    hls_manifest_url: Option<String>,
    /// The poster, once there.
    thumbnail_url: Option<String>,
    /// Whole seconds, rounded down.
    duration: Option<i64>,
    /// Why it failed.
    error_message: Option<String>,
    /// RFC 3339.
    created_at: String,
    /// RFC 3339.
    updated_at: String,
    /// RFC 3339.
    completed_at: Option<String>,
}

/// Asks for an asset to be transcoded; the answer is its record, since every upload is.
#[utoipa::path(
    post, path = "/api/v1/transcoding/jobs", operation_id = "create_transcoding_job", tag = "transcoding",
    request_body = NewTranscodingJob,
    responses(
        (status = 201, description = "its record", body = TranscodingJob),
        (status = 404, description = "no such asset", body = ProblemBody),
        (status = 422, description = "not a valid request, such as a source by address", body = ProblemBody),
    )
)]
pub(crate) async fn create(
    api: Api,
    headers: HeaderMap,
    ApiJson(new): ApiJson<NewTranscodingJob>,
) -> Result<Response, Problem> {
    let key = Idempotency::key(&headers)?;
    let asset = check(&new)?;
    let (effect_api, effect_asset) = (api.clone(), asset.clone());
    let effect = async move {
        let view = view(&effect_api, &effect_asset).await?;
        let body = serde_json::to_value(view).map_err(|error| Problem::internal(&error))?;
        Ok(Stored { status: StatusCode::CREATED, body })
    };
    let outcome = api.idempotency.once(&api.tenant, key, ADDRESS, &new, effect).await?;
    let mut response = outcome.into_response();
    if let Ok(location) = HeaderValue::from_str(&api.url(&format!("{ADDRESS}/{asset}"))) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

fn check(new: &NewTranscodingJob) -> Result<AssetId, Problem> {
    if new.original_url.is_some() {
        let detail = "a source is uploaded, not fetched from an address";
        return Err(Problem::invalid("/originalUrl", codes::SOURCE_URL_NOT_SUPPORTED, detail));
    }
    for (index, name) in new.resolutions.iter().flatten().enumerate() {
        if !RESOLUTIONS.contains(&name.as_str()) {
            let detail = format!("a resolution is one of {}", RESOLUTIONS.join(", "));
            return Err(Problem::invalid(format!("/resolutions/{index}"), kernel::codes::FIELD_INVALID, detail));
        }
    }
    let missing = || Problem::invalid("/assetId", kernel::codes::FIELD_INVALID, "assetId names the asset to transcode");
    assets::parse(new.asset_id.as_deref().ok_or_else(missing)?)
}

/// One record.
#[utoipa::path(
    get, path = "/api/v1/transcoding/jobs/{jobId}", operation_id = "get_transcoding_job", tag = "transcoding",
    params(("jobId" = String, Path, description = "the asset's id")),
    responses(
        (status = 200, description = "the record", body = TranscodingJob),
        (status = 404, description = "no such record", body = ProblemBody),
    )
)]
pub(crate) async fn show(api: Api, ApiPath(id): ApiPath<String>, headers: HeaderMap) -> Result<Response, Problem> {
    Ok(respond_json(&headers, &view(&api, &assets::parse(&id)?).await?))
}

async fn view(api: &Api, id: &AssetId) -> Result<TranscodingJob, Problem> {
    let row = assets::find(api, id).await?;
    let progress = api.store.progress_at(&api.tenant, id, api.now_ms()).await.map_err(error::store)?;
    let mut output_urls = BTreeMap::new();
    let (mut hls_manifest_url, mut thumbnail_url) = (None, None);
    if let Some(generation) = row.flow.playable_generation {
        let contents = playback::contents(api, &row.playback_id, generation).await?;
        let addresses = playback::Addresses::new(api, &row.playback_id, generation);
        hls_manifest_url = Some(addresses.hls());
        thumbnail_url = addresses.poster(api, &contents).await?;
        for rendition in row.flow.plan.iter().flat_map(|plan| &plan.renditions) {
            if let Some(path) = contents.playlists.iter().find(|path| is_of(path, &rendition.name)) {
                output_urls.insert(rendition.name.clone(), addresses.file(path));
            }
        }
    }
    Ok(TranscodingJob {
        id: row.id.to_string(),
        status: status(row.state),
        progress: progress.percent.clamp(0.0, 100.0) as u8,
        output_urls,
        hls_manifest_url,
        thumbnail_url,
        duration: row.duration_ms.map(|ms| ms.div_euclid(1000)),
        error_message: row.flow.failure.filter(|_| row.state == Phase::Errored).map(|failure| failure.detail),
        created_at: rfc3339(row.created_ms),
        updated_at: rfc3339(row.updated_ms),
        completed_at: row.complete_ms.map(rfc3339),
    })
}

/// Whether a playlist belongs to a rendition: `video-720p/...` or `720p.m3u8`, never `1720p`.
fn is_of(path: &str, rendition: &str) -> bool {
    path.split(['/', '.', '-']).any(|part| part == rendition)
}

fn status(phase: Phase) -> &'static str {
    match phase {
        Phase::AwaitingUpload | Phase::Ingesting => "PENDING",
        Phase::Processing => "PROCESSING",
        Phase::Ready => "COMPLETED",
        Phase::Errored | Phase::Deleting | Phase::Deleted => "FAILED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_playlist_is_matched_by_the_whole_name_of_its_rendition() {
        for (path, rendition, fits) in [
            ("video-720p/playlist.m3u8", "720p", true),
            ("video-720p.m3u8", "720p", true),
            ("720p.m3u8", "720p", true),
            ("video-1720p.m3u8", "720p", false),
            ("audio/playlist.m3u8", "720p", false),
        ] {
            assert_eq!(is_of(path, rendition), fits, "{path}");
        }
    }
}
