//! Sessions of people, as the environment configures them.

use database::Database;
use http_client::Egress;
use identity::auth::Sessions;

use crate::cli::Data;
use crate::exit::Failure;
use crate::{http, settings};

/// Names networks beside the public ones that identity providers may be in.
const ALLOW_VARIABLE: &str = settings::AUTH_ALLOW.name;

/// What the keys that signing keys, and what codes are made from, are wrapped under are derived for.
const PURPOSE: &str = "signing keys of access tokens";

/// The sessions of a database; the keys that sign their tokens are wrapped where a key-encryption key is configured.
pub(crate) fn configured(database: &Database, places: &Data) -> Result<Sessions, Failure> {
    let allowed = std::env::var(ALLOW_VARIABLE).unwrap_or_default();
    let egress = Egress::allowing(&allowed).map_err(|error| {
        let hint = "write networks in CIDR notation, such as 10.0.0.0/8, or unset the variable";
        Failure::config("auth.allow", format!("{ALLOW_VARIABLE}: {error}"), hint)
    })?;
    let keyring = crate::data::keyring(places, PURPOSE)?;
    let authorities = http::authorities().map_err(http::unfit)?;
    Sessions::new(database.clone(), database.clock(), keyring)
        .asking(egress, authorities.as_deref())
        .map_err(|error| http::unfit(format!("the certificate authorities: {error}")))
}
