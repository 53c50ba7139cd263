//! Uploads that arrive in pieces.
//!
//! First the bytes go to objects of their own, then the record that names them replaces the one that was read. A process that
//! dies in between leaves objects that nothing refers to; they go with the upload. Of two appends one finds the record
//! changed.

use bytes::{Bytes, BytesMut};
use uuid::Uuid;

use super::S3Store;
use super::bucket::{Only, Put};
use super::hashes::hashes;
use super::upload::{MAX_UPLOAD_BYTES, Phase, Place, UploadRecord, name};
use crate::StoreError;
use crate::key::check_key;
use crate::store::check_size;
use crate::tree_hash::root_of;

/// How often a reader looks again when bytes were gathered under its hands.
const LOOKS: usize = 4;

/// A record as it was read.
pub(super) struct Known {
    pub(super) upload: UploadRecord,
    pub(super) etag: String,
}

impl S3Store {
    /// The record of an upload, also of one that was given up.
    pub(super) async fn load(&self, key: &str) -> Result<Option<Known>, StoreError> {
        check_key(key)?;
        let Some(found) = self.bucket.get(key, &self.layout.upload(key)).await? else { return Ok(None) };
        let upload = UploadRecord::parse(&found.bytes).ok_or_else(|| StoreError::Damaged { key: key.to_owned() })?;
        Ok(Some(Known { upload, etag: found.etag }))
    }

    /// Replaces the record that was read, or makes the first.
    pub(super) async fn save(&self, key: &str, only: Only<'_>, upload: UploadRecord) -> Result<Known, StoreError> {
        match self.bucket.put(&self.layout.upload(key), upload.to_json().into(), only).await? {
            Put::Done(etag) => Ok(Known { upload, etag }),
            Put::Refused => Err(StoreError::conflict(key)),
        }
    }

    pub(super) async fn append(&self, key: &str, offset: u64, bytes: Bytes) -> Result<u64, StoreError> {
        check_key(key)?;
        check_size(key, bytes.len() as u64)?;
        self.honours_conditions().await?;
        let known = match self.load(key).await? {
            Some(Known { upload: UploadRecord { phase: Phase::Finishing { .. }, .. }, .. }) => {
                return Err(StoreError::conflict(key));
            }
            Some(known) if known.upload.phase == Phase::Open => known,
            _ if offset != 0 => return Err(StoreError::OffsetMismatch { actual: 0 }),
            given_up_or_none => self.begin(key, given_up_or_none).await?,
        };
        if known.upload.length != offset {
            return Err(StoreError::OffsetMismatch { actual: known.upload.length });
        }
        let size_bytes = offset.saturating_add(bytes.len() as u64);
        if size_bytes > MAX_UPLOAD_BYTES {
            return Err(StoreError::TooLarge { key: key.to_owned(), size_bytes, limit_bytes: MAX_UPLOAD_BYTES });
        }
        if bytes.is_empty() {
            return Ok(offset);
        }
        let (next, gathered) = self.write(key, known.upload, bytes).await?;
        let saved = self.save(key, Only::Still(&known.etag), next).await?;
        // What stays goes with the upload.
        let _ = self.bucket.delete_all(gathered).await;
        Ok(saved.upload.length)
    }

    /// The first record, or the first after one that was given up.
    pub(super) async fn begin(&self, key: &str, given_up: Option<Known>) -> Result<Known, StoreError> {
        let fresh = UploadRecord::new(Uuid::new_v4().simple().to_string());
        match given_up {
            None => self.save(key, Only::New, fresh).await,
            Some(known) => {
                self.clear(key, &known.upload).await?;
                self.save(key, Only::Still(&known.etag), fresh).await
            }
        }
    }

    /// Stores bytes behind those of `upload`. Returns the record that names them, and the objects that it names no more.
    async fn write(
        &self,
        key: &str,
        upload: UploadRecord,
        mut bytes: Bytes,
    ) -> Result<(UploadRecord, Vec<String>), StoreError> {
        let folder = self.layout.bytes(key, &upload.id);
        let mut next = upload;
        let mut gathered = Vec::new();
        while !bytes.is_empty() {
            let step = next.step(bytes.len());
            let now = bytes.split_to(step.take);
            let start = if step.gather { next.tail_start() } else { next.length };
            let mut turn = None;
            let content = match step.gather {
                true => {
                    turn = Some(self.gathering.acquire().await.expect("the semaphore is never closed"));
                    gathered.extend(next.tail_places().into_iter().map(|place| folder.clone() + &place.name));
                    let mut whole = BytesMut::from(self.tail(key, &next).await?);
                    whole.extend_from_slice(&now);
                    whole.freeze()
                }
                false => now,
            };
            let sha256 = hex::encode(hashes(&content).await.sha256);
            self.bucket.put(&(folder.clone() + &name(start, &sha256)), content, Only::Same).await?;
            drop(turn);
            next.record(&step, sha256);
        }
        Ok((next, gathered))
    }

    /// The bytes of the tail, compared with their hashes.
    pub(super) async fn tail(&self, key: &str, upload: &UploadRecord) -> Result<Bytes, StoreError> {
        let folder = self.layout.bytes(key, &upload.id);
        let mut whole = BytesMut::new();
        for place in upload.tail_places() {
            let damaged = || StoreError::Damaged { key: key.to_owned() };
            let found = self.bucket.get(key, &(folder.clone() + &place.name)).await?;
            // Gathered by another append: the record that was read is old.
            let found = found.ok_or_else(|| StoreError::conflict(key))?;
            let recorded = hex::decode(&place.sha256).map_err(|_| damaged())?;
            if found.tree != root_of([recorded]) || found.bytes.len() as u64 != place.length {
                return Err(damaged());
            }
            whole.extend_from_slice(&found.bytes);
        }
        Ok(whole.freeze())
    }

    pub(super) async fn stands_at(&self, key: &str) -> Result<Option<u64>, StoreError> {
        let known = self.load(key).await?.map(|known| known.upload);
        Ok(known.filter(|upload| !matches!(upload.phase, Phase::Discarded { .. })).map(|upload| upload.length))
    }

    pub(super) async fn staged(&self, key: &str, offset: u64, length: u64) -> Result<Bytes, StoreError> {
        check_size(key, length)?;
        let mut looked_at = None;
        for _ in 0..LOOKS {
            let known = self.load(key).await?.ok_or_else(|| StoreError::not_found(key))?;
            if matches!(known.upload.phase, Phase::Discarded { .. }) || looked_at.as_ref() == Some(&known.etag) {
                break;
            }
            if let Some(bytes) = self.bytes_of(key, &known.upload, offset, length).await? {
                return Ok(bytes);
            }
            looked_at = Some(known.etag);
        }
        Err(StoreError::not_found(key))
    }

    /// `None` when an object has gone since the record was read.
    async fn bytes_of(
        &self,
        key: &str,
        upload: &UploadRecord,
        offset: u64,
        length: u64,
    ) -> Result<Option<Bytes>, StoreError> {
        let folder = self.layout.bytes(key, &upload.id);
        let end = offset.saturating_add(length).min(upload.length);
        let wanted = |place: &Place| place.start < end && offset < place.start + place.length;
        let mut whole = BytesMut::new();
        for place in upload.part_places().chain(upload.tail_places()).filter(wanted) {
            let from = offset.max(place.start);
            let count = end.min(place.start + place.length) - from;
            let found = self.bucket.get_range(&(folder.clone() + &place.name), from - place.start, count).await?;
            let Some(found) = found else { return Ok(None) };
            if found.len() as u64 != count {
                return Err(StoreError::Damaged { key: key.to_owned() });
            }
            whole.extend_from_slice(&found);
        }
        Ok(Some(whole.freeze()))
    }

    /// The record says first that the upload is given up: from then on there are no bytes, whenever they go.
    pub(super) async fn discard(&self, key: &str) -> Result<(), StoreError> {
        let Some(mut known) = self.load(key).await? else { return Ok(()) };
        if !matches!(known.upload.phase, Phase::Discarded { .. }) {
            let phase = Phase::Discarded { multipart: known.upload.multipart().cloned() };
            let given_up = UploadRecord { phase, ..known.upload };
            known = self.save(key, Only::Still(&known.etag), given_up).await?;
        }
        self.clear(key, &known.upload).await?;
        self.forget(key, &known).await
    }

    /// Removes the bytes of an upload that is over.
    pub(super) async fn clear(&self, key: &str, upload: &UploadRecord) -> Result<(), StoreError> {
        if let Some(multipart) = upload.multipart() {
            self.bucket.abort(multipart).await?;
        }
        self.bucket.delete_prefix(&self.layout.bytes(key, &upload.id)).await
    }

    /// Removes the record of an upload that is over, unless another upload has begun under its key.
    pub(super) async fn forget(&self, key: &str, over: &Known) -> Result<(), StoreError> {
        match self.load(key).await? {
            Some(known) if known.upload.id == over.upload.id => self.bucket.delete(&self.layout.upload(key)).await,
            _ => Ok(()),
        }
    }
}
