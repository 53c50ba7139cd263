//! What tracks are called: the name of a track is its folder, its id in manifests, and part of its initialisation vectors.

use std::collections::BTreeSet;

use demux::MediaKind;

use super::survey::Surveyed;

/// A name for each track, all different: `video-1080p`, `audio-en`, `text-de`; with the codec where sizes or languages
/// meet, and with a number where that does not help.
pub(crate) fn names(tracks: &[Surveyed]) -> Vec<String> {
    let plain: Vec<String> = tracks.iter().map(plain).collect();
    let mut taken = BTreeSet::new();
    let mut names = Vec::with_capacity(tracks.len());
    for (track, name) in tracks.iter().zip(&plain) {
        let mut name = name.clone();
        let alike = plain.iter().zip(tracks).filter(|(other, _)| **other == name).map(|(_, other)| codec(other));
        if alike.collect::<BTreeSet<_>>().len() > 1 {
            name = format!("{name}-{}", codec(track));
        }
        let unique = (1..).map(|n| if n == 1 { name.clone() } else { format!("{name}-{n}") });
        // There are fewer tracks than numbers.
        let chosen = unique.into_iter().find(|name| !taken.contains(name)).unwrap_or(name);
        taken.insert(chosen.clone());
        names.push(chosen);
    }
    names
}

fn plain(track: &Surveyed) -> String {
    match track.about.kind {
        MediaKind::Video { width, height, .. } => format!("video-{}p", width.min(height)),
        MediaKind::Audio { .. } => format!("audio-{}", track.about.language),
        MediaKind::Text => format!("text-{}", track.about.language),
    }
}

fn codec(track: &Surveyed) -> &'static str {
    packager::codec_name(&track.about.config)
}
