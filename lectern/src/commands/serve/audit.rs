//! The audit log, as the environment configures it.

use database::Database;
use ops::audit::Audit;

use super::webhooks;
use crate::cli::Data;
use crate::exit::Failure;
use crate::http;

/// What the keys that signing keys are wrapped under are derived for.
const PURPOSE: &str = "signing keys of audit logs";

/// The audit logs of a database, sent on to where webhooks may go; their keys are wrapped where a key-encryption key is configured.
pub(crate) fn configured(database: &Database, places: &Data) -> Result<Audit, Failure> {
    let audit = Audit::new(database.clone(), database.clock(), crate::data::keyring(places, PURPOSE)?);
    let authorities = http::authorities().map_err(http::unfit)?;
    audit
        .sending_to(webhooks::egress()?, authorities.as_deref())
        .map_err(|error| http::unfit(format!("the certificate authorities: {error}")))
}
