//! The audit log, as the environment configures it.

use database::Database;
use ops::audit::Audit;

use crate::cli::Data;
use crate::exit::Failure;

/// What the keys that signing keys are wrapped under are derived for.
const PURPOSE: &str = "signing keys of audit logs";

/// The audit logs of a database; their signing keys are wrapped where a key-encryption key is configured.
pub(crate) fn configured(database: &Database, places: &Data) -> Result<Audit, Failure> {
    Ok(Audit::new(database.clone(), database.clock(), crate::data::keyring(places, PURPOSE)?))
}
