//! Finding, starting and ending the child process.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, Signal};
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::process::{Child, ChildStderr, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::EngineHostError;
use crate::child::Arguments;
use crate::error::clean;

mod account;
mod ask;
mod devices;
mod encoders;
mod libvmaf;
mod spawner;

pub use account::{Account, Usage};
pub use devices::{Devices, TriedElement};
pub use encoders::TriedEncoders;
pub use libvmaf::TriedLibvmaf;

/// File name of the executable.
const PROGRAM: &str = "lectern-engine";
/// Names another executable than the one beside the running program.
const PROGRAM_VARIABLE: &str = "LECTERN_ENGINE";
/// What the child keeps of the environment: what its libraries are found with.
const KEPT_VARIABLES: [&str; 1] = ["LD_LIBRARY_PATH"];
/// Kept of what the child writes to its standard error.
const STDERR_TAIL_BYTES: usize = 8 << 10;
/// How long a child that was asked to end, or seems to have ended, may take.
const END_WITHIN: Duration = Duration::from_secs(5);

/// How engines are started and watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineOptions {
    /// The `lectern-engine` executable, as an absolute path.
    pub program: PathBuf,
    /// A child in which nothing moves (no sample, no figure, no read) for so long is killed.
    pub stall: Duration,
    /// Address space the child may have, in bytes.
    pub memory_bytes: u64,
    /// How much the child steps back for other processes, 0 to 19.
    pub nice: u8,
    /// What makes ranges beside the processor, as [`find_devices`](Self::find_devices) found it.
    pub devices: Option<String>,
    /// A libvmaf by which ranges are judged besides, as [`try_libvmaf`](Self::try_libvmaf) found it fit: an absolute path.
    pub libvmaf: Option<String>,
    /// Who is told what a child has used, when it ends.
    pub account: Account,
}

impl EngineOptions {
    /// The usual limits: 60 s, 4 GiB, niceness 5 so that a server on the same machine stays quick. No device,
    /// no libvmaf.
    pub fn new(program: PathBuf) -> Self {
        Self {
            program,
            stall: Duration::from_secs(60),
            memory_bytes: 4 << 30,
            nice: 5,
            devices: None,
            libvmaf: None,
            account: Account::default(),
        }
    }

    /// The same without a device and a libvmaf, for whatever is no range: such an engine is confined more closely.
    #[must_use]
    pub fn without_devices(&self) -> Self {
        Self { devices: None, libvmaf: None, ..self.clone() }
    }

    /// The usual limits and the executable named in `LECTERN_ENGINE`, or else the one beside the running program (for
    /// a test executable: beside the folder it lies in).
    ///
    /// # Errors
    /// [`EngineHostError::NotFound`] when there is none.
    pub fn find() -> Result<Self, EngineHostError> {
        let running =
            std::env::current_exe().map_err(|source| EngineHostError::Spawn { program: PROGRAM.into(), source })?;
        find_program(std::env::var_os(PROGRAM_VARIABLE), &running).map(Self::new)
    }
}

fn find_program(named: Option<OsString>, running: &Path) -> Result<PathBuf, EngineHostError> {
    if let Some(named) = named.filter(|named| !named.is_empty()).map(PathBuf::from) {
        // The child starts in another folder, so that a relative path would lead elsewhere.
        return named.canonicalize().map_err(|_| EngineHostError::NotFound { looked: named });
    }
    let beside = running.with_file_name(PROGRAM);
    let above = running.parent().filter(|folder| folder.ends_with("deps")).map(|folder| folder.with_file_name(PROGRAM));
    [Some(beside.clone()), above]
        .into_iter()
        .flatten()
        .find(|path| path.is_file())
        .ok_or(EngineHostError::NotFound { looked: beside })
}

/// A running child; killed when dropped.
pub(crate) struct Process {
    child: Child,
    stderr: Arc<Mutex<VecDeque<u8>>>,
    drain: JoinHandle<()>,
    /// Processor time it may use, from its start on.
    cpu_seconds: u64,
    account: Account,
}

impl Process {
    /// Starts the child with one end of a socket pair as its standard input, and answers the other end.
    pub(crate) async fn start(options: &EngineOptions) -> Result<(Self, UnixStream), EngineHostError> {
        let failed = |source| EngineHostError::Spawn { program: options.program.clone(), source };
        let (ours, theirs) = StdUnixStream::pair().map_err(failed)?;
        ours.set_nonblocking(true).map_err(failed)?;
        let stream = UnixStream::from_std(ours).map_err(failed)?;
        let mut child = spawner::spawn(command(options, theirs.into())).await.map_err(failed)?;
        let stderr = Arc::new(Mutex::new(VecDeque::new()));
        let drain = tokio::spawn(drain(child.stderr.take(), Arc::clone(&stderr)));
        Ok((Self { child, stderr, drain, cpu_seconds: 0, account: options.account.clone() }, stream))
    }

    /// Lets the child use so much more processor time, in seconds, than what it was allowed before; the kernel counts.
    /// Until the first call only the parent's patience limits it.
    pub(crate) fn allow(&mut self, seconds: u64) {
        self.cpu_seconds = self.cpu_seconds.saturating_add(seconds);
        let Some(pid) = self.child.id().and_then(|id| Pid::from_raw(id.cast_signed())) else { return };
        // Only the lower of the two limits can be raised again, with the next order; the child is in no place to.
        let maximum = rustix::process::getrlimit(Resource::Cpu).maximum;
        let current = Some(maximum.map_or(self.cpu_seconds, |maximum| maximum.min(self.cpu_seconds)));
        match rustix::process::prlimit(Some(pid), Resource::Cpu, Rlimit { current, maximum }) {
            // How a child that is gone ended is found out by whoever talks to it.
            Ok(_) | Err(rustix::io::Errno::SRCH) => {}
            Err(error) => tracing::warn!(%error, "the engine's processor time could not be limited"),
        }
    }

    /// Tells what the child has used, once, and before it is waited for: after that its number may be another's.
    pub(crate) fn settle(&mut self) {
        if let Some(account) = self.account.take() {
            account(self.child.id().and_then(Usage::of));
        }
    }

    /// Waits for a child that closed its socket, kills it when it lingers, and says how it ended and its last words.
    pub(crate) async fn autopsy(mut self) -> (String, String) {
        self.settle();
        let how = match timeout(END_WITHIN, self.child.wait()).await {
            Ok(status) => describe(status),
            Err(_) => match self.child.kill().await {
                Ok(()) => "it closed its socket and had to be killed".to_owned(),
                Err(error) => format!("it closed its socket and could not be killed: {error}"),
            },
        };
        // Something the child left behind may hold the pipe open.
        let _ = timeout(END_WITHIN, &mut self.drain).await;
        let tail: Vec<u8> = self.stderr.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect();
        (how, clean(last_words(&String::from_utf8_lossy(&tail))))
    }

    /// Waits for a child whose socket was closed; kills it when it lingers.
    pub(crate) async fn finish(mut self) {
        if timeout(END_WITHIN, self.child.wait()).await.is_err() {
            tracing::debug!("the engine lingered and is killed");
            let _ = self.child.kill().await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.settle();
        self.drain.abort();
    }
}

fn command(options: &EngineOptions, socket: OwnedFd) -> Command {
    let EngineOptions { memory_bytes, devices, libvmaf, .. } = options.clone();
    let arguments = Arguments::Serve { memory_bytes, nice: options.nice.min(19), libvmaf, devices };
    let mut command = bare(options, arguments);
    command.stdin(Stdio::from(socket)).stdout(Stdio::null());
    command
}

/// The executable with arguments, and with next to nothing of the environment.
fn bare(options: &EngineOptions, arguments: Arguments) -> Command {
    let mut command = Command::new(&options.program);
    command
        .args(arguments.to_args())
        .env_clear()
        // Arenas are reserved per thread and would use up the address space of an engine with many threads.
        .env("MALLOC_ARENA_MAX", "4")
        // SVT-AV1 tells its settings to standard error, which is for what goes wrong.
        .env("SVT_LOG", "1")
        // Drivers of devices keep no file of what they compiled.
        .env("CUDA_CACHE_DISABLE", "1")
        .current_dir("/")
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    for name in KEPT_VARIABLES {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}

async fn drain(stderr: Option<ChildStderr>, tail: Arc<Mutex<VecDeque<u8>>>) {
    let Some(mut stderr) = stderr else { return };
    let mut chunk = vec![0; 4 << 10];
    while let Ok(count @ 1..) = stderr.read(&mut chunk).await {
        let said = &chunk[..count];
        tracing::debug!(said = clean(&String::from_utf8_lossy(said)), "engine stderr");
        let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.extend(said);
        let spare = tail.len().saturating_sub(STDERR_TAIL_BYTES);
        tail.drain(..spare);
    }
}

/// The end of a text: what was said last explains an end best.
fn last_words(text: &str) -> &str {
    const SHOWN_CHARS: usize = 500;
    let text = text.trim();
    let from = text.char_indices().rev().nth(SHOWN_CHARS - 1).map_or(0, |(at, _)| at);
    &text[from..]
}

fn describe(status: io::Result<ExitStatus>) -> String {
    match status {
        Ok(status) => match status.signal().and_then(reason) {
            Some(reason) => format!("{reason} ({status})"),
            None => status.to_string(),
        },
        Err(error) => format!("its end could not be observed: {error}"),
    }
}

/// What a signal means that the kernel sends to a child which comes upon its walls.
fn reason(signal: i32) -> Option<&'static str> {
    [
        (Signal::SYS, "it tried something that it must not: a system call was refused"),
        (Signal::XCPU, "it used more processor time than its orders can take"),
        (Signal::XFSZ, "it tried to write to a file"),
    ]
    .into_iter()
    .find_map(|(known, reason)| (known.as_raw() == signal).then_some(reason))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_engine_is_found_by_name_beside_the_program_or_beside_its_deps_folder() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let (deps, engine) = (root.join("deps"), root.join(PROGRAM));
        std::fs::create_dir(&deps).unwrap();
        let missing = find_program(None, &root.join("lectern")).unwrap_err();
        assert_eq!(missing.code(), "engine.not_found");

        std::fs::write(&engine, "").unwrap();
        assert_eq!(find_program(None, &root.join("lectern")).unwrap(), engine);
        assert_eq!(find_program(None, &deps.join("some-test")).unwrap(), engine);
        assert_eq!(find_program(Some(engine.clone().into()), Path::new("/nowhere/lectern")).unwrap(), engine);
        let named = find_program(Some("/nowhere/engine".into()), &root.join("lectern")).unwrap_err();
        assert_eq!(named.code(), "engine.not_found", "a wrong name is not silently replaced");
    }

    #[test]
    fn an_end_at_a_wall_names_the_wall() {
        for (signal, said) in [(31, "a system call was refused"), (24, "processor time"), (25, "to a file")] {
            let how = describe(Ok(ExitStatus::from_raw(signal)));
            assert!(how.contains(said) && how.contains(&format!("signal: {signal}")), "{how}");
        }
        assert!(describe(Ok(ExitStatus::from_raw(9))).starts_with("signal: 9"));
        assert_eq!(describe(Ok(ExitStatus::from_raw(2 << 8))), "exit status: 2");
    }

    #[tokio::test]
    async fn a_child_that_uses_more_processor_time_than_it_was_allowed_is_ended_by_the_kernel() {
        let options = EngineOptions::new("/usr/bin/yes".into());
        let (mut process, _stream) = Process::start(&options).await.unwrap();
        process.allow(1);
        let ended = timeout(Duration::from_secs(60), process.child.wait()).await.expect("it goes on for ever");
        assert!(describe(ended).starts_with("it used more processor time"));
    }

    #[test]
    fn last_words_are_the_end_of_the_text() {
        assert_eq!(last_words(" short \n"), "short");
        let long = format!("{}end", "ä".repeat(1000));
        assert!(last_words(&long).ends_with("äend") && last_words(&long).chars().count() == 500);
    }
}
