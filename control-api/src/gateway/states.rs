//! How each unit is, for those who run them.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::uri::PathAndQuery;
use futures::future::join_all;
use kernel::manifest::{self, Entry};
use serde::Serialize;
use utoipa::ToSchema;

use super::Gateway;
use super::pool::Pool;
use super::upstream::Upstream;

/// A unit that does not answer within this is away.
const PATIENCE: Duration = Duration::from_secs(2);

/// A unit of the platform that this build has.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UnitView {
    /// Its one word.
    slug: &'static str,
    /// What people call it.
    name: &'static str,
    /// The group of units that it belongs to.
    module: &'static str,
    /// Where it answers when it is served alone.
    port: u16,
    /// `here`: in the process that tells this. Of others: `ready`, `not_ready` (it answers, and cannot work), or `away`.
    state: &'static str,
    /// The address of its process, the first one of several, unless that is this one.
    upstream: Option<String>,
    /// `closed`: requests are taken there. `open`: they are refused for a while. `half_open`: one is tried. Of several processes the best
    /// of these. `null` for `here`.
    circuit: Option<&'static str>,
    /// Requests on their way there or back; `null` for `here`.
    in_flight: Option<usize>,
    /// Each of its processes; none for `here`.
    processes: Vec<ProcessView>,
}

/// A process of a unit elsewhere.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProcessView {
    /// Its address.
    upstream: String,
    /// `ready`, `not_ready`, or `away`.
    state: &'static str,
    /// `closed`, `open`, or `half_open`.
    circuit: &'static str,
    /// Requests on their way there or back.
    in_flight: usize,
}

/// The units.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Units {
    /// By port.
    items: Vec<UnitView>,
}

/// How each unit is.
#[utoipa::path(
    get, path = "/api/v1/units", operation_id = "list_units", tag = "operations",
    responses((status = 200, description = "the units, those elsewhere as they answered just now", body = Units))
)]
pub(super) async fn list(State(gateway): State<Gateway>) -> Json<Units> {
    let here = gateway.0.here.iter().filter_map(|unit| Some(of(manifest::find(unit.slug)?, "here")));
    let elsewhere = join_all(gateway.0.pools.iter().map(|pool| of_processes(&gateway, pool))).await;
    let elsewhere = elsewhere.into_iter().flatten();
    let mut items: Vec<UnitView> = here.chain(elsewhere).collect();
    items.sort_by_key(|unit| unit.port);
    Json(Units { items })
}

fn of(entry: &'static Entry, state: &'static str) -> UnitView {
    let Entry { slug, name, module, port, .. } = *entry;
    UnitView { slug, name, module, port, state, upstream: None, circuit: None, in_flight: None, processes: Vec::new() }
}

/// A unit of other processes: as ready as the best of them.
async fn of_processes(gateway: &Gateway, pool: &Pool) -> Option<UnitView> {
    let states = join_all(pool.members().iter().map(|upstream| state(gateway, upstream))).await;
    let process = |(upstream, state): (&Arc<Upstream>, &'static str)| ProcessView {
        upstream: upstream.base.to_string(),
        state,
        circuit: upstream.state().as_str(),
        in_flight: upstream.in_flight(),
    };
    let processes: Vec<ProcessView> = pool.members().iter().zip(states).map(process).collect();
    let best = |words: [&'static str; 3], of: fn(&ProcessView) -> &'static str| {
        words.into_iter().find(|word| processes.iter().any(|process| of(process) == *word))
    };
    let ready = best(["ready", "not_ready", "away"], |process| process.state)?;
    let circuit = best(["closed", "half_open", "open"], |process| process.circuit);
    let upstream = processes.first().map(|process| process.upstream.clone());
    let in_flight = Some(pool.in_flight());
    Some(UnitView { upstream, circuit, in_flight, processes, ..of(manifest::find(pool.unit.slug)?, ready) })
}

/// As it answers now, whatever was found out before.
async fn state(gateway: &Gateway, upstream: &Upstream) -> &'static str {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = upstream.base.at(PathAndQuery::from_static("/readyz"));
    match tokio::time::timeout(PATIENCE, gateway.0.client.send(request)).await {
        Ok(Ok(answer)) if answer.status() == StatusCode::OK => "ready",
        Ok(Ok(_)) => "not_ready",
        Ok(Err(_)) | Err(_) => "away",
    }
}
