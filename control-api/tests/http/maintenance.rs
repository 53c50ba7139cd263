//! Units that are closed for a while.

use serde_json::json;

use crate::server::{Server, TOKEN, until};

const OF_MEDIA: &str = "/api/v1/units/media/maintenance";

#[tokio::test]
async fn a_closed_unit_refuses_everybody_but_the_operator_in_every_process_and_others_go_on() {
    let (here, closing) = (Server::start().await, json!({ "reason": "new disks.", "retry_after_s": 300 }).to_string());
    let there = here.beside().await;
    let (_, key) = here.key("default", &["*"]).await;
    let closed = here.ask(TOKEN, "PUT", OF_MEDIA, closing).await;
    assert_eq!(closed.status, 200, "{:?}", closed.body);
    assert_eq!((&closed.json()["unit"], &closed.json()["refuses"]), (&json!("media"), &json!("all")));

    let upload = json!({ "filename": "a.mp4", "size": 3 }).to_string();
    for (method, path, body) in
        [("GET", "/api/v1/assets", ""), ("POST", "/api/v1/uploads", upload.as_str()), ("GET", "/", "")]
    {
        let refused = here.ask(&key, method, path, body.to_owned()).await;
        assert_eq!((refused.status, refused.code().as_str()), (503, "unit.maintenance"), "{method} {path}");
        assert_eq!(refused.header("retry-after"), "300");
        assert!(refused.json()["detail"].as_str().unwrap().ends_with(": new disks"), "{:?}", refused.body);
    }
    until("word in the other process", async || {
        (there.ask(&key, "GET", "/api/v1/assets", "").await.status == 503).then_some(())
    })
    .await;
    let after_a_restart = here.beside().await;
    assert_eq!(after_a_restart.ask(&key, "GET", "/api/v1/assets", "").await.status, 503);
    assert_eq!(after_a_restart.get(OF_MEDIA).await.json(), closed.json());

    assert_eq!(here.get("/api/v1/assets").await.status, 200, "the operator passes");
    for path in ["/api/v1/webhooks", "/api/v1/jobs"] {
        assert_eq!(here.ask(&key, "GET", path, "").await.status, 200, "{path} is of another unit");
    }
    for path in ["/healthz", "/readyz", "/api/docs"] {
        assert_eq!(here.anonymous("GET", path, &[]).await.status, 200, "{path} is of no unit");
    }

    assert_eq!(here.call("DELETE", OF_MEDIA, &[], "").await.status, 204);
    assert_eq!(here.ask(&key, "GET", "/api/v1/assets", "").await.status, 200);
    assert_eq!(here.get(OF_MEDIA).await.code(), "unit.open");
    until("word of that", async || (there.ask(&key, "GET", "/api/v1/assets", "").await.status == 200).then_some(()))
        .await;
    let recorded = here.recorded().await;
    let did: Vec<_> =
        recorded.iter().map(|one| one.action.as_str()).filter(|action| action.ends_with("_unit")).collect();
    assert_eq!(did, ["close_unit", "open_unit"]);
}

#[tokio::test]
async fn a_unit_may_refuse_changes_alone_and_what_makes_no_sense_is_refused() {
    let server = Server::start().await;
    let (_, key) = server.key("default", &["*"]).await;
    let closing = json!({ "reason": "the library moves", "refuses": "changes" }).to_string();
    assert_eq!(server.ask(TOKEN, "PUT", OF_MEDIA, closing.clone()).await.status, 200);
    assert_eq!(server.ask(&key, "GET", "/api/v1/assets", "").await.status, 200);
    let refused =
        server.ask(&key, "POST", "/api/v1/uploads", json!({ "filename": "a.mp4", "size": 3 }).to_string()).await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, "60"));
    assert_eq!(server.ask(&key, "PUT", OF_MEDIA, closing.clone()).await.status, 403, "that is the operator's");

    for (slug, body, status) in [
        ("nothing", closing.clone(), 404),
        ("ott-transcoding", closing, 404),
        ("media", json!({ "reason": "" }).to_string(), 422),
        ("media", json!({ "reason": "a".repeat(201) }).to_string(), 422),
        ("media", json!({ "reason": "a", "retry_after_s": 0 }).to_string(), 422),
        ("media", json!({ "reason": "a", "refuses": "nothing" }).to_string(), 422),
    ] {
        let answer = server.ask(TOKEN, "PUT", &format!("/api/v1/units/{slug}/maintenance"), body).await;
        assert_eq!(answer.status, status, "{slug}: {:?}", answer.body);
    }
}
