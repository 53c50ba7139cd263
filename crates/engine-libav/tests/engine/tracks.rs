//! What a file says of its tracks.

use media_types::segment::Roles;

use crate::media::{Folder, open};
use pipeline::Engine;

/// Sound in three tracks: one that states its language, a commentary, and a described one that states nothing else.
const SOUNDS: &str = "-f lavfi -i sine=f=440:d=1 -map 0 -map 0 -map 0 -metadata:s:a:0 language=eng \
    -metadata:s:a:1 language=fra -disposition:a:0 default -disposition:a:1 comment -disposition:a:2 visual_impaired";

#[test]
fn languages_titles_and_roles_of_sound_tracks_are_probed() {
    let folder = Folder::new();
    let titles =
        [("mkv", "-c:a aac -metadata:s:a:1 title=Regie"), ("mp4", "-c:a aac -metadata:s:a:1 handler_name=Regie")];
    for (container, title) in titles {
        let file = folder.make(&format!("{SOUNDS} {title} sounds.{container}"));
        let tracks = open(&file).probe().unwrap().audio;
        let said: Vec<_> = tracks.iter().map(|track| (track.language.as_deref(), track.title.as_deref())).collect();
        assert_eq!(said, [(Some("eng"), None), (Some("fra"), Some("Regie")), (None, None)], "{container}");
        assert!(tracks[0].roles.default, "{container}");
        let special = |roles: Roles| (roles.commentary, roles.visual_impaired);
        assert_eq!(special(tracks[0].roles), (false, false), "{container}");
        assert_eq!(special(tracks[1].roles), (true, false), "{container}");
        assert_eq!(special(tracks[2].roles), (false, true), "{container}");
    }
}
