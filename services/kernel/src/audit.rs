//! Who has changed what: each request to a route that changes something leaves one record, whichever unit the route is of, and
//! without its handler knowing.
//!
//! A record is stored before the handler begins and completed when it has answered, so that a process that dies in between
//! leaves one that says so. Operations say in the `OpenAPI` document, by the extension `x-audit`, how they are recorded:
//!
//! - `request`, as above: every `POST`, `PUT`, `PATCH` and `DELETE` that says nothing else.
//! - `effect`: its effect is one transaction of [`Idempotency::once_within`](crate::Idempotency::once_within), and its record is in
//!   that: there with the effect, and not without. Nothing is stored before.
//! - `answer`: what it does is what it answers, such as a licence; recorded when the handler is done, before anybody has the answer.
//!   A public route says whose log it belongs to by a [`Tenant`] among the extensions of the answer, or by [`By`] who has asked, too.
//! - `none`: it changes nothing, or is a piece of something that is recorded.
//!
//! A `GET` is recorded where it says so: somebody else's protocol may have a browser bring back by one what lets its person in.
//!
//! A refusal (4xx) has changed nothing and leaves no record, nor does an answer that is given again for its `Idempotency-Key`, or one
//! that says so by [`Unrecorded`].
//!
//! A record also says from where and by which session the request came, why, as its header `Lectern-Reason` says, and what was before and
//! after it ([`before`], [`after`]).
//!
//! - [`Recorder`]: stores records, those of requests at the same time together. `effect`: those that their effects store.
//!   [`transit`]: where they wait for the log.

pub(crate) mod change;
pub(crate) mod effect;
mod recorder;
pub mod transit;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use media_types::TenantId;
use utoipa::openapi::path::{Operation, PathItem};

pub use change::{after, before, unsaid};
pub use recorder::Recorder;

use self::change::Views;
use self::recorder::{Ending, Record};
use self::transit::Context;
use crate::{Client, Principal, Problem, Tenant, codes, default_tenant, idempotency, request_id, text};

/// Says why a request is sent, for the log.
pub const REASON: HeaderName = HeaderName::from_static("lectern-reason");

/// The extension of an operation that says how it is recorded.
const EXTENSION: &str = "x-audit";
/// The most characters of an address that a record holds.
const MAX_RESOURCE: usize = 512;
/// The most characters of a reason, and of what a client calls itself.
const MAX_REASON: usize = 500;
const MAX_USER_AGENT: usize = 200;

/// How an operation is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    Request,
    Effect,
    Answer,
    None,
}

impl Kept {
    fn named(name: &serde_json::Value) -> Option<Self> {
        match name.as_str()? {
            "request" => Some(Self::Request),
            "effect" => Some(Self::Effect),
            "answer" => Some(Self::Answer),
            "none" => Some(Self::None),
            _ => None,
        }
    }
}

/// Who a request to a public route has turned out to be from.
#[derive(Clone, Debug)]
pub struct By {
    /// Whose log it belongs to.
    pub tenant: TenantId,
    /// As [`Principal::actor`] has it.
    pub actor: String,
}

/// Among the extensions of an answer: this time nothing was done that anybody would look for, such as one more token of a session
/// whose beginning is recorded.
#[derive(Clone, Copy, Debug)]
pub struct Unrecorded;

/// An operation that is recorded.
struct Rule {
    method: Method,
    action: Arc<str>,
    kept: Kept,
    /// The last part of the address that says what it is done to, counted from the empty one before the first slash.
    last: usize,
}

impl Rule {
    fn of(method: Method, path: &str, operation: &mut Operation) -> Option<Self> {
        let extensions = operation.extensions.get_or_insert_default();
        let name = extensions.entry(EXTENSION.to_owned()).or_insert_with(|| "request".into());
        let kept = Kept::named(name)
            .unwrap_or_else(|| panic!("{method} {path}: {EXTENSION} is request, effect, answer or none"));
        let action = operation.operation_id.as_deref().unwrap_or_else(|| panic!("{method} {path} has no operation id"));
        (kept != Kept::None).then(|| Self { method, action: action.into(), kept, last: last(path) })
    }
}

/// The last part of an address that varies: `{id}` of `/api/v1/assets/{id}/cancel`. The last of all where none does.
fn last(path: &str) -> usize {
    let varies = path.split('/').enumerate().filter(|(_, part)| part.starts_with('{')).map(|(at, _)| at);
    varies.last().unwrap_or(usize::MAX)
}

/// What of this address was done something to.
fn resource(path: &str, last: usize) -> String {
    let end = path.match_indices('/').nth(last).map_or(path.len(), |(at, _)| at);
    path[..end].chars().take(MAX_RESOURCE).collect()
}

/// What the routes of one address are recorded by.
#[derive(Clone)]
pub(crate) struct Watch {
    recorder: Recorder,
    rules: Arc<[Rule]>,
}

impl Watch {
    /// Of these operations; says in each how it is recorded. `None` where nothing is.
    ///
    /// # Panics
    /// When an operation says something else with [`EXTENSION`], or has no id; when there is no recorder for it.
    pub(crate) fn of(recorder: Option<&Recorder>, path: &str, item: &mut PathItem) -> Option<Self> {
        let operations = [
            (Method::POST, &mut item.post),
            (Method::PUT, &mut item.put),
            (Method::PATCH, &mut item.patch),
            (Method::DELETE, &mut item.delete),
        ];
        let rules =
            operations.into_iter().filter_map(|(method, operation)| Rule::of(method, path, operation.as_mut()?));
        let says = |get: &&mut Operation| get.extensions.as_ref().is_some_and(|all| all.contains_key(EXTENSION));
        let get = item.get.as_mut().filter(says).and_then(|get| Rule::of(Method::GET, path, get));
        let rules: Arc<[Rule]> = rules.chain(get).collect();
        (!rules.is_empty()).then(|| {
            let recorder = recorder.unwrap_or_else(|| panic!("{path} changes something, and nothing records it"));
            Self { recorder: recorder.clone(), rules }
        })
    }

    fn record(&self, rule: &Rule, request: &Request) -> Result<Record, Problem> {
        let principal = request.extensions().get().unwrap_or(&Principal::Nobody);
        Ok(Record {
            // What is about no tenant is about the installation, whose own is the default one.
            tenant: principal.tenant().cloned().unwrap_or_else(default_tenant),
            id: uuid::Uuid::now_v7().simple().to_string(),
            actor: principal.acted_by().unwrap_or(principal.actor()).to_owned(),
            action: Arc::clone(&rule.action),
            resource: resource(request.uri().path(), rule.last),
            request_id: request_id::current(),
            time_ms: self.recorder.now_ms(),
            context: context(principal, request)?,
        })
    }
}

/// Middleware, behind the guard: records the request as its operation says.
pub(crate) async fn watch(State(watch): State<Watch>, request: Request, next: Next) -> Response {
    // What answers GET answers HEAD, too.
    let method = if request.method() == Method::HEAD { &Method::GET } else { request.method() };
    let Some(rule) = watch.rules.iter().find(|rule| rule.method == *method) else {
        return next.run(request).await;
    };
    let mut record = match watch.record(rule, &request) {
        Ok(record) => record,
        Err(problem) => return problem.into_response(),
    };
    let is_removal = rule.method == Method::DELETE;
    if rule.kept == Kept::Effect {
        record.context = known(&record.actor, record.context.take());
        return effect::watch(&watch.recorder, record, next.run(request)).await;
    }
    if rule.kept == Kept::Answer {
        let (response, views) = change::watched(next.run(request)).await;
        // Where there is no answer nothing is done.
        let done @ Ending::Done { .. } = ending(&response, views, is_removal) else { return response };
        if let Some(Tenant(tenant)) = response.extensions().get() {
            record.tenant = tenant.clone();
        }
        if let Some(By { tenant, actor }) = response.extensions().get().cloned() {
            (record.tenant, record.actor) = (tenant, actor);
        }
        record.context = known(&record.actor, record.context.take());
        return watch.recorder.record(record, done).await.map_or_else(IntoResponse::into_response, |()| response);
    }
    record.context = known(&record.actor, record.context.take());
    let opened = match watch.recorder.open(record).await {
        Ok(opened) => opened,
        Err(problem) => return problem.into_response(),
    };
    let (response, views) = change::watched(next.run(request)).await;
    opened.end(ending(&response, views, is_removal));
    response
}

/// What the log says beside it of somebody: nothing of whom nobody knows.
fn known(actor: &str, context: Option<String>) -> Option<String> {
    context.filter(|_| actor != Principal::Nobody.actor())
}

/// What is known of a request beside what it asks for, as JSON.
///
/// # Errors
/// 400 when it says why it is sent, and not in so many words.
fn context(principal: &Principal, request: &Request) -> Result<Option<String>, Problem> {
    let headers = request.headers();
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    let person = match principal {
        Principal::Person(person) => Some(person),
        _ => None,
    };
    let context = Context {
        address: request.extensions().get::<Client>().map(|client| client.0.to_string()),
        user_agent: agent.map(|agent| agent.chars().take(MAX_USER_AGENT).collect()),
        session: person.map(|person| person.session.clone()),
        client: person.and_then(|person| person.client.clone()),
        on_behalf_of: principal.acted_by().map(|_| principal.actor().to_owned()),
        reason: reason(headers)?,
    };
    let is_empty = context == Context::default();
    Ok((!is_empty).then(|| serde_json::to_string(&context).ok()).flatten())
}

fn reason(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(REASON) else { return Ok(None) };
    let unfit = |why: String| {
        let detail = format!("the header Lectern-Reason is not as it has to be: {why}");
        Problem::bad_request(codes::AUDIT_INVALID_REASON, detail)
    };
    let said = std::str::from_utf8(value.as_bytes()).map_err(|_| unfit("it is UTF-8".to_owned()))?;
    text::check(said, 1..=MAX_REASON).map_err(unfit)?;
    Ok(Some(said.to_owned()))
}

/// What an answer says of what was done.
fn ending(response: &Response, views: Views, is_removal: bool) -> Ending {
    let (status, headers) = (response.status(), response.headers());
    let is_unrecorded = response.extensions().get::<Unrecorded>().is_some();
    if status.is_client_error() || headers.contains_key(idempotency::REPLAYED) || is_unrecorded {
        return Ending::Nothing;
    }
    if status.is_server_error() {
        return Ending::Unknown { status: Some(status.as_u16()) };
    }
    // What was made is where the answer says, and not where the request went.
    let made = headers.get(header::LOCATION).and_then(|value| value.to_str().ok()).filter(|path| path.starts_with('/'));
    let made = made.map(|path| path.chars().take(MAX_RESOURCE).collect());
    Ending::Done { status: status.as_u16(), made, changes: views.changes(is_removal) }
}

#[cfg(test)]
mod tests;
