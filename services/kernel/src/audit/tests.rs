#![allow(clippy::unwrap_used)]

use axum::Extension;
use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{Request as HttpRequest, StatusCode};
use database::testing::{Scratch, for_each_engine, prepare_all};
use database::{Database, EngineKind, args};
use futures::FutureExt;
use tower::ServiceExt;
use utoipa::openapi::OpenApiBuilder;
use utoipa_axum::routes;

use super::*;
use crate::conditional::respond_json;
use crate::idempotency::{Idempotency, Stored};
use crate::{AdminToken, Etag, Guard, Policy, Problem, Routes, codes};

const TOKEN: &str = "0123456789abcdef";
/// That a handler has begun that never ends.
static BEGUN: tokio::sync::Notify = tokio::sync::Notify::const_new();

#[utoipa::path(get, path = "/things/{id}", operation_id = "get_thing", responses((status = 200)))]
async fn show() {}

/// Answers as a request before has been answered.
#[utoipa::path(post, path = "/things/{id}/poke", operation_id = "poke_thing", responses((status = 200)))]
async fn poke() -> Response {
    [(idempotency::REPLAYED, "true")].into_response()
}

#[utoipa::path(put, path = "/things/{id}", operation_id = "put_thing", responses((status = 200)))]
async fn put(Path(id): Path<String>) -> Response {
    match id.as_str() {
        "refused" => Problem::bad_request(codes::BODY_INVALID, "no").into_response(),
        "broken" => StatusCode::BAD_GATEWAY.into_response(),
        "quiet" => (axum::Extension(Unrecorded), StatusCode::OK).into_response(),
        "told" => {
            Etag::of_json(&serde_json::json!({ "tone": "c" })).unwrap();
            respond_json(&HeaderMap::new(), &serde_json::json!({ "tone": "d" }))
        }
        "dead" => panic!("on purpose"),
        "hangs" => {
            BEGUN.notify_one();
            std::future::pending().await
        }
        _ => (StatusCode::CREATED, [(header::LOCATION, format!("/made/{id}"))]).into_response(),
    }
}

#[utoipa::path(delete, path = "/things/{id}", operation_id = "delete_thing", responses((status = 204)))]
async fn remove(Path(id): Path<String>) -> Response {
    if id == "a" {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    Etag::of_json(&serde_json::json!({ "tone": "d" })).unwrap();
    StatusCode::NO_CONTENT.into_response()
}

#[utoipa::path(
    post, path = "/licences", operation_id = "give_licence", extensions(("x-audit" = json!("answer"))), responses((status = 200))
)]
async fn licence() {}

#[utoipa::path(
    patch, path = "/chunks", operation_id = "add_chunk", extensions(("x-audit" = json!("none"))), responses((status = 200))
)]
async fn chunk() {}

#[utoipa::path(
    post, path = "/effects/{id}", operation_id = "do", extensions(("x-audit" = json!("effect"))), responses((status = 201))
)]
async fn effect(Path(id): Path<String>, Extension(db): Extension<Database>) -> Result<Response, Problem> {
    if id == "outside" {
        return Ok(StatusCode::CREATED.into_response());
    }
    let (once, tenant, key) = (Idempotency::new(db.clone(), db.clock()), default_tenant(), Some(id.clone()));
    let request = id.clone();
    let done = once.once_within(&tenant, key, "/done", &request, |_tx| {
        Box::pin(async move {
            match id.as_str() {
                "refused" => Err(Problem::bad_request(codes::BODY_INVALID, "no")),
                "dead" => panic!("on purpose"),
                _ => Ok(Stored { status: StatusCode::CREATED, body: serde_json::json!({ "id": id }) }),
            }
        })
    });
    Ok(done.await?.created("/done"))
}

fn router(recorder: &Recorder) -> Router {
    let guard = Guard::new(AdminToken::new(TOKEN).unwrap());
    let routes = Routes::new(guard, Some(recorder.clone()), OpenApiBuilder::new().build())
        .mount(Policy::Operator, routes!(show, put, remove))
        .mount(Policy::Operator, routes!(poke))
        .mount(Policy::Public, routes!(licence))
        .mount(Policy::Operator, routes!(chunk))
        .mount(Policy::Operator, routes!(effect));
    crate::routes::shell(routes.finish(()).0)
}

fn request(method: &str, path: &str) -> HttpRequest<Body> {
    let request = HttpRequest::builder().method(method).uri(path).header("x-request-id", "req-1");
    request.header("authorization", format!("Bearer {TOKEN}")).body(Body::empty()).unwrap()
}

async fn ask(router: &Router, method: &str, path: &str) -> u16 {
    router.clone().oneshot(request(method, path)).await.unwrap().status().as_u16()
}

/// What waits for the log: actor, action, resource, state, status.
async fn waiting(db: &Database) -> Vec<(String, String, String, String, Option<i64>)> {
    let mut tx = db.begin().await.unwrap();
    let rows = transit::take(&mut tx, &default_tenant(), 1000).await.unwrap();
    assert!(rows.iter().all(|row| row.request_id.as_deref() == Some("req-1") && row.time_ms > 0));
    tx.commit().await.unwrap();
    rows.into_iter().map(|row| (row.actor, row.action, row.resource, row.state, row.status)).collect()
}

fn row(
    actor: &str,
    action: &str,
    resource: &str,
    state: &str,
    status: i64,
) -> (String, String, String, String, Option<i64>) {
    let status = (status > 0).then_some(status);
    (actor.to_owned(), action.to_owned(), resource.to_owned(), state.to_owned(), status)
}

async fn count_open(db: &Database) -> usize {
    transit::open(db, 1000).await.unwrap().len()
}

#[tokio::test]
async fn what_changed_something_or_may_have_leaves_one_record_and_what_did_not_leaves_none() {
    for_each_engine(|db| async move {
        let recorder = Recorder::new(db.clone());
        let router = router(&recorder);
        let cases: [(&str, &str, u16, &[_]); 10] = [
            ("PUT", "/things/a", 201, &[row("admin", "put_thing", "/made/a", "done", 201)]),
            ("PUT", "/things/broken", 502, &[row("admin", "put_thing", "/things/broken", "unknown", 502)]),
            ("PUT", "/things/dead", 500, &[row("admin", "put_thing", "/things/dead", "unknown", 0)]),
            ("POST", "/licences", 200, &[row("anyone", "give_licence", "/licences", "done", 200)]),
            ("PUT", "/things/refused", 400, &[]),
            ("POST", "/things/a/poke", 200, &[]),
            ("PUT", "/things/quiet", 200, &[]),
            ("GET", "/things/a", 200, &[]),
            ("PATCH", "/chunks", 200, &[]),
            ("DELETE", "/things/a", 405, &[]),
        ];
        for (method, path, status, records) in cases {
            assert_eq!(ask(&router, method, path).await, status, "{method} {path}");
            recorder.flush().await;
            assert_eq!(waiting(&db).await, records, "{method} {path}");
            assert_eq!(count_open(&db).await, 0, "{method} {path}");
        }
        let anonymous = HttpRequest::put("/things/a").body(Body::empty()).unwrap();
        assert_eq!(router.clone().oneshot(anonymous).await.unwrap().status(), 401);
        recorder.flush().await;
        assert_eq!(waiting(&db).await, [], "who is not let in has asked for nothing");
    })
    .await;
}

#[tokio::test]
async fn a_record_says_why_from_where_and_what_was_before_and_after_and_nothing_of_whom_nobody_knows() {
    for_each_engine(|db| async move {
        let recorder = Recorder::new(db.clone());
        let router = router(&recorder);
        let ask = async |method: &str, path: &str, reason: &[u8]| {
            let mut request = request(method, path);
            let headers = request.headers_mut();
            headers.insert(REASON, reason.try_into().unwrap());
            headers.insert(header::USER_AGENT, "bell/1".try_into().unwrap());
            request.extensions_mut().insert(Client([192, 0, 2, 7].into()));
            router.clone().oneshot(request).await.unwrap().status().as_u16()
        };
        let recorded = async || {
            recorder.flush().await;
            let mut tx = db.begin().await.unwrap();
            let rows = transit::take(&mut tx, &default_tenant(), 10).await.unwrap();
            tx.commit().await.unwrap();
            rows.into_iter().map(|row| (row.context, row.changes)).collect::<Vec<_>>()
        };
        assert_eq!(ask("PUT", "/things/told", "it was \u{fc}ber".as_bytes()).await, 200);
        assert_eq!(ask("DELETE", "/things/told", b"gone").await, 204);
        let [(context, changes), (_, removed)] = &recorded().await[..] else { panic!("two records") };
        let context: Context = serde_json::from_str(context.as_deref().unwrap()).unwrap();
        let expected = Context {
            address: Some("192.0.2.7".to_owned()),
            user_agent: Some("bell/1".to_owned()),
            reason: Some("it was \u{fc}ber".to_owned()),
            ..Context::default()
        };
        assert_eq!(context, expected);
        assert_eq!(changes.as_deref(), Some(r#"{"changes":[{"path":"/tone","old":"c","new":"d"}]}"#));
        assert_eq!(removed.as_deref(), Some(r#"{"changes":[{"path":"/tone","old":"d"}]}"#));

        assert_eq!(ask("POST", "/licences", b"none of anybody's business").await, 200);
        assert_eq!(recorded().await, [(None, None)]);
        for bad in ["".as_bytes(), &[b'x'; 501], b"\xff"] {
            assert_eq!(ask("PUT", "/things/told", bad).await, 400, "{bad:?}");
        }
        assert_eq!(recorded().await, []);
    })
    .await;
}

#[tokio::test]
async fn a_record_of_an_effect_is_there_with_it_and_not_without() {
    for_each_engine(|db| async move {
        let recorder = Recorder::new(db.clone());
        let router = router(&recorder).layer(Extension(db.clone()));
        let done = |at: &str| vec![row("admin", "do", at, "done", 201)];
        let cases = [
            ("/effects/a", 201, done("/done/a")),
            ("/effects/a", 201, vec![]),
            ("/effects/refused", 400, vec![]),
            ("/effects/dead", 500, vec![]),
            // At fault, and not lost.
            ("/effects/outside", 201, done("/effects/outside")),
        ];
        for (path, status, records) in cases {
            assert_eq!(ask(&router, "POST", path).await, status, "{path}");
            assert_eq!(waiting(&db).await, records, "{path}, without anything having been waited for");
        }
        let mut tx = db.begin().await.unwrap();
        tx.execute("DROP TABLE audit_transit", args![]).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(ask(&router, "POST", "/effects/b").await, 500);
        let left: Option<(i64,)> =
            db.optional("SELECT CAST(COUNT(*) AS BIGINT) FROM idempotency WHERE key = 'b'", args![]).await.unwrap();
        assert_eq!(left.unwrap().0, 0, "what cannot be recorded is not done");
    })
    .await;
}

#[tokio::test]
async fn a_handler_begins_when_its_record_is_durable_and_not_without() {
    let scratch = Scratch::migrated(EngineKind::Sqlite).await;
    let recorder = Recorder::new(scratch.db.clone());
    let router = router(&recorder);
    let mut hangs = Box::pin(router.clone().oneshot(request("PUT", "/things/hangs")));
    let begun = async {
        tokio::select! {
            _ = hangs.as_mut() => panic!("it hangs"),
            () = BEGUN.notified() => {}
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), begun).await.expect("its handler begins");
    assert_eq!(count_open(&scratch.db).await, 1, "and its record is there");
    drop(hangs);
    recorder.flush().await;
    let left = row("admin", "put_thing", "/things/hangs", "unknown", 0);
    assert_eq!(waiting(&scratch.db).await, [left], "its client has left, and what it did nobody knows");

    let mut tx = scratch.db.begin().await.unwrap();
    tx.execute("DROP TABLE audit_transit", args![]).await.unwrap();
    tx.commit().await.unwrap();
    // The handler would answer 201.
    assert_eq!(ask(&router, "PUT", "/things/a").await, 500);
    assert_eq!(ask(&router, "POST", "/licences").await, 500, "an answer that is not recorded is not given");
}

#[tokio::test]
async fn the_record_of_a_process_that_has_died_is_ended_by_another_and_that_of_a_living_one_is_not() {
    for_each_engine(|db| async move {
        let ids: Vec<String> = (0..2).map(|at| format!("record-{at}")).collect();
        let mut tx = db.begin().await.unwrap();
        for (id, writer) in ids.iter().zip(["dead", "alive"]) {
            let mut args =
                args![&default_tenant(), id, writer, "open", "admin", "put_thing", "/a", "req-1", None::<i64>, 5_i64];
            args.extend(args![None::<String>, None::<String>]);
            tx.execute(transit::INSERT, args).await.unwrap();
        }
        tx.commit().await.unwrap();
        let seen = transit::open(&db, 10).await.unwrap();
        let mut tx = db.begin().await.unwrap();
        assert_eq!(tx.execute(transit::BEAT, args!["alive"]).await.unwrap(), 1);
        tx.commit().await.unwrap();
        transit::abandon(&db, &seen).await.unwrap();
        assert_eq!(waiting(&db).await, [row("admin", "put_thing", "/a", "unknown", 0)]);
        assert_eq!(transit::open(&db, 10).await.unwrap(), [(default_tenant().to_string(), ids[1].clone(), 1)]);
        let mut tx = db.begin().await.unwrap();
        assert_eq!(tx.execute(transit::FORGET, args![5_i64]).await.unwrap(), 0, "it is as old as that");
        assert_eq!(tx.execute(transit::FORGET, args![6_i64]).await.unwrap(), 1);
        tx.commit().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn requests_at_the_same_time_leave_one_record_each() {
    for_each_engine(|db| async move {
        let recorder = Recorder::new(db.clone());
        let router = router(&recorder);
        let paths: Vec<String> = (0..300).map(|at| format!("/things/{at}")).collect();
        let answers = futures::future::join_all(paths.iter().map(|path| ask(&router, "PUT", path))).await;
        assert!(answers.iter().all(|status| *status == 201));
        recorder.flush().await;
        let mut made: Vec<String> = waiting(&db).await.into_iter().map(|row| row.2).collect();
        let mut expected: Vec<String> = (0..300).map(|at| format!("/made/{at}")).collect();
        made.sort();
        expected.sort();
        assert_eq!(made, expected);
        assert_eq!(transit::tenants(&db, "", 10).await.unwrap(), [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn who_leaves_before_his_record_is_stored_leaves_none_however_many_wait_before_him() {
    for_each_engine(|db| async move {
        let recorder = Recorder::new(db.clone());
        let router = router(&recorder);
        let asking = |path: &str| Box::pin(router.clone().oneshot(request("PUT", path)));
        let mut staying: Vec<_> = (0..300).map(|at| asking(&format!("/things/{at}"))).collect();
        let mut leaving: Vec<_> = (0..300).map(|_| asking("/things/left")).collect();
        // All of them wait: whoever stores records has not had a turn yet.
        assert!(staying.iter_mut().chain(&mut leaving).all(|one| one.as_mut().now_or_never().is_none()));
        drop(leaving);
        let answers = futures::future::join_all(staying).await;
        assert!(answers.into_iter().all(|answer| answer.unwrap().status() == StatusCode::CREATED));
        recorder.flush().await;
        assert_eq!(count_open(&db).await, 0);
        let recorded = waiting(&db).await;
        assert_eq!(recorded.iter().filter(|row| row.2.starts_with("/made/")).count(), 300);
        assert_eq!(recorded.len(), 300);
    })
    .await;
}

#[tokio::test]
async fn more_than_can_wait_are_refused_and_the_rest_is_recorded() {
    let scratch = Scratch::migrated(EngineKind::Sqlite).await;
    let recorder = Recorder::new(scratch.db.clone());
    let router = router(&recorder);
    let mut asking: Vec<_> =
        (0..5000).map(|_| Box::pin(router.clone().oneshot(request("POST", "/licences")))).collect();
    let refused = asking.iter_mut().filter_map(|one| one.as_mut().now_or_never());
    let refused: Vec<u16> = refused.map(|answer| answer.unwrap().status().as_u16()).collect();
    assert!(!refused.is_empty() && refused.len() < 1000 && refused.iter().all(|status| *status == 503), "{refused:?}");
    drop(asking);
    recorder.flush().await;
    assert_eq!(ask(&router, "POST", "/licences").await, 200, "there is room again");
}

#[tokio::test]
async fn every_statement_prepares() {
    for_each_engine(|db| async move { prepare_all(&db, transit::STATEMENTS).await.unwrap() }).await;
}

#[test]
fn a_resource_is_the_address_up_to_the_last_part_that_varies() {
    for (template, path, expected) in [
        ("/api/v1/assets/{id}/cancel", "/api/v1/assets/ast_1/cancel", "/api/v1/assets/ast_1"),
        ("/api/v1/assets/{id}", "/api/v1/assets/ast_1", "/api/v1/assets/ast_1"),
        ("/flags/{key}/environments/{environment}", "/flags/a/environments/b", "/flags/a/environments/b"),
        ("/api/v1/queue/drain", "/api/v1/queue/drain", "/api/v1/queue/drain"),
    ] {
        assert_eq!(resource(path, last(template)), expected, "{template}");
    }
    assert_eq!(resource(&format!("/{}", "\u{fc}".repeat(9999)), usize::MAX).chars().count(), MAX_RESOURCE);
}
