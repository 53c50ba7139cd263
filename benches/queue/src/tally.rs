//! What handlers count into.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use tokio::sync::{Notify, mpsc};

/// Counts tasks as they begin, and says when.
#[derive(Clone)]
pub(crate) struct Tally {
    begun: Arc<AtomicUsize>,
    reached: Arc<Notify>,
    target: Arc<AtomicUsize>,
    /// When each began, for those who ask.
    moments: Option<mpsc::UnboundedSender<Instant>>,
}

impl Tally {
    pub(crate) fn new(moments: Option<mpsc::UnboundedSender<Instant>>) -> Self {
        Self { begun: Arc::default(), reached: Arc::default(), target: Arc::new(AtomicUsize::new(usize::MAX)), moments }
    }

    pub(crate) fn begins(&self) {
        if let Some(moments) = &self.moments {
            let _ = moments.send(Instant::now());
        }
        let begun = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        if begun >= self.target.load(Ordering::SeqCst) {
            self.reached.notify_one();
        }
    }

    /// Waits until so many have begun in all.
    pub(crate) async fn reach(&self, target: usize) {
        self.target.store(target, Ordering::SeqCst);
        while self.begun.load(Ordering::SeqCst) < target {
            self.reached.notified().await;
        }
    }
}
