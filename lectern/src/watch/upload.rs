//! One file, or one object of a bucket, to the API, resumably (tus 1.0): over restarts of either side, nothing is sent twice.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use bytes::Bytes;
use http_client::{HeaderMap, HttpClient, HttpError, Method, Request, Response, StatusCode, header};
use media_store::StoreError;
use serde_json::{Value, json};

use super::folder::Taken;

/// Sent at once, and so held in memory.
const PIECE: u64 = 8 << 20;
/// Between two tries when nothing says how long to wait.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// Why a file is not uploaded.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It is the file's own fault.
    Unfit(String),
    /// It is not, and no other one would fare better.
    Away {
        /// What the API, or whoever answers in its place, said.
        detail: String,
    },
    /// It is not any more what it was when it was taken.
    Changed,
    /// Where it lies does not answer.
    Source(StoreError),
}

/// What is uploaded.
pub(super) struct Announced {
    /// What makes two announcements the same.
    pub(super) key: String,
    pub(super) name: String,
    pub(super) size: u64,
}

/// An upload at the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Upload {
    pub(super) id: String,
    pub(super) asset: String,
    /// Where it takes bytes.
    pub(super) address: String,
}

/// Where files go.
pub(super) struct Api {
    pub(super) http: HttpClient,
    /// Without a slash at its end.
    pub(super) base: String,
    pub(super) authorization: header::HeaderValue,
    pub(super) ladder: Option<String>,
}

/// What an answer asks for.
enum Answer {
    Given(Response),
    Wait(Option<Duration>, String),
}

impl Api {
    /// Uploads a file and answers with its asset's id. Waits while the API is away or has no room.
    pub(super) async fn upload(&self, taken: &Taken) -> Result<String, Refusal> {
        let file = File::open(&taken.path).map_err(|error| Refusal::Unfit(error.to_string()))?;
        let of = format!("{}\0{}\0{}", taken.name, taken.mark.size, taken.mark.modified);
        let key = format!("watch-{}", blake3::hash(of.as_bytes()).to_hex());
        let upload = self.announce(&Announced { key, name: taken.name.clone(), size: taken.mark.size }).await?;
        self.fill(&upload, taken.mark.size, async |at, length| read(&file, at, length)).await?;
        Ok(upload.asset)
    }

    /// Announces an upload; the same one again, also after a restart, is the same upload.
    pub(super) async fn announce(&self, what: &Announced) -> Result<Upload, Refusal> {
        let created = self.insist(|| self.creation(what)).await?;
        let created: Value = serde_json::from_slice(&created.body).unwrap_or_default();
        let text = |field: &str| created[field].as_str().map(str::to_owned);
        let (Some(id), Some(asset), Some(address)) = (text("id"), text("asset_id"), text("tus_url")) else {
            return Err(Refusal::Away { detail: format!("{} is no Lectern", self.base) });
        };
        let address = if address.starts_with('/') { format!("{}{address}", self.base) } else { address };
        Ok(Upload { id, asset, address })
    }

    /// Sends what is missing of an upload's `size` bytes, which `read` gives: so many from there.
    pub(super) async fn fill(
        &self,
        upload: &Upload,
        size: u64,
        read: impl AsyncFn(u64, u64) -> Result<Bytes, Refusal>,
    ) -> Result<(), Refusal> {
        let mut offset = None;
        loop {
            let at = match offset {
                Some(at) => at,
                None => self.offset(&upload.address).await?,
            };
            if at >= size {
                return Ok(());
            }
            let piece = read(at, PIECE.min(size - at)).await?;
            let sent = self.answer(|| self.piece(&upload.address, at, piece.clone())).await?;
            offset = match sent.status {
                // The API has another offset; it is asked again.
                StatusCode::CONFLICT => None,
                status if status.is_success() => number(&sent, "upload-offset"),
                _ => return Err(refusal(&sent)),
            };
        }
    }

    /// The upload of this id, if it is there and was announced with so many bytes.
    pub(super) async fn find(&self, id: &str, size: u64) -> Result<Option<Upload>, Refusal> {
        if !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Ok(None);
        }
        let address = format!("{}/api/v1/uploads/{id}", self.base);
        let answer = self.answer(|| self.request(Method::GET, address.clone())).await?;
        match answer.status {
            StatusCode::NOT_FOUND | StatusCode::GONE => return Ok(None),
            status if status.is_success() => {}
            _ => return Err(refusal(&answer)),
        }
        let is_over = matches!(&*told(&answer, "state"), "canceled" | "errored" | "expired");
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let fits = !is_over && body["size_bytes"].as_u64() == Some(size);
        Ok(fits.then(|| Upload { id: id.to_owned(), asset: told(&answer, "asset_id"), address }))
    }

    /// Removes an upload with its asset, unless it is whole; whether it is.
    pub(super) async fn give_up(&self, upload: &Upload) -> Result<bool, Refusal> {
        let asset = format!("{}/api/v1/assets/{}", self.base, upload.asset);
        for address in [&upload.address, &asset] {
            let answer = self.answer(|| self.request(Method::DELETE, address.clone())).await?;
            match answer.status {
                // Its bytes are a recording's.
                StatusCode::CONFLICT => return Ok(true),
                StatusCode::NOT_FOUND | StatusCode::GONE => return Ok(false),
                status if status.is_success() => {}
                _ => return Err(refusal(&answer)),
            }
        }
        Ok(false)
    }

    async fn offset(&self, address: &str) -> Result<u64, Refusal> {
        let answer = self.insist(|| self.request(Method::HEAD, address.to_owned())).await?;
        number(&answer, "upload-offset").ok_or_else(|| Refusal::Away { detail: "there is no Upload-Offset".into() })
    }

    fn request(&self, method: Method, url: String) -> Request {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, self.authorization.clone());
        headers.insert("tus-resumable", header::HeaderValue::from_static("1.0.0"));
        Request { method, url, headers, body: Bytes::new() }
    }

    fn creation(&self, what: &Announced) -> Request {
        let mut request = self.request(Method::POST, format!("{}/api/v1/uploads", self.base));
        request.headers.remove("tus-resumable");
        request.headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
        if let Ok(key) = what.key.parse() {
            request.headers.insert("idempotency-key", key);
        }
        let mut announced = json!({ "filename": what.name, "size": what.size });
        if let Some(ladder) = &self.ladder {
            announced["ladder"] = ladder.as_str().into();
        }
        request.body = announced.to_string().into();
        request
    }

    fn piece(&self, address: &str, at: u64, piece: Bytes) -> Request {
        let mut request = self.request(Method::PATCH, address.to_owned());
        let octets = header::HeaderValue::from_static("application/offset+octet-stream");
        request.headers.insert(header::CONTENT_TYPE, octets);
        request.headers.insert("upload-offset", at.into());
        request.body = piece;
        request
    }

    /// Sends until there is an answer that is none of a fault which passes; any but a good one ends it.
    async fn insist(&self, request: impl Fn() -> Request) -> Result<Response, Refusal> {
        let answer = self.answer(request).await?;
        if answer.status.is_success() { Ok(answer) } else { Err(refusal(&answer)) }
    }

    /// The same, and any of them is an answer.
    async fn answer(&self, request: impl Fn() -> Request) -> Result<Response, Refusal> {
        let mut pause = PAUSE.0;
        loop {
            let (wait, why) = match judge(self.http.send(request()).await)? {
                Answer::Given(response) => return Ok(response),
                Answer::Wait(wait, why) => (wait.unwrap_or(pause).min(PAUSE.1), why),
            };
            tracing::warn!(wait_s = wait.as_secs(), why, "the API is asked again");
            tokio::time::sleep(wait).await;
            pause = (pause * 2).min(PAUSE.1);
        }
    }
}

fn judge(answer: Result<Response, HttpError>) -> Result<Answer, Refusal> {
    let response = match answer {
        Err(error @ HttpError::Url { .. }) => return Err(Refusal::Away { detail: error.to_string() }),
        Err(error) => return Ok(Answer::Wait(None, error.to_string())),
        Ok(response) => response,
    };
    let status = response.status;
    Ok(match status {
        // Another request holds the upload, there is no room, or the server is not itself.
        StatusCode::LOCKED | StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => wait(&response),
        _ if status.is_server_error() => wait(&response),
        _ if matches!(&*told(&response, "code"), "quota.stored_bytes" | "idempotency.in_flight") => wait(&response),
        _ => Answer::Given(response),
    })
}

fn wait(response: &Response) -> Answer {
    Answer::Wait(number(response, "retry-after").map(Duration::from_secs), words(response))
}

/// Whose fault it is that an answer is none that was hoped for.
fn refusal(response: &Response) -> Refusal {
    match response.status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
            Refusal::Away { detail: words(response) }
        }
        _ => Refusal::Unfit(words(response)),
    }
}

fn told(response: &Response, field: &str) -> String {
    let problem: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    problem[field].as_str().unwrap_or_default().to_owned()
}

/// What an answer says, with its cure.
fn words(response: &Response) -> String {
    match (told(response, "detail"), told(response, "hint")) {
        (detail, _) if detail.is_empty() => format!("the API answers {}", response.status),
        (detail, hint) if hint.is_empty() => detail,
        (detail, hint) => format!("{detail}: {hint}"),
    }
}

fn number(response: &Response, name: &str) -> Option<u64> {
    response.headers.get(name)?.to_str().ok()?.parse().ok()
}

fn read(file: &File, at: u64, length: u64) -> Result<Bytes, Refusal> {
    let mut piece = vec![0; usize::try_from(length).unwrap_or(0)];
    match file.read_exact_at(&mut piece, at) {
        Ok(()) => Ok(piece.into()),
        Err(error) => Err(Refusal::Unfit(format!("it cannot be read at byte {at}: {error}"))),
    }
}
