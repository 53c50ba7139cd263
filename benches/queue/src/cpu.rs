//! What was used: processor time of this process and of the database's server, and memory of this process.

use database::{Database, EngineKind, args};

/// Processor time from a moment on.
pub(crate) struct Cpu {
    processes: Vec<u32>,
    began_s: f64,
}

impl Cpu {
    pub(crate) async fn of(db: &Database) -> Self {
        let mut processes = vec![std::process::id()];
        if db.kind() == EngineKind::Postgres {
            let row = db.optional("SELECT CAST(pg_backend_pid() AS BIGINT)", args![]).await.unwrap();
            let (backend,): (i64,) = row.unwrap();
            let server = stat(backend as u32)[1] as u32;
            let all = std::fs::read_dir("/proc").unwrap().flatten();
            let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
            processes.extend(pids.filter(|pid| *pid == server || stat(*pid).get(1) == Some(&f64::from(server))));
        }
        let began_s = Self::used_s(&processes);
        Self { processes, began_s }
    }

    pub(crate) fn since_s(&self) -> f64 {
        Self::used_s(&self.processes) - self.began_s
    }

    /// In ticks of 10 ms, as Linux counts on every machine.
    fn used_s(processes: &[u32]) -> f64 {
        let ticks = |pid: &u32| stat(*pid).get(11..13).map_or(0.0, |both| both.iter().sum());
        processes.iter().map(ticks).sum::<f64>() / 100.0
    }
}

/// The numbers of `/proc/PID/stat` after the name: state (as 0), parent, and on; empty when the process is gone.
fn stat(pid: u32) -> Vec<f64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after = text.rsplit_once(')').map_or("", |(_, after)| after);
    after.split_whitespace().map(|field| field.parse().unwrap_or(0.0)).collect()
}

/// Memory of this process that is not shared with a file, in KiB.
pub(crate) fn memory_kib() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|line| line.starts_with("RssAnon:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
