//! The pointer of a publication: which generation new sessions get. It only ever moves to higher numbers, whoever
//! moves it and however late they are.

use bytes::Bytes;
use media_types::publication::pointer_key;
use media_types::{PlaybackId, Pointer};

use crate::{MediaStore, StoreError, Version};

/// How often another publisher may get in first before [`advance`] gives up.
const MAX_LOST_RACES: usize = 64;

async fn load(store: &dyn MediaStore, key: &str) -> Result<Option<(Pointer, Version)>, StoreError> {
    let Some((bytes, version)) = store.get_versioned(key).await? else { return Ok(None) };
    let pointer = serde_json::from_slice(&bytes).map_err(|_| StoreError::Damaged { key: key.to_owned() })?;
    Ok(Some((pointer, version)))
}

/// The pointer as it stands; `None` before the first generation.
///
/// # Errors
/// [`StoreError::Damaged`] when the object is no pointer, and whatever the store answers.
pub async fn current(store: &dyn MediaStore, playback: &PlaybackId) -> Result<Option<Pointer>, StoreError> {
    Ok(load(store, &pointer_key(playback)).await?.map(|(pointer, _)| pointer))
}

/// Moves the pointer to `generation`, unless it stands there or higher, and returns where it stands afterwards. Every
/// object of the generation must be in the store before.
///
/// # Errors
/// [`StoreError::Conflict`] after 64 lost races, [`StoreError::Damaged`], and whatever the store answers.
pub async fn advance(store: &dyn MediaStore, playback: &PlaybackId, generation: u64) -> Result<Pointer, StoreError> {
    let key = pointer_key(playback);
    let next = Pointer { generation };
    let bytes = Bytes::from(serde_json::to_vec(&next).expect("a pointer is a number in an object"));
    for _ in 0..MAX_LOST_RACES {
        let found = load(store, &key).await?;
        if let Some((pointer, _)) = found
            && pointer.generation >= generation
        {
            return Ok(pointer);
        }
        match store.swap(&key, found.as_ref().map(|(_, version)| version), bytes.clone()).await {
            Ok(_) => return Ok(next),
            Err(StoreError::Conflict { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Err(StoreError::Conflict { key })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;

    use super::*;
    use crate::MemoryStore;

    #[tokio::test]
    async fn the_pointer_only_grows_however_many_move_it() {
        let store = Arc::new(MemoryStore::default());
        let playback = PlaybackId::from_unique("1");
        assert_eq!(current(&*store, &playback).await.unwrap(), None);
        let moves = (1..=32).map(|generation| {
            let (store, playback) = (Arc::clone(&store), playback.clone());
            tokio::spawn(async move { advance(&*store, &playback, generation).await.unwrap().generation >= generation })
        });
        for moved in futures::future::join_all(moves).await {
            assert!(moved.unwrap());
        }
        assert_eq!(current(&*store, &playback).await.unwrap(), Some(Pointer { generation: 32 }));
        assert_eq!(advance(&*store, &playback, 7).await.unwrap(), Pointer { generation: 32 });
    }

    #[tokio::test]
    async fn a_damaged_pointer_is_reported_and_left_alone() {
        let store = MemoryStore::default();
        let playback = PlaybackId::from_unique("1");
        store.put_new(&pointer_key(&playback), Bytes::from_static(b"{")).await.unwrap();
        assert!(matches!(advance(&store, &playback, 1).await, Err(StoreError::Damaged { .. })));
        assert_eq!(store.get(&pointer_key(&playback)).await.unwrap(), "{");
    }
}
