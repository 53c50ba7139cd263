//! What the executable's own encoders are good for.

use super::EngineOptions;
use super::ask::ask;
use super::devices::{TriedElement, read_tried, write_tried};
use crate::EngineHostError;
use crate::child::Arguments;

/// Every encoder of pictures, by the name of its codec, and what came of its trial.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TriedEncoders(pub Vec<TriedElement>);

impl TriedEncoders {
    /// Reads what [`write`](Self::write) wrote; lines that it would not write are passed over.
    pub fn read(report: &str) -> Self {
        Self(report.lines().filter_map(read_tried).collect())
    }

    /// As lines of words between tabs.
    pub fn write(&self) -> String {
        self.0.iter().map(write_tried).collect()
    }

    /// The codecs whose encoders passed.
    pub fn passed(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|tried| tried.outcome.is_ok()).map(|tried| tried.name.as_str())
    }
}

impl EngineOptions {
    /// Has the executable make some pictures in every codec and read them again, confined as it is when it makes ranges.
    ///
    /// # Errors
    /// When it does not start, does not end, or breaks.
    pub async fn try_encoders(&self) -> Result<TriedEncoders, EngineHostError> {
        let report = ask(self, Arguments::Encoders { memory_bytes: self.memory_bytes }).await?;
        Ok(TriedEncoders::read(&report))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_report_is_read_as_it_is_written() {
        let tried = |name: &str, outcome| TriedElement { name: name.to_owned(), outcome };
        let passed = tried("h264", Ok(Duration::from_millis(12)));
        let encoders = TriedEncoders(vec![passed, tried("av1", Err("this build has none".to_owned()))]);
        assert_eq!(TriedEncoders::read(&encoders.write()), encoders);
        assert_eq!(encoders.passed().collect::<Vec<_>>(), ["h264"]);
        assert_eq!(TriedEncoders::read("used\tx\npassed\tav1\n"), TriedEncoders::default());
    }
}
