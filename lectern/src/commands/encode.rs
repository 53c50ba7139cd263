//! `lectern encode`.

use std::sync::Arc;

use engine_host::EngineOptions;
use serde_json::json;
use workers::LocalEvent;

use crate::cli::Encode;
use crate::exit::Failure;
use crate::ladder_book;
use crate::report::Report;

pub(crate) async fn run(options: Encode, json: bool) -> Result<(), Failure> {
    let ladder = ladder_book::find(&options.ladder)?;
    let mut engine = EngineOptions::find()?;
    // Whoever types this waits for it.
    engine.nice = 0;
    let report = Arc::new(Report::new(json));
    report.stage("probing");
    let shown = report.clone();
    let on_event = Arc::new(move |event| match event {
        LocalEvent::Probed(_) => shown.stage("planning"),
        LocalEvent::Planned(_) => shown.stage("encoding"),
        LocalEvent::Progress(share) => shown.progress(share),
    });
    let work = workers::encode_local(&options.input, &options.out, &ladder, &engine, on_event);
    let result = tokio::select! {
        result = work => result,
        () = crate::commands::serve::interrupted() => {
            report.finish();
            return Err(Failure::failed("encode.interrupted", "interrupted; nothing was left behind", ""));
        }
    };
    report.finish();
    let result = result?;
    let bytes: u64 = result.tracks.iter().flat_map(|track| &track.segments).map(|segment| segment.size_bytes).sum();
    if json {
        let tracks: Vec<_> = result
            .tracks
            .iter()
            .map(|track| {
                json!({
                    "name": track.name,
                    "segments": track.segments.len(),
                    "samples": track.segments.iter().map(|segment| u64::from(segment.sample_count)).sum::<u64>(),
                    "bytes": track.segments.iter().map(|segment| segment.size_bytes).sum::<u64>(),
                })
            })
            .collect();
        println!(
            "{}",
            json!({
                "out": options.out, "hls": "master.m3u8", "dash": "manifest.mpd", "duration_ms": result.plan.duration_ms,
                "tracks": tracks, "bytes": bytes, "skipped": result.plan.skipped, "warnings": result.plan.warnings,
                "missing_pictures": result.missing_pictures,
            })
        );
        return Ok(());
    }
    let names: Vec<_> = result.tracks.iter().map(|track| track.name.as_str()).collect();
    println!("{}: {} ({:.1} MB)", options.out.display(), names.join(", "), bytes as f64 / 1e6);
    println!("  HLS   {}", options.out.join("master.m3u8").display());
    println!("  DASH  {}", options.out.join("manifest.mpd").display());
    for rung in &result.plan.skipped {
        println!("  without {}: {}", rung.name, rung.reason);
    }
    for warning in &result.plan.warnings {
        println!("  note: {warning}");
    }
    if result.missing_pictures > 0 {
        println!("  note: {} pictures could not be decoded; the ones before them were held", result.missing_pictures);
    }
    Ok(())
}
