//! Whose turn it is on a connection: while a whole request waits for its answer, the client has nothing to send.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::ConnectInfo;
use axum::http::{Request, Response, StatusCode};
use axum::{BoxError, Router};
use futures::future::BoxFuture;
use http_body::{Frame, SizeHint};
use tower::Service;

/// Requests of one connection that are whole and not answered yet. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Asked(Arc<AtomicUsize>);

impl Asked {
    /// Whether an answer is being made.
    pub(crate) fn any(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }

    /// The connection has left HTTP: how long it may be silent is for those to say who speak on it.
    fn leave(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

const ASKING: u8 = 0;
const ASKED: u8 = 1;
const ANSWERED: u8 = 2;

/// One request on its way from asking over asked to answered, which it is at the latest when it is dropped.
struct Turn {
    asked: Asked,
    state: AtomicU8,
}

impl Turn {
    fn whole(&self) {
        if self.state.compare_exchange(ASKING, ASKED, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            self.asked.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn answered(&self) {
        if self.state.swap(ANSWERED, Ordering::Relaxed) == ASKED {
            self.asked.0.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.answered();
    }
}

/// The router of one connection, which keeps its [`Asked`] and tells handlers where the client is.
#[derive(Clone)]
pub(crate) struct Turns {
    router: Router,
    asked: Asked,
    client: SocketAddr,
}

impl Turns {
    pub(crate) fn new(router: Router, asked: Asked, client: SocketAddr) -> Self {
        Self { router, asked, client }
    }
}

impl<B> Service<Request<B>> for Turns
where
    B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = std::convert::Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Service::<Request<Body>>::poll_ready(&mut self.router, context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        request.extensions_mut().insert(ConnectInfo(self.client));
        let turn = Arc::new(Turn { asked: self.asked.clone(), state: AtomicU8::new(ASKING) });
        if request.body().is_end_stream() {
            turn.whole();
        }
        let answer = self.router.call(request.map(|body| Body::new(Heard { body, turn: turn.clone() })));
        let asked = self.asked.clone();
        Box::pin(async move {
            let answer = answer.await;
            turn.answered();
            if answer.as_ref().is_ok_and(|answer| answer.status() == StatusCode::SWITCHING_PROTOCOLS) {
                asked.leave();
            }
            answer
        })
    }
}

/// A request's body, which tells when it has ended.
struct Heard<B> {
    body: B,
    turn: Arc<Turn>,
}

impl<B: HttpBody + Unpin> HttpBody for Heard<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if frame.is_none() || self.body.is_end_stream() {
            self.turn.whole();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
