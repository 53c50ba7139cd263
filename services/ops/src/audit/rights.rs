//! What the log has of a person: what he has done, under his id.

use database::{Database, Tx, args};
use kernel::rights::{BoxFuture, Dossier, Subject};
use kernel::{Personal, Problem};
use serde_json::Value;

use super::sql;

const PAGE: i64 = 200;

/// What the unit does with data of people.
pub(crate) static HOOKS: Hooks = Hooks;

pub(crate) struct Hooks;

impl Personal for Hooks {
    fn export<'a>(
        &'a self,
        db: &'a Database,
        of: &'a Subject,
        into: &'a mut Dossier,
    ) -> BoxFuture<'a, Result<(), Problem>> {
        Box::pin(async move {
            let mut after = (i64::MIN, -1_i64);
            loop {
                let args = args![&of.tenant, &of.id, after.0, after.1, PAGE];
                let page: Vec<(String, i64, i64)> = db.all(sql::DONE_BY, args).await?;
                for (entry, time_ms, seq) in &page {
                    let entry: Value = serde_json::from_str(entry).map_err(|error| Problem::internal(&error))?;
                    into.row("entries", &entry)?;
                    after = (*time_ms, *seq);
                }
                if page.len() < usize::try_from(PAGE).unwrap_or(usize::MAX) {
                    return Ok(());
                }
            }
        })
    }

    /// Entries name people by id and nothing else, and are hashed into a tree that has to verify for ever: what leads from the id to
    /// the person is erased elsewhere, and the entries stay. Whatever of a person an entry is to hold one day is erased from here.
    fn erase<'a>(&'a self, _: &'a mut Tx, _: &'a Subject) -> BoxFuture<'a, Result<(), Problem>> {
        Box::pin(std::future::ready(Ok(())))
    }
}
