//! Pages: newest first, bounded, with an opaque cursor that stays right while rows are added.

use std::future::Future;

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

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
    /// The sort key that everything of a page after this place is below: before all rows when there is no such place.
    pub fn below(after: Option<Self>) -> (i64, String) {
        after.map_or((i64::MAX, String::new()), |place| (place.time_ms, place.id))
    }

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
            (!id.contains('\0')).then_some(Self { time_ms: time.parse().ok()?, id: id.to_owned() })
        });
        parsed.ok_or_else(|| {
            Problem::invalid("?after", codes::PAGE_INVALID_CURSOR, "this cursor was not made by this server")
        })
    }
}

fn resolve(limit: Option<u32>, after: Option<&str>) -> Result<(u32, Option<Cursor>), Problem> {
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
    #[serde(skip)]
    limit: u32,
}

impl<T> Page<T> {
    /// The page that a list's query asks for, from a source that gives up to so many rows after a place, and at most [`MAX_LIMIT`] of
    /// them. That leaves no room for a surplus row on the largest page, so a full page asks once more, for one row.
    ///
    /// # Errors
    /// 422 when the limit is out of range or the cursor not ours, and those of `read`.
    pub async fn read<F, E>(
        limit: Option<u32>,
        after: Option<&str>,
        cursor: impl Fn(&T) -> Cursor,
        read: impl Fn(Option<Cursor>, u32) -> F,
    ) -> Result<Self, Problem>
    where
        F: Future<Output = Result<Vec<T>, E>>,
        Problem: From<E>,
    {
        let (limit, after) = resolve(limit, after)?;
        let items = read(after, limit).await?;
        let last = items.last().filter(|_| items.len() == limit as usize).map(cursor);
        let next = match last {
            Some(place) if !read(Some(place.clone()), 1).await?.is_empty() => Some(place.encode()),
            _ => None,
        };
        Ok(Self { items, has_more: next.is_some(), next, limit })
    }

    /// The same page with each row in another form.
    pub fn map<U>(self, form: impl FnMut(T) -> U) -> Page<U> {
        let Self { items, has_more, next, limit } = self;
        Page { items: items.into_iter().map(form).collect(), has_more, next, limit }
    }

    /// The same page with these for its rows.
    pub fn with<U>(self, items: Vec<U>) -> Page<U> {
        Page { items, has_more: self.has_more, next: self.next, limit: self.limit }
    }
}

impl<T: Serialize> Page<T> {
    /// The answer, with `Link: <...>; rel="next"` (RFC 8288) when more rows follow. `address` is the list's path with
    /// its filters, ending in `?` or `&`.
    pub fn respond(self, address: &str) -> Response {
        let limit = self.limit;
        let link = self.next.as_ref().map(|next| format!("<{address}limit={limit}&after={next}>; rel=\"next\""));
        let mut response = axum::Json(self).into_response();
        if let Some(value) = link.and_then(|link| HeaderValue::from_str(&link).ok()) {
            response.headers_mut().insert(header::LINK, value);
        }
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_its_text_form_and_foreign_text_is_refused() {
        for (time_ms, id) in [(0, ""), (-5, "a:b"), (i64::MAX, "ast_\u{fc}")] {
            let cursor = Cursor { time_ms, id: id.to_owned() };
            assert_eq!(Cursor::decode(&cursor.encode()).ok(), Some(cursor));
        }
        for bad in ["", "zz", "00ff", "3a", "303a6100", &"61".repeat(400)] {
            assert!(Cursor::decode(bad).is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_page_tells_whether_more_follow_also_when_it_is_full() {
        let cursor = |row: &i64| Cursor { time_ms: *row, id: String::new() };
        let read = |after: Option<Cursor>, limit: u32| {
            let below = after.map_or(i64::MAX, |place| place.time_ms);
            std::future::ready(Ok::<_, Problem>(
                (1..=5).rev().filter(|row| *row < below).take(limit as usize).collect(),
            ))
        };
        for (limit, after, items, next) in [
            (2, None, vec![5, 4], Some(4)),
            (2, Some(3), vec![2, 1], None),
            (2, Some(2), vec![1], None),
            (5, None, vec![5, 4, 3, 2, 1], None),
            (9, Some(1), vec![], None),
        ] {
            let page = Page::read(Some(limit), after.as_ref().map(|row| cursor(row).encode()).as_deref(), cursor, read)
                .await
                .expect("it reads");
            assert_eq!((page.items, page.has_more), (items, next.is_some()), "{limit} after {after:?}");
            assert_eq!(page.next, next.as_ref().map(|row| cursor(row).encode()));
        }
    }

    #[test]
    fn limits_out_of_range_are_refused() {
        for (limit, fine) in [(0, false), (1, true), (200, true), (201, false)] {
            assert_eq!(resolve(Some(limit), None).is_ok(), fine, "{limit}");
        }
    }
}
