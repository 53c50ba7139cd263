//! The other ways to run, on PostgreSQL and S3: an API with an origin and two workers, no two of which share a folder; and every
//! unit in a process of its own behind a gateway, with the same workers.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use database::testing::Cluster;

use crate::bucket::{self, Buckets, PREFIX};
use crate::judge;
use crate::server::{Server, log, log_of};

/// Workers beside the process that answers.
const WORKERS: usize = 2;

/// Every unit of the build but the gateway, and what a process is that serves it alone.
const UNITS: [(&str, &str); 10] = [
    ("user", "api"),
    ("auth", "api"),
    ("media", "api"),
    ("rbac", "api"),
    ("org", "api"),
    ("processing", "api"),
    ("streaming", "api,origin"),
    ("webhook", "api"),
    ("audit", "api"),
    ("flags", "api"),
];

/// What a server of this run is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Topology {
    /// One process, on SQLite and a folder.
    Embedded,
    /// An API with an origin, and workers.
    Fleet,
    /// A gateway before a process for each unit, and workers.
    Split,
}

/// That of this run.
pub fn of_this_run() -> Topology {
    match std::env::var("LECTERN_TOPOLOGY").as_deref() {
        Ok("fleet") => Topology::Fleet,
        Ok("split") => Topology::Split,
        Ok("embedded") | Err(_) => Topology::Embedded,
        Ok(other) => panic!("LECTERN_TOPOLOGY is embedded, fleet or split, not {other}"),
    }
}

/// Whether every server of this run is several processes, on PostgreSQL and S3.
pub fn is_fleet() -> bool {
    of_this_run() != Topology::Embedded
}

/// All that the processes of a fleet have in common.
#[derive(Clone)]
pub struct Shared {
    /// The address of the database.
    pub database: String,
    /// `s3://BUCKET/PREFIX`.
    pub store: String,
    /// Where that is.
    pub s3: String,
}

impl Shared {
    /// A new database, and a new bucket for `data`.
    pub fn new(cluster: &Cluster, buckets: &Buckets, data: &Path) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self {
            database: runtime.block_on(cluster.new_database()),
            store: buckets.new_store(&data.with_extension("bucket")),
            s3: buckets.address().to_owned(),
        }
    }

    /// What the servers of this run that start on `data` have in common: the same each time.
    pub fn of(data: &Path) -> Self {
        static SERVERS: OnceLock<(Cluster, Buckets)> = OnceLock::new();
        let note = data.with_extension("shared");
        if let Ok(note) = std::fs::read_to_string(&note) {
            let mut lines = note.lines().map(str::to_owned);
            let mut next = || lines.next().unwrap();
            return Self { database: next(), store: next(), s3: next() };
        }
        let (cluster, buckets) = SERVERS.get_or_init(|| (Cluster::start(), Buckets::start()));
        let shared = Self::new(cluster, buckets, data);
        std::fs::write(note, format!("{}\n{}\n{}\n", shared.database, shared.store, shared.s3)).unwrap();
        shared
    }

    /// The same command, on these. The address of a database is in no command line.
    pub fn on(&self, command: &Command) -> Command {
        let mut on = Command::new(command.get_program());
        on.args(command.get_args()).env("LECTERN_DATABASE", &self.database).env("LECTERN_STORE", &self.store);
        bucket::access(&mut on, &self.s3);
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => on.env(name, value),
                None => on.env_remove(name),
            };
        }
        on
    }
}

/// Where the store of a server on `data` keeps its objects and what is staged, to look at.
pub fn media(data: &Path) -> PathBuf {
    if is_fleet() { media_of_fleet(data) } else { data.join("media") }
}

/// The same of a fleet, whatever this run is.
pub fn media_of_fleet(data: &Path) -> PathBuf {
    data.with_extension("bucket").join(PREFIX)
}

/// The file of an upload that is staged under `key` there.
pub fn staged(data: &Path, key: &str) -> PathBuf {
    media(data).join(if is_fleet() { "staging/uploads" } else { "staging" }).join(key)
}

/// A command beside the server on a data folder, which finds that server's database and store.
pub fn beside(data: &Path) -> Command {
    let command = Command::new(judge::lectern());
    if is_fleet() { Shared::of(data).on(&command) } else { command }
}

/// Migrates, and starts an API with an origin and the workers.
pub fn launch(command: &Command, shared: &Shared, data: &Path, arguments: &[&str]) -> Server {
    judge::run(shared.on(command).args(["migrate", "--data"]).arg(data));
    let mut server = serve(command, shared, data, &["--roles", "api,origin"]);
    server.workers = (0..WORKERS).map(|_| worker(command, shared, data, arguments)).collect();
    server
}

/// Migrates, and starts every unit alone, a gateway before them, and the workers.
pub fn split(command: &Command, shared: &Shared, data: &Path, arguments: &[&str]) -> Server {
    judge::run(shared.on(command).args(["migrate", "--data"]).arg(data));
    let units: Vec<(&str, Server)> =
        UNITS.iter().map(|(slug, _)| (*slug, unit(command, shared, data, slug, "127.0.0.1:0"))).collect();
    let upstreams: Vec<String> = units.iter().map(|(slug, server)| format!("{slug}={}", server.base)).collect();
    let mut server = serve(command, shared, data, &["--unit", "gateway", "--upstream", &upstreams.join(",")]);
    server.units = units;
    server.workers = (0..WORKERS).map(|_| worker(command, shared, data, arguments)).collect();
    server
}

/// Starts a process that serves one unit, at this address.
pub fn unit(command: &Command, shared: &Shared, data: &Path, slug: &str, listen: &str) -> Server {
    let roles = UNITS.iter().find(|(of, _)| *of == slug).unwrap().1;
    let mut unit = shared.on(command);
    unit.args(["serve", "--unit", slug, "--roles", roles, "--listen", listen, "--data"]).arg(data);
    Server::listening(unit, data)
}

/// Starts a process that answers.
pub fn serve(command: &Command, shared: &Shared, data: &Path, arguments: &[&str]) -> Server {
    Server::spawn(shared.on(command), data, arguments)
}

/// Starts an origin on the store alone, which tells the API at `demand_url` what viewers wait for. `command` ends in one of
/// the two ways to say `origin`; `listen` is an address.
pub fn origin(command: &Command, shared: &Shared, data: &Path, demand_url: &str, listen: &str) -> Server {
    let mut origin = shared.on(command);
    origin.env_remove("LECTERN_DATABASE").args(["--listen", listen, "--demand-url", demand_url]);
    Server::listening(origin, data)
}

/// Starts a worker, in an empty place of its own: it has database, store and keys.
pub fn worker(command: &Command, shared: &Shared, data: &Path, arguments: &[&str]) -> Child {
    static STARTED: AtomicU64 = AtomicU64::new(0);
    let place = data.with_extension(format!("nowhere-{}", STARTED.fetch_add(1, Ordering::Relaxed)));
    let mut worker = shared.on(command);
    worker.args(["worker", "--data"]).arg(place);
    worker.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log(data));
    worker.spawn().unwrap_or_else(|error| panic!("{error}; {}", log_of(data)))
}
