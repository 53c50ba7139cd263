//! The box on both engines.
#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use database::testing::{for_each_engine, prepare_all};
use database::{Clock, Database, args};
use futures::future::BoxFuture;
use media_types::TenantId;
use zeroize::Zeroizing;

use crate::{About, Carrier, Link, NewLetter, NotCarried, Postbox, STATEMENTS, Written, given_up, put};

const NOW_MS: i64 = 1_795_233_000_000;
const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// Takes letters, or says why not.
#[derive(Default)]
struct Tray {
    taken: Mutex<Vec<Written>>,
    refuses: Mutex<Option<NotCarried>>,
}

impl Carrier for Tray {
    fn carry<'a>(&'a self, letter: &'a Written) -> BoxFuture<'a, Result<(), NotCarried>> {
        Box::pin(async move {
            if let Some(refused) = self.refuses.lock().unwrap().clone() {
                return Err(refused);
            }
            self.taken.lock().unwrap().push(letter.clone());
            Ok(())
        })
    }
}

struct Office {
    db: Database,
    now_ms: Arc<AtomicI64>,
    tray: Arc<Tray>,
    postbox: Postbox,
}

fn tenant() -> TenantId {
    TenantId::from_unique("north")
}

impl Office {
    fn new(db: &Database) -> Self {
        let (now_ms, tray) = (Arc::new(AtomicI64::new(NOW_MS)), Arc::new(Tray::default()));
        let time = Arc::clone(&now_ms);
        let clock: Clock = Arc::new(move || time.load(Ordering::Relaxed));
        // Sealed by turning each byte over.
        let open = |bytes: &[u8], is_wrapped: bool| {
            let mut opened = Zeroizing::new([0_u8; 32]);
            opened.copy_from_slice(&bytes.iter().map(|byte| !byte).collect::<Vec<_>>());
            is_wrapped.then_some(opened)
        };
        let carrier: Arc<dyn Carrier> = tray.clone();
        let postbox = Postbox::new(db.clone(), clock, carrier, Arc::new(open));
        Self { db: db.clone(), now_ms, tray, postbox }
    }

    fn pass(&self, ms: i64) {
        self.now_ms.fetch_add(ms, Ordering::Relaxed);
    }

    fn refuse(&self, why: Option<(&str, bool)>) {
        let refused = why.map(|(why, is_for_good)| NotCarried { why: why.to_owned(), is_for_good });
        *self.tray.refuses.lock().unwrap() = refused;
    }

    fn taken(&self) -> Vec<Written> {
        self.tray.taken.lock().unwrap().clone()
    }

    /// A letter with a link whose secret is 32 times 7.
    async fn put(&self, commits: bool, until_ms: i64) -> bool {
        let about = About::SignIn { minutes: 15 };
        let link = Link { begins: "https://l.example/#lm_".to_owned(), secret: vec![!7; 32], is_wrapped: true };
        let new = NewLetter {
            tenant: &tenant(),
            recipient: "anna@example.com",
            locale: "de-CH",
            about: &about,
            link: Some(link),
            until_ms,
            now_ms: self.now_ms.load(Ordering::Relaxed),
        };
        let mut tx = self.db.begin().await.unwrap();
        let fits = put(&mut tx, new).await.unwrap();
        if commits {
            tx.commit().await.unwrap();
        } else {
            tx.give_up().await.unwrap();
        }
        fits
    }

    async fn left(&self) -> Vec<(String, Option<Vec<u8>>)> {
        self.db.all("SELECT state, secret FROM letter ORDER BY id LIMIT 9", args![]).await.unwrap()
    }
}

#[tokio::test]
async fn every_statement_prepares() {
    for_each_engine(|db| async move { prepare_all(&db, STATEMENTS).await.unwrap() }).await;
}

#[tokio::test]
async fn a_letter_is_sent_once_if_what_it_tells_of_has_happened_and_leaves_nothing() {
    for_each_engine(|db| async move {
        let office = Office::new(&db);
        office.put(false, NOW_MS + MINUTE_MS).await;
        assert_eq!(office.postbox.send_due().await.unwrap(), 0, "it never happened");
        assert!(office.put(true, NOW_MS + MINUTE_MS).await);
        let [(state, Some(secret))] = &office.left().await[..] else { panic!("one letter with a secret") };
        assert!(state == "pending" && secret.iter().all(|byte| *byte == !7), "it is stored as it was sealed");
        assert_eq!(office.postbox.send_due().await.unwrap(), 1);
        assert_eq!(office.postbox.send_due().await.unwrap(), 0);
        let [letter] = &office.taken()[..] else { panic!("one letter") };
        // 32 times 7 in base64url.
        let link = format!("\nhttps://l.example/#lm_{}Bwc\n", "BwcH".repeat(10));
        assert!(letter.text.contains(&link), "{}", letter.text);
        assert_eq!((letter.language, letter.recipient.as_str()), ("de", "anna@example.com"));
        assert_eq!(office.left().await, []);
    })
    .await;
}

#[tokio::test]
async fn what_is_not_taken_comes_again_under_the_same_id_until_it_is_given_up_without_its_secret() {
    for_each_engine(|db| async move {
        let office = Office::new(&db);
        office.put(true, NOW_MS + 3 * DAY_MS).await;
        office.refuse(Some(("nobody is there", false)));
        let mut tries = 0;
        while office.left().await[0].0 != "failed" {
            tries += office.postbox.send_due().await.unwrap();
            office.pass(10 * MINUTE_MS);
            assert!(office.now_ms.load(Ordering::Relaxed) < NOW_MS + 2 * DAY_MS, "it is tried for a day");
        }
        assert_eq!(tries, 12);
        assert_eq!(office.left().await, [("failed".to_owned(), None)]);
        let shown = given_up(&db, (i64::MAX, String::new()), 10).await.unwrap();
        let [letter] = &shown[..] else { panic!("one letter") };
        assert_eq!((letter.tries, letter.error.as_deref()), (12, Some("nobody is there")));
        assert_eq!(given_up(&db, (letter.updated_ms, letter.id.clone()), 10).await.unwrap().len(), 0);

        office.refuse(None);
        let now_ms = office.now_ms.load(Ordering::Relaxed);
        office.put(true, now_ms + 3 * DAY_MS).await;
        office.refuse(Some(("not now", false)));
        office.postbox.send_due().await.unwrap();
        office.refuse(None);
        office.pass(10_000);
        office.postbox.send_due().await.unwrap();
        assert_eq!(office.taken().len(), 1);
        office.pass(8 * DAY_MS);
        let now_ms = office.now_ms.load(Ordering::Relaxed);
        office.put(true, now_ms + DAY_MS).await;
        office.refuse(Some(("there is no such address", true)));
        office.postbox.send_due().await.unwrap();
        let mut tx = db.begin().await.unwrap();
        tx.execute(crate::REMOVE, args![now_ms - 7 * DAY_MS, 500_i64]).await.unwrap();
        tx.commit().await.unwrap();
        let shown = given_up(&db, (i64::MAX, String::new()), 10).await.unwrap();
        assert_eq!(shown.len(), 1, "the older one is shown no more");
        assert_eq!((shown[0].tries, shown[0].error.as_deref()), (1, Some("there is no such address")));
    })
    .await;
}

#[tokio::test]
async fn what_a_process_leaves_that_dies_is_sent_by_another_one_and_what_holds_no_more_by_none() {
    for_each_engine(|db| async move {
        let office = Office::new(&db);
        office.put(true, NOW_MS + DAY_MS).await;
        let mut tx = db.begin().await.unwrap();
        let sending =
            "UPDATE letter SET state = 'sending', attempt = 1, tries = 1, next_ms = next_ms + 90000 WHERE tries = 0";
        assert_eq!(tx.execute(sending, args![]).await.unwrap(), 1);
        tx.commit().await.unwrap();
        assert_eq!(office.postbox.send_due().await.unwrap(), 0, "it may still be under way");
        office.pass(90_000);
        assert_eq!(office.postbox.send_due().await.unwrap(), 1);
        assert_eq!(office.taken().len(), 1);

        let now_ms = office.now_ms.load(Ordering::Relaxed);
        office.put(true, now_ms + 1000).await;
        office.pass(1000);
        office.postbox.send_due().await.unwrap();
        assert_eq!((office.taken().len(), office.left().await[0].clone()), (1, ("failed".to_owned(), None)));
    })
    .await;
}

#[tokio::test]
async fn of_several_processes_one_sends_a_letter_and_of_a_tenant_a_thousand_wait() {
    for_each_engine(|db| async move {
        let office = Office::new(&db);
        for _ in 0..20 {
            office.put(true, NOW_MS + DAY_MS).await;
        }
        let all = futures::future::join_all((0..4).map(|_| office.postbox.send_due())).await;
        assert_eq!(all.into_iter().map(|sent| sent.unwrap()).sum::<usize>(), 20);
        assert_eq!(office.taken().len(), 20);

        let mut tx = db.begin().await.unwrap();
        let about = About::PasswordChanged;
        for number in 0..1001 {
            let new = NewLetter {
                tenant: &tenant(),
                recipient: "anna@example.com",
                locale: "en",
                about: &about,
                link: None,
                until_ms: NOW_MS + DAY_MS,
                now_ms: NOW_MS,
            };
            assert_eq!(put(&mut tx, new).await.unwrap(), number < 1000, "{number}");
        }
        let other = NewLetter {
            tenant: &TenantId::from_unique("south"),
            recipient: "bob@example.com",
            locale: "en",
            about: &about,
            link: None,
            until_ms: NOW_MS + DAY_MS,
            now_ms: NOW_MS,
        };
        assert!(put(&mut tx, other).await.unwrap(), "another tenant's are others");
        tx.give_up().await.unwrap();
    })
    .await;
}
