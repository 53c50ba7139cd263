//! What licence systems are told is what Shaka Packager tells them.

use super::inputs::rungs;
use super::interop::shaka;
use super::{KEYS, boxes, key_file, package};

/// The system id, which a `pssh` box names after its header, version and flags.
fn system(pssh: &[u8]) -> &[u8] {
    &pssh[12..28]
}

#[test]
fn pssh_boxes_are_those_of_shaka_packager_byte_for_byte() {
    let inputs = rungs();
    let folder = tempfile::tempdir().unwrap();
    let keys = key_file(folder.path());
    for scheme in ["cenc", "cbcs"] {
        let (ours, theirs) = (folder.path().join(scheme), folder.path().join(format!("{scheme}-shaka")));
        let systems = "widevine,playready,clearkey";
        let key_path = keys.to_str().unwrap();
        let arguments = ["--scheme", scheme, "--key-file", key_path, "--systems", systems];
        package(&[&inputs.low], &ours, &arguments);
        let mut arguments = Vec::new();
        for (kind, label) in [("video", "1"), ("audio", "2")] {
            arguments.push(format!(
                "in={},stream={kind},output={}/{kind}.mp4,drm_label={label}",
                inputs.low.display(),
                theirs.display()
            ));
        }
        arguments.extend(["--enable_raw_key_encryption".to_owned(), "--clear_lead=0".to_owned()]);
        arguments.push(format!("--protection_scheme={scheme}"));
        arguments.push("--protection_systems=Widevine,PlayReady,Common".to_owned());
        // Shaka Packager lists key ids by rising label.
        let [(video_id, video, _), (audio_id, audio, _)] = KEYS;
        let labelled = format!("label=1:key_id={video_id}:key={video},label=2:key_id={audio_id}:key={audio}");
        arguments.push(format!("--keys={labelled}"));
        shaka(&arguments);
        for (track, kind) in [("video-180p", "video"), ("audio-und", "audio")] {
            let ours = std::fs::read(ours.join(track).join("init.mp4")).unwrap();
            let theirs = std::fs::read(theirs.join(kind).with_extension("mp4")).unwrap();
            let theirs = boxes(&theirs, b"pssh");
            assert_eq!(theirs.len(), 3, "Widevine, PlayReady and common");
            for pssh in theirs {
                let twin = boxes(&ours, b"pssh").into_iter().find(|ours| system(ours) == system(pssh));
                assert_eq!(twin, Some(pssh), "{scheme} {track}");
            }
            assert_eq!(boxes(&ours, b"pssh").len(), 3, "{scheme} {track}: no other");
        }
    }
}
