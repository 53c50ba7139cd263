//! Every operation of the document, called by everybody that there is.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::server::{ALL, SERVICE_TOKEN, Server, TOKEN};

/// An operation, at an address where nothing is.
struct Operation {
    name: String,
    method: String,
    path: String,
    /// The permission that it asks for, or `operator`; `None` of what is open.
    needs: Option<String>,
}

fn operations(document: &Value) -> Vec<Operation> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let security = operation["security"].as_array().unwrap();
            let needs = security.first().map(|needed| {
                let roles = needed["bearer"].as_array().unwrap();
                assert_eq!((security.len(), roles.len()), (1, 1), "{method} {path}");
                roles[0].as_str().unwrap().to_owned()
            });
            all.push(Operation {
                name: format!("{method} {path}"),
                method: method.to_uppercase(),
                path: path.replace(['{', '}'], "x"),
                needs,
            });
        }
    }
    all
}

/// The status of an answer, whose body may have no end.
async fn status(server: &Server, of: &Operation, token: Option<&str>) -> u16 {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let headers: Vec<_> = bearer.iter().map(|bearer| ("authorization", bearer.as_str())).collect();
    server.send(&of.method, &of.path, &headers, Default::default()).await.status().as_u16()
}

#[tokio::test]
async fn each_operation_is_open_to_those_who_have_its_permission_and_to_the_operator() {
    let server = Server::start().await;
    let operations = operations(&server.document().await);
    let permissions: BTreeSet<String> =
        operations.iter().filter_map(|of| of.needs.clone()).filter(|needs| needs != "operator").collect();
    assert!(permissions.len() > 20, "{permissions:?}");
    server.tenant("school").await;
    let mut exactly = BTreeMap::new();
    let mut all_but = BTreeMap::new();
    for permission in &permissions {
        let others: Vec<&str> = permissions.iter().filter(|other| *other != permission).map(String::as_str).collect();
        exactly.insert(permission.as_str(), server.key("school", &[permission.as_str()]).await.1);
        all_but.insert(permission.as_str(), server.key("school", &others).await.1);
    }
    let (_, everything) = server.key("school", &["*"]).await;
    for of in &operations {
        let Some(needs) = of.needs.as_deref() else { continue };
        let name = &of.name;
        assert_eq!(status(&server, of, None).await, 401, "{name}: nobody");
        assert_eq!(status(&server, of, Some("lk_nobody")).await, 401, "{name}: a stranger");
        assert_eq!(status(&server, of, Some(SERVICE_TOKEN)).await, 401, "{name}: another process");
        if needs == "operator" {
            assert_eq!(status(&server, of, Some(&everything)).await, 403, "{name}: a key of a tenant");
            continue;
        }
        assert_eq!(status(&server, of, Some(&all_but[needs])).await, 403, "{name}: a key without {needs}");
        for token in [exactly[needs].as_str(), everything.as_str(), TOKEN] {
            let answered = status(&server, of, Some(token)).await;
            assert!(![401, 403].contains(&answered), "{name}: {answered} with {needs}");
        }
    }
}

#[tokio::test]
async fn a_refusal_names_the_permission_that_is_missing() {
    let server = Server::start().await;
    let (_, key) = server.key("default", &["asset.read"]).await;
    let refused = server.ask(&key, "DELETE", "/api/v1/assets/ast_1", "").await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "auth.forbidden"));
    assert_eq!(refused.json()["detail"], "this key lacks the permission asset.delete");
    let refused = server.ask(&key, "GET", "/metrics", "").await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "auth.forbidden"));
    let wish = json!({ "playback_id": "pb_1", "path": "a" }).to_string();
    assert_eq!(server.ask(&key, "POST", control_api::DEMAND_PATH, wish).await.status, 403);
    assert_eq!(server.ask(&key, "GET", "/api/v1/nope", "").await.code(), "http.not_found");
}

#[tokio::test]
async fn the_catalogue_is_what_is_mounted_unit_by_unit() {
    let mut all = BTreeSet::new();
    for unit in ALL {
        let document = Server::of(&[unit.slug]).await.document().await;
        // Every process has figures, for the operator.
        let asked = operations(&document).into_iter().filter_map(|of| of.needs).filter(|needs| needs != "operator");
        let asked: BTreeSet<String> = asked.collect();
        let listed: BTreeSet<String> = unit.permissions.iter().map(ToString::to_string).collect();
        assert_eq!((asked, unit.permissions.len()), (listed.clone(), listed.len()), "{}", unit.slug);
        all.extend(listed);
    }
    let server = Server::of(&["auth"]).await;
    assert_eq!(server.get("/api/v1/permissions").await.json()["items"], json!(all));
    for (permission, fine) in [("asset.read", true), ("asset.*", true), ("asset.rea", false), ("asse.*", false)] {
        let made = server.post("/api/v1/api-keys", &json!({ "name": "a", "permissions": ["*", permission] })).await;
        assert_eq!(made.status == 201, fine, "{permission}");
        assert!(fine || made.json()["errors"][0]["pointer"] == "/permissions/1", "{:?}", made.body);
    }
}
