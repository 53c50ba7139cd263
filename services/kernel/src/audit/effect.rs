//! Records that are stored by the transaction of what they tell of: one row more of it, instead of one transaction before it and one behind.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::response::{IntoResponse, Response};
use database::{DbError, Tx};

use super::change::{self, Views};
use super::recorder::{Ending, Record, Recorder};
use crate::idempotency::Stored;

tokio::task_local! {
    static CURRENT: Pending;
}

/// The record of a request, which its effect is to store.
#[derive(Clone)]
pub(crate) struct Pending {
    recorder: Recorder,
    record: Record,
    state: Arc<Mutex<State>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing was done.
    Waits,
    /// It is in a transaction that ends, one way or the other.
    Ends,
    Stored,
}

impl Pending {
    /// That of the request of this task; `None` where its operation is recorded in another way.
    pub(crate) fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok()
    }

    /// Ends the transaction with the record in it. What is after it is the answer, whose `id` behind `/` behind `address` is where it is.
    pub(crate) async fn commit(&self, mut tx: Tx, answer: &Stored, address: &str) -> Result<(), DbError> {
        let changes = Views::after(&answer.body).changes(false);
        let done = Ending::Done { status: answer.status.as_u16(), made: answer.made(address), changes };
        self.record.insert(&mut tx, self.recorder.writer(), Some(&done)).await?;
        *self.state() = State::Ends;
        tx.commit().await?;
        *self.state() = State::Stored;
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers a request whose effect stores `record`. A transaction of which nobody knows how it has ended leaves one that says so; an
/// operation that has done what it was asked for without its transaction is at fault, and is recorded behind it.
pub(super) async fn watch(recorder: &Recorder, record: Record, answer: impl Future<Output = Response>) -> Response {
    let pending = Pending { recorder: recorder.clone(), record, state: Arc::new(Mutex::new(State::Waits)) };
    let (response, views) = change::watched(CURRENT.scope(pending.clone(), answer)).await;
    let state = *pending.state();
    let ending = match (state, super::ending(&response, views, false)) {
        (State::Stored, _) | (State::Waits, Ending::Nothing | Ending::Unknown { .. }) => return response,
        (State::Ends, _) => Ending::Unknown { status: Some(response.status().as_u16()) },
        (State::Waits, done) => {
            tracing::error!(action = %pending.record.action, "what it did was not recorded by its transaction");
            done
        }
    };
    recorder.record(pending.record, ending).await.map_or_else(IntoResponse::into_response, |()| response)
}
