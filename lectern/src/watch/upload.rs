//! One file to the API, resumably (tus 1.0): over restarts of either side, nothing is sent twice.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use bytes::Bytes;
use http_client::{HeaderMap, HttpClient, HttpError, Method, Request, Response, StatusCode, header};
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
    Fine(Response),
    Wait(Option<Duration>, String),
    Refused(Response),
}

impl Api {
    /// Uploads a file and answers with its asset's id. Waits while the API is away or has no room.
    pub(super) async fn upload(&self, taken: &Taken) -> Result<String, Refusal> {
        let file = File::open(&taken.path).map_err(|error| Refusal::Unfit(error.to_string()))?;
        let created = self.insist(|| self.creation(taken)).await?;
        let created: Value = serde_json::from_slice(&created.body).unwrap_or_default();
        let (Some(asset), Some(address)) = (created["asset_id"].as_str(), created["tus_url"].as_str()) else {
            return Err(Refusal::Away { detail: format!("{} is no Lectern", self.base) });
        };
        let address = if address.starts_with('/') { format!("{}{address}", self.base) } else { address.to_owned() };
        let mut offset = None;
        loop {
            let at = match offset {
                Some(at) => at,
                None => self.offset(&address).await?,
            };
            if at >= taken.mark.size {
                return Ok(asset.to_owned());
            }
            let piece = read(&file, at, taken.mark.size)?;
            let sent = self.exchange(|| self.piece(&address, at, piece.clone())).await?;
            // 409: the API has another offset; it is asked again.
            offset = if sent.status == StatusCode::CONFLICT { None } else { number(&sent, "upload-offset") };
        }
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

    /// The same file asked for again, also after a restart, is the same upload.
    fn creation(&self, taken: &Taken) -> Request {
        let mut request = self.request(Method::POST, format!("{}/api/v1/uploads", self.base));
        request.headers.remove("tus-resumable");
        request.headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
        let of = format!("{}\0{}\0{}", taken.name, taken.mark.size, taken.mark.modified);
        let key = format!("watch-{}", blake3::hash(of.as_bytes()).to_hex());
        if let Ok(key) = key.parse() {
            request.headers.insert("idempotency-key", key);
        }
        let mut announced = json!({ "filename": taken.name, "size": taken.mark.size });
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
        let answer = self.exchange(request).await?;
        if answer.status.is_success() { Ok(answer) } else { Err(refusal(&answer)) }
    }

    /// The same, and 409 is an answer too.
    async fn exchange(&self, request: impl Fn() -> Request) -> Result<Response, Refusal> {
        let mut pause = PAUSE.0;
        loop {
            let (wait, why) = match judge(self.http.send(request()).await)? {
                Answer::Fine(response) => return Ok(response),
                Answer::Refused(response) => return Err(refusal(&response)),
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
        StatusCode::CONFLICT => Answer::Fine(response),
        _ if status.is_success() => Answer::Fine(response),
        // Another request holds the upload, there is no room, or the server is not itself.
        StatusCode::LOCKED | StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => wait(&response),
        _ if status.is_server_error() || told(&response, "code") == "quota.stored_bytes" => wait(&response),
        _ => Answer::Refused(response),
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

fn read(file: &File, at: u64, size: u64) -> Result<Bytes, Refusal> {
    let mut piece = vec![0; usize::try_from(PIECE.min(size - at)).unwrap_or(0)];
    match file.read_exact_at(&mut piece, at) {
        Ok(()) => Ok(piece.into()),
        Err(error) => Err(Refusal::Unfit(format!("it cannot be read at byte {at}: {error}"))),
    }
}
