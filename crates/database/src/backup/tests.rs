#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};

use backup_format::{AppliedMigration, Cell, Column, Kind, row};
use media_types::TenantId;
use serde_json::json;

use super::{BackupError, schema};
use crate::migrate::sha256_hex;
use crate::migrations::MIGRATIONS;
use crate::testing::{Scratch, for_each_engine, prepare_all};
use crate::{Database, EngineKind, Migration, args, outbox};

const ENGINES: [EngineKind; 2] = [EngineKind::Sqlite, EngineKind::Postgres];

/// Every table's lines.
type Dump = Vec<(String, Vec<Column>, Vec<String>)>;

async fn dump(db: &Database) -> Dump {
    let mut snapshot = db.snapshot().await.unwrap();
    let mut tables = Vec::new();
    for table in snapshot.tables().to_vec() {
        let mut lines = Vec::new();
        let count = snapshot.rows(&table, |cells| {
            lines.push(row::write(cells));
            Ok(())
        });
        assert_eq!(count.await.unwrap(), lines.len() as u64);
        tables.push((table.name, table.columns, lines));
    }
    snapshot.end().await.unwrap();
    tables
}

async fn put_back(db: &Database, migrations: &[AppliedMigration], tables: &Dump) -> Result<(), BackupError> {
    let mut new = db.restore(migrations).await?;
    for (name, columns, lines) in tables {
        new.table(name, columns).await?;
        let kinds: Vec<Kind> = columns.iter().map(|column| column.kind).collect();
        for line in lines {
            new.row(row::read(&kinds, line.as_bytes()).unwrap()).await?;
        }
    }
    Ok(new.finish().await?.commit().await?)
}

fn told(migration: &Migration) -> AppliedMigration {
    let (module, name) = (migration.module.to_owned(), migration.name.to_owned());
    AppliedMigration { module, name, sha256: sha256_hex(migration.sql) }
}

fn all_migrations() -> Vec<AppliedMigration> {
    MIGRATIONS.iter().map(told).collect()
}

/// Rows of every kind of value for every table. What ends in `id` is the same everywhere, so that rows refer to each other.
fn rows_of(table: &str, columns: &[Column], migrations: &[AppliedMigration], count: i64) -> Vec<String> {
    if table == "lectern_migrations" {
        let line = |migration: &AppliedMigration| {
            let AppliedMigration { module, name, sha256 } = migration.clone();
            row::write(&[Cell::Text(module), Cell::Text(name), Cell::Text(sha256), Cell::Int(7)])
        };
        let mut sorted = migrations.to_vec();
        sorted.sort();
        return sorted.iter().map(line).collect();
    }
    let cell = |column: &Column, at: i64| match column.kind {
        Kind::Text if column.name.ends_with("tenant_id") => Cell::Text(format!("ten_{at:05}")),
        // What refers to another table's row has its text.
        Kind::Text if ["id", "key"].iter().any(|end| column.name.ends_with(end)) => Cell::Text(format!("id-{at:05}")),
        Kind::Text => Cell::Text(format!("{} \"ü\"\n{at:05}", column.name)),
        Kind::Int => Cell::Int(at * 1_000_003 - 5),
        Kind::Float => Cell::Float(at as f64 / 3.0),
        Kind::Bool => Cell::Bool(at % 2 == 0),
        Kind::Bytes => Cell::Bytes(vec![0, 255, u8::try_from(at % 200).unwrap()]),
        Kind::Json => Cell::Json(format!("{{\"a\":[1.5,null,0.1234567890123456789],\"id\":{at},\"z\":\"ü\\n\"}}")),
    };
    (0..count).map(|at| row::write(&columns.iter().map(|column| cell(column, at)).collect::<Vec<_>>())).collect()
}

#[tokio::test]
async fn rows_go_from_either_engine_to_the_other_and_back_unchanged() {
    let (lite, server, again) = (
        Scratch::empty(EngineKind::Sqlite).await,
        Scratch::empty(EngineKind::Postgres).await,
        Scratch::empty(EngineKind::Sqlite).await,
    );
    let shape = Scratch::migrated(EngineKind::Sqlite).await;
    let all = all_migrations();
    let filled: Dump = dump(&shape.db)
        .await
        .into_iter()
        .map(|(name, columns, _)| {
            let rows = rows_of(&name, &columns, &all, 300);
            (name, columns, rows)
        })
        .collect();
    put_back(&lite.db, &all, &filled).await.unwrap();
    assert!(dump(&lite.db).await == filled, "what was put in comes out");
    put_back(&server.db, &all, &dump(&lite.db).await).await.unwrap();
    assert!(dump(&server.db).await == filled, "the other engine says the same");
    put_back(&again.db, &all, &dump(&server.db).await).await.unwrap();
    assert!(dump(&again.db).await == filled);
    for db in [&lite.db, &server.db, &again.db] {
        db.check_migrated().await.unwrap();
    }
}

#[tokio::test]
async fn a_snapshot_has_every_table_that_migrations_make() {
    let words = MIGRATIONS.iter().flat_map(|migration| migration.sql.split_whitespace().collect::<Vec<_>>());
    let words: Vec<&str> = words.collect();
    let made = words.windows(3).filter(|words| words[..2] == ["CREATE", "TABLE"]).map(|words| words[2]);
    let made: BTreeSet<&str> = made.chain(["lectern_migrations"]).collect();
    assert!(made.len() >= 15);
    for_each_engine(|db| {
        let made: BTreeSet<String> = made.iter().map(|&name| name.to_owned()).collect();
        async move {
            let snapshot = db.snapshot().await.unwrap();
            let found: BTreeSet<String> = snapshot.tables().iter().map(|table| table.name.clone()).collect();
            assert_eq!(found, made);
            assert_eq!(snapshot.migrations().len(), MIGRATIONS.len());
            let place = |name| snapshot.tables().iter().position(|table| table.name == name);
            assert!(place("asset") < place("upload") && place("job") < place("job_dependency"));
        }
    })
    .await;
}

#[tokio::test]
async fn the_statements_of_every_table_prepare_on_both_engines() {
    for (kind, asked) in ENGINES.into_iter().zip(schema::STATEMENTS) {
        let scratch = Scratch::migrated(kind).await;
        prepare_all(&scratch.db, &asked).await.unwrap();
        for table in scratch.db.snapshot().await.unwrap().tables() {
            for sql in [table.select(kind), table.insert(kind, 1), table.insert(kind, 3), table.empty()] {
                prepare_all(&scratch.db, &[Box::leak(sql.into_boxed_str())]).await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn a_backup_of_every_earlier_schema_is_brought_forward() {
    for kind in ENGINES {
        // Each is a migration's own boundary; the middle ones have data that later migrations take over.
        for known in [1, 6, MIGRATIONS.len() / 2, MIGRATIONS.len() - 1] {
            let (scratch, migrations) = (Scratch::empty(kind).await, all_migrations()[..known].to_vec());
            let mut new = scratch.db.restore(&migrations).await.unwrap();
            let tables: Vec<_> = new.shapes.iter().map(|shape| (shape.name.clone(), shape.columns.clone())).collect();
            for (name, columns) in &tables {
                new.table(name, columns).await.unwrap();
                let kinds: Vec<Kind> = columns.iter().map(|column| column.kind).collect();
                for line in rows_of(name, columns, &migrations, 3) {
                    new.row(row::read(&kinds, line.as_bytes()).unwrap()).await.unwrap();
                }
            }
            new.finish().await.unwrap().commit().await.unwrap();
            scratch.db.check_migrated().await.unwrap();
            let now: BTreeMap<String, usize> =
                dump(&scratch.db).await.into_iter().map(|(name, _, lines)| (name, lines.len())).collect();
            assert!(tables.iter().all(|(name, _)| now[name] >= 3 || name == "lectern_migrations"), "{now:?}");
        }
    }
}

#[tokio::test]
async fn only_an_empty_database_is_filled_and_only_from_a_schema_that_is_known() {
    for kind in ENGINES {
        let (migrated, empty) = (Scratch::migrated(kind).await, Scratch::empty(kind).await);
        let all = all_migrations();
        assert!(matches!(migrated.db.restore(&all).await, Err(BackupError::NotEmpty(_))));
        let mut newer = all.clone();
        newer.push(AppliedMigration { module: "core".into(), name: "later".into(), sha256: "x".into() });
        assert!(matches!(empty.db.restore(&newer).await, Err(BackupError::Newer(name)) if name == "core/later"));
        let mut changed = all.clone();
        changed[0].sha256 = "x".to_owned();
        assert!(matches!(empty.db.restore(&changed).await, Err(BackupError::ChangedMigration(_))));
        let mut new = empty.db.restore(&all).await.unwrap();
        let other = [Column { name: "seq".into(), kind: Kind::Text }];
        assert!(matches!(new.table("outbox_head", &other).await, Err(BackupError::OtherTable(_))));
        assert!(matches!(new.table("pg_authid", &other).await, Err(BackupError::OtherTable(_))));
        // The rows say that nothing was migrated.
        assert!(matches!(new.finish().await.map(drop), Err(BackupError::OtherTable(_))));
    }
}

#[tokio::test]
async fn what_is_given_up_in_the_middle_leaves_an_empty_database() {
    for kind in ENGINES {
        let (source, target) = (Scratch::migrated(kind).await, Scratch::empty(kind).await);
        let (all, tables) = (all_migrations(), dump(&source.db).await);
        let mut new = target.db.restore(&all).await.unwrap();
        let (name, columns, lines) = tables.iter().find(|(name, ..)| name == "lectern_migrations").unwrap();
        new.table(name, columns).await.unwrap();
        let kinds: Vec<Kind> = columns.iter().map(|column| column.kind).collect();
        new.row(row::read(&kinds, lines[0].as_bytes()).unwrap()).await.unwrap();
        drop(new);
        put_back(&target.db, &all, &tables).await.unwrap();
        assert!(dump(&target.db).await == tables);
    }
}

const MOVE: &str = "UPDATE queue_usage SET took_ms = took_ms + $2 WHERE tenant_id = 'ten_1' AND day = $1";

#[tokio::test]
async fn a_snapshot_taken_while_others_write_holds_what_every_transaction_keeps() {
    const ROWS: i64 = 8;
    for_each_engine(|db| async move {
        let mut tx = db.begin().await.unwrap();
        let open = "INSERT INTO queue_usage (tenant_id, day, attempts, took_ms) VALUES ('ten_1', $1, 0, 100)";
        for day in 0..ROWS {
            tx.execute(open, args![day]).await.unwrap();
        }
        tx.commit().await.unwrap();
        let stop = AtomicBool::new(false);
        let write = async |first: i64| {
            let (tenant, mut round) = (TenantId::from_unique("1"), 0);
            while !stop.load(Ordering::Relaxed) {
                round += 1;
                let (from, to) = ((first + round) % ROWS, (first + round * 3 + 1) % ROWS);
                let mut tx = db.begin().await.unwrap();
                // In one order, so that two of them wait for each other and never both.
                let mut moves = [(from, -round), (to, round)];
                moves.sort_unstable();
                for (day, by) in moves {
                    tx.execute(MOVE, args![day, by]).await.unwrap();
                }
                let event =
                    outbox::NewEvent { tenant_id: &tenant, kind: "a", subject: "b", data: json!({}), time_ms: round };
                outbox::append(&mut tx, &event).await.unwrap();
                tx.commit().await.unwrap();
            }
        };
        let look = async {
            let mut last = 0;
            while last < 60 {
                let dump: BTreeMap<String, (Vec<Column>, Vec<String>)> =
                    dump(&db).await.into_iter().map(|(name, columns, lines)| (name, (columns, lines))).collect();
                let ints = |table: &str, column: &str| -> Vec<i64> {
                    let (columns, lines) = &dump[table];
                    let at = columns.iter().position(|known| known.name == column).unwrap();
                    let kinds: Vec<Kind> = columns.iter().map(|column| column.kind).collect();
                    let read = |line: &String| match row::read(&kinds, line.as_bytes()).unwrap()[at] {
                        Cell::Int(number) => number,
                        _ => panic!("{column} is a number"),
                    };
                    lines.iter().map(read).collect()
                };
                assert_eq!(ints("queue_usage", "took_ms").iter().sum::<i64>(), ROWS * 100);
                last = ints("outbox_head", "seq")[0];
                assert_eq!(ints("outbox", "seq"), (1..=last).collect::<Vec<_>>());
            }
            stop.store(true, Ordering::Relaxed);
        };
        tokio::join!(write(0), write(3), look);
    })
    .await;
}
