//! The only way to mount a route. [`Routes::mount`] takes a [`Policy`], enforces it and writes it into the `OpenAPI`
//! document, so that what is documented and what is enforced cannot differ; and it has whatever changes something recorded.

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::MethodRouter;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{ContentBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, ResponseBuilder};
use utoipa::{PartialSchema, ToSchema};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use crate::audit::{self, Watch};
use crate::auth::{require_admin, require_service};
use crate::problem::{self, ProblemBody};
use crate::{Guard, Policy, Problem, Recorder, codes, request_id, traced};

/// Name of the security scheme in the `OpenAPI` document.
pub const BEARER: &str = "bearer";

/// Routes, each with its policy.
pub struct Routes<S> {
    guard: Guard,
    recorder: Option<Recorder>,
    router: OpenApiRouter<S>,
    /// Of what clients call, in the order in which they came.
    paths: Vec<String>,
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// No routes yet. Without a recorder none can be mounted that is recorded. `document` has the title, version and security schemes (one named [`BEARER`]).
    pub fn new(guard: Guard, recorder: Option<Recorder>, mut document: OpenApi) -> Self {
        let mut schemas = vec![(ProblemBody::name().into_owned(), ProblemBody::schema())];
        ProblemBody::schemas(&mut schemas);
        document.components.get_or_insert_default().schemas.extend(schemas);
        Self { guard, recorder, router: OpenApiRouter::with_openapi(document), paths: Vec::new() }
    }

    /// Mounts what `utoipa_axum::routes!` made. All methods of one path belong into one call. What changes something is recorded,
    /// as its operation says ([`audit`]).
    ///
    /// # Panics
    /// When an operation says how it is recorded, and in no word that there is; when it is recorded, and there is no recorder.
    #[must_use]
    pub fn mount(mut self, policy: Policy, (schemas, mut paths, mut methods): UtoipaMethodRouter<S>) -> Self {
        for (path, item) in &mut paths.paths {
            if let Some(watch) = Watch::of(self.recorder.as_ref(), policy, path, item) {
                methods = methods.layer(from_fn_with_state(watch, audit::watch));
            }
            for operation in operations(item) {
                document_problems(operation);
                operation.security = Some(match policy {
                    Policy::Public => Vec::new(),
                    Policy::Admin | Policy::Service => vec![SecurityRequirement::new(BEARER, [""; 0])],
                });
            }
        }
        for path in paths.paths.keys() {
            self.note(policy, path);
        }
        let methods = self.enforce(policy, methods);
        self.router = self.router.routes((schemas, paths, methods));
        self
    }

    /// Mounts a route that the document leaves out, such as a page or a file. It is not recorded.
    #[must_use]
    pub fn mount_hidden(mut self, policy: Policy, path: &str, methods: MethodRouter<S>) -> Self {
        self.note(policy, path);
        let methods = self.enforce(policy, methods);
        self.router = self.router.route(path, methods);
        self
    }

    /// Mounts, at a path of another unit, what takes requests to the process that serves it. Who may call it, and by which methods,
    /// is for that process to say.
    #[must_use]
    pub fn mount_passage(mut self, path: &str, passage: MethodRouter<S>) -> Self {
        self.router = self.router.route(path, passage);
        self
    }

    /// The patterns that were mounted so far, without those of other processes' calls and of passages.
    pub fn paths(&self) -> &[String] {
        &self.paths
    }

    fn note(&mut self, policy: Policy, path: &str) {
        if policy != Policy::Service {
            self.paths.push(path.to_owned());
        }
    }

    fn enforce(&self, policy: Policy, methods: MethodRouter<S>) -> MethodRouter<S> {
        // The refusal of other methods lies behind the same guard: a closed path says nothing about itself.
        let methods = methods.fallback(method_not_allowed);
        match policy {
            Policy::Public => methods,
            Policy::Admin => methods.layer(from_fn_with_state(self.guard.clone(), require_admin)),
            Policy::Service => methods.layer(from_fn_with_state(self.guard.clone(), require_service)),
        }
    }

    /// What is mounted so far.
    pub fn document(&self) -> &OpenApi {
        self.router.get_openapi()
    }

    /// The router and its `OpenAPI` document. Unknown addresses ask for the token first, then answer 404.
    pub fn finish(self, state: S) -> (Router, OpenApi) {
        let Self { guard, router, .. } = self;
        let (router, document) = router.split_for_parts();
        let unknown = Router::new().fallback(not_found).with_state(guard);
        (router.with_state(state).merge(unknown), document)
    }
}

impl Routes<()> {
    /// Mounts, beside what is there, routes that share a state of their own.
    #[must_use]
    pub fn with<S>(self, state: S, mount: impl FnOnce(Routes<S>) -> Routes<S>) -> Self
    where
        S: Clone + Send + Sync + 'static,
    {
        let Self { guard, recorder, router, mut paths } = self;
        let bare = OpenApiRouter::with_openapi(OpenApiBuilder::new().build());
        let own = Routes { guard: guard.clone(), recorder: recorder.clone(), router: bare, paths: Vec::new() };
        let own = mount(own);
        paths.extend(own.paths);
        Self { guard, recorder, router: router.merge(own.router.with_state(state)), paths }
    }
}

/// Wraps a finished router with what every request gets: an id, a span, and a problem in place of a panic.
pub fn shell(router: Router) -> Router {
    let caught = tower_http::catch_panic::CatchPanicLayer::custom(panicked);
    router.layer(caught).layer(from_fn(traced::trace)).layer(from_fn(request_id::assign))
}

#[expect(clippy::needless_pass_by_value, reason = "the signature that the layer asks for")]
fn panicked(cause: Box<dyn std::any::Any + Send + 'static>) -> axum::response::Response {
    let text = cause.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| cause.downcast_ref::<&str>().copied()).unwrap_or("no message");
    tracing::error!(panic = text, request_id = request_id::current(), "handler panicked");
    let problem =
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, codes::SERVER_INTERNAL, "something failed on the server");
    axum::response::IntoResponse::into_response(problem)
}

async fn method_not_allowed() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        codes::HTTP_METHOD_NOT_ALLOWED,
        "this address does not take that method",
    )
}

async fn not_found(State(guard): State<Guard>, headers: HeaderMap) -> Problem {
    match guard.check(&headers) {
        Ok(()) => Problem::not_found(codes::HTTP_NOT_FOUND, "there is nothing at this address"),
        Err(problem) => problem,
    }
}

/// Every refusal is a problem, also the ones that an operation does not list, such as those of its extractors.
fn document_problems(operation: &mut Operation) {
    let listed = &mut operation.responses.responses;
    for (status, response) in listed.iter_mut() {
        let RefOr::T(response) = response else { continue };
        if status.starts_with(['4', '5'])
            && let Some(content) = response.content.swap_remove("application/json")
        {
            response.content.insert(problem::MEDIA_TYPE.to_owned(), content);
        }
    }
    let schema = Ref::from_schema_name(ProblemBody::name());
    let content = ContentBuilder::new().schema(Some(schema)).build();
    let any = ResponseBuilder::new().description("any other refusal").content(problem::MEDIA_TYPE, content);
    listed.insert("default".to_owned(), any.build().into());
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [
        &mut item.get,
        &mut item.put,
        &mut item.post,
        &mut item.delete,
        &mut item.options,
        &mut item.head,
        &mut item.patch,
        &mut item.trace,
    ]
    .into_iter()
    .flatten()
}
