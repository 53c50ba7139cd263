//! The queue of a database that was restored.

use std::sync::Arc;

use database::args;
use job_queue::{JobQueue, JobState, NewJob, QueueError, restored};
use serde_json::json;

use crate::{NOW_MS, begin, claim, enqueue, finish, job, on_each_engine, row, state};

const RESTORED_MS: i64 = 1_795_257_600_000;

#[tokio::test]
async fn what_was_at_work_begins_again_and_no_worker_of_before_counts() {
    on_each_engine(|queue| async move {
        enqueue(&queue, &[job("done"), job("running"), job("ready")]).await;
        let done = claim(&queue).await.unwrap();
        finish(&queue, &done).await.unwrap();
        let late = claim(&queue).await.unwrap();
        let later = NewJob { delay_ms: 86_400_000, ..job("later") };
        enqueue(&queue, &[later]).await;

        let mut tx = begin(&queue).await;
        assert_eq!(restored(&mut tx, RESTORED_MS).await.unwrap(), 1);
        tx.commit().await.unwrap();
        assert!(matches!(finish(&queue, &late).await, Err(QueueError::LeaseLost)));
        assert_eq!(row(&queue, "done").await.attempt, 1, "what it made lies under that number");
        assert_eq!(state(&queue, "running").await, JobState::Ready);

        // None of the attempts that count was used up, and no number is below the time.
        let mut seen = Vec::new();
        while let Some(claimed) = claim(&queue).await {
            assert!(claimed.fence.attempt > RESTORED_MS);
            seen.push(claimed.fence.attempt);
            assert_eq!(claimed.tried, 1);
            finish(&queue, &claimed).await.unwrap();
        }
        assert_eq!(seen.len(), 2);
        assert_eq!(queue.hasten().await.unwrap(), 0, "what was put off on purpose still is");
        let workers: Vec<(String,)> = queue.database().all("SELECT name FROM queue_worker", args![]).await.unwrap();
        assert!(workers.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_second_restoration_numbers_attempts_above_those_of_the_first() {
    on_each_engine(|queue| async move {
        enqueue(&queue, &[job("a")]).await;
        let queue = JobQueue::on_clock(queue.database().clone(), Arc::new(|| NOW_MS));
        let mut last = 0;
        for at in [RESTORED_MS, RESTORED_MS + 1_000] {
            let mut tx = begin(&queue).await;
            restored(&mut tx, at).await.unwrap();
            tx.commit().await.unwrap();
            let claimed = claim(&queue).await.unwrap();
            assert!(claimed.fence.attempt > at && claimed.fence.attempt > last);
            last = claimed.fence.attempt;
        }
        assert_eq!(row(&queue, "a").await.payload, json!({ "name": "a" }));
    })
    .await;
}
