//! What is published, from memory where possible.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderValue;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use media_store::{MediaStore, StoreError};
use media_types::PlaybackId;
use media_types::publication::index_key;

use crate::OriginOptions;
use crate::body::Content;
use crate::cache::{LoadFailed, Loaded, LoadingCache};
use crate::published::{Published, PublishedObject};

/// Media below this is held in memory; above it is streamed.
const SMALL_MEDIA_BYTES: u64 = 64 * 1024;
/// Playlists and the MPD of long recordings are larger, asked for by everyone, and worth compressing.
const SMALL_TEXT_BYTES: u64 = 2 * 1024 * 1024;
/// For every key that is asked for; a pointer is a number.
const POINTER_CACHE_BYTES: usize = 4 * 1024 * 1024;
/// For every planned file that was asked for once it was there.
const MADE_CACHE_BYTES: usize = 16 * 1024 * 1024;
/// Key, hash and media type of one.
const MADE_BYTES: usize = 320;
/// A parsed index against its JSON.
const INDEX_OVERHEAD: usize = 2;

pub(crate) struct Catalog {
    store: Arc<dyn MediaStore>,
    pointer_ttl: Duration,
    index_ttl: Duration,
    pointers: LoadingCache<PlaybackId, Option<u64>>,
    indexes: LoadingCache<(PlaybackId, u64), Option<Arc<Published>>>,
    objects: LoadingCache<String, Option<SmallObject>>,
    made: LoadingCache<String, Option<Arc<PublishedObject>>>,
}

/// A whole file in memory, its bytes checked against its hash.
#[derive(Clone)]
pub(crate) struct SmallObject {
    pub(crate) plain: Bytes,
    /// Only if smaller.
    pub(crate) gzip: Option<Bytes>,
}

/// Where the bytes of a file come from.
pub(crate) enum Opened {
    Small(SmallObject),
    Large(Content),
}

/// The failure is told once, here, where it is known what failed; a viewer gets a 503.
fn report(doing: &'static str, key: &str) -> impl FnOnce(StoreError) -> LoadFailed {
    move |error| {
        tracing::warn!(%error, source = std::error::Error::source(&error), key, "could not {doing}");
        LoadFailed
    }
}

fn damaged(key: &str) -> LoadFailed {
    tracing::error!(key, "an object of a published generation is damaged");
    LoadFailed
}

impl Catalog {
    pub(crate) fn new(store: Arc<dyn MediaStore>, options: &OriginOptions) -> Self {
        Self {
            store,
            pointer_ttl: options.pointer_ttl,
            index_ttl: options.index_ttl,
            pointers: LoadingCache::new(POINTER_CACHE_BYTES),
            indexes: LoadingCache::new(options.index_cache_bytes),
            objects: LoadingCache::new(options.object_cache_bytes),
            made: LoadingCache::new(MADE_CACHE_BYTES),
        }
    }

    /// The generation that new sessions get, at most the pointer's time to live old; `None` when there is none.
    pub(crate) async fn newest(&self, playback: &PlaybackId) -> Result<Option<u64>, LoadFailed> {
        let (store, wanted) = (Arc::clone(&self.store), playback.clone());
        let load = |_| async move {
            let pointer = media_store::pointer::current(&*store, &wanted).await;
            let pointer = pointer.map_err(report("read a pointer", wanted.as_str()))?;
            Ok(Loaded { value: pointer.map(|pointer| pointer.generation), bytes: 0 })
        };
        self.pointers.get(playback.clone(), |_, age| age < self.pointer_ttl, load).await
    }

    /// A generation; `None` when there is no such one (any more). That it is still there is asked again after a while;
    /// that it is not, soon.
    pub(crate) async fn generation(
        &self,
        playback: &PlaybackId,
        generation: u64,
    ) -> Result<Option<Arc<Published>>, LoadFailed> {
        let (store, key) = (Arc::clone(&self.store), index_key(playback, generation));
        let (pointer_ttl, index_ttl) = (self.pointer_ttl, self.index_ttl);
        let is_fresh = |index: &Option<_>, age| age < if index.is_some() { index_ttl } else { pointer_ttl };
        let load = |stale: Option<Option<Arc<Published>>>| load_index(store, key, generation, stale.flatten());
        self.indexes.get((playback.clone(), generation), is_fresh, load).await
    }

    /// A file that was planned, if it has been made: once there it is for ever the same.
    pub(crate) async fn made(
        &self,
        key: String,
        media_type: &HeaderValue,
    ) -> Result<Option<Arc<PublishedObject>>, LoadFailed> {
        let (store, wanted, media_type) = (Arc::clone(&self.store), key.clone(), media_type.clone());
        let load = |_| async move {
            let value = match store.get(&wanted).await {
                Ok(bytes) => Some(Arc::new(PublishedObject::of_bytes(wanted, &bytes, media_type))),
                Err(StoreError::NotFound { .. }) => None,
                Err(error) => return Err(report("read an object", &wanted)(error)),
            };
            Ok(Loaded { bytes: MADE_BYTES, value })
        };
        self.made.get(key, |made, _| made.is_some(), load).await
    }

    /// The bytes of a file; `None` when the store does not have them although the index says so.
    pub(crate) async fn open(&self, file: &PublishedObject) -> Result<Option<Opened>, LoadFailed> {
        if file.size_bytes < if file.is_text { SMALL_TEXT_BYTES } else { SMALL_MEDIA_BYTES } {
            let load = |_| {
                let (store, key, blake3) = (Arc::clone(&self.store), file.key.clone(), file.blake3.clone());
                load_small(store, key, blake3, file.size_bytes, file.is_text)
            };
            // What is missing may be made at any moment, so only a present object is remembered.
            let found = self.objects.get(file.key.clone(), |object, _| object.is_some(), load).await?;
            return Ok(found.map(Opened::Small));
        }
        let opened = self.store.read_file(&file.key).await.map_err(report("open an object", &file.key))?;
        let (content, size_bytes) = match opened {
            Some(opened) => {
                let size_bytes = opened.metadata().map_err(|_| damaged(&file.key))?.len();
                (Content::File(Arc::new(opened)), size_bytes)
            }
            None => {
                let meta = self.store.head(&file.key).await.map_err(report("look for an object", &file.key))?;
                let Some(meta) = meta else { return Ok(None) };
                (Content::Stored(Arc::clone(&self.store), file.key.as_str().into()), meta.size_bytes)
            }
        };
        if size_bytes != file.size_bytes {
            return Err(damaged(&file.key));
        }
        Ok(Some(Opened::Large(content)))
    }

    /// Makes the next request look whether the generation is still there.
    pub(crate) fn doubt(&self, playback: &PlaybackId, generation: u64) {
        self.indexes.forget(&(playback.clone(), generation));
    }
}

async fn load_index(
    store: Arc<dyn MediaStore>,
    key: String,
    generation: u64,
    stale: Option<Arc<Published>>,
) -> Result<Loaded<Option<Arc<Published>>>, LoadFailed> {
    let Some(meta) = store.head(&key).await.map_err(report("look for an index", &key))? else {
        return Ok(Loaded { value: None, bytes: 0 });
    };
    let bytes = usize::try_from(meta.size_bytes).unwrap_or(usize::MAX).saturating_mul(INDEX_OVERHEAD);
    if stale.is_some() {
        return Ok(Loaded { value: stale, bytes });
    }
    let json = match store.get(&key).await {
        Ok(json) => json,
        Err(StoreError::NotFound { .. }) => return Ok(Loaded { value: None, bytes: 0 }),
        Err(error) => return Err(report("read an index", &key)(error)),
    };
    let parsed = tokio::task::spawn_blocking(move || Published::parse(&json, generation)).await;
    let published = parsed.ok().flatten().ok_or_else(|| damaged(&key))?;
    Ok(Loaded { value: Some(Arc::new(published)), bytes })
}

async fn load_small(
    store: Arc<dyn MediaStore>,
    key: String,
    blake3: String,
    size_bytes: u64,
    is_text: bool,
) -> Result<Loaded<Option<SmallObject>>, LoadFailed> {
    // One byte more than there should be shows an object that is too long without reading all of it.
    let plain = match store.get_range(&key, 0, size_bytes + 1).await {
        Ok(plain) => plain,
        Err(StoreError::NotFound { .. }) => return Ok(Loaded { value: None, bytes: 0 }),
        Err(error) => return Err(report("read an object", &key)(error)),
    };
    let checked = tokio::task::spawn_blocking(move || {
        (blake3::hash(&plain).to_hex().as_str() == blake3).then(|| {
            let gzip = is_text.then(|| compress(&plain)).flatten();
            SmallObject { plain, gzip }
        })
    });
    let object = checked.await.ok().flatten().ok_or_else(|| damaged(&key))?;
    let bytes = object.plain.len() + object.gzip.as_ref().map_or(0, Bytes::len);
    Ok(Loaded { value: Some(object), bytes })
}

/// Once per version, not per viewer. `None` when it would not get smaller.
fn compress(plain: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).ok()?;
    let gzip = encoder.finish().ok()?;
    (gzip.len() < plain.len()).then(|| gzip.into())
}
