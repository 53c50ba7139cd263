//! Checkpoints: what is signed of a log, as C2SP's `tlog-checkpoint` and `signed-note` have it. Pure.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use sha2::{Digest, Sha256};

use super::tree::Hash;

/// The most bytes of a note: other signatures may have been added to ours.
pub(crate) const MAX_NOTE_BYTES: usize = 64 << 10;
/// Ed25519, among the algorithms of `signed-note`.
const ALGORITHM: u8 = 1;

/// A state of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    /// How many entries it has.
    pub(crate) size: u64,
    /// The root of their tree.
    pub(crate) root: Hash,
}

/// What is no checkpoint of this log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Another form.
    #[error("it is not a checkpoint as C2SP's tlog-checkpoint has them")]
    Malformed,
    /// Of something else.
    #[error("it is a checkpoint of another log")]
    OtherLog,
    /// Nobody who has the log's key has signed it.
    #[error("it is not signed by the log's key, or was changed")]
    Unsigned,
}

/// Whom a log's checkpoints are signed by: its name follows from its key, so no two logs share one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verifier {
    name: String,
    public_key: [u8; 32],
}

impl Verifier {
    /// Of an Ed25519 public key (RFC 8032).
    pub(crate) fn new(public_key: [u8; 32]) -> Self {
        let name = format!("lectern-audit/{}", hex::encode(&Sha256::digest(public_key)[..8]));
        Self { name, public_key }
    }

    /// The name of the key, which is the origin of the log too.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The public key.
    pub(crate) fn public_key(&self) -> &[u8; 32] {
        &self.public_key
    }

    fn key(&self) -> [u8; 33] {
        let mut key = [ALGORITHM; 33];
        key[1..].copy_from_slice(&self.public_key);
        key
    }

    /// What a signature names the key by, beside its name.
    fn id(&self) -> [u8; 4] {
        let hash = Sha256::new().chain_update(&self.name).chain_update("\n").chain_update(self.key()).finalize();
        [hash[0], hash[1], hash[2], hash[3]]
    }

    /// The checkpoint of a note that the log has signed.
    ///
    /// # Errors
    /// It is another note, or was changed.
    pub(crate) fn open(&self, note: &str) -> Result<Checkpoint, NoteError> {
        if note.len() > MAX_NOTE_BYTES {
            return Err(NoteError::Malformed);
        }
        let at = note.rfind("\n\n").ok_or(NoteError::Malformed)?;
        let (text, signatures) = (&note[..=at], &note[at + 2..]);
        let mut lines = text.lines();
        if lines.next() != Some(self.name()) {
            return Err(NoteError::OtherLog);
        }
        let checkpoint = checkpoint(lines.next(), lines.next()).ok_or(NoteError::Malformed)?;
        let signed = signatures.lines().any(|line| self.has_signed(text, line));
        if signed { Ok(checkpoint) } else { Err(NoteError::Unsigned) }
    }

    fn has_signed(&self, text: &str, line: &str) -> bool {
        let named = line.strip_prefix("\u{2014} ").and_then(|line| line.split_once(' '));
        let Some((name, signature)) = named else { return false };
        let Ok(bytes) = STANDARD.decode(signature) else { return false };
        let key = UnparsedPublicKey::new(&ED25519, &self.public_key);
        let signature = bytes.strip_prefix(&self.id());
        name == self.name && signature.is_some_and(|signature| key.verify(text.as_bytes(), signature).is_ok())
    }
}

impl fmt::Display for Verifier {
    /// As tools that verify signed notes are told of a key: name, id and key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}+{}", self.name, hex::encode(self.id()), STANDARD.encode(self.key()))
    }
}

/// Size and root, as they stand in their lines.
fn checkpoint(size: Option<&str>, root: Option<&str>) -> Option<Checkpoint> {
    let text = size.filter(|text| *text == "0" || !text.starts_with(['0', '+']))?;
    let root = STANDARD.decode(root?).ok()?.try_into().ok()?;
    Some(Checkpoint { size: text.parse().ok()?, root })
}

/// The private key of a log. It can be neither printed nor serialised.
pub(crate) struct Signer {
    pair: Ed25519KeyPair,
    verifier: Verifier,
}

impl Signer {
    /// From its seed of 32 bytes (RFC 8032 §5.1.5).
    pub(crate) fn new(seed: &[u8; 32]) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).expect("a seed is any 32 bytes");
        let public_key = pair.public_key().as_ref().try_into().expect("a public key of Ed25519 has 32 bytes");
        Self { pair, verifier: Verifier::new(public_key) }
    }

    pub(crate) fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// The signed note of a checkpoint.
    pub(crate) fn sign(&self, checkpoint: &Checkpoint) -> String {
        let (name, root) = (self.verifier.name(), STANDARD.encode(checkpoint.root));
        let text = format!("{name}\n{}\n{root}\n", checkpoint.size);
        let signature = [&self.verifier.id()[..], self.pair.sign(text.as_bytes()).as_ref()].concat();
        format!("{text}\n\u{2014} {name} {}\n", STANDARD.encode(signature))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const CHECKPOINT: Checkpoint = Checkpoint { size: 42, root: [7; 32] };

    #[test]
    fn a_checkpoint_is_what_was_signed_and_nothing_else_is() {
        let signer = Signer::new(&[1; 32]);
        let note = signer.sign(&CHECKPOINT);
        let verifier = Verifier::new(*signer.verifier().public_key());
        assert_eq!(verifier.open(&note), Ok(CHECKPOINT));
        assert_eq!(verifier.to_string().split('+').count(), 3);

        let lines: Vec<&str> = note.lines().collect();
        assert_eq!((lines[0], lines[1], lines[3]), (verifier.name(), "42", ""));
        let witnessed = format!("{note}\u{2014} witness AAAAAAAA\n");
        assert_eq!(verifier.open(&witnessed), Ok(CHECKPOINT), "others may sign it too");
        assert_eq!(verifier.open(&note.replace("\n42\n", "\n43\n")), Err(NoteError::Unsigned));
        assert_eq!(verifier.open(&note.replace("\n42\n", "\n042\n")), Err(NoteError::Malformed));
        let unsigned = note.split_once("\u{2014}").unwrap().0;
        assert_eq!(verifier.open(unsigned), Err(NoteError::Unsigned));
        for bad in ["", "\n\n", "a\n1\n", &"\n".repeat(MAX_NOTE_BYTES + 1)] {
            assert!(verifier.open(bad).is_err(), "{bad:?}");
        }
        let other = Signer::new(&[2; 32]);
        assert_eq!(verifier.open(&other.sign(&CHECKPOINT)), Err(NoteError::OtherLog));
        let forged = other.sign(&CHECKPOINT).replace(other.verifier().name(), verifier.name());
        assert_eq!(verifier.open(&forged), Err(NoteError::Unsigned));
    }
}
