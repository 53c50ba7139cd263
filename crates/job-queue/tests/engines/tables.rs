//! Enqueuing, waiting, listing, cancelling.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use job_queue::{Failure, JobFilter, JobRow, JobState, NewJob, QueueError, Reaped, Reaper, Retry};
use media_types::AssetId;
use serde_json::json;

use crate::{
    NOW_MS, WHY, asset, begin, claim, enqueue, finish, id, job, on_each_engine, other_tenant, row, state, tenant,
    waiting,
};

#[tokio::test]
async fn higher_priority_goes_first_then_the_older_then_the_smaller_id() {
    on_each_engine(|queue| async move {
        let prio = |name: &str, priority| NewJob { priority, ..job(name) };
        enqueue(&queue, &[prio("b", 0), prio("a", 0), prio("d", 5), prio("e", -1)]).await;
        let mut tx = begin(&queue).await;
        queue.enqueue(&mut tx, 0, &[prio("c", 0)]).await.unwrap();
        tx.commit().await.unwrap();
        let mut order = vec![];
        while let Some(claimed) = claim(&queue).await {
            order.push(claimed.payload["name"].as_str().unwrap().to_owned());
        }
        assert_eq!(order, ["d", "c", "a", "b", "e"]);
    })
    .await;
}

#[tokio::test]
async fn a_job_is_not_claimed_before_its_run_time_nor_by_another_stage() {
    on_each_engine(|queue| async move {
        let mut tx = begin(&queue).await;
        queue.enqueue(&mut tx, i64::MAX, &[job("later")]).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(claim(&queue).await, None);
        enqueue(&queue, &[NewJob { stage: "probe".to_owned(), ..job("other") }]).await;
        assert_eq!(claim(&queue).await, None);
        let claimed = queue.claim(&["package", "probe"], i64::MIN, "w").await.unwrap().unwrap();
        assert_eq!((claimed.fence.job_id, claimed.fence.attempt, claimed.stage.as_str()), (id("other"), 1, "probe"));
    })
    .await;
}

#[tokio::test]
async fn a_worker_that_is_kept_for_urgent_jobs_takes_no_other() {
    on_each_engine(|queue| async move {
        enqueue(&queue, &[NewJob { priority: 199, ..job("usual") }, NewJob { priority: 200, ..job("urgent") }]).await;
        let claimed = queue.claim(&["transcode"], 200, "w").await.unwrap().unwrap();
        assert_eq!(claimed.fence.job_id, id("urgent"));
        assert_eq!(queue.claim(&["transcode"], 200, "w").await.unwrap(), None);
        assert_eq!(claim(&queue).await.unwrap().fence.job_id, id("usual"));
    })
    .await;
}

const THIRTY_DAYS_MS: i64 = 30 * 24 * 60 * 60 * 1_000;

#[tokio::test]
async fn a_delayed_job_waits_that_long_and_an_undelayed_one_goes_first() {
    on_each_engine(|queue| async move {
        let now_ms = NOW_MS;
        let late = NewJob { delay_ms: THIRTY_DAYS_MS, priority: 9, ..job("late") };
        let after = NewJob { delay_ms: THIRTY_DAYS_MS, ..waiting("after", &["now"]) };
        let mut tx = begin(&queue).await;
        queue.enqueue(&mut tx, now_ms, &[late, job("now"), after]).await.unwrap();
        // Enqueued long ago, so its delay is over.
        let over = NewJob { delay_ms: THIRTY_DAYS_MS, priority: -1, ..job("over") };
        queue.enqueue(&mut tx, now_ms - THIRTY_DAYS_MS, &[over]).await.unwrap();
        tx.commit().await.unwrap();
        for name in ["now", "over"] {
            let claimed = claim(&queue).await.unwrap();
            assert_eq!(claimed.fence.job_id, id(name));
            finish(&queue, &claimed).await.unwrap();
        }
        assert_eq!(claim(&queue).await, None);
        for name in ["late", "after"] {
            let row = row(&queue, name).await;
            assert_eq!(
                (row.state, row.created_ms, row.run_at_ms),
                (JobState::Ready, now_ms, now_ms + THIRTY_DAYS_MS),
                "{name}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn nothing_is_enqueued_when_the_transaction_is_dropped() {
    on_each_engine(|queue| async move {
        let mut tx = begin(&queue).await;
        queue.enqueue(&mut tx, 1, &[job("a")]).await.unwrap();
        drop(tx);
        assert_eq!(claim(&queue).await, None);
    })
    .await;
}

#[tokio::test]
async fn a_dedupe_key_lets_one_unfinished_job_in_and_its_dependants_follow_it() {
    on_each_engine(|queue| async move {
        let keyed = |name: &str| NewJob { dedupe_key: Some("demand/7".to_owned()), ..job(name) };
        enqueue(&queue, &[keyed("first")]).await;
        enqueue(&queue, &[keyed("second"), waiting("after", &["second"])]).await;
        enqueue(&queue, &[NewJob { tenant_id: other_tenant(), ..keyed("foreign") }]).await;
        assert_eq!(queue.job(&tenant(), &id("second")).await.unwrap(), None);
        let claimed = claim(&queue).await.unwrap();
        assert_eq!(claimed.fence.job_id, id("first"));
        enqueue(&queue, &[keyed("third")]).await;
        assert_eq!(queue.job(&tenant(), &id("third")).await.unwrap(), None, "a running job counts");
        finish(&queue, &claimed).await.unwrap();
        assert_eq!(state(&queue, "after").await, JobState::Ready);
        enqueue(&queue, &[keyed("fourth")]).await;
        assert_eq!(state(&queue, "fourth").await, JobState::Ready, "a finished one does not");
    })
    .await;
}

#[tokio::test]
async fn a_replayed_batch_changes_nothing() {
    on_each_engine(|queue| async move {
        let batch = [job("a"), waiting("b", &["a"])];
        enqueue(&queue, &batch).await;
        finish(&queue, &claim(&queue).await.unwrap()).await.unwrap();
        enqueue(&queue, &batch).await;
        assert_eq!(state(&queue, "a").await, JobState::Done);
        assert_eq!(state(&queue, "b").await, JobState::Ready);
    })
    .await;
}

#[tokio::test]
async fn what_is_done_already_is_not_waited_for_and_what_is_unknown_is_refused() {
    on_each_engine(|queue| async move {
        enqueue(&queue, &[job("a")]).await;
        finish(&queue, &claim(&queue).await.unwrap()).await.unwrap();
        enqueue(&queue, &[waiting("b", &["a"]), waiting("c", &["a", "b", "b"])]).await;
        assert_eq!(state(&queue, "b").await, JobState::Ready);
        assert_eq!(state(&queue, "c").await, JobState::Waiting);
        finish(&queue, &claim(&queue).await.unwrap()).await.unwrap();
        assert_eq!(state(&queue, "c").await, JobState::Ready);

        let mut tx = begin(&queue).await;
        let unknown = queue.enqueue(&mut tx, 1, &[waiting("d", &["nothing"])]).await;
        assert!(matches!(unknown, Err(QueueError::UnknownDependency(need)) if need == id("nothing")));
        let foreign = NewJob { tenant_id: other_tenant(), ..waiting("e", &["a"]) };
        assert!(matches!(queue.enqueue(&mut tx, 1, &[foreign]).await, Err(QueueError::UnknownDependency(_))));
    })
    .await;
}

#[tokio::test]
async fn a_job_that_breaks_the_rules_is_refused() {
    on_each_engine(|queue| async move {
        let mut tx = begin(&queue).await;
        for bad in [
            NewJob { payload: json!(1), ..job("a") },
            NewJob { max_attempts: 0, ..job("a") },
            NewJob { weight: -1, ..job("a") },
            NewJob { delay_ms: -1, ..job("a") },
            NewJob { delay_ms: THIRTY_DAYS_MS + 1, ..job("a") },
            waiting("a", &["a"]),
        ] {
            assert!(matches!(queue.enqueue(&mut tx, 1, &[bad]).await, Err(QueueError::Invalid(_))));
        }
        let keyed = |name: &str| NewJob { dedupe_key: Some("k".to_owned()), ..job(name) };
        let own_stand_in = NewJob { waits_on: vec![id("b")], ..keyed("a") };
        assert!(matches!(queue.enqueue(&mut tx, 1, &[own_stand_in, keyed("b")]).await, Err(QueueError::Invalid(_))));
    })
    .await;
}

#[tokio::test]
async fn two_tenants_may_use_the_same_ids() {
    on_each_engine(|queue| async move {
        let theirs = |job: NewJob| NewJob { tenant_id: other_tenant(), priority: -1, ..job };
        enqueue(&queue, &[job("a"), waiting("b", &["a"])]).await;
        enqueue(&queue, &[theirs(job("a")), theirs(waiting("b", &["a"]))]).await;
        let (mine, their) = (claim(&queue).await.unwrap(), claim(&queue).await.unwrap());
        assert_eq!((&mine.tenant_id, &their.tenant_id), (&tenant(), &other_tenant()));
        assert_eq!((&mine.fence.job_id, mine.fence.attempt), (&their.fence.job_id, their.fence.attempt));

        let mut reaper = Reaper::new(queue.clone(), Duration::from_secs(1));
        let start = Instant::now();
        assert_eq!(reaper.sweep(start).await.unwrap(), []);
        queue.renew(&mine.fence, 0.5).await.unwrap();
        let reaped = reaper.sweep(start + Duration::from_secs(1)).await.unwrap();
        assert_eq!(reaped, [Reaped::Requeued(their.fence.clone())]);
        assert!(matches!(finish(&queue, &their).await, Err(QueueError::LeaseLost)));

        finish(&queue, &mine).await.unwrap();
        assert_eq!(state(&queue, "b").await, JobState::Ready);
        let their_b = queue.job(&other_tenant(), &id("b")).await.unwrap().unwrap();
        assert_eq!(their_b.state, JobState::Waiting);
        let mut tx = begin(&queue).await;
        assert_eq!(queue.delete_asset(&mut tx, &tenant(), &asset()).await.unwrap(), 1);
        tx.commit().await.unwrap();
        assert_eq!(queue.jobs_of(&other_tenant(), &asset(), 0).await.unwrap().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_dependency_that_finishes_while_its_dependant_is_enqueued_is_never_missed() {
    on_each_engine(|queue| async move {
        enqueue(&queue, &[job("part")]).await;
        let claimed = claim(&queue).await.unwrap();
        let mut tx = begin(&queue).await;
        queue.enqueue(&mut tx, 1, &[waiting("join", &["part"])]).await.unwrap();
        let finisher = queue.clone();
        let mut finished = tokio::spawn(async move { finish(&finisher, &claimed).await });
        let early = tokio::time::timeout(Duration::from_millis(300), &mut finished).await;
        assert!(early.is_err(), "it cannot finish while someone is about to wait for it");
        tx.commit().await.unwrap();
        finished.await.unwrap().unwrap();
        assert_eq!(state(&queue, "join").await, JobState::Ready);
    })
    .await;
}

#[tokio::test]
async fn four_workers_finish_eight_parts_and_the_join_starts_exactly_once_after_the_last() {
    on_each_engine(|queue| async move {
        let names: Vec<String> = (0..8).map(|n| format!("part{n}")).collect();
        let mut batch: Vec<NewJob> = names.iter().map(|name| job(name)).collect();
        let needs: Vec<&str> = names.iter().map(String::as_str).collect();
        for join in ["join1", "join2"] {
            batch.push(NewJob { stage: "package".to_owned(), ..waiting(join, &needs) });
        }
        enqueue(&queue, &batch).await;
        let work = || async {
            let mut finished = vec![];
            while let Some(claimed) = claim(&queue).await {
                assert_eq!(queue.claim(&["package"], i64::MIN, "early").await.unwrap(), None);
                finish(&queue, &claimed).await.unwrap();
                finished.push(claimed.fence.job_id);
            }
            finished
        };
        // Nothing else is ready between a worker's look for a join and its finish, since its own part is not done.
        let (a, b, c, d) = tokio::join!(work(), work(), work(), work());
        let all: Vec<_> = [a, b, c, d].concat();
        assert_eq!((all.len(), all.iter().collect::<HashSet<_>>().len()), (8, 8));
        for join in ["join1", "join2"] {
            let claimed = queue.claim(&["package"], i64::MIN, "w").await.unwrap().unwrap();
            assert_eq!(claimed.fence.job_id, id(join));
        }
        assert_eq!(queue.claim(&["package"], i64::MIN, "w").await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn cancelling_an_asset_ends_its_jobs_and_no_others() {
    on_each_engine(|queue| async move {
        let other = NewJob { asset_id: AssetId::from_unique("2"), ..job("other") };
        enqueue(&queue, &[NewJob { priority: 9, ..job("run") }, job("ready"), waiting("wait", &["run"]), other]).await;
        let running = claim(&queue).await.unwrap();
        let mut tx = begin(&queue).await;
        assert_eq!(queue.cancel_asset(&mut tx, &tenant(), &asset(), WHY, 77).await.unwrap(), 3);
        tx.commit().await.unwrap();
        for name in ["run", "ready", "wait"] {
            let row = row(&queue, name).await;
            assert_eq!((row.state, row.finished_ms), (JobState::Cancelled, Some(77)), "{name}");
        }
        assert!(matches!(finish(&queue, &running).await, Err(QueueError::LeaseLost)));
        assert_eq!(claim(&queue).await.unwrap().fence.job_id, id("other"));
        let mut tx = begin(&queue).await;
        assert_eq!(queue.delete_asset(&mut tx, &tenant(), &asset()).await.unwrap(), 3);
        tx.commit().await.unwrap();
        assert_eq!(queue.jobs_of(&tenant(), &asset(), 0).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn one_making_of_an_asset_is_cancelled_and_looked_at_alone() {
    on_each_engine(|queue| async move {
        let second = |name: &str| NewJob { making: 2, ..job(name) };
        let gives_up = NewJob { max_attempts: 1, priority: 9, ..second("gives_up") };
        enqueue(&queue, &[job("first"), gives_up, second("waits")]).await;
        let claimed = claim(&queue).await.unwrap();
        assert_eq!((&claimed.fence.job_id, claimed.making), (&id("gives_up"), 2));
        let mut tx = begin(&queue).await;
        let failure = Failure { code: "a.b".into(), detail: "c".into(), retry: Retry::Counted };
        queue.fail(&mut tx, &claimed.fence, 5, &failure).await.unwrap();
        tx.commit().await.unwrap();
        let names = |rows: Vec<JobRow>| rows.into_iter().map(|row| row.id).collect::<Vec<_>>();
        assert_eq!(names(queue.jobs_of(&tenant(), &asset(), 0).await.unwrap()), [id("first")]);
        assert_eq!(names(queue.jobs_of(&tenant(), &asset(), 2).await.unwrap()), [id("gives_up"), id("waits")]);
        assert_eq!(queue.parked_of(&tenant(), &asset(), 0).await.unwrap(), None);
        let parked = queue.parked_of(&tenant(), &asset(), 2).await.unwrap().unwrap();
        assert_eq!((parked.id, parked.making), (id("gives_up"), 2));
        let mut tx = begin(&queue).await;
        assert_eq!(queue.cancel_making(&mut tx, &tenant(), &asset(), 2, WHY, 77).await.unwrap(), 1);
        tx.commit().await.unwrap();
        assert_eq!(row(&queue, "waits").await.state, JobState::Cancelled);
        assert_eq!(claim(&queue).await.unwrap().fence.job_id, id("first"));
    })
    .await;
}

#[tokio::test]
async fn lists_page_from_the_newest_and_filter() {
    on_each_engine(|queue| async move {
        for (created_ms, name) in [(1, "a"), (2, "b"), (2, "c"), (3, "d")] {
            let mut tx = begin(&queue).await;
            queue.enqueue(&mut tx, created_ms, &[job(name)]).await.unwrap();
            tx.commit().await.unwrap();
        }
        let (mut names, mut after) = (vec![], None);
        loop {
            let page = queue.list(&tenant(), &JobFilter::default(), after.take(), 1).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some((last.created_ms, last.id.to_string()));
            names.extend(page.into_iter().map(|row| row.id));
        }
        assert_eq!(names, [id("d"), id("c"), id("b"), id("a")]);
        claim(&queue).await.unwrap();
        let filter =
            JobFilter { state: Some(JobState::Running), stage: Some("transcode".to_owned()), asset_id: Some(asset()) };
        let running = queue.list(&tenant(), &filter, None, 10).await.unwrap();
        assert_eq!(running.iter().map(|row| &row.id).collect::<Vec<_>>(), [&id("a")]);
        let none = JobFilter { stage: Some("probe".to_owned()), ..JobFilter::default() };
        assert_eq!(queue.list(&tenant(), &none, None, 10).await.unwrap(), []);
        assert_eq!(queue.list(&other_tenant(), &JobFilter::default(), None, 10).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn the_jobs_of_one_asset_page_and_filter_like_all() {
    on_each_engine(|queue| async move {
        let other = NewJob { asset_id: AssetId::from_unique("2"), ..job("other") };
        enqueue(&queue, &[NewJob { priority: 1, ..job("a") }, job("b"), job("c"), other]).await;
        claim(&queue).await.unwrap();
        let names = |state, after, limit| {
            let (queue, filter) = (queue.clone(), JobFilter { state, stage: None, asset_id: Some(asset()) });
            async move {
                let rows = queue.list(&tenant(), &filter, after, limit).await.unwrap();
                rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
            }
        };
        assert_eq!(names(None, None, 2).await, [id("c"), id("b")]);
        assert_eq!(names(None, Some((1, id("b").to_string())), 2).await, [id("a")]);
        assert_eq!(names(Some(JobState::Ready), None, 9).await, [id("c"), id("b")]);
        assert_eq!(names(Some(JobState::Parked), None, 9).await, []);
    })
    .await;
}

#[tokio::test]
async fn depths_count_what_has_not_ended_and_what_is_parked() {
    on_each_engine(|queue| async move {
        let first = |name: &str| NewJob { priority: 1, ..job(name) };
        enqueue(&queue, &[first("done"), first("parked"), first("run"), job("r1"), job("r2"), waiting("w", &["r1"])])
            .await;
        let (done, parked) = (claim(&queue).await.unwrap(), claim(&queue).await.unwrap());
        claim(&queue).await.unwrap();
        finish(&queue, &done).await.unwrap();
        let hopeless = Failure { code: "x".to_owned(), detail: String::new(), retry: Retry::No };
        let mut tx = begin(&queue).await;
        queue.fail(&mut tx, &parked.fence, 1, &hopeless).await.unwrap();
        tx.commit().await.unwrap();
        enqueue(&queue, &[NewJob { stage: "probe".to_owned(), tenant_id: other_tenant(), ..job("p") }]).await;
        let depths = queue.depths().await.unwrap();
        let depths: Vec<_> = depths.iter().map(|(stage, state, count)| (stage.as_str(), *state, *count)).collect();
        assert_eq!(
            depths,
            [
                ("probe", JobState::Ready, 1),
                ("transcode", JobState::Parked, 1),
                ("transcode", JobState::Ready, 2),
                ("transcode", JobState::Running, 1),
                ("transcode", JobState::Waiting, 1),
            ]
        );
    })
    .await;
}
