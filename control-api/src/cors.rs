//! Pages of other addresses that may call the API (the CORS protocol of the Fetch standard).
//!
//! What they send they have to know: no cookie opens anything that they could read, and none is asked for
//! (`Access-Control-Allow-Credentials` is never said). What is for pages of any address says so by itself and is left as it is.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// What pages may do.
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
/// For so long a browser need not ask again: two hours.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");
const ANY: HeaderValue = HeaderValue::from_static("*");

/// What is no origin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no origin: scheme and host, and the port where it is another one than usual, such as https://app.example"
)]
pub struct InvalidOrigin(String);

/// The origins whose pages may call. None by default. Cloning it is cheap.
#[derive(Clone, Debug, Default)]
pub struct Origins(Arc<[HeaderValue]>);

impl Origins {
    /// These. Each is named; there is no word for all.
    ///
    /// # Errors
    /// [`InvalidOrigin`].
    pub fn new<'a>(list: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidOrigin> {
        let checked = list.into_iter().map(|text| origin(text).ok_or_else(|| InvalidOrigin(text.to_owned())));
        checked.collect::<Result<Vec<_>, _>>().map(|list| Self(list.into()))
    }

    /// The origin of the page that sends a request, if it may.
    fn of(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let origin = headers.get(header::ORIGIN)?;
        self.0.contains(origin).then(|| origin.clone())
    }
}

/// As browsers write it (RFC 6454 §6.2).
fn origin(text: &str) -> Option<HeaderValue> {
    let text = text.to_ascii_lowercase();
    let uri: Uri = text.parse().ok()?;
    let (scheme, host) = (uri.scheme_str()?, uri.host().filter(|host| !host.is_empty())?);
    let usual = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    let port = uri.port_u16().filter(|port| *port != usual).map_or_else(String::new, |port| format!(":{port}"));
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']');
    let authority = text.strip_prefix(scheme)?.strip_prefix("://")?;
    let is_origin = authority.bytes().all(plain);
    is_origin.then(|| HeaderValue::try_from(format!("{scheme}://{host}{port}")).ok()).flatten()
}

/// Middleware: answers what browsers ask before they let such a page call, and tells them that it may read the answer.
pub(crate) async fn allow(State(origins): State<Origins>, request: Request, next: Next) -> Response {
    if origins.0.is_empty() {
        return next.run(request).await;
    }
    let origin = origins.of(request.headers());
    let asks =
        *request.method() == Method::OPTIONS && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if let Some(origin) = origin.as_ref().filter(|_| asks) {
        return may(origin.clone(), request.headers());
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    if !headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
        // What a cache has for one page is not for another.
        headers.append(header::VARY, HeaderValue::from_static("origin"));
        if let Some(origin) = origin {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, ANY);
        }
    }
    response
}

/// The answer to a preflight.
fn may(origin: HeaderValue, asked: &HeaderMap) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    if let Some(names) = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
    }
    headers.insert(header::VARY, HeaderValue::from_static("origin, access-control-request-headers"));
    response
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use axum::Router;
    use axum::body::Body;
    use axum::middleware::from_fn_with_state;
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;

    const OURS: &str = "https://app.example";

    fn router(origins: &[&str]) -> Router {
        let any = || async { ([(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")], "any") };
        let origins = Origins::new(origins.iter().copied()).unwrap();
        let router = Router::new().route("/own", get(|| async { "own" })).route("/any", get(any));
        router.layer(from_fn_with_state(origins, allow))
    }

    async fn ask(router: &Router, method: &str, path: &str, headers: &[(&str, &str)]) -> (u16, HeaderMap) {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert!(!response.headers().contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS));
        (response.status().as_u16(), response.headers().clone())
    }

    fn allowed(headers: &HeaderMap) -> &str {
        headers.get(header::ACCESS_CONTROL_ALLOW_ORIGIN).map_or("", |value| value.to_str().unwrap())
    }

    #[tokio::test]
    async fn a_page_that_is_named_may_call_and_read_and_another_one_may_not() {
        let router = router(&["http://localhost:5173", OURS]);
        let asks = ("access-control-request-method", "PUT");
        let names = ("access-control-request-headers", "authorization,if-match");
        let (status, headers) = ask(&router, "OPTIONS", "/own", &[("origin", OURS), asks, names]).await;
        assert_eq!((status, allowed(&headers)), (204, OURS));
        assert_eq!(headers["access-control-allow-headers"], "authorization,if-match");
        assert!(headers["access-control-allow-methods"].to_str().unwrap().contains("PUT"));
        let (status, headers) = ask(&router, "GET", "/own", &[("origin", OURS)]).await;
        assert_eq!((status, allowed(&headers)), (200, OURS));
        assert_eq!(headers["vary"], "origin");
        for stranger in ["https://app.example.evil.example", "https://evil.example", "http://app.example", "null", ""] {
            let (status, headers) = ask(&router, "OPTIONS", "/own", &[("origin", stranger), asks]).await;
            assert_eq!((status, allowed(&headers)), (405, ""), "{stranger:?}: as if nobody had asked");
            let (status, headers) = ask(&router, "GET", "/own", &[("origin", stranger)]).await;
            assert_eq!((status, allowed(&headers)), (200, ""), "{stranger:?}");
            assert_eq!(headers["vary"], "origin");
        }
    }

    #[tokio::test]
    async fn what_is_for_pages_of_any_address_stays_so_and_without_names_nothing_is_said() {
        let (_, headers) = ask(&router(&[OURS]), "GET", "/any", &[("origin", OURS)]).await;
        assert_eq!(allowed(&headers), "*");
        let (_, headers) = ask(&router(&[]), "GET", "/own", &[("origin", OURS)]).await;
        assert_eq!((allowed(&headers), headers.contains_key(header::VARY)), ("", false));
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        for (text, written) in [
            ("https://app.example", "https://app.example"),
            ("HTTPS://App.Example:443", "https://app.example"),
            ("http://localhost:5173", "http://localhost:5173"),
            ("https://[::1]:8443", "https://[::1]:8443"),
        ] {
            assert_eq!(origin(text).unwrap(), written);
        }
        for none in [
            "*",
            "null",
            "",
            "app.example",
            "https://",
            "https://a/",
            "https://a/b",
            "https://u:p@a",
            "ftp://a",
            "https://*.a",
            "https://a b",
        ] {
            assert_eq!(Origins::new([OURS, none]).err(), Some(InvalidOrigin(none.to_owned())), "{none:?}");
        }
    }
}
