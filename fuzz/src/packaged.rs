//! The linter of packaged media, which must find fault with anything and fall over nothing.

use std::sync::LazyLock;

use packager::lint::{MAX_FINDINGS, verify, verify_presentation};
use packager::{OutputFile, Presentation, text_files};

#[path = "../../packager/tests/common/mod.rs"]
pub(crate) mod common;

static GOOD: LazyLock<common::Packed> = LazyLock::new(|| common::video(360, 288));

/// A track that nothing is wrong with.
pub(crate) fn good() -> &'static common::Packed {
    &GOOD
}

/// The first byte says what the rest is: 0 an init segment, 1 a media segment, 2 changes to a good pair of them, each a
/// byte for the segment or the init segment, two for the place and one for the value; anything else the text of every
/// playlist and manifest.
pub fn lint(data: &[u8]) {
    let Some((kind, rest)) = data.split_first() else { return };
    let good = good();
    let (mut init, mut segment) = (good.init.to_vec(), good.segments[1].to_vec());
    match kind {
        0 => init = rest.to_vec(),
        1 => segment = rest.to_vec(),
        2 => {
            for change in rest.chunks_exact(4) {
                let bytes = if change[0].is_multiple_of(2) { &mut segment } else { &mut init };
                let at = usize::from(u16::from_le_bytes([change[1], change[2]])) % bytes.len();
                bytes[at] = change[3];
            }
        }
        _ => return texts(rest),
    }
    let findings = verify(&good.track, &init, Some((1, &segment)));
    assert!(findings.len() <= MAX_FINDINGS);
    // The record has the segment's hash, so no change of it goes unnoticed.
    assert!(!findings.is_empty() || segment[..] == good.segments[1][..]);
}

fn texts(text: &[u8]) {
    let tracks = [good().track.clone()];
    let presentation = Presentation { tracks: &tracks, uri_prefix: "g1/", storyboard: None, ..Presentation::default() };
    let mut files: Vec<OutputFile> = text_files(&presentation).expect("a good track has its playlists");
    for file in &mut files {
        file.bytes = text.to_vec().into();
    }
    let findings = verify_presentation(&presentation, &files);
    assert!(!findings.is_empty(), "no one text is right for every file");
    assert!(findings.len() <= MAX_FINDINGS);
}
