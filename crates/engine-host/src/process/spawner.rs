//! One thread that starts all children.
//!
//! A child asks the kernel to be killed with its parent, and the kernel means the parent's *thread*. Threads of a
//! runtime come and go; this one lives as long as the process.

use std::io;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// Starts that may wait for their turn.
const MAX_WAITING: usize = 64;

struct Start {
    command: Command,
    runtime: Handle,
    started: oneshot::Sender<io::Result<Child>>,
}

static SPAWNER: Mutex<Option<SyncSender<Start>>> = Mutex::new(None);

/// Starts `command`, and closes what the command holds.
pub(super) async fn spawn(command: Command) -> io::Result<Child> {
    let (started, outcome) = oneshot::channel();
    let start = Start { command, runtime: Handle::current(), started };
    spawner()?.try_send(start).map_err(|_| io::Error::other("too many engines are being started at once"))?;
    outcome.await.map_err(io::Error::other)?
}

fn spawner() -> io::Result<SyncSender<Start>> {
    let mut spawner = SPAWNER.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(sender) = spawner.as_ref() {
        return Ok(sender.clone());
    }
    let (sender, starts) = sync_channel::<Start>(MAX_WAITING);
    thread::Builder::new().name("engine-spawner".into()).spawn(move || {
        for Start { mut command, runtime, started } in starts {
            let _context = runtime.enter();
            // Nobody may be waiting any more; the child is then dropped, and so killed.
            let _ = started.send(command.spawn());
        }
    })?;
    Ok(spawner.insert(sender).clone())
}
