//! Fresh, migrated databases on both engines, for tests.
//!
//! PostgreSQL is a private cluster that the test process starts by itself, reachable through a socket in a temporary
//! folder only, and that is stopped and deleted when the process ends, however it ends.

use std::future::Future;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::{AssertSqlSafe, Executor, SqlSafeStr, SqlStr};

use crate::engine::Pools;
use crate::tx::for_postgres;
use crate::{Database, DbError, EngineKind};

/// A migrated database of its own for one test.
pub struct Scratch {
    /// The database.
    pub db: Database,
    url: String,
    _folder: Option<tempfile::TempDir>,
}

impl Scratch {
    /// An empty database on `kind`, without any table.
    ///
    /// # Panics
    /// When the engine cannot be started.
    pub async fn empty(kind: EngineKind) -> Self {
        let (url, folder) = match kind {
            EngineKind::Sqlite => {
                let folder = tempfile::tempdir().expect("a temporary folder can be made");
                (folder.path().join("test.db").display().to_string(), Some(folder))
            }
            EngineKind::Postgres => (new_postgres_database().await, None),
        };
        let db = Database::open(&url).await.expect("a fresh database opens");
        Self { db, url, _folder: folder }
    }

    /// A migrated database on `kind`.
    ///
    /// # Panics
    /// When the engine cannot be started or a migration fails.
    pub async fn migrated(kind: EngineKind) -> Self {
        let scratch = Self::empty(kind).await;
        scratch.db.migrate().await.expect("a fresh database migrates");
        scratch
    }

    /// Opens the same database again, as another process would.
    ///
    /// # Panics
    /// When it cannot be opened.
    pub async fn another(&self) -> Database {
        Database::open(&self.url).await.expect("an open database opens again")
    }

    /// The address for [`Database::open`].
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// Runs `test` on a fresh migrated database of each engine, one after the other.
///
/// # Panics
/// When the test does, or an engine cannot be started.
pub async fn for_each_engine<F, Fut>(test: F)
where
    F: Fn(Database) -> Fut,
    Fut: Future<Output = ()>,
{
    for kind in [EngineKind::Sqlite, EngineKind::Postgres] {
        eprintln!("engine: {kind:?}");
        let scratch = Scratch::migrated(kind).await;
        test(scratch.db.clone()).await;
        scratch.db.close().await;
    }
}

/// Prepares each statement on the engine of `db`, so that a misspelt column fails a test and not a customer.
///
/// # Errors
/// The first statement that the engine refuses, and why.
pub async fn prepare_all(db: &Database, statements: &[&'static str]) -> Result<(), (&'static str, DbError)> {
    for &sql in statements {
        let prepared = match &db.pools {
            Pools::Lite { writer, .. } => writer.prepare(SqlStr::from_static(sql)).await.map(drop),
            Pools::Pg(pool) => pool.prepare(AssertSqlSafe(for_postgres(sql)).into_sql_str()).await.map(drop),
        };
        prepared.map_err(|error| (sql, error.into()))?;
    }
    Ok(())
}

/// `runuser` because initdb refuses root. The shell waits on its standard input and cleans up when it ends, which it
/// does even when the test process is killed.
const CLUSTER: &str = r#"
set -e
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)
[ -n "$bin" ] || bin=$(dirname "$(command -v pg_ctl)")
dir=$(mktemp -d "${TMPDIR:-/tmp}/lectern-pg.XXXXXX")
as=
if [ "$(id -u)" = 0 ]; then as='runuser -u postgres --'; chown postgres "$dir"; fi
cd "$dir"
finish() { $as "$bin/pg_ctl" -D "$dir/d" -m fast -t 20 stop >/dev/null 2>&1; cd /; rm -rf "$dir"; }
trap finish EXIT
trap '' INT TERM HUP
$as "$bin/initdb" -D "$dir/d" -A trust -U postgres -E UTF8 --locale=C.UTF-8 --no-sync >"$dir/initdb.log" 2>&1 || { cat "$dir/initdb.log" >&2; exit 1; }
$as "$bin/pg_ctl" -D "$dir/d" -l "$dir/log" -w -t 120 -o "-k $dir -c listen_addresses='' -c max_connections=400 \
  -c shared_buffers=16MB -c fsync=off -c synchronous_commit=off -c full_page_writes=off" start >/dev/null 2>&1 || { cat "$dir/log" >&2; exit 1; }
echo "$dir"
read -r _ || true
"#;

struct Cluster {
    folder: String,
    _shell: Child,
    _alive_while_open: ChildStdin,
}

fn cluster() -> &'static Cluster {
    static CLUSTER_OF_PROCESS: OnceLock<Cluster> = OnceLock::new();
    CLUSTER_OF_PROCESS.get_or_init(|| {
        let mut shell = Command::new("bash")
            .args(["-c", CLUSTER])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a shell starts");
        let stdin = shell.stdin.take().expect("stdin is piped");
        let mut folder = String::new();
        let stdout = shell.stdout.take().expect("stdout is piped");
        BufReader::new(stdout).read_line(&mut folder).expect("the shell's output is text");
        let folder = folder.trim().to_owned();
        if !Path::new(&folder).is_absolute() {
            let mut why = String::new();
            let stderr = shell.stderr.take().expect("stderr is piped");
            stderr.take(4096).read_to_string(&mut why).expect("the shell's errors are text");
            panic!("PostgreSQL did not start: {why}");
        }
        Cluster { folder, _shell: shell, _alive_while_open: stdin }
    })
}

async fn new_postgres_database() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let cluster = tokio::task::spawn_blocking(cluster).await.expect("the cluster starts");
    let address = |name: &str| format!("postgres://postgres@localhost/{name}?host={}", cluster.folder);
    let name = format!("t_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let admin = Database::open(&address("postgres")).await.expect("the cluster is reachable");
    if let Pools::Pg(pool) = &admin.pools {
        let create = format!("CREATE DATABASE {name} TEMPLATE template0");
        sqlx::raw_sql(AssertSqlSafe(create)).execute(pool).await.expect("a database can be created");
    }
    admin.close().await;
    address(&name)
}
