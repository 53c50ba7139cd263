//! The studio's page and its files, compiled in.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use kernel::{ApiPath, Etag, Problem, conditional::respond_tagged};
use rust_embed::Embed;

use crate::codes;

#[derive(Embed)]
#[folder = "../web/"]
struct Files;

/// Scripts and styles only from here; `blob:` is what a player feeds its video element and its worker with.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
    media-src 'self' blob:; connect-src 'self'; worker-src 'self' blob:; font-src 'self'; manifest-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What may be served, by the end of its name. Anything else in the folder stays inside.
const MEDIA_TYPES: [(&str, &str); 8] = [
    (".html", "text/html; charset=utf-8"),
    (".js", "text/javascript; charset=utf-8"),
    (".css", "text/css; charset=utf-8"),
    (".svg", "image/svg+xml"),
    (".png", "image/png"),
    (".ico", "image/x-icon"),
    (".woff2", "font/woff2"),
    (".webmanifest", "application/manifest+json"),
];

pub(crate) async fn index(headers: HeaderMap) -> Response {
    file(&headers, "index.html")
}

pub(crate) async fn asset(ApiPath(path): ApiPath<String>, headers: HeaderMap) -> Response {
    file(&headers, &path)
}

fn file(headers: &HeaderMap, path: &str) -> Response {
    let media_type = MEDIA_TYPES.iter().find(|(end, _)| path.ends_with(end)).map(|(_, media_type)| *media_type);
    let Some((media_type, file)) = media_type.zip(Files::get(path)) else {
        return Problem::not_found(codes::WEB_NOT_FOUND, "there is no such file").into_response();
    };
    let etag = Etag::of_digest(&file.metadata.sha256_hash());
    let body = match file.data {
        std::borrow::Cow::Borrowed(data) => Bytes::from_static(data),
        std::borrow::Cow::Owned(data) => Bytes::from(data),
    };
    guarded(respond_tagged(headers, &etag, media_type, "no-cache", body))
}

/// Adds what keeps a page from running or showing anything foreign.
pub(crate) fn guarded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_compiled_in_with_every_file_that_it_names() {
        let page = Files::get("index.html").expect("the folder web/ holds the page");
        let text = String::from_utf8_lossy(&page.data).into_owned();
        let named: Vec<_> = text.split("\"/assets/").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert!(!named.is_empty());
        for path in named {
            assert_eq!(file(&HeaderMap::new(), path).status(), 200, "{path}");
        }
        assert_eq!(file(&HeaderMap::new(), "index.html").status(), 200);
    }

    #[test]
    fn what_is_not_a_file_of_the_page_is_not_found() {
        for path in ["../Cargo.toml", "/etc/passwd", "README.md", "nope.js", "", ".html"] {
            assert_eq!(file(&HeaderMap::new(), path).status(), 404, "{path:?}");
        }
    }
}
