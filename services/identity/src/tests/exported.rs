//! All that a tenant's organization is, told together.

use super::*;

#[tokio::test]
async fn an_export_has_all_of_the_tenants_own_organization() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let node = process.node("Physics", "root").await;
        let role = process.role("ring", &["bell.read"]).await;
        process.ask(204, "PUT", &format!("{NODES}/{node}/roles/{role}"), Value::Null).await;
        assert_eq!(process.say(&node, json!({ "locale": { "value": "de" } })).await.0, 200);
        let user = process.somebody("a@b.c").await;
        process.place(&user, &node).await;
        let team = process.ask(201, "POST", "/api/v1/org/teams", json!({ "name": "A", "seats": 3 })).await;
        let on = format!("/api/v1/org/teams/{}/people/{user}", team["id"].as_str().unwrap());
        process.ask(204, "PUT", &on, json!({ "is_manager": true })).await;
        process.ask(201, "POST", "/api/v1/org/domains", json!({ "name": "a.example" })).await;
        process.ask(201, "POST", TENANTS, json!({ "slug": "other", "name": "Other" })).await;

        let told = process.ask(200, "GET", "/api/v1/org/export", Value::Null).await;
        assert_eq!((&told["nodes"][0]["id"], &told["domains"][0]["name"]), (&json!(node), &json!("a.example")));
        assert_eq!(told["settings"], json!({ (node.as_str()): { "locale": { "value": "de", "is_locked": false } } }));
        assert_eq!(told["places"], json!([{ "user_id": user, "node_id": node }]));
        assert_eq!(told["roles"], json!([{ "node_id": node, "role_id": role }]));
        assert_eq!(told["rolls"], json!([{ "kind": "team", "id": team["id"], "name": "A", "seats": 3 }]));
        assert_eq!(told["seats"], json!([{ "roll_id": team["id"], "user_id": user, "is_manager": true }]));
        let named = [("lectern-tenant", "other")];
        let other = process.send(TOKEN, ("GET", "/api/v1/org/export"), &named, Value::Null).await.body;
        for list in ["domains", "nodes", "places", "roles", "rolls", "seats"] {
            assert_eq!(other[list], json!([]), "{list}");
        }
    })
    .await;
}
