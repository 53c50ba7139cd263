//! Pages: newest first, bounded, with an opaque cursor that stays right while rows are added.

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{Problem, codes};

/// Rows of a page when the request names none.
pub const DEFAULT_LIMIT: u32 = 50;
/// The most rows of a page.
pub const MAX_LIMIT: u32 = 200;

/// The place after which a page starts: the sort key of the last row before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// First part of the sort key.
    pub time_ms: i64,
    /// Second part, unique.
    pub id: String,
}

impl Cursor {
    /// The opaque text form.
    pub fn encode(&self) -> String {
        hex::encode(format!("{}:{}", self.time_ms, self.id))
    }

    /// The cursor of a text form.
    ///
    /// # Errors
    /// 422 when the text was not made by [`Cursor::encode`].
    pub fn decode(text: &str) -> Result<Self, Problem> {
        let parsed = (text.len() <= 512).then_some(text).and_then(|text| {
            let plain = String::from_utf8(hex::decode(text).ok()?).ok()?;
            let (time, id) = plain.split_once(':')?;
            Some(Self { time_ms: time.parse().ok()?, id: id.to_owned() })
        });
        parsed.ok_or_else(|| {
            Problem::invalid("?after", codes::PAGE_INVALID_CURSOR, "this cursor was not made by this server")
        })
    }
}

/// What a list takes beside its filters.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Rows of the page, 1 to 200; 50 when absent.
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub after: Option<String>,
}

impl PageQuery {
    /// The limit and the cursor.
    ///
    /// # Errors
    /// 422 when the limit is out of range or the cursor not ours.
    pub fn resolve(&self) -> Result<(u32, Option<Cursor>), Problem> {
        resolve(self.limit, self.after.as_deref())
    }
}

/// As [`PageQuery::resolve`], for lists whose query has filters too.
///
/// # Errors
/// 422 when the limit is out of range or the cursor not ours.
pub fn resolve(limit: Option<u32>, after: Option<&str>) -> Result<(u32, Option<Cursor>), Problem> {
    let limit = limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Problem::invalid("?limit", codes::PAGE_INVALID_LIMIT, format!("limit is 1 to {MAX_LIMIT}")));
    }
    Ok((limit, after.map(Cursor::decode).transpose()?))
}

/// One page.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Whether more rows follow.
    pub has_more: bool,
    /// The `after` of the page that follows; null when none does.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// A page from up to `limit + 1` rows: the surplus row only says that more follow.
    pub fn cut(mut items: Vec<T>, limit: u32, cursor: impl Fn(&T) -> Cursor) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = items.len() > limit;
        items.truncate(limit);
        let next = if has_more { items.last().map(|row| cursor(row).encode()) } else { None };
        Self { items, has_more, next }
    }

    /// The same page with each row in another form.
    pub fn map<U>(self, form: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(form).collect(), has_more: self.has_more, next: self.next }
    }
}

impl<T: Serialize> Page<T> {
    /// The answer, with `Link: <...>; rel="next"` (RFC 8288) when more rows follow. `address` is the list's path with
    /// its filters, ending in `?` or `&`.
    pub fn respond(self, address: &str, limit: u32) -> Response {
        let link = self.next.as_ref().map(|next| format!("<{address}limit={limit}&after={next}>; rel=\"next\""));
        let mut response = axum::Json(self).into_response();
        if let Some(value) = link.and_then(|link| HeaderValue::from_str(&link).ok()) {
            response.headers_mut().insert(LINK, value);
        }
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

const LINK: HeaderName = header::LINK;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_its_text_form_and_foreign_text_is_refused() {
        for (time_ms, id) in [(0, ""), (-5, "a:b"), (i64::MAX, "ast_\u{fc}")] {
            let cursor = Cursor { time_ms, id: id.to_owned() };
            assert_eq!(Cursor::decode(&cursor.encode()).ok(), Some(cursor));
        }
        for bad in ["", "zz", "00ff", "3a", &"61".repeat(400)] {
            assert!(Cursor::decode(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_surplus_row_is_not_shown() {
        let cursor = |row: &i64| Cursor { time_ms: *row, id: String::new() };
        let page = Page::cut(vec![9, 8, 7], 2, cursor);
        assert_eq!((page.items.as_slice(), page.has_more), ([9, 8].as_slice(), true));
        assert_eq!(page.next, Some(cursor(&8).encode()));
        let last = Page::cut(vec![7], 2, cursor);
        assert_eq!((last.has_more, last.next), (false, None));
    }

    #[test]
    fn limits_out_of_range_are_refused() {
        for (limit, fine) in [(0, false), (1, true), (200, true), (201, false)] {
            assert_eq!(resolve(Some(limit), None).is_ok(), fine, "{limit}");
        }
    }
}
