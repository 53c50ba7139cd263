//! Teams of people, by SCIM.

use super::provisioned::{CORE, PEOPLE, patch};
use super::*;

const GROUPS: &str = "/scim/v2/Groups";
const TEAM: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

fn team(name: &str, members: &[&String]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
    json!({ "schemas": [TEAM], "displayName": name, "externalId": format!("of {name}"), "members": members })
}

/// The ids of those who belong to a group.
fn members(group: &Value) -> BTreeSet<String> {
    let all = group["members"].as_array().into_iter().flatten();
    let all = all.inspect(|one| {
        assert_eq!(
            (&one["type"], &one["$ref"]),
            (&json!("User"), &json!(format!("{PEOPLE}/{}", one["value"].as_str().unwrap())))
        );
    });
    all.map(|one| one["value"].as_str().unwrap().to_owned()).collect()
}

fn set(ids: &[&String]) -> BTreeSet<String> {
    ids.iter().map(|id| (*id).clone()).collect()
}

#[tokio::test]
async fn a_group_has_the_members_that_were_said_and_those_who_are_erased_leave_it() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let anna = process.provisioned("anna").await;
        let (bob, carl) = (process.provisioned("bob").await, process.provisioned("carl").await);
        let made = process.send(TOKEN, ("POST", GROUPS), &[], team("physics", &[&anna, &bob, &anna])).await;
        assert_eq!((made.status, members(&made.body)), (201, set(&[&anna, &bob])), "{}", made.body);
        let at = made.headers["location"].to_str().unwrap().to_owned();
        assert_eq!(made.body["meta"]["location"], json!(at));
        let shown = process.send(TOKEN, ("GET", &at), &[], Value::Null).await;
        assert_eq!((&shown.body, &shown.headers["etag"]), (&made.body, &made.headers["etag"]));
        let etag = shown.headers["etag"].to_str().unwrap().to_owned();

        let changes = patch(json!([
            { "op": "Add", "path": "members", "value": [{ "value": carl, "display": "Carl" }, { "value": bob }] },
            { "op": "Remove", "path": format!("members[value eq \"{anna}\"]") },
            { "op": "replace", "value": { "displayName": "Physics" } },
        ]));
        let changed = process.send(TOKEN, ("PATCH", &at), &[("if-match", &etag)], changes.clone()).await;
        assert_eq!((changed.status, members(&changed.body)), (200, set(&[&bob, &carl])), "{}", changed.body);
        assert_eq!(
            (&changed.body["displayName"], &changed.body["externalId"]),
            (&json!("Physics"), &json!("of physics"))
        );
        assert_eq!(process.send(TOKEN, ("PATCH", &at), &[("if-match", &etag)], changes).await.status, 412);

        let etag = changed.headers["etag"].to_str().unwrap().to_owned();
        process.pass(Duration::from_secs(1));
        assert_eq!(process.send(TOKEN, ("DELETE", &format!("{PEOPLE}/{bob}")), &[], Value::Null).await.status, 204);
        let left = process.send(TOKEN, ("GET", &at), &[("if-none-match", &etag)], Value::Null).await;
        assert_eq!((left.status, members(&left.body)), (200, set(&[&carl])));
        assert_ne!(left.body["meta"]["lastModified"], changed.body["meta"]["lastModified"]);
        let replaced = process.ask(200, "PUT", &at, json!({ "schemas": [TEAM], "displayName": "Empty" })).await;
        assert_eq!((members(&replaced), &replaced["externalId"]), (set(&[]), &Value::Null));
        assert_eq!(process.send(TOKEN, ("DELETE", &at), &[("if-match", &etag)], Value::Null).await.status, 412);
        assert_eq!(process.send(TOKEN, ("DELETE", &at), &[], Value::Null).await.status, 204);
        assert_eq!(process.ask(404, "GET", &at, Value::Null).await["status"], "404");
        let told = process.kinds("ten_default").await;
        let told: Vec<&str> = told.iter().map(String::as_str).filter(|kind| kind.starts_with("group.")).collect();
        assert_eq!(told, ["group.created", "group.updated", "group.updated", "group.deleted"]);
    })
    .await;
}

#[tokio::test]
async fn only_people_of_the_tenant_belong_to_a_group_and_a_refused_change_is_not_made_in_part() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        process.ask(201, "POST", TENANTS, json!({ "slug": "north", "name": "North" })).await;
        let north = [("lectern-tenant", "north")];
        let new = json!({ "schemas": [CORE], "userName": "anna" });
        let foreign = process.send(TOKEN, ("POST", PEOPLE), &north, new).await.body["id"].as_str().unwrap().to_owned();
        let own = process.provisioned("anna").await;
        let group = process.ask(201, "POST", GROUPS, team("physics", &[&own])).await;
        let at = format!("{GROUPS}/{}", group["id"].as_str().unwrap());
        let nobody = "usr_0".to_owned();
        for stranger in [&foreign, &nobody] {
            for (method, path, body) in [
                ("POST", GROUPS, team("other", &[&own, stranger])),
                ("PUT", at.as_str(), team("other", &[stranger])),
                (
                    "PATCH",
                    at.as_str(),
                    patch(json!([{ "op": "add", "path": "members", "value": [{ "value": stranger }] }])),
                ),
            ] {
                let refused = process.ask(400, method, path, body).await;
                assert_eq!(refused["scimType"], "invalidValue", "{method} {refused}");
            }
        }
        assert_eq!(process.ask(200, "GET", &at, Value::Null).await, group, "it is as it was");
        assert_eq!(process.send(TOKEN, ("GET", &at), &north, Value::Null).await.status, 404);
        for body in [
            json!({ "schemas": [TEAM], "displayName": "" }),
            json!({ "schemas": [TEAM], "displayName": "x".repeat(201) }),
            json!({ "schemas": [TEAM], "displayName": "a", "externalId": "x".repeat(256) }),
            json!({ "schemas": [TEAM], "displayName": "a", "members": [{ "type": "User" }] }),
        ] {
            assert_eq!(process.ask(400, "POST", GROUPS, body).await["scimType"], "invalidValue");
        }
    })
    .await;
}

#[tokio::test]
async fn groups_are_found_and_members_are_told_where_somebody_wants_them() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let (anna, bob) = (process.provisioned("anna").await, process.provisioned("bob").await);
        let mut ids = Vec::new();
        for (name, members) in [("arts", vec![&anna]), ("biology", vec![&anna, &bob]), ("chess", vec![])] {
            process.pass(Duration::from_millis(1));
            let made = process.ask(201, "POST", GROUPS, team(name, &members)).await;
            ids.push(made["id"].as_str().unwrap().to_owned());
        }
        let names = |list: &Value| -> Vec<String> {
            let all = list["Resources"].as_array().unwrap();
            all.iter().map(|one| one["displayName"].as_str().unwrap().to_owned()).collect()
        };
        for (filter, expected) in [
            ("displayName eq \"ARTS\"".to_owned(), vec!["arts"]),
            ("externalId eq \"of chess\"".to_owned(), vec!["chess"]),
            (format!("members eq \"{anna}\""), vec!["biology", "arts"]),
            (format!("members[value eq \"{bob}\"]"), vec!["biology"]),
            (format!("id eq \"{}\" and members eq \"{bob}\"", ids[0]), vec![]),
            ("not (members pr)".to_owned(), vec!["chess"]),
        ] {
            let question =
                json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": filter });
            let list = process.ask(200, "POST", &format!("{GROUPS}/.search"), question).await;
            assert_eq!(
                (names(&list), list["totalResults"].as_u64()),
                (expected.iter().map(|name| (*name).to_owned()).collect(), Some(expected.len() as u64)),
                "{filter}"
            );
        }
        let list = process.ask(200, "GET", &format!("{GROUPS}?startIndex=2&count=1"), Value::Null).await;
        assert_eq!((names(&list), members(&list["Resources"][0])), (vec!["biology".to_owned()], set(&[&anna, &bob])));
        let list = process.ask(200, "GET", &format!("{GROUPS}?excludedAttributes=members"), Value::Null).await;
        assert!(list["Resources"].as_array().unwrap().iter().all(|one| one["members"].is_null()));

        // What may find groups finds them beside people, and nobody else does.
        let question =
            json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "startIndex": 2, "count": 3 });
        for (permissions, total, found) in
            [(json!(["user.search", "group.search"]), 5, 3), (json!(["user.search"]), 2, 1)]
        {
            let (_, key) = process.key(json!({ "name": "a", "permissions": permissions })).await;
            let list = process.send(&key, ("POST", "/scim/v2/.search"), &[], question.clone()).await.body;
            assert_eq!(
                (list["totalResults"].as_u64(), list["itemsPerPage"].as_u64()),
                (Some(total), Some(found)),
                "{list}"
            );
        }
    })
    .await;
}
