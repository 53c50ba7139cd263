//! Uploads that are whole become objects.
//!
//! Their parts are copied on the server; no byte comes back here but those of the tail. The record says first what the object
//! will be, then the object appears, then the bytes go, then the record: wherever a process dies, the next one finds what is
//! left to do.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};

use super::S3Store;
use super::bucket::{Multipart, Only, Part, Put};
use super::hashes::hashes;
use super::stage::Known;
use super::upload::{Phase, UploadRecord};
use crate::key::check_key;
use crate::tree_hash::{TREE_PART_BYTES, TreeHasher};
use crate::{StagedObject, StoreError};

/// Parts copied at once.
const COPIES_AT_ONCE: usize = 8;

impl S3Store {
    pub(super) async fn finish(&self, upload_key: &str, final_key: &str) -> Result<StagedObject, StoreError> {
        check_key(upload_key)?;
        check_key(final_key)?;
        self.honours_conditions().await?;
        let known = self.load(upload_key).await?;
        let there = self.describe(final_key).await?;
        let Some(known) = known.filter(|known| !matches!(known.upload.phase, Phase::Discarded { .. })) else {
            return there.ok_or_else(|| StoreError::not_found(upload_key));
        };
        let tree = match &known.upload.phase {
            Phase::Finishing { tree, .. } => tree.clone(),
            _ => self.tree_of(upload_key, &known.upload).await?,
        };
        let staged = StagedObject { size_bytes: known.upload.length, sha256: tree };
        let over = match there {
            Some(there) if there == staged => known,
            Some(_) => return Err(StoreError::conflict(final_key)),
            None => self.make(upload_key, final_key, known, &staged).await?,
        };
        self.clear(upload_key, &over.upload).await?;
        self.forget(upload_key, &over).await?;
        Ok(staged)
    }

    async fn tree_of(&self, key: &str, upload: &UploadRecord) -> Result<String, StoreError> {
        let tail = hashes(&self.tail(key, upload).await?).await.sha256;
        upload.tree(tail).ok_or_else(|| StoreError::Damaged { key: key.to_owned() })
    }

    /// Makes the object, and returns the record as it is then.
    async fn make(
        &self,
        upload_key: &str,
        final_key: &str,
        known: Known,
        staged: &StagedObject,
    ) -> Result<Known, StoreError> {
        let object = self.layout.object(final_key);
        let tree = staged.sha256.clone();
        if let Some(left) = known.upload.multipart() {
            self.bucket.abort(left).await?;
        }
        let in_parts = !known.upload.parts.is_empty();
        let multipart = if in_parts { Some(self.bucket.begin(&object, &tree).await?) } else { None };
        let finishing = UploadRecord { phase: Phase::Finishing { tree, multipart: multipart.clone() }, ..known.upload };
        let saved = self.save(upload_key, Only::Still(&known.etag), finishing).await;
        let known = match (saved, &multipart) {
            (Ok(known), _) => known,
            (Err(error), Some(multipart)) => {
                // Nothing names it; if it stays, it is swept.
                let _ = self.bucket.abort(multipart).await;
                return Err(error);
            }
            (Err(error), None) => return Err(error),
        };
        let tail = self.tail(upload_key, &known.upload).await?;
        let put = match &multipart {
            Some(multipart) => self.join(upload_key, &known.upload, multipart, tail).await?,
            None => Some(self.bucket.put(&object, tail, Only::New).await?),
        };
        // Whoever was there first, or what is there of ours although the answer was lost.
        match (put, self.describe(final_key).await?) {
            (_, Some(there)) if there == *staged => Ok(known),
            (Some(Put::Done(_)), Some(_)) => Err(StoreError::Damaged { key: final_key.to_owned() }),
            (_, Some(_)) => Err(StoreError::conflict(final_key)),
            // Another finish is at work.
            (_, None) => Err(StoreError::conflict(upload_key)),
        }
    }

    /// `None` when what the parts are put together with is gone, or one of them is.
    async fn join(
        &self,
        key: &str,
        upload: &UploadRecord,
        multipart: &Multipart,
        tail: Bytes,
    ) -> Result<Option<Put>, StoreError> {
        let folder = &self.layout.bytes(key, &upload.id);
        let copies = stream::iter(upload.part_places().enumerate()).map(|(index, place)| async move {
            let mut sha256 = [0; 32];
            hex::decode_to_slice(&place.sha256, &mut sha256)
                .map_err(|_| StoreError::Damaged { key: key.to_owned() })?;
            self.bucket.copy_part(multipart, index, &format!("{folder}{}", place.name), sha256).await
        });
        let copied: Option<Vec<Part>> =
            copies.buffered(COPIES_AT_ONCE).try_collect::<Vec<_>>().await?.into_iter().collect();
        let Some(mut parts) = copied else { return Ok(None) };
        if !tail.is_empty() {
            match self.bucket.put_part(multipart, parts.len(), tail).await? {
                Some(part) => parts.push(part),
                None => return Ok(None),
            }
        }
        self.bucket.complete(multipart, parts).await
    }

    /// What an object is: as recorded when it was written, or by reading it.
    async fn describe(&self, key: &str) -> Result<Option<StagedObject>, StoreError> {
        let object = self.layout.object(key);
        let Some(head) = self.bucket.head(&object).await? else { return Ok(None) };
        if let Some(sha256) = head.tree {
            return Ok(Some(StagedObject { size_bytes: head.size_bytes, sha256 }));
        }
        let mut hasher = TreeHasher::default();
        let mut at = 0;
        while at < head.size_bytes {
            let Some(bytes) = self.bucket.get_range(&object, at, TREE_PART_BYTES).await? else { return Ok(None) };
            if bytes.is_empty() {
                return Err(StoreError::Damaged { key: key.to_owned() });
            }
            at += bytes.len() as u64;
            hasher = tokio::task::spawn_blocking(move || {
                hasher.update(&bytes);
                hasher
            })
            .await
            .map_err(|stopped| super::refusal::other("hash an object", stopped))?;
        }
        Ok(Some(StagedObject { size_bytes: at, sha256: hasher.finish() }))
    }

    /// Gives up what dead processes began to put together and no record names.
    pub(super) async fn sweep_multiparts(&self, age: Duration) -> Result<usize, StoreError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let before_s = i64::try_from(now.saturating_sub(age).as_secs()).unwrap_or(i64::MAX);
        let left = self.bucket.begun_before(&self.layout.object(""), before_s).await?;
        for multipart in &left {
            self.bucket.abort(multipart).await?;
        }
        Ok(left.len())
    }
}
