//! Logs on both engines.
#![allow(clippy::unwrap_used)]

mod findings;
mod http;
mod keeping;
mod personal;
mod streams;
mod tampered;

use std::sync::Arc;

use database::testing::{Scratch, for_each_engine, prepare_all};
use database::{Database, EngineKind, args};
use kernel::audit::transit::{self, PATIENCE};
use kernel::{Keyring, SecretError, Standing, default_tenant};
use media_types::TenantId;
use tokio::sync::watch;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::entry::AuditEntry;
use super::tree::Frontier;
use super::{Audit, AuditError, appender};

const NOW_MS: i64 = 1_795_233_000_000;
const TRANSIT: &str =
    "INSERT INTO audit_transit (tenant_id, id, writer, beat, state, actor, action, resource, request_id, status, time_ms)
    VALUES ($1, $2, 'somebody', 0, $3, $4, $5, $6, $7, $8, $9)";

fn audit(db: &Database) -> Audit {
    Audit::new(db.clone(), Arc::new(|| NOW_MS), Keyring::default())
}

/// Has so many requests leave their records: number `n` of an asset `n % 10`, a second after the one before, by the admin, but for
/// every third one, which is a licence.
async fn happen(db: &Database, numbers: std::ops::Range<i64>) {
    let mut tx = db.begin().await.unwrap();
    for n in numbers {
        let (actor, action) = if n % 3 == 0 { ("anyone", "create_licence") } else { ("admin", "renew_asset") };
        let resource = format!("/api/v1/assets/ast_{}", n % 10);
        let (id, request) = (format!("{n:032}"), format!("req_{n}"));
        let args = args![&default_tenant(), id, "done", actor, action, resource, request, 202_i64, NOW_MS + n * 1000];
        tx.execute(TRANSIT, args).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// Erases a person, as the unit's hook does; whether he is gone.
async fn erase(db: &Database, person: &str) -> bool {
    let mut tx = db.begin().await.unwrap();
    let is_gone = super::subjects::erase(&mut tx, &default_tenant(), person, NOW_MS).await.unwrap();
    tx.commit().await.unwrap();
    is_gone
}

/// A log of `size` entries.
async fn filled(db: &Database, size: i64) -> Audit {
    let audit = audit(db);
    happen(db, 0..size).await;
    while audit.append(&default_tenant()).await.unwrap() > 0 {}
    audit
}

async fn checkpoint(audit: &Audit) -> String {
    audit.log(&default_tenant()).await.unwrap().checkpoint
}

async fn entries(audit: &Audit) -> Vec<AuditEntry> {
    let rows = audit.entries(&default_tenant(), 0, 10_000).await.unwrap();
    assert!(rows.iter().zip(0..).all(|(row, at)| row.seq == at));
    rows.iter().map(|row| serde_json::from_str(&row.entry).unwrap()).collect()
}

#[tokio::test]
async fn every_statement_prepares() {
    for_each_engine(|db| async move { prepare_all(&db, super::STATEMENTS).await.unwrap() }).await;
}

#[tokio::test]
async fn two_appenders_at_once_make_one_log_with_every_record_in_it_once() {
    for kind in [EngineKind::Sqlite, EngineKind::Postgres] {
        let scratch = Scratch::migrated(kind).await;
        let audits = [audit(&scratch.db), audit(&scratch.another().await)];
        let tenant = &default_tenant();
        let appending = async |audit: &Audit| {
            for _ in 0..40 {
                audit.append(tenant).await.unwrap();
            }
        };
        let happening = async {
            for at in 0..35 {
                happen(&scratch.db, at * 20..(at + 1) * 20).await;
            }
        };
        tokio::join!(appending(&audits[0]), appending(&audits[1]), happening);
        while audits[0].append(tenant).await.unwrap() > 0 {}
        let mut ids: Vec<String> = entries(&audits[0]).await.into_iter().map(|entry| entry.id).collect();
        ids.sort();
        assert_eq!(ids, (0..700).map(|n| format!("{n:032}")).collect::<Vec<_>>(), "{kind:?}");
        let verified = audits[1].verify(tenant, None).await.unwrap();
        assert_eq!((verified.is_fine(), verified.entries), (true, 700), "{kind:?}: {:?}", verified.faults);
        assert_eq!(transit::tenants(&scratch.db, "", 10).await.unwrap(), [""; 0]);
    }
}

#[tokio::test]
async fn a_request_whose_process_was_killed_is_in_the_log_as_one_whose_end_nobody_knows() {
    for_each_engine(|db| async move {
        let (audit, tenant) = (audit(&db), default_tenant());
        let mut tx = db.begin().await.unwrap();
        let args = args![
            &tenant,
            "killed",
            "open",
            "admin",
            "delete_asset",
            "/api/v1/assets/ast_1",
            "req_1",
            None::<i64>,
            NOW_MS
        ];
        tx.execute(TRANSIT, args).await.unwrap();
        tx.commit().await.unwrap();
        let (mut standing, start) = (Standing::new(PATIENCE), Instant::now());
        audit.round(&mut standing, start).await.unwrap();
        assert_eq!(entries(&audit).await, [], "it may still be under way");
        audit.round(&mut standing, start + PATIENCE).await.unwrap();
        let [entry] = &entries(&audit).await[..] else { panic!("one entry") };
        assert_eq!((entry.outcome.as_str(), entry.status, entry.action.as_str()), ("unknown", None, "delete_asset"));
        assert_eq!(entry.time, "2026-11-21T03:50:00.000Z");
        assert_eq!(transit::open(&db, 10).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn what_waits_is_appended_by_itself_and_the_appender_ends_when_it_is_told() {
    let scratch = Scratch::migrated(EngineKind::Sqlite).await;
    let audit = audit(&scratch.db);
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(appender::run(audit.clone(), stopped));
    happen(&scratch.db, 0..3).await;
    let appended = async {
        let mut look = tokio::time::interval(std::time::Duration::from_millis(10));
        while entries(&audit).await.len() < 3 {
            look.tick().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), appended).await.expect("they are appended");
    stop.send(true).unwrap();
    running.await.unwrap();
}

#[tokio::test]
async fn the_signing_key_is_wrapped_where_there_is_a_key_for_that_and_nothing_is_lost_while_it_does_not_open() {
    for_each_engine(|db| async move {
        let under = |keys: &[u8]| {
            let keyring = Keyring::new(keys.iter().map(|&byte| Zeroizing::new([byte; 32])));
            Audit::new(db.clone(), Arc::new(|| NOW_MS), keyring)
        };
        let tenant = default_tenant();
        let (none, first, second) = (under(&[]), under(&[1]), under(&[2, 1]));
        let plain = none.log(&tenant).await.unwrap();
        assert!(!plain.is_wrapped);
        assert_eq!((first.rewrap().await.unwrap(), first.rewrap().await.unwrap()), (1, 0));
        let wrapped = first.log(&tenant).await.unwrap();
        assert!(
            wrapped.is_wrapped
                && !wrapped.secret.windows(16).any(|part| plain.secret.windows(16).any(|own| own == part))
        );
        happen(&db, 0..5).await;
        for other in [&none, &under(&[2])] {
            assert!(matches!(other.append(&tenant).await, Err(AuditError::Key(SecretError::Unopened))));
        }
        assert_eq!(second.rewrap().await.unwrap(), 1);
        assert_eq!(under(&[2]).append(&tenant).await.unwrap(), 5);
        let verified = none.verify(&tenant, Some(&plain.checkpoint)).await.unwrap();
        assert_eq!((verified.is_fine(), verified.entries), (true, 5), "who verifies needs no secret");
    })
    .await;
}

#[tokio::test]
async fn a_log_that_takes_nothing_keeps_no_other_one_waiting() {
    for_each_engine(|db| async move {
        let (audit, tenant, other) = (audit(&db), default_tenant(), TenantId::from_unique("another"));
        audit.log(&other).await.unwrap();
        happen(&db, 0..1).await;
        let mut tx = db.begin().await.unwrap();
        tx.execute("UPDATE audit_log SET secret = $1, is_wrapped = $2", args![&[0_u8; 40][..], true]).await.unwrap();
        tx.execute("UPDATE audit_transit SET tenant_id = $1", args![&other]).await.unwrap();
        tx.commit().await.unwrap();
        happen(&db, 1..3).await;
        assert!(other.as_str() < tenant.as_str(), "it comes first");
        audit.round(&mut Standing::new(PATIENCE), Instant::now()).await.unwrap();
        assert_eq!(entries(&audit).await.len(), 2);
        assert_eq!(transit::tenants(&db, "", 10).await.unwrap(), [other.as_str()], "its entry waits");
    })
    .await;
}

#[tokio::test]
async fn hashes_of_whole_nodes_are_stored_as_they_become_whole() {
    for_each_engine(|db| async move {
        let audit = filled(&db, 600).await;
        let nodes: Vec<(i64, i64)> =
            db.all("SELECT level, idx FROM audit_node ORDER BY level, idx", args![]).await.unwrap();
        assert_eq!(nodes, [(1, 0), (1, 1)]);
        let mut grown = Frontier::default();
        for entry in entries(&audit).await {
            grown.push(super::tree::leaf_hash(entry.text().as_bytes()), &mut Vec::new());
        }
        let log = audit.log(&default_tenant()).await.unwrap();
        let signed = log.verifier().unwrap().open(&log.checkpoint).unwrap();
        assert_eq!((signed.size, signed.root), (600, grown.root()));
    })
    .await;
}
