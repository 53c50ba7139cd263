//! What is personal in a log.

use super::*;
use crate::audit::model::Wanted;
use crate::audit::views::EntryView;

const RECORD: &str = "INSERT INTO audit_transit
    (tenant_id, id, writer, beat, state, actor, action, resource, request_id, status, time_ms, context, changes)
    VALUES ($1, $2, 'somebody', 0, 'done', $3, $4, $5, 'req_1', 200, $6, $7, $8)";

/// Has a request leave its record: number `n`, a second after the one before, from an address of its own in a session of its actor.
pub(super) async fn record(db: &Database, n: i64, (actor, action, resource): (&str, &str, &str), changes: &str) {
    let context = format!(r#"{{"address":"192.0.2.{n}","session":"ses_of_{actor}","reason":"reason {n}"}}"#);
    let (id, time_ms) = (format!("{n:032}"), NOW_MS + n * 1000);
    let mut tx = db.begin().await.unwrap();
    tx.execute(RECORD, args![&default_tenant(), id, actor, action, resource, time_ms, context, changes]).await.unwrap();
    tx.commit().await.unwrap();
}

/// What is personal in these entries, each as one text.
async fn told(audit: &Audit, wanted: Wanted) -> Vec<(i64, String)> {
    let rows = audit.search(&default_tenant(), &wanted, None, 200).await.unwrap();
    let views = audit.views(&default_tenant(), rows).await.unwrap();
    let text = |view: EntryView| (view.index, format!("{:?} {:?} {}", view.origin, view.change, view.is_erased));
    views.into_iter().map(text).collect()
}

#[tokio::test]
async fn what_is_personal_is_shown_until_its_person_is_erased_and_everything_stays_proven() {
    for_each_engine(|db| async move {
        let audit = Audit::new(db.clone(), Arc::new(|| NOW_MS), Keyring::new([Zeroizing::new([1; 32])]));
        let tenant = default_tenant();
        let renamed = r#"{"changes":[{"path":"/email","old":"old@example.com","new":"new@example.com"}]}"#;
        record(&db, 1, ("usr_1", "update_user", "/api/v1/users/usr_2"), renamed).await;
        record(&db, 2, ("usr_2", "update_flag", "/api/v1/flags/a"), r#"{"changes":[{"path":"/on","new":true}]}"#).await;
        assert_eq!(audit.append(&tenant).await.unwrap(), 2);
        let kept = checkpoint(&audit).await;

        let by = |session: &str| Wanted { session: Some(session.to_owned()), ..Wanted::default() };
        let about = |person: &str| Wanted { subject: Some(person.to_owned()), ..Wanted::default() };
        let [(0, before)] = &told(&audit, about("usr_2")).await[..] else { panic!("one is about him") };
        for part in ["192.0.2.1", "old@example.com", "new@example.com", "reason 1", "false"] {
            assert!(before.contains(part), "{part}: {before}");
        }
        let [(1, before)] = &told(&audit, by("ses_of_usr_2")).await[..] else { panic!("one is by him") };
        assert!(before.contains("192.0.2.2") && before.contains("/on"), "{before}");
        let texts: Vec<(String,)> = db.all("SELECT entry FROM audit_entry", args![]).await.unwrap();
        assert!(texts.iter().all(|(text,)| !text.contains("example.com") && !text.contains("192.0.2")), "{texts:?}");

        assert!(erase(&db, "usr_2").await && erase(&db, "usr_2").await, "as often as somebody asks");
        let [(0, after)] = &told(&audit, about("usr_2")).await[..] else { panic!("it is still found") };
        assert!(after.contains("192.0.2.1") && after.ends_with("None true"), "who did it is somebody else: {after}");
        let [(1, after)] = &told(&audit, by("ses_of_usr_2")).await[..] else { panic!("it is still found") };
        assert!(after.starts_with("None") && after.contains("/on") && after.ends_with("true"), "{after}");

        record(&db, 3, ("usr_1", "delete_user", "/api/v1/users/usr_2"), renamed).await;
        assert_eq!(audit.append(&tenant).await.unwrap(), 1);
        let later = told(&audit, about("usr_2")).await;
        assert!(later[0].1.ends_with("None false"), "nothing more is kept of him: {later:?}");
        let verified = audit.verify(&tenant, Some(&kept)).await.unwrap();
        assert_eq!((verified.is_fine(), verified.entries), (true, 3), "{:?}", verified.faults);
    })
    .await;
}

#[tokio::test]
async fn keys_of_subjects_are_wrapped_anew_with_those_that_sign_and_open_under_no_other() {
    for_each_engine(|db| async move {
        let under = |keys: &[u8]| {
            let keyring = Keyring::new(keys.iter().map(|&byte| Zeroizing::new([byte; 32])));
            Audit::new(db.clone(), Arc::new(|| NOW_MS), keyring)
        };
        let (first, second) = (under(&[1]), under(&[2, 1]));
        let tenant = default_tenant();
        record(&db, 1, ("usr_1", "update_user", "/api/v1/users/usr_2"), r#"{"changes":[{"path":"/a"}]}"#).await;
        first.append(&tenant).await.unwrap();
        assert_eq!((second.rewrap().await.unwrap(), second.rewrap().await.unwrap()), (3, 0), "two people, one log");
        assert!(told(&under(&[2]), Wanted::default()).await[0].1.contains("192.0.2.1"));
        let rows = first.search(&tenant, &Wanted::default(), None, 1).await.unwrap();
        assert!(matches!(first.views(&tenant, rows).await, Err(AuditError::Key(SecretError::Unopened))));
        assert!(erase(&db, "usr_1").await);
        assert_eq!(under(&[3, 2]).rewrap().await.unwrap(), 2, "who was erased has none");
    })
    .await;
}
