//! Typed identifiers. The text form is a prefix and a random or time-ordered part that the caller supplies, such as
//! `ast_01989b6c...`; equality of text is equality of id.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// An identifier that is too long, empty, or has characters outside `[0-9A-Za-z_-]`.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("an identifier is 1 to 64 letters, digits, '-' or '_'")]
pub struct InvalidId;

fn check(text: &str) -> Result<(), InvalidId> {
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if (1..=64).contains(&text.len()) && text.bytes().all(fine) { Ok(()) } else { Err(InvalidId) }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// What every generated id of this kind starts with.
            pub const PREFIX: &'static str = $prefix;

            /// A new id from a unique part, such as the simple form of a UUIDv7.
            ///
            /// # Panics
            /// When `unique` has characters outside `[0-9A-Za-z_-]`: a fault of the caller, never of input.
            pub fn from_unique(unique: impl fmt::Display) -> Self {
                let text = format!("{}{unique}", Self::PREFIX);
                check(&text).expect("the unique part of an id is plain");
                Self(text)
            }

            /// The text form.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                check(text).map(|()| Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                check(&text).map(|()| Self(text))
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

ids! {
    /// One tenant: the owner of rows, keys and quotas.
    TenantId = "ten_";
    /// One recording, from its upload to its deletion.
    AssetId = "ast_";
    /// One transfer of bytes into an asset.
    UploadId = "upl_";
    /// One unit of work in the queue.
    JobId = "job_";
    /// The unguessable public name under which an asset is played.
    PlaybackId = "pb_";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_never_hold_a_path_a_quote_or_a_newline() {
        for bad in ["", "a/b", "..", "a\"b", "a\nb", &"x".repeat(65)] {
            assert_eq!(bad.parse::<AssetId>(), Err(InvalidId), "{bad:?}");
        }
        assert_eq!(AssetId::from_unique("0198").as_str(), "ast_0198");
    }
}
