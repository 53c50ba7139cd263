//! Minors, who sees to them, and what people agree to.

use super::*;

#[tokio::test]
async fn a_guardian_agrees_for_his_ward_who_cannot_and_the_record_only_grows() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let child = process.person("default", "child@b.c", &[]).await;
        let mother = process.person("default", "mother@b.c", &[]).await;
        let (of_child, _) = process.tokens("child@b.c").await;
        let (of_mother, _) = process.tokens("mother@b.c").await;
        let agrees = |is_given: bool| json!({ "purpose": "analytics", "version": "2026-11", "is_given": is_given });
        let own = format!("{USERS}/me/consents");
        let of_ward = format!("{USERS}/me/wards/{child}/consents");
        assert_eq!(process.anew(&of_child, "POST", &own, agrees(true)).await.0, 201, "he is no minor yet");
        assert_eq!(process.anew(&of_mother, "POST", &of_ward, agrees(true)).await.0, 404, "nor is she a guardian");

        let at = format!("{USERS}/{child}/guardians/{mother}");
        process.ask(422, "PUT", &at, json!({ "relation": "" })).await;
        let itself = format!("{USERS}/{child}/guardians/{child}");
        process.ask(422, "PUT", &itself, json!({ "relation": "self" })).await;
        process.ask(404, "PUT", &format!("{USERS}/{child}/guardians/usr_0"), json!({ "relation": "a" })).await;
        for relation in ["aunt", "mother"] {
            process.ask(204, "PUT", &at, json!({ "relation": relation })).await;
        }
        let list = process.ask(200, "GET", &format!("{USERS}/{child}/guardians"), Value::Null).await;
        assert_eq!(list["items"].as_array().unwrap().len(), 1);
        assert_eq!((&list["items"][0]["user_id"], &list["items"][0]["relation"]), (&json!(mother), &json!("mother")));
        let wards = process.anew(&of_mother, "GET", &format!("{USERS}/me/wards"), Value::Null).await.1;
        assert_eq!(wards["items"][0]["user_id"], json!(child));

        let (status, refused) = process.anew(&of_child, "POST", &own, agrees(true)).await;
        assert_eq!((status, &refused["code"]), (403, &json!("user.is_minor")));
        process.pass(Duration::from_secs(1));
        assert_eq!(process.anew(&of_child, "POST", &own, agrees(false)).await.0, 201, "anybody may say no");
        process.pass(Duration::from_secs(1));
        assert_eq!(process.anew(&of_mother, "POST", &of_ward, agrees(true)).await.0, 201);
        for wrong in [
            json!({ "purpose": "", "version": "1", "is_given": true }),
            json!({ "purpose": "a b", "version": "1", "is_given": true }),
        ] {
            assert_eq!(process.anew(&of_mother, "POST", &of_ward, wrong).await.1["code"], "user.invalid_consent");
        }
        let record = process.ask(200, "GET", &format!("{USERS}/{child}/consents"), Value::Null).await;
        let said: Vec<_> =
            record["items"].as_array().unwrap().iter().map(|one| (&one["is_given"], &one["said_by"])).collect();
        let (yes, no, by_child, by_mother) = (json!(true), json!(false), json!(child), json!(mother));
        assert_eq!(said, [(&yes, &by_mother), (&no, &by_child), (&yes, &by_child)]);
        for (method, at) in [("DELETE", &own), ("PUT", &own)] {
            assert_eq!(process.anew(&of_child, method, at, agrees(true)).await.0, 405);
        }
        process.ask(204, "DELETE", &at, Value::Null).await;
        assert_eq!(process.ask(404, "DELETE", &at, Value::Null).await["code"], "user.no_guardian");
    })
    .await;
}
