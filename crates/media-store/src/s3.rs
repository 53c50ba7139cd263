//! A bucket as a store.
//!
//! ```text
//! PREFIX/objects/<key>                           the objects; S3 shows each whole or not at all
//! PREFIX/staging/uploads/<key>                   an unfinished upload: a record that names all its bytes
//! PREFIX/staging/bytes/<key>/<id>/<at>-<sha256>  those bytes
//! PREFIX/staging/conditions                      what is tried once to see whether the server honours conditions
//! PREFIX/staging/hashes                          what is tried once to see whether it compares bytes with their hash
//! ```
//!
//! Every change is one conditional request: `If-None-Match: *` makes an object, `If-Match` replaces what was read. Nothing
//! is locked, so a process may die at any moment and many may share a bucket. Calls that fail on the way are made again by
//! the SDK, a few times and within a deadline; nobody above does that.

mod bucket;
mod clock;
mod connect;
mod direct;
mod finish;
mod hashes;
mod layout;
mod refusal;
#[cfg(any(test, feature = "testing"))]
#[cfg_attr(
    not(feature = "testing"),
    allow(dead_code, unreachable_pub, reason = "this crate's own tests use a part of it")
)]
pub mod server;
mod source;
mod stage;
mod upload;

use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OnceCell, Semaphore};

use crate::key::{check_key, check_prefix};
use crate::store::{MAX_LISTED_KEYS, check_size};
use crate::{DirectAccess, MediaStore, ObjectMeta, PutNew, StagedObject, StoreError, StoreFuture, Version};

use bucket::{Bucket, Only, Put};
use layout::Layout;

pub use source::{BucketSource, Page, SourceObject};

/// Nothing has it.
const NO_ETAG: &str = "\"00000000000000000000000000000000\"";
/// What becomes an object of the record at once, without being gathered first.
const BEST_APPEND_BYTES: usize = crate::BLOCK_BYTES as usize;
/// Uploads whose tails are gathered at once, each of which takes some 16 MiB of memory; others wait their turn.
const MAX_GATHERED: usize = 16;

/// A [`MediaStore`] in a bucket of Amazon S3, or of a server that speaks S3, answers with what was last written, and honours
/// `If-None-Match` and `If-Match` on `PutObject` and `CompleteMultipartUpload`. What is stored is recorded with its tree hash,
/// and whatever is read whole is compared with it.
pub struct S3Store {
    bucket: Bucket,
    layout: Layout,
    /// Set once the server was seen to honour conditions.
    conditions: OnceCell<()>,
    /// Set once it was seen to compare bytes with their hashes.
    hashes_compared: OnceCell<()>,
    gathering: Semaphore,
}

impl S3Store {
    /// Opens `s3://BUCKET/PREFIX`; the prefix may be left out. Asks the server once whether the bucket is there.
    ///
    /// # Errors
    /// As for [`crate::open`].
    pub async fn open(location: &str) -> Result<Self, StoreError> {
        let (name, layout) = layout::parse(location)?;
        let bucket = connect::bucket(name).await?;
        bucket.look(&layout.object("")).await?;
        Ok(Self::new(bucket, layout))
    }

    fn new(bucket: Bucket, layout: Layout) -> Self {
        let (conditions, hashes_compared) = (OnceCell::new(), OnceCell::new());
        Self { bucket, layout, conditions, hashes_compared, gathering: Semaphore::new(MAX_GATHERED) }
    }

    /// Before the first write: a server that ignores conditions would have writers overwrite one another in silence.
    async fn honours_conditions(&self) -> Result<(), StoreError> {
        let tried = self.conditions.get_or_try_init(|| async {
            let key = self.layout.conditions();
            let put = async |only| self.bucket.put(&key, Bytes::from_static(b"lectern"), only).await;
            // Makes it, or finds what another process made.
            put(Only::New).await?;
            for refused in [Only::New, Only::Still(NO_ETAG)] {
                if let Put::Done(_) = put(refused).await? {
                    return Err(StoreError::UnsupportedLocation {
                        location: format!("s3://{}", self.bucket.name()),
                        reason: "its server writes although a condition does not hold (If-None-Match, If-Match)",
                    });
                }
            }
            Ok(())
        });
        tried.await.map(|_| ())
    }

    async fn create(&self, key: &str, bytes: Bytes) -> Result<PutNew, StoreError> {
        check_key(key)?;
        check_size(key, bytes.len() as u64)?;
        self.honours_conditions().await?;
        Ok(match self.bucket.put(&self.layout.object(key), bytes, Only::New).await? {
            Put::Done(_) => PutNew::Created,
            Put::Refused => PutNew::Exists,
        })
    }

    async fn whole(&self, key: &str) -> Result<Option<bucket::Found>, StoreError> {
        check_key(key)?;
        self.bucket.get(key, &self.layout.object(key)).await
    }

    async fn exchange(&self, key: &str, expected: Option<&Version>, bytes: Bytes) -> Result<Version, StoreError> {
        check_key(key)?;
        check_size(key, bytes.len() as u64)?;
        self.honours_conditions().await?;
        let found = match expected {
            None => None,
            Some(expected) => {
                let found = self.whole(key).await?.filter(|found| Version::of(&found.bytes) == *expected);
                Some(found.ok_or_else(|| StoreError::conflict(key))?)
            }
        };
        let only = found.as_ref().map_or(Only::New, |found| Only::Still(&found.etag));
        let version = Version::of(&bytes);
        match self.bucket.put(&self.layout.object(key), bytes, only).await? {
            Put::Done(_) => Ok(version),
            Put::Refused => Err(StoreError::conflict(key)),
        }
    }

    async fn keys(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<String>, StoreError> {
        check_prefix(prefix)?;
        let root = self.layout.object("");
        let after = after.filter(|after| *after >= prefix).map(|after| format!("{root}{after}"));
        let limit = limit.min(MAX_LISTED_KEYS);
        let found = self.bucket.list(&format!("{root}{prefix}"), after.as_deref(), limit).await?;
        // What somebody else put there under other names is none of ours.
        Ok(found.iter().filter_map(|key| key.strip_prefix(&root)).map(str::to_owned).collect())
    }

    async fn remove_prefix(&self, prefix: &str) -> Result<(), StoreError> {
        check_prefix(prefix)?;
        if prefix.is_empty() {
            return Err(StoreError::invalid_key(prefix));
        }
        self.bucket.delete_prefix(&self.layout.object(prefix)).await
    }
}

impl MediaStore for S3Store {
    fn put_new<'a>(&'a self, key: &'a str, bytes: Bytes) -> StoreFuture<'a, PutNew> {
        Box::pin(self.create(key, bytes))
    }

    fn get<'a>(&'a self, key: &'a str) -> StoreFuture<'a, Bytes> {
        Box::pin(async move {
            let found = self.whole(key).await?;
            found.map(|found| found.bytes).ok_or_else(|| StoreError::not_found(key))
        })
    }

    fn get_range<'a>(&'a self, key: &'a str, offset: u64, length: u64) -> StoreFuture<'a, Bytes> {
        Box::pin(async move {
            check_key(key)?;
            check_size(key, length)?;
            let found = self.bucket.get_range(&self.layout.object(key), offset, length).await?;
            found.ok_or_else(|| StoreError::not_found(key))
        })
    }

    fn head<'a>(&'a self, key: &'a str) -> StoreFuture<'a, Option<ObjectMeta>> {
        Box::pin(async move {
            check_key(key)?;
            let found = self.bucket.head(&self.layout.object(key)).await?;
            Ok(found.map(|head| ObjectMeta { size_bytes: head.size_bytes }))
        })
    }

    fn read_file<'a>(&'a self, key: &'a str) -> StoreFuture<'a, Option<std::fs::File>> {
        Box::pin(std::future::ready(check_key(key).map(|()| None)))
    }

    fn list<'a>(&'a self, prefix: &'a str, after: Option<&'a str>, limit: usize) -> StoreFuture<'a, Vec<String>> {
        Box::pin(self.keys(prefix, after, limit))
    }

    fn delete<'a>(&'a self, key: &'a str) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            check_key(key)?;
            self.bucket.delete(&self.layout.object(key)).await
        })
    }

    fn delete_prefix<'a>(&'a self, prefix: &'a str) -> StoreFuture<'a, ()> {
        Box::pin(self.remove_prefix(prefix))
    }

    fn swap<'a>(&'a self, key: &'a str, expected: Option<&'a Version>, bytes: Bytes) -> StoreFuture<'a, Version> {
        Box::pin(self.exchange(key, expected, bytes))
    }

    fn get_versioned<'a>(&'a self, key: &'a str) -> StoreFuture<'a, Option<(Bytes, Version)>> {
        Box::pin(async move {
            let found = self.whole(key).await?;
            Ok(found.map(|found| {
                let version = Version::of(&found.bytes);
                (found.bytes, version)
            }))
        })
    }

    fn stage_append<'a>(&'a self, upload_key: &'a str, offset: u64, bytes: Bytes) -> StoreFuture<'a, u64> {
        Box::pin(self.append(upload_key, offset, bytes))
    }

    fn append_bytes(&self) -> usize {
        BEST_APPEND_BYTES
    }

    fn stage_offset<'a>(&'a self, upload_key: &'a str) -> StoreFuture<'a, Option<u64>> {
        Box::pin(self.stands_at(upload_key))
    }

    fn stage_range<'a>(&'a self, upload_key: &'a str, offset: u64, length: u64) -> StoreFuture<'a, Bytes> {
        Box::pin(self.staged(upload_key, offset, length))
    }

    fn stage_finish<'a>(&'a self, upload_key: &'a str, final_key: &'a str) -> StoreFuture<'a, StagedObject> {
        Box::pin(self.finish(upload_key, final_key))
    }

    fn stage_discard<'a>(&'a self, upload_key: &'a str) -> StoreFuture<'a, ()> {
        Box::pin(self.discard(upload_key))
    }

    fn sweep(&self, age: Duration) -> StoreFuture<'_, usize> {
        Box::pin(self.sweep_multiparts(age))
    }

    fn direct(&self) -> Option<&dyn DirectAccess> {
        Some(self)
    }
}

#[cfg(test)]
mod tests;
