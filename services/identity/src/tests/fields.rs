//! What a tenant keeps of its people besides.

use super::*;

const FIELDS: &str = "/api/v1/users/fields";

#[tokio::test]
async fn each_sees_and_writes_what_is_for_him_and_a_removed_field_leaves_nothing() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        for (key, kind, visibility) in
            [("nickname", "text", "everyone"), ("allergies", "text", "self"), ("room", "number", "staff")]
        {
            let field = json!({ "key": key, "label": key, "kind": kind, "visibility": visibility });
            assert_eq!(process.ask(201, "POST", FIELDS, field.clone()).await["id"], key);
            assert_eq!(process.ask(409, "POST", FIELDS, field).await["code"], "user.field_taken");
        }
        let (anna, _) =
            (process.person("default", "anna@b.c", &[]).await, process.person("default", "ben@b.c", &[]).await);
        let (of_anna, _) = process.tokens("anna@b.c").await;
        let (of_ben, _) = process.tokens("ben@b.c").await;
        let (own, of_her) = (format!("{USERS}/me/fields"), format!("{USERS}/{anna}/fields"));
        let values = |value: Value| json!({ "values": value });
        let told = values(json!({ "nickname": "Nan", "allergies": "nuts" }));
        assert_eq!(process.anew(&of_anna, "PATCH", &own, told).await.0, 200);
        assert_eq!(process.anew(TOKEN, "PATCH", &of_her, values(json!({ "room": 7 }))).await.0, 200);
        for (token, at, wrong, code) in [
            (of_anna.as_str(), &own, json!({ "room": 8 }), "user.field_not_yours"),
            (TOKEN, &of_her, json!({ "allergies": "none" }), "user.field_not_yours"),
            (TOKEN, &of_her, json!({ "shoes": 8 }), "user.field_not_yours"),
            (TOKEN, &of_her, json!({ "room": "8", "nickname": "B" }), "user.field_invalid_value"),
        ] {
            let (status, refused) = process.anew(token, "PATCH", at, values(wrong)).await;
            assert_eq!((status, &refused["code"]), (422, &json!(code)));
        }
        let all = json!({ "nickname": "Nan", "allergies": "nuts", "room": 7 });
        assert_eq!(process.anew(&of_anna, "GET", &own, Value::Null).await.1["values"], all);
        let staff = json!({ "nickname": "Nan", "room": 7 });
        assert_eq!(process.ask(200, "GET", &of_her, Value::Null).await["values"], staff);
        let card = process.anew(&of_ben, "GET", &format!("{USERS}/{anna}/card"), Value::Null).await.1;
        assert_eq!(card, json!({ "id": anna, "name": "anna@b.c", "values": { "nickname": "Nan" } }));

        let seen = process.send(&of_anna, ("GET", &own), &[], Value::Null).await;
        let tag = [("if-match", seen.headers["etag"].to_str().unwrap())];
        let removes = values(json!({ "allergies": null }));
        assert_eq!(process.send(&of_anna, ("PATCH", &own), &tag, removes.clone()).await.status, 200);
        assert_eq!(process.send(&of_anna, ("PATCH", &own), &tag, removes).await.status, 412);

        let at = format!("{FIELDS}/nickname");
        let (status, changed) = process.anew(TOKEN, "PATCH", &at, json!({ "visibility": "self" })).await;
        assert_eq!((status, &changed["visibility"], &changed["label"]), (200, &json!("self"), &json!("nickname")));
        let card = process.anew(&of_ben, "GET", &format!("{USERS}/{anna}/card"), Value::Null).await.1;
        assert_eq!(card["values"], json!({}));
        assert_eq!(process.anew(TOKEN, "DELETE", &at, Value::Null).await.0, 204);
        let again = json!({ "key": "nickname", "label": "N", "kind": "text", "visibility": "everyone" });
        process.ask(201, "POST", FIELDS, again).await;
        assert_eq!(process.anew(&of_anna, "GET", &own, Value::Null).await.1["values"], json!({ "room": 7 }));
    })
    .await;
}
