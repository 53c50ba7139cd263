//! The folder that a local encode grows in.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use media_types::publication::{MPD, MULTIVARIANT_PLAYLIST};

use crate::error::WorkError;
use crate::examine::{SEGMENTS_THROUGH_MPD, examine};
use crate::track::ObjectSink;

/// Files below a folder.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// The bytes of a file, or the part of them that starts at the first number and has the second's length, as far as the
    /// file goes.
    ///
    /// # Errors
    /// [`WorkError::Storage`] when it cannot be read.
    pub(super) async fn read(&self, path: String, range: Option<(u64, u64)>) -> Result<Bytes, WorkError> {
        let target = self.0.join(&path);
        let failed = |error: String| WorkError::Storage(format!("{path}: {error}"));
        let read = tokio::task::spawn_blocking(move || {
            let file = File::open(&target)?;
            let size = file.metadata()?.len();
            let (start, length) = range.unwrap_or((0, size));
            let length = length.min(size.saturating_sub(start));
            let mut bytes = vec![0; usize::try_from(length).map_err(std::io::Error::other)?];
            file.read_exact_at(&mut bytes, start).map(|()| Bytes::from(bytes))
        });
        let read = read.await.map_err(|error| failed(error.to_string()))?;
        read.map_err(|error| failed(error.to_string()))
    }

    /// Reads everything back through the playlists, and what the manifest alone names.
    ///
    /// # Errors
    /// As [`examine`].
    pub(super) async fn examine(&self) -> Result<(), WorkError> {
        let fetch = |path: String, range: Option<(u64, u64)>| self.read(path, range);
        examine(MULTIVARIANT_PLAYLIST, lint::Options::default(), fetch).await?;
        let options = lint::Options { max_segments_per_track: SEGMENTS_THROUGH_MPD, ..lint::Options::default() };
        examine(MPD, options, fetch).await.map(drop)
    }
}

impl ObjectSink for Folder {
    fn put(&self, path: String, bytes: Bytes) -> BoxFuture<'_, Result<(), WorkError>> {
        let target = self.0.join(path);
        async move {
            tokio::task::spawn_blocking(move || {
                if let Some(folder) = target.parent() {
                    std::fs::create_dir_all(folder)?;
                }
                std::fs::write(&target, &bytes)
            })
            .await
            .map_err(|error| WorkError::Storage(error.to_string()))?
            .map_err(|error| WorkError::Storage(error.to_string()))
        }
        .boxed()
    }
}

/// A folder beside the wanted one that becomes it by one rename, or vanishes.
pub struct Staging {
    path: PathBuf,
}

impl Staging {
    /// Makes the folder beside `out`.
    ///
    /// # Errors
    /// [`WorkError::Input`] when `out` is there and not an empty folder; [`WorkError::Storage`] when the folder cannot
    /// be made.
    pub fn create(out: &Path) -> Result<Self, WorkError> {
        let taken = out.is_file() || out.read_dir().is_ok_and(|mut entries| entries.next().is_some());
        if taken {
            return Err(WorkError::Input {
                code: "output.not_empty".to_owned(),
                detail: format!("{} is not an empty folder", out.display()),
                hint: "name a folder that does not exist yet; nothing is ever overwritten".to_owned(),
            });
        }
        let name = out.file_name().ok_or_else(|| WorkError::Storage(format!("{} names no folder", out.display())))?;
        let path = out.with_file_name(format!(".{}.{}.partial", name.to_string_lossy(), std::process::id()));
        std::fs::create_dir_all(&path).map_err(|error| WorkError::Storage(format!("{}: {error}", path.display())))?;
        Ok(Self { path })
    }

    /// Where to write.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Renames it to what it is for.
    ///
    /// # Errors
    /// [`WorkError::Storage`] when that fails.
    pub fn publish(self, out: &Path) -> Result<(), WorkError> {
        let failed = |error: std::io::Error| WorkError::Storage(format!("{}: {error}", out.display()));
        if out.is_dir() {
            std::fs::remove_dir(out).map_err(failed)?;
        }
        std::fs::rename(&self.path, out).map_err(failed)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // After a successful rename there is nothing left to remove.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[tokio::test]
    async fn a_file_is_read_whole_or_in_part_as_far_as_it_goes() {
        let staging = Staging::create(&std::env::temp_dir().join(format!("folder-{}", std::process::id()))).unwrap();
        let folder = Folder::new(staging.path());
        folder.put("a/b".to_owned(), Bytes::from_static(b"0123456789")).await.unwrap();
        let read = async |range| folder.read("a/b".to_owned(), range).await.unwrap();
        assert_eq!(read(None).await, "0123456789");
        assert_eq!(read(Some((3, 4))).await, "3456");
        assert_eq!(read(Some((8, u64::MAX))).await, "89");
        assert_eq!(read(Some((u64::MAX, 1))).await, "");
        let missing = folder.read("c".to_owned(), None).await;
        assert!(matches!(missing, Err(WorkError::Storage(reason)) if reason.starts_with("c: ")));
    }
}
