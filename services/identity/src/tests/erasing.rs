//! People who are erased, now or after a while, and who have gone and may come back.

use super::*;

const DAY: Duration = Duration::from_secs(24 * 3600);

impl Process {
    /// What a process does with people unasked, at the time of the test; how many it has erased.
    async fn erases(&self) -> usize {
        let time = Arc::clone(&self.now_ms);
        let clock: Clock = Arc::new(move || time.load(Ordering::Relaxed));
        Users::new(self.db.clone(), clock, []).erase_due().await.map_err(|problem| problem.code()).unwrap()
    }
}

#[tokio::test]
async fn a_person_goes_when_the_days_are_over_unless_it_was_taken_back() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let (anna, ben) =
            (process.person("default", "anna@b.c", &[]).await, process.person("default", "ben@b.c", &[]).await);
        let (access, _) = process.tokens("anna@b.c").await;
        let own = format!("{USERS}/me/erasure");
        let of_ben = format!("{USERS}/{ben}/erasure");
        for (path, token, days) in [(&own, access.as_str(), 6), (&of_ben, TOKEN, 0), (&of_ben, TOKEN, 366)] {
            let (status, refused) = process.anew(token, "PUT", path, json!({ "grace_days": days })).await;
            assert_eq!((status, &refused["code"]), (422, &json!("user.invalid_grace")), "{days}");
        }
        assert_eq!(process.anew(&access, "GET", &own, Value::Null).await.1["code"], "user.no_erasure");
        assert_eq!(process.anew(&access, "DELETE", &own, Value::Null).await.0, 404);
        let (status, asked) = process.anew(&access, "PUT", &own, json!({ "grace_days": 7 })).await;
        assert_eq!((status, &asked["asked_by"]), (200, &json!(anna)), "{asked}");
        process.ask(200, "PUT", &of_ben, json!({ "grace_days": 8 })).await;
        assert_eq!(process.status(&access).await, 200, "until then nothing changes");
        assert_eq!(process.erases().await, 0);

        let (of_ben_token, _) = process.tokens("ben@b.c").await;
        let (status, refused) = process.anew(&of_ben_token, "DELETE", &own, Value::Null).await;
        assert_eq!((status, &refused["code"]), (403, &json!("user.not_asked_by_self")));
        let (status, refused) = process.anew(&of_ben_token, "PUT", &own, json!({ "grace_days": 365 })).await;
        assert_eq!((status, &refused["code"]), (403, &json!("user.not_asked_by_self")), "nor does he put it off");
        assert_eq!(process.anew(&access, "DELETE", &own, Value::Null).await.0, 204);
        process.pass(7 * DAY);
        assert_eq!(process.erases().await, 0, "it was taken back, and the other one is not due");
        process.pass(DAY);
        process.ask(404, "DELETE", &of_ben, Value::Null).await;
        assert_eq!(process.erases().await, 1);
        assert_eq!(process.erases().await, 0);
        assert_eq!(process.ask(404, "GET", &format!("{USERS}/{ben}"), Value::Null).await["code"], "user.not_found");
        process.ask(200, "GET", &format!("{USERS}/{anna}"), Value::Null).await;
        let kinds = process.kinds("ten_default").await;
        for (kind, count) in [("user.erasure_asked", 2), ("user.erasure_cancelled", 1), ("user.erased", 1)] {
            assert_eq!(kinds.iter().filter(|told| *told == kind).count(), count, "{kind}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_erasure_that_a_process_died_at_is_finished_by_another_one_and_nobody_signs_in_meanwhile() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let id = process.person("default", "anna@b.c", &["bell.read"]).await;
        let role = process.role("Singer", &["bell.read"]).await;
        process.grant(&id, &role, None).await;
        let mut tx = db.begin().await.unwrap();
        let now_ms = process.now_ms.load(Ordering::Relaxed);
        tx.execute("UPDATE user_account SET state = 'erasing' WHERE id = $1", args![&id]).await.unwrap();
        tx.execute(
            "INSERT INTO user_erasure (tenant_id, user_id, asked_by, asked_ms, due_ms) VALUES ('ten_default', $1, 'admin', $2, $2)",
            args![&id, now_ms],
        )
        .await
        .unwrap();
        tx.commit().await.unwrap();
        assert_eq!(process.sign_in("default", "anna@b.c", PASSWORD).await.status, 401);
        let at = format!("{USERS}/{id}");
        let (status, refused) = process.anew(TOKEN, "PATCH", &at, json!({ "state": "active" })).await;
        assert_eq!((status, &refused["code"]), (409, &json!("user.erasing")));
        let (status, _) = process.anew(TOKEN, "PUT", &format!("{at}/erasure"), json!({ "grace_days": 9 })).await;
        assert_eq!(status, 409);
        assert_eq!(process.erases().await, 1);
        process.ask(404, "GET", &at, Value::Null).await;
        let left = process.ask(200, "GET", &format!("{BINDINGS}?user_id={id}"), Value::Null).await;
        assert_eq!(left["items"], json!([]));
    })
    .await;
}

#[tokio::test]
async fn whoever_has_gone_may_come_back() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let id = process.person("default", "anna@b.c", &[]).await;
        let (access, _) = process.tokens("anna@b.c").await;
        let at = format!("{USERS}/{id}");
        let (status, gone) = process.anew(TOKEN, "PATCH", &at, json!({ "state": "deactivated" })).await;
        assert_eq!((status, &gone["state"]), (200, &json!("deactivated")));
        assert_eq!(process.status(&access).await, 401);
        assert_eq!(process.sign_in("default", "anna@b.c", PASSWORD).await.status, 401);
        process.anew(TOKEN, "PATCH", &at, json!({ "state": "active" })).await;
        assert_eq!(process.sign_in("default", "anna@b.c", PASSWORD).await.status, 201);
    })
    .await;
}
