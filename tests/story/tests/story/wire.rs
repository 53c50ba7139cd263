//! The network between one process and the server of PostgreSQL, which can be parted and mended.

use std::io;
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

const SOCKET: &str = ".s.PGSQL.5432";

pub(crate) struct Wire {
    folder: TempDir,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    parted: AtomicBool,
    closed: AtomicBool,
    /// Both ends of every connection.
    ends: Mutex<Vec<UnixStream>>,
}

impl Wire {
    /// A wire to the server whose socket lies in `server`.
    pub(crate) fn to(server: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join(SOCKET)).unwrap();
        let (state, server) = (Arc::<State>::default(), Path::new(server).join(SOCKET));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                if shared.closed.load(Ordering::SeqCst) {
                    return;
                }
                if !shared.parted.load(Ordering::SeqCst) {
                    shared.carry(near, UnixStream::connect(&server).unwrap());
                }
            }
        });
        Self { folder, state }
    }

    /// The address of a database at the other end.
    pub(crate) fn url(&self, url: &str) -> String {
        let (front, _) = url.rsplit_once("host=").unwrap();
        format!("{front}host={}", self.folder.path().display())
    }

    /// From now on nothing gets through: what there was is broken, and what is begun breaks at once.
    pub(crate) fn part(&self) {
        self.state.parted.store(true, Ordering::SeqCst);
        for end in self.state.ends.lock().unwrap().drain(..) {
            let _ = end.shutdown(Shutdown::Both);
        }
    }

    pub(crate) fn mend(&self) {
        self.state.parted.store(false, Ordering::SeqCst);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.state.closed.store(true, Ordering::SeqCst);
        self.part();
        // Whoever waits for a connection gets this one.
        let _ = UnixStream::connect(self.folder.path().join(SOCKET));
    }
}

impl State {
    fn carry(&self, near: UnixStream, far: UnixStream) {
        let ends = || (near.try_clone().unwrap(), far.try_clone().unwrap());
        let (near_end, far_end) = ends();
        self.ends.lock().unwrap().extend([near_end, far_end]);
        let (near_end, far_end) = ends();
        for (mut from, mut to) in [(near, far), (far_end, near_end)] {
            std::thread::spawn(move || {
                let _ = io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Both);
            });
        }
    }
}
