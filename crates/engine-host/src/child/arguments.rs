//! The child's command line: written by the parent, read by the child.

use std::ffi::OsString;

use thiserror::Error;

/// What `lectern-engine` was started for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arguments {
    /// Say what it is.
    Version,
    /// Try what devices the machine has, and say what came of it.
    Devices {
        /// Memory it may have, in bytes.
        memory_bytes: u64,
        /// Encoders, too.
        encoders: bool,
    },
    /// Serve a session on the socket that is its standard input.
    Serve {
        /// Address space it may have, in bytes.
        memory_bytes: u64,
        /// How much it steps back for other processes, 0 to 19.
        nice: u8,
        /// What makes ranges beside the processor, as the engine calls it; then the memory that is written to counts.
        devices: Option<String>,
    },
}

/// The command line is not one that lectern writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("lectern-engine is started by lectern and takes no commands of its own; try --version")]
pub struct UsageError;

impl Arguments {
    /// Reads the arguments after the program's name.
    ///
    /// # Errors
    /// [`UsageError`] when they are anything else than what [`Self::to_args`] writes or `--version`.
    pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Self, UsageError> {
        let texts: Vec<String> =
            args.into_iter().take(6).map(|arg| arg.into_string()).collect::<Result<_, _>>().map_err(|_| UsageError)?;
        let words: Vec<&str> = texts.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["--version" | "-V"] => Ok(Self::Version),
            ["devices", memory, what @ ("all" | "decoders")] => {
                Ok(Self::Devices { memory_bytes: memory.parse().map_err(|_| UsageError)?, encoders: *what == "all" })
            }
            ["serve", memory, nice, devices @ ..] if devices.len() < 2 => Ok(Self::Serve {
                memory_bytes: memory.parse().map_err(|_| UsageError)?,
                nice: nice.parse().ok().filter(|nice| *nice < 20).ok_or(UsageError)?,
                devices: devices.first().map(|devices| (*devices).to_owned()),
            }),
            _ => Err(UsageError),
        }
    }

    /// What [`Self::parse`] reads.
    pub fn to_args(self) -> Vec<String> {
        match self {
            Self::Version => vec!["--version".into()],
            Self::Devices { memory_bytes, encoders } => {
                let what = if encoders { "all" } else { "decoders" };
                vec!["devices".into(), memory_bytes.to_string(), what.into()]
            }
            Self::Serve { memory_bytes, nice, devices } => {
                ["serve".into(), memory_bytes.to_string(), nice.to_string()].into_iter().chain(devices).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Arguments, UsageError> {
        Arguments::parse(words.iter().map(OsString::from))
    }

    #[test]
    fn what_the_parent_writes_is_what_the_child_reads() {
        let serve = |devices| Arguments::Serve { memory_bytes: u64::MAX, nice: 19, devices };
        let devices = |encoders| Arguments::Devices { memory_bytes: 1, encoders };
        for arguments in
            [Arguments::Version, devices(true), devices(false), serve(None), serve(Some("nvh264dec@a".to_owned()))]
        {
            let written = arguments.clone().to_args().into_iter().map(OsString::from);
            assert_eq!(Arguments::parse(written), Ok(arguments));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for words in [
            &[][..],
            &["serve"],
            &["serve", "-1", "0"],
            &["serve", "1", "20"],
            &["serve", "1", "2", "3", "4"],
            &["devices", "1"],
            &["devices", "1", "none"],
        ] {
            assert_eq!(parse(words), Err(UsageError), "{words:?}");
        }
    }
}
