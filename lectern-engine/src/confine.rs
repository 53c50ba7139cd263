//! What the process gives up before it touches media.
//!
//! - [`files`]: every file, by Landlock, where the kernel has it.
//! - [`calls`]: every system call but those that decoding and encoding need, by seccomp.
//! - here: privileges, limits, descriptors that were left open, and the order of it all.
//!
//! There are two sets of rules. [`confine`] is for engines that need nothing but memory and their socket. Drivers of devices
//! need their device's files, map more memory than there is, and load libraries: [`confine_with_device`] lets that much
//! through, and nothing else.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use engine_host::protocol::Confinement;
use rustix::net::AddressFamily;
use rustix::process::{DumpableBehavior, Resource, Rlimit, Signal};
use rustix::thread::{CapabilitySet, CapabilitySets};
use thiserror::Error;

pub mod calls;
pub mod files;

/// Open files: the standard three, the socket, and room for what is open for a moment while confining.
const MAX_OPEN_FILES: u64 = 32;
/// The same with a device, of which drivers hold many descriptors.
const MAX_OPEN_FILES_WITH_DEVICE: u64 = 256;
/// Threads. The kernel counts all of the user's, so that a lower limit would fail on a busy machine.
const MAX_USER_THREADS: u64 = 8192;

/// Why the process does not serve.
#[derive(Debug, Error)]
pub enum ConfineError {
    /// Its standard input is something else.
    #[error("lectern-engine is started by lectern, which gives it a socket as its standard input")]
    NoSocket,
    /// A right could not be given up.
    #[error("lectern-engine could not confine itself: {what}: {source}")]
    Refused {
        /// The right.
        what: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
}

fn refused<E: Into<io::Error>>(what: &'static str) -> impl Fn(E) -> ConfineError {
    move |source| ConfineError::Refused { what, source: source.into() }
}

/// The socket that is the standard input, which then becomes `/dev/null`.
///
/// # Errors
/// [`ConfineError::NoSocket`] when the standard input is no socket of this machine.
pub fn take_socket() -> Result<OwnedFd, ConfineError> {
    let stdin = io::stdin();
    match rustix::net::sockopt::socket_domain(stdin.as_fd()) {
        Ok(AddressFamily::UNIX) => {}
        Ok(_) | Err(_) => return Err(ConfineError::NoSocket),
    }
    let socket = stdin.as_fd().try_clone_to_owned().map_err(refused("its socket"))?;
    let null = File::open("/dev/null").map_err(refused("/dev/null"))?;
    // SAFETY: dup2 takes two plain numbers; 0 stays open, and nothing has read from or buffered it.
    if unsafe { libc::dup2(null.as_raw_fd(), 0) } < 0 {
        return Err(refused("its standard input")(io::Error::last_os_error()));
    }
    Ok(socket)
}

/// What an engine needs beside memory and its socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// A device, by way of its driver.
    Device,
}

/// Gives up files, the network, other processes, memory beyond `memory_bytes`, core dumps, privileges, new rights and
/// outliving the parent; `socket`, if there is one, and the standard three stay. To be called before this process starts a thread: each
/// later one inherits what holds for the first.
///
/// # Errors
/// [`ConfineError::Refused`] when the kernel does not let go of something. The one thing that may be missing is Landlock,
/// which the answer then says.
pub fn confine(socket: Option<&OwnedFd>, memory_bytes: u64, nice: u8) -> Result<Confinement, ConfineError> {
    give_up_rights(socket, memory_bytes, nice, Needs::Nothing)?;
    let landlock = files::give_up().map_err(refused("files"))?;
    calls::give_up(Needs::Nothing).map_err(refused("system calls"))?;
    Ok(if landlock { Confinement::Full } else { Confinement::SystemCalls })
}

/// The same, but for what drivers of devices need. `load` is called when files are given up and calls are not yet: what it
/// loads may look for its device, and starts no thread that could open another file.
///
/// # Errors
/// [`ConfineError::Refused`] when the kernel does not let go of something, or has no Landlock: with a device it is that alone
/// which keeps files shut.
pub fn confine_with_device<T>(
    socket: Option<&OwnedFd>,
    memory_bytes: u64,
    nice: u8,
    load: impl FnOnce() -> T,
) -> Result<(Confinement, T), ConfineError> {
    give_up_rights(socket, memory_bytes, nice, Needs::Device)?;
    if !files::give_up_but_devices().map_err(refused("files"))? {
        return Err(refused("files")(io::Error::other("this kernel has no Landlock, without which no device is used")));
    }
    let loaded = load();
    calls::give_up(Needs::Device).map_err(refused("system calls"))?;
    Ok((Confinement::Device, loaded))
}

/// What both sets of rules have in common.
fn give_up_rights(socket: Option<&OwnedFd>, memory_bytes: u64, nice: u8, needs: Needs) -> Result<(), ConfineError> {
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(refused("dumpable"))?;
    rustix::thread::set_no_new_privs(true).map_err(refused("no new privileges"))?;
    close_others(socket)?;
    rustix::process::nice(nice.into()).map_err(refused("niceness"))?;
    limit(memory_bytes, needs)?;
    let none = CapabilitySet::empty();
    let none = CapabilitySets { effective: none, permitted: none, inheritable: none };
    rustix::thread::set_capabilities(None, none).map_err(refused("capabilities"))?;
    // After the capabilities, with which the kernel may forget it. A parent that is already gone has closed the socket,
    // which ends the session at its first message.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).map_err(refused("parent death signal"))
}

fn limit(memory_bytes: u64, needs: Needs) -> Result<(), ConfineError> {
    let (memory, files) = match needs {
        Needs::Nothing => ((Resource::As, memory_bytes, "address space"), MAX_OPEN_FILES),
        // Drivers reserve addresses for all of a device's memory, and more; what is written to is counted.
        Needs::Device => ((Resource::Data, memory_bytes, "memory"), MAX_OPEN_FILES_WITH_DEVICE),
    };
    for (resource, limit, what) in [
        memory,
        (Resource::Nofile, files, "open files"),
        (Resource::Nproc, MAX_USER_THREADS, "threads"),
        (Resource::Core, 0, "core dumps"),
        (Resource::Fsize, 0, "file size"),
    ] {
        // A lower limit that was already set stays, and could not be raised anyway.
        let limit = rustix::process::getrlimit(resource).maximum.map_or(limit, |maximum| maximum.min(limit));
        let limit = Rlimit { current: Some(limit), maximum: Some(limit) };
        rustix::process::setrlimit(resource, limit).map_err(refused(what))?;
    }
    Ok(())
}

/// Closes what the parent may have leaked into the child.
fn close_others(socket: Option<&OwnedFd>) -> Result<(), ConfineError> {
    let kept = socket.map_or(2, |socket| socket.as_raw_fd().unsigned_abs());
    for (first, last) in [(3, kept.saturating_sub(1)), (kept + 1, libc::c_uint::MAX)] {
        // SAFETY: only the main thread runs and the only open descriptor above 2 that anything owns is `socket`.
        if first <= last && unsafe { libc::close_range(first, last, 0) } != 0 {
            return Err(refused("other files")(io::Error::last_os_error()));
        }
    }
    Ok(())
}
