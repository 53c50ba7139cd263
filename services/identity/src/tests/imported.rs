//! People as a table.

use super::*;

impl Process {
    /// Sends a table; the status, and what is said of it.
    async fn table(&self, token: &str, query: &str, table: &str) -> (u16, Value) {
        let request = Request::post(format!("{USERS}/csv{query}"))
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "text/csv; charset=utf-8");
        let response = self.router.clone().oneshot(request.body(Body::from(table.to_owned())).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    async fn all_as_table(&self) -> String {
        let request = Request::get(format!("{USERS}/csv")).header("authorization", format!("Bearer {TOKEN}"));
        let response = self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.headers()["content-type"], "text/csv; charset=utf-8; header=present");
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        String::from_utf8(bytes.to_vec()).unwrap()
    }
}

fn counts(view: &Value) -> [u64; 4] {
    let errors = view["errors"].as_array().unwrap().len() as u64;
    let of = |name: &str| view[name].as_u64().unwrap();
    [of("created"), of("updated"), of("unchanged"), errors]
}

#[tokio::test]
async fn a_table_makes_and_changes_people_line_by_line_and_a_dry_run_says_what_it_would_do() {
    const TABLE: &str =
        "email,name,external_id,state\nanna@b.c,Anna,7,\nben@b.c,Ben,8,suspended\nnobody,N,9,\nanna@b.c,Again,,\n";
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let (status, told) = process.table(TOKEN, "?dry_run=true", TABLE).await;
        assert_eq!((status, counts(&told), &told["is_dry_run"]), (200, [2, 0, 0, 2], &json!(true)), "{told}");
        assert_eq!(process.ask(200, "GET", USERS, Value::Null).await["items"], json!([]));
        assert_eq!(process.kinds("ten_default").await, [""; 0]);

        let (_, done) = process.table(TOKEN, "", TABLE).await;
        assert_eq!((counts(&done), &done["rows"]), ([2, 0, 0, 2], &json!(4)), "{done}");
        assert_eq!(
            (
                &done["errors"][0]["line"],
                &done["errors"][0]["code"],
                &done["errors"][1]["line"],
                &done["errors"][1]["code"]
            ),
            (&json!(4), &json!("user.invalid_email"), &json!(5), &json!("user.unclear_row"))
        );
        assert_eq!(process.kinds("ten_default").await, ["user.created"; 2]);
        let found = process.ask(200, "GET", &format!("{USERS}?q=ben"), Value::Null).await;
        assert_eq!((&found["items"][0]["state"], &found["items"][0]["permissions"]), (&json!("suspended"), &json!([])));

        let moved = "external_id,email,name\n7,anna@new.example,\n8,ben@b.c,Ben\n";
        assert_eq!(counts(&process.table(TOKEN, "", moved).await.1), [0, 1, 1, 0]);
        let found = process.ask(200, "GET", &format!("{USERS}?q=anna%40new"), Value::Null).await;
        assert_eq!(found["items"][0]["name"], "Anna", "what is empty stays");
        for (table, code) in [
            ("external_id,email\n7,ben@b.c\n", "user.unclear_row"),
            ("external_id,email\n99,ben@b.c\n", "user.unclear_row"),
            ("email\nnew@b.c\n", "user.invalid_name"),
        ] {
            assert_eq!(process.table(TOKEN, "", table).await.1["errors"][0]["code"], code, "{table}");
        }
        assert_eq!(process.table(TOKEN, "", "name\nA\n").await.0, 422);
        assert_eq!(process.send(TOKEN, ("POST", &format!("{USERS}/csv")), &[], json!({})).await.status, 415);
    })
    .await;
}

#[tokio::test]
async fn what_was_handed_out_is_taken_in_as_it_was_and_a_line_gives_nobody_what_its_sender_lacks() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let strong = json!({ "email": "a@b.c", "name": "=1+1", "permissions": ["*"] });
        process.ask(201, "POST", USERS, strong).await;
        process.ask(201, "POST", USERS, json!({ "email": "c@b.c", "name": "M\u{fc}ller, \"Anna\"" })).await;
        let table = process.all_as_table().await;
        assert!(table.starts_with("email,name,locale,time_zone,external_id,state\n"), "{table}");
        assert!(table.contains("'=1+1"), "{table}");
        assert_eq!(counts(&process.table(TOKEN, "", &table).await.1), [0, 0, 2, 0]);

        let (_, weak) = process.key(json!({ "name": "weak", "permissions": ["user.import"] })).await;
        let (_, told) = process.table(&weak, "", "email,name\na@b.c,Taken\nc@b.c,Other\n").await;
        assert_eq!((counts(&told), &told["errors"][0]["code"]), ([0, 1, 0, 1], &json!("user.beyond_own")));
    })
    .await;
}
