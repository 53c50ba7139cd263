//! The `OpenAPI` document and a page that shows it, with nothing from elsewhere.

use std::fmt::Write;
use std::sync::LazyLock;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use bytes::Bytes;
use kernel::{Code, respond_cached};

use crate::codes;
use crate::state::Api;
use crate::web::guarded;

const PAGE: &str = include_str!("docs/page.html");
const SCRIPT: &str = include_str!("docs/page.js");
const STYLE: &str = include_str!("docs/page.css");

/// Where the page lists the codes.
const CODES: &str = "<!-- codes -->";

static WHOLE_PAGE: LazyLock<Bytes> = LazyLock::new(|| {
    let mut codes: Vec<Code> = all_codes().collect();
    codes.sort_by_key(|code| code.name());
    let list = codes.into_iter().map(entry).collect::<Vec<_>>().join("\n");
    Bytes::from(PAGE.replace(CODES, &list))
});

pub(crate) async fn page(State(api): State<Api>, headers: HeaderMap) -> Response {
    guarded(respond_cached(&headers, "text/html; charset=utf-8", "no-cache", WHOLE_PAGE.clone()), &api.policy)
}

fn all_codes() -> impl Iterator<Item = Code> {
    kernel::codes::ALL.iter().chain(codes::ALL).chain(webhook::codes::ALL).chain(ops::flags::codes::ALL).copied()
}

/// One code as part of a list of terms: the `type` of a problem points here.
fn entry(code: Code) -> String {
    let name = code.name();
    let mut entry = format!("<dt id=\"{name}\"><code>{name}</code></dt>");
    // Writing to a String cannot fail.
    let _ = write!(entry, "<dd>{} <i>Cure:</i> {}.</dd>", markup(code.meaning()), markup(code.hint()));
    entry
}

/// Text as HTML; what stands between backticks as code.
fn markup(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let part = |(index, part): (usize, &str)| match index % 2 {
        0 => part.to_owned(),
        _ => format!("<code>{part}</code>"),
    };
    escaped.split('`').enumerate().map(part).collect()
}

pub(crate) async fn script(State(api): State<Api>, headers: HeaderMap) -> Response {
    text(&api, &headers, "text/javascript; charset=utf-8", SCRIPT)
}

pub(crate) async fn style(State(api): State<Api>, headers: HeaderMap) -> Response {
    text(&api, &headers, "text/css; charset=utf-8", STYLE)
}

/// The document itself.
pub(crate) fn document(headers: &HeaderMap, json: Bytes) -> Response {
    respond_cached(headers, "application/json", "no-cache", json)
}

fn text(api: &Api, headers: &HeaderMap, media_type: &'static str, text: &'static str) -> Response {
    guarded(respond_cached(headers, media_type, "no-cache", Bytes::from_static(text.as_bytes())), &api.policy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_explains_every_code_and_its_cure() {
        let page = String::from_utf8_lossy(&WHOLE_PAGE).into_owned();
        assert!(!page.contains(CODES), "the list stands where the page asks for it");
        for code in all_codes() {
            assert!(page.contains(&entry(code)), "{}", code.name());
        }
    }

    #[test]
    fn text_on_the_page_is_text() {
        assert_eq!(markup("a `b <c>` & d"), "a <code>b &lt;c&gt;</code> &amp; d");
    }
}
