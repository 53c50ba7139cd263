//! Protocols of others whose refusals have another shape than problems.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::Problem;

/// How the routes of a protocol refuse, whoever does it: the guard, an extractor, or a handler. All of them do it with a [`Problem`],
/// as everywhere; it goes out in the shape that the protocol's clients read. What that has no place for is in headers: the id of the
/// request, and the address that explains the code, as `Link` with the relation `type` (RFC 6903 §6).
#[derive(Debug)]
pub struct Dialect {
    /// The media type of a refusal.
    pub media_type: &'static str,
    /// The name of its schema in the `OpenAPI` document; one of the operations has to bring it along.
    pub schema: &'static str,
    /// A refusal in that shape, under the status that the protocol has for it.
    pub say: fn(&Problem) -> (StatusCode, Vec<u8>),
}

/// Middleware around the guard: says what is refused in the words of the protocol.
pub(crate) async fn speak(State(dialect): State<&'static Dialect>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let Some(problem) = response.extensions_mut().remove::<Problem>() else { return response };
    let (status, body) = (dialect.say)(&problem);
    *response.status_mut() = status;
    *response.body_mut() = Body::from(body);
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(dialect.media_type));
    if let Ok(link) = HeaderValue::from_str(&format!("</api/docs#{}>; rel=\"type\"", problem.code())) {
        headers.insert(header::LINK, link);
    }
    response
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use axum::http::Method;
    use database::EngineKind;
    use database::testing::Scratch;
    use http_body_util::BodyExt;
    use tower::ServiceExt;
    use utoipa::openapi::OpenApiBuilder;
    use utoipa_axum::routes;

    use super::*;
    use crate::{AdminToken, Guard, Policy, Recorder, Routes, codes};

    const TOKEN: &str = "0123456789abcdef";
    static TERSE: Dialect = Dialect {
        media_type: "text/x-terse",
        schema: "ProblemBody",
        say: |problem| (StatusCode::IM_A_TEAPOT, format!("no: {}", problem.detail()).into_bytes()),
    };

    #[utoipa::path(get, path = "/bells", operation_id = "bells", responses((status = 200, body = String)))]
    async fn bells() -> Result<String, Problem> {
        Err(Problem::not_found(codes::HTTP_NOT_FOUND, "there is no bell").retry_after(7))
    }

    #[utoipa::path(get, path = "/wells", operation_id = "wells", responses((status = 200, body = String)))]
    async fn wells() -> Result<String, Problem> {
        Err(Problem::not_found(codes::HTTP_NOT_FOUND, "there is no well"))
    }

    #[tokio::test]
    async fn whoever_refuses_does_so_in_the_words_of_the_protocol_and_in_no_others() {
        let scratch = Scratch::migrated(EngineKind::Sqlite).await;
        let guard = Guard::new(AdminToken::new(TOKEN).unwrap());
        let routes = Routes::new(guard, Some(Recorder::new(scratch.db.clone())), OpenApiBuilder::new().build());
        let routes = routes.mount(Policy::Operator, routes!(wells)).speaking(&TERSE);
        let (router, document) = routes.mount(Policy::Operator, routes!(bells)).finish(());
        let ask = async |method: Method, path: &str, token: &str| {
            let request = axum::http::Request::builder().method(method).uri(path);
            let request = request.header("authorization", format!("Bearer {token}")).body(Body::empty()).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            let (parts, body) = response.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            (parts.status.as_u16(), parts.headers, String::from_utf8(body.to_vec()).unwrap())
        };
        for (method, token, said, code) in [
            (Method::GET, TOKEN, "no: there is no bell", "http.not_found"),
            (Method::GET, "wrong", "no: the bearer token is not valid here", "auth.invalid_token"),
            (Method::PUT, TOKEN, "no: this address does not take that method", "http.method_not_allowed"),
        ] {
            let (status, headers, body) = ask(method, "/bells", token).await;
            assert_eq!((status, headers["content-type"].to_str().unwrap(), body.as_str()), (418, "text/x-terse", said));
            assert_eq!(headers["link"], format!("</api/docs#{code}>; rel=\"type\""));
            assert_eq!(headers.get("www-authenticate").is_some(), code == "auth.invalid_token", "headers stay");
            assert_eq!(headers.get("retry-after").is_some(), code == "http.not_found", "headers stay");
            assert!(headers.get("content-length").is_none_or(|length| *length == body.len().to_string()));
        }
        let (status, headers, _) = ask(Method::GET, "/wells", TOKEN).await;
        assert_eq!((status, &headers["content-type"]), (404, &HeaderValue::from_static("application/problem+json")));
        let document = serde_json::to_value(&document).unwrap();
        let told = |path: &str| document["paths"][path]["get"]["responses"]["default"]["content"].clone();
        assert!(told("/bells")["text/x-terse"].is_object() && told("/bells").as_object().unwrap().len() == 1);
        assert!(told("/wells")["application/problem+json"].is_object());
    }
}
