//! A server of its own for each test, and a client.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use asset_flow::{FlowEvent, FlowFailure, PlanSummary, RenditionSummary};
use asset_store::AssetStore;
use bytes::Bytes;
use control_api::{BuiltinLadders, ControlOptions, FrontOptions, Gateway, GatewayOptions, Licences, Origins};
use database::testing::Scratch;
use database::{Database, EngineKind};
use futures::future::BoxFuture;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{HeaderMap, Method, Request, Response};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use identity::Registry;
use identity::auth::{Keys, PublicAddress, Sessions};
use identity::org::Tenants;
use identity::rbac::Roles;
use identity::user::Users;
use job_queue::JobQueue;
use kernel::audit::transit::{self, Ended};
use kernel::{AdminToken, Keyring, Limiter, Maintenance, Proxies, Rates, Recorder, Served, Unit, default_tenant};
use media_store::{FolderStore, MediaStore, MemoryStore};
use media_types::{AssetId, Loss, PlaybackId, TenantId, VideoCodec};
use ops::audit::Audit;
use ops::flags::Flags;
use serde_json::Value;
use tokio::net::TcpListener;
use webhook::Webhooks;

/// All that there are.
pub(crate) const UNITS: [&str; 11] =
    ["gateway", "media", "processing", "streaming", "webhook", "audit", "flags", "auth", "org", "user", "rbac"];

/// The same.
pub(crate) static ALL: [&Unit; 11] = [
    &control_api::GATEWAY,
    &control_api::MEDIA,
    &control_api::PROCESSING,
    &control_api::STREAMING,
    &webhook::UNIT,
    &ops::audit::UNIT,
    &ops::flags::UNIT,
    &identity::auth::UNIT,
    &identity::org::UNIT,
    &identity::user::UNIT,
    &identity::rbac::UNIT,
];

pub(crate) const TOKEN: &str = "test-token-0123456789";
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) store: AssetStore,
    pub(crate) media: Arc<dyn MediaStore>,
    client: Client<HttpConnector, Full<Bytes>>,
    licences: Licences,
    scratch: Arc<Scratch>,
    recorder: Recorder,
    _folder: Option<tempfile::TempDir>,
}

/// What other processes call with.
pub(crate) const SERVICE_TOKEN: &str = "service-token-0123456789";

/// Hears every wish, and says that what lies in `never/` does not come.
struct Listening;

impl control_api::Viewers for Listening {
    fn want<'a>(&'a self, _playback: &'a PlaybackId, path: &'a str) -> BoxFuture<'a, bool> {
        Box::pin(std::future::ready(!path.starts_with("never/")))
    }
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {:?}", self.body))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The code of a refusal, after checking that it is a whole problem, or what its media type has instead.
    pub(crate) fn code(&self) -> String {
        if self.header("content-type") == "application/scim+json" {
            return self.scim_code();
        }
        assert_eq!(self.header("content-type"), "application/problem+json", "{:?}", self.body);
        let body = self.json();
        assert_eq!(body["status"], self.status);
        assert_eq!(body["request_id"], self.header("x-request-id"));
        for field in ["type", "title"] {
            assert!(body[field].as_str().is_some_and(|text| !text.is_empty()), "{field}");
        }
        assert!(body["retryable"].is_boolean());
        let clauses = std::iter::once(&body).chain(body["errors"].as_array().unwrap());
        for clause in clauses.flat_map(|part| [&part["detail"], &part["hint"]]) {
            let text = clause.as_str().unwrap();
            let begins = !text.starts_with(|first: char| first.is_uppercase());
            assert!(
                !text.is_empty() && begins && !text.ends_with('.'),
                "{text:?} begins in lower case, without a stop"
            );
        }
        for error in body["errors"].as_array().unwrap() {
            assert!(error["pointer"].is_string() && error["code"].is_string(), "{error}");
        }
        body["code"].as_str().unwrap().to_owned()
    }
}

impl Answer {
    /// Of an error of SCIM (RFC 7644 §3.12), the code is behind its link.
    fn scim_code(&self) -> String {
        let body = self.json();
        let names: Vec<&String> = body.as_object().unwrap().keys().filter(|name| *name != "scimType").collect();
        assert_eq!(names, ["detail", "schemas", "status"], "{body}");
        assert_eq!(body["schemas"], serde_json::json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
        assert_eq!(body["status"], self.status.to_string());
        assert!(body["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{body}");
        assert!(!self.header("x-request-id").is_empty());
        let code =
            self.header("link").strip_prefix("</api/docs#").and_then(|rest| rest.strip_suffix(">; rel=\"type\""));
        code.unwrap_or_else(|| panic!("no code in {:?}", self.headers)).to_owned()
    }
}

impl Server {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let media = Arc::new(FolderStore::open(folder.path().join("media")).unwrap());
        Self::with(media, Some(folder)).await
    }

    /// A server whose bytes go to `media`.
    pub(crate) async fn with(media: Arc<dyn MediaStore>, folder: Option<tempfile::TempDir>) -> Self {
        Self::licensing(media, folder, |_| Licences::default()).await
    }

    /// A server with keys and tokens.
    pub(crate) async fn licensing(
        media: Arc<dyn MediaStore>,
        folder: Option<tempfile::TempDir>,
        licences: impl FnOnce(&Database) -> Licences,
    ) -> Self {
        Self::serving(&UNITS, media, folder, licences).await
    }

    /// A server that answers so many requests, and believes those proxies.
    pub(crate) async fn limited(rates: &[&str], proxies: Proxies) -> Self {
        let limiter = Limiter::new(Rates::with(rates.iter().copied()).unwrap());
        let scratch = Scratch::migrated(EngineKind::Sqlite).await;
        Self::on(scratch, &UNITS, Arc::new(MemoryStore::default()), None, Licences::default(), (limiter, proxies)).await
    }

    /// A server whose database is of this engine.
    pub(crate) async fn on_engine(kind: EngineKind) -> Self {
        let scratch = Scratch::migrated(kind).await;
        Self::on(scratch, &UNITS, Arc::new(MemoryStore::default()), None, Licences::default(), usual()).await
    }

    /// Where a text stands in the database: tables with their columns.
    pub(crate) async fn places_of(&self, text: &str) -> Vec<String> {
        database::testing::places_of(&self.scratch.db, text).await.unwrap()
    }

    /// The audit log, as a process serves it.
    pub(crate) fn audit(&self) -> Served {
        let db = &self.scratch.db;
        ops::audit::serve(Audit::new(db.clone(), db.clock(), Keyring::default()))
    }

    /// The address of the database, which is a path where that is a file.
    pub(crate) fn database_url(&self) -> &str {
        self.scratch.url()
    }

    /// A server of these units alone.
    pub(crate) async fn of(slugs: &[&str]) -> Self {
        Self::serving(slugs, Arc::new(MemoryStore::default()), None, |_| Licences::default()).await
    }

    async fn serving(
        slugs: &[&str],
        media: Arc<dyn MediaStore>,
        folder: Option<tempfile::TempDir>,
        licences: impl FnOnce(&Database) -> Licences,
    ) -> Self {
        let scratch = Scratch::migrated(EngineKind::Sqlite).await;
        let licences = licences(&scratch.db);
        Self::on(scratch, slugs, media, folder, licences, usual()).await
    }

    async fn on(
        scratch: Scratch,
        slugs: &[&str],
        media: Arc<dyn MediaStore>,
        folder: Option<tempfile::TempDir>,
        licences: Licences,
        counting: (Limiter, Proxies),
    ) -> Self {
        let (address, recorder) = process(slugs, &scratch.db, Arc::clone(&media), licences.clone(), counting).await;
        let store = AssetStore::new(JobQueue::new(scratch.db.clone()));
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { address, store, media, client, licences, scratch: Arc::new(scratch), recorder, _folder: folder }
    }

    /// Another process on the same database and store; requests go there from now on.
    pub(crate) async fn beside(&self) -> Self {
        let db = self.scratch.another().await;
        let (address, recorder) = process(&UNITS, &db, Arc::clone(&self.media), self.licences.clone(), usual()).await;
        Self {
            address,
            store: self.store.clone(),
            media: Arc::clone(&self.media),
            client: self.client.clone(),
            licences: self.licences.clone(),
            scratch: Arc::clone(&self.scratch),
            recorder,
            _folder: None,
        }
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Response<Incoming> {
        let mut request = Request::builder().method(Method::from_bytes(method.as_bytes()).unwrap());
        request = request.uri(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.client.request(request.body(Full::new(body)).unwrap()).await.unwrap()
    }

    /// A request with this token, with JSON unless it says otherwise.
    pub(crate) async fn ask(&self, token: &str, method: &str, path: &str, body: impl Into<Bytes>) -> Answer {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        read(self.send(method, path, &headers, body.into()).await).await
    }

    /// Makes a tenant; its id.
    pub(crate) async fn tenant(&self, slug: &str) -> String {
        let made = self.post("/api/v1/tenants", &serde_json::json!({ "slug": slug, "name": slug })).await;
        assert_eq!(made.status, 201, "{:?}", made.body);
        made.json()["id"].as_str().unwrap().to_owned()
    }

    /// Makes a key of the tenant of this slug; its id and its secret.
    pub(crate) async fn key(&self, slug: &str, permissions: &[&str]) -> (String, String) {
        let body = serde_json::json!({ "name": "test", "permissions": permissions }).to_string();
        let headers = [("content-type", "application/json"), ("lectern-tenant", slug)];
        let made = self.call("POST", "/api/v1/api-keys", &headers, body).await;
        assert_eq!(made.status, 201, "{:?}", made.body);
        let text = |name: &str| made.json()[name].as_str().unwrap().to_owned();
        (text("id"), text("secret"))
    }

    /// Makes a person of the tenant of this slug, who has signed in; his id and what that was answered.
    pub(crate) async fn person(&self, slug: &str, permissions: &[&str]) -> (String, Value) {
        const PASSWORD: &str = "a horse of another colour";
        let typed = ("content-type", "application/json");
        let headers = [typed, ("lectern-tenant", slug)];
        let email = format!("{}@example.com", uuid::Uuid::now_v7().simple());
        let new = serde_json::json!({ "email": email, "name": "test", "permissions": permissions }).to_string();
        let made = self.call("POST", "/api/v1/users", &headers, new).await;
        assert_eq!(made.status, 201, "{:?}", made.body);
        let id = made.json()["id"].as_str().unwrap().to_owned();
        let link = self.call("POST", &format!("/api/v1/users/{id}/password-link"), &headers, "").await.json();
        let chosen = serde_json::json!({ "token": link["token"], "password": PASSWORD }).to_string();
        assert_eq!(self.call("POST", "/api/v1/auth/password", &[typed], chosen).await.status, 204);
        let who = serde_json::json!({ "tenant": slug, "email": email, "password": PASSWORD }).to_string();
        let tokens = self.call("POST", "/api/v1/auth/sessions", &[typed], who).await;
        assert_eq!(tokens.status, 201, "{:?}", tokens.body);
        (id, tokens.json())
    }

    /// A request without the token.
    pub(crate) async fn anonymous(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        read(self.send(method, path, headers, Bytes::new()).await).await
    }

    /// A request with the token.
    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let bearer = format!("Bearer {TOKEN}");
        let headers: Vec<_> = headers.iter().copied().chain([("authorization", bearer.as_str())]).collect();
        read(self.send(method, path, &headers, body.into()).await).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, &[], Bytes::new()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call("POST", path, &[("content-type", "application/json")], body.to_string()).await
    }

    /// The `OpenAPI` document.
    pub(crate) async fn document(&self) -> Value {
        self.anonymous("GET", "/api/openapi.json", &[]).await.json()
    }

    /// Announces an upload and returns its view.
    pub(crate) async fn announce(&self, filename: &str, size: usize) -> Value {
        let answer = self.post("/api/v1/uploads", &serde_json::json!({ "filename": filename, "size": size })).await;
        assert_eq!(answer.status, 201, "{:?}", answer.body);
        answer.json()
    }

    /// Uploads a small source; returns its asset's id.
    pub(crate) async fn uploaded(&self) -> AssetId {
        let upload = self.announce("a.mp4", 3).await;
        let answer = self.call("PUT", upload["put_url"].as_str().unwrap(), &[], "abc").await;
        assert_eq!(answer.status, 200, "{:?}", answer.body);
        asset_of(&upload)
    }

    /// What was recorded since it was asked last: who did what, and what came of it.
    pub(crate) async fn recorded(&self) -> Vec<Ended> {
        self.recorded_of(&default_tenant()).await
    }

    /// The same in the log of a tenant.
    pub(crate) async fn recorded_of(&self, tenant: &TenantId) -> Vec<Ended> {
        self.recorder.flush().await;
        assert_eq!(transit::open(&self.scratch.db, 10).await.unwrap(), [], "all have ended");
        let mut tx = self.scratch.db.begin().await.unwrap();
        let ended = transit::take(&mut tx, tenant, 1000).await.unwrap();
        tx.commit().await.unwrap();
        ended
    }

    /// Changes a row of the database behind everybody's back.
    pub(crate) async fn change(&self, sql: &'static str) {
        let mut tx = self.scratch.db.begin().await.unwrap();
        tx.execute(sql, database::args![]).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Lets an event happen to an asset, as a worker would.
    pub(crate) async fn apply(&self, asset: &AssetId, event: &FlowEvent) {
        let mut tx = self.scratch.db.begin().await.unwrap();
        self.store.apply(&mut tx, &default_tenant(), asset, event, 1_000).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Brings an uploaded asset to the end of its planning.
    pub(crate) async fn plan(&self, asset: &AssetId) {
        self.plan_with(asset, Vec::new(), Vec::new()).await;
    }

    /// The same of a source that lacks something.
    pub(crate) async fn plan_with(&self, asset: &AssetId, losses: Vec<Loss>, warnings: Vec<String>) {
        self.apply(asset, &FlowEvent::Probed).await;
        let rendition = |name: &str, width, height| RenditionSummary {
            name: name.to_owned(),
            width,
            height,
            codec: VideoCodec::H264,
        };
        let summary = PlanSummary {
            ranges: vec![600, 600],
            renditions: vec![rendition("360p", 640, 360), rendition("720p", 1280, 720)],
            audio: 1,
            stills: true,
            duration_ms: 48_500,
            losses,
            warnings,
            ..PlanSummary::default()
        };
        self.apply(asset, &FlowEvent::Planned { summary }).await;
    }

    pub(crate) async fn fail(&self, asset: &AssetId) {
        let failure = FlowFailure {
            stage: "probe".to_owned(),
            code: "input.no_media".to_owned(),
            detail: "the file has neither video nor audio".to_owned(),
            hint: None,
        };
        self.apply(asset, &FlowEvent::Failed { failure }).await;
    }
}

/// As many requests as ever, and nobody is believed.
fn usual() -> (Limiter, Proxies) {
    (Limiter::new(Rates::default()), Proxies::none())
}

/// A process that serves these units, on a database: where it is, and what records its requests.
async fn process(
    slugs: &[&str],
    db: &Database,
    media: Arc<dyn MediaStore>,
    licences: Licences,
    (limiter, proxies): (Limiter, Proxies),
) -> (SocketAddr, Recorder) {
    let engine = ControlOptions {
        store: AssetStore::new(JobQueue::new(db.clone())),
        media,
        ladders: Arc::new(BuiltinLadders),
        public_base: None,
        max_upload_bytes: 1 << 30,
        clock: db.clock(),
        licences,
        viewers: Some(Arc::new(Listening)),
    };
    let hooks = Webhooks::new(db.clone(), db.clock(), webhook::Options::default()).unwrap();
    let flags = Flags::new(db.clone(), db.clock());
    let permissions = || ALL.iter().flat_map(|unit| unit.permissions).copied();
    let keys = Keys::new(db.clone(), db.clock(), permissions());
    let sessions = Sessions::new(db.clone(), db.clock(), Keyring::default());
    let others = [
        webhook::serve(hooks),
        ops::audit::serve(Audit::new(db.clone(), db.clock(), Keyring::default())),
        ops::flags::serve(flags),
        identity::auth::serve(keys, sessions, Some(PublicAddress::new("https://lectern.example").unwrap())),
        identity::org::serve(Tenants::new(db.clone(), db.clock())),
        identity::user::serve(Users::new(db.clone(), db.clock(), permissions()).asking(&ALL)),
        identity::rbac::serve(Roles::new(db.clone(), db.clock(), permissions())),
    ];
    let gateway = Gateway::new(GatewayOptions::default()).unwrap();
    let front = std::iter::once(gateway.serve());
    let mut units: Vec<Served> = front.chain(control_api::units(engine)).chain(others).collect();
    assert_eq!(units.iter().map(|served| served.unit().slug).collect::<Vec<_>>(), UNITS);
    assert_eq!(ALL.map(|unit| unit.slug), UNITS);
    units.retain(|served| slugs.contains(&served.unit().slug));
    let recorder = Recorder::new(db.clone());
    let front = FrontOptions {
        admin_token: AdminToken::new(TOKEN).unwrap(),
        service_token: Some(AdminToken::new(SERVICE_TOKEN).unwrap()),
        directory: Some(Arc::new(Registry::new(db.clone(), db.clock()))),
        vouching: None,
        recorder: Some(recorder.clone()),
        limiter,
        proxies,
        origins: Origins::default(),
        maintenance: Some(Maintenance::follow(db.clone()).await.unwrap()),
        version: "1.2.3".to_owned(),
        database: Some(db.clone()),
        gateway: Some(gateway),
        more_figures: Vec::new(),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = control_api::router(front, units);
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
    (address, recorder)
}

pub(crate) fn asset_of(upload: &Value) -> AssetId {
    upload["asset_id"].as_str().unwrap().parse().unwrap()
}

pub(crate) async fn read(response: Response<Incoming>) -> Answer {
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answer { status: parts.status.as_u16(), headers: parts.headers, body }
}

/// Asks again until the answer is there, with a deadline.
pub(crate) async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(started.elapsed() < PATIENCE, "{what} did not happen");
        tokio::task::yield_now().await;
    }
}
