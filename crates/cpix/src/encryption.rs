//! Content keys encrypted for named recipients (DASH-IF CPIX 2.4, "Key Encryption and Authentication in the CPIX
//! Document").
//!
//! Each content key is encrypted with AES-256-CBC under a document key and authenticated with HMAC-SHA512; document key
//! and MAC key are encrypted for every recipient with RSA-OAEP-MGF1-SHA1.

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use drm::{ContentKey, KeyId};
use hmac::{Hmac, KeyInit, Mac};
use rsa::Oaep;
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};
use zeroize::{Zeroize, Zeroizing};

use crate::certificate::{Certificate, PrivateKey, Random, Source};
use crate::model::{DeliveryData, Document, DocumentKey, EncryptedValue, KeyData, MacMethod};

const AES_256_CBC: &str = "http://www.w3.org/2001/04/xmlenc#aes256-cbc";
const RSA_OAEP: &str = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";
const HMAC_SHA512: &str = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha512";
const SHA1: &str = "http://www.w3.org/2000/09/xmldsig#sha1";
const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
const SHA384: &str = "http://www.w3.org/2001/04/xmldsig-more#sha384";
const SHA512: &str = "http://www.w3.org/2001/04/xmlenc#sha512";

/// Bytes of an AES block, and of an initialisation vector.
const BLOCK: usize = 16;

/// Encrypted keys whose MAC is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MacPolicy {
    /// Are refused.
    #[default]
    Required,
    /// Are opened when the document has no `MACMethod` at all: some key services send none.
    IfPresent,
}

/// Encrypted keys cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// No recipient has the certificate of the private key.
    #[error("none of the {0} recipients of the document has the certificate of this key")]
    NotForUs(usize),
    /// An algorithm that is not supported.
    #[error("{what} is protected with an algorithm that is not supported")]
    Algorithm {
        /// What is protected with it.
        what: &'static str,
    },
    /// The document or MAC key does not come out under this private key.
    #[error("{what} cannot be decrypted with this key")]
    Unwrap {
        /// Which key.
        what: &'static str,
    },
    /// The document key is missing or has another length.
    #[error("the document key is not an encrypted key of 32 bytes")]
    DocumentKey,
    /// No document key is for this content key.
    #[error("no document key for this recipient encrypts content key {0}")]
    NotEncryptedFor(KeyId),
    /// There is no MAC.
    #[error("content key {0} has no MAC")]
    MacMissing(KeyId),
    /// The MAC is of other bytes or of another key.
    #[error("the MAC of content key {0} does not match")]
    MacMismatch(KeyId),
    /// What was encrypted is no key of 16 bytes.
    #[error("content key {0} does not decrypt to 16 bytes")]
    ContentKey(KeyId),
}

/// Keys cannot be encrypted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Nobody could open them.
    #[error("there is no recipient")]
    NoRecipient,
    /// Some are encrypted already, under a document key that is not known.
    #[error("content key {0} is encrypted already")]
    Encrypted(KeyId),
    /// The RSA key is unusable.
    #[error("the key of recipient {0} cannot encrypt")]
    Recipient(usize),
}

impl Document {
    /// Encrypts all its keys for `recipients` under a new document key; whoever was a recipient before no longer is.
    /// Keys that are not there stay away.
    ///
    /// # Errors
    /// See [`SealError`]. The document is then unchanged.
    pub fn seal(&mut self, recipients: &[Certificate], random: &mut Random<'_>) -> Result<(), SealError> {
        if recipients.is_empty() {
            return Err(SealError::NoRecipient);
        }
        if let Some(key) = self.keys.iter().find(|key| matches!(key.data, KeyData::Encrypted(_))) {
            return Err(SealError::Encrypted(key.kid));
        }
        let (mut document_key, mut mac_key) = (Zeroizing::new([0; 32]), Zeroizing::new([0; 64]));
        random(&mut document_key[..]);
        random(&mut mac_key[..]);
        let mut delivery = Vec::with_capacity(recipients.len());
        for (index, recipient) in recipients.iter().enumerate() {
            let mut wrap = |key: &[u8]| wrap(recipient, key, random).ok_or(SealError::Recipient(index));
            let document_key = DocumentKey { id: None, encrypts: Vec::new(), value: Some(wrap(&document_key[..])?) };
            let mac = MacMethod { algorithm: HMAC_SHA512.to_owned(), key: Some(wrap(&mac_key[..])?) };
            delivery.push(DeliveryData {
                certificates: vec![recipient.der().to_vec()],
                document_keys: vec![document_key],
                mac: Some(mac),
                ..DeliveryData::default()
            });
        }
        for key in &mut self.keys {
            if let KeyData::Plain(plain) = &key.data {
                key.data = KeyData::Encrypted(seal(plain, &document_key, &mac_key[..], random));
            }
        }
        self.delivery = delivery;
        Ok(())
    }

    /// Decrypts all its encrypted keys in place, and forgets the recipients.
    ///
    /// # Errors
    /// See [`OpenError`]. The document is then unchanged.
    pub fn open(&mut self, key: &PrivateKey, policy: MacPolicy, random: &mut Random<'_>) -> Result<(), OpenError> {
        let opened = self.content_keys(Some((key, policy)), random)?;
        for (kid, plain) in opened {
            if let Some(element) =
                self.keys.iter_mut().find(|e| e.kid == kid && matches!(e.data, KeyData::Encrypted(_)))
            {
                element.data = KeyData::Plain(plain);
            }
        }
        self.delivery.clear();
        Ok(())
    }

    /// All the keys it holds, in its order: plain ones as they are, encrypted ones decrypted with `recipient`. Without
    /// one, encrypted keys are left out.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn content_keys(
        &self,
        recipient: Option<(&PrivateKey, MacPolicy)>,
        random: &mut Random<'_>,
    ) -> Result<Vec<(KeyId, ContentKey)>, OpenError> {
        let encrypted = self.keys.iter().any(|key| matches!(key.data, KeyData::Encrypted(_)));
        let opener = match recipient {
            Some((key, policy)) if encrypted => Some(Opener::new(&self.delivery, key, policy, random)?),
            _ => None,
        };
        let mut all = Vec::with_capacity(self.keys.len());
        for key in &self.keys {
            match (&key.data, &opener) {
                (KeyData::Plain(plain), _) => all.push((key.kid, plain.clone())),
                (KeyData::Encrypted(value), Some(opener)) => all.push((key.kid, opener.open(key.kid, value)?)),
                _ => {}
            }
        }
        Ok(all)
    }
}

fn seal(key: &ContentKey, document_key: &[u8; 32], mac_key: &[u8], random: &mut Random<'_>) -> EncryptedValue {
    let mut cipher = vec![0; 3 * BLOCK];
    let (iv, rest) = cipher.split_at_mut(BLOCK);
    random(iv);
    let mut start = [0; BLOCK];
    start.copy_from_slice(iv);
    cbc::Encryptor::<aes::Aes256>::new(document_key.into(), &start.into())
        .encrypt_padded_b2b::<Pkcs7>(key.expose(), rest)
        .expect("a key of one block with its padding fills two");
    let mac = mac(mac_key, &cipher).finalize().into_bytes().to_vec();
    EncryptedValue { algorithm: AES_256_CBC.to_owned(), digest: None, cipher, mac: Some(mac) }
}

fn mac(key: &[u8], data: &[u8]) -> Hmac<Sha512> {
    let mut mac = Hmac::<Sha512>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(data);
    mac
}

fn wrap(recipient: &Certificate, key: &[u8], random: &mut Random<'_>) -> Option<EncryptedValue> {
    let cipher = recipient.key.encrypt(&mut Source(random), Oaep::<Sha1>::new(), key).ok()?;
    Some(EncryptedValue { algorithm: RSA_OAEP.to_owned(), digest: None, cipher, mac: None })
}

/// RSA-OAEP with MGF1 over SHA-1 and the stated digest (XML Encryption §5.5.2).
fn unwrap(
    value: &EncryptedValue,
    what: &'static str,
    key: &PrivateKey,
    random: &mut Random<'_>,
) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    if value.algorithm != RSA_OAEP {
        return Err(OpenError::Algorithm { what });
    }
    let mut source = Source(random);
    let cipher = &value.cipher[..];
    let opened = match value.digest.as_deref() {
        None | Some(SHA1) => key.0.decrypt_blinded(&mut source, Oaep::<Sha1>::new(), cipher),
        Some(SHA256) => key.0.decrypt_blinded(&mut source, Oaep::<Sha256, Sha1>::new_with_mgf_hash(), cipher),
        Some(SHA384) => key.0.decrypt_blinded(&mut source, Oaep::<Sha384, Sha1>::new_with_mgf_hash(), cipher),
        Some(SHA512) => key.0.decrypt_blinded(&mut source, Oaep::<Sha512, Sha1>::new_with_mgf_hash(), cipher),
        Some(_) => return Err(OpenError::Algorithm { what }),
    };
    opened.map(Zeroizing::new).map_err(|_| OpenError::Unwrap { what })
}

/// The keys of one recipient, decrypted.
struct Opener<'a> {
    /// With the content keys each is for; all of them when none is named.
    document_keys: Vec<(&'a [KeyId], Zeroizing<[u8; 32]>)>,
    mac_key: Option<Zeroizing<Vec<u8>>>,
    policy: MacPolicy,
}

/// The most document keys that are decrypted: each takes a private operation of RSA.
const MAX_DOCUMENT_KEYS: usize = 64;

impl<'a> Opener<'a> {
    fn new(
        delivery: &'a [DeliveryData],
        key: &PrivateKey,
        policy: MacPolicy,
        random: &mut Random<'_>,
    ) -> Result<Self, OpenError> {
        let ours = |data: &&DeliveryData| {
            let mut certificates = data.certificates.iter().filter_map(|der| Certificate::from_der(der).ok());
            certificates.any(|certificate| key.belongs_to(&certificate))
        };
        let data = delivery.iter().find(ours).ok_or(OpenError::NotForUs(delivery.len()))?;
        let mut document_keys = Vec::new();
        for found in data.document_keys.iter().take(MAX_DOCUMENT_KEYS) {
            let value = found.value.as_ref().ok_or(OpenError::DocumentKey)?;
            let opened = unwrap(value, "the document key", key, random)?;
            let opened = <&[u8; 32]>::try_from(&opened[..]).map_err(|_| OpenError::DocumentKey)?;
            document_keys.push((&found.encrypts[..], Zeroizing::new(*opened)));
        }
        let mac_key = match &data.mac {
            None => None,
            Some(method) if method.algorithm != HMAC_SHA512 => {
                return Err(OpenError::Algorithm { what: "the MAC of content keys" });
            }
            Some(method) => {
                let value = method.key.as_ref().ok_or(OpenError::Unwrap { what: "the MAC key" })?;
                Some(unwrap(value, "the MAC key", key, random)?)
            }
        };
        Ok(Self { document_keys, mac_key, policy })
    }

    fn open(&self, kid: KeyId, value: &EncryptedValue) -> Result<ContentKey, OpenError> {
        match (&self.mac_key, &value.mac) {
            (Some(key), Some(expected)) => {
                let matches = mac(key, &value.cipher).verify_slice(expected);
                matches.map_err(|_| OpenError::MacMismatch(kid))?;
            }
            (None, _) if self.policy == MacPolicy::IfPresent => {}
            _ => return Err(OpenError::MacMissing(kid)),
        }
        if value.algorithm != AES_256_CBC {
            return Err(OpenError::Algorithm { what: "a content key" });
        }
        let of = self.document_keys.iter().find(|(kids, _)| kids.contains(&kid));
        let of = of.or_else(|| self.document_keys.iter().find(|(kids, _)| kids.is_empty()));
        let (_, document_key) = of.ok_or(OpenError::NotEncryptedFor(kid))?;
        let (iv, cipher) = value.cipher.split_first_chunk::<BLOCK>().ok_or(OpenError::ContentKey(kid))?;
        let mut buffer = Zeroizing::new([0; 2 * BLOCK]);
        if cipher.len() != buffer.len() {
            return Err(OpenError::ContentKey(kid));
        }
        let plain = cbc::Decryptor::<aes::Aes256>::new((&**document_key).into(), iv.into())
            .decrypt_padded_b2b::<Pkcs7>(cipher, &mut buffer[..])
            .map_err(|_| OpenError::ContentKey(kid))?;
        let mut plain: [u8; BLOCK] = plain.try_into().map_err(|_| OpenError::ContentKey(kid))?;
        let key = ContentKey::new(plain);
        plain.zeroize();
        Ok(key)
    }
}
