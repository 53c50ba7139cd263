//! Sound at its loudness, as FFmpeg's meter hears what comes out.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;

use engine_libav::LibavEngine;
use media_types::{AudioPlan, CodecConfig, LoudnessTarget};
use pipeline::{AudioOrder, AudioSummary, CollectingSink, Engine, Loudness};

use crate::media::{FileSource, Folder, planned};
use crate::sound::adts;

const TARGET: LoudnessTarget = LoudnessTarget { integrated_lufs: -16.0, max_true_peak_dbtp: -1.0 };
/// What AAC may add to a peak, in decibels.
const AAC_PEAK: f64 = 0.5;

/// Integrated loudness and true peak of a file, as FFmpeg finds them; `None` below the gate or of silence.
pub(crate) fn heard(file: &Path) -> (Option<f64>, Option<f64>) {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "info", "-nostats", "-i"]).arg(file);
    let output = command.args(["-af", "ebur128=peak=true", "-f", "null", "-"]).stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    let summary = text.rsplit_once("Summary:").unwrap_or_else(|| panic!("{text}")).1;
    let value = |name: &str| {
        let line = summary.lines().find_map(|line| line.trim().strip_prefix(name)).unwrap();
        line.split_whitespace().next().unwrap().parse::<f64>().unwrap()
    };
    let above = |value: f64, floor: f64| Some(value).filter(|value| *value > floor);
    (above(value("I:"), -70.0), above(value("Peak:"), -100.0))
}

struct Levelled {
    measured: Loudness,
    gain_db: f64,
    summary: AudioSummary,
    /// Of the decoded result, as FFmpeg finds it.
    lufs: Option<f64>,
    peak: Option<f64>,
}

/// Measures the windows and encodes with their gain.
fn level(folder: &Folder, file: &Path) -> Levelled {
    let (mut engine, _, plan) = planned(file);
    let plan = plan.audio[0].clone();
    assert_eq!(plan.loudness, Some(TARGET));
    let measured = engine.measure_audio(&plan).unwrap();
    let gain_db = measured.gain_db(&TARGET);
    let (summary, sink) = encode(&mut engine, &plan, gain_db);
    let (CodecConfig::Aac(config), priming) = &sink.configs[&0] else { panic!("not AAC") };
    let coded = &sink.samples[&0];
    assert_eq!(coded.len() as u64, (plan.sample_count + u64::from(*priming)).div_ceil(1024));
    let aac = folder.path("levelled.aac");
    std::fs::write(&aac, coded.iter().flat_map(|sample| adts(config, &sample.data)).collect::<Vec<u8>>()).unwrap();
    let (lufs, peak) = heard(&aac);
    Levelled { measured, gain_db, summary, lufs, peak }
}

fn encode(engine: &mut LibavEngine, plan: &AudioPlan, gain_db: f64) -> (AudioSummary, CollectingSink) {
    let mut sink = CollectingSink::new(100_000);
    let summary = engine.encode_audio(&AudioOrder { plan: plan.clone(), gain_db }, &mut sink).unwrap();
    assert_eq!(summary.samples, plan.sample_count);
    (summary, sink)
}

/// Talking at a distance: noise of a voice's range in syllables.
const SPEECH: &str = "anoisesrc=c=pink:a=0.4:r=48000:d=12:seed=7,highpass=f=150,lowpass=f=4000,tremolo=f=4:d=0.8";
/// Dense and loud, with the tops cut off.
const CLIPPED: &str = "aevalsrc=sin(2*PI*110*t)+sin(2*PI*277*t)+0.7*sin(2*PI*1234*t)+0.5*sin(2*PI*5003*t)|\
                       sin(2*PI*110*t)+sin(2*PI*330*t)+0.7*sin(2*PI*1480*t)+0.5*sin(2*PI*7001*t):s=44100:d=12";

#[test]
fn sound_of_any_loudness_comes_out_at_the_target() {
    let folder = Folder::new();
    let video = "-f lavfi -i color=gray:s=64x64:r=25:d=14 -itsoffset 2";
    let of_video = "-map 0:v -map 1:a -c:v libx264 -preset ultrafast -pix_fmt yuv420p";
    for (what, arguments) in [
        ("quiet speech", format!("-f lavfi -i {SPEECH} -ac 2 -c:a pcm_s16le a.wav")),
        ("quiet speech in one channel", format!("-f lavfi -i {SPEECH} -ac 1 -c:a flac a.flac")),
        ("clipped music", format!("-f lavfi -i {CLIPPED} -c:a pcm_s16le a.wav")),
        ("surround", format!("-f lavfi -i {SPEECH},pan=5.1|FL=c0|FR=0.5*c0|FC=c0|BL=0.3*c0|BR=0.3*c0 -c:a ac3 a.mka")),
        ("sound that starts late", format!("{video} -f lavfi -i {SPEECH} {of_video} -c:a aac a.mp4")),
    ] {
        let made = level(&folder, &folder.make(&arguments));
        assert_eq!(made.measured, made.summary.source, "{what}: what is short is measured whole");
        let (lufs, peak) = (made.lufs.unwrap(), made.peak.unwrap());
        assert!((lufs - TARGET.integrated_lufs).abs() < 0.5, "{what}: {lufs} LUFS after {} dB", made.gain_db);
        assert!(peak <= TARGET.max_true_peak_dbtp + AAC_PEAK, "{what}: {peak} dBTP");
        let coded = made.summary.coded;
        assert!((coded.integrated_lufs.unwrap() - lufs).abs() < 0.3, "{what}: {coded:?} and {lufs}");
        assert!(coded.true_peak_dbtp.unwrap() <= TARGET.max_true_peak_dbtp + 0.1, "{what}: {coded:?}");
    }
}

#[test]
fn the_meter_agrees_with_that_of_ffmpeg() {
    let folder = Folder::new();
    for source in [SPEECH, CLIPPED] {
        let file = folder.make(&format!("-f lavfi -i {source} -ac 2 -c:a pcm_s16le a.wav"));
        let (lufs, peak) = heard(&file);
        let measured = level(&folder, &file).measured;
        assert!((measured.integrated_lufs.unwrap() - lufs.unwrap()).abs() < 0.15, "{measured:?}, {lufs:?}");
        assert!((measured.true_peak_dbtp.unwrap() - peak.unwrap()).abs() < 0.3, "{measured:?}, {peak:?}");
    }
}

#[test]
fn peaks_above_a_quiet_recording_are_limited() {
    let folder = Folder::new();
    // A voice, and two claps far above it.
    let claps = "aeval=val(0)+0.5*lt(mod(t\\,6)\\,0.003)*sin(2*PI*900*t)";
    let made = level(&folder, &folder.make(&format!("-f lavfi -i {SPEECH},volume=0.5,{claps} -c:a pcm_s16le a.wav")));
    let before = made.summary.source;
    assert!(
        before.true_peak_dbtp.unwrap() + made.gain_db > 3.0,
        "the gain lifts the claps: {before:?}, {}",
        made.gain_db
    );
    assert!(made.peak.unwrap() <= TARGET.max_true_peak_dbtp + AAC_PEAK, "{:?}", made.peak);
    assert!((made.lufs.unwrap() - TARGET.integrated_lufs).abs() < 1.0, "{:?}", made.lufs);
}

#[test]
fn silence_and_what_is_too_short_to_measure_stay_as_they_are() {
    let folder = Folder::new();
    let made = level(&folder, &folder.make("-f lavfi -i anullsrc=r=48000:d=5 -c:a pcm_s16le a.wav"));
    assert_eq!((made.gain_db, made.summary.source, made.lufs), (0.0, Loudness::default(), None));
    let made = level(&folder, &folder.make("-f lavfi -i sine=f=440:r=48000:d=0.2 -ac 2 -c:a pcm_s16le a.wav"));
    assert_eq!((made.gain_db, made.measured.integrated_lufs), (0.0, None));
    assert_eq!(made.summary.coded.true_peak_dbtp, made.summary.source.true_peak_dbtp);
}

/// Loud and quiet in turns of twenty seconds.
fn turns(seconds: u32) -> String {
    let volume = "volume=if(lt(mod(t\\,40)\\,20)\\,0.05\\,1):eval=frame";
    format!("-f lavfi -i anoisesrc=c=pink:a=0.2:r=48000:d={seconds},{volume}")
}

/// Measures the windows of a file; also says which share of its bytes were read for that.
fn measure(file: &Path) -> (Loudness, f64) {
    let plan = planned(file).2.audio[0].clone();
    let source = FileSource::new(file);
    let read = source.read.clone();
    let mut engine = LibavEngine::open(Box::new(source)).unwrap();
    let measured = engine.measure_audio(&plan).unwrap();
    let share = read.load(Ordering::Relaxed) as f64 / file.metadata().unwrap().len() as f64;
    assert_eq!(engine.measure_audio(&plan).unwrap(), measured, "once more");
    (measured, share)
}

#[test]
fn windows_are_like_the_whole_in_every_container() {
    let folder = Folder::new();
    folder.make(&format!("{} -ac 1 -c:a pcm_s16le turns.wav", turns(80)));
    for output in [
        "-c:a aac -b:a 96k a.m4a",
        "-c:a aac -b:a 96k a.mka",
        "-c:a mp2 -b:a 128k a.ts",
        "-c:a libmp3lame -b:a 96k a.mp3",
        "-c:a flac a.flac",
        "-c:a libopus -b:a 64k a.ogg",
    ] {
        let file = folder.make(&format!("-i @turns.wav {output}"));
        let (measured, exact) = (measure(&file).0.integrated_lufs.unwrap(), heard(&file).0.unwrap());
        assert!((measured - exact).abs() < 0.5, "{output}: {measured} instead of {exact}");
    }
}

#[test]
fn of_a_long_recording_only_the_windows_are_read() {
    let folder = Folder::new();
    let file = folder.make(&format!("{} -ac 2 -c:a pcm_s16le a.wav", turns(240)));
    let (measured, share) = measure(&file);
    let exact = heard(&file).0.unwrap();
    assert!((measured.integrated_lufs.unwrap() - exact).abs() < 0.5, "{measured:?} instead of {exact}");
    assert!(share < 0.5, "{share} of its bytes were read");
}

#[test]
fn sound_below_the_ceiling_that_needs_no_gain_is_not_touched() {
    let folder = Folder::new();
    let file = folder.make(&format!("-f lavfi -i {SPEECH} -ac 2 -c:a pcm_s16le a.wav"));
    let (mut engine, _, plan) = planned(&file);
    let plan = plan.audio[0].clone();
    let (levelled, bytes) = encode(&mut engine, &plan, 0.0);
    assert_eq!(levelled.source, levelled.coded);
    let as_it_is = AudioPlan { loudness: None, ..plan };
    let (summary, same) = encode(&mut engine, &as_it_is, 6.0);
    assert_eq!((summary, same), (levelled, bytes), "the target alone, and no gain without one");
}

#[test]
fn samples_that_are_no_numbers_are_silence() {
    let folder = Folder::new();
    let file = folder.make(&format!("-f lavfi -i {SPEECH} -ac 1 -c:a pcm_f32le a.wav"));
    let mut bytes = std::fs::read(&file).unwrap();
    let data = bytes.windows(4).position(|word| word == b"data").unwrap() + 8;
    for (at, value) in [(25_000, f32::NAN), (50_000, f32::INFINITY), (75_000, f32::MAX), (100_000, -f32::MAX)] {
        bytes[data + at * 4..][..4].copy_from_slice(&value.to_le_bytes());
    }
    std::fs::write(&file, bytes).unwrap();
    let made = level(&folder, &file);
    assert!((made.lufs.unwrap() - TARGET.integrated_lufs).abs() < 1.0, "{:?}", made.lufs);
    assert!(made.peak.unwrap() <= TARGET.max_true_peak_dbtp + AAC_PEAK, "{:?}", made.peak);
}
