//! Objects from files and over HTTP.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::time::Duration;

use http_client::{HttpClient, Limits, PlainHttp, Request, StatusCode, header};
use lint::Fetched;
use tokio::runtime::{Builder, Runtime};

/// How long one answer may take as a whole, redirects included.
const PATIENCE: Duration = Duration::from_secs(30);
const MAX_REDIRECTS: u8 = 5;

/// Fetches objects of at most so many bytes.
pub(super) struct Fetcher {
    /// Once something is asked over HTTP.
    http: Option<(HttpClient, Runtime)>,
    limit: usize,
}

impl Fetcher {
    pub(super) fn new(limit: usize) -> Self {
        Self { http: None, limit }
    }

    fn http(&mut self) -> Result<&(HttpClient, Runtime), String> {
        if self.http.is_none() {
            let limits = Limits {
                whole: PATIENCE,
                body_bytes: self.limit,
                at_once: 1,
                redirects: MAX_REDIRECTS,
                // What is looked into is public, and nothing of it is believed.
                plain_http: PlainHttp::Anywhere,
                ..Limits::default()
            };
            let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
            self.http = Some((crate::http::configured(limits)?, runtime));
        }
        Ok(self.http.as_ref().expect("it was made above"))
    }

    /// The whole object, or `range` of it as first byte and number of bytes. The error is one clause for a person.
    pub(super) fn fetch(&mut self, uri: &str, range: Option<(u64, u64)>) -> Result<Fetched, String> {
        if uri.starts_with("http://") || uri.starts_with("https://") {
            return self.over_http(uri, range);
        }
        let path = uri.strip_prefix("file://").unwrap_or(uri);
        let bytes = self.read_file(path, range).map_err(|error| error.to_string())?;
        Ok(Fetched { bytes: bytes.into(), content_type: None, final_uri: uri.to_owned() })
    }

    fn read_file(&self, path: &str, range: Option<(u64, u64)>) -> std::io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let mut wanted = self.limit as u64;
        if let Some((first, length)) = range {
            file.seek(SeekFrom::Start(first))?;
            wanted = wanted.min(length);
        } else if file.metadata()?.len() > wanted {
            return Err(std::io::Error::other(format!("it has more than {wanted} bytes")));
        }
        let mut bytes = Vec::new();
        file.take(wanted).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn over_http(&mut self, uri: &str, range: Option<(u64, u64)>) -> Result<Fetched, String> {
        let mut request = Request::get(uri);
        if let Some((first, length)) = range {
            let last = first.saturating_add(length.max(1) - 1);
            let wanted = format!("bytes={first}-{last}").parse().expect("digits are allowed in a header");
            request.headers.insert(header::RANGE, wanted);
        }
        let (client, runtime) = self.http()?;
        let answer = runtime.block_on(client.send(request)).map_err(|error| error.to_string())?;
        if !answer.status.is_success() {
            return Err(format!("the server answered with status {}", answer.status.as_u16()));
        }
        let content_type = answer.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let content_type = content_type.map(str::to_owned);
        let mut bytes = answer.body;
        if let Some((first, length)) = range.filter(|_| answer.status != StatusCode::PARTIAL_CONTENT) {
            // A server without ranges sends everything.
            let first = usize::try_from(first).unwrap_or(usize::MAX).min(bytes.len());
            bytes.drain(..first);
            bytes.truncate(usize::try_from(length).unwrap_or(usize::MAX));
        }
        Ok(Fetched { bytes: bytes.into(), content_type, final_uri: answer.url })
    }
}
