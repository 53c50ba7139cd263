//! Units that are closed for a while: what they are asked for is answered 503, by every process, until they are opened again.
//!
//! A row says so, at which every process with a database looks when there is word of a commit, and every three seconds where none
//! comes. The operator and other processes of the installation pass, and so does whoever asks for health, which is of no unit.

use std::sync::{Arc, PoisonError, RwLock, Weak};

use database::{Database, DbError, args};
use tokio::sync::watch;

use crate::problem::chain;
use crate::{Principal, Problem, codes, rfc3339};

const CLOSED: &str =
    "SELECT unit, reason, refuses, retry_after_s, since_ms FROM unit_maintenance ORDER BY unit LIMIT 1000";
const CLOSE: &str = "INSERT INTO unit_maintenance (unit, reason, refuses, retry_after_s, since_ms)
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT (unit) DO UPDATE SET
    reason = excluded.reason, refuses = excluded.refuses, retry_after_s = excluded.retry_after_s";
const OPEN: &str = "DELETE FROM unit_maintenance WHERE unit = $1";

/// Every statement of this module, for the test that prepares each on both engines.
pub const STATEMENTS: &[&str] = &[CLOSED, CLOSE, OPEN];

/// What a unit that is closed refuses: whatever is no GET, HEAD or OPTIONS.
pub const CHANGES: &str = "changes";
/// Everything.
pub const ALL: &str = "all";

database::row! {
    /// A unit that is closed.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Closed {
        /// Its slug.
        pub unit: String,
        /// Why, for whoever is refused.
        pub reason: String,
        /// [`CHANGES`] or [`ALL`].
        pub refuses: String,
        /// When to come again, in seconds.
        pub retry_after_s: i64,
        /// Since when, in milliseconds since 1970.
        pub since_ms: i64,
    }
}

/// Which units are closed. Cloning it is cheap.
#[derive(Clone)]
pub struct Maintenance(Arc<Inner>);

struct Inner {
    db: Database,
    closed: RwLock<Vec<Closed>>,
}

impl Maintenance {
    /// Follows what a database says, until every clone is gone.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn follow(db: Database) -> Result<Self, DbError> {
        let changed = db.changed();
        let closed = RwLock::new(db.all(CLOSED, args![]).await?);
        let this = Self(Arc::new(Inner { db: db.clone(), closed }));
        tokio::spawn(look(Arc::downgrade(&this.0), db, changed));
        Ok(this)
    }

    /// A unit, if it is closed.
    pub fn of(&self, unit: &str) -> Option<Closed> {
        let closed = self.0.closed.read().unwrap_or_else(PoisonError::into_inner);
        closed.iter().find(|closed| closed.unit == unit).cloned()
    }

    /// Closes a unit: for who asks this process at once. Asked for again it changes all but since when.
    pub async fn close(&self, closed: &Closed) -> Result<(), DbError> {
        let Closed { unit, reason, refuses, retry_after_s, since_ms } = closed;
        let mut tx = self.0.db.begin().await?;
        tx.execute(CLOSE, args![unit, reason, refuses, *retry_after_s, *since_ms]).await?;
        tx.wake();
        tx.commit().await?;
        self.0.read().await
    }

    /// Opens a unit again.
    pub async fn open(&self, unit: &str) -> Result<(), DbError> {
        let mut tx = self.0.db.begin().await?;
        tx.execute(OPEN, args![unit]).await?;
        tx.wake();
        tx.commit().await?;
        self.0.read().await
    }

    /// Whether somebody may ask a unit for something.
    ///
    /// # Errors
    /// 503 while it is closed.
    pub(crate) fn check(&self, unit: &str, changes: bool, principal: &Principal) -> Result<(), Problem> {
        if matches!(principal, Principal::Operator { .. } | Principal::Service) {
            return Ok(());
        }
        let Some(closed) = self.of(unit).filter(|closed| changes || closed.refuses == ALL) else { return Ok(()) };
        let (since, reason) = (rfc3339(closed.since_ms), closed.reason.trim_end_matches('.'));
        let detail = format!("the unit {unit} is closed since {since}: {reason}");
        let retry_after_s = u32::try_from(closed.retry_after_s).unwrap_or(60);
        Err(Problem::unavailable(codes::UNIT_MAINTENANCE, detail, retry_after_s))
    }
}

impl Inner {
    async fn read(&self) -> Result<(), DbError> {
        let found = self.db.all(CLOSED, args![]).await?;
        *self.closed.write().unwrap_or_else(PoisonError::into_inner) = found;
        Ok(())
    }
}

/// Looks again and again. While the database is away everything stays as it was known last.
async fn look(inner: Weak<Inner>, db: Database, mut changed: watch::Receiver<u64>) {
    loop {
        db.next_look(&mut changed).await;
        let Some(inner) = inner.upgrade() else { return };
        changed.mark_unchanged();
        if let Err(error) = inner.read().await {
            tracing::debug!(error = %chain(&error), "which units are closed is not known anew");
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Duration;

    use database::testing::{for_each_engine, prepare_all};

    use super::*;
    use crate::default_tenant;

    fn closed(refuses: &str) -> Closed {
        let (unit, reason, refuses) = ("bells".to_owned(), "they are tuned.".to_owned(), refuses.to_owned());
        Closed { unit, reason, refuses, retry_after_s: 90, since_ms: 1_795_233_000_000 }
    }

    #[tokio::test]
    async fn every_statement_prepares() {
        for_each_engine(|db| async move { prepare_all(&db, STATEMENTS).await.unwrap() }).await;
    }

    #[tokio::test]
    async fn a_closed_unit_refuses_what_it_says_to_all_but_the_operator() {
        for_each_engine(|db| async move {
            let maintenance = Maintenance::follow(db.clone()).await.unwrap();
            let status = |unit: &str, changes: bool| {
                let checked = maintenance.check(unit, changes, &Principal::Nobody);
                checked.map_err(|problem| problem.status().as_u16())
            };
            assert_eq!(status("bells", true), Ok(()));
            maintenance.close(&closed(CHANGES)).await.unwrap();
            assert_eq!((status("bells", true), status("bells", false)), (Err(503), Ok(())));
            maintenance.close(&Closed { since_ms: 1, ..closed(ALL) }).await.unwrap();
            assert_eq!((status("bells", true), status("bells", false)), (Err(503), Err(503)));
            assert_eq!(status("wells", true), Ok(()), "others are not concerned");
            let operator = Principal::Operator { tenant: default_tenant() };
            for passes in [&operator, &Principal::Service] {
                assert!(maintenance.check("bells", true, passes).is_ok());
            }
            assert_eq!(maintenance.of("bells"), Some(closed(ALL)), "it is closed since it was closed first");
            let after_a_restart = Maintenance::follow(db.clone()).await.unwrap();
            assert_eq!(after_a_restart.of("bells"), Some(closed(ALL)));

            let other = Maintenance::follow(db).await.unwrap();
            maintenance.open("bells").await.unwrap();
            assert_eq!((maintenance.of("bells"), status("bells", true)), (None, Ok(())));
            let heard = async {
                while other.of("bells").is_some() {
                    tokio::task::yield_now().await;
                }
            };
            tokio::time::timeout(Duration::from_secs(30), heard).await.expect("another process hears of it");
        })
        .await;
    }
}
