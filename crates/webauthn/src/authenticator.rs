//! What an authenticator says (WebAuthn §6.1 and §6.5).

use crate::Refusal;
use crate::cbor::{Item, MAX_DEPTH, Malformed, Reader};
use crate::cose::PublicKey;

const HASH_BYTES: usize = 32;
const AAGUID_BYTES: usize = 16;
/// WebAuthn §7.1.
const MAX_CREDENTIAL_ID: usize = 1023;

/// User present.
pub(crate) const UP: u8 = 0x01;
/// User verified.
pub(crate) const UV: u8 = 0x04;
/// Backup eligible.
pub(crate) const BE: u8 = 0x08;
/// Backed up.
pub(crate) const BS: u8 = 0x10;
/// Attested credential data follow.
const AT: u8 = 0x40;
/// Extensions follow.
const ED: u8 = 0x80;

/// Authenticator data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AuthenticatorData<'a> {
    pub(crate) rp_id_sha256: &'a [u8],
    pub(crate) flags: u8,
    pub(crate) counter: u32,
    pub(crate) attested: Option<Attested<'a>>,
}

/// A new passkey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attested<'a> {
    pub(crate) credential_id: &'a [u8],
    /// A `COSE_Key`, which has been read.
    pub(crate) public_key: &'a [u8],
}

impl<'a> AuthenticatorData<'a> {
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, Refusal> {
        let malformed = Refusal::AuthenticatorData;
        let (rp_id_sha256, rest) = bytes.split_at_checked(HASH_BYTES).ok_or(malformed)?;
        let (&[flags, counter @ ..], mut rest) = rest.split_first_chunk::<5>().ok_or(malformed)?;
        let mut attested = None;
        if flags & AT != 0 {
            let (credential, behind) = Attested::take(rest)?;
            (attested, rest) = (Some(credential), behind);
        }
        if flags & ED != 0 {
            rest = after_map(rest).map_err(|Malformed| malformed)?;
        }
        let counter = u32::from_be_bytes(counter);
        if rest.is_empty() { Ok(Self { rp_id_sha256, flags, counter, attested }) } else { Err(malformed) }
    }

    pub(crate) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

impl<'a> Attested<'a> {
    fn take(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), Refusal> {
        let malformed = Refusal::AuthenticatorData;
        let (_aaguid, rest) = bytes.split_at_checked(AAGUID_BYTES).ok_or(malformed)?;
        let (length, rest) = rest.split_first_chunk::<2>().ok_or(malformed)?;
        let length = usize::from(u16::from_be_bytes(*length));
        if !(1..=MAX_CREDENTIAL_ID).contains(&length) {
            return Err(malformed);
        }
        let (credential_id, rest) = rest.split_at_checked(length).ok_or(malformed)?;
        let mut reader = Reader::new(rest);
        PublicKey::take(&mut reader)?;
        let (public_key, behind) = rest.split_at(rest.len() - reader.rest().len());
        Ok((Self { credential_id, public_key }, behind))
    }
}

/// What is behind the map that `bytes` begin with.
fn after_map(bytes: &[u8]) -> Result<&[u8], Malformed> {
    let mut reader = Reader::new(bytes);
    let Item::Map(_) = reader.clone().item()? else { return Err(Malformed) };
    reader.skip(MAX_DEPTH)?;
    Ok(reader.rest())
}

/// The authenticator data of an attestation object. Its statement is of any format, and is not judged.
pub(crate) fn attested(object: &[u8]) -> Result<&[u8], Malformed> {
    let mut reader = Reader::new(object);
    let Item::Map(3) = reader.item()? else { return Err(Malformed) };
    let (mut format, mut statement, mut data) = (None, None, None);
    for _ in 0..3 {
        let repeats = match reader.item()? {
            Item::Text("fmt") => {
                let Item::Text(text) = reader.item()? else { return Err(Malformed) };
                format.replace(text).is_some()
            }
            Item::Text("attStmt") => {
                let before = reader.rest();
                let behind = after_map(before)?;
                reader = Reader::new(behind);
                statement.replace(before).is_some()
            }
            Item::Text("authData") => {
                let Item::Bytes(bytes) = reader.item()? else { return Err(Malformed) };
                data.replace(bytes).is_some()
            }
            _ => true,
        };
        if repeats {
            return Err(Malformed);
        }
    }
    if reader.rest().is_empty() { data.ok_or(Malformed) } else { Err(Malformed) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn key() -> Vec<u8> {
        hex::decode(format!("a4010103272006215820{}", "11".repeat(32))).unwrap()
    }

    /// Authenticator data with these flags, and this behind the counter.
    fn data(flags: u8, behind: &[&[u8]]) -> Vec<u8> {
        [&[7; 32][..], &[flags], &[0, 0, 1, 2], &behind.concat()].concat()
    }

    fn new_passkey(id: &[u8]) -> Vec<u8> {
        let length = u16::try_from(id.len()).unwrap().to_be_bytes();
        [&[9; 16][..], &length, id, &key()].concat()
    }

    #[test]
    fn what_an_authenticator_says_is_read_to_its_last_byte() {
        let plain = data(UP, &[]);
        let read = AuthenticatorData::read(&plain).unwrap();
        assert_eq!((read.counter, read.attested, read.has(UP), read.has(UV)), (258, None, true, false));
        let whole = data(UP | AT | ED, &[&new_passkey(b"id"), &[0xa1, 0x61, b'a', 0xf5]]);
        let read = AuthenticatorData::read(&whole).unwrap();
        assert_eq!(read.attested, Some(Attested { credential_id: b"id", public_key: &key() }));
        for cut in 0..whole.len() {
            assert_eq!(AuthenticatorData::read(&whole[..cut]), Err(Refusal::AuthenticatorData), "{cut}");
        }
        for (bytes, why) in [
            (data(UP, &[&[0]]), "more than it announces"),
            (data(UP | AT, &[&new_passkey(b"id"), &[0xa0]]), "the same"),
            (data(UP | ED, &[&[0x80]]), "extensions that are no map"),
            (data(UP | AT, &[&new_passkey(b"")]), "no id"),
            (data(UP | AT, &[&new_passkey(&[1; 1024])]), "an id that is too long"),
        ] {
            assert_eq!(AuthenticatorData::read(&bytes), Err(Refusal::AuthenticatorData), "{why}");
        }
        assert!(AuthenticatorData::read(&data(UP | AT, &[&new_passkey(&[1; 1023])])).is_ok());
    }

    #[test]
    fn an_attestation_object_has_three_parts_in_any_order() {
        let hex = |text: &str| hex::decode(text).unwrap();
        let (format, statement, bytes) = ("63666d74646e6f6e65", "6761747453746d74", "68617574684461746142");
        let [none, data] = [format!("{statement}a0"), format!("{}4201ff", &bytes[..18])];
        for object in [format!("a3{format}{none}{data}"), format!("a3{data}{none}{format}")] {
            assert_eq!(attested(&hex(&object)), Ok(&[1, 0xff][..]), "{object}");
            assert_eq!(attested(&hex(&object[..object.len() - 2])), Err(Malformed));
            assert_eq!(attested(&hex(&format!("{object}00"))), Err(Malformed));
        }
        let with = format!("a3{format}{statement}a163783563814101{data}");
        assert_eq!(attested(&hex(&with)), Ok(&[1, 0xff][..]), "a statement is passed over");
        for (object, why) in [
            (format!("a2{format}{data}"), "no statement"),
            (format!("a3{format}{format}{data}"), "a part twice"),
            (format!("a3{format}{none}{}01", &bytes[..18]), "data that are no bytes"),
            (format!("a3{format}{statement}80{data}"), "a statement that is no map"),
            (format!("a36166646e6f6e65{none}{data}"), "a part of another name"),
        ] {
            assert_eq!(attested(&hex(&object)), Err(Malformed), "{why}");
        }
    }
}
