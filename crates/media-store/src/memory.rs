//! Memory as a store.

use std::collections::{BTreeMap, HashMap};
use std::ops::{Bound, Range};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::key::{check_key, check_prefix};
use crate::store::{MAX_LISTED_KEYS, check_size};
use crate::tree_hash::TreeHasher;
use crate::{MediaStore, ObjectMeta, PutNew, StagedObject, StoreError, StoreFuture, Version};

const DEFAULT_CAPACITY_BYTES: u64 = 1 << 30;

/// A [`MediaStore`] that forgets everything when dropped: for tests and throw-away runs.
pub struct MemoryStore {
    capacity_bytes: u64,
    append_bytes: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<String, Bytes>,
    uploads: HashMap<String, Vec<u8>>,
    used_bytes: u64,
}

impl Default for MemoryStore {
    /// Room for 1 GiB.
    fn default() -> Self {
        Self::with_capacity(DEFAULT_CAPACITY_BYTES)
    }
}

impl MemoryStore {
    /// A store that answers [`StoreError::NoSpace`] beyond `capacity_bytes` of content.
    pub fn with_capacity(capacity_bytes: u64) -> Self {
        Self { capacity_bytes, append_bytes: 1 << 20, state: Mutex::default() }
    }

    /// The same store, which would have appends be so long ([`MediaStore::append_bytes`]).
    #[must_use]
    pub fn wanting_appends_of(self, append_bytes: usize) -> Self {
        Self { append_bytes, ..self }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change below is complete before anything can panic, so a poisoned state is still whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer<'a, T: Send + 'a>(&self, result: Result<T, StoreError>) -> StoreFuture<'a, T> {
        Box::pin(std::future::ready(result))
    }

    fn put(&self, key: &str, bytes: Bytes) -> Result<PutNew, StoreError> {
        check_key(key)?;
        check_size(key, bytes.len() as u64)?;
        let mut state = self.state();
        if state.objects.contains_key(key) {
            return Ok(PutNew::Exists);
        }
        state.check_clash(key)?;
        state.grow(bytes.len() as u64, self.capacity_bytes)?;
        state.objects.insert(key.to_owned(), bytes);
        Ok(PutNew::Created)
    }

    fn object(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        check_key(key)?;
        Ok(self.state().objects.get(key).cloned())
    }

    fn range(&self, key: &str, offset: u64, length: u64) -> Result<Bytes, StoreError> {
        check_size(key, length)?;
        let bytes = self.object(key)?.ok_or_else(|| StoreError::not_found(key))?;
        Ok(bytes.slice(within(bytes.len(), offset, length)))
    }

    fn staged_range(&self, upload_key: &str, offset: u64, length: u64) -> Result<Bytes, StoreError> {
        check_key(upload_key)?;
        check_size(upload_key, length)?;
        let state = self.state();
        let upload = state.uploads.get(upload_key).ok_or_else(|| StoreError::not_found(upload_key))?;
        Ok(Bytes::copy_from_slice(&upload[within(upload.len(), offset, length)]))
    }

    fn keys(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<String>, StoreError> {
        check_prefix(prefix)?;
        let from = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        let state = self.state();
        let found = state.objects.range::<str, _>((from, Bound::Unbounded)).map(|(key, _)| key);
        Ok(found.take_while(|key| key.starts_with(prefix)).take(limit.min(MAX_LISTED_KEYS)).cloned().collect())
    }

    fn remove_prefix(&self, prefix: &str) -> Result<(), StoreError> {
        check_prefix(prefix)?;
        if prefix.is_empty() {
            return Err(StoreError::invalid_key(prefix));
        }
        let mut state = self.state();
        let mut freed = 0;
        state.objects.retain(|key, bytes| {
            let keep = !key.starts_with(prefix);
            freed += if keep { 0 } else { bytes.len() as u64 };
            keep
        });
        state.used_bytes -= freed;
        Ok(())
    }

    fn exchange(&self, key: &str, expected: Option<&Version>, bytes: Bytes) -> Result<Version, StoreError> {
        check_key(key)?;
        check_size(key, bytes.len() as u64)?;
        let mut state = self.state();
        let old = state.objects.get(key);
        if old.map(|old| Version::of(old)).as_ref() != expected {
            return Err(StoreError::conflict(key));
        }
        let old_size = old.map_or(0, |old| old.len() as u64);
        state.check_clash(key)?;
        state.grow(bytes.len() as u64, self.capacity_bytes)?;
        state.used_bytes -= old_size;
        let version = Version::of(&bytes);
        state.objects.insert(key.to_owned(), bytes);
        Ok(version)
    }

    fn append(&self, upload_key: &str, offset: u64, bytes: &[u8]) -> Result<u64, StoreError> {
        check_key(upload_key)?;
        check_size(upload_key, bytes.len() as u64)?;
        let mut state = self.state();
        let actual = state.uploads.get(upload_key).map_or(0, |upload| upload.len() as u64);
        if actual != offset {
            return Err(StoreError::OffsetMismatch { actual });
        }
        state.grow(bytes.len() as u64, self.capacity_bytes)?;
        state.uploads.entry(upload_key.to_owned()).or_default().extend_from_slice(bytes);
        Ok(actual + bytes.len() as u64)
    }

    fn finish(&self, upload_key: &str, final_key: &str) -> Result<StagedObject, StoreError> {
        check_key(upload_key)?;
        check_key(final_key)?;
        let mut state = self.state();
        let existing = state.objects.get(final_key).cloned();
        let staged = match (state.uploads.get(upload_key), existing) {
            (Some(upload), Some(object)) if object != *upload => return Err(StoreError::conflict(final_key)),
            (_, Some(object)) => describe(&object),
            (Some(upload), None) => describe(upload),
            (None, None) => return Err(StoreError::not_found(upload_key)),
        };
        state.check_clash(final_key)?;
        if let Some(upload) = state.uploads.remove(upload_key) {
            let freed = upload.len() as u64;
            if state.objects.insert(final_key.to_owned(), upload.into()).is_some() {
                state.used_bytes -= freed;
            }
        }
        Ok(staged)
    }

    fn discard(&self, upload_key: &str) -> Result<(), StoreError> {
        check_key(upload_key)?;
        let mut state = self.state();
        if let Some(upload) = state.uploads.remove(upload_key) {
            state.used_bytes -= upload.len() as u64;
        }
        Ok(())
    }
}

impl State {
    fn grow(&mut self, bytes: u64, capacity_bytes: u64) -> Result<(), StoreError> {
        let used = self.used_bytes.saturating_add(bytes);
        if used > capacity_bytes {
            return Err(StoreError::NoSpace);
        }
        self.used_bytes = used;
        Ok(())
    }

    /// A folder could not hold both `a` and `a/b`, so no store does.
    fn check_clash(&self, key: &str) -> Result<(), StoreError> {
        let below = format!("{key}/");
        let continued = self.objects.range(below.clone()..).next().is_some_and(|(other, _)| other.starts_with(&below));
        let continues = key.match_indices('/').any(|(end, _)| self.objects.contains_key(&key[..end]));
        if continued || continues { Err(StoreError::KeyClash { key: key.to_owned() }) } else { Ok(()) }
    }
}

/// What of so many bytes there is from `offset` on, `length` of them at most.
fn within(bytes: usize, offset: u64, length: u64) -> Range<usize> {
    let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes);
    start..start.saturating_add(usize::try_from(length).unwrap_or(usize::MAX)).min(bytes)
}

fn describe(bytes: &[u8]) -> StagedObject {
    let mut hasher = TreeHasher::default();
    hasher.update(bytes);
    StagedObject { size_bytes: bytes.len() as u64, sha256: hasher.finish() }
}

impl MediaStore for MemoryStore {
    fn put_new<'a>(&'a self, key: &'a str, bytes: Bytes) -> StoreFuture<'a, PutNew> {
        self.answer(self.put(key, bytes))
    }

    fn get<'a>(&'a self, key: &'a str) -> StoreFuture<'a, Bytes> {
        let found = self.object(key).and_then(|bytes| {
            let bytes = bytes.ok_or_else(|| StoreError::not_found(key))?;
            check_size(key, bytes.len() as u64).map(|()| bytes)
        });
        self.answer(found)
    }

    fn get_range<'a>(&'a self, key: &'a str, offset: u64, length: u64) -> StoreFuture<'a, Bytes> {
        self.answer(self.range(key, offset, length))
    }

    fn head<'a>(&'a self, key: &'a str) -> StoreFuture<'a, Option<ObjectMeta>> {
        self.answer(self.object(key).map(|found| found.map(|bytes| ObjectMeta { size_bytes: bytes.len() as u64 })))
    }

    fn read_file<'a>(&'a self, key: &'a str) -> StoreFuture<'a, Option<std::fs::File>> {
        self.answer(check_key(key).map(|()| None))
    }

    fn list<'a>(&'a self, prefix: &'a str, after: Option<&'a str>, limit: usize) -> StoreFuture<'a, Vec<String>> {
        self.answer(self.keys(prefix, after, limit))
    }

    fn delete<'a>(&'a self, key: &'a str) -> StoreFuture<'a, ()> {
        let checked = check_key(key);
        if checked.is_ok() {
            let mut state = self.state();
            if let Some(bytes) = state.objects.remove(key) {
                state.used_bytes -= bytes.len() as u64;
            }
        }
        self.answer(checked)
    }

    fn delete_prefix<'a>(&'a self, prefix: &'a str) -> StoreFuture<'a, ()> {
        self.answer(self.remove_prefix(prefix))
    }

    fn swap<'a>(&'a self, key: &'a str, expected: Option<&'a Version>, bytes: Bytes) -> StoreFuture<'a, Version> {
        self.answer(self.exchange(key, expected, bytes))
    }

    fn get_versioned<'a>(&'a self, key: &'a str) -> StoreFuture<'a, Option<(Bytes, Version)>> {
        self.answer(self.object(key).map(|found| {
            found.map(|bytes| {
                let version = Version::of(&bytes);
                (bytes, version)
            })
        }))
    }

    fn stage_append<'a>(&'a self, upload_key: &'a str, offset: u64, bytes: Bytes) -> StoreFuture<'a, u64> {
        self.answer(self.append(upload_key, offset, &bytes))
    }

    fn append_bytes(&self) -> usize {
        self.append_bytes
    }

    fn stage_offset<'a>(&'a self, upload_key: &'a str) -> StoreFuture<'a, Option<u64>> {
        let found =
            check_key(upload_key).map(|()| self.state().uploads.get(upload_key).map(|upload| upload.len() as u64));
        self.answer(found)
    }

    fn stage_range<'a>(&'a self, upload_key: &'a str, offset: u64, length: u64) -> StoreFuture<'a, Bytes> {
        self.answer(self.staged_range(upload_key, offset, length))
    }

    fn stage_finish<'a>(&'a self, upload_key: &'a str, final_key: &'a str) -> StoreFuture<'a, StagedObject> {
        self.answer(self.finish(upload_key, final_key))
    }

    fn stage_discard<'a>(&'a self, upload_key: &'a str) -> StoreFuture<'a, ()> {
        self.answer(self.discard(upload_key))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::testing;

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn memory_passes_the_suite() {
        testing::suite(Arc::new(MemoryStore::default())).await;
    }

    #[tokio::test]
    async fn memory_without_room_is_full() {
        testing::full_suite(Arc::new(MemoryStore::with_capacity(100))).await;
    }

    #[tokio::test]
    async fn deleting_makes_room() {
        let store = MemoryStore::with_capacity(10);
        for _ in 0..3 {
            assert!(store.put_new("a", Bytes::from_static(b"0123456789")).await.is_ok());
            assert!(store.delete("a").await.is_ok());
            assert!(store.stage_append("u", 0, Bytes::from_static(b"0123456789")).await.is_ok());
            assert!(store.stage_discard("u").await.is_ok());
        }
    }
}
