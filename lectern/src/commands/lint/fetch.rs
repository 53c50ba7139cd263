//! Objects from files and over HTTP.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::time::Duration;

use lint::Fetched;
use ureq::Agent;

/// How long one answer may take as a whole.
const PATIENCE: Duration = Duration::from_secs(30);

/// Fetches objects of at most so many bytes.
pub(super) struct Fetcher {
    agent: Option<Agent>,
    limit: usize,
}

impl Fetcher {
    pub(super) fn new(limit: usize) -> Self {
        Self { agent: None, limit }
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
        let agent = self.agent.get_or_insert_with(|| {
            Agent::config_builder().timeout_global(Some(PATIENCE)).max_redirects(5).build().new_agent()
        });
        let mut request = agent.get(uri);
        if let Some((first, length)) = range {
            let last = first.saturating_add(length.max(1) - 1);
            request = request.header("range", format!("bytes={first}-{last}"));
        }
        let mut answer = request.call().map_err(|error| error.to_string())?;
        let content_type =
            answer.headers().get("content-type").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let final_uri = ureq::ResponseExt::get_uri(&answer).to_string();
        let partial = answer.status().as_u16() == 206;
        let mut bytes = answer
            .body_mut()
            .with_config()
            .limit(self.limit as u64)
            .read_to_vec()
            .map_err(|error| error.to_string())?;
        if let Some((first, length)) = range.filter(|_| !partial) {
            // A server without ranges sends everything.
            let first = usize::try_from(first).unwrap_or(usize::MAX).min(bytes.len());
            bytes.drain(..first);
            bytes.truncate(usize::try_from(length).unwrap_or(usize::MAX));
        }
        Ok(Fetched { bytes: bytes.into(), content_type, final_uri })
    }
}
