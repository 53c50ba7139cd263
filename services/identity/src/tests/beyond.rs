//! Nobody gives what he lacks, by whatever way, nor takes it from those who have it.

use database::Json;
use kernel::Grants;
use media_types::TenantId;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::*;
use crate::rbac::{held, model};

#[tokio::test]
async fn nobody_gives_takes_or_changes_a_role_with_what_he_lacks() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let own = ["role.*", "bell.read"];
        let (_, key) = process.key(json!({ "name": "desk", "permissions": own })).await;
        let desk = process.person("default", "desk@example.com", &own).await;
        let (person, _) = process.tokens("desk@example.com").await;
        let (chiefs, chief) = (process.role("chiefs", &["user.read", "bell.read"]).await, "chief@example.com");
        let chief = process.person("default", chief, &[]).await;
        let binding = process.grant(&chief, &chiefs, None).await;
        for (who, token) in [("key", &key), ("person", &person)] {
            let within = process.anew(token, "POST", ROLES, json!({ "name": who, "permissions": ["bell.read"] })).await;
            assert_eq!(within.0, 201, "{}", within.1);
            let within = within.1["id"].as_str().unwrap();
            for beyond in [json!(["*"]), json!(["bell.*"]), json!(["bell.read", "user.read"])] {
                let new = json!({ "name": "new", "permissions": beyond });
                let change = json!({ "permissions": beyond });
                for (method, path, body) in
                    [("POST", ROLES.to_owned(), new), ("PATCH", format!("{ROLES}/{within}"), change)]
                {
                    let (status, refused) = process.anew(token, method, &path, body).await;
                    assert_eq!((status, &refused["code"]), (403, &json!("role.beyond_own")), "{who} {method} {beyond}");
                }
            }
            for (method, path, body) in [
                ("PATCH", format!("{ROLES}/{chiefs}"), json!({ "name": "mine" })),
                ("PATCH", format!("{ROLES}/{chiefs}"), json!({ "permissions": ["bell.read"] })),
                ("DELETE", format!("{ROLES}/{chiefs}"), Value::Null),
                ("POST", BINDINGS.to_owned(), json!({ "user_id": desk, "role_id": chiefs })),
                ("DELETE", format!("{BINDINGS}/{binding}"), Value::Null),
            ] {
                let (status, refused) = process.anew(token, method, &path, body).await;
                assert_eq!((status, &refused["code"]), (403, &json!("role.beyond_own")), "{who} {method} {path}");
            }
            let wish = json!({ "user_id": chief, "role_id": within });
            let (status, given) = process.anew(token, "POST", BINDINGS, wish).await;
            assert_eq!(status, 201, "{given}");
            let given = format!("{BINDINGS}/{}", given["id"].as_str().unwrap());
            assert_eq!(process.anew(token, "DELETE", &given, Value::Null).await.0, 204);
            assert_eq!(process.anew(token, "DELETE", &format!("{ROLES}/{within}"), Value::Null).await.0, 204);
        }
    })
    .await;
}

#[tokio::test]
async fn what_somebody_has_for_a_while_he_uses_and_does_not_give() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let own = ["role.*", "user.*", "api_key.create"];
        let id = process.person("default", "anna@example.com", &own).await;
        let bells = process.role("bells", &["bell.read"]).await;
        process.grant(&id, &bells, Some(3600)).await;
        let (token, _) = process.tokens("anna@example.com").await;
        let mine = process.anew(&token, "GET", "/api/v1/access/me", Value::Null).await;
        let lasting = json!(["api_key.create", "role.*", "user.*"]);
        let all = json!(["api_key.create", "bell.read", "role.*", "user.*"]);
        assert_eq!(mine, (200, json!({ "permissions": all, "lasting": lasting })));
        let question = format!("/api/v1/access/explain?subject={id}&permission=bell.read");
        assert_eq!(process.ask(200, "GET", &question, Value::Null).await["is_allowed"], true);
        for (method, path, body) in [
            ("POST", ROLES.to_owned(), json!({ "name": "mine", "permissions": ["bell.read"] })),
            ("PATCH", format!("{ROLES}/{bells}"), json!({ "description": "a" })),
            ("POST", BINDINGS.to_owned(), json!({ "user_id": id, "role_id": bells, "expires_in_s": 60 })),
            ("PATCH", format!("{USERS}/{id}"), json!({ "permissions": ["bell.read"] })),
            ("POST", USERS.to_owned(), json!({ "email": "b@b.c", "name": "b", "permissions": ["bell.read"] })),
            ("POST", KEYS.to_owned(), json!({ "name": "a", "permissions": ["bell.read"] })),
        ] {
            assert_eq!(process.anew(&token, method, &path, body).await.0, 403, "{method} {path}");
        }
        let short = json!({ "name": "a", "permissions": ["role.*", "bell.read"], "expires_in_s": 600 });
        let (_, short) = process.key(short).await;
        let other = process.person("default", "other@example.com", &[]).await;
        for (seconds, status) in [(None, 403), (Some(3600), 403), (Some(600), 201)] {
            let wish = json!({ "user_id": other, "role_id": bells, "expires_in_s": seconds });
            assert_eq!(process.anew(&short, "POST", BINDINGS, wish).await.0, status, "{seconds:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn whoever_has_a_role_is_seen_to_by_those_alone_who_have_as_much() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        process.person("default", "desk@example.com", &["user.*"]).await;
        let (desk, _) = process.tokens("desk@example.com").await;
        let chief = process.person("default", "chief@example.com", &[]).await;
        let at = format!("{USERS}/{chief}");
        let role = process.role("chiefs", &["*"]).await;
        for ends in [Some(60), None] {
            let binding = process.grant(&chief, &role, ends).await;
            for (method, path, body) in [
                ("POST", format!("{at}/password-link"), Value::Null),
                ("PATCH", at.clone(), json!({ "email": "mine@example.com" })),
                ("DELETE", at.clone(), Value::Null),
            ] {
                let (status, refused) = process.anew(&desk, method, &path, body).await;
                assert_eq!((status, &refused["code"]), (403, &json!("user.beyond_own")), "{method} {path}");
            }
            assert_eq!(process.anew(TOKEN, "DELETE", &format!("{BINDINGS}/{binding}"), Value::Null).await.0, 204);
        }
        assert_eq!(process.anew(&desk, "POST", &format!("{at}/password-link"), Value::Null).await.0, 200);
    })
    .await;
}

/// What two people, and the keys that they make, might try.
#[derive(Clone, Copy, Debug)]
enum Try {
    Role,
    ChangeRole,
    RemoveRole,
    Give,
    Take,
    ChangePerson,
    Person,
    Key,
    Link,
}

const TRIES: &[Try] = &[
    Try::Role,
    Try::ChangeRole,
    Try::RemoveRole,
    Try::Give,
    Try::Give,
    Try::Take,
    Try::ChangePerson,
    Try::Person,
    Try::Key,
    Try::Link,
];
const WORDS: &[&str] = &[
    "access.evaluate",
    "api_key.create",
    "bell.*",
    "bell.read",
    "role.*",
    "role.create",
    "role.delete",
    "role.grant",
    "role.revoke",
    "role.update",
    "user.*",
    "user.create",
    "user.update",
];

/// A tenant with two people who work together, of whom one has a role for a while, and a chief.
struct Story<'a> {
    process: &'a Process,
    runner: &'a mut TestRunner,
    tenant: String,
    slug: String,
    people: Vec<String>,
    roles: Vec<String>,
    bindings: Vec<String>,
    /// What is worth trying: what the two have, and what they have not.
    words: Vec<&'static str>,
    /// Tokens and keys.
    hands: Vec<String>,
    made: usize,
}

impl<'a> Story<'a> {
    async fn new(process: &'a Process, runner: &'a mut TestRunner, number: usize) -> Self {
        let slug = format!("t{number}");
        let tenant = process.ask(201, "POST", TENANTS, json!({ "slug": slug, "name": "a" })).await;
        let tenant = tenant["id"].as_str().unwrap().to_owned();
        let mut this = Self {
            process,
            runner,
            tenant,
            slug,
            people: Vec::new(),
            roles: Vec::new(),
            bindings: Vec::new(),
            words: vec!["*", "user.*"],
            hands: Vec::new(),
            made: 0,
        };
        for name in ["anna", "bob", "chief"] {
            let own: Vec<&str> = if name == "chief" { Vec::new() } else { this.draw(subsequence(WORDS, 2..7)) };
            this.words.extend(&own);
            let email = format!("{name}@example.com");
            this.people.push(process.person(&this.slug, &email, &own).await);
            if name != "chief" {
                let begun = process.sign_in(&this.slug, &email, PASSWORD).await;
                this.hands.push(begun.body["access_token"].as_str().unwrap().to_owned());
            }
        }
        for (name, list, holder, ends) in [("chiefs", "*", 2, None), ("bells", "bell.*", 0, Some(3600))] {
            let role = this.operator(ROLES, json!({ "name": name, "permissions": [list] })).await;
            let wish = json!({ "user_id": this.people[holder], "role_id": role, "expires_in_s": ends });
            let binding = this.operator(BINDINGS, wish).await;
            this.roles.push(role);
            this.bindings.push(binding);
        }
        this
    }

    fn draw<S: Strategy>(&mut self, of: S) -> S::Value {
        of.new_tree(self.runner).unwrap().current()
    }

    fn one(&mut self, of: &[String]) -> String {
        self.draw(select(of.to_vec()))
    }

    async fn operator(&self, path: &str, body: Value) -> String {
        let made = self.process.send(TOKEN, ("POST", path), &[("lectern-tenant", &self.slug)], body).await;
        assert_eq!(made.status, 201, "{}", made.body);
        made.body["id"].as_str().unwrap().to_owned()
    }

    /// What all of them together have now and what for good, keys included and the chief not.
    async fn together(&self) -> (Grants, Grants) {
        let db = &self.process.db;
        let tenant: TenantId = self.tenant.parse().unwrap();
        let people: Vec<(String, Json<Grants>)> =
            db.all("SELECT id, permissions FROM user_account WHERE tenant_id = $1", args![&tenant]).await.unwrap();
        let keys: Vec<(Json<Grants>,)> =
            db.all("SELECT permissions FROM api_key WHERE tenant_id = $1", args![&tenant]).await.unwrap();
        let (mut now, mut lasting): (Vec<Grants>, Vec<Grants>) =
            keys.into_iter().map(|(key,)| (key.0.clone(), key.0)).unzip();
        for (id, own) in people.into_iter().filter(|(id, _)| *id != self.people[2]) {
            let roles = held(db, &tenant, &id).await.unwrap();
            now.push(model::may(&own.0, &roles, self.process.now_ms.load(Ordering::Relaxed)));
            lasting.push(model::lasting(&own.0, &roles));
        }
        (Grants::united(&now), Grants::united(&lasting))
    }

    /// Tries something; what it was, and the status.
    async fn go_on(&mut self) -> (String, u16) {
        let (hands, people, roles, bindings) =
            (self.hands.clone(), self.people.clone(), self.roles.clone(), self.bindings.clone());
        self.made += 1;
        let (what, name) = (self.draw(select(TRIES)), format!("made {}", self.made));
        let list = self.draw(subsequence(self.words.clone(), 1..3));
        let (person, role) = (self.one(&people), self.one(&roles));
        let (method, path, body) = match what {
            Try::Role => ("POST", ROLES.to_owned(), json!({ "name": name, "permissions": list })),
            Try::ChangeRole => ("PATCH", format!("{ROLES}/{role}"), json!({ "permissions": list })),
            Try::RemoveRole => ("DELETE", format!("{ROLES}/{role}"), Value::Null),
            Try::Give => {
                let ends = self.draw(select(vec![None, Some(60)]));
                ("POST", BINDINGS.to_owned(), json!({ "user_id": person, "role_id": role, "expires_in_s": ends }))
            }
            Try::Take => ("DELETE", format!("{BINDINGS}/{}", self.one(&bindings)), Value::Null),
            Try::ChangePerson => ("PATCH", format!("{USERS}/{person}"), json!({ "permissions": list })),
            Try::Person => {
                let email = format!("p{}@example.com", self.made);
                ("POST", USERS.to_owned(), json!({ "email": email, "name": name, "permissions": list }))
            }
            Try::Key => ("POST", KEYS.to_owned(), json!({ "name": name, "permissions": list })),
            Try::Link => ("POST", format!("{USERS}/{}/password-link", people[2]), Value::Null),
        };
        let hand = self.one(&hands);
        let told = format!("{method} {path} {body}");
        let (status, answer) = self.process.anew(&hand, method, &path, body).await;
        if let (201, Some(id)) = (status, answer["id"].as_str()) {
            match what {
                Try::Role => self.roles.push(id.to_owned()),
                Try::Give => self.bindings.push(id.to_owned()),
                Try::Person => self.people.push(id.to_owned()),
                Try::Key => self.hands.push(answer["secret"].as_str().unwrap().to_owned()),
                _ => {}
            }
        }
        (told, status)
    }
}

#[tokio::test]
async fn whatever_people_try_together_they_never_have_more_than_they_had_together() {
    for_each_engine(|db| async move {
        let (process, mut runner) = (Process::first(&db), TestRunner::default());
        let (mut done, mut refused) = (0, 0);
        for number in 0..10 {
            let mut story = Story::new(&process, &mut runner, number).await;
            let (now, lasting) = story.together().await;
            for _ in 0..40 {
                let (told, status) = story.go_on().await;
                assert!(status < 500, "{status}: {told}");
                done += usize::from(status < 300);
                refused += usize::from(status == 403);
                if status < 300 {
                    let (after, for_good) = story.together().await;
                    assert_eq!((now.lacks(&after), lasting.lacks(&for_good)), (None, None), "{told}");
                    assert!(!told.contains("password-link"), "the chief has more than they have: {told}");
                }
            }
        }
        assert!(done >= 20 && refused >= 50, "{done} were done and {refused} refused");
    })
    .await;
}
