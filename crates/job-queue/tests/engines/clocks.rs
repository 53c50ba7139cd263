//! Machines whose clocks are an hour apart, or are stepped by one.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use job_queue::{Clock, FailOutcome, Failure, JobQueue, NewJob, Reaper, Renewal, Retry};

use crate::{claim, job, on_each_engine};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// What a clock shows that is right.
const RIGHT_MS: i64 = 1_000 * DAY_MS;

/// The same queue on a machine whose clock shows this, and can be stepped.
fn at(queue: &JobQueue, ms: i64) -> (JobQueue, Arc<AtomicI64>) {
    let shown = Arc::new(AtomicI64::new(ms));
    let clock: Clock = Arc::new({
        let shown = Arc::clone(&shown);
        move || shown.load(Ordering::SeqCst)
    });
    (JobQueue::on_clock(queue.database().clone(), clock), shown)
}

async fn enqueue_at(queue: &JobQueue, now_ms: i64, new: NewJob) {
    let mut tx = queue.database().begin().await.unwrap();
    queue.enqueue(&mut tx, now_ms, &[new]).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn what_was_enqueued_or_failed_by_a_clock_an_hour_ahead_is_not_held_up() {
    on_each_engine(|queue| async move {
        let (right, _) = at(&queue, RIGHT_MS);
        enqueue_at(&queue, RIGHT_MS + HOUR_MS, job("early")).await;
        assert!(claim(&right).await.is_none());
        assert_eq!(right.hasten().await.unwrap(), 1);
        let held = claim(&right).await.expect("it is due");

        let mut tx = queue.database().begin().await.unwrap();
        let failure = Failure { code: "x".to_owned(), detail: String::new(), retry: Retry::Counted };
        let outcome = right.fail(&mut tx, &held.fence, RIGHT_MS + HOUR_MS, &failure).await.unwrap();
        tx.commit().await.unwrap();
        assert!(matches!(outcome, FailOutcome::Retrying { run_at_ms } if run_at_ms > RIGHT_MS + HOUR_MS));
        assert!(claim(&right).await.is_none());
        assert_eq!(right.hasten().await.unwrap(), 1);
        assert!(claim(&right).await.is_some());
    })
    .await;
}

#[tokio::test]
async fn a_clock_stepped_back_by_an_hour_holds_nothing_up_and_a_delay_is_kept() {
    on_each_engine(|queue| async move {
        let (stepped, shown) = at(&queue, RIGHT_MS);
        enqueue_at(&queue, RIGHT_MS, job("now")).await;
        enqueue_at(&queue, RIGHT_MS, NewJob { delay_ms: DAY_MS, ..job("tomorrow") }).await;
        shown.store(RIGHT_MS - HOUR_MS, Ordering::SeqCst);
        assert!(claim(&stepped).await.is_none());
        assert_eq!(stepped.hasten().await.unwrap(), 1);
        assert!(claim(&stepped).await.is_some());
        assert_eq!(stepped.hasten().await.unwrap(), 0);
        for early_ms in [RIGHT_MS, RIGHT_MS + DAY_MS - 1] {
            shown.store(early_ms, Ordering::SeqCst);
            assert!(claim(&stepped).await.is_none(), "a day is not over");
        }
        shown.store(RIGHT_MS + DAY_MS, Ordering::SeqCst);
        assert!(claim(&stepped).await.is_some());
    })
    .await;
}

#[tokio::test]
async fn a_back_off_is_not_cut_short() {
    on_each_engine(|queue| async move {
        let (right, _) = at(&queue, RIGHT_MS);
        enqueue_at(&queue, RIGHT_MS, job("a")).await;
        let held = claim(&right).await.unwrap();
        let mut tx = queue.database().begin().await.unwrap();
        let failure = Failure { code: "x".to_owned(), detail: String::new(), retry: Retry::Uncounted };
        right.fail(&mut tx, &held.fence, RIGHT_MS, &failure).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(right.hasten().await.unwrap(), 0);
        assert!(claim(&right).await.is_none());
    })
    .await;
}

#[tokio::test]
async fn steps_of_a_clock_take_no_job_from_who_works_and_leave_none_with_who_is_silent() {
    on_each_engine(|queue| async move {
        let (stepped, shown) = at(&queue, RIGHT_MS);
        for name in ["a", "b"] {
            enqueue_at(&queue, RIGHT_MS, job(name)).await;
        }
        let (works, silent) = (claim(&stepped).await.unwrap(), claim(&stepped).await.unwrap());
        let patience = Duration::from_secs(8);
        let mut reaper = Reaper::new(stepped.clone(), patience);
        let start = Instant::now();
        let mut taken = Vec::new();
        for (look, step_ms) in [0, HOUR_MS, -HOUR_MS, 0, HOUR_MS].into_iter().enumerate() {
            shown.store(RIGHT_MS + step_ms, Ordering::SeqCst);
            assert_eq!(stepped.renew(&works.fence, 0.5).await.unwrap(), Renewal::Kept);
            let now = start + Duration::from_secs(2) * u32::try_from(look).unwrap();
            taken.push(reaper.silent(now).await.unwrap().len());
        }
        assert_eq!(taken, [0, 0, 0, 0, 1], "after eight seconds of silence, whatever the clock shows");
        let late = reaper.sweep(start + Duration::from_secs(9)).await.unwrap();
        assert_eq!(late.len(), 1);
        assert_eq!(stepped.renew(&works.fence, 0.6).await.unwrap(), Renewal::Kept);
        assert_eq!(stepped.renew(&silent.fence, 0.6).await.unwrap(), Renewal::Lost);
    })
    .await;
}
