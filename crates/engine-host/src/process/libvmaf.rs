//! What the executable finds of the libvmaf that an operator names.

use super::EngineOptions;
use super::ask::ask;
use crate::EngineHostError;
use crate::child::Arguments;
use crate::error::clean;

/// What came of the trial of a libvmaf: its version, or a clause that says what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TriedLibvmaf(pub Result<String, String>);

impl TriedLibvmaf {
    /// Reads what [`write`](Self::write) wrote; anything else is something wrong.
    pub fn read(report: &str) -> Self {
        let line = report.lines().last().unwrap_or_default();
        Self(match line.split_once('\t') {
            Some(("version", version)) => Ok(clean(version)),
            Some(("wrong", why)) => Err(clean(why)),
            _ => Err("the engine does not say what came of its trial".to_owned()),
        })
    }

    /// As a line of words between tabs.
    pub fn write(&self) -> String {
        match &self.0 {
            Ok(version) => format!("version\t{}\n", clean(version)),
            Err(why) => format!("wrong\t{}\n", clean(why)),
        }
    }
}

impl EngineOptions {
    /// Has the executable load the libvmaf at an absolute path and compare pictures with it, confined as it is when it uses it.
    ///
    /// # Errors
    /// When the executable does not start, does not end, or breaks, as a bad library may have it.
    pub async fn try_libvmaf(&self, path: &str) -> Result<TriedLibvmaf, EngineHostError> {
        let arguments = Arguments::Libvmaf { memory_bytes: self.memory_bytes, path: path.to_owned() };
        Ok(TriedLibvmaf::read(&ask(self, arguments).await?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_as_it_is_written() {
        for tried in [Ok("3.0.0".to_owned()), Ok(String::new()), Err("it has no vmaf_init".to_owned())] {
            let tried = TriedLibvmaf(tried);
            assert_eq!(TriedLibvmaf::read(&tried.write()), tried);
        }
    }

    #[test]
    fn what_is_no_report_is_something_wrong() {
        for report in ["", "version", "3.0.0\n", "\t\n"] {
            assert!(TriedLibvmaf::read(report).0.is_err(), "{report:?}");
        }
        assert_eq!(TriedLibvmaf::read("version\t3\u{1b}[31m"), TriedLibvmaf(Ok("3 [31m".to_owned())));
    }
}
