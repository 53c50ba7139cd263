//! `lectern serve`: everything in one process, or some of it.

mod address;
mod audit;
mod bridges;
mod counting;
mod engine;
mod gateway;
mod licence_servers;
mod mail;
mod origins;
mod renewing;
mod sessions;
pub(crate) mod tls;
mod token;
mod vouching;
mod webhooks;

pub(crate) use audit::configured as audit;
pub(crate) use licence_servers::systems as licence_systems;
pub(crate) use mail::smtp;
pub(crate) use sessions::configured as sessions;
pub(crate) use webhooks::configured as webhooks;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use control_api::{FrontOptions, Gateway, Origins, Router};
use database::Database;
use identity::Registry;
use identity::auth::{Keys, PublicAddress};
use identity::org::{Dns, Tenants};
use identity::rbac::Roles;
use identity::user::Users;
use kernel::{AdminToken, Directory, Limiter, Maintenance, Proxies, Recorder, Served};
use ops::flags::Flags;
use origin_server::{Origin, ServeLimits};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use self::engine::Engine;
use self::token::Token;
use super::figures::{self, Needs};
use super::viewers;
use super::worker::Work;
use crate::cli::{self, Data, Role, Serve, Worker};
use crate::data::Migrate;
use crate::exit::Failure;
use crate::out;
use crate::settings;
use crate::units::{self, Chosen};

/// Requests in flight may take so long after a signal; event streams of open pages never end by themselves.
const DRAIN: Duration = Duration::from_secs(5);
/// What units do unasked may take so long to end; what they leave is in the database.
const TASKS_END: Duration = Duration::from_secs(10);

pub(crate) async fn run(options: Serve, json: bool) -> Result<(), Failure> {
    let chosen = Chosen::of(&options)?;
    let is = |role: Role| options.roles.contains(&role);
    match (is(Role::Api), is(Role::Origin), is(Role::Worker)) {
        (false, false, _) => {
            let Serve { data, takes, makes, metrics, .. } = options;
            super::worker::run(Worker { data, takes, makes, metrics }).await
        }
        (false, true, false) => {
            let store = crate::data::store(&options.data)?;
            let listen = units::listen(&options, &settings::environment)?;
            let tls = tls::configured(&options)?;
            let Serve { demand, metrics, .. } = options;
            super::origin::run(cli::Origin { store, demand, listen, metrics }, tls, json).await
        }
        (api, origin, worker) => serve(options, chosen, Parts { api, origin, worker }, json).await,
    }
}

/// What this process is; API or origin at least.
struct Parts {
    api: bool,
    origin: bool,
    worker: bool,
}

async fn serve(options: Serve, chosen: Chosen, parts: Parts, json: bool) -> Result<(), Failure> {
    let listen = units::listen(&options, &settings::environment)?;
    let gateway = gateway::configured(&chosen, &options.upstreams)?;
    let counting = counting::configured(&options)?;
    let bridges = bridges::configured(&options, &settings::environment)?;
    let origins = origins::configured(&options)?;
    let tls = tls::configured(&options)?;
    let token = if parts.api { Some(Token::find(&options.data.data, listen)?) } else { None };
    // The port first: where another server has it, nobody else's database is migrated.
    let listener = bind(listen).await?;
    let listening = listener.local_addr().unwrap_or(listen);
    let address = address::configured(options.public_url.as_deref(), listening, tls.is_some())?;
    let database = open(&options.data, &chosen).await?;
    let engine = match &database {
        Some(database) if parts.origin || parts.worker || chosen.has_engine() => {
            Some(Engine::open(database.clone(), &options.data).await?)
        }
        _ => None,
    };
    let store = engine.as_ref().map(|engine| figures::of_store(engine.data.traffic.clone()));
    figures::listen(options.metrics, store.clone(), needs(&chosen, database.as_ref())).await?;
    let (stop, stopped) = watch::channel(false);
    let mut tasks = JoinSet::new();
    if let Some(tls) = &tls {
        tasks.spawn(tls::follow(tls.clone(), stopped.clone()));
    }
    let recorder = token.as_ref().and(database.clone()).map(Recorder::new);
    let control = match &token {
        Some(token) => {
            let mut units: Vec<Served> = gateway.iter().map(Gateway::serve).collect();
            if let Some(database) = &database {
                units.extend(units_of(engine.as_ref(), &chosen, database, (&options, listening), address)?);
            }
            let vouching = vouching::configured(database.as_ref(), &options.data)?;
            let front =
                front(token.admin.clone(), counting, recorder.clone(), database.clone(), gateway, store).await?;
            let front = FrontOptions { vouching, origins, ..front };
            units.iter_mut().for_each(|unit| unit.begin(&mut tasks, &stopped));
            if let Some(database) = &database {
                tasks.spawn(kernel::rights::run(database.clone(), chosen.here().to_vec(), stopped.clone()));
            }
            bridges.begin(database.as_ref(), &mut tasks, &stopped);
            Some(control_api::router(front, units))
        }
        None => None,
    };
    let origin = engine.as_ref().filter(|_| parts.origin).map(Engine::origin);
    let router = match (control, origin) {
        (Some(control), Some(origin)) => control.merge(origin.router()),
        (Some(control), None) => control,
        (None, origin) => origin.map_or_else(Router::new, Origin::standalone),
    };
    let work = match &engine {
        Some(engine) if parts.worker => Some(engine.work(&options, stopped).await?),
        _ => None,
    };
    let (work, work_ended) = work.unzip();
    announce(&listener, json, tls.is_some(), token.as_ref().and_then(|token| token.made.as_deref()));
    let shutdown = stopping(work_ended, stop);
    let limits = ServeLimits { drain_timeout: DRAIN, ..ServeLimits::default() };
    origin_server::serve_over(listener, tls, router, limits, shutdown).await;

    end(work, tasks, recorder, database).await
}

/// Ends when somebody wants it, or work does: a server that takes recordings and never works on them would only look healthy.
async fn stopping(work_ended: Option<impl Future<Output = ()>>, stop: watch::Sender<bool>) {
    let work_ended = async {
        match work_ended {
            Some(ended) => ended.await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = interrupted() => {}
        () = work_ended => {}
    }
    let _ = stop.send(true);
}

/// Ends what is under way, within bounds.
async fn end(
    work: Option<Work>,
    mut tasks: JoinSet<()>,
    recorder: Option<Recorder>,
    database: Option<Database>,
) -> Result<(), Failure> {
    let ended = match work {
        Some(work) => super::worker::outcome(work).await,
        None => Ok(()),
    };
    let _ = tokio::time::timeout(TASKS_END, async { while tasks.join_next().await.is_some() {} }).await;
    if let Some(recorder) = recorder {
        let _ = tokio::time::timeout(TASKS_END, recorder.flush()).await;
    }
    if let Some(database) = database {
        database.close().await;
    }
    ended
}

/// The database, unless nothing that was chosen needs one.
async fn open(places: &Data, chosen: &Chosen) -> Result<Option<Database>, Failure> {
    if !chosen.is_part() {
        return crate::data::open_migrated(places, Migrate::OwnFile).await.map(Some);
    }
    match chosen.tables() {
        tables if tables.is_empty() => Ok(None),
        tables => crate::data::open_part(places, &tables).await.map(Some),
    }
}

/// The units that were chosen, of those that need a database, each with what else it needs.
fn units_of(
    engine: Option<&Engine>,
    chosen: &Chosen,
    database: &Database,
    (options, listening): (&Serve, SocketAddr),
    address: Option<PublicAddress>,
) -> Result<Vec<Served>, Failure> {
    let mut units: Vec<Served> = engine.map(Engine::units).into_iter().flatten().collect();
    if chosen.has(&identity::auth::UNIT) {
        let keys = Keys::new(database.clone(), database.clock(), units::permissions());
        let sessions = sessions(database, &options.data)?;
        let sessions = match &address {
            Some(address) => sessions.reached_at(address),
            None => sessions.reached_at(&PublicAddress::on_this_machine(listening.port())),
        };
        let sessions = match mail::configured(options, address.as_ref())? {
            Some(mail) => sessions.with_mail(mail),
            None => sessions,
        };
        units.push(identity::auth::serve(keys, sessions, address));
    }
    if chosen.has(&identity::org::UNIT) {
        let tenants = Tenants::new(database.clone(), database.clock());
        units.push(identity::org::serve(tenants.asking(Arc::new(Dns::of_system()))));
    }
    if chosen.has(&identity::rbac::UNIT) {
        let roles = Roles::new(database.clone(), database.clock(), units::permissions());
        units.push(identity::rbac::serve(roles));
    }
    if chosen.has(&identity::user::UNIT) {
        let users = Users::new(database.clone(), database.clock(), units::permissions());
        let users = if mail::is_named(options) { users.telling_people() } else { users };
        units.push(identity::user::serve(users.asking(&units::UNITS)));
    }
    if chosen.has(&webhook::UNIT) {
        units.push(webhook::serve(webhooks(database, &options.data)?));
    }
    if chosen.has(&ops::audit::UNIT) {
        units.push(ops::audit::serve(audit(database, &options.data)?));
    }
    if chosen.has(&ops::flags::UNIT) {
        units.push(ops::flags::serve(Flags::new(database.clone(), database.clock())));
    }
    Ok(chosen.among(units))
}

/// What every process answers from.
async fn front(
    admin_token: AdminToken,
    (limiter, proxies): (Limiter, Proxies),
    recorder: Option<Recorder>,
    database: Option<Database>,
    gateway: Option<Gateway>,
    store: Option<control_api::Figures>,
) -> Result<FrontOptions, Failure> {
    Ok(FrontOptions {
        admin_token,
        service_token: viewers::service_token()?,
        directory: database.as_ref().map(registry),
        vouching: None,
        origins: Origins::default(),
        recorder,
        limiter,
        proxies,
        maintenance: maintenance(database.as_ref()).await?,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        database,
        gateway,
        more_figures: store.into_iter().collect(),
    })
}

/// Which units are closed, as the database knows.
async fn maintenance(database: Option<&Database>) -> Result<Option<Maintenance>, Failure> {
    let Some(database) = database else { return Ok(None) };
    let following = Maintenance::follow(database.clone()).await.map_err(|error| {
        Failure::unavailable("database.failed", kernel::problem::chain(&error), "check that the database runs")
    });
    following.map(Some)
}

/// Who knows keys, people and tenants: the database, whichever units are served.
fn registry(database: &Database) -> Arc<dyn Directory> {
    Arc::new(Registry::new(database.clone(), database.clock()))
}

/// A process that serves units is ready when these can work, and any other one when the database is this version's.
fn needs(chosen: &Chosen, database: Option<&Database>) -> Needs {
    match (database, chosen.tables()) {
        (None, _) => Needs::Nothing,
        (Some(database), tables) if tables.is_empty() => Needs::All(database.clone()),
        (Some(database), tables) => Needs::Modules(database.clone(), tables),
    }
}

pub(crate) async fn bind(listen: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(listen).await.map_err(|error| {
        Failure::unavailable(
            "listen.failed",
            format!("{listen}: {error}"),
            "stop what uses the port, or choose another with --listen",
        )
    })
}

/// Prints the one address, on standard output, at once. A made-up token rides in the fragment, which no browser sends.
pub(crate) fn announce(listener: &TcpListener, json: bool, is_tls: bool, token: Option<&str>) {
    let address = listener.local_addr().map_or_else(|_| String::new(), |address| address.to_string());
    let fragment = token.map_or_else(String::new, |token| format!("#token={token}"));
    let scheme = if is_tls { "https" } else { "http" };
    let url = format!("{scheme}://{address}/{fragment}");
    // Where it cannot be written there is still no reason not to serve.
    let _ = if json { out::line(json!({ "listening": address, "url": url })) } else { out::line(url) };
}

/// Resolves on SIGINT or SIGTERM.
pub(crate) async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
