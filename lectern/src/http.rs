//! Requests to other machines.

use http_client::{Credential, HttpClient, Limits};

use crate::exit::Failure;

/// Names a file of further certificate authorities, in PEM, for services that no public one vouches for.
const AUTHORITIES_VARIABLE: &str = "LECTERN_CA_FILE";

/// A client within these limits.
pub(crate) fn client(limits: Limits) -> Result<HttpClient, Failure> {
    configured(limits).map_err(|detail| {
        Failure::config("tls.authorities", detail, "name a file of certificates in PEM, or unset the variable")
    })
}

/// The same, for whoever tells a fault in a clause.
pub(crate) fn configured(limits: Limits) -> Result<HttpClient, String> {
    let Some(path) = std::env::var_os(AUTHORITIES_VARIABLE).filter(|path| !path.is_empty()) else {
        return Ok(HttpClient::new(limits));
    };
    let unfit = |error: &dyn std::fmt::Display| format!("{AUTHORITIES_VARIABLE}: {}: {error}", path.to_string_lossy());
    let pem = std::fs::read(&path).map_err(|error| unfit(&error))?;
    HttpClient::trusting(limits, &pem).map_err(|error| unfit(&error))
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
