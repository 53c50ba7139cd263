//! Sources that lie in several pieces: the parts that a camera cut a recording into, and the index that makes one file of them.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use demux::{Join, JoinError, JoinStep};
use engine_host::{EngineHostError, FileSource, ReadAt};
use futures::FutureExt;
use futures::future::BoxFuture;

use crate::error::WorkError;
use crate::in_memory::InMemory;

/// Bytes that are read of a source at once.
const PIECE_BYTES: u64 = 1 << 20;

/// Opens a recording: one file, or the parts that a camera cut it into, from the first to the last.
///
/// # Errors
/// A file cannot be read, or they are no recording together; which one is at fault is said by its path.
pub async fn open_recording(parts: &[PathBuf]) -> Result<Arc<dyn ReadAt>, WorkError> {
    let files = parts.iter().map(|path| Ok(Arc::new(file(path)?) as Arc<dyn ReadAt>));
    let files: Vec<Arc<dyn ReadAt>> = files.collect::<Result<_, WorkError>>()?;
    let sizes: Vec<u64> = files.iter().map(|file| file.size()).collect();
    let row: Arc<dyn ReadAt> = match <[_; 1]>::try_from(files) {
        Ok([only]) => return Ok(only),
        Err(files) => Arc::new(Row::new(files)),
    };
    let named: Vec<(String, u64)> = parts.iter().map(|path| path.display().to_string()).zip(sizes).collect();
    joined(row, &named).await
}

fn file(path: &Path) -> Result<FileSource, WorkError> {
    FileSource::open(path).map_err(|error| WorkError::Input {
        code: "input.not_readable".to_owned(),
        detail: format!("{} cannot be read: {error}", path.display()),
        hint: "check the path and the file's permissions".to_owned(),
    })
}

/// Makes one file of `parts`, by name and size, which lie one behind the other in `source`.
///
/// # Errors
/// They are no recording together, or cannot be read.
pub(crate) async fn joined(source: Arc<dyn ReadAt>, parts: &[(String, u64)]) -> Result<Arc<dyn ReadAt>, WorkError> {
    let mut join = Box::new(Join::new(parts.iter().map(|(_, size)| *size).collect()));
    let front = loop {
        // An index of hours takes a moment.
        let polled = tokio::task::spawn_blocking(move || {
            let step = join.poll();
            (join, step)
        });
        let step;
        (join, step) = polled.await.map_err(|error| WorkError::Engine(format!("joining panicked: {error}")))?;
        match step.map_err(|error| refused(&error, parts))? {
            JoinStep::Done(front) => break front,
            JoinStep::Read { part, range } => {
                let begins: u64 = parts.iter().take(part).map(|(_, size)| *size).sum();
                let from = begins.saturating_add(range.offset);
                let bytes = read(source.as_ref(), from..from.saturating_add(range.length)).await;
                join.give(bytes.map_err(EngineHostError::Source)?);
            }
        }
    };
    if front.is_empty() {
        return Ok(source);
    }
    Ok(Arc::new(Row::new(vec![Arc::new(InMemory(front)), source])))
}

async fn read(source: &dyn ReadAt, wanted: Range<u64>) -> io::Result<Bytes> {
    let mut bytes = BytesMut::new();
    let mut at = wanted.start;
    while at < wanted.end {
        let length = (wanted.end - at).min(PIECE_BYTES);
        bytes.extend_from_slice(&source.read_at(at, usize::try_from(length).unwrap_or(usize::MAX)).await?);
        at += length;
    }
    Ok(bytes.freeze())
}

fn refused(error: &JoinError, parts: &[(String, u64)]) -> WorkError {
    let code = if error.differs { "input.parts_differ" } else { "input.part_unfit" };
    let name = parts.get(error.part).map_or("", |(name, _)| name);
    WorkError::input(code, format!("part {} ({name}) {}", error.part + 1, error.reason))
}

/// Sources one behind the other.
struct Row {
    pieces: Vec<(Range<u64>, Arc<dyn ReadAt>)>,
    size: u64,
}

impl Row {
    fn new(sources: Vec<Arc<dyn ReadAt>>) -> Self {
        let mut size = 0u64;
        let pieces = sources.into_iter().map(|source| {
            let begins = size;
            size = size.saturating_add(source.size());
            (begins..size, source)
        });
        Self { pieces: pieces.collect(), size }
    }

    async fn read(&self, wanted: Range<u64>) -> io::Result<Bytes> {
        let first = self.pieces.partition_point(|(range, _)| range.end <= wanted.start);
        let mut found = Vec::new();
        for (range, source) in self.pieces.iter().skip(first).take_while(|(range, _)| range.start < wanted.end) {
            let (from, to) = (wanted.start.max(range.start), wanted.end.min(range.end));
            let length = usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX);
            found.push(source.read_at(from - range.start, length).await?);
        }
        match <[Bytes; 1]>::try_from(found) {
            Ok([only]) => Ok(only),
            Err(several) => Ok(several.concat().into()),
        }
    }
}

impl ReadAt for Row {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, length: usize) -> BoxFuture<'_, io::Result<Bytes>> {
        let wanted = offset..offset.saturating_add(length as u64);
        async move {
            match wanted.end <= self.size {
                true => self.read(wanted).await,
                false => Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn front(text: &'static str) -> Arc<dyn ReadAt> {
        Arc::new(InMemory(Bytes::from_static(text.as_bytes())))
    }

    #[tokio::test]
    async fn sources_in_a_row_are_read_across_their_borders_and_not_beyond() {
        let row = Row::new(vec![front("abc"), front(""), front("d"), front("efgh")]);
        let all = "abcdefgh";
        assert_eq!(row.size(), 8);
        for from in 0..=8 {
            for to in from..=8 {
                assert_eq!(row.read_at(from as u64, to - from).await.unwrap(), all[from..to], "{from}..{to}");
            }
            assert!(row.read_at(from as u64, 9 - from).await.is_err());
        }
    }

    #[tokio::test]
    async fn a_part_that_is_not_there_or_does_not_fit_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            path
        };
        let mut packets = vec![0; 188 * 30];
        packets.iter_mut().step_by(188).for_each(|byte| *byte = 0x47);
        let (one, two) = (path("00000.MTS", &packets), path("00001.MTS", &packets));
        assert_eq!(open_recording(&[one.clone(), two.clone()]).await.unwrap().size(), 2 * 188 * 30);
        let code = async |parts: &[PathBuf]| {
            let error = open_recording(parts).await.err().unwrap();
            (error.code().to_owned(), error.to_string())
        };
        let (missing, detail) = code(&[one.clone(), folder.path().join("00001.mts")]).await;
        assert!(missing == "input.not_readable" && detail.contains("00001.mts"), "{detail}");
        let other = path("clip.mp4", b"\0\0\0\x10ftypisom\0\0\0\0");
        let (differs, detail) = code(&[one.clone(), two.clone(), other]).await;
        assert!(
            differs == "input.parts_differ" && detail.contains("part 3 (") && detail.contains("clip.mp4"),
            "{detail}"
        );
        let (unfit, detail) = code(&[one, path("notes.txt", b"hello")]).await;
        assert!(unfit == "input.part_unfit" && detail.contains("notes.txt"), "{detail}");
    }
}
