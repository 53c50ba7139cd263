//! Runs a demuxer over a file in memory, and asks ffprobe about the same file.

use std::path::{Path, PathBuf};
use std::process::Command;

use bytes::Bytes;
use demux::{Data, Demux, DemuxError, MkvDemuxer, Packet, Step, Track};

/// All that a file gave.
#[derive(Debug, Default)]
pub(crate) struct Output {
    pub(crate) tracks: Vec<Track>,
    pub(crate) packets: Vec<Packet>,
    pub(crate) warnings: Vec<String>,
    /// Bytes that were asked for, and how often.
    pub(crate) read: u64,
    pub(crate) reads: usize,
    pub(crate) error: Option<DemuxError>,
}

impl Output {
    pub(crate) fn of(&self, track: usize) -> Vec<&Packet> {
        self.packets.iter().filter(|packet| packet.track == track).collect()
    }
}

pub(crate) fn run(file: &[u8], length: Option<u64>) -> Output {
    let mut demuxer = MkvDemuxer::new(length);
    let mut out = Output::default();
    let mut ready = false;
    for _ in 0..50_000_000u64 {
        match demuxer.poll() {
            Ok(Step::Read(range)) => {
                assert!((1..=Step::MAX_READ).contains(&range.length), "{range:?}");
                out.reads += 1;
                out.read += range.length;
                let from = (range.offset as usize).min(file.len());
                let to = (range.offset.saturating_add(range.length) as usize).min(file.len());
                demuxer.give(Bytes::copy_from_slice(&file[from..to]));
            }
            Ok(Step::Ready) => {
                assert!(!ready, "ready twice");
                ready = true;
            }
            Ok(Step::Packet(packet)) => {
                assert!(ready, "a packet before the tracks");
                if let Data::At(place) = &packet.data {
                    assert!(place.offset + place.length <= file.len() as u64, "{place:?} beyond the file");
                }
                out.packets.push(packet);
            }
            Ok(Step::End) => {
                out.tracks = demuxer.tracks().to_vec();
                out.warnings.extend(demuxer.take_warnings().into_iter().map(|warning| warning.what));
                assert_eq!(demuxer.poll(), Ok(Step::End));
                check(&out);
                return out;
            }
            Err(error) => {
                assert_eq!(demuxer.poll(), Err(error.clone()));
                out.warnings.extend(demuxer.take_warnings().into_iter().map(|warning| warning.what));
                out.error = Some(error);
                return out;
            }
        }
    }
    panic!("no end");
}

/// What holds of every file.
fn check(out: &Output) {
    for track in 0..out.tracks.len() {
        let packets = out.of(track);
        assert!(packets.windows(2).all(|pair| pair[0].dts < pair[1].dts), "decode times of track {track} do not grow");
        assert!(packets.iter().all(|packet| packet.duration != Some(0)));
    }
    assert!(out.warnings.len() <= 100);
}

pub(crate) fn bytes_of(file: &[u8], packet: &Packet) -> Bytes {
    match &packet.data {
        Data::At(place) => Bytes::copy_from_slice(&file[place.offset as usize..(place.offset + place.length) as usize]),
        Data::Here(bytes) => bytes.clone(),
    }
}

/// A folder of its own, gone with it.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("demux-mkv-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Makes a file by ffmpeg's arguments.
    pub(crate) fn make(&self, name: &str, args: &str) -> (PathBuf, Vec<u8>) {
        let path = self.path(name);
        let status = Command::new("ffmpeg")
            .args(["-nostdin", "-v", "error", "-y"])
            .args(args.split_ascii_whitespace())
            .arg(&path)
            .current_dir(&self.0)
            .status()
            .unwrap();
        assert!(status.success(), "ffmpeg {args}");
        let bytes = std::fs::read(&path).unwrap();
        (path, bytes)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A packet as ffprobe sees it.
#[derive(Debug)]
pub(crate) struct Probed {
    pub(crate) stream: usize,
    pub(crate) seconds: f64,
    pub(crate) keyframe: bool,
    pub(crate) size: usize,
    pub(crate) hash: String,
}

pub(crate) fn probe(path: &Path) -> Vec<Probed> {
    let entries = "packet=stream_index,pts_time,size,flags,data_hash";
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-show_packets", "-show_data_hash", "adler32", "-of", "default=nk=0:nw=0"])
        .args(["-show_entries", entries])
        .arg(path)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut out = Vec::new();
    for packet in text.split("[PACKET]").skip(1) {
        let field = |name: &str| {
            let line = packet.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            line.unwrap_or_default().to_owned()
        };
        out.push(Probed {
            stream: field("stream_index").parse().unwrap(),
            seconds: field("pts_time").parse().unwrap_or(f64::NAN),
            keyframe: field("flags").contains('K'),
            size: field("size").parse().unwrap(),
            hash: field("data_hash").to_ascii_lowercase(),
        });
    }
    out
}

/// Adler-32 as ffprobe writes it.
pub(crate) fn hash(bytes: &[u8]) -> String {
    let (mut a, mut b) = (1u32, 0u32);
    for &byte in bytes {
        a = (a + u32::from(byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    format!("adler32:{:08x}", b << 16 | a)
}

/// Compares a track with ffprobe's stream: the same packets, at the same times within a timestamp unit.
pub(crate) fn agrees(file: &[u8], out: &Output, track: usize, probed: &[Probed], stream: usize) {
    let ours = out.of(track);
    let theirs: Vec<_> = probed.iter().filter(|packet| packet.stream == stream).collect();
    assert_eq!(ours.len(), theirs.len(), "packets of track {track}");
    let scale = f64::from(out.tracks[track].timescale.get());
    for (at, (packet, probed)) in ours.iter().zip(theirs).enumerate() {
        let bytes = bytes_of(file, packet);
        assert_eq!((bytes.len(), hash(&bytes)), (probed.size, probed.hash.clone()), "packet {at} of track {track}");
        let seconds = packet.pts as f64 / scale;
        assert!((seconds - probed.seconds).abs() < 0.0011, "packet {at} of track {track}: {seconds} {probed:?}");
        assert_eq!(packet.keyframe, probed.keyframe, "packet {at} of track {track}");
    }
}
