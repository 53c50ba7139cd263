//! The only way to mount a route. [`Routes::mount`] takes a [`Policy`], enforces it and writes it into the `OpenAPI`
//! document, so that what is documented and what is enforced cannot differ; it has requests counted ([`rate`]), and whatever changes
//! something recorded.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{ContentBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, ResponseBuilder};
use utoipa::{PartialSchema, ToSchema};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use crate::audit::{self, Watch};
use crate::auth::{Gate, admit, vouch_for};
use crate::dialect::speak;
use crate::problem::{self, ProblemBody};
use crate::retiring::{self, Retiring};
use crate::{Dialect, Guard, Policy, Problem, Recorder, Rules, codes, rate, request_id, traced};

/// Name of the security scheme in the `OpenAPI` document.
pub const BEARER: &str = "bearer";

/// Routes, each with its policy.
pub struct Routes<S> {
    guard: Guard,
    recorder: Option<Recorder>,
    /// Whose routes are mounted at the moment.
    unit: Option<&'static str>,
    /// How those refuse that are mounted at the moment, if not with problems.
    dialect: Option<&'static Dialect>,
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
        let router = OpenApiRouter::with_openapi(document);
        Self { guard, recorder, unit: None, dialect: None, router, paths: Vec::new() }
    }

    /// The routes that are mounted from now on refuse as the protocol of somebody else has it.
    #[must_use]
    pub fn speaking(self, dialect: &'static Dialect) -> Self {
        Self { dialect: Some(dialect), ..self }
    }

    /// Mounts what `utoipa_axum::routes!` made. All methods of one path belong into one call, with a policy for all of them or
    /// one for each: `[(Method::GET, May(READ)), (Method::DELETE, May(DELETE))]`. What changes something is recorded, as its
    /// operation says ([`audit`]), and what is going to end says so (`retiring`).
    ///
    /// # Panics
    /// When the policies and the operations are not of the same methods, or a permission to `read` is to open what changes
    /// something; when an operation says how it is recorded or counted, or when it ends, and in no word that there is; when it is
    /// recorded, and there is no recorder.
    #[must_use]
    pub fn mount(mut self, rules: impl Into<Rules>, (schemas, mut paths, mut methods): UtoipaMethodRouter<S>) -> Self {
        let rules = rules.into();
        let (mut is_free, mut retiring) = (false, None);
        for (path, item) in &mut paths.paths {
            retiring = Retiring::of(path, operations(item)).or(retiring);
            is_free |= rate::is_free(path, operations(item).map(|(_, operation)| &*operation));
            if let Some(watch) = Watch::of(self.recorder.as_ref(), path, item) {
                methods = methods.layer(from_fn_with_state(watch, audit::watch));
            }
            let mut ruled = 0;
            for (method, operation) in operations(item) {
                let policy = rules.named(&method).unwrap_or_else(|| panic!("{method} {path} has no policy"));
                check(policy, &method, path);
                document_problems(operation, self.dialect);
                operation.security = Some(requirement(policy));
                ruled += 1;
            }
            if let Rules::Each(each) = &rules {
                assert_eq!(each.len(), ruled, "{path} has a policy for a method that it does not take");
            }
        }
        for path in paths.paths.keys() {
            self.note(&rules, path);
        }
        let mut methods = self.enforce(rules, methods, is_free);
        if let Some(retiring) = retiring {
            methods = methods.layer(from_fn_with_state(retiring, retiring::tell));
        }
        self.router = self.router.routes((schemas, paths, methods));
        self
    }

    /// Mounts a route that the document leaves out, such as a page or a file. It is not recorded.
    #[must_use]
    pub fn mount_hidden(mut self, policy: Policy, path: &str, methods: MethodRouter<S>) -> Self {
        let rules = policy.into();
        self.note(&rules, path);
        let methods = self.enforce(rules, methods, false);
        self.router = self.router.route(path, methods);
        self
    }

    /// Mounts, at a path of another unit, what takes requests to the process that serves it. Who may call it, and by which methods,
    /// is for that process to say; where this one knows whom a request is from, it has [`Vouched`](crate::auth::Vouched) among its
    /// extensions.
    #[must_use]
    pub fn mount_passage(mut self, path: &str, unit: &'static str, passage: MethodRouter<S>) -> Self {
        let passage = passage.layer(from_fn_with_state((self.guard.clone(), unit), vouch_for));
        self.router = self.router.route(path, passage);
        self
    }

    /// The patterns that were mounted so far, without those of other processes' calls and of passages.
    pub fn paths(&self) -> &[String] {
        &self.paths
    }

    fn note(&mut self, rules: &Rules, path: &str) {
        if *rules != Rules::All(Policy::Service) {
            self.paths.push(path.to_owned());
        }
    }

    fn enforce(&self, rules: Rules, methods: MethodRouter<S>, is_free: bool) -> MethodRouter<S> {
        // The refusal of other methods lies behind the same guard: a closed path says nothing about itself.
        let methods = methods.fallback(method_not_allowed);
        let guard = if is_free { self.guard.clone().without_limiter() } else { self.guard.clone() };
        let guarded = methods.layer(from_fn_with_state(Gate { guard, rules: Arc::new(rules), unit: self.unit }, admit));
        match self.dialect {
            Some(dialect) => guarded.layer(from_fn_with_state(dialect, speak)),
            None => guarded,
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
    /// The routes that are mounted from now on are of this unit; of none, every process has them.
    #[must_use]
    pub(crate) fn of(self, unit: Option<&'static str>) -> Self {
        Self { unit, ..self }
    }

    /// Mounts, beside what is there, routes that share a state of their own.
    #[must_use]
    pub fn with<S>(self, state: S, mount: impl FnOnce(Routes<S>) -> Routes<S>) -> Self
    where
        S: Clone + Send + Sync + 'static,
    {
        let Self { guard, recorder, unit, dialect, router, mut paths } = self;
        let bare = OpenApiRouter::with_openapi(OpenApiBuilder::new().build());
        let (of_guard, of_recorder) = (guard.clone(), recorder.clone());
        let own = Routes { guard: of_guard, recorder: of_recorder, unit, dialect, router: bare, paths: Vec::new() };
        let own = mount(own);
        paths.extend(own.paths);
        Self { guard, recorder, unit, dialect, router: router.merge(own.router.with_state(state)), paths }
    }
}

/// Wraps a finished router with what every request gets: an id, a span, and a problem in place of a panic.
pub fn shell(router: Router) -> Router {
    let caught = tower_http::catch_panic::CatchPanicLayer::custom(panicked);
    router.layer(caught).layer(from_fn(traced::trace)).layer(from_fn(request_id::assign))
}

#[expect(clippy::needless_pass_by_value, reason = "the signature that the layer asks for")]
fn panicked(cause: Box<dyn std::any::Any + Send + 'static>) -> Response {
    let text = cause.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| cause.downcast_ref::<&str>().copied()).unwrap_or("no message");
    tracing::error!(panic = text, request_id = request_id::current(), "handler panicked");
    let problem =
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, codes::SERVER_INTERNAL, "something failed on the server");
    problem.into_response()
}

async fn method_not_allowed() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        codes::HTTP_METHOD_NOT_ALLOWED,
        "this address does not take that method",
    )
}

async fn not_found(State(guard): State<Guard>, request: Request) -> Response {
    let mut meter = guard.meter(&request);
    let problem = match guard.principal(request.headers(), &mut meter).await {
        Ok(_) => Problem::not_found(codes::HTTP_NOT_FOUND, "there is nothing at this address"),
        Err(problem) => problem,
    };
    let mut response = problem.into_response();
    meter.tell(response.headers_mut());
    response
}

/// Every refusal is a problem, or what a dialect makes of it, also the ones that an operation does not list, such as those of its extractors.
fn document_problems(operation: &mut Operation, dialect: Option<&Dialect>) {
    let usual = || (problem::MEDIA_TYPE, ProblemBody::name().into_owned());
    let (media_type, schema) = dialect.map_or_else(usual, |dialect| (dialect.media_type, dialect.schema.to_owned()));
    let listed = &mut operation.responses.responses;
    for (status, response) in listed.iter_mut() {
        let RefOr::T(response) = response else { continue };
        if status.starts_with(['4', '5'])
            && let Some(content) = response.content.swap_remove("application/json")
        {
            response.content.insert(media_type.to_owned(), content);
        }
    }
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(schema))).build();
    let any = ResponseBuilder::new().description("any other refusal").content(media_type, content);
    listed.insert("default".to_owned(), any.build().into());
}

/// What the document says of a policy: the permission that is needed, or in its place `operator`, `person` or `service` (OpenAPI 3.1 §4.8.30).
fn requirement(policy: Policy) -> Vec<SecurityRequirement> {
    let role = match policy {
        Policy::Public => return Vec::new(),
        Policy::Operator => "operator".to_owned(),
        Policy::Person => "person".to_owned(),
        Policy::Service => "service".to_owned(),
        Policy::May(permission) => permission.to_string(),
    };
    vec![SecurityRequirement::new(BEARER, [role])]
}

fn check(policy: Policy, method: &Method, path: &str) {
    if let Policy::May(permission) = policy {
        assert!(permission.action != "read" || method.is_safe(), "{method} {path} needs more than {permission}");
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (Method, &mut Operation)> {
    [
        (Method::GET, &mut item.get),
        (Method::PUT, &mut item.put),
        (Method::POST, &mut item.post),
        (Method::DELETE, &mut item.delete),
        (Method::OPTIONS, &mut item.options),
        (Method::HEAD, &mut item.head),
        (Method::PATCH, &mut item.patch),
        (Method::TRACE, &mut item.trace),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}
