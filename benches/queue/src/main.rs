//! What `benches/queue/run.py` measures: the queue beside what it is made of and beside apalis' own storages, in turns.
//!
//! One JSON object a line:
//!
//! - `overhead ENGINE QUEUED TENANTS TASKS ROUNDS PLACES`: tasks a second and CPU of each way, round by round.
//! - `dispatch ENGINE TASKS ROUNDS`: from the commit of a task to its beginning, in a process whose worker is idle.
//! - `restart ENGINE QUEUED ROUNDS`: from the start of a process to its first task.
//! - `memory ENGINE TASKS SAMPLES`: a process's memory while it works off so many tasks.

#![allow(clippy::unwrap_used)]

mod cpu;
mod ours;
mod stock;
mod tally;

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use database::testing::Scratch;
use database::{Database, EngineKind};
use serde_json::json;
use tokio::sync::{mpsc, watch};

use cpu::Cpu;
use stock::Stock;
use tally::Tally;

/// So many tasks run before a measurement: statements are prepared, caches warm.
const WARM: usize = 20;
/// How each way of [`overhead`] claims; `stock-10` is how the storages come.
const WAYS: [&str; 5] = ["worker", "calls", "plain", "stock", "stock-10"];

#[tokio::main]
async fn main() {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = given.iter().map(String::as_str).collect();
    let number = |text: &str| text.parse::<usize>().unwrap();
    match words.as_slice() {
        ["overhead", engine, queued, tenants, tasks, rounds, places] => {
            let [queued, tenants, tasks, rounds, places] = [queued, tenants, tasks, rounds, places].map(|n| number(n));
            overhead(kind(engine), (queued, tenants), tasks, rounds, places).await;
        }
        ["dispatch", engine, tasks, rounds] => dispatch(kind(engine), number(tasks), number(rounds)).await,
        ["restart", engine, queued, rounds] => restart(kind(engine), number(queued), number(rounds)).await,
        ["memory", engine, tasks, samples] => memory(kind(engine), number(tasks), number(samples)).await,
        // The processes that the last two start.
        ["first", engine, way, url] => drain(kind(engine), way, url, 1, 0).await,
        ["drain", engine, way, url, tasks, samples] => {
            drain(kind(engine), way, url, number(tasks), number(samples)).await;
        }
        _ => panic!("see the first lines of main.rs"),
    }
}

fn kind(engine: &str) -> EngineKind {
    if engine == "postgres" { EngineKind::Postgres } else { EngineKind::Sqlite }
}

/// A fresh database of each side, with so many tasks in it.
async fn sides(kind: EngineKind, queued: usize, tenants: usize) -> (Scratch, Scratch, Stock) {
    let (ours, theirs) = (Scratch::migrated(kind).await, Scratch::empty(kind).await);
    let stock = Stock::at(kind, theirs.url());
    stock.set_up().await;
    ours::fill(&ours.db, queued, tenants).await;
    stock.fill(queued).await;
    (ours, theirs, stock)
}

async fn overhead(kind: EngineKind, (queued, tenants): (usize, usize), tasks: usize, rounds: usize, places: usize) {
    // Plain statements keep no shares, so that theirs is a table of its own.
    let (ours, _theirs, stock) = sides(kind, queued, tenants).await;
    let plain = Scratch::migrated(kind).await;
    ours::fill(&plain.db, queued, tenants).await;
    for round in 0..rounds {
        for way in WAYS {
            let took = match way {
                "calls" => called(&ours.db, &ours.db, tasks, ours::call).await,
                "plain" => called(&ours.db, &plain.db, tasks, ours::plain).await,
                way => {
                    let (tally, (stop, stopped)) = (Tally::new(None), watch::channel(false));
                    let worker = match way {
                        "worker" => ours::work(&ours.db, tally.clone(), false, places, stopped),
                        "stock" => stock.work(tally.clone(), 1, places, stopped).1,
                        _ => stock.work(tally.clone(), 10, places, stopped).1,
                    };
                    let took = timed(&ours.db, &tally, tasks).await;
                    stop.send_replace(true);
                    worker.await.unwrap();
                    took
                }
            };
            println!("{}", took.line(round, way, tasks));
        }
    }
}

/// What some tasks took.
struct Took {
    wall_s: f64,
    cpu_s: f64,
    /// Each claim, where somebody called it.
    claims: Vec<Duration>,
}

impl Took {
    fn line(&self, round: usize, way: &str, tasks: usize) -> serde_json::Value {
        let (tasks, claim_ms) = (tasks as f64, |part| self.claims.first().map(|_| part_ms(&self.claims, part)));
        json!({
            "round": round, "way": way, "tasks_per_s": tasks / self.wall_s, "cpu_ms": self.cpu_s * 1_000.0 / tasks,
            "claim_p50_ms": claim_ms(0.5), "claim_p99_ms": claim_ms(0.99),
        })
    }
}

fn part_ms(sorted: &[Duration], part: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * part) as usize].as_secs_f64() * 1_000.0
}

/// What a worker takes for so many tasks once it is warm.
async fn timed(server: &Database, tally: &Tally, tasks: usize) -> Took {
    tally.reach(WARM).await;
    let (cpu, began) = (Cpu::of(server).await, Instant::now());
    tally.reach(WARM + tasks).await;
    Took { wall_s: began.elapsed().as_secs_f64(), cpu_s: cpu.since_s(), claims: Vec::new() }
}

async fn called<F>(server: &Database, db: &Database, tasks: usize, task: impl Fn(Database) -> F) -> Took
where
    F: Future<Output = Duration>,
{
    for _ in 0..WARM {
        task(db.clone()).await;
    }
    let mut claims = Vec::with_capacity(tasks);
    let (cpu, began) = (Cpu::of(server).await, Instant::now());
    for _ in 0..tasks {
        claims.push(task(db.clone()).await);
    }
    let (wall_s, cpu_s) = (began.elapsed().as_secs_f64(), cpu.since_s());
    claims.sort_unstable();
    Took { wall_s, cpu_s, claims }
}

async fn dispatch(kind: EngineKind, tasks: usize, rounds: usize) {
    let (ours, _theirs, stock) = sides(kind, 0, 1).await;
    for round in 0..rounds {
        for way in ["worker", "stock"] {
            let ((told, mut heard), (stop, stopped)) = (mpsc::unbounded_channel(), watch::channel(false));
            let tally = Tally::new(Some(told));
            let (pusher, worker) = match way {
                "worker" => (None, ours::work(&ours.db, tally, true, 1, stopped)),
                _ => {
                    let (pusher, worker) = stock.work(tally, 1, 1, stopped);
                    (Some(pusher), worker)
                }
            };
            let mut waits = Vec::with_capacity(tasks);
            for number in 0..WARM + tasks {
                let number = (round * (WARM + tasks)) + number;
                match &pusher {
                    Some(pusher) => pusher.push_urgent(number).await,
                    None => ours::push_urgent(&ours.db, number).await,
                }
                let committed = Instant::now();
                let begun = tokio::time::timeout(Duration::from_secs(30), heard.recv()).await;
                waits.push(begun.unwrap().unwrap().saturating_duration_since(committed));
            }
            stop.send_replace(true);
            worker.await.unwrap();
            let mut waits = waits.split_off(WARM);
            waits.sort_unstable();
            let (p50_ms, p99_ms) = (part_ms(&waits, 0.5), part_ms(&waits, 0.99));
            println!("{}", json!({ "round": round, "way": way, "p50_ms": p50_ms, "p99_ms": p99_ms }));
        }
    }
}

async fn restart(kind: EngineKind, queued: usize, rounds: usize) {
    let (ours, theirs, _) = sides(kind, queued, queued.min(1_000)).await;
    for round in 0..rounds {
        for (way, url) in [("worker", ours.url()), ("stock", theirs.url())] {
            let began = Instant::now();
            let mut first = None;
            read_lines(&["first", name(kind), way, url], |_| first = first.or(Some(began.elapsed())));
            let first_ms = first.unwrap().as_secs_f64() * 1_000.0;
            println!("{}", json!({ "round": round, "way": way, "first_ms": first_ms }));
        }
    }
}

async fn memory(kind: EngineKind, tasks: usize, samples: usize) {
    let (ours, theirs, _) = sides(kind, tasks + WARM, tasks.min(1_000)).await;
    for (way, url) in [("worker", ours.url()), ("stock", theirs.url())] {
        let (tasks, samples) = (tasks.to_string(), samples.to_string());
        let mut sample = 0;
        read_lines(&["drain", name(kind), way, url, &tasks, &samples], |line| {
            println!("{}", json!({ "way": way, "sample": sample, "memory_kib": line.parse::<u64>().unwrap() }));
            sample += 1;
        });
    }
}

fn name(kind: EngineKind) -> &'static str {
    if kind == EngineKind::Postgres { "postgres" } else { "sqlite" }
}

/// Runs this program again, and reads what it says line by line.
fn read_lines(args: &[&str], mut line: impl FnMut(&str)) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let mut child = command.args(args).stdout(Stdio::piped()).spawn().unwrap();
    for said in BufReader::new(child.stdout.take().unwrap()).lines() {
        line(&said.unwrap());
    }
    assert!(child.wait().unwrap().success());
}

/// A process that works off so many tasks; says how much memory it has so many times, or once that the first has begun.
async fn drain(kind: EngineKind, way: &str, url: &str, tasks: usize, samples: usize) {
    let (tally, (stop, stopped)) = (Tally::new(None), watch::channel(false));
    let worker = if way == "worker" {
        let db = Database::open(url).await.unwrap();
        ours::work(&db, tally.clone(), false, 1, stopped)
    } else {
        Stock::at(kind, url).work(tally.clone(), 1, 1, stopped).1
    };
    for sample in 1..=samples.max(1) {
        tally.reach(tasks * sample / samples.max(1)).await;
        println!("{}", cpu::memory_kib());
    }
    stop.send_replace(true);
    worker.await.unwrap();
}
