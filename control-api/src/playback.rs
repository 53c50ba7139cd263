//! Where an asset is played: public, by its playback id.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use asset_flow::Phase;
use asset_store::AssetRow;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use kernel::problem::ProblemBody;
use kernel::{ApiPath, Problem, respond_cached};
use media_types::publication::{MPD, MULTIVARIANT_PLAYLIST, generation_folder, generation_key, index_key};
use media_types::{GenerationIndex, PlaybackId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::state::Installation;
use crate::{codes, error};

const POSTER: &str = "poster.jpg";
const STORYBOARD: &str = "storyboard.vtt";
const CHAPTERS: &str = "chapters.vtt";
/// Generations whose contents are remembered: they never change.
const REMEMBERED: usize = 256;
/// Seconds after which a player asks again for what is not ready.
const RETRY_AFTER_S: u32 = 5;

/// Where an asset is played.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlaybackView {
    /// The HLS multivariant playlist.
    hls: String,
    /// The DASH manifest.
    dash: String,
    /// A picture to show before playing; null while there is none.
    poster: Option<String>,
    /// WebVTT of thumbnails; null when there is none.
    storyboard: Option<String>,
    /// WebVTT of named parts; null when there are none.
    chapters: Option<String>,
    /// Length in milliseconds.
    duration_ms: Option<i64>,
    /// `cbcs` or `cenc` when it plays with a licence alone; null when it is clear.
    protection: Option<&'static str>,
}

/// Whether a generation has a poster.
#[derive(Clone, Copy, Debug, Default)]
enum Poster {
    #[default]
    Never,
    /// It may be there already.
    Planned,
    Listed,
}

/// What a published generation holds, as far as addresses are concerned.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    poster: Poster,
    pub(crate) storyboard: bool,
    pub(crate) chapters: bool,
    /// Paths of its media playlists.
    pub(crate) playlists: Vec<String>,
}

/// A bounded memory of generations, newest last.
#[derive(Default)]
pub(crate) struct Remembered(Mutex<VecDeque<(String, Arc<Contents>)>>);

impl Remembered {
    fn find(&self, key: &str) -> Option<Arc<Contents>> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.iter().find(|(known, _)| known == key).map(|(_, contents)| Arc::clone(contents))
    }

    fn keep(&self, key: String, contents: Arc<Contents>) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= REMEMBERED {
            entries.pop_front();
        }
        entries.push_back((key, contents));
    }
}

/// Reads what a generation holds.
pub(crate) async fn contents(
    api: &Installation,
    playback: &PlaybackId,
    generation: u64,
) -> Result<Arc<Contents>, Problem> {
    let key = index_key(playback, generation);
    if let Some(known) = api.generations.find(&key) {
        return Ok(known);
    }
    let bytes = match api.media.get(&key).await {
        Ok(bytes) => bytes,
        // Retired while the row still names it: its addresses are gone, which is what empty contents say.
        Err(media_store::StoreError::NotFound { .. }) => return Ok(Arc::default()),
        Err(other) => return Err(error::media(other)),
    };
    let index: GenerationIndex = serde_json::from_slice(&bytes).map_err(|error| Problem::internal(&error))?;
    let playlists = index.files.keys().filter(|path| path.ends_with(".m3u8") && *path != MULTIVARIANT_PLAYLIST);
    let contents = Arc::new(Contents {
        poster: match (index.files.contains_key(POSTER), index.planned.contains_key(POSTER)) {
            (true, _) => Poster::Listed,
            (false, true) => Poster::Planned,
            (false, false) => Poster::Never,
        },
        storyboard: index.files.contains_key(STORYBOARD),
        chapters: index.files.contains_key(CHAPTERS),
        playlists: playlists.cloned().collect(),
    });
    api.generations.keep(key, Arc::clone(&contents));
    Ok(contents)
}

/// The addresses of what an asset's current generation holds.
pub(crate) struct Addresses {
    base: String,
    folder: String,
    poster_key: String,
}

impl Addresses {
    pub(crate) fn new(api: &Installation, playback: &PlaybackId, generation: u64) -> Self {
        Self {
            base: api.url(&format!("/p/{playback}")),
            folder: generation_folder(generation),
            poster_key: generation_key(playback, generation, POSTER),
        }
    }

    pub(crate) fn hls(&self) -> String {
        format!("{}/{MULTIVARIANT_PLAYLIST}", self.base)
    }

    pub(crate) fn dash(&self) -> String {
        format!("{}/{MPD}", self.base)
    }

    pub(crate) fn file(&self, path: &str) -> String {
        format!("{}/{}/{path}", self.base, self.folder)
    }

    /// Of the poster, once it is there: a picture that is asked for too soon stays empty in most players.
    pub(crate) async fn poster(&self, api: &Installation, contents: &Contents) -> Result<Option<String>, Problem> {
        let there = match contents.poster {
            Poster::Never => false,
            Poster::Planned => api.media.head(&self.poster_key).await.map_err(error::media)?.is_some(),
            Poster::Listed => true,
        };
        Ok(there.then(|| self.file(POSTER)))
    }
}

/// Where to play it.
#[utoipa::path(
    get, path = "/api/v1/playback/{playback_id}", operation_id = "get_playback", tag = "playback",
    params(("playback_id" = String, Path, description = "the public name of the asset")),
    responses(
        (status = 200, description = "the addresses", body = PlaybackView),
        (status = 404, description = "`playback.not_ready`: ask again after Retry-After; `playback.failed`; \
            `playback.not_found`", body = ProblemBody),
    )
)]
pub(crate) async fn show(
    State(api): State<Installation>,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
) -> Response {
    let mut response = match find(&api, &id).await {
        Ok(view) => match serde_json::to_vec(&view) {
            Ok(body) => respond_cached(&headers, "application/json", "public, max-age=2", body.into()),
            Err(error) => Problem::internal(&error).into_response(),
        },
        Err(problem) => problem.into_response(),
    };
    // Pages of other origins embed players; the answer holds nothing that the playback id does not give.
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

async fn find(api: &Installation, id: &str) -> Result<PlaybackView, Problem> {
    let missing = || Problem::not_found(codes::PLAYBACK_NOT_FOUND, "nothing is played under this id");
    let id: PlaybackId = id.parse().map_err(|_| missing())?;
    let row: Option<AssetRow> = api.store.by_playback_id(&id).await.map_err(error::store)?;
    let row = row.filter(|row| !matches!(row.state, Phase::Deleting | Phase::Deleted)).ok_or_else(missing)?;
    let Some(generation) = row.flow.playable_generation else {
        return Err(match row.state {
            Phase::Errored => Problem::not_found(codes::PLAYBACK_FAILED, "this recording could not be processed"),
            _ => Problem::not_found(codes::PLAYBACK_NOT_READY, "this recording cannot be played yet")
                .retry_after(RETRY_AFTER_S),
        });
    };
    let contents = contents(api, &row.playback_id, generation).await?;
    let addresses = Addresses::new(api, &row.playback_id, generation);
    Ok(PlaybackView {
        hls: addresses.hls(),
        dash: addresses.dash(),
        poster: addresses.poster(api, &contents).await?,
        storyboard: contents.storyboard.then(|| addresses.file(STORYBOARD)),
        chapters: contents.chapters.then(|| addresses.file(CHAPTERS)),
        duration_ms: row.duration_ms,
        protection: row.protection.map(|scheme| scheme.as_str()),
    })
}
