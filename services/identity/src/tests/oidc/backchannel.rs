//! Clients are told that somebody has signed out.

use std::sync::Mutex;

use axum::body::Bytes;
use axum::http::Response;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http_client::testing::{full, serve};

use super::*;
use crate::auth::backchannel::deliver;

/// What a client has heard, and what it answers.
struct Heard {
    tokens: Vec<String>,
    status: u16,
}

impl Process {
    /// How many clients have taken what they are told now.
    async fn tells(&self) -> usize {
        deliver(&self.sessions, &PublicAddress::new(ISSUER).unwrap()).await.unwrap()
    }
}

#[tokio::test]
async fn a_client_is_told_once_however_a_session_of_it_ends_and_again_until_it_has_taken_it() {
    for_each_engine(|db| async move {
        let heard = Arc::new(Mutex::new(Heard { tokens: Vec::new(), status: 200 }));
        let shared = Arc::clone(&heard);
        let at = serve(move |request: Request<Bytes>| {
            let heard = Arc::clone(&shared);
            async move {
                let mut heard = heard.lock().unwrap();
                let form: BTreeMap<String, String> = form_urlencoded::parse(request.body()).into_owned().collect();
                heard.tokens.push(form["logout_token"].clone());
                Response::builder().status(heard.status).body(full("")).unwrap()
            }
        })
        .await;
        let process = Process::first(&db);
        let anna = process.person("default", "anna@example.com", &[]).await;
        let uri = format!("http://{at}/backchannel");
        let program = process.program(json!({ "backchannel_logout_uri": uri })).await;
        let silent = process.program(json!({})).await;
        let granted = process.granted(&program, "openid").await;
        process.granted(&silent, "openid").await;
        assert_eq!(process.tells().await, 0, "nobody has signed out");

        let refresh = granted["refresh_token"].as_str().unwrap();
        assert_eq!(process.called(&program, "/oauth2/revoke", &[("token", refresh)]).await.status, 200);
        assert_eq!((process.tells().await, process.tells().await), (1, 0), "once");
        let token = heard.lock().unwrap().tokens.remove(0);
        let said = claims(&token);
        let sid = claims(granted["id_token"].as_str().unwrap())["sid"].clone();
        assert_eq!((&said["iss"], &said["aud"], &said["sub"]), (&json!(ISSUER), &json!(program.id), &json!(anna)));
        assert_eq!((&said["sid"], &said["nonce"]), (&sid, &Value::Null));
        assert_eq!(said["events"], json!({ "http://schemas.openid.net/event/backchannel-logout": {} }));
        let header: Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap()).unwrap();
        assert_eq!((&header["typ"], &header["alg"]), (&json!("logout+jwt"), &json!("EdDSA")));
        assert_eq!(process.status(&token).await, 401, "it opens nothing");

        // An erasure ends it as well; and a client that fails is told again, later.
        process.granted(&program, "openid").await;
        let person = format!("{USERS}/{anna}");
        let any = [("if-match", "*")];
        assert_eq!(process.send(TOKEN, ("DELETE", &person), &any, Value::Null).await.status, 204);
        heard.lock().unwrap().status = 500;
        assert_eq!((process.tells().await, process.tells().await), (0, 0));
        assert_eq!(heard.lock().unwrap().tokens.len(), 1, "it is left alone for a while");
        heard.lock().unwrap().status = 204;
        process.pass(Duration::from_secs(60));
        assert_eq!((process.tells().await, process.tells().await), (1, 0));
        assert_eq!(heard.lock().unwrap().tokens.len(), 2);

        process.person("default", "anna@example.com", &[]).await;
        process.granted(&program, "openid").await;
        process.pass(Duration::from_secs(31 * 24 * 3600));
        process.tokens("anna@example.com").await;
        assert_eq!(process.tells().await, 0, "what ends in its time is no news");
        let left: Vec<(String,)> = db.all("SELECT session_id FROM auth_logout LIMIT 9", args![]).await.unwrap();
        assert_eq!(left, []);
    })
    .await;
}
