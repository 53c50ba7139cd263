//! A folder as a store.
//!
//! ```text
//! DIR/objects/<key>      the objects; everything here is whole
//! DIR/staging/<key>      unfinished uploads
//! DIR/temp/<process>/    what this process is writing or removing; swept once its owner is gone
//! DIR/lock/              files to lock: `open`, `folders`, `swap`
//! ```
//!
//! Many processes may share one folder on one machine. The order that makes a kill at any moment harmless: bytes to a
//! temporary file, sync the file, link it to its name (which fails if the name is taken), sync the folder, answer.

mod disk;
mod hashing;
mod list;
mod lock;
mod stage;
mod temp;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Semaphore;

use crate::key::{check_key, check_prefix};
use crate::{MediaStore, ObjectMeta, PutNew, StagedObject, StoreError, StoreFuture, Version};

use disk::Disk;

/// Calls that may be on disk at once; others wait their turn.
const MAX_CALLS_ON_DISK: usize = 64;
/// What is left to others, such as the database beside the store.
const DEFAULT_RESERVE_BYTES: u64 = 16 * 1024 * 1024;

/// A [`MediaStore`] in a folder of a local file system that has hard links and `flock`.
pub struct FolderStore {
    disk: Arc<Disk>,
    turns: Arc<Semaphore>,
}

impl FolderStore {
    /// Opens a folder, created when missing, and sweeps what killed processes left half-written. Keeps 16 MiB free.
    /// Blocks for a few system calls.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the folder cannot be made, written or locked; [`StoreError::NoSpace`].
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_with_reserve(folder, DEFAULT_RESERVE_BYTES)
    }

    /// Like [`FolderStore::open`], and answers [`StoreError::NoSpace`] to a write that would leave less than
    /// `reserve_bytes` free in the file system.
    ///
    /// # Errors
    /// As for [`FolderStore::open`].
    fn open_with_reserve(folder: impl AsRef<Path>, reserve_bytes: u64) -> Result<Self, StoreError> {
        let disk = Arc::new(Disk::open(folder.as_ref(), reserve_bytes)?);
        Ok(Self { disk, turns: Arc::new(Semaphore::new(MAX_CALLS_ON_DISK)) })
    }

    /// Runs `work` where it may block. It is carried out whole even if the caller goes away.
    fn on_disk<'a, T, F>(&self, keys: &[&str], work: F) -> StoreFuture<'a, T>
    where
        T: Send + 'static,
        F: FnOnce(&Disk) -> Result<T, StoreError> + Send + 'static,
    {
        let checked = keys.iter().try_for_each(|key| check_key(key));
        let (disk, turns) = (Arc::clone(&self.disk), Arc::clone(&self.turns));
        Box::pin(async move {
            checked?;
            let turn = turns.acquire_owned().await.expect("the semaphore is never closed");
            let done = tokio::task::spawn_blocking(move || {
                let _turn = turn;
                work(&disk)
            });
            done.await.unwrap_or_else(|failed| {
                Err(StoreError::Io { doing: "finish a call", source: std::io::Error::other(failed) })
            })
        })
    }
}

impl MediaStore for FolderStore {
    fn put_new<'a>(&'a self, key: &'a str, bytes: Bytes) -> StoreFuture<'a, PutNew> {
        let owned = key.to_owned();
        self.on_disk(&[key], move |disk| disk.put_new(&owned, &bytes))
    }

    fn get<'a>(&'a self, key: &'a str) -> StoreFuture<'a, Bytes> {
        let owned = key.to_owned();
        self.on_disk(&[key], move |disk| disk.get(&owned)?.ok_or_else(|| StoreError::not_found(&owned)))
    }

    fn get_range<'a>(&'a self, key: &'a str, offset: u64, length: u64) -> StoreFuture<'a, Bytes> {
        let owned = key.to_owned();
        self.on_disk(&[key], move |disk| disk.get_range(&owned, offset, length))
    }

    fn head<'a>(&'a self, key: &'a str) -> StoreFuture<'a, Option<ObjectMeta>> {
        let owned = key.to_owned();
        self.on_disk(&[key], move |disk| disk.head(&owned))
    }

    fn read_file<'a>(&'a self, key: &'a str) -> StoreFuture<'a, Option<std::fs::File>> {
        let owned = key.to_owned();
        self.on_disk(&[key], move |disk| Ok(disk.open_object(&owned)?.map(|(file, _)| file)))
    }

    fn list<'a>(&'a self, prefix: &'a str, after: Option<&'a str>, limit: usize) -> StoreFuture<'a, Vec<String>> {
        let checked = check_prefix(prefix);
        let (prefix, after) = (prefix.to_owned(), after.map(str::to_owned));
        self.on_disk(&[], move |disk| {
            checked?;
            disk.list(&prefix, after.as_deref(), limit)
        })
    }

    fn delete<'a>(&'a self, key: &'a str) -> StoreFuture<'a, ()> {
        let owned = key.to_owned();
        self.on_disk(&[key], move |disk| disk.delete(&owned))
    }

    fn delete_prefix<'a>(&'a self, prefix: &'a str) -> StoreFuture<'a, ()> {
        let checked = check_prefix(prefix);
        let prefix = prefix.to_owned();
        self.on_disk(&[], move |disk| {
            checked?;
            disk.delete_prefix(&prefix)
        })
    }

    fn swap<'a>(&'a self, key: &'a str, expected: Option<&'a Version>, bytes: Bytes) -> StoreFuture<'a, Version> {
        let (owned, expected) = (key.to_owned(), expected.cloned());
        self.on_disk(&[key], move |disk| disk.swap(&owned, expected.as_ref(), &bytes))
    }

    fn get_versioned<'a>(&'a self, key: &'a str) -> StoreFuture<'a, Option<(Bytes, Version)>> {
        let owned = key.to_owned();
        self.on_disk(&[key], move |disk| {
            Ok(disk.get(&owned)?.map(|bytes| {
                let version = Version::of(&bytes);
                (bytes, version)
            }))
        })
    }

    fn stage_append<'a>(&'a self, upload_key: &'a str, offset: u64, bytes: Bytes) -> StoreFuture<'a, u64> {
        let owned = upload_key.to_owned();
        self.on_disk(&[upload_key], move |disk| disk.stage_append(&owned, offset, &bytes))
    }

    fn stage_offset<'a>(&'a self, upload_key: &'a str) -> StoreFuture<'a, Option<u64>> {
        let owned = upload_key.to_owned();
        self.on_disk(&[upload_key], move |disk| disk.stage_offset(&owned))
    }

    fn stage_range<'a>(&'a self, upload_key: &'a str, offset: u64, length: u64) -> StoreFuture<'a, Bytes> {
        let owned = upload_key.to_owned();
        self.on_disk(&[upload_key], move |disk| disk.stage_range(&owned, offset, length))
    }

    fn stage_finish<'a>(&'a self, upload_key: &'a str, final_key: &'a str) -> StoreFuture<'a, StagedObject> {
        let (upload, object) = (upload_key.to_owned(), final_key.to_owned());
        self.on_disk(&[upload_key, final_key], move |disk| disk.stage_finish(&upload, &object))
    }

    fn stage_discard<'a>(&'a self, upload_key: &'a str) -> StoreFuture<'a, ()> {
        let owned = upload_key.to_owned();
        self.on_disk(&[upload_key], move |disk| disk.stage_discard(&owned))
    }
}

/// Where a key lies below `root`.
fn path_of(root: &Path, key: &str) -> PathBuf {
    root.join(key)
}

#[cfg(test)]
mod tests;
