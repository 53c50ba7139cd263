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
}

impl TrackSignal {
    /// Of a track, for `systems` in this order; a system whose players do not decrypt the scheme is left out.
    pub fn new(licensed: &Licensed<'_>, systems: &[System]) -> Self {
        let scheme = licensed.protection.scheme;
        let mut playing: Vec<System> = systems.iter().copied().filter(|system| system.plays(scheme)).collect();
        if playing.is_empty() {
            // What nobody's licence covers is still told apart from clear media.
            playing.push(System::Common);
        }
        let systems = || playing.iter().copied();
        let mut boxes: Vec<Vec<u8>> = Vec::new();
        for one in systems().filter_map(|system| licensed.pssh(system)).map(|pssh| pssh.to_box()) {
            // Two systems may share one box.
            if !boxes.contains(&one) {
                boxes.push(one);
            }
        }
        let mut pssh = BytesMut::new();
        boxes.iter().for_each(|one| pssh.extend_from_slice(one));
        let elements = systems().filter_map(|system| licensed.dash_system(system));
        Self {
            track: licensed.protection.clone(),
            clear_segments: 0,
            pssh: pssh.freeze(),
            hls: systems().filter_map(|system| licensed.hls_key(system)).collect(),
            dash: std::iter::once(licensed.dash_scheme()).chain(elements).collect(),
        }
    }
}
