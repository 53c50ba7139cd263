//! An S3 server in this process: `s3s` speaks the protocol and checks signatures, `s3s-fs` keeps the bytes in a folder.
//!
//! What that lacks of S3 is added around it: writes are atomic with their conditions, an unknown multipart upload is said to
//! be unknown, those begun are listed, and copied parts are told with their SHA-256. And it can be struck: a chosen request
//! is answered with an error, or never, before it was carried out or after.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use aws_config::retry::RetryConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Builder, Credentials, Region};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures::future::{BoxFuture, pending};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use s3s::auth::SimpleAuth;
use s3s::dto::*;
use s3s::service::S3ServiceBuilder;
use s3s::{S3, S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};
use s3s_fs::FileSystem;
use sha2::{Digest, Sha256};
use tokio::sync::{Notify, RwLock};

use crate::S3Store;
use crate::s3::bucket::Bucket;
use crate::s3::connect::{https, plain};
use crate::s3::layout;

pub(super) const BUCKET: &str = "lectures";
const LOCATION: &str = "s3://lectures/some/where";
pub(super) const KEYS: (&str, &str) = ("access", "secret");

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blow {
    /// It fails before anything was done, or after all was.
    Fails { done: bool },
    /// Whoever asked is killed, before anything was done or after all was.
    Kills { done: bool },
}

#[derive(Default)]
struct State {
    /// Requests until the blow falls, and which it is.
    blow: Option<(usize, Blow)>,
    /// Whether there is room for nothing.
    full: bool,
    requests: usize,
    /// Multipart uploads by id: key and beginning.
    begun: BTreeMap<String, (String, SystemTime)>,
}

/// A server, until dropped.
pub(super) struct Server {
    _root: tempfile::TempDir,
    address: SocketAddr,
    core: Core,
    task: tokio::task::JoinHandle<()>,
}

#[derive(Clone)]
struct Core {
    files: Arc<FileSystem>,
    root: PathBuf,
    state: Arc<Mutex<State>>,
    killed: Arc<Notify>,
    /// Conditions hold until what they were for is done.
    turn: Arc<RwLock<()>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(super) async fn start() -> Self {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join(BUCKET)).unwrap();
        let core = Core {
            files: Arc::new(FileSystem::new(root.path()).unwrap()),
            root: root.path().to_owned(),
            state: Arc::default(),
            killed: Arc::default(),
            turn: Arc::default(),
        };
        let mut service = S3ServiceBuilder::new(core.clone());
        service.set_auth(SimpleAuth::from_single(KEYS.0, KEYS.1));
        let service = service.build();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let service = service.clone();
                tokio::spawn(async move {
                    let http = auto::Builder::new(TokioExecutor::new());
                    let _ = http.serve_connection(TokioIo::new(socket), service).await;
                });
            }
        });
        Self { _root: root, address, core, task }
    }

    pub(super) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A store as another process would open it, which asks so many times.
    pub(super) fn store(&self, attempts: u32) -> S3Store {
        self.store_for(BUCKET, KEYS.1, attempts)
    }

    pub(super) fn store_for(&self, bucket: &str, secret: &str, attempts: u32) -> S3Store {
        let retry = RetryConfig::standard().with_max_attempts(attempts);
        let config = Builder::new()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(Credentials::new(KEYS.0, secret, None, None, "tests"))
            .region(Region::from_static("us-east-1"))
            .endpoint_url(self.endpoint())
            .force_path_style(true)
            .http_client(https())
            .retry_config(retry.with_initial_backoff(std::time::Duration::from_millis(1)));
        let client = Client::from_conf(plain(config).build());
        let (_, layout) = layout::parse(LOCATION).unwrap();
        S3Store::new(Bucket::new(client, bucket, true), layout)
    }

    /// Strikes the `nth` request from now on, counted from 1.
    pub(super) fn strike(&self, nth: usize, blow: Blow) {
        self.core.state.lock().unwrap().blow = Some((nth, blow));
    }

    /// Has it refuse every write from now on, as servers with quotas do.
    pub(super) fn fill(&self) {
        self.core.state.lock().unwrap().full = true;
    }

    /// Ends once a request was struck that kills.
    pub(super) async fn kill(&self) {
        self.core.killed.notified().await;
    }

    /// Whether a blow is still to fall; it does not any more.
    pub(super) fn spare(&self) -> bool {
        self.core.state.lock().unwrap().blow.take().is_some()
    }

    pub(super) fn requests(&self) -> usize {
        self.core.state.lock().unwrap().requests
    }

    pub(super) fn multiparts(&self) -> usize {
        self.core.state.lock().unwrap().begun.len()
    }

    /// Every object of the bucket, by whatever prefix.
    pub(super) fn bucket(&self) -> PathBuf {
        self.core.root.join(BUCKET)
    }

    /// Every key below the prefix and `below`.
    pub(super) fn keys(&self, below: &str) -> Vec<String> {
        let root = self.core.root.join(BUCKET).join("some/where");
        let mut folders = vec![root.join(below)];
        let mut keys = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => folders.push(path),
                    false => keys.push(path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned()),
                }
            }
        }
        keys.sort();
        keys
    }

    pub(super) fn path(&self, key: &str) -> PathBuf {
        self.core.root.join(BUCKET).join("some/where").join(key)
    }
}

type Answer<T> = S3Result<S3Response<T>>;

impl Core {
    async fn carry_out<I, O: Send + 'static>(
        &self,
        writes: bool,
        request: S3Request<I>,
        run: impl FnOnce(Core, S3Request<I>) -> BoxFuture<'static, Answer<O>>,
    ) -> Answer<O> {
        let blow = {
            let mut state = self.state.lock().unwrap();
            state.requests += 1;
            if state.full && writes {
                return Err(S3Error::new(S3ErrorCode::Custom("QuotaExceeded".into())));
            }
            match state.blow {
                Some((1, blow)) => {
                    state.blow = None;
                    Some(blow)
                }
                Some((nth, blow)) => {
                    state.blow = Some((nth - 1, blow));
                    None
                }
                None => None,
            }
        };
        self.fall(blow, false).await?;
        let (core, turn) = (self.clone(), Arc::clone(&self.turn));
        let work = run(core, request);
        // Carried out whole, whoever goes away meanwhile.
        let done = tokio::spawn(async move {
            match writes {
                true => {
                    let _alone = turn.write().await;
                    work.await
                }
                false => {
                    let _beside_readers = turn.read().await;
                    work.await
                }
            }
        });
        let answer = done.await.unwrap();
        self.fall(blow, true).await?;
        answer
    }

    async fn fall(&self, blow: Option<Blow>, is_done: bool) -> S3Result<()> {
        match blow {
            Some(Blow::Fails { done }) if done == is_done => Err(s3_error!(InternalError)),
            Some(Blow::Kills { done }) if done == is_done => {
                self.killed.notify_one();
                pending().await
            }
            _ => Ok(()),
        }
    }

    fn knows(&self, id: &str) -> S3Result<()> {
        match self.state.lock().unwrap().begun.contains_key(id) {
            true => Ok(()),
            false => Err(s3_error!(NoSuchUpload)),
        }
    }

    fn sha256(&self, bucket: &str, key: &str) -> Option<String> {
        let content = std::fs::read(self.root.join(bucket).join(key)).ok()?;
        Some(BASE64_STANDARD.encode(Sha256::digest(content)))
    }
}

macro_rules! through {
    ($($method:ident($input:ty) -> $output:ty, $writes:literal;)*) => {
        #[async_trait::async_trait]
        impl S3 for Core {
            $(async fn $method(&self, request: S3Request<$input>) -> Answer<$output> {
                self.carry_out($writes, request, |core, request| Box::pin(async move {
                    core.files.$method(request).await
                })).await
            })*

            async fn create_multipart_upload(
                &self,
                request: S3Request<CreateMultipartUploadInput>,
            ) -> Answer<CreateMultipartUploadOutput> {
                self.carry_out(true, request, |core, request| Box::pin(async move {
                    let key = request.input.key.clone();
                    let answer = core.files.create_multipart_upload(request).await?;
                    let id = answer.output.upload_id.clone().unwrap();
                    core.state.lock().unwrap().begun.insert(id, (key, SystemTime::now()));
                    Ok(answer)
                })).await
            }

            async fn upload_part(&self, request: S3Request<UploadPartInput>) -> Answer<UploadPartOutput> {
                self.carry_out(true, request, |core, request| Box::pin(async move {
                    core.knows(&request.input.upload_id)?;
                    core.files.upload_part(request).await
                })).await
            }

            async fn upload_part_copy(
                &self,
                request: S3Request<UploadPartCopyInput>,
            ) -> Answer<UploadPartCopyOutput> {
                self.carry_out(true, request, |core, request| Box::pin(async move {
                    core.knows(&request.input.upload_id)?;
                    let sha256 = match &request.input.copy_source {
                        CopySource::Bucket { bucket, key, .. } => core.sha256(bucket, key),
                        _ => None,
                    };
                    let mut answer = core.files.upload_part_copy(request).await?;
                    if let Some(copied) = &mut answer.output.copy_part_result {
                        copied.checksum_sha256 = sha256;
                    }
                    Ok(answer)
                })).await
            }

            async fn complete_multipart_upload(
                &self,
                request: S3Request<CompleteMultipartUploadInput>,
            ) -> Answer<CompleteMultipartUploadOutput> {
                self.carry_out(true, request, |core, request| Box::pin(async move {
                    core.knows(&request.input.upload_id)?;
                    let id = request.input.upload_id.clone();
                    let answer = core.files.complete_multipart_upload(request).await?;
                    core.state.lock().unwrap().begun.remove(&id);
                    Ok(answer)
                })).await
            }

            async fn abort_multipart_upload(
                &self,
                request: S3Request<AbortMultipartUploadInput>,
            ) -> Answer<AbortMultipartUploadOutput> {
                self.carry_out(true, request, |core, request| Box::pin(async move {
                    core.knows(&request.input.upload_id)?;
                    core.state.lock().unwrap().begun.remove(&request.input.upload_id);
                    core.files.abort_multipart_upload(request).await
                })).await
            }

            async fn list_multipart_uploads(
                &self,
                request: S3Request<ListMultipartUploadsInput>,
            ) -> Answer<ListMultipartUploadsOutput> {
                self.carry_out(false, request, |core, request| Box::pin(async move {
                    let prefix = request.input.prefix.unwrap_or_default();
                    let state = core.state.lock().unwrap();
                    let below = state.begun.iter().filter(|(_, (key, _))| key.starts_with(&prefix));
                    let uploads = below.map(|(id, (key, begun))| MultipartUpload {
                        key: Some(key.clone()),
                        upload_id: Some(id.clone()),
                        initiated: Some(Timestamp::from(*begun)),
                        ..Default::default()
                    });
                    let uploads = Some(uploads.collect());
                    Ok(S3Response::new(ListMultipartUploadsOutput { uploads, ..Default::default() }))
                })).await
            }
        }
    };
}

through! {
    head_bucket(HeadBucketInput) -> HeadBucketOutput, false;
    head_object(HeadObjectInput) -> HeadObjectOutput, false;
    get_object(GetObjectInput) -> GetObjectOutput, false;
    list_objects_v2(ListObjectsV2Input) -> ListObjectsV2Output, false;
    put_object(PutObjectInput) -> PutObjectOutput, true;
    delete_object(DeleteObjectInput) -> DeleteObjectOutput, true;
    delete_objects(DeleteObjectsInput) -> DeleteObjectsOutput, true;
}
