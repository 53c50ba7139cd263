//! What jobs are taken to use until some of them have finished on this machine, and what memory it has.

use job_queue::policy::cost::Cost;

const MIB: i64 = 1 << 20;

/// As measured on two processors with the ladders that ship (docs/benchmarks.md): a range keeps two of them busy, with its
/// decoder and an encoder for each rendition; sound, stills and text one; what only reads, plans and writes a part of one.
const STATED: [(&str, Cost); 12] = [
    ("probe", cost(500, 128, 500)),
    ("plan", cost(250, 32, 50)),
    ("analyse", cost(2_000, 768, 60_000)),
    ("encode_range", cost(2_000, 768, 40_000)),
    ("encode_ahead", cost(1_500, 512, 2_000)),
    ("encode_audio", cost(1_000, 128, 30_000)),
    ("stills", cost(1_000, 192, 1_000)),
    ("read_text", cost(1_000, 96, 3_000)),
    ("publish_first", cost(250, 64, 300)),
    ("publish_complete", cost(500, 192, 2_000)),
    ("tidy", cost(250, 32, 100)),
    ("delete", cost(250, 32, 100)),
];

const fn cost(cpu_milli: i64, memory_mib: i64, work_ms: i64) -> Cost {
    Cost { cpu_milli, memory_bytes: memory_mib * MIB, work_ms }
}

/// By stage.
pub(crate) fn stated() -> Vec<(String, Cost)> {
    STATED.iter().map(|(stage, cost)| ((*stage).to_owned(), *cost)).collect()
}

/// What is taken when the kernel does not say.
const USUAL_MEMORY_BYTES: u64 = 4 << 30;

/// See [`crate::memory_bytes`].
pub(crate) fn memory_bytes() -> u64 {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let of_machine = total(&read("/proc/meminfo"));
    // Of the second version of control groups, and of the first.
    let limits = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
    let limits = limits.into_iter().filter_map(|path| read(path).trim().parse().ok());
    of_machine.into_iter().chain(limits).min().unwrap_or(USUAL_MEMORY_BYTES)
}

fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn something_is_stated_of_every_stage_and_of_nothing_else() {
        let named: Vec<String> = stated().into_iter().map(|(stage, _)| stage).collect();
        assert_eq!(named, asset_flow::ALL_STAGES);
    }

    #[test]
    fn the_machine_s_memory_is_read() {
        assert_eq!(total("MemTotal:        2048 kB\nMemFree: 1 kB\n"), Some(2 << 20));
        assert_eq!(total("MemFree: 1 kB"), None);
        assert!(memory_bytes() > 64 << 20);
    }
}
