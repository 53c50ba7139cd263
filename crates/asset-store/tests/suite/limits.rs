//! What is taken in.

use asset_store::{Limits, OverLimit, StoreError, Whose};
use database::testing::for_each_engine;

use crate::support::Bench;

const DAY_MS: i64 = 86_400_000;

async fn refused(bench: &Bench, now_ms: i64) -> Option<OverLimit> {
    match bench.announce(&bench.announcement(), now_ms).await {
        Ok(_) => None,
        Err(StoreError::OverLimit(limit)) => Some(limit),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_tenant_has_its_own_limits_or_those_of_each_and_another_one_is_not_in_its_way() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        let other = bench.of_tenant("2");
        let two = Limits { open_assets: Some(2), ..Limits::default() };
        bench.store.set_limits(&Whose::Each, &two).await.unwrap();
        let own = Whose::Tenant(other.tenant.clone());
        bench.store.set_limits(&own, &Limits { open_assets: Some(1), ..Limits::default() }).await.unwrap();
        assert_eq!((refused(&bench, 1).await, refused(&bench, 1).await), (None, None));
        assert_eq!(refused(&bench, 1).await, Some(OverLimit::OpenAssets(2)));
        assert_eq!(refused(&other, 1).await, None);
        assert_eq!(refused(&other, 1).await, Some(OverLimit::OpenAssets(1)));
        assert_eq!(bench.store.limits_of(&bench.tenant).await.unwrap(), two);
        bench.store.set_limits(&own, &Limits::default()).await.unwrap();
        assert_eq!(other.store.limits_of(&other.tenant).await.unwrap(), two, "those of each hold again");
        assert_eq!(bench.store.limits().await.unwrap(), [(Whose::Each, two)]);
    })
    .await;
}

#[tokio::test]
async fn room_is_counted_by_what_is_there_and_comes_back() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        let size = bench.announcement().size_bytes.unwrap();
        let limits = Limits { stored_bytes: Some(2 * size), ..Limits::default() };
        bench.store.set_limits(&Whose::Each, &limits).await.unwrap();
        let (upload, _) = bench.announced(1).await;
        assert_eq!(refused(&bench, 1).await, None);
        assert_eq!(refused(&bench, 1).await, Some(OverLimit::StoredBytes(2 * size)));
        bench.store.cancel_upload(&bench.tenant, &upload.id, 2).await.unwrap();
        assert_eq!(bench.store.usage(&bench.tenant, 2).await.unwrap().stored_bytes, size);
        assert_eq!(refused(&bench, 3).await, None);
    })
    .await;
}

#[tokio::test]
async fn what_attempts_took_today_counts_and_tomorrow_it_does_not() {
    for_each_engine(|db| async move {
        let bench = Bench::at(db, 1_000);
        bench.uploaded().await;
        // Begun at 1 s by the queue's clock, and ended at 11 s.
        bench.done("probe", None, 11_000).await;
        assert_eq!(bench.store.usage(&bench.tenant, 12_000).await.unwrap().cpu_s_today, 10);
        let limits = Limits { cpu_s_per_day: Some(10), ..Limits::default() };
        bench.store.set_limits(&Whose::Each, &limits).await.unwrap();
        let again_in_s = u32::try_from((DAY_MS - 12_000) / 1_000 + 1).unwrap();
        assert_eq!(refused(&bench, 12_000).await, Some(OverLimit::CpuSeconds { a_day: 10, again_in_s }));
        assert_eq!(refused(&bench, DAY_MS).await, None);
    })
    .await;
}

#[tokio::test]
async fn all_together_are_limited_by_what_is_processed_and_by_nothing_else() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        let one = Limits { open_assets: Some(1), ..Limits::default() };
        bench.store.set_limits(&Whose::All, &one).await.unwrap();
        assert_eq!(refused(&bench, 1).await, None, "nothing is processed yet");
        bench.uploaded().await;
        assert_eq!(refused(&bench.of_tenant("2"), 1).await, Some(OverLimit::Processing(1)));
        let bytes = Limits { stored_bytes: Some(1), ..Limits::default() };
        let wrong = bench.store.set_limits(&Whose::All, &bytes).await;
        assert!(matches!(wrong, Err(StoreError::Invalid { .. })), "{wrong:?}");
    })
    .await;
}
