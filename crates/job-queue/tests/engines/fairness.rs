//! Tenants that take turns, classes, what viewers demand, on a clock that the test moves.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use database::testing::{Scratch, for_each_engine};
use database::{EngineKind, args};
use job_queue::{Failure, JobQueue, NewJob, Retry};
use media_types::TenantId;
use serde_json::json;

use crate::{NOW_MS, begin, claim, enqueue, finish, id, job, on_each_engine, other_tenant, tenant};

const MINUTE_MS: i64 = 60_000;

fn jobs(tenant: &TenantId, prefix: &str, count: usize, weight: i64) -> Vec<NewJob> {
    let one = |n| NewJob { tenant_id: tenant.clone(), weight, ..job(&format!("{prefix}{n:05}")) };
    (0..count).map(one).collect()
}

async fn tags(queue: &JobQueue) -> Vec<(String, i64, i64)> {
    let all = "SELECT tenant_id, tag_ms, start_ms FROM queue_share ORDER BY tenant_id";
    queue.database().all(all, args![]).await.unwrap()
}

async fn tag(queue: &JobQueue) -> i64 {
    tags(queue).await[0].1
}

#[tokio::test]
async fn behind_ten_thousand_jobs_of_one_tenant_another_s_first_is_next() {
    on_each_engine(|queue| async move {
        for batch in jobs(&tenant(), "a", 10_000, 9_000).chunks(5_000) {
            enqueue(&queue, batch).await;
        }
        for _ in 0..8 {
            assert_eq!(claim(&queue).await.unwrap().tenant_id, tenant());
        }
        enqueue(&queue, &jobs(&other_tenant(), "b", 2, 9_000)).await;
        assert_eq!(claim(&queue).await.unwrap().tenant_id, other_tenant());
        let then = [claim(&queue).await.unwrap().tenant_id, claim(&queue).await.unwrap().tenant_id];
        assert!(then.contains(&tenant()) && then.contains(&other_tenant()), "turn by turn from there: {then:?}");
    })
    .await;
}

#[tokio::test]
async fn tenants_get_equal_time_and_not_equal_numbers_of_jobs() {
    on_each_engine(|queue| async move {
        enqueue(&queue, &[jobs(&tenant(), "a", 40, 3_000), jobs(&other_tenant(), "b", 40, 1_000)].concat()).await;
        let mut mine = 0;
        for _ in 0..24 {
            let claimed = claim(&queue).await.unwrap();
            mine += i64::from(claimed.tenant_id == tenant());
            finish_after(&queue, &claimed, if claimed.tenant_id == tenant() { 3_000 } else { 1_000 }).await;
        }
        assert_eq!(mine, 6);
    })
    .await;
}

async fn finish_after(queue: &JobQueue, claimed: &job_queue::ClaimedJob, took_ms: i64) {
    let mut tx = begin(queue).await;
    queue.finish(&mut tx, &claimed.fence, NOW_MS + took_ms, json!({})).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn what_a_job_took_takes_the_place_of_what_was_estimated() {
    on_each_engine(|queue| async move {
        enqueue(&queue, &[jobs(&tenant(), "a", 40, 100), jobs(&other_tenant(), "b", 40, 100)].concat()).await;
        let mut mine = 0;
        for _ in 0..22 {
            let claimed = claim(&queue).await.unwrap();
            mine += i64::from(claimed.tenant_id == tenant());
            finish_after(&queue, &claimed, if claimed.tenant_id == tenant() { 1_000 } else { 100 }).await;
        }
        assert_eq!(mine, 2, "estimates were alike");
    })
    .await;
}

#[tokio::test]
async fn every_end_of_an_attempt_settles_its_charge() {
    on_each_engine(|queue| async move {
        enqueue(&queue, &jobs(&tenant(), "a", 9, 500)).await;
        let done = claim(&queue).await.unwrap();
        assert_eq!(tag(&queue).await, 500);
        finish_after(&queue, &done, 70).await;
        assert_eq!(tag(&queue).await, 70);
        let failed = claim(&queue).await.unwrap();
        let mut tx = begin(&queue).await;
        let failure = Failure { code: "a".to_owned(), detail: "b".to_owned(), retry: Retry::No };
        queue.fail(&mut tx, &failed.fence, NOW_MS + 30, &failure).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(tag(&queue).await, 100);
        let back = claim(&queue).await.unwrap();
        assert!(queue.hand_back(&back.fence).await.unwrap() && !queue.hand_back(&back.fence).await.unwrap());
        assert_eq!(tag(&queue).await, 100, "what was not done costs nothing");
        claim(&queue).await.unwrap();
        queue.requeue_all_running().await.unwrap();
        assert_eq!(tag(&queue).await, 600, "what a worker died of stays charged");
        assert!(finish(&queue, &back).await.is_err());
        assert_eq!(tag(&queue).await, 600, "and a late result changes nothing");
    })
    .await;
}

#[tokio::test]
async fn who_was_away_saves_up_no_turns() {
    on_each_engine(|queue| async move {
        enqueue(&queue, &[jobs(&tenant(), "a", 20, 100_000), jobs(&other_tenant(), "b", 1, 100_000)].concat()).await;
        for _ in 0..12 {
            claim(&queue).await.unwrap();
        }
        enqueue(&queue, &jobs(&other_tenant(), "c", 9, 100_000)).await;
        let mut theirs = 0;
        for _ in 0..8 {
            theirs += i64::from(claim(&queue).await.unwrap().tenant_id == other_tenant());
        }
        assert!((4..=5).contains(&theirs), "{theirs} of 8");
    })
    .await;
}

#[tokio::test]
async fn a_job_that_has_waited_goes_before_a_higher_class_and_not_before_what_is_demanded() {
    for_each_engine(|db| async move {
        let time = Arc::new(AtomicI64::new(NOW_MS));
        let clock = Arc::clone(&time);
        let queue = JobQueue::on_clock(db, Arc::new(move || clock.load(Ordering::SeqCst)));
        enqueue(&queue, &[NewJob { priority: 100, ..job("range") }]).await;
        let mut order = vec![];
        for step in 0..4_i64 {
            time.store(NOW_MS + 21 * MINUTE_MS, Ordering::SeqCst);
            let fresh = |name: &str, priority| NewJob { priority, ..job(&format!("{name}{step}")) };
            let mut tx = begin(&queue).await;
            let now_ms = NOW_MS + 20 * MINUTE_MS;
            queue.enqueue(&mut tx, now_ms, &[fresh("probe", 300), fresh("ahead", 220)]).await.unwrap();
            tx.commit().await.unwrap();
            let claimed = claim(&queue).await.unwrap();
            order.push(claimed.fence.job_id.clone());
            finish(&queue, &claimed).await.unwrap();
            if step == 0 {
                order.push(claim(&queue).await.unwrap().fence.job_id);
            }
        }
        assert_eq!(order, [id("ahead0"), id("range"), id("ahead1"), id("ahead2"), id("ahead3")]);
    })
    .await;
}

#[tokio::test]
async fn demanded_jobs_take_a_quarter_of_what_runs_while_others_wait() {
    on_each_engine(|queue| async move {
        let at = |name: String, priority| NewJob { priority, ..job(&name) };
        let mut batch: Vec<NewJob> = (0..40).map(|n| at(format!("d{n:02}"), 220)).collect();
        batch.extend((0..24).map(|n| at(format!("r{n:02}"), 100)));
        enqueue(&queue, &batch).await;
        let mut demanded = 0;
        for running in 1..=32 {
            demanded += i64::from(claim(&queue).await.unwrap().priority == 220);
            assert!(demanded <= (running / 4).max(1), "{demanded} of {running}");
        }
        assert_eq!(demanded, 8);
        for _ in 0..32 {
            assert_eq!(claim(&queue).await.unwrap().priority, 220, "rather than nothing");
        }
    })
    .await;
}

#[tokio::test]
async fn eight_workers_that_claim_at_once_share_no_job_and_charge_each() {
    on_each_engine(|queue| async move {
        let batches = (0..5).map(|n| jobs(&TenantId::from_unique(n), &format!("t{n}"), 20, 1_000));
        enqueue(&queue, &batches.collect::<Vec<_>>().concat()).await;
        let workers: Vec<_> = (0..8)
            .map(|_| {
                let queue = queue.clone();
                tokio::spawn(async move {
                    let mut got = vec![];
                    while got.len() < 100 {
                        match claim(&queue).await {
                            Some(claimed) => got.push((claimed.tenant_id, claimed.fence.job_id)),
                            None if drained(&queue).await => break,
                            None => tokio::task::yield_now().await,
                        }
                    }
                    got
                })
            })
            .collect();
        let mut all = vec![];
        for worker in workers {
            all.extend(worker.await.unwrap());
        }
        assert_eq!((all.len(), all.iter().collect::<HashSet<_>>().len()), (100, 100));
        let charged: Vec<i64> = tags(&queue).await.into_iter().map(|(_, tag_ms, _)| tag_ms).collect();
        assert!(charged.iter().all(|tag_ms| *tag_ms >= 20_000), "{charged:?}");
    })
    .await;
}

async fn drained(queue: &JobQueue) -> bool {
    queue.depths().await.unwrap().iter().all(|(_, state, _)| state.as_str() != "ready")
}

#[tokio::test]
async fn after_a_restart_tenants_stand_where_they_stood() {
    for kind in [EngineKind::Sqlite, EngineKind::Postgres] {
        let scratch = Scratch::migrated(kind).await;
        let queue = JobQueue::on_clock(scratch.db.clone(), Arc::new(|| NOW_MS));
        enqueue(&queue, &[jobs(&tenant(), "a", 9, 1_000), jobs(&other_tenant(), "b", 9, 5_000)].concat()).await;
        let before = [claim(&queue).await.unwrap(), claim(&queue).await.unwrap()];
        assert_eq!(before.map(|claimed| claimed.tenant_id), [tenant(), other_tenant()]);
        let stood = tags(&queue).await;
        scratch.db.close().await;
        let queue = JobQueue::on_clock(scratch.another().await, Arc::new(|| NOW_MS));
        assert_eq!(tags(&queue).await, stood);
        for _ in 0..4 {
            assert_eq!(claim(&queue).await.unwrap().tenant_id, tenant());
        }
        queue.database().close().await;
    }
}

#[tokio::test]
async fn jobs_of_a_version_without_shares_are_found_and_shares_that_say_nothing_go() {
    on_each_engine(|queue| async move {
        enqueue(&queue, &[jobs(&tenant(), "a", 1, 1_000), jobs(&other_tenant(), "b", 3, 10)].concat()).await;
        let mut tx = begin(&queue).await;
        tx.execute("DELETE FROM queue_share", args![]).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(claim(&queue).await, None);
        queue.tidy_shares().await.unwrap();
        let first = claim(&queue).await.unwrap();
        finish_after(&queue, &first, 5).await;
        for _ in 0..3 {
            let next = claim(&queue).await.unwrap();
            finish_after(&queue, &next, 500_000).await;
        }
        queue.tidy_shares().await.unwrap();
        let left = tags(&queue).await;
        assert_eq!(left, [(other_tenant().to_string(), 1_500_000, 1_000_000)], "the one that is the virtual time");
    })
    .await;
}
