//! Sessions of people, as the environment configures them.

use database::Database;
use identity::auth::Sessions;
use kernel::Keyring;

use crate::cli::Data;
use crate::exit::Failure;

/// What the keys that signing keys are wrapped under are derived for.
const PURPOSE: &str = "signing keys of access tokens";

/// The sessions of a database; the keys that sign their tokens are wrapped where a key-encryption key is configured.
pub(crate) fn configured(database: &Database, places: &Data) -> Result<Sessions, Failure> {
    let keys = crate::data::key_encryption_keys(places)?;
    let keyring = keys.map(|keys| Keyring::new(keys.derive_secrets(PURPOSE))).unwrap_or_default();
    Ok(Sessions::new(database.clone(), database.clock(), keyring))
}
