//! Requests to other machines.

use http_client::{Credential, HttpClient, Limits};

use crate::exit::Failure;
use crate::settings;

/// Names a file of further certificate authorities, in PEM, for services that no public one vouches for.
const AUTHORITIES_VARIABLE: &str = settings::CA_FILE.name;

/// A client within these limits.
pub(crate) fn client(limits: Limits) -> Result<HttpClient, Failure> {
    configured(limits).map_err(unfit)
}

/// A fault in the certificate authorities that are configured.
pub(crate) fn unfit(detail: String) -> Failure {
    Failure::config("tls.authorities", detail, "name a file of certificates in PEM, or unset the variable")
}

/// The same, for whoever tells a fault in a clause.
pub(crate) fn configured(limits: Limits) -> Result<HttpClient, String> {
    let Some(pem) = authorities()? else { return Ok(HttpClient::new(limits)) };
    HttpClient::trusting(limits, &pem).map_err(|error| format!("{AUTHORITIES_VARIABLE}: {error}"))
}

/// The file of further certificate authorities, where one is named.
pub(crate) fn authorities() -> Result<Option<Vec<u8>>, String> {
    let Some(path) = std::env::var_os(AUTHORITIES_VARIABLE).filter(|path| !path.is_empty()) else { return Ok(None) };
    let unfit = |error| format!("{AUTHORITIES_VARIABLE}: {}: {error}", path.to_string_lossy());
    std::fs::read(&path).map(Some).map_err(unfit)
}

/// The credential that an environment variable holds, if it is set.
pub(crate) fn credential(variable: &str) -> Result<Option<Credential>, Failure> {
    let Ok(text) = std::env::var(variable).map(zeroize::Zeroizing::new) else { return Ok(None) };
    Credential::parse(&text).map(Some).map_err(|error| {
        let hint =
            "write the value of Authorization, such as 'Bearer TOKEN', or another header, such as 'X-Api-Key: KEY'";
        Failure::config("credential.unfit", format!("{variable}: {error}"), hint)
    })
}
