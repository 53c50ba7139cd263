//! New keys.

use std::io;

use drm::{ContentKey, DataKey, KeyEntry, KeyId, TrackClass};
use zeroize::Zeroizing;

use crate::VaultError;

/// The most keys that are drawn at once: one for each class of tracks and one for all others.
const MAX_DRAWN: usize = TrackClass::ALL.len() + 1;

/// A new key for each of `classes` (`None` is for all tracks that have no key of their own), with a new key id in the form of
/// a random UUID (RFC 9562 §5.4), which some licence systems insist on. `random` fills a slice with bytes of the operating
/// system's secure randomness; what it gives becomes the keys.
///
/// # Errors
/// A class twice or none at all, randomness that fails, or that is evidently none.
pub fn draw_keys(
    classes: &[Option<TrackClass>],
    random: &mut (dyn FnMut(&mut [u8]) -> io::Result<()> + Send),
) -> Result<Vec<KeyEntry>, VaultError> {
    if classes.is_empty() {
        return Err(VaultError::Invalid("are for no tracks at all"));
    }
    if classes.len() > MAX_DRAWN || (1..classes.len()).any(|at| classes[..at].contains(&classes[at])) {
        return Err(VaultError::Invalid("are for the same class of tracks twice"));
    }
    let mut entries: Vec<KeyEntry> = Vec::with_capacity(classes.len());
    for &class in classes {
        let mut id = [0; 16];
        random(&mut id).map_err(VaultError::Randomness)?;
        let mut bytes = Zeroizing::new([0; 16]);
        random(&mut bytes[..]).map_err(VaultError::Randomness)?;
        if *bytes == [0; 16] || *bytes == id {
            return Err(VaultError::NotRandom);
        }
        id[6] = id[6] & 0x0f | 0x40;
        id[8] = id[8] & 0x3f | 0x80;
        let entry = KeyEntry { id: KeyId(id), key: ContentKey::new(*bytes), class };
        if entries.iter().any(|known| known.id == entry.id || known.key == entry.key) {
            return Err(VaultError::NotRandom);
        }
        entries.push(entry);
    }
    Ok(entries)
}

/// A new data key.
pub(crate) fn draw_data_key(
    random: &mut (dyn FnMut(&mut [u8]) -> io::Result<()> + Send),
) -> Result<DataKey, VaultError> {
    let mut bytes = Zeroizing::new([0; 32]);
    random(&mut bytes[..]).map_err(VaultError::Randomness)?;
    let (one, other) = bytes.split_at(16);
    if one == other { Err(VaultError::NotRandom) } else { Ok(DataKey::new(*bytes)) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn counting() -> impl FnMut(&mut [u8]) -> io::Result<()> + Send {
        let mut next = 0;
        move |out| {
            out.iter_mut().for_each(|byte| {
                next += 1;
                *byte = next;
            });
            Ok(())
        }
    }

    #[test]
    fn each_class_gets_a_key_and_an_id_of_its_own() {
        let classes = [None, Some(TrackClass::Audio), Some(TrackClass::Hd)];
        let keys = draw_keys(&classes, &mut counting()).unwrap();
        assert_eq!(keys.iter().map(|entry| entry.class).collect::<Vec<_>>(), classes);
        assert_eq!(keys[0].id.to_string(), "0102030405064708890a0b0c0d0e0f10");
        assert_eq!(keys[0].key.expose()[..], (17..33).collect::<Vec<u8>>()[..]);
        assert!(keys[1].id != keys[2].id && keys[1].key != keys[2].key);
    }

    #[test]
    fn what_is_not_random_becomes_no_key() {
        let draw = |random: &mut (dyn FnMut(&mut [u8]) -> io::Result<()> + Send)| {
            draw_keys(&[None, Some(TrackClass::Sd)], random).err().unwrap()
        };
        assert!(matches!(draw(&mut |_| Ok(())), VaultError::NotRandom));
        let mut same = counting();
        let mut fixed = [0; 32];
        same(&mut fixed).unwrap();
        let mut at = 0;
        let repeats = &mut |out: &mut [u8]| {
            out.copy_from_slice(&fixed[at % 32..][..16]);
            at += 16;
            Ok(())
        };
        assert!(matches!(draw(repeats), VaultError::NotRandom));
        assert!(matches!(draw(&mut |_| Err(io::Error::other("gone"))), VaultError::Randomness(_)));
    }

    #[test]
    fn a_data_key_is_what_was_drawn() {
        let key = draw_data_key(&mut counting()).ok().unwrap();
        assert_eq!(key.expose()[..], (1..33).collect::<Vec<u8>>()[..]);
        assert!(matches!(draw_data_key(&mut |_| Ok(())), Err(VaultError::NotRandom)));
        let fails = &mut |_: &mut [u8]| Err(io::Error::other("gone"));
        assert!(matches!(draw_data_key(fails), Err(VaultError::Randomness(_))));
    }

    #[test]
    fn a_class_has_one_key() {
        for classes in [&[][..], &[None, None], &[Some(TrackClass::Sd), None, Some(TrackClass::Sd)]] {
            assert!(matches!(draw_keys(classes, &mut counting()), Err(VaultError::Invalid(_))), "{classes:?}");
        }
    }
}
