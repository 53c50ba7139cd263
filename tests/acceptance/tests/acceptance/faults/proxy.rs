//! A piece of network that can stop: nothing arrives any more, and nobody is told.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex};

/// Where it leads.
#[derive(Clone)]
pub(super) enum To {
    Address(String),
    Socket(PathBuf),
}

/// Carries bytes from its own address to another, and back, for as long as this process lives.
pub(super) struct Proxy {
    address: SocketAddr,
    gate: Arc<Gate>,
}

#[derive(Default)]
struct Gate {
    shut: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    fn pass(&self) {
        let shut = self.shut.lock().unwrap();
        drop(self.opened.wait_while(shut, |shut| *shut).unwrap());
    }
}

impl Proxy {
    pub(super) fn start(to: To) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, gate) = (listener.local_addr().unwrap(), Arc::<Gate>::default());
        let shared = Arc::clone(&gate);
        std::thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                let (to, gate) = (to.clone(), Arc::clone(&shared));
                std::thread::spawn(move || connect(near, to, &gate));
            }
        });
        Self { address, gate }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Nothing passes from now on. What is on its way stays there.
    pub(super) fn freeze(&self) {
        *self.gate.shut.lock().unwrap() = true;
    }

    /// Everything arrives after all.
    pub(super) fn thaw(&self) {
        *self.gate.shut.lock().unwrap() = false;
        self.gate.opened.notify_all();
    }
}

fn connect(near: TcpStream, to: To, gate: &Arc<Gate>) {
    gate.pass();
    let (from, into) = (near.try_clone().unwrap(), near);
    match to {
        To::Address(address) => {
            let Ok(far) = TcpStream::connect(address) else { return };
            let (source, sink) = (far.try_clone().unwrap(), far);
            carry((from, sink.try_clone().unwrap()), (source, into), gate, move || sink.shutdown(Shutdown::Both));
        }
        To::Socket(path) => {
            let Ok(far) = UnixStream::connect(path) else { return };
            let (source, sink) = (far.try_clone().unwrap(), far);
            carry((from, sink.try_clone().unwrap()), (source, into), gate, move || sink.shutdown(Shutdown::Both));
        }
    }
}

/// Both ways at once, until either side has ended; then `end` ends the far one.
fn carry<F: Read + Write + Send + 'static>(
    there: (TcpStream, F),
    back: (F, TcpStream),
    gate: &Arc<Gate>,
    end: impl FnOnce() -> std::io::Result<()>,
) {
    let (other, near) = (Arc::clone(gate), back.1.try_clone().unwrap());
    let returning = std::thread::spawn(move || {
        copy(back.0, back.1, &other);
        let _ = near.shutdown(Shutdown::Both);
    });
    copy(there.0, there.1, gate);
    let _ = end();
    let _ = returning.join();
}

fn copy(mut from: impl Read, mut into: impl Write, gate: &Gate) {
    let mut piece = [0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut piece) {
        gate.pass();
        if into.write_all(&piece[..length]).is_err() {
            return;
        }
    }
}
