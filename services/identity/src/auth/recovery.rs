//! Codes that stand in, each once, for those of an authenticator that is lost. Pure but for randomness.

use std::io;

use super::{secret, totp};

/// How many a person has.
pub(super) const COUNT: usize = 10;
/// 80 bits of each cannot be guessed, so that a fast hash is enough.
const RANDOM_BYTES: usize = 10;
/// Characters of a code that are looked at. More than any has.
const MAX_TEXT: usize = 64;

/// New ones, as people write them down: `abcd-efgh-ijkl-mnop`.
///
/// # Errors
/// The operating system gives no randomness.
pub(super) fn draw() -> io::Result<Vec<String>> {
    (0..COUNT).map(|_| one()).collect()
}

fn one() -> io::Result<String> {
    let mut random = [0; RANDOM_BYTES];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let digits = totp::base32(&random).to_ascii_lowercase();
    let groups: Vec<&str> = (0..4).map(|group| &digits[4 * group..4 * group + 4]).collect();
    Ok(groups.join("-"))
}

/// A code of either kind without what people put between its digits; nothing of what is too long for any.
pub(super) fn normal(text: &str) -> String {
    if text.len() > MAX_TEXT {
        return String::new();
    }
    text.chars().filter(|letter| !letter.is_whitespace() && *letter != '-').collect::<String>().to_ascii_lowercase()
}

/// What is stored of one, in its normal form.
pub(super) fn sha256(normal: &str) -> [u8; 32] {
    secret::sha256(normal)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_code_is_another_one_and_is_known_however_it_is_written() {
        let drawn: BTreeSet<String> = [draw().unwrap(), draw().unwrap()].concat().into_iter().collect();
        assert_eq!(drawn.len(), 2 * COUNT);
        for code in &drawn {
            assert!(code.len() == 19 && code.split('-').all(|group| group.len() == 4), "{code}");
            let (shown, stored) = (code.to_uppercase().replace('-', " "), sha256(&normal(code)));
            assert_eq!(sha256(&normal(&shown)), stored);
            assert!(!totp::is_code(&normal(code)));
        }
        assert_eq!(normal("123 456"), "123456");
        assert_eq!(normal(&"1".repeat(65)), "");
    }
}
