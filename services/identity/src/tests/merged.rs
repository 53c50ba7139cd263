//! Two accounts of one person become one.

use super::*;

#[tokio::test]
async fn roles_groups_and_permissions_are_of_the_one_who_stays_and_the_other_is_erased() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let into = process.person("default", "anna@b.c", &["bell.read"]).await;
        let from = process.person("default", "anna@old.example", &["user.read"]).await;
        let (both, one) = (process.role("Both", &["bell.read"]).await, process.role("One", &["user.update"]).await);
        for (user, role) in [(&into, &both), (&from, &both), (&from, &one)] {
            process.grant(user, role, None).await;
        }
        let (access, _) = process.tokens("anna@old.example").await;
        let at = format!("{USERS}/{into}/merge");
        let (_, weak) = process.key(json!({ "name": "weak", "permissions": ["user.*"] })).await;
        let (status, refused) = process.anew(&weak, "POST", &at, json!({ "from": from })).await;
        assert_eq!((status, &refused["code"]), (403, &json!("user.beyond_own")));
        assert_eq!(process.ask(422, "POST", &at, json!({ "from": into })).await["code"], "user.same");
        process.ask(404, "POST", &at, json!({ "from": "usr_0" })).await;
        process.ask(422, "POST", &at, json!({ "from": "\u{0}" })).await;

        let class = process.ask(201, "POST", "/api/v1/org/teams", json!({ "name": "Choir" })).await;
        let class = format!("/api/v1/org/teams/{}/people", class["id"].as_str().unwrap());
        process.ask(204, "PUT", &format!("{class}/{from}"), json!({ "is_manager": true })).await;
        let merged = process.ask(200, "POST", &at, json!({ "from": from })).await;
        assert_eq!(merged["permissions"], json!(["bell.read", "user.read"]));
        assert_eq!(merged["email"], "anna@b.c");
        process.ask(404, "GET", &format!("{USERS}/{from}"), Value::Null).await;
        let sings = process.ask(200, "GET", &class, Value::Null).await;
        assert_eq!(
            (&sings["items"][0]["user_id"], &sings["items"][0]["is_manager"]),
            (&json!(into), &json!(true)),
            "{sings}"
        );
        assert_eq!(process.status(&access).await, 401);
        let has = process.ask(200, "GET", &format!("{BINDINGS}?user_id={into}"), Value::Null).await;
        let mut roles: Vec<&str> =
            has["items"].as_array().unwrap().iter().map(|one| one["role_id"].as_str().unwrap()).collect();
        roles.sort_unstable();
        let mut expected = [both.as_str(), one.as_str()];
        expected.sort_unstable();
        assert_eq!(roles, expected);
        let kinds = process.kinds("ten_default").await;
        assert_eq!(kinds[kinds.len() - 2..], ["user.merged", "user.erased"]);
        // What it was is free again.
        process.person("default", "anna@old.example", &[]).await;
    })
    .await;
}
