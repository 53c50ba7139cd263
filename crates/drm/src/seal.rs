//! Objects at rest under a data key: sealed so that any part of one can be read, and nothing in it changed.
//!
//! A sealed object is a header (4 bytes that name the format, then a salt of 32) and the object's bytes in chunks of 64 KiB,
//! the last one shorter, each followed by the 16 bytes of its tag. An empty object has one empty chunk.
//!
//! Chunks are encrypted with AES-256-GCM (NIST SP 800-38D) under a key of the object's own: HMAC-SHA256 of
//! `lectern sealed object v1`, salt, length in bytes (64 bits) and name, under the data key. So a part of one object is
//! refused in any other, and in the same one under another name or of another length. The nonce is 7 zero bytes, the number
//! of the chunk (32 bits) and a byte that is 1 in the last chunk, the construction STREAM of Hoang, Reyhanitabar, Rogaway and
//! Vizár (*Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance*, CRYPTO 2015, §7): chunks cannot change
//! places. All numbers are big-endian.

use std::ops::Range;

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit, Tag};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::secret::SecretBytes;

/// Bytes of a salt.
pub const SALT_BYTES: usize = 32;
/// Bytes of the header.
pub const HEADER_BYTES: u64 = (MAGIC.len() + SALT_BYTES) as u64;
/// Clear bytes of every chunk but the last.
pub const CHUNK_BYTES: u64 = CHUNK as u64;
/// The longest object that can be sealed, in clear bytes: as many chunks as 32 bits count.
pub const MAX_CLEAR_BYTES: u64 = CHUNK_BYTES << 32;

/// The format and its version.
const MAGIC: [u8; 4] = *b"LSO\x01";
const CHUNK: usize = 64 * 1024;
const TAG: usize = 16;
/// Bytes of every sealed chunk but the last.
const SEALED_CHUNK: usize = CHUNK + TAG;

/// Why something cannot be sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// It does not begin as sealed objects of this version do.
    #[error("it is not a sealed object")]
    NotSealed,
    /// No sealed object has this length.
    #[error("no sealed object has {found} bytes")]
    Length {
        /// Bytes found.
        found: u64,
    },
    /// More than can be sealed.
    #[error("{found} bytes are more than can be sealed")]
    TooLong {
        /// Clear bytes.
        found: u64,
    },
    /// The bytes are not those that were asked for.
    #[error("{found} bytes are not the part of the object from byte {start} on that was to be worked on")]
    Part {
        /// Where the part begins, in clear bytes.
        start: u64,
        /// Bytes found.
        found: u64,
    },
    /// A chunk's tag is wrong.
    #[error("chunk {chunk} does not open: the object was changed, or sealed under another name or key")]
    Chunk {
        /// Counted from 0.
        chunk: u64,
    },
}

/// The secret that the objects of one recording are sealed under.
///
/// It can be neither printed nor serialised; comparing takes as long whatever differs.
#[derive(Clone, PartialEq, Eq)]
pub struct DataKey(SecretBytes<32>);

impl DataKey {
    /// From its 32 bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(SecretBytes::new(bytes))
    }

    /// The bytes themselves, for wrapping.
    pub fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }

    /// A salt for the object whose content has this hash. The same content gets the same one, so that whoever seals it again
    /// under the same name gets the same bytes; other content gets another, and nobody learns the hash from it.
    pub fn salt_for(&self, hash: &[u8]) -> [u8; SALT_BYTES] {
        hmac(self, &[b"lectern sealed object salt v1", hash])
    }
}

/// Seals a whole object under its name. `salt` is never used for other bytes under the same name: random, or from
/// [`DataKey::salt_for`].
pub fn seal(key: &DataKey, name: &str, salt: [u8; SALT_BYTES], clear: &[u8]) -> Vec<u8> {
    const FITS: &str = "what is in memory is shorter than the longest object";
    ObjectSeal::new(key, name, salt, clear.len() as u64).and_then(|seal| seal.seal_from(0, clear)).expect(FITS)
}

/// Opens a whole object.
///
/// # Errors
/// It is no sealed object, or it was changed, or sealed under another name or key.
pub fn open(key: &DataKey, name: &str, sealed: Vec<u8>) -> Result<Vec<u8>, SealError> {
    let seal = ObjectSeal::read(key, name, &sealed, sealed.len() as u64)?;
    let mut sealed = sealed;
    let chunks = sealed.get_mut(HEADER_BYTES as usize..).unwrap_or_default();
    seal.open_chunks(0, 0..seal.clear_bytes, chunks)
}

/// One object: its key and where its parts lie.
pub struct ObjectSeal {
    cipher: Box<Aes256Gcm>,
    salt: [u8; SALT_BYTES],
    clear_bytes: u64,
}

impl ObjectSeal {
    /// To seal an object of `clear_bytes`. For `salt` see [`seal`](fn@seal).
    ///
    /// # Errors
    /// [`SealError::TooLong`].
    pub fn new(key: &DataKey, name: &str, salt: [u8; SALT_BYTES], clear_bytes: u64) -> Result<Self, SealError> {
        if clear_bytes > MAX_CLEAR_BYTES {
            return Err(SealError::TooLong { found: clear_bytes });
        }
        let length = clear_bytes.to_be_bytes();
        let parts: [&[u8]; 4] = [b"lectern sealed object v1", &salt, &length, name.as_bytes()];
        let own = Zeroizing::new(hmac(key, &parts));
        Ok(Self { cipher: Box::new(Aes256Gcm::new((&*own).into())), salt, clear_bytes })
    }

    /// To open an object of `sealed_bytes` that begins with `start`, which is at least its header.
    ///
    /// # Errors
    /// [`SealError::NotSealed`], [`SealError::Length`]. Whether it opens is found out later.
    pub fn read(key: &DataKey, name: &str, start: &[u8], sealed_bytes: u64) -> Result<Self, SealError> {
        let header = start.strip_prefix(&MAGIC).and_then(|rest| rest.first_chunk());
        let salt = *header.ok_or(SealError::NotSealed)?;
        let length = SealError::Length { found: sealed_bytes };
        let clear_bytes = clear_length(sealed_bytes).ok_or(length)?;
        Self::new(key, name, salt, clear_bytes).map_err(|_| length)
    }

    /// Its length when it is open.
    pub fn clear_bytes(&self) -> u64 {
        self.clear_bytes
    }

    /// Its length when it is sealed.
    pub fn sealed_bytes(&self) -> u64 {
        HEADER_BYTES + self.clear_bytes + TAG as u64 * self.chunks()
    }

    fn chunks(&self) -> u64 {
        self.clear_bytes.div_ceil(CHUNK_BYTES).max(1)
    }

    /// For who goes on sealing: the clear byte at which the chunk begins that byte `sealed` of the sealed object lies in.
    pub fn chunk_at(&self, sealed: u64) -> u64 {
        let chunk = sealed.saturating_sub(HEADER_BYTES) / SEALED_CHUNK as u64;
        chunk.min(self.chunks() - 1) * CHUNK_BYTES
    }

    /// Where in the sealed object lies what [`seal_from`](Self::seal_from) gives: 0 for the first chunk, which brings the
    /// header.
    pub fn sealed_start(&self, start: u64) -> u64 {
        let chunk = start / CHUNK_BYTES;
        if chunk == 0 { 0 } else { HEADER_BYTES + chunk * SEALED_CHUNK as u64 }
    }

    /// Seals the part of the object that begins at clear byte `start`, the first of a chunk, and ends with a chunk.
    ///
    /// # Errors
    /// [`SealError::Part`] when it is no such part.
    pub fn seal_from(&self, start: u64, clear: &[u8]) -> Result<Vec<u8>, SealError> {
        let found = clear.len() as u64;
        let end = start.checked_add(found).filter(|&end| end <= self.clear_bytes);
        let whole = |at: u64| at == self.clear_bytes || at.is_multiple_of(CHUNK_BYTES);
        let fits = start.is_multiple_of(CHUNK_BYTES) && end.is_some_and(whole) && (found > 0 || self.clear_bytes == 0);
        if !fits {
            return Err(SealError::Part { start, found });
        }
        let first = start / CHUNK_BYTES;
        let tags = clear.len().div_ceil(CHUNK).max(1) * TAG;
        let mut sealed = Vec::with_capacity(HEADER_BYTES as usize + clear.len() + tags);
        if first == 0 {
            sealed.extend_from_slice(&MAGIC);
            sealed.extend_from_slice(&self.salt);
        }
        let empty = clear.is_empty().then_some(clear);
        for (chunk, bytes) in (first..).zip(clear.chunks(CHUNK).chain(empty)) {
            let at = sealed.len();
            sealed.extend_from_slice(bytes);
            let body = (&mut sealed[at..]).into();
            let tag = self.cipher.encrypt_inout_detached(&self.nonce(chunk).into(), &[], body);
            sealed.extend_from_slice(&tag.expect("a chunk is shorter than GCM's limit of 64 GiB"));
        }
        Ok(sealed)
    }

    /// The part of the sealed object that is needed to open this range of clear bytes, which must lie in the object.
    pub fn cover(&self, clear: Range<u64>) -> Range<u64> {
        let place = |chunk: u64| (HEADER_BYTES + chunk * SEALED_CHUNK as u64).min(self.sealed_bytes());
        let start = place(clear.start.min(self.clear_bytes) / CHUNK_BYTES);
        if clear.is_empty() {
            return start..start;
        }
        start..place(clear.end.min(self.clear_bytes).div_ceil(CHUNK_BYTES)).max(start)
    }

    /// Opens a range of clear bytes, which must lie in the object, from the part that [`cover`](Self::cover) names.
    ///
    /// # Errors
    /// [`SealError::Part`] when it is not that part, [`SealError::Chunk`] when it was changed or is of something else.
    pub fn open_range(&self, clear: Range<u64>, mut sealed: Vec<u8>) -> Result<Vec<u8>, SealError> {
        let (part, found) = (self.cover(clear.clone()), sealed.len() as u64);
        if clear.end > self.clear_bytes || part.end - part.start != found {
            return Err(SealError::Part { start: clear.start, found });
        }
        self.open_chunks(clear.start / CHUNK_BYTES, clear, &mut sealed)
    }

    /// Opens chunks from `first` on, and gives those of their bytes that lie in `clear`.
    fn open_chunks(&self, first: u64, clear: Range<u64>, sealed: &mut [u8]) -> Result<Vec<u8>, SealError> {
        let mut opened = Vec::with_capacity(sealed.len());
        for (chunk, bytes) in (first..).zip(sealed.chunks_mut(SEALED_CHUNK)) {
            let wrong = SealError::Chunk { chunk };
            let (body, tag) = bytes.split_last_chunk_mut::<TAG>().ok_or(wrong)?;
            let (nonce, tag) = (self.nonce(chunk).into(), Tag::from(*tag));
            self.cipher.decrypt_inout_detached(&nonce, &[], (&mut *body).into(), &tag).map_err(|_| wrong)?;
            let start = chunk * CHUNK_BYTES;
            let inside = |at: u64| usize::try_from(at.saturating_sub(start)).unwrap_or(usize::MAX).min(body.len());
            opened.extend_from_slice(&body[inside(clear.start)..inside(clear.end)]);
        }
        Ok(opened)
    }

    fn nonce(&self, chunk: u64) -> [u8; 12] {
        let mut nonce = [0; 12];
        // `new` allows no more chunks than 32 bits count.
        nonce[7..11].copy_from_slice(&(chunk as u32).to_be_bytes());
        nonce[11] = u8::from(chunk + 1 == self.chunks());
        nonce
    }
}

/// Clear bytes of a sealed object of this length, if there is one.
fn clear_length(sealed_bytes: u64) -> Option<u64> {
    const TAG_BYTES: u64 = TAG as u64;
    let body = sealed_bytes.checked_sub(HEADER_BYTES)?;
    let (whole, last) = (body / SEALED_CHUNK as u64, body % SEALED_CHUNK as u64);
    let clear = whole * CHUNK_BYTES;
    match last {
        0 if whole > 0 => Some(clear),
        // Only where there is no other chunk is the last one empty.
        TAG_BYTES if whole == 0 => Some(clear),
        _ if last > TAG_BYTES => Some(clear + (last - TAG_BYTES)),
        _ => None,
    }
}

fn hmac(key: &DataKey, parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key.expose()).expect("HMAC takes keys of any length");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests;
