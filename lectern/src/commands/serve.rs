//! `lectern serve`: everything in one process, or some of it.

mod licence_servers;
mod renewing;
mod webhooks;

pub(crate) use licence_servers::systems as licence_systems;
pub(crate) use webhooks::configured as webhooks;

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use control_api::options::DEFAULT_MAX_UPLOAD_BYTES;
use control_api::{ControlOptions, LadderSource, Licences, Router};
use kernel::AdminToken;
use key_vault::KeyVault;
use ladders::Ladder;
use origin_server::{Origin, OriginOptions, ServeLimits};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;
use webhook::Webhooks;
use workers::Wishes;

use super::figures;
use super::viewers::{self, Viewers};
use super::worker::{Post, Work};
use crate::cli::{self, Role, Serve, Worker};
use crate::data::{DataFolder, Migrate};
use crate::exit::Failure;
use crate::ladder_book::shared::Sharing;
use crate::out;

/// Holds the admin token; without it a token is made and the server stays on loopback.
const TOKEN_VARIABLE: &str = "LECTERN_ADMIN_TOKEN";

/// Requests in flight may take so long after a signal; event streams of open pages never end by themselves.
const DRAIN: Duration = Duration::from_secs(5);

/// Licences for protected recordings, where a key-encryption key is configured.
fn licences(data: &DataFolder) -> Result<Licences, Failure> {
    let servers = licence_servers::configured()?;
    let Some(keks) = data.key_encryption_keys()? else {
        if servers.is_none() {
            return Ok(Licences::default());
        }
        let detail = "a licence server is configured, and no key-encryption key that playback tokens are signed under";
        return Err(Failure::config("keys.encryption_key", detail, "see docs/operations.md, \"Key-encryption key\""));
    };
    Ok(Licences { servers, ..Licences::under(data.database.clone(), keks) })
}

pub(crate) async fn run(options: Serve, json: bool) -> Result<(), Failure> {
    let is = |role: Role| options.roles.contains(&role);
    match (is(Role::Api), is(Role::Origin), is(Role::Worker)) {
        (false, false, _) => {
            let Serve { data, takes, makes, metrics, .. } = options;
            super::worker::run(Worker { data, takes, makes, metrics }).await
        }
        (false, true, false) => {
            let store = crate::data::store(&options.data)?;
            let Serve { listen, demand, metrics, .. } = options;
            super::origin::run(cli::Origin { store, demand, listen, metrics }, json).await
        }
        (api, origin, worker) => serve(options, Parts { api, origin, worker }, json).await,
    }
}

/// What this process is; API or origin at least.
struct Parts {
    api: bool,
    origin: bool,
    worker: bool,
}

async fn serve(options: Serve, parts: Parts, json: bool) -> Result<(), Failure> {
    let token = if parts.api { Some(Token::find(&options.data.data, options.listen)?) } else { None };
    // The port first: where another server has it, nobody else's database is migrated.
    let listener = bind(options.listen).await?;
    let data = crate::data::open(&options.data, Migrate::OwnFile).await?;
    figures::listen(options.metrics, data.traffic.clone(), Some(data.database.clone())).await?;
    let licences = licences(&data)?;
    let (stop, stopped) = watch::channel(false);
    let viewers = Arc::new(Viewers(Wishes::new(data.assets.clone(), data.media.clone())));
    let origin = Origin::new(data.media.clone(), OriginOptions::default()).with_demand(viewers.clone());
    let vault = licences.vault.clone();
    let mut delivering = None;
    let router = match &token {
        None => origin.standalone(),
        Some(token) => {
            let sharing = Arc::new(Sharing::new(data.ladders.clone(), data.media.clone()));
            let hooks = webhooks(&data)?;
            let control = control(&data, token.admin.clone(), (licences, viewers, sharing.clone(), hooks.clone()))?;
            // A process with the API is there in every installation, and is where requests to the outside belong.
            delivering = Some(tokio::spawn(webhook::run(hooks, stopped.clone())));
            tokio::spawn(renewing::run(data.ladders.clone(), data.assets.clone(), stopped.clone()));
            tokio::spawn(sharing.run(stopped.clone()));
            if parts.origin { control.merge(origin.router()) } else { control }
        }
    };
    let work = match parts.worker {
        true => Some(start_work(&data, &options, vault, stopped).await?),
        false => None,
    };
    let (work, work_ended) = work.unzip();
    announce(&listener, json, token.as_ref().and_then(|token| token.made.as_deref()));
    let work_ended = async {
        match work_ended {
            Some(ended) => ended.await,
            None => std::future::pending().await,
        }
    };
    let shutdown = async move {
        tokio::select! {
            () = interrupted() => {}
            // A server that takes recordings and never works on them would only look healthy.
            () = work_ended => {}
        }
        let _ = stop.send(true);
    };
    let limits = ServeLimits { drain_timeout: DRAIN, ..ServeLimits::default() };
    origin_server::serve_with(listener, router, limits, shutdown).await;

    let ended = match work {
        Some(work) => super::worker::outcome(work).await,
        None => Ok(()),
    };
    if let Some(delivering) = delivering {
        // What it had under way is in the database, whatever it ended with.
        let _ = delivering.await;
    }
    data.database.close().await;
    ended
}

/// The workers of this process, and a future that tells of their end.
async fn start_work(
    data: &DataFolder,
    options: &Serve,
    vault: Option<KeyVault>,
    stopped: watch::Receiver<bool>,
) -> Result<(Work, impl Future<Output = ()> + Send + use<>), Failure> {
    let engine = crate::engine::find(options.makes).await?;
    let post = Post::of(&engine, &options.takes).await?;
    let workshop = super::worker::workshop(data, vault, engine);
    super::worker::spawn(data, workshop, post, stopped)
}

fn control(
    data: &DataFolder,
    admin_token: AdminToken,
    (licences, viewers, sharing, webhooks): (Licences, Arc<Viewers>, Arc<Sharing>, Webhooks),
) -> Result<Router, Failure> {
    Ok(control_api::router(ControlOptions {
        store: data.assets.clone(),
        media: data.media.clone(),
        ladders: Arc::new(Ladders(sharing)),
        admin_token,
        public_base: None,
        max_upload_bytes: DEFAULT_MAX_UPLOAD_BYTES,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        clock: data.database.clock(),
        licences,
        service_token: viewers::service_token()?,
        viewers: Some(viewers),
        webhooks,
        more_figures: vec![figures::of_store(data.traffic.clone())],
    }))
}

struct Token {
    admin: AdminToken,
    /// The text, when this process made it up: it goes into the printed address.
    made: Option<String>,
}

impl Token {
    fn find(folder: &Path, listen: SocketAddr) -> Result<Self, Failure> {
        if let Ok(text) = std::env::var(TOKEN_VARIABLE) {
            let admin = AdminToken::new(&text).map_err(|error| {
                Failure::config(
                    "token.weak",
                    format!("{TOKEN_VARIABLE}: {error}"),
                    "make one with: openssl rand -hex 24",
                )
            })?;
            return Ok(Self { admin, made: None });
        }
        if !listen.ip().is_loopback() {
            let detail = format!("{listen} can be reached from other machines and {TOKEN_VARIABLE} is not set");
            return Err(Failure::config("token.missing", detail, "set it, or listen on 127.0.0.1"));
        }
        let text = kept_token(folder).map_err(|error| {
            Failure::unavailable(
                "data.unusable",
                format!("{}: {error}", folder.display()),
                "choose a folder you may write to with --data",
            )
        })?;
        let admin = AdminToken::new(&text).map_err(|error| {
            Failure::config(
                "token.weak",
                format!("{}: {error}", folder.join("admin-token").display()),
                "remove the file to have a new one made",
            )
        })?;
        Ok(Self { admin, made: Some(text) })
    }
}

/// The development token, kept in the data folder so that a page survives a restart.
fn kept_token(folder: &Path) -> std::io::Result<String> {
    use std::os::unix::fs::OpenOptionsExt;
    let path = folder.join("admin-token");
    match std::fs::read_to_string(&path) {
        Ok(text) => return Ok(text.trim().to_owned()),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    std::fs::create_dir_all(folder)?;
    let mut random = [0; 24];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut random)?;
    let text: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    // Under its name it is whole, whatever happens on the way there.
    let unfinished = folder.join("admin-token.new");
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(unfinished, path)?;
    Ok(text)
}

struct Ladders(Arc<Sharing>);

impl LadderSource for Ladders {
    fn names(&self) -> Vec<String> {
        self.0.names()
    }

    fn ladder(&self, name: &str) -> Option<Ladder> {
        self.0.get(name)
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
pub(crate) fn announce(listener: &TcpListener, json: bool, token: Option<&str>) {
    let address = listener.local_addr().map_or_else(|_| String::new(), |address| address.to_string());
    let fragment = token.map_or_else(String::new, |token| format!("#token={token}"));
    let url = format!("http://{address}/{fragment}");
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
