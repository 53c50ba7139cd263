//! What devices the executable finds.

use std::time::Duration;

use super::EngineOptions;
use super::ask::ask;
use crate::EngineHostError;
use crate::child::Arguments;
use crate::error::clean;

/// What devices a machine has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Devices {
    /// For [`EngineOptions::devices`]; `None` when the processor does all.
    pub used: Option<String>,
    /// All that was tried, in its order.
    pub tried: Vec<TriedElement>,
}

/// A part of a driver, and what came of its trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TriedElement {
    /// What it is called.
    pub name: String,
    /// How long its trial took, or why it is not used.
    pub outcome: Result<Duration, String>,
}

impl Devices {
    /// Reads what [`write`](Self::write) wrote; lines that it would not write are passed over.
    pub fn read(report: &str) -> Self {
        let mut devices = Self::default();
        for line in report.lines() {
            match line.split_once('\t') {
                Some(("used", profile)) => devices.used = Some(clean(profile)),
                _ => devices.tried.extend(read_tried(line)),
            }
        }
        devices
    }

    /// As lines of words between tabs.
    pub fn write(&self) -> String {
        let tried = self.tried.iter().map(write_tried);
        tried.chain(self.used.iter().map(|profile| format!("used\t{}\n", clean(profile)))).collect()
    }
}

/// One line of a report about trials.
pub(super) fn read_tried(line: &str) -> Option<TriedElement> {
    let (name, outcome) = match line.splitn(3, '\t').collect::<Vec<_>>()[..] {
        ["passed", name, ms] => (name, Ok(Duration::from_millis(ms.parse().ok()?))),
        ["failed", name, why] => (name, Err(clean(why))),
        _ => return None,
    };
    Some(TriedElement { name: clean(name), outcome })
}

pub(super) fn write_tried(tried: &TriedElement) -> String {
    match &tried.outcome {
        Ok(took) => format!("passed\t{}\t{}\n", clean(&tried.name), took.as_millis()),
        Err(why) => format!("failed\t{}\t{}\n", clean(&tried.name), clean(why)),
    }
}

impl EngineOptions {
    /// Has the executable try what devices there are, their encoders among it if `encoders` are wanted, confined as it is when it uses them.
    ///
    /// # Errors
    /// When it does not start, does not end, or breaks.
    pub async fn find_devices(&self, encoders: bool) -> Result<Devices, EngineHostError> {
        let report = ask(self, Arguments::Devices { memory_bytes: self.memory_bytes, encoders }).await?;
        Ok(Devices::read(&report))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_as_it_is_written() {
        let tried = |name: &str, outcome| TriedElement { name: name.to_owned(), outcome };
        let devices = Devices {
            used: Some("nvh264dec+cudaconvertscale+x264enc@NVIDIA-H200/570".to_owned()),
            tried: vec![
                tried("nvh264dec", Ok(Duration::from_millis(120))),
                tried("nvh264enc", Err("no driver offers it".to_owned())),
            ],
        };
        assert_eq!(Devices::read(&devices.write()), devices);
        assert_eq!(Devices::read(""), Devices::default());
    }

    #[test]
    fn what_is_no_report_is_passed_over() {
        let found = Devices::read("used\npassed\ta\tsoon\n\u{1b}[31m\nfailed\tb\tit\u{1b} broke\tsadly\n");
        let tried = TriedElement { name: "b".to_owned(), outcome: Err("it  broke sadly".to_owned()) };
        assert_eq!(found, Devices { used: None, tried: vec![tried] });
    }
}
