//! What `benches/requests/run.py` holds Lectern against: an axum handler that sends the same statements, and does nothing else.
//!
//! `bare-handler FILE`, a migrated database, listens on a free port of 127.0.0.1 and says so in one line of JSON. `GET /users/{id}`
//! shows a person, `POST /users` makes one under an `Idempotency-Key`. Nobody is asked who he is, nothing is checked, counted,
//! recorded or logged.

#![allow(clippy::unwrap_used)]

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use database::{Database, args, outbox};
use media_types::TenantId;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use uuid::Uuid;

macro_rules! columns {
    () => {
        "id, email, name, locale, time_zone, state, permissions, preferences, version, created_ms, updated_ms"
    };
}

const ONE: &str = concat!("SELECT ", columns!(), " FROM user_account WHERE tenant_id = $1 AND id = $2");
const INSERT: &str = concat!(
    "INSERT INTO user_account
        (tenant_id, id, email, name, search, locale, time_zone, state, permissions, preferences, version, created_ms, updated_ms)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1, $11, $11) RETURNING ",
    columns!()
);
const EXPIRE: &str = "DELETE FROM idempotency WHERE tenant_id = $1 AND key = $2
    AND (created_ms < $3 OR (status IS NULL AND created_ms < $4))";
const RESERVE: &str = "INSERT INTO idempotency (tenant_id, key, request_sha256, created_ms) VALUES ($1, $2, $3, $4)
    ON CONFLICT (tenant_id, key) DO NOTHING";
const STORE: &str =
    "UPDATE idempotency SET status = $3, content_type = $4, body = $5 WHERE tenant_id = $1 AND key = $2";

database::row! {
    struct UserRow {
        id: String,
        email: String,
        name: String,
        locale: String,
        time_zone: String,
        state: String,
        permissions: database::Json<Value>,
        preferences: database::Json<Value>,
        version: i64,
        created_ms: i64,
        updated_ms: i64,
    }
}

impl UserRow {
    fn shown(self) -> Value {
        json!({
            "id": self.id, "email": self.email, "name": self.name, "locale": self.locale, "time_zone": self.time_zone,
            "state": self.state, "permissions": self.permissions.0, "preferences": self.preferences.0,
            "version": self.version, "created_ms": self.created_ms, "updated_ms": self.updated_ms,
        })
    }
}

#[derive(Clone)]
struct Bare {
    db: Database,
    tenant: TenantId,
}

#[tokio::main]
async fn main() {
    let file = std::env::args().nth(1).unwrap();
    let bare = Bare {
        db: Database::open(&format!("sqlite://{file}")).await.unwrap(),
        tenant: TenantId::from_unique("default"),
    };
    let router = Router::new().route("/users/{id}", get(show)).route("/users", post(create)).with_state(bare);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", json!({ "listening": listener.local_addr().unwrap().to_string() }));
    axum::serve(listener, router).await.unwrap();
}

async fn show(State(bare): State<Bare>, Path(id): Path<String>) -> Result<Json<Value>, StatusCode> {
    let found: Option<UserRow> = bare.db.optional(ONE, args![&bare.tenant, id]).await.unwrap();
    found.map(|row| Json(row.shown())).ok_or(StatusCode::NOT_FOUND)
}

/// One transaction, as there.
async fn create(State(bare): State<Bare>, headers: HeaderMap, Json(request): Json<Value>) -> (StatusCode, Json<Value>) {
    let (db, tenant, now_ms) = (&bare.db, &bare.tenant, bare.db.now_ms());
    let (key, email, name) =
        (headers["idempotency-key"].to_str().unwrap(), text(&request, "email"), text(&request, "name"));
    let mut tx = db.begin().await.unwrap();
    tx.execute(EXPIRE, args![tenant, key, now_ms - 86_400_000, now_ms - 300_000]).await.unwrap();
    tx.execute(RESERVE, args![tenant, key, "0", now_ms]).await.unwrap();
    let id = format!("usr_{}", Uuid::now_v7().simple());
    let (permissions, preferences) = (json!([]), Value::Object(Map::new()));
    let search = name.to_lowercase();
    let args = args![tenant, id, email, name, search, "en", "UTC", "active", permissions, preferences, now_ms];
    let row: UserRow = tx.optional(INSERT, args).await.unwrap().unwrap();
    let data = json!({ "id": row.id, "state": row.state });
    let event = outbox::NewEvent { tenant_id: tenant, kind: "user.created", subject: &row.id, data, time_ms: now_ms };
    outbox::append(&mut tx, &event).await.unwrap();
    let shown = row.shown();
    let body = serde_json::to_vec(&shown).unwrap();
    tx.execute(STORE, args![tenant, key, 201_i64, "application/json", body]).await.unwrap();
    tx.commit().await.unwrap();
    (StatusCode::CREATED, Json(shown))
}

fn text<'a>(request: &'a Value, name: &str) -> &'a str {
    request[name].as_str().unwrap()
}
