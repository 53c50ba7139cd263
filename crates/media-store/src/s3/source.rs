//! A bucket that others fill: what lies in it, and notes on that beside it.

use bytes::Bytes;

use super::bucket::{Bucket, Listed, Only};
use super::{connect, layout};
use crate::key::check_key;
use crate::store::check_size;
use crate::{MAX_LISTED_KEYS, StoreError};

/// What notes lie below, in the prefix.
const OWN: &str = ".lectern/";

/// A bucket that somebody else puts objects into, below a prefix. It is read, never written to but for notes below
/// `PREFIX/.lectern/`, and for objects that are to go.
pub struct BucketSource {
    bucket: Bucket,
    /// Empty, or ends with a slash.
    prefix: String,
}

/// One state of an object: what is put in its place is another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceObject {
    /// Its key below the prefix: any text.
    pub name: String,
    /// Size in bytes.
    pub size_bytes: u64,
    /// What its server tells its content by.
    pub etag: String,
    /// When it was put, by the server's clock, in milliseconds since 1970.
    pub modified_ms: i64,
}

/// Some objects, in byte order of their names.
pub struct Page {
    /// At most [`MAX_LISTED_KEYS`], and perhaps none.
    pub objects: Vec<SourceObject>,
    /// Where the next page begins; `None` behind the last.
    pub next: Option<String>,
}

impl BucketSource {
    /// Opens `s3://BUCKET/PREFIX`; the prefix may be left out and is any text. Asks the server once whether the bucket is there.
    ///
    /// # Errors
    /// As for [`crate::open`].
    pub async fn open(location: &str) -> Result<Self, StoreError> {
        let (name, prefix) = layout::parse_foreign(location)?;
        let bucket = connect::bucket(name).await?;
        bucket.look(&prefix).await?;
        Ok(Self::new(bucket, prefix))
    }

    pub(super) fn new(bucket: Bucket, prefix: String) -> Self {
        Self { bucket, prefix }
    }

    fn note_key(&self, name: &str) -> Result<String, StoreError> {
        check_key(name)?;
        Ok(format!("{}{OWN}{name}", self.prefix))
    }

    /// Objects behind `after`, which is the `next` of the page before. Notes are not among them.
    ///
    /// # Errors
    /// [`StoreError::Denied`] or [`StoreError::Unreachable`], as for all of these.
    pub async fn page(&self, after: Option<&str>) -> Result<Page, StoreError> {
        let after = after.map(|after| format!("{}{after}", self.prefix));
        let (listed, next) = self.bucket.objects(&self.prefix, after.as_deref()).await?;
        let below = |key: String| key.strip_prefix(&self.prefix).map(str::to_owned);
        let object = |listed: Listed| {
            let name = below(listed.key)?;
            let Listed { size_bytes, etag, modified_ms, .. } = listed;
            (!name.is_empty() && !name.starts_with(OWN)).then_some(SourceObject { name, size_bytes, etag, modified_ms })
        };
        Ok(Page { objects: listed.into_iter().filter_map(object).collect(), next: next.and_then(below) })
    }

    /// Up to `length` bytes, at least one, from `offset`, fewer at the end; `None` when the object is gone, or another one is in
    /// its place.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`] when `length` is above [`crate::MAX_OBJECT_BYTES`].
    pub async fn read(&self, object: &SourceObject, offset: u64, length: u64) -> Result<Option<Bytes>, StoreError> {
        check_size(&object.name, length)?;
        self.bucket.get_range_still(&format!("{}{}", self.prefix, object.name), &object.etag, offset, length).await
    }

    /// Removes the object, unless another one is in its place. (Of what is put there in the very moment, a server that
    /// knows no conditions for removals may remove that.)
    pub async fn remove(&self, object: &SourceObject) -> Result<(), StoreError> {
        self.bucket.delete_still(&format!("{}{}", self.prefix, object.name), &object.etag).await
    }

    /// Where a note lies, for people to look at.
    pub fn address_of(&self, name: &str) -> String {
        format!("s3://{}/{}{OWN}{name}", self.bucket.name(), self.prefix)
    }

    /// Leaves a note, in place of one of the same name. A name is a key as [`crate::MediaStore`] takes them.
    ///
    /// # Errors
    /// [`StoreError::InvalidKey`], and [`StoreError::TooLarge`].
    pub async fn note(&self, name: &str, bytes: Bytes) -> Result<(), StoreError> {
        check_size(name, bytes.len() as u64)?;
        self.bucket.put(&self.note_key(name)?, bytes, Only::Same).await.map(drop)
    }

    /// A note; `None` when there is none.
    ///
    /// # Errors
    /// [`StoreError::InvalidKey`], and [`StoreError::Damaged`].
    pub async fn noted(&self, name: &str) -> Result<Option<Bytes>, StoreError> {
        Ok(self.bucket.get(name, &self.note_key(name)?).await?.map(|found| found.bytes))
    }

    /// Names of notes below `folder` behind `after`: fewer than [`MAX_LISTED_KEYS`] only when there are no more.
    ///
    /// # Errors
    /// [`StoreError::InvalidKey`].
    pub async fn notes(&self, folder: &str, after: Option<&str>) -> Result<Vec<String>, StoreError> {
        let prefix = format!("{}/", self.note_key(folder)?);
        let after = after.map(|after| self.note_key(after)).transpose()?;
        let found = self.bucket.list(&prefix, after.as_deref(), MAX_LISTED_KEYS).await?;
        let own = format!("{}{OWN}", self.prefix);
        Ok(found.iter().filter_map(|key| key.strip_prefix(&own)).map(str::to_owned).collect())
    }

    /// Removes a note; nothing happens when there is none.
    ///
    /// # Errors
    /// [`StoreError::InvalidKey`].
    pub async fn forget(&self, name: &str) -> Result<(), StoreError> {
        self.bucket.delete(&self.note_key(name)?).await
    }
}
