//! Assets: list, show, cancel, delete.

use asset_flow::{FlowEvent, Phase};
use asset_store::AssetRow;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kernel::conditional::respond_json;
use kernel::problem::ProblemBody;
use kernel::{ApiPath, ApiQuery, Cursor, Etag, Page, Problem, check_if_match};
use media_types::AssetId;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::action::{accepted, once};
use crate::receive::discard;
use crate::state::Api;
use crate::views::AssetView;
use crate::{codes, error, findings};

/// The query of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// Rows of the page, 1 to 200; 50 when absent.
    limit: Option<u32>,
    /// The `next` of the page before.
    after: Option<String>,
    /// Only assets in this state.
    state: Option<String>,
}

/// Assets, newest first.
#[utoipa::path(
    get, path = "/api/v1/assets", operation_id = "list_assets", tag = "assets", params(ListQuery),
    responses(
        (status = 200, description = "a page", body = Page<AssetView>),
        (status = 422, description = "not a valid query", body = ProblemBody),
    )
)]
pub(crate) async fn list(api: Api, ApiQuery(query): ApiQuery<ListQuery>) -> Result<Response, Problem> {
    let known = |text: &str| {
        text.parse::<Phase>()
            .map_err(|_| Problem::invalid("?state", codes::ASSET_UNKNOWN_STATE, "there is no such state"))
    };
    let state = query.state.as_deref().map(known).transpose()?;
    let cursor = |row: &AssetRow| Cursor { time_ms: row.created_ms, id: row.id.to_string() };
    let mut page =
        Page::read(query.limit, query.after.as_deref(), cursor, |after, limit| fetch(&api, state, after, limit))
            .await?;
    let views = views(&api, std::mem::take(&mut page.items)).await?;
    let page = page.with(views);
    let address = match state {
        Some(state) => format!("/api/v1/assets?state={state}&"),
        None => "/api/v1/assets?".to_owned(),
    };
    Ok(page.respond(&api.url(&address)))
}

async fn fetch(api: &Api, state: Option<Phase>, after: Option<Cursor>, limit: u32) -> Result<Vec<AssetRow>, Problem> {
    let after = after.map(place).transpose()?;
    api.store.assets(&api.tenant, state, after, i64::from(limit)).await.map_err(error::store)
}

/// Where a list of assets goes on.
pub(crate) fn place(cursor: Cursor) -> Result<(i64, AssetId), Problem> {
    match cursor.id.parse::<AssetId>() {
        Ok(id) => Ok((cursor.time_ms, id)),
        Err(_) => Err(Problem::invalid("?after", kernel::codes::PAGE_INVALID_CURSOR, "this is no cursor of this list")),
    }
}

/// The rows as clients see them. One that is erased after it was read is left out.
pub(crate) async fn views(api: &Api, rows: Vec<AssetRow>) -> Result<Vec<AssetView>, Problem> {
    let mut views = Vec::with_capacity(rows.len());
    for row in rows {
        match with_progress(api, row).await {
            Ok(view) => views.push(view),
            Err(problem) if problem.status() == StatusCode::NOT_FOUND => {}
            Err(problem) => return Err(problem),
        }
    }
    Ok(views)
}

/// One asset, with its progress and its renditions.
#[utoipa::path(
    get, path = "/api/v1/assets/{id}", operation_id = "get_asset", tag = "assets",
    params(("id" = String, Path, description = "the asset")),
    responses(
        (status = 200, description = "the asset, with a strong ETag", body = AssetView),
        (status = 304, description = "unchanged"),
        (status = 404, description = "no such asset", body = ProblemBody),
    )
)]
pub(crate) async fn show(api: Api, ApiPath(id): ApiPath<String>, headers: HeaderMap) -> Result<Response, Problem> {
    Ok(respond_json(&headers, &view(&api, &parse(&id)?).await?))
}

/// Stops the processing of an asset, or its renewal when it is ready. What is published complete stays.
#[utoipa::path(
    post, path = "/api/v1/assets/{id}/cancel", operation_id = "cancel_asset", tag = "assets",
    params(("id" = String, Path, description = "the asset")),
    responses(
        (status = 202, description = "being stopped", body = AssetView),
        (status = 404, description = "no such asset", body = ProblemBody),
    )
)]
pub(crate) async fn cancel(api: Api, ApiPath(id): ApiPath<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let id = parse(&id)?;
    let (effect_api, effect_id) = (api.clone(), id.clone());
    let effect = async move { accepted(&end(&effect_api, &effect_id, FlowEvent::Cancelled).await?) };
    once(&api, &headers, &format!("/api/v1/assets/{id}/cancel"), &(), effect).await
}

/// Removes an asset with all that was made of it, in whatever state it is.
#[utoipa::path(
    delete, path = "/api/v1/assets/{id}", operation_id = "delete_asset", tag = "assets",
    params(
        ("id" = String, Path, description = "the asset"),
        ("If-Match" = Option<String>, Header, description = "only when it is unchanged"),
    ),
    responses(
        (status = 202, description = "being removed", body = AssetView),
        (status = 404, description = "no such asset", body = ProblemBody),
        (status = 412, description = "it has changed", body = ProblemBody),
    )
)]
pub(crate) async fn delete(api: Api, ApiPath(id): ApiPath<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let id = parse(&id)?;
    if headers.contains_key(header::IF_MATCH) {
        check_if_match(&headers, &Etag::of_json(&view(&api, &id).await?)?)?;
    }
    let view = end(&api, &id, FlowEvent::DeleteRequested).await?;
    let mut response = (StatusCode::ACCEPTED, axum::Json(view)).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Applies the event, then stops the transfer and drops its bytes if the asset was still being uploaded.
async fn end(api: &Api, id: &AssetId, event: FlowEvent) -> Result<AssetView, Problem> {
    let before = find(api, id).await?;
    let row = api.store.request(&api.tenant, id, event, api.now_ms()).await.map_err(error::store)?;
    if before.source_size.is_none() {
        // A transfer that does not stop in time finds its upload closed and clears its bytes away itself.
        if let Ok(_transfer) = api.transfers.seize(id).await {
            discard(api, &media_types::publication::staging_key(id)).await?;
        }
    }
    with_progress(api, row).await
}

pub(crate) fn parse(id: &str) -> Result<AssetId, Problem> {
    id.parse().map_err(|_| missing())
}

fn missing() -> Problem {
    Problem::not_found(codes::ASSET_NOT_FOUND, "there is no such asset")
}

/// The row of an asset that is not gone.
pub(crate) async fn find(api: &Api, id: &AssetId) -> Result<AssetRow, Problem> {
    let row = api.store.asset(&api.tenant, id).await.map_err(error::store)?;
    row.filter(|row| row.state != Phase::Deleted).ok_or_else(missing)
}

/// An asset as clients see it.
pub(crate) async fn view(api: &Api, id: &AssetId) -> Result<AssetView, Problem> {
    with_progress(api, find(api, id).await?).await
}

pub(crate) async fn with_progress(api: &Api, row: AssetRow) -> Result<AssetView, Problem> {
    let progress = api.store.progress_at(&api.tenant, &row.id, api.now_ms()).await.map_err(error::store)?;
    let renewal = api.store.renewal_progress_at(&row, api.now_ms()).await.map_err(error::store)?;
    let found = findings::completion(api, &row).await?;
    Ok(AssetView::new(row, progress, renewal, &found))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::state::{announced, erase, for_tests};

    #[tokio::test]
    async fn an_asset_that_is_erased_while_a_list_is_made_is_left_out() {
        let (api, scratch) = for_tests().await;
        let (kept, gone) = (announced(&api, 1).await.1, announced(&api, 1).await.1);
        erase(&scratch, &gone.id).await;
        let page = views(&api, vec![gone, kept.clone()]).await.map_err(|problem| problem.code()).unwrap();
        let ids: Vec<_> = page.iter().map(|view| serde_json::to_value(view).unwrap()["id"].clone()).collect();
        assert_eq!(ids, [kept.id.as_str()]);
    }
}
