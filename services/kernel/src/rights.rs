//! People's data in a unit: what it hands out of somebody, what it erases of him, and what it removes by itself once it is old.
//!
//! Every [`Unit`] says so in its [`Rights`]. The unit `user` asks all of them when somebody wants what is kept of him, or is erased;
//! [`run`] removes what has grown old, in every process that serves the unit.
//!
//! What stays after an erasure stays under the person's id, which leads to nobody any more.

use std::fmt;
use std::time::Duration;

use axum::http::StatusCode;
use database::{Database, DbError, Tx, args};
use media_types::TenantId;
use serde::Serialize;
use tokio::sync::watch;

use crate::problem::chain;
use crate::{Problem, Unit, codes};

pub use futures::future::BoxFuture;

/// The most bytes of a [`Dossier`].
pub const MAX_BYTES: usize = 64 << 20;
/// Rows that one statement removes, and statements of one look.
const AT_ONCE: i64 = 500;
const MAX_ROUNDS: usize = 20;
/// Between two looks at what has grown old.
const LOOK_EVERY: Duration = Duration::from_secs(3600);

/// Whose data is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Whose person he is.
    pub tenant: TenantId,
    /// His id.
    pub id: String,
    /// Every e-mail address that is known of him, in lower case.
    pub addresses: Vec<String>,
    /// When that is, by the database's clock, in milliseconds since 1970.
    pub now_ms: i64,
}

/// What a unit does with the data of one person.
pub trait Personal: Send + Sync {
    /// Hands out all that the unit has of him, but for secrets.
    ///
    /// # Errors
    /// Those of the database, and 422 when it is more than a [`Dossier`] takes.
    fn export<'a>(
        &'a self,
        db: &'a Database,
        of: &'a Subject,
        into: &'a mut Dossier,
    ) -> BoxFuture<'a, Result<(), Problem>>;

    /// Erases all that the unit has of him but his id, in a transaction of its own. It may be asked again, by whoever goes on where
    /// a process died, and finds nothing then.
    ///
    /// # Errors
    /// Those of the database; the transaction is rolled back.
    fn erase<'a>(&'a self, tx: &'a mut Tx, of: &'a Subject) -> BoxFuture<'a, Result<(), Problem>>;
}

/// Rows that a unit removes by itself once they are old.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// What they are, in the plural.
    pub what: &'static str,
    /// How long they are kept beyond the time that `remove` compares.
    pub kept_ms: i64,
    /// Deletes at most `$2` rows whose time is below `$1`, in milliseconds since 1970.
    pub remove: &'static str,
}

/// What a unit has of people.
#[derive(Clone, Copy)]
pub struct Rights {
    has: Has,
    retention: &'static [Retention],
}

#[derive(Clone, Copy)]
enum Has {
    Nothing(&'static str),
    Data(&'static dyn Personal),
}

impl Rights {
    /// Of a unit that has nothing of people but ids; `why` is one sentence that says so, for whoever asks what is kept of him.
    pub const fn nothing(why: &'static str) -> Self {
        Self { has: Has::Nothing(why), retention: &[] }
    }

    /// Of a unit that has data of people.
    pub const fn of(hooks: &'static dyn Personal) -> Self {
        Self { has: Has::Data(hooks), retention: &[] }
    }

    /// The same of one that removes what is old.
    #[must_use]
    pub const fn removing(self, retention: &'static [Retention]) -> Self {
        Self { has: self.has, retention }
    }

    /// What it does with the data of people, if it has any.
    pub fn hooks(&self) -> Option<&'static dyn Personal> {
        match self.has {
            Has::Data(hooks) => Some(hooks),
            Has::Nothing(_) => None,
        }
    }

    /// Why it has none.
    pub fn why_nothing(&self) -> Option<&'static str> {
        match self.has {
            Has::Nothing(why) => Some(why),
            Has::Data(_) => None,
        }
    }

    /// What it removes by itself.
    pub fn retention(&self) -> &'static [Retention] {
        self.retention
    }
}

impl fmt::Debug for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rights").field("why_nothing", &self.why_nothing()).field("retention", &self.retention).finish()
    }
}

/// Documents about a person, unit by unit, at most [`MAX_BYTES`] in all.
#[derive(Debug, Default)]
pub struct Dossier {
    unit: &'static str,
    files: Vec<(String, Vec<u8>)>,
    bytes: usize,
}

impl Dossier {
    /// What follows is of the unit with this slug.
    pub fn of(&mut self, unit: &'static str) {
        self.unit = unit;
    }

    /// A document of one value: the file `<unit>/<name>.json`.
    ///
    /// # Errors
    /// 422 when the dossier is full.
    pub fn document(&mut self, name: &str, value: &impl Serialize) -> Result<(), Problem> {
        let path = format!("{}/{name}.json", self.unit);
        self.line(path, value)
    }

    /// One more line of a document that has many: the file `<unit>/<name>.ndjson`.
    ///
    /// # Errors
    /// 422 when the dossier is full.
    pub fn row(&mut self, name: &str, value: &impl Serialize) -> Result<(), Problem> {
        let path = format!("{}/{name}.ndjson", self.unit);
        self.line(path, value)
    }

    fn line(&mut self, path: String, value: &impl Serialize) -> Result<(), Problem> {
        let mut line = serde_json::to_vec(value).map_err(|error| Problem::internal(&error))?;
        line.push(b'\n');
        self.bytes += line.len();
        if self.bytes > MAX_BYTES {
            let detail = format!("what is kept of this person is more than {} MiB", MAX_BYTES >> 20);
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, codes::RIGHTS_TOO_MUCH, detail));
        }
        // Lines of one document follow one another.
        match self.files.last_mut().filter(|(last, _)| *last == path) {
            Some((_, bytes)) => bytes.extend(line),
            None => self.files.push((path, line)),
        }
        Ok(())
    }

    /// Paths and contents, in the order in which they came.
    pub fn into_files(self) -> Vec<(String, Vec<u8>)> {
        self.files
    }
}

/// Removes what is old in the tables of these units, as much as one look takes; how many rows that were.
///
/// # Errors
/// Those of the database; what was removed before stays removed.
pub async fn sweep(db: &Database, units: &[&'static Unit], now_ms: i64) -> Result<u64, DbError> {
    let mut removed = 0;
    for unit in units {
        for retention in unit.rights.retention() {
            removed += remove(db, retention, now_ms).await?;
        }
    }
    Ok(removed)
}

async fn remove(db: &Database, retention: &'static Retention, now_ms: i64) -> Result<u64, DbError> {
    let mut removed = 0;
    for _ in 0..MAX_ROUNDS {
        let mut tx = db.begin().await?;
        let rows = tx.execute(retention.remove, args![now_ms - retention.kept_ms, AT_ONCE]).await?;
        tx.commit().await?;
        removed += rows;
        if rows < AT_ONCE.unsigned_abs() {
            break;
        }
    }
    Ok(removed)
}

/// Removes what is old in the tables of these units, every hour until `stopped` turns true.
pub async fn run(db: Database, units: Vec<&'static Unit>, mut stopped: watch::Receiver<bool>) {
    loop {
        match sweep(&db, &units, db.now_ms()).await {
            Ok(0) => {}
            Ok(rows) => tracing::debug!(rows, "removed what has grown old"),
            Err(error) => tracing::warn!(error = %chain(&error), "what has grown old is not removed"),
        }
        // What was deleted is gone from the file's log too.
        if let Err(error) = db.scrub().await {
            tracing::debug!(error = %chain(&error), "the log of the database is not emptied");
        }
        if tokio::time::timeout(LOOK_EVERY, stopped.wait_for(|stop| *stop)).await.is_ok() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use database::testing::for_each_engine;
    use serde_json::json;

    use super::*;

    const FORGET: &str = "DELETE FROM idempotency WHERE (tenant_id, key) IN
        (SELECT tenant_id, key FROM idempotency WHERE created_ms < $1 ORDER BY created_ms LIMIT $2)";
    const PUT: &str =
        "INSERT INTO idempotency (tenant_id, key, request_sha256, created_ms) VALUES ('ten_1', $1, '', $2)";
    const LEFT: &str = "SELECT key FROM idempotency ORDER BY key LIMIT 2000";

    static OLD: Unit = Unit {
        slug: "old",
        parts: &[],
        addresses: &[],
        tables: &["core"],
        permissions: &[],
        codes: &[],
        rights: Rights::nothing("it is a test").removing(&[Retention { what: "keys", kept_ms: 100, remove: FORGET }]),
    };

    #[tokio::test]
    async fn what_is_older_than_it_is_kept_goes_and_nothing_else_however_much_it_is() {
        for_each_engine(|db| async move {
            let mut tx = db.begin().await.unwrap();
            for number in 0..AT_ONCE + 20 {
                tx.execute(PUT, args![format!("old{number}"), 899_i64]).await.unwrap();
            }
            tx.execute(PUT, args!["young", 900_i64]).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(sweep(&db, &[&OLD], 1_000).await.unwrap(), 520);
            assert_eq!(sweep(&db, &[&OLD], 1_000).await.unwrap(), 0);
            let left: Vec<(String,)> = db.all(LEFT, args![]).await.unwrap();
            assert_eq!(left, [("young".to_owned(),)]);
        })
        .await;
    }

    #[test]
    fn documents_lie_in_the_folder_of_their_unit_and_lines_of_one_are_one_file() {
        let mut dossier = Dossier::default();
        dossier.of("bells");
        dossier.document("profile", &json!({ "id": "usr_1" })).unwrap();
        dossier.row("rings", &json!([1])).unwrap();
        dossier.row("rings", &json!([2])).unwrap();
        dossier.of("wells");
        dossier.row("rings", &json!([3])).unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let files: Vec<_> = dossier.into_files().into_iter().map(|(path, bytes)| (path, text(bytes))).collect();
        let expected = [
            ("bells/profile.json", "{\"id\":\"usr_1\"}\n"),
            ("bells/rings.ndjson", "[1]\n[2]\n"),
            ("wells/rings.ndjson", "[3]\n"),
        ];
        assert_eq!(files, expected.map(|(path, text)| (path.to_owned(), text.to_owned())));
    }

    #[test]
    fn a_dossier_has_a_bound() {
        let mut dossier = Dossier::default();
        let large = "x".repeat(MAX_BYTES / 2);
        dossier.row("a", &large).unwrap();
        assert_eq!(dossier.row("a", &large).unwrap_err().code(), "rights.too_much");
    }
}
