//! Preconditions (RFC 9110 §13). There are no modification times here, only strong entity tags made of content.

use axum::http::HeaderMap;
use axum::http::header::{HeaderName, IF_MATCH, IF_NONE_MATCH, IF_RANGE};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Send it; a `Range` counts only if `ranges` is set.
    Send { ranges: bool },
    /// 304.
    NotModified,
    /// 412.
    Failed,
}

/// `etag` is the strong tag of the selected representation, with its quotes.
pub(crate) fn evaluate(headers: &HeaderMap, etag: &str) -> Verdict {
    if headers.contains_key(IF_MATCH) && !any_matches(headers, &IF_MATCH, |tag| tag == etag) {
        return Verdict::Failed;
    }
    if any_matches(headers, &IF_NONE_MATCH, |tag| tag.strip_prefix("W/").unwrap_or(tag) == etag) {
        return Verdict::NotModified;
    }
    // A date never equals a modification time that we do not give, so only a tag can keep the range.
    let ranges = headers.get(IF_RANGE).is_none_or(|value| value.to_str().is_ok_and(|value| value.trim() == etag));
    Verdict::Send { ranges }
}

/// Over all lines of a header that holds `*` or a list of entity tags; what is no tag matches nothing.
fn any_matches(headers: &HeaderMap, name: &HeaderName, matches: impl Fn(&str) -> bool) -> bool {
    headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).any(|value| {
        let value = value.trim();
        value == "*" || tags(value).any(&matches)
    })
}

/// A tag may hold commas, so the list is not simply split.
fn tags(mut rest: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let opening = if rest.starts_with("W/\"") { 3 } else { usize::from(rest.starts_with('"')) };
        if opening == 0 {
            return None;
        }
        let closing = rest[opening..].find('"')? + opening + 1;
        let (tag, later) = rest.split_at(closing);
        rest = later;
        Some(tag)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    const SEND: Verdict = Verdict::Send { ranges: true };

    fn check(lines: &[(&'static str, &str)], expected: Verdict) {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        assert_eq!(evaluate(&headers, "\"abc\""), expected, "{lines:?}");
    }

    #[test]
    fn preconditions_are_weighed_in_the_order_of_the_rfc() {
        check(&[], SEND);
        check(&[("if-none-match", "\"abc\"")], Verdict::NotModified);
        check(&[("if-none-match", "W/\"abc\"")], Verdict::NotModified);
        check(&[("if-none-match", "\"x,\", \"y\" ,\"abc\"")], Verdict::NotModified);
        check(&[("if-none-match", "*")], Verdict::NotModified);
        check(&[("if-none-match", "\"x\""), ("if-none-match", "\"abc\"")], Verdict::NotModified);
        check(&[("if-none-match", "\"abcd\"")], SEND);
        check(&[("if-none-match", "abc")], SEND);
        check(&[("if-none-match", "\"abc")], SEND);
        check(&[("if-match", "\"abc\"")], SEND);
        check(&[("if-match", "*")], SEND);
        check(&[("if-match", "W/\"abc\"")], Verdict::Failed);
        check(&[("if-match", "\"x\"")], Verdict::Failed);
        check(&[("if-match", "nonsense")], Verdict::Failed);
        check(&[("if-match", "\"x\""), ("if-none-match", "\"abc\"")], Verdict::Failed);
        check(&[("if-match", "\"abc\""), ("if-none-match", "\"abc\"")], Verdict::NotModified);
    }

    #[test]
    fn a_range_survives_only_the_strong_tag() {
        check(&[("if-range", "\"abc\"")], SEND);
        for other in ["W/\"abc\"", "\"x\"", "Wed, 21 Oct 2015 07:28:00 GMT", ""] {
            check(&[("if-range", other)], Verdict::Send { ranges: false });
        }
    }

    proptest! {
        #[test]
        fn no_list_of_tags_is_read_for_ever(text in "[\"W/, a*é-]{0,40}") {
            prop_assert!(tags(&text).take(100).count() < 100);
        }
    }
}
