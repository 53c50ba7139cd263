//! Running FFmpeg and the demuxer.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use demux::{Data, Demux, DemuxError, Packet, Step, Track, TsDemuxer, Warning};

/// A folder that goes when it is dropped.
pub(crate) struct Clip(PathBuf);

static NEXT: AtomicU32 = AtomicU32::new(0);

impl Clip {
    pub(crate) fn new() -> Self {
        let name = format!("demux-ts-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }
}

impl Drop for Clip {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs FFmpeg in the clip's folder.
pub(crate) fn ffmpeg(clip: &Clip, arguments: &[&str]) {
    let status = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-y", "-threads", "2"])
        .args(arguments)
        .current_dir(&clip.0)
        .status()
        .unwrap();
    assert!(status.success(), "ffmpeg {arguments:?}");
}

/// What ffprobe says of a packet.
pub(crate) struct Probed {
    pub(crate) pts: f64,
    pub(crate) dts: f64,
    pub(crate) size: usize,
    pub(crate) keyframe: bool,
    pub(crate) crc: u32,
}

/// All packets of one stream.
pub(crate) fn packets(file: &Path, stream: &str) -> Vec<Probed> {
    let output = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-ignore_editlist",
            "1",
            "-select_streams",
            stream,
            "-show_packets",
            "-show_data_hash",
            "CRC32",
        ])
        .args(["-of", "default=nw=0"])
        .arg(file)
        .output()
        .unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let packet = |block: &str| {
        let value =
            |key: &str| block.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).unwrap_or_default();
        Probed {
            pts: value("pts_time").parse().unwrap(),
            dts: value("dts_time").parse().unwrap(),
            size: value("size").parse().unwrap(),
            keyframe: value("flags").starts_with('K'),
            crc: u32::from_str_radix(value("data_hash").trim_start_matches("CRC32:"), 16).unwrap(),
        }
    };
    text.split("[PACKET]").filter(|block| block.contains("pts_time")).map(packet).collect()
}

/// The CRC-32 of zip files, which FFmpeg calls `CRC32`.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 })
    })
}

/// All that a demuxer gave.
#[derive(Debug, Default)]
pub(crate) struct Played {
    pub(crate) first: Option<Step>,
    pub(crate) tracks: Vec<Track>,
    pub(crate) packets: Vec<Packet>,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) markers: Vec<(Option<i64>, Vec<u8>)>,
    pub(crate) error: Option<DemuxError>,
}

/// A file whose length is known.
pub(crate) fn demux(file: &[u8]) -> Played {
    pieces(file, Some(file.len() as u64))
}

/// A file, told its length or not.
pub(crate) fn pieces(file: &[u8], length: Option<u64>) -> Played {
    let mut demuxer = TsDemuxer::new(length);
    let file = Bytes::copy_from_slice(file);
    let mut played = Played::default();
    let mut reads = 0;
    loop {
        match demuxer.poll() {
            Ok(Step::Read(range)) => {
                assert!(range.length > 0 && range.length <= Step::MAX_READ);
                let start = (range.offset as usize).min(file.len());
                demuxer.give(file.slice(start..(start + range.length as usize).min(file.len())));
                reads += 1;
                assert!(reads < 1000, "it reads on and on");
            }
            Ok(step @ Step::Ready) => {
                played.first = Some(step);
                played.tracks = demuxer.tracks().to_vec();
            }
            Ok(Step::Packet(packet)) => {
                assert!(played.first.is_some(), "tracks come first");
                played.packets.push(packet);
            }
            Ok(Step::End) => break,
            Err(error) => {
                assert_eq!(demuxer.poll(), Err(error.clone()), "an error stays");
                played.error = Some(error);
                break;
            }
        }
    }
    played.markers = demuxer.take_markers();
    played.warnings = demuxer.take_warnings();
    assert!(played.warnings.len() <= 100);
    played
}

/// The bytes of a sample, which are never left in the file.
pub(crate) fn data(packet: &Packet) -> &[u8] {
    match &packet.data {
        Data::Here(bytes) => bytes,
        Data::At(range) => panic!("{range:?} is in no one piece of the file"),
    }
}
