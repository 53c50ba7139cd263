//! Passwords: which may be chosen, and how they are kept: hashed by argon2id (RFC 9106), a few at a time.

use std::sync::Arc;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use kernel::Problem;
use subtle::ConstantTimeEq;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use zeroize::Zeroizing;

use super::codes;

/// NIST SP 800-63B §3.1.1.2, in characters.
const LENGTH: std::ops::RangeInclusive<usize> = 8..=128;
/// Memory in KiB, passes and lanes, as OWASP's cheat sheet on password storage has them.
const COSTS: (u32, u32, u32) = (19 * 1024, 2, 1);
const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;
/// Passwords that are hashed at the same time, each in 19 MiB.
const AT_ONCE: usize = 2;
/// Passwords that are hashed or wait for that. Of more, the next one is refused.
const PLACES: usize = 64;

/// That a password may be chosen by whoever has this e-mail address, of so many characters at least. It says nothing of which ones.
///
/// # Errors
/// 422.
pub(super) fn check(password: &str, email: &str, least: usize) -> Result<(), Problem> {
    let refused = |detail| Err(Problem::invalid("/password", codes::PASSWORD_WEAK, detail));
    if !(least.max(*LENGTH.start())..=*LENGTH.end()).contains(&password.chars().count()) {
        return refused(format!("a password has {} to {} characters", least.max(*LENGTH.start()), LENGTH.end()));
    }
    if password.to_lowercase() == email {
        return refused("the e-mail address is no password".to_owned());
    }
    Ok(())
}

/// A password as it is stored: a PHC string.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Hash {
    costs: (u32, u32, u32),
    salt: Vec<u8>,
    hash: [u8; HASH_BYTES],
}

impl Hash {
    /// What costs as much to verify as any other one, and is no password's.
    fn dummy() -> Self {
        Self { costs: COSTS, salt: vec![0; SALT_BYTES], hash: [0; HASH_BYTES] }
    }

    fn of(password: &str, costs: (u32, u32, u32), salt: Vec<u8>) -> Option<Self> {
        let (memory_kib, passes, lanes) = costs;
        let params = Params::new(memory_kib, passes, lanes, Some(HASH_BYTES)).ok()?;
        let mut memory = vec![Block::new(); params.block_count()];
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let mut hash = [0; HASH_BYTES];
        argon2.hash_password_into_with_memory(password.as_bytes(), &salt, &mut hash, &mut memory).ok()?;
        Some(Self { costs, salt, hash })
    }

    fn is_of(&self, password: &str) -> bool {
        let again = Self::of(password, self.costs, self.salt.clone());
        again.is_some_and(|again| bool::from(again.hash.ct_eq(&self.hash)))
    }

    fn text(&self) -> String {
        let ((memory, passes, lanes), base64) = (self.costs, STANDARD_NO_PAD);
        let (salt, hash) = (base64.encode(&self.salt), base64.encode(self.hash));
        format!("$argon2id$v=19$m={memory},t={passes},p={lanes}${salt}${hash}")
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix("$argon2id$v=19$")?.split('$');
        let (costs, salt, hash) = (parts.next()?, parts.next()?, parts.next()?);
        let mut costs =
            costs.split(',').zip(["m=", "t=", "p="]).map(|(cost, name)| cost.strip_prefix(name)?.parse().ok());
        let mut cost = || costs.next().flatten();
        let costs = (cost()?, cost()?, cost()?);
        let salt = STANDARD_NO_PAD.decode(salt).ok()?;
        Some(Self { costs, salt, hash: STANDARD_NO_PAD.decode(hash).ok()?.try_into().ok()? })
    }
}

/// Hashes passwords, off the threads that answer requests. Cheap to clone.
#[derive(Clone)]
pub(super) struct Hasher {
    at_once: Arc<Semaphore>,
    places: Arc<Semaphore>,
    /// How many were hashed.
    #[cfg(test)]
    hashed: Arc<std::sync::atomic::AtomicUsize>,
}

impl Default for Hasher {
    fn default() -> Self {
        Self {
            at_once: Arc::new(Semaphore::new(AT_ONCE)),
            places: Arc::new(Semaphore::new(PLACES)),
            #[cfg(test)]
            hashed: Arc::default(),
        }
    }
}

impl Hasher {
    /// A password as it is to be stored.
    ///
    /// # Errors
    /// 503 when too many wait already.
    pub(super) async fn hash(&self, password: Zeroizing<String>) -> Result<String, Problem> {
        let mut salt = vec![0; SALT_BYTES];
        getrandom::fill(&mut salt).map_err(|error| Problem::internal(&std::io::Error::other(error)))?;
        let hash = self.run(move || Hash::of(&password, COSTS, salt)).await?;
        let failed = || Problem::internal(&std::io::Error::other("argon2 has failed"));
        Ok(hash.ok_or_else(failed)?.text())
    }

    /// Whether this is the password that is stored. Where none is, that takes as long and it is not.
    ///
    /// # Errors
    /// 503 when too many wait already.
    pub(super) async fn verify(&self, password: Zeroizing<String>, stored: Option<&str>) -> Result<bool, Problem> {
        let hash = stored.and_then(Hash::parse).unwrap_or_else(Hash::dummy);
        self.run(move || hash.is_of(&password)).await
    }

    /// How many passwords were hashed so far.
    #[cfg(test)]
    pub(super) fn hashed(&self) -> usize {
        self.hashed.load(std::sync::atomic::Ordering::Relaxed)
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
        let busy = || Problem::unavailable(codes::PASSWORD_BUSY, "too many people sign in at the moment", 2);
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_full| busy())?;
        let turn = Arc::clone(&self.at_once).acquire_owned().await.map_err(|_closed| busy())?;
        // Both go along: a client that leaves makes no room for another one while his password is still being hashed.
        let held: [OwnedSemaphorePermit; 2] = [place, turn];
        #[cfg(test)]
        self.hashed.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let task = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(held);
            done
        });
        task.await.map_err(|error| Problem::internal(&error))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use axum::http::StatusCode;

    use super::*;

    const CHEAP: (u32, u32, u32) = (32, 3, 4);

    #[test]
    fn a_hash_is_that_of_other_implementations() {
        // By the reference implementation: echo -n password | argon2 somesalt -id -t 2 -k 65536 -p 1 -l 32.
        let text = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        let hash = Hash::parse(text).unwrap();
        assert!(hash.is_of("password") && !hash.is_of("passwore"));
        assert_eq!(hash.text(), text);
    }

    #[test]
    fn a_password_is_known_again_and_no_other_one_is_taken_for_it() {
        let hash = Hash::of("correct horse", CHEAP, vec![7; SALT_BYTES]).unwrap();
        let stored = Hash::parse(&hash.text()).unwrap();
        assert_eq!(stored, hash);
        assert!(stored.is_of("correct horse"));
        for wrong in ["", "correct hors", "correct horse ", "Correct horse"] {
            assert!(!stored.is_of(wrong), "{wrong:?}");
        }
        let salted = Hash::of("correct horse", CHEAP, vec![8; SALT_BYTES]).unwrap();
        assert_ne!(salted.hash, stored.hash);
        assert!(!Hash::dummy().is_of("") && !Hash::dummy().is_of("correct horse"));
        for bad in
            ["", "$argon2i$v=19$m=32,t=3,p=4$AAAA$AAAA", "$argon2id$v=19$m=32,t=3$AAAA$AAAA", "$argon2id$v=19$$$"]
        {
            assert_eq!(Hash::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_password_has_8_to_128_characters_of_any_kind_and_is_not_the_address() {
        let email = "anna@example.com";
        for (password, fine) in [
            ("aaaaaaaa", true),
            ("12345678", true),
            ("        ", true),
            ("\u{1f600}\u{1f600}\u{1f600}\u{1f600}\u{1f600}\u{1f600}\u{1f600}\u{1f600}", true),
            (&"\u{fc}".repeat(128), true),
            ("aaaaaaa", false),
            ("\u{1f600}\u{1f600}", false),
            (&"a".repeat(129), false),
            ("anna@example.com", false),
            ("Anna@Example.com", false),
        ] {
            let refused = check(password, email, 0).map_err(|problem| problem.code());
            assert_eq!(refused, if fine { Ok(()) } else { Err("password.weak") }, "{password:?}");
        }
        assert!(check("123456789012", email, 12).is_ok() && check("12345678901", email, 12).is_err());
    }

    #[tokio::test]
    async fn who_comes_when_too_many_wait_is_told_so_at_once() {
        let hasher = Hasher::default();
        let held = Arc::clone(&hasher.places).acquire_many_owned(PLACES as u32).await.unwrap();
        let refused = hasher.run(|| ()).await.unwrap_err();
        assert_eq!((refused.status(), refused.code()), (StatusCode::SERVICE_UNAVAILABLE, "password.busy"));
        drop(held);
        assert!(hasher.run(|| true).await.unwrap());
        assert_eq!((hasher.places.available_permits(), hasher.at_once.available_permits()), (PLACES, AT_ONCE));
    }
}
