//! People, as organisations count them.

use kernel::reader;

use super::*;

const DUMP: &str = "SELECT tenant_id, user_id, state FROM org_person ORDER BY tenant_id, user_id";

async fn dump(db: &Database) -> Vec<(String, String, String)> {
    db.all(DUMP, args![]).await.unwrap()
}

#[tokio::test]
async fn an_organisation_counts_its_people_and_forgets_who_is_erased_and_a_replay_counts_the_same() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let counted = Tenants::new(db.clone(), db.clock()).inbox(org::people::People);
        let at = |tenant: &str| format!("{TENANTS}/{tenant}/people");
        let default = at(default_tenant().as_str());
        let other = process.ask(201, "POST", TENANTS, json!({ "slug": "other", "name": "Other" })).await;
        let other = other["id"].as_str().unwrap().to_owned();
        let look = async || {
            while counted.look().await.unwrap() {}
            process.ask(200, "GET", &default, Value::Null).await
        };
        assert_eq!(look().await, json!({ "active": 0, "suspended": 0 }));
        let mut ids = Vec::new();
        for name in ["anna", "bob", "carl"] {
            ids.push(process.account("default", &format!("{name}@example.com")).await);
        }
        process.account("other", "anna@example.com").await;
        assert_eq!(look().await, json!({ "active": 3, "suspended": 0 }));
        process.status_of(&ids[0], "suspended").await;
        process.status_of(&ids[1], "suspended").await;
        process.status_of(&ids[1], "active").await;
        assert_eq!(look().await, json!({ "active": 2, "suspended": 1 }));
        process.status_of(&ids[2], "deactivated").await;
        assert_eq!(look().await, json!({ "active": 1, "suspended": 1 }), "who has gone is not counted");
        process.status_of(&ids[2], "active").await;
        assert_eq!(look().await, json!({ "active": 2, "suspended": 1 }), "and may come back");
        let user = format!("{USERS}/{}", ids[1]);
        assert_eq!(process.anew(TOKEN, "DELETE", &user, Value::Null).await.0, 204);
        assert_eq!(look().await, json!({ "active": 1, "suspended": 1 }));
        let counts = process.ask(200, "GET", &at(&other), Value::Null).await;
        assert_eq!(counts, json!({ "active": 1, "suspended": 0 }));
        process.ask(404, "GET", &at("ten_none"), Value::Null).await;

        let before = dump(&db).await;
        assert!(before.iter().all(|(_, id, _)| *id != ids[1]), "nothing is left of who is erased");
        assert!(reader::replay(&db, "org.people").await.unwrap());
        look().await;
        assert_eq!(dump(&db).await, before);
    })
    .await;
}

impl Process {
    /// A new account at a tenant, without a password; its id.
    async fn account(&self, slug: &str, email: &str) -> String {
        let new = json!({ "email": email, "name": email });
        let made = self.send(TOKEN, ("POST", USERS), &[("lectern-tenant", slug)], new).await;
        assert_eq!(made.status, 201, "{}", made.body);
        made.body["id"].as_str().unwrap().to_owned()
    }

    /// Puts a person of the default tenant into a state.
    async fn status_of(&self, id: &str, state: &str) {
        let (status, body) = self.anew(TOKEN, "PATCH", &format!("{USERS}/{id}"), json!({ "state": state })).await;
        assert_eq!(status, 200, "{body}");
    }
}
