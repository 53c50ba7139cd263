//! What a log keeps, and for how long.

use std::sync::atomic::{AtomicI64, Ordering};

use super::*;
use crate::audit::Fault;
use crate::audit::entry::EXPIRED;
use crate::audit::keeping::{HoldRow, NewHold, make};
use crate::audit::model::Wanted;

const DAY_MS: i64 = 24 * 3_600_000;

async fn hold(audit: &Audit, id: &str, (resource, person): (Option<&str>, Option<&str>), to_ms: Option<i64>) {
    let row = HoldRow {
        id: id.to_owned(),
        reason: "case 4711".to_owned(),
        resource: resource.map(str::to_owned),
        person: person.map(str::to_owned),
        from_ms: None,
        to_ms,
        created_by: "admin".to_owned(),
        created_ms: NOW_MS,
    };
    let mut tx = audit.db.begin().await.unwrap();
    make(&mut tx, NewHold { tenant: default_tenant(), row }).await.unwrap();
    tx.commit().await.unwrap();
}

/// Indices of the entries that still say something.
async fn left(audit: &Audit) -> Vec<i64> {
    let mut rows = audit.search(&default_tenant(), &Wanted::default(), None, 200).await.unwrap();
    rows.sort_by_key(|row| row.seq);
    rows.into_iter().map(|row| row.seq).collect()
}

#[tokio::test]
async fn entries_lose_what_they_say_when_their_time_is_over_unless_they_are_held_and_all_stays_proven() {
    for_each_engine(|db| async move {
        let now_ms = Arc::new(AtomicI64::new(NOW_MS));
        let clock = Arc::clone(&now_ms);
        let audit = Audit::new(db.clone(), Arc::new(move || clock.load(Ordering::Relaxed)), Keyring::default());
        let tenant = default_tenant();
        happen(&db, 0..30).await;
        assert_eq!(audit.append(&tenant).await.unwrap(), 30);
        let kept = checkpoint(&audit).await;
        audit.retain(&tenant, Some(90)).await.unwrap();
        audit.sweep().await.unwrap();
        assert_eq!(left(&audit).await, (0..30).collect::<Vec<_>>(), "none is so old");

        hold(&audit, "hold_1", (Some("/api/v1/assets/ast_7"), None), None).await;
        hold(&audit, "hold_2", (None, Some("anyone")), Some(NOW_MS + 10_000)).await;
        now_ms.store(NOW_MS + 90 * DAY_MS + 20_000, Ordering::Relaxed);
        audit.sweep().await.unwrap();
        audit.sweep().await.unwrap();
        let expected: Vec<i64> = [0, 3, 6, 7, 9, 17].into_iter().chain(20..31).collect();
        assert_eq!(left(&audit).await, expected, "and the log says itself that the others are gone");
        let verified = audit.verify(&tenant, Some(&kept)).await.unwrap();
        assert_eq!((verified.entries, verified.emptied, verified.faults), (31, 14, Vec::new()));
        let (leaf, _) = audit.inclusion(&tenant, 1, 31).await.unwrap();
        assert_eq!(audit.entries(&tenant, 1, 1).await.unwrap()[0].leaf_hash, leaf);
        assert!(matches!(audit.entry(&tenant, 1).await, Err(AuditError::Expired(1))));

        audit.release(&tenant, "hold_1").await.unwrap();
        audit.sweep().await.unwrap();
        let expected: Vec<i64> = [0, 3, 6, 9].into_iter().chain(20..32).collect();
        assert_eq!(left(&audit).await, expected, "nothing holds them any more");

        let mut tx = db.begin().await.unwrap();
        tx.execute("UPDATE audit_entry SET entry = '' WHERE seq = 25", args![]).await.unwrap();
        tx.commit().await.unwrap();
        let forged = args![
            &tenant,
            "forged",
            "done",
            "service",
            EXPIRED,
            AuditEntry::expired(99),
            None::<String>,
            200_i64,
            0_i64
        ];
        let mut tx = db.begin().await.unwrap();
        tx.execute(TRANSIT, forged).await.unwrap();
        tx.commit().await.unwrap();
        audit.append(&tenant).await.unwrap();
        assert_eq!(audit.verify(&tenant, None).await.unwrap().faults, [Fault::Emptied(25)], "whose time is not over");
        audit.retain(&tenant, None).await.unwrap();
        now_ms.store(NOW_MS + 900 * DAY_MS, Ordering::Relaxed);
        audit.sweep().await.unwrap();
        assert_eq!(left(&audit).await.len(), expected.len(), "for good: one that is forged has come, one was emptied");
    })
    .await;
}

#[tokio::test]
async fn what_is_held_of_somebody_is_erased_when_the_hold_ends() {
    for_each_engine(|db| async move {
        let (audit, tenant) = (audit(&db), default_tenant());
        personal::record(&db, 1, ("usr_1", "update_user", "/api/v1/users/usr_2"), r#"{"changes":[{"path":"/a"}]}"#)
            .await;
        audit.append(&tenant).await.unwrap();
        hold(&audit, "hold_1", (Some("/api/v1/users"), None), None).await;
        hold(&audit, "hold_2", (None, Some("usr_3")), None).await;
        hold(&audit, "hold_3", (None, Some("usr_1")), None).await;
        for held in ["usr_1", "usr_2", "usr_3"] {
            assert!(!erase(&db, held).await, "{held}");
        }
        assert!(erase(&db, "usr_4").await, "of whom there is nothing, and will be nothing");
        let keys = async || -> Vec<(String,)> {
            let with = "SELECT id FROM audit_subject WHERE secret IS NOT NULL AND id LIKE 'usr%' ORDER BY id";
            db.all(with, args![]).await.unwrap()
        };
        let both = [("usr_1".to_owned(),), ("usr_2".to_owned(),)];
        audit.sweep().await.unwrap();
        assert_eq!(keys().await, both);
        audit.release(&tenant, "hold_1").await.unwrap();
        audit.sweep().await.unwrap();
        assert_eq!(keys().await, both, "one is held, and so is what he has done to the other");
        audit.release(&tenant, "hold_3").await.unwrap();
        audit.sweep().await.unwrap();
        assert_eq!(keys().await, [], "without anybody asking again");
    })
    .await;
}
