//! What a request is authenticated with.

use hyper::header::{AUTHORIZATION, HeaderName, HeaderValue};
use zeroize::Zeroizing;

/// A secret with the header it belongs into. It cannot be printed and is wiped when dropped.
#[derive(Clone)]
pub struct Credential {
    name: HeaderName,
    value: Zeroizing<String>,
}

/// What is no credential. Never says what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// No text.
    #[error("the credential is empty")]
    Empty,
    /// No header can carry it.
    #[error("the credential has characters other than printable ASCII")]
    Characters,
}

impl Credential {
    /// A value for `Authorization`, such as `Bearer x` or `Basic x`; or header and value, such as `X-Api-Key: x`. Space
    /// around it is not part of it.
    ///
    /// # Errors
    /// See [`CredentialError`].
    pub fn parse(text: &str) -> Result<Self, CredentialError> {
        // No scheme of Authorization has a colon before its first space (RFC 9110 §11.4).
        let named =
            text.split_once(':').and_then(|(name, value)| Some((name.trim().parse::<HeaderName>().ok()?, value)));
        let (name, value) = named.unwrap_or((AUTHORIZATION, text));
        let value = value.trim();
        if value.is_empty() {
            return Err(CredentialError::Empty);
        }
        if !value.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return Err(CredentialError::Characters);
        }
        Ok(Self { name, value: Zeroizing::new(value.to_owned()) })
    }

    /// The header; its value is marked as one that is not logged.
    pub fn header(&self) -> (HeaderName, HeaderValue) {
        let mut value = HeaderValue::from_str(&self.value).expect("only printable ASCII was taken");
        value.set_sensitive(true);
        (self.name.clone(), value)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_credential_names_its_header_or_is_an_authorization() {
        for (text, name, value) in [
            ("Bearer abc", "authorization", "Bearer abc"),
            (" Basic dTpw \n", "authorization", "Basic dTpw"),
            ("Bearer a:b", "authorization", "Bearer a:b"),
            ("X-Api-Key: abc", "x-api-key", "abc"),
            ("x-api-key:a:b", "x-api-key", "a:b"),
        ] {
            let (found, header) = Credential::parse(text).ok().unwrap().header();
            assert_eq!((found.as_str(), header.to_str().unwrap()), (name, value));
            assert!(header.is_sensitive() && !format!("{header:?}").contains("abc"));
        }
        for (text, error) in [
            ("", CredentialError::Empty),
            ("X-Api-Key: ", CredentialError::Empty),
            ("Bearer a\r\nX: y", CredentialError::Characters),
            ("Bearer é", CredentialError::Characters),
        ] {
            assert_eq!(Credential::parse(text).err(), Some(error), "{text}");
        }
    }
}
