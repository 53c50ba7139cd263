//! What several people change says which state of it is meant.

use serde_json::Value;

use crate::crossing::{Side, least};
use crate::server::{Server, TOKEN, read};

/// What is ended in whatever state it is: a key, whose last use is a part of it, and a recording, which changes by itself.
const ENDED_ANYHOW: [&str; 2] = ["delete_asset", "revoke_api_key"];

/// Whether an operation is of a protocol of others, by how it refuses: in SCIM a client may say which state it means, and need not (RFC
/// 7644 §3.14).
fn is_foreign(operation: &Value) -> bool {
    operation["responses"]["default"]["content"]["application/problem+json"].is_null()
}

/// Operations that change what is there and take `If-Match`: pattern, method, and what the document says.
fn conditional(document: &Value) -> Vec<(String, String, Value)> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in ["put", "patch", "delete"] {
            let operation = &item[method];
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            if parameters.clone().any(|parameter| parameter["name"] == "If-Match") {
                all.push((path.clone(), method.to_uppercase(), operation.clone()));
            }
        }
    }
    all
}

#[tokio::test]
async fn no_change_of_what_is_shared_is_taken_without_the_state_that_it_is_meant_for() {
    let server = Server::start().await;
    let mut side = Side::new(&server, "north").await;
    let tenant = server.tenant("south").await;
    let (_, tokens) = server.person("north", &[]).await;
    side.ids.insert("/api/v1/tenants/{id}", tenant);
    let document = server.document().await;
    let (mut demanded, mut foreign, mut exempt) = (0, 0, Vec::new());
    for (pattern, method, operation) in conditional(&document) {
        let name = operation["operationId"].as_str().unwrap();
        let is_demanded = operation["responses"]["428"].is_object();
        if !is_demanded && !is_foreign(&operation) {
            exempt.push(name.to_owned());
            continue;
        }
        let token = match operation["security"][0]["bearer"][0].as_str() {
            Some("operator") => TOKEN,
            Some("person") => tokens["access_token"].as_str().unwrap(),
            _ => side.secret.as_str(),
        };
        let bearer = format!("Bearer {token}");
        let content = operation["requestBody"]["content"].as_object().and_then(|content| content.values().next());
        let body = content.map_or_else(String::new, |content| least(&document, &content["schema"]).to_string());
        let address = side.address(&pattern);
        let answer = async |condition: &[(&str, &str)]| {
            let own = [("authorization", bearer.as_str()), ("content-type", "application/json")];
            let headers: Vec<_> = own.iter().chain(condition).copied().collect();
            read(server.send(&method, &address, &headers, body.clone().into()).await).await
        };
        if is_demanded {
            let refused = answer(&[]).await;
            assert_eq!((refused.status, refused.code().as_str()), (428, "http.precondition_required"), "{name}");
            demanded += 1;
        } else {
            foreign += 1;
        }
        let stale = answer(&[("if-match", "\"x\"")]).await;
        assert_eq!((stale.status, stale.code().as_str()), (412, "http.precondition_failed"), "{name}");
    }
    exempt.sort_unstable();
    assert_eq!((demanded, foreign, exempt), (39, 6, ENDED_ANYHOW.map(str::to_owned).to_vec()));
}
