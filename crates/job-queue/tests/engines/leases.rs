//! Claiming, fencing, failing.

use std::collections::HashSet;

use job_queue::{FailOutcome, Failure, JobQueue, JobState, MAX_ALIKE, NewJob, Outcome, QueueError, Renewal, Retry};
use media_types::TenantId;
use serde_json::json;

use crate::{asset, begin, claim, enqueue, finish, job, on_each_engine, other_tenant, row, state, tenant};

fn failure(retry: Retry) -> Failure {
    Failure { code: "engine.crashed".to_owned(), detail: "it fell over".to_owned(), retry }
}

async fn fail(queue: &JobQueue, fence: &job_queue::Fence, now_ms: i64, retry: Retry) -> FailOutcome {
    let mut tx = begin(queue).await;
    let outcome = queue.fail(&mut tx, fence, now_ms, &failure(retry)).await.unwrap();
    tx.commit().await.unwrap();
    outcome
}

#[tokio::test]
async fn four_concurrent_claimers_never_share_a_job() {
    on_each_engine(|queue| async move {
        let jobs: Vec<NewJob> = (0..24).map(|n| job(&n.to_string())).collect();
        enqueue(&queue, &jobs).await;
        let tasks: Vec<_> = (0..4)
            .map(|_| {
                let queue = queue.clone();
                tokio::spawn(async move {
                    let mut got = vec![];
                    while let Some(claimed) = claim(&queue).await {
                        got.push(claimed.fence);
                    }
                    got
                })
            })
            .collect();
        let mut got = vec![];
        for task in tasks {
            got.extend(task.await.unwrap());
        }
        assert_eq!((got.len(), got.iter().collect::<HashSet<_>>().len()), (24, 24));
        assert!(got.iter().all(|fence| fence.attempt == 1));
    })
    .await;
}

#[tokio::test]
async fn a_zombie_commits_nothing_after_its_job_was_taken_over() {
    on_each_engine(|queue| async move {
        enqueue(&queue, &[job("a")]).await;
        let zombie = claim(&queue).await.unwrap();
        queue.requeue_all_running().await.unwrap();
        let heir = claim(&queue).await.unwrap();
        assert_eq!((zombie.fence.attempt, heir.fence.attempt), (1, 2));

        let mut tx = begin(&queue).await;
        assert!(matches!(queue.check(&mut tx, &zombie.fence).await, Err(QueueError::LeaseLost)));
        assert!(matches!(queue.finish(&mut tx, &zombie.fence, 2, json!({})).await, Err(QueueError::LeaseLost)));
        assert!(matches!(
            queue.fail(&mut tx, &zombie.fence, 2, &failure(Retry::Counted)).await,
            Err(QueueError::LeaseLost)
        ));
        queue.check(&mut tx, &heir.fence).await.unwrap();
        drop(tx);
        assert_eq!(queue.renew(&zombie.fence, 0.5).await.unwrap(), Renewal::Lost);
        assert!(!queue.hand_back(&zombie.fence).await.unwrap());

        assert_eq!(queue.renew(&heir.fence, f64::NAN).await.unwrap(), Renewal::Kept);
        finish(&queue, &heir).await.unwrap();
        assert_eq!(state(&queue, "a").await, JobState::Done);
        assert!(matches!(finish(&queue, &heir).await, Err(QueueError::LeaseLost)), "a result is committed once");
    })
    .await;
}

#[tokio::test]
async fn a_failed_attempt_waits_longer_each_time_and_the_last_one_parks() {
    on_each_engine(|queue| async move {
        enqueue(&queue, &[job("a")]).await;
        for (attempt, wait_ms) in [(1, 1_000), (2, 2_000)] {
            let claimed = claim(&queue).await.unwrap();
            assert_eq!(claimed.fence.attempt, attempt);
            queue.renew(&claimed.fence, 0.5).await.unwrap();
            let outcome = fail(&queue, &claimed.fence, 500, Retry::Counted).await;
            assert_eq!(outcome, FailOutcome::Retrying { run_at_ms: 500 + wait_ms });
            let row = row(&queue, "a").await;
            assert_eq!((row.state, row.run_at_ms, row.progress), (JobState::Ready, 500 + wait_ms, 0.0));
            assert_eq!(row.error_code.as_deref(), Some("engine.crashed"));
        }
        let last = claim(&queue).await.unwrap();
        assert_eq!(fail(&queue, &last.fence, 900, Retry::Counted).await, FailOutcome::Parked);
        let parked = row(&queue, "a").await;
        assert_eq!((parked.state, parked.finished_ms), (JobState::Parked, Some(900)));
        assert_eq!(claim(&queue).await, None);
    })
    .await;
}

#[tokio::test]
async fn a_failure_that_is_not_the_jobs_is_followed_by_as_many_attempts_as_it_takes() {
    on_each_engine(|queue| async move {
        enqueue(&queue, &[job("a")]).await;
        for attempt in 1..=9 {
            let claimed = claim(&queue).await.unwrap();
            assert_eq!(claimed.fence.attempt, attempt);
            let outcome = fail(&queue, &claimed.fence, 500, Retry::Uncounted).await;
            assert_eq!(outcome, FailOutcome::Retrying { run_at_ms: 30_500 });
        }
        let claimed = claim(&queue).await.unwrap();
        let outcome = fail(&queue, &claimed.fence, 500, Retry::Counted).await;
        assert_eq!(outcome, FailOutcome::Retrying { run_at_ms: 1_500 }, "the first that counts");
    })
    .await;
}

#[tokio::test]
async fn a_retry_in_the_future_is_not_claimed_and_a_hopeless_failure_parks_at_once() {
    on_each_engine(|queue| async move {
        enqueue(&queue, &[job("a")]).await;
        let claimed = claim(&queue).await.unwrap();
        let outcome = fail(&queue, &claimed.fence, 9_000_000_000_000_000, Retry::Counted).await;
        assert!(matches!(outcome, FailOutcome::Retrying { .. }));
        assert_eq!(claim(&queue).await, None);

        enqueue(&queue, &[job("b")]).await;
        let claimed = claim(&queue).await.unwrap();
        assert_eq!(fail(&queue, &claimed.fence, 1, Retry::No).await, FailOutcome::Parked);
        assert_eq!(state(&queue, "b").await, JobState::Parked);
    })
    .await;
}

#[tokio::test]
async fn handing_back_costs_no_attempt() {
    on_each_engine(|queue| async move {
        enqueue(&queue, &[NewJob { max_attempts: 1, ..job("a") }]).await;
        for attempt in 1..=3 {
            let claimed = claim(&queue).await.unwrap();
            assert_eq!(claimed.fence.attempt, attempt);
            assert!(queue.hand_back(&claimed.fence).await.unwrap());
            assert!(!queue.hand_back(&claimed.fence).await.unwrap());
        }
        let claimed = claim(&queue).await.unwrap();
        assert_eq!(fail(&queue, &claimed.fence, 1, Retry::Counted).await, FailOutcome::Parked);
    })
    .await;
}

#[tokio::test]
async fn what_follows_from_the_same_is_found_newest_first_in_its_tenant_alone() {
    on_each_engine(|queue| async move {
        let done = async |name: &str, tenant: TenantId, at_ms: i64, key: Option<&str>| {
            enqueue(&queue, &[NewJob { tenant_id: tenant, ..job(name) }]).await;
            let claimed = claim(&queue).await.unwrap();
            let mut tx = begin(&queue).await;
            let outcome = Outcome { result: json!({ "name": name }), key: key.map(str::to_owned) };
            queue.finish(&mut tx, &claimed.fence, at_ms, outcome).await.unwrap();
            tx.commit().await.unwrap();
        };
        for (at_ms, name) in (1..).zip(["a", "b", "c", "d", "e"]) {
            done(name, tenant(), at_ms, Some("like")).await;
        }
        done("f", tenant(), 9, Some("unlike")).await;
        done("g", tenant(), 9, None).await;
        done("h", other_tenant(), 9, Some("like")).await;
        let names = async |tenant: TenantId, key: &str| -> String {
            let found = queue.done_with(&tenant, key).await.unwrap();
            found.iter().map(|row| row.result.as_ref().unwrap()["name"].as_str().unwrap()).collect()
        };
        assert_eq!(names(tenant(), "like").await, "edcb", "the newest {MAX_ALIKE}");
        assert_eq!(names(other_tenant(), "like").await, "h");
        assert_eq!(names(other_tenant(), "unlike").await, "");
        let mut tx = begin(&queue).await;
        queue.delete_asset(&mut tx, &other_tenant(), &asset()).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(names(other_tenant(), "like").await, "", "what an asset has made goes with it");
    })
    .await;
}

#[tokio::test]
async fn a_result_and_the_claim_are_kept_in_the_row() {
    on_each_engine(|queue| async move {
        enqueue(&queue, &[job("a")]).await;
        let claimed = queue.claim(&["transcode"], i64::MIN, "worker-7").await.unwrap().unwrap();
        assert_eq!(queue.renew(&claimed.fence, 0.25).await.unwrap(), Renewal::Kept);
        let running = row(&queue, "a").await;
        assert_eq!((running.state, running.progress), (JobState::Running, 0.25));
        assert_eq!(running.worker.as_deref(), Some("worker-7"));
        assert!(running.started_ms.is_some());
        let mut tx = begin(&queue).await;
        queue.finish(&mut tx, &claimed.fence, 42, json!({ "segments": [1, 2] })).await.unwrap();
        tx.commit().await.unwrap();
        let done = row(&queue, "a").await;
        assert_eq!((done.state, done.progress, done.finished_ms), (JobState::Done, 1.0, Some(42)));
        assert_eq!(done.result, Some(json!({ "segments": [1, 2] })));
        assert_eq!(done.payload, json!({ "name": "a" }));
    })
    .await;
}
