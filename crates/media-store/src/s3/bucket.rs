//! Single requests to a bucket, under whole keys: bounded in number, bytes and time.

mod direct;
mod foreign;
mod multipart;

use std::collections::HashMap;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::operation::head_object::builders::HeadObjectFluentBuilder;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Duration, sleep, timeout};
use uuid::Uuid;

use super::clock::ServerClock;
use super::connect::CALL_WITHIN;
use super::hashes::hashes;
use super::refusal::{Refusal, other, sort};
use crate::StoreError;
use crate::store::{MAX_LISTED_KEYS, check_size};

pub(super) use foreign::Listed;
pub(super) use multipart::{Multipart, Part};

/// Requests at once; others wait their turn.
const MAX_REQUESTS: usize = 64;
/// How often a body that breaks off is asked for, and a write that met another one is sent.
const TRIES: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// No object of S3 is longer.
const MAX_S3_OBJECT_BYTES: u64 = 50 << 40;

/// What is being done when an object is asked about.
const LOOKING: &str = "look at an object";

/// Names of metadata: the tree hash of an object's content, and the call that wrote it.
const TREE: &str = "lectern-tree";
const WRITER: &str = "lectern-writer";

/// A bucket that answers.
pub(super) struct Bucket {
    client: Client,
    /// Signs what others will ask for, where they reach the server.
    signer: Client,
    clock: ServerClock,
    name: String,
    /// Whether the server is known to keep SHA-256 of parts.
    keeps_checksums: bool,
    turns: Semaphore,
}

/// When a write counts.
#[derive(Clone, Copy)]
pub(super) enum Only<'a> {
    /// There is nothing.
    New,
    /// What is there has this ETag.
    Still(&'a str),
    /// Whatever there is: the key says what the content is.
    Same,
}

/// What became of a write.
pub(super) enum Put {
    /// It counts, and the object has this ETag.
    Done(String),
    /// Its condition did not hold, and nothing changed.
    Refused,
}

/// A whole object.
pub(super) struct Found {
    pub(super) bytes: Bytes,
    pub(super) etag: String,
    /// The tree hash of `bytes`.
    pub(super) tree: String,
}

/// What is known of an object.
pub(super) struct Head {
    pub(super) size_bytes: u64,
    /// The recorded tree hash; `None` for what others wrote.
    pub(super) tree: Option<String>,
    etag: String,
    writer: Option<String>,
}

fn pause(tried: u32) -> impl Future<Output = ()> {
    sleep(FIRST_PAUSE * 2u32.pow(tried.min(TRIES)))
}

fn length_of(told: Option<i64>) -> u64 {
    u64::try_from(told.unwrap_or_default()).unwrap_or_default()
}

impl Bucket {
    pub(super) fn new(config: Builder, name: &str, keeps_checksums: bool) -> Self {
        let clock = ServerClock::default();
        let client = Client::from_conf(config.interceptor(clock.clone()).build());
        let (signer, turns) = (client.clone(), Semaphore::new(MAX_REQUESTS));
        Self { client, signer, clock, name: name.to_owned(), keeps_checksums, turns }
    }

    /// The same, of a server that others reach as `config` says.
    pub(super) fn signing_by(self, config: Builder) -> Self {
        Self { signer: Client::from_conf(config.build()), ..self }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    async fn turn(&self) -> SemaphorePermit<'_> {
        self.turns.acquire().await.expect("the semaphore is never closed")
    }

    /// Whether the bucket is there and may be listed below `prefix`.
    pub(super) async fn look(&self, prefix: &str) -> Result<(), StoreError> {
        let doing = "look at the bucket";
        let asked = self.client.list_objects_v2().bucket(&self.name).prefix(prefix).max_keys(1).send().await;
        match asked.map_err(|error| sort(doing, &self.name, error)) {
            Ok(_) => Ok(()),
            Err(Refusal::Missing) => Err(StoreError::NoBucket { bucket: self.name.clone() }),
            Err(refusal) => Err(refusal.failed(doing)),
        }
    }

    /// Writes an object, whose bytes the server compares with their SHA-256. A write that was made again because its answer
    /// was lost finds its own: it is known by the call that it names.
    pub(super) async fn put(&self, key: &str, bytes: Bytes, only: Only<'_>) -> Result<Put, StoreError> {
        let doing = "write an object";
        let hashes = hashes(&bytes).await;
        let writer = Uuid::new_v4().simple().to_string();
        for tried in 1..=TRIES {
            let request = self.client.put_object().bucket(&self.name).key(key);
            let request = match only {
                Only::New => request.if_none_match("*"),
                Only::Still(etag) => request.if_match(etag),
                Only::Same => request,
            };
            let request = request
                .content_type("application/octet-stream")
                .checksum_sha256(BASE64_STANDARD.encode(hashes.sha256))
                .metadata(TREE, &hashes.tree)
                .metadata(WRITER, &writer)
                .body(ByteStream::from(bytes.clone()));
            let sent = {
                let _turn = self.turn().await;
                request.send().await
            };
            let refusal = match sent {
                Ok(done) => return Ok(Put::Done(done.e_tag.unwrap_or_default())),
                Err(error) => sort(doing, &self.name, error),
            };
            match refusal {
                Refusal::Condition | Refusal::Missing => match self.head(key).await? {
                    Some(head) if head.writer.as_ref() == Some(&writer) => return Ok(Put::Done(head.etag)),
                    None if matches!(only, Only::New) => {}
                    _ => return Ok(Put::Refused),
                },
                Refusal::Busy => pause(tried).await,
                refusal => return Err(refusal.failed(doing)),
            }
        }
        if matches!(only, Only::New) && self.head(key).await?.is_none() {
            return Err(other(doing, "others began to write it again and again, and none ended"));
        }
        Ok(Put::Refused)
    }

    /// The whole object, compared with what was recorded when it was written; `None` when there is none. `name` is for
    /// errors.
    pub(super) async fn get(&self, name: &str, key: &str) -> Result<Option<Found>, StoreError> {
        let answer = self.read(key, None, None, |told| check_size(name, told)).await?;
        let Some((told, bytes)) = answer else { return Ok(None) };
        let tree = hashes(&bytes).await.tree;
        if told.metadata().and_then(|metadata| metadata.get(TREE)).is_some_and(|recorded| *recorded != tree) {
            return Err(StoreError::Damaged { key: name.to_owned() });
        }
        Ok(Some(Found { bytes, etag: told.e_tag.unwrap_or_default(), tree }))
    }

    /// Up to `length` bytes from `offset`; `None` when there is no object.
    pub(super) async fn get_range(&self, key: &str, offset: u64, length: u64) -> Result<Option<Bytes>, StoreError> {
        if length == 0 || offset >= MAX_S3_OBJECT_BYTES {
            return Ok(self.head(key).await?.map(|_| Bytes::new()));
        }
        self.part_of(key, None, offset, length).await
    }

    /// The same of some bytes at least; `None` also when the object has another ETag than `still`.
    async fn part_of(
        &self,
        key: &str,
        still: Option<&str>,
        offset: u64,
        length: u64,
    ) -> Result<Option<Bytes>, StoreError> {
        let range = format!("bytes={offset}-{}", offset.saturating_add(length - 1));
        let fits =
            |told| if told <= length { Ok(()) } else { Err(other("read an object", "more came than was asked for")) };
        Ok(self.read(key, still, Some(range), fits).await?.map(|(_, bytes)| bytes))
    }

    /// Reads a body whose announced length passes `fits`; again from the start when it breaks off.
    async fn read(
        &self,
        key: &str,
        still: Option<&str>,
        range: Option<String>,
        fits: impl Fn(u64) -> Result<(), StoreError>,
    ) -> Result<Option<(GetObjectOutput, Bytes)>, StoreError> {
        let doing = "read an object";
        for tried in 1.. {
            let _turn = self.turn().await;
            let request = self.client.get_object().bucket(&self.name).key(key).set_range(range.clone());
            let request = request.set_if_match(still.map(str::to_owned));
            let mut told = match request.send().await.map_err(|error| sort(doing, &self.name, error)) {
                Ok(told) => told,
                Err(Refusal::Missing) => return Ok(None),
                Err(Refusal::Condition) if still.is_some() => return Ok(None),
                // Behind the end there is nothing, which is no error here.
                Err(Refusal::Range) => return Ok(Some((GetObjectOutput::builder().build(), Bytes::new()))),
                Err(refusal) => return Err(refusal.failed(doing)),
            };
            let length = length_of(told.content_length());
            fits(length)?;
            let body = std::mem::take(&mut told.body);
            let why = match timeout(CALL_WITHIN, body.collect()).await {
                Ok(Ok(body)) => match body.into_bytes() {
                    bytes if bytes.len() as u64 == length => return Ok(Some((told, bytes))),
                    _ => "the body was shorter than announced".to_owned(),
                },
                Ok(Err(broken)) => broken.to_string(),
                Err(_late) => "the body did not end".to_owned(),
            };
            if tried == TRIES {
                return Err(StoreError::Unreachable { doing, source: std::io::Error::other(why) });
            }
            pause(tried).await;
        }
        Ok(None)
    }

    /// Asks about an object; once more when that is denied. There is no body to say that it was for the time alone, and what
    /// the SDK learned from the answer is what the other one is signed for.
    async fn ask(&self, request: HeadObjectFluentBuilder) -> Result<HeadObjectOutput, Refusal> {
        let sorted = |error| sort(LOOKING, &self.name, error);
        let _turn = self.turn().await;
        match request.clone().send().await.map_err(sorted) {
            Err(Refusal::Failed(StoreError::Denied { .. })) => request.send().await.map_err(sorted),
            asked => asked,
        }
    }

    pub(super) async fn head(&self, key: &str) -> Result<Option<Head>, StoreError> {
        match self.ask(self.client.head_object().bucket(&self.name).key(key)).await {
            Ok(told) => {
                let mut metadata: HashMap<_, _> = told.metadata.unwrap_or_default();
                Ok(Some(Head {
                    size_bytes: length_of(told.content_length),
                    tree: metadata.remove(TREE),
                    writer: metadata.remove(WRITER),
                    etag: told.e_tag.unwrap_or_default(),
                }))
            }
            Err(Refusal::Missing) => Ok(None),
            Err(refusal) => Err(refusal.failed(LOOKING)),
        }
    }

    /// Whole keys, in byte order: fewer than `limit` only when there are no more.
    pub(super) async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        let doing = "list objects";
        let mut keys: Vec<String> = Vec::new();
        while keys.len() < limit {
            let after = keys.last().map(String::as_str).or(after).map(str::to_owned);
            let page = i32::try_from((limit - keys.len()).min(MAX_LISTED_KEYS)).unwrap_or(i32::MAX);
            let request = self.client.list_objects_v2().bucket(&self.name).prefix(prefix).max_keys(page);
            let _turn = self.turn().await;
            let listed = request.set_start_after(after).send().await;
            let listed = listed.map_err(|error| sort(doing, &self.name, error).failed(doing))?;
            let found = keys.len();
            keys.extend(listed.contents.unwrap_or_default().into_iter().filter_map(|object| object.key));
            if listed.is_truncated != Some(true) || keys.len() == found {
                break;
            }
        }
        keys.truncate(limit);
        Ok(keys)
    }

    pub(super) async fn delete(&self, key: &str) -> Result<(), StoreError> {
        let doing = "remove an object";
        let _turn = self.turn().await;
        let asked = self.client.delete_object().bucket(&self.name).key(key).send().await;
        match asked.map_err(|error| sort(doing, &self.name, error)) {
            Ok(_) | Err(Refusal::Missing) => Ok(()),
            Err(refusal) => Err(refusal.failed(doing)),
        }
    }

    /// Removes everything below a prefix, a thousand at a time.
    pub(super) async fn delete_prefix(&self, prefix: &str) -> Result<(), StoreError> {
        let mut after: Option<String> = None;
        loop {
            let keys = self.list(prefix, after.as_deref(), MAX_LISTED_KEYS).await?;
            after = keys.last().cloned();
            let is_last = keys.len() < MAX_LISTED_KEYS;
            self.delete_all(keys).await?;
            if is_last {
                return Ok(());
            }
        }
    }

    /// Removes at most a thousand objects.
    pub(super) async fn delete_all(&self, keys: Vec<String>) -> Result<(), StoreError> {
        let doing = "remove objects";
        if keys.is_empty() {
            return Ok(());
        }
        let named = keys.into_iter().map(|key| ObjectIdentifier::builder().key(key).build());
        let named = named.collect::<Result<Vec<_>, _>>().map_err(|error| other(doing, error))?;
        let all =
            Delete::builder().set_objects(Some(named)).quiet(true).build().map_err(|error| other(doing, error))?;
        let _turn = self.turn().await;
        let done = self.client.delete_objects().bucket(&self.name).delete(all).send().await;
        let done = done.map_err(|error| sort(doing, &self.name, error).failed(doing))?;
        match done.errors().first() {
            None => Ok(()),
            Some(error) if error.code() == Some("AccessDenied") => Err(StoreError::Denied { doing }),
            Some(error) => Err(other(doing, error.message().unwrap_or("the server did not say why").to_owned())),
        }
    }
}
