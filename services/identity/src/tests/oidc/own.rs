//! Clients that act in their own name.

use super::*;

const IN_OWN_NAME: [(&str, &str); 1] = [("grant_type", "client_credentials")];

fn machine(permissions: &[&str]) -> Value {
    json!({ "redirect_uris": [], "grants": ["client_credentials"], "permissions": permissions })
}

#[tokio::test]
async fn a_client_with_a_secret_does_in_its_own_name_what_it_may_and_nothing_else_until_that_is_taken_from_it() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let program = process.program(machine(&["user.read", "user.create"])).await;
        let granted = process.called(&program, "/oauth2/token", &IN_OWN_NAME).await;
        assert_eq!((granted.status, granted.header("cache-control")), (200, "no-store"), "{}", granted.text);
        let granted = granted.json();
        assert_eq!((&granted["token_type"], &granted["expires_in"]), (&json!("Bearer"), &json!(600)));
        assert_eq!((&granted["refresh_token"], &granted["id_token"]), (&Value::Null, &Value::Null));
        let token = granted["access_token"].as_str().unwrap();
        let said = claims(token);
        assert_eq!((&said["sub"], &said["aud"], &said["amr"]), (&json!(program.id), &json!("lectern-api"), &json!([])));
        let get = async |path: &str| process.anew(token, "GET", path, Value::Null).await.0;
        assert_eq!(
            (get(USERS).await, get(ROLES).await, get(SESSIONS).await),
            (200, 403, 403),
            "it is nobody in person"
        );
        assert_eq!(process.userinfo(token).await.status, 401);
        let new = json!({ "email": "new@example.com", "name": "New", "permissions": ["user.read"] });
        assert_eq!(process.anew(token, "POST", USERS, new).await.0, 201);
        let beyond = json!({ "email": "other@example.com", "name": "New", "permissions": ["role.read"] });
        assert_eq!(process.anew(token, "POST", USERS, beyond).await.1["code"], "user.beyond_own");
        let asked = process.called(&program, "/oauth2/introspect", &[("token", token)]).await.json();
        assert_eq!((&asked["active"], &asked["sub"], &asked["sid"]), (&json!(true), &json!(program.id), &Value::Null));

        let at = format!("{CLIENTS}/{}", program.id);
        let change = async |change: Value| process.send(TOKEN, ("PATCH", &at), &[("if-match", "*")], change).await;
        assert_eq!(change(json!({ "permissions": ["role.read"] })).await.status, 200);
        assert_eq!((get(USERS).await, get(ROLES).await), (403, 200), "it may what it may now");
        process.pass(Duration::from_secs(600));
        assert_eq!(get(ROLES).await, 401, "it holds for ten minutes");
        let again = process.called(&program, "/oauth2/token", &IN_OWN_NAME).await.json();
        let again = again["access_token"].as_str().unwrap();
        assert_eq!(process.anew(again, "GET", ROLES, Value::Null).await.0, 200);
        let other = json!({ "grants": ["device_code"] });
        assert_eq!(change(other).await.body["permissions"], json!([]));
        assert_eq!(process.anew(again, "GET", ROLES, Value::Null).await.0, 401);
        let refused = process.called(&program, "/oauth2/token", &IN_OWN_NAME).await;
        assert_eq!(refused.error(), (400, "unauthorized_client".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn nobody_gives_a_client_what_he_lacks_and_one_that_keeps_no_secret_has_nothing_of_its_own() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let may = json!({ "name": "a", "permissions": ["oauth_client.*", "user.read"] });
        let (_, some) = process.key(may.clone()).await;
        let mut short = may;
        short["expires_in_s"] = json!(3600);
        let (_, short) = process.key(short).await;
        let new = |more: Value| {
            let mut new = json!({ "name": "a", "is_confidential": true });
            new.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            new
        };
        let make = async |token: &str, more: Value| {
            let made = process.send(token, ("POST", CLIENTS), &[], new(more)).await;
            (made.status, made.body["code"].as_str().unwrap_or_default().to_owned())
        };
        let beyond = (403, "oauth_client.beyond_own".to_owned());
        assert_eq!(make(&some, machine(&["user.read"])).await.0, 201);
        assert_eq!(make(&some, machine(&["user.*"])).await, beyond);
        assert_eq!(make(&short, machine(&["user.read"])).await, beyond, "the client would outlive the key");
        for (more, code) in [
            (json!({ "grants": ["client_credentials"] }), "oauth_client.invalid_permissions"),
            (json!({ "grants": ["device_code"], "permissions": ["user.read"] }), "oauth_client.invalid_permissions"),
            (machine(&["nothing.here"]), "oauth_client.invalid_permissions"),
        ] {
            assert_eq!(make(TOKEN, more.clone()).await, (422, code.to_owned()), "{more}");
        }
        let mut open = machine(&["user.read"]);
        open["is_confidential"] = json!(false);
        assert_eq!(make(TOKEN, open).await, (422, "oauth_client.invalid_grants".to_owned()));

        let program = process.program(machine(&["*"])).await;
        let at = format!("{CLIENTS}/{}", program.id);
        let changed = process.send(&some, ("PATCH", &at), &[("if-match", "*")], json!({ "name": "b" })).await;
        assert_eq!((changed.status, &changed.body["code"]), (403, &json!("oauth_client.beyond_own")));
        let scoped = [IN_OWN_NAME[0], ("scope", "openid")];
        let refused = process.called(&program, "/oauth2/token", &scoped).await;
        assert_eq!(refused.error(), (400, "invalid_scope".to_owned()));
        let wrong = Program { id: program.id.clone(), secret: Some("lc_wrong".to_owned()) };
        let refused = process.called(&wrong, "/oauth2/token", &IN_OWN_NAME).await;
        assert_eq!(refused.error(), (401, "invalid_client".to_owned()));
    })
    .await;
}
