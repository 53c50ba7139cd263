//! A key management service elsewhere: it answers later, fails at times, and changes its key on its own.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use database::testing::for_each_engine;
use drm::{ContentKey, WrappedKey};
use futures::future::{BoxFuture, FutureExt};
use key_vault::{KekError, KekId, KeyEncryption, KeyVault, Kms, KmsWrapped, LocalKeks, Secret, VaultError};

use crate::support::{entry, keks, owner, plain, store};

struct Service {
    keks: Mutex<LocalKeks>,
    calls_left: AtomicU32,
}

impl Service {
    fn new(keks: LocalKeks) -> Arc<Self> {
        Arc::new(Self { keks: Mutex::new(keks), calls_left: AtomicU32::new(u32::MAX) })
    }

    async fn answer<T>(&self, with: impl FnOnce(&LocalKeks) -> Result<T, KekError>) -> Result<T, KekError> {
        tokio::task::yield_now().await;
        let take = |left: u32| left.checked_sub(1);
        match self.calls_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take) {
            Ok(_) => with(&self.keks.lock().unwrap()),
            Err(_) => Err(KekError::Service("no route to host".into())),
        }
    }
}

impl Kms for Service {
    fn current_id(&self) -> BoxFuture<'_, Result<KekId, KekError>> {
        self.answer(|keks| Ok(KeyEncryption::current_id(keks).clone())).boxed()
    }

    fn wrap<'a>(&'a self, key: &'a Secret) -> BoxFuture<'a, Result<KmsWrapped, KekError>> {
        self.answer(|keks| {
            let kek_id = KeyEncryption::current_id(keks).clone();
            Ok(KmsWrapped { kek_id, wrapped: KeyEncryption::wrap(keks, key)? })
        })
        .boxed()
    }

    fn unwrap<'a>(&'a self, kek_id: &'a KekId, wrapped: &'a WrappedKey) -> BoxFuture<'a, Result<Secret, KekError>> {
        self.answer(|keks| KeyEncryption::unwrap(keks, kek_id, wrapped)).boxed()
    }
}

#[tokio::test]
async fn keys_under_a_service_open_also_after_it_has_changed_its_key() {
    for_each_engine(|db| async move {
        let service = Service::new(keks(&[1]));
        let vault = KeyVault::new(db.clone(), service.clone());
        store(&vault, &db, owner("x"), &[entry(1, None)]).await.unwrap();
        *service.keks.lock().unwrap() = keks(&[2, 1]);
        store(&vault, &db, owner("y"), &[entry(2, None)]).await.unwrap();
        for (name, number) in [("x", 1), ("y", 2)] {
            assert_eq!(plain(&vault.keys_for(&owner(name)).await.unwrap()), plain(&[entry(number, None)]));
        }
        assert_eq!(vault.count_by_kek().await.unwrap().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_service_that_goes_away_stops_the_rewrapping_and_it_goes_on_later() {
    for_each_engine(|db| async move {
        let service = Service::new(keks(&[1]));
        let vault = KeyVault::new(db.clone(), service.clone());
        let old = vault_current(&service).await;
        for number in 0..5 {
            store(&vault, &db, owner(&format!("x{number}")), &[entry(number, None)]).await.unwrap();
        }
        *service.keks.lock().unwrap() = keks(&[2, 1]);
        service.calls_left.store(7, Ordering::Relaxed);
        let stopped = vault.rewrap_all(&old).await.err().unwrap();
        assert!(matches!(stopped, VaultError::Key { source: KekError::Service(_), .. }), "{stopped:?}");
        assert_eq!(vault.count_by_kek().await.unwrap(), [(old.clone(), 5)]);
        let away = vault.seal(owner("z"), &[entry(9, None)]).await.err().unwrap();
        assert!(matches!(away, VaultError::Key { source: KekError::Service(_), .. }), "{away:?}");
        service.calls_left.store(u32::MAX, Ordering::Relaxed);
        assert_eq!(vault.rewrap_all(&old).await.unwrap().rewrapped, 5);
    })
    .await;
}

async fn vault_current(service: &Service) -> KekId {
    Kms::current_id(service).await.unwrap()
}

/// A service that gives other bytes back than it took.
struct Lossy(LocalKeks);

impl Kms for Lossy {
    fn current_id(&self) -> BoxFuture<'_, Result<KekId, KekError>> {
        Kms::current_id(&self.0)
    }

    fn wrap<'a>(&'a self, _key: &'a Secret) -> BoxFuture<'a, Result<KmsWrapped, KekError>> {
        async { Kms::wrap(&self.0, &Secret::from(&ContentKey::new([9; 16]))).await }.boxed()
    }

    fn unwrap<'a>(&'a self, kek_id: &'a KekId, wrapped: &'a WrappedKey) -> BoxFuture<'a, Result<Secret, KekError>> {
        Kms::unwrap(&self.0, kek_id, wrapped)
    }
}

#[tokio::test]
async fn a_wrapping_that_does_not_give_the_key_back_never_replaces_one_that_does() {
    for_each_engine(|db| async move {
        let before = KeyVault::new(db.clone(), Arc::new(keks(&[1])));
        store(&before, &db, owner("x"), &[entry(1, None)]).await.unwrap();
        let old = KeyEncryption::current_id(&keks(&[1])).clone();
        let lossy = KeyVault::new(db.clone(), Arc::new(Lossy(keks(&[2, 1]))));
        assert!(matches!(lossy.rewrap_all(&old).await, Err(VaultError::Rewrap(_))));
        assert_eq!(plain(&before.keys_for(&owner("x")).await.unwrap()), plain(&[entry(1, None)]));
    })
    .await;
}
