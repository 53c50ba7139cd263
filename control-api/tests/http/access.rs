//! Who may call what.

use crate::server::{SERVICE_TOKEN, Server, TOKEN, read};

const OPEN: [(&str, &str); 52] = [
    ("get", "/healthz"),
    ("get", "/readyz"),
    ("get", "/api/v1/playback/{playback_id}"),
    // They ask for a playback token instead.
    ("post", "/api/v1/playback/{playback_id}/licence/clearkey"),
    ("options", "/api/v1/playback/{playback_id}/licence/clearkey"),
    ("post", "/api/v1/playback/{playback_id}/licence/{system}"),
    ("options", "/api/v1/playback/{playback_id}/licence/{system}"),
    ("get", "/api/v1/playback/{playback_id}/licence/fairplay/certificate"),
    // They ask for a key of pages and apps.
    ("get", "/api/frontend"),
    ("post", "/api/frontend"),
    ("options", "/api/frontend"),
    ("post", "/api/frontend/client/metrics"),
    ("options", "/api/frontend/client/metrics"),
    ("post", "/api/frontend/ofrep/v1/evaluate/flags"),
    ("options", "/api/frontend/ofrep/v1/evaluate/flags"),
    // They ask for a password, a refresh token or the token of a link instead.
    ("post", "/api/v1/auth/sessions"),
    ("post", "/api/v1/auth/sessions/refresh"),
    ("post", "/api/v1/auth/password"),
    ("get", "/api/v1/auth/jwks.json"),
    // Whoever opens a page at an organization's own address, and whoever an invitation was sent to.
    ("get", "/api/v1/org/brands/{host}"),
    ("post", "/api/v1/org/invitations/accept"),
    // They ask for a passkey, or for a code to what a password said.
    ("post", "/api/v1/auth/sessions/passkey"),
    ("post", "/api/v1/auth/sessions/passkey-challenge"),
    ("post", "/api/v1/auth/sessions/code"),
    // They ask for a letter, for what is in one, or for what a provider of others says.
    ("post", "/api/v1/auth/password-links"),
    ("post", "/api/v1/auth/sign-in-links"),
    ("post", "/api/v1/auth/sessions/link"),
    ("get", "/api/v1/auth/sessions/providers"),
    ("post", "/api/v1/auth/sessions/provider"),
    ("post", "/api/v1/auth/sessions/provider-challenge"),
    ("get", "/oauth2/provider"),
    ("get", "/oauth2/provider/callback"),
    // OAuth's addresses are asked by browsers and by clients, who show what OAuth says (RFC 6749, OpenID Connect Core).
    ("get", "/.well-known/oauth-authorization-server"),
    ("get", "/.well-known/openid-configuration"),
    ("get", "/oauth2/authorize"),
    ("post", "/oauth2/authorize"),
    ("post", "/oauth2/sign-in"),
    ("post", "/oauth2/token"),
    ("get", "/oauth2/userinfo"),
    ("post", "/oauth2/userinfo"),
    ("post", "/oauth2/introspect"),
    ("post", "/oauth2/revoke"),
    ("get", "/oauth2/logout"),
    ("post", "/oauth2/logout"),
    ("post", "/oauth2/device"),
    ("get", "/device"),
    ("post", "/device"),
    // What a service can do, which is the same for everybody (RFC 7644 §4).
    ("get", "/scim/v2/ServiceProviderConfig"),
    ("get", "/scim/v2/ResourceTypes"),
    ("get", "/scim/v2/ResourceTypes/{name}"),
    ("get", "/scim/v2/Schemas"),
    ("get", "/scim/v2/Schemas/{urn}"),
];
const CHALLENGE: &str = "Bearer realm=\"lectern\"";
const HIDDEN_OPEN: [&str; 6] =
    ["/", "/assets/nope.js", "/api/docs", "/api/docs/page.js", "/api/docs/page.css", "/api/openapi.json"];

#[tokio::test]
async fn every_documented_route_but_the_open_ones_asks_for_the_token() {
    let server = Server::start().await;
    let document = server.document().await;
    assert_eq!((&document["openapi"], &document["info"]["version"]), (&"3.1.0".into(), &"1.2.3".into()));
    let mut open = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let concrete = path.replace("{", "x").replace("}", "x");
            let answer = server.anonymous(&method.to_uppercase(), &concrete, &[]).await;
            let documented_open = operation["security"].as_array().unwrap().is_empty();
            let is_refused = answer.status == 401;
            assert_eq!(
                is_refused && answer.header("www-authenticate") == CHALLENGE,
                !documented_open,
                "{method} {path}"
            );
            if documented_open {
                open.push((method.clone(), path.clone()));
                continue;
            }
            if method != "head" {
                assert_eq!(answer.code(), "auth.missing_token");
            }
            let wrong = server.anonymous(&method.to_uppercase(), &concrete, &[("authorization", "Bearer wrong")]).await;
            assert_eq!(wrong.status, 401, "{method} {path}");
        }
    }
    open.sort();
    let mut expected = OPEN.map(|(method, path)| (method.to_owned(), path.to_owned()));
    expected.sort();
    assert_eq!(open, expected);
}

#[tokio::test]
async fn what_is_not_in_the_document_is_open_or_asks_for_the_token() {
    let server = Server::start().await;
    for path in HIDDEN_OPEN {
        assert_ne!(server.anonymous("GET", path, &[]).await.status, 401, "{path}");
        assert_eq!(server.anonymous("POST", path, &[]).await.status, 405, "{path}");
    }
    for (method, path) in [("GET", "/nope"), ("GET", "/api/v1/nope"), ("PUT", "/api/v1/assets"), ("GET", "/api/v1/")] {
        assert_eq!(server.anonymous(method, path, &[]).await.status, 401, "{method} {path}");
    }
    assert_eq!(server.get("/api/v1/nope").await.code(), "http.not_found");
    let refused = server.call("PUT", "/api/v1/assets", &[], "").await;
    assert_eq!((refused.status, refused.code().as_str()), (405, "http.method_not_allowed"));
    assert_eq!(refused.header("allow"), "GET,HEAD");
}

#[tokio::test]
async fn a_clients_request_id_comes_back_and_a_strange_one_does_not() {
    let server = Server::start().await;
    let answer = server.anonymous("GET", "/healthz", &[("x-request-id", "mine-1")]).await;
    assert_eq!(answer.header("x-request-id"), "mine-1");
    let answer = server.anonymous("GET", "/nope", &[("x-request-id", "a b\"c")]).await;
    assert!(answer.header("x-request-id").starts_with("req_"));
    assert_eq!(answer.code(), "auth.missing_token");
}

#[tokio::test]
async fn what_is_for_other_processes_opens_to_their_token_alone() {
    let server = Server::start().await;
    let wish = |path: &str| format!(r#"{{"playback_id":"pb_1","path":"{path}"}}"#);
    let ask = async |token: &str, body: String| {
        let authorization = format!("Bearer {token}");
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        read(server.send("POST", control_api::DEMAND_PATH, &headers, body.into()).await).await
    };
    for (path, coming) in [("video-360p/00001.m4s", true), ("never/00001.m4s", false)] {
        let answer = ask(SERVICE_TOKEN, wish(path)).await;
        assert_eq!((answer.status, &answer.json()["coming"]), (200, &coming.into()), "{path}");
    }
    for stranger in [TOKEN, "service-token-012345678", ""] {
        assert_eq!(ask(stranger, wish("video-360p/00001.m4s")).await.status, 401, "{stranger}");
    }
    assert_eq!(server.anonymous("POST", control_api::DEMAND_PATH, &[]).await.code(), "auth.missing_token");
    let authorization = format!("Bearer {SERVICE_TOKEN}");
    let headers = [("authorization", authorization.as_str())];
    assert_eq!(server.anonymous("GET", "/api/v1/assets", &headers).await.status, 401, "it opens nothing else");
}
