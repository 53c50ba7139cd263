//! The operator's licence servers, from the environment.

use std::sync::Arc;

use control_api::{LicenceServers, PolicyKey};
use drm::signal::System;
use zeroize::Zeroizing;

use crate::exit::Failure;
use crate::settings;

/// Each names the licence server of a system.
const SERVER_VARIABLES: [(System, &str); 3] = [
    (System::Widevine, settings::LICENCE_WIDEVINE_URL.name),
    (System::PlayReady, settings::LICENCE_PLAYREADY_URL.name),
    (System::FairPlay, settings::LICENCE_FAIRPLAY_URL.name),
];
/// Names the file of the operator's FairPlay certificate, in DER.
const CERTIFICATE_VARIABLE: &str = settings::LICENCE_FAIRPLAY_CERTIFICATE.name;
/// Holds what requests to licence servers are authenticated with.
const CREDENTIAL_VARIABLE: &str = settings::LICENCE_AUTHORIZATION.name;
/// Holds the secret that policies are signed with.
const POLICY_KEY_VARIABLE: &str = settings::LICENCE_POLICY_KEY.name;
/// Apple's have one or two kilobytes.
const MAX_CERTIFICATE: usize = 64 << 10;

fn set(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|value| !value.is_empty())
}

/// The licence systems that players of protected recordings are told of: Clear Key, which this server answers itself, and
/// those whose licence servers are configured.
pub(crate) fn systems() -> Vec<System> {
    let asked = SERVER_VARIABLES.into_iter().filter(|(_, variable)| set(variable).is_some());
    asked.map(|(system, _)| system).chain([System::ClearKey]).collect()
}

/// The servers that are configured, if any is.
pub(super) fn configured() -> Result<Option<Arc<LicenceServers>>, Failure> {
    let urls: Vec<_> =
        SERVER_VARIABLES.into_iter().filter_map(|(system, name)| Some((system, name, set(name)?))).collect();
    if urls.is_empty() {
        return Ok(None);
    }
    let mut servers = LicenceServers::new(crate::http::client(LicenceServers::limits())?, policy_key()?);
    for (system, name, url) in urls {
        servers = servers.with(system, url).map_err(|error| {
            Failure::config("licence.server", format!("{name}: {error}"), "write https://..., without credentials")
        })?;
    }
    if let Some(credential) = crate::http::credential(CREDENTIAL_VARIABLE)? {
        servers = servers.authorized(credential);
    }
    if let Some(path) = set(CERTIFICATE_VARIABLE) {
        servers = servers.certified(certificate(&path)?);
    }
    Ok(Some(Arc::new(servers)))
}

fn policy_key() -> Result<PolicyKey, Failure> {
    let hint = "make one with: openssl rand -hex 32, and give it to the licence server too";
    let text = std::env::var(POLICY_KEY_VARIABLE).map(Zeroizing::new).map_err(|_| {
        let detail = format!("a licence server is configured and {POLICY_KEY_VARIABLE} is not set");
        Failure::config("licence.policy_key", detail, hint)
    })?;
    PolicyKey::from_hex(&text)
        .map_err(|error| Failure::config("licence.policy_key", format!("{POLICY_KEY_VARIABLE}: {error}"), hint))
}

fn certificate(path: &str) -> Result<Vec<u8>, Failure> {
    let unfit = |error: &dyn std::fmt::Display| {
        let detail = format!("{CERTIFICATE_VARIABLE}: {path}: {error}");
        Failure::config("licence.certificate", detail, "name the .cer file that Apple gave you, or convert it to DER")
    };
    let bytes = std::fs::read(path).map_err(|error| unfit(&error))?;
    // A SEQUENCE (ITU-T X.690 §8.9): players do not read PEM.
    if bytes.first() == Some(&0x30) && bytes.len() <= MAX_CERTIFICATE {
        Ok(bytes)
    } else {
        Err(unfit(&"no certificate in DER"))
    }
}
