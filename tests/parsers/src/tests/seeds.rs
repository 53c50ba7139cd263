//! What the changes start from. Media come from `seeds/container`, which `seeds-make.sh` made.

use std::path::Path;

use bytes::Bytes;
use demux::{MediaKind, Track};
use engine_host::protocol::{Limits, Message, PROTOCOL_VERSION, ToChild, encode};
use media_types::CodecConfig;

use crate::container::drive;
use crate::pieces::join;

mod backups;
mod keys;
mod passkeys;
mod texts;

pub(super) use backups::backups;
pub(super) use keys::{
    encryption, key_documents, key_files, licence_requests, protection_data, sealed_objects, wrapped_keys,
};
pub(super) use passkeys::passkeys;
pub(super) use texts::{cue_messages, directories, subtitles, text_samples};

fn framed<M: Message>(message: &M) -> Vec<u8> {
    encode(message, 0, Limits::TO_CHILD).expect("a seed fits the limits")
}

pub(super) fn orders() -> Vec<Vec<u8>> {
    [ToChild::Open { protocol_version: PROTOCOL_VERSION, size: 1 << 40 }, ToChild::Probe].iter().map(framed).collect()
}

/// Frames of the other direction are the nearest thing to messages, and never the same.
pub(super) fn answers() -> Vec<Vec<u8>> {
    let answers = (0u8..16).map(|variant| vec![9, 0, 0, 0, 0, 0, 0, 0, variant, 1, 2, 3, 4, 5, 6, 7, 8]);
    answers.chain(orders()).collect()
}

pub(super) fn ladders() -> Vec<Vec<u8>> {
    ladders::catalog().iter().map(|(_, text)| text.as_bytes().to_vec()).collect()
}

pub(super) fn stored_segments() -> Vec<Vec<u8>> {
    let segment = [&[0], crate::stored_segment::good().segments[1].as_ref()].concat();
    vec![segment, vec![1, 40, 0, 0xff, 7, 0, 3], vec![1, 90, 0, 0]]
}

/// All files, in the order of their names.
fn files() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds/container");
    let entries = std::fs::read_dir(folder).expect("the seeds are there");
    let read = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.expect("a folder can be listed").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        (name, std::fs::read(&path).expect("a seed can be read"))
    };
    let mut files: Vec<_> = entries.map(read).collect();
    files.sort();
    files
}

/// The files, and fragments that are encrypted, as the demuxer's own tests have them.
pub(super) fn containers() -> Vec<Vec<u8>> {
    let locked: [&[u8]; 2] = [
        include_bytes!("../../../../crates/demux/tests/data/mp4/cens.mp4"),
        include_bytes!("../../../../crates/demux/tests/data/mp4/cbcs.mp4"),
    ];
    files().into_iter().map(|(_, bytes)| bytes).chain(locked.map(<[u8]>::to_vec)).collect()
}

/// Files of which each is joined to itself.
pub(super) fn parts() -> Vec<Vec<u8>> {
    let joined = ["avc-aac-front.mp4", "avc-aac.mov", "avc-aac.mp4", "hevc-ac3.mp4", "av1-opus.mp4", "avc-aac.ts"];
    let twice = |bytes: Vec<u8>| [&(bytes.len() as u32).to_be_bytes()[..], &bytes, &bytes].concat();
    files().into_iter().filter(|(name, _)| joined.contains(&name.as_str())).map(|(_, bytes)| twice(bytes)).collect()
}

/// A track of a seed, with its samples.
struct Taken {
    file: String,
    track: Track,
    samples: Vec<Bytes>,
}

impl Taken {
    fn config(&self) -> (&'static str, &[u8]) {
        match &self.track.config {
            CodecConfig::Avc(config) => ("avc", config),
            CodecConfig::Hevc(config) => ("hevc", config),
            CodecConfig::Av1(config) => ("av1", config),
            CodecConfig::Vp9(config) => ("vp9", config),
            CodecConfig::Aac(config) => ("aac", config),
            CodecConfig::Ac3(config) => ("ac3", config),
            CodecConfig::Eac3(config) => ("eac3", config),
            CodecConfig::Opus(config) => ("opus", config),
            CodecConfig::Flac(config) => ("flac", config),
            CodecConfig::Wvtt(config) => ("wvtt", config),
            CodecConfig::Stpp(config) => ("stpp", config),
        }
    }

    fn pieces(&self) -> Vec<u8> {
        join(self.config().1, self.samples.iter().map(|sample| &sample[..]))
    }
}

fn taken() -> Vec<Taken> {
    let mut all = Vec::new();
    for (file, bytes) in files() {
        let mut tracks: Vec<Taken> = Vec::new();
        drive(&bytes, true, |known, packet, sample| {
            if tracks.is_empty() {
                let new = |track: &Track| Taken { file: file.clone(), track: track.clone(), samples: Vec::new() };
                tracks.extend(known.iter().map(new));
            }
            tracks[packet.track].samples.push(Bytes::copy_from_slice(sample));
        });
        all.extend(tracks);
    }
    all
}

pub(super) fn every_kind_is_there() {
    let taken = taken();
    for codec in ["avc", "hevc", "av1", "vp9", "aac", "ac3", "eac3", "opus", "flac", "wvtt"] {
        assert!(taken.iter().any(|taken| taken.config().0 == codec && taken.samples.len() > 1), "{codec}");
    }
    for (file, _) in files() {
        let tracks: Vec<_> = taken.iter().filter(|taken| taken.file == file).collect();
        assert!(!tracks.is_empty() || file == "sound.ts", "{file} has no track");
        assert!(
            file.contains("sound") || tracks.iter().any(|taken| matches!(taken.track.kind, MediaKind::Video { .. }))
        );
    }
}

/// All tracks of a codec, once with all samples and once with the first few.
pub(super) fn tracks(codec: &str) -> Vec<Vec<u8>> {
    let taken = taken();
    let of = taken.iter().filter(|taken| taken.config().0 == codec);
    of.flat_map(|taken| {
        let first = taken.samples.iter().take(3).map(|sample| &sample[..]);
        [taken.pieces(), join(taken.config().1, first)]
    })
    .collect()
}

/// And as byte streams.
pub(super) fn nal_tracks(codec: &str) -> Vec<Vec<u8>> {
    let tracks = tracks(codec);
    let streams = tracks.iter().map(|track| {
        let (config, samples) = crate::pieces::split(track);
        let sets = match codec {
            "avc" => bitstream::avc::Record::parse(config).map(|record| [record.sps, record.pps].concat()),
            _ => bitstream::hevc::Record::parse(config).map(|record| [record.vps, record.sps, record.pps].concat()),
        };
        let units = samples.into_iter().flat_map(bitstream::bits::length_prefixed).flatten();
        let all = sets.unwrap_or_default().into_iter().chain(units);
        all.flat_map(|nal| [&[0, 0, 0, 1], nal].concat()).collect()
    });
    streams.collect::<Vec<Vec<u8>>>().into_iter().chain(tracks).collect()
}

pub(super) fn sound() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = ["aac", "ac3", "eac3", "opus", "flac"].iter().flat_map(|codec| tracks(codec)).collect();
    for taken in taken() {
        match taken.config().0 {
            // Mono at 48 kHz behind ADTS headers.
            "aac" => all.push(
                taken
                    .samples
                    .iter()
                    .flat_map(|sample| {
                        let length = sample.len() + 7;
                        let high = 0x40 | (length >> 11) as u8;
                        [&[0xff, 0xf1, 0x4c, high, (length >> 3) as u8, (length << 5) as u8 | 0x1f, 0xfc], &sample[..]]
                            .concat()
                    })
                    .collect(),
            ),
            "ac3" | "eac3" => all.push(taken.samples.concat()),
            _ => {}
        }
    }
    all.push(b"OpusHead\x01\x02\x38\x01\x80\xbb\x00\x00\x00\x00\x00".to_vec());
    all.push([&[0xff, 0xfb, 0x90, 0x64][..], &[0; 413]].concat().repeat(3));
    all
}

/// Pop-on captions in line 21, and a DTVCC packet.
pub(super) fn captions() -> Vec<Vec<u8>> {
    let line21 =
        [0xfc, 0x94, 0x20, 0xfc, 0x94, 0x70, 0xfc, 0xc8, 0xe9, 0xfc, 0x94, 0x2f, 0xfd, 0x15, 0x25, 0xfd, 0xc8, 0xe9];
    let dtvcc = [
        0xff, 0x05, 0x24, 0xfe, 0x98, 0x00, 0xfe, 0x00, 0x00, 0xfe, 0x48, 0x69, 0xfe, 0x21, 0x03, 0xff, 0x42, 0x22,
        0xfe, 0x41, 0x00,
    ];
    let both = [line21.as_slice(), &dtvcc].concat();
    let mut all: Vec<Vec<u8>> = [&line21[..], &dtvcc, &both].into_iter().map(|data| [&[128], data].concat()).collect();
    let message = |header: &[u8]| {
        let head = [4, 11 + both.len() as u8, 0xb5, 0, 0x31, b'G', b'A', b'9', b'4', 3, 0x40 | (both.len() / 3) as u8];
        [header, &head, &[0xff], &both, &[0xff, 6, 1, 0xc4, 0x80]].concat()
    };
    all.push(message(&[0, 6]));
    all.push(message(&[1, 0x4e, 1]));
    all
}

/// The configuration of every track.
pub(super) fn init_boxes() -> Vec<Vec<u8>> {
    let codecs = ["avc", "hevc", "av1", "vp9", "aac", "ac3", "eac3", "opus", "flac", "wvtt", "stpp"];
    let of = |taken: &Taken| {
        let (name, config) = taken.config();
        let codec = codecs.iter().position(|codec| *codec == name).expect("all are listed") as u8;
        let (kind, figures) = match taken.track.kind {
            MediaKind::Video { .. } => (0x12, [0, 64, 0, 64, 0, 10, 0, 1]),
            MediaKind::Audio { sample_rate, .. } => {
                (1, [(sample_rate / 1024) as u8, (sample_rate / 4) as u8, 0, 1, 0, 48, 0, 0])
            }
            MediaKind::Text => (2, [0; 8]),
        };
        [&[codec, kind], &figures[..], config].concat()
    };
    taken().iter().map(of).collect()
}

/// Two tracks: pictures of which some are shown later than decoded, and sound.
pub(super) fn segments() -> Vec<Vec<u8>> {
    let head = |scale: u32, target: u16, flags: u16| {
        [&scale.to_be_bytes()[..], &target.to_be_bytes(), &48_000u32.to_be_bytes(), &flags.to_be_bytes()].concat()
    };
    let packet = |flags: u8, after: u16, offset: i16, length: u16, size: u16| {
        [&[flags][..], &after.to_be_bytes(), &offset.to_be_bytes(), &length.to_be_bytes(), &size.to_be_bytes()].concat()
    };
    let media = |gop: u16, count: u16| -> Vec<u8> {
        (0..count)
            .flat_map(|at| {
                let key = if at % gop == 0 { 4 } else { 0 };
                let picture = packet(key, 1000, if at % 3 == 1 { 2000 } else { 0 }, 1000, 500);
                let sound = packet(1 | 2 | 4, 1024, 0, 1024, 90);
                [picture, sound.clone(), sound].concat()
            })
            .collect()
    };
    vec![
        [head(25_000, 2000, 0), media(25, 150)].concat(),
        [head(25_000, 500, 1), media(5, 60)].concat(),
        [head(90_000, 40, 0x0102), media(1, 30)].concat(),
        [head(1, 1000, 0xff00), media(2, 40)].concat(),
    ]
}

/// Every file of the valid presentations, from every root that reaches it.
pub(super) fn presentations() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for (protected, files) in (0u8..).zip(crate::presentation::GOOD.iter()) {
        for (which, (path, bytes)) in (0u8..).zip(files) {
            let roots: &[u8] = match path.as_str() {
                "m.m3u8" => &[0],
                "m.mpd" => &[1],
                "v1.m3u8" => &[2],
                "x.mp4" => &[1, 3],
                _ => &[0, 1],
            };
            all.extend(roots.iter().map(|root| [&[protected << 2 | root, which], &bytes[..]].concat()));
        }
    }
    all
}
