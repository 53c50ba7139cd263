//! The clocks of machines, as they are set, and as they are seen to go.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::judge;
use crate::server::{Server, log_of};

/// The clock of one machine: whoever is told by it asks this file each time.
pub(super) struct Clock {
    file: PathBuf,
    hours: i64,
}

impl Clock {
    pub(super) fn new(folder: &Path, name: &str, hours: i64) -> Self {
        let mut clock = Self { file: folder.join(format!("{name}.clock")), hours };
        clock.show(hours);
        clock
    }

    /// So many hours more than it is.
    pub(super) fn show(&mut self, hours: i64) {
        let unfinished = self.file.with_extension("new");
        std::fs::write(&unfinished, format!("{hours:+}h\n")).unwrap();
        std::fs::rename(unfinished, &self.file).unwrap();
        self.hours = hours;
    }

    /// From behind to ahead, or back.
    pub(super) fn step(&mut self) {
        self.show(-self.hours);
    }

    /// The same command, on this machine.
    pub(super) fn tell(&self, mut command: Command) -> Command {
        command.env("LD_PRELOAD", library()).env("FAKETIME_TIMESTAMP_FILE", &self.file);
        // Each question goes to the file. The clock that nobody sets, and times of files, stay as they are.
        command.envs(["FAKETIME_NO_CACHE", "FAKETIME_DONT_FAKE_MONOTONIC", "NO_FAKE_STAT"].map(|name| (name, "1")));
        command
    }
}

/// That of processes with threads.
fn library() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").unwrap().map(|folder| folder.unwrap().path());
    let library = folders.map(|folder| folder.join("faketime/libfaketimeMT.so.1")).find(|library| library.exists());
    library.expect("Debian's package faketime is missing: run `make test`, which installs it")
}

/// A point in time such as `2 seconds ago`, as the API writes it. Asked outside of this process, like everything else.
pub(super) fn true_time(when: &str) -> String {
    date(&["-u", "+%Y-%m-%dT%H:%M:%S.%3NZ", "-d", when])
}

fn date(arguments: &[&str]) -> String {
    let told = judge::run(Command::new("date").args(arguments)).stdout;
    String::from_utf8(told).unwrap().trim().to_owned()
}

/// How many hours the clock of the process that answers is ahead.
pub(super) fn shown_by(server: &Server) -> i64 {
    let answer = server.call("GET", "/healthz", &[], None).unwrap();
    let shown = &answer.headers.iter().find(|(name, _)| name == "date").unwrap().1;
    let seconds = |when: &str| date(&["+%s", "-d", when]).parse::<f64>().unwrap();
    ((seconds(shown) - seconds("now")) / 3_600.0).round() as i64
}

/// Lines of workers bear the time of their machines: some from an hour ago, and some of an hour to come.
pub(super) fn check_lines(data: &Path) {
    let log = std::fs::read_to_string(data.with_extension("log")).unwrap();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let begun = lines.filter(|line| line["message"] == "stage started");
    let times: Vec<String> = begun.map(|line| line["timestamp"].as_str().unwrap().to_owned()).collect();
    let (past, future) = (true_time("30 minutes ago"), true_time("30 minutes"));
    assert!(times.iter().any(|time| *time < past) && times.iter().any(|time| *time > future), "{}", log_of(data));
}

/// Removes what the library leaves of a process that was killed.
pub(super) fn tidy(process: u32) {
    for name in [format!("faketime_shm_{process}"), format!("sem.faketime_sem_{process}")] {
        let _ = std::fs::remove_file(Path::new("/dev/shm").join(name));
    }
}
