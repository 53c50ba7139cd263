//! Blocks of an upload that come straight from a client.
//!
//! A block is a part of the record, under the same name, which says its place and its hash. Whoever is given a signed write
//! can make nothing else of it: length and hash are in the signature, and the server compares the bytes. So all that is left is
//! to see that a block is there; then the record names it, as if it had come through here.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};

use super::S3Store;
use super::bucket::Only;
use super::stage::Known;
use super::upload::{MAX_UPLOAD_BYTES, Phase, Step, UploadRecord, name};
use crate::direct::{DirectAccess, SignedRequest, Taken};
use crate::key::check_key;
use crate::{BLOCK_BYTES, Block, StoreError, StoreFuture};

/// Blocks that are looked for at once; where the server keeps no hashes, each takes 8 MiB of memory.
const LOOKS_AT_ONCE: usize = 16;
/// Blocks between two writes of the record: what was found before a kill is not looked for again.
const BLOCKS_A_RECORD: usize = 256;

fn place_of(block: &Block) -> u64 {
    block.index.saturating_mul(BLOCK_BYTES)
}

impl S3Store {
    /// Before the first signed write: a server that compares nothing would take whatever is sent.
    async fn compares_hashes(&self) -> Result<(), StoreError> {
        let tried = self.hashes_compared.get_or_try_init(|| async {
            match self.bucket.compares(&self.layout.hashes()).await? {
                true => Ok(()),
                false => Err(StoreError::UnsupportedLocation {
                    location: format!("s3://{}", self.bucket.name()),
                    reason: "its server takes bytes that do not hash to what is said of them (x-amz-checksum-sha256)",
                }),
            }
        });
        tried.await.map(|_| ())
    }

    /// The record of an upload that takes bytes; a new one if there is none.
    async fn open_upload(&self, key: &str) -> Result<Known, StoreError> {
        check_key(key)?;
        self.honours_conditions().await?;
        self.compares_hashes().await?;
        match self.load(key).await? {
            Some(Known { upload: UploadRecord { phase: Phase::Finishing { .. }, .. }, .. }) => {
                Err(StoreError::conflict(key))
            }
            Some(known) if known.upload.phase == Phase::Open => Ok(known),
            given_up_or_none => self.begin(key, given_up_or_none).await,
        }
    }

    async fn sign(&self, key: &str, blocks: &[Block], valid: Duration) -> Result<Vec<SignedRequest>, StoreError> {
        let known = self.open_upload(key).await?;
        let folder = self.layout.bytes(key, &known.upload.id);
        let mut signed = Vec::with_capacity(blocks.len());
        for block in blocks {
            let end = place_of(block).saturating_add(block.length);
            if end > MAX_UPLOAD_BYTES || block.length > BLOCK_BYTES {
                return Err(StoreError::TooLarge {
                    key: key.to_owned(),
                    size_bytes: end,
                    limit_bytes: MAX_UPLOAD_BYTES,
                });
            }
            let object = folder.clone() + &name(place_of(block), &hex::encode(block.sha256));
            signed.push(self.bucket.sign_put(&object, block, valid).await?);
        }
        Ok(signed)
    }

    async fn take(&self, key: &str, blocks: &[Block]) -> Result<Taken, StoreError> {
        let mut known = self.open_upload(key).await?;
        loop {
            let there = known.upload.names(blocks);
            let rest = &blocks[there..];
            let missing = blocks.get(there).map(|block| block.index);
            if rest.is_empty() || !known.upload.goes_on_with(&rest[0]) {
                return Ok(Taken { length: known.upload.length, missing });
            }
            let now = &rest[..rest.len().min(BLOCKS_A_RECORD)];
            let found = self.count_held(key, &known.upload, now).await?;
            if found == 0 {
                return Ok(Taken { length: known.upload.length, missing });
            }
            let mut next = known.upload;
            for block in &now[..found] {
                let fills = block.length == BLOCK_BYTES;
                let take = usize::try_from(block.length).unwrap_or(usize::MAX);
                next.record(&Step { take, gather: false, fills }, hex::encode(block.sha256));
            }
            known = self.save(key, Only::Still(&known.etag), next).await?;
        }
    }

    /// How many of the first blocks are in the bucket.
    async fn count_held(&self, key: &str, upload: &UploadRecord, blocks: &[Block]) -> Result<usize, StoreError> {
        let folder = &self.layout.bytes(key, &upload.id);
        let looks = stream::iter(blocks.to_vec()).map(|block| async move {
            let object = format!("{folder}{}", name(place_of(&block), &hex::encode(block.sha256)));
            self.bucket.holds(&object, &block).await
        });
        let held = looks.buffered(LOOKS_AT_ONCE).try_take_while(|held| std::future::ready(Ok(*held)));
        held.try_fold(0, |count, _| std::future::ready(Ok(count + 1))).await
    }
}

impl UploadRecord {
    /// How many of these blocks, from the first on, it has already.
    fn names(&self, blocks: &[Block]) -> usize {
        let places = self.part_places().chain(self.tail_places());
        let same = |(place, block): &(super::upload::Place, &Block)| {
            (place.start, place.length) == (place_of(block), block.length) && place.sha256 == hex::encode(block.sha256)
        };
        places.zip(blocks).take_while(same).count()
    }

    /// Whether a block begins where it ends.
    fn goes_on_with(&self, block: &Block) -> bool {
        let fits = (1..=BLOCK_BYTES).contains(&block.length) && self.length + block.length <= MAX_UPLOAD_BYTES;
        fits && self.tail.is_empty() && self.length == place_of(block)
    }
}

impl DirectAccess for S3Store {
    fn sign_blocks<'a>(
        &'a self,
        upload_key: &'a str,
        blocks: &'a [Block],
        valid: Duration,
    ) -> StoreFuture<'a, Vec<SignedRequest>> {
        Box::pin(self.sign(upload_key, blocks, valid))
    }

    fn take_blocks<'a>(&'a self, upload_key: &'a str, blocks: &'a [Block]) -> StoreFuture<'a, Taken> {
        Box::pin(self.take(upload_key, blocks))
    }

    fn sign_get<'a>(&'a self, key: &'a str, disposition: &'a str, valid: Duration) -> StoreFuture<'a, SignedRequest> {
        Box::pin(async move {
            check_key(key)?;
            self.bucket.sign_get(&self.layout.object(key), disposition, valid).await
        })
    }
}
