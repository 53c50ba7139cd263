//! What tracks are called: the name of a track is its folder, its id in manifests, and part of its initialisation vectors.

use std::collections::BTreeSet;

use demux::MediaKind;
use media_types::segment::Roles;

use super::survey::Surveyed;

/// A name for each track, all different: `video-1080p`, `audio-en`; with the codec where sizes or languages meet, and with
/// a number where that does not help.
pub(crate) fn names(tracks: &[Surveyed]) -> Vec<String> {
    let wanted: Vec<_> = tracks.iter().map(|track| (plain(track), codec(track))).collect();
    unique(&wanted)
}

/// As [`names`] for text, by language, roles and codec: `text-de`, `text-en-sdh`, `text-en-forced`.
pub(crate) fn text_names(tracks: &[(&str, Roles, &'static str)]) -> Vec<String> {
    let name = |language: &str, roles: Roles| {
        let marks = [(roles.forced, "-forced"), (roles.hearing_impaired, "-sdh"), (roles.commentary, "-commentary")];
        let marks: String = marks.iter().filter(|(is, _)| *is).map(|(_, mark)| *mark).collect();
        format!("text-{language}{marks}")
    };
    let wanted: Vec<_> = tracks.iter().map(|&(language, roles, codec)| (name(language, roles), codec)).collect();
    unique(&wanted)
}

fn unique(wanted: &[(String, &'static str)]) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let mut names = Vec::with_capacity(wanted.len());
    for (plain, codec) in wanted {
        let mut name = plain.clone();
        let alike = wanted.iter().filter(|(other, _)| other == plain).map(|(_, codec)| codec);
        if alike.collect::<BTreeSet<_>>().len() > 1 {
            name = format!("{name}-{codec}");
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_named_by_language_and_purpose_and_never_twice() {
        let plain = Roles::default();
        let sdh = Roles { hearing_impaired: true, ..plain };
        let forced = Roles { forced: true, ..plain };
        let tracks = [
            ("de", plain, "wvtt"),
            ("de", sdh, "wvtt"),
            ("de", forced, "stpp"),
            ("en", plain, "wvtt"),
            ("en", plain, "stpp"),
        ];
        assert_eq!(text_names(&tracks), ["text-de", "text-de-sdh", "text-de-forced", "text-en-wvtt", "text-en-stpp"]);
        assert_eq!(text_names(&[("en", plain, "wvtt"), ("en", plain, "wvtt")]), ["text-en", "text-en-2"]);
    }
}
