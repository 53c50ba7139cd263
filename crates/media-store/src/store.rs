//! The port: what the rest of the engine may ask of stored bytes.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use sha2::{Digest, Sha256};

use crate::{DirectAccess, StoreError};

/// Most bytes that one call moves through memory: the largest object for [`MediaStore::put_new`] and
/// [`MediaStore::get`], the longest [`MediaStore::get_range`] and [`MediaStore::stage_append`].
pub const MAX_OBJECT_BYTES: u64 = 64 * 1024 * 1024;

/// Most keys that one [`MediaStore::list`] returns, whatever limit was asked for.
pub const MAX_LISTED_KEYS: usize = 1000;

/// Whether one call may move so many bytes.
pub(crate) fn check_size(key: &str, size_bytes: u64) -> Result<(), StoreError> {
    if size_bytes <= MAX_OBJECT_BYTES {
        return Ok(());
    }
    Err(StoreError::TooLarge { key: key.to_owned(), size_bytes, limit_bytes: MAX_OBJECT_BYTES })
}

/// What every method of [`MediaStore`] returns.
pub type StoreFuture<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// Whether [`MediaStore::put_new`] wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutNew {
    /// This call made the object.
    Created,
    /// The key was taken already; its bytes are untouched, and as durable as if this call had written them.
    Exists,
}

/// What is known about an object without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObjectMeta {
    /// Size in bytes.
    pub size_bytes: u64,
}

/// One state of a swappable object, compared by [`MediaStore::swap`]: the SHA-256 of its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version(String);

impl Version {
    /// The version that `content` has.
    pub fn of(content: &[u8]) -> Self {
        Self(hex::encode(Sha256::digest(content)))
    }

    /// Lower-case hex.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An upload that became an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StagedObject {
    /// Size in bytes.
    pub size_bytes: u64,
    /// Lower-case hex of the tree hash: SHA-256 over the SHA-256 digests (32 raw bytes each, in order) of its 8 MiB parts.
    pub sha256: String,
}

/// A store of immutable objects under slash-separated keys, with two exceptions to immutability: pointers, changed by
/// [`swap`](MediaStore::swap) alone, and staged uploads, which are no objects until
/// [`stage_finish`](MediaStore::stage_finish).
///
/// A key is 1 to 512 bytes, in parts of 1 to 128 letters, digits, `.`, `_` or `-`, none of them `.` or `..`; every
/// method answers [`StoreError::InvalidKey`] to another. No key may continue another (`a` and `a/b`): a folder and memory
/// refuse it with [`StoreError::KeyClash`], S3 has no way to look.
///
/// What a method acknowledged survives the death of the process and, in stores that outlive it, a power cut. A dropped
/// future may still take effect, whole. A store behind a network asks again, a bounded number of times, when a call fails on
/// the way; nothing else is retried here: the layer above owns that.
pub trait MediaStore: Send + Sync {
    /// Writes an object that must not exist yet. It appears whole or not at all; of many concurrent calls for one key
    /// exactly one gets [`PutNew::Created`].
    fn put_new<'a>(&'a self, key: &'a str, bytes: Bytes) -> StoreFuture<'a, PutNew>;

    /// The whole object. [`StoreError::NotFound`] when there is none, [`StoreError::TooLarge`] above
    /// [`MAX_OBJECT_BYTES`].
    fn get<'a>(&'a self, key: &'a str) -> StoreFuture<'a, Bytes>;

    /// Up to `length` bytes from `offset`: fewer at the end of the object, none from behind it.
    /// [`StoreError::NotFound`], or [`StoreError::TooLarge`] when `length` is above [`MAX_OBJECT_BYTES`].
    fn get_range<'a>(&'a self, key: &'a str, offset: u64, length: u64) -> StoreFuture<'a, Bytes>;

    /// What is known about an object; `None` when there is none.
    fn head<'a>(&'a self, key: &'a str) -> StoreFuture<'a, Option<ObjectMeta>>;

    /// The object as an open file, for streaming without a copy through this trait. `None` when there is no such
    /// object **or** the store has no files: ask [`get_range`](MediaStore::get_range) then.
    fn read_file<'a>(&'a self, key: &'a str) -> StoreFuture<'a, Option<std::fs::File>>;

    /// Keys that start with `prefix` (any text, `""` for all) and are greater than `after`, in byte order, at most
    /// `limit` and at most [`MAX_LISTED_KEYS`]. Fewer than both means that there are no more.
    fn list<'a>(&'a self, prefix: &'a str, after: Option<&'a str>, limit: usize) -> StoreFuture<'a, Vec<String>>;

    /// Removes an object; nothing happens when there is none.
    fn delete<'a>(&'a self, key: &'a str) -> StoreFuture<'a, ()>;

    /// Removes every object whose key starts with `prefix`, which must not be empty.
    fn delete_prefix<'a>(&'a self, prefix: &'a str) -> StoreFuture<'a, ()>;

    /// Replaces an object if its version is still `expected` (`None`: if there is none) and returns the new version;
    /// otherwise [`StoreError::Conflict`] and nothing changed. Readers see the old bytes or the new, never a mix.
    fn swap<'a>(&'a self, key: &'a str, expected: Option<&'a Version>, bytes: Bytes) -> StoreFuture<'a, Version>;

    /// The object and the version to give to [`swap`](MediaStore::swap); `None` when there is none.
    fn get_versioned<'a>(&'a self, key: &'a str) -> StoreFuture<'a, Option<(Bytes, Version)>>;

    /// Appends to the upload `upload_key`, which begins with an append (of nothing, if you like) at offset 0, and
    /// returns its new length once the bytes are durable. [`StoreError::OffsetMismatch`] with the true length when
    /// `offset` is not it, [`StoreError::Conflict`] while another append or a finish is at work; after any error ask
    /// [`stage_offset`](MediaStore::stage_offset) where to go on.
    fn stage_append<'a>(&'a self, upload_key: &'a str, offset: u64, bytes: Bytes) -> StoreFuture<'a, u64>;

    /// How many bytes an append had best have, where there are so many: it begins and ends at multiples of this. At most
    /// [`MAX_OBJECT_BYTES`].
    fn append_bytes(&self) -> usize {
        1 << 20
    }

    /// Length in bytes of an unfinished upload; `None` when there is none.
    fn stage_offset<'a>(&'a self, upload_key: &'a str) -> StoreFuture<'a, Option<u64>>;

    /// Up to `length` bytes from `offset` of an unfinished upload, as [`get_range`](MediaStore::get_range) of an object.
    /// Only what was acknowledged is sure to stay. [`StoreError::NotFound`] when there is no such upload **or** the store
    /// cannot read what is unfinished, as S3 cannot the parts of a multipart upload: wait for the object then.
    fn stage_range<'a>(&'a self, upload_key: &'a str, offset: u64, length: u64) -> StoreFuture<'a, Bytes>;

    /// Turns an upload into the object `final_key`, whole and durable, and returns its size and identity. Doing it
    /// again, also after a kill in the middle, gives the same answer. [`StoreError::Conflict`] when `final_key` holds
    /// other bytes, [`StoreError::NotFound`] when there is neither upload nor object.
    ///
    /// Reads the upload once, to hash it: minutes for a large one. No append may be in flight.
    fn stage_finish<'a>(&'a self, upload_key: &'a str, final_key: &'a str) -> StoreFuture<'a, StagedObject>;

    /// Forgets an unfinished upload; nothing happens when there is none.
    fn stage_discard<'a>(&'a self, upload_key: &'a str) -> StoreFuture<'a, ()>;

    /// Removes some of what processes that died left half made and nothing refers to, if it is older than `age`; returns
    /// how much. For a store that a folder's next opening does not clean, to be called now and then.
    fn sweep(&self, age: Duration) -> StoreFuture<'_, usize> {
        let _ = age;
        Box::pin(std::future::ready(Ok(0)))
    }

    /// How clients reach its bytes by themselves; `None` of a store that only this process reaches.
    fn direct(&self) -> Option<&dyn DirectAccess> {
        None
    }
}
