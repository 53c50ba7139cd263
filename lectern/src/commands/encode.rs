//! `lectern encode`.

use std::path::Path;
use std::sync::Arc;

use media_types::TrackRecord;
use pipeline::Loudness;
use serde_json::json;
use workers::{LocalEvent, LocalResult, SoundLevel};

use crate::cli::Encode;
use crate::exit::Failure;
use crate::ladder_book;
use crate::out;
use crate::report::Report;

pub(crate) async fn run(options: Encode, json: bool) -> Result<(), Failure> {
    let ladder = ladder_book::find(&options.ladder)?;
    let mut engine = crate::engine::find(options.makes).await?;
    // Whoever types this waits for it.
    engine.nice = 0;
    let report = Arc::new(Report::new(json));
    report.stage("probing");
    let shown = report.clone();
    let on_event = Arc::new(move |event| match event {
        LocalEvent::Probed(_) => shown.stage("planning"),
        LocalEvent::Deciding => shown.stage("deciding"),
        LocalEvent::Planned(_) => shown.stage("encoding"),
        LocalEvent::Progress(share) => shown.progress(share),
    });
    let parallel = options.parallel.unwrap_or_else(workers::ranges_at_once);
    let work = workers::encode_local((&options.inputs, &options.out), &ladder, &engine, parallel, on_event);
    let result = tokio::select! {
        result = work => result,
        () = crate::commands::serve::interrupted() => {
            report.finish();
            return Err(Failure::failed("encode.interrupted", "interrupted; nothing was left behind", ""));
        }
    };
    report.finish();
    let result = result?;
    if json { out::line(summary(&options.out, &result)) } else { tell(&options.out, &result) }
}

fn bytes_of(track: &TrackRecord) -> u64 {
    track.segments.iter().map(|segment| segment.size_bytes).sum()
}

fn summary(folder: &Path, result: &LocalResult) -> serde_json::Value {
    let track = |track: &TrackRecord| {
        let quality = result.quality.iter().find(|one| one.track == track.name);
        let mut told = json!({
            "name": track.name,
            "segments": track.segments.len(),
            "samples": track.segments.iter().map(|segment| u64::from(segment.sample_count)).sum::<u64>(),
            "bytes": bytes_of(track),
            "xpsnr_db": quality.map(|one| one.xpsnr_db),
        });
        if let Some(vmaf) = quality.and_then(|one| one.vmaf) {
            told["vmaf"] = json!(vmaf);
        }
        told
    };
    json!({
        "out": folder, "hls": "master.m3u8", "dash": "manifest.mpd", "duration_ms": result.plan.duration_ms,
        "tracks": result.tracks.iter().map(track).collect::<Vec<_>>(),
        "bytes": result.tracks.iter().map(bytes_of).sum::<u64>(), "loudness": result.sound,
        "decision": result.plan.decision, "skipped": result.plan.skipped, "warnings": result.plan.warnings, "missing_pictures": result.missing_pictures,
        "losses": result.losses,
        "scenes": result.plan.video.is_some().then(|| scenes(result)),
    })
}

/// How much of the recording is what, and when its slides change.
fn scenes(result: &LocalResult) -> serde_json::Value {
    let rate =
        result.plan.video.as_ref().map(|video| f64::from(video.frame_rate.num()) / f64::from(video.frame_rate.den()));
    let time_ms = |frame: u64| (frame as f64 * 1000.0 / rate.unwrap_or(1.0)).ceil();
    let changes = result.scenes.changes.iter();
    let changes =
        changes.map(|change| json!({ "time_ms": time_ms(change.frame), "sure_percent": change.sure_percent }));
    json!({ "shares": result.scenes.shares(), "slide_changes": changes.collect::<Vec<_>>() })
}

/// What became of the sound's loudness, in a clause.
fn loudness(sound: &SoundLevel) -> String {
    let level = |found: Loudness| match (found.integrated_lufs, found.true_peak_dbtp) {
        (Some(lufs), Some(peak)) => format!("{lufs:.1} LUFS (true peak {peak:.1} dBTP)"),
        (None, Some(peak)) => format!("too quiet to measure (true peak {peak:.1} dBTP)"),
        (_, None) => "silent".to_owned(),
    };
    if sound.coded.true_peak_dbtp.is_none() {
        return level(sound.coded);
    }
    if sound.source == sound.coded {
        return format!("{}, as loud as the source", level(sound.coded));
    }
    format!("{}, {:+.1} dB from the source's {}", level(sound.coded), sound.gain_db, level(sound.source))
}

fn tell(folder: &Path, result: &LocalResult) -> Result<(), Failure> {
    let names: Vec<_> = result.tracks.iter().map(|track| track.name.as_str()).collect();
    let bytes: u64 = result.tracks.iter().map(bytes_of).sum();
    out::line(format_args!("{}: {} ({:.1} MB)", folder.display(), names.join(", "), bytes as f64 / 1e6))?;
    out::line(format_args!("  HLS   {}", folder.join("master.m3u8").display()))?;
    out::line(format_args!("  DASH  {}", folder.join("manifest.mpd").display()))?;
    for sound in &result.sound {
        let name = if result.sound.len() > 1 { format!("{}: ", sound.track) } else { String::new() };
        out::line(format_args!("  sound {name}{}", loudness(&sound.level)))?;
    }
    for rung in &result.plan.skipped {
        out::line(format_args!("  without {}: {}", rung.name, rung.reason))?;
    }
    for warning in &result.plan.warnings {
        out::line(format_args!("  note: {warning}"))?;
    }
    for loss in &result.losses {
        out::line(format_args!("  lost: {loss}"))?;
    }
    Ok(())
}
