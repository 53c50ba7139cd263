//! The second way to run: an API with an origin, and two workers, on PostgreSQL. The workers have nothing of the data folder.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use database::testing::Cluster;

use crate::judge;
use crate::server::{Server, log, log_of};

/// Workers beside the process that answers.
const WORKERS: usize = 2;

/// Whether every server of this run is several processes.
pub fn is_fleet() -> bool {
    match std::env::var("LECTERN_TOPOLOGY").as_deref() {
        Ok("fleet") => true,
        Ok("embedded") | Err(_) => false,
        Ok(other) => panic!("LECTERN_TOPOLOGY is embedded or fleet, not {other}"),
    }
}

/// A new database of a cluster.
pub fn new_database(cluster: &Cluster) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(cluster.new_database())
}

/// The database of a data folder: the same each time that a server starts on it.
pub fn database_of(data: &Path) -> String {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    let note = data.with_extension("database");
    if let Ok(address) = std::fs::read_to_string(&note) {
        return address;
    }
    let address = new_database(CLUSTER.get_or_init(Cluster::start));
    std::fs::write(note, &address).unwrap();
    address
}

/// A command beside the server on a data folder, which finds that server's database.
pub fn beside(data: &Path) -> Command {
    let command = Command::new(judge::lectern());
    if is_fleet() { on(&command, &database_of(data)) } else { command }
}

/// Migrates, and starts an API with an origin and the workers.
pub fn launch(command: &Command, database: &str, data: &Path, arguments: &[&str]) -> Server {
    judge::run(on(command, database).args(["migrate", "--data"]).arg(data));
    let mut server = serve(command, database, data, &["--roles", "api,origin"]);
    server.workers = (0..WORKERS).map(|_| worker(command, database, data, arguments)).collect();
    server
}

/// Starts a process that answers.
pub fn serve(command: &Command, database: &str, data: &Path, arguments: &[&str]) -> Server {
    Server::spawn(on(command, database), data, arguments)
}

/// Starts an origin on the store alone, which tells the API at `demand_url` what viewers wait for.
pub fn origin(command: &Command, data: &Path, demand_url: &str) -> Server {
    let mut origin = on(command, "");
    origin.args(["origin", "--listen", "127.0.0.1:0", "--demand-url", demand_url, "--store"]).arg(data.join("media"));
    Server::listening(origin, data)
}

/// Starts a worker, in an empty place: it has database, store and keys.
pub fn worker(command: &Command, database: &str, data: &Path, arguments: &[&str]) -> Child {
    let mut worker = on(command, database);
    worker.args(["worker", "--store"]).arg(data.join("media")).arg("--data").arg(data.with_extension("nowhere"));
    worker.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log(data));
    worker.spawn().unwrap_or_else(|error| panic!("{error}; {}", log_of(data)))
}

/// The same command, on a database. Its address is in no command line.
fn on(command: &Command, database: &str) -> Command {
    let mut on = Command::new(command.get_program());
    on.args(command.get_args()).env("LECTERN_DATABASE", database);
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => on.env(name, value),
            None => on.env_remove(name),
        };
    }
    on
}
