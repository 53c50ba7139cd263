//! What those who run an installation see of it: traces across processes, lines that say of which job, figures.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use http_client::{HttpClient, Limits, Request};
use serde_json::{Value, json};
use telemetry::testing::{Collected, Collector};

use crate::server::{Server, TOKEN, fresh, fresh_and_quick, wait_for};
use crate::topology::Shared;
use crate::{judge, topology};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CLIENT: &str = "b7ad6b7169203331";

/// Sends a recording as a client that is in a trace of its own.
fn upload_traced(server: &Server, file: &Path) -> String {
    let bytes = std::fs::read(file).unwrap();
    let announced = json!({ "filename": "kill.mp4", "size": bytes.len() });
    let upload = server.admin("POST", "/api/v1/uploads", Some(announced), 201).json();
    let (authorization, traceparent) = (format!("Bearer {TOKEN}"), format!("00-{TRACE}-{CLIENT}-01"));
    let headers = [("Authorization", authorization.as_str()), ("traceparent", traceparent.as_str())];
    let answer = server.call("PUT", upload["put_url"].as_str().unwrap(), &headers, Some(&bytes)).unwrap();
    assert!(answer.status < 300, "{}", String::from_utf8_lossy(&answer.body));
    upload["asset_id"].as_str().unwrap().to_owned()
}

fn traced(collector: &Collector) -> Command {
    let mut command = Command::new(judge::lectern());
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint()).env("OTEL_BSP_SCHEDULE_DELAY", "200");
    command.env("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test");
    command
}

/// The spans of the client's trace, once it holds one of every job of the asset.
fn spans_of(collector: &Collector, jobs: &[Value]) -> Vec<Collected> {
    let of_job =
        |span: &Collected, job: &Value| span.attributes.get("job_id").map(String::as_str) == job["id"].as_str();
    let all_there = || {
        let spans = collector.spans();
        jobs.iter().all(|job| spans.iter().any(|span| of_job(span, job))).then_some(spans)
    };
    let mut spans = wait_for("a span of every job", 30, all_there);
    for job in jobs {
        let found = spans.iter().find(|span| of_job(span, job)).unwrap();
        assert_eq!(found.trace_id, TRACE, "{job}: {found:?}");
    }
    spans.retain(|span| span.trace_id == TRACE);
    spans
}

#[test]
fn one_trace_leads_from_an_upload_through_every_job_of_every_process_to_what_is_published() {
    let (_folder, data) = fresh_and_quick();
    let collector = Collector::start();
    let server = topology::launch(&traced(&collector), &Shared::of(&data), &data, &["--processors", "1"]);
    let id = upload_traced(&server, &judge::media("kill.mp4"));
    let asset = server.settled(&id, 300);
    assert_eq!(asset["state"], "ready", "{asset}");
    // What tidies up is claimed later than anybody waits here.
    let jobs: Vec<Value> = server.jobs(&id).into_iter().filter(|job| job["state"] == "done").collect();
    let spans = spans_of(&collector, &jobs);

    let by_id: BTreeMap<&str, &Collected> = spans.iter().map(|span| (span.span_id.as_str(), span)).collect();
    let named = |name: &str| spans.iter().filter(|span| span.name == name).collect::<Vec<_>>();
    let parent = |span: &Collected| by_id.get(span.parent_span_id.as_str()).copied().cloned();
    let [put] = named("PUT /api/v1/uploads/{id}/content")[..] else { panic!("{:?}", by_id.values()) };
    assert_eq!((put.parent_span_id.as_str(), put.attributes["asset_id"].as_str()), (CLIENT, id.as_str()));
    // A stage is a child of what sent its job, and that of the stage, or of the request, that decided so.
    let caused_by = |name: &str| {
        named(name).into_iter().map(|span| parent(&parent(span).unwrap()).unwrap().name).collect::<BTreeSet<_>>()
    };
    assert_eq!(caused_by("process probe"), BTreeSet::from([put.name.clone()]));
    assert_eq!(caused_by("process plan"), BTreeSet::from(["process probe".to_owned()]));
    for stage in ["encode_range", "encode_ahead", "encode_audio", "publish_first", "publish_complete"] {
        assert_eq!(caused_by(&format!("process {stage}")), BTreeSet::from(["process plan".to_owned()]), "{stage}");
    }
    let ranges = named("process encode_range");
    assert!(ranges.len() >= 2, "{ranges:?}");
    let [publish] = named("process publish_complete")[..] else { panic!("published twice") };
    let linked: BTreeSet<&str> = publish.links.iter().map(|(_, span)| span.as_str()).collect();
    assert!(ranges.iter().all(|range| linked.contains(range.span_id.as_str())), "{publish:?}");

    let of_process = |span: &Collected| span.resource["process.pid"].parse::<u32>().unwrap();
    assert_eq!(of_process(put), server.pid());
    let workers: BTreeSet<u32> =
        spans.iter().filter(|span| span.name.starts_with("process ")).map(of_process).collect();
    assert_eq!(workers, server.workshops().into_iter().collect(), "both workers are in the trace");
    assert!(spans.iter().all(|span| span.resource["deployment.environment.name"] == "test"));
    assert!(spans.iter().filter(|span| span.kind == 5).all(|span| span.attributes["asset_id"] == id));
    check_lines(&data, &id, &jobs);
}

/// Whatever a worker says of a job says of which, and in which trace.
fn check_lines(data: &Path, asset: &str, jobs: &[Value]) {
    let log = std::fs::read_to_string(data.with_extension("log")).unwrap();
    let lines: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    for job in jobs {
        let of_job: Vec<_> = lines.iter().filter(|line| line["job_id"] == job["id"]).collect();
        assert!(of_job.iter().any(|line| line["message"] == "stage finished"), "{job}: {of_job:?}");
        let fits =
            |line: &&Value| line["asset_id"] == asset && line["trace_id"] == TRACE && line["stage"] == job["stage"];
        assert!(of_job.iter().all(fits), "{of_job:?}");
    }
}

/// The families that a text for Prometheus announces.
fn families(text: &str) -> BTreeSet<String> {
    text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).map(str::to_owned).collect()
}

/// The metrics of ours that a text names, as families.
fn named_in(text: &str) -> BTreeSet<String> {
    let word = |byte: char| !(byte.is_ascii_alphanumeric() || byte == '_');
    let names = text.split(word).filter(|word| word.starts_with("lectern_"));
    let family = |name: &str| {
        let parts = ["_bucket", "_sum", "_count"].iter().find_map(|part| name.strip_suffix(part));
        parts.unwrap_or(name).to_owned()
    };
    names.map(family).collect()
}

fn get(url: &str) -> (u16, String) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let answer = runtime.block_on(HttpClient::new(Limits::default()).send(Request::get(url))).unwrap();
    (answer.status.as_u16(), String::from_utf8(answer.body).unwrap())
}

#[test]
fn whatever_dashboard_and_alerts_ask_for_is_said_by_a_server_or_a_worker() {
    let (_folder, data) = fresh();
    let server = Server::start_with(&data, &[]);
    let from_api = String::from_utf8(server.admin("GET", "/metrics", None, 200).body).unwrap();
    let mut worker = topology::beside(&data);
    worker.args(["worker", "--metrics-listen", "127.0.0.1:0", "--data"]).arg(&data);
    let logs = data.with_extension("worker-log");
    worker.stderr(std::fs::File::create(&logs).unwrap());
    let mut worker = worker.spawn().unwrap();
    let address = wait_for("the worker to say where its figures are", 20, || {
        let log = std::fs::read_to_string(&logs).unwrap();
        let said = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        said.filter(|line| line["message"] == "figures are served")
            .find_map(|line| Some(line["address"].as_str()?.to_owned()))
    });
    let (status, from_worker) = get(&format!("http://{address}/metrics"));
    let health = ["healthz", "readyz", "nothing"].map(|path| get(&format!("http://{address}/{path}")).0);
    worker.kill().unwrap();
    worker.wait().unwrap();
    assert_eq!((status, health), (200, [200, 200, 404]));

    let said: BTreeSet<String> = families(&from_api).union(&families(&from_worker)).cloned().collect();
    for path in ["deploy/grafana/lectern.json", "deploy/prometheus/alerts.yml"] {
        let text = std::fs::read_to_string(judge::root().join(path)).unwrap();
        let asked = named_in(&text);
        assert!(asked.len() >= 8, "{path}: {asked:?}");
        let missing: Vec<_> = asked.difference(&said).collect();
        assert!(missing.is_empty(), "{path} asks for {missing:?}, which nobody says");
    }
    check_labels(&from_api);
    check_runbook();
}

/// No family has a label that grows with what is uploaded.
fn check_labels(text: &str) {
    let known = ["class", "code", "direction", "kind", "lacks", "le", "outcome", "reader", "stage", "state", "version"];
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some((_, labels)) = line.split_once('{') else { continue };
        for label in labels.split_once('}').unwrap().0.split(',') {
            assert!(known.contains(&label.split_once('=').unwrap().0), "{line}");
        }
    }
}

/// Each alert has a summary, and a sentence under its name on what to do.
fn check_runbook() {
    let read = |path: &str| std::fs::read_to_string(judge::root().join(path)).unwrap();
    let (alerts, manual) = (read("deploy/prometheus/alerts.yml"), read("docs/operations.md"));
    let dashboard: Value = serde_json::from_str(&read("deploy/grafana/lectern.json")).unwrap();
    assert!(dashboard["panels"].as_array().unwrap().len() > 10);
    let each: Vec<&str> = alerts.split("- alert: ").skip(1).collect();
    assert!(each.len() >= 10);
    for alert in each {
        let name = alert.lines().next().unwrap();
        assert!(alert.contains("summary: ") && alert.contains("severity: "), "{name}");
        assert!(manual.contains(&format!("- *{name}*: ")), "docs/operations.md does not say what to do about {name}");
    }
}
