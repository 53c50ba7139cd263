//! What is lost of damaged files is told from when to when.

use std::path::Path;

use media_types::{Loss, LossKind};
use pipeline::{AudioOrder, CollectingSink, Engine, RangeOrder};

use crate::media::{Folder, planned};

/// Twenty seconds of moving pictures with a key frame each second, and a tone.
const SOURCE: &str = "-f lavfi -i testsrc2=s=320x180:r=25:d=20 -f lavfi -i sine=d=20:r=48000 -c:v libx264 -preset veryfast -g 25 \
                      -x264-params scenecut=0:bframes=2 -c:a aac -b:a 96k";

/// Everything that is told of a file: by its plan, while its pictures are encoded, and while its sound is.
fn losses(file: &Path) -> (Vec<String>, Vec<Loss>) {
    let (mut engine, _, plan) = planned(file);
    let mut all = plan.losses.clone();
    let video = plan.video.as_ref().unwrap();
    for range in &video.ranges {
        let mut sink = CollectingSink::new(10_000);
        all.extend(engine.encode_range(&RangeOrder::new(video, range, &[0]), &mut sink).unwrap().losses);
    }
    for audio in &plan.audio {
        let order = AudioOrder { plan: audio.clone(), gain_db: 0.0 };
        all.extend(engine.encode_audio(&order, &mut CollectingSink::new(10_000)).unwrap().losses);
    }
    (plan.warnings, media_types::loss::joined(all))
}

/// The stretch, in milliseconds, that all losses of these kinds span.
fn span(losses: &[Loss], kinds: &[LossKind]) -> Option<(u64, u64)> {
    let of_kind = || losses.iter().filter(|loss| kinds.contains(&loss.kind));
    Some((of_kind().map(|loss| loss.from_ms).min()?, of_kind().map(|loss| loss.to_ms).max()?))
}

const PICTURES: [LossKind; 2] = [LossKind::PicturesHeld, LossKind::PicturesDamaged];

#[test]
fn a_whole_file_has_lost_nothing() {
    let folder = Folder::new();
    for name in ["a.mp4", "a.mkv", "a.ts"] {
        let (warnings, losses) = losses(&folder.make(&format!("{SOURCE} {name}")));
        assert!(warnings.is_empty() && losses.is_empty(), "{name}: {warnings:?} {losses:?}");
    }
}

#[test]
fn bytes_overwritten_in_the_middle_are_told_as_the_time_that_they_were() {
    let folder = Folder::new();
    for name in ["a.mp4", "a.mkv", "a.ts"] {
        let file = folder.make(&format!("{SOURCE} {name}"));
        let mut bytes = std::fs::read(&file).unwrap();
        let (from, to) = (bytes.len() * 50 / 100, bytes.len() * 60 / 100);
        // Noise that no decoder takes for its own.
        let mut state = 1u32;
        for byte in &mut bytes[from..to] {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *byte = (state >> 24) as u8;
        }
        std::fs::write(&file, bytes).unwrap();
        let (_, losses) = losses(&file);
        let said = format!("{name}: {losses:?}");
        let (from_ms, to_ms) = span(&losses, &PICTURES).unwrap_or_else(|| panic!("{said}"));
        // Bytes are spread over the time about evenly; what refers to what is lost lasts up to a second longer.
        assert!(
            (8500..=11_500).contains(&from_ms) && (10_500..=14_000).contains(&to_ms) && to_ms - from_ms >= 1000,
            "{said}"
        );
        let (from_ms, to_ms) = span(&losses, &[LossKind::SoundSilent]).unwrap_or_else(|| panic!("{said}"));
        assert!((8500..=11_500).contains(&from_ms) && (10_500..=14_000).contains(&to_ms), "{said}");
        assert!(losses.iter().all(|loss| loss.kind != LossKind::EndMissing), "{said}");
    }
}

#[test]
fn the_end_that_a_cut_file_speaks_of_is_told() {
    let folder = Folder::new();
    for name in ["-movflags +faststart a.mp4", "a.mkv"] {
        let file = folder.make(&format!("{SOURCE} {name}"));
        let bytes = std::fs::read(&file).unwrap();
        std::fs::write(&file, &bytes[..bytes.len() * 6 / 10]).unwrap();
        let (warnings, losses) = losses(&file);
        assert!(warnings.iter().any(|said| said.contains("ends in the middle")), "{name}: {warnings:?}");
        let end = losses
            .iter()
            .find(|loss| loss.kind == LossKind::EndMissing)
            .unwrap_or_else(|| panic!("{name}: {losses:?}"));
        assert!((9000..15_000).contains(&end.from_ms) && (19_900..20_200).contains(&end.to_ms), "{name}: {end:?}");
    }
}

#[test]
fn packets_that_a_transport_stream_lost_are_a_gap_in_pictures_and_sound() {
    let folder = Folder::new();
    let file = folder.make(&format!("{SOURCE} a.ts"));
    let bytes = std::fs::read(&file).unwrap();
    let packets = bytes.len() / 188;
    let (from, to) = (packets * 30 / 100 * 188, packets * 45 / 100 * 188);
    std::fs::write(&file, [&bytes[..from], &bytes[to..]].concat()).unwrap();
    let (_, losses) = losses(&file);
    for kinds in [&PICTURES[..], &[LossKind::SoundSilent]] {
        let (from_ms, to_ms) = span(&losses, kinds).unwrap_or_else(|| panic!("{losses:?}"));
        let near = (4500..7500).contains(&from_ms) && (8000..11_000).contains(&to_ms);
        assert!(near && to_ms - from_ms > 2000, "{losses:?}");
    }
}
