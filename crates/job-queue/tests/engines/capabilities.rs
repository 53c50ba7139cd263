//! What jobs need, what workers offer, and jobs that nobody can run.

use database::args;
use job_queue::{Capabilities, JobState, NewJob, QueueError, WorkerCard};

use crate::budget::{Working, until};
use crate::{NOW_MS, asset, begin, claim, enqueue, id, job, on_each_engine, row, state, tenant};

fn needing(name: &str, needs: &str) -> NewJob {
    NewJob { needs: Capabilities::stored(needs), ..job(name) }
}

fn card(name: &str, offers: Option<&str>) -> WorkerCard {
    let offers = offers.map(Capabilities::stored);
    WorkerCard { name: name.into(), host: "here".into(), version: "1".into(), makes: "it".into(), places: 2, offers }
}

#[tokio::test]
async fn a_worker_claims_what_it_can_do_and_leaves_the_rest() {
    on_each_engine(|queue| async move {
        enqueue(&queue, &[needing("first", "av1,h264"), needing("plain", ""), needing("second", "h264")]).await;
        enqueue(&queue, &[needing("third", "h264"), needing("fourth", "cpu")]).await;
        let worker = Working::start(&queue, None, Some("cpu,h264"));
        for name in ["plain", "second", "third", "fourth"] {
            until(&queue, name, JobState::Running).await;
        }
        assert_eq!(state(&queue, "first").await, JobState::Ready);
        let able = Working::start(&queue, None, Some("av1,h264"));
        until(&queue, "first", JobState::Running).await;
        worker.stop().await;
        able.stop().await;
    })
    .await;
}

#[tokio::test]
async fn jobs_of_a_tenant_go_by_age_whatever_they_need() {
    on_each_engine(|queue| async move {
        let later = |name: &str, needs: &str, delay_ms| NewJob { delay_ms, ..needing(name, needs) };
        let jobs = [later("c", "av1", 3), later("a", "h264", 1), later("b", "", 2), later("d", "av1,h264", 4)];
        enqueue(&queue, &jobs).await;
        for name in ["a", "b", "c", "d"] {
            assert_eq!(claim(&queue).await.unwrap().fence.job_id, id(name));
        }
    })
    .await;
}

#[tokio::test]
async fn a_job_that_nobody_can_run_says_what_is_lacking_until_somebody_can() {
    on_each_engine(|queue| async move {
        enqueue(&queue, &[needing("range", "av1,h264"), needing("other", "av1"), needing("plain", "cpu")]).await;
        let lacking = async || {
            let offers = queue.offers().await.unwrap();
            let of = async |name: &str| offers.lacking(&row(&queue, name).await).to_string();
            let all = queue.unclaimable().await.unwrap();
            let all: Vec<_> = all.into_iter().map(|(lacks, count)| (lacks.to_string(), count)).collect();
            (of("range").await, of("plain").await, all)
        };
        let nobody = vec![("av1".to_owned(), 1), ("av1,h264".to_owned(), 1), ("cpu".to_owned(), 1)];
        assert_eq!(lacking().await, ("av1,h264".into(), "cpu".into(), nobody), "nobody works");
        queue.sign_on(&card("one", Some("cpu,h264"))).await.unwrap();
        assert_eq!(lacking().await, ("av1".into(), String::new(), vec![("av1".to_owned(), 2)]));
        queue.sign_on(&card("another", Some("av1,h264"))).await.unwrap();
        assert_eq!(lacking().await, (String::new(), String::new(), vec![]));
        queue.sign_off("another").await.unwrap();
        assert_eq!(lacking().await.0, "av1");
        // One of before says nothing, and claims everything.
        queue.sign_on(&card("former", None)).await.unwrap();
        assert_eq!(lacking().await.0, "");
        let listed = queue.workers().await.unwrap();
        let offers: Vec<_> = listed.into_iter().map(|row| row.card.offers.map(|offers| offers.to_string())).collect();
        assert!(offers.contains(&None) && offers.contains(&Some("cpu,h264".to_owned())), "{offers:?}");
    })
    .await;
}

#[tokio::test]
async fn a_running_job_lacks_nothing_and_needs_are_words() {
    on_each_engine(|queue| async move {
        enqueue(&queue, &[needing("range", "av1")]).await;
        claim(&queue).await.unwrap();
        let offers = queue.offers().await.unwrap();
        assert!(offers.lacking(&row(&queue, "range").await).is_empty());
        let mut tx = begin(&queue).await;
        let refused = queue.enqueue(&mut tx, 1, &[needing("bad", "AV1")]).await;
        assert!(matches!(refused, Err(QueueError::Invalid(_))), "{refused:?}");
    })
    .await;
}

/// As the version before this one says it.
const FORMER_INSERT: &str =
    "INSERT INTO job (id, tenant_id, asset_id, stage, payload, state, priority, weight, run_at_ms, attempt, returned,
    max_attempts, waits_for, heartbeat, progress, dedupe_key, created_ms, making, traceparent)
    VALUES ($1, $2, $3, 'transcode', $4, 'ready', 0, 1, 1, 0, 0, 3, 0, 0, 0, NULL, 1, 0, NULL) ON CONFLICT DO NOTHING";
const FORMER_SIGN_ON: &str = "INSERT INTO queue_worker (name, host, version, makes, places, heartbeat, started_ms,
        seen_ms)
    VALUES ($1, 'there', '0', 'it', 2, 1, 1, 1) ON CONFLICT (name) DO UPDATE SET heartbeat = queue_worker.heartbeat + 1,
        seen_ms = 1";
const FORMER_CLAIM: &str = "UPDATE job SET state = 'running', attempt = attempt + 1, heartbeat = heartbeat + 1,
        progress = 0, worker = $1, started_ms = $2
    WHERE (tenant_id, id) = (SELECT tenant_id, id FROM job
        WHERE state = 'ready' AND tenant_id = $3 AND stage = $4 AND priority = $5 AND run_at_ms <= $6
        ORDER BY run_at_ms, id LIMIT 1 /*SKIP LOCKED*/)
    RETURNING id";

#[tokio::test]
async fn a_worker_of_the_version_before_works_beside_this_one() {
    on_each_engine(|queue| async move {
        enqueue(&queue, &[needing("range", "av1")]).await;
        let mut tx = begin(&queue).await;
        tx.execute(FORMER_SIGN_ON, args!["former"]).await.unwrap();
        let payload = serde_json::json!({ "name": "theirs" });
        tx.execute(FORMER_INSERT, args![&id("theirs"), &tenant(), &asset(), payload]).await.unwrap();
        tx.commit().await.unwrap();
        let offers = queue.offers().await.unwrap();
        assert!(offers.lacking(&row(&queue, "range").await).is_empty(), "it does not say what it can do");

        let worker = Working::start(&queue, None, Some("cpu"));
        until(&queue, "theirs", JobState::Running).await;
        assert_eq!(state(&queue, "range").await, JobState::Ready);
        let mut tx = begin(&queue).await;
        let args = args!["former", NOW_MS, &tenant(), "transcode", 0_i64, NOW_MS];
        let claimed: Option<(String,)> = tx.optional(FORMER_CLAIM, args).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(claimed, Some((id("range").to_string(),)), "and claims everything");
        worker.stop().await;
    })
    .await;
}
