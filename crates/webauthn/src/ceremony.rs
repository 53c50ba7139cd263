//! What has to hold when somebody makes a passkey (§7.1) and when he signs in by it (§7.2), in the order of the clauses.

use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::authenticator::{AuthenticatorData, BE, BS, UP, UV, attested};
use crate::cbor::Malformed;
use crate::client::ClientData;
use crate::cose::PublicKey;

/// The most bytes of each part of an answer. Statements of attestation, which are the largest, have some thousand.
pub const MAX_BYTES: usize = 32 << 10;

/// Whom passkeys are for: what the standard calls a relying party.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// The domain that passkeys belong to.
    pub id: String,
    /// The origins of the pages that may ask for one, such as `https://example.org`.
    pub origins: Vec<String>,
}

/// Which clause does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[expect(missing_docs, reason = "each says so itself")]
pub enum Refusal {
    #[error("the client data are none that a browser collects")]
    ClientData,
    #[error("the client data were collected for something else")]
    Type,
    #[error("the challenge is another one")]
    Challenge,
    #[error("the page is of another origin")]
    Origin,
    #[error("the page was within a page of somebody else")]
    Framed,
    #[error("the attestation object is not of its form")]
    Attestation,
    #[error("the authenticator data are not of their form")]
    AuthenticatorData,
    #[error("the passkey is for another domain")]
    Party,
    #[error("nobody was present")]
    Absent,
    #[error("the authenticator has not verified who was present")]
    Unverified,
    #[error("the passkey is backed up and may not be, or could be and cannot any more")]
    Backup,
    #[error("the algorithm of the passkey was not asked for")]
    Algorithm,
}

/// A new passkey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// 1 to 1023 bytes that the authenticator knows it by.
    pub credential_id: Vec<u8>,
    /// What [`PublicKey::read`] reads.
    pub public_key: Vec<u8>,
    /// How often it was used, as far as the authenticator counts.
    pub counter: u32,
    /// Whether it can be on several devices.
    pub is_backup_eligible: bool,
    /// Whether it is.
    pub is_backed_up: bool,
}

/// What is known of a passkey that somebody signs in by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known<'a> {
    /// As it was registered.
    pub public_key: &'a [u8],
    /// As it was registered.
    pub is_backup_eligible: bool,
}

/// What an authenticator claims: it holds if it has signed that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asserted {
    /// The key that has to have signed.
    pub public_key: PublicKey,
    /// What it has to have signed.
    pub signed: Vec<u8>,
    /// How often the passkey was used, as far as the authenticator counts; see [`goes_on`].
    pub counter: u32,
    /// Whether the passkey is on several devices.
    pub is_backed_up: bool,
}

/// A new passkey, out of what `navigator.credentials.create()` has answered to a challenge. Whoever was there has been verified.
///
/// The attestation's statement is of any format, and is not judged: none is asked for. What makes the passkey is believed as the
/// password would be that somebody chooses.
///
/// # Errors
/// The first clause of §7.1 that does not hold.
pub fn register(
    party: &Party,
    challenge: &[u8],
    client_data: &[u8],
    attestation_object: &[u8],
) -> Result<Registered, Refusal> {
    ClientData::read(client_data)?.check("webauthn.create", challenge, party)?;
    if attestation_object.len() > MAX_BYTES {
        return Err(Refusal::Attestation);
    }
    let data = attested(attestation_object).map_err(|Malformed| Refusal::Attestation)?;
    let data = AuthenticatorData::read(data)?;
    check(&data, party)?;
    let attested = data.attested.ok_or(Refusal::AuthenticatorData)?;
    Ok(Registered {
        credential_id: attested.credential_id.to_vec(),
        public_key: attested.public_key.to_vec(),
        counter: data.counter,
        is_backup_eligible: data.has(BE),
        is_backed_up: data.has(BS),
    })
}

/// What is claimed by what `navigator.credentials.get()` has answered to a challenge. Whoever was there has been verified.
///
/// # Errors
/// The first clause of §7.2 that does not hold, but for the signature and the counter, which come after these.
pub fn assert(
    party: &Party,
    challenge: &[u8],
    client_data: &[u8],
    authenticator_data: &[u8],
    known: Known<'_>,
) -> Result<Asserted, Refusal> {
    let client = ClientData::read(client_data)?;
    client.check("webauthn.get", challenge, party)?;
    if authenticator_data.len() > MAX_BYTES {
        return Err(Refusal::AuthenticatorData);
    }
    let data = AuthenticatorData::read(authenticator_data)?;
    check(&data, party)?;
    if data.has(BE) != known.is_backup_eligible {
        return Err(Refusal::Backup);
    }
    Ok(Asserted {
        public_key: PublicKey::read(known.public_key)?,
        signed: [authenticator_data, &client.sha256()[..]].concat(),
        counter: data.counter,
        is_backed_up: data.has(BS),
    })
}

fn check(data: &AuthenticatorData<'_>, party: &Party) -> Result<(), Refusal> {
    let rp_id_sha256: [u8; 32] = Sha256::digest(&party.id).into();
    if data.rp_id_sha256 != rp_id_sha256 {
        return Err(Refusal::Party);
    }
    if !data.has(UP) {
        return Err(Refusal::Absent);
    }
    if !data.has(UV) {
        return Err(Refusal::Unverified);
    }
    if data.has(BS) && !data.has(BE) { Err(Refusal::Backup) } else { Ok(()) }
}

/// Whether a counter goes on from the one that was shown before. Authenticators that do not count show 0. Where it does not go on,
/// two have the passkey, and one of them should not.
pub fn goes_on(before: u32, now: u32) -> bool {
    now > before || (before, now) == (0, 0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    /// An example of the standard (§16), with all bytes in hexadecimal.
    #[derive(Clone, Deserialize)]
    struct Example {
        create_challenge: String,
        create_client_data: String,
        attestation_object: String,
        get_challenge: String,
        get_client_data: String,
        authenticator_data: String,
    }

    impl Example {
        fn named(name: &str) -> Self {
            let all: BTreeMap<String, Self> = serde_json::from_str(include_str!("../tests/vectors.json")).unwrap();
            all[name].clone()
        }

        fn register(&self) -> Result<Registered, Refusal> {
            let Self { create_challenge, create_client_data, attestation_object, .. } = self;
            register(&party(), &bytes(create_challenge), &bytes(create_client_data), &bytes(attestation_object))
        }

        fn assert(&self, known: Known<'_>) -> Result<Asserted, Refusal> {
            let Self { get_challenge, get_client_data, authenticator_data, .. } = self;
            assert(&party(), &bytes(get_challenge), &bytes(get_client_data), &bytes(authenticator_data), known)
        }
    }

    fn bytes(hex: &str) -> Vec<u8> {
        hex::decode(hex).unwrap()
    }

    fn party() -> Party {
        Party { id: "example.org".to_owned(), origins: vec!["https://example.org".to_owned()] }
    }

    fn known(of: &Registered) -> Known<'_> {
        Known { public_key: &of.public_key, is_backup_eligible: of.is_backup_eligible }
    }

    #[test]
    fn the_examples_of_the_standard_are_taken_if_somebody_was_verified_and_no_other_page_was_around() {
        for name in ["packed-es256", "tpm-es256"] {
            let example = Example::named(name);
            let registered = example.register().unwrap();
            assert!(registered.is_backup_eligible && !registered.is_backed_up, "{name}");
            let asserted = example.assert(known(&registered)).unwrap();
            assert_eq!(asserted.public_key, PublicKey::read(&registered.public_key).unwrap());
            let hash: [u8; 32] = Sha256::digest(bytes(&example.get_client_data)).into();
            assert_eq!(asserted.signed, [&bytes(&example.authenticator_data)[..], &hash[..]].concat());
        }
        let rsa = Example::named("packed-rs256").register().unwrap();
        assert!(matches!(PublicKey::read(&rsa.public_key), Ok(PublicKey::Rs256 { .. })) && rsa.is_backed_up);
        for (name, refusal) in [
            ("none-es256", Refusal::Unverified),
            ("packed-eddsa", Refusal::Unverified),
            ("none-es256-long-credential-id", Refusal::Unverified),
            ("none-es256-crossOrigin", Refusal::Framed),
            ("none-es256-topOrigin", Refusal::Framed),
            ("packed-es384", Refusal::Algorithm),
            ("packed-ed448", Refusal::Algorithm),
        ] {
            assert_eq!(Example::named(name).register(), Err(refusal), "{name}");
        }
    }

    #[test]
    fn each_clause_is_held_against_what_is_expected() {
        let example = Example::named("tpm-es256");
        let registered = example.register().unwrap();
        let (challenge, client) = (bytes(&example.create_challenge), bytes(&example.create_client_data));
        let object = bytes(&example.attestation_object);
        let made = |party: &Party, challenge: &[u8], client: &[u8], object: &[u8]| {
            register(party, challenge, client, object).map(|registered| registered.counter)
        };
        assert_eq!(made(&party(), &challenge, &client, &object), Ok(registered.counter));
        let of = |id: &str, origin: &str| Party { id: id.to_owned(), origins: vec![origin.to_owned()] };
        let mut later = challenge.clone();
        later[0] ^= 1;
        let get = bytes(&example.get_client_data);
        for (refused, refusal) in [
            (made(&of("example.org", "http://example.org"), &challenge, &client, &object), Refusal::Origin),
            (made(&of("org", "https://example.org"), &challenge, &client, &object), Refusal::Party),
            (made(&party(), &later, &client, &object), Refusal::Challenge),
            (made(&party(), &[], &client, &object), Refusal::Challenge),
            (made(&party(), &bytes(&example.get_challenge), &get, &object), Refusal::Type),
            (made(&party(), &challenge, &client, &object[1..]), Refusal::Attestation),
            (made(&party(), &challenge, &client, &vec![0xa3; MAX_BYTES + 1]), Refusal::Attestation),
        ] {
            assert_eq!(refused, Err(refusal));
        }

        let (challenge, data) = (bytes(&example.get_challenge), bytes(&example.authenticator_data));
        let with = |flags: u8| {
            let mut data = data.clone();
            data[32] = flags;
            assert(&party(), &challenge, &get, &data, known(&registered)).map(|asserted| asserted.is_backed_up)
        };
        assert_eq!((with(UP | UV | BE), with(UP | UV | BE | BS)), (Ok(false), Ok(true)));
        for (flags, refusal) in [
            (UV | BE, Refusal::Absent),
            (UP | BE, Refusal::Unverified),
            (UP | UV | BS, Refusal::Backup),
            (UP | UV, Refusal::Backup),
            (UP | UV | BE | 0x40, Refusal::AuthenticatorData),
        ] {
            assert_eq!(with(flags), Err(refusal), "{flags:#x}");
        }
        let changed = Known { public_key: &registered.public_key[1..], ..known(&registered) };
        assert_eq!(example.assert(changed), Err(Refusal::AuthenticatorData));
        let create = bytes(&example.create_client_data);
        let create = assert(&party(), &bytes(&example.create_challenge), &create, &data, known(&registered));
        assert_eq!(create, Err(Refusal::Type));
    }

    #[test]
    fn a_counter_goes_up_or_there_is_none() {
        for (before, now, fine) in
            [(0, 0, true), (0, 1, true), (1, 2, true), (1, 1, false), (2, 1, false), (1, 0, false)]
        {
            assert_eq!(goes_on(before, now), fine, "{before} {now}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_strange(object in proptest::collection::vec(any::<u8>(), 0..300)) {
            let example = Example::named("tpm-es256");
            let (challenge, client) = (bytes(&example.create_challenge), bytes(&example.create_client_data));
            prop_assert!(register(&party(), &challenge, &client, &object).is_err());
            let _ = (ClientData::read(&object), PublicKey::read(&object), AuthenticatorData::read(&object));
        }

        #[test]
        fn what_is_cut_or_changed_at_its_ends_is_refused(cut in 0_usize..1072, bit in 0_u8..8) {
            let example = Example::named("tpm-es256");
            let (challenge, client) = (bytes(&example.create_challenge), bytes(&example.create_client_data));
            let object = bytes(&example.attestation_object);
            prop_assert!(register(&party(), &challenge, &client, &object[..cut]).is_err());
            let mut changed = client;
            let at = cut % changed.len();
            changed[at] ^= 1 << bit;
            // What changes nothing of what is meant, such as white space, is none of it.
            if let Ok(registered) = register(&party(), &challenge, &changed, &object) {
                prop_assert_eq!(registered, example.register().unwrap());
            }
        }
    }
}
