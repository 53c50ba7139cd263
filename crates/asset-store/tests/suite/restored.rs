//! A database that was restored.

use asset_flow::Phase;
use asset_store::UploadState;
use asset_store::restored::{UPLOAD_LOST, assets_after, open_uploads_after, raise_generation};
use database::testing::for_each_engine;

use crate::support::{Bench, SIZE};

#[tokio::test]
async fn pages_go_over_every_asset_and_open_upload_of_every_tenant() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db.clone());
        let mut made = Vec::new();
        for name in ["b", "a", "c"] {
            for _ in 0..2 {
                made.push(bench.of_tenant(name).announced(1).await.1.id);
            }
        }
        let closed = bench.uploaded().await;
        made.push(closed.id);
        let mut tx = db.begin().await.unwrap();
        let (mut assets, mut uploads) = (Vec::new(), 0);
        let mut page = assets_after(&mut tx, None).await.unwrap();
        while let Some(last) = page.last().cloned() {
            assets.extend(page.into_iter().map(|asset| asset.id));
            page = assets_after(&mut tx, Some(&last)).await.unwrap();
        }
        let mut page = open_uploads_after(&mut tx, None).await.unwrap();
        while let Some(last) = page.last().cloned() {
            uploads += page.len();
            page = open_uploads_after(&mut tx, Some(&last)).await.unwrap();
        }
        assets.sort();
        made.sort();
        assert_eq!((assets, uploads), (made, 6));
    })
    .await;
}

#[tokio::test]
async fn generations_go_on_above_what_the_store_shows_and_never_back() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db.clone());
        let asset = bench.planned().await;
        for (known, then) in [(40, 40), (7, 40)] {
            let mut tx = db.begin().await.unwrap();
            raise_generation(&mut tx, &asset, known).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(bench.asset(&asset.id).await.generation, then);
        }
    })
    .await;
}

#[tokio::test]
async fn an_upload_whose_bytes_are_gone_fails_and_says_why() {
    for_each_engine(|db| async move {
        let bench = Bench::new(db.clone());
        let (upload, asset) = bench.announced(1).await;
        let upload = bench.store.record_received(&bench.tenant, &upload.id, SIZE / 2, 2).await.unwrap();
        let mut tx = db.begin().await.unwrap();
        bench.store.lose_upload(&mut tx, &upload, 3).await.unwrap();
        tx.commit().await.unwrap();
        let asset = bench.asset(&asset.id).await;
        assert_eq!(asset.state, Phase::Errored);
        assert_eq!(asset.flow.failure.unwrap().code, UPLOAD_LOST);
        let upload = bench.store.upload(&bench.tenant, &upload.id).await.unwrap().unwrap();
        assert_eq!(upload.state, UploadState::Errored);
    })
    .await;
}
