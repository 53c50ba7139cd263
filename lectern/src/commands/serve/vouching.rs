//! What gateways say of tokens, as the environment configures it.

use database::Database;
use kernel::auth::Vouching;

use crate::cli::Data;
use crate::exit::Failure;

/// What the secrets that it is signed by are derived for.
const PURPOSE: &str = "what gateways say of tokens";

/// By the key-encryption keys, which all processes of an installation have in common; nothing where there are none, or no database
/// whose time they have in common.
pub(super) fn configured(database: Option<&Database>, places: &Data) -> Result<Option<Vouching>, Failure> {
    let Some(database) = database else { return Ok(None) };
    let keys = crate::data::key_encryption_keys(places)?;
    Ok(keys.and_then(|keys| Vouching::new(keys.derive_secrets(PURPOSE), database.clock())))
}
