//! Protected media: the boxes that say how samples are encrypted (ISO/IEC 23001-7 §7, §8), and what players are told of
//! keys.

mod boxes;

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use drm::signal::{ContentProtection, HlsKey, Licensed, System};
use drm::{SegmentAux, TrackProtection};

pub(crate) use boxes::scheme_information;

/// How the samples of one segment are encrypted.
#[derive(Clone, Copy, Debug)]
pub enum SegmentProtection<'a> {
    /// Encrypted.
    Encrypted {
        /// What each sample needs for decryption.
        aux: &'a SegmentAux,
        /// The key of this segment when it is not the one its init segment names (a later crypto period).
        group: Option<&'a TrackProtection>,
    },
    /// Left clear, although the track is protected (a clear lead).
    Clear,
}

/// What a presentation says about its keys: everything but the keys. Tracks that are absent are clear.
pub type Protection = BTreeMap<String, TrackSignal>;

/// What a track, its playlists and its manifest say of its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackSignal {
    /// What its init segment says of scheme, key and pattern.
    pub track: TrackProtection,
    /// Whole `pssh` boxes, one after another.
    pub pssh: Bytes,
    /// Segments at the start that are left clear.
    pub clear_segments: usize,
    /// One `EXT-X-KEY` for every licence system that HLS players know; none where HLS has no word for the scheme.
    pub hls: Vec<HlsKey>,
    /// The scheme's `ContentProtection` element, then one for every licence system.
    pub dash: Vec<ContentProtection>,
    /// The keys of later crypto periods, ascending; empty where one key encrypts the whole track.
    pub later: Vec<KeyChange>,
}

/// Another key from some segment on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyChange {
    /// Segments that start at or after this many microseconds have it.
    pub from_us: u64,
    /// As [`TrackSignal::hls`].
    pub hls: Vec<HlsKey>,
}

/// What one licence system is told of a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SystemSignal {
    /// A whole `pssh` box.
    pub pssh: Option<Vec<u8>>,
    /// For playlists.
    pub hls: Option<HlsKey>,
    /// For manifests.
    pub dash: Option<ContentProtection>,
}

impl TrackSignal {
    /// Of a track, for `systems` in this order; a system whose players do not decrypt the scheme is left out.
    pub fn new(licensed: &Licensed<'_>, systems: &[System]) -> Self {
        Self::adjusted(licensed, systems, |_, _| ())
    }

    /// As [`new`](Self::new), except for what `adjust` changes of what a system is told.
    pub fn adjusted(
        licensed: &Licensed<'_>,
        systems: &[System],
        mut adjust: impl FnMut(System, &mut SystemSignal),
    ) -> Self {
        let scheme = licensed.protection.scheme;
        let mut playing: Vec<System> = systems.iter().copied().filter(|system| system.plays(scheme)).collect();
        if playing.is_empty() {
            // What nobody's licence covers is still told apart from clear media.
            playing.push(System::Common);
        }
        let mut told = Self {
            track: licensed.protection.clone(),
            clear_segments: 0,
            pssh: Bytes::new(),
            hls: Vec::new(),
            dash: vec![licensed.dash_scheme()],
            later: Vec::new(),
        };
        for system in playing {
            let mut signal = SystemSignal {
                pssh: licensed.pssh(system).map(|pssh| pssh.to_box()),
                hls: licensed.hls_key(system),
                dash: licensed.dash_system(system),
            };
            adjust(system, &mut signal);
            told.add(signal);
        }
        told
    }

    /// Adds what another system is told.
    pub fn add(&mut self, signal: SystemSignal) {
        self.add_boxes(&signal.pssh.unwrap_or_default());
        self.hls.extend(signal.hls);
        self.dash.extend(signal.dash);
    }

    /// With another key from `from_us` microseconds on, for which `other` was made. The init segment then has the `pssh`
    /// boxes of both; the manifest speaks of the first key alone, and the segments of theirs (ISO/IEC 23001-7 §6).
    pub fn then(mut self, from_us: u64, other: Self) -> Self {
        self.add_boxes(&other.pssh);
        self.later.push(KeyChange { from_us, hls: other.hls });
        self
    }

    /// Adds boxes that are not there yet: two systems, or two keys, may share one.
    fn add_boxes(&mut self, added: &[u8]) {
        let mut all = BytesMut::from(&self.pssh[..]);
        for one in boxes(added) {
            if !boxes(&self.pssh).any(|known| known == one) {
                all.extend_from_slice(one);
            }
        }
        self.pssh = all.freeze();
    }
}

/// Boxes that follow one another. What is no box ends it, and is a part of the last.
fn boxes(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let size = bytes.first_chunk().map_or(0, |size| u32::from_be_bytes(*size) as usize);
        let (one, rest) = bytes.split_at_checked(size).filter(|_| size >= 8).unwrap_or((bytes, &[]));
        bytes = rest;
        Some(one).filter(|one| !one.is_empty())
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use drm::{ContentKey, KeyId, ProtectionScheme};

    use super::*;

    fn signal(number: u8, ids: &[KeyId]) -> TrackSignal {
        let (scheme, key_id) = (ProtectionScheme::Cenc, KeyId([number; 16]));
        let (iv_size, constant_iv, crypt_blocks, skip_blocks) = (8, None, 0, 0);
        let protection = TrackProtection { scheme, key_id, iv_size, constant_iv, crypt_blocks, skip_blocks };
        let key = ContentKey::new([number; 16]);
        let licensed = Licensed { protection: &protection, key: &key, key_ids: ids, licence_url: None, skd_uri: None };
        TrackSignal::new(&licensed, &System::ALL)
    }

    #[test]
    fn the_boxes_of_all_periods_are_told_once() {
        let ids = [KeyId([1; 16]), KeyId([2; 16])];
        let (first, second) = (signal(1, &ids), signal(2, &ids));
        let (before, hls) = (boxes(&first.pssh).count(), second.hls.clone());
        let told = first.then(4_000_000, second);
        // Of the common system and Widevine one box names all keys; PlayReady's name one each.
        assert_eq!((before, boxes(&told.pssh).count()), (3, 4));
        assert_eq!(told.later, [KeyChange { from_us: 4_000_000, hls }]);
        assert_eq!(told.track.key_id, ids[0]);
        assert_eq!(drm::Pssh::parse_all(&told.pssh).unwrap().len(), 4);
    }

    #[test]
    fn what_is_no_box_is_kept_whole() {
        assert_eq!(boxes(&[0, 0, 0, 9, 1]).collect::<Vec<_>>(), [[0, 0, 0, 9, 1]]);
        assert_eq!(boxes(&[0, 0, 0, 0, 1, 2, 3, 4]).count(), 1);
        assert_eq!(boxes(&[]).count(), 0);
    }
}
