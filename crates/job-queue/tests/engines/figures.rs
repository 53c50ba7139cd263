use job_queue::policy::{CLASS_NAMES, class_name};
use job_queue::{Backlog, JobState, NewJob};

use crate::{NOW_MS, claim, enqueue, finish, job, on_each_engine, waiting};

fn of(backlog: &[Backlog], class: &str, state: JobState) -> (i64, i64) {
    let found = backlog.iter().find(|of| of.class == class && of.state == state).unwrap();
    (found.count, found.oldest_ms)
}

#[tokio::test]
async fn the_backlog_counts_by_class_and_tells_how_long_the_oldest_could_have_run() {
    on_each_engine(|queue| async move {
        let urgent = NewJob { priority: 210, ..job("urgent") };
        let later = NewJob { priority: 210, delay_ms: 40_000, ..job("later") };
        let ordinary = NewJob { priority: 100, ..job("ordinary") };
        let held_up = NewJob { priority: 310, ..waiting("heldup", &["ordinary"]) };
        enqueue(&queue, &[urgent, later, ordinary, held_up, job("renewal")]).await;
        let backlog = queue.backlog().await.unwrap();
        assert_eq!(backlog.len(), CLASS_NAMES.len() * 4, "every combination, also those without jobs");
        assert_eq!(of(&backlog, "urgent", JobState::Ready), (2, NOW_MS - 1));
        assert_eq!(of(&backlog, "short", JobState::Waiting), (1, 0));
        assert_eq!(of(&backlog, "renewal", JobState::Ready), (1, NOW_MS - 1));
        assert_eq!(of(&backlog, "demanded", JobState::Ready), (0, 0));
        assert_eq!(claim(&queue).await.unwrap().fence.job_id, crate::id("urgent"));
        let backlog = queue.backlog().await.unwrap();
        assert_eq!(of(&backlog, "urgent", JobState::Running), (1, 0));
        assert_eq!(of(&backlog, "urgent", JobState::Ready), (1, NOW_MS - 40_001), "since it may run");
    })
    .await;
}

#[tokio::test]
async fn a_job_has_waited_since_it_could_run_and_not_since_it_was_enqueued() {
    on_each_engine(|queue| async move {
        enqueue(&queue, &[job("first"), waiting("second", &["first"])]).await;
        let first = claim(&queue).await.unwrap();
        assert_eq!(first.waited_ms, NOW_MS - 1);
        // It finishes at 2.
        finish(&queue, &first).await.unwrap();
        assert_eq!(claim(&queue).await.unwrap().waited_ms, NOW_MS - 2);
    })
    .await;
}

#[tokio::test]
async fn jobs_of_processes_that_export_no_traces_have_none() {
    on_each_engine(|queue| async move {
        enqueue(&queue, &[job("first"), waiting("second", &["first"])]).await;
        let first = claim(&queue).await.unwrap();
        assert_eq!(first.traceparent, None);
        finish(&queue, &first).await.unwrap();
        let second = claim(&queue).await.unwrap();
        assert_eq!(queue.awaited(&second.fence).await.unwrap(), Vec::<String>::new());
    })
    .await;
}

#[test]
fn every_priority_has_the_name_of_its_class() {
    let named = [i64::MIN, 0, 20, 99, 100, 200, 219, 220, 299, 300, i64::MAX].map(class_name);
    let expected = [
        "renewal", "renewal", "tidying", "tidying", "ordinary", "urgent", "urgent", "demanded", "demanded", "short",
        "short",
    ];
    assert_eq!(named, expected);
}
