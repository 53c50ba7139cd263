//! Work that begins before the last byte is there: looks at what arrives of an upload, and says so when the index and the first
//! half minute are among it.

use std::sync::Arc;

use asset_flow::HeadStart;
use demux::{Beginning, Need};
use kernel::Problem;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};

use crate::error;
use crate::state::Api;
use crate::views::Upload;

/// Seconds at the beginning that are made ahead, and what decoders read beyond.
const SECONDS: u32 = 36;
/// Engines read a file in large pieces, and look a little further than they need to.
const MARGIN_BYTES: u64 = 4 << 20;
/// Indexes in memory at once. Who finds no room is not looked at.
const MAX_LOOKS: usize = 8;

/// The room for indexes that are being looked at.
#[derive(Clone)]
pub(crate) struct Looks(Arc<Semaphore>);

impl Default for Looks {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MAX_LOOKS)))
    }
}

/// What is known of one upload while its bytes arrive.
pub(crate) struct Arriving<'a> {
    api: &'a Api,
    upload: &'a Upload,
    known: Mutex<Known>,
}

enum Known {
    /// How much is needed is being found out.
    Looking(Box<Beginning>, OwnedSemaphorePermit),
    /// So many bytes are needed.
    Needs(u64),
    /// There is nothing to find out, or nothing to begin with.
    Settled,
}

impl<'a> Arriving<'a> {
    /// An upload whose bytes are about to arrive.
    pub(crate) async fn new(api: &'a Api, upload: &'a Upload) -> Result<Self, Problem> {
        let asset = api.store.asset(&api.tenant, &upload.asset_id).await.map_err(error::store)?;
        let may_begin = asset.is_some_and(|asset| {
            asset.protection.is_none() && asset.state.is_arriving() && asset.flow.head_start == HeadStart::None
        });
        // Of several files the index is not in front.
        let room =
            (may_begin && upload.parts.is_empty()).then(|| Arc::clone(&api.looks.0).try_acquire_owned().ok()).flatten();
        let known = match room {
            Some(room) => Known::Looking(Box::new(Beginning::new(upload.size_bytes, SECONDS)), room),
            None => Known::Settled,
        };
        Ok(Self { api, upload, known: Mutex::new(known) })
    }

    /// Told that so many bytes are durable and recorded as such. Has work begin when they are enough. What goes wrong here is
    /// no fault of the upload: then work begins when it is whole.
    pub(crate) async fn look(&self, stored: u64) {
        let mut known = self.known.lock().await;
        let before = std::mem::replace(&mut *known, Known::Settled);
        match self.looked(before, stored).await {
            Ok(after) => *known = after,
            Err(problem) => {
                tracing::debug!(upload_id = %self.upload.id, code = problem.code(), "what arrives cannot be looked at");
            }
        }
    }

    async fn looked(&self, mut known: Known, stored: u64) -> Result<Known, Problem> {
        if stored >= self.upload.size_bytes {
            return Ok(Known::Settled);
        }
        if let Known::Looking(beginning, room) = known {
            known = self.find_out(beginning, room, stored).await?;
        }
        match known {
            Known::Needs(bytes) if bytes <= stored => {
                let begun = self.api.store.take_head_start(&self.api.tenant, &self.upload.id, self.api.now_ms());
                begun.await.map_err(error::store)?;
                Ok(Known::Settled)
            }
            known => Ok(known),
        }
    }

    async fn find_out(
        &self,
        mut beginning: Box<Beginning>,
        room: OwnedSemaphorePermit,
        stored: u64,
    ) -> Result<Known, Problem> {
        let key = self.upload.staging_key();
        loop {
            let polled = tokio::task::spawn_blocking(move || {
                let need = beginning.poll();
                (beginning, need)
            });
            let need;
            (beginning, need) = polled.await.map_err(|error| Problem::internal(&error))?;
            match need {
                Need::Bytes(range) if range.offset.saturating_add(range.length) <= stored => {
                    let read = self.api.media.stage_range(&key, range.offset, range.length).await;
                    let bytes = read.map_err(error::media)?;
                    if bytes.len() as u64 != range.length {
                        return Ok(Known::Settled);
                    }
                    beginning.give(bytes);
                }
                Need::Bytes(_) => return Ok(Known::Looking(beginning, room)),
                Need::UpTo(end) => {
                    let end = end.saturating_add(MARGIN_BYTES);
                    return Ok(if end < self.upload.size_bytes { Known::Needs(end) } else { Known::Settled });
                }
                Need::Whole => return Ok(Known::Settled),
            }
        }
    }
}
