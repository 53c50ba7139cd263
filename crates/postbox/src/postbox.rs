//! The box: what is due is claimed, written and handed to whoever takes letters away, until that is stopped. Any number of processes may
//! do this at once. A claim ends unless something is heard of it, so that what a process leaves that dies is sent by another one.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use database::{Clock, Database, DbError, args};
use futures::future::{BoxFuture, join_all};
use tokio::sync::watch;
use zeroize::Zeroizing;

use crate::letter::About;
use crate::schedule::{self, CLAIM_MS, DEADLINE, HEARD_EVERY};
use crate::sql::{self, ClaimedRow};
use crate::written::{Written, written};

/// Letters that are sent at the same time by one process.
const AT_ONCE: i64 = 8;
/// Characters that are kept of why a letter did not go.
const MAX_ERROR: usize = 300;

/// Opens 32 bytes as they are stored, which are sealed or not; `None` where they do not open.
pub type Open = Arc<dyn Fn(&[u8], bool) -> Option<Zeroizing<[u8; 32]>> + Send + Sync>;

/// Why a letter was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotCarried {
    /// In a few words.
    pub why: String,
    /// Whether it never will be.
    pub is_for_good: bool,
}

/// Takes letters away. Whoever has taken one sees to it from then on.
pub trait Carrier: Send + Sync {
    /// Takes a letter; it may have been taken before, under the same id.
    ///
    /// # Errors
    /// It was not, or nobody knows whether it was.
    fn carry<'a>(&'a self, letter: &'a Written) -> BoxFuture<'a, Result<(), NotCarried>>;
}

/// The letters of a database, and who takes them away. Cheap to clone.
#[derive(Clone)]
pub struct Postbox {
    db: Database,
    clock: Clock,
    carrier: Arc<dyn Carrier>,
    open: Open,
}

impl Postbox {
    /// Those of `db`, whose secrets are opened by `open`.
    pub fn new(db: Database, clock: Clock, carrier: Arc<dyn Carrier>, open: Open) -> Self {
        Self { db, clock, carrier, open }
    }

    /// Sends what is due until `stopped` turns true. What is under way then is sent again by whoever finds it.
    pub async fn run(self, mut stopped: watch::Receiver<bool>) {
        let mut changed = self.db.changed();
        loop {
            changed.mark_unchanged();
            tokio::select! {
                // Whoever could stop it is gone: that is an end too.
                _ = stopped.wait_for(|stop| *stop) => return,
                done = self.send_due() => {
                    if let Err(error) = done {
                        tracing::warn!(error = %error, "letters wait for the database");
                    }
                }
            }
            tokio::select! {
                _ = stopped.wait_for(|stop| *stop) => return,
                () = self.db.next_look(&mut changed) => {}
            }
        }
    }

    /// Tries every letter once that is due; how many there were.
    ///
    /// # Errors
    /// The database. What was sent and could not be noted is sent again.
    pub async fn send_due(&self) -> Result<usize, DbError> {
        let mut count = 0;
        loop {
            let claimed = self.claim().await?;
            if claimed.is_empty() {
                return Ok(count);
            }
            count += claimed.len();
            let sent = join_all(claimed.iter().map(|letter| self.deliver(letter)));
            let ended = tokio::select! {
                ended = sent => ended,
                // It has no end of its own.
                () = self.hold(&claimed) => Vec::new(),
            };
            for done in ended {
                done?;
            }
        }
    }

    async fn claim(&self) -> Result<Vec<ClaimedRow>, DbError> {
        let now_ms = (self.clock)();
        // Mostly there is none, and to find that out nobody waits for anybody.
        if self.db.optional::<(String,)>(sql::DUE, args![now_ms]).await?.is_none() {
            return Ok(Vec::new());
        }
        let mut tx = self.db.begin().await?;
        let claimed = tx.all(sql::CLAIM, args![now_ms, now_ms + CLAIM_MS, AT_ONCE]).await?;
        tx.commit().await?;
        Ok(claimed)
    }

    /// Has claims go on for as long as this goes on.
    async fn hold(&self, claimed: &[ClaimedRow]) {
        loop {
            tokio::time::sleep(HEARD_EVERY).await;
            if let Err(error) = self.hold_once(claimed).await {
                tracing::debug!(error = %error, "letters may be sent twice");
            }
        }
    }

    async fn hold_once(&self, claimed: &[ClaimedRow]) -> Result<(), DbError> {
        let next_ms = (self.clock)() + CLAIM_MS;
        let mut tx = self.db.begin().await?;
        for ClaimedRow { tenant_id, id, attempt, .. } in claimed {
            tx.execute(sql::HOLD, args![tenant_id, id, *attempt, next_ms]).await?;
        }
        tx.commit().await
    }

    async fn deliver(&self, letter: &ClaimedRow) -> Result<(), DbError> {
        let outcome = match self.write(letter) {
            Ok(written) => {
                let taken = tokio::time::timeout(DEADLINE, self.carrier.carry(&written)).await;
                taken.unwrap_or_else(|_late| Err(not_carried("nobody took it in time", false)))
            }
            Err(refused) => Err(refused),
        };
        self.record(letter, outcome).await
    }

    fn write(&self, letter: &ClaimedRow) -> Result<Written, NotCarried> {
        let never = |why: &str| not_carried(why, true);
        if letter.until_ms <= (self.clock)() {
            return Err(never("what it tells holds no more"));
        }
        let about: About = serde_json::from_value(letter.vars.0.clone())
            .map_err(|_| never("this version does not know what it tells"))?;
        let link = match (&letter.link, &letter.secret) {
            (Some(begins), Some(secret)) => {
                let unopened = || never("its link does not open under the key-encryption keys that are configured");
                let secret = (self.open)(secret, letter.is_wrapped).ok_or_else(unopened)?;
                Some(Zeroizing::new(format!("{begins}{}", URL_SAFE_NO_PAD.encode(&secret[..]))))
            }
            _ => None,
        };
        let to = (letter.id.as_str(), letter.recipient.as_str());
        let link = link.as_ref().map(|link| link.as_str());
        let whole = written(to, &letter.locale, &about, link, letter.created_ms);
        whole.ok_or_else(|| never("its language lacks a sentence of it"))
    }

    /// Notes what came of it, if the claim still holds.
    async fn record(&self, letter: &ClaimedRow, outcome: Result<(), NotCarried>) -> Result<(), DbError> {
        let ClaimedRow { tenant_id, id, attempt, .. } = letter;
        let now_ms = (self.clock)();
        let mut tx = self.db.begin().await?;
        match outcome {
            Ok(()) => {
                tx.execute(sql::SENT, args![tenant_id, id, *attempt]).await?;
                tracing::debug!(letter = %id, template = %letter.template, "a letter is sent");
            }
            Err(NotCarried { why, is_for_good }) => {
                let why: String = why.chars().filter(|letter| *letter != '\0').take(MAX_ERROR).collect();
                let pause_ms = schedule::pause_ms(letter.tries, random()).filter(|_| !is_for_good);
                let next_ms = pause_ms.map(|pause| now_ms + pause).filter(|next| *next < letter.until_ms);
                if let Some(next_ms) = next_ms {
                    tracing::debug!(letter = %id, error = %why, "a letter waits");
                    tx.execute(sql::AGAIN, args![tenant_id, id, *attempt, next_ms, why, now_ms]).await?;
                } else {
                    tracing::warn!(letter = %id, template = %letter.template, error = %why, "a letter is given up");
                    tx.execute(sql::GIVE_UP, args![tenant_id, id, *attempt, why, now_ms]).await?;
                }
            }
        }
        tx.commit().await
    }
}

fn not_carried(why: &str, is_for_good: bool) -> NotCarried {
    NotCarried { why: why.to_owned(), is_for_good }
}

/// Without randomness all wait alike.
fn random() -> u32 {
    let mut random = [0; 4];
    let _ = getrandom::fill(&mut random);
    u32::from_ne_bytes(random)
}
