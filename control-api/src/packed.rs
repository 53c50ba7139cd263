//! Answers that are text, compressed for clients that can take that (RFC 9110 §8.4).
//!
//! The length of compressed text tells something of what is in it, to whoever reads the line and has it sent again and again beside
//! words of his own (BREACH). So nothing is compressed that a browser asks for by itself with what it knows (a cookie), nothing that is not
//! to be kept (`no-store`) unless it is JSON for somebody who has shown a token, and only what is read: tokens and secrets are made by
//! other methods.
//!
//! Media, streams, and what another process has compressed, pass as they are: only what lies in memory whole is looked at. Tags stay
//! strong: the compressed form has one of its own, and where a client sends that back, it means the same resource.

use std::io::Write;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::BodyExt;
use kernel::Problem;

/// Less is not worth it.
const LEAST: u64 = 1 << 10;
/// More is not looked at.
const MOST: u64 = 8 << 20;
/// More is compressed where that keeps nobody waiting.
const AT_ONCE: usize = 64 << 10;
/// What a tag of the compressed form ends with.
const MARK: &str = "~gzip\"";
const JSON: &str = "application/json";
const TEXTS: [&str; 6] =
    ["application/manifest+json", "image/svg+xml", "text/css", "text/html", "text/javascript", "text/plain"];

/// What matters of a request.
struct Asked {
    /// Whether a compressed answer is of use, and harmless.
    may: bool,
    has_token: bool,
    /// Tags that the client has of compressed forms, as the plain forms have them.
    packed: Vec<String>,
}

/// Middleware: compresses what should be.
pub(crate) async fn pack(mut request: Request, next: Next) -> Response {
    let headers = request.headers();
    let is_read = *request.method() == Method::GET;
    let may = is_read && accepts_gzip(headers) && !headers.contains_key(header::COOKIE);
    let has_token = headers.contains_key(header::AUTHORIZATION);
    let packed = unmark(request.headers_mut());
    let asked = Asked { may, has_token, packed };
    let mut response = next.run(request).await;
    if response.status() == StatusCode::NOT_MODIFIED {
        remark(&asked, response.headers_mut());
        return response;
    }
    let is_fit = is_read && is_fit(&asked, &response);
    if is_fit {
        response.headers_mut().append(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    if !(is_fit && asked.may) {
        return response;
    }
    let (parts, body) = response.into_parts();
    let plain = match body.collect().await {
        Ok(plain) => plain.to_bytes(),
        Err(error) => return Problem::internal(&error).into_response(),
    };
    let Some(gzip) = compressed(plain.clone()).await.filter(|gzip| gzip.len() < plain.len()) else {
        return Response::from_parts(parts, Body::from(plain));
    };
    let mut response = Response::from_parts(parts, Body::from(gzip));
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    if let Some(tag) = headers.get(header::ETAG).and_then(marked) {
        headers.insert(header::ETAG, tag);
    }
    response
}

/// Whether an answer is text of the right size in memory, and its length may be known.
fn is_fit(asked: &Asked, response: &Response) -> bool {
    let headers = response.headers();
    let size = response.body().size_hint().exact();
    let essence = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = essence.split(';').next().unwrap_or("").trim();
    let is_json = essence == JSON;
    let says = |word: &str| {
        let lines = headers.get_all(header::CACHE_CONTROL).iter().filter_map(|line| line.to_str().ok());
        lines.flat_map(|line| line.split(',')).any(|part| part.trim().eq_ignore_ascii_case(word))
    };
    response.status() == StatusCode::OK
        && size.is_some_and(|size| (LEAST..=MOST).contains(&size))
        && (is_json || TEXTS.contains(&essence))
        && !headers.contains_key(header::CONTENT_ENCODING)
        && !headers.contains_key(header::SET_COOKIE)
        && !says("no-transform")
        && (!says("no-store") || (is_json && asked.has_token))
}

/// As gzip; nothing where that fails.
async fn compressed(plain: Bytes) -> Option<Bytes> {
    let is_short = plain.len() <= AT_ONCE;
    let compress = move || {
        let mut encoder = GzEncoder::new(Vec::with_capacity(plain.len() / 4), Compression::fast());
        encoder.write_all(&plain).ok()?;
        encoder.finish().ok().map(Bytes::from)
    };
    if is_short { compress() } else { tokio::task::spawn_blocking(compress).await.ok().flatten() }
}

/// Takes the mark off tags that a client sends back, and gives those that had one.
fn unmark(headers: &mut HeaderMap) -> Vec<String> {
    let mut packed = Vec::new();
    for name in [header::IF_MATCH, header::IF_NONE_MATCH, header::IF_RANGE] {
        let marked = |value: &HeaderValue| value.to_str().is_ok_and(|text| text.contains(MARK));
        if !headers.get_all(&name).iter().any(marked) {
            continue;
        }
        let lines: Vec<HeaderValue> = headers.get_all(&name).iter().cloned().collect();
        headers.remove(&name);
        for line in lines {
            let text = line.to_str().unwrap_or("");
            packed.extend(text.split(',').filter_map(|tag| Some(format!("{}\"", tag.trim().strip_suffix(MARK)?))));
            append(headers, &name, &text.replace(MARK, "\""), line.clone());
        }
    }
    packed
}

fn append(headers: &mut HeaderMap, name: &HeaderName, text: &str, otherwise: HeaderValue) {
    headers.append(name.clone(), HeaderValue::from_str(text).unwrap_or(otherwise));
}

/// Says of what has not changed the tag of the form that the client has.
fn remark(asked: &Asked, headers: &mut HeaderMap) {
    let has = |tag: &&HeaderValue| asked.packed.iter().any(|known| known.as_bytes() == tag.as_bytes());
    if let Some(tag) = headers.get(header::ETAG).filter(has).and_then(marked) {
        headers.insert(header::ETAG, tag);
    }
}

/// The tag of the compressed form of what has this one; a weak one is of both.
fn marked(tag: &HeaderValue) -> Option<HeaderValue> {
    let text = tag.to_str().ok()?.strip_suffix('"').filter(|text| text.starts_with('"'))?;
    HeaderValue::try_from(format!("{text}{MARK}")).ok()
}

/// Whether gzip is acceptable and not refused (RFC 9110 §12.5.3). Whoever does not ask may not be able.
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let mut any = false;
    let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    for coding in values.flat_map(|value| value.split(',')) {
        let mut parts = coding.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        let is_accepted = weight.is_none_or(|weight| weight.parse::<f32>().is_ok_and(|weight| weight > 0.0));
        if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") {
            return is_accepted;
        }
        any |= name == "*" && is_accepted;
    }
    any
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::Read;

    use axum::Router;
    use axum::middleware::from_fn;
    use axum::routing::get;
    use flate2::read::GzDecoder;
    use kernel::{Etag, require_if_match, respond_cached};
    use tower::ServiceExt;

    use super::*;

    fn text() -> Bytes {
        Bytes::from("many words, ".repeat(1000))
    }

    /// A resource that is read and replaced, and answers with these headers besides.
    fn router(more: &'static [(&'static str, &'static str)], media_type: &'static str, body: Bytes) -> Router {
        let tag = Etag::of(&body);
        let read = move |headers: HeaderMap| async move {
            let mut response = respond_cached(&headers, media_type, "private", body);
            for &(name, value) in more {
                response.headers_mut().insert(name, HeaderValue::from_static(value));
            }
            response
        };
        let change = move |headers: HeaderMap| async move { require_if_match(&headers, &tag).map(|()| "changed") };
        Router::new().route("/", get(read).put(change)).layer(from_fn(pack))
    }

    async fn ask(router: &Router, method: &str, headers: &[(&str, &str)]) -> (u16, HeaderMap, Bytes) {
        let mut request = Request::builder().method(method).uri("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        (parts.status.as_u16(), parts.headers, body.collect().await.unwrap().to_bytes())
    }

    async fn is_packed(router: &Router, headers: &[(&str, &str)]) -> bool {
        let (_, answer, body) = ask(router, "GET", headers).await;
        let is_packed = answer.contains_key(header::CONTENT_ENCODING);
        assert_eq!(is_packed, body.starts_with(&[0x1f, 0x8b]), "{answer:?}");
        is_packed
    }

    const GZIP: (&str, &str) = ("accept-encoding", "br, gzip;q=0.5");

    #[tokio::test]
    async fn text_is_compressed_for_who_can_take_it_and_is_the_same_text() {
        let router = router(&[], "text/plain; charset=utf-8", text());
        let (status, plain, body) = ask(&router, "GET", &[]).await;
        assert_eq!((status, body), (200, text()));
        let (status, headers, body) = ask(&router, "GET", &[GZIP]).await;
        let mut unpacked = Vec::new();
        GzDecoder::new(&body[..]).read_to_end(&mut unpacked).unwrap();
        assert_eq!((status, unpacked), (200, text().to_vec()));
        assert!(body.len() < text().len() / 10);
        assert_eq!(headers["content-encoding"], "gzip");
        assert_eq!(headers["vary"], "accept-encoding");
        assert_eq!(plain["vary"], "accept-encoding", "a cache has to know that there is another form");
        assert!(headers.get("content-length").is_none_or(|length| *length == body.len().to_string()));
        for refused in ["identity", "gzip;q=0", "br", "*;q=0"] {
            assert!(!is_packed(&router, &[("accept-encoding", refused)]).await, "{refused}");
        }
    }

    #[tokio::test]
    async fn each_form_has_a_strong_tag_of_its_own_and_both_mean_the_same_resource() {
        let router = router(&[], "application/json", text());
        let (_, plain, _) = ask(&router, "GET", &[]).await;
        let (_, packed, _) = ask(&router, "GET", &[GZIP]).await;
        let (plain, packed) = (plain["etag"].to_str().unwrap(), packed["etag"].to_str().unwrap());
        assert!(plain != packed && packed.starts_with('"') && packed.ends_with('"'), "{plain} {packed}");
        let both = format!("\"x\", {packed}");
        for (known, said) in [(plain, plain), (packed, packed), (both.as_str(), packed)] {
            let (status, headers, body) = ask(&router, "GET", &[GZIP, ("if-none-match", known)]).await;
            assert_eq!((status, headers["etag"].to_str().unwrap(), body.len()), (304, said, 0), "{known}");
        }
        for (known, status) in
            [(plain, 200), (packed, 200), (both.as_str(), 200), ("\"x~gzip\"", 412), ("W/\"x\"", 412)]
        {
            assert_eq!(ask(&router, "PUT", &[("if-match", known)]).await.0, status, "{known}");
        }
    }

    #[tokio::test]
    async fn what_could_tell_a_secret_by_its_length_and_what_is_no_text_is_left_as_it_is() {
        let token = ("authorization", "Bearer x");
        let html = "text/html; charset=utf-8";
        for (more, media_type, asked, expected) in [
            (&[][..], html, &[GZIP][..], true),
            (&[], html, &[GZIP, ("cookie", "a=b")], false),
            (&[("set-cookie", "a=b")], html, &[GZIP], false),
            (&[("cache-control", "private, no-store")], html, &[GZIP, token], false),
            (&[("cache-control", "no-store")], "application/json", &[GZIP], false),
            (&[("cache-control", "no-store")], "application/json", &[GZIP, token], true),
            (&[("cache-control", "no-transform")], html, &[GZIP], false),
            (&[], "text/event-stream", &[GZIP], false),
            (&[], "video/mp4", &[GZIP], false),
            (&[], "image/png", &[GZIP], false),
            (&[], "application/jsonl", &[GZIP], false),
        ] {
            let router = router(more, media_type, text());
            assert_eq!(is_packed(&router, asked).await, expected, "{more:?} {media_type} {asked:?}");
        }
        let short = router(&[], html, Bytes::from_static(b"short"));
        assert!(!is_packed(&short, &[GZIP]).await);
        let done = router(&[("content-encoding", "br")], html, text());
        let (_, headers, body) = ask(&done, "GET", &[GZIP]).await;
        assert_eq!((headers["content-encoding"].to_str().unwrap(), body), ("br", text()), "it is compressed already");
    }
}
