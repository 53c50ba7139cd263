//! The page that links of letters open. What a link holds stands behind its `#`, which no browser sends and no log has; and nothing
//! happens until somebody presses a button, as programs that look after letters open links too.

use std::sync::LazyLock;

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// Where it is.
pub(super) const PATH: &str = "/api/v1/auth/link";

const SCRIPT: &str = include_str!("page.js");

/// The page, and what it may load: its style and its own script.
static PAGE: LazyLock<(String, HeaderValue)> = LazyLock::new(|| {
    let html = include_str!("page.html").replace("SCRIPT", SCRIPT);
    let hash = STANDARD.encode(Sha256::digest(SCRIPT.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'self'; script-src 'sha256-{hash}'; connect-src 'self'; form-action 'none'; \
         base-uri 'none'; frame-ancestors 'none'"
    );
    (html, HeaderValue::from_str(&policy).expect("a policy is plain ASCII"))
});

pub(super) async fn show() -> Response {
    let (html, policy) = &*PAGE;
    let fixed = |name: HeaderName, value: &'static str| (name, HeaderValue::from_static(value));
    let headers = [
        fixed(header::CONTENT_TYPE, "text/html; charset=utf-8"),
        fixed(header::CACHE_CONTROL, "no-store"),
        fixed(header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, policy.clone()),
    ];
    (headers, html.clone()).into_response()
}
