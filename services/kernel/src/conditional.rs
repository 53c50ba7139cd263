//! Strong entity tags and the conditions on them (RFC 9110 §13).

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::audit::change;
use crate::{Problem, codes};

/// A strong entity tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Etag(String);

impl Etag {
    /// The tag of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self::of_digest(&Sha256::digest(bytes).into())
    }

    /// The tag of what [`respond_json`] answers with this view: that of a resource before the request changes it, for conditions. The
    /// record of the request has the view as what was before ([`audit::before`](crate::audit::before)).
    ///
    /// # Errors
    /// 500 when it has no JSON form.
    pub fn of_json(view: &impl Serialize) -> Result<Self, Problem> {
        let json = serde_json::to_vec(view).map_err(|error| Problem::internal(&error))?;
        change::before_json(&json);
        Ok(Self::of(&json))
    }

    /// The tag of bytes with this SHA-256.
    pub fn of_digest(sha256: &[u8; 32]) -> Self {
        Self(format!("\"{}\"", hex::encode(&sha256[..16])))
    }

    /// The tag with its quotes, as it stands in a header.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn listed(&self, headers: &HeaderMap, name: header::HeaderName, weak_counts: bool) -> Option<bool> {
        let mut present = false;
        for value in headers.get_all(name) {
            present = true;
            let Ok(text) = value.to_str() else { continue };
            for tag in text.split(',').map(str::trim) {
                let bare = if weak_counts { tag.strip_prefix("W/").unwrap_or(tag) } else { tag };
                if tag == "*" || bare == self.0 {
                    return Some(true);
                }
            }
        }
        present.then_some(false)
    }
}

/// Answers with these bytes and their tag, or 304 when the client has them (RFC 9110 §13.1.2).
pub fn respond_cached(
    headers: &HeaderMap,
    media_type: &'static str,
    cache_control: &'static str,
    body: Bytes,
) -> Response {
    respond_tagged(headers, &Etag::of(&body), media_type, cache_control, body)
}

/// As [`respond_cached`], for bytes whose tag is known already.
pub fn respond_tagged(
    headers: &HeaderMap,
    etag: &Etag,
    media_type: &'static str,
    cache_control: &'static str,
    body: Bytes,
) -> Response {
    let known = etag.listed(headers, header::IF_NONE_MATCH, true) == Some(true);
    let mut response = if known { not_modified() } else { body.into_response() };
    let answer = response.headers_mut();
    if !known {
        answer.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    }
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache_control));
    if let Ok(value) = HeaderValue::from_str(etag.as_str()) {
        answer.insert(header::ETAG, value);
    }
    response
}

/// Without the claim that the content is 0 bytes long, which a 304 must not make (RFC 9110 §8.6).
fn not_modified() -> Response {
    let undeclared = Body::from_stream(futures::stream::empty::<std::io::Result<Bytes>>());
    (StatusCode::NOT_MODIFIED, undeclared).into_response()
}

/// A JSON value with its tag; 304 when the client has it. Private and always revalidated. Where the request has changed something
/// its record has the value as what is after that ([`audit::after`](crate::audit::after)).
pub fn respond_json<T: Serialize>(headers: &HeaderMap, value: &T) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => {
            change::after_json(&body);
            respond_cached(headers, "application/json", "private, no-cache", body.into())
        }
        Err(error) => Problem::internal(&error).into_response(),
    }
}

/// Whether a change may go on: `If-Match` is absent, `*`, or lists the current tag (RFC 9110 §13.1.1).
///
/// # Errors
/// 412 when the resource has changed since the client saw it.
pub fn check_if_match(headers: &HeaderMap, current: &Etag) -> Result<(), Problem> {
    match current.listed(headers, header::IF_MATCH, false) {
        Some(false) => Err(stale()),
        _ => Ok(()),
    }
}

/// Whether a change may go on that nobody makes blindly: `If-Match` is `*`, or lists the current tag (RFC 9110 §13.1.1).
///
/// # Errors
/// 428 when the header is absent (RFC 6585 §3), 412 when the resource has changed since the client saw it.
pub fn require_if_match(headers: &HeaderMap, current: &Etag) -> Result<(), Problem> {
    if headers.contains_key(header::IF_MATCH) {
        return check_if_match(headers, current);
    }
    let detail = "this address takes a change only with the header If-Match";
    Err(Problem::new(StatusCode::PRECONDITION_REQUIRED, codes::HTTP_PRECONDITION_REQUIRED, detail))
}

/// 412: the resource is no longer the one that the client saw.
pub fn stale() -> Problem {
    let detail = "the resource has changed since it was read";
    Problem::new(StatusCode::PRECONDITION_FAILED, codes::HTTP_PRECONDITION_FAILED, detail)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn headers(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn a_known_tag_answers_304_and_a_strong_condition_needs_a_strong_tag() {
        let body = Bytes::from_static(b"{}");
        let tag = Etag::of(&body);
        let weak = format!("W/{}", tag.as_str());
        let list = format!("\"x\", {}", tag.as_str());
        for (value, status) in [(tag.as_str(), 304), (&weak, 304), (&list, 304), ("*", 304), ("\"x\"", 200), ("x", 200)]
        {
            let response =
                respond_cached(&headers(header::IF_NONE_MATCH, value), "application/json", "no-cache", body.clone());
            assert_eq!(response.status().as_u16(), status, "{value}");
            assert_eq!(response.headers()["etag"], tag.as_str());
        }
        for (value, fine) in [(tag.as_str(), true), (&list, true), ("*", true), (&weak, false), ("\"x\"", false)] {
            assert_eq!(check_if_match(&headers(header::IF_MATCH, value), &tag).is_ok(), fine, "{value}");
        }
        assert!(check_if_match(&HeaderMap::new(), &tag).is_ok());
    }

    #[test]
    fn what_nobody_changes_blindly_asks_for_the_condition() {
        let tag = Etag::of(b"{}");
        let status = |headers: &HeaderMap| require_if_match(headers, &tag).map_err(|problem| problem.status().as_u16());
        assert_eq!(status(&HeaderMap::new()), Err(428));
        for (value, expected) in [(tag.as_str(), Ok(())), ("*", Ok(())), ("\"x\"", Err(412)), ("", Err(412))] {
            assert_eq!(status(&headers(header::IF_MATCH, value)), expected, "{value}");
        }
    }
}
