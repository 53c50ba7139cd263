//! The secrets that tokens are signed with.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// The most keys of a ring.
pub const MAX_KEYS: usize = 8;
/// The longest name of a key in bytes.
pub(crate) const MAX_NAME: usize = 16;
/// RFC 2104 §3: shorter than the digest weakens HMAC, longer than its block gains nothing.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 32..=64;
/// No text signed here can be mistaken for one that was signed for another purpose under the same secret.
const PURPOSE: &[u8] = b"lectern playback token 1\0";

/// A secret that signs and verifies tokens, and its public name.
///
/// It can be neither printed nor serialised, and is wiped when dropped.
#[derive(Clone)]
pub struct SigningKey {
    name: String,
    secret: Zeroizing<Box<[u8]>>,
}

impl SigningKey {
    /// A name of 1 to 16 letters, digits, `-` or `_`, and 32 to 64 secret bytes.
    ///
    /// # Errors
    /// Another name, or a secret of another length.
    pub fn new(name: &str, secret: &[u8]) -> Result<Self, SigningKeyError> {
        let fine = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if !(1..=MAX_NAME).contains(&name.len()) || !name.bytes().all(fine) {
            return Err(SigningKeyError::Name);
        }
        if !SECRET_BYTES.contains(&secret.len()) {
            return Err(SigningKeyError::Length { found: secret.len() });
        }
        Ok(Self { name: name.to_owned(), secret: Zeroizing::new(secret.into()) })
    }

    /// A key derived from another secret: the same secret and purpose always give the same key and name, and nothing
    /// about the secret follows from either.
    ///
    /// # Errors
    /// Fewer than 16 bytes of secret.
    pub fn derive(secret: &[u8], purpose: &str) -> Result<Self, SigningKeyError> {
        if secret.len() < 16 {
            return Err(SigningKeyError::Length { found: secret.len() });
        }
        let part = |what: &[u8]| {
            let mut mac = mac_under(secret);
            mac.update(what);
            mac.update(purpose.as_bytes());
            Zeroizing::new(<[u8; 32]>::from(mac.finalize().into_bytes()))
        };
        let name: String = part(b"lectern token key name\0")[..6].iter().map(|byte| format!("{byte:02x}")).collect();
        Self::new(&name, &part(b"lectern token key\0")[..])
    }

    /// Its public name, which tokens carry.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn mac(&self, body: &[u8]) -> Hmac<Sha256> {
        let mut mac = mac_under(&self.secret);
        mac.update(PURPOSE);
        mac.update(body);
        mac
    }
}

fn mac_under(secret: &[u8]) -> Hmac<Sha256> {
    <Hmac<Sha256> as KeyInit>::new_from_slice(secret).expect("HMAC takes keys of any length")
}

/// What is no signing key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SigningKeyError {
    /// The name.
    #[error("the name of a signing key is 1 to {MAX_NAME} letters, digits, '-' or '_'")]
    Name,
    /// The secret's length.
    #[error("a signing key has 32 to 64 bytes, this one has {found}")]
    Length {
        /// Bytes found.
        found: usize,
    },
    /// The secret's text.
    #[error("a signing key is written in hexadecimal digits, two for each byte")]
    Digits,
}

/// The keys in use, newest first: the newest signs, every one verifies, so that tokens outlive the change of keys.
#[derive(Clone)]
pub struct KeyRing {
    keys: Vec<SigningKey>,
}

impl KeyRing {
    /// A ring of one key.
    pub fn new(key: SigningKey) -> Self {
        Self { keys: vec![key] }
    }

    /// Parses a list, newest first: `NAME:HEX`, one a line or parted by commas; `#` begins a comment that ends with its
    /// line.
    ///
    /// # Errors
    /// Which entry is wrong, never what it holds.
    pub fn parse(text: &str) -> Result<Self, RingError> {
        let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
        let entries = lines.flat_map(|line| line.split(',')).map(str::trim).filter(|entry| !entry.is_empty());
        let mut keys: Vec<SigningKey> = Vec::new();
        for (entry, number) in entries.zip(1..) {
            let wrong = |problem| RingError::Entry { number, problem };
            let (name, digits) = entry.split_once(':').ok_or(RingError::Form { number })?;
            let key = SigningKey::new(name.trim(), &decode(digits.trim()).map_err(wrong)?).map_err(wrong)?;
            if keys.iter().any(|known| known.name == key.name) {
                return Err(RingError::SameName { number });
            }
            if keys.len() == MAX_KEYS {
                return Err(RingError::TooMany);
            }
            keys.push(key);
        }
        if keys.is_empty() { Err(RingError::Empty) } else { Ok(Self { keys }) }
    }

    /// The same ring with a newer key that signs from now on. Of more than [`MAX_KEYS`] the oldest is dropped; a key of
    /// the same name is replaced.
    #[must_use]
    pub fn rotated(mut self, newest: SigningKey) -> Self {
        self.keys.retain(|known| known.name != newest.name);
        self.keys.truncate(MAX_KEYS - 1);
        self.keys.insert(0, newest);
        self
    }

    /// The same ring without an older key, whose tokens are refused from now on. The newest stays.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        let mut newest = true;
        self.keys.retain(|known| std::mem::take(&mut newest) || known.name != name);
        self
    }

    /// The names of its keys, newest first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(SigningKey::name)
    }

    pub(crate) fn newest(&self) -> &SigningKey {
        self.keys.first().expect("no constructor makes an empty ring, and the newest key is never removed")
    }

    pub(crate) fn find(&self, name: &[u8]) -> Option<&SigningKey> {
        self.keys.iter().find(|key| key.name.as_bytes() == name)
    }
}

/// What is no list of signing keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RingError {
    /// No key at all.
    #[error("the list of signing keys is empty; write NAME:HEX with 64 hexadecimal digits")]
    Empty,
    /// More than a ring holds.
    #[error("a list has at most {MAX_KEYS} signing keys; remove the oldest, which come last")]
    TooMany,
    /// An entry without a colon.
    #[error("signing key {number} is not of the form NAME:HEX")]
    Form {
        /// 1-based position in the list.
        number: usize,
    },
    /// A name twice.
    #[error("signing key {number} has the name of an earlier one")]
    SameName {
        /// 1-based position in the list.
        number: usize,
    },
    /// An entry that is no key.
    #[error("signing key {number}: {problem}")]
    Entry {
        /// 1-based position in the list.
        number: usize,
        /// What is wrong with it.
        problem: SigningKeyError,
    },
}

fn decode(digits: &str) -> Result<Zeroizing<Vec<u8>>, SigningKeyError> {
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(SigningKeyError::Digits),
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(digits.len() / 2));
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    for [high, low] in pairs {
        bytes.push(value(*high)? << 4 | value(*low)?);
    }
    if rest.is_empty() { Ok(bytes) } else { Err(SigningKeyError::Digits) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn names(ring: &KeyRing) -> Vec<&str> {
        ring.names().collect()
    }

    #[test]
    fn a_list_is_read_newest_first_from_a_file_or_a_variable() {
        let (a, b) = ("0a".repeat(32), "0B".repeat(64));
        let file = KeyRing::parse(&format!("# rotated in May\n new:{a} # signs\n\nold:{b}\n")).ok().unwrap();
        let variable = KeyRing::parse(&format!("new:{a}, old:{b}")).ok().unwrap();
        assert_eq!((names(&file), names(&variable)), (vec!["new", "old"], vec!["new", "old"]));
        assert_eq!((&file.newest().secret[..], &file.keys[1].secret[..]), (&[10; 32][..], &[11; 64][..]));
    }

    #[test]
    fn what_is_no_list_is_refused_by_position_and_not_repeated() {
        let key = "ab".repeat(32);
        let many: Vec<_> = (0..=MAX_KEYS).map(|n| format!("k{n}:{key}")).collect();
        for (text, error) in [
            ("# nothing\n,\n".to_owned(), RingError::Empty),
            (key.clone(), RingError::Form { number: 1 }),
            (format!("a:{key},a:{key}"), RingError::SameName { number: 2 }),
            (format!("a:{key}\n!:{key}"), RingError::Entry { number: 2, problem: SigningKeyError::Name }),
            (
                format!("a:{}", &key[2..]),
                RingError::Entry { number: 1, problem: SigningKeyError::Length { found: 31 } },
            ),
            (format!("a:{key}f"), RingError::Entry { number: 1, problem: SigningKeyError::Digits }),
            (format!("a:{}é", &key[2..]), RingError::Entry { number: 1, problem: SigningKeyError::Digits }),
            (many.join(","), RingError::TooMany),
        ] {
            let found = KeyRing::parse(&text).err().unwrap();
            assert_eq!(found, error, "{text}");
            assert!(!found.to_string().contains("abab"), "{found}");
        }
    }

    #[test]
    fn a_ring_drops_its_oldest_key_and_never_its_newest() {
        let key = |number: usize| SigningKey::new(&format!("k{number}"), &[number as u8; 32]).ok().unwrap();
        let ring = (1..=MAX_KEYS + 1).fold(KeyRing::new(key(0)), |ring, number| ring.rotated(key(number)));
        assert_eq!(names(&ring), ["k9", "k8", "k7", "k6", "k5", "k4", "k3", "k2"]);
        let ring = ring.rotated(key(4)).without("k8").without("k4");
        assert_eq!(names(&ring), ["k4", "k9", "k7", "k6", "k5", "k3", "k2"]);
    }

    #[test]
    fn derived_keys_are_the_same_for_the_same_secret_and_purpose_alone() {
        let derive = |secret: &[u8], purpose| SigningKey::derive(secret, purpose).ok().unwrap();
        let (one, same) = (derive(&[1; 32], "a"), derive(&[1; 32], "a"));
        assert!(one.name == same.name && one.secret == same.secret);
        for other in [derive(&[2; 32], "a"), derive(&[1; 32], "b")] {
            assert!(one.name != other.name && one.secret != other.secret);
        }
        assert!(SigningKey::derive(&[1; 15], "a").is_err());
    }
}
