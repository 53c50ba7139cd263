//! What a child has used, as the kernel counts it (proc(5)).

use std::fmt;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

/// What a child has used from its start on, all its threads together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Processor time, in steps of 10 ms.
    pub cpu: Duration,
    /// The most memory that it had; `None` of one whose memory is gone already.
    pub peak_bytes: Option<u64>,
}

/// Linux counts so in `/proc` on every machine that Lectern is built for.
const TICK: Duration = Duration::from_millis(10);

impl Usage {
    /// What the process of this number has used. `None` when the kernel does not say.
    pub(super) fn of(pid: u32) -> Option<Self> {
        let cpu = cpu(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?;
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        Some(Self { cpu, peak_bytes: peak_bytes(&status) })
    }
}

/// Fields 14 and 15: time in the process itself and in the kernel. The second one is a name, in brackets that it may have too.
fn cpu(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut ticks = fields.split_ascii_whitespace().skip(11).map(str::parse::<u32>);
    let (user, system) = (ticks.next()?.ok()?, ticks.next()?.ok()?);
    Some(TICK.saturating_mul(user).saturating_add(TICK.saturating_mul(system)))
}

fn peak_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

type Told = dyn Fn(Option<Usage>) + Send + Sync;

/// Who is told what a child has used when it ends; nobody, by default. It is told `None` where that could not be measured.
#[derive(Clone, Default)]
pub struct Account(Option<Arc<Told>>);

impl Account {
    /// Tells `told`.
    pub fn to(told: impl Fn(Option<Usage>) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(told)))
    }

    pub(super) fn take(&mut self) -> Option<Arc<Told>> {
        self.0.take()
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Account(told)" } else { "Account(nobody)" })
    }
}

/// The same one, or nobody both times.
impl PartialEq for Account {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(one), Some(another)) => Arc::ptr_eq(one, another),
            (None, None) => true,
            _ => false,
        }
    }
}

impl Eq for Account {}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_the_kernel_writes_is_read_whatever_a_process_is_called() {
        let stat = "7 (a) b (c)) S 1 7 7 0 -1 4194304 95 0 0 0 150 25 9 9 20 0 1 0 5 8192";
        assert_eq!(cpu(stat), Some(Duration::from_millis(1_750)));
        assert_eq!(cpu("7 (a) S 1 7"), None);
        assert_eq!(cpu(""), None);
        assert_eq!(peak_bytes("VmPeak:\t 9 kB\nVmHWM:\t    2048 kB\n"), Some(2 << 20));
        assert_eq!(peak_bytes("State:\tZ (zombie)\n"), None);
    }

    #[test]
    fn this_process_has_used_something() {
        let used = Usage::of(std::process::id()).unwrap();
        assert!(used.peak_bytes.unwrap() > 1 << 20, "{used:?}");
        assert_eq!(Usage::of(u32::MAX), None);
    }
}
