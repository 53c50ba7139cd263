//! Taking jobs from silent workers, on a clock that the test moves.

use std::time::{Duration, Instant};

use job_queue::{JobState, LOST_WORKERS, NewJob, Reaped, Reaper, Renewal};

use crate::{asset, begin, claim, enqueue, job, on_each_engine, row, state, tenant};

const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_silent_job_is_taken_over_and_a_beating_one_never() {
    on_each_engine(|queue| async move {
        enqueue(&queue, &[NewJob { priority: 1, ..job("silent") }, job("beating")]).await;
        let (silent, beating) = (claim(&queue).await.unwrap(), claim(&queue).await.unwrap());
        let mut reaper = Reaper::new(queue.clone(), PATIENCE);
        let mut now = Instant::now();
        let mut reaped = vec![];
        for _ in 0..30 {
            reaped.extend(reaper.sweep(now).await.unwrap());
            assert_eq!(queue.renew(&beating.fence, 0.1).await.unwrap(), Renewal::Kept);
            now += Duration::from_secs(2);
        }
        assert_eq!(reaped, [Reaped::Requeued(silent.fence)]);
        assert_eq!(state(&queue, "silent").await, JobState::Ready);
        assert_eq!(state(&queue, "beating").await, JobState::Running);
    })
    .await;
}

#[tokio::test]
async fn a_new_claim_of_the_same_job_gets_the_whole_patience_again() {
    on_each_engine(|queue| async move {
        enqueue(&queue, &[job("a")]).await;
        let first = claim(&queue).await.unwrap();
        let mut reaper = Reaper::new(queue.clone(), PATIENCE);
        let start = Instant::now();
        assert_eq!(reaper.sweep(start).await.unwrap(), []);
        queue.hand_back(&first.fence).await.unwrap();
        claim(&queue).await.unwrap();
        assert_eq!(reaper.sweep(start + PATIENCE).await.unwrap(), []);
        assert_eq!(reaper.sweep(start + PATIENCE * 2).await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_job_that_loses_every_worker_is_parked_and_the_caller_is_told() {
    on_each_engine(|queue| async move {
        enqueue(&queue, &[NewJob { max_attempts: 2, ..job("poison") }]).await;
        let mut reaper = Reaper::new(queue.clone(), PATIENCE);
        let mut now = Instant::now();
        let mut reaped = vec![];
        while let Some(claimed) = claim(&queue).await {
            assert!(claimed.fence.attempt <= 2, "the attempts are bounded");
            for _ in 0..2 {
                reaped.extend(reaper.sweep(now).await.unwrap());
                now += PATIENCE;
            }
        }
        let [Reaped::Requeued(first), Reaped::Parked(second, ast)] = reaped.as_slice() else {
            panic!("{reaped:?}");
        };
        assert_eq!((first.attempt, second.attempt), (1, 2));
        assert_eq!((&second.tenant_id, ast), (&tenant(), &asset()));
        let parked = row(&queue, "poison").await;
        assert_eq!((parked.state, parked.error_code.as_deref()), (JobState::Parked, Some(LOST_WORKERS)));
        assert!(parked.finished_ms.is_some());
    })
    .await;
}

#[tokio::test]
async fn a_sign_of_life_after_the_look_saves_the_job() {
    on_each_engine(|queue| async move {
        enqueue(&queue, &[job("a")]).await;
        let claimed = claim(&queue).await.unwrap();
        let mut reaper = Reaper::new(queue.clone(), PATIENCE);
        let start = Instant::now();
        assert_eq!(reaper.silent(start).await.unwrap(), []);
        let silent = reaper.silent(start + PATIENCE).await.unwrap();
        assert_eq!(silent.len(), 1);
        queue.renew(&claimed.fence, 0.0).await.unwrap();
        let mut tx = begin(&queue).await;
        assert_eq!(queue.take_over(&mut tx, &silent[0], 1).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_dead_process_s_jobs_are_ready_at_once_when_asked_for() {
    on_each_engine(|queue| async move {
        enqueue(&queue, &[job("a"), NewJob { max_attempts: 1, ..job("b") }]).await;
        claim(&queue).await.unwrap();
        claim(&queue).await.unwrap();
        let reaped = queue.requeue_all_running().await.unwrap();
        assert!(matches!(reaped.as_slice(), [Reaped::Requeued(_), Reaped::Parked(..)]), "{reaped:?}");
        assert_eq!((state(&queue, "a").await, state(&queue, "b").await), (JobState::Ready, JobState::Parked));
    })
    .await;
}

#[tokio::test]
async fn time_in_which_nobody_can_reach_the_table_makes_no_job_silent() {
    on_each_engine(|queue| async move {
        let rename = |sql: &'static str| {
            let queue = queue.clone();
            async move {
                let mut tx = begin(&queue).await;
                tx.execute(sql, vec![]).await.unwrap();
                tx.commit().await.unwrap();
            }
        };
        enqueue(&queue, &[job("a")]).await;
        claim(&queue).await.unwrap();
        let mut reaper = Reaper::new(queue.clone(), PATIENCE);
        let start = Instant::now();
        assert_eq!(reaper.sweep(start).await.unwrap(), []);
        rename("ALTER TABLE job RENAME TO away").await;
        assert!(reaper.sweep(start + PATIENCE / 2).await.is_err());
        rename("ALTER TABLE away RENAME TO job").await;
        assert_eq!(reaper.sweep(start + PATIENCE * 2).await.unwrap(), [], "its worker could not show a sign of life");
        assert_eq!(reaper.sweep(start + PATIENCE * 3).await.unwrap().len(), 1);
    })
    .await;
}
