//! From one key-encryption key to the next.

use database::testing::for_each_engine;
use database::{Database, args};
use key_vault::{KekId, KeyEncryption, KeyName, KeyOwner, KeyVault, Rewrapped, VaultError};

use crate::support::{change, entry, keks, key_id, owner, plain, store, tenant, vault};

/// Enough for three steps, in two tenants.
const KEYS: u32 = 230;

fn owner_of(number: u32) -> KeyOwner {
    let name = if number.is_multiple_of(3) { "a" } else { "b" };
    KeyOwner { tenant: tenant(name), period: number, ..owner("x") }
}

/// Many keys under the key-encryption key of byte 1, and its name.
async fn filled(db: &Database) -> KekId {
    let keks = keks(&[1]);
    let vault = vault(db, keks.clone());
    let mut tx = db.begin().await.unwrap();
    for number in 0..KEYS {
        let sealed = vault.seal(owner_of(number), &[entry(number, None)]).await.unwrap();
        vault.create_keys(&mut tx, &sealed, 7).await.unwrap();
    }
    tx.commit().await.unwrap();
    keks.current_id().clone()
}

async fn all_open(vault: &KeyVault) {
    for number in 0..KEYS {
        let found = vault.keys_for(&owner_of(number)).await.unwrap();
        assert_eq!(plain(&found), plain(&[entry(number, None)]));
    }
}

fn clean(rewrapped: u64) -> Rewrapped {
    Rewrapped { rewrapped, ..Rewrapped::default() }
}

#[tokio::test]
async fn afterwards_the_old_key_encryption_key_is_not_needed() {
    for_each_engine(|db| async move {
        let old = filled(&db).await;
        let both = keks(&[2, 1]);
        let rotating = vault(&db, both.clone());
        all_open(&rotating).await;
        assert_eq!(rotating.rewrap_all(&old).await.unwrap(), clean(u64::from(KEYS)));
        assert_eq!(rotating.count_by_kek().await.unwrap(), [(both.current_id().clone(), u64::from(KEYS))]);
        all_open(&vault(&db, keks(&[2]))).await;
        assert_eq!(rotating.rewrap_all(&old).await.unwrap(), clean(0), "nothing is left to do");
    })
    .await;
}

#[tokio::test]
async fn stopped_in_the_middle_it_goes_on_and_everything_opens_at_every_moment() {
    for_each_engine(|db| async move {
        let old = filled(&db).await;
        let both = keks(&[2, 1]);
        let rotating = vault(&db, both.clone());
        let step = rotating.rewrap_step(&old, None).await.unwrap();
        assert_eq!(step.done, clean(100));
        assert!(step.next.is_some());
        all_open(&rotating).await;
        let mut counts = vec![(old.clone(), u64::from(KEYS) - 100), (both.current_id().clone(), 100)];
        counts.sort();
        assert_eq!(rotating.count_by_kek().await.unwrap(), counts);
        // Another process begins anew and knows of no position.
        assert_eq!(vault(&db, both).rewrap_all(&old).await.unwrap(), clean(u64::from(KEYS) - 100));
        let late = rotating.rewrap_step(&old, step.next).await.unwrap();
        assert_eq!((late.done, late.next), (clean(0), None));
        all_open(&vault(&db, keks(&[2]))).await;
    })
    .await;
}

#[tokio::test]
async fn two_at_once_rewrap_each_key_once() {
    for_each_engine(|db| async move {
        let old = filled(&db).await;
        let (one, two) = (vault(&db, keks(&[2, 1])), vault(&db, keks(&[2, 1])));
        let (one, two) = tokio::join!(one.rewrap_all(&old), two.rewrap_all(&old));
        assert_eq!(one.unwrap().rewrapped + two.unwrap().rewrapped, u64::from(KEYS));
        all_open(&vault(&db, keks(&[2]))).await;
    })
    .await;
}

#[tokio::test]
async fn a_key_that_does_not_open_is_named_and_stops_nothing() {
    for_each_engine(|db| async move {
        let old = filled(&db).await;
        let damaged = key_id(120);
        let sql = "UPDATE content_key SET wrapped = $2 WHERE key_id = $1";
        change(&db, sql, args![damaged.to_string(), vec![1_u8; 24]]).await;
        let rotating = vault(&db, keks(&[2, 1]));
        let failures = vec![KeyName::Content(damaged)];
        let expected = Rewrapped { rewrapped: u64::from(KEYS) - 1, failed: 1, failures };
        assert_eq!(rotating.rewrap_all(&old).await.unwrap(), expected);
        assert_eq!(rotating.rewrap_all(&old).await.unwrap(), Rewrapped { rewrapped: 0, ..expected });
        let rows: Vec<(String,)> = db
            .all("SELECT kek_id FROM content_key WHERE key_id = $1 LIMIT 9", args![damaged.to_string()])
            .await
            .unwrap();
        assert_eq!(rows, [(old.to_string(),)], "it stays as it was");
    })
    .await;
}

#[tokio::test]
async fn without_the_old_key_encryption_key_nothing_changes() {
    for_each_engine(|db| async move {
        let old = filled(&db).await;
        let only_new = vault(&db, keks(&[2]));
        assert!(matches!(only_new.rewrap_all(&old).await, Err(VaultError::Key { .. })));
        let same = vault(&db, keks(&[1])).rewrap_all(&old).await.err().unwrap();
        assert_eq!(same.to_string(), "the content keys already lie under the current key-encryption key");
        assert_eq!(only_new.count_by_kek().await.unwrap(), [(old, u64::from(KEYS))]);
        let unused = keks(&[3]).current_id().clone();
        assert_eq!(store_and_rewrap(&db, &unused).await, clean(0));
    })
    .await;
}

/// Rewrapping from a key-encryption key that wrapped nothing.
async fn store_and_rewrap(db: &Database, unused: &KekId) -> Rewrapped {
    let vault = vault(db, keks(&[2]));
    store(&vault, db, owner("new"), &[entry(KEYS, None)]).await.unwrap();
    vault.rewrap_all(unused).await.unwrap()
}
