//! What a piece of work follows from, as one hash: results of equal keys may stand for one another.

use asset_store::SourcePart;
use serde::Serialize;

/// The key of `what` this release makes of a source, told by the SHA-256 of its bytes and the files that lie in it, with an engine
/// of this identity and by this order; `None` of an order without a form in JSON.
///
/// The number of an engine's threads is not in it: it moves some bits of a picture, as it may between two ranges of one rendition.
pub(crate) fn work_key(
    what: &str,
    (sha256, parts): (&str, &[SourcePart]),
    engine: &str,
    order: &impl Serialize,
) -> Option<String> {
    hashed(&(what, env!("CARGO_PKG_VERSION"), engine, sha256, parts, order))
}

/// Lower-case hex BLAKE3 of a value as JSON; `None` of what has no such form.
pub(crate) fn hashed(value: &impl Serialize) -> Option<String> {
    serde_json::to_vec(value).ok().map(|bytes| crate::blake3(&bytes))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn whatever_differs_gives_another_key_and_nothing_else_does() {
        let parts = |sizes: &[u64]| -> Vec<SourcePart> {
            sizes.iter().map(|&size_bytes| SourcePart { filename: "a.mp4".to_owned(), size_bytes }).collect()
        };
        let key = |what: &str, sha256: &str, sizes: &[u64], engine: &str, order: f32| {
            work_key(what, (sha256, &parts(sizes)), engine, &order).expect("it has a form in JSON")
        };
        let keys = [
            key("range", "ab", &[], "libav 59", 23.0),
            key("sound", "ab", &[], "libav 59", 23.0),
            key("range", "cd", &[], "libav 59", 23.0),
            key("range", "ab", &[1, 2], "libav 59", 23.0),
            key("range", "ab", &[2, 1], "libav 59", 23.0),
            key("range", "ab", &[], "libav 60", 23.0),
            key("range", "ab", &[], "libav 59", 23.1),
        ];
        assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len());
        assert_eq!(keys[0], key("range", "ab", &[], "libav 59", 23.0));
    }
}
