//! Who works, as others see it.

use std::time::{Duration, Instant};

use job_queue::{Roster, Scope, WorkerCard};

use crate::{claim, enqueue, job, on_each_engine};

fn card(name: &str) -> WorkerCard {
    WorkerCard {
        name: name.into(),
        host: "here".into(),
        version: "1.2.3".into(),
        makes: "libav".into(),
        places: 2,
        offers: None,
    }
}

#[tokio::test]
async fn a_worker_is_listed_with_what_it_runs_until_it_ends_and_its_hold_with_it() {
    on_each_engine(|queue| async move {
        queue.sign_on(&card("w")).await.unwrap();
        queue.sign_on(&card("idle")).await.unwrap();
        queue.sign_on(&card("w")).await.unwrap();
        enqueue(&queue, &[job("a")]).await;
        claim(&queue).await.unwrap();
        let listed = queue.workers().await.unwrap();
        let seen: Vec<_> = listed.iter().map(|row| (row.card.clone(), row.running)).collect();
        assert_eq!(seen, [(card("idle"), 0), (card("w"), 1)]);
        queue.drain(&Scope::Worker("w".into()), None).await.unwrap();
        queue.sign_off("w").await.unwrap();
        assert_eq!(queue.workers().await.unwrap().len(), 1);
        assert_eq!(queue.drains().await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn a_worker_that_went_silent_is_struck_off_and_one_that_lives_is_not() {
    on_each_engine(|queue| async move {
        let (start, patience) = (Instant::now(), Duration::from_secs(150));
        let mut roster = Roster::new(queue.clone(), patience);
        for name in ["dead", "alive"] {
            queue.sign_on(&card(name)).await.unwrap();
            queue.drain(&Scope::Worker(name.into()), None).await.unwrap();
        }
        roster.sweep(start).await.unwrap();
        queue.sign_on(&card("alive")).await.unwrap();
        roster.sweep(start + patience / 2).await.unwrap();
        assert_eq!(queue.workers().await.unwrap().len(), 2, "nobody was silent for long");
        roster.sweep(start + patience).await.unwrap();
        let left: Vec<_> = queue.workers().await.unwrap().into_iter().map(|row| row.card.name).collect();
        assert_eq!(left, ["alive"]);
        let drained: Vec<_> = queue.drains().await.unwrap().into_iter().map(|drain| drain.scope).collect();
        assert_eq!(drained, [Scope::Worker("alive".into())]);
    })
    .await;
}
