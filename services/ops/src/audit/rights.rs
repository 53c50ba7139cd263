//! What the log has of a person: what he has done and what was done to him, under his id and, as far as it is personal, under his key.

use database::{Database, Tx, args};
use kernel::rights::{BoxFuture, Dossier, Subject};
use kernel::{Personal, Problem};
use serde_json::Value;

use super::{sql, subjects};

const PAGE: i64 = 200;

/// What the unit does with data of people.
pub(crate) static HOOKS: Hooks = Hooks;

pub(crate) struct Hooks;

/// Writes entries, without what is sealed in them: that is for whoever may read the log, who has the keys.
async fn write(
    db: &Database,
    of: &Subject,
    (name, statement): (&str, &'static str),
    into: &mut Dossier,
) -> Result<(), Problem> {
    let mut after = (i64::MIN, -1_i64);
    loop {
        let args = args![&of.tenant, &of.id, after.0, after.1, PAGE];
        let page: Vec<(String, i64, i64)> = db.all(statement, args).await?;
        for (entry, time_ms, seq) in &page {
            // What somebody has changed is handed out as it is: that is for the proof to say.
            let mut entry: Value = serde_json::from_str(entry).unwrap_or_else(|_| entry.as_str().into());
            if let Some(entry) = entry.as_object_mut() {
                entry.retain(|name, _| !name.starts_with("sealed_"));
            }
            into.row(name, &entry)?;
            after = (*time_ms, *seq);
        }
        if page.len() < usize::try_from(PAGE).unwrap_or(usize::MAX) {
            return Ok(());
        }
    }
}

impl Personal for Hooks {
    fn export<'a>(
        &'a self,
        db: &'a Database,
        of: &'a Subject,
        into: &'a mut Dossier,
    ) -> BoxFuture<'a, Result<(), Problem>> {
        Box::pin(async move {
            write(db, of, ("done", sql::DONE_BY), into).await?;
            write(db, of, ("about", sql::DONE_TO), into).await
        })
    }

    /// Entries are hashed into a tree that has to verify for ever, so they stay, with the person's id. All else that they have of him is
    /// sealed under his key, which is destroyed; while a hold keeps what is said of him, that waits for its end.
    fn erase<'a>(&'a self, tx: &'a mut Tx, of: &'a Subject) -> BoxFuture<'a, Result<(), Problem>> {
        Box::pin(async move {
            subjects::erase(tx, &of.tenant, &of.id, of.now_ms).await?;
            Ok(())
        })
    }
}
