//! How endpoints, secrets and deliveries end.

use database::testing::{Scratch, for_each_engine};
use database::{EngineKind, args};
use kernel::Keyring;
use zeroize::Zeroizing;

use super::receiver::Receiver;
use super::*;
use crate::deliveries::{Place, Verdict};
use crate::model::{Attempt, Reason};
use crate::signature::signatures;

fn attempt(number: i64) -> Attempt {
    Attempt { number, started_ms: 1, latency_ms: 2, status: None, error: None, response: None }
}

fn place(of: &Issued) -> Place {
    Place { tenant: default_tenant().to_string(), endpoint: of.endpoint.id.clone() }
}

async fn states(hooks: &Webhooks, of: &Issued) -> Vec<String> {
    let rows = hooks.deliveries(&default_tenant(), (&of.endpoint.id, None), None, 200).await.unwrap();
    rows.into_iter().rev().map(|row| row.state).collect()
}

/// Kinds and data of all events but those of the test itself.
async fn told(db: &Database) -> Vec<(String, serde_json::Value)> {
    let rows = outbox::after(db, &default_tenant(), 0, 200).await.unwrap();
    rows.into_iter().filter(|row| row.kind.starts_with("webhook.")).map(|row| (row.kind, row.data.0)).collect()
}

#[tokio::test]
async fn who_is_gone_is_disabled_and_others_hear_of_it() {
    for_each_engine(|db| async move {
        let (time, gone, other) = (Time::new(), Receiver::answering(410).await, Receiver::answering(200).await);
        let hooks = hooks(&db, &time);
        let issued = endpoint(&hooks, gone.url("/"), &["asset.*"]).await;
        endpoint(&hooks, other.url("/"), &["webhook.*"]).await;
        for (id, subject) in [("evt_1", "ast_1"), ("evt_2", "ast_1")] {
            happens(&db, id, "asset.ready", subject).await;
        }
        let running = Running::start(&hooks);
        let told = other.wait(1).await[0].json();
        let data = json!({
            "id": issued.endpoint.id, "url": gone.url("/"), "state": "disabled", "disabled_reason": "gone",
        });
        assert_eq!((&told["type"], &told["data"]), (&json!("webhook.disabled"), &data));
        let row = hooks.endpoint(&default_tenant(), &issued.endpoint.id).await.unwrap();
        assert_eq!((row.state.as_str(), row.disabled_reason.as_deref()), ("disabled", Some("gone")));
        assert_eq!(states(&hooks, &issued).await, ["failed", "failed"], "also what had yet to be sent");
        happens(&db, "evt_3", "asset.ready", "ast_1").await;
        happens(&db, "evt_4", "webhook.x", "ast_1").await;
        other.wait(2).await;
        assert_eq!((states(&hooks, &issued).await.len(), gone.seen().len()), (2, 1));
        running.stop().await;
    })
    .await;
}

#[tokio::test]
async fn what_nothing_reaches_for_days_is_disabled_and_one_success_saves_it() {
    for_each_engine(|db| async move {
        let time = Time::new();
        let hooks = hooks(&db, &time);
        let issued = endpoint(&hooks, "http://127.0.0.1:9/".to_owned(), &["*"]).await;
        let failed = Verdict::Failed { asked_ms: None };
        let fail = async |verdicts: Vec<Verdict>| {
            for (number, verdict) in verdicts.into_iter().enumerate() {
                let (id, subject) = (format!("evt_{number}_{}", time.now()), format!("ast_{}", time.now()));
                happens(&db, &id, "asset.ready", &subject).await;
                while hooks.hand_out().await.unwrap() {}
                let claimed = hooks.claim(&place(&issued), 1).await.unwrap();
                hooks.finish(&claimed[0], attempt(claimed[0].attempt), verdict, 0).await.unwrap();
                time.pass(Duration::from_secs(6 * 3600));
            }
            hooks.endpoint(&default_tenant(), &issued.endpoint.id).await.unwrap()
        };
        let mut verdicts = vec![failed; 19];
        verdicts.push(Verdict::Delivered);
        let row = fail(verdicts).await;
        assert_eq!((row.state.as_str(), row.failing_since_ms), ("enabled", None));
        let since = time.now();
        let row = fail(vec![failed; 20]).await;
        assert_eq!((row.state.as_str(), row.failing_since_ms), ("enabled", Some(since)), "not five days yet");
        let row = fail(vec![failed]).await;
        assert_eq!((row.state.as_str(), row.disabled_reason.as_deref()), ("disabled", Some(Reason::Failing.as_str())));
        assert_eq!(told(&db).await.len(), 1);
        let settings = |is_enabled| Settings {
            url: row.url.clone(),
            description: String::new(),
            events: row.events.0.clone(),
            is_enabled,
        };
        let row = hooks.update(&default_tenant(), &row, &settings(true)).await.unwrap();
        happens(&db, "evt_last", "asset.ready", "ast_last").await;
        while hooks.hand_out().await.unwrap() {}
        let claimed = hooks.claim(&place(&issued), 1).await.unwrap().remove(0);
        hooks.update(&default_tenant(), &row, &settings(false)).await.unwrap();
        hooks.finish(&claimed, attempt(1), failed, 0).await.unwrap();
        assert!(!states(&hooks, &issued).await.contains(&"pending".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn a_claim_that_was_given_back_counts_no_longer() {
    for_each_engine(|db| async move {
        let time = Time::new();
        let hooks = hooks(&db, &time);
        let issued = endpoint(&hooks, "http://127.0.0.1:9/".to_owned(), &["*"]).await;
        happens(&db, "evt_1", "asset.ready", "ast_1").await;
        while hooks.hand_out().await.unwrap() {}
        let dead = hooks.claim(&place(&issued), 9).await.unwrap().remove(0);
        assert!(hooks.claim(&place(&issued), 9).await.unwrap().is_empty(), "one claim at a time");
        let open = hooks.sending(9).await.unwrap();
        assert_eq!(open, [(dead.tenant_id.clone(), dead.id.clone(), 1)]);
        hooks.give_back(&open).await.unwrap();
        let next = hooks.claim(&place(&issued), 9).await.unwrap().remove(0);
        assert_eq!((next.attempt, &next.id), (2, &dead.id));
        hooks.give_back(&open).await.unwrap();
        hooks.finish(&dead, attempt(1), Verdict::Gone, 0).await.unwrap();
        assert_eq!(hooks.sending(9).await.unwrap(), [(next.tenant_id.clone(), next.id.clone(), 2)]);
        hooks.finish(&next, attempt(2), Verdict::Delivered, 0).await.unwrap();
        assert_eq!(states(&hooks, &issued).await, ["delivered"]);
        let row = hooks.delivery(&default_tenant(), &issued.endpoint.id, &dead.id).await.unwrap().unwrap();
        assert_eq!(row.attempts.0, [attempt(2)], "what the first one said of its end came too late");
        assert_eq!(told(&db).await, []);
    })
    .await;
}

#[tokio::test]
async fn a_claim_takes_no_more_than_it_may_and_each_delivery_once() {
    for_each_engine(|db| async move {
        let hooks = hooks(&db, &Time::new());
        let issued = endpoint(&hooks, "http://127.0.0.1:9/".to_owned(), &["*"]).await;
        for number in 0..40 {
            happens(&db, &format!("evt_{number}"), "asset.ready", &format!("ast_{number}")).await;
        }
        while hooks.hand_out().await.unwrap() {}
        let mut claimed = std::collections::BTreeSet::new();
        for round in 1..=10 {
            let rows = hooks.claim(&place(&issued), 4).await.unwrap();
            assert_eq!(rows.len(), 4, "round {round}");
            claimed.extend(rows.into_iter().map(|row| row.id));
        }
        assert_eq!(claimed.len(), 40);
    })
    .await;
}

#[tokio::test]
async fn attempts_end_and_a_replay_begins_anew_under_a_higher_fence() {
    for_each_engine(|db| async move {
        let time = Time::new();
        let hooks = hooks(&db, &time);
        let tenant = default_tenant();
        let issued = endpoint(&hooks, "http://127.0.0.1:9/".to_owned(), &["*"]).await;
        let created = time.now();
        happens(&db, "evt_1", "asset.ready", "ast_1").await;
        while hooks.hand_out().await.unwrap() {}
        let mut id = String::new();
        for number in 1..=crate::schedule::MAX_TRIES {
            let claimed = hooks.claim(&place(&issued), 1).await.unwrap().remove(0);
            hooks.finish(&claimed, attempt(number), Verdict::Failed { asked_ms: None }, u32::MAX).await.unwrap();
            time.pass(Duration::from_secs(12 * 3600));
            id = claimed.id;
        }
        assert_eq!(states(&hooks, &issued).await, ["failed"]);
        assert!(hooks.due().await.unwrap().is_empty());
        assert_eq!(hooks.replay_failed(&tenant, &issued.endpoint.id, created + 1).await.unwrap(), 0);
        assert_eq!(hooks.replay_failed(&tenant, &issued.endpoint.id, created).await.unwrap(), 1);
        let claimed = hooks.claim(&place(&issued), 1).await.unwrap().remove(0);
        assert_eq!((claimed.attempt, claimed.tries), (crate::schedule::MAX_TRIES + 1, 1));
        assert!(hooks.replay(&tenant, &issued.endpoint.id, &id).await.unwrap().is_none(), "it is just being made");
        hooks.finish(&claimed, attempt(12), Verdict::Delivered, 0).await.unwrap();
        let row = hooks.replay(&tenant, &issued.endpoint.id, &id).await.unwrap().unwrap();
        assert_eq!((row.state.as_str(), row.attempts.0.len()), ("pending", 12));
        assert_eq!(hooks.prune().await.unwrap(), 0, "it is not over");
        let claimed = hooks.claim(&place(&issued), 1).await.unwrap().remove(0);
        hooks.finish(&claimed, attempt(13), Verdict::Delivered, 0).await.unwrap();
        time.pass(Duration::from_secs(30 * 24 * 3600 - 1));
        assert_eq!(hooks.prune().await.unwrap(), 0);
        time.pass(Duration::from_secs(2));
        assert_eq!((hooks.prune().await.unwrap(), states(&hooks, &issued).await.len()), (1, 0));
    })
    .await;
}

#[tokio::test]
async fn while_a_secret_is_replaced_both_sign_and_then_only_the_new_one() {
    for_each_engine(|db| async move {
        let time = Time::new();
        let hooks = hooks(&db, &time);
        let tenant = default_tenant();
        let old = endpoint(&hooks, "http://127.0.0.1:9/".to_owned(), &["*"]).await;
        let id = old.endpoint.id.clone();
        let new = hooks.rotate(&tenant, &id, 60_000).await.unwrap();
        assert_eq!(new.endpoint.previous_until_ms, Some(time.now() + 60_000));
        let now = async || hooks.signing(tenant.as_str(), &id).await.unwrap().unwrap().1.ok().unwrap();
        let sign = |secrets: &[_]| signatures(secrets, "a", 1, b"b");
        assert_eq!(sign(&now().await), sign(&[new.secret.clone(), old.secret.clone()]));
        time.pass(Duration::from_secs(60));
        assert_eq!(sign(&now().await), sign(std::slice::from_ref(&new.secret)));
        time.pass(Duration::from_secs(1));
        hooks.prune().await.unwrap();
        let row = hooks.endpoint(&tenant, &id).await.unwrap();
        assert_eq!(row.previous_until_ms, None, "it is forgotten");
        let at_once = hooks.rotate(&tenant, &id, 0).await.unwrap();
        assert_eq!(sign(&now().await), sign(std::slice::from_ref(&at_once.secret)));
    })
    .await;
}

#[tokio::test]
async fn the_database_holds_no_secret_that_a_key_could_wrap() {
    let scratch = Scratch::migrated(EngineKind::Sqlite).await;
    let (time, tenant) = (Time::new(), default_tenant());
    let under = |keys: &[u8]| {
        let keyring = Keyring::new(keys.iter().map(|&byte| Zeroizing::new([byte; 32])));
        with(&scratch.db, &time, Options { keyring, ..Options::default() })
    };
    let stored = async || {
        let rows: Vec<(Vec<u8>, Option<Vec<u8>>)> =
            scratch.db.all("SELECT secret, previous_secret FROM webhook_endpoint", args![]).await.unwrap();
        rows.into_iter().flat_map(|(one, other)| [Some(one), other]).flatten().collect::<Vec<_>>()
    };
    let (none, first, second) = (under(&[]), under(&[1]), under(&[2, 1]));
    let old = endpoint(&none, "http://1.1.1.1/".to_owned(), &["*"]).await;
    let new = first.rotate(&tenant, &old.endpoint.id, 60_000).await.unwrap();
    let holds = |all: &[Vec<u8>], secret: &[u8]| all.iter().any(|bytes| bytes == secret);
    assert!(holds(&stored().await, old.secret.expose()) && !holds(&stored().await, new.secret.expose()));
    assert_eq!(second.rewrap().await.unwrap(), 2);
    assert_eq!(second.rewrap().await.unwrap(), 0, "they are");
    assert!(!holds(&stored().await, old.secret.expose()));
    let signing = async |of: &Webhooks| of.signing(tenant.as_str(), &old.endpoint.id).await.unwrap().unwrap().1;
    let opened = signing(&under(&[2])).await.ok().unwrap();
    assert!(opened[0].expose() == new.secret.expose() && opened[1].expose() == old.secret.expose());
    assert!(signing(&first).await.is_err() && first.rewrap().await.is_err());
}

#[tokio::test]
async fn a_name_of_a_machine_that_is_not_public_is_refused_when_it_is_resolved() {
    let scratch = Scratch::migrated(EngineKind::Sqlite).await;
    let (time, receiver) = (Time::new(), Receiver::answering(200).await);
    let hooks = with(&scratch.db, &time, Options::default());
    let issued = endpoint(&hooks, format!("http://localhost:{}/", receiver.address.port()), &["*"]).await;
    let running = Running::start(&hooks);
    happens(&scratch.db, "evt_1", "asset.ready", "ast_1").await;
    let row = wait_for("an attempt", || async {
        Some(settled(&hooks, &issued, "pending").await).filter(|row| !row.attempts.0.is_empty())
    })
    .await;
    let error = row.attempts.0[0].error.clone().unwrap();
    assert!(error.contains("is no public address"), "{error}");
    assert_eq!(receiver.seen().len(), 0);
    running.stop().await;
}

#[tokio::test]
async fn in_a_restored_database_what_was_being_sent_is_sent_under_a_number_that_nobody_had() {
    for_each_engine(|db| async move {
        let time = Time::new();
        let hooks = hooks(&db, &time);
        let issued = endpoint(&hooks, "http://127.0.0.1:9/a".to_owned(), &["*"]).await;
        happens(&db, "evt_1", "asset.ready", "ast_1").await;
        while hooks.hand_out().await.unwrap() {}
        let before = hooks.claim(&place(&issued), 1).await.unwrap().remove(0);
        let mut tx = db.begin().await.unwrap();
        crate::restored(&mut tx, time.now()).await.unwrap();
        tx.commit().await.unwrap();
        let again = hooks.claim(&place(&issued), 1).await.unwrap().remove(0);
        assert_eq!(again.id, before.id);
        assert!(again.attempt > time.now() && before.attempt < again.attempt);
    })
    .await;
}
