#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::Command;

use clap::Parser;
use demux::{Data, Demux, Mp4Demuxer, Step};
use drm::SampleDecryptor;

use crate::cli::Arguments;
use crate::commands;

use super::*;

#[test]
fn a_period_begins_at_the_first_border_at_or_after_its_time() {
    let seconds = |list: &[f64]| list.iter().map(|at| (at * 1e6) as u64).collect::<Vec<_>>();
    let of = |borders: &[f64], ms| Periods::new(seconds(borders), ms).starts().to_vec();
    assert_eq!(of(&[2.0, 4.0, 6.0, 8.0], 4000), [(0, 0), (3_000_000, 1), (7_000_000, 2)]);
    assert_eq!(of(&[3.0, 6.0, 9.0], 4000), [(0, 0), (4_500_000, 1), (7_500_000, 2)]);
    assert_eq!(of(&[10.0], 4000), [(0, 0), (5_000_000, 2)], "a period may have no segment");
    assert_eq!(of(&[3.999, 7.998], 4000), [(0, 0), (1_999_500, 1)], "a millisecond is lost in some containers");
    assert_eq!(of(&[], 4000), [(0, 0)]);
    assert_eq!(of(&[1.0, 2.0], 60_000), Periods::one().starts());
}

#[test]
fn each_segment_is_encrypted_under_the_key_of_its_time() {
    let config = CodecConfig::Aac(bytes::Bytes::from_static(&[0x12, 0x10]));
    let keys = [0, 3_000_000].into_iter().zip(1..);
    let keys =
        keys.map(|(from_us, n)| Stretch { from_us, id: KeyId([n; 16]), key: ContentKey::new([n; 16]), iv: None });
    let made = TrackEncryptor::new(ProtectionScheme::Cbcs, "audio", &config, keys.collect());
    let mut track = made.expect("the configuration is valid").expect("there are keys");
    let mut key_at = |at| {
        let id = track.at(at).expect("the configuration is valid").protection().key_id.0[0];
        (id, track.group().map(|group| (group.key_id.0[0], group.constant_iv.is_some())))
    };
    assert_eq!(key_at(0), (1, None));
    assert_eq!(key_at(2_999_999), (1, None));
    assert_eq!(key_at(3_000_000), (2, Some((2, true))));
    let told = track.stretches().expect("the configuration is valid");
    assert_ne!(told[0].1.constant_iv, told[1].1.constant_iv, "an IV belongs to its key");
}

/// Segments of 2 s, of which 6 s make three periods.
fn package(arguments: &[&str]) -> Result<(), String> {
    let all = ["lectern", "--json", "package", "--segment-duration", "2"].iter().chain(arguments);
    let parsed = Arguments::try_parse_from(all).map_err(|error| error.to_string())?;
    commands::run(parsed).map_err(|failure| format!("{failure:?}"))
}

fn clip(folder: &Path) -> String {
    let path = folder.join("clip.mp4");
    let made = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc=size=160x90:rate=25:duration=6"])
        .args(["-f", "lavfi", "-i", "sine=duration=6", "-c:v", "libx264", "-preset", "ultrafast", "-g", "25"])
        .args(["-c:a", "aac", "-shortest"])
        .arg(&path)
        .status();
    assert!(made.unwrap().success());
    path.to_str().unwrap().to_owned()
}

/// The samples of a track in clear, each with the number of its key.
fn samples(folder: &Path) -> Vec<(Option<u8>, Vec<u8>)> {
    let mut file = fs::read(folder.join("init.mp4")).unwrap();
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.retain(|name| name.extension().is_some_and(|end| end == "m4s"));
    names.sort();
    names.iter().for_each(|name| file.extend(fs::read(name).unwrap()));
    let (mut demuxer, mut all) = (Mp4Demuxer::new(Some(file.len() as u64)), Vec::new());
    let of = |from: u64, length: u64| {
        let end = file.len().min((from + length) as usize);
        file[(from as usize).min(end)..end].to_vec()
    };
    loop {
        match demuxer.poll().unwrap() {
            Step::Read(range) => demuxer.give(of(range.offset, range.length).into()),
            Step::Ready => {}
            Step::Packet(packet) => {
                let mut sample = match packet.data {
                    Data::At(range) => of(range.offset, range.length),
                    Data::Here(bytes) => bytes.to_vec(),
                };
                let key = packet.encryption.as_ref().map(|encryption| {
                    let protection = demuxer.packet_protection().unwrap();
                    let number = protection.key_id.0[0];
                    let key = ContentKey::new([0x40 + number; 16]);
                    SampleDecryptor::new(&key, protection).unwrap().decrypt(&mut sample, encryption).unwrap();
                    number
                });
                all.push((key, sample));
            }
            Step::End => return all,
        }
    }
}

/// The keys of a track's samples, in order, each once.
fn keys_of(samples: &[(Option<u8>, Vec<u8>)]) -> Vec<Option<u8>> {
    let mut keys: Vec<_> = samples.iter().map(|(key, _)| *key).collect();
    keys.dedup();
    keys
}

#[test]
fn every_sample_comes_back_under_the_key_of_its_period() {
    let folder = tempfile::tempdir().unwrap();
    let (input, path) = (clip(folder.path()), |name: &str| folder.path().join(name).to_str().unwrap().to_owned());
    let line = |n: u8, rest: &str| format!("{}:{}{rest}\n", KeyId([n; 16]), KeyId([0x40 + n; 16]));
    let keys = line(1, "::0") + &line(2, "::1") + &line(3, "::2") + &line(9, ":audio");
    fs::write(path("keys.txt"), &keys).unwrap();
    package(&["--input", &input, "--out", &path("clear")]).unwrap();
    let track = |out: &str, name: &str| samples(&folder.path().join(out).join(name));
    let bytes = |samples: &[(Option<u8>, Vec<u8>)]| samples.iter().map(|(_, s)| s.clone()).collect::<Vec<_>>();
    let (pictures, sound) = (bytes(&track("clear", "video-90p")), bytes(&track("clear", "audio-und")));
    assert_eq!(pictures.len(), 150);
    for (scheme, lead) in [("cenc", "0"), ("cens", "0"), ("cbc1", "0"), ("cbcs", "0"), ("cbcs", "2")] {
        let out = format!("{scheme}-{lead}");
        let arguments = ["--input", &input, "--out", &path(&out), "--scheme", scheme, "--key-file", &path("keys.txt")];
        let rotation = ["--crypto-period", "2", "--clear-lead", lead];
        package(&[&arguments[..], &rotation].concat()).unwrap();
        let (video, audio) = (track(&out, "video-90p"), track(&out, "audio-und"));
        assert!(bytes(&video) == pictures && bytes(&audio) == sound, "{out}");
        let clear = (lead == "2").then_some(None);
        let first = if lead == "2" { 2 } else { 1 };
        let expected: Vec<_> = clear.into_iter().chain((first..4).map(Some)).collect();
        assert_eq!(keys_of(&video), expected, "{out}");
        assert_eq!(keys_of(&audio), clear.into_iter().chain([Some(9)]).collect::<Vec<_>>(), "{out}");
        if ["cenc", "cbcs"].contains(&scheme) {
            let playlist = |track: &str| fs::read_to_string(path(&out) + "/" + track + "/media.m3u8").unwrap();
            let named = |track: &str| playlist(track).matches("KEYFORMAT=\"com.microsoft.playready\"").count();
            assert_eq!((named("video-90p"), named("audio-und")), (expected.iter().flatten().count(), 1), "{out}");
        }
    }
}

#[test]
fn a_missing_key_is_named_by_the_line_to_add_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let (input, path) = (clip(folder.path()), |name: &str| folder.path().join(name).to_str().unwrap().to_owned());
    let line = |n: u8, rest: &str| format!("{}:{}{rest}\n", KeyId([n; 16]), KeyId([0x40 + n; 16]));
    fs::write(path("keys.txt"), line(1, "::0") + &line(2, "::1")).unwrap();
    let out = path("out");
    let arguments = ["--input", &input, "--out", &out, "--scheme", "cenc", "--key-file", &path("keys.txt")];
    let error = package(&[&arguments[..], &["--crypto-period", "2"]].concat()).unwrap_err();
    assert!(error.contains("KID:KEY:sd:2"), "{error}");
    let error = package(&arguments).unwrap_err();
    assert!(error.contains("--crypto-period"), "{error}");
    assert!(!Path::new(&out).exists());
}

#[test]
fn periods_of_stated_starts_begin_at_the_first_segment_behind_them() {
    let borders = [2_002_000, 4_004_000, 6_006_000, 8_008_000, 10_010_000];
    let periods = Periods::from_starts(borders, &[0, 4_000_000, 9_000_000, 9_500_000]);
    assert_eq!(periods.starts(), [(0, 0), (3_003_000, 1), (9_009_000, 3)]);
    assert_eq!(Periods::from_starts(borders, &[0]), Periods::one());
}
