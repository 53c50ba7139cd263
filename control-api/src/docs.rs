//! The `OpenAPI` document and a page that shows it, with nothing from elsewhere.

use axum::http::HeaderMap;
use axum::response::Response;
use bytes::Bytes;
use kernel::respond_cached;

use crate::web::guarded;

const PAGE: &str = include_str!("docs/page.html");
const SCRIPT: &str = include_str!("docs/page.js");
const STYLE: &str = include_str!("docs/page.css");

pub(crate) async fn page(headers: HeaderMap) -> Response {
    text(&headers, "text/html; charset=utf-8", PAGE)
}

pub(crate) async fn script(headers: HeaderMap) -> Response {
    text(&headers, "text/javascript; charset=utf-8", SCRIPT)
}

pub(crate) async fn style(headers: HeaderMap) -> Response {
    text(&headers, "text/css; charset=utf-8", STYLE)
}

/// The document itself.
pub(crate) fn document(headers: &HeaderMap, json: Bytes) -> Response {
    respond_cached(headers, "application/json", "no-cache", json)
}

fn text(headers: &HeaderMap, media_type: &'static str, text: &'static str) -> Response {
    guarded(respond_cached(headers, media_type, "no-cache", Bytes::from_static(text.as_bytes())))
}
