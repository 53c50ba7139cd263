//! The studio's page and its files, compiled in.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use kernel::{ApiPath, Etag, Problem, conditional::respond_tagged};
use rust_embed::Embed;

use crate::codes;
use crate::state::Installation;

#[derive(Embed)]
#[folder = "../web/"]
struct Files;

/// What a page may load and run. Scripts and styles only from here; `blob:` is what a player feeds its video element and
/// its worker with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Policy(HeaderValue);

impl Policy {
    /// For pages that play what is published at `public_base`, which may be another host than the page's own.
    pub(crate) fn playing_from(public_base: &str) -> Self {
        let media = source(public_base).map_or_else(String::new, |source| format!(" {source}"));
        let text = format!(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:{media}; \
             media-src 'self' blob:{media}; connect-src 'self'{media}; worker-src 'self' blob:; font-src 'self'; \
             manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        );
        Self(HeaderValue::from_str(&text).expect("a policy is plain ASCII"))
    }
}

/// The origin of an address as a policy names it (CSP §2.3.1); `None` for what has none, or one that would end the
/// directive.
fn source(base: &str) -> Option<String> {
    let uri: Uri = base.parse().ok()?;
    let (scheme, authority) = (uri.scheme_str()?, uri.authority()?.as_str());
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']');
    authority.bytes().all(plain).then(|| format!("{scheme}://{authority}"))
}

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

pub(crate) async fn index(State(api): State<Installation>, headers: HeaderMap) -> Response {
    file(&headers, "index.html", &api.policy)
}

pub(crate) async fn asset(
    State(api): State<Installation>,
    ApiPath(path): ApiPath<String>,
    headers: HeaderMap,
) -> Response {
    file(&headers, &path, &api.policy)
}

fn file(headers: &HeaderMap, path: &str, policy: &Policy) -> Response {
    let media_type = MEDIA_TYPES.iter().find(|(end, _)| path.ends_with(end)).map(|(_, media_type)| *media_type);
    let Some((media_type, file)) = media_type.zip(Files::get(path)) else {
        return Problem::not_found(codes::WEB_NOT_FOUND, "there is no such file").into_response();
    };
    let etag = Etag::of_digest(&file.metadata.sha256_hash());
    let body = match file.data {
        std::borrow::Cow::Borrowed(data) => Bytes::from_static(data),
        std::borrow::Cow::Owned(data) => Bytes::from(data),
    };
    guarded(respond_tagged(headers, &etag, media_type, "no-cache", body), policy)
}

/// Adds what keeps a page from running or showing anything foreign.
pub(crate) fn guarded(mut response: Response, policy: &Policy) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy.0.clone());
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(path: &str) -> u16 {
        file(&HeaderMap::new(), path, &Policy::playing_from("")).status().as_u16()
    }

    #[test]
    fn the_page_is_compiled_in_with_every_file_that_it_names() {
        let page = Files::get("index.html").expect("the folder web/ holds the page");
        let text = String::from_utf8_lossy(&page.data).into_owned();
        let named: Vec<_> = text.split("\"/assets/").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert!(!named.is_empty());
        for path in named {
            assert_eq!(status(path), 200, "{path}");
        }
        assert_eq!(status("index.html"), 200);
    }

    #[test]
    fn media_may_come_from_where_they_are_published_and_scripts_may_not() {
        let policy = |base: &str| Policy::playing_from(base).0.to_str().map(str::to_owned).unwrap_or_default();
        let directive = |base: &str, name: &str| {
            let text = policy(base);
            text.split("; ").find_map(|directive| directive.strip_prefix(name)).unwrap_or("none").to_owned()
        };
        for base in ["https://video.example", "http://10.0.0.1:8080", "https://[::1]:3000"] {
            assert_eq!(directive(base, "img-src "), format!("'self' data: blob: {base}"));
            assert_eq!(directive(base, "media-src "), format!("'self' blob: {base}"));
            assert_eq!(directive(base, "connect-src "), format!("'self' {base}"));
            assert_eq!(directive(base, "script-src "), "'self'");
        }
        let own = policy("");
        for odd in
            ["/", "video.example", "https://a;script-src *", "https://a b", "https://u:p@a", "https://ä", "https://*"]
        {
            assert_eq!(policy(odd), own, "{odd}");
        }
    }

    #[test]
    fn what_is_not_a_file_of_the_page_is_not_found() {
        for path in ["../Cargo.toml", "/etc/passwd", "README.md", "nope.js", "", ".html"] {
            assert_eq!(status(path), 404, "{path:?}");
        }
    }
}
