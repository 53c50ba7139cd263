//! What the objects of a recording are sealed under.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use database::testing::for_each_engine;
use database::{Database, args};
use drm::DataKey;
use key_vault::{KekError, KeyEncryption, KeyName, KeyVault, Rewrapped, VaultError, erase_keys};

use crate::support::{asset, change, entry, keks, owner, playback, store, tenant, vault};

/// Randomness that gives another number each time.
#[derive(Default)]
struct Numbers(AtomicU8);

impl Numbers {
    async fn key(&self, vault: &KeyVault, tenant_name: &str, name: &str) -> Result<DataKey, VaultError> {
        let mut random = |out: &mut [u8]| {
            let number = 50 + self.0.fetch_add(1, Ordering::Relaxed);
            out.iter_mut().zip(number..).for_each(|(byte, number)| *byte = number);
            Ok(())
        };
        vault.data_key_or_new(&tenant(tenant_name), &asset(name), &mut random, 7).await
    }
}

/// The same vault where no key can be drawn any more.
async fn known(vault: &KeyVault, name: &str) -> Result<DataKey, VaultError> {
    let mut none = |_: &mut [u8]| Err(io::Error::other("gone"));
    vault.data_key_or_new(&tenant("a"), &asset(name), &mut none, 7).await
}

async fn filled(db: &Database, count: u32) {
    let (vault, numbers) = (vault(db, keks(&[1])), Numbers::default());
    for number in 0..count {
        numbers.key(&vault, "a", &format!("x{number:03}")).await.ok().unwrap();
    }
}

#[tokio::test]
async fn an_asset_has_one_data_key_however_many_ask_and_it_is_wrapped_at_rest() {
    for_each_engine(|db| async move {
        let (vault, numbers) = (vault(&db, keks(&[1])), Numbers::default());
        let (one, two) = tokio::join!(numbers.key(&vault, "a", "x"), numbers.key(&vault, "a", "x"));
        let (one, two) = (one.ok().unwrap(), two.ok().unwrap());
        assert!(one == two && known(&vault, "x").await.ok().unwrap() == one);
        assert!(numbers.key(&vault, "a", "y").await.ok().unwrap() != one);
        assert!(numbers.key(&vault, "b", "x").await.ok().unwrap() != one);
        let rows: Vec<(Vec<u8>, i64)> =
            db.all("SELECT wrapped, created_ms FROM data_key ORDER BY asset_id LIMIT 9", args![]).await.unwrap();
        assert_eq!(rows.len(), 3);
        for (wrapped, created_ms) in rows {
            assert_eq!((wrapped.len(), created_ms), (40, 7));
            assert!(!wrapped.windows(6).any(|part| one.expose().windows(6).any(|secret| secret == part)));
        }
    })
    .await;
}

#[tokio::test]
async fn it_is_drawn_from_randomness_and_nothing_else() {
    for_each_engine(|db| async move {
        let vault = vault(&db, keks(&[1]));
        assert!(matches!(known(&vault, "x").await, Err(VaultError::Randomness(_))));
        let mut zeros = |_: &mut [u8]| Ok(());
        let refused = vault.data_key_or_new(&tenant("a"), &asset("x"), &mut zeros, 7).await;
        assert!(matches!(refused, Err(VaultError::NotRandom)));
        let count: Vec<(String,)> = db.all("SELECT asset_id FROM data_key LIMIT 9", args![]).await.unwrap();
        assert!(count.is_empty());
    })
    .await;
}

#[tokio::test]
async fn it_goes_with_the_other_keys_of_its_recording() {
    for_each_engine(|db| async move {
        let (vault, numbers) = (vault(&db, keks(&[1])), Numbers::default());
        store(&vault, &db, owner("x"), &[entry(1, None)]).await.unwrap();
        let kept = numbers.key(&vault, "a", "y").await.ok().unwrap();
        let erased = numbers.key(&vault, "a", "x").await.ok().unwrap();
        assert_eq!(erase_keys(&db, &tenant("a"), &asset("x"), &playback("x")).await.unwrap(), 2);
        assert!(known(&vault, "x").await.is_err());
        assert!(known(&vault, "y").await.ok().unwrap() == kept);
        assert!(numbers.key(&vault, "a", "x").await.ok().unwrap() != erased);
    })
    .await;
}

#[tokio::test]
async fn rewrapping_moves_data_keys_too_and_says_which_do_not_open() {
    for_each_engine(|db| async move {
        filled(&db, 130).await;
        let before = known(&vault(&db, keks(&[1])), "x007").await.ok().unwrap();
        store(&vault(&db, keks(&[1])), &db, owner("x"), &[entry(1, None)]).await.unwrap();
        let damaged = "UPDATE data_key SET wrapped = $2 WHERE asset_id = $1";
        change(&db, damaged, args![&asset("x120"), vec![1_u8; 40]]).await;
        let (old, both) = (keks(&[1]).current_id().clone(), keks(&[2, 1]));
        let rotating = vault(&db, both.clone());
        let step = rotating.rewrap_step(&old, None).await.unwrap();
        assert_eq!((step.done.rewrapped, step.next.is_some()), (100, true));
        let failures = vec![KeyName::Data(asset("x120"))];
        assert_eq!(rotating.rewrap_all(&old).await.unwrap(), Rewrapped { rewrapped: 30, failed: 1, failures });
        let mut counts = vec![(old, 1), (both.current_id().clone(), 130)];
        counts.sort();
        assert_eq!(rotating.count_by_kek().await.unwrap(), counts);
        assert!(known(&vault(&db, keks(&[2])), "x007").await.ok().unwrap() == before);
    })
    .await;
}

#[tokio::test]
async fn what_does_not_open_is_named_by_its_asset() {
    for_each_engine(|db| async move {
        filled(&db, 1).await;
        let name = asset("x000");
        let stranger = KeyVault::new(db.clone(), Arc::new(keks(&[9])));
        let refused = known(&stranger, "x000").await.err().unwrap();
        assert_eq!(refused.to_string(), format!("the data key of {name} could not be wrapped or opened"));
        // A content key in its place is none.
        let content = keks(&[1]).wrap(&key_vault::Secret::from(&drm::ContentKey::new([4; 16]))).ok().unwrap();
        let place = "UPDATE data_key SET wrapped = $2 WHERE asset_id = $1";
        change(&db, place, args![&name, content.as_bytes()]).await;
        let refused = known(&vault(&db, keks(&[1])), "x000").await.err().unwrap();
        assert!(matches!(refused, VaultError::Key { source: KekError::NotADataKey, .. }), "{refused:?}");
    })
    .await;
}
