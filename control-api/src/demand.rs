//! For origins of other processes: what their viewers wait for.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures::future::BoxFuture;
use kernel::{ApiJson, Problem};
use media_types::PlaybackId;
use serde::{Deserialize, Serialize};

use crate::codes;
use crate::state::Installation;

/// Where an origin of another process tells what a viewer waits for: `POST` with the service token.
pub const DEMAND_PATH: &str = "/internal/v1/demand";

/// Takes what viewers wait for to those who work.
pub trait Viewers: Send + Sync {
    /// Asks for a planned file to be made next, by its path within the generation. Returns as soon as the wish is known:
    /// whether the file will come, as things stand.
    fn want<'a>(&'a self, playback: &'a PlaybackId, path: &'a str) -> BoxFuture<'a, bool>;
}

/// A file that a viewer waits for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    /// Whose file.
    pub playback_id: String,
    /// Its path within the generation, such as `video-360p/00042.m4s`.
    pub path: String,
}

/// What may be hoped for.
#[derive(Debug, Serialize, Deserialize)]
pub struct Hope {
    /// Whether it comes, sooner or later.
    pub coming: bool,
}

pub(crate) async fn demand(State(api): State<Installation>, ApiJson(wish): ApiJson<Wish>) -> Result<Response, Problem> {
    let missing = || Problem::not_found(codes::PLAYBACK_NOT_FOUND, "nothing is played under this id");
    let playback: PlaybackId = wish.playback_id.parse().map_err(|_| missing())?;
    let viewers = api.viewers.as_ref().ok_or_else(missing)?;
    let coming = viewers.want(&playback, &wish.path).await;
    Ok(([(header::CACHE_CONTROL, "no-store")], axum::Json(Hope { coming })).into_response())
}
