//! The media of one asset as stages see them: sealed at rest when it is to be protected, stored as they are otherwise.

use std::io;
use std::sync::Arc;

use asset_store::{AssetRow, SourcePart};
use bytes::Bytes;
use drm::{DataKey, ObjectSeal, SealError, seal};
use engine_host::ReadAt;
use futures::FutureExt;
use futures::future::BoxFuture;
use job_queue::Lease;
use media_store::{MediaStore, PutNew, StoreError};
use media_types::{AssetId, PublishedFile, publication};
use serde::Serialize;

use crate::error::WorkError;
use crate::parts::joined;
use crate::work_key::work_key;

/// Bytes of a source that are sealed at once: whole chunks, and few enough that the lease is touched often.
const PIECE_BYTES: u64 = 64 * seal::CHUNK_BYTES;

/// Key of a protected asset's source, sealed. It begins with the key of the clear one, so that both go together.
fn sealed_source_key(asset: &AssetId) -> String {
    format!("{}.sealed", publication::source_key(asset))
}

/// Where a source gathers while it is sealed.
pub(crate) fn sealing_key(asset: &AssetId) -> String {
    format!("{}.sealed", publication::staging_key(asset))
}

/// How much there is of a source that is not whole yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arriving {
    /// What it will come to, in bytes.
    pub(crate) size: u64,
    /// What is durable of it, from its first byte on.
    pub(crate) there: u64,
}

/// What the store holds of one asset: its source, and the media that were made of it. With a data key, both are sealed;
/// reports and plans are not, and neither is what is published.
#[derive(Clone)]
pub(crate) struct AssetMedia {
    store: Arc<dyn MediaStore>,
    asset: AssetId,
    sha256: Option<String>,
    data_key: Option<DataKey>,
    arriving: Option<Arriving>,
    parts: Vec<SourcePart>,
}

impl AssetMedia {
    pub(crate) fn new(
        store: Arc<dyn MediaStore>,
        asset: &AssetRow,
        data_key: Option<DataKey>,
        arriving: Option<Arriving>,
        parts: Vec<SourcePart>,
    ) -> Self {
        Self { store, asset: asset.id.clone(), sha256: asset.source_sha256.clone(), data_key, arriving, parts }
    }

    /// The key of `what` an engine of this identity makes of the source by this order; `None` while that is not whole.
    pub(crate) fn work_key(&self, what: &str, engine: &str, order: &impl Serialize) -> Option<String> {
        let sha256 = self.sha256.as_deref().filter(|_| self.arriving.is_none())?;
        work_key(what, (sha256, &self.parts), engine, order)
    }

    /// What an object is sealed under, if it is.
    fn sealing(&self, key: &str) -> Option<&DataKey> {
        self.data_key.as_ref().filter(|_| key.starts_with(&publication::work_prefix(&self.asset)))
    }

    /// Whether an object is sealed, so that nobody can read it without the data key.
    pub(crate) fn is_sealed(&self, key: &str) -> bool {
        self.sealing(key).is_some()
    }

    /// Writes an object that must not exist yet.
    pub(crate) async fn put_new(&self, key: &str, bytes: Bytes) -> Result<PutNew, WorkError> {
        let stored = match self.sealing(key) {
            Some(data_key) => {
                let mut salt = [0; seal::SALT_BYTES];
                getrandom::fill(&mut salt).map_err(|error| WorkError::Keys(error.to_string()))?;
                seal::seal(data_key, key, salt, &bytes).into()
            }
            None => bytes,
        };
        Ok(self.store.put_new(key, stored).await?)
    }

    async fn get(&self, key: &str) -> Result<Bytes, WorkError> {
        let stored = self.store.get(key).await?;
        match self.sealing(key) {
            Some(data_key) => Ok(seal::open(data_key, key, stored.into()).map_err(refused(key))?.into()),
            None => Ok(stored),
        }
    }

    /// The bytes of a file, when they are those that were recorded.
    pub(crate) async fn verified(&self, path: &str, file: &PublishedFile) -> Result<Bytes, WorkError> {
        let bytes = self.get(&file.key).await?;
        if bytes.len() as u64 != file.size_bytes || crate::blake3(&bytes) != file.blake3 {
            return Err(WorkError::Storage(format!("{path} is not what was stored there")));
        }
        Ok(bytes)
    }

    /// The asset's source as engines read it: one file, also where several parts lie in it.
    pub(crate) async fn recording(&self, lease: &Lease) -> Result<Arc<dyn ReadAt>, WorkError> {
        let source = Arc::new(self.source(lease).await?);
        if self.parts.is_empty() {
            return Ok(source);
        }
        let named = self.parts.iter().map(|part| (part.filename.clone(), part.size_bytes)).collect::<Vec<_>>();
        joined(source, &named).await
    }

    /// The asset's source. When it is to be sealed and still lies there in clear, it is sealed first.
    pub(crate) async fn source(&self, lease: &Lease) -> Result<StoredSource, WorkError> {
        let clear = publication::source_key(&self.asset);
        let Some(data_key) = &self.data_key else {
            let arriving = self.arriving.map(|arriving| (publication::staging_key(&self.asset), arriving.there));
            let size = match self.arriving {
                Some(arriving) => arriving.size,
                None => self.size_of(&clear).await?,
            };
            let (store, lease) = (self.store.clone(), lease.clone());
            return Ok(StoredSource { store, key: clear, arriving, size, seal: None, lease });
        };
        if let Some(meta) = self.store.head(&clear).await? {
            self.seal_source(data_key, &clear, meta.size_bytes, lease).await?;
        }
        self.sealed_source(data_key, lease).await
    }

    async fn size_of(&self, key: &str) -> Result<u64, WorkError> {
        let meta = self.store.head(key).await?;
        Ok(meta.ok_or_else(|| WorkError::Storage(format!("{key} is not in the store")))?.size_bytes)
    }

    async fn sealed_source(&self, data_key: &DataKey, lease: &Lease) -> Result<StoredSource, WorkError> {
        let key = sealed_source_key(&self.asset);
        let sealed_bytes = self.size_of(&key).await?;
        let header = self.store.get_range(&key, 0, seal::HEADER_BYTES).await?;
        let seal = ObjectSeal::read(data_key, &key, &header, sealed_bytes).map_err(refused(&key))?;
        Ok(StoredSource {
            store: self.store.clone(),
            size: seal.clear_bytes(),
            seal: Some(seal),
            key,
            arriving: None,
            lease: lease.clone(),
        })
    }

    /// Seals the source, which lies at `clear`, compares, and removes the clear one. Whoever does it again after a kill, or
    /// beside a worker that has lost its lease, writes the same bytes: the salt follows from the source's hash.
    async fn seal_source(&self, data_key: &DataKey, clear: &str, size: u64, lease: &Lease) -> Result<(), WorkError> {
        let key = sealed_source_key(&self.asset);
        let hash = self.sha256.as_deref().ok_or_else(|| WorkError::Storage(format!("{clear} has no recorded hash")))?;
        let seal = ObjectSeal::new(data_key, &key, data_key.salt_for(hash.as_bytes()), size).map_err(refused(&key))?;
        let staging = sealing_key(&self.asset);
        let mut stands = match self.store.stage_offset(&staging).await? {
            Some(stands) => stands,
            None if self.store.head(&key).await?.is_some() => seal.sealed_bytes(),
            None => 0,
        };
        while stands < seal.sealed_bytes() {
            let start = seal.chunk_at(stands);
            let bytes = self.store.get_range(clear, start, PIECE_BYTES).await?;
            let sealed = Bytes::from(seal.seal_from(start, &bytes).map_err(refused(clear))?);
            let known = usize::try_from(stands - seal.sealed_start(start)).unwrap_or(usize::MAX).min(sealed.len());
            stands = self.store.stage_append(&staging, stands, sealed.slice(known..)).await?;
            lease.touch();
        }
        self.store.stage_finish(&staging, &key).await?;
        if !self.is_same(&seal, clear, lease).await? {
            // There is one right way to seal it, so nobody else can need what lies there.
            self.store.delete(&key).await?;
            return Err(WorkError::Storage(format!("{key} does not open to the source")));
        }
        Ok(self.store.delete(clear).await?)
    }

    /// Whether the sealed source opens to what lies at `clear`.
    async fn is_same(&self, seal: &ObjectSeal, clear: &str, lease: &Lease) -> Result<bool, WorkError> {
        let key = sealed_source_key(&self.asset);
        let mut same = self.size_of(&key).await? == seal.sealed_bytes();
        let mut at = 0;
        while same && at < seal.clear_bytes() {
            let bytes = self.store.get_range(clear, at, PIECE_BYTES).await?;
            let range = at..at + bytes.len() as u64;
            let part = seal.cover(range.clone());
            let sealed = self.store.get_range(&key, part.start, part.end - part.start).await?;
            at = range.end;
            same = !bytes.is_empty() && seal.open_range(range, sealed.into()).is_ok_and(|opened| opened == bytes);
            lease.touch();
        }
        Ok(same)
    }
}

fn refused(key: &str) -> impl FnOnce(SealError) -> WorkError {
    move |error| WorkError::Storage(format!("{key}: {error}"))
}

/// An asset's source as the engine reads it; every read shows the lease that work moves.
pub(crate) struct StoredSource {
    store: Arc<dyn MediaStore>,
    key: String,
    /// Where its first bytes lie, and how many of them, while it is not whole.
    arriving: Option<(String, u64)>,
    size: u64,
    seal: Option<ObjectSeal>,
    lease: Lease,
}

impl StoredSource {
    async fn read(&self, offset: u64, length: u64) -> Result<Bytes, io::Error> {
        let stored = async |start, length| self.stored(start, length).await.map_err(io::Error::other);
        let Some(seal) = &self.seal else { return stored(offset, length).await };
        let wanted = offset..offset.saturating_add(length).min(self.size);
        let part = seal.cover(wanted.clone());
        let sealed = stored(part.start, part.end - part.start).await?;
        Ok(seal.open_range(wanted, sealed.into()).map_err(io::Error::other)?.into())
    }
}

impl StoredSource {
    /// Bytes as they lie in the store. What has not arrived is not waited for: nothing is begun that needs it.
    async fn stored(&self, start: u64, length: u64) -> Result<Bytes, StoreError> {
        if let Some((staging, there)) = &self.arriving
            && start.checked_add(length).is_some_and(|end| end <= *there)
        {
            match self.store.stage_range(staging, start, length).await {
                // It is whole since.
                Err(StoreError::NotFound { .. }) => {}
                read => return read,
            }
        }
        self.store.get_range(&self.key, start, length).await
    }
}

impl ReadAt for StoredSource {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, length: usize) -> BoxFuture<'_, io::Result<Bytes>> {
        async move {
            let bytes = self.read(offset, length as u64).await?;
            self.lease.touch();
            Ok(bytes)
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests;
