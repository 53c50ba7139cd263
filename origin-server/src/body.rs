//! Bodies: whole, cut or in parts, from memory or in bounded reads from a file.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use media_store::MediaStore;

/// What one read takes from a file, and so what one slow client holds in memory beside the socket's buffer.
const READ_BYTES: u64 = 256 * 1024;

/// Where bytes come from.
#[derive(Clone)]
pub(crate) enum Content {
    Memory(Bytes),
    File(Arc<File>),
    /// For stores without files.
    Stored(Arc<dyn MediaStore>, Arc<str>),
}

/// One stretch of a body.
pub(crate) enum Piece {
    Literal(Bytes),
    Of(Range<u64>),
}

impl Piece {
    pub(crate) fn length(&self) -> u64 {
        match self {
            Self::Literal(bytes) => bytes.len() as u64,
            Self::Of(range) => range.end - range.start,
        }
    }
}

impl Content {
    /// Exactly this range, at most [`READ_BYTES`] long unless in memory.
    async fn read(&self, range: Range<u64>) -> io::Result<Bytes> {
        let length = usize::try_from(range.end - range.start).map_err(io::Error::other)?;
        let bytes = match self {
            Self::Memory(bytes) => {
                let start = usize::try_from(range.start).map_err(io::Error::other)?;
                bytes.slice(start.min(bytes.len())..start.saturating_add(length).min(bytes.len()))
            }
            Self::File(file) => {
                let file = Arc::clone(file);
                let read = tokio::task::spawn_blocking(move || {
                    let mut buffer = vec![0; length];
                    file.read_exact_at(&mut buffer, range.start).map(|()| buffer)
                });
                read.await.map_err(io::Error::other)??.into()
            }
            Self::Stored(store, key) => {
                store.get_range(key, range.start, length as u64).await.map_err(io::Error::other)?
            }
        };
        if bytes.len() == length { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

/// The pieces one after another. A failed read ends the connection, which is how a client learns that its
/// `Content-Length` will not come.
pub(crate) fn of(content: Content, pieces: Vec<Piece>) -> Body {
    if let (Content::Memory(bytes), [Piece::Of(range)]) = (&content, pieces.as_slice())
        && let (Ok(start), Ok(end)) = (usize::try_from(range.start), usize::try_from(range.end))
        && end <= bytes.len()
    {
        return Body::from(bytes.slice(start..end));
    }
    let state = (content, VecDeque::from(pieces));
    Body::from_stream(futures::stream::try_unfold(state, |(content, mut pieces)| async move {
        let bytes = match pieces.pop_front() {
            None => return Ok(None),
            Some(Piece::Literal(bytes)) => bytes,
            Some(Piece::Of(range)) => {
                let now = range.start..range.end.min(range.start + READ_BYTES);
                if now.end < range.end {
                    pieces.push_front(Piece::Of(now.end..range.end));
                }
                content.read(now).await.inspect_err(|error| {
                    tracing::warn!(%error, "a response ended early: its object could not be read on");
                })?
            }
        };
        Ok::<_, io::Error>(Some((bytes, (content, pieces))))
    }))
}

/// Nothing, without the claim that the content is 0 bytes long, which a 304 must not make (RFC 9110 §8.6).
pub(crate) fn undeclared() -> Body {
    Body::from_stream(futures::stream::empty::<io::Result<Bytes>>())
}
