//! Where bytes live: one trait over a folder, memory and (later) S3.
//!
//! - [`MediaStore`]: write-once objects, a compare-and-swap for pointers, and resumable staging of uploads.
//! - [`FolderStore`]: a folder. Objects appear whole and survive a power cut once acknowledged.
//! - [`MemoryStore`]: for tests and throw-away runs.
//! - [`mod@pointer`]: moving a publication's pointer, only upwards.
//!
//! Layer 3: the only crate that touches stored media.

mod error;
mod folder;
mod key;
mod memory;
pub mod pointer;
mod store;
#[cfg(test)]
mod testing;
mod tree_hash;

use std::sync::Arc;

pub use error::StoreError;
pub use folder::FolderStore;
pub use memory::MemoryStore;
pub use store::{
    MAX_LISTED_KEYS, MAX_OBJECT_BYTES, MediaStore, ObjectMeta, PutNew, StagedObject, StoreFuture, Version,
};

/// Opens the store that an operator named: the path of a folder, created when missing.
///
/// # Errors
/// [`StoreError::UnsupportedLocation`] for anything with a scheme, such as `s3://`; [`StoreError::Io`] when the folder
/// cannot be made, read or locked.
pub fn open(location: &str) -> Result<Arc<dyn MediaStore>, StoreError> {
    if location.starts_with("s3://") {
        return Err(StoreError::UnsupportedLocation {
            location: location.to_owned(),
            reason: "this build has no S3 support, name a folder instead",
        });
    }
    if location.is_empty() || location.contains("://") {
        return Err(StoreError::UnsupportedLocation {
            location: location.to_owned(),
            reason: "a media store is named by the path of a folder",
        });
    }
    Ok(Arc::new(FolderStore::open(location)?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_bucket_is_refused_with_one_sentence_and_a_folder_is_opened() {
        let refused = open("s3://lectures").map(|_| ()).unwrap_err().to_string();
        assert_eq!(
            refused,
            "cannot open the media store \"s3://lectures\": this build has no S3 support, name a folder instead"
        );
        assert!(matches!(open("https://x/y"), Err(StoreError::UnsupportedLocation { .. })));
        assert!(matches!(open(""), Err(StoreError::UnsupportedLocation { .. })));
        let folder = tempfile::tempdir().unwrap();
        assert!(open(folder.path().join("media").to_str().unwrap()).is_ok());
    }
}
