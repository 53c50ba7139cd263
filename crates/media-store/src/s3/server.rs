//! An S3 server to test with: `s3s` speaks the protocol and checks signatures, `s3s-fs` keeps the bytes in a folder.
//!
//! What that lacks of S3 is added around it: writes are atomic with their conditions, also when the server is killed, and
//! wait for nobody's bytes; an unknown multipart upload is said to be unknown, those begun are listed, and copied parts are
//! told with their SHA-256; reads have conditions, and listings ETags and keys of any text. And it can be struck: a chosen request is answered with an error, or never, before it was
//! carried out or after.

#![allow(clippy::unwrap_used)]

mod names;
mod reads;
mod undo;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use futures::TryStreamExt;
use futures::future::{BoxFuture, pending};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use s3s::auth::SimpleAuth;
use s3s::dto::*;
use s3s::service::S3ServiceBuilder;
use s3s::{Body, S3, S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};
use s3s_fs::FileSystem;
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio::sync::{Notify, RwLock};

/// Who may ask: an access key and its secret.
pub const KEYS: (&str, &str) = ("access", "secret");

/// Answers on `listener` for ever. The folders in `root` are the buckets. Whatever was acknowledged is there for the next one
/// on the same folder, however this one ends short of the machine's end; nothing is synced.
///
/// # Panics
/// When the folder cannot be used.
pub async fn serve(root: &Path, listener: TcpListener) {
    Core::open(root).serve(listener).await;
}

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(test), allow(dead_code, reason = "only the store's own tests strike"))]
pub(super) enum Blow {
    /// It fails before anything was done, or after all was.
    Fails { done: bool },
    /// Whoever asked is killed, before anything was done or after all was.
    Kills { done: bool },
}

#[derive(Default)]
pub(super) struct State {
    /// Requests until the blow falls, and which it is.
    pub(super) blow: Option<(usize, Blow)>,
    /// Whether there is room for nothing.
    pub(super) full: bool,
    /// Whether bytes are taken whatever they hash to.
    pub(super) careless: bool,
    pub(super) requests: usize,
    /// Multipart uploads by id: key and beginning.
    pub(super) begun: BTreeMap<String, (String, SystemTime)>,
}

#[derive(Clone)]
pub(super) struct Core {
    files: Arc<FileSystem>,
    pub(super) root: PathBuf,
    pub(super) state: Arc<Mutex<State>>,
    pub(super) killed: Arc<Notify>,
    /// Conditions hold until what they were for is done.
    turn: Arc<RwLock<()>>,
}

type Answer<T> = S3Result<S3Response<T>>;

/// The name that `s3s-fs` gives to what it knows of an object.
fn beside(bucket: &str, key: &str, what: &str) -> String {
    let name = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
    format!(".bucket-{}.object-{}.{what}.json", name(bucket), name(key))
}

/// Multipart uploads that a server on this folder had begun before.
fn begun_in(root: &Path) -> BTreeMap<String, (String, SystemTime)> {
    let mut begun = BTreeMap::new();
    for entry in std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap()) {
        let name = entry.file_name().into_string().unwrap();
        let known = name.strip_suffix(".metadata.json").and_then(|name| name.split_once(".object-"));
        let Some((key, id)) = known.and_then(|(_, named)| named.split_once(".upload-")) else { continue };
        let key = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(key).unwrap()).unwrap();
        begun.insert(id.to_owned(), (key, entry.metadata().unwrap().modified().unwrap()));
    }
    begun
}

fn shorten(root: &Path, key: &mut String) {
    *key = names::short(root, key);
}

/// The same body, all of it here: whoever sends slowly, or stops, holds nobody up.
async fn whole(body: Option<StreamingBlob>) -> S3Result<Option<StreamingBlob>> {
    let Some(body) = body else { return Ok(None) };
    let bytes = body.try_fold(Vec::new(), |mut all: Vec<u8>, more| {
        all.extend_from_slice(&more);
        std::future::ready(Ok(all))
    });
    let bytes = bytes.await.map_err(|_| s3_error!(IncompleteBody))?;
    Ok(Some(StreamingBlob::from(Body::from(bytes))))
}

impl Core {
    pub(super) fn open(root: &Path) -> Self {
        let root = root.canonicalize().unwrap();
        undo::roll_back(&root).unwrap();
        let state = State { begun: begun_in(&root), ..State::default() };
        Self {
            files: Arc::new(FileSystem::new(&root).unwrap()),
            root,
            state: Arc::new(Mutex::new(state)),
            killed: Arc::default(),
            turn: Arc::default(),
        }
    }

    pub(super) async fn serve(self, listener: TcpListener) {
        let mut service = S3ServiceBuilder::new(self);
        service.set_auth(SimpleAuth::from_single(KEYS.0, KEYS.1));
        let service = service.build();
        while let Ok((socket, _)) = listener.accept().await {
            let service = service.clone();
            tokio::spawn(async move {
                let http = auto::Builder::new(TokioExecutor::new());
                let _ = http.serve_connection(TokioIo::new(socket), service).await;
            });
        }
    }

    /// Where `s3s-fs` keeps an object, and of an upload that becomes one all that it is made of.
    fn files_of(&self, bucket: &str, key: &str, upload: Option<&str>) -> Vec<PathBuf> {
        let mut files = vec![
            self.root.join(bucket).join(key),
            self.root.join(beside(bucket, key, "metadata")),
            self.root.join(beside(bucket, key, "internal")),
        ];
        let Some(id) = upload else { return files };
        files.push(self.root.join(format!(".upload-{id}.json")));
        files.push(self.root.join(beside(bucket, key, &format!("upload-{id}.metadata"))));
        let parts = std::fs::read_dir(&self.root).unwrap().map(|entry| entry.unwrap().path());
        let part = format!(".upload_id-{id}.part-");
        files.extend(parts.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(&part)));
        files
    }

    /// Does all of a write, or nothing.
    async fn at_once<O>(&self, files: Vec<PathBuf>, write: impl Future<Output = Answer<O>>) -> Answer<O> {
        undo::begin(&self.root, &files).unwrap();
        let answer = write.await;
        match answer {
            Ok(_) => undo::end(&self.root).unwrap(),
            Err(_) => undo::roll_back(&self.root).unwrap(),
        }
        answer
    }

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
    ($($method:ident($input:ty) -> $output:ty, $writes:literal, $short:expr;)*) => {
        #[async_trait::async_trait]
        impl S3 for Core {
            $(async fn $method(&self, mut request: S3Request<$input>) -> Answer<$output> {
                let short: fn(&Path, &mut $input) = $short;
                short(&self.root, &mut request.input);
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

            async fn list_objects_v2(
                &self,
                mut request: S3Request<ListObjectsV2Input>,
            ) -> Answer<ListObjectsV2Output> {
                if let Some(after) = &mut request.input.start_after {
                    shorten(&self.root, after);
                }
                self.carry_out(false, request, |core, request| Box::pin(async move {
                    let (bucket, encoding) = (request.input.bucket.clone(), request.input.encoding_type.clone());
                    let mut answer = core.files.list_objects_v2(request).await?;
                    for object in answer.output.contents.iter_mut().flatten() {
                        if encoding.is_some() {
                            object.e_tag = core.etag_of(&bucket, object.key.as_deref().unwrap()).await;
                        }
                        object.key = object.key.take().map(|key| names::long(&core.root, &key));
                        if encoding.is_some() {
                            object.key = object.key.take().map(|key| reads::encoded(&key));
                        }
                    }
                    Ok(answer)
                })).await
            }

            async fn get_object(&self, mut request: S3Request<GetObjectInput>) -> Answer<GetObjectOutput> {
                shorten(&self.root, &mut request.input.key);
                self.carry_out(false, request, |core, request| Box::pin(core.read(request))).await
            }

            async fn put_object(&self, mut request: S3Request<PutObjectInput>) -> Answer<PutObjectOutput> {
                request.input.body = whole(request.input.body.take()).await?;
                shorten(&self.root, &mut request.input.key);
                if self.state.lock().unwrap().careless {
                    request.input.checksum_sha256 = None;
                }
                self.carry_out(true, request, |core, request| Box::pin(async move {
                    let files = core.files_of(&request.input.bucket, &request.input.key, None);
                    core.at_once(files, core.files.put_object(request)).await
                })).await
            }

            async fn upload_part(&self, mut request: S3Request<UploadPartInput>) -> Answer<UploadPartOutput> {
                request.input.body = whole(request.input.body.take()).await?;
                self.carry_out(true, request, |core, request| Box::pin(async move {
                    core.knows(&request.input.upload_id)?;
                    core.files.upload_part(request).await
                })).await
            }

            async fn upload_part_copy(
                &self,
                request: S3Request<UploadPartCopyInput>,
            ) -> Answer<UploadPartCopyOutput> {
                self.carry_out(true, request, |core, mut request| Box::pin(async move {
                    core.knows(&request.input.upload_id)?;
                    let sha256 = match &mut request.input.copy_source {
                        CopySource::Bucket { bucket, key, .. } => {
                            *key = names::short(&core.root, key).into();
                            core.sha256(bucket, key)
                        }
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
                    let files = core.files_of(&request.input.bucket, &request.input.key, Some(&id));
                    let answer = core.at_once(files, core.files.complete_multipart_upload(request)).await?;
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
    head_bucket(HeadBucketInput) -> HeadBucketOutput, false, |_, _| {};
    head_object(HeadObjectInput) -> HeadObjectOutput, false, |root, input| shorten(root, &mut input.key);
    delete_object(DeleteObjectInput) -> DeleteObjectOutput, true, |root, input| shorten(root, &mut input.key);
    delete_objects(DeleteObjectsInput) -> DeleteObjectsOutput, true, |root, input| {
        input.delete.objects.iter_mut().for_each(|object| shorten(root, &mut object.key));
    };
}
