//! Sessions of people, as the environment configures them.

use database::Database;
use identity::auth::Sessions;

use crate::cli::Data;
use crate::exit::Failure;

/// What the keys that signing keys, and what codes are made from, are wrapped under are derived for.
const PURPOSE: &str = "signing keys of access tokens";

/// The sessions of a database; the keys that sign their tokens are wrapped where a key-encryption key is configured.
pub(crate) fn configured(database: &Database, places: &Data) -> Result<Sessions, Failure> {
    let keyring = crate::data::keyring(places, PURPOSE)?;
    Ok(Sessions::new(database.clone(), database.clock(), keyring))
}
