//! Secrets as their holders have them: what they are for, the unique part of the id that they belong to, `_`, and 32 random bytes in
//! base64url without padding. Those of a session are followed by `.` and 32 more, which are new with every refresh.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// What a secret is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    /// What secrets begin with.
    prefix: &'static str,
    /// What ids begin with.
    id_prefix: &'static str,
}

impl Kind {
    /// What ids begin with.
    pub(crate) fn id_prefix(self) -> &'static str {
        self.id_prefix
    }
}

/// A key.
pub(crate) const KEY: Kind = Kind { prefix: "lk_", id_prefix: "key_" };
/// A link by which a password is set.
pub(crate) const LINK: Kind = Kind { prefix: "lp_", id_prefix: "pwl_" };
/// A link that was sent to somebody, and signs him in.
pub(crate) const SIGN_IN_LINK: Kind = Kind { prefix: "lm_", id_prefix: "sil_" };
/// What a client shows that keeps one.
pub(crate) const CLIENT: Kind = Kind { prefix: "lc_", id_prefix: "cli_" };
/// What a client changes for tokens, once.
pub(crate) const CODE: Kind = Kind { prefix: "lo_", id_prefix: "cod_" };
/// What a device asks with until somebody has let it in.
pub(crate) const DEVICE: Kind = Kind { prefix: "ld_", id_prefix: "dev_" };
/// What a browser keeps of somebody who has signed in there.
pub(crate) const BROWSER: Kind = Kind { prefix: "lb_", id_prefix: "ses_" };
/// A sign-in that waits for a code.
pub(crate) const HALF_WAY: Kind = Kind { prefix: "lf_", id_prefix: "hwy_" };
/// What somebody accepts an invitation by.
pub(crate) const INVITATION: Kind = Kind { prefix: "li_", id_prefix: "inv_" };
/// What all refresh tokens of a session begin with.
const FAMILY: Kind = Kind { prefix: "lr_", id_prefix: "ses_" };

const UNIQUE_DIGITS: usize = 32;
/// 32 bytes in base64url.
const RANDOM_DIGITS: usize = 43;

/// A new secret. It cannot be printed by accident.
pub(crate) struct Secret {
    pub(crate) id: String,
    text: String,
}

impl Secret {
    /// A secret that nobody has.
    ///
    /// # Errors
    /// The operating system gives no randomness.
    pub(crate) fn draw(Kind { prefix, id_prefix }: Kind) -> Result<Self, std::io::Error> {
        let unique = Uuid::now_v7().simple().to_string();
        let text = format!("{prefix}{unique}_{}", random()?);
        Ok(Self { id: format!("{id_prefix}{unique}"), text })
    }

    /// One of these random bytes, which are drawn already.
    pub(crate) fn of(Kind { prefix, id_prefix }: Kind, random: &[u8; 32]) -> Self {
        let unique = Uuid::now_v7().simple().to_string();
        let text = format!("{prefix}{unique}_{}", URL_SAFE_NO_PAD.encode(random));
        Self { id: format!("{id_prefix}{unique}"), text }
    }

    /// All of it before its random bytes, which is no secret.
    pub(crate) fn beginning(&self) -> &str {
        &self.text[..self.text.len() - RANDOM_DIGITS]
    }

    pub(crate) fn sha256(&self) -> [u8; 32] {
        sha256(&self.text)
    }

    /// For its holder, and nobody else.
    pub(crate) fn reveal(self) -> String {
        self.text
    }
}

/// What is stored of a secret. Its 32 random bytes cannot be guessed, so that a fast hash is enough.
pub(crate) fn sha256(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// What is stored of a secret that counts together with something else alone; alone, where that is empty.
pub(crate) fn bound(text: &str, to: &str) -> [u8; 32] {
    sha256(&[text, to].concat())
}

/// The id of what has the form of such a secret.
pub(crate) fn id(Kind { prefix, id_prefix }: Kind, text: &str) -> Option<String> {
    let (unique, random) = text.strip_prefix(prefix)?.split_once('_')?;
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let fine = unique.len() == UNIQUE_DIGITS && unique.bytes().all(is_hex) && is_random(random);
    fine.then(|| format!("{id_prefix}{unique}"))
}

/// 32 random bytes in base64url.
///
/// # Errors
/// The operating system gives no randomness.
pub(crate) fn random() -> Result<String, std::io::Error> {
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(std::io::Error::other)?;
    Ok(URL_SAFE_NO_PAD.encode(random))
}

/// Whether a text has the form of [`random`].
pub(crate) fn is_random(text: &str) -> bool {
    let is_base64url = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    text.len() == RANDOM_DIGITS && text.bytes().all(is_base64url)
}

/// A refresh token: whoever has one that does not hold, and begins as the one that does, has had one that did.
pub(crate) struct Refresh {
    /// The id of the session.
    pub(crate) session: String,
    /// What all of the session begin with.
    family: String,
    text: String,
}

impl Refresh {
    /// The first one of a new session.
    ///
    /// # Errors
    /// The operating system gives no randomness.
    pub(crate) fn first() -> Result<Self, std::io::Error> {
        let Secret { id, text } = Secret::draw(FAMILY)?;
        Self::after(id, text)
    }

    /// The one that takes its place.
    ///
    /// # Errors
    /// The operating system gives no randomness.
    pub(crate) fn next(&self) -> Result<Self, std::io::Error> {
        Self::after(self.session.clone(), self.family.clone())
    }

    fn after(session: String, family: String) -> Result<Self, std::io::Error> {
        let text = format!("{family}.{}", random()?);
        Ok(Self { session, family, text })
    }

    /// Of its form; `None` of what has another one.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (family, turn) = text.split_once('.')?;
        let session = id(FAMILY, family).filter(|_| is_random(turn))?;
        Some(Self { session, family: family.to_owned(), text: text.to_owned() })
    }

    pub(crate) fn family_sha256(&self) -> [u8; 32] {
        sha256(&self.family)
    }

    pub(crate) fn sha256(&self) -> [u8; 32] {
        sha256(&self.text)
    }

    /// For its holder, and nobody else.
    pub(crate) fn reveal(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_secret_is_known_by_its_id_and_its_hash_alone() {
        for kind in [KEY, LINK, SIGN_IN_LINK, CLIENT, CODE, DEVICE, BROWSER, HALF_WAY, INVITATION] {
            let (one, other) = (Secret::draw(kind).unwrap(), Secret::draw(kind).unwrap());
            assert_ne!((&one.id, one.sha256()), (&other.id, other.sha256()));
            let (of, hash) = (one.id.clone(), one.sha256());
            let text = one.reveal();
            assert_eq!((id(kind, &text), sha256(&text), bound(&text, "")), (Some(of), hash, hash));
            assert_ne!(bound(&text, "a"), bound(&text, "b"));
            let prefix = kind.prefix;
            for other in [
                &text[1..],
                &text[..78],
                &format!("{text}a"),
                &text.to_uppercase(),
                &text.replace(prefix, "lk-"),
                &text.replace(prefix, "lx_"),
            ] {
                assert_eq!(id(kind, other), None, "{other}");
            }
            assert_eq!(id(kind, ""), None);
            assert_eq!(id(kind, &format!("{prefix}_")), None);
        }
        assert_eq!(id(LINK, &Secret::draw(KEY).unwrap().reveal()), None, "none is taken for one of another kind");
    }

    #[test]
    fn what_is_made_of_bytes_that_were_drawn_is_its_beginning_and_these() {
        let secret = Secret::of(LINK, &[7; 32]);
        let (of, begins) = (secret.id.clone(), secret.beginning().to_owned());
        let text = secret.reveal();
        assert_eq!((id(LINK, &text), text), (Some(of), format!("{begins}{}Bwc", "BwcH".repeat(10))));
    }

    #[test]
    fn refresh_tokens_of_a_session_have_its_beginning_and_nothing_else_in_common() {
        let first = Refresh::first().unwrap();
        let next = first.next().unwrap();
        assert_eq!((&first.session, first.family_sha256()), (&next.session, next.family_sha256()));
        assert_ne!(first.sha256(), next.sha256());
        assert_ne!(first.family_sha256(), Refresh::first().unwrap().family_sha256());
        let (of, hash) = (next.session.clone(), next.sha256());
        let text = next.reveal();
        let read = Refresh::read(&text).unwrap();
        assert_eq!((read.session.as_str(), read.sha256()), (of.as_str(), hash));
        assert_eq!(read.family_sha256(), first.family_sha256());
        for other in ["", ".", &text[1..], &text[..80], &text[..122], &format!("{text}a"), &text.replace("lr_", "lk_")]
        {
            assert!(Refresh::read(other).is_none(), "{other}");
        }
    }
}
