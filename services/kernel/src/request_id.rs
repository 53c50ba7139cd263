//! One id per request. A client may bring its own in `X-Request-Id`; otherwise one is made.

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

/// The header that carries it, in both directions.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

tokio::task_local! {
    static CURRENT: String;
}

/// The id of the request that this task answers; `None` outside of one.
pub fn current() -> Option<String> {
    CURRENT.try_with(Clone::clone).ok()
}

fn acceptable(value: &HeaderValue) -> Option<String> {
    let text = value.to_str().ok()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    ((1..=64).contains(&text.len()) && text.bytes().all(plain)).then(|| text.to_owned())
}

/// Middleware: gives the request its id and returns it in the answer.
pub async fn assign(request: Request, next: Next) -> Response {
    let id = request.headers().get(HEADER).and_then(acceptable);
    let id = id.unwrap_or_else(|| format!("req_{}", uuid::Uuid::now_v7().simple()));
    let value = HeaderValue::from_str(&id).ok();
    let mut response = CURRENT.scope(id, next.run(request)).await;
    if let Some(value) = value {
        response.headers_mut().insert(HEADER, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_short_plain_ids_are_taken_over() {
        let accepted = |text: &str| HeaderValue::from_str(text).ok().and_then(|value| acceptable(&value));
        assert_eq!(accepted("a-1_b.2"), Some("a-1_b.2".to_owned()));
        for bad in ["", "a b", "a\"b", "a;b", &"x".repeat(65)] {
            assert_eq!(accepted(bad), None, "{bad:?}");
        }
    }
}
