//! The child's command line: written by the parent, read by the child.

use std::ffi::OsString;

use thiserror::Error;

/// What `lectern-engine` was started for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arguments {
    /// Say what it is.
    Version,
    /// Serve a session on the socket that is its standard input.
    Serve {
        /// Address space it may have, in bytes.
        memory_bytes: u64,
        /// How much it steps back for other processes, 0 to 19.
        nice: u8,
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
            args.into_iter().take(5).map(|arg| arg.into_string()).collect::<Result<_, _>>().map_err(|_| UsageError)?;
        let words: Vec<&str> = texts.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["--version" | "-V"] => Ok(Self::Version),
            ["serve", memory, nice] => Ok(Self::Serve {
                memory_bytes: memory.parse().map_err(|_| UsageError)?,
                nice: nice.parse().ok().filter(|nice| *nice < 20).ok_or(UsageError)?,
            }),
            _ => Err(UsageError),
        }
    }

    /// What [`Self::parse`] reads.
    pub fn to_args(self) -> Vec<String> {
        match self {
            Self::Version => vec!["--version".into()],
            Self::Serve { memory_bytes, nice } => vec!["serve".into(), memory_bytes.to_string(), nice.to_string()],
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
        for arguments in [Arguments::Version, Arguments::Serve { memory_bytes: u64::MAX, nice: 19 }] {
            assert_eq!(Arguments::parse(arguments.to_args().into_iter().map(OsString::from)), Ok(arguments));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for words in [&[][..], &["serve"], &["serve", "-1", "0"], &["serve", "1", "20"], &["serve", "1", "2", "3"]] {
            assert_eq!(parse(words), Err(UsageError), "{words:?}");
        }
    }
}
