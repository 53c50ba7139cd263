//! Bytes of an upload on their way into the store's staging: bounded memory, one transfer per upload, and a tail that
//! is kept when the connection breaks.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use http_body_util::BodyExt;
use kernel::Problem;
use media_store::MediaStore;
use media_types::AssetId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{codes, error};

/// Bytes handed to the store at once, unless it wants more and there is room for it.
const PIECE_BYTES: usize = 1 << 20;
/// Bytes that arrived wait no longer than this for more of them to be handed over with.
const LINGER: Duration = Duration::from_secs(1);
/// Bytes between two notes of how far a transfer is.
const NOTE_BYTES: u64 = 16 << 20;
/// A client that sends nothing for so long is taken for gone.
pub(crate) const STALL: Duration = Duration::from_secs(60);
/// Transfers at once, each with at most two pieces in memory.
const MAX_TRANSFERS: usize = 256;
/// Transfers at once whose pieces are as large as the store wants them: with pieces of 8 MiB, 512 MiB of memory.
const MAX_LARGE: usize = 32;
/// How long an intruder waits for the running transfer to stop.
const SEIZE: Duration = Duration::from_secs(10);

/// The transfers of this process.
#[derive(Clone)]
pub(crate) struct Transfers {
    running: Arc<Mutex<HashMap<AssetId, Running>>>,
    slots: Arc<Semaphore>,
    large: Arc<Semaphore>,
}

#[derive(Clone)]
struct Running {
    stop: CancellationToken,
    ended: watch::Receiver<()>,
}

/// The right to write to one upload, until dropped.
pub(crate) struct Transfer {
    id: AssetId,
    of: Transfers,
    stop: CancellationToken,
    _ended: watch::Sender<()>,
    _slot: Option<OwnedSemaphorePermit>,
}

impl Drop for Transfer {
    fn drop(&mut self) {
        self.of.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

impl Default for Transfers {
    fn default() -> Self {
        Self {
            running: Arc::default(),
            slots: Arc::new(Semaphore::new(MAX_TRANSFERS)),
            large: Arc::new(Semaphore::new(MAX_LARGE)),
        }
    }
}

impl Transfers {
    /// The right to write to `id`. 423 while another request has it, 503 when there are too many transfers.
    pub(crate) fn begin(&self, id: &AssetId) -> Result<Transfer, Problem> {
        let slot = Arc::clone(&self.slots).try_acquire_owned().map_err(|_full| too_many())?;
        self.enter(id, Some(slot)).map_err(|_running| locked())
    }

    /// The right to clear `id` away: a running transfer is stopped first. 423 when it does not stop in time.
    pub(crate) async fn seize(&self, id: &AssetId) -> Result<Transfer, Problem> {
        let deadline = tokio::time::Instant::now() + SEIZE;
        loop {
            let mut running = match self.enter(id, None) {
                Ok(transfer) => return Ok(transfer),
                Err(running) => running,
            };
            running.stop.cancel();
            // The sender only ever goes away: any answer means that the transfer has ended.
            tokio::time::timeout_at(deadline, running.ended.changed()).await.map_err(|_late| locked())?.ok();
        }
    }

    fn enter(&self, id: &AssetId, slot: Option<OwnedSemaphorePermit>) -> Result<Transfer, Running> {
        match self.running.lock().unwrap_or_else(PoisonError::into_inner).entry(id.clone()) {
            Entry::Occupied(entry) => Err(entry.get().clone()),
            Entry::Vacant(entry) => {
                let (sender, ended) = watch::channel(());
                let stop = CancellationToken::new();
                entry.insert(Running { stop: stop.clone(), ended });
                Ok(Transfer { id: id.clone(), of: self.clone(), stop, _ended: sender, _slot: slot })
            }
        }
    }
}

/// 503 while there is no room for another.
pub(crate) fn too_many() -> Problem {
    Problem::unavailable(codes::UPLOAD_TOO_MANY, "too many uploads are running", 5)
}

/// 423 while somebody else writes, here or in another process.
pub(crate) fn locked() -> Problem {
    Problem::new(StatusCode::LOCKED, codes::UPLOAD_LOCKED, "another request is writing to this upload").retry_after(2)
}

/// How a body came to its end. Each has where the upload stands, and everything up to there is durable.
#[derive(Debug)]
pub(crate) enum Landing {
    /// The body is whole.
    Whole(u64),
    /// The connection broke or went silent.
    Cut(u64),
    /// Another request asked for the upload.
    Stopped(u64),
    /// There were more bytes than announced; the surplus was not stored.
    Excess(u64),
}

impl Landing {
    /// Where the upload stands.
    pub(crate) fn offset(&self) -> u64 {
        match *self {
            Landing::Whole(offset) | Landing::Cut(offset) | Landing::Stopped(offset) | Landing::Excess(offset) => {
                offset
            }
        }
    }
}

/// Told how many bytes are durable; an error ends the transfer.
pub(crate) type Note<'a> = dyn Fn(u64) -> BoxFuture<'a, Result<(), Problem>> + Send + Sync + 'a;

/// The place where a body lands.
pub(crate) struct Runway<'a> {
    /// The store.
    pub(crate) media: &'a dyn MediaStore,
    /// The upload's key in the store's staging.
    pub(crate) key: &'a str,
    /// Where the upload stands.
    pub(crate) offset: u64,
    /// The announced size.
    pub(crate) size_bytes: u64,
    /// Told after the first piece, and then every [`NOTE_BYTES`].
    pub(crate) note: &'a Note<'a>,
}

impl Runway<'_> {
    /// Stores `body`. An error is the store's; what was stored before it stays.
    pub(crate) async fn land(mut self, mut body: Body, transfer: &Transfer) -> Result<Landing, Problem> {
        if self.offset == 0 {
            self.append(Bytes::new()).await?;
        }
        let (piece_bytes, _room) = self.piece(transfer);
        let mut pending = BytesMut::new();
        let mut since = Instant::now();
        let mut noted = None;
        loop {
            let is_worth_it = pending.len() >= PIECE_BYTES;
            let patience = if is_worth_it { LINGER.saturating_sub(since.elapsed()) } else { STALL };
            let frame = tokio::select! {
                biased;
                () = transfer.stop.cancelled() => None,
                frame = tokio::time::timeout(patience, body.frame()) => Some(frame),
            };
            let end: fn(u64) -> Landing = match frame {
                Some(Ok(Some(Ok(frame)))) => {
                    let Ok(data) = frame.into_data() else { continue };
                    let held = self.offset + pending.len() as u64;
                    if data.len() as u64 > self.size_bytes - held {
                        return Ok(Landing::Excess(self.offset));
                    }
                    if pending.is_empty() {
                        since = Instant::now();
                        // At once, since a buffer that grows step by step is there twice.
                        pending.reserve(self.next(piece_bytes));
                    }
                    pending.extend_from_slice(&data);
                    while pending.len() >= self.next(piece_bytes) {
                        let piece = pending.split_to(self.next(piece_bytes)).freeze();
                        self.append_and_note(piece, &mut noted).await?;
                        since = Instant::now();
                    }
                    continue;
                }
                Some(Err(_elapsed)) if is_worth_it => {
                    self.append_and_note(pending.split().freeze(), &mut noted).await?;
                    continue;
                }
                Some(Ok(None)) => Landing::Whole,
                Some(Ok(Some(Err(_))) | Err(_)) => Landing::Cut,
                None => Landing::Stopped,
            };
            if !pending.is_empty() {
                self.append(pending.freeze()).await?;
            }
            return Ok(end(self.offset));
        }
    }

    /// How large pieces are, and the room for such.
    fn piece(&self, transfer: &Transfer) -> (usize, Option<OwnedSemaphorePermit>) {
        let wanted = self.media.append_bytes();
        if wanted <= PIECE_BYTES {
            return (PIECE_BYTES, None);
        }
        let room = Arc::clone(&transfer.of.large).try_acquire_owned().ok();
        (if room.is_some() { wanted } else { PIECE_BYTES }, room)
    }

    /// The length of the next piece: it ends where pieces from the first byte on would.
    fn next(&self, piece_bytes: usize) -> usize {
        let over = usize::try_from(self.offset % piece_bytes as u64).unwrap_or(0);
        let left = usize::try_from(self.size_bytes - self.offset).unwrap_or(usize::MAX);
        (piece_bytes - over).min(left.max(1))
    }

    async fn append_and_note(&mut self, piece: Bytes, noted: &mut Option<u64>) -> Result<(), Problem> {
        self.append(piece).await?;
        if noted.is_none_or(|noted| self.offset - noted >= NOTE_BYTES) {
            (self.note)(self.offset).await?;
            *noted = Some(self.offset);
        }
        Ok(())
    }

    async fn append(&mut self, piece: Bytes) -> Result<(), Problem> {
        self.offset = self.media.stage_append(self.key, self.offset, piece).await.map_err(error::media)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use futures::{StreamExt, stream};
    use media_store::MemoryStore;

    fn quiet<'a>(_stored: u64) -> BoxFuture<'a, Result<(), Problem>> {
        Box::pin(async { Ok(()) })
    }

    fn body(pieces: Vec<Result<Bytes, &'static str>>) -> Body {
        Body::from_stream(stream::iter(pieces.into_iter().map(|piece| piece.map_err(std::io::Error::other))))
    }

    async fn land(
        store: &MemoryStore,
        offset: u64,
        size_bytes: u64,
        pieces: Vec<Result<Bytes, &'static str>>,
    ) -> Landing {
        let transfers = Transfers::default();
        let transfer = transfers.begin(&AssetId::from_unique("1")).unwrap();
        let runway = Runway { media: store, key: "uploads/ast_1", offset, size_bytes, note: &quiet };
        runway.land(body(pieces), &transfer).await.unwrap()
    }

    #[tokio::test]
    async fn a_cut_keeps_what_arrived_and_a_surplus_is_never_stored() {
        let store = MemoryStore::default();
        let large = Bytes::from(vec![7; PIECE_BYTES * 2 + 5]);
        let size = large.len() as u64 + 10;
        let cut = land(&store, 0, size, vec![Ok(large.clone()), Err("reset")]).await;
        assert!(matches!(cut, Landing::Cut(offset) if offset == large.len() as u64), "{cut:?}");
        let excess = land(&store, cut.offset(), size, vec![Ok(Bytes::from_static(&[1; 11]))]).await;
        assert!(matches!(excess, Landing::Excess(offset) if offset == cut.offset()), "{excess:?}");
        let whole = land(&store, cut.offset(), size, vec![Ok(Bytes::from_static(&[1; 10]))]).await;
        assert!(matches!(whole, Landing::Whole(offset) if offset == size), "{whole:?}");
    }

    #[tokio::test]
    async fn pieces_end_where_the_store_wants_them_and_wait_for_no_slow_client() {
        let store = MemoryStore::default().wanting_appends_of(8 * PIECE_BYTES);
        let transfers = Transfers::default();
        let transfer = transfers.begin(&AssetId::from_unique("1")).unwrap();
        let size_bytes = 20 * PIECE_BYTES as u64;
        let at = |offset| Runway { media: &store, key: "up", offset, size_bytes, note: &quiet };
        let (large, room) = at(0).piece(&transfer);
        assert_eq!(large, 8 * PIECE_BYTES);
        let next = |pieces: usize, over: usize| at((pieces * PIECE_BYTES + over) as u64).next(large);
        assert_eq!([next(0, 0), next(0, 3), next(8, 0)], [large, large - 3, large]);
        assert_eq!([next(16, 0), next(20, 0)], [4 * PIECE_BYTES, 1], "the last one is shorter");
        drop(room);
        let all = Arc::clone(&transfers.large).acquire_many_owned(MAX_LARGE as u32).await.unwrap();
        assert_eq!(at(0).piece(&transfer).0, PIECE_BYTES, "there is no room");
        drop(all);

        let paused = stream::iter([Ok::<_, std::io::Error>(Bytes::from(vec![7; 3 * PIECE_BYTES]))]);
        let landing = at(0).land(Body::from_stream(paused.chain(stream::pending())), &transfer);
        let stored = async {
            while store.stage_offset("up").await.unwrap() != Some(3 * PIECE_BYTES as u64) {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            landing = landing => panic!("{:?}", landing.map(|landing| landing.offset()).ok()),
            stored = tokio::time::timeout(STALL / 2, stored) => stored.unwrap(),
        }
    }

    #[tokio::test]
    async fn one_request_writes_at_a_time_and_a_deletion_takes_over() {
        let (transfers, id) = (Transfers::default(), AssetId::from_unique("1"));
        let first = transfers.begin(&id).unwrap();
        assert_eq!(transfers.begin(&id).map(|_| ()).unwrap_err().code(), "upload.locked");
        let store = Arc::new(MemoryStore::default());
        let held = Arc::clone(&store);
        let running = tokio::spawn(async move {
            let endless = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
            let runway = Runway { media: held.as_ref(), key: "uploads/ast_1", offset: 0, size_bytes: 9, note: &quiet };
            runway.land(endless, &first).await.unwrap()
        });
        let second = transfers.seize(&id).await.unwrap();
        assert!(matches!(running.await.unwrap(), Landing::Stopped(0)));
        drop(second);
        assert!(transfers.begin(&id).is_ok());
    }
}
