//! A recording's poster, from its source, and the sheet of its storyboard, from key frames of what was encoded.

use std::sync::Arc;

use bytes::Bytes;
use engine_host::{EngineEvent, EngineOptions, EngineSession};
use pipeline::{StillsOrder, StillsSummary};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::{EVENTS_IN_FLIGHT, ObjectSink, OnProgress, StoredFile, share};
use crate::error::WorkError;
use crate::in_memory::InMemory;

/// The stills that are made of a source, as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stills {
    /// The files.
    pub(crate) files: Vec<StoredFile>,
}

/// A storyboard's sheet.
#[derive(Clone, Debug)]
pub(crate) struct Sheet {
    pub(crate) jpeg: Bytes,
    /// How its tiles lie.
    pub(crate) tiles: StillsSummary,
}

/// Makes and stores the poster.
///
/// # Errors
/// When the engine or the sink fails.
pub(crate) async fn make_stills(
    session: &mut EngineSession,
    order: StillsOrder,
    sink: &dyn ObjectSink,
    on_progress: OnProgress,
) -> Result<Stills, WorkError> {
    let (images, _) = images(session, order, on_progress).await?;
    let mut files = Vec::new();
    for (name, jpeg) in images {
        let file = StoredFile { size_bytes: jpeg.len() as u64, blake3: crate::blake3(&jpeg), name: name.clone() };
        sink.put(name, jpeg).await?;
        files.push(file);
    }
    Ok(Stills { files })
}

/// Makes a sheet of a file of key frames.
///
/// # Errors
/// When the engine fails.
pub(crate) async fn make_sheet(
    engine: &EngineOptions,
    keyframes: Bytes,
    order: StillsOrder,
    on_progress: OnProgress,
) -> Result<Sheet, WorkError> {
    let mut session = EngineSession::start(engine, Arc::new(InMemory(keyframes))).await?;
    let (images, tiles) = images(&mut session, order, on_progress).await?;
    session.close().await;
    let sheet = images.into_iter().next().map(|(_, jpeg)| Sheet { jpeg, tiles });
    sheet.ok_or_else(|| WorkError::Engine("there is no sheet".to_owned()))
}

async fn images(
    session: &mut EngineSession,
    order: StillsOrder,
    on_progress: OnProgress,
) -> Result<(Vec<(String, Bytes)>, StillsSummary), WorkError> {
    let (events_in, mut events) = mpsc::channel(EVENTS_IN_FLIGHT);
    let gather = async {
        let mut images = Vec::new();
        while let Some(event) = events.recv().await {
            match event {
                EngineEvent::Image { name, jpeg } => images.push((name, jpeg)),
                EngineEvent::Progress { done, total } => on_progress(share(done, total)),
                EngineEvent::Config { .. } | EngineEvent::Sample { .. } | EngineEvent::Cue { .. } => {}
            }
        }
        images
    };
    let (summary, images) = tokio::join!(session.stills(order, events_in), gather);
    Ok((images, summary?))
}
