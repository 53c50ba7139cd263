use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::Response;
use axum::routing::any;
use bytes::Bytes;
use media_store::MediaStore;

use crate::body::{self, Content, Piece};
use crate::cache::LoadFailed;
use crate::catalog::{Catalog, Opened};
use crate::conditional::{self, Verdict};
use crate::demand::{Demand, Demanded, Nobody, Outlook, await_made};
use crate::headers;
use crate::problem::Problem;
use crate::published::PublishedObject;
use crate::range::{self, Selection};
use crate::target::Target;

/// How much an [`Origin`] remembers, and for how long.
#[derive(Clone, Debug)]
pub struct OriginOptions {
    /// Age at which a pointer is read again: how late a new generation may be seen here. Also how long an unknown
    /// playback id or generation is remembered as unknown.
    pub pointer_ttl: Duration,
    /// Age at which it is looked whether a generation is still in the store: how long its small files are served after
    /// it was deleted.
    pub index_ttl: Duration,
    /// Memory for indexes of generations, in bytes.
    pub index_cache_bytes: usize,
    /// Memory for playlists, MPDs and media files below 64 KiB, in bytes.
    pub object_cache_bytes: usize,
    /// `max-age` of the two entries, in whole seconds.
    pub entry_max_age: Duration,
    /// How long a request for a file that is still being made waits for it, before it is told to ask again. Players give up on an
    /// answer that has not begun after 10 s (Shaka Player, hls.js), and some ask only twice.
    pub planned_hold: Duration,
}

impl Default for OriginOptions {
    fn default() -> Self {
        Self {
            pointer_ttl: Duration::from_secs(1),
            index_ttl: Duration::from_secs(60),
            index_cache_bytes: 64 * 1024 * 1024,
            object_cache_bytes: 64 * 1024 * 1024,
            entry_max_age: Duration::from_secs(2),
            planned_hold: Duration::from_secs(8),
        }
    }
}

const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// Serves what is published in a store. Holds no state that matters: any number of them may serve one store.
pub struct Origin {
    catalog: Catalog,
    demand: Arc<dyn Demand>,
    entry_cache_control: HeaderValue,
    planned_hold: Duration,
}

impl From<LoadFailed> for Problem {
    fn from(LoadFailed: LoadFailed) -> Self {
        Self::Unavailable
    }
}

impl Origin {
    /// An origin over `store`.
    pub fn new(store: Arc<dyn MediaStore>, options: OriginOptions) -> Self {
        let cache_control = format!("public, max-age={}, must-revalidate", options.entry_max_age.as_secs());
        let entry_cache_control = HeaderValue::from_str(&cache_control).expect("a number is a header value");
        let (catalog, planned_hold) = (Catalog::new(store, &options), options.planned_hold);
        Self { catalog, demand: Arc::new(Nobody), entry_cache_control, planned_hold }
    }

    /// Tells `demand` of every planned file that a viewer waits for.
    #[must_use]
    pub fn with_demand(self, demand: Arc<dyn Demand>) -> Self {
        Self { demand, ..self }
    }

    /// The routes, all below `/p/`, without a fallback: to be merged into a larger router.
    ///
    /// - `GET|HEAD|OPTIONS /p/{playback_id}/master.m3u8` and `.../manifest.mpd`: of the newest generation
    /// - `GET|HEAD|OPTIONS /p/{playback_id}/g{generation}/{path}`: any other file of a generation, for ever the same
    pub fn router(self) -> Router {
        Router::new().route("/p/{*path}", any(handle)).with_state(Arc::new(self))
    }

    /// [`Origin::router`] for a process that serves nothing else: every other path is a 404 of the same form.
    pub fn standalone(self) -> Router {
        self.router().fallback(async || headers::decorate(Problem::NotFound.response()))
    }

    async fn answer(&self, request: &Request<'_>, path: &str) -> Result<Response, Problem> {
        if request.method == Method::OPTIONS {
            return Ok(headers::options());
        }
        if request.method != Method::GET && request.method != Method::HEAD {
            return Err(Problem::MethodNotAllowed);
        }
        let (playback, generation, path, cache_control) = match Target::parse(path).ok_or(Problem::NotFound)? {
            Target::Entry { playback, name } => {
                let newest = self.catalog.newest(&playback).await?.ok_or(Problem::NotFound)?;
                (playback, newest, name.to_owned(), &self.entry_cache_control)
            }
            Target::File { playback, generation, path } => (playback, generation, path, &IMMUTABLE),
        };
        for _ in 0..2 {
            let index = self.catalog.generation(&playback, generation).await?.ok_or(Problem::NotFound)?;
            if let Some(media_type) = index.planned(&path) {
                let wanted = Demanded { playback: playback.clone(), generation, path: path.clone() };
                let made = await_made(&self.catalog, &self.demand, (wanted, media_type), self.planned_hold).await?;
                let file = match made {
                    Ok(file) => file,
                    Err(outlook) => {
                        // It never comes either when the recording is gone meanwhile.
                        self.catalog.doubt(&playback, generation);
                        let still = self.catalog.generation(&playback, generation).await?;
                        let coming = outlook == Outlook::Coming && still.is_some();
                        return Err(if coming { Problem::NotYet } else { Problem::NotFound });
                    }
                };
                let opened = self.catalog.open(&file).await?.ok_or(Problem::Unavailable)?;
                return Selected::new(request, &file, opened).respond(request, &file, cache_control);
            }
            let file = index.file(&path).ok_or(Problem::NotFound)?;
            if let Some(opened) = self.catalog.open(file).await? {
                return Selected::new(request, file, opened).respond(request, file, cache_control);
            }
            // Its bytes are gone: either the generation is too, and then this is a 404, or they are still to be made.
            self.catalog.doubt(&playback, generation);
        }
        Err(Problem::Unavailable)
    }
}

struct Request<'a> {
    method: &'a Method,
    headers: &'a HeaderMap,
}

async fn handle(
    State(origin): State<Arc<Origin>>,
    method: Method,
    headers: HeaderMap,
    path: Result<Path<String>, PathRejection>,
) -> Response {
    let request = Request { method: &method, headers: &headers };
    let answer = match path {
        Ok(Path(path)) => origin.answer(&request, &path).await,
        Err(_) => Err(Problem::NotFound),
    };
    let mut response = headers::decorate(answer.unwrap_or_else(Problem::response));
    if method == Method::HEAD && response.status() != StatusCode::NOT_MODIFIED {
        *response.body_mut() = Body::empty();
    }
    response
}

/// The representation that this request gets.
struct Selected {
    content: Content,
    length: u64,
    etag: String,
    is_gzip: bool,
}

impl Selected {
    fn new(request: &Request<'_>, file: &PublishedObject, opened: Opened) -> Self {
        // Ranges are always of the plain form, which is the one whose parts a client can put together.
        let may_compress = !request.headers.contains_key(header::RANGE) && headers::accepts_gzip(request.headers);
        match opened {
            Opened::Small(object) => match object.gzip {
                Some(gzip) if may_compress => Self::of(Content::Memory(gzip.clone()), gzip.len() as u64, file, true),
                _ => Self::of(Content::Memory(object.plain), file.size_bytes, file, false),
            },
            Opened::Large(content) => Self::of(content, file.size_bytes, file, false),
        }
    }

    fn of(content: Content, length: u64, file: &PublishedObject, is_gzip: bool) -> Self {
        let etag = if is_gzip { file.gzip_etag() } else { file.etag() };
        Self { content, length, etag, is_gzip }
    }

    fn respond(
        self,
        request: &Request<'_>,
        file: &PublishedObject,
        cache_control: &HeaderValue,
    ) -> Result<Response, Problem> {
        let validators = self.validators(file, cache_control);
        let ranges = match conditional::evaluate(request.headers, &self.etag) {
            Verdict::NotModified => return Ok(build(StatusCode::NOT_MODIFIED, validators, body::undeclared())),
            Verdict::Failed => return Err(Problem::PreconditionFailed),
            // Only GET has ranges (RFC 9110 §14.2); two headers are no header.
            Verdict::Send { ranges } => ranges && request.method == Method::GET,
        };
        let mut lines = request.headers.get_all(header::RANGE).iter();
        let line = match (lines.next(), lines.next()) {
            (Some(line), None) if ranges => line.to_str().ok(),
            _ => None,
        };
        let selection = line.map_or(Selection::Whole, |line| range::select(line, self.length));
        Ok(self.send(file, validators, selection))
    }

    /// What also a 304 carries.
    fn validators(&self, file: &PublishedObject, cache_control: &HeaderValue) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let etag = HeaderValue::from_str(&self.etag).expect("a tag is hex digits in quotes");
        headers.insert(header::ETAG, etag);
        headers.insert(header::CACHE_CONTROL, cache_control.clone());
        if file.is_text {
            headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        }
        headers
    }

    fn send(self, file: &PublishedObject, mut headers: HeaderMap, selection: Selection) -> Response {
        let length = self.length;
        let content_range = |range: &Range<u64>| format!("bytes {}-{}/{length}", range.start, range.end - 1);
        if selection == Selection::Unsatisfiable {
            let mut response = Problem::RangeNotSatisfiable.response();
            set(response.headers_mut(), header::CONTENT_RANGE, &format!("bytes */{length}"));
            return response;
        }
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        headers.insert(header::CONTENT_TYPE, file.media_type.clone());
        if self.is_gzip {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        let (status, pieces) = match selection {
            Selection::Whole | Selection::Unsatisfiable => (StatusCode::OK, vec![Piece::Of(0..length)]),
            Selection::One(range) => {
                set(&mut headers, header::CONTENT_RANGE, &content_range(&range));
                (StatusCode::PARTIAL_CONTENT, vec![Piece::Of(range)])
            }
            Selection::Many(ranges) => {
                // A boundary out of the content's hash: nobody can plan content that holds it.
                let boundary = &file.blake3[32..];
                set(&mut headers, header::CONTENT_TYPE, &format!("multipart/byteranges; boundary={boundary}"));
                let part = |range: &Range<u64>| {
                    let mut head = format!("\r\n--{boundary}\r\nContent-Type: ").into_bytes();
                    head.extend_from_slice(file.media_type.as_bytes());
                    head.extend_from_slice(format!("\r\nContent-Range: {}\r\n\r\n", content_range(range)).as_bytes());
                    [Piece::Literal(head.into()), Piece::Of(range.clone())]
                };
                let mut pieces: Vec<_> = ranges.iter().flat_map(part).collect();
                pieces.push(Piece::Literal(Bytes::from(format!("\r\n--{boundary}--\r\n"))));
                (StatusCode::PARTIAL_CONTENT, pieces)
            }
        };
        let sent: u64 = pieces.iter().map(Piece::length).sum();
        headers.insert(header::CONTENT_LENGTH, sent.into());
        build(status, headers, body::of(self.content, pieces))
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    headers.insert(name, HeaderValue::from_str(value).expect("numbers and hex digits are a header value"));
}

fn build(status: StatusCode, headers: HeaderMap, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
