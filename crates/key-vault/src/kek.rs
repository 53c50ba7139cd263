//! Key-encryption keys that this process holds.

mod source;

use std::error::Error;
use std::fmt;

use drm::{KeyEncryptionKey, KeyTextError, UnwrapError, WrappedKey, wrap};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
pub use source::{KEK_FILE_VARIABLE, KEK_VARIABLE, KekSourceError};
use zeroize::Zeroizing;

use crate::Secret;

/// The most key-encryption keys of one list.
pub const MAX_KEKS: usize = 16;

/// The public name of a key-encryption key, stored beside all that it wraps: 1 to 200 printable ASCII characters, such as
/// `local-5f0c3d1a9b274e66` or what a key management service calls it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KekId(String);

impl KekId {
    /// From its text; `None` when that is empty, longer, or has other characters.
    pub fn new(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        let fine = (1..=200).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        fine.then_some(Self(text))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KekId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a key could not be wrapped or unwrapped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KekError {
    /// No key-encryption key of that name is there.
    #[error("the key-encryption key {0} is not configured")]
    Unknown(KekId),
    /// The wrapped key does not open.
    #[error(transparent)]
    Unwrap(#[from] UnwrapError),
    /// A content key lies where a data key should.
    #[error("the wrapped key is not a data key")]
    NotADataKey,
    /// A service that holds key-encryption keys refused or did not answer.
    #[error("the key management service failed")]
    Service(#[source] Box<dyn Error + Send + Sync>),
}

impl KekError {
    /// Whether the fault lies with this one wrapped key, and not with whatever should open it.
    pub fn is_of_the_key(&self) -> bool {
        matches!(self, Self::Unwrap(_) | Self::NotADataKey)
    }
}

/// Key-encryption keys: a current one that wraps, and former ones that still open what they wrapped.
pub trait KeyEncryption: Send + Sync {
    /// The name of the key that wraps.
    fn current_id(&self) -> &KekId;

    /// Wraps under the current key.
    ///
    /// # Errors
    /// [`KekError::Service`].
    fn wrap(&self, key: &Secret) -> Result<WrappedKey, KekError>;

    /// Opens what the key of this name wrapped.
    ///
    /// # Errors
    /// That key is not there, or what it should open was changed.
    fn unwrap(&self, kek_id: &KekId, wrapped: &WrappedKey) -> Result<Secret, KekError>;
}

/// What is no list of key-encryption keys. Says where, never what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KekTextError {
    /// No key.
    #[error("it holds no key-encryption key; make one with: openssl rand -hex 32")]
    Empty,
    /// More than are read.
    #[error("it holds more than {MAX_KEKS} key-encryption keys; remove the oldest, which come last")]
    TooMany,
    /// A key twice.
    #[error("key-encryption key {number} is the same as an earlier one; remove it")]
    Twice {
        /// 1-based position in the list.
        number: usize,
    },
    /// An entry that is no key.
    #[error("key-encryption key {number} is not 32, 48 or 64 hexadecimal digits ({problem})")]
    Key {
        /// 1-based position in the list.
        number: usize,
        /// What is wrong with it.
        problem: KeyTextError,
    },
}

/// Key-encryption keys in the memory of this process. They cannot be printed and are wiped when dropped.
#[derive(Clone)]
pub struct LocalKeks {
    /// The current one first; never empty.
    keys: Vec<(KekId, KeyEncryptionKey)>,
}

impl LocalKeks {
    /// One key.
    pub fn new(key: KeyEncryptionKey) -> Self {
        Self { keys: vec![(name_of(&key), key)] }
    }

    /// Parses a list of keys in hexadecimal digits, one a line or parted by commas or spaces: the current one first, then
    /// those that are still needed to open what they wrapped. `#` begins a comment that ends with its line.
    ///
    /// # Errors
    /// Which entry is wrong, never what it holds.
    pub fn parse(text: &str) -> Result<Self, KekTextError> {
        let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
        let entries = lines.flat_map(|line| line.split([',', ' ', '\t', '\r'])).filter(|entry| !entry.is_empty());
        let mut keys: Vec<(KekId, KeyEncryptionKey)> = Vec::new();
        for (entry, number) in entries.zip(1..) {
            if keys.len() == MAX_KEKS {
                return Err(KekTextError::TooMany);
            }
            let key = KeyEncryptionKey::from_hex(entry).map_err(|problem| KekTextError::Key { number, problem })?;
            let id = name_of(&key);
            if keys.iter().any(|(known, _)| *known == id) {
                return Err(KekTextError::Twice { number });
            }
            keys.push((id, key));
        }
        if keys.is_empty() { Err(KekTextError::Empty) } else { Ok(Self { keys }) }
    }

    /// The names of all keys, the current one first.
    pub fn ids(&self) -> impl Iterator<Item = &KekId> {
        self.keys.iter().map(|(id, _)| id)
    }

    /// Secrets for another purpose, one derived from each key, that of the current one first: nothing about the keys follows
    /// from them.
    pub fn derive_secrets(&self, purpose: &str) -> impl DoubleEndedIterator<Item = Zeroizing<[u8; 32]>> {
        self.keys.iter().map(move |(_, key)| prf(key, b"lectern derived secret\0", purpose.as_bytes()))
    }

    fn current(&self) -> &(KekId, KeyEncryptionKey) {
        self.keys.first().expect("no constructor makes an empty list")
    }
}

impl KeyEncryption for LocalKeks {
    fn current_id(&self) -> &KekId {
        &self.current().0
    }

    fn wrap(&self, key: &Secret) -> Result<WrappedKey, KekError> {
        let wrapped = wrap::wrap(&self.current().1, key.expose()).expect("a secret has two or four whole blocks");
        Ok(WrappedKey::from_bytes(wrapped))
    }

    fn unwrap(&self, kek_id: &KekId, wrapped: &WrappedKey) -> Result<Secret, KekError> {
        let found = self.keys.iter().find(|(id, _)| id == kek_id);
        let (_, key) = found.ok_or_else(|| KekError::Unknown(kek_id.clone()))?;
        Secret::new(wrap::unwrap(key, wrapped.as_bytes())?)
    }
}

/// The same for the same key on every machine, so that a list needs no names.
fn name_of(key: &KeyEncryptionKey) -> KekId {
    let digest = prf(key, b"lectern key-encryption key name\0", b"");
    let digits: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    KekId(format!("local-{digits}"))
}

fn prf(key: &KeyEncryptionKey, label: &[u8], purpose: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key.expose()).expect("HMAC takes keys of any length");
    mac.update(label);
    mac.update(purpose);
    Zeroizing::new(mac.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use drm::{ContentKey, DataKey};
    use proptest::prelude::*;

    use super::*;

    fn keks(text: &str) -> LocalKeks {
        LocalKeks::parse(text).ok().unwrap()
    }

    #[test]
    fn the_first_key_wraps_and_every_one_opens_what_it_wrapped() {
        let (old, new) = ("0a".repeat(16), "0B".repeat(32));
        let before = keks(&old);
        let after = keks(&format!("# from May on\n{new}\r\n{old} # until the last key is rewrapped\n"));
        let key = Secret::from(&ContentKey::new(*b"sixteen byte key"));
        let wrapped = before.wrap(&key).unwrap();
        assert!(after.unwrap(before.current_id(), &wrapped).ok().unwrap() == key);
        assert!(wrapped != after.wrap(&key).unwrap() && before.current_id() != after.current_id());
        let unknown = before.unwrap(after.current_id(), &wrapped).err().unwrap();
        assert_eq!(unknown.to_string(), format!("the key-encryption key {} is not configured", after.current_id()));
        let changed = after.unwrap(after.current_id(), &wrapped).err().unwrap();
        assert!(changed.is_of_the_key() && !unknown.is_of_the_key());
    }

    #[test]
    fn keys_of_both_kinds_come_back_as_what_they_are() {
        let keks = keks(&"0a".repeat(32));
        let back = |key: &Secret| keks.unwrap(keks.current_id(), &keks.wrap(key).unwrap()).unwrap();
        let (content, data) = (ContentKey::new([1; 16]), DataKey::new([2; 32]));
        let (one, other) = (back(&Secret::from(&content)), back(&Secret::from(&data)));
        assert!(one.content_key().ok().unwrap() == content && other.data_key().ok().unwrap() == data);
        assert!(one != other && one.data_key().err().unwrap().is_of_the_key());
        assert!(other.content_key().err().unwrap().is_of_the_key());
        let short = WrappedKey::from_bytes(wrap::wrap(&keks.current().1, &[3; 24]).unwrap());
        assert!(keks.unwrap(keks.current_id(), &short).err().unwrap().is_of_the_key());
    }

    #[test]
    fn a_variable_holds_the_same_list_on_one_line() {
        let (old, new) = ("0a".repeat(16), "0b".repeat(32));
        let names = |text: &str| keks(text).ids().cloned().collect::<Vec<_>>();
        assert_eq!(names(&format!("{new}, {old}")), names(&format!("{new}\n{old}")));
    }

    #[test]
    fn a_name_says_nothing_but_which_key_it_is() {
        let name = keks(&"5a".repeat(32)).current_id().to_string();
        assert_eq!(name, keks(&"5A".repeat(32)).current_id().as_str());
        assert!(name.len() == 22 && !name.contains("5a5a"), "{name}");
        assert_ne!(name, keks(&"5b".repeat(32)).current_id().as_str());
        for wrong in ["", "a b", "é", &"x".repeat(201)] {
            assert_eq!(KekId::new(wrong), None);
        }
    }

    #[test]
    fn what_is_no_list_is_refused_by_position_and_not_repeated() {
        let key = |number: usize| format!("{number:02x}").repeat(16);
        let many: Vec<_> = (0..=MAX_KEKS).map(key).collect();
        for (text, message) in [
            ("# nothing\n\n".to_owned(), "it holds no key-encryption key; make one with: openssl rand -hex 32"),
            (format!("{0} {0}", key(0xab)), "key-encryption key 2 is the same as an earlier one; remove it"),
            (
                format!("{}\n{}z", key(0xab), &key(0xcd)[1..]),
                "key-encryption key 2 is not 32, 48 or 64 hexadecimal digits (character 32 of the key is not a \
                 hexadecimal digit)",
            ),
            (many.join(","), "it holds more than 16 key-encryption keys; remove the oldest, which come last"),
        ] {
            assert_eq!(LocalKeks::parse(&text).err().unwrap().to_string(), message);
        }
    }

    #[test]
    fn derived_secrets_differ_by_key_and_purpose() {
        let (one, other) = ("0a".repeat(32), "0b".repeat(32));
        let derive = |text: &str, purpose| keks(text).derive_secrets(purpose).collect::<Vec<_>>();
        let (a, b) = (derive(&one, "a"), derive(&one, "b"));
        assert!(a == derive(&one, "a") && a != b && a != derive(&other, "a") && a[0][..] != [0x0a; 32]);
        let both = derive(&format!("{other}\n{one}"), "a");
        assert!(both.len() == 2 && both[1] == a[0], "in the order of the keys");
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic_or_repeat_it(text in "[0-9a-fA-F,# \\r\\n\\t]{0,120}|.{0,80}") {
            if let Err(error) = LocalKeks::parse(&text) {
                let long = text.split_whitespace().find(|word| word.len() > 8);
                prop_assert!(long.is_none_or(|word| !error.to_string().contains(word)), "{}", error);
            }
        }

        #[test]
        fn any_key_comes_back_from_any_of_its_spellings(
            keys in prop::collection::btree_set(any::<[u8; 32]>(), 1..=MAX_KEKS),
            parts in "[ ,\\n\\t]{1,3}",
        ) {
            let text: String = keys.iter().map(|key| hex::encode(key) + &parts).collect();
            let upper = LocalKeks::parse(&text.to_uppercase()).ok().unwrap();
            let names: Vec<_> = keys.iter().map(|key| name_of(&KeyEncryptionKey::new(key).unwrap())).collect();
            prop_assert!(upper.ids().eq(&names));
        }
    }
}
