//! What somebody does to the tables who can write to them.

use database::Val;

use super::*;
use crate::audit::{Fault, NoteError};

const KEEP: [&str; 3] = [
    "CREATE TABLE kept_entry AS SELECT * FROM audit_entry",
    "CREATE TABLE kept_node AS SELECT * FROM audit_node",
    "CREATE TABLE kept_log AS SELECT * FROM audit_log",
];
const PUT_BACK: [&str; 6] = [
    "DELETE FROM audit_entry",
    "INSERT INTO audit_entry SELECT * FROM kept_entry",
    "DELETE FROM audit_node",
    "INSERT INTO audit_node SELECT * FROM kept_node",
    "DELETE FROM audit_log",
    "INSERT INTO audit_log SELECT * FROM kept_log",
];
const COPY: &str = "INSERT INTO audit_entry (tenant_id, seq, entry, leaf_hash, actor, action, resource, request_id, time_ms)
    SELECT tenant_id, CAST($1 AS BIGINT), entry, leaf_hash, actor, action, resource, request_id, time_ms FROM audit_entry WHERE seq = 7";
const MOVE: &str = "UPDATE audit_entry SET seq = $2 WHERE seq = $1";

/// A statement with its arguments.
type Change = (&'static str, Vec<Val>);

async fn change(db: &Database, statements: &[Change]) {
    let mut tx = db.begin().await.unwrap();
    for (sql, args) in statements {
        tx.execute(sql, args.clone()).await.unwrap();
    }
    tx.commit().await.unwrap();
}

async fn faults(audit: &Audit, since: Option<&str>) -> Vec<Fault> {
    audit.verify(&default_tenant(), since).await.unwrap().faults
}

#[tokio::test]
async fn whatever_is_edited_deleted_moved_or_cut_off_is_found() {
    for_each_engine(|db| async move {
        let audit = filled(&db, 200).await;
        let early = checkpoint(&audit).await;
        happen(&db, 200..300).await;
        audit.append(&default_tenant()).await.unwrap();
        let late = checkpoint(&audit).await;
        for sql in KEEP {
            change(&db, &[(sql, args![])]).await;
        }
        assert_eq!(faults(&audit, Some(&early)).await, []);
        assert_eq!(faults(&audit, Some(&late)).await, []);

        let row = audit.entry(&default_tenant(), 7).await.unwrap();
        let text = row.entry.replace("admin", "other");
        let hash = super::super::tree::leaf_hash(text.as_bytes());
        let edit = "UPDATE audit_entry SET entry = $1 WHERE seq = 7";
        let node = Fault::Hash { level: 1, index: 0 };
        let cases: Vec<(&str, Vec<Change>, Vec<Fault>)> = vec![
            ("edited", vec![(edit, args![&text])], vec![Fault::Edited(7), node.clone(), Fault::Root]),
            (
                "edited with its hash",
                vec![(edit, args![&text]), ("UPDATE audit_entry SET leaf_hash = $1 WHERE seq = 7", args![&hash[..]])],
                vec![Fault::Relabelled(7), node.clone(), Fault::Root],
            ),
            (
                "found as another's",
                vec![("UPDATE audit_entry SET actor = 'other' WHERE seq = 7", args![])],
                vec![Fault::Relabelled(7)],
            ),
            (
                "deleted",
                vec![("DELETE FROM audit_entry WHERE seq = 7", args![])],
                vec![Fault::Missing(7), node.clone(), Fault::Size { found: 299, signed: 300 }],
            ),
            (
                "changed places",
                vec![(MOVE, args![7_i64, 9999_i64]), (MOVE, args![8_i64, 7_i64]), (MOVE, args![9999_i64, 8_i64])],
                vec![node.clone(), Fault::Root],
            ),
            (
                "cut off",
                vec![("DELETE FROM audit_entry WHERE seq >= 290", args![])],
                vec![Fault::Size { found: 290, signed: 300 }],
            ),
            (
                "cut off, and counted so",
                vec![
                    ("DELETE FROM audit_entry WHERE seq >= 290", args![]),
                    ("UPDATE audit_log SET size = 290", args![]),
                ],
                vec![Fault::Size { found: 290, signed: 300 }],
            ),
            ("put behind", vec![(COPY, args![300_i64])], vec![Fault::Surplus(1)]),
            ("put before", vec![(COPY, args![-1_i64])], vec![Fault::Surplus(1)]),
            ("a hash of many", vec![("UPDATE audit_node SET hash = $1", args![&hash[..]])], vec![node.clone()]),
            (
                "a checkpoint",
                vec![("UPDATE audit_log SET checkpoint = $1", args![late.replace("\n300\n", "\n299\n")])],
                vec![Fault::Checkpoint(NoteError::Unsigned)],
            ),
        ];
        for (what, statements, expected) in cases {
            change(&db, &statements).await;
            assert_eq!(faults(&audit, None).await, expected, "{what}");
            change(&db, &PUT_BACK.map(|sql| (sql, args![]))).await;
            assert_eq!(faults(&audit, None).await, [], "{what}, and put back");
        }

        // What only a checkpoint that was kept elsewhere can tell: all of it was, word for word, once.
        change(
            &db,
            &[
                ("DELETE FROM audit_entry WHERE seq >= 200", args![]),
                ("DELETE FROM audit_node", args![]),
                ("UPDATE audit_log SET size = 200, checkpoint = $1", args![&early]),
            ],
        )
        .await;
        assert_eq!(faults(&audit, None).await, []);
        assert_eq!(faults(&audit, Some(&early)).await, []);
        assert_eq!(faults(&audit, Some(&late)).await, [Fault::Truncated { found: 200, kept: 300 }]);
        // And goes on otherwise.
        happen(&db, 1000..1150).await;
        audit.append(&default_tenant()).await.unwrap();
        assert_eq!(faults(&audit, None).await, []);
        assert_eq!(faults(&audit, Some(&late)).await, [Fault::Rewritten { kept: 300 }]);

        // A log that is begun anew has another key.
        let all = ["DELETE FROM audit_log", "DELETE FROM audit_entry", "DELETE FROM audit_node"];
        change(&db, &all.map(|sql| (sql, args![]))).await;
        let other = |found: Result<crate::audit::Verified, AuditError>| {
            matches!(found, Err(AuditError::Note(NoteError::OtherLog)))
        };
        assert!(other(audit.verify(&default_tenant(), Some(&late)).await));
        happen(&db, 0..10).await;
        audit.append(&default_tenant()).await.unwrap();
        assert_eq!(faults(&audit, None).await, []);
        assert!(other(audit.verify(&default_tenant(), Some(&late)).await));
    })
    .await;
}

#[tokio::test]
async fn a_hundred_faults_are_told_and_all_of_them_counted() {
    let scratch = Scratch::migrated(EngineKind::Sqlite).await;
    let audit = filled(&scratch.db, 250).await;
    change(&scratch.db, &[("DELETE FROM audit_entry WHERE seq >= 10 AND seq < 240", args![])]).await;
    let found = audit.verify(&default_tenant(), None).await.unwrap();
    assert_eq!((found.faults.len(), found.faults[0].clone(), found.count), (100, Fault::Missing(10), 230 + 1));
    // Whoever can change the size as well has nobody count to it.
    change(&scratch.db, &[("UPDATE audit_log SET checkpoint = '', size = 9223372036854775807", args![])]).await;
    change(&scratch.db, &[(MOVE, args![249_i64, i64::MAX - 1])]).await;
    let found = audit.verify(&default_tenant(), None).await.unwrap();
    assert!(found.count > 1 << 62 && found.faults.len() == 100, "{}", found.count);
}

#[tokio::test]
async fn a_log_whose_hashes_are_gone_proves_nothing_and_takes_nothing_more() {
    for_each_engine(|db| async move {
        let audit = filled(&db, 300).await;
        change(&db, &[("DELETE FROM audit_node", args![])]).await;
        let tenant = default_tenant();
        assert!(matches!(audit.inclusion(&tenant, 299, 300).await, Err(AuditError::Damaged(_))));
        happen(&db, 300..301).await;
        assert!(matches!(audit.append(&tenant).await, Err(AuditError::Damaged(_))));
        assert_eq!(audit.verify(&tenant, None).await.unwrap().entries, 300);
    })
    .await;
}
