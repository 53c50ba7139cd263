//! What holds on both engines alike.

#![allow(clippy::unwrap_used)]

use futures::StreamExt;
use media_types::TenantId;
use serde_json::{Value, json};

use crate::engine::Pools;
use crate::testing::{Scratch, for_each_engine, prepare_all};
use crate::{Database, DbError, EngineKind, Json, Tx, args, outbox, row};

const ENGINES: [EngineKind; 2] = [EngineKind::Sqlite, EngineKind::Postgres];
const CREATE: &str = "CREATE TABLE thing (id TEXT NOT NULL PRIMARY KEY, n BIGINT NULL, f DOUBLE PRECISION NULL,
    b BOOLEAN NULL, y BYTEA NULL, j JSONB NULL)";
const INSERT: &str = "INSERT INTO thing (id, n, f, b, y, j) VALUES ($1, $2, $3, $4, $5, $6)";
const SELECT: &str = "SELECT id, n, f, b, y, j FROM thing ORDER BY id";
const CLAIM: &str = "UPDATE thing SET n = 1 WHERE id IN
    (SELECT id FROM thing WHERE n = 0 ORDER BY id LIMIT 1 /*SKIP LOCKED*/) RETURNING id";

row! {
    #[derive(Debug, PartialEq)]
    struct Thing {
        id: String,
        n: Option<i64>,
        f: Option<f64>,
        b: Option<bool>,
        y: Option<Vec<u8>>,
        j: Option<Json<Value>>,
    }
}

async fn things(db: &Database) {
    let mut tx = db.begin().await.unwrap();
    tx.execute(CREATE, args![]).await.unwrap();
    tx.commit().await.unwrap();
}

async fn insert(tx: &mut Tx, id: &str, n: i64) -> Result<u64, DbError> {
    tx.execute(INSERT, args![id, n, None::<f64>, None::<bool>, None::<Vec<u8>>, None::<Value>]).await
}

#[tokio::test]
async fn every_kind_of_value_comes_back_as_it_went_in() {
    for_each_engine(|db| async move {
        things(&db).await;
        let json = json!({"a": [1, 2.5, null, "ü"], "b": {"c": true}});
        let mut tx = db.begin().await.unwrap();
        tx.execute(INSERT, args!["a", i64::MIN, 0.1, true, vec![0_u8, 255], json.clone()]).await.unwrap();
        tx.execute(INSERT, args!["b", 7_i64, 3.0, false, Vec::<u8>::new(), json!([1])]).await.unwrap();
        insert(&mut tx, "c", 0).await.unwrap();
        let none = args!["d", None::<i64>, None::<f64>, None::<bool>, None::<Vec<u8>>, None::<Value>];
        tx.execute(INSERT, none).await.unwrap();
        tx.commit().await.unwrap();
        let rows: Vec<Thing> = db.all(SELECT, args![]).await.unwrap();
        let full = |id: &str, n, f, b, y, j| Thing {
            id: id.to_owned(),
            n: Some(n),
            f: Some(f),
            b: Some(b),
            y: Some(y),
            j: Some(Json(j)),
        };
        assert_eq!(rows[0], full("a", i64::MIN, 0.1, true, vec![0, 255], json));
        assert_eq!(rows[1], full("b", 7, 3.0, false, vec![], json!([1])));
        assert_eq!(rows[3], Thing { id: "d".to_owned(), n: None, f: None, b: None, y: None, j: None });
    })
    .await;
}

#[tokio::test]
async fn a_dropped_transaction_leaves_nothing() {
    for_each_engine(|db| async move {
        things(&db).await;
        let mut tx = db.begin().await.unwrap();
        insert(&mut tx, "a", 0).await.unwrap();
        drop(tx);
        let mut tx = db.begin().await.unwrap();
        insert(&mut tx, "b", 0).await.unwrap();
        tx.commit().await.unwrap();
        let rows: Vec<(String,)> = db.all("SELECT id FROM thing", args![]).await.unwrap();
        assert_eq!(rows, [("b".to_owned(),)]);
    })
    .await;
}

#[tokio::test]
async fn a_second_row_with_the_same_key_is_a_unique_violation() {
    for_each_engine(|db| async move {
        things(&db).await;
        let mut tx = db.begin().await.unwrap();
        insert(&mut tx, "a", 0).await.unwrap();
        let error = insert(&mut tx, "a", 0).await.unwrap_err();
        assert!(error.is_unique_violation() && !error.is_transient(), "{error:?}");
        assert!(std::error::Error::source(&error).is_some());
    })
    .await;
}

#[tokio::test]
async fn a_transaction_with_a_failed_statement_keeps_nothing_and_says_so() {
    for_each_engine(|db| async move {
        things(&db).await;
        for caught in [true, false] {
            let mut tx = db.begin().await.unwrap();
            insert(&mut tx, "a", 0).await.unwrap();
            if caught {
                insert(&mut tx, "a", 0).await.unwrap_err();
            } else {
                tx.all::<(String,)>("SELECT nothing FROM thing", args![]).await.unwrap_err();
            }
            let committed = tx.commit().await;
            assert!(matches!(committed, Err(DbError::Aborted)), "{committed:?}");
            assert_eq!(db.all::<(String,)>("SELECT id FROM thing", args![]).await.unwrap(), []);
        }
    })
    .await;
}

/// What belongs to no tenant: the history of migrations, the last event's number and how far its readers are, the queue as a whole,
/// limits, the slugs of tenants, which tell them apart, what units are closed, and whether flags may change.
#[tokio::test]
async fn every_unique_key_names_its_tenant() {
    const WITHOUT: &str = "SELECT m.name FROM sqlite_master m JOIN pragma_index_list(m.name) i
        WHERE m.type = 'table' AND i.\"unique\" = 1
        AND NOT EXISTS (SELECT 1 FROM pragma_index_info(i.name) c WHERE c.name = 'tenant_id') ORDER BY m.name";
    let scratch = Scratch::migrated(EngineKind::Sqlite).await;
    let without: Vec<(String,)> = scratch.db.all(WITHOUT, args![]).await.unwrap();
    let names: Vec<&str> = without.iter().map(|(name,)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "admission_limit",
            "event_reader",
            "flag_freeze",
            "lectern_migrations",
            "outbox_head",
            "queue_drain",
            "queue_worker",
            "tenant",
            "unit_maintenance"
        ]
    );
}

#[tokio::test]
async fn a_read_connection_of_sqlite_refuses_to_write() {
    let scratch = Scratch::migrated(EngineKind::Sqlite).await;
    let write = "INSERT INTO outbox_head (id, seq) VALUES (2, 0) RETURNING seq";
    assert!(scratch.db.all::<(i64,)>(write, args![]).await.is_err());
}

#[tokio::test]
async fn two_claims_at_once_take_different_rows() {
    for_each_engine(|db| async move {
        things(&db).await;
        let mut tx = db.begin().await.unwrap();
        for id in ["a", "b"] {
            insert(&mut tx, id, 0).await.unwrap();
        }
        tx.commit().await.unwrap();
        let claim = || async {
            let mut tx = db.begin().await.unwrap();
            let (id,): (String,) = tx.optional(CLAIM, args![]).await.unwrap().unwrap();
            tx.commit().await.unwrap();
            id
        };
        let (one, two) = tokio::join!(claim(), claim());
        assert_ne!(one, two);
    })
    .await;
}

#[tokio::test]
async fn postgres_skips_a_row_another_transaction_holds() {
    let scratch = Scratch::migrated(EngineKind::Postgres).await;
    things(&scratch.db).await;
    let mut tx = scratch.db.begin().await.unwrap();
    insert(&mut tx, "a", 0).await.unwrap();
    tx.commit().await.unwrap();
    let (mut first, mut second) = (scratch.db.begin().await.unwrap(), scratch.db.begin().await.unwrap());
    assert!(first.optional::<(String,)>(CLAIM, args![]).await.unwrap().is_some());
    assert!(second.optional::<(String,)>(CLAIM, args![]).await.unwrap().is_none());
}

#[tokio::test]
async fn who_leaves_while_a_transaction_begins_leaves_none_open() {
    let scratch = Scratch::migrated(EngineKind::Postgres).await;
    let other = scratch.another().await;
    let open = "SELECT CAST(COUNT(*) AS BIGINT) FROM pg_stat_activity
        WHERE datname = current_database() AND state = 'idle in transaction'";
    for looks in 0..60 {
        let mut begin = Box::pin(scratch.db.begin());
        // It has asked for a connection, or said BEGIN; then nobody waits for the answer.
        for _ in 0..looks {
            if futures::poll!(begin.as_mut()).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(begin);
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(5);
        while other.optional::<(i64,)>(open, args![]).await.unwrap() != Some((0,)) {
            assert!(
                tokio::time::Instant::now() < deadline,
                "after {looks} looks a transaction that nobody has is open"
            );
        }
    }
}

#[tokio::test]
async fn two_processes_on_one_database_wait_for_each_other() {
    for kind in ENGINES {
        let scratch = Scratch::migrated(kind).await;
        things(&scratch.db).await;
        let other = scratch.another().await;
        let write = |db: Database, name: &'static str| async move {
            for n in 0..20 {
                let mut tx = db.begin().await.unwrap();
                let seen: Vec<(i64,)> = tx.all("SELECT CAST(COUNT(*) AS BIGINT) FROM thing", args![]).await.unwrap();
                insert(&mut tx, &format!("{name}{n}"), seen[0].0).await.unwrap();
                tx.commit().await.unwrap();
            }
        };
        tokio::join!(write(scratch.db.clone(), "a"), write(other.clone(), "b"));
        let count: Option<(i64,)> =
            other.optional("SELECT CAST(COUNT(*) AS BIGINT) FROM thing", args![]).await.unwrap();
        assert_eq!(count, Some((40,)));
    }
}

#[tokio::test]
async fn a_full_disk_says_so_and_keeps_the_old_rows() {
    let scratch = Scratch::migrated(EngineKind::Sqlite).await;
    things(&scratch.db).await;
    let Pools::Lite { writer, .. } = &scratch.db.pools else { panic!("this is SQLite") };
    sqlx::raw_sql("PRAGMA max_page_count = 1").execute(writer).await.unwrap();
    let mut tx = scratch.db.begin().await.unwrap();
    let bytes = args!["a", 0_i64, 0.0, true, vec![0_u8; 1 << 20], json!({})];
    let error = tx.execute(INSERT, bytes).await.unwrap_err();
    assert!(matches!(error, DbError::Full(_)), "{error:?}");
    assert_eq!(error.to_string(), "the database has no space left to write");
    drop(tx);
    assert_eq!(scratch.db.all::<(String,)>("SELECT id FROM thing", args![]).await.unwrap(), []);
}

#[tokio::test]
async fn processes_that_start_at_once_migrate_once() {
    for kind in ENGINES {
        let scratch = Scratch::empty(kind).await;
        let others = [scratch.another().await, scratch.another().await];
        let error = scratch.db.check_migrated().await.unwrap_err();
        assert!(error.to_string().contains("run `lectern migrate`"), "{error}");
        tokio::try_join!(scratch.db.migrate(), others[0].migrate(), others[1].migrate()).unwrap();
        scratch.db.check_migrated().await.unwrap();
        let rows: Vec<(String,)> = scratch.db.all("SELECT name FROM lectern_migrations", args![]).await.unwrap();
        assert_eq!(rows.len(), crate::migrations::MIGRATIONS.len());
    }
}

#[tokio::test]
async fn some_modules_can_be_checked_without_the_others() {
    for_each_engine(|db| async move {
        let change = async |sql: &'static str| {
            let mut tx = db.begin().await.unwrap();
            tx.execute(sql, args![]).await.unwrap();
            tx.commit().await.unwrap();
        };
        change("DELETE FROM lectern_migrations WHERE module = 'queue'").await;
        change("INSERT INTO lectern_migrations (module, name, sha256, applied_ms) VALUES ('later', 'one', 'x', 1)")
            .await;
        db.check_modules(&["core", "webhook"]).await.unwrap();
        let lacking = db.check_modules(&["core", "queue"]).await;
        assert!(matches!(lacking, Err(DbError::NotMigrated { missing }) if missing > 1), "{lacking:?}");
        assert!(matches!(db.check_migrated().await, Err(DbError::UnknownMigration(_))));
        change("INSERT INTO lectern_migrations (module, name, sha256, applied_ms) VALUES ('core', 'two', 'x', 1)")
            .await;
        let newer = db.check_modules(&["core"]).await;
        assert!(matches!(newer, Err(DbError::UnknownMigration(name)) if name == "core/two"));
    })
    .await;
}

#[tokio::test]
async fn a_database_of_a_newer_version_and_an_edited_migration_are_refused() {
    for_each_engine(|db| async move {
        let mut tx = db.begin().await.unwrap();
        let newer =
            "INSERT INTO lectern_migrations (module, name, sha256, applied_ms) VALUES ('core', 'later', 'x', 1)";
        tx.execute(newer, args![]).await.unwrap();
        tx.commit().await.unwrap();
        for result in [db.migrate().await, db.check_migrated().await] {
            assert!(matches!(result, Err(DbError::UnknownMigration(name)) if name == "core/later"));
        }
        let mut tx = db.begin().await.unwrap();
        tx.execute("UPDATE lectern_migrations SET sha256 = 'x' WHERE name LIKE '%outbox_create'", args![])
            .await
            .unwrap();
        tx.commit().await.unwrap();
        assert!(matches!(db.migrate().await, Err(DbError::ChangedMigration(_))));
    })
    .await;
}

#[tokio::test]
async fn event_numbers_follow_the_order_of_commits() {
    for_each_engine(|db| async move {
        let tenant = TenantId::from_unique("1");
        let append = |n: i64| {
            let (db, tenant) = (db.clone(), tenant.clone());
            async move {
                let data = json!({ "n": n });
                let event =
                    outbox::NewEvent { tenant_id: &tenant, kind: "asset.ready", subject: "ast_1", data, time_ms: n };
                let mut tx = db.begin().await.unwrap();
                let seq = outbox::append(&mut tx, &event).await.unwrap();
                // What a reader sees before this commit is every smaller number, never this one.
                let seen = outbox::head(&db).await.unwrap();
                assert_eq!(seen, seq - 1);
                tx.commit().await.unwrap();
                seq
            }
        };
        let mut changed = db.changed();
        if db.kind() == EngineKind::Postgres {
            // That other processes are heard from now on.
            changed.changed().await.unwrap();
        }
        // Each holds one connection and wants a second: fewer than half of the pool, so that none waits for ever.
        let appends = futures::stream::iter(0..20).map(append).buffer_unordered(6);
        let mut seqs: Vec<i64> = appends.collect().await;
        seqs.sort_unstable();
        assert_eq!(seqs, (1..=20).collect::<Vec<_>>());
        assert!(changed.has_changed().unwrap());
        changed.mark_unchanged();
        let rows = outbox::after(&db, &tenant, 15, 3).await.unwrap();
        assert_eq!(rows.iter().map(|row| row.seq).collect::<Vec<_>>(), [16, 17, 18]);
        assert_eq!(rows[0].data.0, json!({ "n": rows[0].time_ms }));
        assert_eq!(outbox::after(&db, &TenantId::from_unique("2"), 0, 200).await.unwrap(), []);
        assert_eq!(outbox::after(&db, &tenant, 0, 5_000).await.unwrap().len(), 20);
        assert_eq!(outbox::after(&db, &tenant, 0, -1).await.unwrap(), []);
        db.begin().await.unwrap().commit().await.unwrap();
        assert!(!changed.has_changed().unwrap(), "an empty transaction wakes nobody");
    })
    .await;
}

#[tokio::test]
async fn every_statement_prepares_and_a_misspelt_one_does_not() {
    for_each_engine(|db| async move {
        prepare_all(&db, outbox::STATEMENTS).await.unwrap();
        let (sql, _) = prepare_all(&db, &["SELECT sequence FROM outbox"]).await.unwrap_err();
        assert_eq!(sql, "SELECT sequence FROM outbox");
    })
    .await;
}

#[tokio::test]
async fn bad_addresses_are_refused_without_showing_them() {
    for url in ["", ":memory:", "sqlite::memory:", "mysql://u:secret@h/d", "postgres://u:secret@[/d"] {
        let error = Database::open(url).await.err().unwrap();
        assert!(!format!("{error:?} {error}").contains("secret"), "{error:?}");
    }
}
