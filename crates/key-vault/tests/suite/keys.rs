//! Keys in and out, and whose they are.

use std::sync::atomic::{AtomicU8, Ordering};

use database::args;
use database::testing::for_each_engine;
use drm::{KeyId, ProtectionScheme, TrackClass};
use key_vault::{KeyEncryption, KeyOwner, VaultError, erase_keys};

use crate::support::{asset, change, entry, keks, key_id, owner, plain, playback, store, tenant, vault};

#[tokio::test]
async fn what_is_stored_opens_again_and_is_wrapped_at_rest() {
    for_each_engine(|db| async move {
        let keks = keks(&[1]);
        let vault = vault(&db, keks.clone());
        let entries = [entry(3, None), entry(1, Some(TrackClass::Audio)), entry(2, Some(TrackClass::Uhd))];
        assert_eq!(store(&vault, &db, owner("x"), &entries).await.unwrap(), 3);
        let mut found = plain(&vault.keys_for(&owner("x")).await.unwrap());
        found.sort();
        let mut expected = plain(&entries);
        expected.sort();
        assert_eq!(found, expected);
        let rows: Vec<(String, Vec<u8>, String, i64)> = db
            .all("SELECT key_id, wrapped, kek_id, created_ms FROM content_key ORDER BY key_id LIMIT 9", args![])
            .await
            .unwrap();
        assert_eq!(rows.len(), 3);
        for (id, wrapped, kek_id, created_ms) in rows {
            assert_eq!((wrapped.len(), kek_id.as_str(), created_ms), (24, keks.current_id().as_str(), 7), "{id}");
            assert!(!wrapped.windows(6).any(|part| part == b"secret"), "{id}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_repeated_stage_ends_with_the_keys_of_the_first() {
    for_each_engine(|db| async move {
        let vault = vault(&db, keks(&[1]));
        let first = [entry(1, Some(TrackClass::Audio)), entry(2, Some(TrackClass::Sd))];
        assert_eq!(store(&vault, &db, owner("x"), &first).await.unwrap(), 2);
        assert_eq!(store(&vault, &db, owner("x"), &first).await.unwrap(), 0, "the very same keys");
        let second = [entry(8, Some(TrackClass::Sd)), entry(9, Some(TrackClass::Hd))];
        assert_eq!(store(&vault, &db, owner("x"), &second).await.unwrap(), 1, "only the class that had none");
        let mut found = plain(&vault.keys_for(&owner("x")).await.unwrap());
        found.sort();
        let mut expected = plain(&first);
        expected.extend(plain(&second[1..]));
        assert_eq!(found, expected);
    })
    .await;
}

#[tokio::test]
async fn recordings_schemes_periods_and_tenants_have_keys_of_their_own() {
    for_each_engine(|db| async move {
        let vault = vault(&db, keks(&[1]));
        let owners = [
            owner("x"),
            owner("y"),
            KeyOwner { scheme: ProtectionScheme::Cenc, ..owner("x") },
            KeyOwner { period: 1, ..owner("x") },
            KeyOwner { tenant: tenant("b"), ..owner("x") },
        ];
        for (owner, number) in owners.iter().zip(1..) {
            store(&vault, &db, owner.clone(), &[entry(number, None)]).await.unwrap();
        }
        for (owner, number) in owners.iter().zip(1..) {
            assert_eq!(plain(&vault.keys_for(owner).await.unwrap()), plain(&[entry(number, None)]), "{owner:?}");
        }
        assert!(vault.keys_for(&owner("z")).await.unwrap().is_empty());
        assert_eq!(vault.tenant_of(&owner("y").playback).await.unwrap(), Some(owner("y").tenant));
        assert_eq!(vault.tenant_of(&owner("z").playback).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_licence_holds_the_keys_of_its_recording_and_no_others() {
    for_each_engine(|db| async move {
        let vault = vault(&db, keks(&[1]));
        for number in 0..20 {
            let owner = KeyOwner { period: number, ..owner("x") };
            store(&vault, &db, owner, &[entry(number, Some(TrackClass::Hd))]).await.unwrap();
        }
        store(&vault, &db, owner("y"), &[entry(30, None)]).await.unwrap();
        store(&vault, &db, KeyOwner { tenant: tenant("b"), ..owner("x") }, &[entry(40, None)]).await.unwrap();
        let ids = |numbers: &[u32]| numbers.iter().map(|&number| key_id(number)).collect::<Vec<_>>();
        let (x, y) = (playback("x"), playback("y"));
        let found = async |of, ids: Vec<KeyId>| plain(&vault.licence_keys(&tenant("a"), &ids, of).await.unwrap());
        let one = |number| plain(&[entry(number, Some(TrackClass::Hd))])[0];
        assert_eq!(found(&x, ids(&[5, 3, 5, 30, 40, 99])).await, [one(3), one(5)]);
        assert_eq!(found(&y, ids(&[5, 3, 30])).await, plain(&[entry(30, None)]));
        assert_eq!(found(&x, ids(&(0..60).collect::<Vec<_>>())).await, (0..20).map(one).collect::<Vec<_>>());
        assert!(found(&x, vec![]).await.is_empty() && found(&playback("z"), ids(&[1])).await.is_empty());
        let many: Vec<KeyId> = (0..129).map(key_id).collect();
        let refused = vault.licence_keys(&tenant("a"), &many, &x).await.err().unwrap();
        assert!(matches!(refused, VaultError::Invalid(_)));
    })
    .await;
}

#[tokio::test]
async fn a_key_id_means_one_key() {
    for_each_engine(|db| async move {
        let vault = vault(&db, keks(&[1]));
        store(&vault, &db, owner("x"), &[entry(1, None)]).await.unwrap();
        for other in [owner("y"), KeyOwner { scheme: ProtectionScheme::Cenc, ..owner("x") }] {
            let taken = store(&vault, &db, other.clone(), &[entry(5, None), entry(1, Some(TrackClass::Sd))]).await;
            assert!(matches!(taken.err().unwrap(), VaultError::KeyIdTaken(id) if id == key_id(1)), "{other:?}");
            assert!(vault.keys_for(&other).await.unwrap().is_empty(), "all or nothing");
        }
        let other_tenant = KeyOwner { tenant: tenant("b"), ..owner("x") };
        assert_eq!(store(&vault, &db, other_tenant, &[entry(1, None)]).await.unwrap(), 1);
    })
    .await;
}

#[tokio::test]
async fn sets_that_contradict_themselves_are_refused() {
    for_each_engine(|db| async move {
        let vault = vault(&db, keks(&[1]));
        for set in [&[][..], &[entry(1, None), entry(2, None)], &[entry(1, None), entry(1, Some(TrackClass::Sd))]] {
            let refused = vault.seal(owner("x"), set).await.err().unwrap();
            assert!(matches!(refused, VaultError::Invalid(_)), "{refused}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_transaction_that_is_given_up_leaves_no_key() {
    for_each_engine(|db| async move {
        let vault = vault(&db, keks(&[1]));
        let sealed = vault.seal(owner("x"), &[entry(1, None)]).await.unwrap();
        let mut tx = db.begin().await.unwrap();
        assert_eq!(vault.create_keys(&mut tx, &sealed, 7).await.unwrap(), 1);
        drop(tx);
        assert!(!vault.has_keys(&tenant("a"), &playback("x")).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn missing_keys_are_drawn_once_however_many_ask() {
    for_each_engine(|db| async move {
        let (vault, owner) = (vault(&db, keks(&[1])), owner("x"));
        let counter = AtomicU8::new(1);
        let ask = |classes: &'static [TrackClass]| {
            let (vault, owner, counter) = (vault.clone(), owner.clone(), &counter);
            async move {
                let mut random = |out: &mut [u8]| {
                    out.fill(counter.fetch_add(1, Ordering::Relaxed));
                    Ok(())
                };
                plain(&vault.keys_or_new(&owner, classes, &mut random, 7).await.unwrap())
            }
        };
        let classes = &[TrackClass::Audio, TrackClass::Sd];
        let (one, two) = tokio::join!(ask(classes), ask(classes));
        assert_eq!((one.len(), &one), (2, &two));
        let more = ask(&[TrackClass::Sd, TrackClass::Hd]).await;
        assert!(more.len() == 3 && one.iter().all(|key| more.contains(key)));
        assert_eq!(ask(classes).await, more);
    })
    .await;
}

#[tokio::test]
async fn erased_keys_are_gone_and_their_neighbours_are_not() {
    for_each_engine(|db| async move {
        let vault = vault(&db, keks(&[1]));
        let other_tenant = KeyOwner { tenant: tenant("b"), ..owner("x") };
        for owner in [owner("x"), owner("y"), other_tenant.clone()] {
            store(&vault, &db, owner, &[entry(1 + u32::from(db_number(&db).await), None)]).await.unwrap();
        }
        assert!(vault.has_keys(&tenant("a"), &playback("x")).await.unwrap());
        assert_eq!(erase_keys(&db, &tenant("a"), &asset("x"), &playback("x")).await.unwrap(), 1);
        assert!(!vault.has_keys(&tenant("a"), &playback("x")).await.unwrap());
        assert_eq!(vault.keys_for(&owner("y")).await.unwrap().len(), 1);
        assert_eq!(vault.keys_for(&other_tenant).await.unwrap().len(), 1);
    })
    .await;
}

/// How many keys there are.
async fn db_number(db: &database::Database) -> u8 {
    let rows: Vec<(String,)> = db.all("SELECT key_id FROM content_key LIMIT 99", args![]).await.unwrap();
    u8::try_from(rows.len()).unwrap()
}

#[tokio::test]
async fn a_changed_row_does_not_open_and_says_which_it_is() {
    for_each_engine(|db| async move {
        let vault = vault(&db, keks(&[1]));
        store(&vault, &db, owner("x"), &[entry(1, None)]).await.unwrap();
        let id = key_id(1).to_string();
        for (column, value) in [("wrapped", vec![9; 24]), ("short", vec![9; 5])] {
            change(&db, "UPDATE content_key SET wrapped = $2 WHERE key_id = $1", args![id.as_str(), value]).await;
            let refused = vault.keys_for(&owner("x")).await.err().unwrap();
            let text = format!("the content key {id} could not be wrapped or opened");
            assert_eq!(refused.to_string(), text, "{column}");
        }
        for broken in
            ["UPDATE content_key SET kek_id = ''", "UPDATE content_key SET track_class = 'loud', kek_id = 'k'"]
        {
            change(&db, broken, args![]).await;
            assert!(matches!(vault.keys_for(&owner("x")).await, Err(VaultError::Corrupt)), "{broken}");
        }
    })
    .await;
}
