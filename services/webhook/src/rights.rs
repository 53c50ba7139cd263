//! What receivers may have said of a person when they were told of him.

use database::{Database, Tx, args};
use kernel::rights::{BoxFuture, Dossier, Subject};
use kernel::{Personal, Problem};

use crate::sql;

/// What the unit does with data of people.
pub(crate) static HOOKS: Hooks = Hooks;

pub(crate) struct Hooks;

impl Personal for Hooks {
    /// Deliveries are about events, which have people by id alone; what was answered is the receiver's.
    fn export<'a>(&'a self, _: &'a Database, _: &'a Subject, _: &'a mut Dossier) -> BoxFuture<'a, Result<(), Problem>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn erase<'a>(&'a self, tx: &'a mut Tx, of: &'a Subject) -> BoxFuture<'a, Result<(), Problem>> {
        Box::pin(async move {
            tx.execute(sql::FORGET_ANSWERS, args![&of.tenant, &of.id]).await?;
            Ok(())
        })
    }
}
