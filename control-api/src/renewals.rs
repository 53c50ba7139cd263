//! Encoding again what is ready, with a ladder as it is now.

use asset_store::{AssetRow, StoreError};
use axum::http::HeaderMap;
use axum::response::Response;
use kernel::problem::ProblemBody;
use kernel::{ApiPath, ApiQuery, Cursor, Page, Problem};
use media_types::LadderPin;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use crate::action::{accepted, once};
use crate::state::Api;
use crate::views::AssetView;
use crate::{assets, codes, error, ladders};

/// The query of the renewal of one asset.
#[derive(Debug, Deserialize, Serialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AssetQuery {
    /// Name of another ladder; the asset's own when absent.
    ladder: Option<String>,
    /// Name of one of its renditions, such as `720p`, that is encoded again in any case: when what was made of it is damaged.
    rendition: Option<String>,
}

/// The query of the renewal of what was made with a ladder.
#[derive(Debug, Deserialize, Serialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LadderQuery {
    /// Assets looked at, 1 to 200; 50 when absent.
    limit: Option<u32>,
    /// The `next` of the page before.
    after: Option<String>,
}

/// Encodes an asset again with its ladder as it is now, or with another one.
///
/// Nothing happens when it has that already, or is getting it, unless a `rendition` is named. What is made just as before is
/// copied, not encoded. What it has is played until the new generation is whole; its work
/// goes behind all other work. `renewal` of the answer says how far it is.
#[utoipa::path(
    post, path = "/api/v1/assets/{id}/renew", operation_id = "renew_asset", tag = "assets",
    params(
        ("id" = String, Path, description = "the asset"), AssetQuery,
        ("Idempotency-Key" = Option<String>, Header, description = "one effect per key, for 24 hours"),
    ),
    responses(
        (status = 202, description = "the asset", body = AssetView),
        (status = 404, description = "no such asset", body = ProblemBody),
        (status = 409, description = "it is not ready", body = ProblemBody),
        (status = 422, description = "no such ladder or rendition", body = ProblemBody),
    )
)]
pub(crate) async fn renew_asset(
    api: Api,
    ApiPath(id): ApiPath<String>,
    ApiQuery(query): ApiQuery<AssetQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = assets::parse(&id)?;
    let name = match &query.ladder {
        Some(name) => name.clone(),
        None => assets::find(&api, &id).await?.ladder,
    };
    let ladder = api.ladders.ladder(&name).ok_or_else(|| {
        let detail = format!("there is no such ladder; there are {}", api.ladders.names().join(", "));
        Problem::invalid("?ladder", codes::LADDER_UNKNOWN, detail)
    })?;
    let (address, effect_api, again) = (format!("/api/v1/assets/{id}/renew"), api.clone(), query.rendition.clone());
    let effect = async move {
        let api = effect_api;
        let row = api.store.renew(&api.tenant, &id, &ladder.pin(), again.as_deref(), api.now_ms()).await;
        let row = row.map_err(|error| match error {
            StoreError::NotFound("rendition") => {
                let detail = "the asset has no such rendition; GET /api/v1/assets/{id} lists those it has";
                Problem::invalid("?rendition", codes::RENDITION_UNKNOWN, detail)
            }
            error => error::store(error),
        })?;
        begin(&api).await?;
        accepted(&assets::view(&api, &row.id).await?)
    };
    once(&api, &headers, &address, &query, effect).await
}

/// Encodes those of a page of assets again that were made with an earlier state of this ladder, newest first.
///
/// Ask with `after` for the pages that follow. Asking again does no harm: what is under way is left alone, what was given up is
/// tried again. Few are encoded at a time, the others wait, also over a restart.
#[utoipa::path(
    post, path = "/api/v1/ladders/{name}/renew", operation_id = "renew_ladder", tag = "ladders",
    params(
        ("name" = String, Path, description = "its name"), LadderQuery,
        ("Idempotency-Key" = Option<String>, Header, description = "one effect per key, for 24 hours"),
    ),
    responses(
        (status = 202, description = "those that were made with another state of it, or are being renewed", body = Page<AssetView>),
        (status = 404, description = "no such ladder", body = ProblemBody),
        (status = 422, description = "not a valid query", body = ProblemBody),
    )
)]
pub(crate) async fn renew_ladder(
    api: Api,
    ApiPath(name): ApiPath<String>,
    ApiQuery(query): ApiQuery<LadderQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let ladder = ladders::find(&api, &name)?.pin();
    let (address, effect_api) = (format!("/api/v1/ladders/{name}/renew"), api.clone());
    let (limit, after) = (query.limit, query.after.clone());
    let effect = async move { accepted(&renew_page(&effect_api, &ladder, limit, after.as_deref()).await?) };
    once(&api, &headers, &address, &query, effect).await
}

async fn renew_page(
    api: &Api,
    ladder: &LadderPin,
    limit: Option<u32>,
    after: Option<&str>,
) -> Result<Page<AssetView>, Problem> {
    let cursor = |row: &AssetRow| Cursor { time_ms: row.created_ms, id: row.id.to_string() };
    let mut page = Page::read(limit, after, cursor, |after, limit| outdated(api, ladder, after, limit)).await?;
    let renewed =
        api.store.renew_all(std::mem::take(&mut page.items), ladder, true, api.now_ms()).await.map_err(error::store)?;
    begin(api).await?;
    let mut rows = Vec::with_capacity(renewed.len());
    for row in renewed {
        // Some of them have begun.
        rows.extend(api.store.asset(&api.tenant, &row.id).await.map_err(error::store)?);
    }
    Ok(page.with(assets::views(api, rows).await?))
}

async fn outdated(api: &Api, ladder: &LadderPin, after: Option<Cursor>, limit: u32) -> Result<Vec<AssetRow>, Problem> {
    let after = after.map(assets::place).transpose()?;
    api.store.outdated(&api.tenant, ladder, after, i64::from(limit)).await.map_err(error::store)
}

async fn begin(api: &Api) -> Result<(), Problem> {
    api.store.start_renewals(api.now_ms()).await.map(drop).map_err(error::store)
}
