//! The targets as ordinary tests: over seeds and changes of them that are the same in every run.
//!
//! `FUZZ_ROUNDS=100` makes that many times more rounds, `FUZZ_SEED=7` other ones, and `FUZZ_SEEDS=folder` writes the seeds
//! of each target into a folder of its own, for cargo-fuzz.

mod exercise;
mod memory;
mod mutate;
mod seeds;

use exercise::exercise;

#[test]
fn messages_survive() {
    exercise("message_to_engine", seeds::orders(), 10_000, super::message_to_engine);
    exercise("message_from_engine", seeds::answers(), 10_000, super::message_from_engine);
}

#[test]
fn ladder_files_survive() {
    exercise("ladder_file", seeds::ladders(), 1500, super::ladder_file);
}

#[test]
fn stored_segments_survive() {
    exercise("stored_segment", seeds::stored_segments(), 2000, super::stored_segment);
}

#[test]
fn containers_survive() {
    exercise("container", seeds::containers(), 800, super::container);
}

#[test]
fn parts_survive() {
    exercise("parts", seeds::parts(), 1500, super::parts);
}

#[test]
fn seeds_of_every_container_and_codec_are_read() {
    seeds::every_kind_is_there();
}

#[test]
fn seeds_are_accepted() {
    let accepted = |seeds: Vec<Vec<u8>>, accepts: fn(&[u8]) -> bool| seeds.iter().filter(|seed| accepts(seed)).count();
    assert_eq!(accepted(seeds::cue_messages(), |seed| scte35::Section::parse(seed).is_ok()), 3);
    assert_eq!(accepted(seeds::licence_requests(), |seed| drm::clearkey::Request::parse(seed).is_ok()), 2);
    assert_eq!(
        accepted(seeds::protection_data(), |seed| drm::Pssh::parse_all(seed).is_ok_and(|all| !all.is_empty())),
        5
    );
    let joined = |seed: &[u8]| {
        let (first, second) = seed[4..].split_at((seed.len() - 4) / 2);
        super::parts::front(&[first, second]).is_some()
    };
    assert_eq!(accepted(seeds::parts(), joined), seeds::parts().len());
    assert_eq!(accepted(seeds::passkeys(), |seed| super::passkey::made(seed).is_ok()), 4);
    let key_file = |seed: &[u8]| drm::KeySet::parse(&String::from_utf8_lossy(seed)).is_ok();
    assert_eq!(accepted(seeds::key_files(), key_file), 3);
    let opens = |seed: &[u8]| {
        let (key, name) = (super::protection::data_key(), super::protection::SEALED_NAME);
        drm::seal::open(&key, name, seed.to_vec()).is_ok()
    };
    assert_eq!(accepted(seeds::sealed_objects(), opens), 3);
    let words = |seed: &[u8]| timed_text::codec::parse(seed).is_ok_and(|parsed| parsed.document.cues.len() >= 3);
    assert_eq!(accepted(seeds::subtitles(), words), 4);
    let asks =
        |seed: &[u8]| scim::Filter::parse(String::from_utf8_lossy(seed).lines().next().unwrap_or_default()).is_ok();
    assert_eq!(accepted(seeds::directories(), asks), 3);
    // Of two tries with each track, at most one passes over the first segment.
    let tries = seeds::encryption().len() - 4;
    let encrypted = accepted(seeds::encryption(), |seed| super::encryption::encrypted(seed) > 0);
    assert!(encrypted * 10 >= tries * 9, "{encrypted} of {tries} tracks are encrypted");
}

#[test]
fn video_tracks_survive() {
    exercise("avc", seeds::nal_tracks("avc"), 500, super::avc);
    exercise("hevc", seeds::nal_tracks("hevc"), 500, super::hevc);
    exercise("av1", seeds::tracks("av1"), 1000, super::av1);
    exercise("vp9", seeds::tracks("vp9"), 1000, super::vp9);
}

#[test]
fn sound_tracks_survive() {
    exercise("audio", seeds::sound(), 1000, super::audio);
}

#[test]
fn captions_survive() {
    exercise("captions", seeds::captions(), 3000, super::captions);
}

#[test]
fn protection_data_survives() {
    exercise("protection_data", seeds::protection_data(), 5000, super::protection_data);
}

#[test]
fn keys_survive() {
    exercise("key_file", seeds::key_files(), 3000, super::key_file);
    exercise("licence_request", seeds::licence_requests(), 3000, super::licence_request);
    exercise("wrapped_key", seeds::wrapped_keys(), 300, super::wrapped_key);
}

#[test]
fn sealed_objects_survive() {
    exercise("sealed_object", seeds::sealed_objects(), 500, super::sealed_object);
}

#[test]
fn encrypted_segments_come_back() {
    exercise("encryption", seeds::encryption(), 400, super::encryption);
}

#[test]
fn subtitles_survive() {
    exercise("subtitles", seeds::subtitles(), 800, super::subtitles);
    exercise("text_samples", seeds::text_samples(), 500, super::text_samples);
}

#[test]
fn cue_messages_survive() {
    exercise("cue_message", seeds::cue_messages(), 5000, super::cue_message);
}

#[test]
fn segments_survive() {
    exercise("segments", seeds::segments(), 2000, super::segments);
}

#[test]
fn init_segments_survive() {
    exercise("init_boxes", seeds::init_boxes(), 3000, super::init_boxes);
}

#[test]
fn key_documents_survive() {
    exercise("key_document", seeds::key_documents(), 400, super::key_document);
}

#[test]
fn what_directories_send_survives() {
    exercise("scim", seeds::directories(), 3000, super::scim);
}

#[test]
fn backups_survive() {
    exercise("backup", seeds::backups(), 5000, super::backup);
}

#[test]
fn passkeys_survive() {
    exercise("passkey", seeds::passkeys(), 5000, super::passkey);
}

#[test]
fn presentations_survive() {
    exercise("presentation", seeds::presentations(), 250, super::presentation);
}
