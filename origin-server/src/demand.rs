//! Files that are planned and not made yet: asked for, waited for, and then promised for later.

use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderValue;
use futures::future::BoxFuture;
use media_types::PlaybackId;
use media_types::publication::generation_key;
use tokio::time::Instant;

use crate::cache::LoadFailed;
use crate::catalog::Catalog;
use crate::published::PublishedObject;

/// Between two looks whether a file has been made.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A file that a viewer waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demanded {
    /// Whose file.
    pub playback: PlaybackId,
    /// Of which generation.
    pub generation: u64,
    /// Its public path within the generation, such as `video-360p/00042.m4s`.
    pub path: String,
}

/// What may be hoped for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// It comes, sooner or later, as far as is known.
    Coming,
    /// Nobody makes it any more: the recording failed, was cancelled, or is complete without it.
    Never,
}

/// Whoever can have planned files made sooner.
pub trait Demand: Send + Sync {
    /// Asks for a file to be made next. Returns as soon as the wish is known. Trouble in passing it on is told to the log
    /// and no reason to give up, since the viewer asks again anyway.
    fn demand(&self, wanted: Demanded) -> BoxFuture<'_, Outlook>;
}

/// Nobody is there to be asked: files come in the order in which they are made anyway.
pub(crate) struct Nobody;

impl Demand for Nobody {
    fn demand(&self, _wanted: Demanded) -> BoxFuture<'_, Outlook> {
        Box::pin(std::future::ready(Outlook::Coming))
    }
}

/// The planned file, once it is made; what may be hoped for when it is not within `hold`.
pub(crate) async fn await_made(
    catalog: &Catalog,
    demand: &Arc<dyn Demand>,
    (wanted, media_type): (Demanded, &HeaderValue),
    hold: Duration,
) -> Result<Result<Arc<PublishedObject>, Outlook>, LoadFailed> {
    let (began, key) = (Instant::now(), generation_key(&wanted.playback, wanted.generation, &wanted.path));
    if let Some(made) = catalog.made(key.clone(), media_type).await? {
        return Ok(Ok(made));
    }
    let outlook = demand.demand(wanted).await;
    loop {
        // Once more, even without hope: the last of it may have been made meanwhile.
        if let Some(made) = catalog.made(key.clone(), media_type).await? {
            return Ok(Ok(made));
        }
        if outlook == Outlook::Never || began.elapsed() >= hold {
            return Ok(Err(outlook));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
