//! A running `lectern serve` on a folder of its own, and a client for it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use http_client::{HttpClient, HttpError, Limits, Request};
use serde_json::{Value, json};

use crate::judge;
use crate::topology::{self, Shared, Topology};

pub const TOKEN: &str = "acceptance-token-0123456789";

/// In place of the default ladder.
const QUICK: &str = r#"
name = "lecture"
description = "Two small rungs, quickly."
[video]
codec = "h264"
preset = "ultrafast"
crf = 24
[audio]
bitrate_kbps = 64
channels = 2
[[rung]]
name = "360p"
height = 360
max_bitrate_kbps = 1500
[[rung]]
name = "240p"
height = 240
max_bitrate_kbps = 700
"#;

/// Waits until `check` gives something, at most `seconds`; panics with what was waited for.
pub fn wait_for<T>(what: &str, seconds: u64, mut check: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(seconds);
    loop {
        if let Some(found) = check() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {seconds} s in vain for: {what}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// One process, or the several that stand for it; killed when dropped.
pub struct Server {
    child: Child,
    pub workers: Vec<Child>,
    /// The processes behind a gateway, by unit.
    pub units: Vec<(&'static str, Server)>,
    pub base: String,
    pub data: PathBuf,
}

pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }
}

impl Server {
    /// Starts on `data`, on a free port, and waits for the printed address.
    pub fn start(data: &Path) -> Self {
        Self::start_with(data, &[])
    }

    /// The same with further arguments.
    pub fn start_with(data: &Path, arguments: &[&str]) -> Self {
        Self::launch(Command::new(judge::lectern()), data, arguments)
    }

    /// Runs `command`, which is a `lectern` or ends in one, as a server.
    pub fn launch(command: Command, data: &Path, arguments: &[&str]) -> Self {
        match topology::of_this_run() {
            Topology::Embedded => Self::spawn(command, data, arguments),
            Topology::Fleet => topology::launch(&command, &Shared::of(data), data, arguments),
            Topology::Split => topology::split(&command, &Shared::of(data), data, arguments),
        }
    }

    /// Starts one process.
    pub fn spawn(mut command: Command, data: &Path, arguments: &[&str]) -> Self {
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data).args(arguments);
        Self::listening(command, data)
    }

    /// Starts a process that prints its address, and waits for that.
    pub fn listening(mut command: Command, data: &Path) -> Self {
        command.env("LECTERN_ADMIN_TOKEN", TOKEN).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.stderr(log(data)).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let base = line.trim().trim_end_matches('/').to_owned();
        assert!(base.starts_with("http://127.0.0.1:"), "no address, but: {line:?}; {}", log_of(data));
        Self { child, workers: Vec::new(), units: Vec::new(), base, data: data.to_owned() }
    }

    /// The process that answers.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether the process that answers has not ended.
    pub fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// The processes that work.
    pub fn workshops(&self) -> Vec<u32> {
        if self.workers.is_empty() { vec![self.pid()] } else { self.workers.iter().map(Child::id).collect() }
    }

    /// SIGKILL, no goodbye.
    pub fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        for child in self.workers.iter_mut().chain([&mut self.child]) {
            let _ = child.kill();
            let _ = child.wait();
        }
        self.units.clear();
    }

    pub fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Result<Answer, HttpError> {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.base) };
        ask(method, url, headers, body)
    }

    /// A call with the admin token that must give `status`.
    pub fn admin(&self, method: &str, path: &str, body: Option<Value>, status: u16) -> Answer {
        let bytes = body.map(|value| value.to_string().into_bytes());
        let authorization = format!("Bearer {TOKEN}");
        let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
        let answer = self.call(method, path, &headers, bytes.as_deref()).unwrap();
        assert_eq!(answer.status, status, "{method} {path}: {}", String::from_utf8_lossy(&answer.body));
        answer
    }

    /// Sends a file by one PUT; answers the asset's id.
    pub fn upload(&self, file: &Path, filename: &str) -> String {
        self.upload_as(file, json!({ "filename": filename }))
    }

    /// Sends a file that is announced so.
    pub fn upload_as(&self, file: &Path, mut announced: Value) -> String {
        let bytes = &std::fs::read(file).unwrap()[..];
        announced["size"] = json!(bytes.len());
        let upload = self.admin("POST", "/api/v1/uploads", Some(announced), 201).json();
        let put_url = upload["put_url"].as_str().unwrap();
        let authorization = format!("Bearer {TOKEN}");
        let answer = self.call("PUT", put_url, &[("Authorization", &authorization)], Some(bytes)).unwrap();
        assert!(answer.status < 300, "PUT: {} {}", answer.status, String::from_utf8_lossy(&answer.body));
        upload["asset_id"].as_str().unwrap().to_owned()
    }

    pub fn asset(&self, id: &str) -> Value {
        self.admin("GET", &format!("/api/v1/assets/{id}"), None, 200).json()
    }

    /// Every job of an asset.
    pub fn jobs(&self, asset: &str) -> Vec<Value> {
        let page = self.admin("GET", &format!("/api/v1/jobs?asset_id={asset}&limit=200"), None, 200).json();
        assert!(page["next"].is_null(), "more jobs than one page has");
        page["items"].as_array().unwrap().clone()
    }

    /// Waits for the asset to be ready or errored.
    pub fn settled(&self, id: &str, seconds: u64) -> Value {
        wait_for(&format!("{id} to settle; {}", log_of(&self.data)), seconds, || {
            let asset = self.asset(id);
            matches!(asset["state"].as_str(), Some("ready" | "errored")).then_some(asset)
        })
    }
}

/// What is answered at a URL.
pub fn ask(method: &str, url: String, headers: &[(&str, &str)], body: Option<&[u8]>) -> Result<Answer, HttpError> {
    let mut request = Request::get(url);
    request.method = method.parse().unwrap();
    request.headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    request.body = body.unwrap_or_default().to_vec().into();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let limits = Limits { whole: Duration::from_secs(60), body_bytes: 1 << 30, ..Limits::default() };
    let response = runtime.block_on(HttpClient::new(limits).send(request))?;
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let headers = response.headers.iter().map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect();
    Ok(Answer { status: response.status.as_u16(), headers, body: response.body })
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// Where a server's words go.
pub fn log(data: &Path) -> std::fs::File {
    std::fs::OpenOptions::new().create(true).append(true).open(data.with_extension("log")).unwrap()
}

/// The end of a server's log.
pub fn log_of(data: &Path) -> String {
    let text = std::fs::read_to_string(data.with_extension("log")).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}

/// A fresh folder `data` inside a temporary one.
pub fn fresh() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    (folder, data)
}

/// The same, where recordings get two small rungs, quickly: for what happens to jobs, not for how pictures look.
pub fn fresh_and_quick() -> (tempfile::TempDir, PathBuf) {
    let (folder, data) = fresh();
    std::fs::create_dir_all(data.join("ladders")).unwrap();
    std::fs::write(data.join("ladders/quick.toml"), QUICK).unwrap();
    (folder, data)
}
