//! Opus beside AAC: the same samples, counted alike, in their places.

use std::path::{Path, PathBuf};

use media_types::{AudioCodec, AudioPlan, CodecConfig, Sample};
use pipeline::{AudioOrder, AudioSummary, CollectingSink, Engine};

use crate::loudness::heard;
use crate::media::{Folder, open, run};
use crate::sound::{adts, clicks};

/// The first sound of a file, planned by a ladder that wants Opus.
fn planned(file: &Path) -> (engine_libav::LibavEngine, AudioPlan) {
    let mut engine = open(file);
    let mut ladder = ladders::builtin("film").unwrap();
    ladder.audio.opus_bitrate_bps = Some(64_000);
    let plan = pipeline::plan(&engine.probe().unwrap(), &ladder).unwrap();
    (engine, plan.audio[0].clone())
}

struct Encoded {
    plan: AudioPlan,
    summary: AudioSummary,
    sink: CollectingSink,
}

fn encode(file: &Path, gain_db: f64) -> Encoded {
    let (mut engine, plan) = planned(file);
    let mut sink = CollectingSink::new(100_000);
    let summary = engine.encode_audio(&AudioOrder { plan: plan.clone(), gain_db }, &mut sink).unwrap();
    for (track, coding) in (0..).zip(plan.codings()) {
        let (config, priming) = &sink.configs[&track];
        assert_eq!(AudioCodec::of(config), Some(coding.codec));
        let (frame, coded) = (coding.codec.frame_samples(), &sink.samples[&track]);
        for (index, sample) in (0i64..).zip(coded) {
            let start = index * i64::from(frame);
            assert_eq!((sample.dts, sample.pts, sample.duration, sample.keyframe), (start, start, frame, true));
        }
        let wanted = (plan.sample_count + u64::from(*priming)).div_ceil(frame.into());
        assert_eq!(coded.len() as u64, wanted, "{:?}: no frame too many", coding.codec);
    }
    assert_eq!((sink.samples.len(), sink.progress), (2, (plan.sample_count, plan.sample_count)));
    Encoded { plan, summary, sink }
}

impl Encoded {
    fn aac(&self, folder: &Folder) -> (PathBuf, usize) {
        let (CodecConfig::Aac(config), priming) = &self.sink.configs[&0] else { panic!("not AAC") };
        let file = folder.path("out.aac");
        let stream: Vec<u8> = self.sink.samples[&0].iter().flat_map(|sample| adts(config, &sample.data)).collect();
        std::fs::write(&file, stream).unwrap();
        (file, *priming as usize)
    }

    /// As Ogg, which states both what is skipped and where the sound ends.
    fn opus(&self, folder: &Folder) -> PathBuf {
        let (CodecConfig::Opus(config), priming) = &self.sink.configs[&1] else { panic!("not Opus") };
        let head = bitstream::audio::opus::Config::parse(config).unwrap();
        assert_eq!(
            (head.pre_skip.into(), head.input_rate, u32::from(head.channels)),
            (*priming, 48_000, self.plan.channels)
        );
        let file = folder.path("out.opus");
        std::fs::write(
            &file,
            ogg(&head.to_head(), &self.sink.samples[&1], self.plan.sample_count + u64::from(*priming)),
        )
        .unwrap();
        file
    }
}

/// RFC 7845: one packet a page.
fn ogg(head: &[u8], packets: &[Sample], end: u64) -> Vec<u8> {
    let tags = b"OpusTags\0\0\0\0\0\0\0\0".to_vec();
    let mut out = page(0, 2, 0, head);
    out.extend(page(1, 0, 0, &tags));
    for (index, packet) in packets.iter().enumerate() {
        let last = index + 1 == packets.len();
        let at = if last { end } else { (index as u64 + 1) * 960 };
        out.extend(page(index as u32 + 2, if last { 4 } else { 0 }, at, &packet.data));
    }
    out
}

fn page(number: u32, flags: u8, position: u64, packet: &[u8]) -> Vec<u8> {
    let mut page = b"OggS\0".to_vec();
    page.push(flags);
    page.extend(position.to_le_bytes());
    page.extend(7u32.to_le_bytes());
    page.extend(number.to_le_bytes());
    page.extend([0; 4]);
    page.push((packet.len() / 255 + 1) as u8);
    page.extend(vec![255; packet.len() / 255]);
    page.push((packet.len() % 255) as u8);
    page.extend(packet);
    let crc = page.iter().fold(0u32, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte) << 24, |crc, _| crc << 1 ^ if crc >> 31 == 1 { 0x04c1_1db7 } else { 0 })
    });
    page[22..26].copy_from_slice(&crc.to_le_bytes());
    page
}

/// First channel of a file, as FFmpeg decodes it.
fn decoded(file: &Path, channels: u32) -> Vec<f32> {
    let raw = run(["-i", file.to_str().unwrap(), "-f", "f32le", "-"]);
    let all = raw.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
    all.step_by(channels as usize).collect()
}

fn loudest(samples: &[f32], from: usize, to: usize) -> usize {
    (from..to).max_by(|a, b| samples[*a].abs().total_cmp(&samples[*b].abs())).unwrap()
}

#[test]
fn a_click_is_at_the_same_sample_in_both_codecs() {
    let folder = Folder::new();
    let video = "-f lavfi -i color=gray:s=64x64:r=24000/1001:d=8";
    for (rate, output) in [(44_100, "-c:a pcm_s16le a.mov"), (48_000, "-c:a flac a.mkv"), (44_100, "-c:a aac a.ts")] {
        clicks(&folder, "clicks.wav", rate, 8.0, &[0.5, 3.0, 7.5]);
        let file =
            folder.make(&format!("{video} -i @clicks.wav -map 0:v -map 1:a -c:v libx264 -preset ultrafast {output}"));
        let made = encode(&file, 0.0);
        assert_eq!((made.plan.sample_rate, made.plan.channels), (48_000, 1), "the only rate of Opus");
        let opus = decoded(&made.opus(&folder), 1);
        assert_eq!(opus.len() as u64, made.plan.sample_count, "{output}");
        let (aac, priming) = made.aac(&folder);
        let aac = &decoded(&aac, 1)[priming..];
        for at in [0.5, 3.0, 7.5] {
            let place = (at * 48_000.0) as usize;
            let [one, other] = [aac, &opus[..]].map(|samples| loudest(samples, place - 2000, place + 2000));
            assert!(one.abs_diff(place) < 64 && other.abs_diff(place) < 64, "{output}: {one} and {other} for {place}");
        }
    }
}

#[test]
fn sound_of_any_length_is_as_long_in_opus() {
    let folder = Folder::new();
    for samples in [1u32, 312, 648, 649, 960, 1608, 48_000, 50_001] {
        let file =
            folder.make(&format!("-f lavfi -i sine=r=48000,atrim=end_sample={samples} -c:a pcm_s16le a{samples}.wav"));
        let made = encode(&file, 0.0);
        assert_eq!((made.plan.sample_count, made.summary.samples), (samples.into(), samples.into()));
        assert_eq!(decoded(&made.opus(&folder), made.plan.channels).len(), samples as usize);
    }
}

#[test]
fn both_codecs_come_out_at_the_ladders_loudness_by_one_gain() {
    let folder = Folder::new();
    let noise = "anoisesrc=c=pink:a=0.3:r=44100:d=12:seed=3,highpass=f=150,lowpass=f=6000";
    let file = folder.make(&format!("-f lavfi -i {noise} -ac 2 -c:a flac quiet.flac"));
    let (mut engine, plan) = planned(&file);
    let gain_db = engine.measure_audio(&plan).unwrap().gain_db(&plan.loudness.unwrap());
    assert!(gain_db > 5.0);
    let made = encode(&file, gain_db);
    let coded = made.summary.coded.integrated_lufs.unwrap();
    for file in [made.aac(&folder).0, made.opus(&folder)] {
        let (lufs, peak) = heard(&file);
        assert!((lufs.unwrap() + 16.0).abs() < 0.5 && (lufs.unwrap() - coded).abs() < 0.4, "{file:?}: {lufs:?}");
        assert!(peak.unwrap() <= -0.5, "{file:?}: {peak:?} dBTP");
    }
}
