//! Request bodies, queries and addresses that refuse what they do not know, and say where.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;

use crate::{Problem, codes};

/// How long a whole body may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A JSON body of at most the router's body limit. `T` should be `deny_unknown_fields`.
///
/// Refusals: 415 other media type, 413 too large, 400 not JSON, 422 JSON of another shape, with pointers.
#[derive(Debug, Clone, Copy)]
pub struct ApiJson<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for ApiJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(&request) {
            let detail = "the body's Content-Type is not application/json";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, codes::BODY_NOT_JSON, detail));
        }
        let bytes = whole(request, state).await?;
        parse(&bytes).map(Self)
    }
}

async fn within<S: Send + Sync>(patience: Duration, request: Request, state: &S) -> Result<Bytes, Problem> {
    let bytes = tokio::time::timeout(patience, Bytes::from_request(request, state)).await;
    bytes.map_err(|_late| incomplete())?.map_err(refused)
}

/// A whole body of at most the router's body limit, whatever it is.
///
/// # Errors
/// 413 when it is larger, 400 when it ends too early or takes too long.
pub async fn whole<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    within(PATIENCE, request, state).await
}

fn is_json(request: &Request) -> bool {
    let value = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = value.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

#[expect(clippy::needless_pass_by_value, reason = "used as a function of map_err")]
fn refused(rejection: BytesRejection) -> Problem {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            codes::BODY_TOO_LARGE,
            "the body is larger than this address takes",
        );
    }
    incomplete()
}

fn incomplete() -> Problem {
    Problem::bad_request(codes::BODY_INCOMPLETE, "the body ended before it was whole")
}

/// Parses a body as [`ApiJson`] does.
///
/// # Errors
/// 400 when it is not JSON, 422 with a JSON pointer when it has another shape.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut source = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut source).map_err(|error| {
        let pointer = pointer(error.path());
        refusal(pointer, error.inner())
    })?;
    source.end().map_err(|error| refusal(String::new(), &error))?;
    Ok(value)
}

fn refusal(pointer: String, error: &serde_json::Error) -> Problem {
    if !error.is_data() {
        return Problem::bad_request(codes::BODY_MALFORMED, format!("the body is not JSON: {error}"));
    }
    let text = error.to_string();
    let code = if text.starts_with("unknown field") { codes::FIELD_UNKNOWN } else { codes::FIELD_INVALID };
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        codes::BODY_INVALID,
        "the body has another shape than this address takes",
    )
    .error(pointer, code, text)
}

/// RFC 6901: `~` and `/` inside a name are escaped.
fn pointer(path: &serde_path_to_error::Path) -> String {
    let mut text = String::new();
    for segment in path {
        text.push('/');
        match segment {
            Segment::Seq { index } => text.push_str(&index.to_string()),
            Segment::Map { key } => text.push_str(&key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { variant } => text.push_str(variant),
            Segment::Unknown => text.push('?'),
        }
    }
    text
}

/// A query string. `T` should be `deny_unknown_fields`; a refusal is 422.
#[derive(Debug, Clone, Copy)]
pub struct ApiQuery<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for ApiQuery<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        Query::try_from_uri(&parts.uri).map(|Query(value)| Self(value)).map_err(|rejection| {
            let text = std::error::Error::source(&rejection).map_or_else(|| rejection.to_string(), ToString::to_string);
            let detail = "the query has a parameter that this address does not take";
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, codes::QUERY_INVALID, detail).error(
                "?",
                codes::FIELD_INVALID,
                text,
            )
        })
    }
}

/// The variable parts of an address. One that is not UTF-8 is 400; one with a NUL, which nothing has in its name and PostgreSQL
/// takes for no text, is 404.
#[derive(Debug, Clone, Copy)]
pub struct ApiPath<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for ApiPath<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        if parts.uri.path().contains("%00") {
            return Err(Problem::not_found(codes::HTTP_NOT_FOUND, "there is nothing at this address"));
        }
        match Path::from_request_parts(parts, state).await {
            Ok(Path(value)) => Ok(Self(value)),
            Err(_) => Err(Problem::bad_request(
                codes::HTTP_INVALID_PATH,
                "the address is not UTF-8 under its percent encoding",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use axum::response::IntoResponse;
    use http_body_util::BodyExt;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its shape matters")]
    struct Inner {
        #[serde(rename = "a/b")]
        a: u32,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its shape matters")]
    struct Outer {
        name: String,
        list: Option<Vec<Inner>>,
    }

    async fn outcome(body: &str) -> (u16, String, String) {
        let Err(problem) = parse::<Outer>(body.as_bytes()) else { return (200, String::new(), String::new()) };
        let response = problem.into_response();
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let error = &value["errors"][0];
        let text = |value: &serde_json::Value| value.as_str().unwrap_or("").to_owned();
        (status, text(&error["pointer"]), text(&error["code"]))
    }

    #[tokio::test]
    async fn a_body_that_never_ends_is_given_up() {
        let silent = futures::stream::pending::<Result<Bytes, std::io::Error>>();
        let request = Request::new(axum::body::Body::from_stream(silent));
        let refused = within(Duration::ZERO, request, &()).await.unwrap_err();
        assert_eq!((refused.status().as_u16(), refused.code()), (400, "body.incomplete"));
    }

    #[tokio::test]
    async fn of_an_address_only_what_is_text_reaches_anybody() {
        let show = async |ApiPath(name): ApiPath<String>| name;
        let router = axum::Router::new().route("/{name}", axum::routing::get(show));
        for (path, status) in [("/bell", 200), ("/%C3%BC", 200), ("/b%00", 404), ("/%ff", 400)] {
            let request = Request::get(path).body(axum::body::Body::empty()).unwrap();
            let answer = tower::ServiceExt::oneshot(router.clone(), request).await.unwrap();
            assert_eq!(answer.status().as_u16(), status, "{path}");
        }
    }

    #[tokio::test]
    async fn a_refused_body_names_the_place() {
        for (body, status, pointer, code) in [
            (r#"{"name":"x"}"#, 200, "", ""),
            (r#"{"name":"x","nmae":1}"#, 422, "/nmae", "field.unknown"),
            (r#"{"name":1}"#, 422, "/name", "field.invalid"),
            (r#"{}"#, 422, "", "field.invalid"),
            (r#"[]"#, 422, "", "field.invalid"),
            (r#"{"name":"x","list":[{"a/b":1},{"a/b":-1}]}"#, 422, "/list/1/a~1b", "field.invalid"),
            (r#"{"name":"x"} trailing"#, 400, "", ""),
            (r#"{"name":"#, 400, "", ""),
            ("", 400, "", ""),
        ] {
            assert_eq!(outcome(body).await, (status, pointer.to_owned(), code.to_owned()), "{body}");
        }
        let deep = "[".repeat(100_000);
        assert_eq!(outcome(&deep).await.0, 422, "the shape is refused before any depth is reached");
    }
}
