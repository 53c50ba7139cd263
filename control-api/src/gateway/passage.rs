//! One request on its way to a unit, and the answer on its way back.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use http_client::{HttpError, Incoming};
use kernel::{Problem, request_id};
use tokio::sync::OwnedSemaphorePermit;

use super::body::{Answer, Heard};
use super::upgrade::{self, Wish};
use super::upstream::{Upstream, Visit, away, whole_seconds};
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

    fn problem(self, upstream: &Upstream) -> Problem {
        let (slug, request_id) = (upstream.unit.slug, request_id::current());
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
pub(super) async fn pass(gateway: &Gateway, upstream: &Arc<Upstream>, request: Request) -> Response {
    match answer(gateway, upstream, request).await {
        Ok(answer) => answer,
        Err(problem) => problem.into_response(),
    }
}

async fn answer(gateway: &Gateway, upstream: &Arc<Upstream>, request: Request) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    if gateway.0.mark.is_on(&parts.headers) {
        let detail = format!("the address of the unit {} leads back here", upstream.unit.slug);
        return Err(Problem::new(StatusCode::LOOP_DETECTED, codes::GATEWAY_LOOP, detail));
    }
    let wish = upgrade::wish(&mut parts, &body);
    headers::to_unit(&mut parts, &gateway.0.mark);
    if let Some(wish) = &wish {
        wish.tell(&mut parts.headers);
    }
    let path = parts.uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    let asked = Asked { method: parts.method, uri: upstream.base.at(path), headers: parts.headers };
    let room = wish.as_ref().map(|_| gateway.0.tunnels.enter()).transpose()?;
    let visit = upstream.enter()?;
    match ask(gateway, asked, body, wish.is_some()).await {
        Ok(answer) if answer.status() == StatusCode::SWITCHING_PROTOCOLS => {
            switch(gateway, upstream, visit, answer, wish.zip(room))
        }
        Ok(answer) => {
            let (mut parts, body) = answer.into_parts();
            headers::to_client(&mut parts.headers);
            let body = Answer::new(body, gateway.0.silence, visit.answered());
            Ok(Response::from_parts(parts, Body::new(body)))
        }
        Err(Fault::Client) => Err(Fault::Client.problem(upstream)),
        Err(fault) => {
            visit.failed(fault.outcome());
            Err(fault.problem(upstream))
        }
    }
}

/// The unit leaves HTTP, and so does the client.
fn switch(
    gateway: &Gateway,
    upstream: &Upstream,
    visit: Visit,
    mut answer: axum::http::Response<Incoming>,
    wish: Option<(Wish, OwnedSemaphorePermit)>,
) -> Result<Response, Problem> {
    let granted = wish.and_then(|(wish, room)| Some((wish.granted(&mut answer)?, room)));
    let Some((granted, room)) = granted else {
        let fault = Fault::Broken("it chose a protocol that nobody asked for".to_owned());
        visit.failed(fault.outcome());
        return Err(fault.problem(upstream));
    };
    let mut parts = answer.into_parts().0;
    headers::to_client(&mut parts.headers);
    granted.tell(&mut parts.headers);
    gateway.0.tunnels.begin(granted, upstream.unit.slug, (visit.answered(), room));
    Ok(Response::from_parts(parts, Body::empty()))
}

/// All of a request but its body, as a unit gets it.
#[derive(Clone)]
struct Asked {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
}

impl Asked {
    fn with(self, body: Body) -> Request {
        let mut request = Request::new(body);
        (*request.method_mut(), *request.uri_mut(), *request.headers_mut()) = (self.method, self.uri, self.headers);
        request
    }
}

/// Sends the request. One that changes nothing and has no body is sent once more where the connection broke: a process that was
/// started anew leaves connections behind that look alive.
async fn ask(
    gateway: &Gateway,
    asked: Asked,
    body: Body,
    may_leave: bool,
) -> Result<axum::http::Response<Incoming>, Fault> {
    let changes_nothing = matches!(asked.method, Method::GET | Method::HEAD | Method::OPTIONS);
    if !(changes_nothing && body.is_end_stream()) {
        return send(gateway, asked.with(body), may_leave).await;
    }
    match send(gateway, asked.clone().with(Body::empty()), may_leave).await {
        Err(Fault::Broken(_)) => send(gateway, asked.with(Body::empty()), may_leave).await,
        first => first,
    }
}

/// Waits for the head of the answer as long as something of the request still comes, and some time after its end. Only a request that
/// `may_leave` HTTP can be answered so.
async fn send(gateway: &Gateway, request: Request, may_leave: bool) -> Result<axum::http::Response<Incoming>, Fault> {
    let heard = Heard::default();
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
