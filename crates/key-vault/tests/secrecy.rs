//! Nothing that is logged and no error text holds a key. A program of its own, because what other threads log counts.
#![allow(clippy::unwrap_used)]

use std::error::Error;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use database::testing::Scratch;
use database::{Database, EngineKind, args};
use drm::{ContentKey, DataKey, KeyEncryptionKey, KeyEntry, KeyId, ProtectionScheme};
use key_vault::{KeyOwner, KeyVault, LocalKeks, VaultError, draw_keys};
use media_types::{AssetId, PlaybackId, TenantId};

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const KEKS: [u8; 2] = [0xd1, 0xe2];
const DATA_KEY: [u8; 32] = *b"the objects of x are sealed so..";

fn keks(bytes: &[u8]) -> LocalKeks {
    let text: Vec<String> = bytes.iter().map(|&byte| hex(&[byte; 32])).collect();
    LocalKeks::parse(&text.join("\n")).ok().unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Every error with its sources, shown and debugged.
fn texts(error: &VaultError) -> String {
    let mut text = format!("{error} {error:?}");
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(" {cause} {cause:?}"));
        source = cause.source();
    }
    text
}

fn owner(name: &str) -> KeyOwner {
    let (tenant, playback) = (TenantId::from_unique("a"), PlaybackId::from_unique(name));
    KeyOwner { tenant, playback, scheme: ProtectionScheme::Cenc, period: 0 }
}

/// Everything the vault does, with every error it can be brought to; the texts of those.
async fn walk(db: &Database, keys: &[KeyEntry]) -> String {
    let mut errors = String::new();
    let old = KeyVault::new(db.clone(), Arc::new(keks(&KEKS[..1])));
    let sealed = old.seal(owner("x"), keys).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    old.create_keys(&mut tx, &sealed, 1).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(old.keys_for(&owner("x")).await.unwrap().len(), keys.len());
    let ids: Vec<KeyId> = keys.iter().map(|entry| entry.id).collect();
    assert_eq!(old.licence_keys(&owner("x").tenant, &ids, &owner("x").playback).await.unwrap().len(), keys.len());

    let mut data_key = |out: &mut [u8]| {
        out.iter_mut().zip(DATA_KEY).for_each(|(byte, secret)| *byte = secret);
        Ok(())
    };
    let asset = AssetId::from_unique("x");
    let drawn = old.data_key_or_new(&owner("x").tenant, &asset, &mut data_key, 1).await.ok().unwrap();
    assert_eq!(drawn.expose(), &DATA_KEY);

    let taken = old.seal(owner("y"), &keys[..1]).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    errors += &texts(&old.create_keys(&mut tx, &taken, 1).await.err().unwrap());
    drop(tx);
    errors += &texts(&old.seal(owner("y"), &[]).await.err().unwrap());
    let strange = KeyVault::new(db.clone(), Arc::new(keks(&[0x33])));
    errors += &texts(&strange.keys_for(&owner("x")).await.err().unwrap());
    errors += &texts(&strange.data_key_or_new(&owner("x").tenant, &asset, &mut data_key, 1).await.err().unwrap());

    let rotating = KeyVault::new(db.clone(), Arc::new(keks(&[KEKS[1], KEKS[0]])));
    let first = rotating.count_by_kek().await.unwrap()[0].0.clone();
    let mut tx = db.begin().await.unwrap();
    let damage = "UPDATE content_key SET wrapped = $2 WHERE key_id = $1";
    tx.execute(damage, args![ids[0].to_string(), vec![1_u8; 24]]).await.unwrap();
    tx.commit().await.unwrap();
    let report = rotating.rewrap_all(&first).await.unwrap();
    assert_eq!((report.rewrapped, report.failed), (keys.len() as u64, 1));
    errors += &texts(&rotating.keys_for(&owner("x")).await.err().unwrap());
    db.close().await;
    errors += &texts(&rotating.keys_for(&owner("x")).await.err().unwrap());
    errors + &format!("{report:?}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_logs_nor_errors_hold_a_key() {
    let captured = Captured::default();
    let writer = captured.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .init();
    let mut next = 0x50;
    let mut counting = |out: &mut [u8]| {
        out.iter_mut().for_each(|byte| {
            next += 1;
            *byte = next;
        });
        Ok(())
    };
    let keys = draw_keys(&[None, Some(drm::TrackClass::Audio)], &mut counting).unwrap();
    let mut errors = String::new();
    for kind in [EngineKind::Sqlite, EngineKind::Postgres] {
        let scratch = Scratch::migrated(kind).await;
        errors += &walk(&scratch.db, &keys).await;
    }
    let logged = String::from_utf8_lossy(&captured.0.lock().unwrap()).into_owned();
    assert!(logged.contains("FROM content_key"), "what the database driver logs is captured");
    assert!(logged.contains("does not open") && logged.contains(&keys[0].id.to_string()), "so is what the vault logs");
    let mut secrets: Vec<Vec<u8>> = keys.iter().map(|entry| entry.key.expose().to_vec()).collect();
    secrets.extend(KEKS.map(|byte| vec![byte; 16]));
    secrets.push(DATA_KEY.to_vec());
    let both = format!("{logged}\n{errors}").to_lowercase();
    for secret in secrets {
        let shown = format!("{:?}", &secret[..8]);
        for form in [hex(&secret), hex(&secret[..8]), shown.trim_matches(['[', ']']).to_owned()] {
            assert!(!both.contains(&form), "{form} was shown");
        }
        assert!(!both.as_bytes().windows(8).any(|part| part == &secret[..8]), "raw bytes were shown");
    }
}

/// Compiles only while keys have no text form at all.
#[test]
fn keys_have_no_text_form() {
    trait NotShown {
        const SHOWN: bool = false;
    }
    impl<T> NotShown for Of<T> {}
    struct Of<T>(std::marker::PhantomData<T>);
    impl<T: std::fmt::Debug> Of<T> {
        const SHOWN: bool = true;
    }
    let shown = [
        Of::<ContentKey>::SHOWN,
        Of::<DataKey>::SHOWN,
        Of::<key_vault::Secret>::SHOWN,
        Of::<KeyEncryptionKey>::SHOWN,
        Of::<LocalKeks>::SHOWN,
        Of::<key_vault::SealedKeys>::SHOWN,
        Of::<KeyVault>::SHOWN,
        Of::<KeyId>::SHOWN,
    ];
    assert_eq!(shown, [false, false, false, false, false, false, false, true]);
}
