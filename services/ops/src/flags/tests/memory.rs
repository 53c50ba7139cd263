//! What other services of a process are answered.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};

use database::EngineKind;
use database::testing::Scratch;

use super::*;
use crate::flags::{Context, Reason};

fn user(id: &str) -> Context {
    Context { user_id: Some(id.to_owned()), ..Context::default() }
}

#[tokio::test]
async fn a_kill_switch_reaches_every_process_within_a_second() {
    let scratch = Scratch::migrated(EngineKind::Postgres).await;
    let here = flags(&scratch.db);
    let api = Api::new(&here);
    api.make("a", "boolean", json!({ "enabled": true })).await;
    let mut processes = Vec::new();
    for _ in 0..3 {
        processes.push(flags(&scratch.another().await));
    }
    let nobody = Context::default();
    wait_for("all to know it", || processes.iter().all(|process| process.is_on("a", &nobody))).await;
    let at = format!("{HERE}/a/environments/production");
    for enabled in [false, true, false] {
        api.ask(200, "PATCH", &at, Some(json!({ "enabled": enabled }))).await;
        assert_eq!(here.is_on("a", &nobody), enabled, "who has changed it sees it at once");
        let took =
            wait_for("word of it", || processes.iter().all(|process| process.is_on("a", &nobody) == enabled)).await;
        assert!(took < Duration::from_secs(1), "{took:?}");
    }
}

#[tokio::test]
async fn another_process_on_one_file_sees_a_change_by_looking() {
    let scratch = Scratch::migrated(EngineKind::Sqlite).await;
    let (api, other) = (Api::new(&flags(&scratch.db)), flags(&scratch.another().await));
    api.make("a", "boolean", json!({ "enabled": true })).await;
    wait_for("a look", || other.is_on("a", &Context::default())).await;
}

#[tokio::test]
async fn last_values_hold_while_the_database_is_away_and_defaults_where_nothing_is_known() {
    for_each_engine(|db| async move {
        let flags = flags(&db);
        let api = Api::new(&flags);
        let nobody = Context::default();
        api.make("a", "integer", json!({ "enabled": true, "on_value": 7 })).await;
        assert_eq!(flags.value("a", &nobody, json!(1)), json!(7));
        assert_eq!(flags.value("a", &nobody, json!("text")), json!("text"), "of another kind");
        assert_eq!(flags.value("b", &nobody, json!(1)), json!(1), "there is none");
        db.close().await;
        assert!(flags.of.refresh().await.is_err(), "the database is away");
        assert_eq!(flags.value("a", &nobody, json!(1)), json!(7));
        let asked = json!({ "context": {} });
        assert_eq!(api.ask(200, "POST", "/ofrep/v1/evaluate/flags/a", Some(asked.clone())).await["value"], json!(7));

        let fresh = super::flags(&db);
        assert!(!fresh.is_on("a", &nobody) && fresh.evaluate("a", &nobody).is_none());
        assert_eq!(fresh.value("a", &nobody, json!(1)), json!(1));
        let refused = Api::new(&fresh).call("POST", "/ofrep/v1/evaluate/flags/a", &[], Some(asked)).await;
        assert!(refused.status >= 500, "nothing is known that could be said: {}", refused.status);
    })
    .await;
}

#[tokio::test]
async fn a_rollout_is_as_wide_as_it_says_and_keeps_whom_it_has() {
    let scratch = Scratch::migrated(EngineKind::Sqlite).await;
    let flags = flags(&scratch.db);
    let api = Api::new(&flags);
    let rollout = |share: u32| {
        let parameters = json!({ "rollout": share.to_string() });
        json!({ "enabled": true, "strategies": [{ "name": "flexibleRollout", "parameters": parameters }] })
    };
    api.make("a", "boolean", rollout(10)).await;
    let chosen = || -> Vec<bool> { (0..100_000).map(|id| flags.is_on("a", &user(&format!("user-{id}")))).collect() };
    let first = chosen();
    let share = first.iter().filter(|on| **on).count();
    assert!((9_700..=10_300).contains(&share), "10 +- 0.3 % of 100,000 are {share}");
    api.ask(200, "PUT", &format!("{HERE}/a/environments/production"), Some(rollout(20))).await;
    let lost = first.iter().zip(chosen()).filter(|(before, now)| **before && !now).count();
    assert_eq!(lost, 0, "a wider rollout takes nobody out");
}

#[tokio::test]
async fn time_and_environment_come_from_the_context_or_from_here() {
    let scratch = Scratch::migrated(EngineKind::Sqlite).await;
    let flags = flags(&scratch.db);
    let api = Api::new(&flags);
    let until = json!({ "context_name": "currentTime", "operator": "DATE_BEFORE", "value": "2026-12-01T00:00:00Z" });
    api.make("a", "boolean", json!({ "enabled": true, "strategies": [{ "name": "default", "constraints": [until] }] }))
        .await;
    assert!(flags.is_on("a", &Context::default()), "the clock says November");
    let later = Context { current_time: Some("2026-12-01T00:00:01Z".to_owned()), ..Context::default() };
    assert!(!flags.is_on("a", &later));
    let staging = Context { environment: Some("staging".to_owned()), ..Context::default() };
    let evaluated = flags.evaluate("a", &staging).unwrap();
    assert_eq!((evaluated.is_on, evaluated.reason), (false, Reason::Disabled));
    let with = |properties: [(&str, &str); 1]| Context {
        properties: BTreeMap::from(properties.map(|(name, value)| (name.to_owned(), value.to_owned()))),
        ..Context::default()
    };
    let paid = json!({ "context_name": "plan", "operator": "IN", "values": ["paid"], "inverted": true });
    api.make("b", "boolean", json!({ "enabled": true, "strategies": [{ "name": "default", "constraints": [paid] }] }))
        .await;
    assert!(!flags.is_on("b", &with([("plan", "paid")])) && flags.is_on("b", &with([("plan", "free")])));
}

#[tokio::test]
async fn what_nobody_asks_for_is_told_without_a_write_for_each_question() {
    for_each_engine(|db| async move {
        let now = Arc::new(AtomicI64::new(NOW_MS - 40 * 24 * 3_600_000));
        let clock = Arc::clone(&now);
        let flags = Flags::new(db.clone(), Arc::new(move || clock.load(Ordering::Relaxed)));
        let flags = flags.of(&kernel::default_tenant());
        let api = Api::new(&flags);
        let aimed =
            json!({ "enabled": true, "strategies": [{ "name": "userWithId", "parameters": { "userIds": "ann" } }] });
        for key in ["asked", "told", "unused"] {
            api.make(key, "boolean", aimed.clone()).await;
        }
        now.store(NOW_MS, Ordering::Relaxed);
        for _ in 0..50 {
            assert!(flags.is_on("asked", &user("ann")) && !flags.is_on("asked", &user("bob")));
        }
        let question = || Some(json!({ "context": { "targetingKey": "bob" } }));
        api.ask(200, "POST", "/ofrep/v1/evaluate/flags/told", question()).await;
        api.ask(200, "POST", "/ofrep/v1/evaluate/flags", question()).await;
        let usage = async |key: &str| {
            let usage = api.ask(200, "GET", &format!("{HERE}/{key}/usage"), None).await;
            (usage["items"][0]["yes"].clone(), usage["items"][0]["no"].clone())
        };
        assert_eq!(usage("asked").await.0, json!(null), "nothing was written");
        // What is changed meanwhile goes on being counted.
        api.ask(200, "PUT", &format!("{HERE}/unused/environments/staging"), Some(aimed)).await;
        for _ in 0..2 {
            flags.all().write_counts().await.unwrap();
        }
        assert_eq!((usage("asked").await, usage("told").await), ((json!(50), json!(50)), (json!(0), json!(1))));
        let report = async |days: &str| {
            let report = api.ask(200, "GET", &format!("/api/v1/flag-reports/stale{days}"), None).await;
            report["items"].as_array().unwrap().clone()
        };
        let stale = report("").await;
        assert_eq!(
            (stale.len(), &stale[0]["key"], &stale[0]["unused"]),
            (1, &json!("unused"), &json!(true)),
            "{stale:?}"
        );
        assert_eq!(stale[0]["environments"], json!({ "production": "depends", "staging": "depends" }));
        assert_eq!(stale[0]["last_used_at"], json!(null));
        assert_eq!(report("?days=41").await.len(), 0, "none is as old as that");
        api.ask(422, "GET", "/api/v1/flag-reports/stale?days=0", None).await;
    })
    .await;
}
