//! Sound on the presentation's clock: every sample counted, every click where it was.

use std::path::{Path, PathBuf};

use media_types::{AudioPlan, CodecConfig};
use pipeline::{AudioOrder, AudioSummary, CollectingSink, Engine};

use crate::media::{Folder, planned, run};

/// How far a click may be from its place: resamplers and codecs smear it.
const TOLERANCE: i64 = 64;

/// Writes a WAV file of silence with a short click at each of `clicks` seconds.
pub(crate) fn clicks(folder: &Folder, name: &str, rate: u32, seconds: f64, clicks: &[f64]) -> PathBuf {
    let mut samples = vec![0i16; (seconds * f64::from(rate)) as usize];
    for click in clicks {
        let at = (click * f64::from(rate)) as usize;
        for (index, sample) in samples[at..at + 8].iter_mut().enumerate() {
            *sample = if index % 8 < 4 { 24_000 } else { -24_000 };
        }
    }
    let data: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let mut wav = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
    wav.extend(rate.to_le_bytes());
    wav.extend((rate * 2).to_le_bytes());
    wav.extend([2, 0, 16, 0]);
    wav.extend(b"data");
    wav.extend((data.len() as u32).to_le_bytes());
    wav.extend(data);
    let size = (wav.len() as u32 - 8).to_le_bytes();
    wav[4..8].copy_from_slice(&size);
    let file = folder.path(name);
    std::fs::write(&file, wav).unwrap();
    file
}

pub(crate) struct Heard {
    pub(crate) plan: AudioPlan,
    pub(crate) summary: AudioSummary,
    /// First channel on the presentation's clock, priming removed.
    pub(crate) samples: Vec<f32>,
}

pub(crate) fn hear(folder: &Folder, file: &Path) -> Heard {
    let (mut engine, _, plan) = planned(file);
    let plan = plan.audio[0].clone();
    let mut sink = CollectingSink::new(100_000);
    let summary = engine.encode_audio(&AudioOrder { plan: plan.clone(), gain_db: 0.0 }, &mut sink).unwrap();
    let (CodecConfig::Aac(config), priming) = &sink.configs[&0] else { panic!("not AAC") };
    let coded = &sink.samples[&0];
    for (index, sample) in coded.iter().enumerate() {
        let start = index as i64 * 1024;
        assert_eq!((sample.dts, sample.pts, sample.duration, sample.keyframe), (start, start, 1024, true));
    }
    assert_eq!(coded.len() as u64, (plan.sample_count + u64::from(*priming)).div_ceil(1024), "no frame too many");
    assert_eq!(summary.samples, plan.sample_count);
    assert_eq!(sink.progress, (plan.sample_count, plan.sample_count));

    let stream: Vec<u8> = coded.iter().flat_map(|sample| adts(config, &sample.data)).collect();
    let aac = folder.path("out.aac");
    std::fs::write(&aac, stream).unwrap();
    let raw = run(["-f", "aac", "-i", aac.to_str().unwrap(), "-f", "f32le", "-"]);
    let all: Vec<f32> = raw.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    let first: Vec<f32> = all.into_iter().step_by(plan.channels as usize).collect();
    let end = *priming as usize + plan.sample_count as usize;
    assert!(first.len() >= end, "{} samples for {end}", first.len());
    Heard { samples: first[*priming as usize..end].to_vec(), plan, summary }
}

/// ISO/IEC 14496-3 §1.A.2.2: one raw frame behind its ADTS header.
pub(crate) fn adts(config: &[u8], frame: &[u8]) -> Vec<u8> {
    let (frequency, channels) = ((config[0] & 7) << 1 | config[1] >> 7, config[1] >> 3 & 15);
    let length = frame.len() as u32 + 7;
    let mut out = vec![0xff, 0xf1, 1 << 6 | frequency << 2 | channels >> 2];
    out.push((channels & 3) << 6 | (length >> 11) as u8);
    out.extend([(length >> 3) as u8, ((length & 7) << 5) as u8 | 0x1f, 0xfc]);
    out.extend(frame);
    out
}

impl Heard {
    /// Times of the loudest samples, one per click.
    fn clicks(&self) -> Vec<i64> {
        let mut found = Vec::new();
        let mut at = 0;
        while let Some(next) = self.samples[at..].iter().position(|sample| sample.abs() > 0.2) {
            let window = at + next..(at + next + 2048).min(self.samples.len());
            let loudest = window.clone().max_by(|a, b| self.samples[*a].abs().total_cmp(&self.samples[*b].abs()));
            found.push(loudest.unwrap() as i64);
            at = window.end;
        }
        found
    }

    pub(crate) fn demand_clicks(&self, seconds: &[f64], what: &str) {
        let expected: Vec<i64> = seconds.iter().map(|at| (at * f64::from(self.plan.sample_rate)) as i64).collect();
        let found = self.clicks();
        let near = found.iter().zip(&expected).all(|(found, wanted)| (found - wanted).abs() <= TOLERANCE);
        assert!(near && found.len() == expected.len(), "{what}: clicks at {found:?} instead of {expected:?}");
    }
}

const VIDEO: &str = "-f lavfi -i color=gray:s=64x64:r=25:d=8";
const COPY: &str = "-map 0:v -map 1:a -c:v libx264 -preset ultrafast -pix_fmt yuv420p";

#[test]
fn a_click_stays_in_its_place_at_every_rate_and_codec() {
    let folder = Folder::new();
    for (rate, out) in [(44_100, 44_100), (48_000, 48_000), (16_000, 48_000), (96_000, 48_000)] {
        clicks(&folder, "clicks.wav", rate, 8.0, &[0.5, 3.0, 7.5]);
        let outputs =
            ["-c:a pcm_s16le a.mov", "-c:a aac -b:a 128k a.mp4", "-c:a flac a.mkv", "-c:a aac -b:a 128k a.ts"];
        // What containers do to times is the same at every rate.
        let outputs = if rate == 44_100 { &outputs[..] } else { &outputs[..1] };
        for output in outputs {
            let file = folder.make(&format!("{VIDEO} -i @clicks.wav {COPY} {output}"));
            let heard = hear(&folder, &file);
            assert_eq!((heard.plan.sample_rate, heard.plan.sample_count), (out, u64::from(out) * 8), "{output}");
            heard.demand_clicks(&[0.5, 3.0, 7.5], &format!("{rate} {output}"));
            // An encoder's padding at the end may be missing.
            assert!(heard.summary.filled_samples < 4096, "{output}: {} filled", heard.summary.filled_samples);
            assert_eq!(heard.summary.damaged_packets, 0);
        }
    }
}

#[test]
fn surround_becomes_stereo_and_mono_stays_mono() {
    let folder = Folder::new();
    clicks(&folder, "clicks.wav", 48_000, 8.0, &[2.0]);
    for (pan, channels, heard_left) in [
        ("pan=5.1|FC=c0", 2, true),
        ("pan=5.1|FL=c0", 2, true),
        ("pan=5.1|FR=c0", 2, false),
        ("pan=5.1|BL=c0", 2, true),
        ("pan=mono|c0=c0", 1, true),
    ] {
        let file = folder.make(&format!("{VIDEO} -i @clicks.wav {COPY} -af {pan} -c:a ac3 -b:a 448k a.mkv"));
        let heard = hear(&folder, &file);
        assert_eq!(heard.plan.channels, channels, "{pan}");
        heard.demand_clicks(if heard_left { &[2.0] } else { &[] }, pan);
    }
}

#[test]
fn sound_that_starts_late_is_led_by_silence() {
    let folder = Folder::new();
    clicks(&folder, "clicks.wav", 44_100, 4.0, &[1.0]);
    for output in ["-c:a pcm_s16le a.mkv", "-c:a aac a.mp4", "-c:a mp2 a.ts"] {
        let heard = hear(&folder, &folder.make(&format!("{VIDEO} -itsoffset 2.5 -i @clicks.wav {COPY} {output}")));
        heard.demand_clicks(&[3.5], output);
        let silent = (2.5 + 1.5) * f64::from(heard.plan.sample_rate);
        assert!((heard.summary.filled_samples as f64 - silent).abs() < 6000.0, "{output}: {:?}", heard.summary);
    }
}

#[test]
fn a_gap_in_the_middle_is_filled_with_silence() {
    let folder = Folder::new();
    clicks(&folder, "clicks.wav", 48_000, 8.0, &[1.0, 7.0]);
    let gap = "-af aselect=lt(t\\,2)+gte(t\\,5)";
    let heard = hear(&folder, &folder.make(&format!("{VIDEO} -i @clicks.wav {COPY} {gap} -c:a pcm_s16le a.mkv")));
    heard.demand_clicks(&[1.0, 7.0], "gap");
    let filled = heard.summary.filled_samples as i64;
    assert!((filled - 3 * 48_000).abs() < 4096, "{filled}");
}

#[test]
fn sound_before_the_first_picture_is_heard_from_its_beginning() {
    let folder = Folder::new();
    clicks(&folder, "clicks.wav", 48_000, 8.0, &[0.5, 5.0]);
    let passthrough = "-fps_mode passthrough";
    let video = "-itsoffset 1.6 -f lavfi -i color=gray:s=64x64:r=25:d=7";
    // The first frame of MPEG audio holds what its encoder puts in front, so that one more picture is shown before.
    for (output, frame) in [("-c:a pcm_s16le a.mkv", 0.0), ("-c:a aac a.mp4", 0.0), ("-c:a mp2 a.ts", 0.04)] {
        let heard = hear(&folder, &folder.make(&format!("{video} -i @clicks.wav {COPY} {passthrough} {output}")));
        assert!(heard.samples.len() >= 8 * 48_000, "{output}");
        heard.demand_clicks(&[0.5 + frame, 5.0 + frame], output);
    }
}

#[test]
fn sound_alone_starts_with_its_first_sample() {
    let folder = Folder::new();
    clicks(&folder, "clicks.wav", 44_100, 5.0, &[1.0, 4.0]);
    for output in ["a.wav", "-c:a aac a.m4a", "-c:a libmp3lame a.mp3", "-c:a flac a.flac"] {
        let heard = hear(&folder, &folder.make(&format!("-i @clicks.wav {output}")));
        heard.demand_clicks(&[1.0, 4.0], output);
        let seconds = heard.plan.sample_count as f64 / 44_100.0;
        assert!((5.0..5.1).contains(&seconds), "{output}: {seconds} s");
    }
}

#[test]
fn damaged_sound_keeps_its_length() {
    let folder = Folder::new();
    clicks(&folder, "clicks.wav", 48_000, 8.0, &[0.5, 7.5]);
    let file = folder.make(&format!("{VIDEO} -i @clicks.wav {COPY} -c:a mp2 a.ts"));
    let mut bytes = std::fs::read(&file).unwrap();
    let (from, to) = (bytes.len() * 2 / 5, bytes.len() * 3 / 5);
    bytes[from..to].iter_mut().for_each(|byte| *byte ^= 0x55);
    std::fs::write(&file, bytes).unwrap();
    hear(&folder, &file).demand_clicks(&[0.5, 7.5], "damaged");
}

/// First channel of coded frames, as FFmpeg decodes them.
fn decoded(folder: &Folder, config: &[u8], channels: u32, frames: &[&[u8]]) -> Vec<f32> {
    let aac = folder.path("frames.aac");
    std::fs::write(&aac, frames.iter().flat_map(|frame| adts(config, frame)).collect::<Vec<u8>>()).unwrap();
    let raw = run(["-f", "aac", "-i", aac.to_str().unwrap(), "-f", "f32le", "-"]);
    let all = raw.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
    all.step_by(channels as usize).collect()
}

#[test]
fn a_part_encoded_by_itself_takes_its_place_in_the_whole_unheard() {
    let folder = Folder::new();
    let tones = "-f lavfi -i aevalsrc=0.3*sin(2*PI*330*t)+0.2*sin(2*PI*(500+20*t)*t)|0.3*sin(2*PI*660*t):s=48000:d=30";
    for name in ["tones.flac", "tones.m4a", "tones.ts"] {
        let codec = if name.ends_with("flac") { "flac" } else { "aac -b:a 256k" };
        let file = folder.make(&format!("{tones} -c:a {codec} {name}"));
        let (mut engine, _, plan) = planned(&file);
        let plan = plan.audio[0].clone();
        let mut coded = |plan: AudioPlan| {
            let mut sink = CollectingSink::new(100_000);
            engine.encode_audio(&AudioOrder { plan, gain_db: 3.0 }, &mut sink).unwrap();
            sink
        };
        // A part of 20 frames in the middle, after a run-up of 16 and before a run-out of 4.
        let (first, run_up, count) = (700usize, 16, 20);
        let part = coded(plan.part((first - run_up) as u64 * 1024, (run_up + count + 4) as u64 * 1024));
        let whole = coded(plan.clone());
        let (CodecConfig::Aac(config), _) = &whole.configs[&0] else { panic!("not AAC") };
        assert_eq!(part.configs[&0], whole.configs[&0]);
        let frames: Vec<&[u8]> = whole.samples[&0].iter().map(|sample| &sample.data[..]).collect();
        let own: Vec<&[u8]> = part.samples[&0].iter().map(|sample| &sample.data[..]).collect();
        let mut mixed = frames.clone();
        mixed[first..first + count].copy_from_slice(&own[run_up..run_up + count]);
        let [one, other] = [&frames, &mixed].map(|frames| decoded(&folder, config, plan.channels, frames));
        // How far the two are below the sound, frame by frame. Inside it is the encoder's own noise, at the seams no more.
        let below_db = |frame: usize| {
            let span = frame * 1024..(frame + 1) * 1024;
            let power = |samples: &mut dyn Iterator<Item = f32>| samples.map(|s| f64::from(s).powi(2)).sum::<f64>();
            let sound = power(&mut one[span.clone()].iter().copied());
            let error = power(&mut one[span.clone()].iter().zip(&other[span]).map(|(one, other)| one - other));
            10.0 * (sound / error.max(1e-12)).log10()
        };
        let found: Vec<f64> = (first - 1..first + count + 2).map(below_db).collect();
        let [before, seam, .., end, after] = found[..] else { panic!() };
        assert!(before > 60.0 && seam > 15.0 && end > 15.0 && after > 60.0, "{name}: {found:?} dB");
        assert!(mixed != frames, "the part is not the whole's by chance");
    }
}
