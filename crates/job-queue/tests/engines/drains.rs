//! What is drained is not claimed, and what runs goes on.

use job_queue::{Drain, QueueError, Scope};

use crate::{NOW_MS, claim, enqueue, finish, id, job, on_each_engine};
use job_queue::NewJob;

fn publish(name: &str) -> NewJob {
    NewJob { stage: "publish".to_owned(), priority: 9, ..job(name) }
}

#[tokio::test]
async fn a_held_queue_hands_out_nothing_and_takes_what_was_handed_out_before() {
    on_each_engine(|queue| async move {
        enqueue(&queue, &[NewJob { priority: 1, ..job("running") }, job("next")]).await;
        let running = claim(&queue).await.unwrap();
        queue.drain(&Scope::Queue, Some("the disk is being changed")).await.unwrap();
        assert_eq!(claim(&queue).await, None);
        assert_eq!(queue.running_of(&Scope::Queue).await.unwrap(), 1);
        finish(&queue, &running).await.unwrap();
        assert_eq!(queue.running_of(&Scope::Queue).await.unwrap(), 0);
        assert_eq!(claim(&queue).await, None);
        assert!(queue.resume(&Scope::Queue).await.unwrap());
        assert!(!queue.resume(&Scope::Queue).await.unwrap(), "there is none any more");
        assert_eq!(claim(&queue).await.unwrap().fence.job_id, id("next"));
    })
    .await;
}

#[tokio::test]
async fn a_held_stage_or_worker_leaves_the_others_at_work() {
    on_each_engine(|queue| async move {
        enqueue(&queue, &[publish("publish"), job("first"), job("second")]).await;
        let stages = ["transcode", "publish"];
        let stage = Scope::Stage("publish".to_owned());
        queue.drain(&stage, None).await.unwrap();
        let first = queue.claim(&stages, i64::MIN, "w1").await.unwrap().unwrap();
        assert_eq!(first.fence.job_id, id("first"), "though the other is of a higher priority");
        let worker = Scope::Worker("w1".to_owned());
        queue.drain(&worker, Some("to be replaced")).await.unwrap();
        assert_eq!(queue.claim(&stages, i64::MIN, "w1").await.unwrap(), None);
        assert_eq!((queue.running_of(&worker).await.unwrap(), queue.running_of(&stage).await.unwrap()), (1, 0));
        let second = queue.claim(&stages, i64::MIN, "w2").await.unwrap().unwrap();
        assert_eq!(second.fence.job_id, id("second"));
        queue.resume(&stage).await.unwrap();
        assert_eq!(queue.claim(&stages, i64::MIN, "w1").await.unwrap(), None);
        assert_eq!(queue.claim(&stages, i64::MIN, "w2").await.unwrap().unwrap().fence.job_id, id("publish"));
    })
    .await;
}

#[tokio::test]
async fn a_hold_says_why_and_since_when_and_is_kept_once() {
    on_each_engine(|queue| async move {
        queue.drain(&Scope::Queue, None).await.unwrap();
        queue.drain(&Scope::Queue, Some("maintenance")).await.unwrap();
        let reason = Some("maintenance".to_owned());
        assert_eq!(queue.drains().await.unwrap(), [Drain { scope: Scope::Queue, reason, since_ms: NOW_MS }]);
        let long = Scope::Worker("w".repeat(201));
        assert!(matches!(queue.drain(&long, None).await, Err(QueueError::Invalid(_))));
    })
    .await;
}
