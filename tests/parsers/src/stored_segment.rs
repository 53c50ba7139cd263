//! Segments as they come back from a store, on their way to be encrypted.

use std::sync::LazyLock;

use drm::{ContentKey, KeyId, ProtectionScheme, SegmentEncryptor};
use packager::{PackagedSegment, protected_segment};

#[path = "../../../packager/tests/common/mod.rs"]
pub(crate) mod common;

static GOOD: LazyLock<common::Packed> = LazyLock::new(|| common::audio("audio-en", "en", 288));

/// A track that nothing is wrong with.
pub(crate) fn good() -> &'static common::Packed {
    &GOOD
}

/// The first byte says what the rest is: 0 a segment, anything else changes to a good one, each two bytes for the place and
/// one for the value. It is refused, or encrypted with all of its bytes.
pub fn stored_segment(data: &[u8]) {
    let Some((kind, rest)) = data.split_first() else { return };
    let good = good();
    let mut segment = good.segments[1].to_vec();
    match kind {
        0 => segment = rest.to_vec(),
        _ => rest.chunks_exact(3).for_each(|change| {
            let at = usize::from(u16::from_le_bytes([change[0], change[1]])) % segment.len();
            segment[at] = change[2];
        }),
    }
    let (track, key) = (&good.track, ContentKey::new([2; 16]));
    let encryptor = SegmentEncryptor::new(ProtectionScheme::Cenc, KeyId([1; 16]), &key, &track.name, &track.config);
    let mut encryptor = encryptor.expect("a good track can be encrypted");
    let protected = protected_segment(&track.segments[1], track.hidden_ticks, &segment, &mut encryptor);
    let Ok(PackagedSegment { record, bytes }) = protected else { return };
    assert_eq!(record.size_bytes, bytes.len() as u64);
    assert!(bytes.len() <= 2 * segment.len() + 1024, "{} bytes of {}", bytes.len(), segment.len());
}
