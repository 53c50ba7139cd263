//! Reads a whole file in memory as a caller reads one on disk.

use bytes::Bytes;
use demux::{Chapter, Data, Demux, DemuxError, Mp4Demuxer, Packet, Step, Track, Warning};
use drm::TrackProtection;

/// A packet with its bytes, and how it is protected.
#[derive(Clone, Debug)]
pub(crate) struct Read {
    pub(crate) packet: Packet,
    pub(crate) bytes: Vec<u8>,
    pub(crate) protection: Option<TrackProtection>,
}

/// All that a file gave.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) tracks: Vec<Track>,
    pub(crate) reads: Vec<Read>,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) chapters: Vec<Chapter>,
    pub(crate) error: Option<DemuxError>,
    pub(crate) bytes_asked: u64,
}

impl Outcome {
    pub(crate) fn of(&self, track: usize) -> Vec<&Read> {
        self.reads.iter().filter(|read| read.packet.track == track).collect()
    }

    /// (dts, pts, size) of a track's packets.
    pub(crate) fn times(&self, track: usize) -> Vec<(i64, i64, usize)> {
        self.of(track).iter().map(|read| (read.packet.dts, read.packet.pts, read.bytes.len())).collect()
    }
}

/// Demuxes `file`, of which the demuxer is told the length only when `told`.
pub(crate) fn demux(file: &[u8], told: bool) -> Outcome {
    let mut demuxer = Mp4Demuxer::new(told.then_some(file.len() as u64));
    let mut out = Outcome::default();
    let mut last = vec![];
    loop {
        let step = match demuxer.poll() {
            Ok(step) => step,
            Err(error) => {
                assert_eq!(demuxer.poll(), Err(error.clone()), "an error stays");
                out.error = Some(error);
                break;
            }
        };
        match step {
            Step::Read(range) => {
                assert!((1..=Step::MAX_READ).contains(&range.length));
                out.bytes_asked += range.length;
                let start = usize::try_from(range.offset).unwrap_or(usize::MAX).min(file.len());
                let end = start.saturating_add(range.length as usize).min(file.len());
                demuxer.give(Bytes::copy_from_slice(&file[start..end]));
            }
            Step::Ready => {
                assert!(out.tracks.is_empty() && out.reads.is_empty());
                out.tracks = demuxer.tracks().to_vec();
                last = vec![i64::MIN; out.tracks.len()];
            }
            Step::Packet(packet) => {
                assert!(packet.dts > last[packet.track], "decode times grow");
                last[packet.track] = packet.dts;
                let bytes = match &packet.data {
                    Data::At(range) => {
                        assert!(range.length > 0);
                        let end = range.offset + range.length;
                        assert!(!told || end <= file.len() as u64, "samples lie within the file");
                        file.get(range.offset as usize..end as usize).unwrap_or_default().to_vec()
                    }
                    Data::Here(bytes) => bytes.to_vec(),
                };
                let protection = demuxer.packet_protection().cloned();
                assert_eq!(packet.encryption.is_some(), protection.is_some());
                out.reads.push(Read { packet, bytes, protection });
            }
            Step::End => {
                assert_eq!(demuxer.poll(), Ok(Step::End), "the end stays");
                break;
            }
        }
        assert!(out.reads.len() <= 4 * file.len(), "a file gives no more packets than it has bytes for");
    }
    out.chapters = demuxer.chapters().to_vec();
    assert!(out.chapters.len() <= Chapter::MOST);
    out.warnings = demuxer.take_warnings();
    assert!(out.warnings.len() <= 100);
    assert!(demuxer.take_warnings().is_empty());
    out
}
