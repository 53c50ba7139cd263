//! Documentation, health, metrics and ladders.

use serde_json::json;

use crate::server::Server;

#[tokio::test]
async fn the_documentation_needs_nothing_from_elsewhere() {
    let server = Server::start().await;
    for (path, media_type) in [
        ("/api/docs", "text/html; charset=utf-8"),
        ("/api/docs/page.js", "text/javascript; charset=utf-8"),
        ("/api/docs/page.css", "text/css; charset=utf-8"),
    ] {
        let answer = server.anonymous("GET", path, &[]).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, media_type), "{path}");
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self'"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        let text = String::from_utf8(answer.body.to_vec()).unwrap();
        for elsewhere in ["=\"http:", "=\"https:", "=\"//", "url(", "@import", "import(", "from \"http", "fetch(\"http"]
        {
            assert!(!text.contains(elsewhere), "{elsewhere} in {path}");
        }
        let etag = answer.header("etag").to_owned();
        assert_eq!(server.anonymous("GET", path, &[("if-none-match", &etag)]).await.status, 304);
    }
}

#[tokio::test]
async fn health_and_metrics_tell_what_is() {
    let server = Server::start().await;
    assert_eq!(server.anonymous("GET", "/healthz", &[]).await.json(), json!({ "status": "ok", "version": "1.2.3" }));
    assert_eq!(server.anonymous("GET", "/readyz", &[]).await.json()["status"], "ready");
    server.uploaded().await;
    server.get("/api/v1/nope").await;
    let answer = server.get("/metrics").await;
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    for line in [
        "lectern_build_info{version=\"1.2.3\"} 1",
        "lectern_assets{state=\"processing\"} 1",
        "lectern_assets{state=\"ready\"} 0",
        "lectern_jobs{stage=\"probe\",state=\"ready\"} 1",
        "lectern_http_responses_total{class=\"4xx\"} 1",
    ] {
        assert!(text.lines().any(|known| known == line), "{line} in\n{text}");
    }
    server.store.queue().database().close().await;
    let gone = server.anonymous("GET", "/readyz", &[]).await;
    assert_eq!((gone.status, gone.code().as_str()), (503, "server.not_ready"));
    assert_eq!(server.anonymous("GET", "/healthz", &[]).await.status, 200, "it still answers");
}

#[tokio::test]
async fn ladders_are_shown_with_their_rungs() {
    let server = Server::start().await;
    let list = server.get("/api/v1/ladders").await;
    let items = list.json()["items"].clone();
    assert!(items.as_array().unwrap().iter().any(|ladder| ladder["default"] == json!(true)));
    for ladder in items.as_array().unwrap() {
        let one = server.get(&format!("/api/v1/ladders/{}", ladder["name"].as_str().unwrap())).await;
        assert_eq!(one.json(), *ladder);
        assert!(ladder["rungs"].as_array().unwrap().len() > 1);
        let etag = one.header("etag").to_owned();
        let path = format!("/api/v1/ladders/{}", ladder["name"].as_str().unwrap());
        assert_eq!(server.call("GET", &path, &[("if-none-match", &etag)], "").await.status, 304);
    }
    assert_eq!(server.get("/api/v1/ladders/nope").await.code(), "ladder.not_found");
}

#[tokio::test]
async fn every_operation_has_a_name_of_its_own_and_its_path_parameters() {
    let document = Server::start().await.document().await;
    let mut names = std::collections::BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name.to_owned()), "{name} is not unique");
            for (status, response) in operation["responses"].as_object().unwrap() {
                let refusal = status == "default" || status.starts_with(['4', '5']);
                let types: Vec<_> =
                    response["content"].as_object().into_iter().flatten().map(|(name, _)| name).collect();
                // People are told in pages, and clients of protocols in the words of those.
                let own = |name: &str| match path.split('/').nth(1) {
                    Some("oauth2" | "device") => ["application/json", "text/html"].contains(&name),
                    Some("scim") => name == "application/scim+json",
                    _ => false,
                };
                let problem = types.iter().all(|name| *name == "application/problem+json" || own(name));
                assert!(!refusal || problem, "{method} {path} {status}: {types:?}");
            }
            assert!(operation["responses"]["default"]["content"].is_object(), "{method} {path}");
            for parameter in path.split('{').skip(1).map(|rest| rest.split('}').next().unwrap()) {
                let listed = operation["parameters"].as_array().into_iter().flatten();
                let found = listed.filter(|known| known["in"] == "path" && known["name"] == parameter).count();
                assert_eq!(found, 1, "{method} {path}: {parameter}");
            }
        }
    }
}

#[tokio::test]
async fn the_page_has_a_place_for_the_type_of_a_refusal() {
    let server = Server::start().await;
    let page = server.anonymous("GET", "/api/docs", &[]).await;
    let page = String::from_utf8(page.body.to_vec()).unwrap();
    for path in ["/api/v1/assets/nope", "/api/v1/assets?limit=0", "/api/v1/assets/%FF", "/api/v1/nope", "/assets/nope"]
    {
        let refusal = server.get(path).await;
        let code = refusal.code();
        assert_eq!(refusal.json()["type"], format!("/api/docs#{code}"), "{path}");
        assert!(page.contains(&format!("<dt id=\"{code}\">")), "{code}");
    }
}

#[tokio::test]
async fn what_is_text_is_compressed_for_who_asks_for_that_and_streams_are_not() {
    let server = Server::start().await;
    let whole = server.anonymous("GET", "/api/openapi.json", &[]).await;
    let gzip = [("accept-encoding", "gzip")];
    let packed = server.anonymous("GET", "/api/openapi.json", &gzip).await;
    assert_eq!((packed.status, packed.header("content-encoding")), (200, "gzip"));
    assert!(packed.body.len() < whole.body.len() / 4 && packed.header("etag") != whole.header("etag"));
    let mut text = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&packed.body[..]), &mut text).unwrap();
    assert!(text == whole.body, "it is the same document");
    let known = [gzip[0], ("if-none-match", packed.header("etag"))];
    let again = server.anonymous("GET", "/api/openapi.json", &known).await;
    assert_eq!((again.status, again.header("etag")), (304, packed.header("etag")));
    let bearer = format!("Bearer {}", crate::server::TOKEN);
    let listening = [gzip[0], ("authorization", bearer.as_str())];
    let stream = server.send("GET", "/api/v1/events", &listening, bytes::Bytes::new()).await;
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    assert!(!stream.headers().contains_key("content-encoding"));
}
