//! Keys from a key service that is asked with SPEKE v2. Its answer is a CPIX document.

use std::path::Path;

use cpix::PrivateKey;
use cpix::speke::{AnswerError, Signal};
use drm::signal::System;
use drm::{ProtectionScheme, TrackClass};
use http_client::{Credential, HttpClient, Limits};
use key_vault::{MAX_SPEKE_ANSWER, SpekeClient, SpekeError, SpekeKeys, SpekeWish};

use super::cpix::{CpixKeys, random};
use crate::exit::Failure;
use crate::out;

/// Holds what requests to the key service are authenticated with.
const CREDENTIAL_VARIABLE: &str = "LECTERN_SPEKE_AUTHORIZATION";
/// What messages about the document call it.
const ANSWER: &str = "the key service's answer";

/// What is asked of which service.
pub(crate) struct SpekeAsk<'a> {
    pub(crate) url: &'a str,
    pub(crate) content_id: &'a str,
    pub(crate) scheme: ProtectionScheme,
    /// Classes with a key of their own; `None` stands for all other tracks, which share one in any case.
    pub(crate) classes: &'a [Option<TrackClass>],
    pub(crate) systems: &'a [System],
    /// Whether keys may come in clear, protected by TLS alone.
    pub(crate) clear_keys: bool,
}

/// The keys that the service has for them.
pub(crate) fn ask(ask: &SpekeAsk<'_>) -> Result<CpixKeys, Failure> {
    let http = crate::http::client(Limits { body_bytes: MAX_SPEKE_ANSWER, ..Limits::default() })?;
    let keys = fetch(ask, http, crate::http::credential(CREDENTIAL_VARIABLE)?)?;
    for (system, what) in left_out(&keys) {
        out::note(format_args!("note: the key service left out {what} of {}: the usual form is used", system.as_str()));
    }
    // It is in clear by now, and was checked against what was asked.
    CpixKeys::parse(Path::new(ANSWER), keys.document.to_xml().as_bytes(), None)
}

fn fetch(ask: &SpekeAsk<'_>, http: HttpClient, credential: Option<Credential>) -> Result<SpekeKeys, Failure> {
    let client = SpekeClient::new(http, ask.url, credential)
        .map_err(|error| Failure::config("keys.service", error, "write --speke https://..., without credentials"))?;
    let wish = SpekeWish {
        content_id: ask.content_id.to_owned(),
        scheme: ask.scheme,
        classes: ask.classes.iter().flatten().copied().collect(),
        systems: ask.systems.to_vec(),
    };
    let mut random = random(Path::new(ANSWER))?;
    // For this one answer: nobody has to keep it, or can lose it.
    let recipient = (!ask.clear_keys).then(|| PrivateKey::draw(&mut random));
    let recipient = recipient.as_ref().map(|(key, certificate)| (key, certificate));
    crate::block_on(async { client.keys(&wish, recipient, &mut random).await.map_err(failed) })
}

fn failed(error: SpekeError) -> Failure {
    if error.is_passing() {
        return Failure::unavailable("keys.service_away", error, "check the address of --speke, or try again later");
    }
    let hint = match &error {
        SpekeError::Answer(AnswerError::Refused { status: 401 | 403, .. }) => {
            "set LECTERN_SPEKE_AUTHORIZATION to the value of Authorization, or to another header, such as 'X-Api-Key: KEY'"
        }
        SpekeError::Answer(AnswerError::Clear(_)) => {
            "have the key service encrypt keys, or take them as they are with --speke-clear-keys"
        }
        SpekeError::Ask(cpix::speke::AskError::NoSystem) => {
            "name widevine, playready or fairplay in --systems, and a scheme that they play"
        }
        _ => "ask whoever runs the key service",
    };
    Failure::config("keys.service", error, hint)
}

/// What a service did not say of which system, each once.
fn left_out(keys: &SpekeKeys) -> Vec<(System, &'static str)> {
    let mut all = Vec::new();
    for missing in &keys.missing {
        let Some(system) = System::ALL.into_iter().find(|system| system.id() == missing.system_id) else { continue };
        let what = match missing.signal {
            Signal::Pssh => "the pssh box",
            Signal::HlsMedia if system == System::FairPlay => "lines for HLS",
            // Not needed: playlists and MPD are written from the box.
            _ => continue,
        };
        if !all.contains(&(system, what)) {
            all.push((system, what));
        }
    }
    all
}

#[cfg(test)]
#[path = "speke/tests.rs"]
mod tests;
