//! The unit in front of all others: it takes a request to whichever process serves the unit whose address it is.
//!
//! - `passage`: one request on its way. `headers`, `body`: what becomes of its headers and bodies. `upstream`, `circuit`: how a
//!   process of a unit elsewhere is, and whether it is asked. `pool`: which one of several is.
//! - `upgrade`: requests that leave HTTP, and become tunnels.
//! - `document`: the documents of all units as one. `states`: how each is.
//!
//! A unit of the same process is mounted beside it and answers by itself.

mod body;
mod circuit;
mod codes;
mod document;
mod headers;
mod passage;
mod pool;
mod states;
mod upgrade;
mod upstream;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::routing::any;
use http_client::{Base, Passage, RootsError};
use kernel::{Code, Policy, Rights, Routes, Served, Unit};
use telemetry::figures::Text;
use utoipa_axum::routes;

use self::document::Documents;
use self::headers::Mark;
use self::pool::Pool;
use self::upgrade::Tunnels;
use self::upstream::Upstream;

/// The way to all other units.
pub static GATEWAY: Unit = Unit {
    slug: "gateway",
    parts: &[],
    addresses: &["/api/v1/units"],
    tables: &[],
    permissions: &[],
    codes: codes::ALL,
    rights: Rights::nothing("a gateway keeps nothing of what goes through it"),
};

/// Idle connections that are kept to one unit.
const IDLE_CONNECTIONS: usize = 128;

/// What a gateway waits for, and how much it takes on.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// Until a connection to a unit stands.
    pub connect: Duration,
    /// Without a byte of the client's request and of the answer, while either is waited for. How long both take is not bounded.
    pub silence: Duration,
    /// For so long a unit that does not answer is left alone.
    pub pause: Duration,
    /// Requests to one process at once; more are refused.
    pub at_once: usize,
    /// Connections that have left HTTP, such as WebSockets, to all units together; more are refused.
    pub tunnels: u32,
    /// For so long nothing may move on one of them.
    pub quiet: Duration,
}

impl Default for Bounds {
    /// 2 s, 90 s, 2 s, 1024, 1024, 5 min.
    fn default() -> Self {
        let seconds = Duration::from_secs;
        let (connect, silence, pause, quiet) = (seconds(2), seconds(90), seconds(2), seconds(300));
        Self { connect, silence, pause, at_once: 1024, tunnels: 1024, quiet }
    }
}

/// What a gateway stands before.
#[derive(Clone, Debug, Default)]
pub struct GatewayOptions {
    /// The units that its own process serves.
    pub here: Vec<&'static Unit>,
    /// Those of other processes, and where these are: as often as there are processes of one.
    pub elsewhere: Vec<(&'static Unit, Base)>,
    /// Certificate authorities beside the public ones, in PEM.
    pub authorities: Option<Vec<u8>>,
    /// Its bounds.
    pub bounds: Bounds,
}

/// A gateway. Cloning it is cheap.
#[derive(Clone)]
pub struct Gateway(Arc<Inner>);

struct Inner {
    here: Vec<&'static Unit>,
    pools: Vec<Arc<Pool>>,
    client: Passage<Body>,
    mark: Mark,
    silence: Duration,
    tunnels: Tunnels,
    documents: Documents,
}

impl Gateway {
    /// A gateway before these units.
    ///
    /// # Errors
    /// The certificate authorities are none, or malformed.
    pub fn new(options: GatewayOptions) -> Result<Self, RootsError> {
        let GatewayOptions { here, elsewhere, authorities, bounds } = options;
        let client = Passage::new(bounds.connect, IDLE_CONNECTIONS, authorities.as_deref())?;
        let mut pools: Vec<(&'static Unit, Vec<Arc<Upstream>>)> = Vec::new();
        for (unit, base) in elsewhere {
            let upstream = Arc::new(Upstream::new(base, &bounds));
            match pools.iter_mut().find(|(known, _)| known.slug == unit.slug) {
                Some((_, members)) => members.push(upstream),
                None => pools.push((unit, vec![upstream])),
            }
        }
        let pools = pools.into_iter().map(|(unit, members)| Arc::new(Pool::new(unit, members))).collect();
        let (mark, documents) = (Mark::new(), Documents::default());
        let tunnels = Tunnels::new(bounds.tunnels, bounds.quiet);
        Ok(Self(Arc::new(Inner { here, pools, client, mark, silence: bounds.silence, tunnels, documents })))
    }

    /// What a process serves of it: the way to the units that are elsewhere, and how all of them are. When it is stopped, what has
    /// left HTTP is cut.
    pub fn serve(&self) -> Served {
        let (of_units, figures, ending) = (self.clone(), self.clone(), self.clone());
        let served = Served::new(&GATEWAY, self.clone(), move |routes| of_units.mount(routes));
        let served = served.with_figures(move |text| {
            figures.write(text);
            Box::pin(std::future::ready(Ok(())))
        });
        served.with_task(move |mut stopped| async move {
            let _ = stopped.wait_for(|stopped| *stopped).await;
            ending.0.tunnels.close().await;
        })
    }

    /// The codes of the units that are elsewhere, whose refusals pass through here.
    pub(crate) fn codes(&self) -> impl Iterator<Item = &'static Code> {
        self.0.pools.iter().flat_map(|pool| pool.unit.codes)
    }

    fn mount(&self, routes: Routes<Self>) -> Routes<Self> {
        let routes = routes.mount(Policy::Operator, routes!(states::list));
        self.0.pools.iter().fold(routes, |routes, pool| {
            // Whether a unit is closed its own process knows, which has the database.
            let doors = format!("/api/v1/units/{}/maintenance", pool.unit.slug);
            pool.unit.addresses.iter().flat_map(patterns).chain([doors]).fold(routes, |routes, pattern| {
                let (pool, slug) = (Arc::clone(pool), pool.unit.slug);
                let passage = move |State(gateway): State<Self>, request: Request| {
                    let pool = Arc::clone(&pool);
                    async move { passage::pass(&gateway, &pool, request).await }
                };
                routes.mount_passage(&pattern, slug, any(passage))
            })
        })
    }

    fn write(&self, text: &mut Text) {
        text.family("lectern_gateway_circuit_open", "gauge", "Processes of a unit elsewhere that are left alone.");
        for pool in &self.0.pools {
            text.line("lectern_gateway_circuit_open", &[("unit", pool.unit.slug)], pool.left_alone());
        }
        let help = "Requests to units of other processes that are under way, with the answers that are.";
        text.family("lectern_gateway_requests_in_flight", "gauge", help);
        for pool in &self.0.pools {
            text.line("lectern_gateway_requests_in_flight", &[("unit", pool.unit.slug)], pool.in_flight());
        }
        text.family("lectern_gateway_tunnels", "gauge", "Connections that have left HTTP, such as WebSockets.");
        text.line("lectern_gateway_tunnels", &[], self.0.tunnels.open());
    }
}

/// What a router matches a unit's address by, and all below it.
fn patterns(address: &&str) -> Vec<String> {
    match *address {
        "/" => vec!["/".to_owned()],
        address => vec![address.to_owned(), format!("{address}/{{*rest}}")],
    }
}
