//! What viewers wait for goes next, and is asked for once.

use asset_flow::{Ahead, FlowEvent, PlanSummary, Stage};
use asset_store::{AssetRow, MAX_DEMANDED, MAX_DEMANDED_OF_TENANT};
use database::testing::for_each_engine;

use crate::support::{Bench, plan};

/// Orders of one asset: each is one job.
const MAX_ORDERS: usize = MAX_DEMANDED;

async fn planned(bench: &Bench, summary: PlanSummary) -> AssetRow {
    let asset = bench.uploaded().await;
    bench.done("probe", Some(FlowEvent::Probed), 4).await;
    bench.done("plan", Some(FlowEvent::Planned { summary }), 5).await;
    // The beginning.
    while let Some(job) = bench.try_claim("encode_ahead").await {
        bench.store.commit(&job.fence, &asset.id, serde_json::json!({}), None, 6).await.unwrap();
    }
    asset
}

#[tokio::test(flavor = "multi_thread")]
async fn demanded_segments_are_claimed_next_and_asked_for_once() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        let asset = planned(&bench, plan()).await;
        let demand = async |first, count| {
            bench.store.demand(&bench.tenant, &asset.id, (Ahead::Pictures, first, count), 6).await.unwrap()
        };
        assert!(demand(40, 15).await);
        assert!(!demand(40, 15).await && !demand(41, 15).await, "they are on their way");
        assert!(demand(44, 15).await, "it is on its way, and others may come before");
        assert!(!demand(45, 15).await, "now it comes before them");
        assert!(demand(54, 15).await, "it is on its way, and far off");
        let encodes = ["encode_ahead", "encode_audio", "encode_range", "stills"];
        let job = bench.queue().claim(&encodes, i64::MIN, "w").await.unwrap().unwrap();
        let stage: Stage = serde_json::from_value(job.payload.clone()).unwrap();
        assert_eq!(stage, Stage::EncodeAhead { of: Ahead::Pictures, first_segment: 40, segment_count: 2 });
        assert!(!demand(41, 15).await, "they are being made");
        let sound = bench.store.demand(&bench.tenant, &asset.id, (Ahead::Sound, 40, 2), 6).await.unwrap();
        assert!(sound, "pictures are no sound");
        bench.store.commit(&job.fence, &asset.id, serde_json::json!({}), None, 7).await.unwrap();
        assert!(demand(41, 15).await, "whoever still lacks one asks again");
        for first in 0..(MAX_DEMANDED as u32 - 6) / 2 {
            assert!(demand(100 + 100 * first, 15).await);
        }
        assert!(!demand(1000, 15).await, "no more at a time");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_whose_viewers_go_everywhere_leaves_the_other_tenants_some() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        let demand = async |asset: &AssetRow, first| {
            bench.store.demand(&bench.tenant, &asset.id, (Ahead::Pictures, first, 2), 6).await.unwrap()
        };
        let mut assets = Vec::new();
        for _ in 0..=MAX_DEMANDED_OF_TENANT as usize / MAX_ORDERS {
            assets.push(planned(&bench, plan()).await);
        }
        let another = assets.pop().unwrap();
        for asset in &assets {
            for first in 1..=MAX_ORDERS as u32 {
                assert!(demand(asset, 100 * first).await);
            }
        }
        assert!(!demand(&another, 100).await, "no more of a tenant at a time");
        let made = bench.try_claim("encode_ahead").await.unwrap();
        bench.store.commit(&made.fence, &made.asset_id, serde_json::json!({}), None, 7).await.unwrap();
        assert!(demand(&another, 100).await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_made_for_who_cannot_play_it() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db);
        let asset = planned(&bench, PlanSummary { planned_generation: None, ..plan() }).await;
        assert!(!bench.store.demand(&bench.tenant, &asset.id, (Ahead::Sound, 3, 1), 6).await.unwrap());
        let other = planned(&bench, plan()).await;
        bench.store.request(&bench.tenant, &other.id, FlowEvent::Cancelled, 7).await.unwrap();
        assert!(!bench.store.demand(&bench.tenant, &other.id, (Ahead::Sound, 3, 1), 8).await.unwrap());
        let stranger = bench.of_tenant("b");
        assert!(stranger.store.demand(&stranger.tenant, &asset.id, (Ahead::Sound, 3, 1), 8).await.is_err());
    })
    .await;
}
