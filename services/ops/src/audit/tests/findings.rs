//! What is found in a log.

use database::outbox;

use super::*;

async fn found(audit: &Audit) -> Vec<(String, i64, i64)> {
    let rows = audit.findings(&default_tenant(), None, 100).await.unwrap();
    rows.into_iter().map(|row| (row.rule, row.seq, row.count)).collect()
}

#[tokio::test]
async fn what_rules_find_is_a_list_and_an_event_each_once_in_whichever_process() {
    for_each_engine(|db| async move {
        let (audit, other, tenant) = (audit(&db), audit(&db), default_tenant());
        let given = r#"{"changes":[{"path":"/permissions","old":["asset.read"],"new":["*"]}]}"#;
        personal::record(&db, 1, ("usr_1", "update_role", "/api/v1/roles/rol_1"), given).await;
        audit.append(&tenant).await.unwrap();
        audit.judge_all().await.unwrap();
        other.judge_all().await.unwrap();
        assert_eq!(found(&audit).await, [("grant_of_everything".to_owned(), 0, 1)]);
        for n in 2..40 {
            personal::record(&db, n, ("key_1", "delete_asset", "/api/v1/assets/ast_1"), "{}").await;
            // However they are cut into pieces, they are one wave.
            if n % 7 == 0 {
                audit.append(&tenant).await.unwrap();
                audit.judge_all().await.unwrap();
            }
        }
        audit.append(&tenant).await.unwrap();
        let (one, another) = tokio::join!(audit.judge_all(), other.judge_all());
        one.and(another).unwrap();
        let expected = [("many_removals".to_owned(), 20, 20), ("grant_of_everything".to_owned(), 0, 1)];
        assert_eq!(found(&audit).await, expected, "newest first");
        let events = outbox::after(&db, &tenant, 0, 10).await.unwrap();
        let told: Vec<_> = events.iter().map(|event| (event.kind.as_str(), event.data.0["rule"].as_str())).collect();
        assert_eq!(told, ["grant_of_everything", "many_removals"].map(|rule| ("audit.finding", Some(rule))));
        assert!(!format!("{events:?}").contains("192.0.2"), "events have nothing personal");
    })
    .await;
}
