//! People whom a school's directory sees to.

use super::*;

pub(super) const PEOPLE: &str = "/scim/v2/Users";
pub(super) const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

pub(super) fn patch(operations: Value) -> Value {
    json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations })
}

fn anna() -> Value {
    json!({
        "schemas": [CORE, ENTERPRISE], "userName": "Anna.M", "externalId": "A-7", "title": "Teacher",
        "name": { "givenName": "Anna", "familyName": "M\u{fc}ller" }, "locale": "de-CH", "timezone": "Europe/Zurich",
        "emails": [
            { "value": "Anna@X.example", "type": "work", "primary": true }, { "value": "anna@home.example", "type": "home" },
        ],
        (ENTERPRISE): { "department": "Physics", "manager": { "value": "usr_0" } },
    })
}

/// A refusal, which has to be SCIM's: its status, and its keyword if it has one.
#[track_caller]
fn refusal(answer: &Answer) -> (u16, &str) {
    let error = answer.body.as_object().unwrap();
    assert_eq!(answer.headers["content-type"], "application/scim+json", "{error:?}");
    assert_eq!((&error["schemas"], &error["status"]), (&json!([ERROR]), &json!(answer.status.to_string())));
    assert!(error["detail"].as_str().is_some_and(|detail| !detail.is_empty()));
    assert!(error.keys().all(|name| ["schemas", "status", "scimType", "detail"].contains(&name.as_str())), "{error:?}");
    assert!(answer.headers["link"].to_str().unwrap().starts_with("</api/docs#"), "{:?}", answer.headers);
    (answer.status, error.get("scimType").map_or("", |keyword| keyword.as_str().unwrap()))
}

fn names(list: &Value) -> Vec<&str> {
    assert_eq!(list["schemas"], json!([LIST]), "{list}");
    list["Resources"].as_array().unwrap().iter().map(|one| one["userName"].as_str().unwrap()).collect()
}

impl Process {
    async fn found(&self, filter: &str) -> Value {
        let escaped: String = filter.bytes().map(|byte| format!("%{byte:02x}")).collect();
        self.ask(200, "GET", &format!("{PEOPLE}?filter={escaped}"), Value::Null).await
    }

    /// A person with nothing but a name; the id.
    pub(super) async fn provisioned(&self, name: &str) -> String {
        let made = self.ask(201, "POST", PEOPLE, json!({ "schemas": [CORE], "userName": name })).await;
        made["id"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_directory_makes_shows_replaces_changes_and_erases_a_person_and_nothing_that_it_says_is_lost() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let made = process.send(TOKEN, ("POST", PEOPLE), &[], anna()).await;
        assert_eq!(
            (made.status, &made.headers["content-type"]),
            (201, &"application/scim+json".parse().unwrap()),
            "{}",
            made.body
        );
        let id = made.body["id"].as_str().unwrap().to_owned();
        let at = format!("{PEOPLE}/{id}");
        assert_eq!((&made.headers["location"], &made.body["meta"]["location"]), (&at.parse().unwrap(), &json!(at)));
        let mut said = made.body.clone();
        for own in ["id", "meta"] {
            said.as_object_mut().unwrap().remove(own);
        }
        let mut expected = anna();
        expected["active"] = json!(true);
        assert_eq!(said, expected);
        let account = process.ask(200, "GET", &format!("{USERS}/{id}"), Value::Null).await;
        assert_eq!(
            [&account["email"], &account["name"], &account["locale"], &account["time_zone"], &account["permissions"]],
            [
                &json!("anna@x.example"),
                &json!("Anna M\u{fc}ller"),
                &json!("de-CH"),
                &json!("Europe/Zurich"),
                &json!([])
            ]
        );

        let shown = process.send(TOKEN, ("GET", &at), &[], Value::Null).await;
        assert_eq!((&shown.body, &shown.headers["etag"]), (&made.body, &made.headers["etag"]));
        let etag = shown.headers["etag"].to_str().unwrap().to_owned();
        assert_eq!(shown.body["meta"]["version"], json!(etag));
        assert_eq!(process.send(TOKEN, ("GET", &at), &[("if-none-match", &etag)], Value::Null).await.status, 304);
        let less = process.ask(200, "GET", &format!("{at}?attributes=userName,emails.value"), Value::Null).await;
        assert_eq!(less["emails"], json!([{ "value": "Anna@X.example" }, { "value": "anna@home.example" }]));
        assert!(less["title"].is_null() && less["id"] == json!(id), "{less}");

        let body = json!({ "schemas": [CORE], "userName": "anna.m", "displayName": "Anna", "id": "mine" });
        let replaced = process.send(TOKEN, ("PUT", &at), &[("if-match", &etag)], body.clone()).await;
        assert_eq!(
            (replaced.status, &replaced.body["title"], &replaced.body["active"]),
            (200, &Value::Null, &json!(true))
        );
        for (method, body) in [
            ("PUT", body),
            ("PATCH", patch(json!([{ "op": "remove", "path": "displayName" }]))),
            ("DELETE", Value::Null),
        ] {
            let stale = process.send(TOKEN, (method, &at), &[("if-match", &etag)], body).await;
            assert_eq!(refusal(&stale), (412, ""), "{method}");
        }
        let etag = replaced.headers["etag"].to_str().unwrap().to_owned();
        let changes = patch(json!([
            { "op": "Add", "path": "emails[type eq \"work\"].value", "value": "new@x.example" },
            { "op": "Replace", "path": "name.givenName", "value": "Ann" },
            { "op": "replace", "value": { "active": "False", (ENTERPRISE): { "department": "Arts" } } },
        ]));
        let changed = process.send(TOKEN, ("PATCH", &at), &[("if-match", &etag)], changes).await;
        assert_eq!((changed.status, &changed.body["active"]), (200, &json!(false)), "{}", changed.body);
        assert_eq!(changed.body["emails"], json!([{ "type": "work", "value": "new@x.example" }]));
        assert_eq!(changed.body["schemas"], json!([CORE, ENTERPRISE]));
        let account = process.ask(200, "GET", &format!("{USERS}/{id}"), Value::Null).await;
        assert_eq!((&account["email"], &account["state"]), (&json!("new@x.example"), &json!("suspended")));

        let gone = process.send(TOKEN, ("DELETE", &at), &[], Value::Null).await;
        assert_eq!((gone.status, gone.headers.get("content-type")), (204, None));
        assert_eq!(refusal(&process.send(TOKEN, ("GET", &at), &[], Value::Null).await), (404, ""));
        let rows: Vec<(i64,)> = db.all("SELECT COUNT(*) FROM user_address", args![]).await.unwrap();
        assert_eq!(rows, [(0,)], "his addresses are nowhere");
        let told = process.kinds("ten_default").await;
        assert_eq!(told, ["user.created", "user.updated", "user.updated", "user.erased"]);
        let events = outbox::after(&db, &default_tenant(), 0, 100).await.unwrap();
        assert!(!format!("{events:?}").to_lowercase().contains("anna"));
    })
    .await;
}

#[tokio::test]
async fn people_are_found_by_filters_in_pages_and_with_what_is_wanted_of_them() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        process.ask(201, "POST", PEOPLE, anna()).await;
        process.pass(Duration::from_millis(1));
        process.ask(201, "POST", USERS, json!({ "email": "rest@x.example", "name": "Rest" })).await;
        for number in 0..5 {
            process.pass(Duration::from_millis(1));
            process.provisioned(&format!("pupil{number}")).await;
        }
        let work = "emails[type eq \"work\" and value co \"@x\"]";
        for (filter, found) in [
            ("userName eq \"anna.m\"", vec!["Anna.M"]),
            ("userName eq \"REST@x.example\"", vec!["rest@x.example"]),
            ("externalId eq \"A-7\"", vec!["Anna.M"]),
            ("externalId eq \"a-7\"", vec![]),
            (work, vec!["Anna.M"]),
            ("emails[type eq \"home\" and value co \"@x\"]", vec![]),
            ("emails.value eq \"ANNA@home.example\"", vec!["Anna.M"]),
            ("emails.value sw \"anna@\"", vec!["Anna.M"]),
            ("emails.value sw \"%\"", vec![]),
            ("emails eq \"rest@x.example\" or userName eq \"pupil3\"", vec!["pupil3", "rest@x.example"]),
            (
                "userName sw \"pupil\" and not (userName co \"2\" or userName ew \"4\")",
                vec!["pupil3", "pupil1", "pupil0"],
            ),
            ("emails pr and title ne \"Teacher\"", vec!["rest@x.example"]),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq \"physics\"", vec!["Anna.M"]),
            ("userName eq \"\\u0000\"", vec![]),
        ] {
            let list = process.found(filter).await;
            assert_eq!(
                (names(&list), list["totalResults"].as_u64()),
                (found.clone(), Some(found.len() as u64)),
                "{filter}"
            );
        }
        let id = process.found("userName eq \"pupil0\"").await["Resources"][0]["id"].as_str().unwrap().to_owned();
        assert_eq!(names(&process.found(&format!("id eq \"{id}\"")).await), ["pupil0"]);
        for (query, start, total, expected) in [
            ("", 1, 7, 7),
            ("?startIndex=1&count=2", 1, 7, 2),
            ("?startIndex=6&count=9", 6, 7, 2),
            ("?startIndex=9", 9, 7, 0),
            ("?startIndex=-3&count=-1", 1, 7, 0),
            ("?filter=userName+sw+%22pupil%22&startIndex=4&count=9", 4, 5, 2),
            ("?filter=userName+sw+%22pupil%22&count=0&aadOptscim062020", 1, 5, 0),
        ] {
            let list = process.ask(200, "GET", &format!("{PEOPLE}{query}"), Value::Null).await;
            let told =
                [&list["startIndex"], &list["totalResults"], &list["itemsPerPage"]].map(|told| told.as_u64().unwrap());
            assert_eq!((told, names(&list).len() as u64), ([start, total, expected], expected), "{query}");
        }
        let list =
            process.ask(200, "GET", &format!("{PEOPLE}?excludedAttributes=emails,meta&count=200"), Value::Null).await;
        assert!(
            list["Resources"].as_array().unwrap().iter().all(|one| one["emails"].is_null() && one["id"].is_string())
        );
        for (query, keyword) in [
            ("filter=userName", "invalidFilter"),
            ("filter=nobody+pr", "invalidFilter"),
            ("filter=active+gt+true", "invalidFilter"),
            ("count=many", "invalidValue"),
            ("attributes=userName&excludedAttributes=title", "invalidValue"),
            ("attributes=a+b", "invalidPath"),
        ] {
            let refused = process.send(TOKEN, ("GET", &format!("{PEOPLE}?{query}")), &[], Value::Null).await;
            assert_eq!(refusal(&refused), (400, keyword), "{query}");
        }
        let question = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": work,
            "attributes": ["userName"], "count": 1 });
        for path in ["/scim/v2/.search", "/scim/v2/Users/.search"] {
            let list = process.ask(200, "POST", path, question.clone()).await;
            assert_eq!((names(&list), &list["Resources"][0]["title"]), (vec!["Anna.M"], &Value::Null), "{path}");
            let refused = process.send(TOKEN, ("POST", path), &[], json!({ "filter": work })).await;
            assert_eq!(refusal(&refused), (400, "invalidValue"), "{path}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_filter_that_has_to_be_tried_on_too_many_is_refused_and_what_the_database_finds_is_not() {
    const MANY: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10200)
        INSERT INTO user_account (tenant_id, id, email, name, search, locale, time_zone, state, permissions, preferences,
            version, created_ms, updated_ms)
        SELECT 'ten_default', 'usr_' || CAST(i AS TEXT), 'p' || CAST(i AS TEXT) || '@x.example', 'P', 'p', 'en', 'UTC', 'active',
            '[]', '{}', 1, i, i FROM n";
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let mut tx = db.begin().await.unwrap();
        tx.execute(MANY, args![]).await.unwrap();
        tx.commit().await.unwrap();
        let refused = process.send(TOKEN, ("GET", &format!("{PEOPLE}?filter=title+pr")), &[], Value::Null).await;
        assert_eq!(refusal(&refused), (400, "tooMany"));
        for filter in
            ["userName eq \"p7@x.example\"", "emails.value eq \"p7@x.example\" and not (title pr)", "id eq \"usr_7\""]
        {
            assert_eq!(names(&process.found(filter).await), ["p7@x.example"], "{filter}");
        }
        let list =
            process.ask(200, "GET", &format!("{PEOPLE}?startIndex=10199&attributes=userName"), Value::Null).await;
        assert_eq!((names(&list), list["totalResults"].as_u64()), (vec!["p2@x.example", "p1@x.example"], Some(10_200)));
    })
    .await;
}

#[tokio::test]
async fn a_person_is_one_whoever_sees_to_him_and_is_signed_out_by_the_directory_too() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let id = process.person("default", "anna@example.com", &[]).await;
        let (token, _) = process.tokens("anna@example.com").await;
        assert_eq!(process.status(&token).await, 200);
        let at = format!("{PEOPLE}/{id}");
        let shown = process.ask(200, "GET", &at, Value::Null).await;
        assert_eq!(
            [&shown["userName"], &shown["displayName"], &shown["active"], &shown["emails"]],
            [
                &json!("anna@example.com"),
                &json!("anna@example.com"),
                &json!(true),
                &json!([{ "value": "anna@example.com", "primary": true }])
            ]
        );
        let off = patch(json!([{ "op": "replace", "path": "active", "value": false }, { "op": "add", "path": "title", "value": "T" }]));
        assert_eq!(process.ask(200, "PATCH", &at, off).await["active"], json!(false));
        assert_eq!(process.status(&token).await, 401, "he is signed out");
        assert_eq!(process.sign_in("default", "anna@example.com", PASSWORD).await.status, 401);

        let change = json!({ "email": "new@example.com", "name": "Anna", "state": "active" });
        let account = format!("{USERS}/{id}");
        assert_eq!(process.send(TOKEN, ("PATCH", &account), &[("if-match", "*")], change).await.status, 200);
        let shown = process.ask(200, "GET", &at, Value::Null).await;
        assert_eq!(
            [&shown["userName"], &shown["displayName"], &shown["active"], &shown["title"], &shown["emails"]],
            [
                &json!("anna@example.com"),
                &json!("Anna"),
                &json!(true),
                &json!("T"),
                &json!([{ "value": "new@example.com", "primary": true }])
            ]
        );
        assert_eq!(process.sign_in("default", "new@example.com", PASSWORD).await.status, 201);
        assert_eq!(names(&process.found("emails.value eq \"anna@example.com\"").await), [""; 0], "it is forgotten");
        let again = process.send(TOKEN, ("POST", PEOPLE), &[], json!({ "schemas": [CORE], "userName": "ANNA@example.com" })).await;
        assert_eq!(refusal(&again), (409, "uniqueness"));
        let taken = json!({ "schemas": [CORE], "userName": "other", "emails": [{ "value": "new@example.com" }] });
        assert_eq!(refusal(&process.send(TOKEN, ("POST", PEOPLE), &[], taken).await), (409, "uniqueness"));
        let same = json!({ "email": "pupil@example.com", "name": "P" });
        process.provisioned("pupil@example.com").await;
        assert_eq!(process.ask(409, "POST", USERS, same).await["code"], "user.email_taken");
        assert_eq!(process.send(TOKEN, ("DELETE", &account), &[("if-match", "*")], Value::Null).await.status, 204);
        assert_eq!(refusal(&process.send(TOKEN, ("GET", &at), &[], Value::Null).await), (404, ""));
    })
    .await;
}

#[tokio::test]
async fn whoever_is_refused_reads_so_in_the_words_of_the_protocol() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let id = process.provisioned("anna").await;
        let at = format!("{PEOPLE}/{id}");
        let (_, reader) = process.key(json!({ "name": "a", "permissions": ["user.read"] })).await;
        let (_, keeper) = process.key(json!({ "name": "a", "permissions": ["user.*"] })).await;
        let chief = process.person("default", "chief@example.com", &["bell.read"]).await;
        let body = json!({ "schemas": [CORE], "userName": "b" });
        let of_chief = format!("{PEOPLE}/{chief}");
        for (token, method, path, body, expected) in [
            ("", "GET", PEOPLE, Value::Null, (401, "")),
            ("lk_wrong", "GET", PEOPLE, Value::Null, (401, "")),
            (reader.as_str(), "POST", PEOPLE, body.clone(), (403, "")),
            (reader.as_str(), "GET", "/scim/v2/Groups", Value::Null, (403, "")),
            (reader.as_str(), "POST", "/scim/v2/.search", body.clone(), (403, "")),
            (keeper.as_str(), "PUT", of_chief.as_str(), body.clone(), (403, "")),
            (keeper.as_str(), "DELETE", of_chief.as_str(), Value::Null, (403, "")),
            (TOKEN, "GET", "/scim/v2/Users/nobody", Value::Null, (404, "")),
            (TOKEN, "GET", "/scim/v2/nothing", Value::Null, (404, "")),
            (TOKEN, "GET", "/scim/v2/Schemas/urn:nothing", Value::Null, (404, "")),
            (TOKEN, "POST", "/scim/v2/Schemas", body.clone(), (405, "")),
            (TOKEN, "PUT", PEOPLE, body.clone(), (405, "")),
            (TOKEN, "POST", PEOPLE, json!([]), (400, "invalidSyntax")),
            (TOKEN, "POST", PEOPLE, json!({ "userName": "b" }), (400, "invalidSyntax")),
            (
                TOKEN,
                "POST",
                PEOPLE,
                json!({ "schemas": [CORE], "userName": "b", "permissions": ["*"] }),
                (400, "invalidSyntax"),
            ),
            (TOKEN, "POST", PEOPLE, json!({ "schemas": [CORE] }), (400, "invalidValue")),
            (TOKEN, "POST", PEOPLE, json!({ "schemas": [CORE], "userName": "ANNA" }), (409, "uniqueness")),
            (TOKEN, "PATCH", at.as_str(), json!({}), (400, "invalidSyntax")),
            (TOKEN, "PATCH", at.as_str(), patch(json!([{ "op": "remove" }])), (400, "noTarget")),
            (
                TOKEN,
                "PATCH",
                at.as_str(),
                patch(json!([{ "op": "remove", "path": "emails[type eq \"a\"]" }])),
                (400, "noTarget"),
            ),
            (TOKEN, "PATCH", at.as_str(), patch(json!([{ "op": "remove", "path": "userName" }])), (400, "mutability")),
            (TOKEN, "PATCH", at.as_str(), patch(json!([{ "op": "remove", "path": "nothing" }])), (400, "invalidPath")),
            (
                TOKEN,
                "PATCH",
                at.as_str(),
                patch(json!([{ "op": "add", "path": "active", "value": 7 }])),
                (400, "invalidValue"),
            ),
        ] {
            let refused = process.send(token, (method, path), &[], body.clone()).await;
            assert_eq!(refusal(&refused), expected, "{method} {path} {body}: {}", refused.body);
        }
        let roles = json!({ "schemas": [CORE], "userName": "c", "password": "correct horse", "roles": [{ "value": "*" }], "entitlements": ["*"] });
        let made = process.ask(201, "POST", PEOPLE, roles).await;
        assert_eq!((&made["roles"], &made["password"]), (&json!([{ "value": "*" }]), &Value::Null), "it is kept");
        let kept: Vec<(database::Json<Value>,)> = db.all("SELECT scim FROM user_account WHERE scim IS NOT NULL", args![]).await.unwrap();
        assert!(!kept.iter().any(|(said,)| said.0.to_string().contains("horse")), "a password is not");
        let account = process.ask(200, "GET", &format!("{USERS}/{}", made["id"].as_str().unwrap()), Value::Null).await;
        assert_eq!(account["permissions"], json!([]), "and gives nothing");
    })
    .await;
}

#[tokio::test]
async fn changes_that_are_made_at_once_without_a_condition_are_all_made() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let at = format!("{PEOPLE}/{}", process.provisioned("anna").await);
        let changes = (0..4).map(|number| {
            let value = json!([{ "value": format!("a{number}@x.example") }]);
            process.send(TOKEN, ("PATCH", &at), &[], patch(json!([{ "op": "add", "path": "emails", "value": value }])))
        });
        let changed = futures::future::join_all(changes.collect::<Vec<_>>()).await;
        assert_eq!(changed.iter().map(|answer| answer.status).collect::<Vec<_>>(), [200; 4]);
        let shown = process.ask(200, "GET", &at, Value::Null).await;
        let emails: BTreeSet<&str> =
            shown["emails"].as_array().unwrap().iter().map(|email| email["value"].as_str().unwrap()).collect();
        assert_eq!(emails.len(), 4, "{shown}");
    })
    .await;
}
