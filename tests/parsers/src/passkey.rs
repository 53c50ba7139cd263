//! What browsers and authenticators say of passkeys.

use webauthn::{ClientData, Known, Party, PublicKey, Refusal, Registered};

const CHALLENGE: &[u8] = b"challenge";

/// Client data of either ceremony, for the challenge.
fn client_data(kind: &str) -> Vec<u8> {
    format!("{{\"type\":\"{kind}\",\"challenge\":\"Y2hhbGxlbmdl\",\"origin\":\"https://example.org\"}}").into_bytes()
}

fn party() -> Party {
    Party { id: "example.org".to_owned(), origins: vec!["https://example.org".to_owned()] }
}

/// The passkey of an attestation object.
pub(crate) fn made(object: &[u8]) -> Result<Registered, Refusal> {
    webauthn::register(&party(), CHALLENGE, &client_data("webauthn.create"), object)
}

/// A passkey that may be backed up if these authenticator data say so.
fn known<'a>(data: &[u8], public_key: &'a [u8]) -> Known<'a> {
    Known { public_key, is_backup_eligible: data.get(32).is_some_and(|flags| flags & 8 != 0) }
}

/// Client data, attestation objects, authenticator data and keys: refused, or what is read of them lies in them.
pub fn passkey(data: &[u8]) {
    if let Ok(client) = ClientData::read(data) {
        assert!(client.challenge.len() <= data.len());
    }
    let lies_in = |part: &[u8]| data.windows(part.len().max(1)).any(|window| window == part);
    if let Ok(PublicKey::Rs256 { modulus, exponent }) = PublicKey::read(data) {
        assert!(lies_in(&modulus) && lies_in(&exponent) && modulus.len() >= 256);
    }
    match made(data) {
        Ok(Registered { credential_id, public_key, is_backup_eligible, is_backed_up, .. }) => {
            assert!((1..=1023).contains(&credential_id.len()) && lies_in(&credential_id) && lies_in(&public_key));
            assert!(is_backup_eligible || !is_backed_up);
            let asserted =
                webauthn::assert(&party(), CHALLENGE, &client_data("webauthn.get"), data, known(data, &public_key));
            assert!(asserted.is_err(), "no attestation object is authenticator data too");
        }
        Err(refusal) => assert!(!refusal.to_string().is_empty()),
    }
    let key = [&[0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 32][..], &[7; 32]].concat();
    if let Ok(asserted) = webauthn::assert(&party(), CHALLENGE, &client_data("webauthn.get"), data, known(data, &key)) {
        assert!(asserted.signed.strip_prefix(data).is_some_and(|hash| hash.len() == 32));
        assert_eq!(asserted.public_key, PublicKey::Ed25519([7; 32]));
    }
}
