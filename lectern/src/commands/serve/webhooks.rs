//! Webhooks, as the environment configures them.

use database::Database;
use http_client::Egress;
use webhook::{Options, Webhooks};

use crate::cli::Data;
use crate::exit::Failure;
use crate::{http, settings};

/// Names networks beside the public ones that webhooks and audit logs may be sent to.
const ALLOW_VARIABLE: &str = settings::WEBHOOK_ALLOW.name;
/// What the keys that secrets are wrapped under are derived for.
const PURPOSE: &str = "signing secrets of webhooks";

/// The machines that tenants may have something sent to: webhooks, and their audit logs.
pub(super) fn egress() -> Result<Egress, Failure> {
    let allowed = std::env::var(ALLOW_VARIABLE).unwrap_or_default();
    Egress::allowing(&allowed).map_err(|error| {
        let hint = "write networks in CIDR notation, such as 10.0.0.0/8, or unset the variable";
        Failure::config("webhook.allow", format!("{ALLOW_VARIABLE}: {error}"), hint)
    })
}

/// The webhooks of a database; their secrets are wrapped where a key-encryption key is configured.
pub(crate) fn configured(database: &Database, places: &Data) -> Result<Webhooks, Failure> {
    let (egress, keyring) = (egress()?, crate::data::keyring(places, PURPOSE)?);
    let authorities = http::authorities().map_err(http::unfit)?;
    let options = Options { keyring, egress, authorities, ..Options::default() };
    Webhooks::new(database.clone(), database.clock(), options)
        .map_err(|error| http::unfit(format!("the certificate authorities: {error}")))
}
