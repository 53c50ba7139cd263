//! MP4, MPEG-TS and Matroska files.

use bytes::Bytes;
use demux::{
    Beginning, Chapter, Data, Demux, Demuxer, MkvDemuxer, Mp4Demuxer, Need, Packet, SampleCheck, Step, Track, TsDemuxer,
};
use drm::{ContentKey, decrypt_sample};

/// A file, whose length is told or not: reads lie within it as far as that can be known, decode times grow, samples lie
/// inside, nothing is given twice or without end.
pub fn container(data: &[u8]) {
    for told in [true, false] {
        drive(data, told, |_, _, _| ());
    }
    if !data.is_empty() {
        beginning(data);
    }
}

/// What a file's first seconds need lies inside, and is found out by reading little more than its index.
fn beginning(data: &[u8]) {
    let file = Bytes::copy_from_slice(data);
    let mut beginning = Beginning::new(file.len() as u64, 2);
    for _ in 0..4 * file.len() + 10_000 {
        match beginning.poll() {
            Need::Bytes(range) => {
                let end = range.offset.checked_add(range.length).expect("a read ends somewhere");
                assert!(range.length > 0 && end <= file.len() as u64, "{range:?} of a file of {} bytes", file.len());
                beginning.give(file.slice(range.offset as usize..end as usize));
            }
            Need::UpTo(end) => return assert!(end < file.len() as u64, "{end} of a file of {} bytes", file.len()),
            Need::Whole => return,
        }
    }
    panic!("no end of questions");
}

/// Demuxes a file. `each` takes every packet with the tracks and the packet's bytes.
pub(crate) fn drive(file: &[u8], told: bool, mut each: impl FnMut(&[Track], &Packet, &[u8])) {
    let file = Bytes::copy_from_slice(file);
    let mut demuxer = open(&file, told.then_some(file.len() as u64));
    let mut run = Run { file: &file, told, last: Vec::new(), ready: false, packets: 0, given: 0 };
    let mut warnings = 0;
    // Reads of a byte, packets without one: more of either than this is no progress.
    let most = 4 * file.len() + 10_000;
    for _ in 0..most {
        match demuxer.poll() {
            Ok(Step::Read(range)) => {
                let bytes = run.read(range.offset, range.length);
                demuxer.give(bytes);
            }
            Ok(Step::Ready) => run.ready(demuxer.tracks()),
            Ok(Step::Packet(packet)) => {
                let bytes = run.packet(&packet);
                unlock(&demuxer, &packet, &bytes);
                each(demuxer.tracks(), &packet, &bytes);
            }
            Ok(Step::End) => {
                assert!(run.ready, "it ends before it was ready");
                assert_eq!(demuxer.poll(), Ok(Step::End), "the end stays");
                return;
            }
            Err(error) => {
                assert!(!error.reason.is_empty() && !error.reason.ends_with('.'), "{error:?}");
                assert_eq!(demuxer.poll(), Err(error), "an error stays");
                return;
            }
        }
        assert!(demuxer.chapters().len() <= Chapter::MOST, "{} chapters", demuxer.chapters().len());
        warnings += demuxer.take_warnings().len();
        assert!(warnings <= 100, "more than 100 warnings");
    }
    panic!("no end after {most} steps");
}

/// An encrypted sample says under what; it is decrypted or refused, and what comes out is looked at.
fn unlock(demuxer: &Demuxer, packet: &Packet, bytes: &[u8]) {
    let protection = demuxer.packet_protection();
    assert_eq!(packet.encryption.is_some(), protection.is_some(), "an encrypted sample is protected");
    let (Some(encryption), Some(protection)) = (&packet.encryption, protection) else { return };
    let mut sample = bytes.to_vec();
    if decrypt_sample(&ContentKey::new([9; 16]), protection, encryption, &mut sample).is_ok() {
        let _ = SampleCheck::new(&demuxer.tracks()[packet.track].config).look(&sample);
    }
}

/// The demuxer that the first bytes ask for; damaged ones go to all three in turn.
fn open(file: &Bytes, length: Option<u64>) -> Demuxer {
    Demuxer::detect(&file[..file.len().min(Demuxer::HEAD)], length).unwrap_or_else(|error| {
        assert!(!error.reason.is_empty());
        match file.first().map_or(0, |byte| byte % 3) {
            0 => Demuxer::Mp4(Box::new(Mp4Demuxer::new(length))),
            1 => Demuxer::Ts(Box::new(TsDemuxer::new(length))),
            _ => Demuxer::Mkv(Box::new(MkvDemuxer::new(length))),
        }
    })
}

struct Run<'a> {
    file: &'a Bytes,
    told: bool,
    last: Vec<i64>,
    ready: bool,
    packets: usize,
    given: u64,
}

impl Run<'_> {
    fn read(&mut self, offset: u64, length: u64) -> Bytes {
        assert!((1..=Step::MAX_READ).contains(&length), "a read of {length} bytes");
        let end = offset.checked_add(length).expect("a read ends somewhere");
        let size = self.file.len() as u64;
        assert!(!self.told || offset <= size, "a read at {offset} of a file of {size} bytes");
        let range = offset.min(size) as usize..end.min(size) as usize;
        self.given += range.len() as u64;
        assert!(self.given <= 64 * size + (64 << 10), "{} bytes were read of {size}", self.given);
        self.file.slice(range)
    }

    fn ready(&mut self, tracks: &[Track]) {
        assert!(!self.ready, "ready twice");
        self.ready = true;
        self.last = vec![i64::MIN; tracks.len()];
    }

    fn packet(&mut self, packet: &Packet) -> Bytes {
        assert!(self.ready, "a packet before the tracks");
        self.packets += 1;
        let last = &mut self.last[packet.track];
        assert!(packet.dts > *last, "track {}: {} follows {last}", packet.track, packet.dts);
        *last = packet.dts;
        assert_ne!(packet.duration, Some(0), "a packet without length");
        match &packet.data {
            Data::At(range) => {
                let end = range.offset.checked_add(range.length).expect("a sample ends somewhere");
                let inside = end <= self.file.len() as u64;
                assert!(inside || !self.told, "{range:?} of a file of {} bytes", self.file.len());
                if inside { self.file.slice(range.offset as usize..end as usize) } else { Bytes::new() }
            }
            Data::Here(bytes) => bytes.clone(),
        }
    }
}
