//! The operator's own licence servers.

use std::time::Duration;

use axum::http::StatusCode;
use bytes::Bytes;
use drm::signal::System;
use http_client::{Credential, HttpClient, HttpError, Limits};
use kernel::Problem;

use super::policy::PolicyKey;
use crate::codes;
use crate::state::Installation;

/// Licence servers that are asked on behalf of players: one address for each system, one credential for all.
pub struct LicenceServers {
    pub(super) http: HttpClient,
    pub(super) policy_key: PolicyKey,
    pub(super) credential: Option<Credential>,
    pub(super) certificate: Option<Bytes>,
    urls: Vec<(System, String)>,
}

impl LicenceServers {
    /// None yet. What each is told of a player is signed with `policy_key`.
    pub fn new(http: HttpClient, policy_key: PolicyKey) -> Self {
        Self { http, policy_key, credential: None, certificate: None, urls: Vec::new() }
    }

    /// What a client for them should be held to: a player waits, and a licence is small.
    pub fn limits() -> Limits {
        Limits {
            connect: Duration::from_secs(5),
            whole: Duration::from_secs(10),
            body_bytes: 256 << 10,
            at_once: 64,
            ..Limits::default()
        }
    }

    /// With the server of a system: Widevine, PlayReady or FairPlay. Challenges are posted to this very address.
    ///
    /// # Errors
    /// The address is none that may be asked.
    pub fn with(mut self, system: System, url: impl Into<String>) -> Result<Self, HttpError> {
        let url = url.into();
        self.http.check_url(&url)?;
        self.urls.retain(|(known, _)| *known != system);
        self.urls.push((system, url));
        Ok(self)
    }

    /// With what requests to all of them are authenticated with.
    #[must_use]
    pub fn authorized(mut self, credential: Credential) -> Self {
        self.credential = Some(credential);
        self
    }

    /// With the operator's FairPlay certificate, as Apple gave it: DER.
    #[must_use]
    pub fn certified(mut self, certificate: Vec<u8>) -> Self {
        self.certificate = Some(certificate.into());
        self
    }

    /// The address of a system's server.
    pub(super) fn url(&self, system: System) -> Option<&str> {
        self.urls.iter().find(|(known, _)| *known == system).map(|(_, url)| url.as_str())
    }
}

/// The servers, and the address of the one for a system, by the name it has in addresses.
pub(super) fn of<'a>(api: &'a Installation, name: &str) -> Result<(&'a LicenceServers, System, &'a str), Problem> {
    let known = System::ALL.into_iter().find(|system| system.as_str() == name);
    let servers = api.licences.servers.as_deref();
    let found = known.zip(servers).and_then(|(system, servers)| Some((servers, system, servers.url(system)?)));
    found.ok_or_else(|| not_configured("this server asks no licence server for this system"))
}

pub(super) fn not_configured(detail: &str) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, codes::LICENCE_SYSTEM_NOT_CONFIGURED, detail)
}
