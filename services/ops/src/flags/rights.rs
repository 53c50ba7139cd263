//! What experiments have of a person: which variants he was shown, and what he did behind that. Both are under a hash of the experiment and
//! of what clients call him, which is found again where that is his id or one of his addresses.

use database::{Database, Tx, args};
use kernel::rights::{BoxFuture, Dossier, Subject};
use kernel::{Personal, Problem};
use serde_json::json;

use super::experiment::{ExperimentRow, MAX_EXPERIMENTS};
use super::sql;
use super::store::unit_of;

/// What the unit does with data of people.
pub(super) static HOOKS: Hooks = Hooks;

pub(super) struct Hooks;

/// What he may be in an experiment.
fn units(row: &ExperimentRow, of: &Subject) -> Vec<String> {
    std::iter::once(&of.id).chain(&of.addresses).map(|name| unit_of(&row.id, name)).collect()
}

impl Personal for Hooks {
    fn export<'a>(
        &'a self,
        db: &'a Database,
        of: &'a Subject,
        into: &'a mut Dossier,
    ) -> BoxFuture<'a, Result<(), Problem>> {
        Box::pin(async move {
            let all: Vec<ExperimentRow> = db.all(sql::EXPERIMENTS, args![&of.tenant, MAX_EXPERIMENTS]).await?;
            for row in all {
                for unit in units(&row, of) {
                    let shown: Option<(String,)> =
                        db.optional(sql::EXPOSURE, args![&of.tenant, &row.id, &unit]).await?;
                    let Some((variant,)) = shown else { continue };
                    let done: Vec<(String,)> = db.all(sql::CONVERSIONS, args![&of.tenant, &row.id, &unit]).await?;
                    let events: Vec<String> = done.into_iter().map(|(event,)| event).collect();
                    into.row(
                        "experiments",
                        &json!({ "id": row.id, "flag": row.flag_key, "variant": variant, "events": events }),
                    )?;
                }
            }
            Ok(())
        })
    }

    /// What was counted stays: it is of nobody.
    fn erase<'a>(&'a self, tx: &'a mut Tx, of: &'a Subject) -> BoxFuture<'a, Result<(), Problem>> {
        Box::pin(async move {
            let all: Vec<ExperimentRow> = tx.all(sql::EXPERIMENTS, args![&of.tenant, MAX_EXPERIMENTS]).await?;
            for row in all {
                for unit in units(&row, of) {
                    for statement in [sql::FORGET_CONVERSIONS, sql::FORGET_EXPOSURE] {
                        tx.execute(statement, args![&of.tenant, &row.id, &unit]).await?;
                    }
                }
            }
            Ok(())
        })
    }
}
