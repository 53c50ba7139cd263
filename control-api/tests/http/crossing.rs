//! Two tenants in one server: whatever one of them has, the other one cannot find.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use control_api::Licences;
use http_body_util::BodyExt;
use key_vault::LocalKeks;
use media_store::MemoryStore;
use serde_json::{Value, json};

use crate::server::{Answer, Server, read};

/// What belongs to no tenant, so that everybody finds it; and what each has at the same addresses, as the log of each has a first entry.
const SHARED: [&str; 2] = ["/api/v1/audit/entries/{index}", "/api/v1/ladders/{name}"];
/// Operations that make what they do not find, so that they never answer 404.
const MAKES: [&str; 2] = ["put_flag_approval", "put_flag_segment"];

/// A tenant with a key that may everything there, and one resource of each kind.
pub(crate) struct Side {
    pub(crate) secret: String,
    /// Ids, by the pattern of their address up to the parameter.
    pub(crate) ids: BTreeMap<&'static str, String>,
}

impl Side {
    /// The one line that a new kind of resource needs: how one is made, and what its address begins with.
    pub(crate) async fn new(server: &Server, slug: &str) -> Self {
        server.tenant(slug).await;
        let (key, secret) = server.key(slug, &["*"]).await;
        let made = async |path: &str, body: Value| {
            let answer = server.ask(&secret, "POST", path, body.to_string()).await;
            assert!([200, 201, 202].contains(&answer.status), "{path}: {:?}", answer.body);
            answer.json()
        };
        let id = |value: &Value, name: &str| value[name].as_str().unwrap().to_owned();
        let upload = made("/api/v1/uploads", json!({ "filename": "same.mp4", "size": 3 })).await;
        let whole = made("/api/v1/uploads", json!({ "filename": "same.mp4", "size": 3 })).await;
        let put = server.ask(&secret, "PUT", whole["put_url"].as_str().unwrap(), "abc").await;
        assert_eq!(put.status, 200, "{:?}", put.body);
        let asset = id(&whole, "asset_id");
        let shown = server.ask(&secret, "GET", &format!("/api/v1/assets/{asset}"), "").await.json();
        let jobs = server.ask(&secret, "GET", &format!("/api/v1/jobs?asset_id={asset}"), "").await.json();
        let webhook = made("/api/v1/webhooks", json!({ "url": "https://example.com/hook" })).await;
        let webhook = id(&webhook, "id");
        let delivery = made(&format!("/api/v1/webhooks/{webhook}/test"), json!({})).await;
        let on = json!({ "production": { "enabled": true } });
        made("/api/v1/flags", json!({ "key": format!("of-{slug}"), "environments": on })).await;
        let segment = json!({ "description": slug, "constraints": [] }).to_string();
        let segments = format!("/api/v1/flag-segments/of-{slug}");
        assert_eq!(server.ask(&secret, "PUT", &segments, segment).await.status, 200);
        let wish =
            json!({ "flag_key": format!("of-{slug}"), "environment": "staging", "settings": { "enabled": true } });
        let wish = made("/api/v1/flag-requests", wish).await;
        let arms = json!([{ "name": "a", "weight": 500, "value": "a" }, { "name": "b", "weight": 500, "value": "b" }]);
        let arms = json!({ "production": { "enabled": true, "variants": arms } });
        let tried = format!("tried-{slug}");
        made("/api/v1/flags", json!({ "key": tried, "value_type": "string", "environments": arms })).await;
        let tried = json!({ "flag_key": tried, "environment": "production", "goal": "seen" });
        let experiment = made("/api/v1/flag-experiments", tried).await;
        let page = made("/api/v1/flag-keys", json!({ "environment": "production" })).await;
        let user = made("/api/v1/users", json!({ "email": "same@example.com", "name": "Same" })).await;
        let client =
            json!({ "name": "Same", "is_confidential": true, "redirect_uris": ["https://app.example/callback"] });
        let client = made("/api/v1/oauth-clients", client).await;
        let provider = json!({ "name": "Same", "issuer": "https://id.example.com", "client_id": "same" });
        let provider = made("/api/v1/auth/providers", provider).await;
        let role = made("/api/v1/roles", json!({ "name": "Same", "permissions": ["asset.read"] })).await;
        let has = json!({ "user_id": user["id"], "role_id": role["id"] });
        let binding = made("/api/v1/role-bindings", has).await;
        let guardian = made("/api/v1/users", json!({ "email": "other@example.com", "name": "Other" })).await;
        let guardians = format!("/api/v1/users/{}/guardians/{}", id(&user, "id"), id(&guardian, "id"));
        let relation = json!({ "relation": "mother" }).to_string();
        assert_eq!(server.ask(&secret, "PUT", &guardians, relation).await.status, 204);
        let field = json!({ "key": format!("of_{slug}"), "label": "Same", "kind": "text", "visibility": "staff" });
        let field = made("/api/v1/users/fields", field).await;
        let team = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Same" });
        let team = made("/scim/v2/Groups", team).await;
        let hold = made("/api/v1/audit/holds", json!({ "reason": "same" })).await;
        let stream = made("/api/v1/audit/streams", json!({ "url": "https://siem.example/ingest" })).await;
        let node = made("/api/v1/org/nodes", json!({ "name": "Same" })).await;
        let given = format!("/api/v1/org/nodes/{}/roles/{}", id(&node, "id"), id(&role, "id"));
        assert_eq!(server.ask(&secret, "PUT", &given, "").await.status, 204);
        let class = made("/api/v1/org/teams", json!({ "name": "Same" })).await;
        let licence = made("/api/v1/org/licences", json!({ "name": "Same", "seats": 1 })).await;
        let invited = made("/api/v1/org/invitations", json!({ "email": "invited@example.com" })).await;
        let domain = made("/api/v1/org/domains", json!({ "name": "same.example" })).await;
        let own = format!("of-{slug}");
        let ids = BTreeMap::from([
            ("/api/v1/api-keys/{id}", key),
            ("/api/v1/assets/{id}", asset.clone()),
            ("/api/v1/audit/holds/{id}", id(&hold, "id")),
            ("/api/v1/audit/streams/{id}", id(&stream, "id")),
            ("/api/v1/auth/impersonations/{id}", id(&user, "id")),
            ("/api/v1/auth/providers/{id}", id(&provider, "id")),
            ("/api/v1/flags/{key}", own.clone()),
            ("/api/v1/flags/{key}/environments/{environment}", "production".to_owned()),
            ("/api/v1/flag-experiments/{id}", id(&experiment, "id")),
            ("/api/v1/flag-keys/{id}", id(&page, "id")),
            ("/api/v1/flag-requests/{id}", id(&wish, "id")),
            ("/api/v1/flag-segments/{name}", own.clone()),
            ("/api/v1/jobs/{id}", id(&jobs["items"][0], "id")),
            ("/api/v1/oauth-clients/{id}", id(&client, "id")),
            ("/api/v1/org/domains/{id}", id(&domain, "id")),
            ("/api/v1/org/invitations/{id}", id(&invited, "id")),
            ("/api/v1/org/licences/{id}", id(&licence, "id")),
            ("/api/v1/org/licences/{id}/people/{user_id}", id(&user, "id")),
            ("/api/v1/org/nodes/{id}", id(&node, "id")),
            ("/api/v1/org/nodes/{id}/roles/{role_id}", id(&role, "id")),
            ("/api/v1/org/people/{id}", id(&user, "id")),
            ("/api/v1/org/teams/{id}", id(&class, "id")),
            ("/api/v1/org/teams/{id}/people/{user_id}", id(&user, "id")),
            ("/api/v1/playback/{playback_id}", id(&shown, "playback_id")),
            ("/api/v1/role-bindings/{id}", id(&binding, "id")),
            ("/api/v1/roles/{id}", id(&role, "id")),
            ("/api/v1/transcoding/jobs/{jobId}", asset),
            ("/api/v1/uploads/{id}", id(&upload, "id")),
            ("/api/v1/users/{id}", id(&user, "id")),
            ("/api/v1/users/fields/{key}", id(&field, "id")),
            ("/api/v1/users/{id}/guardians/{guardian_id}", id(&guardian, "id")),
            ("/api/v1/webhooks/{id}", webhook),
            ("/api/v1/webhooks/{id}/deliveries/{delivery_id}", id(&delivery, "id")),
            ("/ofrep/v1/evaluate/flags/{key}", own),
            ("/scim/v2/Groups/{id}", id(&team, "id")),
            ("/scim/v2/Users/{id}", id(&user, "id")),
        ]);
        Self { secret, ids }
    }

    /// An address with the ids of this side.
    pub(crate) fn address(&self, pattern: &str) -> String {
        let (mut address, mut known) = (String::new(), String::new());
        for part in pattern.split('/').skip(1) {
            known.push('/');
            known.push_str(part);
            address.push('/');
            let unknown = || panic!("say in Side::new how one of {known} is made");
            let id = part.starts_with('{').then(|| self.ids.get(known.as_str()).unwrap_or_else(unknown));
            address.push_str(id.map_or(part, String::as_str));
        }
        address
    }
}

/// The operations that a key may call: pattern, method, and what the document says.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let needs = &operation["security"][0]["bearer"][0];
            if needs.as_str().is_some_and(|needs| !["operator", "person"].contains(&needs)) {
                all.push((path.clone(), method.to_uppercase(), operation.clone()));
            }
        }
    }
    all
}

/// The least that a schema takes.
pub(crate) fn least(document: &Value, schema: &Value) -> Value {
    if let Some(name) = schema["$ref"].as_str() {
        return least(document, &document["components"]["schemas"][name.rsplit('/').next().unwrap()]);
    }
    if let Some(first) = schema["enum"].as_array().and_then(|all| all.first()) {
        return first.clone();
    }
    if let Some(example) = schema.get("example") {
        return example.clone();
    }
    if let Some(parts) = schema["oneOf"].as_array().or(schema["allOf"].as_array()) {
        return least(document, &parts[0]);
    }
    let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str());
    match kind {
        Some("string") => "x".repeat(schema["minLength"].as_u64().unwrap_or(1) as usize).into(),
        Some("integer" | "number") => schema["minimum"].as_i64().unwrap_or(1).into(),
        Some("boolean") => false.into(),
        Some("array") => {
            let count = schema["minItems"].as_u64().unwrap_or(0);
            (0..count).map(|_| least(document, &schema["items"])).collect()
        }
        _ => {
            let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
            required.map(|name| (name.to_owned(), least(document, &schema["properties"][name]))).collect()
        }
    }
}

/// Calls an operation with all that its document says is needed.
async fn call(
    server: &Server,
    secret: &str,
    (method, address): (&str, &str),
    operation: &Value,
    document: &Value,
) -> Answer {
    let bearer = format!("Bearer {secret}");
    // Which uploads by tus ask for, and nobody else minds.
    let mut headers = vec![("authorization", bearer.as_str()), ("tus-resumable", "1.0.0"), ("upload-offset", "0")];
    let content = operation["requestBody"]["content"].as_object().and_then(|content| content.iter().next());
    let body = match content {
        Some((kind, of)) if kind.ends_with("json") => {
            headers.push(("content-type", kind.as_str()));
            least(document, &of["schema"]).to_string()
        }
        Some((kind, _)) => {
            headers.push(("content-type", kind.as_str()));
            "abc".to_owned()
        }
        None => String::new(),
    };
    read(server.send(method, address, &headers, Bytes::from(body)).await).await
}

async fn server() -> Server {
    let licences = |db: &database::Database| Licences::under(db.clone(), LocalKeks::parse(&"4f".repeat(32)).unwrap());
    Server::licensing(Arc::new(MemoryStore::default()), None, licences).await
}

#[tokio::test]
async fn no_operation_finds_what_belongs_to_another_tenant() {
    let server = server().await;
    let (one, other) = (Side::new(&server, "north").await, Side::new(&server, "south").await);
    let document = server.document().await;
    let mut swept = 0;
    for (pattern, method, operation) in operations(&document) {
        let name = operation["operationId"].as_str().unwrap();
        let is_shared = SHARED.iter().any(|shared| pattern.starts_with(shared)) || MAKES.contains(&name);
        // What a server can do, which is all that OPTIONS tells, is the same for everybody.
        if !pattern.contains('{') || is_shared || method == "OPTIONS" {
            continue;
        }
        let address = one.address(&pattern);
        let answer = call(&server, &other.secret, (&method, &address), &operation, &document).await;
        assert_eq!(answer.status, 404, "{name} of {address}: {:?}", answer.body);
        swept += 1;
    }
    assert!(swept >= 40, "{swept} operations were swept");
    for pattern in one.ids.keys().filter(|pattern| document["paths"][**pattern]["get"].is_object()) {
        let there = server.ask(&one.secret, "GET", &one.address(pattern), "").await;
        let playable = *pattern == "/api/v1/playback/{playback_id}";
        assert_eq!(there.status, if playable { 404 } else { 200 }, "{pattern}: {:?}", there.body);
    }
}

#[tokio::test]
async fn no_list_shows_what_belongs_to_another_tenant() {
    let server = server().await;
    let (one, other) = (Side::new(&server, "north").await, Side::new(&server, "south").await);
    let document = server.document().await;
    let foreign: Vec<&String> = one.ids.values().filter(|id| *id != "production").collect();
    let mut own = 0;
    for (pattern, method, operation) in operations(&document) {
        let endless = operation["responses"]["200"]["content"]["text/event-stream"].is_object();
        let asks = |parameter: &Value| parameter["in"] == "query" && parameter["required"] == true;
        let is_no_list = operation["parameters"].as_array().is_some_and(|all| all.iter().any(asks));
        if method != "GET" || pattern.contains('{') || endless || is_no_list {
            continue;
        }
        let answer = server.ask(&other.secret, "GET", &pattern, "").await;
        assert_eq!(answer.status, 200, "{pattern}: {:?}", answer.body);
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        for id in &foreign {
            assert!(!text.contains(id.as_str()), "{pattern} shows {id}: {text}");
        }
        own += usize::from(other.ids.values().any(|id| text.contains(id.as_str())));
    }
    assert!(own >= 5, "lists show what is one's own");
}

#[tokio::test]
async fn a_stream_tells_a_tenant_of_its_own_recordings_alone() {
    let server = server().await;
    let (one, other) = (Side::new(&server, "north").await, Side::new(&server, "south").await);
    let bearer = format!("Bearer {}", other.secret);
    let headers = [("authorization", bearer.as_str())];
    let mut stream = server.send("GET", "/api/v1/events?after=0", &headers, Bytes::new()).await.into_body();
    let (own, foreign) = (&other.ids["/api/v1/assets/{id}"], &one.ids["/api/v1/assets/{id}"]);
    let mut text = String::new();
    let told = async {
        // Progress comes by another way than events, and both have to be its own.
        while !(text.contains(own.as_str()) && text.contains("event: asset.progress")) {
            let frame = stream.frame().await.expect("the stream goes on").unwrap();
            text.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap());
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), told).await.expect("its own recording is told in time");
    assert!(!text.contains(foreign.as_str()), "{text}");
}

#[tokio::test]
async fn tenants_may_use_the_same_names_and_the_operator_sees_the_one_that_he_names() {
    let server = server().await;
    let (one, other) = (Side::new(&server, "north").await, Side::new(&server, "south").await);
    for (side, value) in [(&one, "red"), (&other, "blue")] {
        let settings = json!({ "production": { "enabled": true, "on_value": value } });
        let flag = json!({ "key": "colour", "value_type": "string", "environments": settings }).to_string();
        assert_eq!(server.ask(&side.secret, "POST", "/api/v1/flags", flag).await.status, 201);
    }
    let key = [("idempotency-key", "the-same")];
    for (side, value) in [(&one, "red"), (&other, "blue")] {
        let body = json!({ "context": {} }).to_string();
        let told = server.ask(&side.secret, "POST", "/ofrep/v1/evaluate/flags/colour", body).await.json();
        assert_eq!(told["value"], value);
        let bearer = format!("Bearer {}", side.secret);
        let headers = [key[0], ("authorization", bearer.as_str()), ("content-type", "application/json")];
        let body = json!({ "filename": "a.mp4", "size": 3 }).to_string();
        let announced = read(server.send("POST", "/api/v1/uploads", &headers, body.into()).await).await;
        assert_eq!((announced.status, announced.header("idempotency-replayed")), (201, ""), "keys are a tenant's own");
    }
    let asset = &one.ids["/api/v1/assets/{id}"];
    let path = format!("/api/v1/assets/{asset}");
    assert_eq!(server.get(&path).await.status, 404, "the operator acts for the default tenant");
    assert_eq!(server.call("GET", &path, &[("lectern-tenant", "north")], "").await.status, 200);
    assert_eq!(server.call("GET", &path, &[("lectern-tenant", "south")], "").await.status, 404);
    let nobody = server.call("GET", &path, &[("lectern-tenant", "west")], "").await;
    assert_eq!((nobody.status, nobody.code().as_str()), (404, "tenant.not_found"));
}
