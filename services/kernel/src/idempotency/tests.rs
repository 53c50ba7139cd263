#![allow(clippy::unwrap_used)]
use super::*;
use database::outbox::{self, NewEvent};
use database::testing::{for_each_engine, prepare_all};
use std::sync::atomic::AtomicI64;
use std::task::Poll;

fn answer(count: u64) -> Result<Stored, Problem> {
    Ok(Stored { status: StatusCode::CREATED, body: serde_json::json!({ "count": count }) })
}

/// An event in the outbox, and an answer with its number.
fn event(tx: &mut Tx) -> BoxFuture<'_, Result<Stored, Problem>> {
    Box::pin(async move {
        let tenant = crate::default_tenant();
        let data = serde_json::json!({});
        let new = NewEvent { tenant_id: &tenant, kind: "asset.created", subject: "s", data, time_ms: 1 };
        outbox::append(tx, &new).await?;
        answer(1)
    })
}

#[tokio::test]
async fn an_effect_and_its_answer_are_one_transaction_in_whichever_process() {
    for_each_engine(|db| async move {
        let processes = [(); 2].map(|()| Idempotency::new(db.clone(), db.clock()));
        let tenant = crate::default_tenant();
        let key = || Some("k".to_owned());
        let events = async || -> i64 {
            let found: Option<(i64,)> =
                db.optional("SELECT CAST(COUNT(*) AS BIGINT) FROM outbox", args![]).await.unwrap();
            found.unwrap().0
        };
        let refused = processes[0].once_within(&tenant, key(), "a", &1, |tx| {
            Box::pin(async move {
                event(tx).await?;
                Err(Problem::bad_request(codes::BODY_INVALID, "no"))
            })
        });
        assert_eq!(refused.await.unwrap_err().status(), StatusCode::BAD_REQUEST);
        let panicked = processes[0].once_within(&tenant, key(), "a", &1, |tx| {
            Box::pin(async move {
                event(tx).await?;
                panic!("on purpose")
            })
        });
        assert_eq!(panicked.await.unwrap_err().status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(events().await, 0, "who gives up or dies has done nothing");

        let requests = (0..50).map(|at: usize| {
            let (keys, tenant) = (processes[at % 2].clone(), tenant.clone());
            async move { keys.once_within(&tenant, key(), "a", &1, event).await.unwrap() }
        });
        let answers = futures::future::join_all(requests).await;
        assert_eq!(answers.iter().filter(|answer| !answer.replayed).count(), 1);
        assert!(answers.iter().all(|answer| answer.stored == answers[0].stored));
        assert_eq!(events().await, 1);
        let other = processes[1].once_within(&tenant, key(), "b", &1, event).await;
        assert_eq!(other.unwrap_err().status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert!(!processes[1].once_within(&tenant, None, "b", &1, event).await.unwrap().replayed);
        assert_eq!(events().await, 2);
    })
    .await;
}

#[tokio::test]
async fn statements_prepare_on_both_engines() {
    for_each_engine(|db| async move { prepare_all(&db, STATEMENTS).await.unwrap() }).await;
}

#[tokio::test]
async fn fifty_equal_requests_have_one_effect_and_one_answer() {
    for_each_engine(|db| async move {
        let clock = db.clock();
        let keys = Idempotency::new(db, clock);
        let effects = Arc::new(AtomicU64::new(0));
        let requests = (0..50).map(|_| {
            let (keys, effects) = (keys.clone(), Arc::clone(&effects));
            tokio::spawn(async move {
                let effect = async move { answer(effects.fetch_add(1, Ordering::SeqCst)) };
                keys.once(&crate::default_tenant(), Some("k".to_owned()), "POST /x", &1, effect).await.unwrap()
            })
        });
        let outcomes = futures::future::try_join_all(requests).await.unwrap();
        assert_eq!(effects.load(Ordering::SeqCst), 1);
        assert_eq!(outcomes.iter().filter(|outcome| !outcome.replayed).count(), 1);
        assert!(outcomes.iter().all(|outcome| outcome.stored == outcomes[0].stored));
    })
    .await;
}

#[tokio::test]
async fn a_client_that_leaves_at_any_moment_leaves_a_key_that_works() {
    for_each_engine(|db| async move {
        let clock = db.clock();
        let (keys, tenant) = (Idempotency::new(db, clock), crate::default_tenant());
        for polls in 1..60 {
            let key = || Some(format!("left-{polls}"));
            let mut left = Box::pin(keys.once(&tenant, key(), "a", &1, async { answer(1) }));
            let mut polled = 0;
            std::future::poll_fn(|context| {
                polled += 1;
                let ended = left.as_mut().poll(context).is_ready();
                if ended || polled == polls { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
            drop(left);
            let again = keys.once(&tenant, key(), "a", &1, async { answer(1) }).await;
            assert_eq!(again.map(|outcome| outcome.stored).map_err(|problem| problem.code()), Ok(answer(1).unwrap()));
        }
    })
    .await;
}

#[tokio::test]
async fn a_key_is_bound_to_its_request_and_freed_by_refusals_age_and_death() {
    for_each_engine(|db| async move {
        let time = Arc::new(AtomicI64::new(1_000_000_000));
        let shared = Arc::clone(&time);
        let keys = Idempotency::new(db.clone(), Arc::new(move || shared.load(Ordering::SeqCst)));
        let tenant = crate::default_tenant();
        let key = || Some("k".to_owned());
        let refused =
            keys.once(&tenant, key(), "a", &1, async { Err(Problem::bad_request(codes::BODY_INVALID, "no")) }).await;
        assert_eq!(refused.unwrap_err().code(), "body.invalid");
        let panicked = keys.once(&tenant, key(), "a", &1, async { panic!("on purpose") }).await;
        assert_eq!(panicked.unwrap_err().code(), "server.internal");
        let first = keys.once(&tenant, key(), "a", &1, async { answer(1) }).await.unwrap();
        assert!(!first.replayed);
        for (address, request) in [("a", 2), ("b", 1)] {
            let other = keys.once(&tenant, key(), address, &request, async { answer(2) }).await;
            assert_eq!(other.unwrap_err().code(), "idempotency.key_reused");
        }
        assert!(keys.once(&tenant, key(), "a", &1, async { answer(3) }).await.unwrap().replayed);
        let elsewhere = TenantId::from_unique("other");
        assert!(!keys.once(&elsewhere, key(), "a", &1, async { answer(4) }).await.unwrap().replayed);
        time.fetch_add(KEPT_MS + 1, Ordering::SeqCst);
        assert!(!keys.once(&tenant, key(), "a", &2, async { answer(5) }).await.unwrap().replayed);

        let hash = digest("a", &1).unwrap();
        let started = time.load(Ordering::SeqCst);
        assert!(keys.reserve(&tenant, "died", &hash, started).await.unwrap());
        let died = || Some("died".to_owned());
        let waits = keys.once(&tenant, died(), "a", &1, async { answer(6) }).await;
        assert_eq!(waits.unwrap_err().code(), "idempotency.in_flight");
        time.fetch_add(ABANDONED_MS + 1, Ordering::SeqCst);
        assert!(!keys.once(&tenant, died(), "a", &1, async { answer(7) }).await.unwrap().replayed);
    })
    .await;
}
