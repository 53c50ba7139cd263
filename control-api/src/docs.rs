//! The `OpenAPI` document and a page that shows it, with nothing from elsewhere.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::LazyLock;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use bytes::Bytes;
use kernel::{Code, respond_cached};
use serde_json::Value;

use crate::front::Front;
use crate::web::{Policy, guarded};

const PAGE: &str = include_str!("docs/page.html");
const SCRIPT: &str = include_str!("docs/page.js");
const STYLE: &str = include_str!("docs/page.css");

/// Where the page lists the codes.
const CODES: &str = "<!-- codes -->";

/// The page plays nothing.
static POLICY: LazyLock<Policy> = LazyLock::new(|| Policy::playing_from(""));

/// The page, with the kernel's codes and those of the units that are served.
pub(crate) fn whole_page<'a>(codes: impl Iterator<Item = &'a Code>) -> Bytes {
    // Units of one crate share theirs.
    let codes: BTreeMap<&str, Code> = kernel::codes::ALL.iter().chain(codes).map(|code| (code.name(), *code)).collect();
    let list = codes.into_values().map(entry).collect::<Vec<_>>().join("\n");
    Bytes::from(PAGE.replace(CODES, &list))
}

pub(crate) async fn page(State(front): State<Front>, headers: HeaderMap) -> Response {
    guarded(respond_cached(&headers, "text/html; charset=utf-8", "no-cache", front.page.clone()), &POLICY)
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

pub(crate) async fn script(headers: HeaderMap) -> Response {
    part(&headers, "text/javascript; charset=utf-8", SCRIPT)
}

pub(crate) async fn style(headers: HeaderMap) -> Response {
    part(&headers, "text/css; charset=utf-8", STYLE)
}

/// A document as it is served: with names in their order, so that it has the same text, and the same tag, in every process and after
/// every start. Maps that `OpenAPI` documents are made of, and those of JSON values in some builds, have no such order.
pub(crate) fn text(mut document: Value) -> Bytes {
    document.sort_all_objects();
    Bytes::from(document.to_string())
}

/// The document itself.
pub(crate) fn document(headers: &HeaderMap, json: Bytes) -> Response {
    respond_cached(headers, "application/json", "no-cache", json)
}

fn part(headers: &HeaderMap, media_type: &'static str, text: &'static str) -> Response {
    guarded(respond_cached(headers, media_type, "no-cache", Bytes::from_static(text.as_bytes())), &POLICY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codes;

    #[test]
    fn the_page_explains_every_code_and_its_cure_once() {
        let page = whole_page(codes::ALL.iter().chain(codes::ALL));
        let page = String::from_utf8_lossy(&page);
        assert!(!page.contains(CODES), "the list stands where the page asks for it");
        for code in kernel::codes::ALL.iter().chain(codes::ALL) {
            assert_eq!(page.matches(&entry(*code)).count(), 1, "{}", code.name());
        }
    }

    #[test]
    fn text_on_the_page_is_text() {
        assert_eq!(markup("a `b <c>` & d"), "a <code>b &lt;c&gt;</code> &amp; d");
    }
}
