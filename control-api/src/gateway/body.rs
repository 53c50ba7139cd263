//! Bodies on their way through, as they come: nothing is gathered, and who is slow slows down who sends.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::BoxError;
use axum::body::{Body, Bytes, HttpBody};
use http_body::{Frame, SizeHint};
use http_client::Incoming;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep};

/// How far a request's body has come.
#[derive(Default)]
pub(super) struct Heard(Arc<Progress>);

#[derive(Default)]
struct Progress {
    frames: AtomicU64,
    is_awaited: AtomicBool,
    broke_off: AtomicBool,
}

impl Heard {
    /// Grows with everything that comes.
    pub(super) fn frames(&self) -> u64 {
        self.0.frames.load(Ordering::Relaxed)
    }

    /// Whether it is the client's turn, who has not sent what the unit could take by now.
    pub(super) fn is_awaited(&self) -> bool {
        self.0.is_awaited.load(Ordering::Relaxed)
    }

    /// Whether the client did not send it to its end.
    pub(super) fn broke_off(&self) -> bool {
        self.0.broke_off.load(Ordering::Relaxed)
    }

    /// The same body, which tells how far it is.
    pub(super) fn of(&self, body: Body) -> Body {
        Body::new(Telling { body, progress: Arc::clone(&self.0) })
    }
}

struct Telling {
    body: Body,
    progress: Arc<Progress>,
}

impl HttpBody for Telling {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        let Progress { frames, is_awaited, broke_off } = &*self.progress;
        is_awaited.store(frame.is_pending(), Ordering::Relaxed);
        if let Poll::Ready(came) = &frame {
            frames.fetch_add(1, Ordering::Relaxed);
            broke_off.store(matches!(came, Some(Err(_))), Ordering::Relaxed);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// An answer's body, which fails when nothing has come for too long, and holds its place at the unit until it has ended.
pub(super) struct Answer {
    body: Incoming,
    patience: Duration,
    /// Since it was last waited for.
    silence: Option<Pin<Box<Sleep>>>,
    is_waiting: bool,
    place: Option<OwnedSemaphorePermit>,
}

impl Answer {
    pub(super) fn new(body: Incoming, patience: Duration, place: Option<OwnedSemaphorePermit>) -> Self {
        Self { body, patience, silence: None, is_waiting: false, place }
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) {
            this.is_waiting = false;
            if frame.is_none() || this.body.is_end_stream() {
                this.place = None;
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let patience = this.patience;
        let silence = this.silence.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        if !this.is_waiting {
            silence.as_mut().reset(Instant::now() + patience);
            this.is_waiting = true;
        }
        ready!(silence.as_mut().poll(context));
        Poll::Ready(Some(Err("the unit has fallen silent".into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    /// Unknown: where there is a length, `Content-Length` has it, and that of an answer to HEAD is not its body's.
    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
