//! Objects that are put together on the server from others.

use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{Bucket, Put, TREE};
use crate::s3::hashes::hashes;
use crate::s3::refusal::{Refusal, other, sort};
use crate::{MAX_LISTED_KEYS, StoreError};

/// A multipart upload of S3 that was begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::s3) struct Multipart {
    /// The whole key of the object to be.
    pub(in crate::s3) object: String,
    /// What S3 calls it.
    pub(in crate::s3) id: String,
}

/// A part that is on the server.
pub(in crate::s3) struct Part(CompletedPart);

fn numbered(index: usize) -> i32 {
    i32::try_from(index + 1).unwrap_or(i32::MAX)
}

impl Bucket {
    /// Begins an object whose content will have this tree hash.
    pub(in crate::s3) async fn begin(&self, object: &str, tree: &str) -> Result<Multipart, StoreError> {
        let doing = "begin an object";
        let request = self.client.create_multipart_upload().bucket(&self.name).key(object).metadata(TREE, tree);
        let request = request.content_type("application/octet-stream");
        let request = match self.keeps_checksums {
            true => request.checksum_algorithm(ChecksumAlgorithm::Sha256),
            false => request,
        };
        let _turn = self.turn().await;
        let begun = request.send().await.map_err(|error| sort(doing, &self.name, error).failed(doing))?;
        let id = begun.upload_id.ok_or_else(|| other(doing, "the server gave it no name"))?;
        Ok(Multipart { object: object.to_owned(), id })
    }

    /// Makes the object `source`, with this SHA-256, a part. `None` when the source or the multipart upload is gone.
    pub(in crate::s3) async fn copy_part(
        &self,
        to: &Multipart,
        index: usize,
        source: &str,
        sha256: [u8; 32],
    ) -> Result<Option<Part>, StoreError> {
        let doing = "copy a part";
        let request = self.client.upload_part_copy().bucket(&self.name).key(&to.object).upload_id(&to.id);
        let request = request.part_number(numbered(index)).copy_source(format!("{}/{source}", self.name));
        let _turn = self.turn().await;
        let copied = match request.send().await.map_err(|error| sort(doing, &self.name, error)) {
            Ok(copied) => {
                copied.copy_part_result.ok_or_else(|| other(doing, "the server did not say what it copied"))?
            }
            Err(Refusal::Missing) => return Ok(None),
            Err(refusal) => return Err(refusal.failed(doing)),
        };
        let expected = BASE64_STANDARD.encode(sha256);
        if copied.checksum_sha256().is_some_and(|told| told != expected) {
            return Err(StoreError::Damaged { key: source.to_owned() });
        }
        let part = CompletedPart::builder().part_number(numbered(index)).set_e_tag(copied.e_tag);
        Ok(Some(Part(part.set_checksum_sha256(copied.checksum_sha256).build())))
    }

    /// Makes bytes a part. `None` when the multipart upload is gone.
    pub(in crate::s3) async fn put_part(
        &self,
        to: &Multipart,
        index: usize,
        bytes: Bytes,
    ) -> Result<Option<Part>, StoreError> {
        let doing = "write a part";
        let sha256 = BASE64_STANDARD.encode(hashes(&bytes).await.sha256);
        let request = self.client.upload_part().bucket(&self.name).key(&to.object).upload_id(&to.id);
        let request = request.part_number(numbered(index)).checksum_sha256(&sha256).body(ByteStream::from(bytes));
        let _turn = self.turn().await;
        match request.send().await.map_err(|error| sort(doing, &self.name, error)) {
            Ok(put) => {
                let part = CompletedPart::builder().part_number(numbered(index)).set_e_tag(put.e_tag);
                let part = part.set_checksum_sha256(self.keeps_checksums.then_some(sha256));
                Ok(Some(Part(part.build())))
            }
            Err(Refusal::Missing) => Ok(None),
            Err(refusal) => Err(refusal.failed(doing)),
        }
    }

    /// Makes the parts an object, unless there is one. `None` when the multipart upload is gone: perhaps it is the object.
    pub(in crate::s3) async fn complete(&self, whole: &Multipart, parts: Vec<Part>) -> Result<Option<Put>, StoreError> {
        let doing = "make parts an object";
        let parts = parts.into_iter().map(|part| part.0).collect();
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let request = self.client.complete_multipart_upload().bucket(&self.name).key(&whole.object);
        let request = request.upload_id(&whole.id).multipart_upload(parts).if_none_match("*");
        let _turn = self.turn().await;
        match request.send().await.map_err(|error| sort(doing, &self.name, error)) {
            Ok(done) => Ok(Some(Put::Done(done.e_tag.unwrap_or_default()))),
            Err(Refusal::Condition | Refusal::Busy) => Ok(Some(Put::Refused)),
            Err(Refusal::Missing) => Ok(None),
            Err(refusal) => Err(refusal.failed(doing)),
        }
    }

    /// Gives a multipart upload up; nothing happens when there is none.
    pub(in crate::s3) async fn abort(&self, multipart: &Multipart) -> Result<(), StoreError> {
        let doing = "give parts up";
        let request = self.client.abort_multipart_upload().bucket(&self.name).key(&multipart.object);
        let _turn = self.turn().await;
        match request.upload_id(&multipart.id).send().await.map_err(|error| sort(doing, &self.name, error)) {
            Ok(_) | Err(Refusal::Missing) => Ok(()),
            Err(refusal) => Err(refusal.failed(doing)),
        }
    }

    /// Multipart uploads below a prefix that were begun before `before`, a thousand at most.
    pub(in crate::s3) async fn begun_before(&self, prefix: &str, before_s: i64) -> Result<Vec<Multipart>, StoreError> {
        let doing = "list what was begun";
        let request = self.client.list_multipart_uploads().bucket(&self.name).prefix(prefix);
        let _turn = self.turn().await;
        let listed = request.max_uploads(MAX_LISTED_KEYS as i32).send().await;
        let listed = listed.map_err(|error| sort(doing, &self.name, error).failed(doing))?;
        let old = listed.uploads.unwrap_or_default().into_iter();
        let old = old.filter(|upload| upload.initiated.is_some_and(|at| at < DateTime::from_secs(before_s)));
        Ok(old.filter_map(|upload| Some(Multipart { object: upload.key?, id: upload.upload_id? })).collect())
    }
}
