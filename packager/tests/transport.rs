//! Segments of MPEG-TS and their playlists, read back by a reader that knows nothing of the writer.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;

use bitstream::annex_b;
use bitstream::audio::aac::adts;
use common::{aac, audio_samples, avc, bare, scale, video_samples};
use drm::{ContentKey, HlsMethod, KeyId, SampleCipher, SegmentCipher};
use media_types::{CodecConfig, Sample, TrackKind, TrackRecord};
use packager::{
    PackageError, SampleMeta, TrackSamples, TransportKey, TransportVariant, TransportWriter, fits_transport,
    transport_playlists,
};
use proptest::prelude::*;

const PICTURES: u16 = 0x100;
const SOUND: u16 = 0x101;

/// What lies in packets of one PID from one unit start to the next.
struct Unit {
    pid: u16,
    random_access: bool,
    bytes: Vec<u8>,
}

/// A stream taken apart.
#[derive(Default)]
struct Read {
    counters: BTreeMap<u16, u8>,
    units: Vec<Unit>,
    /// Samples of the clock with how many units had begun.
    clocks: Vec<(usize, u64)>,
}

impl Read {
    /// Reads one segment; continuity counters go on from the last one.
    fn segment(&mut self, bytes: &[u8]) {
        assert_eq!(bytes.len() % 188, 0);
        for packet in bytes.chunks_exact(188) {
            self.packet(packet);
        }
    }

    fn packet(&mut self, packet: &[u8]) {
        assert_eq!((packet[0], packet[1] & 0x80, packet[3] & 0xc0), (0x47, 0, 0));
        let pid = u16::from_be_bytes([packet[1] & 0x1f, packet[2]]);
        let has_payload = packet[3] & 0x10 != 0;
        let wanted = self.counters.get(&pid).map(|last| if has_payload { (last + 1) % 16 } else { *last });
        assert_eq!(packet[3] & 15, wanted.unwrap_or(packet[3] & 15), "PID {pid:x}");
        self.counters.insert(pid, packet[3] & 15);
        let mut at = 4;
        let mut random_access = false;
        if packet[3] & 0x20 != 0 {
            at += 1 + usize::from(packet[4]);
            let field = &packet[5..at];
            random_access = field.first().is_some_and(|flags| flags & 0x40 != 0);
            if field.first().is_some_and(|flags| flags & 0x10 != 0) {
                let base = field[1..6].iter().fold(0u64, |base, byte| base << 8 | u64::from(*byte)) >> 7;
                self.clocks.push((self.units.len(), base));
            }
        }
        if packet[1] & 0x40 != 0 {
            self.units.push(Unit { pid, random_access, bytes: Vec::new() });
        }
        if has_payload {
            let unit = self.units.iter_mut().rfind(|unit| unit.pid == pid).unwrap();
            unit.bytes.extend_from_slice(&packet[at..]);
        } else {
            assert_eq!(at, 188, "a packet without payload is full");
        }
    }

    fn of(&self, pid: u16) -> Vec<Pes> {
        self.units.iter().filter(|unit| unit.pid == pid).map(Pes::read).collect()
    }

    /// Stream types, PIDs and descriptors of the last program map.
    fn map(&self) -> Vec<(u8, u16, Vec<u8>)> {
        let section = |pid: u16| {
            let unit = self.units.iter().rfind(|unit| unit.pid == pid).unwrap();
            let length = 3 + usize::from(u16::from_be_bytes([unit.bytes[2] & 15, unit.bytes[3]]));
            assert_eq!(scte35::crc32(&unit.bytes[1..=length]), 0, "the check fits");
            unit.bytes[1..=length].to_vec()
        };
        let association = section(0);
        let pid = u16::from_be_bytes([association[10] & 0x1f, association[11]]);
        let map = section(pid);
        let (mut rest, mut streams) = (&map[12..map.len() - 4], Vec::new());
        while let [kind, high, low, _, length, tail @ ..] = rest {
            let (own, tail) = tail.split_at(usize::from(*length));
            streams.push((*kind, u16::from_be_bytes([high & 0x1f, *low]), own.to_vec()));
            rest = tail;
        }
        streams
    }
}

/// A PES packet.
#[derive(Debug)]
struct Pes {
    id: u8,
    pts: u64,
    dts: u64,
    random_access: bool,
    data: Vec<u8>,
}

impl Pes {
    fn read(unit: &Unit) -> Self {
        let bytes = &unit.bytes;
        assert_eq!((&bytes[..3], bytes[6]), (&[0, 0, 1][..], 0x84));
        let length = usize::from(u16::from_be_bytes([bytes[4], bytes[5]]));
        assert!(length == 0 && bytes.len() > 0xffff || length + 6 == bytes.len(), "{length} of {}", bytes.len());
        let stamp = |at: usize| {
            let part = |at: usize, bits: u64| u64::from(u16::from_be_bytes([bytes[at], bytes[at + 1]])) >> 1 & bits;
            assert!(bytes[at] & 1 == 1 && bytes[at + 2] & 1 == 1 && bytes[at + 4] & 1 == 1, "marker bits");
            u64::from(bytes[at] >> 1 & 7) << 30 | part(at + 1, 0x7fff) << 15 | part(at + 3, 0x7fff)
        };
        let pts = stamp(9);
        let dts = if bytes[7] == 0xc0 { stamp(14) } else { pts };
        let data = bytes[9 + usize::from(bytes[8])..].to_vec();
        Self { id: bytes[3], pts, dts, random_access: unit.random_access, data }
    }
}

/// Samples as they are handed over.
struct Handed(Vec<SampleMeta>, Vec<u8>);

impl Handed {
    fn new(samples: &[Sample], shift: i64) -> Self {
        let meta = |sample: &Sample| {
            let Sample { dts, pts, duration, keyframe, .. } = *sample;
            SampleMeta { dts: dts + shift, pts, duration, size: sample.data.len() as u32, keyframe }
        };
        let bytes = samples.iter().flat_map(|sample| sample.data.to_vec()).collect();
        Self(samples.iter().map(meta).collect(), bytes)
    }

    fn given(&self) -> TrackSamples<'_> {
        TrackSamples { samples: &self.0, data: &self.1 }
    }
}

fn pictures_track() -> TrackRecord {
    let kind = TrackKind::Video { width: 640, height: 360, rate_num: 24_000, rate_den: 1001, sample_aspect: (1, 1) };
    // One picture is decoded before it is shown.
    TrackRecord { hidden_ticks: 1001, ..bare("video-360p", kind, scale(24_000), avc()) }
}

fn sound_track(config: CodecConfig) -> TrackRecord {
    let kind = TrackKind::Audio { sample_rate: 44_100, channels: 2 };
    TrackRecord { hidden_ticks: 1024, language: "de".to_owned(), ..bare("audio-de", kind, scale(44_100), config) }
}

/// 144 pictures in 3 segments with the sound that belongs to them, whose first frame is priming.
fn segments() -> Vec<(Handed, Handed)> {
    let size = |frame: u64| if frame.is_multiple_of(48) { 70_000 } else { 100 + frame as usize * 7 };
    let borders = [0, 88, 173, 259].map(|frame| frame as u64);
    let sound = |k: usize| audio_samples(borders[k], borders[k + 1] - borders[k], 1024, |frame| 200 + frame as usize);
    (0..3)
        .map(|k| (Handed::new(&video_samples(48 * k as u64, 48, 1001, 48, size), 0), Handed::new(&sound(k), 0)))
        .collect()
}

fn cipher() -> SampleCipher {
    SampleCipher::new(&ContentKey::new([3; 16]), KeyId([4; 16]), "ts/a")
}

/// Writes segments with pictures, with sound or both; gives each.
fn written(pictures: bool, sound: bool, cipher: Option<SampleCipher>) -> Vec<Vec<u8>> {
    let (video, audio) = (pictures_track(), sound_track(aac(44_100)));
    let audio = sound.then_some((&audio, &[7; 12][..]));
    let mut writer = TransportWriter::new(pictures.then_some(&video), audio, cipher).unwrap();
    let write = |(index, (seen, heard)): (usize, &(Handed, Handed))| {
        let mut out = vec![9; 5];
        writer.segment(index as u32, seen.given(), heard.given(), &mut out).unwrap();
        out
    };
    segments().iter().enumerate().map(write).collect()
}

fn read(segments: &[Vec<u8>]) -> Read {
    let mut read = Read::default();
    segments.iter().for_each(|segment| read.segment(segment));
    read
}

fn ninety_khz(ticks: i64, scale: i64) -> u64 {
    (900_000 + (ticks as f64 * 90_000.0 / scale as f64).round() as i64) as u64
}

#[test]
fn every_segment_begins_with_tables_and_a_keyframe_behind_its_parameter_sets() {
    let segments = written(true, true, None);
    for segment in &segments {
        let read = read(std::slice::from_ref(segment));
        let pids: Vec<u16> = read.units[..3].iter().map(|unit| unit.pid).collect();
        assert_eq!(pids, [0, 0x1000, PICTURES]);
        let first = &read.of(PICTURES)[0];
        let kinds: Vec<u8> = annex_b::units(&first.data).map(|unit| unit[0] & 31).collect();
        assert_eq!((first.id, first.random_access, &kinds[..]), (0xe0, true, &[9, 7, 8, 5][..]));
        assert!(first.data.starts_with(&[0, 0, 0, 1, 9, 0xf0, 0, 0, 0, 1, 0x67]));
    }
    let told = read(&segments).map();
    assert_eq!(told, [(0x1b, PICTURES, vec![]), (0x0f, SOUND, b"\x0a\x04deu\0".to_vec())]);
}

#[test]
fn samples_come_back_with_their_exact_times_and_sound_and_picture_of_time_0_have_one_stamp() {
    let segments_in = segments();
    let read = read(&written(true, true, None));
    let pictures: Vec<(u64, u64, Vec<u8>)> = segments_in
        .iter()
        .flat_map(|(Handed(samples, data), _)| {
            let mut rest = &data[..];
            samples.iter().map(move |sample| {
                let (here, tail) = rest.split_at(sample.size as usize);
                rest = tail;
                (ninety_khz(sample.pts, 24_000), ninety_khz(sample.dts - 1001, 24_000), here[4..].to_vec())
            })
        })
        .collect();
    let found = read.of(PICTURES).into_iter().map(|pes| {
        let slice = annex_b::units(&pes.data).last().unwrap().to_vec();
        (pes.pts, pes.dts, slice)
    });
    assert!(found.eq(pictures), "pictures");

    let heard = read.of(SOUND);
    assert_eq!((heard[0].pts, heard[0].id, read.of(PICTURES)[0].pts), (900_000, 0xc0, 900_000));
    let (mut at, mut frames) = (0, Vec::new());
    for pes in &heard {
        assert_eq!(pes.pts, ninety_khz(at * 1024, 44_100), "frame {at}");
        for frame in adts::Frames::new(&pes.data) {
            let header = frame.header;
            assert_eq!((header.object_type, header.rate, header.channel_config, frame.skipped), (2, 44_100, 2, 0));
            frames.push(pes.data[frame.payload].to_vec());
            at += 1;
        }
    }
    // All but the first, which ends when presentation starts.
    let wanted: Vec<Vec<u8>> = (1..259).map(|frame| vec![0x21; 200 + frame]).collect();
    assert_eq!(frames, wanted);
    assert!(heard.len() < frames.len() / 5, "several frames share a unit");
}

#[test]
fn the_clock_comes_every_100_ms_and_ahead_of_all_that_it_times() {
    for (pictures, sound, clock_pid) in [(true, true, PICTURES), (true, false, PICTURES), (false, true, SOUND)] {
        let read = read(&written(pictures, sound, None));
        let times: Vec<u64> = read.clocks.iter().map(|(_, base)| *base).collect();
        assert!(times.windows(2).all(|pair| pair[0] < pair[1] && pair[1] - pair[0] <= 9_000), "{times:?}");
        let mut of = read.of(clock_pid).into_iter();
        for (position, unit) in read.units.iter().enumerate().filter(|(_, unit)| unit.pid == clock_pid) {
            let dts = of.next().unwrap().dts;
            let arriving = read.clocks.iter().rfind(|(begun, _)| *begun <= position).unwrap().1;
            assert!(arriving < dts && dts - arriving <= 90_000, "{arriving} {dts} {}", unit.pid);
        }
    }
}

#[test]
fn a_picture_that_stands_has_a_clock_beside_it_but_no_more_than_a_minute_of_it() {
    let track = pictures_track();
    for (seconds, most) in [(3u32, 32), (2_000_000, 1300)] {
        let mut samples = video_samples(0, 1, 24_000, 1, |_| 50);
        samples[0].duration = 24_000 * seconds.min(100_000);
        let handed = Handed::new(&samples, 0);
        let mut writer = TransportWriter::new(Some(&track), None, None).unwrap();
        let mut out = Vec::new();
        writer.segment(0, handed.given(), TrackSamples::default(), &mut out).unwrap();
        let clocks = read(&[out]).clocks.len();
        assert!(clocks >= 29 && clocks < most, "{clocks}");
    }
}

#[test]
fn sound_behind_a_gap_begins_a_unit_of_its_own() {
    let track = sound_track(aac(44_100));
    let mut samples = audio_samples(0, 9, 0, |_| 100);
    samples[3].duration += 44_100;
    samples[4..].iter_mut().for_each(|sample| (sample.dts, sample.pts) = (sample.dts + 44_100, sample.pts + 44_100));
    let handed = Handed::new(&samples, 0);
    let mut writer = TransportWriter::new(None, Some((&track, &[])), None).unwrap();
    let mut out = Vec::new();
    writer.segment(0, TrackSamples::default(), handed.given(), &mut out).unwrap();
    let starts: Vec<u64> = read(&[out]).of(SOUND).iter().map(|pes| pes.pts).collect();
    assert!(starts.contains(&ninety_khz(4 * 1024 + 44_100, 44_100)), "{starts:?}");
}

#[test]
fn encrypted_streams_have_types_of_their_own_and_say_what_decoders_need() {
    let map = read(&written(true, true, Some(cipher()))).map();
    assert_eq!(map[0], (0xdb, PICTURES, b"\x0f\x04zavc".to_vec()));
    let told = b"\x0f\x04aacd\x05\x0eapadzaac\0\0\x01\x02\x12\x10\x0a\x04deu\0";
    assert_eq!(map[1], (0xcf, SOUND, told.to_vec()));

    let configs = [
        (CodecConfig::Ac3(vec![0x10, 0x11, 0x40].into()), 0xc1, "\x0f\x04ac3d\x05\x16apadzac3\0\0\x01\x0a0123456789"),
        (
            CodecConfig::Eac3(vec![1, 2, 3, 4, 5].into()),
            0xc2,
            "\x0f\x04ec3d\x05\x11apadzec3\0\0\x01\x05\x01\x02\x03\x04\x05",
        ),
    ];
    for (config, stream_type, descriptors) in configs {
        let track = TrackRecord { language: "und".to_owned(), ..sound_track(config) };
        let mut writer = TransportWriter::new(None, Some((&track, b"0123456789abcdef")), Some(cipher())).unwrap();
        let mut out = Vec::new();
        writer.segment(0, TrackSamples::default(), TrackSamples::default(), &mut out).unwrap();
        assert_eq!(read(&[out]).map(), [(stream_type, SOUND, descriptors.as_bytes().to_vec())]);
    }
}

#[test]
fn encrypted_slices_decrypt_to_those_of_the_sample_once_emulation_prevention_is_taken_off() {
    let (clear, sealed) = (read(&written(true, true, None)), read(&written(true, true, Some(cipher()))));
    let mut changed = 0;
    for (clear, sealed) in clear.of(PICTURES).iter().zip(sealed.of(PICTURES)) {
        assert_eq!((clear.pts, clear.dts), (sealed.pts, sealed.dts));
        for (wanted, unit) in annex_b::units(&clear.data).zip(annex_b::units(&sealed.data)) {
            if ![1, 5].contains(&(wanted[0] & 31)) {
                assert_eq!(unit, wanted);
                continue;
            }
            // The chain is its own inverse only for who has the key; here it must be what the cipher makes of the unit.
            let mut expected = wanted.to_vec();
            assert!(cipher().nal_unit(&mut expected));
            let bare: Vec<u8> = bitstream::bits::RbspBytes::new(unit).collect();
            assert_eq!(bare, expected);
            changed += usize::from(bare != wanted);
        }
    }
    assert_eq!(changed, 144);
    let frames = |read: &Read| -> Vec<Vec<u8>> {
        let of =
            |pes: Pes| adts::Frames::new(&pes.data).map(|frame| pes.data[frame.payload].to_vec()).collect::<Vec<_>>();
        read.of(SOUND).into_iter().flat_map(of).collect()
    };
    for (mut wanted, frame) in frames(&clear).into_iter().zip(frames(&sealed)) {
        cipher().frame(&mut wanted);
        assert_eq!(frame, wanted);
    }
}

#[test]
fn what_a_transport_stream_does_not_carry_is_refused_with_the_reason() {
    let fits = |config: CodecConfig| fits_transport(&config).map_err(|error| error.to_string());
    assert_eq!(fits(avc()), Ok(()));
    // AAC-LC, HE-AAC with its extension in front and behind, AC-3.
    for config in [&[0x11, 0x90][..], &[0x2b, 0x92, 0x08, 0], &[0x13, 0x10, 0x56, 0xe5, 0x98]] {
        assert_eq!(fits(CodecConfig::Aac(config.to_vec().into())), Ok(()), "{config:x?}");
    }
    assert_eq!(fits(CodecConfig::Ac3(vec![0x10, 0x11, 0x40].into())), Ok(()));
    for (config, says) in [
        (CodecConfig::Opus(vec![0; 11].into()), "H.264"),
        (CodecConfig::Hevc(vec![0; 30].into()), "H.264"),
        // A program config element, a rate without an index, 960 samples a frame, xHE-AAC.
        (CodecConfig::Aac(vec![0x11, 0x80, 4, 0x90, 0, 0, 0, 0].into()), "A"),
        (CodecConfig::Aac(vec![0x17, 0x80, 0x55, 0xf0, 0x10].into()), "AAC"),
        (CodecConfig::Aac(vec![0x11, 0x94].into()), "AAC"),
        (CodecConfig::Avc(vec![1, 2, 3].into()), "avcC"),
    ] {
        let told = fits(config.clone());
        assert!(told.as_ref().is_err_and(|told| told.contains(says)), "{config:?}: {told:?}");
    }
    assert!(TransportWriter::new(None, None, None).is_err());
}

#[test]
fn a_segment_that_cannot_begin_and_a_sample_that_ends_too_early_are_refused() {
    let track = pictures_track();
    let mut writer = TransportWriter::new(Some(&track), None, None).unwrap();
    let mut write = |samples: &[Sample]| {
        writer.segment(4, Handed::new(samples, 0).given(), TrackSamples::default(), &mut Vec::new())
    };
    let mut samples = video_samples(0, 2, 1001, 48, |_| 50);
    assert_eq!(write(&samples[1..]), Err(PackageError::NotSync { index: 4 }));
    samples[1].data = samples[1].data.slice(..20);
    assert!(matches!(write(&samples), Err(PackageError::OutOfRange { index: 4, .. })));
}

/// Three tracks with segments, and their sizes as MPEG-TS.
fn tracks() -> (Vec<TrackRecord>, Vec<u64>) {
    let video = |height| common::video(height, 240).track;
    let audio = common::audio("audio-de", "de", 240).track;
    (vec![video(360), video(1080), video(720), audio], vec![1_000_000, 900_000, 500_000])
}

/// The playlists of four variants under this key.
fn playlists(key: Option<&TransportKey>) -> BTreeMap<String, String> {
    let (tracks, sizes) = tracks();
    let sound = |position: usize| (position < 3).then(|| &tracks[3]);
    let variants: Vec<_> = (0..4)
        .map(|position| TransportVariant { track: &tracks[position], sound: sound(position), sizes: &sizes, key })
        .collect();
    let files = transport_playlists(&variants).unwrap().into_iter();
    files.map(|file| (file.path, String::from_utf8(file.bytes.to_vec()).unwrap())).collect()
}

#[test]
fn playlists_are_of_version_3_and_every_variant_has_its_sound_inside() {
    let files = playlists(None);
    let names: Vec<_> = files.keys().map(String::as_str).collect();
    let wanted = ["audio-de", "video-1080p", "video-360p", "video-720p"].map(|name| format!("ts/{name}/media.m3u8"));
    assert_eq!(names, [&wanted[..1], &["ts/master.m3u8".to_owned()], &wanted[1..]].concat());
    let master = &files["ts/master.m3u8"];
    let uris: Vec<_> = master.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(uris, ["video-720p", "video-360p", "video-1080p", "audio-de"].map(|name| format!("{name}/media.m3u8")));
    assert!(master.starts_with("#EXTM3U\n#EXT-X-VERSION:3\n") && !master.contains("EXT-X-MEDIA"), "{master}");
    // 1,000,000 bytes in 4.004 s.
    let first = "BANDWIDTH=1998002,AVERAGE-BANDWIDTH=1918082,CODECS=\"avc1.640028,mp4a.40.2\",RESOLUTION=1280x720,FRAME-RATE=23.976";
    assert!(master.contains(first), "{master}");
    assert!(master.contains(",CODECS=\"mp4a.40.2\"\naudio-de/"), "{master}");
    let media = &files["ts/video-360p/media.m3u8"];
    assert_eq!(
        media,
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:1\n#EXT-X-PLAYLIST-TYPE:VOD\n\
         #EXT-X-INDEPENDENT-SEGMENTS\n#EXTINF:4.004000,\n00001.ts\n#EXTINF:4.004000,\n00002.ts\n#EXTINF:2.002000,\n\
         00003.ts\n#EXT-X-ENDLIST\n"
    );
    let (tracks, _) = tracks();
    let short = TransportVariant { track: &tracks[0], sound: None, sizes: &[1], key: None };
    assert!(transport_playlists(&[short]).is_err());
}

#[test]
fn each_segment_has_its_own_vector_and_samples_share_one() {
    let content = ContentKey::new([3; 16]);
    let cipher = SegmentCipher::new(&content, "ts/a");
    let ivs: Vec<_> = (0..3).map(|index| cipher.encrypt(index, &mut vec![0; 188])).collect();
    let keys = |key: &TransportKey| -> Vec<String> {
        let text = playlists(Some(key)).remove("ts/video-360p/media.m3u8").unwrap();
        text.lines().filter(|line| line.contains("KEY") || line.contains("VERSION")).map(str::to_owned).collect()
    };
    let hex = |iv: &drm::Iv| hex::encode(iv.as_bytes());
    let whole = TransportKey { method: HlsMethod::Aes128, uri: "k.bin".to_owned(), ivs: ivs.clone() };
    let mut wanted = vec!["#EXT-X-VERSION:3".to_owned()];
    wanted.extend(ivs.iter().map(|iv| format!("#EXT-X-KEY:METHOD=AES-128,URI=\"k.bin\",IV=0x{}", hex(iv))));
    assert_eq!(keys(&whole), wanted);
    let samples = TransportKey { method: HlsMethod::SampleAes, uri: "k.bin".to_owned(), ivs: ivs[..1].to_vec() };
    let told = format!(
        "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"k.bin\",IV=0x{},KEYFORMAT=\"identity\",KEYFORMATVERSIONS=\"1\"",
        hex(&ivs[0])
    );
    assert_eq!(keys(&samples), ["#EXT-X-VERSION:5".to_owned(), told]);
}

proptest! {
    #[test]
    fn no_samples_make_it_panic_and_what_comes_out_are_packets(
        pictures in prop::collection::vec((any::<i64>(), any::<i64>(), any::<u32>(), prop::collection::vec(0u8..9, 0..80)), 0..6),
        sound in prop::collection::vec((any::<i64>(), any::<u32>(), prop::collection::vec(any::<u8>(), 0..80)), 0..6),
        sealed in any::<bool>(), eac3 in any::<bool>(), missing in 0usize..9,
    ) {
        let meta = |dts, pts, duration, size: usize| SampleMeta { dts, pts, duration, size: size as u32, keyframe: true };
        let seen: Vec<_> = pictures.iter().map(|(dts, pts, duration, data)| meta(*dts, *pts, *duration, data.len())).collect();
        let heard: Vec<_> = sound.iter().map(|(pts, duration, data)| meta(*pts, *pts, *duration, data.len())).collect();
        let bytes: Vec<u8> = pictures.iter().flat_map(|(.., data)| data.clone()).collect();
        let sounding: Vec<u8> = sound.iter().flat_map(|(.., data)| data.clone()).collect();
        let config = if eac3 { CodecConfig::Eac3(vec![0; 300].into()) } else { aac(44_100) };
        let (video, audio) = (pictures_track(), sound_track(config));
        let mut writer = TransportWriter::new(Some(&video), Some((&audio, &sounding)), sealed.then(cipher));
        if let Ok(writer) = &mut writer {
            let mut out = Vec::new();
            let given = &bytes[..bytes.len().saturating_sub(missing)];
            let pictures = TrackSamples { samples: &seen, data: given };
            if writer.segment(0, pictures, TrackSamples { samples: &heard, data: &sounding }, &mut out).is_ok() {
                prop_assert!(out.len() % 188 == 0 && out.chunks_exact(188).all(|packet| packet[0] == 0x47));
            }
        }
    }
}
