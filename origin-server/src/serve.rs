//! Connections: HTTP/1.1 and HTTP/2, which is known beforehand or agreed upon in TLS; in clear where TLS ends before the process.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, Sleep};

use crate::tls::Tls;
use crate::turn::{Asked, Turns};

/// Bounds on connections.
#[derive(Clone, Debug)]
pub struct ServeLimits {
    /// Open connections; more wait in the listener's backlog.
    pub max_connections: u32,
    /// From the first byte a request waits for to the end of its headers (HTTP/1.1), and for TLS to stand.
    pub header_timeout: Duration,
    /// Without a byte in either direction, while no answer is being made: silent connections, stalled downloads.
    pub idle_timeout: Duration,
    /// From the shutdown to the hard end of responses that are still being sent.
    pub drain_timeout: Duration,
    /// Requests at once on one HTTP/2 connection.
    pub max_streams: u32,
}

impl Default for ServeLimits {
    fn default() -> Self {
        Self {
            max_connections: 4096,
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            drain_timeout: Duration::from_secs(30),
            max_streams: 100,
        }
    }
}

/// Pause after a failed accept, such as for want of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
const MAX_HTTP2_HEADER_BYTES: u32 = 16 * 1024;
/// Of each answer, so much waits for a client of HTTP/2 to take it.
const MAX_HTTP2_WAITING_BYTES: usize = 256 * 1024;
/// Requests of HTTP/2 that a client has taken back before they were looked at: who has more is hung up on.
const MAX_HTTP2_RESETS: usize = 20;

/// [`serve_with`] under the default [`ServeLimits`].
pub async fn serve(listener: TcpListener, router: Router, shutdown: impl Future<Output = ()>) {
    serve_with(listener, router, ServeLimits::default(), shutdown).await;
}

/// Serves `router` until `shutdown` resolves, then lets responses end, closes what is idle, and returns. A failed
/// connection or accept is logged and does not end it. Handlers find the client's address as `ConnectInfo<SocketAddr>`.
pub async fn serve_with(
    listener: TcpListener,
    router: Router,
    limits: ServeLimits,
    shutdown: impl Future<Output = ()>,
) {
    serve_over(listener, None, router, limits, shutdown).await;
}

/// [`serve_with`] over TLS, if there is any: then nothing else is spoken at this address.
pub async fn serve_over(
    listener: TcpListener,
    tls: Option<Tls>,
    router: Router,
    limits: ServeLimits,
    shutdown: impl Future<Output = ()>,
) {
    let places = Arc::new(Semaphore::new(limits.max_connections as usize));
    let (stop, stopping) = watch::channel(());
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = accept(&listener, &places) => accepted,
        };
        match accepted {
            Ok((client, place)) => {
                let (limits, stopping) = (limits.clone(), stopping.clone());
                tokio::spawn(serve_connection((client, place), tls.clone(), router.clone(), limits, stopping));
            }
            Err(error) => {
                tracing::warn!(%error, "could not accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    let _ = stop.send(());
    if tokio::time::timeout(limits.drain_timeout, places.acquire_many(limits.max_connections)).await.is_err() {
        tracing::warn!("responses were cut off by the end of the drain");
    }
    // Whoever is left sees the channel closed and goes.
    drop(stop);
}

type Client = (TcpStream, SocketAddr);

async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> io::Result<(Client, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    Ok((listener.accept().await?, place))
}

async fn serve_connection(
    ((stream, address), place): (Client, OwnedSemaphorePermit),
    tls: Option<Tls>,
    router: Router,
    limits: ServeLimits,
    mut stopping: watch::Receiver<()>,
) {
    // Small playlists would wait for the client's acknowledgement; without the option they are only slower.
    let _ = stream.set_nodelay(true);
    let asked = Asked::default();
    let stream = Watched::new(stream, limits.idle_timeout, asked.clone(), place);
    let turns = Turns::new(router, asked, address);
    let Some(tls) = tls else {
        return speak(stream, turns, &limits, stopping).await;
    };
    let accepted = tokio::select! {
        accepted = tokio::time::timeout(limits.header_timeout, tls.acceptor.accept(stream)) => accepted,
        _ = stopping.changed() => return,
    };
    match accepted {
        Ok(Ok(stream)) => speak(stream, turns, &limits, stopping).await,
        Ok(Err(error)) => tracing::debug!(%error, "a connection came to no TLS"),
        Err(_elapsed) => tracing::debug!("a connection came to no TLS in time"),
    }
}

/// HTTP, until one of the sides ends it.
async fn speak<S>(stream: S, turns: Turns, limits: &ServeLimits, mut stopping: watch::Receiver<()>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.header_timeout);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.max_streams)
        .max_header_list_size(MAX_HTTP2_HEADER_BYTES)
        .max_send_buf_size(MAX_HTTP2_WAITING_BYTES)
        .max_pending_accept_reset_streams(MAX_HTTP2_RESETS);
    let service = TowerToHyperService::new(turns);
    let mut connection = pin!(builder.serve_connection_with_upgrades(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = stopping.changed() => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = connection.as_mut() => ended,
                _ = stopping.changed() => return,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended badly");
    }
}

/// A stream that fails when no byte has moved for a while although one was wanted, and no answer is being made.
struct Watched {
    stream: TcpStream,
    asked: Asked,
    patience: Duration,
    deadline: Pin<Box<Sleep>>,
    /// Kept also by what has left HTTP.
    _place: OwnedSemaphorePermit,
}

impl Watched {
    fn new(stream: TcpStream, patience: Duration, asked: Asked, place: OwnedSemaphorePermit) -> Self {
        Self { stream, asked, patience, deadline: Box::pin(tokio::time::sleep(patience)), _place: place }
    }

    fn watch<T>(&mut self, context: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.deadline.as_mut().reset(Instant::now() + self.patience);
            return polled;
        }
        ready!(self.deadline.as_mut().poll(context));
        while self.asked.any() {
            self.deadline.as_mut().reset(Instant::now() + self.patience);
            ready!(self.deadline.as_mut().poll(context));
        }
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.watch(context, polled)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(context, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.watch(context, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
