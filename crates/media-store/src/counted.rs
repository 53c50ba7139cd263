//! A store that counts what goes through it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;

use crate::{DirectAccess, MediaStore, ObjectMeta, PutNew, StagedObject, StoreError, StoreFuture, Version};

/// What has gone through a [`Counted`] store so far.
#[derive(Debug, Default)]
pub struct Traffic {
    read_bytes: AtomicU64,
    written_bytes: AtomicU64,
    calls: AtomicU64,
    failures: AtomicU64,
}

impl Traffic {
    /// Bytes that calls have answered. Those of a file from [`MediaStore::read_file`] are not among them.
    pub fn read_bytes(&self) -> u64 {
        self.read_bytes.load(Ordering::Relaxed)
    }

    /// Bytes that calls have stored.
    pub fn written_bytes(&self) -> u64 {
        self.written_bytes.load(Ordering::Relaxed)
    }

    /// Calls that have ended.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Those of them that failed because of the store: not for want of an object, nor for what the caller asked.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }
}

/// Another store, counted.
pub struct Counted {
    store: Arc<dyn MediaStore>,
    traffic: Arc<Traffic>,
}

impl Counted {
    /// Counts what goes through `store`, and where that can be read.
    pub fn over(store: Arc<dyn MediaStore>) -> (Arc<dyn MediaStore>, Arc<Traffic>) {
        let traffic = Arc::<Traffic>::default();
        (Arc::new(Self { store, traffic: traffic.clone() }), traffic)
    }

    /// A call that reads what `read` says, and stores `written` bytes if it succeeds.
    fn call<'a, T: 'a>(
        &'a self,
        call: StoreFuture<'a, T>,
        written: usize,
        read: fn(&T) -> usize,
    ) -> StoreFuture<'a, T> {
        let traffic = &*self.traffic;
        let counted = call.inspect(move |answer| {
            traffic.calls.fetch_add(1, Ordering::Relaxed);
            match answer {
                Ok(answer) => {
                    traffic.written_bytes.fetch_add(written as u64, Ordering::Relaxed);
                    traffic.read_bytes.fetch_add(read(answer) as u64, Ordering::Relaxed);
                }
                Err(error) if is_failure(error) => drop(traffic.failures.fetch_add(1, Ordering::Relaxed)),
                Err(_) => {}
            }
        });
        counted.boxed()
    }
}

fn is_failure(error: &StoreError) -> bool {
    !matches!(
        error,
        StoreError::InvalidKey { .. }
            | StoreError::KeyClash { .. }
            | StoreError::NotFound { .. }
            | StoreError::TooLarge { .. }
            | StoreError::Conflict { .. }
            | StoreError::OffsetMismatch { .. }
    )
}

fn nothing<T>(_: &T) -> usize {
    0
}

impl MediaStore for Counted {
    fn put_new<'a>(&'a self, key: &'a str, bytes: Bytes) -> StoreFuture<'a, PutNew> {
        let length = bytes.len();
        self.call(self.store.put_new(key, bytes), length, nothing)
    }

    fn get<'a>(&'a self, key: &'a str) -> StoreFuture<'a, Bytes> {
        self.call(self.store.get(key), 0, Bytes::len)
    }

    fn get_range<'a>(&'a self, key: &'a str, offset: u64, length: u64) -> StoreFuture<'a, Bytes> {
        self.call(self.store.get_range(key, offset, length), 0, Bytes::len)
    }

    fn head<'a>(&'a self, key: &'a str) -> StoreFuture<'a, Option<ObjectMeta>> {
        self.call(self.store.head(key), 0, nothing)
    }

    fn read_file<'a>(&'a self, key: &'a str) -> StoreFuture<'a, Option<std::fs::File>> {
        self.call(self.store.read_file(key), 0, nothing)
    }

    fn list<'a>(&'a self, prefix: &'a str, after: Option<&'a str>, limit: usize) -> StoreFuture<'a, Vec<String>> {
        self.call(self.store.list(prefix, after, limit), 0, nothing)
    }

    fn delete<'a>(&'a self, key: &'a str) -> StoreFuture<'a, ()> {
        self.call(self.store.delete(key), 0, nothing)
    }

    fn delete_prefix<'a>(&'a self, prefix: &'a str) -> StoreFuture<'a, ()> {
        self.call(self.store.delete_prefix(prefix), 0, nothing)
    }

    fn swap<'a>(&'a self, key: &'a str, expected: Option<&'a Version>, bytes: Bytes) -> StoreFuture<'a, Version> {
        let length = bytes.len();
        self.call(self.store.swap(key, expected, bytes), length, nothing)
    }

    fn get_versioned<'a>(&'a self, key: &'a str) -> StoreFuture<'a, Option<(Bytes, Version)>> {
        self.call(self.store.get_versioned(key), 0, |found| found.as_ref().map_or(0, |(bytes, _)| bytes.len()))
    }

    fn stage_append<'a>(&'a self, upload_key: &'a str, offset: u64, bytes: Bytes) -> StoreFuture<'a, u64> {
        let length = bytes.len();
        self.call(self.store.stage_append(upload_key, offset, bytes), length, nothing)
    }

    fn append_bytes(&self) -> usize {
        self.store.append_bytes()
    }

    fn stage_offset<'a>(&'a self, upload_key: &'a str) -> StoreFuture<'a, Option<u64>> {
        self.call(self.store.stage_offset(upload_key), 0, nothing)
    }

    fn stage_range<'a>(&'a self, upload_key: &'a str, offset: u64, length: u64) -> StoreFuture<'a, Bytes> {
        self.call(self.store.stage_range(upload_key, offset, length), 0, Bytes::len)
    }

    fn stage_finish<'a>(&'a self, upload_key: &'a str, final_key: &'a str) -> StoreFuture<'a, StagedObject> {
        self.call(self.store.stage_finish(upload_key, final_key), 0, nothing)
    }

    fn stage_discard<'a>(&'a self, upload_key: &'a str) -> StoreFuture<'a, ()> {
        self.call(self.store.stage_discard(upload_key), 0, nothing)
    }

    fn sweep(&self, age: Duration) -> StoreFuture<'_, usize> {
        self.call(self.store.sweep(age), 0, nothing)
    }

    /// What goes that way is not counted.
    fn direct(&self) -> Option<&dyn DirectAccess> {
        self.store.direct()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::MemoryStore;

    #[tokio::test]
    async fn bytes_are_counted_both_ways_and_a_missing_object_is_no_failure() {
        let (store, traffic) = Counted::over(Arc::new(MemoryStore::default()));
        store.put_new("a", Bytes::from_static(b"abc")).await.unwrap();
        assert_eq!(store.get_range("a", 1, 9).await.unwrap(), "bc");
        assert!(store.get("none").await.is_err() && store.put_new("..", Bytes::new()).await.is_err());
        assert_eq!((traffic.written_bytes(), traffic.read_bytes()), (3, 2));
        assert_eq!((traffic.calls(), traffic.failures()), (4, 0));
        assert!(is_failure(&StoreError::NoSpace));
    }
}
