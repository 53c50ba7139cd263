//! An S3 server as a process of its own, with the buckets of one or of all fleets.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use media_store::s3_server::KEYS;

/// What every store lies under in its bucket.
pub const PREFIX: &str = "some/where";

/// A server of S3 until dropped, or until this process ends. What it keeps outlives its own processes.
pub struct Buckets {
    folder: tempfile::TempDir,
    address: String,
    made: AtomicU64,
    process: Mutex<Child>,
}

impl Buckets {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (process, address) = start(&folder, "127.0.0.1:0");
        Self { folder, address, made: AtomicU64::new(0), process: Mutex::new(process) }
    }

    /// Makes a bucket, which lies in `folder`; the store in it, as `--store` takes it.
    pub fn new_store(&self, folder: &Path) -> String {
        let name = format!("lectures-{}", self.made.fetch_add(1, Ordering::Relaxed));
        std::fs::create_dir(folder).unwrap();
        std::os::unix::fs::symlink(folder, self.folder.path().join(&name)).unwrap();
        format!("s3://{name}/{PREFIX}")
    }

    /// What it answers at.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// `kill -9`.
    pub fn kill(&self) {
        let mut process = self.process.lock().unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
    }

    /// Starts it again, at the same address.
    pub fn restart(&self) {
        *self.process.lock().unwrap() = start(&self.folder, &self.address).0;
    }
}

impl Drop for Buckets {
    fn drop(&mut self) {
        let mut process = self.process.lock().unwrap();
        let _ = process.kill();
        let _ = process.wait();
    }
}

fn start(folder: &tempfile::TempDir, address: &str) -> (Child, String) {
    let mut server = Command::new(env!("CARGO_BIN_EXE_s3-server"));
    let mut process =
        server.arg(folder.path()).arg(address).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains(':'), "the S3 server did not start");
    (process, line.trim().to_owned())
}

/// What a process asks a server at `address` with.
pub fn access(command: &mut Command, address: &str) {
    command
        .env("AWS_ENDPOINT_URL", format!("http://{address}"))
        .env("AWS_ACCESS_KEY_ID", KEYS.0)
        .env("AWS_SECRET_ACCESS_KEY", KEYS.1)
        .env("AWS_EC2_METADATA_DISABLED", "true");
}
