//! What a browser has collected (WebAuthn §5.8.1).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::{MAX_BYTES, Party, Refusal};

/// Members that are not known here are passed over, as §5.8.1 asks.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Collected {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(default)]
    cross_origin: bool,
    top_origin: Option<String>,
}

/// Client data, which nobody has vouched for yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientData {
    kind: String,
    /// What the browser was challenged with.
    pub challenge: Vec<u8>,
    origin: String,
    is_framed: bool,
    sha256: [u8; 32],
}

impl ClientData {
    /// Reads `clientDataJSON`.
    ///
    /// # Errors
    /// [`Refusal::ClientData`].
    pub fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        let malformed = Refusal::ClientData;
        if bytes.len() > MAX_BYTES {
            return Err(malformed);
        }
        let Collected { kind, challenge, origin, cross_origin, top_origin } =
            serde_json::from_slice(bytes).map_err(|_no_client_data| malformed)?;
        let challenge = URL_SAFE_NO_PAD.decode(challenge).map_err(|_no_base64url| malformed)?;
        let is_framed = cross_origin || top_origin.is_some();
        Ok(Self { kind, challenge, origin, is_framed, sha256: Sha256::digest(bytes).into() })
    }

    /// That it was collected for this, by a page of the party itself.
    pub(crate) fn check(&self, kind: &str, challenge: &[u8], party: &Party) -> Result<(), Refusal> {
        if self.kind != kind {
            return Err(Refusal::Type);
        }
        if self.challenge != challenge {
            return Err(Refusal::Challenge);
        }
        if !party.origins.contains(&self.origin) {
            return Err(Refusal::Origin);
        }
        if self.is_framed { Err(Refusal::Framed) } else { Ok(()) }
    }

    /// What is signed beside the authenticator's data.
    pub(crate) fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn client_data_is_read_as_browsers_write_it_and_as_they_may_write_it_one_day() {
        let party = Party { id: "example.org".to_owned(), origins: vec!["https://example.org".to_owned()] };
        let check = |text: &str| {
            let read = ClientData::read(text.as_bytes())?;
            read.check("webauthn.get", b"challenge", &party)
        };
        let of = |more: &str| {
            let of = "\"type\":\"webauthn.get\",\"challenge\":\"Y2hhbGxlbmdl\",\"origin\":\"https://example.org\"";
            format!("{{{of}{more}}}")
        };
        for more in ["", ",\"crossOrigin\":false", ",\"crossOrigin\":false,\"extraData\":[{\"a\":null}]"] {
            assert_eq!(check(&of(more)), Ok(()), "{more}");
        }
        for (text, refusal) in [
            (of("").replace("webauthn.get", "webauthn.create"), Refusal::Type),
            (of("").replace("webauthn.get", "payment.get"), Refusal::Type),
            (of("").replace("Y2hhbGxlbmdl", "Y2hhbGxlbmdm"), Refusal::Challenge),
            (of("").replace("Y2hhbGxlbmdl", ""), Refusal::Challenge),
            (of("").replace("https://example.org", "http://example.org"), Refusal::Origin),
            (of("").replace("https://example.org", "https://example.org:444"), Refusal::Origin),
            (of("").replace("https://example.org", "https://example.org.evil.example"), Refusal::Origin),
            (of("").replace("https://example.org", "https://sub.example.org"), Refusal::Origin),
            (of(",\"crossOrigin\":true"), Refusal::Framed),
            (of(",\"topOrigin\":\"https://example.com\""), Refusal::Framed),
            (of("").replace("Y2hhbGxlbmdl", "Y2hhbGxlbmdl="), Refusal::ClientData),
            (of("").replace("\"challenge\"", "\"other\""), Refusal::ClientData),
            (of(",\"type\":\"webauthn.get\""), Refusal::ClientData),
            (of("").replace("\"https://example.org\"", "7"), Refusal::ClientData),
            (format!("{} ", of("")).replace('}', ""), Refusal::ClientData),
            ("[".repeat(100_000), Refusal::ClientData),
            (of(&" ".repeat(MAX_BYTES)), Refusal::ClientData),
            (String::new(), Refusal::ClientData),
        ] {
            assert_eq!(check(&text), Err(refusal), "{}", &text[..text.len().min(200)]);
        }
    }
}
