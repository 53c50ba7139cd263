//! A PostgreSQL server of a test's own.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use sqlx::AssertSqlSafe;

use crate::Database;
use crate::engine::Pools;

/// `runuser` because initdb refuses root. The shell takes orders on its standard input and cleans up when that ends, which
/// it does even when the test process is killed. What the server has acknowledged survives its own death, though not the
/// machine's. One that was killed leaves processes that notice a little later; until then a new one refuses to start.
const CLUSTER: &str = r#"
set -e
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)
[ -n "$bin" ] || bin=$(dirname "$(command -v pg_ctl)")
dir=$(mktemp -d "${TMPDIR:-/tmp}/lectern-pg.XXXXXX")
as=
if [ "$(id -u)" = 0 ]; then as='runuser -u postgres --'; chown postgres "$dir"; fi
cd "$dir"
finish() { $as "$bin/pg_ctl" -D "$dir/d" -m fast -t 20 stop >/dev/null 2>&1 || true; cd /; rm -rf "$dir"; }
trap finish EXIT
trap '' INT TERM HUP
start() {
  $as "$bin/pg_ctl" -D "$dir/d" -l "$dir/log" -w -t 120 -o "-k $dir -c listen_addresses='' -c max_connections=400 \
    -c shared_buffers=16MB -c fsync=$1 -c full_page_writes=$1" start >/dev/null 2>&1
}
$as "$bin/initdb" -D "$dir/d" -A trust -U postgres -E UTF8 --locale=C.UTF-8 --no-sync >"$dir/initdb.log" 2>&1 || { cat "$dir/initdb.log" >&2; exit 1; }
start "$1" || { cat "$dir/log" >&2; exit 1; }
echo "$dir"
while read -r order; do
  case $order in
    kill) kill -9 "$(head -n 1 "$dir/d/postmaster.pid")" ;;
    crash) pkill -9 -o -P "$(head -n 1 "$dir/d/postmaster.pid")" -f '^postgres: postgres ' ;;
    start) tries=0; until start "$1"; do tries=$((tries + 1)); [ $tries -lt 50 ] || { cat "$dir/log" >&2; exit 1; }; sleep 0.1; done ;;
  esac
  echo "$order"
done
"#;

/// A private PostgreSQL cluster, reachable through a socket in a temporary folder only, stopped and deleted when it is
/// dropped or the process ends, however it ends.
pub struct Cluster {
    folder: String,
    databases: AtomicU64,
    shell: Mutex<Shell>,
}

struct Shell {
    child: Child,
    /// The shell lives while this is open.
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Cluster {
    /// Starts a server with no database of ours. Blocks for about a second.
    ///
    /// # Panics
    /// When PostgreSQL is not installed or does not start.
    pub fn start() -> Self {
        Self::syncing("off")
    }

    /// The same, synced as one that keeps what matters.
    ///
    /// # Panics
    /// When PostgreSQL is not installed or does not start.
    pub fn start_durable() -> Self {
        Self::syncing("on")
    }

    fn syncing(sync: &str) -> Self {
        let mut child = Command::new("bash")
            .args(["-c", CLUSTER, "cluster", sync])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a shell starts");
        let orders = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let mut shell = Shell { child, orders, answers };
        let folder = shell.answer();
        assert!(Path::new(&folder).is_absolute(), "PostgreSQL did not start: {}", shell.last_words());
        Self { folder, databases: AtomicU64::new(0), shell: Mutex::new(shell) }
    }

    /// Makes an empty database; its address, for [`Database::open`].
    ///
    /// # Panics
    /// When the server does not answer.
    pub async fn new_database(&self) -> String {
        let name = format!("t_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let admin = Database::open(&self.address("postgres")).await.expect("the cluster is reachable");
        if let Pools::Pg(pool) = &admin.pools {
            let create = format!("CREATE DATABASE {name} TEMPLATE template0");
            sqlx::raw_sql(AssertSqlSafe(create)).execute(pool).await.expect("a database can be created");
        }
        admin.close().await;
        self.address(&name)
    }

    /// `kill -9` of the server.
    ///
    /// # Panics
    /// When it does not run.
    pub fn kill(&self) {
        self.order("kill");
    }

    /// `kill -9` of the process that serves the oldest connection, after which the server ends all others and recovers.
    ///
    /// # Panics
    /// When there is no connection.
    pub fn crash(&self) {
        self.order("crash");
    }

    /// Starts the server again and waits until it answers.
    ///
    /// # Panics
    /// When it does not start.
    pub fn restart(&self) {
        self.order("start");
    }

    /// The socket that it answers at.
    pub fn socket(&self) -> std::path::PathBuf {
        Path::new(&self.folder).join(".s.PGSQL.5432")
    }

    fn address(&self, name: &str) -> String {
        format!("postgres://postgres@localhost/{name}?host={}", self.folder)
    }

    fn order(&self, order: &str) {
        let mut shell = self.shell.lock().unwrap_or_else(PoisonError::into_inner);
        let orders = shell.orders.as_mut().expect("the shell lives as long as the cluster");
        writeln!(orders, "{order}").and_then(|()| orders.flush()).expect("the shell takes orders");
        let answer = shell.answer();
        assert_eq!(answer, order, "{}", shell.last_words());
    }
}

impl Shell {
    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the shell's output is text");
        line.trim().to_owned()
    }

    /// Why it ended.
    fn last_words(&mut self) -> String {
        self.orders = None;
        let mut why = String::new();
        let stderr = self.child.stderr.take().expect("stderr is piped");
        stderr.take(4096).read_to_string(&mut why).expect("the shell's errors are text");
        why
    }
}

impl Drop for Shell {
    /// The shell stops the server and removes its folder.
    fn drop(&mut self) {
        self.orders = None;
        let _ = self.child.wait();
    }
}
