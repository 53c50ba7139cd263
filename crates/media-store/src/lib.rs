//! Where bytes live: one trait over a folder, memory and S3.
//!
//! - [`MediaStore`]: write-once objects, a compare-and-swap for pointers, and resumable staging of uploads.
//! - [`FolderStore`]: a folder. Objects appear whole and survive a power cut once acknowledged.
//! - [`S3Store`] (feature `s3`): a bucket of anything that speaks S3. The wall around `aws-sdk-s3`.
//! - [`BucketSource`] (feature `s3`): a bucket that others fill, to read from.
//! - `s3_server` (feature `testing`): an S3 server to test with.
//! - [`MemoryStore`]: for tests and throw-away runs.
//! - [`DirectAccess`]: what clients that hold no key to a store may send there and fetch from there.
//! - [`Counted`]: another store, and how much goes through it.
//! - [`mod@pointer`]: moving a publication's pointer, only upwards.
//!
//! Layer 3: the only crate that touches stored media.

mod counted;
mod direct;
mod error;
mod folder;
mod key;
mod memory;
pub mod pointer;
#[cfg(feature = "s3")]
mod s3;
mod store;
#[cfg(test)]
mod testing;
mod tree_hash;

use std::sync::Arc;

pub use counted::{Counted, Traffic};
pub use direct::{BLOCK_BYTES, Block, DirectAccess, SignedRequest, Taken};
pub use error::StoreError;
pub use folder::FolderStore;
pub use memory::MemoryStore;
#[cfg(feature = "testing")]
pub use s3::server as s3_server;
#[cfg(feature = "s3")]
pub use s3::{BucketSource, Page, S3Store, SourceObject};
pub use store::{
    MAX_LISTED_KEYS, MAX_OBJECT_BYTES, MediaStore, ObjectMeta, PutNew, StagedObject, StoreFuture, Version,
};

/// Opens the store that an operator named: the path of a folder, created when missing, or `s3://BUCKET/PREFIX`, which must
/// be there. Where S3 is and who asks for it come from the variables and files that all its programs read.
///
/// # Errors
/// [`StoreError::UnsupportedLocation`] for anything else with a scheme; [`StoreError::Io`] when a folder cannot be made,
/// read or locked; [`StoreError::NoCredentials`], [`StoreError::NoBucket`], [`StoreError::Denied`] or
/// [`StoreError::Unreachable`] of a bucket.
pub async fn open(location: &str) -> Result<Arc<dyn MediaStore>, StoreError> {
    let unsupported = |reason| StoreError::UnsupportedLocation { location: location.to_owned(), reason };
    if location.starts_with("s3://") {
        #[cfg(feature = "s3")]
        return Ok(Arc::new(S3Store::open(location).await?));
        #[cfg(not(feature = "s3"))]
        return Err(unsupported("this build has no S3 support, name a folder instead"));
    }
    if location.is_empty() || location.contains("://") {
        return Err(unsupported("a media store is a folder or a bucket"));
    }
    Ok(Arc::new(FolderStore::open(location)?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn a_store_is_a_folder_or_a_bucket() {
        for bad in ["https://x/y", "", "s3://", "s3://no", "s3://Lectures", "s3://lectures/a//b", "s3://lectures/../x"]
        {
            let refused = open(bad).await.map(|_| ()).unwrap_err();
            assert!(matches!(refused, StoreError::UnsupportedLocation { .. }), "{bad:?}: {refused}");
        }
        let folder = tempfile::tempdir().unwrap();
        assert!(open(folder.path().join("media").to_str().unwrap()).await.is_ok());
    }
}
