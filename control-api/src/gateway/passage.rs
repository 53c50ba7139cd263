//! One request on its way to a unit, and the answer on its way back.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use http_client::{HttpError, Incoming};
use kernel::{Problem, request_id};
use tokio::sync::OwnedSemaphorePermit;

use super::body::{Answer, Heard};
use super::pool::{Pool, Visit};
use super::upgrade::{self, Wish};
use super::upstream::{Upstream, away, whole_seconds};
use super::{Gateway, codes, headers};

/// After this a unit that could not be reached, or broke off, may be asked again.
const ASK_AGAIN: Duration = Duration::from_secs(2);

/// Why a unit has not answered.
enum Fault {
    Unreachable(HttpError),
    Broken(String),
    Silent,
    /// The client did not send all of its request.
    Client,
}

impl Fault {
    fn outcome(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "unreachable",
            Self::Broken(_) => "broken",
            Self::Silent => "silent",
            Self::Client => "left",
        }
    }

    /// Whether the same request may be sent to another process: nobody can have heard it, or it changes nothing.
    fn lets_move_on(&self, changes_nothing: bool) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Broken(_) => changes_nothing,
            Self::Silent | Self::Client => false,
        }
    }

    fn problem(self, slug: &str, upstream: &Upstream) -> Problem {
        let request_id = request_id::current();
        let warn = |error: &dyn std::fmt::Display| {
            tracing::warn!(unit = slug, base = %upstream.base, %error, request_id, "a unit did not answer");
        };
        match self {
            Self::Unreachable(error) => {
                warn(&error);
                away(slug, ASK_AGAIN)
            }
            Self::Broken(error) => {
                warn(&error);
                let detail = format!("the unit {slug} broke off, or sent no answer");
                Problem::unavailable(codes::GATEWAY_UNIT_BROKEN, detail, whole_seconds(ASK_AGAIN))
            }
            Self::Silent => {
                warn(&"it was silent");
                let detail = format!("the unit {slug} did not answer in time");
                Problem::new(StatusCode::GATEWAY_TIMEOUT, codes::GATEWAY_UNIT_SILENT, detail)
            }
            Self::Client => Problem::bad_request(
                kernel::codes::BODY_INCOMPLETE,
                "the body ended, or fell silent, before it was whole",
            ),
        }
    }
}

/// Takes a request to a unit, and its answer back; neither is gathered.
pub(super) async fn pass(gateway: &Gateway, pool: &Arc<Pool>, request: Request) -> Response {
    match answer(gateway, pool, request).await {
        Ok(answer) => answer,
        Err(problem) => problem.into_response(),
    }
}

async fn answer(gateway: &Gateway, pool: &Arc<Pool>, request: Request) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    if gateway.0.mark.is_on(&parts.headers) {
        let detail = format!("the address of the unit {} leads back here", pool.unit.slug);
        return Err(Problem::new(StatusCode::LOOP_DETECTED, codes::GATEWAY_LOOP, detail));
    }
    let wish = upgrade::wish(&mut parts, &body);
    headers::to_unit(&mut parts, &gateway.0.mark);
    if let Some(wish) = &wish {
        wish.tell(&mut parts.headers);
    }
    let path = parts.uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    let asked = Asked { method: parts.method, path, headers: parts.headers, may_leave: wish.is_some() };
    let room = wish.as_ref().map(|_| gateway.0.tunnels.enter()).transpose()?;
    let (visit, answer) = ask(gateway, pool, asked, body).await?;
    if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
        return switch(gateway, visit, answer, wish.zip(room));
    }
    let (mut parts, body) = answer.into_parts();
    headers::to_client(&mut parts.headers);
    let body = Answer::new(body, gateway.0.silence, visit.answered(parts.status));
    Ok(Response::from_parts(parts, Body::new(body)))
}

/// The unit leaves HTTP, and so does the client.
fn switch(
    gateway: &Gateway,
    visit: Visit,
    mut answer: Answered,
    wish: Option<(Wish, OwnedSemaphorePermit)>,
) -> Result<Response, Problem> {
    let granted = wish.and_then(|(wish, room)| Some((wish.granted(&mut answer)?, room)));
    let Some((granted, room)) = granted else {
        return Err(unanswered(visit, Fault::Broken("it chose a protocol that nobody asked for".to_owned())));
    };
    let mut parts = answer.into_parts().0;
    headers::to_client(&mut parts.headers);
    granted.tell(&mut parts.headers);
    let slug = visit.slug();
    gateway.0.tunnels.begin(granted, slug, (visit.answered(parts.status), room));
    Ok(Response::from_parts(parts, Body::empty()))
}

/// What a client is told of a visit that came to nothing.
fn unanswered(visit: Visit, fault: Fault) -> Problem {
    let outcome = fault.outcome();
    let is_clients = matches!(fault, Fault::Client);
    let problem = fault.problem(visit.slug(), visit.upstream());
    if !is_clients {
        visit.failed(outcome);
    }
    problem
}

type Answered = axum::http::Response<Incoming>;

/// All of a request but its body, as a unit gets it.
#[derive(Clone)]
struct Asked {
    method: Method,
    path: PathAndQuery,
    headers: HeaderMap,
    may_leave: bool,
}

impl Asked {
    fn changes_nothing(&self) -> bool {
        matches!(self.method, Method::GET | Method::HEAD | Method::OPTIONS)
    }

    fn of(self, upstream: &Upstream, body: Body) -> Request {
        let mut request = Request::new(body);
        *request.uri_mut() = upstream.base.at(self.path);
        (*request.method_mut(), *request.headers_mut()) = (self.method, self.headers);
        request
    }
}

/// Sends the request to one of the unit's processes, and where that came to nothing, and nothing is done twice by it, once more: to
/// another process, or where there is no other one and the connection broke, to the same. A process that was started anew leaves
/// connections behind that look alive.
async fn ask(gateway: &Gateway, pool: &Arc<Pool>, asked: Asked, body: Body) -> Result<(Visit, Answered), Problem> {
    let (is_whole, changes_nothing) = (body.is_end_stream(), asked.changes_nothing());
    let mut visit = pool.enter(is_whole && changes_nothing)?;
    let spare = is_whole.then(|| asked.clone());
    let fault = match send(gateway, visit.upstream(), asked, body).await {
        Ok(answer) => return Ok((visit, answer)),
        Err(fault) => fault,
    };
    let Some(again) = spare.filter(|_| fault.lets_move_on(changes_nothing)) else {
        return Err(unanswered(visit, fault));
    };
    match pool.enter_other(&visit) {
        Some(other) => {
            let failed = std::mem::replace(&mut visit, other);
            drop(unanswered(failed, fault));
        }
        None if matches!(fault, Fault::Broken(_)) => {}
        None => return Err(unanswered(visit, fault)),
    }
    match send(gateway, visit.upstream(), again, Body::empty()).await {
        Ok(answer) => Ok((visit, answer)),
        Err(fault) => Err(unanswered(visit, fault)),
    }
}

/// Waits for the head of the answer as long as something of the request still comes, and some time after its end. Only a request that
/// `may_leave` HTTP can be answered so.
async fn send(gateway: &Gateway, upstream: &Upstream, asked: Asked, body: Body) -> Result<Answered, Fault> {
    let (heard, may_leave) = (Heard::default(), asked.may_leave);
    let request = asked.of(upstream, body);
    let request = match request.body().is_end_stream() {
        true => request,
        false => request.map(|body| heard.of(body)),
    };
    let mut sending = pin!(gateway.0.client.send(request));
    loop {
        let frames = heard.frames();
        match tokio::time::timeout(gateway.0.silence, sending.as_mut()).await {
            Ok(Ok(answer)) if may_leave && answer.status() == StatusCode::SWITCHING_PROTOCOLS => return Ok(answer),
            Ok(Ok(answer)) if answer.status().is_informational() => {
                return Err(Fault::Broken(format!("it answered {}", answer.status())));
            }
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(_)) if heard.broke_off() => return Err(Fault::Client),
            Ok(Err(error @ HttpError::Connect { .. })) => return Err(Fault::Unreachable(error)),
            Ok(Err(error)) => return Err(Fault::Broken(error.to_string())),
            Err(_elapsed) if heard.frames() != frames => {}
            // Else whoever begins many requests and ends none could have the unit left alone.
            Err(_elapsed) if heard.is_awaited() => return Err(Fault::Client),
            Err(_elapsed) => return Err(Fault::Silent),
        }
    }
}
