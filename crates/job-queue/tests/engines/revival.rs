//! Jobs that go on after one of their asset gave up.

use job_queue::{ClaimedJob, Failure, JobQueue, JobState, NewJob, QueueError, Reason, Retry};

use crate::{asset, begin, claim, enqueue, finish, id, job, on_each_engine, row, state, tenant, waiting};

const GAVE_UP: Reason = Reason { code: "asset.errored", detail: "another job gave up" };
const PERSON: Reason = Reason { code: "asset.cancelled", detail: "a person wanted it" };

async fn park(queue: &JobQueue, job: &ClaimedJob) {
    let mut tx = begin(queue).await;
    let failure = Failure { code: "a.b".into(), detail: "c".into(), retry: Retry::No };
    queue.fail(&mut tx, &job.fence, 5, &failure).await.unwrap();
    tx.commit().await.unwrap();
}

async fn cancel(queue: &JobQueue, why: Reason) {
    let mut tx = begin(queue).await;
    queue.cancel_asset(&mut tx, &tenant(), &asset(), why, 6).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn what_gave_up_and_what_was_cancelled_for_it_goes_on_and_what_is_done_stays_done() {
    on_each_engine(|queue| async move {
        let first = |name: &str, priority| NewJob { priority, max_attempts: 1, ..job(name) };
        enqueue(&queue, &[first("gone", 9)]).await;
        cancel(&queue, PERSON).await;
        let all = [first("done", 8), first("parked", 7), first("running", 6), job("ready")];
        enqueue(&queue, &all).await;
        enqueue(&queue, &[waiting("publish", &["done", "parked", "running", "ready"])]).await;
        let done = claim(&queue).await.unwrap();
        finish(&queue, &done).await.unwrap();
        let parked = claim(&queue).await.unwrap();
        let running = claim(&queue).await.unwrap();
        park(&queue, &parked).await;
        cancel(&queue, GAVE_UP).await;
        assert_eq!(row(&queue, "ready").await.error_code.as_deref(), Some("asset.errored"));

        let mut tx = begin(&queue).await;
        let revived = queue.revive_asset(&mut tx, &tenant(), &asset(), 0, "asset.errored", 50).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(revived, 4);
        for (name, expected) in [
            ("gone", JobState::Cancelled),
            ("done", JobState::Done),
            ("parked", JobState::Ready),
            ("running", JobState::Ready),
            ("ready", JobState::Ready),
            ("publish", JobState::Waiting),
        ] {
            assert_eq!(state(&queue, name).await, expected, "{name}");
        }
        assert!(matches!(finish(&queue, &running).await, Err(QueueError::LeaseLost)), "the lost attempt stays lost");
        for name in ["parked", "running", "ready"] {
            let job = claim(&queue).await.unwrap();
            assert_eq!(job.fence.job_id, id(name));
            finish(&queue, &job).await.unwrap();
        }
        assert_eq!(claim(&queue).await.unwrap().fence.job_id, id("publish"), "all that it waited for is done");
    })
    .await;
}

#[tokio::test]
async fn one_parked_job_goes_on_with_all_its_attempts() {
    on_each_engine(|queue| async move {
        enqueue(&queue, &[NewJob { max_attempts: 2, ..job("tidy") }]).await;
        let job = claim(&queue).await.unwrap();
        park(&queue, &job).await;
        for expected in [true, false] {
            let mut tx = begin(&queue).await;
            assert_eq!(queue.revive(&mut tx, &tenant(), &id("tidy"), 7).await.unwrap(), expected);
            tx.commit().await.unwrap();
        }
        let row = row(&queue, "tidy").await;
        assert_eq!((row.state, row.error_code, row.finished_ms), (JobState::Ready, None, None));
        let again = claim(&queue).await.unwrap();
        assert_eq!(again.fence.attempt, job.fence.attempt + 1, "the token only grows");
        let mut tx = begin(&queue).await;
        let failure = Failure { code: "a.b".into(), detail: "c".into(), retry: Retry::Counted };
        let outcome = queue.fail(&mut tx, &again.fence, 9, &failure).await.unwrap();
        assert!(matches!(outcome, job_queue::FailOutcome::Retrying { .. }), "it is the first of two: {outcome:?}");
    })
    .await;
}
