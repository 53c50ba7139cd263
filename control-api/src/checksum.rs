//! Chunks that come with a checksum: held in memory until they have been compared, so that nothing of a bad one is ever
//! stored, also when the process dies.

use std::sync::Arc;

use axum::body::Body;
use axum::http::StatusCode;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use kernel::Problem;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::codes;
use crate::transfer::{STALL, too_many};
use crate::tus::Checksum;

/// The longest chunk that may come with a checksum.
const MAX_CHUNK_BYTES: usize = 16 << 20;
/// Such chunks in memory at once.
const MAX_CHUNKS: usize = 16;

/// The room for chunks that are being compared.
#[derive(Clone)]
pub(crate) struct Checks(Arc<Semaphore>);

impl Default for Checks {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MAX_CHUNKS)))
    }
}

/// A body that may be stored. Keeps its room until it is dropped.
pub(crate) struct Checked {
    pub(crate) body: Body,
    _room: Option<OwnedSemaphorePermit>,
}

impl Checks {
    /// The body as it came when there is no checksum, otherwise once it is whole and found to be the right one. 460 when
    /// it is another, 413 when it is too long, 503 when there is no room.
    pub(crate) async fn pass(&self, checksum: Option<Checksum>, body: Body) -> Result<Checked, Problem> {
        let Some(checksum) = checksum else { return Ok(Checked { body, _room: None }) };
        let room = Arc::clone(&self.0).try_acquire_owned().map_err(|_full| too_many())?;
        let chunk = gather(body).await?;
        let compared = chunk.clone();
        let fits = tokio::task::spawn_blocking(move || checksum.is_of(&compared)).await;
        if !fits.map_err(|error| Problem::internal(&error))? {
            let status = StatusCode::from_u16(460).expect("three digits are a status");
            let detail = "the chunk does not hash to its Upload-Checksum";
            return Err(Problem::new(status, codes::TUS_CHECKSUM_MISMATCH, detail));
        }
        Ok(Checked { body: Body::from(chunk), _room: Some(room) })
    }
}

async fn gather(mut body: Body) -> Result<Bytes, Problem> {
    let cut = || Problem::bad_request(kernel::codes::BODY_INCOMPLETE, "the body ended before it was whole");
    let mut chunk = BytesMut::new();
    loop {
        let frame = tokio::time::timeout(STALL, body.frame()).await.map_err(|_silent| cut())?;
        let Some(frame) = frame else { return Ok(chunk.freeze()) };
        let Ok(data) = frame.map_err(|_broken| cut())?.into_data() else { continue };
        if data.len() > MAX_CHUNK_BYTES - chunk.len() {
            let detail = "a chunk with a checksum has at most 16 MiB";
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, codes::TUS_CHUNK_TOO_LARGE, detail));
        }
        chunk.extend_from_slice(&data);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use futures::{StreamExt, stream};
    use sha2::{Digest, Sha256};

    fn body(pieces: Vec<Result<Bytes, std::io::Error>>) -> Body {
        Body::from_stream(stream::iter(pieces))
    }

    #[tokio::test]
    async fn a_chunk_passes_whole_or_not_at_all() {
        let checks = Checks::default();
        let large = Bytes::from(vec![7; MAX_CHUNK_BYTES]);
        let checksum = |bytes: &[u8]| Some(Checksum::Sha256(Sha256::digest(bytes).into()));
        let halves = || vec![Ok(large.slice(..9)), Ok(large.slice(9..))];
        let passed = checks.pass(checksum(&large), body(halves())).await.unwrap();
        assert_eq!(passed.body.collect().await.unwrap().to_bytes(), large);
        let longer = halves().into_iter().chain([Ok(large.slice(..1))]).collect();
        let cut = vec![Ok(large.slice(..9)), Err(std::io::Error::other("reset"))];
        for (pieces, status, code) in [
            (vec![Ok(large.slice(1..))], 460, "tus.checksum_mismatch"),
            (longer, 413, "tus.chunk_too_large"),
            (cut, 400, "body.incomplete"),
        ] {
            let refused = checks.pass(checksum(&large), body(pieces)).await.map(drop).unwrap_err();
            assert_eq!((refused.status().as_u16(), refused.code()), (status, code));
        }
    }

    #[tokio::test]
    async fn there_is_room_for_so_many_and_it_is_given_back() {
        let checks = Checks::default();
        let empty = || Some(Checksum::Sha256(Sha256::digest(b"").into()));
        let held: Vec<_> = stream::iter(0..MAX_CHUNKS).then(|_| checks.pass(empty(), Body::empty())).collect().await;
        assert!(held.iter().all(Result::is_ok));
        let refused = checks.pass(empty(), Body::empty()).await.map(drop).unwrap_err();
        assert_eq!((refused.status().as_u16(), refused.code()), (503, "upload.too_many"));
        assert!(checks.pass(None, Body::empty()).await.is_ok(), "without a checksum nothing is held");
        drop(held);
        assert!(checks.pass(empty(), Body::empty()).await.is_ok());
    }
}
