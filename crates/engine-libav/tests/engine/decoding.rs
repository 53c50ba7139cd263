//! Decoding what the engine made, and reading the pictures' numbers.

use std::path::Path;

use engine_libav::LibavEngine;
use media_types::{CodecConfig, EncodePlan, ProbeReport, Sample, VideoPlan};
use pipeline::{CollectingSink, Engine, RangeCheck, RangeOrder, RangeSummary, check_range};

use crate::media::{CELLS, Folder, planned, run};

/// What became of a source's pictures.
pub(crate) struct Encoded {
    pub(crate) report: ProbeReport,
    pub(crate) plan: EncodePlan,
    pub(crate) summaries: Vec<RangeSummary>,
    /// Pictures that were encoded.
    pub(crate) pictures: usize,
    /// The number that each output frame shows, over all ranges.
    pub(crate) numbers: Vec<Option<u32>>,
}

impl Encoded {
    pub(crate) fn video(&self) -> &VideoPlan {
        self.plan.video.as_ref().unwrap()
    }

    pub(crate) fn missing(&self) -> u64 {
        self.summaries.iter().map(|summary| summary.missing_pictures).sum()
    }

    /// The number that each output frame should show, when the source's pictures are numbered from `first`.
    pub(crate) fn planned_numbers(&self, first: u32) -> Vec<Option<u32>> {
        let packets = &self.report.video.as_ref().unwrap().packets;
        let number = |pts: i64| packets.binary_search_by_key(&pts, |packet| packet.pts).unwrap() as u32 + first;
        let shown = self.video().frame_map.0.iter();
        shown.flat_map(|shown| std::iter::repeat_n(Some(number(shown.source_pts)), shown.frames as usize)).collect()
    }
}

/// One range of the lowest rendition, checked against its order.
pub(crate) fn encode(engine: &mut LibavEngine, order: &RangeOrder) -> (CollectingSink, RangeSummary) {
    let mut sink = CollectingSink::new(100_000);
    let summary = engine.encode_range(order, &mut sink).unwrap();
    check_range(order, &summary).unwrap();
    let mut check = RangeCheck::new(order);
    for (&track, samples) in &sink.samples {
        for sample in samples {
            check.sample(track, sample).unwrap();
        }
    }
    check.finish().unwrap();
    assert_eq!(sink.progress, (order.frame_count(), order.frame_count()));
    (sink, summary)
}

/// Encodes every range of the file's lowest rendition and reads all numbers.
pub(crate) fn encode_all(folder: &Folder, file: &Path) -> Encoded {
    let (engine, report, plan) = planned(file);
    encode_plan(folder, engine, report, plan)
}

/// As [`encode_all`], with the pictures deinterlaced or not, whatever their fields show.
pub(crate) fn encode_deinterlaced(folder: &Folder, file: &Path, deinterlace: bool) -> Encoded {
    let (engine, report, mut plan) = planned(file);
    plan.video.as_mut().unwrap().deinterlace = deinterlace;
    encode_plan(folder, engine, report, plan)
}

/// As [`encode_all`], by another plan.
pub(crate) fn encode_plan(folder: &Folder, mut engine: LibavEngine, report: ProbeReport, plan: EncodePlan) -> Encoded {
    let video = plan.video.as_ref().unwrap();
    let (mut summaries, mut stream, mut shown) = (Vec::new(), Vec::new(), Vec::new());
    for range in &video.ranges {
        let (sink, summary) = encode(&mut engine, &RangeOrder::new(video, range, &[0]));
        stream.extend(annex_b(&sink.configs[&0].0, &sink.samples[&0]));
        shown.extend(sink.samples[&0].iter().map(|sample| sample.pts as u64 / u64::from(video.frame_ticks)));
        summaries.push(summary);
    }
    shown.sort_unstable();
    let (width, height) = (video.renditions[0].width as usize, video.renditions[0].height as usize);
    let decoded = numbers(&grey(folder, &stream), width, height);
    assert_eq!(decoded.len(), shown.len());
    let end: u64 = video.ranges.iter().map(|range| range.frame_count).sum();
    let ends: Vec<u64> = shown.iter().skip(1).copied().chain([end]).collect();
    let held = decoded.iter().zip(&shown).zip(ends);
    let numbers = held.flat_map(|((number, from), to)| std::iter::repeat_n(*number, (to - from) as usize)).collect();
    Encoded { pictures: shown.len(), report, summaries, numbers, plan }
}

/// ISO/IEC 14496-15 samples as a stream that stands alone.
pub(crate) fn annex_b(config: &CodecConfig, samples: &[Sample]) -> Vec<u8> {
    let CodecConfig::Avc(record) = config else { panic!("not H.264") };
    let mut stream = Vec::new();
    let sps = u16::from_be_bytes([record[6], record[7]]) as usize;
    let pps = u16::from_be_bytes([record[9 + sps], record[10 + sps]]) as usize;
    for unit in [&record[8..8 + sps], &record[11 + sps..11 + sps + pps]] {
        stream.extend([0, 0, 0, 1]);
        stream.extend(unit);
    }
    for sample in samples {
        let mut rest = &sample.data[..];
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            let (unit, after) = after.split_at(u32::from_be_bytes(*length) as usize);
            stream.extend([0, 0, 0, 1]);
            stream.extend(unit);
            rest = after;
        }
    }
    stream
}

/// The luma of all pictures of an H.264 stream, as decoded by the `ffmpeg` program.
pub(crate) fn grey(folder: &Folder, stream: &[u8]) -> Vec<u8> {
    let file = folder.path("out.h264");
    std::fs::write(&file, stream).unwrap();
    let file = file.to_str().unwrap();
    run(["-f", "h264", "-i", file, "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "gray", "-"])
}

/// The luma of all pictures of a track in any codec, as the `ffmpeg` program decodes them without a word.
pub(crate) fn decode(folder: &Folder, config: &CodecConfig, samples: &[Sample]) -> Vec<u8> {
    decode_as(folder, config, samples, "gray")
}

/// All planes of them in a format.
pub(crate) fn decode_as(folder: &Folder, config: &CodecConfig, samples: &[Sample], format: &str) -> Vec<u8> {
    let wanted = format;
    let (format, stream) = match config {
        CodecConfig::Avc(_) => ("h264", annex_b(config, samples)),
        CodecConfig::Hevc(record) => ("hevc", hevc_annex_b(record, samples)),
        CodecConfig::Av1(_) => ("ivf", ivf(b"AV01", &[0x12, 0], samples)),
        CodecConfig::Vp9(_) => ("ivf", ivf(b"VP90", &[], samples)),
        other => panic!("{other:?}"),
    };
    let file = folder.path(&format!("out.{format}"));
    std::fs::write(&file, stream).unwrap();
    let mut command = std::process::Command::new("ffmpeg");
    command.args(["-nostdin", "-hide_banner", "-v", "warning", "-f", format, "-i"]).arg(file);
    let output =
        command.args(["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", wanted, "-"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{format}: {said}");
    output.stdout
}

fn hevc_annex_b(record: &[u8], samples: &[Sample]) -> Vec<u8> {
    let record = bitstream::hevc::Record::parse(record).unwrap();
    let sets = record.vps.iter().chain(&record.sps).chain(&record.pps).copied();
    let units = samples.iter().flat_map(|sample| bitstream::bits::length_prefixed(&sample.data)).map(Option::unwrap);
    sets.chain(units).flat_map(|unit| [&[0, 0, 0, 1], unit].concat()).collect()
}

/// The file that AV1 and VP9 are tested with; `before` stands before each sample.
fn ivf(name: &[u8; 4], before: &[u8], samples: &[Sample]) -> Vec<u8> {
    let mut out = b"DKIF\0\0\x20\0".to_vec();
    out.extend(name);
    out.extend([160u16, 96].iter().flat_map(|side| side.to_le_bytes()));
    out.extend([90_000u32, 1, samples.len() as u32, 0].iter().flat_map(|number| number.to_le_bytes()));
    for sample in samples {
        out.extend(((before.len() + sample.data.len()) as u32).to_le_bytes());
        out.extend((sample.pts as u64).to_le_bytes());
        out.extend(before);
        out.extend(&sample.data);
    }
    out
}

/// Reads each picture's number; `None` where the strip makes no sense.
pub(crate) fn numbers(pictures: &[u8], width: usize, height: usize) -> Vec<Option<u32>> {
    pictures.chunks_exact(width * height).map(|picture| number(picture, width, height)).collect()
}

fn number(picture: &[u8], width: usize, height: usize) -> Option<u32> {
    let cell = |index: usize| {
        let (x, y) = ((2 * index + 1) * width / (2 * CELLS), height / 8);
        picture[y * width + x] > 128
    };
    let bits: Vec<bool> = (2..14).map(cell).collect();
    let parity = bits.iter().filter(|bit| **bit).count() % 2 == 1;
    let whole = cell(0) && !cell(1) && cell(15) && cell(14) == parity;
    whole.then(|| bits.iter().fold(0, |number, &bit| number << 1 | u32::from(bit)))
}

/// Encodes the file and demands that every frame shows what was planned.
pub(crate) fn demand_exact(folder: &Folder, file: &Path) -> Encoded {
    let encoded = encode_all(folder, file);
    assert_shown(&encoded, &encoded.planned_numbers(0), &file.display().to_string());
    assert_eq!(encoded.missing(), 0, "{}", file.display());
    encoded
}

pub(crate) fn assert_shown(encoded: &Encoded, expected: &[Option<u32>], what: &str) {
    let wrong = encoded.numbers.iter().zip(expected).position(|(found, wanted)| found != wanted);
    if let Some(at) = wrong {
        let around = at.saturating_sub(3)..(at + 8).min(expected.len());
        panic!("{what}: from frame {at}, {:?} instead of {:?}", &encoded.numbers[around.clone()], &expected[around]);
    }
    assert_eq!(encoded.numbers.len(), expected.len(), "{what}");
}
