//! A fleet whose processes have PostgreSQL and S3 in common and nothing else, and what may befall it.

mod clocks;
mod cut_off;
mod kills;
mod power;
mod proxy;
mod viewer;

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use database::testing::Cluster;
use serde_json::Value;

use crate::bucket::Buckets;
use crate::judge;
use crate::server::{Server, TOKEN, fresh_and_quick, log_of, wait_for};
use crate::topology::{self, Shared};

/// An API, an origin that has the store alone, and workers; each answers at the same address for as long as the fleet lives.
struct Fleet {
    /// `None` between its death and the next one's birth.
    api: Option<Server>,
    origin: Option<Server>,
    workers: Vec<Child>,
    cluster: Cluster,
    buckets: Buckets,
    shared: Shared,
    /// Addresses of the API and of the origin.
    listen: [String; 2],
    data: PathBuf,
    _folder: tempfile::TempDir,
}

impl Fleet {
    /// One without workers, on a database that syncs what it acknowledges.
    fn start() -> Self {
        let (folder, data) = fresh_and_quick();
        let (cluster, buckets) = (Cluster::start_durable(), Buckets::start());
        let shared = Shared::new(&cluster, &buckets, &data);
        judge::run(shared.on(&lectern()).args(["migrate", "--data"]).arg(&data));
        // Bound at once, so that they differ.
        let free = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let listen = free.map(|listener| listener.local_addr().unwrap().to_string());
        let (api, origin, workers) = (None, None, Vec::new());
        let mut fleet = Self { api, origin, workers, cluster, buckets, shared, listen, data, _folder: folder };
        fleet.start_api();
        fleet.start_origin();
        fleet
    }

    fn start_api(&mut self) {
        let mut api = self.shared.on(&lectern());
        api.args(["serve", "--roles", "api,origin", "--listen", &self.listen[0], "--data"]).arg(&self.data);
        self.api = Some(Server::listening(api, &self.data));
    }

    fn start_origin(&mut self) {
        let demand_url = format!("http://{}", self.listen[0]);
        let origin = topology::origin(lectern().arg("origin"), &self.shared, &self.data, &demand_url, &self.listen[1]);
        self.origin = Some(origin);
    }

    fn start_worker(&self, shared: &Shared) -> Child {
        topology::worker(&lectern(), shared, &self.data, &["--processors", "1"])
    }

    fn api(&self) -> &Server {
        self.api.as_ref().unwrap()
    }

    /// What the API says, unless it says that the database is away.
    fn told(&self, path: &str) -> Option<Value> {
        let authorization = format!("Bearer {TOKEN}");
        let answer = self.api().call("GET", path, &[("Authorization", &authorization)], None).unwrap();
        assert!([200, 503].contains(&answer.status), "{path}: {} {}", answer.status, log_of(&self.data));
        (answer.status == 200).then(|| answer.json())
    }

    fn asset(&self, id: &str) -> Value {
        wait_for("the API to tell of an asset", 60, || self.told(&format!("/api/v1/assets/{id}")))
    }

    fn jobs(&self, id: &str) -> Vec<Value> {
        let path = format!("/api/v1/jobs?asset_id={id}&limit=200");
        let page = wait_for("the API to tell of jobs", 60, || self.told(&path));
        assert!(page["next"].is_null(), "more jobs than one page has");
        page["items"].as_array().unwrap().clone()
    }

    /// Attempts of every job that is done, by id.
    fn done(&self, id: &str) -> BTreeMap<String, i64> {
        let done = self.jobs(id).into_iter().filter(|job| job["state"] == "done");
        done.map(|job| (job["id"].as_str().unwrap().to_owned(), job["attempt"].as_i64().unwrap())).collect()
    }

    /// Where the pointer of an asset stands.
    fn generation(&self, asset: &Value) -> u64 {
        generation_of(&self.data, asset)
    }

    /// Waits for an asset to be ready, and for nothing to be left to do but to tidy up, which comes back after a day.
    fn finished(&self, id: &str) -> (Value, Vec<Value>) {
        let asset = wait_for(&format!("{id} to settle; {}", log_of(&self.data)), 400, || {
            Some(self.asset(id)).filter(|asset| matches!(asset["state"].as_str(), Some("ready" | "errored")))
        });
        assert_eq!(asset["state"], "ready", "{asset}; {}", log_of(&self.data));
        let jobs = wait_for("every job to end", 120, || {
            Some(self.jobs(id)).filter(|jobs| jobs.iter().all(|job| job["state"] == "done" || job["stage"] == "tidy"))
        });
        (asset, jobs)
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for worker in &mut self.workers {
            end(worker);
        }
    }
}

/// Where the pointer of an asset stands, in the bucket of a fleet on `data`.
fn generation_of(data: &Path, asset: &Value) -> u64 {
    let published = topology::media_of_fleet(data).join("objects/published");
    let pointer = published.join(asset["playback_id"].as_str().unwrap()).join("current.json");
    let pointer: Value = serde_json::from_slice(&std::fs::read(pointer).unwrap()).unwrap();
    pointer["generation"].as_u64().unwrap()
}

fn lectern() -> Command {
    let mut command = Command::new(judge::lectern());
    command.env("LECTERN_SERVICE_TOKEN", "service-token-0123456789");
    command
}

/// `kill -9`.
fn end(process: &mut Child) {
    let _ = process.kill();
    let _ = process.wait();
}
