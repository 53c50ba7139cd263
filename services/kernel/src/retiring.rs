//! Routes that are going to end. An operation says in the `OpenAPI` document since when nobody should begin with it, by
//! `x-deprecated`, and from when on it may be gone, by `x-sunset`; both are days, such as `2027-06-30`, and the second needs the first.
//! Each answer of it then says so too, whoever passes it on: `Deprecation` (RFC 9745), `Sunset` (RFC 8594), and a link to its
//! description.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use utoipa::openapi::Deprecated;
use utoipa::openapi::path::Operation;

use crate::clock;

const SINCE: &str = "x-deprecated";
const UNTIL: &str = "x-sunset";

/// What the answers of one address say of its end, by method.
#[derive(Clone)]
pub(crate) struct Retiring(Arc<[(Method, Lines)]>);

type Lines = Vec<(HeaderName, HeaderValue)>;

impl Retiring {
    /// Of these operations; the document says `deprecated` of them from now on. `None` where none of them is going to end.
    ///
    /// # Panics
    /// When an operation says something else than a day, an end before the announcement, or an end alone.
    pub(crate) fn of<'a>(path: &str, operations: impl Iterator<Item = (Method, &'a mut Operation)>) -> Option<Self> {
        let lines = operations.filter_map(|(method, operation)| {
            let lines = lines(path, operation)?;
            operation.deprecated = Some(Deprecated::True);
            Some((method, lines))
        });
        let lines: Arc<[_]> = lines.collect();
        (!lines.is_empty()).then(|| Self(lines))
    }

    fn lines(&self, method: &Method) -> &[(HeaderName, HeaderValue)] {
        let of = |wanted: &Method| self.0.iter().find(|(known, _)| known == wanted).map(|(_, lines)| lines.as_slice());
        of(method).or_else(|| of(&Method::GET).filter(|_| *method == Method::HEAD)).unwrap_or_default()
    }
}

fn lines(path: &str, operation: &Operation) -> Option<Lines> {
    let day = |name: &str| {
        let said = operation.extensions.as_ref()?.get(name)?;
        let day = said.as_str().and_then(clock::day);
        Some(day.unwrap_or_else(|| panic!("{path}: {name} is a day, such as \"2027-06-30\"")))
    };
    let (since, until) = (day(SINCE), day(UNTIL));
    assert!(since.is_some() || until.is_none(), "{path}: {UNTIL} is said of what {SINCE} is said of");
    let since = since?;
    assert!(until.is_none_or(|until| since <= until), "{path}: {UNTIL} is not before {SINCE}");
    let text = |text: String| HeaderValue::try_from(text).expect("it is plain ASCII");
    let mut lines = vec![(HeaderName::from_static("deprecation"), text(format!("@{}", since * 86_400)))];
    if let Some(until) = until {
        lines.push((HeaderName::from_static("sunset"), text(clock::http_date(until))));
    }
    if let Some(id) = &operation.operation_id {
        lines.push((header::LINK, text(format!("</api/docs#{id}>; rel=\"deprecation\"; type=\"text/html\""))));
    }
    Some(lines)
}

/// Middleware of one address: says in answers that it is going to end.
pub(crate) async fn tell(State(retiring): State<Retiring>, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let mut response = next.run(request).await;
    for (name, value) in retiring.lines(&method) {
        response.headers_mut().append(name.clone(), value.clone());
    }
    response
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use axum::Router;
    use axum::body::Body;
    use tower::ServiceExt;
    use utoipa::openapi::OpenApiBuilder;
    use utoipa_axum::routes;

    use super::*;
    use crate::{AdminToken, Guard, Policy, Routes};

    #[utoipa::path(
        get, path = "/old", operation_id = "ring_old", responses((status = 200, body = String)),
        extensions(("x-deprecated" = json!("2026-11-24")), ("x-sunset" = json!("2027-11-24")))
    )]
    async fn old() -> String {
        "ding".to_owned()
    }

    #[utoipa::path(
        get, path = "/older", operation_id = "ring_older", responses((status = 200, body = String)),
        extensions(("x-deprecated" = json!("1970-01-02")))
    )]
    async fn older() -> &'static str {
        "dong"
    }

    #[utoipa::path(get, path = "/new", operation_id = "ring", responses((status = 200, body = String)))]
    async fn new() -> String {
        "ding".to_owned()
    }

    #[utoipa::path(
        get, path = "/wrong", operation_id = "wrong", responses((status = 200, body = String)),
        extensions(("x-deprecated" = json!("2027-11-24")), ("x-sunset" = json!("2026-11-24")))
    )]
    async fn wrong() -> String {
        String::new()
    }

    #[utoipa::path(
        get, path = "/alone", operation_id = "alone", responses((status = 200, body = String)),
        extensions(("x-sunset" = json!("2026-11-24")))
    )]
    async fn alone() -> String {
        String::new()
    }

    fn none() -> Routes<()> {
        Routes::new(Guard::new(AdminToken::new("0123456789abcdef").unwrap()), None, OpenApiBuilder::new().build())
    }

    async fn said(router: &Router, method: Method, path: &str) -> (u16, [String; 3]) {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        let line = |name: &str| response.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        (response.status().as_u16(), ["deprecation", "sunset", "link"].map(line))
    }

    #[tokio::test]
    async fn what_is_going_to_end_says_so_in_the_document_and_in_every_answer() {
        let routes = none().mount(Policy::Public, routes!(old)).mount(Policy::Public, routes!(older));
        let (router, document) = routes.mount(Policy::Operator, routes!(new)).finish(());
        let whole = [
            "@1795478400",
            "Wed, 24 Nov 2027 00:00:00 GMT",
            "</api/docs#ring_old>; rel=\"deprecation\"; type=\"text/html\"",
        ];
        for (method, status) in [(Method::GET, 200), (Method::HEAD, 200)] {
            assert_eq!(said(&router, method, "/old").await, (status, whole.map(str::to_owned)));
        }
        let (_, [since, until, _]) = said(&router, Method::GET, "/older").await;
        assert_eq!((since.as_str(), until.as_str()), ("@86400", ""));
        assert_eq!(said(&router, Method::GET, "/new").await, (401, [(); 3].map(|()| String::new())));
        let document = serde_json::to_value(document).unwrap();
        assert_eq!(document["paths"]["/old"]["get"]["deprecated"], true);
        assert_eq!(document["paths"]["/old"]["get"]["x-sunset"], "2027-11-24");
        assert!(document["paths"]["/new"]["get"]["deprecated"].is_null());
    }

    #[test]
    #[should_panic(expected = "x-sunset is not before x-deprecated")]
    fn nothing_ends_before_that_was_said() {
        let _ = none().mount(Policy::Public, routes!(wrong));
    }

    #[test]
    #[should_panic(expected = "x-sunset is said of what x-deprecated is said of")]
    fn nothing_ends_unannounced() {
        let _ = none().mount(Policy::Public, routes!(alone));
    }
}
