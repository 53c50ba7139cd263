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
    /// Try every encoder, and say what came of it.
    Encoders {
        /// Address space it may have, in bytes.
        memory_bytes: u64,
    },
    /// Try a libvmaf, and say which version it is or what is wrong with it.
    Libvmaf {
        /// Address space it may have, in bytes.
        memory_bytes: u64,
        /// Its absolute path.
        path: String,
    },
    /// Serve a session on the socket that is its standard input.
    Serve {
        /// Address space it may have, in bytes.
        memory_bytes: u64,
        /// How much it steps back for other processes, 0 to 19.
        nice: u8,
        /// The absolute path of a libvmaf by which renditions are judged besides.
        libvmaf: Option<String>,
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
            args.into_iter().take(8).map(|arg| arg.into_string()).collect::<Result<_, _>>().map_err(|_| UsageError)?;
        let words: Vec<&str> = texts.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["--version" | "-V"] => Ok(Self::Version),
            ["devices", memory, what @ ("all" | "decoders")] => {
                Ok(Self::Devices { memory_bytes: memory.parse().map_err(|_| UsageError)?, encoders: *what == "all" })
            }
            ["encoders", memory] => Ok(Self::Encoders { memory_bytes: memory.parse().map_err(|_| UsageError)? }),
            ["libvmaf", memory, path] => {
                Ok(Self::Libvmaf { memory_bytes: memory.parse().map_err(|_| UsageError)?, path: (*path).to_owned() })
            }
            ["serve", memory, nice, "libvmaf", path, devices @ ..] => serve(memory, nice, Some(path), devices),
            ["serve", memory, nice, devices @ ..] => serve(memory, nice, None, devices),
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
            Self::Encoders { memory_bytes } => vec!["encoders".into(), memory_bytes.to_string()],
            Self::Libvmaf { memory_bytes, path } => vec!["libvmaf".into(), memory_bytes.to_string(), path],
            Self::Serve { memory_bytes, nice, libvmaf, devices } => {
                let libvmaf = libvmaf.map(|path| ["libvmaf".into(), path]).into_iter().flatten();
                let words = ["serve".into(), memory_bytes.to_string(), nice.to_string()];
                words.into_iter().chain(libvmaf).chain(devices).collect()
            }
        }
    }
}

fn serve(memory: &str, nice: &str, libvmaf: Option<&str>, devices: &[&str]) -> Result<Arguments, UsageError> {
    if devices.len() > 1 {
        return Err(UsageError);
    }
    Ok(Arguments::Serve {
        memory_bytes: memory.parse().map_err(|_| UsageError)?,
        nice: nice.parse().ok().filter(|nice| *nice < 20).ok_or(UsageError)?,
        libvmaf: libvmaf.map(str::to_owned),
        devices: devices.first().map(|devices| (*devices).to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Arguments, UsageError> {
        Arguments::parse(words.iter().map(OsString::from))
    }

    #[test]
    fn what_the_parent_writes_is_what_the_child_reads() {
        let some = |word: &str| Some(word.to_owned());
        let serve = |libvmaf, devices| Arguments::Serve { memory_bytes: u64::MAX, nice: 19, libvmaf, devices };
        let devices = |encoders| Arguments::Devices { memory_bytes: 1, encoders };
        let libvmaf = || some("/opt/a b/libvmaf.so");
        for arguments in [
            Arguments::Version,
            devices(true),
            devices(false),
            Arguments::Encoders { memory_bytes: 1 },
            Arguments::Libvmaf { memory_bytes: 1, path: "/opt/libvmaf.so".to_owned() },
            serve(None, None),
            serve(None, some("nvh264dec@a")),
            serve(libvmaf(), None),
            serve(libvmaf(), some("nvh264dec@a")),
        ] {
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
            &["serve", "1", "2", "libvmaf", "3", "4", "5"],
            &["libvmaf", "1"],
            &["encoders"],
            &["encoders", "1", "av1"],
        ] {
            assert_eq!(parse(words), Err(UsageError), "{words:?}");
        }
    }
}
