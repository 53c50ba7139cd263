//! Requests that others make, and what became of them.

use std::time::Duration;

use aws_sdk_s3::presigning::{PresignedRequest, PresigningConfig};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ChecksumMode;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::{Bucket, LOOKING, length_of};
use crate::direct::SignedRequest;
use crate::s3::hashes::hashes;
use crate::s3::refusal::{Refusal, other, sort};
use crate::{Block, StoreError};

/// What the server answers to bytes that are not those of their checksum.
const BAD_REQUEST: u16 = 400;

fn signed(request: &PresignedRequest) -> SignedRequest {
    let headers = request.headers().filter(|(name, _)| !name.eq_ignore_ascii_case("host"));
    SignedRequest {
        url: request.uri().to_owned(),
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
    }
}

impl Bucket {
    /// From now on, by the server's clock.
    fn during(&self, doing: &'static str, valid: Duration) -> Result<PresigningConfig, StoreError> {
        let from = PresigningConfig::builder().start_time(self.clock.now());
        from.expires_in(valid).build().map_err(|error| other(doing, error))
    }

    /// A write of one block, whose length and hash are signed.
    pub(in crate::s3) async fn sign_put(
        &self,
        key: &str,
        block: &Block,
        valid: Duration,
    ) -> Result<SignedRequest, StoreError> {
        let doing = "sign a write";
        let request = self.signer.put_object().bucket(&self.name).key(key);
        let request = request.content_length(i64::try_from(block.length).map_err(|error| other(doing, error))?);
        let request = request.checksum_sha256(BASE64_STANDARD.encode(block.sha256));
        let presigned = request.presigned(self.during(doing, valid)?).await;
        presigned.map(|request| signed(&request)).map_err(|error| sort(doing, &self.name, error).failed(doing))
    }

    /// A read of an object.
    pub(in crate::s3) async fn sign_get(
        &self,
        key: &str,
        disposition: &str,
        valid: Duration,
    ) -> Result<SignedRequest, StoreError> {
        let doing = "sign a read";
        let request = self.signer.get_object().bucket(&self.name).key(key);
        let request = request.response_content_disposition(disposition);
        let request = request.response_content_type("application/octet-stream");
        let presigned = request.presigned(self.during(doing, valid)?).await;
        presigned.map(|request| signed(&request)).map_err(|error| sort(doing, &self.name, error).failed(doing))
    }

    /// Whether the server refuses bytes that do not hash to what is said of them; tries it under `key`.
    pub(in crate::s3) async fn compares(&self, key: &str) -> Result<bool, StoreError> {
        let doing = "write an object";
        let request =
            self.client.put_object().bucket(&self.name).key(key).checksum_sha256(BASE64_STANDARD.encode([0; 32]));
        let _turn = self.turn().await;
        match request.body(ByteStream::from_static(b"lectern")).send().await {
            Ok(_) => Ok(false),
            Err(error) if error.raw_response().is_some_and(|answer| answer.status().as_u16() == BAD_REQUEST) => {
                Ok(true)
            }
            Err(error) => Err(sort(doing, &self.name, error).failed(doing)),
        }
    }

    /// Whether an object holds a block: as the server says, which compared it with its hash when it was written and keeps that,
    /// or by reading it where the server does not say.
    pub(in crate::s3) async fn holds(&self, key: &str, block: &Block) -> Result<bool, StoreError> {
        let request = self.client.head_object().bucket(&self.name).key(key);
        let told = match self.ask(request.checksum_mode(ChecksumMode::Enabled)).await {
            Ok(told) => told,
            Err(Refusal::Missing) => return Ok(false),
            Err(refusal) => return Err(refusal.failed(LOOKING)),
        };
        if length_of(told.content_length) != block.length {
            return Ok(false);
        }
        match told.checksum_sha256 {
            Some(told) => Ok(told == BASE64_STANDARD.encode(block.sha256)),
            None => match self.get_range(key, 0, block.length).await? {
                Some(bytes) => Ok(hashes(&bytes).await.sha256 == block.sha256),
                None => Ok(false),
            },
        }
    }
}
