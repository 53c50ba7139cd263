//! Whatever changes something, of whichever unit, is recorded.

use std::collections::BTreeSet;
use std::sync::Arc;

use kernel::audit::transit::Ended;
use media_store::FolderStore;
use media_types::publication::staging_key;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::server::{Server, TOKEN, asset_of, read};

/// These change nothing that the platform holds, or are pieces of an upload, a session or a second factor, which is recorded as such.
const NOT_RECORDED: [&str; 28] = [
    "ask_password_link",
    "ask_sign_in_link",
    "begin_identity",
    "begin_passkey_registration",
    "begin_passkey_sign_in",
    "begin_provider_sign_in",
    "begin_totp",
    "dry_run_role",
    "evaluate_access",
    "evaluate_access_several",
    "frontend_features_by_post",
    "frontend_metrics",
    "frontend_ofrep",
    "get_userinfo_by_post",
    "oauth_authorize_by_form",
    "oauth_device",
    "oauth_introspect",
    "ofrep_evaluate_flag",
    "ofrep_evaluate_flags",
    "patch_upload",
    "refresh_session",
    "report_flag_events",
    "scim_search",
    "scim_search_groups",
    "scim_search_users",
    "take_upload_blocks",
    "unleash_metrics",
    "unleash_register",
];
/// What these do is what they answer.
const RECORDED_BY_THEIR_ANSWER: [&str; 16] = [
    "accept_invitation",
    "create_clearkey_licence",
    "create_licence",
    "create_playback_token",
    "decide_about_device",
    "finish_sign_in",
    "oauth_logout_by_form",
    "oauth_revoke",
    "oauth_token",
    "set_password",
    "sign_in",
    "sign_in_by_link",
    "sign_in_by_passkey",
    "sign_in_by_provider",
    "sign_in_in_browser",
    "sign_upload_blocks",
];

/// By this somebody comes in, though it is a GET: so a provider of others sends his browser back.
const RECORDED_THOUGH_ASKED: &str = "come_back_from_provider";
/// The record of these is in the transaction of what they do.
const RECORDED_WITH_THEIR_EFFECT: [&str; 7] = [
    "create_api_key",
    "create_flag_key",
    "create_oauth_client",
    "create_role",
    "create_tenant",
    "create_user",
    "grant_role",
];

/// An operation that may change something.
#[derive(Debug)]
struct Mutating {
    method: String,
    path: String,
    id: String,
    /// How it is recorded.
    told: String,
    /// Whether only people may call it, each about himself.
    is_personal: bool,
}

/// Those of the whole document.
fn mutating(document: &Value) -> Vec<Mutating> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if ["post", "put", "patch", "delete"].contains(&method.as_str()) {
                let text = |name: &str| operation[name].as_str().unwrap_or_default().to_owned();
                let is_personal = operation["security"][0]["bearer"][0] == "person";
                let (id, told) = (text("operationId"), text("x-audit"));
                found.push(Mutating { method: method.to_uppercase(), path: path.clone(), id, told, is_personal });
            } else if operation["x-audit"] != Value::Null {
                assert_eq!(
                    (operation["operationId"].as_str(), method.as_str()),
                    (Some(RECORDED_THOUGH_ASKED), "get"),
                    "{path}"
                );
            }
        }
    }
    found
}

#[tokio::test]
async fn no_operation_of_the_whole_document_begins_before_it_is_recorded_but_those_that_say_so() {
    let server = Server::start().await;
    let operations = mutating(&server.document().await);
    assert!(operations.len() > 40, "{operations:?}");
    let told = |how: &str| -> BTreeSet<&str> {
        operations.iter().filter(|of| of.told == how).map(|of| of.id.as_str()).collect()
    };
    assert_eq!(told("none"), BTreeSet::from(NOT_RECORDED));
    assert_eq!(told("answer"), BTreeSet::from(RECORDED_BY_THEIR_ANSWER));
    assert_eq!(told("effect"), BTreeSet::from(RECORDED_WITH_THEIR_EFFECT));
    let others = NOT_RECORDED.len() + RECORDED_BY_THEIR_ANSWER.len() + RECORDED_WITH_THEIR_EFFECT.len();
    assert_eq!(told("request").len(), operations.len() - others);

    let ids: BTreeSet<&str> = operations.iter().map(|of| of.id.as_str()).collect();
    let unknown: Vec<&str> = ops::audit::packed().filter(|id| !ids.contains(id)).collect();
    assert!(unknown.is_empty(), "packs name what is no operation: {unknown:?}");

    let (_, tokens) = server.person("default", &[]).await;
    server.recorded().await;
    let ask = async |of: &Mutating| {
        let token = if of.is_personal { tokens["access_token"].as_str().unwrap() } else { TOKEN };
        server.ask(token, &of.method, &of.path.replace(['{', '}'], "x"), "{").await.status
    };
    for of in &operations {
        let (status, id) = (ask(of).await, &of.id);
        assert!((400..500).contains(&status) || NOT_RECORDED.contains(&id.as_str()) || status == 503, "{id}: {status}");
    }
    assert_eq!(server.recorded().await, [], "a refusal has changed nothing");

    // Where nothing can be recorded whoever would be comes no further than that, whatever he asks for.
    server.change("DROP TABLE audit_transit").await;
    for of in &operations {
        let (status, id) = (ask(of).await, &of.id);
        assert_eq!(status == 500, of.told == "request", "{id}: {status}");
    }
    assert_eq!(
        server.post("/api/v1/roles", &json!({ "name": "a", "permissions": ["upload.create"] })).await.status,
        500
    );
    assert_eq!(server.get("/api/v1/roles").await.json()["items"], json!([]), "its effect is not without its record");
}

#[tokio::test]
async fn what_a_person_does_is_in_the_log_of_his_tenant_under_his_id_from_his_first_password_on() {
    let server = Server::start().await;
    let school = server.tenant("school").await;
    let (id, tokens) = server.person("school", &["upload.create"]).await;
    let access = tokens["access_token"].as_str().unwrap();
    let wish = json!({ "filename": "a.mp4", "size": 3 }).to_string();
    assert_eq!(server.ask(access, "POST", "/api/v1/uploads", wish).await.status, 201);
    let again = json!({ "refresh_token": tokens["refresh_token"] });
    assert_eq!(server.post("/api/v1/auth/sessions/refresh", &again).await.status, 200);
    let who = json!({ "tenant": "school", "email": "nobody@example.com", "password": "wrong" });
    assert_eq!(server.post("/api/v1/auth/sessions", &who).await.status, 401);
    assert_eq!(server.ask(access, "DELETE", "/api/v1/auth/sessions/current", "").await.status, 204);

    let own = server.recorded_of(&school.parse().unwrap()).await;
    let open = |one: &Ended| [&one.actor, &one.action, &one.resource].map(|text| text.contains("@example.com"));
    assert!(own.iter().all(|one| open(one) == [false; 3]), "nobody's address is beside what the log seals");
    let made = own[0].changes.as_deref().unwrap();
    assert!(made.contains(r#"{"path":"/email","new":""#) && !format!("{own:?}").contains(access), "{made}");
    let of = |one: &Ended| (one.actor.clone(), one.action.clone());
    let expected = [
        ("admin", "create_user"),
        ("admin", "create_password_link"),
        (&id, "set_password"),
        (&id, "sign_in"),
        (&id, "create_upload"),
        (&id, "end_session"),
    ];
    let expected = expected.map(|(actor, action)| (actor.to_owned(), action.to_owned()));
    assert_eq!(own.iter().map(of).collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn each_change_is_recorded_once_with_what_it_was_done_to_and_a_refusal_or_an_answer_given_again_is_not() {
    let server = Server::start().await;
    let key = [("idempotency-key", "once"), ("content-type", "application/json")];
    let wish = json!({ "filename": "a.mp4", "size": 3 }).to_string();
    let upload = server.call("POST", "/api/v1/uploads", &key, wish.clone()).await.json();
    assert_eq!(server.call("POST", "/api/v1/uploads", &key, wish).await.header("idempotency-replayed"), "true");
    assert_eq!(server.post("/api/v1/uploads", &json!({ "filename": "" })).await.status, 422);
    server.call("PUT", upload["put_url"].as_str().unwrap(), &[("x-request-id", "mine")], "abc").await;
    let asset = format!("/api/v1/assets/{}", upload["asset_id"].as_str().unwrap());
    assert_eq!(server.post(&format!("{asset}/cancel"), &json!({})).await.status / 100, 2);
    assert_eq!(server.call("DELETE", &asset, &[], "").await.status / 100, 2);
    assert_eq!(server.call("DELETE", "/api/v1/assets/ast_none", &[], "").await.status, 404);
    assert_eq!(server.post("/api/v1/queue/drain", &json!({ "reason": "new disks" })).await.status / 100, 2);
    assert_eq!(server.post("/api/v1/flags", &json!({ "key": "a" })).await.status, 201);
    let flag = "/api/v1/flags/a/environments/production";
    let typed = [("content-type", "application/json"), ("if-match", "*")];
    assert_eq!(server.call("PUT", flag, &typed, json!({ "enabled": true }).to_string()).await.status, 200);
    assert_eq!(server.post("/ofrep/v1/evaluate/flags/a", &json!({ "context": {} })).await.status, 200);
    assert_eq!(server.post("/api/v1/webhooks", &json!({ "url": "https://example.com/" })).await.status, 201);
    let refused = read(server.send("DELETE", &asset, &[("authorization", "Bearer wrong")], "".into()).await).await;
    assert_eq!(refused.status, 401);

    let recorded = server.recorded().await;
    let of = |one: &Ended| {
        assert_eq!((one.actor.as_str(), one.state.as_str()), ("admin", "done"), "{one:?}");
        assert!(one.status.is_some_and(|status| status / 100 == 2) && one.request_id.is_some(), "{one:?}");
        (one.action.clone(), one.resource.clone())
    };
    let upload = format!("/api/v1/uploads/{}", upload["id"].as_str().unwrap());
    let expected = [
        ("create_upload", upload.as_str()),
        ("put_upload_content", upload.as_str()),
        ("cancel_asset", asset.as_str()),
        ("delete_asset", asset.as_str()),
        ("drain_queue", "/api/v1/queue/drain"),
        ("create_flag", "/api/v1/flags"),
        ("put_flag_environment", flag),
        ("create_webhook", "/api/v1/webhooks"),
    ];
    let expected = expected.map(|(action, resource)| (action.to_owned(), resource.to_owned()));
    assert_eq!(recorded.iter().map(of).collect::<Vec<_>>(), expected);
    assert_eq!(recorded[1].request_id.as_deref(), Some("mine"));
    assert!(!format!("{recorded:?}").contains(TOKEN));
    let changes: Value = serde_json::from_str(recorded[6].changes.as_deref().unwrap()).unwrap();
    let paths = changes["changes"].as_array().unwrap().iter().map(|change| change["path"].as_str().unwrap());
    assert!(paths.into_iter().any(|path| path.starts_with("/environments")), "{changes}");
    assert!(recorded[7].changes.as_deref().unwrap().contains(r#"{"path":"/url","new":"https://example.com/"}"#));
    assert_eq!(server.recorded().await, [], "each of them once");
}

#[tokio::test]
async fn what_a_key_changes_is_in_the_log_of_its_tenant_under_its_id_and_in_no_other() {
    let server = Server::start().await;
    let school = server.tenant("school").await;
    let (id, secret) = server.key("school", &["upload.create"]).await;
    let wish = json!({ "filename": "a.mp4", "size": 3 }).to_string();
    let upload = server.ask(&secret, "POST", "/api/v1/uploads", wish.clone()).await.json();
    assert_eq!(server.ask(&secret, "DELETE", "/api/v1/webhooks/hook_none", "").await.status, 403);
    let named = [("lectern-tenant", "school"), ("content-type", "application/json")];
    assert_eq!(server.call("POST", "/api/v1/uploads", &named, wish).await.status, 201);

    let of = |ended: Vec<Ended>| ended.into_iter().map(|one| (one.actor, one.action)).collect::<Vec<_>>();
    let pair = |actor: &str, action: &str| (actor.to_owned(), action.to_owned());
    let own = server.recorded_of(&school.parse().unwrap()).await;
    assert_eq!(own[1].resource, format!("/api/v1/uploads/{}", upload["id"].as_str().unwrap()));
    assert!(!format!("{own:?}").contains(&secret));
    let expected = [pair("admin", "create_api_key"), pair(&id, "create_upload"), pair("admin", "create_upload")];
    assert_eq!(of(own), expected);
    assert_eq!(of(server.recorded().await), [pair("admin", "create_tenant")], "it is about the installation");
}

#[tokio::test]
async fn an_upload_whose_first_bytes_do_not_fit_is_announced_all_the_same_and_recorded() {
    let server = Server::start().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let request = format!(
        "POST /api/v1/uploads HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {TOKEN}\r\ntus-resumable: 1.0.0\r\n\
         upload-length: 5\r\ncontent-type: application/offset+octet-stream\r\ntransfer-encoding: chunked\r\n\r\n\
         b\r\nhello world\r\n0\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let header =
        |name: &str| answer.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim().to_owned();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    assert_eq!(header("upload-offset:"), "0", "none of them is kept");
    let [recorded] = &server.recorded().await[..] else { panic!("one record") };
    assert_eq!((recorded.action.as_str(), &recorded.resource), ("create_upload", &header("location:")));
}

#[tokio::test]
async fn what_is_given_up_is_recorded_while_another_process_writes_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("media");
    let server = Server::with(Arc::new(FolderStore::open(&root).unwrap()), Some(folder)).await;
    let mut held = Vec::new();
    let mut locked = async |announced: &Value| {
        let asset = asset_of(announced);
        server.media.stage_append(&staging_key(&asset), 0, "some".into()).await.unwrap();
        let file = std::fs::File::open(root.join("staging").join(staging_key(&asset))).unwrap();
        file.try_lock().unwrap();
        held.push(file);
        asset
    };
    let (upload, other) = (server.announce("a.mp4", 9).await, server.announce("b.mp4", 9).await);
    locked(&upload).await;
    let asset = locked(&other).await;
    server.recorded().await;
    let given_up = server.call("DELETE", upload["tus_url"].as_str().unwrap(), &[], "").await;
    let deleted = server.call("DELETE", &format!("/api/v1/assets/{asset}"), &[], "").await;
    assert_eq!((given_up.status, deleted.status), (204, 202));
    let actions: Vec<String> = server.recorded().await.into_iter().map(|one| one.action).collect();
    assert_eq!(actions, ["delete_upload", "delete_asset"]);
}
