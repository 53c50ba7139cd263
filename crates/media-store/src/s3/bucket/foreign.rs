//! Objects that others put: under any text, and there for as long as these like.

use bytes::Bytes;

use super::{Bucket, length_of};
use crate::s3::refusal::{Refusal, sort};
use crate::{MAX_LISTED_KEYS, StoreError};

use aws_sdk_s3::types::EncodingType;

/// An object as a listing tells of it.
pub(in crate::s3) struct Listed {
    pub(in crate::s3) key: String,
    pub(in crate::s3) size_bytes: u64,
    pub(in crate::s3) etag: String,
    pub(in crate::s3) modified_ms: i64,
}

/// A key that was written so that any text goes through XML: form encoding.
fn decoded(key: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(key.len());
    let mut rest = key.bytes();
    while let Some(byte) = rest.next() {
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => u8::try_from(digit(rest.next())? << 4 | digit(rest.next())?).ok()?,
            plain => plain,
        });
    }
    String::from_utf8(bytes).ok()
}

/// An ETag as headers have it; not every server puts quotes around those that it lists.
fn quoted(etag: String) -> String {
    if etag.ends_with('"') { etag } else { format!("\"{etag}\"") }
}

impl Bucket {
    /// The next objects behind `after`, in byte order, and where to go on; those whose keys cannot be read are left out.
    pub(in crate::s3) async fn objects(
        &self,
        prefix: &str,
        after: Option<&str>,
    ) -> Result<(Vec<Listed>, Option<String>), StoreError> {
        let doing = "list objects";
        let request = self.client.list_objects_v2().bucket(&self.name).prefix(prefix).max_keys(MAX_LISTED_KEYS as i32);
        let request = request.encoding_type(EncodingType::Url).set_start_after(after.map(str::to_owned));
        let _turn = self.turn().await;
        let listed = request.send().await.map_err(|error| sort(doing, &self.name, error).failed(doing))?;
        let is_encoded = listed.encoding_type == Some(EncodingType::Url);
        let read = |key: String| if is_encoded { decoded(&key) } else { Some(key) };
        let is_last = listed.is_truncated != Some(true);
        let contents = listed.contents.unwrap_or_default();
        let last = contents.iter().rev().find_map(|object| read(object.key.clone()?));
        let objects = contents.into_iter().filter_map(|object| {
            Some(Listed {
                key: read(object.key?)?,
                size_bytes: length_of(object.size),
                etag: quoted(object.e_tag?),
                modified_ms: object.last_modified.and_then(|at| at.to_millis().ok()).unwrap_or_default(),
            })
        });
        Ok((objects.collect(), last.filter(|_| !is_last)))
    }

    /// Up to `length` bytes from `offset` of the object that has this ETag; `None` when there is no such one any more.
    pub(in crate::s3) async fn get_range_still(
        &self,
        key: &str,
        etag: &str,
        offset: u64,
        length: u64,
    ) -> Result<Option<Bytes>, StoreError> {
        self.part_of(key, Some(etag), offset, length.max(1)).await
    }

    /// Removes the object, if it has this ETag.
    pub(in crate::s3) async fn delete_still(&self, key: &str, etag: &str) -> Result<(), StoreError> {
        let doing = "remove an object";
        // Not every server looks at the condition of a removal.
        if self.head(key).await?.is_none_or(|head| head.etag != etag) {
            return Ok(());
        }
        let _turn = self.turn().await;
        let asked = self.client.delete_object().bucket(&self.name).key(key).if_match(etag).send().await;
        match asked.map_err(|error| sort(doing, &self.name, error)) {
            Ok(_) | Err(Refusal::Missing | Refusal::Condition | Refusal::Busy) => Ok(()),
            Err(refusal) => Err(refusal.failed(doing)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_any_text_are_read() {
        for (key, text) in [
            ("a/b.mp4", Some("a/b.mp4")),
            ("in+box/Vorlesung%201%2B%C3%A4.mp4", Some("in box/Vorlesung 1+ä.mp4")),
            ("%0a", Some("\n")),
            ("%", None),
            ("%4", None),
            ("%zz", None),
            ("%ff", None),
        ] {
            assert_eq!(decoded(key).as_deref(), text, "{key}");
        }
    }
}
