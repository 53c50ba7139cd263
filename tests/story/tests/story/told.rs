//! What the world asks of either side, and what it is told.

use asset_flow::Stage;

/// One attempt at a job of an asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attempt {
    pub(crate) asset: usize,
    pub(crate) stage: Stage,
    pub(crate) number: i64,
}

/// How an attempt's work ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Commits,
    /// May be tried again.
    Fails,
    /// Need not be tried again.
    GivesUp,
    Panics,
    /// The process is killed with all done but the commit.
    DiesBefore,
    /// The process is killed after the commit, before it hears of it.
    DiesAfter,
}

/// What has happened: the history that both sides write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Happening {
    Claimed {
        worker: usize,
        attempt: Attempt,
    },
    /// The result was taken; with the generation that it published, or was given.
    Counted {
        worker: usize,
        attempt: Attempt,
        generation: Option<u64>,
    },
    /// The result was refused: the job is another's, or cancelled.
    Refused {
        worker: usize,
        attempt: Attempt,
    },
    Retried {
        worker: usize,
        attempt: Attempt,
        run_at_ms: i64,
    },
    Parked {
        worker: usize,
        attempt: Attempt,
    },
    /// The database could not be reached.
    Unheard {
        worker: usize,
        attempt: Attempt,
    },
    /// The handler was told that its lease is lost, and stopped.
    Lost {
        worker: usize,
        attempt: Attempt,
    },
    TakenOver {
        reaper: usize,
        attempt: Attempt,
        parked: bool,
    },
}

/// How an asset stands at the end: phase, generations to play and complete, code of its failure; and its jobs in the order in
/// which they were enqueued, with the number of their last attempt and their state.
pub(crate) type End = (String, Option<u64>, Option<u64>, Option<String>, Vec<(Stage, i64, &'static str)>);

/// Those who keep the queue, by a model or by tables and processes.
pub(crate) trait Side {
    fn arrives(&mut self, now_ms: i64, asset: usize);
    fn cancelled(&mut self, now_ms: i64, asset: usize);
    fn tried_again(&mut self, now_ms: i64, asset: usize);
    /// Something else is committed.
    fn word(&mut self, now_ms: i64);
    fn start(&mut self, now_ms: i64, worker: usize);
    fn kill(&mut self, now_ms: i64, worker: usize);
    fn stop(&mut self, now_ms: i64, worker: usize);
    fn cut_off(&mut self, now_ms: i64, worker: usize);
    fn end(&mut self, now_ms: i64, worker: usize, outcome: Outcome);
    fn reap(&mut self, now_ms: i64, reaper: usize);
    /// Lets a process do what it does by itself. `moving`: frames go in or out of what it encodes.
    fn turn(&mut self, now_ms: i64, worker: usize, moving: bool);
    /// What has happened since this was last asked.
    fn told(&mut self) -> Vec<Happening>;
    fn ends(&mut self, assets: usize) -> Vec<End>;
}
