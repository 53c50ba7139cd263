//! Teams and licences, and who is on them.

use super::*;

const TEAMS: &str = "/api/v1/org/teams";
const LICENCES: &str = "/api/v1/org/licences";

impl Process {
    /// A new team or licence of the default tenant; where it is.
    async fn roll(&self, address: &str, body: Value) -> String {
        format!("{address}/{}", self.ask(201, "POST", address, body).await["id"].as_str().unwrap())
    }

    /// A new person without a password; the id.
    pub(super) async fn somebody(&self, email: &str) -> String {
        let made = self.ask(201, "POST", USERS, json!({ "email": email, "name": "a" })).await;
        made["id"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn no_more_people_have_a_licence_than_it_has_seats_and_one_that_is_reclaimed_is_free() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let licence = process.roll(LICENCES, json!({ "name": "Physics", "seats": 2 })).await;
        assert_eq!(
            process.ask(409, "POST", LICENCES, json!({ "name": "Physics", "seats": 1 })).await["code"],
            "org.roll_name_taken"
        );
        process.ask(201, "POST", TEAMS, json!({ "name": "Physics" })).await;
        for (body, code) in [
            (json!({ "name": "a", "seats": -1 }), "org.roll_invalid_seats"),
            (json!({ "name": "", "seats": 1 }), "org.invalid_name"),
        ] {
            assert_eq!(process.ask(422, "POST", LICENCES, body).await["code"], code);
        }
        let mut people = Vec::new();
        for email in ["a@b.c", "b@b.c", "c@b.c", "d@b.c", "e@b.c"] {
            people.push(process.somebody(email).await);
        }
        let wishes: Vec<String> = people.iter().map(|user| format!("{licence}/people/{user}")).collect();
        let asked = wishes.iter().map(|wish| process.send(TOKEN, ("PUT", wish), &[], Value::Null));
        let answers: Vec<u16> = futures::future::join_all(asked).await.iter().map(|answer| answer.status).collect();
        assert_eq!(answers.iter().filter(|status| **status == 204).count(), 2, "{answers:?}");
        assert_eq!(answers.iter().filter(|status| **status == 409).count(), 3, "{answers:?}");
        let shown = process.ask(200, "GET", &licence, Value::Null).await;
        assert_eq!((&shown["seats"], &shown["taken"]), (&json!(2), &json!(2)));
        let (status, refused) = process.anew(TOKEN, "PATCH", &licence, json!({ "seats": 1 })).await;
        assert_eq!((status, &refused["code"]), (409, &json!("org.roll_seats_taken")));

        let on = process.ask(200, "GET", &format!("{licence}/people"), Value::Null).await;
        let holder = on["items"][0]["user_id"].as_str().unwrap().to_owned();
        let without = people.iter().zip(&answers).find(|(_, status)| **status == 409).unwrap().0;
        process.ask(204, "PUT", &format!("{licence}/people/{holder}"), Value::Null).await;
        let full = process.ask(409, "PUT", &format!("{licence}/people/{without}"), Value::Null).await;
        assert_eq!(full["code"], "org.roll_full");
        process.ask(204, "DELETE", &format!("{licence}/people/{holder}"), Value::Null).await;
        process.ask(404, "DELETE", &format!("{licence}/people/{holder}"), Value::Null).await;
        process.ask(204, "PUT", &format!("{licence}/people/{without}"), Value::Null).await;
        assert_eq!(process.anew(TOKEN, "DELETE", &format!("{USERS}/{without}"), Value::Null).await.0, 204);
        assert_eq!(process.ask(200, "GET", &licence, Value::Null).await["taken"], 1, "who is erased has no seat");
        for missing in [format!("{licence}/people/usr_none"), format!("{LICENCES}/lic_none/people/{holder}")] {
            process.ask(404, "PUT", &missing, Value::Null).await;
        }
        assert_eq!(process.anew(TOKEN, "DELETE", &licence, Value::Null).await.0, 204);
        process.ask(404, "GET", &licence, Value::Null).await;
    })
    .await;
}

#[tokio::test]
async fn who_manages_a_team_sees_to_its_people_and_to_no_other_team() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let (team, other) = (
            process.roll(TEAMS, json!({ "name": "A", "seats": 3 })).await,
            process.roll(TEAMS, json!({ "name": "B" })).await,
        );
        let (own, foreign) = (team.replace("/teams/", "/my-teams/"), other.replace("/teams/", "/my-teams/"));
        let manager = process.person("default", "manager@example.com", &[]).await;
        let (token, _) = process.tokens("manager@example.com").await;
        let (one, two) = (process.somebody("a@b.c").await, process.somebody("b@b.c").await);
        let put = format!("{own}/people/{one}");
        assert_eq!(process.anew(&token, "PUT", &put, Value::Null).await.0, 404, "he does not see to it yet");
        for (user, is_manager) in [(&manager, true), (&two, true)] {
            process.ask(204, "PUT", &format!("{team}/people/{user}"), json!({ "is_manager": is_manager })).await;
        }
        process.ask(204, "PUT", &format!("{other}/people/{manager}"), json!({ "is_manager": false })).await;
        assert_eq!(process.anew(&token, "PUT", &put, Value::Null).await.0, 204);
        assert_eq!(process.anew(&token, "PUT", &format!("{foreign}/people/{one}"), Value::Null).await.0, 404);
        let third = process.somebody("c@b.c").await;
        let (status, full) = process.anew(&token, "PUT", &format!("{own}/people/{third}"), Value::Null).await;
        assert_eq!((status, &full["code"]), (409, &json!("org.roll_full")));
        let (status, listed) = process.anew(&token, "GET", &format!("{own}/people"), Value::Null).await;
        assert_eq!((status, listed["items"].as_array().unwrap().len()), (200, 3));
        let (status, refused) = process.anew(&token, "DELETE", &format!("{own}/people/{two}"), Value::Null).await;
        assert_eq!((status, &refused["code"]), (409, &json!("org.team_manager")));
        assert_eq!(process.anew(&token, "DELETE", &put, Value::Null).await.0, 204);
        assert_eq!(process.anew(&token, "DELETE", &put, Value::Null).await.0, 404);
        let (_, me) = process.anew(&token, "GET", "/api/v1/org/me", Value::Null).await;
        let teams: Vec<_> = me["teams"].as_array().unwrap().iter().map(|of| (&of["name"], &of["is_manager"])).collect();
        assert_eq!(teams, [(&json!("A"), &json!(true)), (&json!("B"), &json!(false))]);
        let events = outbox::after(&db, &default_tenant(), 0, 100).await.unwrap();
        let left: Vec<_> = events.iter().filter(|event| event.kind == "org_team.left").collect();
        assert_eq!((left.len(), &left[0].data.0["actor"]), (1, &json!(manager)));
    })
    .await;
}
